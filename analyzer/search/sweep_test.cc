#include "analyzer/search/sweep.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/textproto.h"
#include "analyzer/search/brute_force.h"
#include "analyzer/search/space.h"
#include "analyzer/testing/files.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

// Structure and numbers, limits that cut, points that do not fit, tied fields.
constexpr char kSmall[] = R"(
name: "small"
scenario { model: "llama-3.1-8b" hardware: "h100-sxm" context: 8192 }
axis { path: "scenario.batch" value: "1" value: "8" value: "64" }
axis {
  path: "hardware.memory.hbm.bandwidth_gb_per_s"
  linear { from: 1000 to: 8000 count: 11 }
}
axis { path: "scenario.weights" value: "bf16" value: "fp8" }
axis {
  path: "hardware.memory.hbm.devices"
  linear { from: 1 to: 8 count: 4 }
  tied { path: "hardware.memory.hbm.capacity_gb" factor: 16 }
}
axis {
  path: "hardware.memory.hbm.path_energy_pj_per_bit"
  value: "2" value: "8"
}
limit { metric: "time_per_token_s" max: 0.05 }
objective { metric: "energy_per_token_j" }
objective { metric: "time_per_token_s" }
objective { metric: "memory_left_bytes" maximize: true }
)";

Space Parsed(const std::string& text) {
  return OrDie(ParseSpace(text, "space.textproto"));
}

SweepStudy Searched(const Space& space, const SweepOptions& options = {}) {
  return OrDie(Sweep(space, options));
}

// The search the long way: every description loaded, every report made, every
// point compared with every other.
struct BruteForce {
  int feasible = 0, does_not_fit = 0, outside = 0, invalid = 0;
  std::vector<std::pair<uint64_t, SweepFigures>> front;
};

BruteForce SearchedByBruteForce(const Space& space) {
  BruteForce out;
  std::vector<std::pair<uint64_t, SweepFigures>> all;
  for (uint64_t id = 0; id < space.points; ++id) {
    const absl::StatusOr<SweepFigures> figures =
        FiguresOf(space, ChoicesOf(space, id));
    if (!figures.ok()) {
      ++out.invalid;
    } else if (figures->memory_left_bytes() < 0) {
      ++out.does_not_fit;
    } else if (figures->time_per_token_s() > 0.05) {
      ++out.outside;
    } else {
      ++out.feasible;
      all.emplace_back(id, *figures);
    }
  }
  out.front = NonDominated(all);
  return out;
}

void ExpectNear(double a, double b, const std::string& what) {
  EXPECT_NEAR(a, b, 1e-12 * std::abs(b)) << what;
}

TEST(SweepTest, EqualsTheLongWayPointByPoint) {
  const Space space = Parsed(kSmall);
  ASSERT_EQ(space.points, 3u * 11 * 2 * 4 * 2);
  const SweepStudy study = Searched(space);
  const BruteForce expected = SearchedByBruteForce(space);
  EXPECT_GT(expected.does_not_fit, 0);
  EXPECT_GT(expected.outside, 0);
  EXPECT_EQ(study.points(), space.points);
  EXPECT_EQ(study.feasible(), expected.feasible);
  EXPECT_EQ(study.does_not_fit(), expected.does_not_fit);
  EXPECT_EQ(study.outside_limits(), expected.outside);
  EXPECT_EQ(study.invalid(), expected.invalid);
  ASSERT_EQ(study.front_size(), static_cast<int>(expected.front.size()));
  for (const SweepPoint& point : study.front()) {
    const SweepFigures figures = OrDie(
        FiguresOf(space, ChoicesOf(space, static_cast<uint64_t>(point.id()))));
    const auto* type = SweepFigures::descriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      const auto* reflection = figures.GetReflection();
      ExpectNear(reflection->GetDouble(point.figures(), type->field(i)),
                 reflection->GetDouble(figures, type->field(i)),
                 std::string(type->field(i)->name()));
    }
  }
}

