#include "analyzer/study/batch.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/cost/kernel.h"
#include "analyzer/cost/lower.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/notices.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"
#include "proto/options.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {
namespace {

// A batch far beyond anything that fits, where the ledger is affine in the
// batch: weights and (with experts) coverage no longer change.
constexpr double kHugeBatch = 1 << 24;

// The largest batch that the schema of Scenario accepts.
int64_t LargestAcceptedBatch() {
  const auto* field =
      Scenario::descriptor()->FindFieldByNumber(Scenario::kBatchFieldNumber);
  return static_cast<int64_t>(field->options().GetExtension(range).max());
}

// The cost of a token at one batch, without the rest of a report.
struct TokenCost {
  double energy_j = 0;
  // Of one sequence, s.
  double time_s = 0;
  // Share of the KV cache in the bytes that the step reads.
  double kv_read_share = 0;
};

class TokenCosts {
 public:
  explicit TokenCosts(const Setup& setup)
      : setup_(setup),
        context_(setup_.scenario().context()),
        machine_(MachineFor(setup_)) {
    if (setup_.placement() != nullptr) {
      machines_ = MachinesFor<double>(setup_, ValueReader());
    }
  }

  TokenCost At(double batch) const {
    const Evaluation<> at =
        machines_.empty() ? EvaluateOn(LedgerAt(batch, context_), machine_)
                          : EvaluateShared(LedgerAt(batch, context_),
                                           *setup_.placement(), machines_);
    TokenCost cost;
    cost.energy_j = InJoules(EnergyInside(at.cost.terms, setup_.boundary())) /
                    at.step.tokens;
    cost.time_s = InSeconds(at.cost.step_time) / at.ledger.tokens_per_sequence;
    Reads reads;
    if (at.parts.empty()) AddReads(at.ledger, at.step, &reads);
    for (const StepPart<>& part : at.parts) {
      AddReads(part.ledger, part.step, &reads);
    }
    cost.kv_read_share = Data<>() < reads.all ? reads.kv / reads.all : 0;
    return cost;
  }
  double EnergyAt(double batch) const { return At(batch).energy_j; }

  // The form of latent attention that steps take at the setup's context; CHEAPER
  // if blocks differ or have none.
  LatentAttentionForm LatentForm() const {
    bool absorbed = false, expanded = false;
    for (const Operator<>& op : LedgerAt(kHugeBatch, context_).operators) {
      absorbed |= absl::EndsWith(op.name, "core_absorbed");
      expanded |= absl::EndsWith(op.name, "core_expanded");
    }
    return absorbed == expanded ? CHEAPER : absorbed ? ABSORBED : EXPANDED;
  }

  // The limit of energy as the batch grows without end, at a context.
  double Floor(double context) const {
    if (!machines_.empty()) return SharedFloor(context);
    const LoweredStep<> one_more = PerSequence(
        LoweredAt(kHugeBatch, context), LoweredAt(2 * kHugeBatch, context));
    const StepCost<> cost = CostOfStep(one_more, WithoutFixedCosts(machine_));
    return InJoules(EnergyInside(cost.terms, setup_.boundary())) /
           one_more.tokens;
  }

 private:
  Ledger<> LedgerAt(double batch, double context) const {
    setup_.set_batch(batch);
    setup_.set_context(context);
    return BuildLedger(setup_.step());
  }
  LoweredStep<> LoweredAt(double batch, double context) const {
    return Lower(Grow(LedgerAt(batch, context), machine_), machine_);
  }
  // The same where several machines share the step.
  double SharedFloor(double context) const {
    const auto lowered_at = [&](double batch) {
      Ledger<> ledger = LedgerAt(batch, context);
      GrowShared(machines_, &ledger);
      return LowerShared(ledger, *setup_.placement(), machines_);
    };
    const std::vector<StepPart<>> at_huge = lowered_at(kHugeBatch);
    std::vector<StepPart<>> one_more = lowered_at(2 * kHugeBatch);
    std::vector<Machine<>> free;
    for (size_t i = 0; i < machines_.size(); ++i) {
      one_more[i].step = PerSequence(at_huge[i].step, one_more[i].step);
      free.push_back(WithoutFixedCosts(machines_[i]));
    }
    const StepCost<> cost = CostOfShared(*setup_.placement(), free, &one_more);
    return InJoules(EnergyInside(cost.terms, setup_.boundary())) /
           one_more.front().step.tokens;
  }

