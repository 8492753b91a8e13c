#include "analyzer/evaluate/setup.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/formats.h"
#include "analyzer/machine/build_machine.h"
#include "analyzer/machine/machine.h"

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
                             : kDefaultContext);
  return scenario;
}

namespace {

bool HasExperts(const Model& model) {
  return std::any_of(model.block().begin(), model.block().end(),
                     [](const Block& block) { return block.has_moe(); });
}

// The rates of a machine's in-memory arrays.
std::vector<RateStructure> RatesOfArrays(const Hardware& hardware) {
  std::vector<RateStructure> rates;
  for (int i = 0; i < hardware.engine_size(); ++i) {
    const ComputeEngine& engine = hardware.engine(i);
    // Every answer comes by here; finding the formats of other engines takes time.
    if (engine.kind() != ComputeEngine::DIGITAL_IMC &&
        engine.kind() != ComputeEngine::ANALOG_IMC) {
      continue;
    }
    for (const ComputeEngine::FormatRate& rate : engine.rate()) {
      rates.push_back(machine_internal::RateStructureOf(rate, engine, i));
    }
  }
  return rates;
}

// The products of a model that have weights, with the formats of both operands.
struct ProductFormats {
  ComputeEngine::Products products;
  const NumberFormat* weights;
  const NumberFormat* inputs;
};

std::vector<ProductFormats> ProductsOf(const Model& model,
                                       const Scenario& scenario) {
  const TensorFormats formats = ResolveFormats(model, scenario);
  std::vector<ProductFormats> products;
  for (const NumberFormat* format : {formats.linear, formats.mixers}) {
    products.push_back(
        {ComputeEngine::LINEAR, format, &formats.ActivationsFor(*format)});
  }
  if (HasExperts(model)) {
    products.push_back({ComputeEngine::EXPERTS, formats.experts,
                        &formats.ExpertActivationsFor(*formats.experts)});
  }
  const NumberFormat& head = KernelFormat(*formats.lm_head);
  products.push_back(
      {ComputeEngine::LM_HEAD, &head, &formats.ActivationsFor(head)});
  return products;
}

bool Runs(const RateStructure& rate, const ProductFormats& product) {
  return (rate.runs >> product.products & 1) != 0 &&
         TakesWeights(rate, *product.weights) &&
         rate.inputs == product.inputs;
}

bool RunsAny(const std::vector<RateStructure>& rates,
             const std::vector<ProductFormats>& products) {
  for (const RateStructure& rate : rates) {
    for (const ProductFormats& product : products) {
      if (Runs(rate, product)) return true;
    }
  }
  return false;
}

}  // namespace

Scenario InServedFormats(const Hardware& hardware, const Model& model,
                         Scenario scenario) {
  const std::vector<RateStructure> rates = RatesOfArrays(hardware);
  if (rates.empty()) return scenario;
  // What decides is the matrices of the layers, if the arrays run these.
  const std::vector<ProductFormats> products = ProductsOf(model, scenario);
  const bool run_layers =
      std::any_of(rates.begin(), rates.end(), [&](const RateStructure& rate) {
        return (rate.runs >> ComputeEngine::LINEAR & 1) != 0;
      });
  if (RunsAny(rates, run_layers ? std::vector<ProductFormats>{products.front()}
                                : products)) {
    return scenario;
  }
  const NumberFormat& weights = *ResolveFormats(model, scenario).linear;
  // The widest inputs with those weights, else the widest weights.
  const auto best = [&](const auto& takes) {
    const RateStructure* widest = nullptr;
    for (const RateStructure& rate : rates) {
      if (!takes(rate)) continue;
      const auto width = [](const RateStructure& of) {
        return std::make_pair(of.format->operand_bits, of.inputs->operand_bits);
      };
      if (widest == nullptr || width(*widest) < width(rate)) widest = &rate;
    }
    return widest;
  };
  const auto inputs_free = [&](const RateStructure& rate) {
    return scenario.activations().empty() ||
           rate.inputs->name == scenario.activations();
  };
  const RateStructure* taken = best([&](const RateStructure& rate) {
    return TakesWeights(rate, weights) && inputs_free(rate);
  });
  if (taken == nullptr && scenario.weights().empty()) {
    taken = best(inputs_free);
    if (taken != nullptr) scenario.set_weights(std::string(taken->format->name));
  }
  if (taken != nullptr && scenario.activations().empty()) {
    scenario.set_activations(std::string(taken->inputs->name));
  }
  return scenario;
}

