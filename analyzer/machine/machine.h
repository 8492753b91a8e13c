// The cost of each action on one chip, as numbers ready for lowering and for
// the cost kernel. The machine is independent of the model.
//
// A machine has three parts: its structure, which contains no varying numbers;
// the numbers that placement (lowering) reads; and the numbers that the kernel
// reads. If a number of the second part varies, a search must lower again.

#ifndef ANALYZER_MACHINE_MACHINE_H_
#define ANALYZER_MACHINE_MACHINE_H_

#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "analyzer/base/size_limits.h"
#include "analyzer/description/formats.h"
#include "analyzer/machine/field.h"
#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {

// Structure of a memory level.
struct LevelStructure {
  bool is_dram = false;
  // What the level is made of.
  MemoryTechnology::Kind kind = MemoryTechnology::KIND_UNSPECIFIED;
  // Only what it holds moves through it; see MemoryLevel.beside_path.
  bool beside_path = false;
  // The path to the level has the energy of its fills; see
  // MemoryLevel.fills_included.
  bool fills_included = false;
  // Only activations pass through it; weights and caches do not.
  bool activations_only = false;
  // Data that a near level holds.
  Pinned pins = NOTHING;
};

// Structure of an engine's rate in one format.
struct RateStructure {
  // Format of the operands, or of the weights of an in-memory engine.
  const NumberFormat* format = nullptr;
  // Format of the inputs of an in-memory engine.
  const NumberFormat* inputs = nullptr;
  // Index of the engine among those of the description.
  int engine = 0;
  // Bit set of the products that it runs: bit 1 << ComputeEngine::Products.
  unsigned runs = 0;
  bool in_memory = false;
  // In-memory engine whose sums are converted.
  bool is_analog = false;
  // Weights stay in the arrays: they are neither read nor written.
  bool resident = false;
  // Whether weight_capacity_gb, write_gb_per_s and model_growth of the array
  // are given.
  bool has_weight_capacity = false;
  bool has_write_rate = false;
  bool has_model_growth = false;
  // Whether it is a weight-stationary array; otherwise each activation moves
  // once.
  bool has_dataflow = false;
  // Whether it has bit-serial lanes, over which layers are unrolled, and how they
  // take inputs; see BitSerialLanes of proto/hardware.proto.
  bool has_lanes = false;
  bool line_buffer = false;
  bool separate_inputs = false;
};

// Structure of a network between chips.
struct NetworkStructure {
  Interconnect::Topology topology = Interconnect::SWITCHED;
  int torus_dimensions = 0;
  // Largest number of chips that it and the networks inside it connect.
  int max_chips = 1;
};

// The structure of a machine, which is the same for every number type. Level 0
// is the backing store; the last level feeds the engines. Matrix engines have
// one entry per format, in the order of the description.
struct MachineStructure {
  int num_levels = 0;
  std::array<LevelStructure, kMaxMemoryLevels> levels;
  // Whether not everything passes through all levels: one of them is beside the
  // path or of activations only.
  bool has_side_levels = false;
  int num_rates = 0;
  std::array<RateStructure, kMaxFormatRates> rates;
  // Whether cells of any level or array wear out.
  bool wears = false;
  // Networks between chips, from the inside outwards; none without an
  // interconnect.
  int num_networks = 0;
  std::array<NetworkStructure, kMaxNetworks> networks;
  // Formats of weights for which the runtime has kernels of their own.
  int num_kernels = 0;
  std::array<const NumberFormat*, kMaxKernelFormats> kernels = {};
  // Whether a power cap is given; if not, Costs::power_cap has no meaning.
  bool has_power_cap = false;
  // Whether the core's clock and voltage are given; if not, it has one clock.
  bool has_core_clock = false;
  // The level that lies on the logic; -1 if none does, and Costs::stack has no
  // meaning.
  int stack_level = -1;

  // Whether the backing store is DRAM, of whatever make.
  bool HasDram() const {
    return levels[0].kind == MemoryTechnology::DRAM ||
           levels[0].kind == MemoryTechnology::KIND_UNSPECIFIED;
  }
};

// Numbers of a memory level that lowering reads.
template <typename N = double>
struct LevelPlacement {
  // Capacity for pinned data, bytes.
  Data<N> pinned_capacity;
};

