// Quantiles of a sample.

#ifndef ANALYZER_BASE_QUANTILE_H_
#define ANALYZER_BASE_QUANTILE_H_

#include <vector>

namespace tokenjoule {

// What a quantile between two values of the sample is.
enum class QuantileKind {
  // Linear between the neighbours: R-7 of Hyndman and Fan, Am. Stat. 50 (1996),
  // the default of R, NumPy and spreadsheets. For samples.
  kLinear,
  // The nearer of the two, the upper one half-way: always a value of the
  // sample.
  // For points of a grid, of which a mean of two is none.
  kNearest,
};

// The value below which `share` (0 to 1, clamped to it) of the sample lies:
// that at rank share x (n - 1) of the n values in rising order, counted from 0.
// So 0 is the least, 0.5 the median and 1 the largest value. 0 of an empty
// sample. Values must not be NaN.
double Quantile(std::vector<double> values, double share,
                QuantileKind kind = QuantileKind::kLinear);

// The same of values that are in rising order already.
double QuantileOfSorted(const std::vector<double>& sorted, double share,
                        QuantileKind kind = QuantileKind::kLinear);

}  // namespace tokenjoule

#endif  // ANALYZER_BASE_QUANTILE_H_
