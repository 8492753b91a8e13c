// The numbers of a machine as lists, so that machines of different number types
// can be filled from one another and be told apart number by number.

#ifndef ANALYZER_MACHINE_SLOTS_H_
#define ANALYZER_MACHINE_SLOTS_H_

#include <vector>

#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace slots_internal {

template <typename N>
N* PlaceOf(N& number) {
  return &number;
}
template <int b, int f, int s, int j, typename N>
N* PlaceOf(Quantity<b, f, s, j, N>& quantity) {
  return &quantity.mutable_base();
}

}  // namespace slots_internal

// Where each number that the kernel reads stands, in an order that is the same
// for all machines of one structure.
template <typename N>
std::vector<N*> CostSlots(Machine<N>* machine) {
  std::vector<N*> slots;
  ForEachCost(
      machine->structure,
      [&](const Field&, auto& number) {
        slots.push_back(slots_internal::PlaceOf(number));
      },
      machine->costs);
  return slots;
}

// The same for the numbers that lowering reads.
template <typename N>
std::vector<N*> PlacementSlots(Machine<N>* machine) {
  std::vector<N*> slots;
  ForEachPlacement(
      machine->structure,
      [&](const Field&, auto& number) {
        slots.push_back(slots_internal::PlaceOf(number));
      },
      machine->placement);
  return slots;
}

// A machine of another number type with the same structure and numbers.
template <typename To>
Machine<To> Converted(const Machine<double>& from) {
  Machine<To> to;
  to.structure = from.structure;
  const auto copy = [](const Field&, const auto& number, auto& place) {
    CopyNumber()(number, place);
  };
  ForEachPlacement(from.structure, copy, from.placement, to.placement);
  ForEachCost(from.structure, copy, from.costs, to.costs);
  return to;
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_SLOTS_H_