  // Bytes that a step reads: of the KV cache, and all.
  struct Reads {
    Data<> kv, all;
  };
  static void AddReads(const Ledger<>& ledger, const LoweredStep<>& step,
                       Reads* reads) {
    for (size_t i = 0; i < ledger.operators.size(); ++i) {
      reads->kv += ledger.operators[i].kv_read * ledger.operators[i].count;
      // Weights that reside in in-memory arrays are not read.
      for (const Data<>& read : step.operators[i].origin_read) {
        reads->all += read * ledger.operators[i].count;
      }
    }
  }

  // The batch and context in it are those of the last call.
  mutable ResolvedSetup setup_;
  const double context_;
  const Machine<> machine_;
  // Those that share the step, if there are several.
  std::vector<Machine<>> machines_;
};

// Batch at which the energy per token has fallen to `target`, by bisection in
// the logarithm. 0 if the smallest batch is already at or below it or no batch
// reaches it.
double BatchReaching(const TokenCosts& costs, double smallest, double target) {
  double low = smallest, high = kHugeBatch;
  if (costs.EnergyAt(low) <= target || costs.EnergyAt(high) > target) return 0;
  while (high / low > 1 + 1e-12) {
    const double middle = std::sqrt(low * high);
    (costs.EnergyAt(middle) > target ? low : high) = middle;
  }
  return high;
}

// Largest batch, in whole sequences on each of `replicas`, whose time per token
// is at most `limit_s`; 0 if even one sequence per replica exceeds it.
// Bisection finds it exactly, because the counts of bytes, FLOP, messages and
// sequences never decrease as the batch grows, and time increases with each of
// them. (The busiest of several expert-parallel chips reads mean plus
// deviation, capped at the experts that it holds; the deviation decreases again
// only when that cap applies.)
int32_t LargestBatchWithin(const TokenCosts& costs, int64_t replicas,
                           double limit_s) {
  int64_t meets = 0, exceeds = LargestAcceptedBatch() / replicas + 1;
  while (exceeds - meets > 1) {
    const int64_t middle = meets + (exceeds - meets) / 2;
    const double batch = static_cast<double>(middle * replicas);
    (costs.At(batch).time_s <= limit_s ? meets : exceeds) = middle;
  }
  return static_cast<int32_t>(meets * replicas);
}

std::string Times(double factor) {
  return factor < 100 ? absl::StrFormat("x %.3g", factor)
                      : absl::StrFormat("x %.0f", factor);
}

// "0.544 J/token, x 7.3 or 0.86 orders of magnitude; there the KV cache is 71 %
// of the bytes read".
std::string GainWords(double energy_j, double gain, double kv_read_share) {
  return absl::StrFormat(
      "%.3g J/token, %s or %.2f orders of magnitude; there the KV cache is "
      "%.0f "
      "%% of the bytes read",
      energy_j, Times(gain), std::log10(gain), 100 * kv_read_share);
}

std::string LatencyWords(const BatchLimits& limits) {
  if (limits.max_time_per_token_ms() == 0) return "";
  if (limits.latency_batch() == 0) {
    return absl::StrFormat(" No batch meets %g ms per token.",
                           limits.max_time_per_token_ms());
  }
  std::string out =
      absl::StrFormat(" %g ms per token allows batch %d",
                      limits.max_time_per_token_ms(), limits.latency_batch());
  if (limits.feasible_batch() < limits.latency_batch()) {
    return absl::StrCat(out, ", which does not fit.");
  }
  return absl::StrCat(out, ", which fits: ",
                      GainWords(limits.feasible_batch_energy_per_token_j(),
                                limits.gain_at_feasible_batch(),
                                limits.feasible_batch_kv_read_share()),
                      ".");
}

// Inferences that share the weights of a network have no cache.
std::string SummarizeNetwork(const BatchLimits& limits,
                             const ResolvedSetup& setup) {
  return absl::StrFormat(
      "Batching %s on %s: from %.3g J/inference at batch %g towards a floor of "
      "%.3g J, %s or %.2f orders of magnitude at most.",
      setup.model().name(), setup.hardware().name(),
      limits.batch_1_energy_per_token_j(), limits.smallest_batch(),
      limits.floor_energy_per_token_j(), Times(limits.gain()),
      limits.gain_orders_of_magnitude());
}

std::string Summarize(const BatchLimits& limits, const ResolvedSetup& setup) {
  if (setup.model().has_network()) return SummarizeNetwork(limits, setup);
  std::string out = absl::StrFormat(
      "Batching %s on %s at %g tokens of context: from %.3g J/token at batch "
      "%g towards a floor of %.3g J, %s or %.2f orders of magnitude at most. ",
      setup.model().name(), setup.hardware().name(), setup.scenario().context(),
      limits.batch_1_energy_per_token_j(), limits.smallest_batch(),
      limits.floor_energy_per_token_j(), Times(limits.gain()),
      limits.gain_orders_of_magnitude());
  absl::StrAppendFormat(&out,
                        "%.0f %% of that floor is KV-cache traffic and the "
                        "static energy of its time. ",
                        100 * limits.floor_kv_share());
  if (limits.half_gain_batch() > 0) {
    absl::StrAppendFormat(
        &out, "Half of the gain (twice the floor) is reached at batch %.3g. ",
        limits.half_gain_batch());
  }
  if (limits.max_batch() > 0) {
    absl::StrAppendFormat(&out, "The largest batch that fits is %d: %s.",
                          limits.max_batch(),
                          GainWords(limits.max_batch_energy_per_token_j(),
                                    limits.gain_at_max_batch(),
                                    limits.max_batch_kv_read_share()));
  } else {
    absl::StrAppend(&out,
                    "No batch fits: the weights and one sequence are "
                    "larger than the memory.");
  }
  absl::StrAppend(&out, LatencyWords(limits));
  return out;
}

// One sequence on each replica is the smallest batch.
int64_t Replicas(const Scenario& scenario) {
  // The scenario is not validated yet; if tp is not positive, the number of
  // replicas is undefined.
  return scenario.tp() > 0
             ? std::max<int64_t>(1, ParallelismOf(scenario).replicas)
             : 1;
}

absl::Status CheckOptions(const BatchOptions& options) {
  // Written so that NaN fails.
  if (options.max_time_per_token_ms >= 0 &&
      std::isfinite(options.max_time_per_token_ms)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("max_time_per_token_ms: ", options.max_time_per_token_ms,
                   " is out of range; expected a time in ms, 0 for no limit"));
}

// The setup at its context and its smallest batch.
Setup AtSmallestBatch(const Setup& setup) {
  Setup one = setup;
  one.scenario = WithContext(setup.scenario);
  one.scenario.set_batch(static_cast<double>(Replicas(setup.scenario)));
  return one;
}

// Validates the setup and returns the largest batch that fits.
absl::StatusOr<int32_t> LargestThatFits(const Setup& one,
                                        const BatchOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(const Report report, Analyze(one, kFiguresOnly));
  return report.max_batch();
}

void FillLatency(const TokenCosts& costs, int64_t replicas, double max_ms,
                 BatchLimits* limits) {
  const int32_t batch = LargestBatchWithin(costs, replicas, max_ms * 1e-3);
  limits->set_max_time_per_token_ms(max_ms);
  limits->set_latency_batch(batch);
  if (batch == 0) return;
  limits->set_latency_batch_energy_per_token_j(costs.EnergyAt(batch));
  const int32_t both = std::min(batch, limits->max_batch());
  limits->set_feasible_batch(both);
  if (both == 0) return;
  const TokenCost cost = costs.At(both);
  const double gain = limits->batch_1_energy_per_token_j() / cost.energy_j;
  limits->set_feasible_batch_energy_per_token_j(cost.energy_j);
  limits->set_gain_at_feasible_batch(gain);
  limits->set_gain_at_feasible_batch_orders_of_magnitude(std::log10(gain));
  limits->set_feasible_batch_kv_read_share(cost.kv_read_share);
}

void FillCapacityLimit(const TokenCosts& costs, BatchLimits* limits) {
  if (limits->max_batch() == 0) return;
  const TokenCost cost = costs.At(limits->max_batch());
  const double gain = limits->batch_1_energy_per_token_j() / cost.energy_j;
  limits->set_max_batch_energy_per_token_j(cost.energy_j);
  limits->set_gain_at_max_batch(gain);
  limits->set_gain_at_max_batch_orders_of_magnitude(std::log10(gain));
  limits->set_max_batch_kv_read_share(cost.kv_read_share);
  limits->set_max_batch_time_per_token_ms(cost.time_s * 1e3);
}

// Whether the setup can be run at each batch. If it can be run at two batches,
// it can be run at all batches in between, because a batch is only ever refused
// for being too small or too large.
absl::Status ValidateBatches(const Setup& given,
                             absl::Span<const double> batches) {
  if (batches.empty()) return absl::OkStatus();
  Setup setup = given;
  const auto ends = std::minmax_element(batches.begin(), batches.end());
  for (const double batch : {*ends.first, *ends.second}) {
    setup.scenario.set_batch(batch);
    RETURN_IF_ERROR(Validate(setup));
  }
  return absl::OkStatus();
}

// The batches of the whole system for a setup.
std::vector<double> BatchesFor(const Setup& setup,
                               absl::Span<const double> batches,
                               const BatchOptions& options) {
  const double replicas = static_cast<double>(Replicas(setup.scenario));
  std::vector<double> all(batches.begin(), batches.end());
  if (replicas == 1) return all;
  if (options.per_replica) {
    for (double& batch : all) batch *= replicas;
    return all;
  }
  std::vector<double> kept;
  std::vector<std::string> small, uneven;
  for (const double batch : all) {
    const std::string text = absl::StrFormat("%g", batch);
    if (batch < replicas) {
      small.push_back(text);
      continue;
    }
    kept.push_back(batch);
    if (std::fmod(batch, replicas) != 0) uneven.push_back(text);
  }
  if (kept.empty()) return all;
  if (!small.empty()) {
    GiveNotice(absl::StrFormat(
        "batch %s: left out, as it leaves some of the %g data-parallel replicas "
        "without a sequence",
        absl::StrJoin(small, ", "), replicas));
  }
  if (!uneven.empty()) {
    GiveNotice(absl::StrFormat(
        "batch %s: not a multiple of the %g data-parallel replicas; each of them "
        "is counted with the mean number of sequences",
        absl::StrJoin(uneven, ", "), replicas));
  }
  return kept;
}

absl::StatusOr<BatchSeries> StudySeries(const Setup& given,
                                        absl::Span<const double> wanted,
                                        const BatchOptions& options) {
  ASSIGN_OR_RETURN(BatchLimits limits, FindBatchLimits(given, options));
  const std::vector<double> batches = BatchesFor(given, wanted, options);
  RETURN_IF_ERROR(ValidateBatches(given, batches));
  ResolvedSetup setup(given);
  BatchSeries series;
  series.set_model(setup.model().name());
  series.set_hardware(setup.hardware().name());
  if (!setup.model().has_network()) {
    series.set_context(setup.scenario().context());
  }
  Analysis analysis(setup, options.ranges ? kWithRanges : kFiguresOnly);
  series.mutable_rows()->Reserve(static_cast<int>(batches.size()));
  for (const double batch : batches) {
    setup.set_batch(batch);
    ASSIGN_OR_RETURN(*series.add_rows(), analysis.Answer());
  }
  series.set_summary(Summarize(limits, setup));
  *series.mutable_limits() = std::move(limits);
  return series;
}

}  // namespace

