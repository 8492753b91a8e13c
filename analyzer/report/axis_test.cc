#include "analyzer/report/axis.h"

#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;

AxisRange Over(const FigureAxis& axis, const std::vector<double>& values) {
  AxisRange range(axis);
  for (const double value : values) range.Include(value);
  return range;
}

std::vector<std::string> TextsOf(const DrawnAxis& axis) {
  std::vector<std::string> texts;
  for (const Tick& tick : axis.ticks) texts.push_back(tick.text);
  return texts;
}

TEST(AxisTest, UnitsHaveThePrefixOfTheData) {
  FigureAxis axis = {"energy per token", "J"};
  const DrawnAxis drawn = Draw(axis, Over(axis, {0.010, 0.074}), 8);
  EXPECT_EQ(drawn.title, "energy per token, mJ");
  EXPECT_EQ(drawn.scale, 1e-3);
  EXPECT_THAT(TextsOf(drawn),
              ElementsAre("10", "20", "30", "40", "50", "60", "70"));
  axis.unit = "FLOP/byte";
  axis.prefixed = false;
  EXPECT_EQ(Draw(axis, Over(axis, {2000, 3000}), 8).title,
            "energy per token, FLOP/byte");
  axis = {"batch"};
  EXPECT_EQ(Draw(axis, Over(axis, {1, 2}), 8).title, "batch");
}

TEST(AxisTest, LessThanADecadeHasTicks) {
  FigureAxis axis = {"energy per token", "J"};
  axis.logarithmic = true;
  EXPECT_THAT(TextsOf(Draw(axis, Over(axis, {2.1, 7.9}), 6)),
              ElementsAre("2", "3", "5", "7"));
  EXPECT_THAT(TextsOf(Draw(axis, Over(axis, {3.1, 3.9}), 8)),
              ElementsAre("3.2", "3.4", "3.6", "3.8"));
  EXPECT_THAT(TextsOf(Draw(axis, Over(axis, {0.01, 900}), 8)),
              ElementsAre("0.01", "0.1", "1", "10", "100", "1000"));
}

TEST(AxisTest, BatchesArePowersOfTwo) {
  FigureAxis axis = {"batch"};
  axis.logarithmic = axis.powers_of_two = true;
  EXPECT_THAT(TextsOf(Draw(axis, Over(axis, {1, 1024}), 8)),
              ElementsAre("1", "4", "16", "64", "256", "1024"));
}

TEST(AxisTest, CountsAreInThousandsAndMillions) {
  FigureAxis axis = {"tokens per second"};
  EXPECT_THAT(TextsOf(Draw(axis, Over(axis, {0, 4e5}), 6)),
              ElementsAre("0", "100k", "200k", "300k", "400k"));
  axis.logarithmic = true;
  EXPECT_THAT(TextsOf(Draw(axis, Over(axis, {1e3, 1e6}), 6)),
              ElementsAre("1000", "10k", "100k", "1M"));
}

TEST(AxisTest, BarsBeginAtZero) {
  FigureAxis axis = {"energy per token", "J"};
  axis.from_zero = true;
  EXPECT_EQ(Draw(axis, Over(axis, {2, 3}), 8).low, 0);
  EXPECT_EQ(Draw(axis, Over(axis, {-2, -1}), 8).high, 0);
}

// The range of a tornado chart that once made the chart abort: its step was
// smaller than the distance of neighbouring doubles.
TEST(AxisTest, RangesBelowAnUlpHaveDistinctTicks) {
  FigureAxis axis = {"energy per token", "J"};
  const double value = 3.2501;
  for (const double width : {0.0, 1e-17, 1e-16, 1e-12, 1e-8}) {
    const DrawnAxis drawn =
        Draw(axis, Over(axis, {value, value * (1 + width)}), 8);
    EXPECT_LT(drawn.low, value);
    EXPECT_GT(drawn.high, value * (1 + width));
    EXPECT_GE(drawn.ticks.size(), 2u);
  }
}

TEST(AxisTest, WhatCannotBeShownIsLeftOut) {
  FigureAxis axis = {"", "J"};
  axis.logarithmic = true;
  const AxisRange range =
      Over(axis, {0, -1, NAN, INFINITY, -INFINITY, 1e300, 1e-310, 5});
  EXPECT_EQ(range.low(), 5);
  EXPECT_EQ(range.high(), 5);
}