// Numbers of an engine's rate that lowering reads.
template <typename N = double>
struct RatePlacement {
  // Weight capacity of the arrays of one chip, if given.
  Data<N> weight_capacity;
  // Factor by which the engine requires the model's weights and FLOP to grow.
  N model_growth = N(1.0);
  // For a weight-stationary array: its shape, and the bytes per partial sum.
  N rows = N(1.0);
  N columns = N(1.0);
  Data<N> partial_sum;
  // Shape of an in-memory array.
  N array_rows = N(1.0);
  N array_columns = N(1.0);
  // Noise power that an analog array adds to a sum, relative to the signal.
  N array_noise = N(0.0);
  // For bit-serial lanes: how many there are in each direction, and the energy of
  // the accumulators per FLOP where every addition is of a full row of inputs.
  N lane_outputs = N(1.0);
  N lane_pixels = N(1.0);
  N lane_inputs = N(1.0);
  EnergyPerWork<N> accumulate;
};

// Numbers of a runtime's kernels for weights of one format.
template <typename N = double>
struct KernelPlacement {
  // Achieved bandwidth, relative to 16-bit weights.
  N bandwidth_factor = N(1.0);
  // Achieved rate, relative to what the engine reaches.
  N compute_share = N(1.0);
  // Once per grouped product with experts' weights.
  Duration<N> time_per_expert_product;
  // See RuntimePlacement.
  N core_time_ratio = N(0.0);
  // Of the core's instructions, per weight read.
  Energy<N> instructions;
};

// Numbers of the runtime that lowering reads; see proto/runtime.proto.
template <typename N = double>
struct RuntimePlacement {
  // Achieved bandwidth relative to the longest streams from memory.
  N bandwidth_share = N(1.0);
  N cache_bandwidth_share = N(1.0);
  N state_bandwidth_share = N(1.0);
  // Relative to other weights of the same format.
  N expert_bandwidth_factor = N(1.0);
  // Number of times that KV cache (at most once per query head) and activations
  // pass through the near levels.
  N cache_passes = N(1.0);
  N activation_passes = N(1.0);
  // Achieved rate of products relative to what the engine reaches; the factors
  // are relative to that.
  N compute_share = N(1.0);
  N expert_compute_factor = N(1.0);
  N attention_compute_factor = N(1.0);
  // Rows of a tile of a product, and of a grouped product.
  N tile_rows = N(1.0);
  N expert_tile_rows = N(1.0);
  // Products with at most this many tokens have no tiles.
  N vector_rows = N(0.0);
  // Time of streams on the core's clock relative to that on the memory's.
  N core_time_ratio = N(0.0);
  // Of the core's instructions, per weight read.
  Energy<N> instructions;
  std::array<KernelPlacement<N>, kMaxKernelFormats> kernels;
};

// The numbers of a machine that decide where data is placed and how much of it
// moves. Only lowering reads them.
template <typename N = double>
struct Placement {
  std::array<LevelPlacement<N>, kMaxMemoryLevels> levels;
  std::array<RatePlacement<N>, kMaxFormatRates> rates;
  RuntimePlacement<N> runtime;
};

// Energy per byte moved in or out of a memory level, by term. The `toggling`
// parts are per byte of random data and proportional to the toggling of the
// data; the others are paid for constant data as well.
template <typename N = double>
struct AccessEnergy {
  EnergyPerData<N> activate;
  EnergyPerData<N> column;  // the whole access if the level is not DRAM
  EnergyPerData<N> column_toggling;
  EnergyPerData<N> interface;
  EnergyPerData<N> phy;
  EnergyPerData<N> path;
  EnergyPerData<N> path_toggling;
  EnergyPerData<N> network;
  EnergyPerData<N> network_toggling;
  EnergyPerData<N> link;  // in front of the level
};

// Costs of a memory level of one chip.
template <typename N = double>
struct LevelCosts {
  DataRate<N> peak_bandwidth;
  // Fraction of the peak that long transfers reach.
  N bandwidth_efficiency = N(1.0);
  // Bytes added to each transfer for launch, ramp-up and tail; the second value
  // is for kernels that attend to the KV cache.
  Data<N> half_transfer;
  Data<N> cache_half_transfer;
  Data<N> capacity;
  Data<N> usable_capacity;
  // Capacity that activations may occupy before they spill to level 0.
  Data<N> activation_capacity;
  AccessEnergy<N> read;
  AccessEnergy<N> write;
  // Background and refresh of all devices of one chip; leakage of SRAM is in
  // Costs::static_power.
  Power<N> background;
  // Fraction of its endurance used up by writing the whole level once; 0:
  // unlimited endurance.
  N wear_per_write = N(0.0);

