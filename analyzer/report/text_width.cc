#include "analyzer/report/text_width.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "analyzer/base/utf8.h"

namespace tokenjoule {
namespace {

constexpr int kFirst = 32, kCharacters = 95;

// Advance widths of the printable ASCII characters in thousandths of the size, read
// from the tables hmtx and cmap of the fonts (DejaVu 2.37).
constexpr std::array<int16_t, kCharacters> kRegular = {
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318,
    337, 636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838,
    838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656,
    557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685,
    390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278,
    278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592,
    592, 525, 636, 337, 636, 838};
constexpr std::array<int16_t, kCharacters> kBold = {
    348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415,
    380, 365, 696, 696, 696, 696, 696, 696, 696, 696, 696, 696, 400, 400, 838,
    838, 838, 580, 1000, 774, 762, 734, 830, 683, 683, 821, 837, 372, 372,
    775, 637, 995, 837, 850, 733, 850, 770, 720, 682, 812, 774, 1103, 771,
    724, 725, 457, 365, 457, 838, 500, 500, 675, 716, 593, 716, 678, 435, 716,
    712, 343, 343, 665, 343, 1042, 712, 687, 716, 716, 493, 595, 478, 712,
    652, 924, 645, 652, 582, 712, 365, 712, 838};
// Of any other character: at least as wide as those of Latin and Greek scripts.
constexpr double kOther = 1.0;

// Whether a line may be broken after `c`.
bool EndsPart(char c) {
  return c == '.' || c == '_' || c == '-' || c == '/' || c == ',';
}

// The longest beginning of `word` that fits, at least one character; shorter if
// there is punctuation to break after.
absl::string_view Beginning(absl::string_view word, double width, double size,
                            bool bold) {
  size_t end = 0, part = 0;
  absl::string_view rest = word;
  while (!rest.empty()) {
    TakeCharacter(&rest);
    const size_t taken = word.size() - rest.size();
    if (end > 0 && TextWidth(word.substr(0, taken), size, bold) > width) break;
    end = taken;
    if (EndsPart(word[taken - 1])) part = taken;
  }
  return word.substr(0, part > 0 && end < word.size() ? part : end);
}

}  // namespace

double TextWidth(absl::string_view text, double size, bool bold) {
  const std::array<int16_t, kCharacters>& widths = bold ? kBold : kRegular;
  double width = 0;
  while (!text.empty()) {
    const uint32_t c = TakeCharacter(&text);
    width += c >= kFirst && c < kFirst + kCharacters
                 ? widths[c - kFirst] / 1000.0
                 : kOther;
  }
  return width * size;
}

std::vector<std::string> WrappedToWidth(absl::string_view text, double width,
                                        double size, bool bold) {
  std::vector<std::string> lines = {""};
  const auto fits = [&](const std::string& line) {
    return TextWidth(line, size, bold) <= width;
  };
  while (!text.empty()) {
    const size_t space = text.find(' ');
    absl::string_view word = text.substr(0, space);
    text.remove_prefix(space == absl::string_view::npos ? text.size()
                                                        : space + 1);
    if (word.empty()) continue;
    const std::string longer =
        lines.back().empty() ? std::string(word)
                             : lines.back() + " " + std::string(word);
    if (fits(longer)) {
      lines.back() = longer;
      continue;
    }
    while (!word.empty()) {
      const absl::string_view part = Beginning(word, width, size, bold);
      if (lines.back().empty()) {
        lines.back() = std::string(part);
      } else {
        lines.emplace_back(part);
      }
      word.remove_prefix(part.size());
    }
  }
  return lines;
}

}  // namespace tokenjoule
