// Batch study: how far batching goes at one context.

#ifndef ANALYZER_STUDY_BATCH_H_
#define ANALYZER_STUDY_BATCH_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"
#include "proto/report.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// One row for each batch, then the limits and their summary in words. The
// scenario's own batch is ignored; `draft` is the model that drafts, or
// nullptr.
absl::StatusOr<BatchStudy> StudyBatch(const Model& model,
                                      const Hardware& hardware,
                                      const Scenario& scenario,
                                      absl::Span<const double> batches,
                                      const Model* draft = nullptr);

// The limits alone.
absl::StatusOr<BatchLimits> FindBatchLimits(const Model& model,
                                            const Hardware& hardware,
                                            const Scenario& scenario,
                                            const Model* draft = nullptr);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_BATCH_H_
