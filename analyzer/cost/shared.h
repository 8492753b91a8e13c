// The cost of a step that several machines share, one after another: the chip and
// its host, or the stages of a pipeline. Each part is lowered and costed on its
// own machine; while one works, the others wait.

#ifndef ANALYZER_COST_SHARED_H_
#define ANALYZER_COST_SHARED_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "analyzer/cost/kernel.h"
#include "analyzer/cost/lower.h"
#include "analyzer/description/offload.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {

// What one machine has of a step.
template <typename N = double>
struct StepPart {
  // Index of the machine.
  int place = 0;
  Ledger<N> ledger;
  LoweredStep<N> step;
  // The time is that which the machine works; the energy includes waiting.
  StepCost<N> cost;
};

// The part of a ledger that machine `place` has. What a replica pays per sequence
// or prompt beyond its operators is paid where the LM head is.
template <typename N>
Ledger<N> LedgerOn(const Ledger<N>& whole, const LayerPlacement& placement,
                   int place) {
  const PlaceTotals<N>& totals = whole.places[place];
  Ledger<N> part;
  for (const Operator<N>& op : whole.operators) {
    if (op.place == place) part.operators.push_back(op);
  }
  part.layers = totals.layers;
  part.expert_layers = totals.expert_layers;
  part.recurrent_layers = totals.recurrent_layers;
  part.latent_layers = totals.latent_layers;
  part.weight_footprint = totals.weight_footprint;
  part.sequence_footprint = totals.sequence_footprint;
  part.prefix_footprint = totals.prefix_footprint;
  part.state_per_sequence = totals.state_per_sequence;
  part.sequences_per_replica = whole.sequences_per_replica;
  part.samples_per_sequence = N(0.0);
  if (place == placement.head()) {
    part.samples_per_sequence = whole.samples_per_sequence;
    part.prompts_per_replica = whole.prompts_per_replica;
  }
  part.admitting = whole.admitting;
  part.tokens = whole.tokens;
  part.tokens_per_sequence = whole.tokens_per_sequence;
  part.growth_depth_share = whole.growth_depth_share;
  part.equal_quality = whole.equal_quality;
  part.uniform = whole.uniform;
  return part;
}

// Grows the model as the machines of its products require together, or as the
// scenario asks: one model, whatever runs its parts.
template <typename N>
void GrowShared(const std::vector<Machine<N>>& machines, Ledger<N>* ledger) {
  bool asks = false;
  for (const Machine<N>& machine : machines) {
    asks |= AsksForGrowth(*ledger, machine.structure);
  }
  if (!asks) return;
  GrowBy<N>(GrowthOf(*ledger,
                     [&](const Operator<N>& op) {
                       return PlacementView<N>(machines[op.place]);
                     }),
            ledger);
}

// Splits a ledger, which has grown already, and lowers each part on its machine.
template <typename N>
std::vector<StepPart<N>> LowerShared(const Ledger<N>& ledger,
                                     const LayerPlacement& placement,
                                     const std::vector<Machine<N>>& machines) {
  std::vector<StepPart<N>> parts;
  for (size_t i = 0; i < machines.size(); ++i) {
    StepPart<N> part;
    part.place = static_cast<int>(i);
    part.ledger = LedgerOn(ledger, placement, part.place);
    part.step = Lower(part.ledger, machines[i]);
    parts.push_back(std::move(part));
  }
  return parts;
}

// Computes the cost of each part and returns that of the whole: times add,
// because a token passes through the machines one after another, and so do
// energies. The clock is that of the first machine. The power cap of a machine that
// alternates with others holds for the mean over the step, in which the others take
// the time that they take without caps; one that works in one stretch per step, tens
// of milliseconds, keeps its cap meanwhile: controllers of boards are not slower.
template <typename N>
StepCost<N> CostOfShared(const LayerPlacement& placement,
                         const std::vector<Machine<N>>& machines,
                         std::vector<StepPart<N>>* parts) {
  std::vector<Duration<N>> alone;
  Duration<N> all;
  for (const StepPart<N>& part : *parts) {
    const Machine<N>& machine = machines[part.place];
    alone.push_back(
        TimeOfStep<N>(part.step, machine,
                      UnitTimes<N>(machine, machine.costs.clock.set))
            .time);
    all += alone.back();
  }
  StepCost<N> whole;
  for (StepPart<N>& part : *parts) {
    part.cost = CostOfStep<N>(part.step, machines[part.place],
                              placement.Alternates(part.place)
                                  ? all - alone[part.place]
                                  : Duration<N>());
    whole.step_time += part.cost.step_time;
    whole.stretch += part.cost.stretch;
  }
  for (StepPart<N>& part : *parts) {
    AddWaiting(part.step, machines[part.place],
               whole.step_time - part.cost.step_time, &part.cost);
    for (int i = 0; i < kNumEnergyTerms; ++i) {
      whole.terms[i] += part.cost.terms[i];
    }
  }
  whole.clock = parts->front().cost.clock;
  whole.uncapped_power = parts->front().cost.uncapped_power;
  return whole;
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_SHARED_H_
