#include "analyzer/base/quantile.h"

#include <vector>

#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

constexpr QuantileKind kBoth[] = {QuantileKind::kLinear,
                                  QuantileKind::kNearest};

// Five values have ranks 0 to 4, so share s is at rank 4 s.
TEST(QuantileTest, LinearIsBetweenTheNeighbours) {
  const std::vector<double> values = {50, 10, 40, 20, 30};
  EXPECT_DOUBLE_EQ(Quantile(values, 0), 10);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.1), 14);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.25), 20);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.5), 30);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.9), 46);
  EXPECT_DOUBLE_EQ(Quantile(values, 1), 50);
}

TEST(QuantileTest, NearestIsAValueOfTheSample) {
  const std::vector<double> values = {50, 10, 40, 20, 30};
  const auto at = [&](double share) {
    return Quantile(values, share, QuantileKind::kNearest);
  };
  EXPECT_EQ(at(0), 10);
  EXPECT_EQ(at(0.1), 10);    // rank 0.4
  EXPECT_EQ(at(0.125), 20);  // rank 0.5: the upper one
  EXPECT_EQ(at(0.374), 20);  // rank 1.496
  EXPECT_EQ(at(0.5), 30);
  EXPECT_EQ(at(0.9), 50);  // rank 3.6
  EXPECT_EQ(at(1), 50);
}

TEST(QuantileTest, MedianOfAnEvenNumberIsTheMeanOfTheMiddleTwo) {
  EXPECT_DOUBLE_EQ(Quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_EQ(Quantile({4, 1, 3, 2}, 0.5, QuantileKind::kNearest), 3);
}

TEST(QuantileTest, OneValueIsEveryQuantileAndNoneIsZero) {
  for (const QuantileKind kind : kBoth) {
    for (const double share : {0.0, 0.3, 1.0}) {
      EXPECT_EQ(Quantile({-7.5}, share, kind), -7.5);
      EXPECT_EQ(Quantile({}, share, kind), 0);
    }
  }
}

TEST(QuantileTest, SharesOutsideOfTheSampleAreItsEnds) {
  for (const QuantileKind kind : kBoth) {
    EXPECT_EQ(Quantile({1, 2, 3}, -0.5, kind), 1);
    EXPECT_EQ(Quantile({1, 2, 3}, 7, kind), 3);
  }
}

TEST(QuantileTest, EqualValuesAndNegativeOnesAreInOrder) {
  EXPECT_DOUBLE_EQ(Quantile({2, -3, 2, 2, -3}, 0.5), 2);
  EXPECT_DOUBLE_EQ(Quantile({2, -3, 2, 2, -3}, 0.25), -3);
}

TEST(QuantileTest, RisesWithTheShareAndStaysInTheRange) {
  const std::vector<double> values = {3, 1, 4, 1, 5, 9, 2, 6};
  for (const QuantileKind kind : kBoth) {
    double last = 1;
    for (int i = 0; i <= 100; ++i) {
      const double at = Quantile(values, i / 100.0, kind);
      EXPECT_GE(at, last);
      EXPECT_LE(at, 9);
      last = at;
    }
  }
}

TEST(QuantileTest, SortedValuesNeedNoSorting) {
  const std::vector<double> sorted = {1, 2, 4, 8};
  for (const QuantileKind kind : kBoth) {
    for (const double share : {0.0, 0.1, 0.5, 0.77, 1.0}) {
      EXPECT_EQ(QuantileOfSorted(sorted, share, kind),
                Quantile({8, 4, 2, 1}, share, kind));
    }
  }
}

}  // namespace
}  // namespace tokenjoule
