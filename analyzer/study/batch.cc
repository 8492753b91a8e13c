#include "analyzer/study/batch.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/cost/kernel.h"
#include "analyzer/cost/lower.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "analyzer/spec/architecture.h"
#include "analyzer/study/analyze.h"

namespace tokenjoule {
namespace {

// Two batches far beyond anything that fits, where the ledger is affine in the
// batch: weights and (with experts) coverage no longer change.
constexpr double kHugeBatch = 1 << 24;

// Energy of one token at a batch, without the rest of a report.
class TokenEnergy {
 public:
  TokenEnergy(const Model& model, const Hardware& hardware,
              const Scenario& scenario, const Model* draft)
      : model_(model),
        draft_(draft),
        scenario_(scenario),
        machine_(MachineFor(hardware, scenario)),
        boundary_(BoundaryIndex(ResolveScenario(model, scenario).boundary())) {}

  double At(double batch) const {
    return PerToken(LoweredAt(batch, scenario_.context()), machine_);
  }

  // The limit as the batch grows without end, at a context.
  double Floor(double context) const {
    return PerToken(PerSequence(LoweredAt(kHugeBatch, context),
                                LoweredAt(2 * kHugeBatch, context)),
                    WithoutFixedCosts(machine_));
  }

 private:
  LoweredStep<> LoweredAt(double batch, double context) const {
    Scenario scenario = scenario_;
    scenario.set_batch(batch);
    scenario.set_context(context);
    return Lower(Grow(BuildLedger(model_, scenario, draft_), machine_),
                 machine_);
  }
  double PerToken(const LoweredStep<>& step, const Machine<>& machine) const {
    return InJoules(EnergyInside(CostOfStep(step, machine).terms, boundary_)) /
           step.tokens;
  }

  const Model& model_;
  const Model* draft_;
  const Scenario& scenario_;
  const Machine<> machine_;
  const int boundary_;
};

// Batch at which a falling energy per token reaches `target`: bisection in the
// logarithm. 0 where batch 1 is below it already or no batch reaches it.
double BatchReaching(const TokenEnergy& energy, double smallest,
                     double target) {
  double low = smallest, high = kHugeBatch;
  if (energy.At(low) <= target || energy.At(high) > target) return 0;
  while (high / low > 1 + 1e-12) {
    const double middle = std::sqrt(low * high);
    (energy.At(middle) > target ? low : high) = middle;
  }
  return high;
}

std::string Times(double factor) {
  return factor < 100 ? absl::StrFormat("x %.3g", factor)
                      : absl::StrFormat("x %.0f", factor);
}

std::string Summarize(const BatchLimits& limits, const Report& any) {
  const Scenario& scenario = any.scenario();
  std::string out = absl::StrFormat(
      "Batching %s on %s at %g tokens of context: from %.3g J/token at batch "
      "%g towards a floor of %.3g J, %s or %.2f orders of magnitude at most. ",
      any.model(), any.hardware(), scenario.context(),
      limits.batch_1_energy_per_token_j(), limits.smallest_batch(),
      limits.floor_energy_per_token_j(), Times(limits.gain()),
      limits.gain_orders_of_magnitude());
  absl::StrAppendFormat(
      &out, "%.0f %% of that floor is the KV cache and what it holds up. ",
      100 * limits.floor_kv_share());
  if (limits.half_gain_batch() > 0) {
    absl::StrAppendFormat(
        &out, "Half of the gain (twice the floor) is reached at batch %.3g. ",
        limits.half_gain_batch());
  }
  if (limits.max_batch() > 0) {
    absl::StrAppendFormat(
        &out,
        "What fits is batch %d: %.3g J/token, %s or %.2f orders of magnitude.",
        limits.max_batch(), limits.max_batch_energy_per_token_j(),
        Times(limits.gain_at_max_batch()),
        limits.gain_at_max_batch_orders_of_magnitude());
  } else {
    absl::StrAppend(&out,
                    "No batch fits: the weights and one sequence are "
                    "larger than the memory.");
  }
  return out;
}

}  // namespace

absl::StatusOr<BatchLimits> FindBatchLimits(const Model& model,
                                            const Hardware& hardware,
                                            const Scenario& given,
                                            const Model* draft) {
  const Scenario scenario = WithContext(given);
  // One sequence on each replica is the smallest batch.
  // Nothing is validated yet: without tp there are no replicas to count.
  const double smallest =
      scenario.tp() > 0 ? std::max<double>(1, ParallelismOf(scenario).replicas)
                        : 1;
  Scenario one = scenario;
  one.set_batch(smallest);
  absl::StatusOr<Report> first_report =
      Analyze(model, hardware, one, {false, false, draft});
  if (!first_report.ok()) return first_report.status();

  const TokenEnergy energy(model, hardware, scenario, draft);
  BatchLimits limits;
  const double first = energy.At(smallest);
  const double floor = energy.Floor(scenario.context());
  limits.set_smallest_batch(smallest);
  limits.set_batch_1_energy_per_token_j(first);
  limits.set_floor_energy_per_token_j(floor);
  // A context of one token leaves a cache of one token: nothing to speak of.
  limits.set_floor_kv_share(1 - energy.Floor(1) / floor);
  limits.set_half_gain_batch(BatchReaching(energy, smallest, 2 * floor));
  limits.set_half_distance_batch(
      BatchReaching(energy, smallest, (first + floor) / 2));
  limits.set_gain(first / floor);
  limits.set_gain_orders_of_magnitude(std::log10(first / floor));
  limits.set_max_batch(first_report->max_batch());
  if (limits.max_batch() > 0) {
    const double best = energy.At(limits.max_batch());
    limits.set_max_batch_energy_per_token_j(best);
    limits.set_gain_at_max_batch(first / best);
    limits.set_gain_at_max_batch_orders_of_magnitude(std::log10(first / best));
  }
  return limits;
}

absl::StatusOr<BatchStudy> StudyBatch(const Model& model,
                                      const Hardware& hardware,
                                      const Scenario& scenario,
                                      absl::Span<const double> batches,
                                      const Model* draft) {
  absl::StatusOr<BatchLimits> limits =
      FindBatchLimits(model, hardware, scenario, draft);
  if (!limits.ok()) return limits.status();
  BatchStudy study;
  *study.mutable_limits() = *limits;
  for (const double batch : batches) {
    Scenario row = scenario;
    row.set_batch(batch);
    absl::StatusOr<Report> report = Analyze(
        model, hardware, row, {/*operators=*/false, /*ranges=*/true, draft});
    if (!report.ok()) return report.status();
    *study.add_rows() = *std::move(report);
  }
  if (study.rows_size() > 0) {
    study.set_summary(Summarize(*limits, study.rows(0)));
  }
  return study;
}

}  // namespace tokenjoule
