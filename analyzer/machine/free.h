// Machines in which some parts are free: ideal machines, machines without fixed
// costs per step, and machines for studies in the manner of Amdahl's law. The
// tags in machine.h say which numbers belong to which part.

#ifndef ANALYZER_MACHINE_FREE_H_
#define ANALYZER_MACHINE_FREE_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "analyzer/machine/field.h"
#include "analyzer/machine/machine.h"
#include "analyzer/machine/terms.h"

namespace tokenjoule {

// Makes every number free whose tags satisfy `wanted(field)`.
template <typename N, typename Wanted>
void MakeFreeWhere(const Wanted& wanted, Machine<N>* machine) {
  const auto visit = [&](const Field& field, auto& number) {
    if (wanted(field)) MakeFree(field, number);
  };
  ForEachPlacement(machine->structure, visit, machine->placement);
  ForEachCost(machine->structure, visit, machine->costs);
}

// Makes everything but bytes and FLOP free: peak rates, no overhead, no link
// time or energy, no power cap. See Scenario.ideal.
template <typename N>
void MakeIdeal(Machine<N>* machine) {
  MakeFreeWhere([](const Field& field) { return field.in_ideal; }, machine);
}

// The machine without the costs that a step pays once, however large it is, and
// with room for all activations. No batch on the original machine does better.
template <typename N>
Machine<N> WithoutFixedCosts(Machine<N> machine) {
  MakeFreeWhere([](const Field& field) { return field.once_a_step; }, &machine);
  return machine;
}

// Name and description of a component that can be made free.
struct ComponentRow {
  Component component;
  absl::string_view name;
  // Human-readable description of what is assumed when it is free.
  absl::string_view assumption;
};

// The components, from the memory outwards.
absl::Span<const ComponentRow> Components();

// Makes the energy of a component zero; its time is unchanged.
void MakeEnergyFree(Component component, Machine<>* machine);

// Makes the time of a component zero; its energy is unchanged.
void MakeTimeFree(Component component, Machine<>* machine);

// Makes the energy of one term zero; time is unchanged. STATIC includes the
// losses of regulators, HOST those of power supplies.
void MakeTermFree(TermIndex term, Machine<>* machine);

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_FREE_H_
