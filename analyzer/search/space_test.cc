// Where faults of a design space say they are.

#include "analyzer/search/space.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The faults of a space whose first two lines are these, and which has `axes`
// from line 3 on.
std::string FaultsOf(const std::string& axes) {
  const absl::StatusOr<Space> space = ParseSpace(
      "scenario { model: \"llama-3.1-8b\" hardware: \"h100-sxm\" }\n"
      "objective { metric: \"energy_per_token_j\" }\n" +
          axes,
      "s.textproto");
  return space.ok() ? "" : std::string(space.status().message());
}

constexpr char kGood[] =
    "axis { path: \"scenario.batch\" value: \"1\" value: \"8\" }\n";

TEST(SpaceTest, AFaultIsOfTheAxisThatIsWrongAndNotOfTheFirst) {
  EXPECT_EQ(FaultsOf(kGood), "");
  EXPECT_EQ(FaultsOf(std::string(kGood) +
                     "axis { path: \"hardware.memory.hbm.bandwith_gb_per_s\"\n"
                     "       linear { from: 2000 to: 4000 count: 3 } }\n"),
            "s.textproto:4:1: axis[hardware.memory.hbm.bandwith_gb_per_s]: "
            "unknown field of MemoryLevel \"bandwith_gb_per_s\"; did you mean "
            "\"bandwidth_gb_per_s\"?");
}

TEST(SpaceTest, EveryAxisThatIsWrongIsSaidOnce) {
  const std::string faults =
      FaultsOf("axis { path: \"scenario.batsh\" value: \"1\" value: \"8\" }\n" +
               std::string(kGood) +
               "axis { path: \"hardwear.board.static_power_w\" value: \"1\" }\n"
               "axis { path: \"model.d_modle\" value: \"4096\" }\n");
  EXPECT_EQ(faults,
            "s.textproto:3:1: axis[scenario.batsh]: unknown field of Scenario "
            "\"batsh\"; did you mean \"batch\"?\n"
            "s.textproto:5:1: axis[hardwear.board.static_power_w]: unknown "
            "root \"hardwear\"; did you mean \"hardware\"?\n"
            "s.textproto:6:1: axis[model.d_modle]: unknown field of Model "
            "\"d_modle\"; did you mean \"d_model\"?");
}

TEST(SpaceTest, AValueIsNamedWithItsOwnPlace) {
  EXPECT_EQ(FaultsOf("axis { path: \"scenario.batch\"\n  value: \"1\"\n"
                     "  value: \"many\" }\n"),
            "s.textproto:5:3: axis[scenario.batch]: \"many\": expected a "
            "number, which may end in k (1024) or M (1048576), found "
            "\"many\"");
  // The end of steps has none.
  EXPECT_THAT(FaultsOf("axis { path: \"hardware.memory.hbm.bandwidth_gb_per_s\""
                       " linear { from: 5 to: -5 count: 3 } }\n"),
              StartsWith("s.textproto:3:1: "
                         "axis[hardware.memory.hbm.bandwidth_gb_per_s]: "
                         "\"-5\": "));
}

TEST(SpaceTest, ATiedFieldIsNamedBelowItsAxis) {
  EXPECT_EQ(
      FaultsOf("axis { path: \"hardware.memory.hbm.devices\" value: \"4\"\n"
               "  tied { path: \"hardware.memory.hbm.capacity\" factor: 16 } "
               "}\n"),
      "s.textproto:4:3: axis[hardware.memory.hbm.devices].tied[hardware."
      "memory.hbm.capacity]: unknown field of MemoryLevel \"capacity\"; "
      "did you mean \"capacity_gb\"?");
}

TEST(SpaceTest, FaultsOfTheSchemaNameTheAxisToo) {
  const std::string faults =
      FaultsOf(std::string(kGood) +
               "axis { path: \"scenario.context\"\n"
               "  linear { from: 1 to: 2 count: -4 } }\n");
  EXPECT_THAT(faults, StartsWith("s.textproto:5:"));
  EXPECT_THAT(faults, HasSubstr("axis[scenario.context].linear.count: -4"));
}

TEST(SpaceTest, AnAxisWithoutAFieldIsCalledByItsNumber) {
  EXPECT_THAT(FaultsOf(std::string(kGood) + "axis { value: \"1\" }\n"),
              StartsWith("s.textproto:4:1: axis[1]: "));
}

TEST(SpaceTest, WhatAxesDoNotChangeIsNotTheirFault) {
  const absl::StatusOr<Space> space = ParseSpace(
      "scenario { model: \"llama-3.1-8c\" hardware: \"h100-sxm\" }\n"
      "axis { path: \"scenario.batch\" value: \"1\" }\n"
      "objective { metric: \"energy_per_token_j\" }\n",
      "s.textproto");
  ASSERT_FALSE(space.ok());
  EXPECT_THAT(std::string(space.status().message()),
              StartsWith("s.textproto:1:1: scenario: unknown model"));
  EXPECT_THAT(std::string(space.status().message()), Not(HasSubstr("axis")));
}