absl::Status CheckServedFormats(const Hardware& hardware, const Model& model,
                                const Scenario& scenario) {
  const std::vector<RateStructure> rates = RatesOfArrays(hardware);
  if (rates.empty()) return absl::OkStatus();
  const std::vector<ProductFormats> products = ProductsOf(model, scenario);
  if (RunsAny(rates, products)) return absl::OkStatus();
  std::vector<std::string> pairs;
  for (const RateStructure& rate : rates) {
    std::string pair = absl::StrCat("--weights=", rate.format->name,
                                    " --activations=", rate.inputs->name);
    if (std::find(pairs.begin(), pairs.end(), pair) == pairs.end()) {
      pairs.push_back(std::move(pair));
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "scenario.weights: the arrays of ", hardware.name(), " take no ",
      products.front().weights->name, " weights with ",
      products.front().inputs->name, " activations; expected ",
      absl::StrJoin(pairs, " or "), ", or neither of the two"));
}

Scenario ServedBy(const Hardware& hardware, const Model& model,
                  Scenario scenario) {
  scenario = InServedFormats(hardware, model, std::move(scenario));
  const Runtime& runtime = hardware.runtime();
  const bool has_experts = HasExperts(model);
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
  // How tokens choose experts is a matter of the traffic, even if the runtime's
  // rows have decided it: a bound reads the same experts.
  if (scenario.ideal()) return scenario;
  if (scenario.kv_page_tokens() == 0 && !model.has_network()) {
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

namespace {

// Bytes that weights and caches may take on a machine, GB.
double UsableGb(const Hardware& hardware) {
  const MemoryLevel& store = hardware.memory(0);
  const Runtime& runtime = hardware.runtime();
  const double capacity =
      store.has_capacity_gb()
          ? store.capacity_gb().value()
          : store.devices().value() *
                store.technology().capacity_gb_per_device().value();
  const double fraction = runtime.has_memory_fraction()
                              ? runtime.memory_fraction().value()
                              : 1;
  return std::max(0.0, capacity * fraction - runtime.reserved_gb().value());
}

}  // namespace

std::vector<int64_t> SplitOf(const Setup& setup) {
  const int machines = 1 + setup.hardware.stage_size();
  std::vector<int64_t> split;
  if (machines == 1) return split;
  const absl::string_view text = setup.scenario.split();
  if (!text.empty()) {
    absl::StatusOr<std::vector<int64_t>> given =
        ParseSplit(text, machines, setup.model);
    if (given.ok()) return *std::move(given);
  }
  std::vector<double> room = {UsableGb(setup.hardware)};
  for (const Hardware& stage : setup.hardware.stage()) {
    room.push_back(UsableGb(stage));
  }
  double all = 0;
  for (const double gb : room) all += gb;
  const int64_t layers = TotalLayers(setup.model);
  // Each stage ends at the layer nearest to its share, with a layer at least.
  double sum = 0;
  int64_t taken = 0;
  for (int i = 0; i < machines; ++i) {
    sum += room[i];
    const int64_t left = machines - 1 - i;
    int64_t end = all > 0 ? std::llround(static_cast<double>(layers) * sum / all)
                          : layers * (i + 1) / machines;
    end = std::min(std::max(end, taken + 1), layers - left);
    split.push_back(end - taken);
    taken = end;
  }
  return split;
}

absl::optional<LayerPlacement> LayerPlacementOf(const Setup& setup) {
  const absl::StatusOr<Offload> offload =
      ParseOffload(setup.scenario.offload(), setup.model);
  const bool offloads =
      offload.ok() && offload->Any() && !offload->automatic;
  if (!offloads && setup.hardware.stage_size() == 0) return absl::nullopt;
  return LayerPlacementOf(setup.model, offloads ? *offload : Offload(),
                     SplitOf(setup));
}

ResolvedSetup::ResolvedSetup(Setup setup) : setup_(std::move(setup)) {
  if (!setup_.scenario.offload().empty() || setup_.hardware.stage_size() > 0) {
    placement_ = LayerPlacementOf(setup_);
  }
  const Scenario given = WithContext(std::move(setup_.scenario));
  const Runtime& runtime = setup_.hardware.runtime();
  setup_.scenario = ServedBy(setup_.hardware, setup_.model, given);
  if (given.weights().empty() && !setup_.scenario.weights().empty()) {
    formats_note_ = absl::StrCat(
        "arrays of ", setup_.hardware.name(), " take ",
        setup_.scenario.weights(), " weights by ",
        setup_.scenario.activations(), " activations; the checkpoint has ",
        ResolveFormats(setup_.model, given).linear->name);
  } else if (given.activations().empty() &&
             !setup_.scenario.activations().empty()) {
    formats_note_ = absl::StrCat(
        "activations in ", setup_.scenario.activations(), ": what the arrays of ",
        setup_.hardware.name(), " take with these weights");
  }
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
  equal_quality_ = step.equal_quality;
  const std::string& boundary = setup_.scenario.boundary();
  boundary_ = boundary.empty() ? static_cast<int>(kDefaultBoundary)
                               : BoundaryIndex(boundary);
}

Scenario ResolvedSetup::Described() const {
  return ResolveScenario(setup_.model, setup_.scenario);
}

}  // namespace tokenjoule
