// Machines of which a part costs nothing: ideal ones, those without what a step
// pays once, and those that Amdahl's law is asked about. Which numbers a part
// has stands beside them, in the tags of machine.h.

#ifndef ANALYZER_MACHINE_FREE_H_
#define ANALYZER_MACHINE_FREE_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "analyzer/machine/field.h"
#include "analyzer/machine/machine.h"
#include "analyzer/machine/terms.h"

namespace tokenjoule {

// Sets every number whose tags `wanted(field)` accepts to the value at which it
// costs nothing.
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

// The machine without everything that a step pays once, however large it is,
// and with room for every activation: no batch does better.
template <typename N>
Machine<N> WithoutFixedCosts(Machine<N> machine) {
  MakeFreeWhere([](const Field& field) { return field.once_a_step; }, &machine);
  return machine;
}

// What is said of a component that can be made free.
struct ComponentRow {
  Component component;
  absl::string_view name;
  // What is assumed where it is free, for people.
  absl::string_view assumption;
};

// The components, from the memory outwards.
absl::Span<const ComponentRow> Components();

// Makes the energy of a component zero; time stays.
void MakeEnergyFree(Component component, Machine<>* machine);

// Makes the time of a component zero; energy stays.
void MakeTimeFree(Component component, Machine<>* machine);

// Makes the energy of one term zero; time stays. STATIC takes the losses of
// regulators with it, HOST those of supplies.
void MakeTermFree(TermIndex term, Machine<>* machine);

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_FREE_H_
