// Every writer with every hostile text (analyzer/testing/hostile.h): the output
// is valid in its language, shows the text and does nothing else.

#include "analyzer/testing/hostile.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "analyzer/base/utf8.h"
#include "analyzer/base/visible.h"
#include "analyzer/description/measurements.h"
#include "analyzer/report/chart.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figure.h"
#include "analyzer/report/markdown.h"
#include "analyzer/report/report.h"
#include "analyzer/report/svg_check.h"
#include "analyzer/report/vega.h"
#include "analyzer/report/xml.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "proto/measurement.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Calls `test` with each hostile text, which failures name.
template <typename Test>
void ForEachText(Test test) {
  for (const HostileText& hostile : HostileTexts()) {
    SCOPED_TRACE(absl::StrCat(hostile.attacks, ": ",
                              VisibleText(hostile.text).substr(0, 80)));
    test(hostile.text);
  }
}

Listing ListingOf(const std::string& text) {
  Listing listing;
  Listing::Entry* entry = listing.add_entries();
  entry->set_kind("models");
  entry->set_name(text);
  entry->set_description(text);
  entry->add_inherited(text);
  entry->add_warnings(text);
  return listing;
}

CheckResult CheckOf(const std::string& text) {
  CheckResult result;
  result.set_name(text);
  result.set_verdict(text);
  result.mutable_comparison()->add_differences(text);
  CheckedMetric* metric = result.add_metrics();
  metric->set_metric("energy_per_token_j");
  metric->set_rule("budget");
  metric->set_value(2);
  metric->set_limit(1);
  Comparison* comparison = result.mutable_comparison();
  comparison->mutable_a()->set_energy_per_token_j(1);
  TermChange* term = comparison->add_terms();
  term->set_term(Term::DRAM_ACTIVATE);
  term->set_change_j(0.5);
  CauseChange* cause = term->add_causes();
  cause->set_cause(text);
  cause->set_change_j(0.5);
  return result;
}

TEST(HostileTest, TablesHoldNoControlCharactersAndNoLinesOfOthers) {
  const size_t lines =
      CountOf(*Written(ListingOf("a"), OutputFormat::kTable), "\n");
  ForEachText([&](const std::string& text) {
    const std::string table = *Written(ListingOf(text), OutputFormat::kTable);
    EXPECT_FALSE(HasControls(table)) << table;
    EXPECT_TRUE(IsUtf8(table)) << table;
    for (const absl::string_view line : absl::StrSplit(table, '\n')) {
      EXPECT_FALSE(absl::StartsWith(line, "PWNED")) << table;
    }
    if (text.size() < 40) {
      EXPECT_EQ(CountOf(table, "\n"), lines) << table;
    }
    EXPECT_FALSE(HasControls(*Written(CheckOf(text), OutputFormat::kTable)));
  });
}

TEST(HostileTest, JsonReadsBackWhatWasWritten) {
  ForEachText([](const std::string& text) {
    const std::string written = ToJson(ListingOf(text));
    EXPECT_FALSE(HasControls(written)) << written;
    const json parsed = json::parse(written, nullptr, false);
    ASSERT_TRUE(parsed.is_object()) << written;
    const std::string name = parsed["entries"][0]["name"];
    EXPECT_EQ(name, ValidUtf8(text));
    Listing read;
    ASSERT_TRUE(FromJson(written, &read).ok());
    EXPECT_EQ(read.entries(0).name(), ValidUtf8(text));
    EXPECT_EQ(read.entries(0).warnings(0), ValidUtf8(text));
  });
}

// Cells keep every byte, also those that a spreadsheet takes for a formula: a
// file that a program reads must hold what was asked for.
TEST(HostileTest, CsvReadsBackEveryByte) {
  ForEachText([](const std::string& text) {
    CsvWriter writer;
    writer.AddRow({{"source", absl::StrCat("a", text)},
                   {"model", "m"},
                   {"device", "d"},
                   {"batch", "1"},
                   {"note", text}});
    const MeasurementSet set =
        OrDie(ParseMeasurementsCsv(writer.text(), "m.csv"));
    ASSERT_EQ(set.row_size(), 1) << writer.text();
    EXPECT_EQ(set.row(0).source(), absl::StrCat("a", text));
    EXPECT_EQ(set.row(0).note(), text);
  });
  // Names of columns are axes of spaces.
  CsvWriter writer;
  writer.AddRow({{"a,\"b\"\nc", "1"}, {"d", "2"}});
  EXPECT_EQ(writer.text(), "\"a,\"\"b\"\"\nc\",d\n1,2\n");
}

// A line of Markdown without what backslashes escape.
std::string WithoutEscapes(absl::string_view line) {
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) {
      ++i;
    } else {
      out += line[i];
    }
  }
  return out;
}

