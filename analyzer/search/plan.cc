#include "analyzer/search/plan.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/machine/build_machine.h"
#include "analyzer/machine/slots.h"
#include "analyzer/machine/traced.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;

bool AnyDepends(const std::vector<Traced*>& numbers) {
  return std::any_of(numbers.begin(), numbers.end(),
                     [](const Traced* number) { return number->inputs != 0; });
}

// Whether a search may set this constant at each point without anything but
// what it does again at each point depending on it. A constant that no number
// of the machine depends on is read elsewhere (interconnect.max_chips, by
// validation): it decides structure.
bool IsForEachPoint(const Hardware& hardware, const Constant& constant,
                    EachPoint each_point) {
  ReplacingReader<Traced> read;
  read.Replace(constant, Traced(constant.value(), 1));
  Machine<Traced> machine = BuildMachine<Traced>(hardware, read);
  const bool in_placement = AnyDepends(PlacementSlots(&machine));
  const bool in_costs = AnyDepends(CostSlots(&machine));
  return each_point == EachPoint::kKernel ? in_costs && !in_placement
                                          : in_costs || in_placement;
}

// The constant at a path below "hardware.", where a search may set it at each
// point; else nullptr.
const Constant* KernelConstant(const Hardware& hardware,
                               const std::string& path, EachPoint each_point) {
  const Constant* found = nullptr;
  ForEachConstant(hardware,
                  [&](const std::string& here, const Constant& constant,
                      const FieldDescriptor&) {
                    if (absl::StrCat("hardware.", here) == path) {
                      found = &constant;
                    }
                  });
  if (found == nullptr || !IsForEachPoint(hardware, *found, each_point)) {
    return nullptr;
  }
  return found;
}

// Whether an axis sets the model ("model"), the machine ("hardware") or a field
// of it.
bool Touches(const SpaceAxis& axis, absl::string_view root) {
  return std::any_of(axis.fields.begin(), axis.fields.end(),
                     [&](const FieldValues& field) {
                       return absl::StartsWith(field.path(), root);
                     });
}

// Whether an axis sets the batch or the context alone, each to a number.
bool IsOfSizes(const SpaceAxis& axis) {
  return axis.fields.size() == 1 && axis.fields[0].IsNumeric() &&
         (axis.path() == kBatchPath || axis.path() == kContextPath);
}

// The axis over this machine, or nothing where it is not one for what each
// point does again. Points into both.
absl::optional<KernelAxis> AsKernelAxis(const SpaceAxis& axis, int index,
                                        const Hardware& hardware,
                                        EachPoint each_point) {
  KernelAxis out;
  out.axis = index;
  out.size = axis.size();
  for (const FieldValues& field : axis.fields) {
    const Constant* constant =
        KernelConstant(hardware, field.path(), each_point);
    if (constant == nullptr || !field.IsNumeric()) return absl::nullopt;
    out.fields.push_back({constant, &field, {}});
  }
  return out;
}

// Writes out the numbers of an axis.
void FillNumbers(KernelAxis* axis) {
  for (KernelAxis::Field& field : axis->fields) {
    std::vector<double> numbers(axis->size);
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = field.NumberAt(i);
    field.numbers = std::move(numbers);
  }
}

}  // namespace

Machine<> MachineAt(const Hardware& hardware, bool ideal,
                    const std::vector<KernelAxis>& axes,
                    const std::vector<uint32_t>& kernel_choices) {
  ReplacingReader<double> read;
  for (size_t i = 0; i < axes.size(); ++i) {
    for (const KernelAxis::Field& field : axes[i].fields) {
      read.Replace(*field.constant, field.NumberAt(kernel_choices[i]));
    }
  }
  return MachineWith<double>(hardware, ideal, read);
}

absl::StatusOr<Plan> MakePlan(const Space& space, EachPoint each_point) {
  absl::StatusOr<Hardware> hardware =
      HardwareAt(space, Choices(space.axes.size(), 0));
  if (!hardware.ok()) return hardware.status();
  Plan plan;
  plan.each_point = each_point;
  for (int i = 0; i < static_cast<int>(space.axes.size()); ++i) {
    const bool kernel =
        AsKernelAxis(space.axes[i], i, *hardware, each_point).has_value();
    (kernel ? plan.kernel : plan.structural).push_back(i);
    if (space.points > 0) {
      (kernel ? plan.kernel_points : plan.combinations) *= space.axes[i].size();
    }
  }
  std::stable_partition(
      plan.structural.begin(), plan.structural.end(),
      [&](int axis) { return Touches(space.axes[axis], "hardware"); });
  std::stable_sort(plan.kernel.begin(), plan.kernel.end(), [&](int a, int b) {
    return space.axes[a].size() < space.axes[b].size();
  });
  return plan;
}

absl::StatusOr<Plan> MakePlanBySizes(const Space& space) {
  absl::StatusOr<Plan> plan = MakePlan(space);
  if (!plan.ok()) return plan;
  const std::vector<int> structural = std::move(plan->structural);
  plan->structural.clear();
  for (const int axis : structural) {
    if (!IsOfSizes(space.axes[axis])) {
      plan->structural.push_back(axis);
      continue;
    }
    plan->sizes.push_back(axis);
    plan->combinations /= space.axes[axis].size();
    plan->size_points *= space.axes[axis].size();
  }
  return plan;
}

absl::StatusOr<std::vector<KernelAxis>> KernelAxesOf(const Space& space,
                                                     const Plan& plan,
                                                     const Hardware& hardware) {
  std::vector<KernelAxis> axes;
  for (const int axis : plan.kernel) {
    absl::optional<KernelAxis> kernel =
        AsKernelAxis(space.axes[axis], axis, hardware, plan.each_point);
    if (!kernel.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          space.axes[axis].path(),
          ": changes costs alone on one machine of the space, and where data "
          "is placed on another; put these machines in separate spaces"));
    }
    if (plan.each_point == EachPoint::kKernel) FillNumbers(&*kernel);
    axes.push_back(*std::move(kernel));
  }
  return axes;
}

Choices ChoicesFor(absl::string_view root, const Space& space, const Plan& plan,
                   const Choices& choices) {
  Choices of_root;
  for (const int axis : plan.structural) {
    if (Touches(space.axes[axis], root)) of_root.push_back(choices[axis]);
  }
  return of_root;
}

}  // namespace tokenjoule
