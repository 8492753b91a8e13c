// Checks an answer against budgets and a baseline, for continuous integration.

#ifndef ANALYZER_STUDY_CHECK_H_
#define ANALYZER_STUDY_CHECK_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/report.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// Tolerance of a figure for which Expectations gives none.
inline constexpr double kDefaultTolerance = 0.01;

// The part of an answer that a baseline keeps: the question, the figures that
// are checked and the products that explain them, rounded to 9 digits so that
// differences between compilers do not show.
Report BaselineOf(const Report& report);

// Parses a baseline from the text of a file. Messages call the file `file`.
// Fails with file:line:column if the text cannot be parsed or lacks a figure.
absl::StatusOr<Report> ParseBaseline(absl::string_view text,
                                     absl::string_view file);

// The text of the file that holds a baseline.
std::string BaselineText(const Report& baseline);

// Checks an answer against the expectations. If `baseline` is null, only
// budgets count. A baseline that was made for another model, machine or scenario is
// compared all the same, but does not pass: `comparison.differences` says in what
// they differ. Fails if the two cannot be compared (boundaries, work), and if there
// are no expectations at all, because such a check could never fail.
absl::StatusOr<CheckResult> Check(const Report& report,
                                  const Expectations& expect,
                                  const Report* baseline);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_CHECK_H_