TEST(SweepTest, StacksAreLimitedByLayersAndHeatAndEqualTheLongWay) {
  const Space space = Parsed(R"(
    scenario { model: "llama-3.2-1b" batch: 8 }
    axis { path: "hardware" value: "hb-dram-asic" value: "hbm4-asic" }
    axis { path: "hardware.memory.backing.capacity_gb"
           value: "9" value: "18" value: "144" }
    axis { path: "hardware.board.static_power_w" value: "90" value: "700" }
    limit { metric: "stack_layers" max: 16 }
    limit { metric: "power_density_w_per_cm2" max: 88 }
    objective { metric: "memory_left_bytes" maximize: true }
    objective { metric: "stack_layers" }
    objective { metric: "stack_temperature_c" maximize: true })");
  const SweepStudy study = Searched(space);
  // 144 GB are 30 layers, 700 W more than are cooled; HBM lies beside the logic.
  EXPECT_EQ(study.outside_limits(), 4);
  ASSERT_GT(study.front_size(), 1);
  bool has_stack = false;
  for (const SweepPoint& point : study.front()) {
    const SweepFigures figures = OrDie(
        FiguresOf(space, ChoicesOf(space, static_cast<uint64_t>(point.id()))));
    const SweepFigures& found = point.figures();
    ExpectNear(found.stack_layers(), figures.stack_layers(), "layers");
    ExpectNear(found.power_density_w_per_cm2(),
               figures.power_density_w_per_cm2(), "density");
    ExpectNear(found.stack_temperature_c(), figures.stack_temperature_c(),
               "temperature");
    ExpectNear(found.memory_energy_share(), figures.memory_energy_share(),
               "share");
    const bool is_stack = point.values(0) == "hb-dram-asic";
    EXPECT_EQ(found.stack_layers() > 0, is_stack);
    has_stack |= is_stack;
  }
  EXPECT_TRUE(has_stack);
}

TEST(SweepTest, MemoryThatIsNoDramHasItsShareAndNoShareOfDram) {
  for (const char* hardware : {"sram-rack", "h100-sxm"}) {
    const Space one = Parsed(absl::StrCat(
        "scenario { model: \"llama-3.2-1b\" hardware: \"", hardware,
        "\" tp: 4 } may_not_fit: true axis { path: \"scenario.batch\" value: "
        "\"1\" } objective { metric: \"energy_per_token_j\" }"));
    const SweepStudy study = Searched(one);
    ASSERT_EQ(study.front_size(), 1) << hardware;
    const SweepFigures& figures = study.front(0).figures();
    const bool has_dram = std::string(hardware) == "h100-sxm";
    EXPECT_EQ(figures.has_dram_energy_share(), has_dram);
    EXPECT_EQ(figures.has_stack_energy_share(), has_dram);
    EXPECT_GT(figures.memory_energy_share(), 0);
  }
}

// Every axis moves cost: combinations, kernel numbers, several chips.
TEST(SweepTest, AreaAndCostEqualTheLongWay) {
  const Space space = Parsed(R"(
    scenario { model: "llama-3.1-8b" batch: 8 }
    axis { path: "hardware" value: "hbm4-asic" value: "hb-dram-asic" }
    axis { path: "scenario.tp" value: "1" value: "4" }
    axis { path: "hardware.memory.backing.devices" value: "2" value: "8" }
    axis { path: "hardware.memory.buffer.capacity_gb"
           logarithmic { from: 0.032 to: 4 count: 5 } }
    axis { path: "hardware.silicon.wafer_cost_usd"
           linear { from: 9000 to: 20000 count: 3 } }
    limit { metric: "area_mm2" max: 10000 }
    objective { metric: "memory_left_bytes" maximize: true }
    objective { metric: "time_per_token_s" }
    objective { metric: "cost_usd" })");
  const SweepStudy study = Searched(space);
  EXPECT_GT(study.outside_limits(), 0);
  ASSERT_GT(study.front_size(), 1);
  for (const SweepPoint& point : study.front()) {
    const SweepFigures figures = OrDie(
        FiguresOf(space, ChoicesOf(space, static_cast<uint64_t>(point.id()))));
    EXPECT_GT(figures.cost_usd(), 0);
    ExpectNear(point.figures().area_mm2(), figures.area_mm2(), "area");
    ExpectNear(point.figures().cost_usd(), figures.cost_usd(), "cost");
    // Wafers are never worth more than the cheapest.
    EXPECT_EQ(point.values(4), "9000");
  }
}

