// Points of a design space: their numbers, their values, what they set.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/search/space.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kHead[] =
    "scenario { model: \"llama-3.1-8b\" hardware: \"h100-sxm\" tp: 2\n"
    "  set: \"hardware.board.static_power_w=80\" }\n"
    "objective { metric: \"energy_per_token_j\" }\n";

Space With(const std::string& axes) {
  return OrDie(ParseSpace(kHead + axes, "s.textproto"));
}

// 2 x 3 x 2 points.
constexpr char kAxes[] =
    "axis { path: \"scenario.weights\" value: \"bf16\" value: \"fp8\" }\n"
    "axis { path: \"hardware.memory.hbm.devices\"\n"
    "  linear { from: 4 to: 8 count: 3 }\n"
    "  tied { path: \"hardware.memory.hbm.capacity_gb\" factor: 16 } }\n"
    "axis { path: \"hardware\" value: \"h100-sxm\" value: \"b200\" }\n";

Steps StepsOf(double from, double to, int count) {
  Steps steps;
  steps.set_from(from);
  steps.set_to(to);
  steps.set_count(count);
  return steps;
}

TEST(SpacePointsTest, TheFirstAxisVariesSlowest) {
  const Space space = With(kAxes);
  EXPECT_EQ(space.points, 12u);
  EXPECT_THAT(ChoicesOf(space, 0), ElementsAre(0, 0, 0));
  EXPECT_THAT(ChoicesOf(space, 1), ElementsAre(0, 0, 1));
  EXPECT_THAT(ChoicesOf(space, 2), ElementsAre(0, 1, 0));
  EXPECT_THAT(ChoicesOf(space, 6), ElementsAre(1, 0, 0));
  EXPECT_THAT(ChoicesOf(space, 11), ElementsAre(1, 2, 1));
}

TEST(SpacePointsTest, EveryPointHasANumberOfItsOwn) {
  const Space space = With(kAxes);
  std::set<Choices> seen;
  for (uint64_t id = 0; id < space.points; ++id) {
    const Choices choices = ChoicesOf(space, id);
    EXPECT_EQ(IdOf(space, choices), id);
    EXPECT_TRUE(seen.insert(choices).second) << id;
  }
}