  // Bandwidth of long transfers.
  DataRate<N> LongBandwidth() const {
    return peak_bandwidth * bandwidth_efficiency;
  }
};

// Costs of an engine in one format.
template <typename N = double>
struct RateCosts {
  WorkRate<N> peak;
  // Fraction of the peak that is reached.
  N compute_efficiency = N(1.0);
  EnergyPerWork<N> energy;
  // For matrices that fill an array; see LoweredOperator::adc_flop.
  EnergyPerWork<N> adc;
  EnergyPerWork<N> dac;
  EnergyPerData<N> array_write;
  // Rate at which the arrays of a chip are written, if given.
  DataRate<N> write_rate = DataRate<N>::FromBase(N(1.0));
  // Noise power that the array adds to a sum, relative to the signal; 0:
  // digital.
  N noise = N(0.0);
  // Fraction of the arrays' endurance used up by writing them once; 0:
  // unlimited endurance.
  N wear_per_write = N(0.0);

  WorkRate<N> Achieved() const { return peak * compute_efficiency; }
};

// Costs of a network between chips.
template <typename N = double>
struct NetworkCosts {
  DataRate<N> bandwidth;  // one direction, achieved
  Duration<N> latency;
  EnergyPerData<N> energy;
};

// Clock and voltage of the core domain, relative to those at which all other
// numbers hold; see CoreClock of proto/hardware.proto.
template <typename N = double>
struct ClockCosts {
  // The clock that is set, and the lowest that a power cap may choose.
  N set = N(1.0);
  N lowest = N(1.0);
  N voltage_floor = N(1.0);
  N voltage_slope = N(0.0);
  N steep_voltage_slope = N(0.0);
  N steep_from = N(1.0);
  // Power of clocks and stalls at the reference.
  Power<N> power;
};

// The stack of memory on one chip's logic; see analyzer/machine/stack.h.
template <typename N = double>
struct StackCosts {
  N layers = N(1.0);
  N area_cm2 = N(1.0);
  N coolant_c = N(0.0);
  N resistance_k_cm2_per_w = N(0.0);
  // Power of refresh at most at 85 C, which is part of the level's background.
  Power<N> refresh;
};

// Costs of actions and of time on one chip with its links, board, node and
// facility: the numbers of a machine that the cost kernel reads.
template <typename N = double>
struct Costs {
  std::array<LevelCosts<N>, kMaxMemoryLevels> levels;
  std::array<RateCosts<N>, kMaxFormatRates> rates;
  RateCosts<N> vector;

  std::array<NetworkCosts<N>, kMaxNetworks> networks;

  // What does not depend on the clock; see also ClockCosts::power.
  Power<N> static_power;
  ClockCosts<N> clock;
  Power<N> power_cap;
  N regulator_efficiency = N(1.0);
  Power<N> host_power;
  N supply_efficiency = N(1.0);
  N power_usage_effectiveness = N(1.0);

  Duration<N> time_per_step;
  Duration<N> time_per_layer;
  Duration<N> time_per_expert_layer;
  Duration<N> time_per_recurrent_layer;
  Duration<N> time_per_latent_layer;
  Duration<N> time_per_layer_admitting;
  Duration<N> time_per_recurrent_layer_admitting;
  Duration<N> time_per_kernel;
  Duration<N> time_per_collective;
  Duration<N> time_per_sequence;
  Duration<N> time_per_prompt;
  Energy<N> energy_per_sequence;
  N overlap_fraction = N(1.0);
  // Bytes per second of the backing store over FLOP per second of the vector
  // engine, relative to the machine that the runtime's streams were measured on.
  N core_balance = N(1.0);

  // Memory on the logic, if there is any.
  StackCosts<N> stack;

  // Logic area of one chip, and the cost of making it with its memory, package
  // and board; 0 if the description has no `silicon`.
  N area_mm2 = N(0.0);
  N cost_usd = N(0.0);
};

// One chip with its links, board, node and facility.
template <typename N = double>
struct Machine {
  MachineStructure structure;
  Placement<N> placement;
  Costs<N> costs;
};

// The part of a machine that lowering may read. Implicitly constructed from a
// Machine.
template <typename N = double>
struct PlacementView {
  PlacementView(const Machine<N>& machine)  // NOLINT: a part of the whole
      : structure(machine.structure), numbers(machine.placement) {}

