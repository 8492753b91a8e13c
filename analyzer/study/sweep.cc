#include "analyzer/study/sweep.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "analyzer/cost/occupancy.h"
#include "analyzer/cost/sweep_kernel.h"
#include "analyzer/machine/slots.h"
#include "analyzer/spec/catalog.h"
#include "analyzer/spec/faults.h"
#include "analyzer/spec/field_path.h"
#include "analyzer/spec/number_reader.h"
#include "analyzer/spec/textproto.h"
#include "analyzer/spec/validate.h"
#include "analyzer/study/analyze.h"
#include "analyzer/study/boundary.h"
#include "analyzer/study/evaluate.h"
#include "analyzer/study/pareto.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;

// Points of a run that are evaluated at a time: their costs stay in cache.
constexpr size_t kRun = 1024;
// Points of a piece of work, about.
constexpr uint64_t kPiece = 1 << 21;
// Numbers that tables may hold.
constexpr size_t kMostTabled = 1 << 26;
// Largest relative difference between packs and one number at a time.
constexpr double kAgreement = 1e-12;
// Reasons that are reported.
constexpr size_t kMostReasons = 10;

// An axis whose values are constants of the machine that only the kernel reads.
struct KernelAxis {
  int axis = 0;
  size_t size = 0;
  struct Field {
    const Constant* constant;
    std::vector<double> values;
  };
  std::vector<Field> fields;
};

// Fields that the ledger or lowering depends on, though they are constants.
bool DecidesStructure(const Hardware& hardware, const Constant& constant,
                      const FieldDescriptor& field) {
  static const auto* const kFields =
      new std::set<std::string>{"pinned_capacity_fraction",
                                "cache_bandwidth_factor",
                                "expert_bandwidth_factor",
                                "cache_passes",
                                "activation_passes",
                                "model_growth",
                                "weight_capacity_gb",
                                "rows",
                                "columns",
                                "accumulator_bits",
                                "max_chips"};
  if (kFields->count(std::string(field.name())) > 0) return true;
  for (const MemoryLevel& level : hardware.memory()) {
    if (&level.capacity_gb() == &constant && level.pins() != NOTHING) {
      return true;
    }
  }
  return false;
}

// The constant at a path below "hardware.", where it is one that only the
// kernel reads; else nullptr.
const Constant* KernelConstant(const Hardware& hardware,
                               const std::string& path) {
  const Constant* found = nullptr;
  ForEachConstant(hardware,
                  [&](const std::string& here, const Constant& constant,
                      const FieldDescriptor& field) {
                    if (absl::StrCat("hardware.", here) == path &&
                        !DecidesStructure(hardware, constant, field)) {
                      found = &constant;
                    }
                  });
  return found;
}

// The axis over this machine, or nothing where it is not one for the kernel.
absl::optional<KernelAxis> AsKernelAxis(const SpaceAxis& axis, int index,
                                        const Hardware& hardware) {
  KernelAxis out;
  out.axis = index;
  out.size = axis.size();
  for (const FieldValues& field : axis.fields) {
    const Constant* constant = KernelConstant(hardware, field.path);
    if (constant == nullptr) return absl::nullopt;
    std::vector<double> values(field.values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      if (!absl::SimpleAtod(field.values[i], &values[i])) return absl::nullopt;
    }
    out.fields.push_back({constant, std::move(values)});
  }
  return out;
}

// Which axes are for the kernel and which change structure, each in the order
// of evaluation: machines slowest, the longest kernel axis fastest.
struct Plan {
  std::vector<int> structural;
  std::vector<int> kernel;
  uint64_t combinations = 1;
  uint64_t kernel_points = 1;

  uint64_t points() const { return combinations * kernel_points; }
};

bool TouchesHardware(const SpaceAxis& axis) {
  for (const FieldValues& field : axis.fields) {
    if (absl::StartsWith(field.path, "hardware")) return true;
  }
  return false;
}

absl::StatusOr<Plan> MakePlan(const Space& space) {
  absl::StatusOr<Hardware> hardware =
      HardwareAt(space, Choices(space.axes.size(), 0));
  if (!hardware.ok()) return hardware.status();
  Plan plan;
  for (int i = 0; i < static_cast<int>(space.axes.size()); ++i) {
    const bool kernel = AsKernelAxis(space.axes[i], i, *hardware).has_value();
    (kernel ? plan.kernel : plan.structural).push_back(i);
    (kernel ? plan.kernel_points : plan.combinations) *= space.axes[i].size();
  }
  std::stable_partition(
      plan.structural.begin(), plan.structural.end(),
      [&](int axis) { return TouchesHardware(space.axes[axis]); });
  std::stable_sort(plan.kernel.begin(), plan.kernel.end(), [&](int a, int b) {
    return space.axes[a].size() < space.axes[b].size();
  });
  return plan;
}

// Sets the choices of `axes`, the last varying fastest, from a number.
void SetChoices(const Space& space, const std::vector<int>& axes,
                uint64_t number, Choices* choices) {
  for (size_t i = axes.size(); i-- > 0;) {
    const uint64_t size = space.axes[axes[i]].size();
    (*choices)[axes[i]] = static_cast<uint32_t>(number % size);
    number /= size;
  }
}

