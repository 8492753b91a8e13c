#include "analyzer/base/zero_sign.h"

#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

TEST(ZeroSignTest, ZeroHasNoSign) {
  EXPECT_EQ(WithoutSignOfZero("-0"), "0");
  EXPECT_EQ(WithoutSignOfZero("-0.00 %"), "0.00 %");
  EXPECT_EQ(WithoutSignOfZero("+0.0"), "0.0");
  EXPECT_EQ(WithoutSignOfZero("-0 J"), "0 J");
}

TEST(ZeroSignTest, OtherNumbersKeepTheirs) {
  for (const char* text : {"-0.01", "+1", "-10", "0", "0.0", "-1e-05", "-0.5 %",
                           "-.5", "-inf", "-nan", "-", "+", "", "-a"}) {
    EXPECT_EQ(WithoutSignOfZero(text), text);
  }
}

}  // namespace
}  // namespace tokenjoule
