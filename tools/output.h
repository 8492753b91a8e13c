// Where answers go: --format, --out and files beside it.

#ifndef TOOLS_OUTPUT_H_
#define TOOLS_OUTPUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/report/report.h"
#include "tools/flags.h"

namespace tokenjoule {

// --format, with svg where the answer has a chart and sqlite where it can be a
// database, and --out.
std::vector<FlagSpec> OutputFlags(bool has_chart = false,
                                  bool has_database = false);

// Which of table, json, csv and, where the answer has them, svg and sqlite
// --format asks for. Fails on any other, and on sqlite without --out.
absl::StatusOr<OutputFormat> ReadOutputFormat(const ParsedFlags& flags,
                                              bool has_chart = false,
                                              bool has_database = false);

// Writes `text` to --out or to stdout. Returns an exit code.
int WriteOutput(const ParsedFlags& flags, const std::string& text);

// Writes `text` to the file that flag `flag` names, whole or not at all (a
// temporary, then rename). Returns an exit code.
int WriteFile(absl::string_view flag, const std::string& path,
              const std::string& text);

// Writes a database to --out, or says why there is none. Returns an exit code.
int WriteDatabase(const ParsedFlags& flags,
                  const absl::StatusOr<std::string>& bytes);

// Writes an answer in `format` by one of its writers; `csv`, `svg` and `sqlite`
// are not called for other formats, and `svg` and `sqlite` are there where
// ReadOutputFormat was told of a chart and a database. Returns an exit code.
template <typename Answer, typename TableWriter>
int WriteAnswer(
    const ParsedFlags& flags, OutputFormat format, const Answer& answer,
    const TableWriter& table, std::string (*csv)(const Answer&),
    std::string (*svg)(const Answer&) = nullptr,
    absl::StatusOr<std::string> (*sqlite)(const Answer&) = nullptr) {
  switch (format) {
    case OutputFormat::kJson:
      return WriteOutput(flags, ToJson(answer));
    case OutputFormat::kCsv:
      return WriteOutput(flags, csv(answer));
    case OutputFormat::kSvg:
      return WriteOutput(flags, svg(answer));
    case OutputFormat::kSqlite:
      return WriteDatabase(flags, sqlite(answer));
    case OutputFormat::kTable:
      break;
  }
  return WriteOutput(flags, table(answer));
}

}  // namespace tokenjoule

#endif  // TOOLS_OUTPUT_H_
