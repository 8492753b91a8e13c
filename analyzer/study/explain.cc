#include "analyzer/study/explain.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "analyzer/cost/kernel.h"
#include "analyzer/cost/limits.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/formats.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/study_data.h"
#include "analyzer/description/validate.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/evaluate/figures.h"
#include "analyzer/machine/machine.h"
#include "analyzer/machine/terms.h"
#include "ceres/jet.h"
#include "google/protobuf/descriptor.h"
#include "proto/constant.pb.h"
#include "proto/options.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;

// Number of derivatives per pass of the kernel.
constexpr int kLanes = 8;
using Dual = ceres::Jet<double, kLanes>;

// A term or a figure: the things that `explain` has formulas for.
struct Target {
  absl::string_view name, label, formula;
  // Exactly one of the two is set.
  TermIndex term = kNumEnergyTerms;
  FigureOfAnswer figure = kNumFiguresOfAnswer;
};

std::vector<Target> Targets() {
  std::vector<Target> targets;
  for (int i = 0; i < kNumEnergyTerms; ++i) {
    const EnergyTermRow& row = kEnergyTerms[i];
    targets.push_back({row.name, row.label, row.formula,
                       static_cast<TermIndex>(i), kNumFiguresOfAnswer});
  }
  for (int i = 0; i < kNumFiguresOfAnswer; ++i) {
    const FigureOfAnswerRow& row = kFiguresOfAnswer[i];
    targets.push_back({row.name, row.label, row.formula, kNumEnergyTerms,
                       static_cast<FigureOfAnswer>(i)});
  }
  return targets;
}

// The canonical form of a name that people may type in any case, with spaces or
// dashes.
std::string Folded(absl::string_view name) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(name),
                             {{" ", "_"}, {"-", "_"}});
}

absl::optional<Target> FindTarget(absl::string_view what) {
  for (const Target& target : Targets()) {
    if (Folded(target.name) == Folded(what) ||
        Folded(target.label) == Folded(what)) {
      return target;
    }
  }
  return absl::nullopt;
}

Dual IntensityOf(const Evaluation<Dual>& at, const Machine<Dual>& machine) {
  Work<Dual> flop;
  Data<Dual> bytes;
  // Padded rows are no work of the model.
  for (const Operator<Dual>& op : at.ledger.operators) {
    flop += op.matmul_flop * op.count;
  }
  for (const LoweredOperator<Dual>& op : at.step.operators) {
    if (!op.is_kernel) continue;
    const Traffic<Dual> traffic = TrafficOf(op, machine, 0);
    bytes += (traffic.read + traffic.write) * op.count;
  }
  return InFlopPerByte(flop / bytes);
}

Dual LargestBatchOf(const Evaluation<Dual>& at, const Machine<Dual>& machine) {
  Data<Dual> weights;
  for (const Data<Dual>& part : at.ledger.weight_footprint) weights += part;
  const Data<Dual> room =
      machine.costs.levels[0].usable_capacity * at.step.chips - weights;
  return room / at.ledger.sequence_footprint;
}

Dual RidgeOf(const ResolvedSetup& setup, const Machine<Dual>& machine) {
  const TensorFormats& formats = setup.formats();
  const int rate =
      RateIndex(machine.structure, *formats.linear,
                formats.ActivationsFor(*formats.linear), ComputeEngine::LINEAR);
  return InFlopPerByte(machine.costs.rates[rate].peak /
                       machine.costs.levels[0].peak_bandwidth);
}

// The target at a setup, with its derivatives.
Dual ValueOf(const Target& target, const ResolvedSetup& setup,
             const Evaluation<Dual>& at, const Machine<Dual>& machine) {
  const EnergyTerms<Dual>& terms = at.cost.terms;
  if (target.term != kNumEnergyTerms) {
    return InJoules(at.PerToken(terms[target.term]));
  }
  const Dual inside = InJoules(EnergyInside(terms, setup.boundary()));
  const Dual time = InSeconds(at.cost.step_time);
  switch (target.figure) {
    case kEnergyPerToken:
      return inside / at.step.tokens;
    case kStepTimeFigure:
      return time;
    case kTokensPerSecond:
      return at.step.tokens / time;
    case kPowerDrawn:
      return inside / time;
    case kStackEnergyShare:
      return EnergyInside(terms, kStackBoundary) /
             EnergyInside(terms, kBoardBoundary);
    case kDramEnergyShare:
      return EnergyInside(terms, kMemoryPathBoundary) /
             EnergyInside(terms, kBoardBoundary);
    case kArithmeticIntensity:
      return IntensityOf(at, machine);
    case kRidgePoint:
      return RidgeOf(setup, machine);
    case kMaxBatch:
      return LargestBatchOf(at, machine);
    case kAreaFigure:
      return machine.costs.area_mm2;
    case kCostFigure:
      return machine.costs.cost_usd;
    case kSnrFigure:
      return Dual(-10 / std::log(10.0)) * log(NoiseOf(at.step, machine));
    case kNumFiguresOfAnswer:
      break;
  }
  return Dual(0.0);
}

