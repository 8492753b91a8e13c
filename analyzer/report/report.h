// Answers as text. Every format is made from the same message, so that a figure
// cannot differ between the table and the JSON.

#ifndef ANALYZER_REPORT_REPORT_H_
#define ANALYZER_REPORT_REPORT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "proto/measurement.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// How an answer is written.
enum class OutputFormat { kTable, kJson, kCsv, kSvg, kSqlite };

// JSON with the message's own field names, every field present.
std::string ToJson(const google::protobuf::Message& message);

// Reads what ToJson wrote. Fails with what is wrong.
absl::Status FromJson(absl::string_view text,
                      google::protobuf::Message* message);

// One scenario for people; the operators where `operators` is set.
std::string ReportTable(const Report& report, bool operators);
// One header and one row; terms and boundaries become columns.
std::string ReportCsv(const Report& report);

// A batch study: a row a batch, then the limits in words and figures. Of many
// series a line each with its limits; their rows and the limits in words where
// `rows` is set.
std::string BatchTable(const BatchStudy& study, bool rows = false);
// One header and a row a batch.
std::string BatchCsv(const BatchStudy& study);
// The chart: J/token against batch, a line a series, its floor dashed, the
// batch that fits marked.
std::string BatchSvg(const BatchStudy& study);

// Tricks: each alone, then one on top of another, then what each assumes.
std::string TricksTable(const TrickStudy& study);
// One header and a row a trick alone, then a row a step of the stack; `list`
// tells them apart.
std::string TricksCsv(const TrickStudy& study);
// The chart: J/token falling with each trick that is taken.
std::string TricksSvg(const TrickStudy& study);

// Analog against digital: a row for each number of bits, the published chips,
// what can be concluded.
std::string DotProductTable(const DotProductStudy& study);
std::string DotProductCsv(const DotProductStudy& study);
// The chart: bands, medians, thermal limit, silicon.
std::string DotProductSvg(const DotProductStudy& study);

// Errors by group and over all; the rows; a scatter of predicted against
// measured energy.
std::string ValidationTable(const Validation& validation);
std::string ValidationCsv(const Validation& validation);
std::string ValidationSvg(const Validation& validation);

// A fit: constants, errors, what cannot be told apart.
std::string CalibrationTable(const Calibration& calibration);
std::string CalibrationCsv(const Calibration& calibration);

// Two scenarios: the change by term and cause, of the step time, and why.
std::string ComparisonTable(const Comparison& comparison);
// A row for each term and cause.
std::string ComparisonCsv(const Comparison& comparison);

// A verdict: the figures, the terms that moved.
std::string CheckTable(const CheckResult& result);
std::string CheckCsv(const CheckResult& result);
// The same as GitHub-flavoured Markdown, for a pull request's comment.
std::string CheckMarkdown(const CheckResult& result);
// The same as JUnit XML, one test case a figure.
std::string CheckJunit(const CheckResult& result);

// What is left where something is free: components alone and in pairs, terms.
std::string CeilingTable(const CeilingStudy& study);
std::string CeilingCsv(const CeilingStudy& study);

// Elasticities, largest first; percentiles where they were asked for.
std::string SensitivityTable(const SensitivityStudy& study);
std::string SensitivityCsv(const SensitivityStudy& study);
// A tornado chart of energy per token over the ranges.
std::string SensitivitySvg(const SensitivityStudy& study);

// A search: counts, then the front with the values of the axes.
std::string SweepTable(const SweepStudy& study);
// A row for each point of the front.
std::string SweepCsv(const SweepStudy& study);
// The front over its first two objectives.
std::string SweepSvg(const SweepStudy& study);

std::string ListingTable(const Listing& listing);
std::string ListingCsv(const Listing& listing);

std::string ExplanationTable(const Explanation& explanation);
std::string ExplanationCsv(const Explanation& explanation);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_REPORT_H_
