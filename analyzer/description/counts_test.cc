#include "analyzer/description/counts.h"

#include <cmath>

#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

double Count(absl::string_view text) {
  double count = 0;
  const absl::Status status = ParseCount(text, &count);
  EXPECT_TRUE(status.ok()) << status;
  return count;
}

TEST(CountsTest, SuffixesArePowersOfTwo) {
  EXPECT_EQ(Count("128k"), 131072);
  EXPECT_EQ(Count("128K"), 131072);
  EXPECT_EQ(Count("8k"), 8192);
  EXPECT_EQ(Count("1M"), 1048576);
  EXPECT_EQ(Count("0.5m"), 524288);
  EXPECT_EQ(Count("1.5k"), 1536);
}

TEST(CountsTest, NumbersWithoutASuffixAreThemselves) {
  EXPECT_EQ(Count("100000"), 100000);
  EXPECT_EQ(Count("2.5"), 2.5);
  EXPECT_EQ(Count("1e3"), 1000);
}

TEST(CountsTest, OtherSuffixesAreRefusedWithWhatIsExpected) {
  for (const char* text :
       {"128q", "128kb", "k", "", "1 2", "128kk", "inf", "nan", "infk"}) {
    double count = 0;
    const absl::Status status = ParseCount(text, &count);
    EXPECT_THAT(status.message(),
                testing::HasSubstr("which may end in k (1024) or M (1048576)"))
        << text;
  }
  double count = 0;
  EXPECT_EQ(ParseCount("128q", &count).message(),
            "expected a number, which may end in k (1024) or M (1048576), "
            "found \"128q\"");
}

TEST(CountsTest, NumbersAreFinite) {
  double number = 0;
  EXPECT_TRUE(ParseNumber("-2.5e-3", &number));
  EXPECT_EQ(number, -0.0025);
  for (const char* text : {"", "x", "1 2", "inf", "-inf", "nan", "1e999"}) {
    EXPECT_FALSE(ParseNumber(text, &number)) << text;
    EXPECT_EQ(number, 0) << text;
  }
}

TEST(CountsTest, ZeroHasNoSign) {
  for (const char* text : {"-0", "-0.0", "-0e5", "0", "-1e-400"}) {
    double number = 1;
    EXPECT_TRUE(ParseNumber(text, &number)) << text;
    EXPECT_EQ(number, 0) << text;
    EXPECT_FALSE(std::signbit(number)) << text;
    EXPECT_FALSE(std::signbit(Count(text))) << text;
  }
}

}  // namespace
}  // namespace tokenjoule