  const MachineStructure& structure;
  const Placement<N>& numbers;
};

// The part of a machine that the cost kernel may read.
template <typename N = double>
struct CostView {
  CostView(const Machine<N>& machine)  // NOLINT: a part of the whole
      : structure(machine.structure), costs(machine.costs) {}
  CostView(const MachineStructure& structure, const Costs<N>& costs)
      : structure(structure), costs(costs) {}

  const MachineStructure& structure;
  const Costs<N>& costs;
};

namespace machine_internal {

// Excludes a parameter from template argument deduction, so that a Machine
// converts to the part of it that a function may read.
template <typename T>
struct NotDeduced {
  using type = T;
};

template <typename Visit, typename... A>
void ForEachAccessEnergy(Component component, bool is_dram, Visit& visit,
                         A&... access) {
  const auto on_level = [&](const char* name, TermIndex term) {
    return Field(name).Energy(component, term);
  };
  visit(on_level("activate", is_dram ? kDramActivate : kNumEnergyTerms),
        access.activate...);
  visit(on_level("column", is_dram ? kDramColumn : kSram), access.column...);
  visit(on_level("column_toggling", is_dram ? kDramColumn : kSram),
        access.column_toggling...);
  visit(on_level("interface", is_dram ? kDramInterface : kNumEnergyTerms),
        access.interface...);
  visit(on_level("phy", kDramPhy), access.phy...);
  visit(on_level("path", kMemoryPath), access.path...);
  visit(on_level("path_toggling", kMemoryPath), access.path_toggling...);
  const auto on_network = [](const char* name) {
    return Field(name).Energy(Component::kOnChipMemory, kOnChipNetwork);
  };
  visit(on_network("network"), access.network...);
  visit(on_network("network_toggling"), access.network_toggling...);
  visit(Field("link").Ideal().Energy(Component::kLinks, kLink),
        access.link...);
}

template <typename Visit, typename... L>
void ForEachLevelCost(Component component, bool is_dram, Visit& visit,
                      L&... level) {
  visit(Field("peak_bandwidth").At(FreeAt::kEndless).Time(component),
        level.peak_bandwidth...);
  visit(Field("bandwidth_efficiency").At(FreeAt::kOne).Ideal(),
        level.bandwidth_efficiency...);
  // Ramp-up and tail of a kernel in bytes: a time that no byte takes.
  visit(Field("half_transfer").Ideal().Once().Time(Component::kOverheads),
        level.half_transfer...);
  visit(Field("cache_half_transfer").Ideal().Once().Time(Component::kOverheads),
        level.cache_half_transfer...);
  visit(Field("capacity"), level.capacity...);
  visit(Field("usable_capacity"), level.usable_capacity...);
  visit(Field("activation_capacity").At(FreeAt::kEndless).Once(),
        level.activation_capacity...);
  ForEachAccessEnergy(component, is_dram, visit, level.read...);
  ForEachAccessEnergy(component, is_dram, visit, level.write...);
  visit(Field("background").Energy(component, kDramBackground),
        level.background...);
  visit(Field("wear_per_write"), level.wear_per_write...);
}

template <typename Visit, typename... R>
void ForEachRateCost(Visit& visit, R&... rate) {
  constexpr Component kOf = Component::kCompute;
  visit(Field("peak").At(FreeAt::kEndless).Time(kOf), rate.peak...);
  visit(Field("compute_efficiency").At(FreeAt::kOne).Ideal(),
        rate.compute_efficiency...);
  visit(Field("energy").Energy(kOf, kCompute), rate.energy...);
  visit(Field("adc").Energy(kOf, kAdc), rate.adc...);
  visit(Field("dac").Energy(kOf, kDac), rate.dac...);
  visit(Field("array_write").Energy(kOf, kArrayWrite), rate.array_write...);
  visit(Field("write_rate").At(FreeAt::kEndless).Time(kOf), rate.write_rate...);
  visit(Field("noise"), rate.noise...);
  visit(Field("wear_per_write"), rate.wear_per_write...);
}

}  // namespace machine_internal

