// Widths of text in charts, so that no text is cut or covers another.

#ifndef ANALYZER_REPORT_TEXT_WIDTH_H_
#define ANALYZER_REPORT_TEXT_WIDTH_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// Width of `text` in DejaVu Sans at `size`, in the unit of `size`. That font is
// wider than Helvetica, Arial and most fonts that a viewer may use instead.
double TextWidth(absl::string_view text, double size, bool bold = false);

// `text` in lines that are at most `width` wide, broken at spaces and, where a word
// alone is wider, after punctuation or anywhere. At least one line.
std::vector<std::string> WrappedToWidth(absl::string_view text, double width,
                                        double size, bool bold = false);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_TEXT_WIDTH_H_
