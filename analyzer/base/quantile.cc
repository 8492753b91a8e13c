#include "analyzer/base/quantile.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace tokenjoule {

double QuantileOfSorted(const std::vector<double>& sorted, double share,
                        QuantileKind kind) {
  if (sorted.empty()) return 0;
  const size_t last = sorted.size() - 1;
  const double rank = std::clamp(share, 0.0, 1.0) * last;
  if (kind == QuantileKind::kNearest) return sorted[std::llround(rank)];
  const size_t below = static_cast<size_t>(rank);
  const size_t above = std::min(below + 1, last);
  return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
}

double Quantile(std::vector<double> values, double share, QuantileKind kind) {
  std::sort(values.begin(), values.end());
  return QuantileOfSorted(values, share, kind);
}

}  // namespace tokenjoule