// Calls `visit(Field, number...)` for each number of one or more Costs of any
// number types that have the same structure, always in the same order.
template <typename Visit, typename... C>
void ForEachCost(const MachineStructure& structure, Visit&& visit,
                 C&... costs) {
  for (int i = 0; i < structure.num_levels; ++i) {
    machine_internal::ForEachLevelCost(
        i == 0 ? Component::kMemory : Component::kOnChipMemory,
        structure.levels[i].is_dram, visit, costs.levels[i]...);
  }
  for (int i = 0; i < structure.num_rates; ++i) {
    machine_internal::ForEachRateCost(visit, costs.rates[i]...);
  }
  machine_internal::ForEachRateCost(visit, costs.vector...);

  constexpr Component kLinks = Component::kLinks;
  for (int i = 0; i < structure.num_networks; ++i) {
    visit(Field("link_bandwidth").At(FreeAt::kEndless).Ideal().Time(kLinks),
          costs.networks[i].bandwidth...);
    visit(Field("link_latency").Ideal().Once().Time(kLinks),
          costs.networks[i].latency...);
    visit(Field("link_energy").Ideal().Energy(kLinks, kLink),
          costs.networks[i].energy...);
  }

  constexpr Component kStaticPower = Component::kStaticPower;
  visit(Field("static_power").Energy(kStaticPower, kStatic),
        costs.static_power...);
  visit(Field("clock.set"), costs.clock.set...);
  visit(Field("clock.lowest"), costs.clock.lowest...);
  visit(Field("clock.voltage_floor"), costs.clock.voltage_floor...);
  visit(Field("clock.voltage_slope"), costs.clock.voltage_slope...);
  visit(Field("clock.steep_voltage_slope"),
        costs.clock.steep_voltage_slope...);
  visit(Field("clock.steep_from"), costs.clock.steep_from...);
  visit(Field("clock.power").Energy(kStaticPower, kStatic),
        costs.clock.power...);
  visit(Field("power_cap").At(FreeAt::kEndless).Ideal(), costs.power_cap...);
  visit(Field("regulator_efficiency")
            .At(FreeAt::kOne)
            .Energy(kStaticPower, kStatic),
        costs.regulator_efficiency...);
  visit(Field("host_power").Energy(Component::kHost, kHost),
        costs.host_power...);
  visit(Field("supply_efficiency")
            .At(FreeAt::kOne)
            .Energy(Component::kHost, kHost),
        costs.supply_efficiency...);
  visit(Field("power_usage_effectiveness")
            .At(FreeAt::kOne)
            .Energy(Component::kFacility, kFacility),
        costs.power_usage_effectiveness...);

  constexpr Component kOverheads = Component::kOverheads;
  const auto once = [](const char* name) {
    return Field(name).Ideal().Once().Time(kOverheads);
  };
  visit(once("time_per_step"), costs.time_per_step...);
  visit(once("time_per_layer"), costs.time_per_layer...);
  visit(once("time_per_expert_layer"), costs.time_per_expert_layer...);
  visit(once("time_per_recurrent_layer"), costs.time_per_recurrent_layer...);
  visit(once("time_per_latent_layer"), costs.time_per_latent_layer...);
  visit(once("time_per_layer_admitting"), costs.time_per_layer_admitting...);
  visit(once("time_per_recurrent_layer_admitting"),
        costs.time_per_recurrent_layer_admitting...);
  visit(once("time_per_kernel"), costs.time_per_kernel...);
  visit(once("time_per_collective"), costs.time_per_collective...);
  visit(Field("time_per_sequence").Ideal().Time(kOverheads),
        costs.time_per_sequence...);
  visit(Field("time_per_prompt").Ideal().Time(kOverheads),
        costs.time_per_prompt...);
  visit(Field("energy_per_sequence").Ideal().Energy(kStaticPower, kStatic),
        costs.energy_per_sequence...);
  visit(Field("overlap_fraction").At(FreeAt::kOne).Ideal(),
        costs.overlap_fraction...);
  visit(Field("core_balance").At(FreeAt::kOne).Ideal(), costs.core_balance...);

  if (structure.stack_level >= 0) {
    visit(Field("stack.layers"), costs.stack.layers...);
    visit(Field("stack.area_cm2"), costs.stack.area_cm2...);
    visit(Field("stack.coolant_c"), costs.stack.coolant_c...);
    visit(Field("stack.resistance_k_cm2_per_w"),
          costs.stack.resistance_k_cm2_per_w...);
    visit(Field("stack.refresh").Energy(Component::kMemory, kDramBackground),
          costs.stack.refresh...);
  }

  visit(Field("area_mm2"), costs.area_mm2...);
  visit(Field("cost_usd"), costs.cost_usd...);
}

