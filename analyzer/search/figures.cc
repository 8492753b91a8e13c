#include "analyzer/search/figures.h"

#include "analyzer/cost/occupancy.h"
#include "analyzer/description/boundary.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/machine/in_memory.h"
#include "google/protobuf/descriptor.h"

namespace tokenjoule {

StepFacts FactsOf(const Model& model, const Scenario& scenario,
                  const Evaluation<>& evaluation, const Machine<>& machine) {
  const Occupancy occupancy = OccupancyOf(evaluation.ledger, machine);
  StepFacts facts;
  facts.tokens = evaluation.step.tokens;
  facts.tokens_per_sequence = evaluation.ledger.tokens_per_sequence;
  facts.chips = evaluation.step.chips;
  facts.store_used_bytes = InBytes(occupancy.StoreUsed());
  facts.array_used_bytes = InBytes(occupancy.in_arrays);
  facts.array_bytes = InBytes(occupancy.array_capacity);
  facts.boundary = BoundaryIndex(ResolveScenario(model, scenario).boundary());
  return facts;
}

SweepFigures ToProto(const FigureValues<double>& values) {
  SweepFigures figures;
  for (int i = 0; i < kNumFigures; ++i) {
    const double value = i == kNoise ? SnrDb(values[i]) : values[i];
    figures.GetReflection()->SetDouble(
        &figures, SweepFigures::descriptor()->FindFieldByNumber(i + 1), value);
  }
  return figures;
}

int FigureIndex(const std::string& metric) {
  return SweepFigures::descriptor()->FindFieldByName(metric)->number() - 1;
}

}  // namespace tokenjoule
