// The way of serving a model's traffic within limits that takes least energy or
// money: machine, format, parallelism, batch, and how many replicas.
//
// Model of load. Requests arrive at a rate R and are spread evenly over n equal
// replicas, so that each gets L = R / n. A replica at batch b completes X(b) =
// tokens per second / output requests per second, and by Little's law the
// sequences in flight are L times the time that each stays, output x time per token:
// in steady state X(b) = L. Where L is less than X of the smallest batch, the
// replica runs that batch for a part L / X of the time, its busy share, and idles
// for the rest, with its clocks down. n is the smallest number for which L is at
// most `max_busy_share` of X at the largest batch that meets the limits and fits.
// There is no queueing and no fluctuation: the mean batch stands for its
// distribution, and a request is admitted at once.

#ifndef ANALYZER_STUDY_PLAN_SERVING_H_
#define ANALYZER_STUDY_PLAN_SERVING_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "analyzer/evaluate/setup.h"
#include "proto/report.pb.h"

namespace tokenjoule {

struct PlanOptions {
  // Requests per second of all replicas, 1e-9 to 1e12.
  double requests_per_s = 1;
  // Limits, ms; 0: none.
  double max_time_per_token_ms = 0;
  double max_time_to_first_token_ms = 0;
  // Part of the throughput at the largest batch that a replica may be given, 0.001
  // to 1; the rest is room for fluctuations.
  double max_busy_share = 1;
  // Ranks by money per request instead of energy; every machine then needs a price.
  bool by_money = false;
  // Most chips of a replica, and degrees of parallelism that are fixed; others are
  // tried in powers of two.
  int max_chips = 8;
  absl::optional<int> tp, pp, ep;
  // Formats of weights to try; "own" is the scenario's, else the checkpoint's.
  // Empty: that, and unless the scenario has one, narrower ones that the machine
  // multiplies.
  std::vector<std::string> weights;
  // All ways instead of the best one of each machine.
  bool all_ways = false;
};

// A machine with its runtime.
struct PlanMachine {
  // Its name as it was asked for.
  std::string name;
  // The command line that analyses the setup, without formats of weights,
  // parallelism and batch.
  std::string command;
  // With prompt and output; or the reason why there is none, e.g. a field that the
  // machine does not have.
  absl::StatusOr<Setup> setup;
};

// Fails if options are out of range, if a setup has no prompt and output, is not a
// language model on one machine that holds everything, or has no price where money
// is asked for, and if no machine takes the scenario. Ways that cannot be run, do
// not fit or miss a limit are counted in the answer; if none is left, it has no rows
// and its summary says what came nearest.
absl::StatusOr<PlanStudy> PlanServing(absl::Span<const PlanMachine> machines,
                                      const PlanOptions& options);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_PLAN_SERVING_H_
