#include "tools/flags.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<FlagSpec> kSpecs = {
    {"batch", "N", "batch"},
    {"lm_head", "FORMAT", "head"},
    {"ideal", "", "switch"},
    {"cross_validate", kBool, "boolean"},
    {"set", "PATH=VALUE", "set", true},
};

ParsedFlags Parse(const std::vector<const char*>& args) {
  ParsedFlags parsed;
  const absl::Status status = ParseFlags(args, kSpecs, &parsed);
  EXPECT_TRUE(status.ok()) << status;
  return parsed;
}

std::string Error(const std::vector<const char*>& args) {
  ParsedFlags parsed;
  return std::string(ParseFlags(args, kSpecs, &parsed).message());
}

std::vector<double> Numbers(const char* text) {
  std::vector<double> numbers;
  const absl::Status status = ParseNumberList(text, &numbers);
  EXPECT_TRUE(status.ok()) << status;
  return numbers;
}

TEST(FlagsTest, ValuesComeAfterEqualsOrASpace) {
  EXPECT_EQ(Parse({"--batch=8"}).Get("batch", ""), "8");
  EXPECT_EQ(Parse({"--batch", "8"}).Get("batch", ""), "8");
  EXPECT_EQ(Parse({"--set=a.b=c=d"}).Get("set", ""), "a.b=c=d");
  EXPECT_EQ(Parse({}).Get("batch", "1"), "1");
}

TEST(FlagsTest, HyphensAndUnderscoresAreTheSame) {
  EXPECT_EQ(Parse({"--lm-head=bf16"}).Get("lm_head", ""), "bf16");
  EXPECT_EQ(Parse({"--lm_head=bf16"}).Get("lm_head", ""), "bf16");
}

TEST(FlagsTest, SwitchesNeedNoValue) {
  EXPECT_EQ(Parse({"--ideal"}).Get("ideal", ""), "true");
  EXPECT_EQ(Parse({"--ideal=false"}).Get("ideal", ""), "false");
  // A switch does not take the next word as its value.
  EXPECT_THAT(Parse({"--ideal", "word"}).positional, ElementsAre("word"));
}

TEST(FlagsTest, BooleansAreTrueOrFalseInSeveralWords) {
  for (const char* yes : {"--ideal", "--ideal=true", "--ideal=1", "--ideal=yes",
                          "--ideal=True"}) {
    EXPECT_TRUE(Parse({yes}).GetBool("ideal")) << yes;
    // All spellings are stored as one word.
    EXPECT_EQ(Parse({yes}).Get("ideal", ""), "true") << yes;
  }
  for (const char* no : {"--ideal=false", "--ideal=0", "--ideal=no"}) {
    EXPECT_FALSE(Parse({no}).GetBool("ideal", /*otherwise=*/true)) << no;
    EXPECT_EQ(Parse({no}).Get("ideal", ""), "false") << no;
  }
  EXPECT_FALSE(Parse({}).GetBool("ideal"));
  EXPECT_TRUE(Parse({}).GetBool("ideal", /*otherwise=*/true));
  EXPECT_FALSE(Parse({"--cross-validate", "no"}).GetBool("cross_validate"));
}

TEST(FlagsTest, OtherWordsAreNoBooleans) {
  for (const char* bad : {"--ideal=maybe", "--ideal=", "--ideal=2",
                          "--ideal=off", "--cross_validate=flase"}) {
    EXPECT_THAT(Error({bad}),
                HasSubstr("expected true, false, 1, 0, yes or no"))
        << bad;
  }
  EXPECT_THAT(Error({"--cross_validate"}), HasSubstr("needs a value"));
}

TEST(FlagsTest, RepeatableFlagsKeepEveryValue) {
  EXPECT_THAT(Parse({"--set=a=1", "--set=b=2"}).values["set"],
              ElementsAre("a=1", "b=2"));
}

TEST(FlagsTest, WhatFollowsTwoDashesIsNoFlag) {
  const ParsedFlags parsed = Parse({"a", "--batch=1", "--", "--batch=2", "-x"});
  EXPECT_THAT(parsed.positional, ElementsAre("a", "--batch=2", "-x"));
  EXPECT_EQ(parsed.Get("batch", ""), "1");
}

TEST(FlagsTest, EveryFaultIsReportedAtOnce) {
  const std::string error =
      Error({"--bacth=1", "-x", "--batch=1", "--batch=2"});
  EXPECT_THAT(error, HasSubstr("did you mean \"batch\"?"));
  EXPECT_THAT(error, HasSubstr("flags begin with two dashes, found \"-x\""));
  EXPECT_THAT(error, HasSubstr("--batch is given twice"));
}

TEST(FlagsTest, MissingValueSaysWhatIsExpected) {
  EXPECT_THAT(Error({"--batch"}),
              HasSubstr("--batch needs a value: --batch=N"));
  EXPECT_THAT(Error({"--lm_head", "--ideal"}), HasSubstr("needs a value"));
}

TEST(FlagsTest, NumberListsAreEnumerationsAndRanges) {
  EXPECT_THAT(Numbers("1,2,8"), ElementsAre(1, 2, 8));
  EXPECT_THAT(Numbers("1:1024:x2"),
              ElementsAre(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024));
  EXPECT_THAT(Numbers("10:30:10"), ElementsAre(10, 20, 30));
  EXPECT_THAT(Numbers("1,10:20:5"), ElementsAre(1, 10, 15, 20));
  EXPECT_THAT(Numbers("1:4"), ElementsAre(1, 2, 3, 4));
}

TEST(FlagsTest, ListsOfCountsMayEndInPowersOfTwo) {
  const auto counts = [](absl::string_view text) {
    std::vector<double> numbers;
    EXPECT_TRUE(ParseCountList(text, &numbers).ok()) << text;
    return numbers;
  };
  EXPECT_THAT(counts("1,8k,1M"), ElementsAre(1, 8192, 1048576));
  EXPECT_THAT(counts("1k:4k:x2"), ElementsAre(1024, 2048, 4096));
  EXPECT_THAT(counts("1k:3k:1k"), ElementsAre(1024, 2048, 3072));
  std::vector<double> numbers;
  for (const char* bad : {"128q", "1k:4k:x2k", "k", "1:8kb:x2"}) {
    EXPECT_FALSE(ParseCountList(bad, &numbers).ok()) << bad;
  }
  // Other lists have no such endings.
  EXPECT_FALSE(ParseNumberList("1k", &numbers).ok());
}

TEST(FlagsTest, RangesThatMakeNoSenseAreRefused) {
  std::vector<double> numbers;
  for (const char* bad :
       {"", "x", "1:2:3:4", "8:1:x2", "1:8:x1", "1:8:0", "0:8:x2", "1:8:-1",
        "nan", "1:inf:x2", "1:1e9:1", "1:1e300:1e-300"}) {
    EXPECT_FALSE(ParseNumberList(bad, &numbers).ok()) << bad;
    numbers.clear();
  }
}

}  // namespace
}  // namespace tokenjoule
