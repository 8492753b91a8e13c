#include "analyzer/report/chart.h"

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/report/figure.h"
#include "analyzer/report/svg_check.h"
#include "analyzer/report/vega.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

Figure Alone(Panel panel) {
  Figure figure;
  figure.title = "title";
  figure.panels = {std::move(panel)};
  return figure;
}

// Texts of the drawing, by their content.
std::vector<SvgText> TextsWith(const std::string& svg, const std::string& what) {
  std::vector<SvgText> found;
  for (const SvgText& text : TextsOf(svg)) {
    if (text.content.find(what) != std::string::npos) found.push_back(text);
  }
  return found;
}

TEST(ChartTest, TheCheckFindsWhatIsWrong) {
  const std::string open =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 100 100\">";
  EXPECT_THAT(FaultsOfSvg(open + "</svg>"), IsEmpty());
  const std::string text = "<text x=\"10\" y=\"50\" font-size=\"10\">word</text>";
  EXPECT_THAT(FaultsOfSvg(open + text + "</svg>"), IsEmpty());
  for (const std::string& bad :
       {open + text + text + "</svg>", open + text, open + "<a></b></svg>",
        open + "<a x=1/></svg>", open + "a & b</svg>", open + "\x01</svg>",
        open + "\xff</svg>", open + "nan</svg>",
        open + "<text x=\"80\" y=\"50\" font-size=\"10\">word</text></svg>"}) {
    EXPECT_THAT(FaultsOfSvg(bad), Not(IsEmpty())) << bad;
  }
}

TEST(ChartTest, AnEmptyFigureIsADocument) {
  for (const Figure& figure : {Figure(), Alone(Panel())}) {
    EXPECT_THAT(FaultsOfSvg(ToSvg(figure)), IsEmpty());
  }
  Figure two;
  two.panels = {Panel(), Panel()};
  two.same_axes = true;
  EXPECT_THAT(FaultsOfSvg(ToSvg(two)), IsEmpty());
}

TEST(ChartTest, LinesLieWhereTheirValuesAre) {
  Panel panel;
  panel.x.logarithmic = panel.y.logarithmic = true;
  panel.lines.push_back({"", "red", {{1, 1}, {10, 10}, {100, 100}}});
  const std::vector<double> path = PathOf(ToSvg(Alone(panel)), "red");
  ASSERT_EQ(path.size(), 6u);
  // The middle of the decades lies in the middle; y grows upwards.
  EXPECT_NEAR(path[2], (path[0] + path[4]) / 2, 0.11);
  EXPECT_NEAR(path[3], (path[1] + path[5]) / 2, 0.11);
  EXPECT_LT(path[0], path[4]);
  EXPECT_GT(path[1], path[5]);
}

TEST(ChartTest, WhatAnAxisCannotShowIsLeftOut) {
  Panel panel;
  panel.x.logarithmic = panel.y.logarithmic = true;
  panel.lines.push_back({"line",
                         "red",
                         {{0, 1}, {1, -1}, {1, kNone}, {1, INFINITY}, {1, 1},
                          {2, 2}}});
  panel.bands.push_back({"red", {{1, 0, 2}, {2, 1, kNone}}});
  panel.marks.push_back({kNone, 1, "red"});
  panel.limits.push_back({true, kNone, "no limit"});
  const std::string svg = ToSvg(Alone(panel));
  EXPECT_THAT(FaultsOfSvg(svg), IsEmpty());
  EXPECT_EQ(PathOf(svg, "red").size(), 4u);
  EXPECT_THAT(svg, Not(HasSubstr("no limit")));
  EXPECT_THAT(ToVega(Alone(panel)), Not(HasSubstr("null}")));
}

TEST(ChartTest, HostileTextsAreText) {
  Panel panel;
  const std::string hostile =
      std::string("</text><script>alert(1)</script>\"'&\x01\xff") + '\0' + "]]>";
  panel.title = panel.x.quantity = panel.y.quantity = hostile;
  panel.lines.push_back({hostile, "#000\"/><script>", {{1, 1}, {2, 2}}});
  Mark mark{1.5, 1.5, "red"};
  mark.label = mark.text = mark.series = hostile;
  panel.marks.push_back(mark);
  panel.limits.push_back({true, 1, hostile});
  Figure figure = Alone(panel);
  figure.title = figure.note = hostile;
  figure.subtitle = {hostile};
  const std::string svg = ToSvg(figure);
  EXPECT_THAT(FaultsOfSvg(svg), IsEmpty());
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_TRUE(nlohmann::json::accept(ToVega(figure)));
}

