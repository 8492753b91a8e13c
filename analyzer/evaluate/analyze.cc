#include "analyzer/evaluate/analyze.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/cost/idle.h"
#include "analyzer/cost/limits.h"
#include "analyzer/cost/occupancy.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/core_clock.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/validate.h"
#include "analyzer/evaluate/account.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/evaluate/evidence.h"
#include "analyzer/evaluate/fit_offload.h"
#include "analyzer/evaluate/ranges.h"
#include "analyzer/evaluate/roofline.h"
#include "analyzer/evaluate/running_costs.h"
#include "analyzer/machine/capacitor_cells.h"
#include "analyzer/machine/in_memory.h"
#include "analyzer/machine/silicon.h"
#include "analyzer/machine/stack.h"
#include "analyzer/quality/scaling_laws.h"

namespace tokenjoule {
namespace {

double PerToken(const Energy<>& energy, const LoweredStep<>& step) {
  return InJoules(energy) / step.tokens;
}

// What one machine has of a step: all of it, or a part.
struct View {
  const Hardware& hardware;
  const Machine<>& machine;
  const Ledger<>& ledger;
  const LoweredStep<>& step;
  const StepCost<>& cost;
};
using Views = std::vector<View>;

void FillValues(const StepCost<>& cost, const LoweredStep<>& step,
                const Machine<>& machine, int boundary, Spreads* spreads) {
  spreads->cost.value = machine.costs.cost_usd * step.chips;
  spreads->step_time.value = InSeconds(cost.step_time);
  spreads->energy_per_token.value =
      PerToken(EnergyInside(cost.terms, boundary), step);
  spreads->facility_energy.value =
      PerToken(EnergyInside(cost.terms, kFacilityBoundary), step);
  spreads->price.value =
      spreads->PriceOf(spreads->facility_energy.value,
                       spreads->step_time.value / step.tokens);
  std::array<double, kNumEnergyTerms> terms_j;
  for (int i = 0; i < kNumEnergyTerms; ++i) {
    terms_j[i] = InJoules(cost.terms[i]);
  }
  for (int i = 0; i < kNumBoundaries; ++i) {
    const DramShares shares =
        DramSharesOf(terms_j, i, !machine.structure.levels[0].is_dram);
    spreads->dram[i].stack.value = shares.stack;
    spreads->dram[i].path.value = shares.path;
  }
  for (int i = 0; i < kNumEnergyTerms; ++i) {
    spreads->terms[i].value = PerToken(cost.terms[i], step);
  }
}

// DRAM shares of `Out`, a Report or a DramShare.
template <typename Out>
void FillStackShare(const DramSpreads& dram, Out* out) {
  out->set_stack_energy_share(dram.stack.value);
  out->set_stack_energy_share_low(dram.stack.low());
  out->set_stack_energy_share_high(std::min(1.0, dram.stack.high()));
}
template <typename Out>
void FillPathShare(const DramSpreads& dram, Out* out) {
  out->set_dram_energy_share(dram.path.value);
  out->set_dram_energy_share_low(dram.path.low());
  out->set_dram_energy_share_high(std::min(1.0, dram.path.high()));
}

// The name of what a backing store that is not DRAM is made of.
std::string MemoryName(const MemoryTechnology& technology) {
  if (technology.kind() == MemoryTechnology::SRAM) return "SRAM";
  if (technology.kind() == MemoryTechnology::ANALOG_CELLS) {
    return "analog cells";
  }
  // That of its technology: RRAM, NAND, STT-MRAM.
  const std::string& name =
      technology.base().empty() ? technology.name() : technology.base();
  return name.empty() ? "non-volatile memory" : absl::AsciiStrToUpper(name);
}

// Share of the memory in the energy of the board, by its own name.
void FillMemoryShares(const DramSpreads& memory, const Machine<>& machine,
                      const MemoryTechnology& technology, Report* report) {
  if (machine.structure.HasDram()) {
    FillStackShare(memory, report);
    FillPathShare(memory, report);
    return;
  }
  MemoryShare* share = report->mutable_memory_share();
  share->set_memory(MemoryName(technology));
  share->set_energy_share(memory.stack.value);
  share->set_energy_share_low(memory.stack.low());
  share->set_energy_share_high(std::min(1.0, memory.stack.high()));
  share->set_with_path(memory.path.value);
  share->set_with_path_low(memory.path.low());
  share->set_with_path_high(std::min(1.0, memory.path.high()));
}

void FillEnergy(const Spreads& spreads, const StepCost<>& cost,
                const LoweredStep<>& step, int boundary, Report* report) {
  report->set_step_time_s(spreads.step_time.value);
  report->set_step_time_s_low(spreads.step_time.low());
  report->set_step_time_s_high(spreads.step_time.high());
  report->set_tokens_per_s(step.tokens / spreads.step_time.value);
  report->set_energy_per_token_j(spreads.energy_per_token.value);
  report->set_energy_per_token_j_low(spreads.energy_per_token.low());
  report->set_energy_per_token_j_high(spreads.energy_per_token.high());
  report->set_power_w(
      InWatts(EnergyInside(cost.terms, boundary) / cost.step_time));
}

// Layers and heat of memory on the logic.
void FillStack(const Hardware& hardware, const Machine<>& machine,
               const StepCost<>& cost, Report* report) {
  const int level = machine.structure.stack_level;
  if (level < 0) return;
  const MemoryLevel& memory = hardware.memory(level);
  StackReport* stack = report->mutable_stack();
  stack->set_level(memory.name());
  stack->set_layers(machine.costs.stack.layers);
  stack->set_max_layers(memory.stack().max_layers().value());
  stack->set_power_w_per_cm2(cost.heat.power_w_per_cm2);
  stack->set_max_power_w_per_cm2(memory.stack().max_power_w_per_cm2().value());
  stack->set_temperature_c(cost.heat.temperature_c);
  stack->set_refresh_factor(cost.heat.refresh_factor);
  if (stack->layers() > stack->max_layers()) {
    report->add_warnings(absl::StrFormat(
        "%s needs %.1f layers over %.0f mm2 of logic; at most %.3g are stacked",
        memory.name(), stack->layers(), machine.costs.area_mm2,
        stack->max_layers()));
  }
  if (stack->power_w_per_cm2() > stack->max_power_w_per_cm2()) {
    report->add_warnings(absl::StrFormat(
        "%.0f W/cm2 leave through the memory on the logic; at most %.0f are "
        "cooled",
        stack->power_w_per_cm2(), stack->max_power_w_per_cm2()));
  }
  if (stack->temperature_c() > kHottestDramC) {
    report->add_warnings(absl::StrFormat(
        "the memory on the logic is at %.0f C; DRAM is specified up to %.0f C",
        stack->temperature_c(), kHottestDramC));
  }
}

// The first stack, each at the heat of its machine's own part of the step, and what
// is wrong with any.
void FillStacks(const Views& views, Report* report) {
  for (const View& view : views) {
    Report of_view;
    FillStack(view.hardware, view.machine, view.cost, &of_view);
    if (of_view.has_stack() && !report->has_stack()) {
      *report->mutable_stack() = of_view.stack();
    }
    report->mutable_warnings()->MergeFrom(of_view.warnings());
  }
}

// The clock of the core, and what a reader must know of a capped one.
void FillClock(const Hardware& hardware, const Machine<>& machine,
               const LoweredStep<>& step, const StepCost<>& cost,
               Report* report) {
  if (!hardware.has_core_clock()) return;
  // Below this share of the power that the step would draw no published board
  // was predicted well.
  constexpr double kLeastTrusted = 0.65;
  const Power<> cap = machine.costs.power_cap * step.chips;
  if (machine.structure.has_power_cap &&
      cap < cost.uncapped_power * kLeastTrusted) {
    report->add_warnings(absl::StrFormat(
        "the power cap is %.0f %% of what the step would draw; below 65 %% the "
        "model of clocks predicts badly",
        100 * (cap / cost.uncapped_power)));
  }
  const CoreClocks clocks = CoreClocksOf(hardware.core_clock());
  report->set_core_clock_mhz(cost.clock * clocks.reference_mhz);
  report->set_set_core_clock_mhz(clocks.set_mhz);
}

// Energy and DRAM share by boundary, and energy by term.
void FillEnergyLists(const Spreads& spreads, const StepCost<>& cost,
                     const LoweredStep<>& step, bool has_dram, int boundary,
                     Report* report) {
  for (int i = 0; i < kNumBoundaries; ++i) {
    const Energy<> inside = EnergyInside(cost.terms, i);
    const std::string name(kBoundaries[i].name);
    BoundaryEnergy* energy = report->add_energy_by_boundary();
    energy->set_boundary(name);
    energy->set_energy_per_token_j(PerToken(inside, step));
    if (!has_dram) continue;
    DramShare* share = report->add_dram_share_by_boundary();
    share->set_boundary(name);
    if (!(InJoules(inside) > 0)) continue;
    const DramSpreads& dram = spreads.dram[i];
    FillStackShare(dram, share);
    if (i >= kMemoryPathBoundary) FillPathShare(dram, share);
  }
  for (int i = 0; i < kNumEnergyTerms; ++i) {
    if (kEnergyTerms[i].boundary > boundary) continue;
    EnergyTerm* term = report->add_energy_terms();
    term->set_term(static_cast<Term::Value>(i + 1));
    term->set_energy_per_token_j(spreads.terms[i].value);
    term->set_low(spreads.terms[i].low());
    term->set_high(spreads.terms[i].high());
  }
}

void FillCounts(const Views& views, const Ledger<>& ledger, Report* report) {
  double flop = 0, weights = 0, kv = 0, dram = 0, state = 0, activations = 0;
  double backing = 0;
  for (const View& view : views) {
    const Machine<>& machine = view.machine;
    for (size_t i = 0; i < view.ledger.operators.size(); ++i) {
      const Operator<>& op = view.ledger.operators[i];
      const LoweredOperator<>& lowered = view.step.operators[i];
      const double runs = SystemRuns(view.ledger, op);
      if (lowered.is_kernel) {
        flop += runs * InFlop(op.matmul_flop);
        weights += runs * InBytes(op.weight_read);
        kv += runs * InBytes(op.kv_read);
        state += runs * InBytes(op.state_read + op.state_write);
        activations += runs * InBytes(op.activation_in + op.activation_out);
      }
      if (!lowered.is_kernel && !lowered.reads_backing) continue;
      for (int level = 0; level < machine.structure.num_levels; ++level) {
        const Traffic<> traffic = TrafficOf(lowered, machine, level);
        const double bytes = runs * InBytes(traffic.read + traffic.write);
        if (machine.structure.levels[level].is_dram) dram += bytes;
        if (level == 0) backing += bytes;
      }
    }
  }
  report->set_flop_per_token(flop / ledger.tokens);
  report->set_weight_bytes_per_step(weights);
  report->set_kv_read_bytes_per_step(kv);
  report->set_kv_bytes_per_sequence(InBytes(ledger.kv_per_sequence));
  report->set_state_bytes_per_step(state);
  report->set_state_bytes_per_sequence(InBytes(ledger.state_per_sequence));
  report->set_activation_bytes_per_step(activations);
  report->set_dram_bytes_per_step(dram);
  if (backing > 0) {
    report->set_arithmetic_intensity_flop_per_byte(flop / backing);
  }
  report->set_total_parameters(ledger.parameters);
  report->set_active_parameters(ledger.active_parameters);
  report->set_experts_read_per_layer(ledger.experts_read);
  report->set_tokens_per_sequence_step(ledger.tokens_per_sequence);
}

// Weights read and held, by part of the model.
void FillParts(const Ledger<>& ledger, Report* report) {
  constexpr int kParts = static_cast<int>(Part::kNumParts);
  std::array<double, kParts> read = {};
  for (const Operator<>& op : ledger.operators) {
    // What a link fetches is read by its operator, too.
    if (op.collective != Collective::kNone) continue;
    read[static_cast<int>(op.part)] +=
        SystemRuns(ledger, op) * InBytes(op.weight_read + op.embedding_read);
  }
  for (int i = 0; i < kParts; ++i) {
    const double held = InBytes(ledger.weight_footprint[i]);
    if (read[i] == 0 && held == 0) continue;
    PartBytes* part = report->add_parts();
    part->set_part(std::string(PartName(static_cast<Part>(i))));
    part->set_read_bytes_per_step(read[i]);
    part->set_held_bytes(held);
  }
}

// Ridge point: peak rate of the engine that runs the linear layers divided by
// the peak bandwidth of the backing store.
void FillRidge(const TensorFormats& formats, const Machine<>& machine,
               Report* report) {
  const int rate =
      RateIndex(machine.structure, *formats.linear,
                formats.ActivationsFor(*formats.linear), ComputeEngine::LINEAR);
  report->set_ridge_point_flop_per_byte(InFlopPerByte(
      machine.costs.rates[rate].peak / machine.costs.levels[0].peak_bandwidth));
}

// Splits the time of one run by limiting resource.
using BoundTimes = std::array<double, 6>;

BoundTimes SplitTime(const LoweredOperator<>& op, const OperatorTimes<>& times,
                     const Machine<>& machine, const UnitTimes<>& units) {
  BoundTimes split = {};
  const double total = InSeconds(times.total);
  if (!op.is_kernel) {
    split[Bound::NETWORK] = total;
    return split;
  }
  double overhead = InSeconds(times.overhead);
  if (times.compute > times.memory) {
    split[Bound::COMPUTE] = total - overhead;
  } else {
    // Launch, ramp-up and tail are expressed as bytes of a level, but they are
    // overhead, not traffic.
    Duration<> slowest, ramp_up;
    for (int level = 0; level < machine.structure.num_levels; ++level) {
      if (level == 0 && !op.reads_backing) continue;
      const LevelCosts<>& costs = machine.costs.levels[level];
      const bool attends = level == 0 && op.attends;
      const double factor =
          level == 0 ? StreamSlowdown<double>(op, units).factor : 1.0;
      const Traffic<> traffic = TrafficOf(op, machine, level);
      Data<> bytes = traffic.read + traffic.write;
      if (level == 0) bytes += op.extra_read;
      const Duration<> time =
          TransferTime(costs, units.memory[level], bytes, attends) * factor;
      if (!(slowest < time)) continue;
      slowest = time;
      ramp_up = (attends ? costs.cache_half_transfer : costs.half_transfer) *
                units.memory[level] * factor;
    }
    overhead += InSeconds(ramp_up);
    overhead = std::min(overhead, total);
    split[Bound::MEMORY] = total - overhead;
  }
  split[Bound::OVERHEAD] = overhead;
  return split;
}

Bound::Value Largest(const BoundTimes& split) {
  const auto largest = std::max_element(split.begin() + 1, split.end());
  return static_cast<Bound::Value>(largest - split.begin());
}

// Adds the operators of one machine to the times by bound, and returns the time
// that they explain, s.
double FillOperatorsOf(const View& view, const AnalyzeOptions& options,
                       BoundTimes* bounds, Report* report) {
  const Machine<>& machine = view.machine;
  const Ledger<>& ledger = view.ledger;
  const LoweredStep<>& step = view.step;
  const UnitTimes<> units(machine, view.cost.clock);
  // What a power cap slows down is a bound of its own, so that the others are
  // those of the clock that is set.
  const UnitTimes<> uncapped(machine, machine.costs.clock.set);
  const CoreState<> core = CoreAt(view.cost.clock, machine.costs.clock);
  BoundTimes& whole = *bounds;
  double explained = 0;
  for (size_t i = 0; i < step.operators.size(); ++i) {
    const LoweredOperator<>& lowered = step.operators[i];
    const OperatorTimes<> at_set = TimesOf(lowered, machine, uncapped);
    const BoundTimes of_set = SplitTime(lowered, at_set, machine, uncapped);
    for (size_t k = 0; k < of_set.size(); ++k) {
      whole[k] += of_set[k] * lowered.count;
    }
    explained += InSeconds(at_set.total) * lowered.count;
    if (!options.operators) continue;
    const OperatorTimes<> times = TimesOf(lowered, machine, units);
    const BoundTimes split = SplitTime(lowered, times, machine, units);

    const Operator<>& op = ledger.operators[i];
    const double runs = SystemRuns(ledger, op);
    Actions<> actions;
    AddActions(lowered, machine, runs, &actions);
    OperatorReport* out = report->add_operators();
    out->set_name(op.name);
    out->set_count(op.count);
    out->set_flop(runs * InFlop(op.matmul_flop));
    out->set_weight_bytes(runs * InBytes(op.weight_read));
    out->set_kv_bytes(runs * InBytes(op.kv_read + op.kv_write));
    out->set_activation_bytes(runs *
                              InBytes(op.activation_in + op.activation_out));
    Data<> sent;
    for (const Data<>& on_network : lowered.link_sent) sent += on_network;
    out->set_link_bytes(runs * InBytes(sent));
    out->set_time_s(InSeconds(times.total) * op.count);
    out->set_bound(Largest(split));
    EnergyTerms<> terms = DynamicEnergy(actions, machine);
    TakeToVoltage(core, &terms);
    out->set_energy_j(InJoules(Sum(terms)));
  }
  return explained;
}

void FillOperators(const Views& views, const StepCost<>& cost,
                   const AnalyzeOptions& options, Report* report) {
  BoundTimes whole = {};
  double explained = 0;
  for (const View& view : views) {
    explained += FillOperatorsOf(view, options, &whole, report);
  }
  whole[Bound::POWER] = InSeconds(cost.stretch);
  whole[Bound::OVERHEAD] +=
      InSeconds(cost.step_time) - explained - whole[Bound::POWER];
  report->set_bound(Largest(whole));
  if (!options.details) return;
  for (int bound = Bound::MEMORY; bound <= Bound::POWER; ++bound) {
    BoundTime* part = report->add_time_by_bound();
    part->set_bound(static_cast<Bound::Value>(bound));
    part->set_time_s(std::max(whole[bound], 0.0));
  }
}

// The offload that would make a model fit that does not; empty if there is none,
// or if no host is known.
std::string HelpfulOffload(const ResolvedSetup& setup) {
  if (setup.parallel().chips() != 1 || setup.hardware().usual_host().empty()) {
    return "";
  }
  return SmallestOffload({setup.model(), setup.hardware(), setup.scenario(),
                          absl::nullopt});
}

void FillCapacity(const ResolvedSetup& setup, const Ledger<>& ledger,
                  const Machine<>& machine, bool details, Report* report) {
  const Parallelism& parallel = setup.parallel();
  const Occupancy<> occupancy = OccupancyOf(ledger, machine);
  const double arrays = InBytes(occupancy.array_capacity);
  const double in_arrays = InBytes(occupancy.in_arrays);
  const double store =
      InBytes(machine.costs.levels[0].usable_capacity) * ledger.chips;
  const double weights = InBytes(occupancy.weights);
  const double per_sequence = InBytes(ledger.sequence_footprint);
  const double used = InBytes(occupancy.StoreUsed());
  report->set_memory_usable_bytes(store + arrays);
  report->set_memory_used_bytes(used + in_arrays);
  report->set_idle_array_bytes(InBytes(occupancy.idle_in_arrays));
  report->set_fits(occupancy.Fits(Bytes(store)));
  const double usable = occupancy.ArraysFit() ? store : 0;
  // Each replica holds whole sequences.
  const double replicas = static_cast<double>(parallel.replicas);
  const double room =
      usable - weights - InBytes(ledger.prefix_footprint) * replicas;
  double batch = 0;
  if (room >= 0) {
    batch = per_sequence > 0
                ? std::floor(room / per_sequence / replicas) * replicas
                : std::numeric_limits<int32_t>::max();
  }
  report->set_max_batch(static_cast<int32_t>(
      std::min<double>(batch, std::numeric_limits<int32_t>::max())));
  if (report->fits()) return;
  const std::string offload =
      details && report->max_batch() == 0 ? HelpfulOffload(setup) : "";
  const std::string advice =
      report->max_batch() > 0
          ? absl::StrCat("a batch of ", report->max_batch(), " would")
      : offload.empty()
          ? std::string("use more chips or a narrower format")
          : absl::StrCat("use more chips, a narrower format or --offload=",
                         offload);
  if (in_arrays > arrays) {
    report->add_warnings(
        absl::StrFormat("does not fit: resident weights, with the cells that "
                        "their shapes leave idle, take %.1f GB of the arrays' "
                        "%.1f GB; %s",
                        in_arrays / 1e9, arrays / 1e9, advice));
  } else {
    report->add_warnings(absl::StrFormat(
        "does not fit: weights and KV cache take %.1f GB of %.1f GB usable; %s",
        used / 1e9, store / 1e9, advice));
  }
}

// The same for a step that several machines share: each needs room for its own.
void FillSharedCapacity(const Setup& setup, const Views& views,
                        Report* report) {
  double used = 0, usable = 0;
  double batch = std::numeric_limits<int32_t>::max();
  std::vector<std::string> full;
  bool fits = true;
  for (const View& view : views) {
    const Occupancy<> occupancy = OccupancyOf(view.ledger, view.machine);
    // The link has the host's memory behind it, which is counted there.
    if (view.ledger.layers == 0 && InBytes(occupancy.StoreUsed()) == 0) {
      if (&view == &views.back() && setup.hardware.has_host()) continue;
    }
    const Data<> store = view.machine.costs.levels[0].usable_capacity;
    used += InBytes(occupancy.StoreUsed() + occupancy.in_arrays);
    usable += InBytes(store + occupancy.array_capacity);
    const double room = InBytes(store - occupancy.weights) -
                        InBytes(view.ledger.prefix_footprint);
    const double per_sequence = InBytes(view.ledger.sequence_footprint);
    if (room < 0 || !occupancy.ArraysFit()) {
      batch = 0;
    } else if (per_sequence > 0) {
      batch = std::min(batch, std::floor(room / per_sequence));
    }
    if (occupancy.Fits(store)) continue;
    fits = false;
    full.push_back(absl::StrFormat("%s would hold %.1f GB and has %.1f GB usable",
                                   view.hardware.name(),
                                   InBytes(occupancy.StoreUsed()) / 1e9,
                                   InBytes(store) / 1e9));
  }
  report->set_memory_used_bytes(used);
  report->set_memory_usable_bytes(usable);
  report->set_fits(fits);
  report->set_max_batch(static_cast<int32_t>(batch));
  if (fits) return;
  const std::string smallest = SmallestOffload(setup);
  report->add_warnings(absl::StrCat(
      "does not fit: ", absl::StrJoin(full, ", "), "; ",
      batch > 0 ? absl::StrCat("a batch of ", report->max_batch(), " would")
      : smallest.empty()
          ? "take a narrower format or more machines"
          : absl::StrCat("--offload=", smallest, " leaves the chip as much as "
                         "it can hold")));
}

// What each of several machines has of the step, and what lies in its memory.
void FillMachines(const LayerPlacement& placement, const Views& views,
                  int boundary, double tokens, Report* report) {
  for (size_t i = 0; i < views.size(); ++i) {
    const View& view = views[i];
    const int place = static_cast<int>(i);
    const bool is_link = placement.has_host && place == placement.link();
    MachineShare* out = report->add_machines();
    out->set_machine(is_link ? view.hardware.host_link().name()
                             : view.hardware.name());
    out->set_role(is_link                                          ? "link"
                  : placement.has_host && place == placement.host() ? "host"
                  : place == 0                                      ? "device"
                                                                    : "stage");
    out->set_layers(view.ledger.layers);
    out->set_time_s(InSeconds(view.cost.step_time));
    out->set_energy_per_token_j(
        InJoules(EnergyInside(view.cost.terms, boundary)) / tokens);
    const Actions<> actions = ActionsOf(view.step, view.machine);
    out->set_traffic_bytes_per_step(
        InBytes(actions.traffic[0].read + actions.traffic[0].write));
    for (const Data<>& sent : actions.link) {
      out->set_link_bytes_per_step(out->link_bytes_per_step() + InBytes(sent));
    }
    if (is_link) continue;
    const Occupancy<> occupancy = OccupancyOf(view.ledger, view.machine);
    out->set_held_bytes(InBytes(occupancy.StoreUsed()));
    out->set_usable_bytes(
        InBytes(view.machine.costs.levels[0].usable_capacity));
    // Data in the host's memory is read by the host and by the link.
    constexpr int kParts = static_cast<int>(Part::kNumParts);
    std::array<double, kParts> read = {};
    double kv = 0, state = 0;
    const auto add_reads = [&](const View& reader) {
      for (const Operator<>& op : reader.ledger.operators) {
        // What was fetched is read once more, from the chip's copy.
        const double copied = InBytes(op.weight_write);
        const double runs = SystemRuns(reader.ledger, op);
        read[static_cast<int>(op.part)] +=
            runs * (InBytes(op.weight_read + op.embedding_read) - copied);
        kv += runs * InBytes(op.kv_read);
        state += runs * InBytes(op.state_read);
      }
    };
    add_reads(view);
    const bool is_host = placement.has_host && place == placement.host();
    if (is_host) {
      for (const Operator<>& op : views[placement.link()].ledger.operators) {
        const double runs = op.count;
        kv += runs * InBytes(op.kv_read);
        read[static_cast<int>(Part::kExperts)] += runs * InBytes(op.weight_read);
      }
    } else if (placement.kv == Offloaded::kFetched) {
      kv = 0;
    }
    const std::string level = view.hardware.memory(0).name();
    const auto add = [&](const std::string& data, double held, double bytes) {
      if (held == 0 && bytes == 0) return;
      Placed* placed = report->add_placement();
      placed->set_data(data);
      placed->set_machine(view.hardware.name());
      placed->set_level(level);
      placed->set_held_bytes(held);
      placed->set_read_bytes_per_step(bytes);
    };
    for (int k = 0; k < kParts; ++k) {
      add(std::string(PartName(static_cast<Part>(k))),
          InBytes(view.ledger.weight_footprint[k]), read[k]);
    }
    const double sequences = view.ledger.sequences_per_replica;
    const double held_state =
        InBytes(view.ledger.state_per_sequence) * sequences;
    add("KV cache", InBytes(SequencesFootprint(view.ledger)) - held_state, kv);
    add("recurrent state", held_state, state);
  }
}

// Silicon area and cost of the whole system, of machines that are all alike.
void FillMaking(const Spread& cost, const Ledger<>& ledger,
                const Machine<>& machine, Report* report) {
  report->set_area_mm2(machine.costs.area_mm2 * ledger.chips);
  report->set_cost_usd(cost.value);
  report->set_cost_usd_low(cost.low());
  report->set_cost_usd_high(cost.high());
}

// Energy and, for cells of known write time, seconds to write `weights` into
// the arrays of an engine once, on `chips` chips, as text.
std::string WritingText(const ComputeEngine& engine, const Data<>& weights,
                        double chips) {
  const double bits = InBytes(weights) * 8;
  const double energy_j =
      bits * engine.array().write_energy_pj_per_bit().value() * 1e-12;
  const ResistiveCell& cell = engine.analog().resistive();
  if (!cell.has_write_time_us()) return absl::StrFormat("%.2g J", energy_j);
  const double together = cell.has_cells_written_together()
                              ? cell.cells_written_together().value()
                              : 1;
  const double cells = bits / std::max(engine.analog().cell_bits().value(), 1.0);
  return absl::StrFormat("%.2g J and %.2g s", energy_j,
                         cells / (together * chips) *
                             cell.write_time_us().value() * 1e-6);
}

// Says how many dies arrays that hold the weights are, and what it takes to
// write them once.
void NoteResident(const View& view, Report* report) {
  const Silicon& silicon = view.hardware.silicon();
  const Occupancy<> occupancy = OccupancyOf(view.ledger, view.machine);
  if (!view.hardware.has_silicon() || InBytes(occupancy.in_arrays) == 0) return;
  for (const ComputeEngine& engine : view.hardware.engine()) {
    if (!HoldsWeights(engine)) continue;
    const double chips = view.ledger.chips;
    const double area_mm2 =
        ResidentMm2<double>(engine, silicon, ValueReader()) *
        silicon.floorplan_factor().value() * chips;
    const double die_mm2 = silicon.max_die_mm2().value();
    report->add_notes(absl::StrFormat(
        "arrays of \"%s\": %.3g mm2, %.0f dies of %g mm2; weights take %.0f %%",
        engine.name(), area_mm2, std::ceil(area_mm2 / die_mm2), die_mm2,
        100 * (occupancy.in_arrays / occupancy.array_capacity)));
    report->add_notes(
        absl::StrFormat("writing the weights of \"%s\" once takes %s",
                        engine.name(),
                        WritingText(engine,
                                    occupancy.in_arrays - occupancy.idle_in_arrays,
                                    chips)));
  }
}

// Notes how precisely analog cells hold what is pinned in them, from one update
// to the next and over the number of updates that a state remembers in the
// example.
void FillCells(const View& view, Report* report) {
  constexpr double kRemembered = 64;
  for (const MemoryLevel& level : view.hardware.memory()) {
    if (!level.technology().has_capacitor_cells()) continue;
    const CellNumbers<> cells =
        ReadCells<double>(level.technology().capacitor_cells(), ValueReader());
    const auto held = [&](double step_s) {
      return absl::StrFormat("%.1f (%.1f)", BitsHeld(cells, step_s, 1),
                             BitsHeld(cells, step_s, kRemembered));
    };
    report->add_notes(absl::StrFormat(
        "effective bits of %s after one update (after %.0f): %s now; in steps of "
        "1 ms %s, 10 ms %s, 100 ms %s",
        level.name(), kRemembered, held(InSeconds(view.cost.step_time)),
        held(1e-3), held(1e-2), held(1e-1)));
  }
}

// The precision of analog products, and the life of cells that are written.
void FillLimits(const Views& views, Report* report) {
  // Of several machines, the first that multiplies.
  size_t first = 0;
  while (first + 1 < views.size() && views[first].step.products.empty()) {
    ++first;
  }
  const Machine<>& machine = views[first].machine;
  const LoweredStep<>& step = views[first].step;
  report->set_snr_db(SnrDb(NoiseOf(step, machine)));
  for (const RateProducts<>& product : step.products) {
    const double noise = machine.costs.rates[product.rate].noise;
    if (!(noise > 0)) continue;
    const RateStructure& rate = machine.structure.rates[product.rate];
    report->add_notes(absl::StrFormat(
        "analog products of %s by %s carry %.3g dB; their operands alone %.3g",
        rate.format->name, rate.inputs->name,
        SnrDb(product.quantisation + noise), SnrDb(product.quantisation)));
  }
  NoteResident(views[first], report);
  FillCells(views[first], report);
  if (!machine.structure.wears) return;
  const double wear = WearOf(step, machine, ActionsOf(step, machine)) *
                      kSecondsPerYear / report->step_time_s();
  report->set_wear_per_year(wear);
  constexpr double kYears = 5, kDaysPerYear = 365;
  if (wear < 1 / kYears) return;
  report->add_warnings(absl::StrFormat(
      "cells that are written wear out: at this rate they last %.3g days",
      kDaysPerYear / wear));
}

// What the arrays take per operation: a multiply-add is two.
void FillArrays(const Views& views, Report* report) {
  for (const View& view : views) {
    for (const RateProducts<>& product : view.step.products) {
      const RateStructure& rate = view.machine.structure.rates[product.rate];
      if (!rate.in_memory) continue;
      const RateCosts<>& costs = view.machine.costs.rates[product.rate];
      Work<> matmul, adc, dac, padded;
      for (const LoweredOperator<>& op : view.step.operators) {
        if (op.rate != product.rate || !(Work<>() < op.matmul_flop)) continue;
        const double runs = op.count * view.step.passes;
        matmul += op.matmul_flop * runs;
        padded += (op.matmul_flop + op.extra_flop) * runs;
        adc += (rate.is_analog ? op.adc_flop : Work<>()) * runs;
        dac += (rate.is_analog ? op.dac_flop : Work<>()) * runs;
      }
      const auto femtojoules = [](const EnergyPerWork<>& energy) {
        return InJoules(energy * Flop(1.0)) * 1e15;
      };
      const ComputeEngine& engine = view.hardware.engine(rate.engine);
      // Only energies that are derived contain the derating.
      const bool derived = absl::c_none_of(
          engine.rate(), [](const ComputeEngine::FormatRate& given) {
            return given.has_energy_pj_per_flop();
          });
      const double overhead = derived && engine.has_overhead_factor()
                                  ? engine.overhead_factor().value()
                                  : 1;
      ArrayEfficiency* out = report->add_arrays();
      out->set_engine(engine.name());
      out->set_weights(std::string(rate.format->name));
      out->set_activations(std::string(rate.inputs->name));
      out->set_macro_fj_per_op(
          femtojoules(costs.energy + costs.adc + costs.dac) / overhead);
      out->set_macro_tops_per_w(1e3 / out->macro_fj_per_op());
      out->set_engine_fj_per_op(
          femtojoules((costs.energy * matmul + costs.adc * adc +
                       costs.dac * dac) /
                      matmul));
      out->set_engine_tops_per_w(1e3 / out->engine_fj_per_op());
      out->set_filled(matmul / padded);
    }
  }
}

// Evaluates another step of the setup on its machine, or on those that share it.
Evaluation<> Evaluated(const ResolvedSetup& setup, const Machine<>& machine,
                       const StepSetup& step) {
  Ledger<> ledger = BuildLedger(step);
  return setup.placement() == nullptr
             ? EvaluateOn(std::move(ledger), machine)
             : EvaluateWith(setup, std::move(ledger), ValueReader());
}

// Widens the ranges by those of what the runtime decided about the scenario, and
// by the law of precision at the ends of its constants' ranges. Sets the range of
// the growth at equal quality.
void AddVariants(const ResolvedSetup& setup, const Machine<>& machine,
                 Spreads* spreads, Report* report) {
  const auto add = [&](const Evaluation<>& moved) {
    spreads->step_time.Add(InSeconds(moved.cost.step_time));
    spreads->energy_per_token.Add(
        PerToken(EnergyInside(moved.cost.terms, setup.boundary()), moved.step));
    const double facility_j =
        PerToken(EnergyInside(moved.cost.terms, kFacilityBoundary), moved.step);
    spreads->facility_energy.Add(facility_j);
    spreads->price.Add(spreads->PriceOf(
        facility_j, InSeconds(moved.cost.step_time) / moved.step.tokens));
  };
  for (const Scenario& variant : setup.variants()) {
    add(Evaluated(setup, machine, setup.StepOf(variant)));
  }
  if (!setup.scenario().equal_quality()) return;
  const auto growth_at = [&](LawEnd end) {
    StepSetup step = setup.step();
    step.equal_quality = EqualQualityOf(setup.model(), setup.scenario(), end);
    const Evaluation<> moved = Evaluated(setup, machine, step);
    add(moved);
    return moved.ledger.model_growth;
  };
  report->set_model_growth_low(growth_at(LawEnd::kLow));
  report->set_model_growth_high(growth_at(LawEnd::kHigh));
}

// Widens the ranges to what rows that fits had not seen have shown.
void ReachUnseen(const Support& support, double tokens, Spreads* spreads) {
  const auto reach = [](double low, double high, Spread* spread) {
    spread->Reach(spread->value * low, spread->value * high);
  };
  double time_low = 1, time_high = 1, energy_low = 1, energy_high = 1;
  if (support.of_step_time != nullptr) {
    time_low = support.of_step_time->step_time_low();
    time_high = support.of_step_time->step_time_high();
    reach(time_low, time_high, &spreads->step_time);
  }
  if (support.of_energy != nullptr) {
    energy_low = support.of_energy->energy_low();
    energy_high = support.of_energy->energy_high();
    reach(energy_low, energy_high, &spreads->energy_per_token);
    reach(energy_low, energy_high, &spreads->facility_energy);
  }
  const double facility_j = spreads->facility_energy.value;
  const double time_s = spreads->step_time.value / tokens;
  spreads->price.Reach(
      spreads->PriceOf(facility_j * energy_low, time_s * time_low),
      spreads->PriceOf(facility_j * energy_high, time_s * time_high));
}

// The step of mixed serving that admits no prompts.
Evaluation<> PureStep(const ResolvedSetup& setup, const Machine<>& machine) {
  Scenario pure = setup.scenario();
  pure.clear_prompt();
  pure.clear_output();
  return Evaluated(setup, machine, setup.StepOf(pure));
}

// Times of the two kinds of step of mixed serving, from the mean step and the pure
// one. An admitting step is what the mean leaves for its share: mean = (1 - a)
// pure + a admitting.
void FillSteps(const Scenario& scenario, const Ledger<>& mean, double pure_s,
               Report* report) {
  const double share = mean.admitting;
  const double admitting_s = pure_s + (report->step_time_s() - pure_s) / share;
  report->set_pure_step_time_s(pure_s);
  report->set_admitting_step_time_s(admitting_s);
  report->set_admitting_share(share);
  // A prompt is admitted in one step, or in as many as its tokens need.
  const double budget = scenario.step_token_budget();
  const double decoded = mean.sequences_per_replica * mean.samples_per_sequence;
  const double steps =
      budget > 0 && !scenario.static_batch()
          ? std::ceil(scenario.prompt() / std::max(1.0, budget - decoded))
          : 1;
  report->set_time_to_first_token_s(admitting_s * steps);
}

// Report.costs and, in mixed serving, the times of its steps.
void FillServing(const ResolvedSetup& setup, const Evaluation<>& mean,
                 const Machine<>& machine, const Prices& prices,
                 const Spreads& spreads, Report* report) {
  StepForCosts step = {mean.step.tokens, spreads, absl::nullopt};
  if (CarriesPrompts(setup.scenario())) {
    const Evaluation<> pure = PureStep(setup, machine);
    FillSteps(setup.scenario(), mean.ledger, InSeconds(pure.cost.step_time),
              report);
    step.pure_energy_per_token_j = PerToken(
        EnergyInside(pure.cost.terms, setup.boundary()), pure.step);
  }
  *report->mutable_costs() =
      RunningCostsOf(setup.hardware(), prices, setup.scenario(), step);
}

// Whether a machine has arrays that run such products in some format.
bool ArraysRun(const MachineStructure& structure,
               ComputeEngine::Products products) {
  for (int i = 0; i < structure.num_rates; ++i) {
    const RateStructure& rate = structure.rates[i];
    if (rate.in_memory && (rate.runs >> products & 1) != 0) return true;
  }
  return false;
}

// What a reader must know about the products that a machine runs.
void FillProductNotes(const View& view, Report* report) {
  const Hardware& hardware = view.hardware;
  const Machine<>& machine = view.machine;
  std::set<std::string> conversions, elsewhere;
  for (const Operator<>& op : view.ledger.operators) {
    if (op.weight_format == nullptr) continue;
    const RateStructure& rate =
        machine.structure.rates[RateOf(op, machine.structure)];
    if (!op.shapes.empty() && !rate.in_memory &&
        ArraysRun(machine.structure, ProductsOf(op.product_kind))) {
      elsewhere.insert(absl::StrCat(
          PartName(op.part), " in ", op.weight_format->name, " by ",
          op.activation_format->name, " runs on ",
          hardware.engine(rate.engine).name(), ", not in the arrays"));
    }
    const NumberFormat& wanted =
        OperandFormat(*op.weight_format, *op.activation_format);
    if (rate.has_lanes &&
        (rate.format != op.weight_format || rate.inputs != op.activation_format)) {
      conversions.insert(absl::StrCat(
          hardware.name(), " has no products of ", op.weight_format->name,
          " by ", op.activation_format->name, "; they run as ",
          rate.format->name, " by ", rate.inputs->name));
    } else if (!rate.in_memory && !rate.has_lanes &&
               rate.format->operand_bits != wanted.operand_bits) {
      conversions.insert(absl::StrCat(hardware.name(), " has no ", wanted.name,
                                      " products; they run in ",
                                      rate.format->name));
    }
  }
  for (const std::string& note : elsewhere) report->add_notes(note);
  for (const std::string& conversion : conversions) {
    report->add_warnings(conversion);
  }
}

void FillWarnings(const ResolvedSetup& setup, const Views& views,
                  Report* report) {
  const Model& model = setup.model();
  const Scenario& scenario = setup.scenario();
  const Model* const draft = setup.draft_or_null();
  std::set<std::string> notices;
  for (const View& view : views) {
    const std::string& notice = view.hardware.notice();
    if (!notice.empty() && notices.insert(notice).second) {
      report->add_warnings(notice);
    }
  }
  if (model.max_context() > 0 &&
      scenario.context() > static_cast<double>(model.max_context())) {
    report->add_warnings(
        absl::StrFormat("context %g is longer than the %d tokens that %s was "
                        "made for",
                        scenario.context(), model.max_context(), model.name()));
  }
  for (const View& view : views) {
    if (view.machine.structure.num_rates > 0) FillProductNotes(view, report);
  }
  if (draft != nullptr && draft->vocab_size() != model.vocab_size()) {
    report->add_warnings(absl::StrFormat(
        "the vocabulary of %s (%d tokens) differs from that of %s (%d); "
        "drafted tokens cannot be verified as they are",
        draft->name(), draft->vocab_size(), model.name(), model.vocab_size()));
  }
  if (scenario.ideal()) {
    report->add_warnings(
        "ideal: peak rates, no overheads, free links; a bound, not a "
        "prediction");
  }
}

// What a reader must know of the growth of the model.
void NoteGrowth(const ResolvedSetup& setup, Report* report) {
  const Scenario& scenario = setup.scenario();
  if (scenario.has_growth_depth_share() && report->model_growth() == 1) {
    report->add_notes("growth_depth_share has no effect: the model does not grow");
  }
  if (!scenario.equal_quality()) return;
  const absl::StatusOr<const ScalingLaws*> laws = ShippedScalingLaws();
  if (!laws.ok()) return;
  const ScalingLaws::Precision& law = (*laws)->precision();
  const TensorFormats& formats = setup.formats();
  const double weights = std::min(ElementBits(*formats.linear),
                                  ElementBits(*formats.experts));
  const double activations =
      ElementBits(formats.ActivationsFor(*formats.linear));
  const bool extrapolated =
      weights < law.weights().min_bits().value() ||
      activations < law.activations().min_bits().value() ||
      ElementBits(*formats.kv) < law.kv_cache().min_bits().value();
  if (!extrapolated) return;
  report->add_notes(absl::StrFormat(
      "growth is extrapolated: the law was fitted from %g bits of weights, %g of "
      "activations and %g of KV cache",
      law.weights().min_bits().value(), law.activations().min_bits().value(),
      law.kv_cache().min_bits().value()));
}

// What each machine has of a step.
Views ViewsOf(const ResolvedSetup& setup, const Machine<>& machine,
              const std::vector<Machine<>>& machines,
              const Evaluation<>& evaluation) {
  Views views;
  if (machines.empty()) {
    views.push_back({setup.hardware(), machine, evaluation.ledger,
                     evaluation.step, evaluation.cost});
    return views;
  }
  const LayerPlacement& placement = *setup.placement();
  for (size_t i = 0; i < machines.size(); ++i) {
    const int place = static_cast<int>(i);
    const Hardware& hardware =
        placement.has_host && place == placement.host() ? setup.hardware().host()
        : place > 0 && place < placement.stages
            ? setup.hardware().stage(place - 1)
            : setup.hardware();
    const StepPart<>& part = evaluation.parts[i];
    views.push_back({hardware, machines[i], part.ledger, part.step, part.cost});
  }
  return views;
}

// The machines of a step: "rtx-3090, rtx-4090 with desktop-host".
std::string NamesOf(const Hardware& hardware, const LayerPlacement* placement) {
  std::string names = hardware.name();
  if (placement == nullptr) return names;
  for (const Hardware& stage : hardware.stage()) {
    absl::StrAppend(&names, ", ", stage.name());
  }
  if (placement->has_host) {
    absl::StrAppend(&names, " with ", hardware.host().name());
  }
  return names;
}

// The support of the machine of a setup that has least.
Support LeastSupport(const ResolvedSetup& setup) {
  if (setup.model().has_network()) {
    Support support;
    support.note =
        "no rows of networks of explicit layers were fitted: the machine's own "
        "constants are all there is";
    return support;
  }
  const Family family = FamilyOf(setup.model());
  const Hardware& hardware = setup.hardware();
  Support least = SupportOf(FittedEvidence(), hardware, family);
  if (setup.placement() == nullptr) return least;
  const auto take = [&](const Hardware& other) {
    const Support its = SupportOf(FittedEvidence(), other, family);
    if (its.status > least.status) least = its;
  };
  for (const Hardware& stage : hardware.stage()) take(stage);
  if (hardware.has_host()) take(hardware.host());
  return least;
}

// Puts the products of one term and cause together, which several machines have.
// Their powers add over the same time; other quantities add.
void MergeCauses(Report* report) {
  google::protobuf::RepeatedPtrField<EnergyCause> merged;
  for (const EnergyCause& cause : report->energy_causes()) {
    EnergyCause* same = nullptr;
    for (EnergyCause& other : merged) {
      if (other.term() == cause.term() && other.cause() == cause.cause() &&
          other.unit() == cause.unit()) {
        same = &other;
      }
    }
    if (same == nullptr) {
      *merged.Add() = cause;
      continue;
    }
    const double energy =
        same->energy_per_token_j() + cause.energy_per_token_j();
    if (cause.unit() != "s") {
      same->set_quantity_per_token(same->quantity_per_token() +
                                   cause.quantity_per_token());
    }
    same->set_energy_per_token_j(energy);
    same->set_cost_j_per_unit(same->quantity_per_token() > 0
                                  ? energy / same->quantity_per_token()
                                  : 0);
  }
  report->mutable_energy_causes()->Swap(&merged);
}

}  // namespace

absl::Status RequireOneMachine(const Setup& setup, absl::string_view study) {
  if (setup.scenario.offload().empty() && setup.hardware.stage_size() == 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      study, " takes one machine that holds everything; found ",
      setup.scenario.offload().empty()
          ? absl::StrCat(1 + setup.hardware.stage_size(), " machines")
          : absl::StrCat("--offload=", setup.scenario.offload()),
      ". analyze, batch, compare, check and sensitivity take several"));
}

