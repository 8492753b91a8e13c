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
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/machine/slots.h"
#include "analyzer/machine/traced.h"

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
  auto combination = std::make_unique<Combination>();
  combination->choices.assign(space_.axes.size(), 0);
  SetChoices(space_, plan_.structural, number, &combination->choices);
  const absl::Status status = Load(combination->choices);
  if (!status.ok()) return status;
  combination->machine = machine_;
  Lower(combination.get());
  const absl::Status checked = Verify(combination.get());
  if (!checked.ok()) return checked;
  return combination;
}

absl::Status Compiler::Load(const Choices& choices) {
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
  std::vector<Fault> faults;
  ValidateScenario(scenario_, *model_, machine_->hardware(), &faults);
  if (!faults.empty()) return FaultsToStatus(faults);
  absl::StatusOr<absl::optional<Model>> draft = LoadDraft(scenario_);
  if (!draft.ok()) return draft.status();
  draft_ = *std::move(draft);
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
  constexpr uint32_t kChecked = Pack::kLanes;
  const std::vector<KernelAxis>& axes = machine_->axes();
  Gatherer gatherer(combination);
  std::vector<std::vector<uint32_t>> checked;
  for (uint32_t k = 0; k < kChecked; ++k) {
    std::vector<uint32_t> choices(axes.size());
    for (size_t i = 0; i < axes.size(); ++i) {
      // Both corners, and places between.
      choices[i] = k == 0   ? 0
                   : k == 1 ? static_cast<uint32_t>(axes[i].size - 1)
                            : static_cast<uint32_t>(
                                  (k * (i + 3) * 2654435761u) % axes[i].size);
    }
    gatherer.Set(k, choices);
    checked.push_back(std::move(choices));
  }
  const PackCost cost = gatherer.Evaluate(kChecked)[0];
  for (uint32_t k = 0; k < kChecked; ++k) {
    const Machine<> machine = machine_->At(checked[k]);
    const Evaluation<> exact = EvaluateOn(combination->ledger, machine);
    const double time = InSeconds(exact.cost.step_time);
    const double energy =
        InJoules(EnergyInside(exact.cost.terms, kFacilityBoundary));
    if (!std::isfinite(time) || !std::isfinite(energy)) {
      return absl::InvalidArgumentError("the step is too large to count");
    }
    if (std::abs(cost.step_time_s[k] - time) > kAgreement * time ||
        std::abs(cost.energy_j[kFacilityBoundary][k] - energy) >
            kAgreement * energy) {
      return absl::InternalError(absl::StrFormat(
          "packs disagree with the kernel on one number at a time: step time "
          "%.17g and %.17g s, energy %.17g and %.17g J",
          cost.step_time_s[k], time, cost.energy_j[kFacilityBoundary][k],
          energy));
    }
    if (std::abs(cost.cost_usd[k] - machine.costs.cost_usd) >
        kAgreement * machine.costs.cost_usd) {
      return absl::InternalError(
          absl::StrFormat("packs disagree with the machine: %.17g and %.17g $",
                          cost.cost_usd[k], machine.costs.cost_usd));
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
