// Text tables for people: aligned columns, numbers with units.

#ifndef ANALYZER_REPORT_TABLE_H_
#define ANALYZER_REPORT_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// Rows of cells in aligned columns. A column whose cells all begin with a
// digit, a sign or a dot is right-aligned; other columns are left-aligned.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header);

  // Adds a row; missing cells are empty, extra cells are dropped.
  void AddRow(std::vector<std::string> row);

  // The table, with `indent` spaces before each line and two spaces between
  // columns.
  std::string ToString(int indent) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

// `value` with three significant digits and an SI prefix on `unit`:
// "6.52 ms", "16.1 GB", "0 J".
std::string WithUnit(double value, absl::string_view unit);

// "2.92 J to 4.10 J".
std::string Between(double low, double high, absl::string_view unit);

// A share between 0 and 1 as a percentage: "61.2 %".
// "24 to 31 %".
std::string PercentBetween(double low, double high);

std::string Percent(double share);

// A range of shares, e.g. "24 to 31 %".
std::string PercentBetween(double low, double high);

// Text in lines of at most 100 columns, later lines of a paragraph indented.
std::string Wrapped(absl::string_view text);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_TABLE_H_
