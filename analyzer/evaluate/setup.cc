#include "analyzer/evaluate/setup.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
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

Scenario ServedBy(const Runtime& runtime, const Model& model,
                  Scenario scenario) {
  if (scenario.ideal()) return scenario;
  const bool has_experts =
      std::any_of(model.block().begin(), model.block().end(),
                  [](const Block& block) { return block.has_moe(); });
  if (has_experts && !scenario.has_routing() &&
      runtime.has_routing_exponent()) {
    // In a scenario an exponent of 0 means 1; in a runtime it means that all
    // experts are equally popular.
    scenario.set_routing(runtime.routing_exponent().value() > 0 ? POWER_LAW
                                                                : COVERAGE);
  }
  if (scenario.routing() == POWER_LAW && scenario.routing_exponent() == 0 &&
      runtime.has_routing_exponent()) {
    scenario.set_routing_exponent(runtime.routing_exponent().value());
  }
  if (scenario.kv_page_tokens() == 0) {
    scenario.set_kv_page_tokens(runtime.kv_page_tokens());
  }
  if (CarriesPrompts(scenario) && scenario.step_token_budget() == 0) {
    scenario.set_step_token_budget(runtime.step_token_budget().value());
  }
  if (has_experts && scenario.expert_activations().empty() &&
      scenario.activations().empty()) {
    const absl::string_view experts =
        ResolveFormats(model, scenario).experts->name;
    for (const FormatKernels& kernels : runtime.kernels()) {
      if (kernels.format() != experts) continue;
      scenario.set_expert_activations(kernels.expert_activations());
    }
  }
  return scenario;
}

ResolvedSetup::ResolvedSetup(Setup setup) : setup_(std::move(setup)) {
  const Scenario given = WithContext(std::move(setup_.scenario));
  const Runtime& runtime = setup_.hardware.runtime();
  setup_.scenario = ServedBy(runtime, setup_.model, given);
  // What the runtime decided moves within the runtime's range.
  const auto add = [&](double end, auto change) {
    variants_.push_back(setup_.scenario);
    change(end, &variants_.back());
  };
  if (given.routing_exponent() == 0 && setup_.scenario.routing_exponent() > 0 &&
      runtime.has_routing_exponent()) {
    const auto change = [](double end, Scenario* scenario) {
      scenario->set_routing(end > 0 ? POWER_LAW : COVERAGE);
      scenario->set_routing_exponent(end);
    };
    add(runtime.routing_exponent().low(), change);
    add(runtime.routing_exponent().high(), change);
  }
  if (given.step_token_budget() == 0 &&
      setup_.scenario.step_token_budget() > 0) {
    const auto change = [](double end, Scenario* scenario) {
      scenario->set_step_token_budget(end);
    };
    add(runtime.step_token_budget().low(), change);
    add(runtime.step_token_budget().high(), change);
  }
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