// Numbers of the array that only the kernel reads move noise and wear.
TEST(SweepTest, NoiseAndWearEqualTheLongWayAndLimit) {
  const std::string text = R"(
    scenario { model: "llama-3.1-8b" hardware: "aimc-hbm3e" weights: "int8"
               activations: "int8" context: 2048 }
    axis { path: "scenario.batch" value: "1" value: "64" }
    axis { path: "hardware.engine.aimc.analog.full_scale_v"
           linear { from: 0.1 to: 0.9 count: 9 } }
    axis { path: "hardware.engine.aimc.array.endurance_writes"
           logarithmic { from: 1e6 to: 1e12 count: 7 } }
    objective { metric: "energy_per_token_j" }
    objective { metric: "wear_per_year" })";
  const Space space = Parsed(text);
  const SweepStudy study = Searched(space);
  ASSERT_GT(study.front_size(), 0);
  for (const SweepPoint& point : study.front()) {
    const SweepFigures figures = OrDie(
        FiguresOf(space, ChoicesOf(space, static_cast<uint64_t>(point.id()))));
    EXPECT_GT(figures.wear_per_year(), 0);
    ExpectNear(point.figures().snr_db(), figures.snr_db(), "snr");
    ExpectNear(point.figures().wear_per_year(), figures.wear_per_year(),
               "wear");
  }
  // As many are inside the limits as one by one.
  int inside = 0;
  for (uint64_t id = 0; id < space.points; ++id) {
    const SweepFigures figures = OrDie(FiguresOf(space, ChoicesOf(space, id)));
    inside += figures.snr_db() >= 42 && figures.wear_per_year() <= 0.2;
  }
  EXPECT_GT(inside, 0);
  const SweepStudy limited =
      Searched(Parsed(text + "limit { metric: \"snr_db\" min: 42 }"
                             "limit { metric: \"wear_per_year\" max: 0.2 }"));
  EXPECT_EQ(limited.feasible(), inside);
  EXPECT_LT(inside, space.points);
}

TEST(SweepTest, ShardsAndThreadsDoNotChangeTheBytes) {
  const Space space = Parsed(kSmall);
  std::vector<std::string> answers;
  for (const int shards : {1, 2, 8}) {
    std::vector<SweepStudy> parts;
    for (int i = shards - 1; i >= 0; --i) {
      SweepOptions options;
      options.shard = i;
      options.shards = shards;
      options.threads = 1 + i % 3;
      SweepStudy part = Searched(space, options);
      EXPECT_EQ(part.points_per_second_per_core(), 0);
      parts.push_back(std::move(part));
    }
    const SweepStudy merged = OrDie(MergeShards(space, parts));
    answers.push_back(merged.SerializeAsString());
  }
  EXPECT_EQ(answers[0], answers[1]);
  EXPECT_EQ(answers[0], answers[2]);
}

// All feasible points that are not on the front, one by one.
TEST(SweepTest, DominatedPointsAreThoseNotOnTheFront) {
  const Space space = Parsed(kSmall);
  SweepOptions options;
  options.dominated = 1'000'000;
  const SweepStudy study = Searched(space, options);
  const SweepStudy plain = Searched(space);
  ASSERT_EQ(study.front_size(), plain.front_size());
  EXPECT_EQ(study.feasible(), plain.feasible());
  EXPECT_EQ(study.dominated_points(), study.feasible() - study.front_size());
  EXPECT_EQ(study.dominated_size(), study.dominated_points());
  std::set<double> seen;
  for (int i = 0; i < study.front_size(); ++i) {
    EXPECT_EQ(study.front(i).id(), plain.front(i).id());
    EXPECT_TRUE(seen.insert(study.front(i).id()).second);
  }
  for (const SweepPoint& point : study.dominated()) {
    EXPECT_TRUE(seen.insert(point.id()).second);
    const SweepFigures figures = OrDie(
        FiguresOf(space, ChoicesOf(space, static_cast<uint64_t>(point.id()))));
    ExpectNear(point.figures().energy_per_token_j(),
               figures.energy_per_token_j(), "energy");
  }
  EXPECT_EQ(plain.dominated_size(), 0);
  EXPECT_EQ(plain.dominated_points(), study.dominated_points());
}

