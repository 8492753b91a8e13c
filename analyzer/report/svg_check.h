// What the SVG documents of charts contain and what is wrong with them, for tests.

#ifndef ANALYZER_REPORT_SVG_CHECK_H_
#define ANALYZER_REPORT_SVG_CHECK_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// A text element and the box that it covers.
struct SvgText {
  std::string content;
  double left, right, top, bottom;
};
std::vector<SvgText> TextsOf(absl::string_view svg);

// The numbers of the n-th path, from 0, that is stroked with a colour.
std::vector<double> PathOf(absl::string_view svg, absl::string_view color,
                           int n = 0);

// Faults: XML that is not well-formed, characters that XML forbids, numbers that are
// not finite, texts that leave the viewBox, and texts that overlap.
std::vector<std::string> FaultsOfSvg(absl::string_view svg);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_SVG_CHECK_H_
