// Points of a space, compiled: what changes structure is lowered once for each
// combination, constants of the machine run through the cost kernel in packs.

#ifndef ANALYZER_SEARCH_COMPILE_H_
#define ANALYZER_SEARCH_COMPILE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/cost/pack.h"
#include "analyzer/cost/pack_kernel.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "analyzer/search/figures.h"
#include "analyzer/search/plan.h"
#include "analyzer/search/sizes.h"
#include "analyzer/search/space.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// Points of a run that are evaluated at a time: their costs stay in cache.
inline constexpr size_t kRun = 1024;

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
  // Fails where an axis decides structure on this machine, and where tables
  // would be too large.
  static absl::StatusOr<std::shared_ptr<const TabledMachine>> Make(
      const Space& space, const Plan& plan, Hardware hardware, bool ideal);

  // The machine at a choice of each kernel axis, built anew.
  Machine<> At(const std::vector<uint32_t>& kernel_choices) const {
    return MachineAt(hardware_, ideal_, axes_, kernel_choices);
  }

  const Machine<>& base() const { return base_; }
  const Hardware& hardware() const { return hardware_; }
  const std::vector<KernelAxis>& axes() const { return axes_; }
  const std::vector<SlotGroup>& groups() const { return groups_; }

 private:
  std::vector<double> NumbersAt(const std::vector<uint32_t>& choices) const;
  // Which kernel axes each slot depends on, one bit each.
  std::vector<uint64_t> Dependencies() const;
  absl::Status FillTables();
  void FillGroup(size_t entries, SlotGroup* group) const;

  Hardware hardware_;
  bool ideal_ = false;
  std::vector<KernelAxis> axes_;
  Machine<> base_;
  std::vector<SlotGroup> groups_;
};

// One combination of the structural axes, ready to be evaluated.
struct Combination {
  // The model and machine it was made from, to be used again by the next.
  std::shared_ptr<const TabledMachine> machine;
  Choices choices;
  Ledger<> ledger;
  StepFacts<> facts;
  LoweredStep<Pack> step;
  Machine<Pack> pack;
  std::vector<Pack*> slots;
  // What happens in the step, where that is the same at all points.
  absl::optional<Actions<Pack>> actions;

  const Actions<Pack>* actions_or_null() const {
    return actions.has_value() ? &*actions : nullptr;
  }
};

// A choice of the batch and the context of a combination.
struct SizeChoice {
  double batch = 1, context = 1;
  // What it adds to the number of a point whose batch and context are the
  // first.
  uint64_t offset = 0;
  // Whether the combination can be run so.
  bool valid = false;
};

// One combination of the structural axes of a plan by sizes.
struct SizedCombination {
  // An axis of the plan's `sizes`: its values, what a step of it adds to a
  // point's number, and by how much a choice has more faults than the first.
  struct SizeAxis {
    bool is_batch = false;
    uint64_t stride = 1;
    std::vector<double> values;
    std::vector<int64_t> more_faults;
  };

  // With batch and context at their first.
  Choices choices;
  // The combination at the first batch and context that are valid; null where
  // there is none: each is then compiled by itself, for its reason.
  std::unique_ptr<Combination> base;
  std::unique_ptr<StepsOfSizes> steps;
  std::vector<SizeAxis> axes;
  // Faults of the first batch and context. No rule mixes the two: those of any
  // others are these and `more_faults` of both.
  int64_t faults = 0;
  // Batch and context where no axis sets them.
  SizeChoice fixed;
  // The kernel's choices that every step is checked at to be finite, tabled.
  size_t num_checked = 0;
  std::vector<std::vector<double>> checked;

  // The choice of that number, the last axis varying fastest.
  SizeChoice At(uint64_t number) const;
};

// Whether time and energy of all lanes are finite.
bool AreFinite(const std::vector<PackCost>& costs, size_t count);

// Makes combinations; keeps what the last one can share with the next.
class Compiler {
 public:
  Compiler(const Space& space, const Plan& plan) : space_(space), plan_(plan) {}

  // The combination of that number, checked at a few points against the kernel
  // on one number at a time. Fails where it cannot be described; an internal
  // error is a disagreement.
  absl::StatusOr<std::unique_ptr<Combination>> Compile(uint64_t number);
  // The same of the point with these choices.
  absl::StatusOr<std::unique_ptr<Combination>> CompileAt(
      const Choices& choices);

  // The combination of that number of a plan by sizes, its first and last pack
  // checked against one number at a time. Fails with a disagreement alone:
  // where it cannot be described it has no `base`.
  absl::StatusOr<std::unique_ptr<SizedCombination>> CompileSized(
      uint64_t number);

 private:
  absl::Status Load(const Choices& choices);
  // All but what depends on model, machine and scenario together.
  absl::Status LoadParts(const Choices& choices);
  // Faults of the scenario that was loaded, with another batch or context.
  int64_t FaultsWith(const SpaceAxis& axis, size_t choice) const;
  // Values and faults of the axes of sizes.
  void FillSizes(SizedCombination* sized) const;
  absl::Status VerifySizes(SizedCombination* sized) const;
  // A pack of valid sizes, the last lanes the same where there are fewer.
  absl::Status VerifyPack(const std::vector<SizeChoice>& lanes,
                          SizedCombination* sized) const;
  void Lower(Combination* out) const;
  // What was taken for structure has not moved, and no dependency was missed.
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
    EvaluateRun(combination_->step, varying_, count,
                combination_->actions_or_null(), &combination_->pack,
                costs_.data());
    return costs_;
  }

 private:
  Combination* const combination_;
  std::vector<std::vector<double>> columns_;
  std::vector<VaryingSlot> varying_;
  std::vector<PackCost> costs_;
};

// Number of a point's combination.
uint64_t CombinationOf(const Space& space, const Plan& plan,
                       const Choices& choices);

// Points of each combination.
std::map<uint64_t, std::vector<uint64_t>> ByCombination(
    const Space& space, const Plan& plan, const std::vector<uint64_t>& ids);

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

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_COMPILE_H_
