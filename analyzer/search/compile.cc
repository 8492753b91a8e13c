#include "analyzer/search/compile.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/validate.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/machine/slots.h"
#include "analyzer/machine/traced.h"
#include "analyzer/quality/scaling_laws.h"

namespace tokenjoule {
namespace {

// Numbers that tables may hold.
constexpr size_t kMostTabled = 1 << 26;
// Largest relative difference between packs and one number at a time.
constexpr double kAgreement = 1e-12;

// Sets the choices of `axes`, the last varying fastest, from a number.
void SetChoices(const Space& space, const std::vector<int>& axes,
                uint64_t number, Choices* choices) {
  for (size_t i = axes.size(); i-- > 0;) {
    const uint64_t size = space.axes[axes[i]].size();
    (*choices)[axes[i]] = static_cast<uint32_t>(number % size);
    number /= size;
  }
}

// Choices of the kernel axes that a combination is checked at: both corners,
// and places between.
std::vector<std::vector<uint32_t>> CheckedChoices(
    const std::vector<KernelAxis>& axes) {
  std::vector<std::vector<uint32_t>> checked;
  for (uint32_t k = 0; k < Pack::kLanes; ++k) {
    std::vector<uint32_t> choices(axes.size());
    for (size_t i = 0; i < axes.size(); ++i) {
      choices[i] = k == 0   ? 0
                   : k == 1 ? static_cast<uint32_t>(axes[i].size - 1)
                            : static_cast<uint32_t>(
                                  (k * (i + 3) * 2654435761u) % axes[i].size);
    }
    checked.push_back(std::move(choices));
  }
  return checked;
}

// That a lane says what one number at a time says.
absl::Status CheckLane(const PackCost& cost, int lane,
                       const Evaluation<>& exact, const Machine<>& machine) {
  const double time = InSeconds(exact.cost.step_time);
  const double energy =
      InJoules(EnergyInside(exact.cost.terms, kFacilityBoundary));
  if (!std::isfinite(time) || !std::isfinite(energy)) {
    return absl::InvalidArgumentError("the step is too large to count");
  }
  if (std::abs(cost.step_time_s[lane] - time) > kAgreement * time ||
      std::abs(cost.energy_j[kFacilityBoundary][lane] - energy) >
          kAgreement * energy) {
    return absl::InternalError(absl::StrFormat(
        "packs disagree with the kernel on one number at a time: step time "
        "%.17g and %.17g s, energy %.17g and %.17g J",
        cost.step_time_s[lane], time, cost.energy_j[kFacilityBoundary][lane],
        energy));
  }
  if (std::abs(cost.cost_usd[lane] - machine.costs.cost_usd) >
      kAgreement * machine.costs.cost_usd) {
    return absl::InternalError(
        absl::StrFormat("packs disagree with the machine: %.17g and %.17g $",
                        cost.cost_usd[lane], machine.costs.cost_usd));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const TabledMachine>> TabledMachine::Make(
    const Space& space, const Plan& plan, Hardware hardware, bool ideal) {
  auto tabled = std::shared_ptr<TabledMachine>(new TabledMachine);
  tabled->hardware_ = std::move(hardware);
  tabled->ideal_ = ideal;
  absl::StatusOr<std::vector<KernelAxis>> axes =
      KernelAxesOf(space, plan, tabled->hardware_);
  if (!axes.ok()) return axes.status();
  tabled->axes_ = *std::move(axes);
  tabled->base_ = tabled->At(std::vector<uint32_t>(plan.kernel.size(), 0));
  const absl::Status status = tabled->FillTables();
  if (!status.ok()) return status;
  return std::shared_ptr<const TabledMachine>(std::move(tabled));
}

std::vector<double> TabledMachine::NumbersAt(
    const std::vector<uint32_t>& choices) const {
  Machine<> machine = At(choices);
  std::vector<double> numbers;
  for (const double* slot : CostSlots(&machine)) numbers.push_back(*slot);
  return numbers;
}

std::vector<uint64_t> TabledMachine::Dependencies() const {
  ReplacingReader<Traced> read;
  for (size_t i = 0; i < axes_.size(); ++i) {
    for (const KernelAxis::Field& field : axes_[i].fields) {
      read.Replace(*field.constant,
                   Traced(field.constant->value(), uint64_t{1} << i));
    }
  }
  Machine<Traced> machine = MachineWith<Traced>(hardware_, ideal_, read);
  std::vector<uint64_t> depends;
  for (const Traced* number : CostSlots(&machine)) {
    depends.push_back(number->inputs);
  }
  return depends;
}

absl::Status TabledMachine::FillTables() {
  std::map<uint64_t, SlotGroup> groups;
  const std::vector<uint64_t> depends = Dependencies();
  for (size_t k = 0; k < depends.size(); ++k) {
    if (depends[k] != 0) groups[depends[k]].slots.push_back(k);
  }
  size_t tabled = 0;
  for (auto& [axes, group] : groups) {
    double entries = 1;
    for (size_t i = 0; i < axes_.size(); ++i) {
      if ((axes >> i & 1) == 0) continue;
      group.axes.push_back(i);
      entries *= static_cast<double>(axes_[i].size);
    }
    if (entries * group.slots.size() + tabled > kMostTabled) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "too many values move the same numbers together: %.3g "
          "combinations; take fewer values on those axes",
          entries));
    }
    tabled += static_cast<size_t>(entries) * group.slots.size();
    FillGroup(static_cast<size_t>(entries), &group);
    groups_.push_back(std::move(group));
  }
  return absl::OkStatus();
}

void TabledMachine::FillGroup(size_t entries, SlotGroup* group) const {
  group->strides.assign(group->axes.size(), 1);
  for (size_t i = group->axes.size() - 1; i-- > 0;) {
    group->strides[i] = group->strides[i + 1] * axes_[group->axes[i + 1]].size;
  }
  group->fastest = group->axes.back() + 1 == axes_.size();
  group->tables.assign(group->slots.size(),
                       std::vector<double>(entries + Pack::kLanes, 1.0));
  std::vector<uint32_t> choices(axes_.size(), 0);
  for (size_t entry = 0; entry < entries; ++entry) {
    size_t rest = entry;
    for (size_t i = 0; i < group->axes.size(); ++i) {
      choices[group->axes[i]] = static_cast<uint32_t>(rest / group->strides[i]);
      rest %= group->strides[i];
    }
    const std::vector<double> numbers = NumbersAt(choices);
    for (size_t k = 0; k < group->slots.size(); ++k) {
      group->tables[k][entry] = numbers[group->slots[k]];
    }
  }
}

absl::StatusOr<std::unique_ptr<Combination>> Compiler::Compile(
    uint64_t number) {
  Choices choices(space_.axes.size(), 0);
  SetChoices(space_, plan_.structural, number, &choices);
  return CompileAt(choices);
}

absl::StatusOr<std::unique_ptr<Combination>> Compiler::CompileAt(
    const Choices& choices) {
  auto combination = std::make_unique<Combination>();
  combination->choices = choices;
  const absl::Status status = Load(choices);
  if (!status.ok()) return status;
  combination->machine = machine_;
  Lower(combination.get());
  const absl::Status served =
      CheckProducts(combination->ledger, machine_->base().structure,
                    machine_->hardware().name());
  if (!served.ok()) return served;
  const absl::Status checked = Verify(combination.get());
  if (!checked.ok()) return checked;
  return combination;
}

absl::Status Compiler::Load(const Choices& choices) {
  const absl::Status parts = LoadParts(choices);
  if (!parts.ok()) return parts;
  std::vector<Fault> faults;
  ValidateScenario(scenario_, *model_, machine_->hardware(), &faults);
  if (!faults.empty()) return FaultsToStatus(faults);
  const absl::Status quality = CheckQuality(scenario_);
  if (!quality.ok()) return quality;
  scenario_ = ServedBy(machine_->hardware(), *model_, std::move(scenario_));
  const absl::Status served =
      CheckServedFormats(machine_->hardware(), *model_, scenario_);
  if (!served.ok()) return served;
  absl::StatusOr<absl::optional<Model>> draft = LoadDraft(scenario_);
  if (!draft.ok()) return draft.status();
  draft_ = *std::move(draft);
  return absl::OkStatus();
}

absl::Status Compiler::LoadParts(const Choices& choices) {
  absl::StatusOr<Scenario> scenario = ScenarioAt(space_, choices);
  if (!scenario.ok()) return scenario.status();
  const Choices of_model = ChoicesFor("model", space_, plan_, choices);
  if (!model_.has_value() || of_model != of_model_) {
    absl::StatusOr<Model> model = ModelAt(space_, choices);
    if (!model.ok()) return model.status();
    model_ = *std::move(model);
    of_model_ = of_model;
  }
  const Choices of_hardware = ChoicesFor("hardware", space_, plan_, choices);
  if (machine_ == nullptr || of_hardware != of_hardware_ ||
      scenario->ideal() != scenario_.ideal()) {
    machine_ = nullptr;
    absl::StatusOr<Hardware> hardware = HardwareAt(space_, choices);
    if (!hardware.ok()) return hardware.status();
    absl::StatusOr<std::shared_ptr<const TabledMachine>> machine =
        TabledMachine::Make(space_, plan_, *std::move(hardware),
                            scenario->ideal());
    if (!machine.ok()) return machine.status();
    machine_ = *std::move(machine);
    of_hardware_ = of_hardware;
  }
  scenario_ = *std::move(scenario);
  return absl::OkStatus();
}

void Compiler::Lower(Combination* out) const {
  const Machine<>& base = machine_->base();
  const Model* draft = draft_.has_value() ? &*draft_ : nullptr;
  out->ledger = BuildLedger(*model_, scenario_, draft);
  const Evaluation<> at_base = EvaluateOn(out->ledger, base);
  out->step = ConvertedStep<Pack>(at_base.step);
  out->pack = Converted<Pack>(base);
  out->slots = CostSlots(&out->pack);
  const Pack* place = PlaceOfActions(&out->pack);
  bool varies = false;
  for (const SlotGroup& group : machine_->groups()) {
    for (const size_t slot : group.slots) varies |= out->slots[slot] == place;
  }
  if (!varies) out->actions = ActionsOf(out->step, out->pack);
  out->facts = FactsOf(*model_, scenario_, at_base, base);
}

absl::Status Compiler::Verify(Combination* combination) const {
  const std::vector<std::vector<uint32_t>> checked =
      CheckedChoices(machine_->axes());
  Gatherer gatherer(combination);
  for (size_t k = 0; k < checked.size(); ++k) gatherer.Set(k, checked[k]);
  const PackCost cost = gatherer.Evaluate(checked.size())[0];
  for (size_t k = 0; k < checked.size(); ++k) {
    const Machine<> machine = machine_->At(checked[k]);
    const absl::Status status =
        CheckLane(cost, static_cast<int>(k),
                  EvaluateOn(combination->ledger, machine), machine);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

SizeChoice SizedCombination::At(uint64_t number) const {
  SizeChoice choice = fixed;
  int64_t all_faults = faults;
  for (size_t i = axes.size(); i-- > 0;) {
    const SizeAxis& axis = axes[i];
    const uint64_t size = axis.values.size();
    const uint64_t k = number % size;
    number /= size;
    (axis.is_batch ? choice.batch : choice.context) = axis.values[k];
    choice.offset += k * axis.stride;
    all_faults += axis.more_faults[k];
  }
  choice.valid = all_faults == 0;
  return choice;
}

bool AreFinite(const std::vector<PackCost>& costs, size_t count) {
  // What is infinite or no number is no number less itself.
  Pack sum(0.0);
  for (size_t k = 0; k < count; ++k) {
    const Pack& time = costs[k].step_time_s;
    const Pack& energy = costs[k].energy_j[kFacilityBoundary];
    // NOLINTNEXTLINE(misc-redundant-expression): see above.
    sum += (time - time) + (energy - energy);
  }
  double all = 0;
  for (int lane = 0; lane < Pack::kLanes; ++lane) all += sum[lane];
  return all == 0;
}

absl::StatusOr<std::unique_ptr<SizedCombination>> Compiler::CompileSized(
    uint64_t number) {
  auto sized = std::make_unique<SizedCombination>();
  sized->choices.assign(space_.axes.size(), 0);
  SetChoices(space_, plan_.structural, number, &sized->choices);
  if (!LoadParts(sized->choices).ok()) return sized;
  FillSizes(sized.get());
  uint64_t first = 0;
  while (first < plan_.size_points && !sized->At(first).valid) ++first;
  if (first == plan_.size_points) return sized;
  Choices choices = sized->choices;
  SetChoices(space_, plan_.sizes, first, &choices);
  absl::StatusOr<std::unique_ptr<Combination>> base = CompileAt(choices);
  if (!base.ok()) {
    if (base.status().code() == absl::StatusCode::kInternal) {
      return base.status();
    }
    return sized;
  }
  sized->base = *std::move(base);
  Setup setup;
  setup.model = *model_;
  setup.scenario = scenario_;
  setup.draft = draft_;
  sized->steps = std::make_unique<StepsOfSizes>(std::move(setup));
  const absl::Status checked = VerifySizes(sized.get());
  if (!checked.ok()) return checked;
  return sized;
}

int64_t Compiler::FaultsWith(const SpaceAxis& axis, size_t choice) const {
  Scenario scenario = scenario_;
  const double value = axis.fields[0].NumberAt(choice);
  if (axis.path() == kBatchPath) {
    scenario.set_batch(value);
  } else {
    scenario.set_context(value);
  }
  std::vector<Fault> faults;
  ValidateScenario(scenario, *model_, machine_->hardware(), &faults);
  return static_cast<int64_t>(faults.size());
}

void Compiler::FillSizes(SizedCombination* sized) const {
  sized->fixed.batch = scenario_.batch();
  sized->fixed.context = WithContext(scenario_).context();
  for (const int index : plan_.sizes) {
    const SpaceAxis& axis = space_.axes[index];
    SizedCombination::SizeAxis out;
    out.is_batch = axis.path() == kBatchPath;
    for (size_t i = index + 1; i < space_.axes.size(); ++i) {
      out.stride *= space_.axes[i].size();
    }
    const int64_t first = FaultsWith(axis, 0);
    for (size_t k = 0; k < axis.size(); ++k) {
      out.values.push_back(axis.fields[0].NumberAt(k));
      out.more_faults.push_back(FaultsWith(axis, k) - first);
    }
    sized->faults = first;
    sized->axes.push_back(std::move(out));
  }
  const std::vector<std::vector<uint32_t>> checked =
      CheckedChoices(machine_->axes());
  sized->num_checked = machine_->axes().empty() ? 1 : checked.size();
  for (const SlotGroup& group : machine_->groups()) {
    for (const std::vector<double>& table : group.tables) {
      std::vector<double> numbers;
      for (const std::vector<uint32_t>& choices : checked) {
        numbers.push_back(table[group.OffsetOf(choices)]);
      }
      sized->checked.push_back(std::move(numbers));
    }
  }
}

absl::Status Compiler::VerifySizes(SizedCombination* sized) const {
  std::vector<SizeChoice> first, last;
  for (uint64_t n = 0; n < plan_.size_points && first.size() < Pack::kLanes;
       ++n) {
    const SizeChoice choice = sized->At(n);
    if (choice.valid) first.push_back(choice);
  }
  for (uint64_t n = plan_.size_points; n-- > 0 && last.size() < Pack::kLanes;) {
    const SizeChoice choice = sized->At(n);
    if (choice.valid) last.push_back(choice);
  }
  for (const std::vector<SizeChoice>& lanes : {first, last}) {
    const absl::Status status = VerifyPack(lanes, sized);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Compiler::VerifyPack(const std::vector<SizeChoice>& lanes,
                                  SizedCombination* sized) const {
  Combination& base = *sized->base;
  Pack batch, context;
  for (size_t lane = 0; lane < Pack::kLanes; ++lane) {
    const SizeChoice& choice = lanes[std::min(lane, lanes.size() - 1)];
    batch.value[lane] = choice.batch;
    context.value[lane] = choice.context;
  }
  SizedStep sized_step;
  // Lanes that differ in structure are evaluated one at a time.
  if (!sized->steps->Build(batch, context, base.pack, &sized_step)) {
    return absl::OkStatus();
  }
  const std::vector<std::vector<uint32_t>> checked =
      CheckedChoices(machine_->axes());
  const size_t corners = machine_->axes().empty() ? 1 : 2;
  for (size_t corner = 0; corner < corners; ++corner) {
    for (const SlotGroup& group : machine_->groups()) {
      const size_t offset = group.OffsetOf(checked[corner]);
      for (size_t k = 0; k < group.slots.size(); ++k) {
        *base.slots[group.slots[k]] = Pack(group.tables[k][offset]);
      }
    }
    PackCost cost;
    EvaluateSteps(sized_step.step, {}, 1, &base.pack, &cost);
    const Machine<> machine = machine_->At(checked[corner]);
    for (size_t lane = 0; lane < lanes.size(); ++lane) {
      const absl::Status status =
          CheckLane(cost, static_cast<int>(lane),
                    sized->steps->EvaluateAt(lanes[lane].batch,
                                             lanes[lane].context, machine),
                    machine);
      // What is too large to count is found at its own point.
      if (status.code() == absl::StatusCode::kInternal) return status;
    }
  }
  return absl::OkStatus();
}

uint64_t CombinationOf(const Space& space, const Plan& plan,
                       const Choices& choices) {
  uint64_t number = 0;
  for (const int axis : plan.structural) {
    number = number * space.axes[axis].size() + choices[axis];
  }
  return number;
}

std::map<uint64_t, std::vector<uint64_t>> ByCombination(
    const Space& space, const Plan& plan, const std::vector<uint64_t>& ids) {
  std::map<uint64_t, std::vector<uint64_t>> grouped;
  for (const uint64_t id : ids) {
    grouped[CombinationOf(space, plan, ChoicesOf(space, id))].push_back(id);
  }
  return grouped;
}

}  // namespace tokenjoule