// Numbers of a machine that depend on the same kernel axes, tabled over them.
struct SlotGroup {
  // Positions in the machine's slots.
  std::vector<size_t> slots;
  // Kernel axes, in order, and what one step of each moves in the tables.
  std::vector<size_t> axes;
  std::vector<size_t> strides;
  // A table a slot, with room to read a whole pack at its end.
  std::vector<std::vector<double>> tables;
  // Whether the last kernel axis is among `axes`; its stride is then 1.
  bool fastest = false;

  size_t OffsetOf(const std::vector<uint32_t>& kernel_choices) const {
    size_t offset = 0;
    for (size_t i = 0; i < axes.size(); ++i) {
      offset += strides[i] * kernel_choices[axes[i]];
    }
    return offset;
  }
};

// A machine over all choices of the kernel axes.
class TabledMachine {
 public:
  static absl::StatusOr<std::shared_ptr<const TabledMachine>> Make(
      const Space& space, const Plan& plan, Hardware hardware, bool ideal) {
    auto tabled = std::shared_ptr<TabledMachine>(new TabledMachine);
    tabled->hardware_ = std::move(hardware);
    tabled->scenario_.set_ideal(ideal);
    for (const int axis : plan.kernel) {
      absl::optional<KernelAxis> kernel =
          AsKernelAxis(space.axes[axis], axis, tabled->hardware_);
      if (!kernel.has_value()) {
        return absl::InvalidArgumentError(absl::StrCat(
            space.axes[axis].fields[0].path,
            ": is read by the kernel alone on one machine of the space and "
            "decides structure on another; search them apart"));
      }
      tabled->axes_.push_back(*std::move(kernel));
    }
    tabled->base_ = tabled->At(std::vector<uint32_t>(plan.kernel.size(), 0));
    const absl::Status status = tabled->FillTables();
    if (!status.ok()) return status;
    return std::shared_ptr<const TabledMachine>(std::move(tabled));
  }

  // The machine at a choice of each kernel axis, built anew.
  Machine<> At(const std::vector<uint32_t>& kernel_choices) const {
    ReplacingReader<double> read;
    for (size_t i = 0; i < axes_.size(); ++i) {
      for (const KernelAxis::Field& field : axes_[i].fields) {
        read.Replace(*field.constant, field.values[kernel_choices[i]]);
      }
    }
    return MachineWith<double>(hardware_, scenario_, read);
  }

  const Machine<>& base() const { return base_; }
  const Hardware& hardware() const { return hardware_; }
  const std::vector<KernelAxis>& axes() const { return axes_; }
  const std::vector<SlotGroup>& groups() const { return groups_; }

 private:
  std::vector<double> NumbersAt(const std::vector<uint32_t>& choices) const {
    Machine<> machine = At(choices);
    std::vector<double> numbers;
    for (const double* slot : SlotsOf(&machine)) numbers.push_back(*slot);
    return numbers;
  }

  // Which kernel axes each slot depends on, one bit each: probed at several
  // places, lest a product with zero hide a factor.
  std::vector<uint64_t> Dependencies() const {
    constexpr uint32_t kProbes = 5;
    std::vector<uint64_t> depends;
    for (uint32_t probe = 0; probe < kProbes; ++probe) {
      std::vector<uint32_t> here(axes_.size());
      for (size_t i = 0; i < axes_.size(); ++i) {
        here[i] = static_cast<uint32_t>((probe * (2 * i + 7) * 2654435761u) %
                                        axes_[i].size);
        if (probe == 0) here[i] = 0;
      }
      const std::vector<double> numbers = NumbersAt(here);
      depends.resize(numbers.size());
      for (size_t i = 0; i < axes_.size(); ++i) {
        for (const size_t other : {axes_[i].size - 1, axes_[i].size / 2}) {
          std::vector<uint32_t> there = here;
          there[i] = static_cast<uint32_t>(other);
          const std::vector<double> moved = NumbersAt(there);
          for (size_t k = 0; k < numbers.size(); ++k) {
            if (moved[k] != numbers[k]) depends[k] |= uint64_t{1} << i;
          }
        }
      }
    }
    return depends;
  }