TEST(ChartTest, LongTextsAreWrappedAndNeverCut) {
  const std::string name =
      "a name that is far too long for the margin beside the plot and has to be "
      "wrapped into several lines";
  Panel panel;
  for (int i = 0; i < 12; ++i) {
    panel.lines.push_back({absl::StrCat(i, " ", name), StyleOf(i).color,
                           {{1, 5.0}, {2, 5.0 + 0.01 * i}}});
  }
  Figure figure = Alone(panel);
  figure.title = name + ", " + name;
  figure.subtitle = {name + ", " + name};
  figure.note = name + ", " + name + ", " + name;
  const std::string svg = ToSvg(figure);
  EXPECT_THAT(FaultsOfSvg(svg), IsEmpty());
  // All of it is there.
  std::string all;
  for (const SvgText& text : TextsOf(svg)) absl::StrAppend(&all, text.content);
  int names = 0;
  for (size_t at = 0; (at = all.find("margin", at)) != std::string::npos; ++at) {
    ++names;
  }
  EXPECT_EQ(names, 12 + 2 + 2 + 3);
}

TEST(ChartTest, NamesAtTheEndsOfLinesAreInTheOrderOfTheLines) {
  Panel panel;
  for (int i = 0; i < 7; ++i) {
    panel.lines.push_back({absl::StrCat("line ", i), StyleOf(i).color,
                           {{0, 0}, {1, 1 + 1e-4 * i}}});
  }
  const std::vector<SvgText> names = TextsWith(ToSvg(Alone(panel)), "line ");
  ASSERT_EQ(names.size(), 7u);
  // From above.
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(names[i].content, absl::StrCat("line ", 6 - i));
  }
}

TEST(ChartTest, TextsOfMarksDoNotOverlap) {
  for (const int count : {1, 3, 10, 40}) {
    Panel panel;
    panel.y.logarithmic = true;
    panel.lines.push_back({"", "red", {{0, 1}, {10, 1000}}});
    for (int i = 0; i < count; ++i) {
      Mark mark{count > 20 ? 5 + 0.05 * i : 5, 30 + i * 0.1, "blue"};
      mark.text = absl::StrCat("text ", i, " beside it");
      panel.marks.push_back(mark);
    }
    const std::string svg = ToSvg(Alone(panel));
    EXPECT_THAT(FaultsOfSvg(svg), IsEmpty());
    if (count <= 10) {
      EXPECT_EQ(TextsWith(svg, "beside it").size(), static_cast<size_t>(count));
    }
  }
}

TEST(ChartTest, LimitsAreLinesWithTexts) {
  Panel panel;
  panel.lines.push_back({"", "red", {{0, 0}, {10, 10}}});
  // Near one another and at both edges.
  for (const double x : {0.0, 0.1, 5.0, 5.05, 5.1, 9.9, 10.0}) {
    panel.limits.push_back({true, x, absl::StrCat("a limit at ", x)});
  }
  panel.limits.push_back({false, 5, "a limit of y"});
  panel.limits.push_back({false, 5.01, "another"});
  const std::string svg = ToSvg(Alone(panel));
  EXPECT_THAT(FaultsOfSvg(svg), IsEmpty());
  EXPECT_EQ(TextsWith(svg, "a limit").size(), 8u);
}

TEST(ChartTest, RowsOfEverySizeFit) {
  for (const bool logarithmic : {false, true}) {
    for (const int count : {0, 1, 12, 60}) {
      Panel panel;
      panel.x = {"energy", "J"};
      panel.x.logarithmic = logarithmic;
      panel.x.from_zero = true;
      for (int i = 0; i < count; ++i) {
        Row row;
        row.label = absl::StrCat(
            "hardware.memory.hbm.technology.very_long_name_of_a_constant_", i);
        row.segments = {{0, 1.0 + i, "blue", "less", "label"},
                        {1.0 + i, 2.0 + i, "red", "more", "label"}};
        row.range = {1.5, 3.0 + i};
        row.text = "a text behind the bar, 12.3 mJ";
        row.strong = i % 2 == 0;
        panel.rows.push_back(row);
      }
      panel.limits.push_back({true, 2, "now"});
      EXPECT_THAT(FaultsOfSvg(ToSvg(Alone(panel))), IsEmpty()) << count;
    }
  }
}

// A range below the distance of neighbouring doubles made the chart of
// `sensitivity` abort.
TEST(ChartTest, RangesBelowAnUlp) {
  Panel panel;
  panel.x = {"energy", "J"};
  const double base = 3.25;
  for (const double width : {0.0, 1e-17, 1e-12, 1e-8}) {
    Row row;
    row.label = "constant";
    row.segments = {{base, base * (1 + width), "red"}};
    panel.rows = {row};
    EXPECT_THAT(FaultsOfSvg(ToSvg(Alone(panel))), IsEmpty());
  }
}

