// Answers as CSV: a header, then rows with the same columns (RFC 4180).
//
// Cells read back byte by byte. One that begins with "=", "+", "-" or "@" is not
// changed either, although a spreadsheet may take it for a formula: an apostrophe
// before it would be part of the name for every other program.

#ifndef ANALYZER_REPORT_CSV_H_
#define ANALYZER_REPORT_CSV_H_

#include <string>
#include <vector>

#include "google/protobuf/message.h"

namespace tokenjoule {

// A column name and its cell.
struct CsvCell {
  std::string column;
  std::string text;
};

// A number with the fewest digits that read back as the same number, as in the
// JSON.
std::string CsvNumber(double value);

// Appends every scalar field of a message, whatever it holds, so that every answer
// of a kind has the same columns. The fields of nested messages are prefixed with
// the name of the field that holds them. The cells of what an answer does not have
// are empty: optional fields that are not set, ends of ranges that were not
// computed, and zeros that stand for "none".
void AddScalars(const google::protobuf::Message& message,
                const std::string& prefix, std::vector<CsvCell>* cells);

// Whether an answer does not have a field, as AddScalars takes it.
bool IsAbsent(const google::protobuf::Message& message,
              const google::protobuf::FieldDescriptor* field);

// A table whose rows have the same columns.
class CsvWriter {
 public:
  // Adds a row, and the header before the first row.
  void AddRow(const std::vector<CsvCell>& cells);
  // The text written so far.
  const std::string& text() const { return out_; }

 private:
  std::string out_;
};

// One row per entry of a repeated message field.
template <typename Entries>
std::string EntriesCsv(const Entries& entries) {
  CsvWriter writer;
  for (const auto& entry : entries) {
    std::vector<CsvCell> cells;
    AddScalars(entry, "", &cells);
    writer.AddRow(cells);
  }
  return writer.text();
}

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_CSV_H_