  absl::Status FillTables() {
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

  void FillGroup(size_t entries, SlotGroup* group) const {
    group->strides.assign(group->axes.size(), 1);
    for (size_t i = group->axes.size() - 1; i-- > 0;) {
      group->strides[i] =
          group->strides[i + 1] * axes_[group->axes[i + 1]].size;
    }
    group->fastest = group->axes.back() + 1 == axes_.size();
    group->tables.assign(group->slots.size(),
                         std::vector<double>(entries + Pack::kLanes, 1.0));
    std::vector<uint32_t> choices(axes_.size(), 0);
    for (size_t entry = 0; entry < entries; ++entry) {
      size_t rest = entry;
      for (size_t i = 0; i < group->axes.size(); ++i) {
        choices[group->axes[i]] =
            static_cast<uint32_t>(rest / group->strides[i]);
        rest %= group->strides[i];
      }
      const std::vector<double> numbers = NumbersAt(choices);
      for (size_t k = 0; k < group->slots.size(); ++k) {
        group->tables[k][entry] = numbers[group->slots[k]];
      }
    }
  }

  Hardware hardware_;
  Scenario scenario_;
  std::vector<KernelAxis> axes_;
  Machine<> base_;
  std::vector<SlotGroup> groups_;
};

// What of a combination the figures need besides the kernel's answer.
struct StepFacts {
  double tokens = 1;
  double tokens_per_sequence = 1;
  double chips = 1;
  // Of the backing store, and of in-memory arrays that hold weights.
  double store_used_bytes = 0;
  double array_used_bytes = 0;
  double array_bytes = 0;
  int boundary = kBoardBoundary;
};

// The figures by number of their field less one.
constexpr int kNumFigures = 12;
enum Figure {
  kEnergy,
  kStepTime,
  kTimePerToken,
  kTokensPerS,
  kPower,
  kEnergyDelay,
  kDramShare,
  kMemoryUsed,
  kMemoryLeft,
  kChips,
  kArea,
  kCost,
};

template <typename N>
using FigureValues = std::array<N, kNumFigures>;

// The figures of a pack of points.
inline FigureValues<Pack> FiguresFrom(const StepFacts& facts,
                                      const PackCost& cost) {
  const Pack inside = cost.energy_j[facts.boundary];
  const Pack steps_per_s = Pack(1.0) / cost.step_time_s;
  FigureValues<Pack> f;
  f[kEnergy] = inside * Pack(1 / facts.tokens);
  f[kStepTime] = cost.step_time_s;
  f[kTimePerToken] = cost.step_time_s * Pack(1 / facts.tokens_per_sequence);
  f[kTokensPerS] = Pack(facts.tokens) * steps_per_s;
  f[kPower] = inside * steps_per_s;
  f[kEnergyDelay] = f[kEnergy] * f[kTimePerToken];
  f[kDramShare] =
      cost.energy_j[kMemoryPathBoundary] / cost.energy_j[kBoardBoundary];
  f[kMemoryUsed] = Pack(facts.store_used_bytes + facts.array_used_bytes);
  f[kMemoryLeft] = cost.usable_bytes * Pack(facts.chips) +
                   Pack(facts.array_bytes) - f[kMemoryUsed];
  f[kChips] = Pack(facts.chips);
  f[kArea] = cost.area_mm2 * f[kChips];
  f[kCost] = cost.cost_usd * f[kChips];
  return f;
}

// The same of many packs, compiled for several instruction sets as the kernel
// is.
__attribute__((target_clones("avx512f", "avx2", "default"), flatten)) void
FillFigures(const StepFacts& facts, const PackCost* costs, size_t packs,
            FigureValues<Pack>* figures) {
  for (size_t i = 0; i < packs; ++i) figures[i] = FiguresFrom(facts, costs[i]);
}

SweepFigures ToProto(const FigureValues<double>& values) {
  SweepFigures figures;
  for (int i = 0; i < kNumFigures; ++i) {
    figures.GetReflection()->SetDouble(
        &figures, SweepFigures::descriptor()->FindFieldByNumber(i + 1),
        values[i]);
  }
  return figures;
}

int FigureIndex(const std::string& metric) {
  return SweepFigures::descriptor()->FindFieldByName(metric)->number() - 1;
}

// A limit or an objective, resolved.
struct Bounds {
  int figure;
  double min, max;
};
struct Goal {
  int figure;
  double sign;
};

// One combination of the structural axes, ready to be evaluated.
struct Combination {
  // The model and machine it was made from, to be used again by the next.
  std::shared_ptr<const TabledMachine> machine;
  Choices choices;
  Ledger<> ledger;
  StepFacts facts;
  LoweredStep<Pack> step;
  Machine<Pack> pack;
  std::vector<Pack*> slots;
};

// Makes combinations; keeps what the last one can share with the next.
class Compiler {
 public:
  Compiler(const Space& space, const Plan& plan) : space_(space), plan_(plan) {}

