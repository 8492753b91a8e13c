#include "analyzer/machine/free.h"

namespace tokenjoule {
namespace {

constexpr ComponentRow kComponents[] = {
    {Component::kMemory, "memory",
     "backing store with PHY and controller: no energy, endless bandwidth"},
    {Component::kOnChipMemory, "on-chip memory",
     "caches, buffers and on-chip network: no energy, endless bandwidth"},
    {Component::kCompute, "compute",
     "multipliers, converters and vector units: no energy, no time"},
    {Component::kLinks, "links", "links between chips: no energy, no time"},
    {Component::kStaticPower, "static power",
     "no leakage, clocks, idle power, regulator losses"},
    {Component::kOverheads, "overheads",
     "no time between kernels, for their ramp-up and tail, per layer, step and "
     "sequence"},
    {Component::kHost, "host", "no host, network cards, fans, supply losses"},
    {Component::kFacility, "facility", "no cooling and distribution: PUE 1"},
};

}  // namespace

absl::Span<const ComponentRow> Components() { return kComponents; }

void MakeEnergyFree(Component component, Machine<>* machine) {
  MakeFreeWhere(
      [&](const Field& field) {
        return field.component == component && field.is_energy;
      },
      machine);
}

void MakeTimeFree(Component component, Machine<>* machine) {
  MakeFreeWhere(
      [&](const Field& field) {
        return field.component == component && field.is_time;
      },
      machine);
}

void MakeTermFree(TermIndex term, Machine<>* machine) {
  MakeFreeWhere([&](const Field& field) { return field.term == term; },
                machine);
}

}  // namespace tokenjoule
