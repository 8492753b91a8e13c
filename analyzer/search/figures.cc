#include "analyzer/search/figures.h"

#include "analyzer/description/architecture.h"
#include "analyzer/description/boundary.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/machine/in_memory.h"
#include "analyzer/quality/scaling_laws.h"
#include "google/protobuf/descriptor.h"

namespace tokenjoule {

ModelFacts ModelFactsOf(const Model& model, const Scenario& scenario,
                        const Ledger<>& ledger) {
  ModelFacts facts;
  facts.parameters = ledger.parameters;
  facts.active_parameters = ledger.active_parameters;
  facts.aspect_ratio = AspectRatio(model);
  const absl::optional<QualityFigures> quality =
      QualityFor(model, scenario, ledger);
  if (quality.has_value()) {
    facts.effective_parameters = quality->effective_parameters;
    facts.loss = quality->loss;
  }
  return facts;
}

StepFacts<> FactsOf(const Model& model, const Scenario& scenario,
                    const Evaluation<>& evaluation, const Machine<>& machine) {
  return FactsFrom(evaluation.ledger, evaluation.step, machine,
                   BoundaryIndex(ResolveScenario(model, scenario).boundary()),
                   ModelFactsOf(model, scenario, evaluation.ledger));
}

SweepFigures ToProto(const FigureValues<double>& values) {
  SweepFigures figures;
  for (int i = 0; i < kNumFigures; ++i) {
    const double value = i == kNoise ? SnrDb(values[i]) : values[i];
    // A machine with DRAM always spends something on it.
    if ((i == kDramShare || i == kStackShare) && value == 0) continue;
    figures.GetReflection()->SetDouble(
        &figures, SweepFigures::descriptor()->field(i), value);
  }
  return figures;
}

int FigureIndex(const std::string& metric) {
  return SweepFigures::descriptor()->FindFieldByName(metric)->index();
}

}  // namespace tokenjoule
