#include "analyzer/base/visible.h"

#include <string>

#include "analyzer/base/utf8.h"
#include "analyzer/testing/hostile.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

TEST(VisibleTest, WhatShowsStaysAsItIs) {
  for (const char* text :
       {"", "plain-1.0 \"x\" 'y' \\ & <z>", "\xc2\xb5J \xc3\x97 2",
        "\xe6\xb0\xb4 \xf0\x9f\x98\x80 e\xcc\x81", "\xc2\xa0"}) {
    EXPECT_EQ(VisibleText(text), text);
    EXPECT_EQ(VisibleLines(text), text);
    EXPECT_EQ(ValidUtf8(text), text);
  }
}

TEST(VisibleTest, WhatDoesNotShowBecomesAnEscape) {
  EXPECT_EQ(VisibleText("a\n\r\t\x1b[31m\x7f\x07"),
            "a\\n\\r\\t\\x1b[31m\\x7f\\x07");
  EXPECT_EQ(VisibleText(std::string("a\0z", 3)), "a\\x00z");
  // C1, an override of direction, a blank without width, a byte order mark, a
  // tag.
  // NOLINTBEGIN(misc-misleading-bidirectional): they are what is tested.
  EXPECT_EQ(VisibleText(
                "\xc2\x9b\xe2\x80\xae\xe2\x80\x8b\xef\xbb\xbf\xf3\xa0\x81\x81"),
            "\\u009b\\u202e\\u200b\\ufeff\\U000e0041");
  // NOLINTEND(misc-misleading-bidirectional)
  EXPECT_EQ(VisibleText("\xef\xbf\xbe"), "\\ufffe");
  // Not UTF-8: a stray byte, one too few, too long a form, a surrogate.
  EXPECT_EQ(VisibleText("\xff \xc3 \xc0\xaf"), "\\xff \\xc3 \\xc0\\xaf");
  EXPECT_EQ(VisibleText("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}

TEST(VisibleTest, LinesStayLines) {
  EXPECT_EQ(VisibleLines("a\nb\r\n"), "a\nb\\r\n");
}

TEST(VisibleTest, InvalidBytesAloneAreReplaced) {
  // NOLINTBEGIN(misc-misleading-bidirectional): they are what is tested.
  EXPECT_EQ(ValidUtf8("a\xff\x1b\n\xe2\x80\xae"),
            "a\xef\xbf\xbd\x1b\n\xe2\x80\xae");
  // NOLINTEND(misc-misleading-bidirectional)
}

TEST(VisibleTest, HostileTextsBecomeVisible) {
  for (const HostileText& hostile : HostileTexts()) {
    SCOPED_TRACE(hostile.attacks);
    const std::string visible = VisibleText(hostile.text);
    EXPECT_FALSE(HasControls(visible)) << visible;
    EXPECT_EQ(visible.find('\n'), std::string::npos) << visible;
    EXPECT_TRUE(IsUtf8(visible)) << visible;
    EXPECT_EQ(VisibleText(visible), visible);
    EXPECT_EQ(VisibleLines(visible), visible);
    EXPECT_FALSE(HasControls(VisibleLines(hostile.text)));
    EXPECT_TRUE(IsUtf8(ValidUtf8(hostile.text)));
    if (IsUtf8(hostile.text)) {
      EXPECT_EQ(ValidUtf8(hostile.text), hostile.text);
    }
  }
}

}  // namespace
}  // namespace tokenjoule