TEST(SweepTest, TheBaselineIsTheFirstValueOfEveryAxis) {
  const std::string text = R"(
    scenario { model: "llama-3.1-8b" hardware: "h100-sxm" }
    axis { path: "scenario.batch" value: "2" value: "8" }
    axis { path: "scenario.weights" value: "bf16" value: "fp8" }
    objective { metric: "energy_per_token_j" }
    objective { metric: "time_per_token_s" })";
  const Space space = Parsed(text);
  const SweepStudy study = Searched(space);
  ASSERT_TRUE(study.has_baseline());
  EXPECT_EQ(study.baseline().id(), 0);
  for (int i = 0; i < study.axes_size(); ++i) {
    EXPECT_EQ(study.baseline().values(i), space.axes[i].fields[0].At(0));
  }
  const SweepFigures figures = OrDie(FiguresOf(space, ChoicesOf(space, 0)));
  ExpectNear(study.baseline().figures().energy_per_token_j(),
             figures.energy_per_token_j(), "energy");
  // Not if it is outside of a limit.
  const SweepStudy limited = Searched(Parsed(absl::StrCat(
      text, " limit { metric: \"energy_per_token_j\" max: ",
      figures.energy_per_token_j() * 0.999, " }")));
  EXPECT_FALSE(limited.has_baseline());
}

TEST(SweepTest, MergedShardsHaveTheDominatedPointsOfTheWhole) {
  const Space space = Parsed(kSmall);
  std::vector<std::string> answers;
  for (const int shards : {1, 3, 8}) {
    std::vector<SweepStudy> parts;
    for (int i = 0; i < shards; ++i) {
      SweepOptions options;
      options.shard = i;
      options.shards = shards;
      options.threads = 1 + i % 2;
      options.dominated = 7;
      parts.push_back(Searched(space, options));
    }
    const SweepStudy merged = OrDie(MergeShards(space, parts, 7));
    EXPECT_EQ(merged.dominated_size(), 7);
    answers.push_back(merged.SerializeAsString());
    // More than the shards have.
    EXPECT_TRUE(absl::StrContains(ErrorOf(MergeShards(space, parts, 100)),
                                  "run it with --dominated=100"));
  }
  EXPECT_EQ(answers[0], answers[1]);
  EXPECT_EQ(answers[0], answers[2]);
  SweepOptions options;
  options.dominated = 7;
  SweepStudy whole = Searched(space, options);
  whole.clear_points_per_second_per_core();
  EXPECT_EQ(whole.SerializeAsString(), answers[0]);
}

TEST(SweepTest, MergeRefusesWhatIsNotTheWhole) {
  const Space space = Parsed(kSmall);
  std::vector<SweepStudy> parts;
  for (int i = 0; i < 3; ++i) {
    SweepOptions options;
    options.shard = i;
    options.shards = 3;
    parts.push_back(Searched(space, options));
  }
  ASSERT_TRUE(MergeShards(space, parts).ok());
  const auto refused = [&](const std::vector<SweepStudy>& shards,
                           const char* why) {
    const std::string message = ErrorOf(MergeShards(space, shards));
    EXPECT_TRUE(absl::StrContains(message, why)) << message;
  };
  refused({parts[0], parts[2]}, "shard 1 of 3 is missing");
  refused({parts[0], parts[1], parts[1], parts[2]}, "there twice");
  std::vector<SweepStudy> mixed = parts;
  mixed[1].set_fingerprint("0");
  refused(mixed, "another space");
  // A shard with points on its front.
  size_t full = 0;
  while (parts[full].front_size() == 0) ++full;
  mixed = parts;
  mixed[full].mutable_front(0)->mutable_figures()->set_energy_per_token_j(
      std::nan(""));
  refused(mixed, "an objective that is no number");
  mixed = parts;
  mixed[full].mutable_front(0)->set_id(1e17);
  refused(mixed, "that the space has not");
  mixed = parts;
  mixed[full].clear_front();
  refused(mixed, "has 0 points on its front");
  mixed = parts;
  mixed[full].set_feasible(mixed[full].feasible() + 1);
  refused(mixed, "do not add up");
  mixed = parts;
  mixed[0].set_shards(2147483647);
  refused(mixed, "is none");
  mixed = parts;
  mixed[2].set_interrupted(true);
  refused(mixed, "interrupted");
  refused({}, "no shards");
}