absl::StatusOr<BatchLimits> FindBatchLimits(const Setup& setup,
                                            const BatchOptions& options) {
  const Setup one = AtSmallestBatch(setup);
  ASSIGN_OR_RETURN(const int32_t fits, LargestThatFits(one, options));

  const TokenCosts costs(one);
  const double smallest = one.scenario.batch();
  const double first = costs.EnergyAt(smallest);
  const double floor = costs.Floor(one.scenario.context());
  BatchLimits limits;
  limits.set_smallest_batch(smallest);
  limits.set_batch_1_energy_per_token_j(first);
  limits.set_floor_energy_per_token_j(floor);
  // A context of one token leaves a negligible cache of one token. Without a cache
  // another form of latent attention may be the cheaper one, which would be a
  // saving of the cache that it is not.
  Setup same_form = one;
  same_form.scenario.set_mla(costs.LatentForm());
  const double without_cache =
      same_form.scenario.mla() == one.scenario.mla()
          ? costs.Floor(1)
          : TokenCosts(same_form).Floor(1);
  limits.set_floor_kv_share(1 - without_cache / floor);
  limits.set_half_gain_batch(BatchReaching(costs, smallest, 2 * floor));
  limits.set_half_distance_batch(
      BatchReaching(costs, smallest, (first + floor) / 2));
  limits.set_gain(first / floor);
  limits.set_gain_orders_of_magnitude(std::log10(first / floor));
  limits.set_max_batch(fits);
  FillCapacityLimit(costs, &limits);
  if (options.max_time_per_token_ms > 0) {
    FillLatency(costs, Replicas(one.scenario), options.max_time_per_token_ms,
                &limits);
  }
  return limits;
}

