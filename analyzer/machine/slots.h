// The numbers of a machine as a list, so that machines in different number
// types can be filled from one another and be told apart number by number.

#ifndef ANALYZER_MACHINE_SLOTS_H_
#define ANALYZER_MACHINE_SLOTS_H_

#include <vector>

#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace slots_internal {

template <typename N>
class Collector {
 public:
  explicit Collector(std::vector<N*>* slots) : slots_(slots) {}

  void operator()(N& number) { slots_->push_back(&number); }
  template <int b, int f, int s, int j>
  void operator()(Quantity<b, f, s, j, N>& quantity) {
    slots_->push_back(&quantity.mutable_base());
  }
  void operator()(MemoryEnergy<N>& energy) {
    (*this)(energy.activate);
    (*this)(energy.column);
    (*this)(energy.interface);
    (*this)(energy.phy_controller);
    (*this)(energy.network);
  }
  void operator()(MemoryLevelCosts<N>& level) {
    (*this)(level.peak_bandwidth);
    (*this)(level.long_bandwidth);
    (*this)(level.half_transfer);
    (*this)(level.cache_half_transfer);
    (*this)(level.capacity);
    (*this)(level.usable_capacity);
    (*this)(level.activation_capacity);
    (*this)(level.pinned_capacity);
    (*this)(level.read);
    (*this)(level.write);
    (*this)(level.cache_bandwidth_factor);
    (*this)(level.expert_bandwidth_factor);
    (*this)(level.state_bandwidth_factor);
    (*this)(level.cache_passes);
    (*this)(level.activation_passes);
    for (int i = 0; i < level.num_stored; ++i) {
      (*this)(level.stored[i].bandwidth_factor);
    }
    (*this)(level.wear_per_write);
    (*this)(level.background);
  }
  void operator()(ComputeCosts<N>& rate) {
    (*this)(rate.peak);
    (*this)(rate.achieved);
    (*this)(rate.energy);
    (*this)(rate.adc);
    (*this)(rate.dac);
    (*this)(rate.array_write);
    (*this)(rate.weight_capacity);
    (*this)(rate.model_growth);
    (*this)(rate.noise);
    (*this)(rate.wear_per_write);
    (*this)(rate.rows);
    (*this)(rate.columns);
    (*this)(rate.partial_sum);
  }

 private:
  std::vector<N*>* const slots_;
};

}  // namespace slots_internal

// Where each number of a machine stands, in an order that is the same for all
// machines of one structure (levels, rates).
template <typename N>
std::vector<N*> SlotsOf(Machine<N>* machine) {
  std::vector<N*> slots;
  slots_internal::Collector<N> collect(&slots);
  for (int i = 0; i < machine->num_levels; ++i) collect(machine->levels[i]);
  for (int i = 0; i < machine->num_rates; ++i) collect(machine->rates[i]);
  collect(machine->vector);
  collect(machine->link_bandwidth);
  collect(machine->link_latency);
  collect(machine->link_energy);
  collect(machine->static_power);
  collect(machine->power_cap);
  collect(machine->regulator_efficiency);
  collect(machine->host_power);
  collect(machine->supply_efficiency);
  collect(machine->power_usage_effectiveness);
  collect(machine->time_per_step);
  collect(machine->time_per_layer);
  collect(machine->time_per_layer_admitting);
  collect(machine->time_per_recurrent_layer_admitting);
  collect(machine->time_per_kernel);
  collect(machine->time_per_sequence);
  collect(machine->energy_per_sequence);
  collect(machine->overlap_fraction);
  collect(machine->area_mm2);
  collect(machine->cost_usd);
  return slots;
}

namespace slots_internal {

template <typename To, typename From>
void CopyStructure(const ComputeCosts<From>& from, ComputeCosts<To>* to) {
  to->format = from.format;
  to->inputs = from.inputs;
  to->engine = from.engine;
  to->runs = from.runs;
  to->in_memory = from.in_memory;
  to->resident = from.resident;
  to->has_dataflow = from.has_dataflow;
  to->has_weight_capacity = from.has_weight_capacity;
}

}  // namespace slots_internal

// A machine of another number type with the same structure and numbers.
template <typename To>
Machine<To> Converted(const Machine<double>& from) {
  Machine<To> to;
  to.num_levels = from.num_levels;
  to.num_rates = from.num_rates;
  to.topology = from.topology;
  to.has_power_cap = from.has_power_cap;
  to.wears = from.wears;
  for (int i = 0; i < from.num_levels; ++i) {
    to.levels[i].is_dram = from.levels[i].is_dram;
    to.levels[i].pins = from.levels[i].pins;
    to.levels[i].num_stored = from.levels[i].num_stored;
    for (int k = 0; k < from.levels[i].num_stored; ++k) {
      to.levels[i].stored[k].format = from.levels[i].stored[k].format;
    }
  }
  for (int i = 0; i < from.num_rates; ++i) {
    slots_internal::CopyStructure(from.rates[i], &to.rates[i]);
  }
  slots_internal::CopyStructure(from.vector, &to.vector);
  Machine<double> copy = from;
  const std::vector<double*> numbers = SlotsOf(&copy);
  const std::vector<To*> places = SlotsOf(&to);
  for (size_t i = 0; i < numbers.size(); ++i) *places[i] = To(*numbers[i]);
  return to;
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_SLOTS_H_