  // Fails where the combination cannot be described.
  absl::StatusOr<std::unique_ptr<Combination>> Compile(uint64_t number) {
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

 private:
  // Choices of the axes that name a root, to tell whether it must be loaded
  // again.
  Choices ChoicesFor(absl::string_view root, const Choices& choices) const {
    Choices of_root;
    for (const int axis : plan_.structural) {
      for (const FieldValues& field : space_.axes[axis].fields) {
        if (absl::StartsWith(field.path, root)) {
          of_root.push_back(choices[axis]);
          break;
        }
      }
    }
    return of_root;
  }

  absl::Status Load(const Choices& choices) {
    absl::StatusOr<Scenario> scenario = ScenarioAt(space_, choices);
    if (!scenario.ok()) return scenario.status();
    const Choices of_model = ChoicesFor("model", choices);
    if (!model_.has_value() || of_model != of_model_) {
      absl::StatusOr<Model> model = ModelAt(space_, choices);
      if (!model.ok()) return model.status();
      model_ = *std::move(model);
      of_model_ = of_model;
    }
    const Choices of_hardware = ChoicesFor("hardware", choices);
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

  void Lower(Combination* out) const {
    const Machine<>& base = machine_->base();
    const Model* draft = draft_.has_value() ? &*draft_ : nullptr;
    out->ledger = BuildLedger(*model_, scenario_, draft);
    const Evaluation<> at_base = EvaluateOn(out->ledger, base);
    out->step = ConvertedStep<Pack>(at_base.step);
    out->pack = Converted<Pack>(base);
    out->slots = SlotsOf(&out->pack);
    const Occupancy occupancy = OccupancyOf(at_base.ledger, base);
    out->facts.tokens = at_base.step.tokens;
    out->facts.tokens_per_sequence = at_base.ledger.tokens_per_sequence;
    out->facts.chips = at_base.step.chips;
    out->facts.store_used_bytes = InBytes(occupancy.StoreUsed());
    out->facts.array_used_bytes = InBytes(occupancy.in_arrays);
    out->facts.array_bytes = InBytes(occupancy.array_capacity);
    out->facts.boundary =
        BoundaryIndex(ResolveScenario(*model_, scenario_).boundary());
  }

  // A few points of the combination by one number at a time: what was taken
  // for structure has not moved, and no dependency was missed.
  absl::Status Verify(Combination* combination) const;

  const Space& space_;
  const Plan& plan_;
  absl::optional<Model> model_, draft_;
  Choices of_model_, of_hardware_;
  Scenario scenario_;
  std::shared_ptr<const TabledMachine> machine_;
};

// Evaluates points of a combination by their kernel choices, in any order: the
// numbers of each are gathered from the tables.
class Gatherer {
 public:
  explicit Gatherer(Combination* combination) : combination_(combination) {
    for (const SlotGroup& group : combination->machine->groups()) {
      for (const size_t slot : group.slots) {
        columns_.emplace_back(kRun + Pack::kLanes, 1.0);
        varying_.push_back({combination->slots[slot], columns_.back().data()});
      }
    }
    // Moving a vector keeps its data, but let the order of growth not matter.
    for (size_t i = 0; i < columns_.size(); ++i) {
      varying_[i].values = columns_[i].data();
    }
  }

  // Puts the point into place `k` of the run.
  void Set(size_t k, const std::vector<uint32_t>& kernel_choices) {
    size_t column = 0;
    for (const SlotGroup& group : combination_->machine->groups()) {
      const size_t offset = group.OffsetOf(kernel_choices);
      for (const std::vector<double>& table : group.tables) {
        columns_[column++][k] = table[offset];
      }
    }
  }

  // Costs of the first `count` points of the run.
  const std::vector<PackCost>& Evaluate(size_t count) {
    // What is read beyond the last point must be a machine too.
    for (std::vector<double>& column : columns_) {
      for (size_t k = count; k < count + Pack::kLanes; ++k) {
        column[k] = column[count - 1];
      }
    }
    costs_.resize(kRun / Pack::kLanes + 1);
    EvaluateRun(combination_->step, varying_, count, &combination_->pack,
                costs_.data());
    return costs_;
  }

 private:
  Combination* const combination_;
  std::vector<std::vector<double>> columns_;
  std::vector<VaryingSlot> varying_;
  std::vector<PackCost> costs_;
};

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
    if (std::abs(cost.cost_usd[k] - machine.cost_usd) >
        kAgreement * machine.cost_usd) {
      return absl::InternalError(
          absl::StrFormat("packs disagree with the machine: %.17g and %.17g $",
                          cost.cost_usd[k], machine.cost_usd));
    }
  }
  return absl::OkStatus();
}

// What a thread found.
struct Findings {
  explicit Findings(int objectives) : front(objectives) {}

  ParetoFront front;
  uint64_t points = 0, invalid = 0, does_not_fit = 0, outside_limits = 0,
           feasible = 0;
  std::map<std::string, uint64_t> reasons;

  void Merge(const Findings& other) {
    front.Merge(other.front);
    points += other.points;
    invalid += other.invalid;
    does_not_fit += other.does_not_fit;
    outside_limits += other.outside_limits;
    feasible += other.feasible;
    for (const auto& [reason, count] : other.reasons) reasons[reason] += count;
  }
};

// Takes costs of points into the findings.
class Judge {
 public:
  Judge(const DesignSpace& description, Findings* findings)
      : may_not_fit_(description.may_not_fit()), findings_(findings) {
    for (const Limit& limit : description.limit()) {
      constexpr double kEnd = std::numeric_limits<double>::infinity();
      limits_.push_back({FigureIndex(limit.metric()),
                         limit.has_min() ? limit.min() : -kEnd,
                         limit.has_max() ? limit.max() : kEnd});
    }
    for (const Objective& objective : description.objective()) {
      goals_.push_back(
          {FigureIndex(objective.metric()), objective.maximize() ? -1.0 : 1.0});
    }
  }

  // Points first ... first + count - 1 of a run; `id_of(k)` numbers them.
  template <typename IdOfPoint>
  void Take(const StepFacts& facts, const std::vector<PackCost>& costs,
            size_t count, const IdOfPoint& id_of) {
    figures_.resize(costs.size());
    FillFigures(facts, costs.data(), (count + Pack::kLanes - 1) / Pack::kLanes,
                figures_.data());
    for (size_t begin = 0; begin < count; begin += Pack::kLanes) {
      const PackCost& cost = costs[begin / Pack::kLanes];
      const FigureValues<Pack>& figures = figures_[begin / Pack::kLanes];
      const size_t lanes = std::min<size_t>(Pack::kLanes, count - begin);
      for (size_t lane = 0; lane < lanes; ++lane) {
        if (!may_not_fit_ && !Fits(facts, cost.usable_bytes[lane])) {
          ++findings_->does_not_fit;
          continue;
        }
        TakeLane(figures, lane, [&] { return id_of(begin + lane); });
      }
    }
    findings_->points += count;
  }

 private:
  static bool Fits(const StepFacts& facts, double usable_bytes) {
    return facts.store_used_bytes <= usable_bytes * facts.chips &&
           facts.array_used_bytes <= facts.array_bytes;
  }

