// Which axes of a space the cost kernel alone reads, and machines along them.

#ifndef ANALYZER_STUDY_KERNEL_AXES_H_
#define ANALYZER_STUDY_KERNEL_AXES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "analyzer/machine/machine.h"
#include "analyzer/study/space.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {

// An axis whose values are constants of the machine that only the kernel reads.
struct KernelAxis {
  struct Field {
    const Constant* constant;
    const FieldValues* values;
  };
  // Its place among the space's axes.
  int axis = 0;
  size_t size = 0;
  std::vector<Field> fields;
};

// The axis over this machine, or nothing where it is not one for the kernel.
// Points into both.
absl::optional<KernelAxis> AsKernelAxis(const SpaceAxis& axis, int index,
                                        const Hardware& hardware);

// The machine at a choice of each kernel axis; `ideal` as Scenario.ideal.
Machine<> MachineAt(const Hardware& hardware, bool ideal,
                    const std::vector<KernelAxis>& axes,
                    const std::vector<uint32_t>& kernel_choices);

// Which axes are for the kernel and which change structure, each in the order
// of evaluation: machines slowest, the longest kernel axis fastest.
struct Plan {
  std::vector<int> structural;
  std::vector<int> kernel;
  // Products of their sizes, where the space's points are numbered.
  uint64_t combinations = 1;
  uint64_t kernel_points = 1;

  uint64_t points() const { return combinations * kernel_points; }
};

// Fails where the first point's machine cannot be described.
absl::StatusOr<Plan> MakePlan(const Space& space);

// The kernel axes of a plan over a machine of the space. Fails where one of
// them decides structure on this machine.
absl::StatusOr<std::vector<KernelAxis>> KernelAxesOf(const Space& space,
                                                     const Plan& plan,
                                                     const Hardware& hardware);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_KERNEL_AXES_H_
