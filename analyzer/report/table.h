// Text tables for people: aligned columns, numbers with units.

#ifndef ANALYZER_REPORT_TABLE_H_
#define ANALYZER_REPORT_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// Columns that text for people may take.
constexpr int kTextColumns = 100;

// Rows of cells in aligned columns. A column whose cells all begin with a
// digit, a sign or a dot is right-aligned; other columns are left-aligned.
class TextTable {
 public:
  // The first `keys` columns name a row.
  explicit TextTable(std::vector<std::string> header, int keys = 1);

  // Adds a row; missing cells are empty, extra cells are dropped.
  void AddRow(std::vector<std::string> row);

  // Whether there is no row.
  bool empty() const { return rows_.empty(); }

  // The table, with `indent` spaces before each line and two spaces between
  // columns, in at most kTextColumns. A table that is wider as it stands is made
  // narrower by these means, each only as far as it is needed: headings and
  // words of text go on in further lines of their cell; the columns that do not
  // fit follow below the others, with the keys repeated; and words that are too
  // long for that are cut, after a dot, a slash or the like if they have one.
  std::string ToString(int indent) const;

 private:
  // The lines of some columns, with these widths.
  std::string Lines(const std::vector<size_t>& columns,
                    const std::vector<size_t>& widths, int indent) const;

  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
  size_t keys_;
};

// `value` with three significant digits and an SI prefix on `unit`:
// "6.52 ms", "16.1 GB", "0 J".
std::string WithUnit(double value, absl::string_view unit);

// "2.92 to 4.10 J", "910 mJ to 1.38 J".
std::string Between(double low, double high, absl::string_view unit);

// A number with so many digits, or with all of its whole ones and no exponent if it
// is large: "43.76", "19450".
std::string Plain(double value, int digits = 4);

// A change with so many decimals and its sign: "+1.50", "-0.03"; "0.00" without one
// if that is what it rounds to.
std::string Signed(double value, int decimals);

// A share between 0 and 1 as a percentage: "61.2 %".
std::string Percent(double share);

// A range of shares, e.g. "24 to 31 %".
std::string PercentBetween(double low, double high);

// The number of columns that `text` takes on a screen.
size_t TextWidth(absl::string_view text);

// Each paragraph of `text` in lines of at most kTextColumns, with `indent` spaces
// before its first line and `indent` + `hanging` before further ones. Ends in a
// newline.
std::string Wrapped(absl::string_view text, int indent = 0, int hanging = 4);

// A command line in lines of at most kTextColumns that a shell reads as one, with
// `indent` spaces before the first. Words are not cut.
std::string WrappedCommand(absl::string_view command, int indent);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_TABLE_H_
