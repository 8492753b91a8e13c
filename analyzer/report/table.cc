#include "analyzer/report/table.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "analyzer/base/shell.h"
#include "analyzer/base/zero_sign.h"

namespace tokenjoule {
namespace {

// A dash alone stands for a number that there is not.
bool IsNumber(absl::string_view cell) {
  if (cell == "-") return true;
  if (absl::StartsWith(cell, "-") || absl::StartsWith(cell, "+")) {
    cell.remove_prefix(1);
  }
  return !cell.empty() && (absl::ascii_isdigit(cell[0]) || cell[0] == '.');
}

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// The length of the start of `word` that takes at most `width` columns, at least
// one character. It ends after a character at which a name can be cut, if there
// is one in its second half.
size_t CutOf(absl::string_view word, size_t width) {
  size_t end = 0;
  for (size_t columns = 0; end < word.size(); ++end) {
    if (IsContinuation(word[end])) continue;
    if (++columns > std::max<size_t>(width, 1)) break;
  }
  if (end == word.size()) return end;
  for (size_t at = end; at > end / 2; --at) {
    if (absl::StrContains("./_,-+:;=", word.substr(at - 1, 1))) return at;
  }
  return end;
}

// `text` in lines of at most `width` columns, the first of `first` columns,
// broken between words, or within a word that is wider than a line. At least one
// line.
std::vector<std::string> LinesOf(absl::string_view text, size_t first,
                                 size_t width) {
  if (TextWidth(text) <= first) return {std::string(text)};
  std::vector<std::string> lines = {""};
  const auto room = [&] { return lines.size() == 1 ? first : width; };
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const size_t used = TextWidth(lines.back());
    if (used > 0 && used + 1 + TextWidth(word) <= room()) {
      absl::StrAppend(&lines.back(), " ", word);
      continue;
    }
    if (used > 0) lines.emplace_back();
    while (TextWidth(word) > room()) {
      const size_t cut = CutOf(word, room());
      lines.back() = std::string(word.substr(0, cut));
      lines.emplace_back();
      word.remove_prefix(cut);
    }
    lines.back() = std::string(word);
  }
  return lines;
}

size_t LongestWord(absl::string_view text) {
  size_t longest = 0;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    longest = std::max(longest, TextWidth(word));
  }
  return longest;
}

// Widths below which text, names that are headings, and other names are not
// squeezed as long as columns can go below one another.
constexpr size_t kReadable = 24, kReadableHeading = 12, kReadableName = 48;

size_t Sum(const std::vector<size_t>& widths) {
  size_t sum = 0;
  for (const size_t width : widths) sum += width + 2;
  return widths.empty() ? 0 : sum - 2;
}

// Takes columns from the widest of `widths` that is above its `least` until they
// take `room` with the spaces between them. Returns whether they do.
bool Squeeze(const std::vector<size_t>& least, size_t room,
             std::vector<size_t>* widths) {
  while (Sum(*widths) > room) {
    size_t widest = widths->size();
    for (size_t c = 0; c < widths->size(); ++c) {
      if ((*widths)[c] <= least[c]) continue;
      if (widest == widths->size() || (*widths)[c] > (*widths)[widest]) {
        widest = c;
      }
    }
    if (widest == widths->size()) return false;
    --(*widths)[widest];
  }
  return true;
}

}  // namespace

size_t TextWidth(absl::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return !IsContinuation(c); });
}

TextTable::TextTable(std::vector<std::string> header, int keys)
    : header_(std::move(header)),
      keys_(std::min<size_t>(keys, header_.size())) {}

void TextTable::AddRow(std::vector<std::string> row) {
  row.resize(header_.size());
  rows_.push_back(std::move(row));
}

std::string TextTable::ToString(int indent) const {
  const size_t columns = header_.size();
  const size_t room = std::max(1, kTextColumns - indent);
  // The natural width of each column, and the least at which no word is cut.
  std::vector<size_t> widths(columns), least(columns), cells(columns);
  for (size_t c = 0; c < columns; ++c) {
    widths[c] = TextWidth(header_[c]);
    least[c] = LongestWord(header_[c]);
    for (const auto& row : rows_) {
      cells[c] = std::max(cells[c], TextWidth(row[c]));
      // A number stays with its unit.
      least[c] = std::max(least[c], IsNumber(row[c]) ? TextWidth(row[c])
                                                     : LongestWord(row[c]));
    }
    widths[c] = std::max(widths[c], cells[c]);
    least[c] = std::min(std::max(least[c], kReadable), widths[c]);
  }
  // Headings of numbers give way before text does.
  for (size_t c = 0; c < columns && Sum(widths) > room; ++c) {
    const size_t whole = std::max(LongestWord(header_[c]), cells[c]);
    while (widths[c] > whole && Sum(widths) > room) --widths[c];
    least[c] = std::min(least[c], widths[c]);
  }
  std::vector<size_t> all(columns);
  std::iota(all.begin(), all.end(), 0);
  std::vector<size_t> squeezed = widths;
  if (Squeeze(least, room, &squeezed)) return Lines(all, squeezed, indent);
  // Names that are headings are cut before those that are cells.
  for (size_t c = 0; c < columns; ++c) {
    least[c] = std::min(least[c], std::max(cells[c], kReadableHeading));
  }
  if (Squeeze(least, room, &squeezed)) return Lines(all, squeezed, indent);
  for (size_t& width : least) width = std::min(width, kReadableName);
  if (Squeeze(least, room, &squeezed)) return Lines(all, squeezed, indent);
  // In blocks of columns, each with the keys, as many as fit as they are; the
  // keys leave half of the room.
  std::vector<size_t> keys(all.begin(), all.begin() + keys_);
  std::vector<size_t> key_widths(widths.begin(), widths.begin() + keys_);
  Squeeze(std::vector<size_t>(keys_, 1), room / 2, &key_widths);
  std::string out;
  for (size_t next = keys_; next < columns || out.empty();) {
    std::vector<size_t> block = keys, block_widths = key_widths;
    do {
      if (next == columns) break;
      block.push_back(next);
      block_widths.push_back(widths[next]);
      ++next;
    } while (next < columns && Sum(block_widths) + 2 + widths[next] <= room);
    Squeeze(std::vector<size_t>(block.size(), 1), room, &block_widths);
    if (!out.empty()) out += "\n";
    absl::StrAppend(&out, Lines(block, block_widths, indent));
  }
  return out;
}

