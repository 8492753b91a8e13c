#include "analyzer/study/tune.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/cost/occupancy.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/core_clock.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/evaluate/running_costs.h"
#include "analyzer/ledger/ledger.h"

namespace tokenjoule {
namespace {

// Points within this share of the best are as good: the optimum is flat and the
// model is not better.
constexpr double kAsGood = 0.01;

// Clocks to try, relative to the reference.
std::vector<double> ClocksToTry(const CoreClocks& of) {
  constexpr double kLeastStepMhz = 15, kMostSteps = 200;
  const double lowest = of.lowest_mhz, highest = of.highest_mhz;
  const double steps = std::floor(
      std::min(kMostSteps, std::max(1.0, (highest - lowest) / kLeastStepMhz)));
  std::vector<double> clocks;
  for (int i = 0; i <= steps; ++i) {
    clocks.push_back((lowest + (highest - lowest) * i / steps) /
                     of.reference_mhz);
  }
  return clocks;
}

}  // namespace

absl::StatusOr<TuneStudy> Tune(const Setup& setup, const TuneOptions& options) {
  TuneStudy study;
  RETURN_IF_ERROR(RequireLanguageModel(setup, "tune"));
  RETURN_IF_ERROR(RequireOneMachine(setup, "tune"));
  ASSIGN_OR_RETURN(*study.mutable_base(), Analyze(setup));
  const Hardware& hardware = setup.hardware;
  if (!hardware.has_core_clock()) {
    return absl::InvalidArgumentError(
        absl::StrCat(hardware.name(),
                     " has no core_clock: nothing is known of its energy at "
                     "other clocks"));
  }
  const bool by_cost = hardware.node().has_price_per_chip_hour();
  study.set_objective(by_cost ? "cost_per_token" : "energy_per_token_j");
  study.set_max_time_per_token_ms(options.max_time_per_token_ms);
  const auto objective = [&](const TunedPoint& point) {
    return by_cost ? point.cost_per_token() : point.energy_per_token_j();
  };
  const ResolvedSetup resolved(setup);
  Machine<> machine = MachineFor(resolved);
  const double as_set = machine.costs.clock.set;
  const CoreClocks limits = CoreClocksOf(hardware.core_clock());
  const std::vector<double> clocks = ClocksToTry(limits);

  const auto ledger_of = [&](double batch) {
    Scenario scenario = resolved.scenario();
    scenario.set_batch(batch);
    return BuildLedger(resolved.StepOf(scenario));
  };
  const auto point_at = [&](const Ledger<>& ledger, double batch,
                            double clock) {
    machine.costs.clock.set = clock;
    const Evaluation<> at = EvaluateOn(ledger, machine);
    TunedPoint point;
    point.set_batch(batch);
    point.set_core_clock_mhz(at.cost.clock * limits.reference_mhz);
    point.set_board_power_w(
        InWatts(EnergyInside(at.cost.terms, kBoardBoundary) /
                at.cost.step_time) /
        at.step.chips);
    point.set_time_per_token_s(InSeconds(at.cost.step_time) /
                               at.ledger.tokens_per_sequence);
    point.set_energy_per_token_j(InJoules(
        at.PerToken(EnergyInside(at.cost.terms, resolved.boundary()))));
    const Prices prices = PricesOf(hardware, at.step.chips);
    if (prices.has_money()) {
      point.set_cost_per_token(
          InJoules(at.PerToken(
              EnergyInside(at.cost.terms, kFacilityBoundary))) *
              prices.per_joule() +
          InSeconds(at.cost.step_time) / at.step.tokens * prices.per_second());
    }
    point.set_feasible(
        OccupancyOf(at.ledger, machine)
            .Fits(machine.costs.levels[0].usable_capacity * at.step.chips) &&
        (options.max_time_per_token_ms == 0 ||
         point.time_per_token_s() * 1e3 <= options.max_time_per_token_ms));
    return point;
  };

  const double own_batch = resolved.scenario().batch();
  const std::vector<double> batches = options.batches.empty()
                                          ? std::vector<double>{own_batch}
                                          : options.batches;
  const TunedPoint* best = nullptr;
  for (const double batch : batches) {
    Setup at_batch = setup;
    at_batch.scenario.set_batch(batch);
    RETURN_IF_ERROR(Validate(at_batch));
    const Ledger<> ledger = ledger_of(batch);
    for (const double clock : clocks) {
      *study.add_points() = point_at(ledger, batch, clock);
    }
  }
  for (const TunedPoint& point : study.points()) {
    if (!point.feasible()) continue;
    if (best == nullptr || objective(point) < objective(*best)) best = &point;
  }
  if (best == nullptr) return study;
  *study.mutable_best() = *best;
  const TunedPoint now = point_at(ledger_of(own_batch), own_batch, as_set);
  study.set_saving(1 - objective(*best) / objective(now));
  for (const TunedPoint& point : study.points()) {
    if (point.batch() != best->batch() || !point.feasible() ||
        objective(point) > objective(*best) * (1 + kAsGood)) {
      continue;
    }
    if (study.flat_from_mhz() == 0) {
      study.set_flat_from_mhz(point.core_clock_mhz());
      study.set_flat_from_w(point.board_power_w());
    }
    study.set_flat_to_mhz(point.core_clock_mhz());
    study.set_flat_to_w(point.board_power_w());
  }
  return study;
}

}  // namespace tokenjoule
