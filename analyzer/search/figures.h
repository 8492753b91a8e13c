// The figures that points of a space are compared and limited by.

#ifndef ANALYZER_SEARCH_FIGURES_H_
#define ANALYZER_SEARCH_FIGURES_H_

#include <array>
#include <string>

#include "analyzer/cost/kernel.h"
#include "analyzer/cost/lower.h"
#include "analyzer/cost/occupancy.h"
#include "analyzer/cost/pack_kernel.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "proto/model.pb.h"
#include "proto/report.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// What of a model the figures need: the same at every batch, context and
// machine.
struct ModelFacts {
  double parameters = 0;
  double active_parameters = 0;
  double aspect_ratio = 0;
  // 0 where the scenario has no `quality`, or no training tokens.
  double effective_parameters = 0;
  double loss = 0;
};

// Those of a validated model and scenario whose step is counted in `ledger`.
ModelFacts ModelFactsOf(const Model& model, const Scenario& scenario,
                        const Ledger<>& ledger);

// What of a step the figures need besides the kernel's answer: the same for all
// points of a combination, or a lane for each where a pack holds several steps.
template <typename N = double>
struct StepFacts {
  N tokens = N(1.0);
  N tokens_per_sequence = N(1.0);
  N chips = N(1.0);
  // Of the backing store, and of in-memory arrays that hold weights.
  N store_used_bytes = N(0.0);
  N array_used_bytes = N(0.0);
  N array_bytes = N(0.0);
  int boundary = kBoardBoundary;
  ModelFacts model;
};

// Those of a step that was lowered from `ledger`, which has grown already, for
// `machine`.
template <typename N>
StepFacts<N> FactsFrom(const Ledger<N>& ledger, const LoweredStep<N>& step,
                       Placing<N> machine, int boundary,
                       const ModelFacts& model) {
  const Occupancy<N> occupancy = OccupancyOf(ledger, machine);
  StepFacts<N> facts;
  facts.tokens = step.tokens;
  facts.tokens_per_sequence = ledger.tokens_per_sequence;
  facts.chips = step.chips;
  facts.store_used_bytes = InBytes(occupancy.StoreUsed());
  facts.array_used_bytes = InBytes(occupancy.in_arrays);
  facts.array_bytes = InBytes(occupancy.array_capacity);
  facts.boundary = boundary;
  facts.model = model;
  return facts;
}

// Those of a step that was evaluated on `machine`.
StepFacts<> FactsOf(const Model& model, const Scenario& scenario,
                    const Evaluation<>& evaluation, const Machine<>& machine);

// The figures in the order of SweepFigures' fields.
constexpr int kNumFigures = 25;
enum Figure {
  kEnergy,
  kStepTime,
  kTimePerToken,
  kTokensPerS,
  kPower,
  kEnergyDelay,
  kDramShare,
  kMemoryUsed,
  kMemoryLeft,
  kChips,
  kArea,
  kCost,
  // As noise power over the signal's; SweepFigures has it in dB.
  kNoise,
  kWear,
  kStackShare,
  kMemoryShare,
  kStackLayers,
  kPowerDensity,
  kStackTemperature,
  kEngineTopsPerW,
  kParameters,
  kActiveParameters,
  kEffectiveParameters,
  kLoss,
  kAspectRatio,
};

template <typename N>
using FigureValues = std::array<N, kNumFigures>;

// The figures of points, whose facts are numbers of the same type, or one for
// all of them.
template <typename F, typename N>
FigureValues<N> FiguresFrom(const StepFacts<F>& facts,
                            const SweepCost<N>& cost) {
  const N inside = cost.energy_j[facts.boundary];
  const N steps_per_s = N(1.0) / cost.step_time_s;
  FigureValues<N> f;
  f[kEnergy] = inside * N(1.0 / facts.tokens);
  f[kStepTime] = cost.step_time_s;
  f[kTimePerToken] = cost.step_time_s * N(1.0 / facts.tokens_per_sequence);
  f[kTokensPerS] = N(facts.tokens) * steps_per_s;
  f[kPower] = inside * steps_per_s;
  f[kEnergyDelay] = f[kEnergy] * f[kTimePerToken];
  // Zero where the backing store is not DRAM.
  const N of_board = cost.is_dram / cost.energy_j[kBoardBoundary];
  f[kDramShare] = cost.energy_j[kMemoryPathBoundary] * of_board;
  f[kStackShare] = cost.energy_j[kStackBoundary] * of_board;
  f[kMemoryShare] = cost.memory_j / cost.energy_j[kBoardBoundary];
  f[kStackLayers] = cost.layers;
  f[kPowerDensity] = cost.heat.power_w_per_cm2;
  f[kStackTemperature] = cost.heat.temperature_c;
  f[kMemoryUsed] = N(facts.store_used_bytes + facts.array_used_bytes);
  f[kMemoryLeft] = cost.usable_bytes * N(facts.chips) + N(facts.array_bytes) -
                   f[kMemoryUsed];
  f[kChips] = N(facts.chips);
  f[kArea] = cost.area_mm2 * f[kChips];
  f[kNoise] = cost.noise;
  f[kEngineTopsPerW] = cost.tops_per_w;
  f[kWear] = cost.wear * steps_per_s * N(kSecondsPerYear);
  f[kCost] = cost.cost_usd * f[kChips];
  f[kParameters] = N(facts.model.parameters);
  f[kActiveParameters] = N(facts.model.active_parameters);
  f[kEffectiveParameters] = N(facts.model.effective_parameters);
  f[kLoss] = N(facts.model.loss);
  f[kAspectRatio] = N(facts.model.aspect_ratio);
  return f;
}

// Whether weights and KV cache fit.
inline bool Fits(const StepFacts<>& facts, double usable_bytes) {
  return facts.store_used_bytes <= usable_bytes * facts.chips &&
         facts.array_used_bytes <= facts.array_bytes;
}

SweepFigures ToProto(const FigureValues<double>& values);

// The place of a figure among FigureValues; `metric` is a field's name of
// SweepFigures.
int FigureIndex(const std::string& metric);

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_FIGURES_H_