// The same for the numbers of one or more Placements.
template <typename Visit, typename... P>
void ForEachPlacement(const MachineStructure& structure, Visit&& visit,
                      P&... placement) {
  const auto factor = [](const char* name) {
    return Field(name).At(FreeAt::kOne).Ideal();
  };
  for (int i = 0; i < structure.num_levels; ++i) {
    visit(Field("pinned_capacity"), placement.levels[i].pinned_capacity...);
  }
  for (int i = 0; i < structure.num_rates; ++i) {
    visit(Field("weight_capacity"), placement.rates[i].weight_capacity...);
    visit(Field("model_growth"), placement.rates[i].model_growth...);
    visit(Field("rows"), placement.rates[i].rows...);
    visit(Field("columns"), placement.rates[i].columns...);
    visit(Field("partial_sum"), placement.rates[i].partial_sum...);
    visit(Field("array_rows"), placement.rates[i].array_rows...);
    visit(Field("array_columns"), placement.rates[i].array_columns...);
    visit(Field("array_noise"), placement.rates[i].array_noise...);
    visit(Field("lane_outputs"), placement.rates[i].lane_outputs...);
    visit(Field("lane_pixels"), placement.rates[i].lane_pixels...);
    visit(Field("lane_inputs"), placement.rates[i].lane_inputs...);
    visit(Field("accumulate").Energy(Component::kCompute, kCompute),
          placement.rates[i].accumulate...);
  }
  visit(factor("bandwidth_share"), placement.runtime.bandwidth_share...);
  visit(factor("cache_bandwidth_share"),
        placement.runtime.cache_bandwidth_share...);
  visit(factor("state_bandwidth_share"),
        placement.runtime.state_bandwidth_share...);
  visit(factor("expert_bandwidth_factor"),
        placement.runtime.expert_bandwidth_factor...);
  visit(factor("cache_passes"), placement.runtime.cache_passes...);
  visit(factor("activation_passes"), placement.runtime.activation_passes...);
  const Field instructions = Field("instructions").Ideal().Energy(
      Component::kCompute, kCompute);
  visit(instructions, placement.runtime.instructions...);
  const Field ratio = Field("core_time_ratio").Ideal();
  visit(ratio, placement.runtime.core_time_ratio...);
  visit(factor("compute_share"), placement.runtime.compute_share...);
  visit(factor("expert_compute_factor"),
        placement.runtime.expert_compute_factor...);
  visit(factor("attention_compute_factor"),
        placement.runtime.attention_compute_factor...);
  visit(factor("tile_rows"), placement.runtime.tile_rows...);
  visit(factor("expert_tile_rows"), placement.runtime.expert_tile_rows...);
  visit(Field("vector_rows"), placement.runtime.vector_rows...);
  for (int k = 0; k < structure.num_kernels; ++k) {
    visit(factor("bandwidth_factor"),
          placement.runtime.kernels[k].bandwidth_factor...);
    visit(factor("compute_share"),
          placement.runtime.kernels[k].compute_share...);
    visit(ratio, placement.runtime.kernels[k].core_time_ratio...);
    visit(instructions, placement.runtime.kernels[k].instructions...);
    visit(Field("time_per_expert_product")
              .Ideal()
              .Once()
              .Time(Component::kOverheads),
          placement.runtime.kernels[k].time_per_expert_product...);
  }
}

// The format in which operands are multiplied: that of the activations, or of
// the weights if they are wider. Narrower and storage-only weights are
// unpacked.
const NumberFormat& OperandFormat(const NumberFormat& weights,
                                  const NumberFormat& activations);

// Whether an in-memory engine's rate takes these weights: its own format, or
// integers of as many bits that share scales, with which the sums of a group
// are multiplied outside the array.
bool TakesWeights(const RateStructure& rate, const NumberFormat& weights);

// Index of the rate that runs products of these weights and activations: an
// in-memory or bit-serial engine that takes exactly these; otherwise bit-serial
// lanes for the fewest wider integers; otherwise, on the other engines, the first
// available of the operands' format itself, a format of the
// same width and kind, the narrowest wider float, and the widest float. -1 if
// there is no engine at all.
int RateIndex(const MachineStructure& structure, const NumberFormat& weights,
              const NumberFormat& activations,
              ComputeEngine::Products products);

// Builds the machine of a validated description.
Machine<double> BuildMachine(const Hardware& hardware);

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_MACHINE_H_
