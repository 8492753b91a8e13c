#include "analyzer/search/figures.h"

#include "analyzer/description/boundary.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/machine/in_memory.h"
#include "google/protobuf/descriptor.h"

namespace tokenjoule {

StepFacts<> FactsOf(const Model& model, const Scenario& scenario,
                    const Evaluation<>& evaluation, const Machine<>& machine) {
  return FactsFrom(evaluation.ledger, evaluation.step, machine,
                   BoundaryIndex(ResolveScenario(model, scenario).boundary()));
}

SweepFigures ToProto(const FigureValues<double>& values) {
  SweepFigures figures;
  for (int i = 0; i < kNumFigures; ++i) {
    const double value = i == kNoise ? SnrDb(values[i]) : values[i];
    // A machine with DRAM always spends something on it.
    if ((i == kDramShare || i == kStackShare) && value == 0) continue;
    figures.GetReflection()->SetDouble(
        &figures, SweepFigures::descriptor()->FindFieldByNumber(i + 1), value);
  }
  return figures;
}

int FigureIndex(const std::string& metric) {
  return SweepFigures::descriptor()->FindFieldByName(metric)->number() - 1;
}

}  // namespace tokenjoule
