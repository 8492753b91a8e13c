// One scenario: model x machine x operating point -> report.

#ifndef ANALYZER_EVALUATE_ANALYZE_H_
#define ANALYZER_EVALUATE_ANALYZE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "analyzer/evaluate/ranges.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/machine/machine.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// Which parts of a report are filled in besides its figures.
struct AnalyzeOptions {
  // Report.operators.
  bool operators = false;
  // Ranges: every other constant of the machine at either end of its own.
  bool ranges = true;
  // Lists: energy by boundary, term and cause, time by bound, parts of the
  // model, notes; and Report.factorization.
  bool details = true;
};

// Everything.
inline constexpr AnalyzeOptions kWithOperators = {true, true, true};
// Figures and details, with their ranges.
inline constexpr AnalyzeOptions kWithRanges = {false, true, true};
// The same without ranges.
inline constexpr AnalyzeOptions kWithDetails = {false, false, true};
// The figures alone, each at the middle of its range.
inline constexpr AnalyzeOptions kFiguresOnly = {false, false, false};

// Whether a setup can be run: fails with every fault where the model cannot be
// run on the machine this way.
absl::Status Validate(const Setup& setup);

// Answers for one setup at several batches and contexts: the machine and those
// at the ends of its ranges are built once.
class Analysis {
 public:
  // `setup` is valid and must outlive this; its batch and context may change
  // between answers.
  Analysis(const ResolvedSetup& setup, const AnalyzeOptions& options);

  // The answer. Fails where counts are too large for a double.
  absl::StatusOr<Report> Answer();

 private:
  const ResolvedSetup& setup_;
  const AnalyzeOptions options_;
  const Machine<> machine_;
  // The scenario as reports have it, but for batch and context.
  Scenario described_;
  absl::optional<Ranges> ranges_;
  // Used again from answer to answer.
  Ledger<> not_grown_;
  Evaluation<> evaluation_;
};

// The answer to one scenario. Fails as Validate and Analysis::Answer do.
absl::StatusOr<Report> Analyze(const Setup& setup,
                               const AnalyzeOptions& options = kWithRanges);

// The same of a model, a machine and a scenario that drafts with no model of
// its own.
absl::StatusOr<Report> Analyze(const Model& model, const Hardware& hardware,
                               const Scenario& scenario,
                               const AnalyzeOptions& options = kWithOperators);

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_ANALYZE_H_
