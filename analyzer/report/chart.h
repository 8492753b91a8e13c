// Figures as SVG documents: static, self-contained, and the same bytes for the same
// figure, so that they can be kept in documents under version control.

#ifndef ANALYZER_REPORT_CHART_H_
#define ANALYZER_REPORT_CHART_H_

#include <string>

#include "analyzer/report/figure.h"

namespace tokenjoule {

// The figure as an SVG document, 960 wide and at least 540 high (a slide), higher if
// its rows or labels need it.
//
// Lines have their names at their ends, where labels are moved apart; series of marks
// and bars are in a key above the plot, as are the lines of several panels with the
// same axes. No text is cut: long titles, labels and names are wrapped. Values that
// an axis cannot show (zero or less on a logarithmic axis, NaN, infinity) are left
// out.
std::string ToSvg(const Figure& figure);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_CHART_H_
