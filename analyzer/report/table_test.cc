#include "analyzer/report/table.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

TEST(TableTest, NumbersAlignRightAndWordsLeft) {
  TextTable table({"name", "J"});
  table.AddRow({"a", "1.5"});
  table.AddRow({"longer", "10.25"});
  EXPECT_EQ(table.ToString(1),
            " name        J\n"
            " a         1.5\n"
            " longer  10.25\n");
}

TEST(TableTest, UnitsHaveThreeDigitsAndAPrefix) {
  EXPECT_EQ(WithUnit(0.00652, "s"), "6.52 ms");
  EXPECT_EQ(WithUnit(16.06e9, "B"), "16.1 GB");
  EXPECT_EQ(WithUnit(123456, "W"), "123 kW");
  EXPECT_EQ(WithUnit(0, "J"), "0 J");
  EXPECT_EQ(WithUnit(-0.5, "J"), "-500 mJ");
  // Rounding must not print 1000 of anything.
  EXPECT_EQ(WithUnit(999.7, "B"), "1.00 kB");
  EXPECT_EQ(WithUnit(0.9997, "J"), "1.00 J");
}

TEST(TableTest, RangesNameTheirUnitOnce) {
  EXPECT_EQ(Between(2.55, 3.88, "J"), "2.55 to 3.88 J");
  EXPECT_EQ(Between(0.688, 1.04, "J"), "688 mJ to 1.04 J");
  EXPECT_EQ(Between(0, 1.04, "J"), "0 to 1.04 J");
}

TEST(TableTest, LargeNumbersHaveNoExponent) {
  EXPECT_EQ(Plain(43.756), "43.76");
  EXPECT_EQ(Plain(19449.6), "19450");
  EXPECT_EQ(Plain(1274, 3), "1274");
  EXPECT_EQ(Plain(1.0449, 3), "1.04");
}

TEST(TableTest, NoZeroHasASign) {
  EXPECT_EQ(Signed(-0.004, 2), "0.00");
  EXPECT_EQ(Signed(-0.4, 0), "0");
  EXPECT_EQ(Signed(-0.5001, 0), "-1");
  EXPECT_EQ(Signed(0.015, 3), "+0.015");
}

size_t WidestLine(const std::string& text) {
  size_t widest = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    widest = std::max(widest, TextWidth(line));
  }
  return widest;
}

std::string Letters(int count) { return std::string(count, 'x'); }

// 30 + 2 + 80 columns: the words of the second column go on below.
TEST(TableTest, LongTextGoesOnInItsColumn) {
  TextTable table({"name", "what it is"});
  std::vector<std::string> words(16, "word");
  table.AddRow({Letters(30), absl::StrJoin(words, " ")});
  table.AddRow({"short", "text"});
  EXPECT_EQ(table.ToString(0),
            "name                            what it is\n" + Letters(30) +
                "  " + absl::StrJoin(words.begin(), words.begin() + 13, " ") +
                "\n" + std::string(32, ' ') + "word word word\n" +
                "short                           text\n");
}

// Headings break between words before anything else gives way; they stand on
// their columns.
TEST(TableTest, HeadingsGiveWayFirst) {
  TextTable table({"name", "a long heading of numbers", "second"});
  table.AddRow({Letters(80), "1.5", "2.5"});
  EXPECT_EQ(WidestLine(table.ToString(0)), 100u);
  EXPECT_EQ(table.ToString(0).substr(0, 4), "    ");
}

// Twelve columns of ten do not fit: the rest follows with the names repeated.
TEST(TableTest, ColumnsThatDoNotFitFollowBelow) {
  std::vector<std::string> header = {"name"}, row = {"a"};
  for (int i = 0; i < 12; ++i) {
    header.push_back(absl::StrCat("c", i));
    row.push_back("1234567890");
  }
  TextTable table(header);
  table.AddRow(row);
  const std::string out = table.ToString(2);
  EXPECT_LE(WidestLine(out), 100u);
  EXPECT_THAT(out, HasSubstr("\n\n  name"));
  EXPECT_THAT(out, HasSubstr("c11"));
}

// A name without blanks is cut where names can be cut.
TEST(TableTest, LongNamesAreCutInTheLastResort) {
  TextTable table({"path", "value"});
  table.AddRow({absl::StrCat(Letters(70), ".", Letters(60)), "1.5"});
  const std::string out = table.ToString(2);
  EXPECT_LE(WidestLine(out), 100u);
  EXPECT_THAT(out, HasSubstr(absl::StrCat("  ", Letters(70), ". ")));
  EXPECT_THAT(out, HasSubstr(absl::StrCat("\n  ", Letters(60), "\n")));
}

TEST(TableTest, FlagsAreNoNumbers) {
  TextTable table({"", ""});
  table.AddRow({"--a", "b"});
  table.AddRow({"--longer", "c"});
  EXPECT_EQ(table.ToString(0), "--a       b\n--longer  c\n");
}

TEST(TableTest, CommandsGoOnAsAShellReadsThem) {
  EXPECT_EQ(WrappedCommand("a --b", 2), "  a --b\n");
  const std::string flag = absl::StrCat("--", Letters(45));
  EXPECT_EQ(WrappedCommand(absl::StrCat("a ", flag, " ", flag, " ", flag), 2),
            absl::StrCat("  a ", flag, " \\\n      ", flag, " \\\n      ", flag,
                         "\n"));
  EXPECT_LE(WidestLine(WrappedCommand(absl::StrCat("a ", flag, " ", flag), 2)),
            100u);
}

TEST(TableTest, ParagraphsAreWrapped) {
  std::vector<std::string> words(30, "word");
  const std::string out = Wrapped(absl::StrJoin(words, " "), 2);
  EXPECT_EQ(out, "  " + absl::StrJoin(words.begin(), words.begin() + 19, " ") +
                     "\n      " +
                     absl::StrJoin(words.begin() + 19, words.end(), " ") + "\n");
  EXPECT_EQ(Wrapped("a\n\nb"), "a\n\nb\n");
}

TEST(TableTest, SharesArePercentages) { EXPECT_EQ(Percent(0.6123), "61.2 %"); }

TEST(TableTest, ZeroHasNoSign) {
  for (const double nothing : {-0.0, -1e-9, -0.0004}) {
    EXPECT_EQ(Percent(nothing), "0.0 %");
    EXPECT_EQ(PercentBetween(nothing, -nothing), "0 to 0 %");
    EXPECT_EQ(Signed(nothing, 2), "0.00");
  }
  EXPECT_EQ(Percent(-0.0006), "-0.1 %");
  EXPECT_EQ(PercentBetween(-0.006, 0), "-1 to 0 %");
  EXPECT_EQ(Plain(-0.0), "0");
  EXPECT_EQ(WithUnit(-0.0, "J"), "0 J");
  EXPECT_EQ(WithUnit(-1e-22, "J"), "0.00 aJ");
}

// A blank within quotation marks separates no words.
TEST(TableTest, CommandsAreBrokenBetweenTheirWords) {
  const std::string word = absl::StrCat("'", std::string(60, 'x'), " y z'");
  EXPECT_EQ(WrappedCommand(absl::StrCat("tool --a=", word, " --b=", word), 2),
            absl::StrCat("  tool --a=", word, " \\\n      --b=", word, "\n"));
}

}  // namespace
}  // namespace tokenjoule