// Shards of searches whose answers differ must not be merged, whatever it is that
// differs: here the content of the draft model's file, whose name stays.
TEST(SweepTest, TheFingerprintIsThatOfAllThatAnAnswerDependsOn) {
  const std::string draft = TempPath("draft.textproto");
  const auto fingerprint_with = [&](const std::string& model) {
    Write(draft, PrintTextproto(OrDie(LoadModel(model))));
    return Searched(Parsed(absl::StrCat(R"(
      scenario {
        model: "llama-3.1-70b" hardware: "h100-sxm" tp: 4
        speculation { draft_tokens: 4 acceptance_rate: 0.7 draft_model: ")",
                                        draft, R"(" } }
      axis { path: "scenario.batch" value: "1" value: "8" }
      objective { metric: "energy_per_token_j" })")))
        .fingerprint();
  };
  const std::string small = fingerprint_with("llama-3.2-1b");
  EXPECT_NE(small, fingerprint_with("llama-3.2-3b"));
  EXPECT_EQ(small, fingerprint_with("llama-3.2-1b"));
}

TEST(SweepTest, PointsThatCannotBeAreCountedWithTheirReason) {
  const SweepStudy study = Searched(Parsed(R"(
    scenario { model: "llama-3.1-8b" hardware: "h100-sxm" }
    axis { path: "scenario.tp" value: "1" value: "3" value: "8" }
    axis { path: "hardware.board.static_power_w"
           linear { from: 50 to: 150 count: 5 } }
    objective { metric: "energy_per_token_j" })"));
  EXPECT_EQ(study.invalid(), 5);
  EXPECT_EQ(study.feasible(), 10);
  ASSERT_EQ(study.invalid_reasons_size(), 1);
  EXPECT_TRUE(absl::StrContains(study.invalid_reasons(0).reason(), "tp"));
  // One objective: the least energy, at the least static power.
  ASSERT_EQ(study.front_size(), 1);
  EXPECT_EQ(study.front(0).values(1), "50");
}

// More bandwidth is never worse in time and energy on one machine: the front of
// both is where it is largest.
TEST(SweepTest, KnownDominance) {
  const SweepStudy study = Searched(Parsed(R"(
    scenario { model: "llama-3.1-8b" hardware: "hbm4-asic" }
    axis { path: "hardware.memory.backing.bandwidth_gb_per_s"
           logarithmic { from: 1000 to: 20000 count: 37 } }
    objective { metric: "energy_per_token_j" }
    objective { metric: "time_per_token_s" })"));
  ASSERT_EQ(study.front_size(), 1);
  EXPECT_EQ(study.front(0).id(), 36);
}

TEST(SweepTest, DrawnPointsAreAmongThoseOfTheGrid) {
  const Space whole = Parsed(kSmall);
  const Space drawn =
      Parsed(absl::StrCat(kSmall, "sample { points: 400 seed: 3 }"));
  const SweepStudy study = Searched(drawn);
  EXPECT_EQ(study.points(), 400);
  for (const SweepPoint& point : study.front()) {
    const SweepFigures figures = OrDie(
        FiguresOf(whole, ChoicesOf(whole, static_cast<uint64_t>(point.id()))));
    ExpectNear(point.figures().energy_per_token_j(),
               figures.energy_per_token_j(), "energy");
  }
  SweepOptions threads;
  threads.threads = 3;
  EXPECT_EQ(Searched(drawn, threads).feasible(), study.feasible());
}

TEST(SweepTest, NumbersAndChoicesGoThereAndBack) {
  const Space space = Parsed(kSmall);
  for (uint64_t id = 0; id < space.points; ++id) {
    EXPECT_EQ(IdOf(space, ChoicesOf(space, id)), id);
  }
}

TEST(SweepTest, BadSpacesSayWhatIsWrong) {
  const std::string head =
      "scenario { model: \"llama-3.1-8b\" hardware: \"h100-sxm\" } ";
  const std::string tail = " objective { metric: \"energy_per_token_j\" }";
  const std::pair<std::string, const char*> cases[] = {
      {"", "axis"},
      {head + "axis { path: \"scenario.batch\" }" + tail, "no values"},
      {head +
           "axis { path: \"scenario.batch\" value: \"1\" linear { from: 1 "
           "to: 2 count: 2 } }" +
           tail,
       "two kinds"},
      {head + "axis { path: \"scenario.batsh\" value: \"1\" }" + tail, "batch"},
      {head + "axis { path: \"scenario.batch\" value: \"many\" }" + tail,
       "many"},
      {head + "axis { path: \"scenario.batch\" value: \"1\" value: \"-3\" }" +
           " objective { metric: \"energy_per_tokn_j\" }",
       "energy_per_token_j"},
      {head +
           "axis { path: \"hardware.memory.hbm.bandwidth_gb_per_s\" "
           "linear { from: -5 to: 2 count: 3 } }" +
           tail,
       "-5"},
      {head +
           "axis { path: \"scenario.batch\" logarithmic { from: 0 to: 8 "
           "count: 4 } }" +
           tail,
       "above 0"},
      {head +
           "axis { path: \"scenario.batch\" value: \"1\" tied { path: "
           "\"scenario.context\" value: \"1\" value: \"2\" } }" +
           tail,
       "2 values"},
      {head +
           "axis { path: \"scenario.batch\" value: \"1\" } limit { metric: "
           "\"power_w\" }" +
           tail,
       "limits nothing"},
      {head + "axis { path: \"scenario.batch\" value: \"1\" } objective { "
              "metric: \"cost_usd\" }",
       "h100-sxm has no `silicon`"},
      {"scenario { model: \"llama-3.1-8b\" } axis { path: \"hardware\" value: "
       "\"hbm4-asic\" value: \"b200\" } limit { metric: \"area_mm2\" max: 1 "
       "}" +
           tail,
       "b200 has no `silicon`, which limit[0]"},
      {head + "axis { path: \"elsewhere.x\" value: \"1\" }" + tail, "root"},
  };
  for (const auto& [text, expected] : cases) {
    const std::string message = ErrorOf(ParseSpace(text, "s.textproto"));
    EXPECT_TRUE(absl::StrContains(message, expected)) << text << "\n"
                                                      << message;
  }
}

TEST(SweepTest, EveryValueThatNamesNothingIsSaid) {
  const std::string message = ErrorOf(ParseSpace(R"(
    scenario { model: "llama-3.1-8b" hardware: "h100-sxm" }
    axis { path: "scenario.batch" value: "1" value: "many" value: "lots" }
    axis { path: "scenario.weights" value: "bf16" value: "fp9" value: "bf17" }
    objective { metric: "energy_per_token_j" })",
                                                 "s"));
  for (const char* said : {"\"many\"", "\"lots\"", "\"fp9\"", "\"bf17\"",
                           "did you mean \"fp8\""}) {
    EXPECT_TRUE(absl::StrContains(message, said)) << said << "\n" << message;
  }
}

TEST(SweepTest, SpacesOfTheCatalogueAreSearched) {
  for (const char* name : {"hbm-accelerator", "lpddr5x-edge", "stacked-dram",
                           "analog-or-digital"}) {
    const absl::StatusOr<Space> space = LoadSpace(name);
    ASSERT_TRUE(space.ok()) << name << " " << space.status();
    const SweepStudy study = Searched(*space);
    EXPECT_EQ(study.points(), space->points) << name;
    EXPECT_GT(study.feasible(), 0) << name;
    EXPECT_GT(study.front_size(), 0) << name;
    EXPECT_EQ(study.invalid(), 0) << name << study.DebugString();
  }
}

}  // namespace
}  // namespace tokenjoule
