#include "analyzer/ledger/routing.h"

#include <algorithm>

namespace tokenjoule {
namespace {

// Standard normal distribution function.
double NormalCdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

// Its inverse, by bisection; accurate enough for a constant.
double NormalQuantile(double p) {
  double low = -10, high = 10;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (NormalCdf(middle) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

std::vector<double> PowerLawChances(int experts, int per_token,
                                    double exponent) {
  std::vector<double> weights(experts);
  for (int i = 0; i < experts; ++i) weights[i] = std::pow(i + 1, -exponent);
  // The most popular experts are visited with certainty if their share of k
  // exceeds one; the rest of k is divided among the others.
  std::vector<double> chances(experts, 1.0);
  double left = per_token;
  for (int certain = 0; certain < experts; ++certain) {
    double rest = 0;
    for (int i = certain; i < experts; ++i) rest += weights[i];
    if (left * weights[certain] <= rest) {
      for (int i = certain; i < experts; ++i) {
        chances[i] = std::max(0.0, left * weights[i] / rest);
      }
      return chances;
    }
    left -= 1;
  }
  return chances;
}

double ExpectedNormalMaximum(int n) {
  if (n <= 1) return 0;
  return NormalQuantile((n - 0.375) / (n + 0.25));
}

}  // namespace tokenjoule