// llama-3.1-8b has 32 heads and 8 KV heads: 24 or 16 go with those, not with
// each other.
TEST(SpaceTest, FirstValuesThatAreFineAloneAreSaidNotToGoTogether) {
  EXPECT_THAT(
      FaultsOf(
          "axis { path: \"model.block.full.attention.heads\" value: \"24\" }\n"
          "axis { path: \"model.block.full.attention.kv_heads\"\n"
          "  value: \"16\" }\n"),
      StartsWith(
          "s.textproto:3:1: axis: the first values do not go together: "));
}

TEST(SpaceTest, ObjectivesAndLimitsHaveTheirPlaces) {
  EXPECT_EQ(FaultsOf(std::string(kGood) + "limit { metric: \"power_v\"\n"
                                          "        max: 1 }\n"),
            "s.textproto:4:9: limit[0].metric: unknown metric \"power_v\"; did "
            "you mean \"power_w\"?");
}

TEST(SpaceTest, ListsAsAWholeHaveThePlaceOfTheirFirst) {
  std::string objectives;
  for (const char* metric :
       {"power_w", "chips", "step_time_s", "tokens_per_s", "cost_usd"}) {
    objectives += std::string("objective { metric: \"") + metric + "\" }\n";
  }
  EXPECT_THAT(FaultsOf(kGood + objectives),
              StartsWith("s.textproto:2:1: objective: 6 objectives"));
  const absl::StatusOr<Space> space = ParseSpace(
      "scenario { model: \"llama-3.1-8b\" hardware: \"h100-sxm\"\n"
      "  set: \"nowhere\" }\n"
      "axis { path: \"scenario.batch\" value: \"1\" }\n"
      "objective { metric: \"energy_per_token_j\" }\n",
      "s.textproto");
  EXPECT_THAT(std::string(space.status().message()),
              StartsWith("s.textproto:2:3: scenario.set: "));
}

TEST(SpaceTest, AFieldThatIsSpeltInTwoWaysIsSetTwice) {
  const auto two = [](const char* a, const char* b) {
    return FaultsOf(absl::StrCat("axis { path: \"", a, "\" value: \"2000\" }\n",
                                 "axis { path: \"", b, "\" value: \"3000\" }\n"));
  };
  EXPECT_EQ(two("hardware.memory.hbm.bandwidth_gb_per_s",
                "hardware.memory[0].bandwidth_gb_per_s"),
            "s.textproto:4:1: axis[hardware.memory[0].bandwidth_gb_per_s]: "
            "hardware.memory[0].bandwidth_gb_per_s is set twice at a point: it is "
            "hardware.memory.hbm.bandwidth_gb_per_s");
  const std::pair<const char*, const char*> kTwice[] = {
      {"scenario.context", "scenario.context"},
      {"scenario.context", "scenario..context"},
      {"runtime.time_per_step_us", "hardware.runtime.time_per_step_us"},
      {"hardware.board.static_power_w", "hardware.board.static_power_w.value"},
      {"hardware.memory.0.bandwidth_gb_per_s",
       "hardware.memory.hbm.bandwidth_gb_per_s"},
  };
  for (const auto& [a, b] : kTwice) {
    EXPECT_THAT(two(a, b), HasSubstr("is set twice at a point")) << a << " " << b;
  }
  // Entries of one list, and ends of one range, are fields of their own.
  EXPECT_EQ(two("hardware.memory[0].bandwidth_gb_per_s",
                "hardware.memory[1].bandwidth_gb_per_s"),
            "");
  EXPECT_THAT(FaultsOf("axis { path: \"scenario.context\" value: \"2048\"\n"
                       "  tied { path: \"scenario..context\" factor: 2 } }\n"),
              HasSubstr("it is scenario.context"));
}

TEST(SpaceTest, AFlagDoesNotSetTheFieldOfAnAxisHoweverItIsSpelt) {
  const std::string text =
      "scenario { model: \"llama-3.1-8b\" hardware: \"h100-sxm\" }\n"
      "objective { metric: \"energy_per_token_j\" }\n"
      "axis { path: \"hardware.memory.hbm.bandwidth_gb_per_s\" value: \"3000\" }\n";
  for (const char* set : {"hardware.memory.hbm.bandwidth_gb_per_s=2000",
                          "hardware.memory[0].bandwidth_gb_per_s=2000"}) {
    const std::vector<std::string> changes = {set};
    const absl::StatusOr<Space> space =
        ParseSpace(text, "s.textproto", changes);
    ASSERT_FALSE(space.ok()) << set;
    EXPECT_THAT(std::string(space.status().message()),
                AllOf(StartsWith("--set: hardware.memory"),
                      HasSubstr("is set by")));
  }
  const std::vector<std::string> other = {
      "hardware.memory[1].bandwidth_gb_per_s=20000"};
  EXPECT_TRUE(ParseSpace(text, "s.textproto", other).ok());
}

}  // namespace
}  // namespace tokenjoule