absl::Status RequireLanguageModel(const Setup& setup, absl::string_view study) {
  if (!setup.model.has_network()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "model: ", study, " is a study of language models; ", setup.model.name(),
      " is a network of explicit layers. analyze, batch, compare, check, "
      "sensitivity, explain and sweep take it"));
}

absl::Status CheckProducts(const Ledger<>& ledger,
                           const MachineStructure& structure,
                           absl::string_view machine) {
  std::set<std::string> refused;
  for (const Operator<>& op : ledger.operators) {
    if (op.weight_format == nullptr) continue;
    if (RateIndex(structure, *op.weight_format, *op.activation_format,
                  ProductsOf(op.product_kind)) >= 0) {
      continue;
    }
    refused.insert(absl::StrCat(
        op.product_kind == ProductKind::kAttention ? "attention in " : "",
        op.weight_format->name, " by ", op.activation_format->name));
  }
  if (refused.empty()) return absl::OkStatus();
  std::set<std::string> pairs;
  for (int i = 0; i < structure.num_rates; ++i) {
    const RateStructure& rate = structure.rates[i];
    pairs.insert(absl::StrCat("--weights=", rate.format->name,
                              " --activations=", rate.inputs->name));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "hardware: no engine of ", machine, " runs products of ",
      absl::StrJoin(refused, ", "), "; its engines take ",
      absl::StrJoin(pairs, " or ")));
}