std::string TextTable::Lines(const std::vector<size_t>& columns,
                             const std::vector<size_t>& widths,
                             int indent) const {
  std::vector<bool> right(columns.size(), true);
  for (size_t i = 0; i < columns.size(); ++i) {
    for (const auto& row : rows_) {
      const std::string& cell = row[columns[i]];
      if (!cell.empty() && !IsNumber(cell)) right[i] = false;
    }
  }
  std::string out;
  const auto add = [&](const std::vector<std::string>& row, bool at_bottom) {
    std::vector<std::vector<std::string>> cells;
    size_t height = 1;
    for (size_t i = 0; i < columns.size(); ++i) {
      cells.push_back(LinesOf(row[columns[i]], widths[i], widths[i]));
      height = std::max(height, cells.back().size());
    }
    for (size_t l = 0; l < height; ++l) {
      std::string line(indent, ' ');
      for (size_t i = 0; i < columns.size(); ++i) {
        // Headings stand on their column.
        const size_t skip = at_bottom ? height - cells[i].size() : 0;
        const std::string cell =
            l >= skip && l - skip < cells[i].size() ? cells[i][l - skip] : "";
        const std::string padding(widths[i] - TextWidth(cell), ' ');
        if (i > 0) line += "  ";
        absl::StrAppend(&line, right[i] ? padding : "", cell,
                        right[i] ? "" : padding);
      }
      absl::StripTrailingAsciiWhitespace(&line);
      absl::StrAppend(&out, line, "\n");
    }
  };
  const bool has_header = std::any_of(header_.begin(), header_.end(),
                                      [](const auto& h) { return !h.empty(); });
  if (has_header) add(header_, /*at_bottom=*/true);
  for (const auto& row : rows_) add(row, /*at_bottom=*/false);
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
  return absl::StrFormat("%s %s%s",
                         WithoutSignOfZero(absl::StrFormat(
                             "%s%.*f", value < 0 ? "-" : "", decimals, scaled)),
                         kPrefixes[prefix], unit);
}

std::string Between(double low, double high, absl::string_view unit) {
  std::string from = WithUnit(low, unit);
  const std::string to = WithUnit(high, unit);
  const size_t from_unit = from.find(' '), to_unit = to.find(' ');
  if (from.substr(from_unit) == to.substr(to_unit) || low == 0) {
    from.resize(from_unit);
  }
  return absl::StrCat(from, " to ", to);
}

std::string Plain(double value, int digits) {
  return std::abs(value) < std::pow(10, digits - 1)
             ? WithoutSignOfZero(absl::StrFormat("%.*g", digits, value))
             : absl::StrFormat("%.0f", value);
}

std::string Signed(double value, int decimals) {
  return WithoutSignOfZero(absl::StrFormat("%+.*f", decimals, value));
}

std::string Percent(double share) {
  return WithoutSignOfZero(absl::StrFormat("%.1f %%", 100 * share));
}

std::string PercentBetween(double low, double high) {
  const auto whole = [](double share) {
    return WithoutSignOfZero(absl::StrFormat("%.0f", 100 * share));
  };
  return absl::StrCat(whole(low), " to ", whole(high), " %");
}

std::string Wrapped(absl::string_view text, int indent, int hanging) {
  std::string out;
  const int room = kTextColumns - indent;
  for (const absl::string_view paragraph : absl::StrSplit(text, '\n')) {
    int spaces = paragraph.empty() ? 0 : indent;
    for (const std::string& line : LinesOf(paragraph, room, room - hanging)) {
      absl::StrAppend(&out, std::string(spaces, ' '), line, "\n");
      spaces = indent + hanging;
    }
  }
  return out;
}

std::string WrappedCommand(absl::string_view command, int indent) {
  std::string out(indent, ' ');
  size_t column = indent;
  bool first = true;
  for (const std::string& word : ShellWords(command)) {
    // Room for a blank and a backslash.
    if (!first && column + 1 + TextWidth(word) + 2 > kTextColumns) {
      absl::StrAppend(&out, " \\\n", std::string(indent + 4, ' '), word);
      column = indent + 4 + TextWidth(word);
    } else {
      absl::StrAppend(&out, first ? "" : " ", word);
      column += (first ? 0 : 1) + TextWidth(word);
    }
    first = false;
  }
  return out + "\n";
}

}  // namespace tokenjoule
