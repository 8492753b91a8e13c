// Quantiles of a sample.

#ifndef ANALYZER_BASE_QUANTILE_H_
#define ANALYZER_BASE_QUANTILE_H_

#include <vector>

namespace tokenjoule {

// How to evaluate a quantile that falls between two values of the sample.
enum class QuantileKind {
  // Linear interpolation between the neighbours: R-7 of Hyndman and Fan, Am.
  // Stat. 50 (1996), the default of R, NumPy and spreadsheets. Use it for
  // samples.
  kLinear,
  // The nearer neighbour, or the upper one at the midpoint, so that the result
  // is always a value of the sample. Use it for points of a grid, where a mean
  // of two points is not a point.
  kNearest,
};

// The value below which a fraction `share` (clamped to 0 ... 1) of the sample
// lies: the value at rank share x (n - 1) of the n values in ascending order,
// counted from 0. A share of 0 gives the smallest value, 0.5 the median and 1
// the largest. An empty sample gives 0. Values must not be NaN.
double Quantile(std::vector<double> values, double share,
                QuantileKind kind = QuantileKind::kLinear);

// The same for values already in ascending order.
double QuantileOfSorted(const std::vector<double>& sorted, double share,
                        QuantileKind kind = QuantileKind::kLinear);

}  // namespace tokenjoule

#endif  // ANALYZER_BASE_QUANTILE_H_