// A constant of a machine with its path and its field in the schema.
struct Described {
  std::string path;
  const Constant* constant;
  const FieldDescriptor* field;
};

std::vector<Described> ConstantsOf(const Hardware& hardware) {
  std::vector<Described> all;
  ForEachConstant(hardware,
                  [&](const std::string& path, const Constant& constant,
                      const FieldDescriptor& field) {
                    all.push_back({path, &constant, &field});
                  });
  return all;
}

// A formula and the formulas of the symbols in it, each on its own line.
std::string WithSymbols(const Target& target) {
  std::string out = absl::StrCat(target.name, " = ", target.formula);
  for (const SymbolRow& symbol : kFormulaSymbols) {
    if (!absl::StrContains(target.formula, symbol.name)) continue;
    absl::StrAppend(&out, "\n", symbol.name, " = ", symbol.formula);
  }
  return out;
}

void AddEntry(absl::string_view kind, absl::string_view name,
              absl::string_view description, Listing* listing) {
  Listing::Entry* entry = listing->add_entries();
  entry->set_kind(std::string(kind));
  entry->set_name(std::string(name));
  entry->set_description(std::string(description));
}

// What a list of models holds: language models, or networks of explicit layers.
template <typename Spec>
bool IsNetwork(const Spec& spec) {
  if constexpr (std::is_same_v<Spec, Model>) return spec.has_network();
  return false;
}

// Adds an entry for every name of a kind, with the text that `load` gives.
// Networks are listed apart from the other models.
template <typename Load>
absl::Status AddAll(SpecKind kind, absl::string_view label, Load load,
                    Listing* listing, bool networks = false) {
  for (const std::string& name : CatalogNames(kind)) {
    auto spec = load(name);
    if (!spec.ok()) return spec.status();
    if (IsNetwork(*spec) != networks) continue;
    AddEntry(label, name, spec->description(), listing);
  }
  for (const CatalogNamesOf& names : NamesOfKind(kind)) {
    for (Listing::Entry& entry : *listing->mutable_entries()) {
      if (entry.kind() != label || entry.name() != names.name) continue;
      for (const std::string& alias : names.aliases) entry.add_also(alias);
      for (const std::string& id : names.hf_ids) entry.add_also(id);
    }
  }
  return absl::OkStatus();
}

