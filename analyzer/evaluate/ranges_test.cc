#include "analyzer/evaluate/ranges.h"

#include <cmath>

#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

// The range of a number of 100 that two constants move by the factors given as
// logarithms, with correlated errors.
struct Ends {
  double below, above;
};
Spread Moved(Ends a, Ends b, double coefficient) {
  Spread spread;
  spread.value = 100;
  for (const Ends& ends : {a, b}) {
    spread.Add(100 * std::exp(-ends.below));
    spread.Add(100 * std::exp(ends.above));
  }
  spread.AddCorrelated(100 * std::exp(-a.below), 100 * std::exp(a.above),
                       100 * std::exp(-b.below), 100 * std::exp(b.above),
                       coefficient);
  return spread;
}

double Above(const Spread& spread) {
  return std::log(spread.high() / spread.value);
}
double Below(const Spread& spread) {
  return std::log(spread.value / spread.low());
}

TEST(SpreadTest, EqualConstantsAddInQuadratureLinearlyOrNotAtAll) {
  const Ends equal{0.1, 0.1};
  EXPECT_NEAR(Above(Moved(equal, equal, 0)), 0.1 * std::sqrt(2), 1e-12);
  EXPECT_NEAR(Above(Moved(equal, equal, 1)), 0.2, 1e-12);
  EXPECT_NEAR(Below(Moved(equal, equal, 1)), 0.2, 1e-12);
  EXPECT_NEAR(Above(Moved(equal, equal, -1)), 0, 1e-7);
  EXPECT_NEAR(Below(Moved(equal, equal, -1)), 0, 1e-7);
}

TEST(SpreadTest, CorrelationsNeverTakeASideOfARangeWhoseEndsAreAsymmetric) {
  // A constant near its upper bound, another near its lower bound.
  const Ends left{0.2, 0.01}, right{0.01, 0.2};
  for (const double coefficient : {-0.9, -0.5, 0.5, 0.9}) {
    for (const Ends& other : {left, right}) {
      const Spread apart = Moved(left, other, 0);
      const Spread spread = Moved(left, other, coefficient);
      EXPECT_GT(Above(spread), 0.2 * Above(apart)) << coefficient;
      // Both sides change by the same factor.
      EXPECT_NEAR(Above(spread) / Above(apart), Below(spread) / Below(apart),
                  1e-9);
      EXPECT_EQ(Above(spread) > Above(apart), coefficient > 0);
    }
  }
}

}  // namespace
}  // namespace tokenjoule
