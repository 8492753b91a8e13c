// The clock of least energy per token: a core that waits for memory may run
// slower at a lower voltage. A power cap chooses such a clock by itself.

#ifndef ANALYZER_STUDY_TUNE_H_
#define ANALYZER_STUDY_TUNE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "analyzer/evaluate/setup.h"
#include "proto/report.pb.h"

namespace tokenjoule {

struct TuneOptions {
  // Batches to try; empty: the setup's own.
  std::vector<double> batches;
  // Limit on the time per token, ms; 0: none.
  double max_time_per_token_ms = 0;
};

// Evaluates the setup at clocks from the machine's lowest to its highest, in at
// most 200 steps of at least 15 MHz, and at each batch. The machine's power cap
// holds at every point. If the machine's node has a price_per_chip_hour, money is
// minimised instead of energy. Fails as Analyze does, and for a machine without a
// core_clock.
absl::StatusOr<TuneStudy> Tune(const Setup& setup, const TuneOptions& options);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_TUNE_H_