namespace {

// Whether every product has an engine, whatever its format.
bool ServesAll(const MachineStructure& structure) {
  for (int i = 0; i < structure.num_rates; ++i) {
    const RateStructure& rate = structure.rates[i];
    if (!rate.in_memory && !rate.has_lanes &&
        (rate.runs & (1u << ComputeEngine::ATTENTION)) != 0) {
      return true;
    }
  }
  return structure.num_rates == 0;
}

}  // namespace

absl::Status Validate(const Setup& setup) {
  const Scenario scenario = WithContext(setup.scenario);
  std::vector<Fault> faults;
  ValidateScenario(scenario, setup.model, setup.hardware, &faults);
  if (setup.draft.has_value()) {
    // The draft model is split by tp only, since it need not have experts.
    Scenario split = scenario;
    split.set_ep(1);
    split.clear_offload();
    split.clear_split();
    ValidateScenario(split, *setup.draft, setup.hardware, &faults);
  }
  if (!faults.empty()) return FaultsToStatus(faults);
  const absl::Status quality = CheckQuality(scenario);
  if (!quality.ok()) return quality;
  const absl::Status served = CheckServedFormats(
      setup.hardware, setup.model,
      InServedFormats(setup.hardware, setup.model, scenario));
  if (!served.ok()) return served;
  const Machine<> machine =
      MachineWith<double>(setup.hardware, scenario.ideal(), ValueReader());
  if (!ServesAll(machine.structure)) {
    RETURN_IF_ERROR(CheckProducts(
        BuildLedger(setup.model, scenario,
                    setup.draft.has_value() ? &*setup.draft : nullptr),
        machine.structure, setup.hardware.name()));
  }
  const Duration<> second = Seconds(1.0);
  const Power<> idle =
      EnergyInside(IdleTerms(1.0, second, IdleClock(machine), machine),
                   kBoardBoundary) /
      second;
  if (machine.structure.has_power_cap && !(idle < machine.costs.power_cap)) {
    return absl::InvalidArgumentError(absl::StrCat(
        setup.hardware.name(),
        ": board.power_cap_w leaves nothing above what the chip and its memory "
        "draw when idle"));
  }
  return absl::OkStatus();
}

