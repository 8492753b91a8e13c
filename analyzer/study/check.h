// Checks an answer against budgets and a baseline, for continuous integration.

#ifndef ANALYZER_STUDY_CHECK_H_
#define ANALYZER_STUDY_CHECK_H_

#include <string>
#include <vector>

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

// What a baseline was made for that the answer is not of: "batch: 32 -> 64".
// Empty if both are of the same model, machine and scenario.
std::vector<std::string> BaselineDifferences(const Report& report,
                                             const Report& baseline);

// Checks an answer against the expectations. If `baseline` is null, only
// budgets count. A baseline that was made for another model, machine or
// scenario is compared all the same, and the check does not pass: its first
// figure is the number of differences. Fails if there are no expectations at
// all, because such a check could never fail.
absl::StatusOr<CheckResult> Check(const Report& report,
                                  const Expectations& expect,
                                  const Report* baseline);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_CHECK_H_
