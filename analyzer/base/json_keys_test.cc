#include "analyzer/base/json_keys.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

TEST(JsonKeysTest, TheFirstKeyThatIsThereTwiceIsNamed) {
  EXPECT_EQ(RepeatedJsonKey(R"({"a": 1, "a": 2})"), "a");
  EXPECT_EQ(
      RepeatedJsonKey(R"({"a": {"b": [1, {"c": 1}, {"c": [], "c": 0}]}})"),
      "a.b[2].c");
  EXPECT_EQ(RepeatedJsonKey(R"([[], {"x": {}, "y": 1, "x": {}}])"), "[1].x");
  // However it is spelt.
  EXPECT_EQ(RepeatedJsonKey(R"({"a": 1, "\u0061": 2})"), "a");
  EXPECT_EQ(RepeatedJsonKey(R"({"": 1, "": 2, "a": 1, "a": 1})"), "");
}

TEST(JsonKeysTest, KeysOfMessagesHaveTwoSpellings) {
  constexpr char kBoth[] = R"({"a": [{"step_time_s": 1, "stepTimeS": 2}]})";
  EXPECT_EQ(RepeatedJsonKey(kBoth), absl::nullopt);
  EXPECT_EQ(RepeatedJsonKey(kBoth, /*of_messages=*/true), "a[0].stepTimeS");
}

TEST(JsonKeysTest, KeysOfOtherObjectsMayBeTheSame) {
  EXPECT_EQ(RepeatedJsonKey(R"({"a": {"a": [{"a": 1}, {"a": 1}]}, "b": 1})"),
            absl::nullopt);
  EXPECT_EQ(RepeatedJsonKey(R"({"a": "a", "b": "a", "A": 1})"), absl::nullopt);
}

TEST(JsonKeysTest, OtherTextHasNone) {
  for (const char* text : {"", "{", "[", "{\"a\":1,", "1", "\"a\"", "nan",
                           "\xff", "{\"a\": 1} {\"a\": 1}"}) {
    EXPECT_EQ(RepeatedJsonKey(text), absl::nullopt) << text;
  }
  EXPECT_EQ(RepeatedJsonKey(std::string(1'000'000, '[')), absl::nullopt);
  std::string many = "{";
  for (int i = 0; i < 100'000; ++i) absl::StrAppend(&many, "\"k", i, "\":1,");
  EXPECT_EQ(RepeatedJsonKey(absl::StrCat(many, "\"k\":1}")), absl::nullopt);
  EXPECT_EQ(RepeatedJsonKey(absl::StrCat(many, "\"k7\":1}")), "k7");
}

}  // namespace
}  // namespace tokenjoule
