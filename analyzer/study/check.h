// An answer held to budgets and to a baseline, for continuous integration.

#ifndef ANALYZER_STUDY_CHECK_H_
#define ANALYZER_STUDY_CHECK_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/report.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// Tolerance of a figure for which Expectations names none.
inline constexpr double kDefaultTolerance = 0.01;

// What a baseline keeps of an answer: what was asked, the figures that are
// checked and the products that explain them, rounded to 9 digits so that the
// last bits of a compiler do not show.
Report BaselineOf(const Report& report);

// The baseline in a file's text. `file` is its name for messages. Fails with
// file:line:column where it cannot be read or misses a figure.
absl::StatusOr<Report> ParseBaseline(absl::string_view text,
                                     absl::string_view file);

// The file's text.
std::string BaselineText(const Report& baseline);

// Holds an answer to what is expected. With `baseline` nullptr only budgets
// count. Fails where the baseline was made for another model, machine or
// scenario, and where nothing is expected at all: what cannot fail is no check.
absl::StatusOr<CheckResult> Check(const Report& report,
                                  const Expectations& expect,
                                  const Report* baseline);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_CHECK_H_
