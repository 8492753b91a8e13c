#include "analyzer/report/table.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace tokenjoule {
namespace {

bool IsNumber(absl::string_view cell) {
  return !cell.empty() && (absl::ascii_isdigit(cell[0]) || cell[0] == '-' ||
                           cell[0] == '+' || cell[0] == '.');
}

// The width of a cell as displayed: continuation bytes of UTF-8 have none.
size_t Width(absl::string_view cell) {
  return std::count_if(cell.begin(), cell.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
}

}  // namespace

TextTable::TextTable(std::vector<std::string> header)
    : header_(std::move(header)) {}

void TextTable::AddRow(std::vector<std::string> row) {
  row.resize(header_.size());
  rows_.push_back(std::move(row));
}

std::string TextTable::ToString(int indent) const {
  const size_t columns = header_.size();
  std::vector<size_t> widths(columns);
  std::vector<bool> right(columns, true);
  for (size_t c = 0; c < columns; ++c) {
    widths[c] = Width(header_[c]);
    for (const auto& row : rows_) {
      widths[c] = std::max(widths[c], Width(row[c]));
      if (!row[c].empty() && !IsNumber(row[c])) right[c] = false;
    }
  }
  std::string out;
  const auto add = [&](const std::vector<std::string>& row) {
    std::string line(indent, ' ');
    for (size_t c = 0; c < columns; ++c) {
      const std::string padding(widths[c] - Width(row[c]), ' ');
      if (c > 0) line += "  ";
      absl::StrAppend(&line, right[c] ? padding : "", row[c],
                      right[c] ? "" : padding);
    }
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&out, line, "\n");
  };
  const bool has_header = std::any_of(header_.begin(), header_.end(),
                                      [](const auto& h) { return !h.empty(); });
  if (has_header) add(header_);
  for (const auto& row : rows_) add(row);
  return out;
}

std::string WithUnit(double value, absl::string_view unit) {
  if (value == 0) return absl::StrCat("0 ", unit);
  if (!std::isfinite(value)) return absl::StrFormat("%g %s", value, unit);
  static constexpr const char* kPrefixes[] = {"a", "f", "p", "n", "u", "m", "",
                                              "k", "M", "G", "T", "P", "E"};
  constexpr int kUnity = 6, kLast = 12;
  int prefix = kUnity;
  double scaled = std::abs(value);
  while (scaled >= 999.5 && prefix < kLast) {
    scaled /= 1000;
    ++prefix;
  }
  while (scaled < 0.9995 && prefix > 0) {
    scaled *= 1000;
    --prefix;
  }
  const int decimals = scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  return absl::StrFormat("%s%.*f %s%s", value < 0 ? "-" : "", decimals, scaled,
                         kPrefixes[prefix], unit);
}

std::string Between(double low, double high, absl::string_view unit) {
  return absl::StrCat(WithUnit(low, unit), " to ", WithUnit(high, unit));
}

std::string Percent(double share) {
  return absl::StrFormat("%.1f %%", 100 * share);
}

std::string PercentBetween(double low, double high) {
  return absl::StrFormat("%.0f to %.0f %%", 100 * low, 100 * high);
}

std::string Wrapped(absl::string_view text) {
  constexpr size_t kColumns = 100;
  std::string out;
  for (const absl::string_view paragraph : absl::StrSplit(text, '\n')) {
    size_t column = 0;
    for (const absl::string_view word : absl::StrSplit(paragraph, ' ')) {
      if (column > 0 && column + 1 + word.size() > kColumns) {
        absl::StrAppend(&out, "\n    ");
        column = 4;
      } else if (column > 0) {
        absl::StrAppend(&out, " ");
        ++column;
      }
      absl::StrAppend(&out, word);
      column += word.size();
    }
    absl::StrAppend(&out, "\n");
  }
  return out;
}

}  // namespace tokenjoule
