// Ranges, ticks and units of the axes of charts.

#ifndef ANALYZER_REPORT_AXIS_H_
#define ANALYZER_REPORT_AXIS_H_

#include <limits>
#include <string>
#include <vector>

#include "analyzer/report/figure.h"

namespace tokenjoule {

// The range of the values of an axis.
class AxisRange {
 public:
  explicit AxisRange(const FigureAxis& axis) : logarithmic_(axis.logarithmic) {}

  // Whether the axis can show a value: a finite number, above 0 on a logarithmic
  // axis, and not so large or small that arithmetic with it fails.
  bool Shows(double value) const;
  // Widens the range to hold a value, if the axis can show it.
  void Include(double value);

  bool empty() const { return low_ > high_; }
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  bool logarithmic_;
  double low_ = std::numeric_limits<double>::infinity();
  double high_ = -std::numeric_limits<double>::infinity();
};

// Widens the ranges of the axes of a panel to hold its values: points that both axes
// can show, bars, and limits.
void IncludeValues(const Panel& panel, AxisRange* x_range, AxisRange* y_range);

// A value that is written beside an axis.
struct Tick {
  // In the unit of the axis without a prefix.
  double value;
  std::string text;
};

// An axis as it is drawn.
struct DrawnAxis {
  // Ends, in the unit without a prefix. low < high, and 0 < low if logarithmic.
  double low, high;
  bool logarithmic;
  // Ascending, at most as many as asked for but at least one. Texts differ.
  std::vector<Tick> ticks;
  // "energy per token, mJ".
  std::string title;
  // Value of the prefix: 1e-3 for "mJ". Values over it are what the ticks say.
  double scale;
  // Whether the range is so wide that each tick has a prefix and unit of its own,
  // "1 pJ", and the title has none.
  bool units_at_ticks = false;

  // Where a value lies: 0 at the low end, 1 at the high end.
  double At(double value) const;
};

// The axis over the values of `range`, slightly wider than these, with at most
// `most_ticks` (at least 2). An empty range, and one of a single value, are
// widened; so is one that is narrower than a thousandth of its values.
DrawnAxis Draw(const FigureAxis& axis, const AxisRange& range, int most_ticks);

// The prefix for `value`: its factor and symbol, from "a" (1e-18) to "E" (1e18).
struct SiPrefix {
  double factor;
  const char* symbol;
};
SiPrefix PrefixFor(double value);

// `value` with three significant digits: "71.2 mJ"; in powers of a thousand with
// k, M and G if it has no unit.
std::string Quantity(double value, const std::string& unit);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_AXIS_H_