  template <typename Id>
  void TakeLane(const FigureValues<Pack>& figures, size_t lane, const Id& id) {
    for (const Bounds& limit : limits_) {
      const double value = figures[limit.figure][lane];
      if (!(value >= limit.min && value <= limit.max)) {
        ++findings_->outside_limits;
        return;
      }
    }
    ++findings_->feasible;
    ObjectiveValues values = {};
    for (size_t i = 0; i < goals_.size(); ++i) {
      values[i] = goals_[i].sign * figures[goals_[i].figure][lane];
    }
    findings_->front.Add(values, id());
  }

  const bool may_not_fit_;
  std::vector<Bounds> limits_;
  std::vector<Goal> goals_;
  std::vector<FigureValues<Pack>> figures_;
  Findings* const findings_;
};

// Work is numbered: the whole grid in slices of combinations, or draws in
// blocks. What is in a piece depends on the space alone.
struct Pieces {
  uint64_t count = 1;
  // Grid: combinations of a piece, or slices of a combination.
  uint64_t combinations_per_piece = 1;
  uint64_t slices = 1;
  // Kernel points of a slice, all runs of the fastest axis.
  uint64_t slice_points = 1;
};

Pieces DivideWork(const Space& space, const Plan& plan) {
  Pieces work;
  if (space.description.has_sample()) {
    const uint64_t draws = space.description.sample().points();
    work.count = (draws + kPiece - 1) / kPiece;
    return work;
  }
  const uint64_t fastest =
      plan.kernel.empty() ? 1 : space.axes[plan.kernel.back()].size();
  if (plan.kernel_points > kPiece) {
    const uint64_t rows = plan.kernel_points / fastest;
    const uint64_t rows_per_slice = std::max<uint64_t>(1, kPiece / fastest);
    work.slices = (rows + rows_per_slice - 1) / rows_per_slice;
    work.slice_points = rows_per_slice * fastest;
  } else {
    work.slice_points = plan.kernel_points;
    // A piece of many small combinations; few enough that threads share.
    work.combinations_per_piece =
        std::max<uint64_t>(1, (kPiece / 64) / plan.kernel_points);
  }
  work.count = (plan.combinations + work.combinations_per_piece - 1) /
               work.combinations_per_piece * work.slices;
  return work;
}

// One thread's share of the search.
class Searcher {
 public:
  Searcher(const Space& space, const Plan& plan, const Pieces& work,
           Findings* findings)
      : space_(space),
        plan_(plan),
        work_(work),
        compiler_(space, plan),
        judge_(space.description, findings),
        findings_(findings) {
    if (plan.kernel.empty()) return;
    // What one step of the fastest axis adds to a point's number.
    for (size_t i = plan.kernel.back() + 1; i < space.axes.size(); ++i) {
      fastest_stride_ *= space.axes[i].size();
    }
  }

  absl::Status Do(uint64_t piece) {
    if (space_.description.has_sample()) return DoDraws(piece);
    const uint64_t first = piece / work_.slices * work_.combinations_per_piece;
    const uint64_t last =
        std::min(first + work_.combinations_per_piece, plan_.combinations);
    const uint64_t begin = piece % work_.slices * work_.slice_points;
    const uint64_t end =
        std::min(begin + work_.slice_points, plan_.kernel_points);
    for (uint64_t combination = first; combination < last; ++combination) {
      absl::StatusOr<Combination*> compiled =
          CompiledOrNull(combination, end - begin);
      if (!compiled.ok()) return compiled.status();
      if (*compiled != nullptr) DoRows(*compiled, begin, end);
    }
    return absl::OkStatus();
  }

 private:
  // The combination, or nullptr where it cannot be described: its points are
  // then counted as invalid.
  absl::StatusOr<Combination*> CompiledOrNull(uint64_t number,
                                              uint64_t points) {
    if (number != number_ || (combination_ == nullptr && reason_.empty())) {
      absl::StatusOr<std::unique_ptr<Combination>> compiled =
          compiler_.Compile(number);
      number_ = number;
      combination_.reset();
      reason_.clear();
      if (compiled.ok()) {
        combination_ = *std::move(compiled);
      } else if (compiled.status().code() == absl::StatusCode::kInternal) {
        return compiled.status();
      } else {
        reason_ = std::string(compiled.status().message());
      }
    }
    if (combination_ != nullptr) return combination_.get();
    findings_->points += points;
    findings_->invalid += points;
    findings_->reasons[reason_] += points;
    return nullptr;
  }

  // Kernel points begin ... end - 1, whole rows of the fastest axis.
  void DoRows(Combination* combination, uint64_t begin, uint64_t end) {
    const std::vector<KernelAxis>& axes = combination->machine->axes();
    const size_t row = axes.empty() ? 1 : axes.back().size;
    std::vector<uint32_t> kernel_choices(axes.size(), 0);
    for (uint64_t first = begin; first < end; first += row) {
      uint64_t rest = first;
      for (size_t i = axes.size(); i-- > 0;) {
        kernel_choices[i] = static_cast<uint32_t>(rest % axes[i].size);
        rest /= axes[i].size;
        combination->choices[axes[i].axis] = kernel_choices[i];
      }
      DoRow(combination, kernel_choices, row);
    }
  }