TEST(ChartTest, PanelsWithTheSameAxesHaveOneKey) {
  Panel small, large;
  small.lines.push_back({"the line", "red", {{1, 1}, {2, 2}}});
  large.lines.push_back({"the line", "blue", {{1, 1}, {11, 101}}});
  Figure figure;
  figure.same_axes = true;
  figure.panels = {small, large};
  const std::string svg = ToSvg(figure);
  EXPECT_THAT(FaultsOfSvg(svg), IsEmpty());
  EXPECT_EQ(TextsWith(svg, "the line").size(), 1u);
  const std::vector<double> a = PathOf(svg, "red", 1), b = PathOf(svg, "blue");
  ASSERT_EQ(a.size(), 4u);
  ASSERT_EQ(b.size(), 4u);
  // 2 is a hundredth of the way from 1 to 101.
  EXPECT_NEAR(a[3] - a[1], 0.01 * (b[3] - b[1]), 0.11);
}

TEST(ChartTest, TheSameFigureHasTheSameBytes) {
  Panel panel;
  panel.lines.push_back({"line", "red", {{1, 1}, {2, 2}}});
  EXPECT_EQ(ToSvg(Alone(panel)), ToSvg(Alone(panel)));
  EXPECT_EQ(ToVega(Alone(panel)), ToVega(Alone(panel)));
}

TEST(ChartTest, NoTwoSeriesLookAlike) {
  std::set<std::string> lines, marks;
  for (int i = 0; i < 28; ++i) {
    const SeriesStyle style = StyleOf(i);
    EXPECT_TRUE(
        lines.insert(absl::StrCat(style.color, static_cast<int>(style.dash)))
            .second);
    EXPECT_TRUE(
        marks.insert(absl::StrCat(style.color, static_cast<int>(style.shape)))
            .second);
  }
}

// What Vega-Lite 5 needs: a schema, views with layers, each with its data, a mark
// and encodings whose fields the data have.
TEST(VegaTest, EachLayerHasTheFieldsThatItNames) {
  Panel plot;
  plot.x = {"batch"};
  plot.x.logarithmic = true;
  plot.y = {"energy per token", "J"};
  plot.y.logarithmic = true;
  plot.lines = {{"a", "red", {{1, 0.01}, {10, 0.02}}},
                {"b", "blue", {{1, 0.02}, {10, 0.03}}, Dash::kDashed},
                {"", "grey", {{1, 0.02}, {10, 0.03}}}};
  plot.bands = {{"red", {{1, 0.01, 0.02}, {10, 0.015, 0.03}}}};
  Mark mark{2, 0.02, "red"};
  mark.series = "marks";
  mark.text = "text";
  plot.marks = {mark, {3, 0.02, "blue"}};
  plot.limits = {{true, 5, "memory"}, {false, 0.015, "floor"}};
  Panel bars;
  bars.x = {"energy", "J"};
  Row row;
  row.label = "a \"row\"";
  row.segments = {{0, 1, "red"}, {1, 2, "blue", "more"}};
  row.range = {0.5, 1.5};
  row.text = "text";
  bars.rows = {row, row};
  Figure figure;
  figure.title = "title";
  figure.panels = {plot, bars};
  const nlohmann::json spec = nlohmann::json::parse(ToVega(figure));
  EXPECT_EQ(spec["$schema"],
            "https://vega.github.io/schema/vega-lite/v5.json");
  EXPECT_EQ(spec["title"]["text"], "title");
  ASSERT_EQ(spec["hconcat"].size(), 2u);
  int layers = 0;
  for (const auto& view : spec["hconcat"]) {
    for (const auto& layer : view["layer"]) {
      ++layers;
      const auto& values = layer["data"]["values"];
      ASSERT_FALSE(values.empty());
      EXPECT_TRUE(layer.contains("mark"));
      for (const auto& [channel, encoding] : layer["encoding"].items()) {
        if (!encoding.contains("field")) continue;
        for (const auto& value : values) {
          EXPECT_TRUE(value.contains(encoding["field"].get<std::string>()))
              << channel << " " << layer.dump();
        }
      }
    }
  }
  // Band, two limits with texts, two kinds of lines, two kinds of marks, a text;
  // two bars without a name in two rows, those with one, ranges, texts.
  EXPECT_EQ(layers, 1 + 4 + 2 + 2 + 1 + 2 + 1 + 1 + 1);
  // In the unit of the title.
  const auto& band = spec["hconcat"][0]["layer"][0];
  EXPECT_EQ(band["encoding"]["y"]["axis"]["title"], "energy per token, mJ");
  EXPECT_NEAR(band["data"]["values"][0]["low"].get<double>(), 10, 1e-12);
  EXPECT_EQ(band["encoding"]["y"]["scale"]["type"], "log");
}

}  // namespace
}  // namespace tokenjoule
