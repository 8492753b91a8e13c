// Batch study: how far batching goes at one context.

#ifndef ANALYZER_STUDY_BATCH_H_
#define ANALYZER_STUDY_BATCH_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "analyzer/evaluate/setup.h"
#include "proto/report.pb.h"

namespace tokenjoule {

struct BatchOptions {
  // Upper limit on the time per token of a sequence, ms: step time divided by
  // the tokens that a sequence gains per step. 0: no limit.
  double max_time_per_token_ms = 0;
  // Whether batches are those of one replica, so that they start at one sequence on
  // each.
  bool per_replica = false;
  // Whether rows include ranges and the causes of their energy. Without them a
  // row is computed an order of magnitude faster.
  bool ranges = true;
};

// Returns, for each setup, one row per batch, then the limits and their summary
// in words. The batch that a scenario gives is ignored. Batches that leave some of
// the replicas of a setup without a sequence are left out with a notice, unless all
// of them do. Fails with every fault of every setup at once.
absl::StatusOr<BatchStudy> StudyBatch(absl::Span<const Setup> setups,
                                      absl::Span<const double> batches,
                                      const BatchOptions& options = {});

// The limits of one setup alone.
absl::StatusOr<BatchLimits> FindBatchLimits(const Setup& setup,
                                            const BatchOptions& options = {});

// The largest batch of the whole system that fits and meets the time limit; 0
// if none does. Fails as FindBatchLimits does.
absl::StatusOr<int32_t> LargestBatch(const Setup& setup,
                                     const BatchOptions& options = {});

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_BATCH_H_