// Not searched: a space of these is only numbered.
TEST(SpacePointsTest, NumbersOfTheLargestSpacesAreExact) {
  Space space;
  for (int i = 0; i < 3; ++i) {
    space.axes.push_back(
        {{FieldValues("x", StepsOf(0, 1, 100'000), false, 1)}});
  }
  space.points = kMostPoints;
  const uint64_t last = kMostPoints - 1;
  EXPECT_THAT(ChoicesOf(space, last), ElementsAre(99'999, 99'999, 99'999));
  EXPECT_EQ(IdOf(space, ChoicesOf(space, last)), last);
  EXPECT_EQ(static_cast<uint64_t>(static_cast<double>(last)), last);
}

TEST(SpacePointsTest, LinearStepsEndExactlyWhereTheyShould) {
  // 1 / 3 is not exact; twelve digits of it are what a step says.
  const FieldValues values("x", StepsOf(0, 1, 4), false, 1);
  EXPECT_EQ(values.size(), 4u);
  EXPECT_EQ(values.At(0), "0");
  EXPECT_EQ(values.At(1), "0.333333333333");
  EXPECT_EQ(values.At(2), "0.666666666667");
  EXPECT_EQ(values.At(3), "1");
  EXPECT_EQ(FieldValues("x", StepsOf(0.1, 0.3, 3), false, 1).At(1), "0.2");
  EXPECT_EQ(FieldValues("x", StepsOf(8, 2, 4), false, 1).At(1), "6");
}

TEST(SpacePointsTest, LogarithmicStepsAreEqualFactors) {
  const FieldValues values("x", StepsOf(1, 1000, 4), true, 1);
  EXPECT_EQ(values.At(0), "1");
  EXPECT_EQ(values.At(1), "10");
  EXPECT_EQ(values.At(2), "100");
  EXPECT_EQ(values.At(3), "1000");
}

TEST(SpacePointsTest, OneStepIsItsBeginning) {
  for (const bool logarithmic : {false, true}) {
    const FieldValues one("x", StepsOf(3, 9, 1), logarithmic, 1);
    EXPECT_EQ(one.size(), 1u);
    EXPECT_EQ(one.At(0), "3");
  }
}

TEST(SpacePointsTest, AFactorMultipliesTheStepThatIsSaid) {
  // 0.333333333333 x 3, not 1 / 3 x 3.
  const FieldValues tied("x", StepsOf(0, 1, 4), false, 3);
  EXPECT_EQ(tied.At(1), "0.999999999999");
  EXPECT_EQ(tied.At(3), "3");
  EXPECT_EQ(tied.NumberAt(3), 3);
}

TEST(SpacePointsTest, ListsAreNumbersWhereAllOfThemAre) {
  EXPECT_TRUE(FieldValues("x", {"1", "2.5e3"}).IsNumeric());
  EXPECT_FALSE(FieldValues("x", {"1", "fp8"}).IsNumeric());
  EXPECT_FALSE(FieldValues("x", {"1", ""}).IsNumeric());
  EXPECT_TRUE(FieldValues("x", StepsOf(1, 2, 2), false, 1).IsNumeric());
  EXPECT_EQ(FieldValues("x", {"1", "2.5e3"}).NumberAt(1), 2500);
}

TEST(SpacePointsTest, AChoiceSetsItsFieldsAndThoseThatAreTied) {
  const Space space = With(kAxes);
  const auto setup = OrDie(SetupAt(space, {1, 2, 1}));
  EXPECT_EQ(setup.model.name(), "llama-3.1-8b");
  EXPECT_EQ(setup.hardware.name(), "b200");
  EXPECT_EQ(setup.scenario.weights(), "fp8");
  EXPECT_EQ(setup.scenario.tp(), 2);
  EXPECT_EQ(setup.hardware.memory(0).devices().value(), 8);
  EXPECT_EQ(setup.hardware.memory(0).capacity_gb().value(), 128);
  EXPECT_EQ(setup.hardware.board().static_power_w().value(), 80);
  EXPECT_FALSE(setup.draft.has_value());
  // What a scenario's file says besides is not how a model is run.
  EXPECT_EQ(setup.scenario.model(), "");
  EXPECT_EQ(setup.scenario.set_size(), 0);
}

TEST(SpacePointsTest, AnEmptyValueLeavesTheFieldAsItIs) {
  const Space space = With(
      "axis { path: \"scenario.weights\" value: \"bf16\" value: \"fp8\"\n"
      "  tied { path: \"scenario.kv\" value: \"\" value: \"fp8\" } }\n");
  EXPECT_EQ(OrDie(ScenarioAt(space, {0})).kv(), "");
  EXPECT_EQ(OrDie(ScenarioAt(space, {1})).kv(), "fp8");
}

TEST(SpacePointsTest, TheCommandOfAPointSetsTheSame) {
  const Space space = With(kAxes);
  EXPECT_EQ(CommandFor(space, {1, 2, 1}),
            "tokenjoule analyze --model=llama-3.1-8b --hardware=b200 "
            "--set=scenario.tp=2 --set=hardware.board.static_power_w=80 "
            "--set=hardware.memory.hbm.devices=8 "
            "--set=hardware.memory.hbm.capacity_gb=128 "
            "--set=scenario.weights=fp8");
}

TEST(SpacePointsTest, GroupsOfTheScenarioAreInTheCommand) {
  const Space space = OrDie(ParseSpace(
      "scenario { model: \"llama-3.1-70b\" hardware: \"b200\"\n"
      "  speculation { draft_tokens: 4 acceptance_rate: 0.5\n"
      "                draft_model: \"llama-3.2-1b\" } routing: BALANCED }\n"
      "axis { path: \"scenario.batch\" value: \"1\" value: \"2\" }\n"
      "objective { metric: \"energy_per_token_j\" }\n",
      "s.textproto"));
  EXPECT_EQ(CommandFor(space, {1}),
            "tokenjoule analyze --model=llama-3.1-70b --hardware=b200 "
            "--set=scenario.routing=BALANCED "
            "--set=scenario.speculation.draft_tokens=4 "
            "--set=scenario.speculation.acceptance_rate=0.5 "
            "--set=scenario.speculation.draft_model=llama-3.2-1b "
            "--set=scenario.batch=2");
  EXPECT_EQ(OrDie(SetupAt(space, {0})).draft->name(), "llama-3.2-1b");
}

TEST(SpacePointsTest, SpacesThatEvolveNeedNoNumbers) {
  std::string axes;
  for (const char* path : {"bandwidth_gb_per_s", "devices", "capacity_gb"}) {
    absl::StrAppend(&axes, "axis { path: \"hardware.memory.hbm.", path,
                    "\" linear { from: 4 to: 8 } }\n");
  }
  // A millionth of the range apart: 10^18 points.
  const Space space = With(axes + "evolution { population: 40 }\n");
  EXPECT_EQ(space.points, 0u);
  EXPECT_EQ(space.axes[0].size(), static_cast<size_t>(kContinuousChoices));
  EXPECT_EQ(space.axes[0].fields[0].At(0), "4");
  EXPECT_EQ(space.axes[0].fields[0].At(1), "4.000004");
  EXPECT_EQ(space.axes[0].fields[0].At(kContinuousChoices - 1), "8");
  EXPECT_THAT(ErrorOf(ParseSpace(kHead + axes, "s.textproto")),
              HasSubstr("count"));
}

TEST(SpacePointsTest, MorePointsThanCanBeNumberedAreRefused) {
  std::string axes;
  for (const char* path : {"bandwidth_gb_per_s", "devices", "capacity_gb"}) {
    absl::StrAppend(&axes, "axis { path: \"hardware.memory.hbm.", path,
                    "\" linear { from: 4 to: 4000 count: 200000 } }\n");
  }
  const std::string message = ErrorOf(ParseSpace(kHead + axes, "s.textproto"));
  EXPECT_THAT(message, StartsWith("s.textproto: axis: 8e+15 points; at most "
                                  "1000000000000000"));
  EXPECT_THAT(message, Not(HasSubstr("\n")));
}

TEST(SpacePointsTest, ANameOrAFileIsLoaded) {
  EXPECT_EQ(OrDie(LoadSpace("hbm-accelerator")).description.name(),
            "hbm-accelerator");
  EXPECT_THAT(ErrorOf(LoadSpace("hbm-acelerator")),
              HasSubstr("unknown design space \"hbm-acelerator\"; did you mean "
                        "\"hbm-accelerator\"?"));
  EXPECT_THAT(ErrorOf(LoadSpace("./no.textproto")),
              EndsWith("No such file or directory"));
}

}  // namespace
}  // namespace tokenjoule