// The promises of Draw, on ranges of every size and sign.
TEST(AxisTest, EveryRangeHasTicksThatCanBeToldApart) {
  std::mt19937_64 random(18);
  const auto bernoulli = [&random](double chance) {
    return std::bernoulli_distribution(chance)(random);
  };
  const auto uniform = [&random](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  for (int i = 0; i < 20000; ++i) {
    FigureAxis axis = {"quantity", bernoulli(0.5) ? "J" : ""};
    axis.logarithmic = bernoulli(0.5);
    axis.from_zero = bernoulli(0.3);
    axis.powers_of_two = bernoulli(0.2);
    const double center =
        std::pow(10, uniform(-30.0, 30.0)) *
        (axis.logarithmic || bernoulli(0.7) ? 1 : -1);
    // From nothing over parts of an ulp to thirty decades.
    const double width = std::pow(10, uniform(-20.0, 1.5));
    std::vector<double> values = {center};
    values.push_back(axis.logarithmic ? center * std::pow(10, width)
                                      : center * (1 + width));
    if (bernoulli(0.05)) values = {center};
    if (bernoulli(0.02)) values = {};
    if (bernoulli(0.02)) values = {0, 0};
    const int most = static_cast<int>(uniform(2, 12));
    const AxisRange range = Over(axis, values);
    const DrawnAxis drawn = Draw(axis, range, most);
    SCOPED_TRACE(absl::StrCat(axis.logarithmic ? "log " : "linear ",
                              values.empty() ? 0 : values.front(), " to ",
                              values.empty() ? 0 : values.back(), ", ", most));
    ASSERT_TRUE(std::isfinite(drawn.low) && std::isfinite(drawn.high));
    ASSERT_LT(drawn.low, drawn.high);
    ASSERT_TRUE(drawn.low > 0 || !axis.logarithmic);
    if (!range.empty()) {
      ASSERT_LE(drawn.low, range.low());
      ASSERT_GE(drawn.high, range.high());
    }
    ASSERT_GE(drawn.ticks.size(), 1u);
    ASSERT_LE(static_cast<int>(drawn.ticks.size()), most);
    std::set<std::string> texts;
    for (size_t k = 0; k < drawn.ticks.size(); ++k) {
      const Tick& tick = drawn.ticks[k];
      ASSERT_TRUE(texts.insert(tick.text).second) << tick.text;
      ASSERT_TRUE(k == 0 || tick.value > drawn.ticks[k - 1].value);
      ASSERT_GE(drawn.At(tick.value), -1e-6);
      ASSERT_LE(drawn.At(tick.value), 1 + 1e-6);
    }
  }
}

TEST(AxisTest, ValuesBelowEveryPrefixAreInPowersOfTen) {
  FigureAxis axis;
  axis.quantity = "energy";
  axis.unit = "J";
  axis.prefixed = axis.from_zero = true;
  for (const double value : {1e-308, 1e-99, 1e-30, 2e-22}) {
    const DrawnAxis drawn = Draw(axis, Over(axis, {0, value}), 8);
    EXPECT_EQ(drawn.title, "energy, J") << value;
    for (const Tick& tick : drawn.ticks) {
      EXPECT_LE(tick.text.size(), 8u) << value << ": " << tick.text;
    }
  }
  EXPECT_EQ(Draw(axis, Over(axis, {0, 2e-20}), 8).title, "energy, aJ");
}

TEST(AxisTest, QuantitiesHaveThreeDigits) {
  EXPECT_EQ(Quantity(2e-25, "J"), "2e\xe2\x88\x92" "25 J");
  EXPECT_EQ(Quantity(2e-20, "J"), "0.02 aJ");
  EXPECT_EQ(Quantity(0.0712, "J"), "71.2 mJ");
  EXPECT_EQ(Quantity(3.25, "J"), "3.25 J");
  EXPECT_EQ(Quantity(-0.312, "J"), "\xe2\x88\x92" "312 mJ");
  EXPECT_EQ(Quantity(0, "J"), "0 J");
  EXPECT_EQ(Quantity(999.9, "W"), "1.00 kW");
  EXPECT_EQ(Quantity(384, ""), "384");
  EXPECT_EQ(Quantity(2500000, ""), "2.50M");
  EXPECT_EQ(Quantity(4e-6, "s"), "4.00 \xc2\xb5s");
}

}  // namespace
}  // namespace tokenjoule
