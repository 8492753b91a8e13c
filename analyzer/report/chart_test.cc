#include "analyzer/report/chart.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ChartTest, LinesRunFromCornerToCorner) {
  Chart chart;
  chart.lines.push_back({"line", "red", {{1, 1}, {10, 100}}});
  chart.x.logarithmic = chart.y.logarithmic = true;
  // The plot is 80 to 620 pixels wide and 460 down to 48 high.
  EXPECT_THAT(ToSvg(chart), HasSubstr("M80.0 460.0L620.0 48.0"));
}

TEST(ChartTest, TextIsEscaped) {
  Chart chart;
  chart.title = "a < b & \"c\"";
  EXPECT_THAT(ToSvg(chart), HasSubstr("a &lt; b &amp; &quot;c&quot;"));
}

TEST(ChartTest, WhatAnAxisCannotShowIsLeftOut) {
  Chart chart;
  chart.x.logarithmic = chart.y.logarithmic = true;
  chart.lines.push_back(
      {"line",
       "red",
       {{0, 1}, {1, -1}, {1, NAN}, {1, INFINITY}, {1, 1}, {2, 2}}});
  const std::string svg = ToSvg(chart);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(ChartTest, AnEmptyChartIsADocument) {
  EXPECT_THAT(ToSvg(Chart()), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace tokenjoule
