#include <string>
#include <vector>

#include "analyzer/report/text_width.h"
#include "analyzer/base/utf8.h"
#include "analyzer/report/xml.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;

constexpr char kReplaced[] = "\xef\xbf\xbd";

TEST(XmlTest, CharactersOfXmlAreEscaped) {
  EXPECT_EQ(EscapedXml("a < b & \"c\" > 'd'"),
            "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;");
  EXPECT_EQ(EscapedXml("\xc2\xb5J \xc3\x97 2"), "\xc2\xb5J \xc3\x97 2");
}

TEST(XmlTest, WhatXmlForbidsIsReplaced) {
  EXPECT_EQ(EscapedXml(std::string("a\x01z\0y", 5)),
            std::string("a") + kReplaced + "z" + kReplaced + "y");
  EXPECT_EQ(EscapedXml("a\tb\nc"), "a b c");
  // Stray, missing and overlong bytes, a surrogate, U+FFFE, beyond U+10FFFF.
  EXPECT_EQ(EscapedXml("\xff"), kReplaced);
  EXPECT_EQ(EscapedXml("\xc2"), kReplaced);
  EXPECT_EQ(EscapedXml("\xc0\xaf"), std::string(kReplaced) + kReplaced);
  EXPECT_EQ(EscapedXml("\xed\xa0\x80").find(kReplaced), 0u);
  EXPECT_EQ(EscapedXml("\xef\xbf\xbe"), kReplaced);
  EXPECT_EQ(EscapedXml("\xf4\x90\x80\x80").find(kReplaced), 0u);
  EXPECT_EQ(EscapedXml("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
}

TEST(TextWidthTest, WidthsAreThoseOfTheFont) {
  // i 0.278, W 0.989 of the size.
  EXPECT_DOUBLE_EQ(TextWidth("iW", 10), 2.78 + 9.89);
  EXPECT_GT(TextWidth("iW", 10, /*bold=*/true), TextWidth("iW", 10));
  EXPECT_DOUBLE_EQ(TextWidth("\xc2\xb5", 10), 10);
}

TEST(TextWidthTest, LinesFit) {
  EXPECT_THAT(WrappedToWidth("", 100, 10), ElementsAre(""));
  EXPECT_THAT(WrappedToWidth("one two three", 50, 10),
              ElementsAre("one two", "three"));
  const std::string path = "hardware.memory.hbm.path_energy_pj_per_bit";
  std::string joined;
  for (const std::string& line : WrappedToWidth(path, 90, 10)) {
    EXPECT_LE(TextWidth(line, 10), 90) << line;
    joined += line;
  }
  EXPECT_EQ(joined, path);
}

}  // namespace
}  // namespace tokenjoule
