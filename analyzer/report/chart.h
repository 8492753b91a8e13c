// Charts as SVG: lines, bands and labelled points on linear or logarithmic
// axes. Static and self-contained, the same bytes for the same data: fit for a
// document under version control. (Vega and Chart.js need a browser or Node to
// draw.)

#ifndef ANALYZER_REPORT_CHART_H_
#define ANALYZER_REPORT_CHART_H_

#include <string>
#include <utility>
#include <vector>

namespace tokenjoule {

// An axis. Its range is that of the data.
struct ChartAxis {
  std::string title;
  bool logarithmic = false;
};

// Values of y over x; `color` is any SVG colour. A line without a name is not
// in the legend.
struct ChartLine {
  std::string name;
  std::string color;
  std::vector<std::pair<double, double>> points;
  bool dashed = false;
};

// The area between two values of y over x.
struct ChartBand {
  struct Point {
    double x, low, high;
  };
  std::string color;
  std::vector<Point> points;
};

// A point with a label.
struct ChartMark {
  double x, y;
  std::string color;
  std::string label;
};

struct Chart {
  std::string title;
  ChartAxis x, y;
  std::vector<ChartBand> bands;
  std::vector<ChartLine> lines;
  std::vector<ChartMark> marks;
};

// Horizontal bars around a base value, one below the other: a tornado chart.
struct BarChart {
  struct Bar {
    std::string label;
    // Where the bar ends to either side.
    double at_low, at_high;
  };
  std::string title;
  // Title of the value axis.
  std::string axis;
  double base;
  std::vector<Bar> bars;
};

// `text` fit for the content and the attributes of SVG and other XML.
std::string EscapedXml(const std::string& text);

// The bars as an SVG document: the end at the low value in one colour, that at
// the high value in another.
std::string ToSvg(const BarChart& chart);

// Colour of the i-th of several lines, which repeat: colours that stay apart in
// print and for most colour-blind eyes (Okabe and Ito, 2008).
const char* ChartColor(int i);

// The chart as an SVG document. Values that an axis cannot show (zero or less
// on a logarithmic one, NaN, infinity) are left out.
std::string ToSvg(const Chart& chart);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_CHART_H_
