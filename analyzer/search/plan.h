// Which axes of a space the cost kernel alone reads, and machines along them.

#ifndef ANALYZER_SEARCH_PLAN_H_
#define ANALYZER_SEARCH_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/machine/machine.h"
#include "analyzer/search/space.h"
#include "proto/hardware.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// The fields of the scenario that say how large a step is.
inline constexpr absl::string_view kBatchPath = "scenario.batch";
inline constexpr absl::string_view kContextPath = "scenario.context";

// An axis whose values are constants of the machine that only the kernel reads.
struct KernelAxis {
  struct Field {
    const Constant* constant;
    const FieldValues* values;
    // All of `values`, where a search comes by each; else empty.
    std::vector<double> numbers;

    double NumberAt(size_t choice) const {
      return numbers.empty() ? values->NumberAt(choice) : numbers[choice];
    }
  };
  // Its place among the space's axes.
  int axis = 0;
  size_t size = 0;
  std::vector<Field> fields;
};

// What a search does again at each point.
enum class EachPoint {
  // The cost kernel alone.
  kKernel,
  // Lowering as well: then the constants that lowering reads need no structure
  // of their own.
  kLoweringAndKernel,
};

// The machine, or the ideal one, at a choice of each kernel axis.
Machine<> MachineAt(const Hardware& hardware, bool ideal,
                    const std::vector<KernelAxis>& axes,
                    const std::vector<uint32_t>& kernel_choices);

// Which axes are for the kernel and which change structure, each in the order
// of evaluation: machines slowest, the longest kernel axis fastest.
struct Plan {
  EachPoint each_point = EachPoint::kKernel;
  std::vector<int> structural;
  std::vector<int> kernel;
  // Batch and context, where the search counts their steps in packs; else they
  // are among the structural ones.
  std::vector<int> sizes;
  // Products of their sizes, where the space's points are numbered.
  uint64_t combinations = 1;
  uint64_t kernel_points = 1;
  uint64_t size_points = 1;
};

// Fails where the first point's machine cannot be described.
absl::StatusOr<Plan> MakePlan(const Space& space,
                              EachPoint each_point = EachPoint::kKernel);

// The plan of a search that counts the steps of many batches and contexts in
// packs: axes that set nothing but one of them, in numbers, stand in `sizes`.
// Of a space whose points are numbered. Fails as MakePlan does.
absl::StatusOr<Plan> MakePlanBySizes(const Space& space);

// The kernel axes of a plan over a machine of the space; they point into both.
// Fails where one of them decides structure on this machine.
absl::StatusOr<std::vector<KernelAxis>> KernelAxesOf(const Space& space,
                                                     const Plan& plan,
                                                     const Hardware& hardware);

// Choices of the structural axes that set the model ("model"), the machine
// ("hardware") or a field of it: where they are the same, so is the
// description.
Choices ChoicesFor(absl::string_view root, const Space& space, const Plan& plan,
                   const Choices& choices);

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_PLAN_H_