const Source* FindSource(const Hardware& hardware, const std::string& id) {
  for (const Source& source : hardware.sources()) {
    if (source.id() == id) return &source;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<Listing> List(absl::string_view kind) {
  const std::vector<std::string> kinds = {
      "models",  "networks", "hardware", "runtimes", "technologies",
      "classes", "spaces",   "studies",  "formats",  "boundaries"};
  bool known = kind.empty();
  for (const std::string& name : kinds) known |= name == kind;
  if (!known) {
    return absl::InvalidArgumentError(
        UnknownNameMessage("kind of entry", kind, kinds, ""));
  }
  const auto wanted = [&](absl::string_view name) {
    return kind.empty() || kind == name;
  };
  Listing listing;
  absl::Status status;
  if (wanted("models")) {
    status.Update(AddAll(
        SpecKind::kModel, "models",
        [](const std::string& name) { return LoadModel(name); }, &listing));
  }
  if (wanted("networks")) {
    status.Update(AddAll(
        SpecKind::kModel, "networks",
        [](const std::string& name) { return LoadModel(name); }, &listing,
        /*networks=*/true));
  }
  if (wanted("hardware")) {
    status.Update(AddAll(
        SpecKind::kSystem, "hardware",
        [](const std::string& name) { return LoadHardware(name); }, &listing));
  }
  if (wanted("runtimes")) {
    status.Update(AddAll(
        SpecKind::kRuntime, "runtimes",
        [](const std::string& name) { return LoadRuntime(name); }, &listing));
  }
  if (wanted("technologies")) {
    status.Update(AddAll(SpecKind::kMemoryTechnology, "technologies",
                         LoadMemoryTechnology, &listing));
    status.Update(AddAll(SpecKind::kLogicTechnology, "technologies",
                         LoadLogicTechnology, &listing));
    status.Update(AddAll(SpecKind::kLinkTechnology, "technologies",
                         LoadLinkTechnology, &listing));
    status.Update(AddAll(SpecKind::kCircuitTechnology, "technologies",
                         LoadCircuitTechnology, &listing));
  }
  if (!status.ok()) return status;
  if (wanted("classes")) {
    for (const std::string& name : CatalogNames(SpecKind::kClass)) {
      AddEntry("classes", name, "constants that machines of this class share",
               &listing);
    }
  }
  if (wanted("spaces")) {
    for (const std::string& name : CatalogNames(SpecKind::kSpace)) {
      AddEntry("spaces", name, "a design space for `tokenjoule sweep`",
               &listing);
    }
  }
  if (wanted("studies")) {
    status = AddAll(SpecKind::kStudy, "studies", LoadStudyData, &listing);
    if (!status.ok()) return status;
  }
  if (wanted("formats")) {
    for (const NumberFormat& format : NumberFormats()) {
      AddEntry("formats", format.name,
               absl::StrFormat("%g bits an element; %s",
                               format.bits_per_element, format.description),
               &listing);
      Listing::Entry* entry =
          listing.mutable_entries(listing.entries_size() - 1);
      for (const absl::string_view synonym :
           absl::StrSplit(format.synonyms, ' ', absl::SkipEmpty())) {
        entry->add_also(std::string(synonym));
      }
    }
  }
  if (wanted("boundaries")) {
    for (const BoundaryRow& row : kBoundaries) {
      AddEntry("boundaries", row.name, row.description, &listing);
    }
  }
  return listing;
}

std::vector<ConstantEffect> EffectsOn(const ResolvedSetup& setup,
                                      absl::string_view name) {
  std::vector<ConstantEffect> effects;
  const absl::optional<Target> target = FindTarget(name);
  if (!target.has_value()) return effects;
  const std::vector<Described> constants = ConstantsOf(setup.hardware());
  for (size_t begin = 0; begin < constants.size(); begin += kLanes) {
    const size_t end = std::min(constants.size(), begin + kLanes);
    ReplacingReader<Dual> read;
    for (size_t i = begin; i < end; ++i) {
      const Constant& constant = *constants[i].constant;
      read.Replace(constant,
                   Dual(constant.value(), static_cast<int>(i - begin)));
    }
    const Machine<Dual> machine = MachineFor<Dual>(setup, read);
    const Dual value = ValueOf(
        *target, setup,
        EvaluateOn(BuildLedger<Dual>(setup.step(), read), machine), machine);
    for (size_t i = begin; i < end; ++i) {
      const double derivative = value.v[i - begin];
      if (derivative == 0 || !std::isfinite(derivative)) continue;
      effects.push_back(
          {constants[i].path, derivative,
           value.a == 0
               ? 0
               : derivative * constants[i].constant->value() / value.a});
    }
  }
  std::stable_sort(effects.begin(), effects.end(),
                   [](const ConstantEffect& a, const ConstantEffect& b) {
                     return std::abs(a.elasticity) > std::abs(b.elasticity);
                   });
  return effects;
}

absl::StatusOr<Explanation> Explain(const Setup& setup,
                                    absl::string_view what) {
  const Hardware& hardware = setup.hardware;
  Explanation explanation;
  if (absl::StartsWith(what, "hardware.")) what.remove_prefix(9);
  std::map<std::string, Described> by_path;
  std::vector<std::string> names;
  for (Described& constant : ConstantsOf(hardware)) {
    names.push_back(constant.path);
    by_path[constant.path] = std::move(constant);
  }
  const auto add = [&](const std::string& path, double elasticity) {
    const Constant& constant = *by_path[path].constant;
    Explanation::Entry* entry = explanation.add_entries();
    entry->set_path(absl::StrCat("hardware.", path));
    entry->set_value(constant.value());
    entry->set_low(constant.low());
    entry->set_high(constant.high());
    entry->set_elasticity(elasticity);
    entry->set_source(constant.source());
    const Range& limits = by_path[path].field->options().GetExtension(range);
    entry->set_accepted_min(limits.min());
    entry->set_accepted_max(limits.max());
    if (const Source* source = FindSource(hardware, constant.source())) {
      entry->set_kind(Source::Kind_Name(source->kind()));
      entry->set_citation(source->citation());
      entry->set_date(source->date());
    }
  };
  const absl::optional<Target> target = FindTarget(what);
  if (target.has_value()) {
    const absl::Status valid = Validate(setup);
    if (!valid.ok()) return valid;
    const absl::Status one = RequireOneMachine(setup, "explain");
    if (!one.ok()) return one;
    const ResolvedSetup resolved(setup);
    explanation.set_formula(WithSymbols(*target));
    explanation.set_setup(absl::StrFormat(
        "%s at batch %g%s, %s by %s", setup.model.name(),
        resolved.scenario().batch(),
        setup.model.has_network()
            ? std::string()
            : absl::StrFormat(" and context %g", resolved.scenario().context()),
        resolved.formats().linear->name,
        resolved.formats().ActivationsFor(*resolved.formats().linear).name));
    for (const ConstantEffect& effect : EffectsOn(resolved, target->name)) {
      add(effect.path, effect.elasticity);
    }
    return explanation;
  }
  for (const std::string& path : names) {
    if (absl::StrContains(path, what)) add(path, 0);
  }
  if (explanation.entries_size() == 0) {
    for (const Target& known : Targets()) names.emplace_back(known.name);
    return absl::InvalidArgumentError(
        UnknownNameMessage("constant, term or figure", what, names,
                           "(`tokenjoule explain` without a name shows all)"));
  }
  return explanation;
}

void UseFormatsOfArrays(const Hardware& hardware, Scenario* scenario) {
  if (!scenario->weights().empty() || !scenario->activations().empty()) return;
  const Machine<> machine = BuildMachine(hardware);
  for (int i = 0; i < machine.structure.num_rates; ++i) {
    const RateStructure& rate = machine.structure.rates[i];
    if (!rate.in_memory) continue;
    scenario->set_weights(std::string(rate.format->name));
    scenario->set_activations(std::string(rate.inputs->name));
    return;
  }
}

}  // namespace tokenjoule
