// Figures as Vega-Lite specifications, for documents and notebooks that draw them
// and for people who want another look.

#ifndef ANALYZER_REPORT_VEGA_H_
#define ANALYZER_REPORT_VEGA_H_

#include <string>

#include "analyzer/report/figure.h"

namespace tokenjoule {

// The figure as a Vega-Lite 5 specification in JSON, with its data inlined, in the
// units that the axes state. Lines and series are named in legends instead of at
// their ends. Values that an axis cannot show are left out, as in the SVG.
std::string ToVega(const Figure& figure);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_VEGA_H_