Analysis::Analysis(const ResolvedSetup& setup, const AnalyzeOptions& options)
    : setup_(setup),
      options_(options),
      machine_(MachineFor(setup)),
      machines_(setup.placement() == nullptr
                    ? std::vector<Machine<>>()
                    : MachinesFor<double>(setup, ValueReader())),
      described_(setup.Described()),
      support_(LeastSupport(setup)) {}

absl::StatusOr<Report> Analysis::Answer() {
  BuildLedgerInto(setup_.step(), ValueReader(), &evaluation_.ledger);
  // Ranges start from the ledger before growth.
  const bool keep = options_.ranges && AsksForGrowth(evaluation_.ledger, machine_.structure);
  if (keep) not_grown_ = evaluation_.ledger;
  const LayerPlacement* const placement = setup_.placement();
  if (placement == nullptr) {
    EvaluateLedger(machine_, &evaluation_);
  } else {
    Ledger<> whole = std::move(evaluation_.ledger);
    evaluation_ = EvaluateShared(std::move(whole), *placement, machines_);
  }
  const Ledger<>& ledger = evaluation_.ledger;
  const LoweredStep<>& step = evaluation_.step;
  const StepCost<>& cost = evaluation_.cost;

  Report report;
  Spreads spreads;
  const Prices prices = PricesOf(setup_.hardware(), step.chips);
  spreads.price_per_j = prices.per_joule();
  spreads.price_per_s = prices.per_second();
  FillValues(cost, step, machine_, setup_.boundary(), &spreads);
  // Counts beyond the range of doubles would make every answer NaN.
  if (!std::isfinite(spreads.energy_per_token.value) ||
      !std::isfinite(spreads.step_time.value)) {
    return absl::InvalidArgumentError(
        "scenario: the step is too large to count; check batch, context and "
        "the model's dimensions");
  }
  // A machine that was measured as a whole has no energy further inside. Shares and
  // gains of nothing are no numbers.
  if (spreads.energy_per_token.value == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "scenario: boundary: the ", kBoundaries[setup_.boundary()].label,
        " of ", setup_.hardware().name(),
        " takes no energy of its own: it is all counted further outside; "
        "expected a boundary around it"));
  }
  if (options_.ranges && !setup_.scenario().ideal()) {
    ReachUnseen(support_, step.tokens, &spreads);
    AddVariants(setup_, machine_, &spreads, &report);
  }
  if (options_.ranges) {
    const Ledger<>& described = keep ? not_grown_ : ledger;
    if (!ranges_.has_value()) ranges_.emplace(setup_, described);
    ranges_->Fill(described, step, /*with_terms=*/options_.details, &spreads);
    // A total is at least as uncertain as each of its terms.
    for (int i = 0; i < kNumEnergyTerms; ++i) {
      const double term_high = spreads.terms[i].high();
      spreads.facility_energy.Reach(spreads.facility_energy.value, term_high);
      spreads.price.Reach(
          spreads.price.value,
          spreads.PriceOf(term_high, spreads.step_time.value / step.tokens));
      if (kEnergyTerms[i].boundary > setup_.boundary()) continue;
      spreads.energy_per_token.Reach(spreads.energy_per_token.value, term_high);
    }
  }

  report.set_model(setup_.model().name());
  report.set_model_growth(ledger.model_growth);
  report.set_hardware(NamesOf(setup_.hardware(), placement));
  report.set_num_chips(static_cast<int32_t>(step.chips));
  described_.set_batch(setup_.scenario().batch());
  const bool is_network = setup_.model().has_network();
  if (!is_network) described_.set_context(setup_.scenario().context());
  report.set_work_unit(is_network ? "inference" : "token");
  *report.mutable_scenario() = described_;
  report.set_runtime(setup_.hardware().runtime().base());
  report.set_evidence(SupportName(support_.status));
  report.set_evidence_note(support_.note);
  FillEnergy(spreads, cost, step, setup_.boundary(), &report);
  FillMemoryShares(spreads.dram[kBoardBoundary], machine_,
                   setup_.hardware().memory(0).technology(), &report);
  const Views views = ViewsOf(setup_, machine_, machines_, evaluation_);
  FillStacks(views, &report);
  FillClock(setup_.hardware(), machine_, step, cost, &report);
  FillCounts(views, ledger, &report);
  absl::optional<QualityEstimate> quality =
      EstimateFor(setup_.model(), setup_.scenario(), ledger);
  if (quality.has_value()) *report.mutable_quality() = *std::move(quality);
  FillRidge(setup_.formats(), machine_, &report);
  FillOperators(views, cost, options_, &report);
  if (options_.details) {
    if (!setup_.formats_note().empty()) report.add_notes(setup_.formats_note());
    NoteGrowth(setup_, &report);
    for (const std::string& note : ledger.notes) report.add_notes(note);
    if (is_network) {
      report.add_notes(
          "figures per token (energy_per_token_j and others) are per inference of "
          "the network");
    }
    FillEnergyLists(spreads, cost, step, machine_.structure.HasDram(),
                    setup_.boundary(), &report);
    FillParts(ledger, &report);
    for (const View& view : views) {
      FillAccount(view.ledger, view.step, view.machine, view.cost,
                  setup_.boundary(), &report, cost.step_time);
    }
    std::vector<RooflinePart> parts;
    for (const View& view : views) {
      parts.push_back({view.hardware, view.machine, view.step});
    }
    *report.mutable_roofline() = RooflineOf(parts, report);
    if (placement != nullptr) {
      MergeCauses(&report);
      FillMachines(*placement, views, setup_.boundary(), step.tokens, &report);
    }
  }
  if (placement == nullptr) {
    FillCapacity(setup_, ledger, machine_, options_.details, &report);
  } else {
    FillSharedCapacity({setup_.model(), setup_.hardware(), setup_.scenario(),
                        absl::nullopt},
                       views, &report);
  }
  FillServing(setup_, evaluation_, machine_, prices, spreads, &report);
  if (placement == nullptr) {
    FillMaking(spreads.cost, ledger, machine_, &report);
  }
  FillWarnings(setup_, views, &report);
  FillLimits(views, &report);
  FillArrays(views, &report);
  return report;
}

absl::StatusOr<Report> Analyze(const Setup& setup,
                               const AnalyzeOptions& options) {
  const absl::Status valid = Validate(setup);
  if (!valid.ok()) return valid;
  const ResolvedSetup resolved(setup);
  return Analysis(resolved, options).Answer();
}

absl::StatusOr<Report> Analyze(const Model& model, const Hardware& hardware,
                               const Scenario& scenario,
                               const AnalyzeOptions& options) {
  return Analyze({model, hardware, scenario, absl::nullopt}, options);
}

}  // namespace tokenjoule
