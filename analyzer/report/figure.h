// The description of a chart, from which an SVG document is drawn (chart.h) and a
// Vega-Lite specification is written (vega.h).
//
// Every value is in the unit of its axis without a prefix: joules, seconds, watts.
// The writers choose ranges, ticks and SI prefixes from the data.

#ifndef ANALYZER_REPORT_FIGURE_H_
#define ANALYZER_REPORT_FIGURE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"

namespace tokenjoule {

// An axis. Its title is "quantity, unit", with the prefix that suits the data.
struct FigureAxis {
  // In plain words: "energy per token".
  std::string quantity;
  // "J", "s", "FLOP/s"; empty for counts and ratios.
  std::string unit{};
  bool logarithmic = false;
  // Whether a linear axis begins at 0.
  bool from_zero = false;
  // Whether the unit takes SI prefixes; "%" and "FLOP/byte" do not.
  bool prefixed = true;
  // Whether the ticks of a logarithmic axis are powers of two.
  bool powers_of_two = false;
};

enum class Dash { kSolid, kDashed, kDotted, kDashDot };
enum class Shape { kCircle, kSquare, kDiamond, kTriangle, kCross };

// How the i-th of several series is drawn. No two of the first 35 are equal: after
// the seventh, colours come again with another dash and shape.
struct SeriesStyle {
  std::string color;
  Dash dash = Dash::kSolid;
  Shape shape = Shape::kCircle;
};
SeriesStyle StyleOf(int series);

// Values of y over x.
struct Line {
  // Written at its end; empty: nothing.
  std::string name;
  // Any SVG colour.
  std::string color;
  std::vector<std::pair<double, double>> points{};
  Dash dash = Dash::kSolid;
  // Whether it is pale: what is not possible, or stays in the background.
  bool faint = false;
};

// The area between two values of y over x.
struct FigureBand {
  struct Point {
    double x, low, high;
  };
  std::string color;
  std::vector<Point> points;
};

// A point.
struct Mark {
  double x, y;
  std::string color;
  // Shown when a pointer rests on the point.
  std::string label{};
  // Written beside the point where it covers no other text or point; empty:
  // nothing. A text for which there is no place is left out; it is still in the
  // label.
  std::string text{};
  // The name of the series in the key above the plot; empty: not in the key.
  std::string series{};
  Shape shape = Shape::kCircle;
  // Whether only the outline is drawn.
  bool hollow = false;
  // Whether it stays in the background.
  bool faint = false;
  // Radius, pixels of a chart that is 960 wide.
  double radius = 4.5;
};

// A value that something may not exceed or fall below, as a line across the plot.
struct FigureLimit {
  // Whether it is a value of x; otherwise of y.
  bool of_x = true;
  double value = 0;
  std::string text;
  std::string color = "#444";
  Dash dash = Dash::kDashed;
};

// A row of horizontal bars. A panel that has rows has no bands, lines or marks, and
// its y axis is the labels of the rows.
struct Row {
  struct Segment {
    double from, to;
    std::string color;
    // See Mark::series and Mark::label.
    std::string series{};
    std::string label{};
  };
  std::string label;
  // Side by side or one over the other, as their values are.
  std::vector<Segment> segments{};
  // A range as a thin line across the bar, low and high.
  absl::optional<std::pair<double, double>> range{};
  // Written to the right of the bar.
  std::string text{};
  // Whether it is a total among parts: its label is bold.
  bool strong = false;
};

// One plot.
struct Panel {
  std::string title{};
  FigureAxis x, y;
  std::vector<FigureBand> bands{};
  std::vector<Line> lines{};
  std::vector<Mark> marks{};
  std::vector<FigureLimit> limits{};
  std::vector<Row> rows{};
  // Width relative to the other panels.
  double width = 1;
};

// Panels side by side under a title.
struct Figure {
  // Model, machine and what is shown.
  std::string title;
  // Chips, runtime, formats, boundary: what all panels have in common.
  std::vector<std::string> subtitle{};
  std::vector<Panel> panels{};
  // How to read it, below the panels.
  std::string note{};
  // Whether all panels have the axes of the first, over the values of all.
  bool same_axes = false;
};

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_FIGURE_H_
