#include "analyzer/report/table.h"

#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

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

TEST(TableTest, SharesArePercentages) { EXPECT_EQ(Percent(0.6123), "61.2 %"); }

}  // namespace
}  // namespace tokenjoule
