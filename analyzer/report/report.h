// Answers as text. Every format is made from the same message, so that a figure
// cannot differ between the table and the JSON.

#ifndef ANALYZER_REPORT_REPORT_H_
#define ANALYZER_REPORT_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "proto/measurement.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// How an answer is written.
enum class OutputFormat { kTable, kJson, kCsv, kSvg, kSqlite };

// What --format calls it.
std::string FormatName(OutputFormat format);

// JSON with the message's own field names, every field present.
std::string ToJson(const google::protobuf::Message& message);

// Reads what ToJson wrote. Fails with what is wrong.
absl::Status FromJson(absl::string_view text,
                      google::protobuf::Message* message);

// What a table shows besides what it always does.
struct TableOptions {
  // What is left out for its length: the step by operator of a scenario, the
  // rows of each of several series of batches.
  bool in_full = false;
};

// What can write an answer; null where nothing can. JSON needs no writer: it is
// protobuf's own. Tables are for people, CSV has a header and rows of the same
// columns.
template <typename Answer>
struct Writers {
  std::string (*table)(const Answer&, const TableOptions&) = nullptr;
  std::string (*csv)(const Answer&) = nullptr;
  // A chart.
  std::string (*svg)(const Answer&) = nullptr;
  // The bytes of a database's file, or why there are none.
  absl::StatusOr<std::string> (*sqlite)(const Answer&) = nullptr;
  // GitHub-flavoured Markdown, for a pull request's comment.
  std::string (*markdown)(const Answer&) = nullptr;
  // JUnit XML, for continuous integration.
  std::string (*junit)(const Answer&) = nullptr;
};

// The writers of an answer. One row for each answer; it is defined beside its
// writers, in answers/. What --format takes follows from it.
template <typename Answer>
Writers<Answer> WritersOf() = delete;

template <>
Writers<BatchStudy> WritersOf();
template <>
Writers<Calibration> WritersOf();
template <>
Writers<CeilingStudy> WritersOf();
template <>
Writers<CheckResult> WritersOf();
template <>
Writers<Comparison> WritersOf();
template <>
Writers<DotProductStudy> WritersOf();
template <>
Writers<Explanation> WritersOf();
template <>
Writers<Listing> WritersOf();
template <>
Writers<Report> WritersOf();
template <>
Writers<SensitivityStudy> WritersOf();
template <>
Writers<SweepStudy> WritersOf();
template <>
Writers<TrickStudy> WritersOf();
template <>
Writers<Validation> WritersOf();

// The formats that an answer has, in the order in which help lists them.
template <typename Answer>
std::vector<OutputFormat> FormatsOf() {
  const Writers<Answer> writers = WritersOf<Answer>();
  std::vector<OutputFormat> formats;
  if (writers.table != nullptr) formats.push_back(OutputFormat::kTable);
  formats.push_back(OutputFormat::kJson);
  if (writers.csv != nullptr) formats.push_back(OutputFormat::kCsv);
  if (writers.svg != nullptr) formats.push_back(OutputFormat::kSvg);
  if (writers.sqlite != nullptr) formats.push_back(OutputFormat::kSqlite);
  return formats;
}

// An answer in one of its formats. Fails where its writer does.
template <typename Answer>
absl::StatusOr<std::string> Written(const Answer& answer, OutputFormat format,
                                    const TableOptions& options = {}) {
  const Writers<Answer> writers = WritersOf<Answer>();
  switch (format) {
    case OutputFormat::kTable:
      return writers.table(answer, options);
    case OutputFormat::kCsv:
      return writers.csv(answer);
    case OutputFormat::kSvg:
      return writers.svg(answer);
    case OutputFormat::kSqlite:
      return writers.sqlite(answer);
    case OutputFormat::kJson:
      break;
  }
  return ToJson(answer);
}

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_REPORT_H_
