// Builds a machine's costs from its constants, for every number type. Include
// this only to instantiate it; for doubles, call BuildMachine of machine.h.

#ifndef ANALYZER_MACHINE_BUILD_MACHINE_H_
#define ANALYZER_MACHINE_BUILD_MACHINE_H_

#include <cmath>

#include "analyzer/description/formats.h"
#include "analyzer/machine/capacitor_cells.h"
#include "analyzer/machine/derived.h"
#include "analyzer/machine/dram_currents.h"
#include "analyzer/machine/in_memory.h"
#include "analyzer/machine/machine.h"
#include "analyzer/machine/silicon.h"
#include "analyzer/machine/stack.h"
#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"
#include "proto/runtime.pb.h"

namespace tokenjoule {
namespace machine_internal {

// The value of a constant, or `otherwise` if it is not given.
template <typename N, typename Reader>
N ReadOr(bool given, const Constant& constant, const Reader& read,
         double otherwise) {
  return given ? N(read(constant)) : N(otherwise);
}

// Access energy by term: given directly, derived from currents, or from a fit
// by capacity.
template <typename N, typename Reader>
void SetAccessEnergy(const MemoryLevel& level, const Reader& read,
                     LevelCosts<N>* costs) {
  const MemoryTechnology& technology = level.technology();
  Energy<N> activation =
      Picojoules<N>(read(technology.row_activation_energy_pj()));
  if (technology.has_currents()) {
    const CurrentCosts<N> currents =
        CostsOfCurrents<N>(technology.currents(), read);
    if (!technology.has_row_activation_energy_pj()) {
      activation = currents.activation;
    }
    costs->read.column = currents.read;
    costs->write.column = currents.write;
  }
  if (technology.has_sram_fit()) {
    const SramFit& fit = technology.sram_fit();
    using std::sqrt;
    const N mb = fit.has_bank_mb() ? N(read(fit.bank_mb()))
                                   : CapacityGb<N>(level, read) * N(1e3);
    // 1 MiB is 1.048576 MB; the fit is in pJ per byte.
    costs->read.column = EnergyPerData<N>::FromBase(
        N(1e-12) * N(read(fit.node_factor())) *
        (N(read(fit.offset_pj_per_byte())) +
         N(read(fit.slope_pj_per_byte())) * sqrt(mb / N(1.048576))));
    costs->write.column = costs->read.column;
  }
  if (technology.has_capacitor_cells()) {
    const CellNumbers<N> cells =
        ReadCells<N>(technology.capacitor_cells(), read);
    const Data<N> held = Bytes<N>(cells.bits_per_cell / N(8.0));
    costs->read.column = CellRead(cells) / held;
    costs->write.column = CellWrite(cells) / held;
  }
  if (technology.has_read_energy_pj_per_bit()) {
    costs->read.column =
        PicojoulesPerBit<N>(read(technology.read_energy_pj_per_bit()));
  }
  if (technology.has_write_energy_pj_per_bit()) {
    costs->write.column =
        PicojoulesPerBit<N>(read(technology.write_energy_pj_per_bit()));
  }
  // Given at toggle_reference; split into what constant data costs and what
  // random data adds. No more than the whole can be that of toggling.
  if (technology.has_toggle_slope_pj_per_bit()) {
    constexpr double kLeastReference = 1e-9;
    const EnergyPerData<N> slope =
        PicojoulesPerBit<N>(N(read(technology.toggle_slope_pj_per_bit())));
    const N reference = N(read(technology.toggle_reference()));
    for (AccessEnergy<N>* access : {&costs->read, &costs->write}) {
      const EnergyPerData<N> per_toggle = Min(
          slope, access->column / N(Max(reference, N(kLeastReference))));
      access->column =
          Max(access->column - per_toggle * reference, EnergyPerData<N>());
      access->column_toggling = per_toggle * N(kRandomToggleRate);
    }
  }
  // An activation opens row_bytes, of which a fraction row_utilization is read;
  // its energy is spread over those bytes.
  if (technology.has_row_bytes()) {
    const N utilization = ReadOr<N>(technology.has_row_utilization(),
                                    technology.row_utilization(), read, 1.0);
    costs->read.activate =
        activation / Bytes<N>(N(read(technology.row_bytes())) * utilization);
    costs->write.activate = costs->read.activate;
  }
}

// Charges all data for one rate of toggling.
template <typename N>
void SetToggling(const N& toggle_rate, AccessEnergy<N>* access) {
  const N toggling = toggle_rate / N(kRandomToggleRate);
  access->column += access->column_toggling * toggling;
  access->path += access->path_toggling * toggling;
  access->network += access->network_toggling * toggling;
  access->column_toggling = access->path_toggling = access->network_toggling =
      {};
}

// Standing power of one device.
template <typename N = double>
struct DevicePower {
  Power<N> background;
  Power<N> refresh;
};

template <typename N, typename Reader>
DevicePower<N> StandingPower(const MemoryTechnology& technology,
                             const Reader& read) {
  Power<N> background =
      Watts<N>(read(technology.background_power_w_per_device()));
  Power<N> refresh = Watts<N>(read(technology.refresh_power_w_per_device()));
  if (technology.has_currents()) {
    const CurrentCosts<N> currents =
        CostsOfCurrents<N>(technology.currents(), read);
    if (!technology.has_background_power_w_per_device()) {
      background = currents.background;
    }
    if (!technology.has_refresh_power_w_per_device()) {
      refresh = currents.refresh;
    }
  }
  return {background, refresh};
}

// Power of refreshing the devices of a level, at the input of their regulators.
template <typename N, typename Reader>
Power<N> RefreshPower(const MemoryLevel& level, const Reader& read) {
  const MemoryTechnology& technology = level.technology();
  return StandingPower<N>(technology, read).refresh *
         DevicesOf<N>(level, read) /
         ReadOr<N>(technology.has_supply_efficiency(),
                   technology.supply_efficiency(), read, 1.0);
}

inline LevelStructure LevelStructureOf(const MemoryLevel& level) {
  LevelStructure structure;
  structure.is_dram = !IsOnChip(level.technology());
  structure.kind = level.technology().kind();
  structure.beside_path = level.beside_path();
  structure.fills_included = level.fills_included();
  structure.activations_only = level.activations_only();
  structure.pins = level.pins();
  return structure;
}

template <typename N, typename Reader>
LevelPlacement<N> BuildLevelPlacement(const MemoryLevel& level,
                                      const Reader& read) {
  LevelPlacement<N> placement;
  // Where a level keeps nothing, nothing is placed by its capacity.
  if (level.pins() != NOTHING) {
    placement.pinned_capacity = Gigabytes<N>(CapacityGb<N>(level, read)) *
                                N(read(level.pinned_capacity_fraction()));
  }
  return placement;
}

template <typename N, typename Reader>
LevelCosts<N> BuildLevelCosts(const MemoryLevel& level,
                              const LogicTechnology& logic,
                              const Reader& read) {
  const MemoryTechnology& technology = level.technology();
  LevelCosts<N> costs;
  costs.peak_bandwidth = GigabytesPerSecond<N>(BandwidthGbPerS<N>(level, read));
  if (level.has_clock_mhz()) {
    costs.peak_bandwidth =
        costs.peak_bandwidth *
        (N(read(level.clock_mhz())) / N(read(level.reference_clock_mhz())));
  }
  costs.bandwidth_efficiency = N(read(level.bandwidth_efficiency()));
  if (level.has_link()) {
    const DataRate<N> through =
        GigabytesPerSecond<N>(N(read(level.link().bandwidth_gb_per_s())) *
                              N(read(level.link().bandwidth_efficiency())));
    costs.bandwidth_efficiency =
        Min(costs.LongBandwidth(), through) / costs.peak_bandwidth;
  }
  costs.half_transfer = Megabytes<N>(read(level.half_transfer_mb()));
  costs.cache_half_transfer = costs.half_transfer;
  costs.capacity = Gigabytes<N>(CapacityGb<N>(level, read));
  costs.usable_capacity = costs.capacity;
  costs.activation_capacity =
      costs.capacity * N(read(level.activation_capacity_fraction()));

  if (technology.has_endurance_writes()) {
    costs.wear_per_write = N(1.0) / N(read(technology.endurance_writes()));
  }

  SetAccessEnergy(level, read, &costs);
  const N supply = ReadOr<N>(technology.has_supply_efficiency(),
                             technology.supply_efficiency(), read, 1.0);
  const EnergyPerData<N> interface =
      PicojoulesPerBit<N>(read(technology.interface_energy_pj_per_bit())) /
      supply;
  const EnergyPerData<N> phy =
      PicojoulesPerBit<N>(read(level.phy_energy_pj_per_bit()));
  const EnergyPerData<N> path =
      PicojoulesPerBit<N>(read(level.path_energy_pj_per_bit()));
  const EnergyPerData<N> network =
      PicojoulesPerBit<N>(N(read(level.network_energy_pj_per_bit())) +
                          WirePjPerBit<N>(level, logic, read));
  const N toggling = N(read(level.path_toggle_share()));
  for (AccessEnergy<N>* access : {&costs.read, &costs.write}) {
    access->activate = access->activate / supply;
    access->column = access->column / supply;
    access->column_toggling = access->column_toggling / supply;
    access->interface = interface;
    access->link = PicojoulesPerBit<N>(read(level.link().energy_pj_per_bit()));
    access->phy = phy;
    access->path_toggling = path * toggling;
    access->path = path - access->path_toggling;
    access->network_toggling = network * toggling;
    access->network = network - access->network_toggling;
    if (level.has_toggle_rate()) {
      SetToggling(N(read(level.toggle_rate())), access);
    }
  }

  const DevicePower<N> standing = StandingPower<N>(technology, read);
  costs.background = (standing.background + standing.refresh) *
                     DevicesOf<N>(level, read) / supply;
  if (technology.has_capacitor_cells()) {
    costs.background +=
        CellRefresh(ReadCells<N>(technology.capacitor_cells(), read),
                    CapacityGb<N>(level, read) * N(8e9));
  }
  if (technology.has_sram_fit()) {
    costs.background +=
        Watts<N>(N(read(technology.sram_fit().leakage_w_per_mb())) *
                 CapacityGb<N>(level, read) * N(1e3));
  }
  return costs;
}

// The products that an engine runs, with defaults if its description does not
// say.
inline unsigned RunsOf(const ComputeEngine& engine) {
  unsigned runs = 0;
  for (const int products : engine.runs()) runs |= 1u << products;
  if (runs != 0) return runs;
  runs = 1u << ComputeEngine::LINEAR | 1u << ComputeEngine::EXPERTS |
         1u << ComputeEngine::LM_HEAD;
  // In-memory engines do not run attention: the KV cache would have to be
  // written into the arrays.
  if (engine.kind() == ComputeEngine::TENSOR) {
    runs |= 1u << ComputeEngine::ATTENTION;
  }
  return runs;
}

// Energy per FLOP, which is half a multiply-add.
template <typename N>
EnergyPerWork<N> PerFlop(const Energy<N>& mac) {
  return mac / Flop<N>(N(2.0));
}

// Operand bits of a rate: of its inputs, and of its weights.
template <typename N>
N InputBits(const RateStructure& structure) {
  return N(static_cast<double>(structure.inputs->operand_bits));
}
template <typename N>
N WeightBits(const RateStructure& structure) {
  return N(static_cast<double>(structure.format->operand_bits));
}

template <typename N, typename Reader>
Energy<N> FullAdder(const ComputeEngine& engine, const Reader& read) {
  return Picojoules<N>(N(read(engine.logic().full_adder_energy_fj())) *
                       N(1e-3));
}

template <typename N, typename Reader>
N OverheadOf(const ComputeEngine& engine, const Reader& read) {
  return ReadOr<N>(engine.has_overhead_factor(), engine.overhead_factor(), read,
                   1.0);
}

// Energy of a multiply-add on an engine's lanes.
template <typename N, typename Reader>
BitSerialEnergy<N> LaneEnergy(const ComputeEngine& engine, const Reader& read,
                              const RateStructure& structure) {
  const BitSerialLanes& lanes = engine.lanes();
  return BitSerialMac(FullAdder<N>(engine, read), InputBits<N>(structure),
                      WeightBits<N>(structure), N(read(lanes.inputs())),
                      N(read(lanes.accumulator_bits())),
                      N(read(lanes.accumulator_adders())));
}

// Peak rate of an engine's lanes: each does a multiply-add in B_x cycles.
template <typename N, typename Reader>
WorkRate<N> LanePeak(const BitSerialLanes& lanes, const Reader& read,
                     const N& input_bits) {
  const N count = N(read(lanes.outputs())) * N(read(lanes.pixels())) *
                  N(read(lanes.inputs()));
  // MHz times FLOP is 1e-6 TFLOP/s.
  return TeraflopPerSecond<N>(count * N(2e-6) * N(read(lanes.clock_mhz())) /
                              input_bits);
}

// Sets the energies and the noise of an in-memory engine's rate.
template <typename N, typename Reader>
void SetInMemoryEnergy(const ComputeEngine& engine, const Reader& read,
                       const RateStructure& structure, const N& overhead,
                       RateCosts<N>* costs) {
  const N input_bits = InputBits<N>(structure);
  const N weight_bits = WeightBits<N>(structure);
  if (engine.kind() == ComputeEngine::DIGITAL_IMC) {
    costs->energy = PerFlop<N>(DigitalInMemoryMac(FullAdder<N>(engine, read),
                                                  input_bits, weight_bits) *
                               overhead);
    return;
  }
  const AnalogNumbers<N> analog =
      ReadAnalog<N>(engine.analog(), engine.array(), read);
  const MacEnergy<N> mac = AnalogMac(analog, input_bits, weight_bits);
  costs->energy = PerFlop<N>(mac.array * overhead);
  costs->adc = PerFlop<N>(mac.adc * overhead);
  costs->dac = PerFlop<N>(mac.dac * overhead);
  costs->noise = AnalogNoise(analog, input_bits, weight_bits);
}

// Rate of arrays of conductances: each of the weights that they hold takes part
// in a product per ResistiveReadTime.
template <typename N, typename Reader>
WorkRate<N> ResistivePeak(const ComputeEngine& engine,
                          const RateStructure& structure, const Reader& read) {
  const N input_bits(static_cast<double>(structure.inputs->operand_bits));
  const N weight_bits(static_cast<double>(structure.format->operand_bits));
  const AnalogNumbers<N> analog =
      ReadAnalog<N>(engine.analog(), engine.array(), read);
  // Narrow weights do not share a cell, wide ones take several.
  const N cell_bits =
      Select(N(0.0) < analog.cell_bits, analog.cell_bits, weight_bits);
  const N weights = WeightCapacityMb<N>(engine, read) * N(8e6) /
                    Max(cell_bits, weight_bits);
  return Flop<N>(N(2.0) * weights) / ResistiveReadTime(analog, input_bits);
}

inline RateStructure RateStructureOf(const ComputeEngine::FormatRate& rate,
                                     const ComputeEngine& engine,
                                     int engine_index) {
  RateStructure structure;
  structure.format = FindFormat(rate.format());
  structure.inputs = rate.activations().empty()
                         ? structure.format
                         : FindFormat(rate.activations());
  structure.engine = engine_index;
  structure.runs = RunsOf(engine);
  structure.in_memory = engine.kind() == ComputeEngine::DIGITAL_IMC ||
                        engine.kind() == ComputeEngine::ANALOG_IMC;
  structure.is_analog = engine.kind() == ComputeEngine::ANALOG_IMC;
  structure.resident = engine.array().resident();
  structure.has_weight_capacity = engine.array().has_weight_capacity_gb();
  structure.has_write_rate = engine.array().has_write_gb_per_s();
  structure.has_model_growth = engine.array().has_model_growth();
  structure.has_dataflow = engine.has_dataflow();
  structure.has_lanes = engine.kind() == ComputeEngine::BIT_SERIAL;
  structure.line_buffer = engine.lanes().line_buffer();
  structure.separate_inputs = engine.lanes().separate_inputs();
  return structure;
}

template <typename N, typename Reader>
RatePlacement<N> BuildRatePlacement(const ComputeEngine& engine,
                                    const RateStructure& structure,
                                    const Reader& read) {
  RatePlacement<N> placement;
  const InMemoryArray& array = engine.array();
  placement.weight_capacity = Gigabytes<N>(read(array.weight_capacity_gb()));
  if (engine.has_array()) {
    placement.array_rows = N(read(array.rows()));
    placement.array_columns = N(read(array.columns()));
  }
  placement.model_growth =
      ReadOr<N>(array.has_model_growth(), array.model_growth(), read, 1.0);
  if (engine.has_dataflow()) {
    placement.rows = N(read(engine.dataflow().rows()));
    placement.columns = N(read(engine.dataflow().columns()));
    placement.partial_sum =
        Bytes<N>(N(read(engine.dataflow().accumulator_bits())) / N(8.0));
  }
  if (structure.has_lanes) {
    placement.lane_outputs = N(read(engine.lanes().outputs()));
    placement.lane_pixels = N(read(engine.lanes().pixels()));
    placement.lane_inputs = N(read(engine.lanes().inputs()));
    placement.accumulate =
        PerFlop<N>(LaneEnergy<N>(engine, read, structure).accumulators *
                   OverheadOf<N>(engine, read));
  }
  return placement;
}

template <typename N, typename Reader>
RateCosts<N> BuildRateCosts(const ComputeEngine::FormatRate& rate,
                            const ComputeEngine& engine,
                            const RateStructure& structure,
                            const Reader& read) {
  RateCosts<N> costs;
  costs.peak = structure.has_lanes
                   ? LanePeak<N>(engine.lanes(), read, InputBits<N>(structure))
                   : TeraflopPerSecond<N>(read(rate.peak_tflops()));
  if (engine.analog().has_resistive() &&
      engine.array().has_weight_capacity_gb()) {
    costs.peak = Min(costs.peak, ResistivePeak<N>(engine, structure, read));
  }
  costs.compute_efficiency = rate.has_compute_efficiency()
                                 ? N(read(rate.compute_efficiency()))
                                 : N(read(engine.compute_efficiency()));
  const N overhead = OverheadOf<N>(engine, read);
  if (structure.has_lanes) {
    costs.energy = PerFlop<N>(
        LaneEnergy<N>(engine, read, structure).total() * overhead);
  } else if (rate.has_energy_pj_per_flop()) {
    costs.energy = PicojoulesPerFlop<N>(read(rate.energy_pj_per_flop()));
  } else if (structure.in_memory) {
    SetInMemoryEnergy(engine, read, structure, overhead, &costs);
  } else {
    for (const LogicTechnology::MacEnergy& mac : engine.logic().mac()) {
      if (mac.format() != rate.format()) continue;
      costs.energy =
          PerFlop<N>(Picojoules<N>(read(mac.energy_pj())) * overhead);
    }
  }
  const InMemoryArray& array = engine.array();
  costs.array_write =
      PicojoulesPerBit<N>(read(array.write_energy_pj_per_bit()));
  if (array.has_write_gb_per_s()) {
    costs.write_rate = GigabytesPerSecond<N>(read(array.write_gb_per_s()));
  }
  if (array.has_endurance_writes()) {
    costs.wear_per_write = N(1.0) / N(read(array.endurance_writes()));
  }
  return costs;
}

// What the runtime's kernels reach.
template <typename N, typename Reader>
RuntimePlacement<N> BuildRuntimePlacement(const Runtime& runtime,
                                          const Reader& read) {
  const auto or_one = [&](bool given, const Constant& constant) {
    return ReadOr<N>(given, constant, read, 1.0);
  };
  RuntimePlacement<N> placement;
  placement.bandwidth_share =
      or_one(runtime.has_bandwidth_share(), runtime.bandwidth_share());
  placement.cache_bandwidth_share = or_one(runtime.has_cache_bandwidth_share(),
                                           runtime.cache_bandwidth_share());
  placement.state_bandwidth_share =
      runtime.has_state_bandwidth_share()
          ? N(read(runtime.state_bandwidth_share()))
          : placement.cache_bandwidth_share;
  placement.expert_bandwidth_factor = or_one(
      runtime.has_expert_bandwidth_factor(), runtime.expert_bandwidth_factor());
  placement.cache_passes =
      or_one(runtime.has_cache_passes(), runtime.cache_passes());
  placement.activation_passes =
      or_one(runtime.has_activation_passes(), runtime.activation_passes());
  placement.compute_share =
      or_one(runtime.has_compute_share(), runtime.compute_share());
  placement.expert_compute_factor = or_one(runtime.has_expert_compute_factor(),
                                           runtime.expert_compute_factor());
  placement.attention_compute_factor =
      or_one(runtime.has_attention_compute_factor(),
             runtime.attention_compute_factor());
  placement.tile_rows = or_one(runtime.has_tile_rows(), runtime.tile_rows());
  placement.expert_tile_rows =
      or_one(runtime.has_expert_tile_rows(), runtime.expert_tile_rows());
  placement.vector_rows = N(read(runtime.vector_rows()));
  placement.core_time_ratio = N(read(runtime.core_time_ratio()));
  placement.instructions =
      Picojoules<N>(read(runtime.kernel_energy_pj_per_weight()));
  for (int i = 0; i < runtime.kernels_size(); ++i) {
    const FormatKernels& kernels = runtime.kernels(i);
    KernelPlacement<N>& out = placement.kernels[i];
    out.bandwidth_factor =
        or_one(kernels.has_bandwidth_factor(), kernels.bandwidth_factor());
    out.compute_share = kernels.has_compute_share()
                            ? N(read(kernels.compute_share()))
                            : placement.compute_share;
    out.time_per_expert_product =
        Microseconds<N>(read(kernels.time_per_expert_product_us()));
    out.instructions =
        kernels.has_kernel_energy_pj_per_weight()
            ? Picojoules<N>(read(kernels.kernel_energy_pj_per_weight()))
            : placement.instructions;
    out.core_time_ratio = kernels.has_core_time_ratio()
                              ? N(read(kernels.core_time_ratio()))
                              : placement.core_time_ratio;
  }
  return placement;
}

// The times of the runtime, and what it changes of the costs of memory and
// links.
template <typename N, typename Reader>
void ApplyRuntime(const Runtime& runtime, const Reader& read, Costs<N>* costs) {
  const auto time = [&](const Constant& constant) {
    return Microseconds<N>(read(constant));
  };
  costs->time_per_step = time(runtime.time_per_step_us());
  costs->time_per_layer = time(runtime.time_per_layer_us());
  costs->time_per_expert_layer = time(runtime.time_per_expert_layer_us());
  costs->time_per_recurrent_layer = time(runtime.time_per_recurrent_layer_us());
  costs->time_per_latent_layer = time(runtime.time_per_latent_layer_us());
  costs->time_per_layer_admitting = time(runtime.time_per_layer_admitting_us());
  costs->time_per_recurrent_layer_admitting =
      time(runtime.time_per_recurrent_layer_admitting_us());
  costs->time_per_kernel = time(runtime.time_per_kernel_us());
  costs->time_per_collective = time(runtime.time_per_collective_us());
  costs->time_per_sequence = time(runtime.time_per_sequence_us());
  costs->time_per_prompt = time(runtime.time_per_prompt_us());
  costs->energy_per_sequence =
      Millijoules<N>(read(runtime.energy_per_sequence_mj()));
  costs->overlap_fraction = ReadOr<N>(runtime.has_overlap_fraction(),
                                      runtime.overlap_fraction(), read, 1.0);
  if (runtime.has_core_bytes_per_flop()) {
    costs->core_balance =
        costs->levels[0].peak_bandwidth.base() / costs->vector.peak.base() /
        N(read(runtime.core_bytes_per_flop()));
  }
  const N link_share = ReadOr<N>(runtime.has_link_bandwidth_share(),
                                 runtime.link_bandwidth_share(), read, 1.0);
  for (NetworkCosts<N>& network : costs->networks) {
    network.bandwidth = network.bandwidth * link_share;
  }
  LevelCosts<N>& backing = costs->levels[0];
  if (runtime.has_cache_half_transfer_mb()) {
    backing.cache_half_transfer =
        Megabytes<N>(read(runtime.cache_half_transfer_mb()));
  }
  backing.usable_capacity =
      Max(Data<N>(),
          backing.capacity * ReadOr<N>(runtime.has_memory_fraction(),
                                       runtime.memory_fraction(), read, 1.0) -
              Gigabytes<N>(read(runtime.reserved_gb())));
}

// A level that lies on the logic: its bits cross further layers.
template <typename N, typename Reader>
void AddStack(const Hardware& hardware, const MemoryLevel& level,
              const Reader& read, LevelCosts<N>* costs, StackCosts<N>* stack) {
  const MemoryTechnology& technology = level.technology();
  *stack = BuildStack<N>(level, AreaMm2<N>(hardware, read),
                         RefreshPower<N>(level, read), read);
  const EnergyPerData<N> crossings =
      PicojoulesPerBit<N>(N(read(technology.layer_energy_pj_per_bit())) *
                          Crossings(stack->layers)) /
      ReadOr<N>(technology.has_supply_efficiency(),
                technology.supply_efficiency(), read, 1.0);
  costs->read.interface += crossings;
  costs->write.interface += crossings;
}

// Adds memory levels and engines.
template <typename N, typename Reader>
void AddLevels(const Hardware& hardware, const Reader& read,
               Machine<N>* machine) {
  MachineStructure& structure = machine->structure;
  for (const MemoryLevel& level : hardware.memory()) {
    const int i = structure.num_levels++;
    structure.levels[i] = LevelStructureOf(level);
    structure.has_side_levels |= structure.levels[i].beside_path ||
                                 structure.levels[i].activations_only;
    structure.wears |= level.technology().has_endurance_writes();
    machine->placement.levels[i] = BuildLevelPlacement<N>(level, read);
    machine->costs.levels[i] =
        BuildLevelCosts<N>(level, LogicOf(hardware), read);
    if (level.has_stack()) {
      structure.stack_level = i;
      AddStack<N>(hardware, level, read, &machine->costs.levels[i],
                  &machine->costs.stack);
    }
  }
}

template <typename N, typename Reader>
void AddEngines(const Hardware& hardware, const Reader& read,
                Machine<N>* machine) {
  MachineStructure& structure = machine->structure;
  for (int k = 0; k < hardware.engine_size(); ++k) {
    const ComputeEngine& engine = hardware.engine(k);
    structure.wears |= engine.array().has_endurance_writes();
    for (const ComputeEngine::FormatRate& rate : engine.rate()) {
      const RateStructure its = RateStructureOf(rate, engine, k);
      const RateCosts<N> costs = BuildRateCosts<N>(rate, engine, its, read);
      if (engine.kind() == ComputeEngine::VECTOR) {
        machine->costs.vector = costs;
        continue;
      }
      const int i = structure.num_rates++;
      structure.rates[i] = its;
      machine->placement.rates[i] = BuildRatePlacement<N>(engine, its, read);
      machine->placement.rates[i].array_noise = costs.noise;
      machine->costs.rates[i] = costs;
    }
  }
}

// Adds the domain of an interconnect and the networks beyond it.
template <typename N, typename Reader>
void AddNetworks(const Interconnect& link, const Reader& read,
                 Machine<N>* machine) {
  MachineStructure& structure = machine->structure;
  structure.num_networks = 1;
  structure.networks[0] = {link.topology(), link.torus_dimensions(),
                           static_cast<int>(link.max_chips().value())};
  NetworkCosts<N>& domain = machine->costs.networks[0];
  domain.bandwidth =
      GigabytesPerSecond<N>(N(read(link.bandwidth_gb_per_s())) *
                            N(read(link.bandwidth_efficiency())));
  domain.latency = Microseconds<N>(read(link.latency_us()));
  domain.energy = PicojoulesPerBit<N>(
      read(link.has_energy_pj_per_bit() ? link.energy_pj_per_bit()
                                        : link.technology().energy_pj_per_bit()));
  for (const OuterNetwork& outer : link.beyond()) {
    const int i = structure.num_networks++;
    structure.networks[i] = {outer.topology(), 0,
                             static_cast<int>(outer.max_chips().value())};
    NetworkCosts<N>& costs = machine->costs.networks[i];
    costs.bandwidth =
        GigabytesPerSecond<N>(N(read(outer.bandwidth_gb_per_s())) *
                              N(read(outer.bandwidth_efficiency())));
    costs.latency = Microseconds<N>(read(outer.latency_us()));
    costs.energy = PicojoulesPerBit<N>(read(outer.energy_pj_per_bit()));
  }
}

// Static power of one chip: given, or a fraction of the power cap, or leakage
// and what idles besides.
template <typename N, typename Reader>
N StaticPowerW(const Hardware& hardware, const Reader& read) {
  const BoardPower& board = hardware.board();
  if (board.has_static_power_w()) return N(read(board.static_power_w()));
  if (board.has_static_power_fraction() && board.has_power_cap_w()) {
    return N(read(board.static_power_fraction())) *
           N(read(board.power_cap_w()));
  }
  return N(read(board.idle_power_w())) + LeakageW<N>(hardware, read);
}

// Clock and voltage of the core domain. `static_power` loses what the clocks
// draw of it.
template <typename N, typename Reader>
ClockCosts<N> BuildClock(const CoreClock& clock, const Reader& read,
                         Power<N>* static_power) {
  ClockCosts<N> costs;
  const N reference = N(read(clock.reference_mhz()));
  const auto relative = [&](bool given, const Constant& mhz) {
    return given ? N(read(mhz)) / reference : N(1.0);
  };
  costs.set = relative(clock.has_set_mhz(), clock.set_mhz());
  costs.lowest = relative(clock.has_lowest_mhz(), clock.lowest_mhz());
  costs.voltage_floor = N(read(clock.voltage_floor()));
  costs.voltage_slope = N(read(clock.voltage_slope()));
  costs.steep_voltage_slope = ReadOr<N>(clock.has_steep_voltage_slope(),
                                        clock.steep_voltage_slope(), read, 0.0);
  if (!clock.has_steep_voltage_slope()) {
    costs.steep_voltage_slope = costs.voltage_slope;
  }
  costs.steep_from =
      ReadOr<N>(clock.has_steep_from(), clock.steep_from(), read, 1.0);
  const N share = N(read(clock.clocked_share()));
  costs.power = *static_power * share;
  *static_power -= costs.power;
  return costs;
}

}  // namespace machine_internal

// The machine in number type N, with its constants read by `read`.
template <typename N, typename Reader>
Machine<N> BuildMachine(const Hardware& hardware, const Reader& read) {
  using machine_internal::ReadOr;
  Machine<N> machine;
  machine_internal::AddLevels(hardware, read, &machine);
  machine_internal::AddEngines(hardware, read, &machine);
  MachineStructure& structure = machine.structure;
  Costs<N>& costs = machine.costs;
  if (hardware.has_interconnect()) {
    machine_internal::AddNetworks<N>(hardware.interconnect(), read, &machine);
  }
  const BoardPower& board = hardware.board();
  costs.static_power =
      Watts<N>(machine_internal::StaticPowerW<N>(hardware, read));
  structure.has_core_clock = hardware.has_core_clock();
  if (structure.has_core_clock) {
    costs.clock = machine_internal::BuildClock<N>(hardware.core_clock(), read,
                                                  &costs.static_power);
  }
  for (int i = 0; i < structure.num_levels; ++i) {
    if (structure.levels[i].is_dram) continue;
    // Leakage of on-chip memory is static power, not DRAM background.
    costs.static_power += costs.levels[i].background;
    costs.levels[i].background = {};
  }
  structure.has_power_cap =
      board.has_power_cap_w() || board.has_set_power_cap_w();
  costs.power_cap = Watts<N>(read(board.has_set_power_cap_w()
                                      ? board.set_power_cap_w()
                                      : board.power_cap_w()));
  costs.regulator_efficiency = N(read(board.regulator_efficiency()));

  const Node& node = hardware.node();
  costs.host_power = Watts<N>(read(node.host_power_w_per_chip()));
  costs.supply_efficiency = ReadOr<N>(node.has_supply_efficiency(),
                                      node.supply_efficiency(), read, 1.0);
  costs.power_usage_effectiveness =
      ReadOr<N>(node.has_power_usage_effectiveness(),
                node.power_usage_effectiveness(), read, 1.0);

  structure.num_kernels = hardware.runtime().kernels_size();
  for (int i = 0; i < structure.num_kernels; ++i) {
    structure.kernels[i] = FindFormat(hardware.runtime().kernels(i).format());
  }
  machine.placement.runtime =
      machine_internal::BuildRuntimePlacement<N>(hardware.runtime(), read);
  machine_internal::ApplyRuntime<N>(hardware.runtime(), read, &costs);

  if (hardware.has_silicon()) {
    costs.area_mm2 = AreaMm2<N>(hardware, read);
    costs.cost_usd = CostUsd<N>(hardware, costs.area_mm2, read);
  }
  return machine;
}

// Gives a machine another network to its neighbours, without what a runtime's
// collectives lose on it.
template <typename N, typename Reader>
void SetNetwork(const Interconnect& link, const Reader& read,
                Machine<N>* machine) {
  machine_internal::AddNetworks<N>(link, read, machine);
}

// The engine that copies between the memory of a host and a chip: the host's
// memory and the link, which stream at the same time. Its standing power is the
// host's and is counted there.
template <typename N, typename Reader>
Machine<N> LinkMachine(const Machine<N>& host, const Interconnect& link,
                       const Reader& read) {
  Machine<N> machine;
  machine.structure.num_levels = 1;
  machine.structure.levels[0] = host.structure.levels[0];
  machine.costs.levels[0] = host.costs.levels[0];
  machine.costs.levels[0].background = {};
  machine.costs.vector = host.costs.vector;
  machine.costs.regulator_efficiency = host.costs.regulator_efficiency;
  machine.costs.supply_efficiency = host.costs.supply_efficiency;
  machine.costs.power_usage_effectiveness =
      host.costs.power_usage_effectiveness;
  SetNetwork(link, read, &machine);
  return machine;
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_BUILD_MACHINE_H_