TEST(HostileTest, MarkdownHasNoHeadingRowTagOrLinkOfOthers) {
  const std::string plain = WrittenMarkdown(CheckOf("a"));
  const std::vector<std::string> plain_lines = absl::StrSplit(plain, '\n');
  ForEachText([&](const std::string& text) {
    const std::string markdown = WrittenMarkdown(CheckOf(text));
    EXPECT_FALSE(HasControls(markdown)) << markdown;
    EXPECT_TRUE(IsUtf8(markdown)) << markdown;
    const std::vector<std::string> lines = absl::StrSplit(markdown, '\n');
    ASSERT_EQ(lines.size(), plain_lines.size()) << markdown;
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::string line = WithoutEscapes(lines[i]);
      const std::string& model = plain_lines[i];
      EXPECT_EQ(CountOf(line, "|"), CountOf(model, "|")) << line;
      EXPECT_EQ(absl::StartsWith(line, "#"), absl::StartsWith(model, "#"))
          << line;
      EXPECT_EQ(CountOf(line, "*"), CountOf(model, "*")) << line;
      for (const char* mark : {"<", ">", "`", "[", "]", "~", "__", "://"}) {
        EXPECT_EQ(CountOf(line, mark), 0) << line;
      }
      // Lists, quotations, rules.
      if (!lines[i].empty()) {
        EXPECT_EQ(absl::string_view("-+=>:").find(lines[i][0]),
                  absl::string_view::npos)
            << lines[i];
      }
    }
  });
}

TEST(HostileTest, MarkdownIsReadableWhereNothingIsHostile) {
  EXPECT_EQ(
      MarkdownText("energy_per_token_j is 0.5, the budget (1.5) allows -1"),
      "energy_per_token_j is 0.5, the budget (1.5) allows -1");
  EXPECT_EQ(MarkdownText("# a_ *b* <c> & [d](e) `f` |g|"),
            "\\# a\\_ \\*b\\* &lt;c&gt; &amp; \\[d\\](e) \\`f\\` \\|g\\|");
  EXPECT_EQ(MarkdownText("1. a"), "1\\. a");
  EXPECT_EQ(MarkdownText("1.5 a"), "1.5 a");
  EXPECT_EQ(MarkdownText(" - a\nb\\ "), "\\- a\\\\nb\\\\");
  EXPECT_EQ(MarkdownText("http://a www.b c:d"), "http\\://a www\\.b c:d");
}

TEST(HostileTest, JunitHasOneCasePerFigureAndIsXml) {
  ForEachText([](const std::string& text) {
    const CheckResult result = CheckOf(text);
    const std::string xml = WritersOf<CheckResult>().junit(result);
    EXPECT_EQ(CountOf(xml, "<testcase "), 1) << xml;
    EXPECT_EQ(CountOf(xml, "<"), 2 * CountOf(xml, "</") + 1) << xml;
    EXPECT_EQ(CountOf(xml, "<"), CountOf(xml, ">")) << xml;
    EXPECT_THAT(xml, HasSubstr(absl::StrCat("\"", EscapedXml(text), "\"")));
    EXPECT_FALSE(HasControls(xml)) << xml;
    EXPECT_TRUE(IsUtf8(xml)) << xml;
  });
}

Figure FigureWith(const std::string& text) {
  Panel panel;
  panel.title = text;
  panel.x.quantity = text;
  panel.y.quantity = "energy";
  panel.lines.push_back({text, "#123456", {{1, 1}, {2, 2}}});
  panel.marks.push_back({1.5, 1.5, "#654321", text, text, text});
  FigureLimit limit;
  limit.value = 1.2;
  limit.text = text;
  panel.limits.push_back(limit);
  Panel rows;
  rows.x.quantity = "energy";
  Row row;
  row.label = text;
  row.segments.push_back({0, 1, "#123456", text, text});
  row.text = "1 J";
  rows.rows.push_back(row);
  Figure figure;
  figure.title = text;
  figure.subtitle = {text};
  figure.note = text;
  figure.panels = {panel, rows};
  return figure;
}

TEST(HostileTest, ChartsAreXmlWithoutElementsOfOthers) {
  ForEachText([](const std::string& text) {
    const std::string svg = ToSvg(FigureWith(text.substr(0, 300)));
    EXPECT_THAT(FaultsOfSvg(svg), IsEmpty()) << svg;
    EXPECT_EQ(CountOf(svg, "<script"), 0);
    EXPECT_EQ(CountOf(svg, "<img"), 0);
  });
}

TEST(HostileTest, VegaIsJsonThatHoldsTheText) {
  ForEachText([](const std::string& text) {
    const std::string vega = ToVega(FigureWith(text));
    EXPECT_FALSE(json::parse(vega, nullptr, false).is_discarded()) << vega;
    EXPECT_FALSE(HasControls(vega)) << vega;
  });
}

}  // namespace
}  // namespace tokenjoule
