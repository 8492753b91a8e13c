// One scenario: model x machine x operating point -> report.

#ifndef ANALYZER_EVALUATE_ANALYZE_H_
#define ANALYZER_EVALUATE_ANALYZE_H_

#include "absl/status/statusor.h"
#include "analyzer/description/boundary.h"
#include "analyzer/evaluate/setup.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"
#include "proto/report.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// The scenario that is meant where nothing is said: one sequence on one chip,
// counted at the board, its context left open (WithContext).
Scenario DefaultScenario();

// The scenario with a context where it has none: with prompt and output lengths
// the mean in flight, prompt + output / 2; otherwise 2048 tokens.
Scenario WithContext(Scenario scenario);

struct AnalyzeOptions {
  // Whether to fill in Report.operators.
  bool operators = true;
  // Whether to fill in ranges (one kernel evaluation for each end of each
  // constant).
  bool ranges = true;
  // The model that drafts, where the scenario speculates with one.
  const Model* draft = nullptr;
};

// The answer to one scenario. Fails with every fault where the model cannot be
// run on the machine this way.
absl::StatusOr<Report> Analyze(const Model& model, const Hardware& hardware,
                               const Scenario& scenario,
                               const AnalyzeOptions& options = {});

// The same of a setup, whose draft model takes the place of that of `options`.
absl::StatusOr<Report> Analyze(const Setup& setup, AnalyzeOptions options = {});

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_ANALYZE_H_
