#include "analyzer/evaluate/setup.h"

#include <string>
#include <utility>

#include "analyzer/description/boundary.h"
#include "analyzer/description/catalog.h"

namespace tokenjoule {

absl::StatusOr<absl::optional<Model>> LoadDraft(const Scenario& scenario) {
  const std::string& name = scenario.speculation().draft_model();
  absl::optional<Model> draft;
  if (name.empty() || name == "mtp") return draft;
  absl::StatusOr<Model> loaded = LoadModel(name);
  if (!loaded.ok()) return loaded.status();
  draft = *std::move(loaded);
  return draft;
}

Scenario DefaultScenario() {
  Scenario scenario;
  scenario.set_batch(1);
  scenario.set_tp(1);
  scenario.set_pp(1);
  scenario.set_dp(1);
  scenario.set_ep(1);
  return scenario;
}

Scenario WithContext(Scenario scenario) {
  if (scenario.has_context()) return scenario;
  // Sequences in flight are on average half-way through their output.
  const bool mixed = scenario.prompt() > 0 && scenario.output() > 0;
  scenario.set_context(mixed ? scenario.prompt() + scenario.output() / 2
                             : 2048);
  return scenario;
}

ResolvedSetup::ResolvedSetup(Setup setup) : setup_(std::move(setup)) {
  setup_.scenario = WithContext(std::move(setup_.scenario));
  const StepSetup step =
      ResolveStep(setup_.model, setup_.scenario, draft_or_null());
  formats_ = step.formats;
  draft_formats_ = step.draft_formats;
  parallel_ = step.parallel;
  const std::string& boundary = setup_.scenario.boundary();
  boundary_ = boundary.empty() ? static_cast<int>(kDefaultBoundary)
                               : BoundaryIndex(boundary);
}

Scenario ResolvedSetup::Described() const {
  return ResolveScenario(setup_.model, setup_.scenario);
}

}  // namespace tokenjoule