  void DoRow(Combination* combination,
             const std::vector<uint32_t>& kernel_choices, size_t row) {
    varying_.clear();
    for (const SlotGroup& group : combination->machine->groups()) {
      const size_t offset = group.OffsetOf(kernel_choices);
      for (size_t k = 0; k < group.slots.size(); ++k) {
        const double* values = &group.tables[k][offset];
        Pack* place = combination->slots[group.slots[k]];
        if (group.fastest) {
          varying_.push_back({place, values});
        } else {
          *place = Pack(*values);
        }
      }
    }
    const uint64_t id = IdOf(space_, combination->choices);
    costs_.resize(kRun / Pack::kLanes + 1);
    for (size_t begin = 0; begin < row; begin += kRun) {
      const size_t count = std::min(kRun, row - begin);
      EvaluateRun(combination->step, varying_, count, &combination->pack,
                  costs_.data());
      judge_.Take(combination->facts, costs_, count,
                  [&](size_t k) { return id + (begin + k) * fastest_stride_; });
      for (VaryingSlot& slot : varying_) slot.values += kRun;
    }
  }

  absl::Status DoDraws(uint64_t piece);

  const Space& space_;
  const Plan& plan_;
  const Pieces& work_;
  Compiler compiler_;
  Judge judge_;
  Findings* const findings_;
  uint64_t fastest_stride_ = 1;
  // The combination at hand, or why there is none.
  uint64_t number_ = 0;
  std::unique_ptr<Combination> combination_;
  std::string reason_;
  std::vector<VaryingSlot> varying_;
  std::vector<PackCost> costs_;
};

// The n-th draw of a seed: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), so
// that each can be drawn by itself.
uint64_t Draw(uint64_t seed, uint64_t n) {
  uint64_t z = seed + (n + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// Number of a point's combination and its kernel choices.
uint64_t CombinationOf(const Space& space, const Plan& plan,
                       const Choices& choices) {
  uint64_t number = 0;
  for (const int axis : plan.structural) {
    number = number * space.axes[axis].size() + choices[axis];
  }
  return number;
}

// Points of one combination, by number; calls `take(costs, count, ids)` for
// each run.
template <typename Take>
void ForEachRun(const Space& space, const Plan& plan, Combination* combination,
                const std::vector<uint64_t>& ids, const Take& take) {
  Gatherer gatherer(combination);
  std::vector<uint32_t> kernel_choices(plan.kernel.size());
  for (size_t begin = 0; begin < ids.size(); begin += kRun) {
    const size_t count = std::min(kRun, ids.size() - begin);
    for (size_t k = 0; k < count; ++k) {
      const Choices choices = ChoicesOf(space, ids[begin + k]);
      for (size_t i = 0; i < plan.kernel.size(); ++i) {
        kernel_choices[i] = choices[plan.kernel[i]];
      }
      gatherer.Set(k, kernel_choices);
    }
    take(gatherer.Evaluate(count), count, ids.data() + begin);
  }
}

std::map<uint64_t, std::vector<uint64_t>> ByCombination(
    const Space& space, const Plan& plan, const std::vector<uint64_t>& ids) {
  std::map<uint64_t, std::vector<uint64_t>> grouped;
  for (const uint64_t id : ids) {
    grouped[CombinationOf(space, plan, ChoicesOf(space, id))].push_back(id);
  }
  return grouped;
}

absl::Status Searcher::DoDraws(uint64_t piece) {
  const Sample& sample = space_.description.sample();
  const uint64_t first = piece * kPiece;
  const uint64_t last = std::min<uint64_t>(first + kPiece, sample.points());
  std::vector<uint64_t> ids;
  for (uint64_t n = first; n < last; ++n) {
    ids.push_back(Draw(sample.seed(), n) % space_.points);
  }
  for (const auto& [number, of_it] : ByCombination(space_, plan_, ids)) {
    absl::StatusOr<Combination*> compiled =
        CompiledOrNull(number, of_it.size());
    if (!compiled.ok()) return compiled.status();
    if (*compiled == nullptr) continue;
    ForEachRun(space_, plan_, *compiled, of_it,
               [&](const std::vector<PackCost>& costs, size_t count,
                   const uint64_t* run) {
                 judge_.Take((*compiled)->facts, costs, count,
                             [&](size_t k) { return run[k]; });
               });
  }
  return absl::OkStatus();
}

// All threads' work.
class Search {
 public:
  Search(const Space& space, const Plan& plan, const SweepOptions& options)
      : space_(space),
        plan_(plan),
        options_(options),
        work_(DivideWork(space, plan)),
        next_(options.shard),
        findings_(space.description.objective_size()) {}

  absl::Status Run(int threads) {
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) {
      others.emplace_back([this] { DoPieces(); });
    }
    DoPieces();
    for (std::thread& other : others) other.join();
    return status_;
  }

  const Findings& findings() const { return findings_; }
  bool interrupted() const { return stopped_; }

 private:
  void DoPieces() {
    Findings mine(space_.description.objective_size());
    Searcher searcher(space_, plan_, work_, &mine);
    uint64_t reported = 0;
    while (!stopped_) {
      const uint64_t piece = next_.fetch_add(Parts());
      if (piece >= work_.count) break;
      if (options_.interrupted != nullptr && *options_.interrupted) {
        stopped_ = true;
        break;
      }
      const absl::Status status = searcher.Do(piece);
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!status.ok()) {
        status_.Update(status);
        stopped_ = true;
      }
      done_ += mine.points - reported;
      reported = mine.points;
      if (options_.progress) {
        options_.progress(static_cast<double>(done_), AllPoints() / Parts());
      }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    findings_.Merge(mine);
  }

  int Parts() const { return std::max(1, options_.shards); }

  double AllPoints() const {
    return space_.description.has_sample()
               ? static_cast<double>(space_.description.sample().points())
               : static_cast<double>(space_.points);
  }

  const Space& space_;
  const Plan& plan_;
  const SweepOptions& options_;
  const Pieces work_;
  std::atomic<uint64_t> next_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  uint64_t done_ = 0;
  Findings findings_;
  absl::Status status_;
};

// FNV-1a, 64 bits.
uint64_t Hashed(const std::string& text, uint64_t hash) {
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3u;
  return hash;
}

absl::StatusOr<std::string> FingerprintOf(const Space& space) {
  uint64_t hash =
      Hashed(PrintTextproto(space.description), 0xcbf29ce484222325u);
  Choices choices(space.axes.size(), 0);
  for (size_t i = 0; i <= space.axes.size(); ++i) {
    // Each model and machine that an axis names, and those of the first point.
    const bool names =
        i < space.axes.size() && (space.axes[i].fields[0].path == "model" ||
                                  space.axes[i].fields[0].path == "hardware");
    if (i < space.axes.size() && !names) continue;
    const size_t size = names ? space.axes[i].size() : 1;
    for (size_t k = 0; k < size; ++k) {
      if (names) choices[i] = static_cast<uint32_t>(k);
      const absl::StatusOr<Setup> setup = SetupAt(space, choices);
      if (!setup.ok()) return setup.status();
      hash = Hashed(PrintTextproto(setup->model), hash);
      hash = Hashed(PrintTextproto(setup->hardware), hash);
    }
    if (names) choices[i] = 0;
  }
  return absl::StrFormat("%016x", hash);
}

void FillHead(const Space& space, SweepStudy* study) {
  study->set_name(space.description.name());
  for (const SpaceAxis& axis : space.axes) {
    study->add_axes(axis.fields[0].path);
  }
  for (const Objective& objective : space.description.objective()) {
    study->add_objectives(
        absl::StrCat(objective.maximize() ? "max " : "", objective.metric()));
  }
}

void FillCounts(const Findings& findings, SweepStudy* study) {
  study->set_points(static_cast<double>(findings.points));
  study->set_invalid(static_cast<double>(findings.invalid));
  study->set_does_not_fit(static_cast<double>(findings.does_not_fit));
  study->set_outside_limits(static_cast<double>(findings.outside_limits));
  study->set_feasible(static_cast<double>(findings.feasible));
  std::vector<std::pair<std::string, uint64_t>> reasons(
      findings.reasons.begin(), findings.reasons.end());
  std::stable_sort(
      reasons.begin(), reasons.end(),
      [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [reason, count] : reasons) {
    InvalidReason* out = study->add_invalid_reasons();
    out->set_reason(reason);
    out->set_points(static_cast<double>(count));
  }
}

// The points of a front with their values and figures.
absl::Status FillFront(const Space& space, const Plan& plan,
                       const std::vector<FrontPoint>& front,
                       SweepStudy* study) {
  std::vector<uint64_t> ids;
  for (const FrontPoint& point : front) ids.push_back(point.id);
  std::map<uint64_t, FigureValues<double>> figures;
  Compiler compiler(space, plan);
  for (const auto& [number, of_it] : ByCombination(space, plan, ids)) {
    absl::StatusOr<std::unique_ptr<Combination>> combination =
        compiler.Compile(number);
    if (!combination.ok()) return combination.status();
    ForEachRun(space, plan, combination->get(), of_it,
               [&](const std::vector<PackCost>& costs, size_t count,
                   const uint64_t* run) {
                 for (size_t k = 0; k < count; ++k) {
                   const FigureValues<Pack> pack = FiguresFrom(
                       (*combination)->facts, costs[k / Pack::kLanes]);
                   for (int i = 0; i < kNumFigures; ++i) {
                     figures[run[k]][i] = pack[i][k % Pack::kLanes];
                   }
                 }
               });
  }
  for (const uint64_t id : ids) {
    SweepPoint* point = study->add_front();
    point->set_id(static_cast<double>(id));
    const Choices choices = ChoicesOf(space, id);
    for (size_t i = 0; i < space.axes.size(); ++i) {
      point->add_values(space.axes[i].fields[0].values[choices[i]]);
    }
    *point->mutable_figures() = ToProto(figures[id]);
  }
  return absl::OkStatus();
}

// The front of a study's points, thinned as the space asks for.
std::vector<FrontPoint> FinalFront(const Space& space,
                                   const ParetoFront& front) {
  return Thinned(front.Sorted(), front.objectives(),
                 space.description.epsilon());
}

// A shard's findings.
void AddShard(const Space& space, const SweepStudy& shard, Findings* findings) {
  findings->points += static_cast<uint64_t>(shard.points());
  findings->invalid += static_cast<uint64_t>(shard.invalid());
  findings->does_not_fit += static_cast<uint64_t>(shard.does_not_fit());
  findings->outside_limits += static_cast<uint64_t>(shard.outside_limits());
  findings->feasible += static_cast<uint64_t>(shard.feasible());
  for (const InvalidReason& reason : shard.invalid_reasons()) {
    findings->reasons[reason.reason()] +=
        static_cast<uint64_t>(reason.points());
  }
  for (const SweepPoint& point : shard.front()) {
    ObjectiveValues values = {};
    for (int i = 0; i < space.description.objective_size(); ++i) {
      const Objective& objective = space.description.objective(i);
      const double value = point.figures().GetReflection()->GetDouble(
          point.figures(),
          SweepFigures::descriptor()->FindFieldByName(objective.metric()));
      values[i] = objective.maximize() ? -value : value;
    }
    findings->front.Add(values, static_cast<uint64_t>(point.id()));
  }
}

void KeepMostReasons(SweepStudy* study) {
  auto* reasons = study->mutable_invalid_reasons();
  if (reasons->size() > static_cast<int>(kMostReasons)) {
    reasons->DeleteSubrange(kMostReasons, reasons->size() - kMostReasons);
  }
}

}  // namespace

absl::StatusOr<SweepStudy> Sweep(const Space& space,
                                 const SweepOptions& options) {
  absl::StatusOr<Plan> plan = MakePlan(space);
  if (!plan.ok()) return plan.status();
  absl::StatusOr<std::string> fingerprint = FingerprintOf(space);
  if (!fingerprint.ok()) return fingerprint.status();
  const int threads =
      options.threads > 0
          ? options.threads
          : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const auto start = std::chrono::steady_clock::now();
  Search search(space, *plan, options);
  const absl::Status status = search.Run(threads);
  if (!status.ok()) return status;
  const std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - start;

  SweepStudy study;
  FillHead(space, &study);
  FillCounts(search.findings(), &study);
  study.set_fingerprint(*fingerprint);
  study.set_interrupted(search.interrupted());
  const ParetoFront& front = search.findings().front;
  if (options.shards > 0) {
    study.set_shard(options.shard);
    study.set_shards(options.shards);
  } else {
    KeepMostReasons(&study);
    study.set_points_per_second_per_core(study.points() / elapsed.count() /
                                         threads);
  }
  const absl::Status filled = FillFront(
      space, *plan,
      options.shards > 0 ? front.Sorted() : FinalFront(space, front), &study);
  if (!filled.ok()) return filled;
  return study;
}

absl::StatusOr<SweepStudy> MergeShards(const Space& space,
                                       const std::vector<SweepStudy>& shards) {
  absl::StatusOr<Plan> plan = MakePlan(space);
  if (!plan.ok()) return plan.status();
  absl::StatusOr<std::string> fingerprint = FingerprintOf(space);
  if (!fingerprint.ok()) return fingerprint.status();
  std::vector<std::string> faults;
  std::set<int> seen;
  const int expected = shards.empty() ? 0 : shards[0].shards();
  Findings findings(space.description.objective_size());
  for (const SweepStudy& shard : shards) {
    const std::string name = absl::StrCat("shard ", shard.shard());
    if (shard.fingerprint() != *fingerprint) {
      faults.push_back(
          absl::StrCat(name, " is of another space or of other descriptions"));
    }
    if (shard.shards() != expected) {
      faults.push_back(absl::StrCat(name, " is one of ", shard.shards(),
                                    ", others of ", expected));
    }
    if (!seen.insert(shard.shard()).second) {
      faults.push_back(absl::StrCat(name, " is there twice"));
    }
    if (shard.interrupted()) {
      faults.push_back(absl::StrCat(name, " was interrupted; run it again"));
    }
  }
  for (int i = 0; i < expected; ++i) {
    if (seen.count(i) == 0) {
      faults.push_back(absl::StrCat("shard ", i, " of ", expected,
                                    " is missing; run it with --shard=", i, "/",
                                    expected));
    }
  }
  if (shards.empty()) faults.push_back("no shards to merge");
  if (!faults.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }
  for (const SweepStudy& shard : shards) {
    AddShard(space, shard, &findings);
  }
  SweepStudy study;
  FillHead(space, &study);
  FillCounts(findings, &study);
  KeepMostReasons(&study);
  study.set_fingerprint(*fingerprint);
  const absl::Status filled =
      FillFront(space, *plan, FinalFront(space, findings.front), &study);
  if (!filled.ok()) return filled;
  return study;
}

absl::StatusOr<SweepFigures> FiguresAt(const Space& space, uint64_t id) {
  absl::StatusOr<Setup> setup = SetupAt(space, ChoicesOf(space, id));
  if (!setup.ok()) return setup.status();
  absl::StatusOr<Report> report =
      Analyze(*setup, {/*operators=*/false, /*ranges=*/false});
  if (!report.ok()) return report.status();
  SweepFigures figures;
  figures.set_energy_per_token_j(report->energy_per_token_j());
  figures.set_step_time_s(report->step_time_s());
  figures.set_time_per_token_s(report->step_time_s() /
                               report->tokens_per_sequence_step());
  figures.set_tokens_per_s(report->tokens_per_s());
  figures.set_power_w(report->power_w());
  figures.set_energy_delay_j_s(figures.energy_per_token_j() *
                               figures.time_per_token_s());
  figures.set_dram_energy_share(report->dram_energy_share());
  figures.set_memory_used_bytes(report->memory_used_bytes());
  figures.set_memory_left_bytes(report->memory_usable_bytes() -
                                report->memory_used_bytes());
  figures.set_chips(report->num_chips());
  figures.set_area_mm2(report->area_mm2());
  figures.set_cost_usd(report->cost_usd());
  return figures;
}

}  // namespace tokenjoule
