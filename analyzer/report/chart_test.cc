#include "analyzer/report/chart.h"

#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
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
  EXPECT_THAT(ToSvg("title", "note", {}), HasSubstr("</svg>"));
  EXPECT_THAT(ToSvg("title", "note", {Chart(), Chart()}), HasSubstr("</svg>"));
}

TEST(ChartTest, ChartsSideBySideHaveTheSameAxes) {
  Chart small, large;
  small.title = "small";
  small.lines.push_back({"line", "red", {{1, 1}, {2, 2}}});
  large.title = "large";
  large.lines.push_back({"line", "red", {{1, 1}, {11, 101}}});
  const std::string svg = ToSvg("title", "note", {small, large});
  // 320 pixels wide each, from 80 and 424; 460 down to 84 high. 2 is a tenth of
  // the way from 1 to 11, and a hundredth from 1 to 101.
  EXPECT_THAT(svg, HasSubstr("M80.0 460.0L112.0 456.2"));
  EXPECT_THAT(svg, HasSubstr("M424.0 460.0L744.0 84.0"));
  EXPECT_THAT(svg, HasSubstr("small"));
  EXPECT_THAT(svg, HasSubstr("large"));
}

// Left ends and baselines of the texts of that size, in pixels.
std::vector<std::pair<double, double>> SmallTexts(const std::string& svg) {
  std::vector<std::pair<double, double>> places;
  for (const absl::string_view line : absl::StrSplit(svg, '\n')) {
    double x = 0, y = 0;
    if (!absl::StrContains(line, "paint-order")) continue;
    if (std::sscanf(std::string(line).c_str(), "<text x=\"%lf\" y=\"%lf\"", &x,
                    &y) == 2) {
      places.emplace_back(x, y);
    }
  }
  return places;
}

TEST(ChartTest, TextsOfMarksDoNotOverlap) {
  Chart chart;
  chart.y.logarithmic = true;
  chart.lines.push_back({"", "red", {{0, 1}, {10, 1000}}});
  // Ten marks nearly on top of one another.
  for (int i = 0; i < 10; ++i) {
    chart.marks.push_back(
        {5, 30 + i * 0.1, "blue", "label", "a text beside it"});
  }
  const auto places = SmallTexts(ToSvg(chart));
  ASSERT_EQ(places.size(), 10u);
  for (size_t i = 0; i < places.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      // On the other side of the marks, or a line apart.
      EXPECT_TRUE(std::abs(places[i].first - places[j].first) > 10 ||
                  std::abs(places[i].second - places[j].second) >= 11.9)
          << i << " " << j;
    }
  }
  // Without a text nothing is written.
  for (ChartMark& mark : chart.marks) mark.text.clear();
  EXPECT_TRUE(SmallTexts(ToSvg(chart)).empty());
}

}  // namespace
}  // namespace tokenjoule
