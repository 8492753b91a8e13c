// Charts as SVG: lines, bands and labelled points on linear or logarithmic
// axes. They are static and self-contained, and the same data give the same
// bytes, so that they can be kept in documents under version control. (Vega and
// Chart.js need a browser or Node to draw.)

#ifndef ANALYZER_REPORT_CHART_H_
#define ANALYZER_REPORT_CHART_H_

#include <string>
#include <utility>
#include <vector>

namespace tokenjoule {

// An axis. Its range follows from the data.
struct ChartAxis {
  std::string title;
  bool logarithmic = false;
};

// Values of y over x; `color` is any SVG colour. A line without a name does not
// appear in the legend.
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
  // Shown when a pointer rests on the point.
  std::string label;
  // Written beside the point, where it hides no other text or point; empty:
  // nothing.
  std::string text{};
  // Whether only the outline is drawn.
  bool hollow = false;
};

struct Chart {
  std::string title;
  ChartAxis x, y;
  std::vector<ChartBand> bands;
  std::vector<ChartLine> lines;
  std::vector<ChartMark> marks;
};

// A tornado chart: horizontal bars around a base value, one below the other.
struct BarChart {
  struct Bar {
    std::string label;
    // The two ends of the bar.
    double at_low, at_high;
  };
  std::string title;
  // Title of the value axis.
  std::string axis;
  double base;
  std::vector<Bar> bars;
};

// Escapes `text` for use as content or attribute in SVG and other XML.
std::string EscapedXml(const std::string& text);

// The bars as an SVG document. The part of a bar for the low value has one
// colour, the part for the high value another.
std::string ToSvg(const BarChart& chart);

// Colour of the i-th line of a chart; colours repeat after the last. They can
// be told apart in print and with most forms of colour blindness (Okabe and
// Ito, 2008).
const char* ChartColor(int i);

// The chart as an SVG document. Values that an axis cannot show (zero or less
// on a logarithmic axis, NaN, infinity) are left out.
std::string ToSvg(const Chart& chart);

// Charts side by side as one SVG document, on the same axes: those of the first
// chart, over the values of all. Each has its own title; the lines of the first
// are the legend of all, followed by `note`.
std::string ToSvg(const std::string& title, const std::string& note,
                  const std::vector<Chart>& charts);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_CHART_H_
