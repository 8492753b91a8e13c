// Answers as text. All formats are made from the same message, so that a figure
// cannot differ between the table and the JSON.

#ifndef ANALYZER_REPORT_REPORT_H_
#define ANALYZER_REPORT_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/report/chart.h"
#include "analyzer/report/figure.h"
#include "analyzer/report/texts.h"
#include "analyzer/report/vega.h"
#include "google/protobuf/message.h"
#include "proto/measurement.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// How an answer is written.
enum class OutputFormat {
  kTable,
  kJson,
  kCsv,
  kSvg,
  // A Vega-Lite specification of the same chart.
  kVega,
  kSqlite,
  // A page with answers in it, which tools/serve writes: it needs more answers
  // than one.
  kHtml,
};

// The name of a format as --format takes it.
std::string FormatName(OutputFormat format);

// JSON with the message's own field names, every field present. The first
// member of the object is "tokenjoule_version", the version that wrote it. Bytes
// of texts that are not UTF-8, which JSON cannot hold, become U+FFFD.
std::string ToJson(const google::protobuf::Message& message);

// Reads the output of ToJson, and sets `*version`, if it is not null, to the
// version that wrote it; empty if the text does not say. Fails with a
// description of the fault, which also names a version that is newer than this
// one.
absl::Status FromJson(absl::string_view text,
                      google::protobuf::Message* message,
                      std::string* version = nullptr);

// Optional parts of a table.
struct TableOptions {
  // Whether to include the parts that are left out by default because they are
  // long: the operators of a step, and the rows of each series of batches if
  // there are several.
  bool in_full = false;
};

// The functions that write an answer, one per format; null if the answer does
// not have that format. JSON needs no writer, because protobuf has one. Tables
// are for people; CSV has a header and rows with the same columns.
template <typename Answer>
struct Writers {
  std::string (*table)(const Answer&, const TableOptions&) = nullptr;
  std::string (*csv)(const Answer&) = nullptr;
  // A chart, as an SVG document and as a Vega-Lite specification.
  Figure (*figure)(const Answer&) = nullptr;
  // The bytes of a database file, or the reason why there are none.
  absl::StatusOr<std::string> (*sqlite)(const Answer&) = nullptr;
  // GitHub-flavoured Markdown, for a pull request's comment.
  std::string (*markdown)(const Answer&) = nullptr;
  // JUnit XML, for continuous integration.
  std::string (*junit)(const Answer&) = nullptr;
};

// The writers of an answer, defined beside the writers themselves in answers/.
// The values that --format takes follow from them.
template <typename Answer>
Writers<Answer> WritersOf() = delete;

template <>
Writers<AnalogDepthStudy> WritersOf();
template <>
Writers<BatchStudy> WritersOf();
template <>
Writers<BreakEvenStudy> WritersOf();
template <>
Writers<Calibration> WritersOf();
template <>
Writers<JointCalibration> WritersOf();
template <>
Writers<CeilingStudy> WritersOf();
template <>
Writers<CheckResult> WritersOf();
template <>
Writers<Comparison> WritersOf();
template <>
Writers<DisaggregationStudy> WritersOf();
template <>
Writers<DotProductStudy> WritersOf();
template <>
Writers<Explanation> WritersOf();
template <>
Writers<Listing> WritersOf();
template <>
Writers<MachinesStudy> WritersOf();
template <>
Writers<PlanStudy> WritersOf();
template <>
Writers<Report> WritersOf();
template <>
Writers<SensitivityStudy> WritersOf();
template <>
Writers<SweepStudy> WritersOf();
template <>
Writers<TrickStudy> WritersOf();
template <>
Writers<TuneStudy> WritersOf();
template <>
Writers<Validation> WritersOf();

// The formats that an answer has, in the order of the help text.
template <typename Answer>
std::vector<OutputFormat> FormatsOf() {
  const Writers<Answer> writers = WritersOf<Answer>();
  std::vector<OutputFormat> formats;
  if (writers.table != nullptr) formats.push_back(OutputFormat::kTable);
  formats.push_back(OutputFormat::kJson);
  if (writers.csv != nullptr) formats.push_back(OutputFormat::kCsv);
  if (writers.figure != nullptr) {
    formats.push_back(OutputFormat::kSvg);
    formats.push_back(OutputFormat::kVega);
  }
  if (writers.sqlite != nullptr) formats.push_back(OutputFormat::kSqlite);
  return formats;
}

// An answer in one of its formats. Fails if its writer fails.
template <typename Answer>
absl::StatusOr<std::string> Written(const Answer& answer, OutputFormat format,
                                    const TableOptions& options = {}) {
  const Writers<Answer> writers = WritersOf<Answer>();
  switch (format) {
    case OutputFormat::kTable:
      return WithEscapedTexts(kTableTexts, answer, [&](const Answer& escaped) {
        return writers.table(escaped, options);
      });
    case OutputFormat::kCsv:
      return writers.csv(answer);
    case OutputFormat::kSvg:
      return ToSvg(writers.figure(answer));
    case OutputFormat::kVega:
      return ToVega(writers.figure(answer));
    case OutputFormat::kSqlite:
      return writers.sqlite(answer);
    case OutputFormat::kHtml:
      return absl::InternalError("one answer alone is no page");
    case OutputFormat::kJson:
      break;
  }
  return ToJson(answer);
}

// The answer as Markdown, which it must have.
template <typename Answer>
std::string WrittenMarkdown(const Answer& answer) {
  return WithEscapedTexts(kMarkdownTexts, answer,
                          WritersOf<Answer>().markdown);
}

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_REPORT_H_