absl::StatusOr<int32_t> LargestBatch(const Setup& setup,
                                     const BatchOptions& options) {
  const Setup one = AtSmallestBatch(setup);
  ASSIGN_OR_RETURN(const int32_t fits, LargestThatFits(one, options));
  if (options.max_time_per_token_ms == 0) return fits;
  return std::min(fits,
                  LargestBatchWithin(TokenCosts(one), Replicas(one.scenario),
                                     options.max_time_per_token_ms * 1e-3));
}

absl::StatusOr<BatchStudy> StudyBatch(absl::Span<const Setup> setups,
                                      absl::Span<const double> batches,
                                      const BatchOptions& options) {
  BatchStudy study;
  std::vector<std::string> faults;
  for (const Setup& setup : setups) {
    absl::StatusOr<BatchSeries> series = StudySeries(setup, batches, options);
    if (series.ok()) {
      study.mutable_rows()->MergeFrom(series->rows());
      *study.add_series() = *std::move(series);
      continue;
    }
    // The contexts of one model and machine mostly share their faults.
    std::string fault(series.status().message());
    if (setups.size() > 1) {
      fault = absl::StrFormat("%s on %s: %s", setup.model.name(),
                              setup.hardware.name(), fault);
    }
    if (!absl::c_linear_search(faults, fault)) faults.push_back(fault);
  }
  if (!faults.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }
  if (study.series_size() == 1) {
    *study.mutable_limits() = study.series(0).limits();
    study.set_summary(study.series(0).summary());
  }
  return study;
}

}  // namespace tokenjoule
