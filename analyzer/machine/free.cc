#include "analyzer/machine/free.h"

namespace tokenjoule {
namespace {

// Rates that no amount of bytes or FLOP takes time at.
const DataRate<> kInstant = DataRate<>::FromBase(1e300);
const WorkRate<> kInstantWork = WorkRate<>::FromBase(1e300);

void Both(MemoryLevelCosts<>& level, EnergyPerData<> MemoryEnergy<>::*part) {
  level.read.*part = {};
  level.write.*part = {};
}

void MakeInstant(MemoryLevelCosts<>& level) {
  level.long_bandwidth = kInstant;
  level.half_transfer = {};
  level.cache_half_transfer = {};
}

void FreeStore(Machine<>* machine) {
  MemoryLevelCosts<>& store = machine->levels[0];
  Both(store, &MemoryEnergy<>::activate);
  Both(store, &MemoryEnergy<>::column);
  Both(store, &MemoryEnergy<>::interface);
  Both(store, &MemoryEnergy<>::phy_controller);
  store.background = {};
}

void FreeOnChip(Machine<>* machine) {
  Both(machine->levels[0], &MemoryEnergy<>::network);
  for (int i = 1; i < machine->num_levels; ++i) {
    machine->levels[i].read = {};
    machine->levels[i].write = {};
  }
}

void InstantOnChip(Machine<>* machine) {
  for (int i = 1; i < machine->num_levels; ++i) {
    MakeInstant(machine->levels[i]);
  }
}

void FreeCompute(Machine<>* machine) {
  for (int i = 0; i < machine->num_rates; ++i) {
    machine->rates[i].energy = {};
    machine->rates[i].adc = {};
    machine->rates[i].dac = {};
    machine->rates[i].array_write = {};
  }
  machine->vector.energy = {};
}

void InstantCompute(Machine<>* machine) {
  for (int i = 0; i < machine->num_rates; ++i) {
    machine->rates[i].achieved = kInstantWork;
  }
  machine->vector.achieved = kInstantWork;
}

void FreeStatic(Machine<>* machine) {
  machine->static_power = {};
  machine->energy_per_sequence = {};
  machine->regulator_efficiency = 1;
}

void FreeHost(Machine<>* machine) {
  machine->host_power = {};
  machine->supply_efficiency = 1;
}

void NoOverhead(Machine<>* machine) {
  ClearFixedTimes(machine);
  machine->time_per_sequence = {};
}

void Nothing(Machine<>* machine) {}

constexpr FreeComponent kComponents[] = {
    {"memory",
     "backing store with PHY and controller: no energy, endless bandwidth",
     FreeStore, [](Machine<>* m) { MakeInstant(m->levels[0]); }},
    {"on-chip memory",
     "caches, buffers and on-chip network: no energy, endless bandwidth",
     FreeOnChip, InstantOnChip},
    {"compute", "multipliers, converters and vector units: no energy, no time",
     FreeCompute, InstantCompute},
    {"links", "links between chips: no energy, no time",
     [](Machine<>* m) { m->link_energy = {}; },
     [](Machine<>* m) {
       m->link_bandwidth = kInstant;
       m->link_latency = {};
     }},
    {"static power", "no leakage, clocks, idle power, regulator losses",
     FreeStatic, Nothing},
    {"overheads", "no time between kernels, per layer, step and sequence",
     Nothing, NoOverhead},
    {"host", "no host, network cards, fans, supply losses", FreeHost, Nothing},
    {"facility", "no cooling and distribution: PUE 1",
     [](Machine<>* m) { m->power_usage_effectiveness = 1; }, Nothing},
};

// Clears a part of the access energy of DRAM levels, or of the others.
void FreeAccess(Machine<>* machine, bool dram,
                EnergyPerData<> MemoryEnergy<>::*part) {
  for (int i = 0; i < machine->num_levels; ++i) {
    if (machine->levels[i].is_dram == dram) Both(machine->levels[i], part);
  }
}

void FreeRates(Machine<>* machine, EnergyPerWork<> ComputeCosts<>::*part) {
  for (int i = 0; i < machine->num_rates; ++i) machine->rates[i].*part = {};
}

}  // namespace

absl::Span<const FreeComponent> FreeComponents() { return kComponents; }

void MakeTermFree(Term::Value term, Machine<>* machine) {
  switch (term) {
    case Term::DRAM_ACTIVATE:
      return FreeAccess(machine, true, &MemoryEnergy<>::activate);
    case Term::DRAM_COLUMN:
      return FreeAccess(machine, true, &MemoryEnergy<>::column);
    case Term::DRAM_INTERFACE:
      return FreeAccess(machine, true, &MemoryEnergy<>::interface);
    case Term::DRAM_PHY_CONTROLLER:
      FreeAccess(machine, false, &MemoryEnergy<>::phy_controller);
      return FreeAccess(machine, true, &MemoryEnergy<>::phy_controller);
    case Term::DRAM_BACKGROUND:
      for (int i = 0; i < machine->num_levels; ++i) {
        machine->levels[i].background = {};
      }
      return;
    case Term::SRAM:
      return FreeAccess(machine, false, &MemoryEnergy<>::column);
    case Term::ON_CHIP_NETWORK:
      FreeAccess(machine, false, &MemoryEnergy<>::network);
      return FreeAccess(machine, true, &MemoryEnergy<>::network);
    case Term::COMPUTE:
      machine->vector.energy = {};
      return FreeRates(machine, &ComputeCosts<>::energy);
    case Term::ADC:
      return FreeRates(machine, &ComputeCosts<>::adc);
    case Term::DAC:
      return FreeRates(machine, &ComputeCosts<>::dac);
    case Term::ARRAY_WRITE:
      for (int i = 0; i < machine->num_rates; ++i) {
        machine->rates[i].array_write = {};
      }
      return;
    case Term::LINK:
      machine->link_energy = {};
      return;
    case Term::STATIC:
      return FreeStatic(machine);
    case Term::HOST:
      return FreeHost(machine);
    case Term::FACILITY:
      machine->power_usage_effectiveness = 1;
      return;
    default:
      return;
  }
}

}  // namespace tokenjoule
