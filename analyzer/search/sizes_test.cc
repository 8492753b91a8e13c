// Searches over batch and context, whose steps are counted in packs, against
// the same points analysed one by one.

#include "analyzer/search/sizes.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "analyzer/cost/pack.h"
#include "analyzer/cost/pack_kernel.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/search/brute_force.h"
#include "analyzer/search/compile.h"
#include "analyzer/search/figures.h"
#include "analyzer/search/plan.h"
#include "analyzer/search/space.h"
#include "analyzer/search/sweep.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

Space Parsed(const std::string& text) {
  return OrDie(ParseSpace(text, "space.textproto"));
}

// A space of these scenario fields over batches and contexts. Thirteen batches
// and seven contexts fill no whole number of packs.
std::string OverSizes(const std::string& scenario,
                      const std::string& axes = "") {
  return absl::StrCat("scenario { ", scenario, R"( }
    axis { path: "scenario.batch" linear { from: 1 to: 121 count: 13 } }
    axis { path: "scenario.context"
           logarithmic { from: 128 to: 131072 count: 7 } } )",
                      axes, R"(
    objective { metric: "energy_per_token_j" }
    objective { metric: "time_per_token_s" }
    objective { metric: "memory_left_bytes" maximize: true })");
}

struct Case {
  const char* name;
  const char* scenario;
};

constexpr Case kCases[] = {
    {"dense", R"(model: "llama-3.1-8b" hardware: "h100-sxm")"},
    {"dense over chips",
     R"(model: "llama-3.1-70b" hardware: "h100-sxm" tp: 4 pp: 2)"},
    {"experts", R"(model: "qwen3-30b-a3b" hardware: "h100-sxm")"},
    {"experts by popularity", R"(model: "qwen3-30b-a3b" hardware: "h100-sxm"
      routing: POWER_LAW routing_exponent: 0.8)"},
    {"experts spread", R"(model: "qwen3-30b-a3b" hardware: "h100-sxm" dp: 4
      ep: 4)"},
    {"balanced experts", R"(model: "qwen3-30b-a3b" hardware: "h100-sxm"
      routing: BALANCED)"},
    {"windows", R"(model: "gemma-3-27b" hardware: "h100-sxm")"},
    {"chunks", R"(model: "llama-4-scout" hardware: "h100-sxm" tp: 8)"},
    {"prompts in chunks", R"(model: "llama-4-scout" hardware: "h100-sxm" tp: 8
      prompt: 9000 output: 200)"},
    {"links of a mesh",
     R"(model: "llama-3.1-8b" hardware: "mi300x" tp: 2 pp: 2)"},
    {"latent", R"(model: "deepseek-v2-lite" hardware: "h100-sxm")"},
    {"latent over replicas", R"(model: "deepseek-v2-lite" hardware: "h100-sxm"
      dp: 2 ep: 2)"},
    {"hybrid", R"(model: "nemotron-nano-9b-v2" hardware: "h100-sxm")"},
    {"linear attention", R"(model: "qwen3-next-80b-a3b" hardware: "h100-sxm"
      tp: 2)"},
    {"Mamba-1", R"(model: "jamba-v0.1" hardware: "h100-sxm" tp: 2)"},
    {"pages", R"(model: "llama-3.1-8b" hardware: "h100-sxm"
      kv_page_tokens: 48)"},
    {"shared prefix", R"(model: "llama-3.1-8b" hardware: "h100-sxm"
      shared_prefix_tokens: 100 shared_prefix_read_once: true)"},
    {"mixed serving", R"(model: "llama-3.1-8b" hardware: "h100-sxm" prompt: 1000
      output: 200)"},
    {"mixed serving of windows", R"(model: "gemma-3-27b" hardware: "h100-sxm"
      prompt: 3000 output: 200)"},
    {"a draft", R"(model: "llama-3.1-70b" hardware: "h100-sxm" tp: 8
      speculation { draft_model: "llama-3.2-1b" draft_tokens: 3
                    acceptance_rate: 0.7 })"},
    {"an accepted fraction", R"(model: "llama-3.1-8b" hardware: "h100-sxm"
      speculation { draft_tokens: 4 accepted_fraction: 0.56 })"},
    {"an array that grows the model", R"(model: "llama-3.1-8b"
      hardware: "dimc-hbm3e" weights: "int8" activations: "int8")"},
    {"arrays that hold weights", R"(model: "llama-3.2-1b"
      hardware: "dimc-resident" weights: "int8" activations: "int8")"},
    {"ideal", R"(model: "llama-3.1-8b" hardware: "h100-sxm" ideal: true)"},
};

// The machine of a space whose buffer keeps sequences as long as there is room.
constexpr char kPinned[] = R"(model: "llama-3.1-8b" hardware: "hbm4-asic"
    set: "hardware.memory.buffer.pinned_capacity_fraction=0.5")";
constexpr char kPins[] = R"(
    axis { path: "hardware.memory.buffer.pins"
           value: "SEQUENCES" value: "WEIGHTS" }
    axis { path: "hardware.memory.buffer.capacity_gb" value: "4" })";

void ExpectNear(const SweepFigures& a, const SweepFigures& b,
                const std::string& what) {
  const auto* type = SweepFigures::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const auto* field = type->field(i);
    const double x = a.GetReflection()->GetDouble(a, field);
    const double y = b.GetReflection()->GetDouble(b, field);
    EXPECT_NEAR(x, y, 1e-12 * std::abs(y)) << what << " " << field->name();
  }
}

// How many pairs of batch and context of a combination were counted in packs,
// every figure of them being that of the point analysed by itself.
int ExpectPacksEqualPoints(const Space& space, uint64_t number,
                           const std::string& what) {
  const Plan plan = OrDie(MakePlanBySizes(space));
  Compiler compiler(space, plan);
  const auto sized = OrDie(compiler.CompileSized(number));
  if (sized->base == nullptr) return 0;
  int in_packs = 0;
  std::vector<std::pair<uint64_t, SizeChoice>> lanes;
  const auto flush = [&] {
    Pack batch, context;
    for (size_t lane = 0; lane < Pack::kLanes; ++lane) {
      const auto& choice = lanes[std::min(lane, lanes.size() - 1)].second;
      batch.value[lane] = choice.batch;
      context.value[lane] = choice.context;
    }
    SizedStep step;
    if (sized->steps->Build(batch, context, sized->base->pack, &step)) {
      PackCost cost;
      EvaluateSteps(step.step, {}, 1, &sized->base->pack, &cost);
      const FigureValues<Pack> figures = FiguresFrom(step.facts, cost);
      for (size_t lane = 0; lane < lanes.size(); ++lane) {
        FigureValues<double> values;
        for (int i = 0; i < kNumFigures; ++i) values[i] = figures[i][lane];
        const uint64_t id =
            IdOf(space, sized->choices) + lanes[lane].second.offset;
        ExpectNear(ToProto(values),
                   OrDie(FiguresOf(space, ChoicesOf(space, id))),
                   absl::StrCat(what, " ", id));
        ++in_packs;
      }
    }
    lanes.clear();
  };
  for (uint64_t n = 0; n < plan.size_points; ++n) {
    const SizeChoice choice = sized->At(n);
    if (!choice.valid) continue;
    lanes.push_back({n, choice});
    if (lanes.size() == Pack::kLanes) flush();
  }
  if (!lanes.empty()) flush();
  return in_packs;
}

TEST(SizesTest, FiguresInPacksAreThoseOfPointsOneByOne) {
  for (const Case& c : kCases) {
    const Space space = Parsed(OverSizes(c.scenario));
    const int in_packs = ExpectPacksEqualPoints(space, 0, c.name);
    // Latent attention takes another form from some size on, in a few packs.
    EXPECT_GT(in_packs, 13 * 7 * 2 / 3) << c.name;
  }
}

TEST(SizesTest, LanesThatDifferInStructureAreNoPack) {
  const Space space = Parsed(OverSizes(kPinned, kPins));
  const int in_packs = ExpectPacksEqualPoints(space, 0, "pinned");
  EXPECT_GT(in_packs, 0);
  EXPECT_LT(in_packs, 13 * 7);
}

// The points of a space told apart one by one, and the front of those that fit.
struct OneByOne {
  int feasible = 0, does_not_fit = 0, invalid = 0;
  std::vector<std::pair<uint64_t, SweepFigures>> front;
};

bool FitsAt(const Space& space, uint64_t id) {
  return OrDie(
             Analyze(OrDie(SetupAt(space, ChoicesOf(space, id))), kFiguresOnly))
      .fits();
}

OneByOne SearchedOneByOne(const Space& space) {
  OneByOne out;
  std::vector<std::pair<uint64_t, SweepFigures>> all;
  for (uint64_t id = 0; id < space.points; ++id) {
    const absl::StatusOr<SweepFigures> figures =
        FiguresOf(space, ChoicesOf(space, id));
    if (!figures.ok()) {
      ++out.invalid;
    } else if (!FitsAt(space, id)) {
      ++out.does_not_fit;
    } else {
      ++out.feasible;
      all.emplace_back(id, *figures);
    }
  }
  out.front = NonDominated(all);
  return out;
}

// The search, whose front must be that of points one by one.
SweepStudy ExpectSearchEqualsPoints(const Space& space,
                                    const std::string& what) {
  const SweepStudy study = OrDie(Sweep(space));
  const OneByOne expected = SearchedOneByOne(space);
  EXPECT_EQ(study.points(), space.points) << what;
  EXPECT_EQ(study.feasible(), expected.feasible) << what;
  EXPECT_EQ(study.does_not_fit(), expected.does_not_fit) << what;
  EXPECT_EQ(study.invalid(), expected.invalid) << what;
  std::vector<uint64_t> ids, expected_ids;
  for (const SweepPoint& point : study.front()) {
    ids.push_back(static_cast<uint64_t>(point.id()));
    ExpectNear(point.figures(),
               OrDie(FiguresOf(space, ChoicesOf(space, ids.back()))), what);
  }
  for (const auto& [id, figures] : expected.front) expected_ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, expected_ids) << what;
  return study;
}

TEST(SizesTest, FrontsAreThoseOfPointsOneByOne) {
  for (const Case& c : kCases) {
    ExpectSearchEqualsPoints(Parsed(OverSizes(c.scenario)), c.name);
  }
}

TEST(SizesTest, FrontsWithPinnedDataAreThoseOfPointsOneByOne) {
  ExpectSearchEqualsPoints(Parsed(OverSizes(kPinned, kPins)), "pinned");
}

// Kernel axes before, between and after, beside one of structure.
TEST(SizesTest, KernelAxesGoWithSizes) {
  const std::string tail = R"(
    objective { metric: "energy_per_token_j" }
    objective { metric: "time_per_token_s" }
    objective { metric: "memory_left_bytes" maximize: true })";
  const SweepStudy study = ExpectSearchEqualsPoints(
      Parsed(R"(scenario { model: "llama-3.1-8b" hardware: "h100-sxm" }
    axis { path: "hardware.board.static_power_w" value: "50" value: "90" }
    axis { path: "scenario.context" linear { from: 1000 to: 9000 count: 3 } }
    axis { path: "hardware.memory.hbm.capacity_gb"
           linear { from: 20 to: 60 count: 3 } }
    axis { path: "scenario.weights" value: "bf16" value: "fp8" }
    axis { path: "scenario.batch" value: "1" value: "40" value: "7" }
    axis { path: "hardware.memory.hbm.bandwidth_gb_per_s"
           linear { from: 1000 to: 8000 count: 5 } })" +
             tail),
      "kernel axes");
  EXPECT_GT(study.does_not_fit(), 0);
  // Rows that are longer than a run of packs; one axis of sizes alone.
  ExpectSearchEqualsPoints(
      Parsed(R"(scenario { model: "llama-3.1-8b" hardware: "h100-sxm" }
    axis { path: "hardware.memory.hbm.bandwidth_gb_per_s"
           linear { from: 1000 to: 8000 count: 300 } }
    axis { path: "scenario.batch" value: "3" value: "2" value: "64" })" +
             tail),
      "long rows");
  ExpectSearchEqualsPoints(
      Parsed(R"(scenario { model: "llama-3.1-8b" hardware: "h100-sxm" batch: 9 }
    axis { path: "scenario.context" linear { from: 10 to: 5000 count: 21 } })" +
             tail),
      "contexts alone");
}

// That a search counts what is invalid as each point compiled by itself says,
// reason by reason. Returns how many reasons there are.
size_t ExpectReasonsOfPoints(const Space& space) {
  std::map<std::string, int> expected, found;
  const Plan plan = OrDie(MakePlan(space));
  Compiler compiler(space, plan);
  for (uint64_t id = 0; id < space.points; ++id) {
    const auto compiled =
        compiler.Compile(CombinationOf(space, plan, ChoicesOf(space, id)));
    if (!compiled.ok()) ++expected[std::string(compiled.status().message())];
  }
  // A shard says every reason.
  SweepOptions options;
  options.shards = 1;
  const SweepStudy study = OrDie(Sweep(space, options));
  for (const InvalidReason& reason : study.invalid_reasons()) {
    found[reason.reason()] = static_cast<int>(reason.points());
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(study.points(), space.points);
  return expected.size();
}

// Some batches leave replicas without a sequence, some contexts are shorter
// than the prefix.
TEST(SizesTest, WhatIsInvalidHasTheReasonsOfPointsOneByOne) {
  const Space space = Parsed(R"(
    scenario { model: "llama-3.1-8b" hardware: "h100-sxm" dp: 4
               shared_prefix_tokens: 100 }
    axis { path: "scenario.batch" linear { from: 1 to: 12 count: 12 } }
    axis { path: "scenario.context" value: "90" value: "2000" value: "50"
           value: "101" }
    axis { path: "hardware.board.static_power_w" value: "50" value: "90" }
    objective { metric: "energy_per_token_j" }
    objective { metric: "time_per_token_s" }
    objective { metric: "memory_left_bytes" maximize: true })");
  EXPECT_EQ(ExpectReasonsOfPoints(space), 3u + 2 + 3 * 2);
  const SweepStudy study = ExpectSearchEqualsPoints(space, "invalid");
  EXPECT_EQ(study.invalid(), 2 * (12 * 2 + 3 * 2));
}

// What no batch and no context changes, beside what one of them does.
TEST(SizesTest, WhatIsInvalidWithAnySizesHasItsReasons) {
  EXPECT_EQ(ExpectReasonsOfPoints(Parsed(R"(
    scenario { model: "llama-3.1-8b" hardware: "h100-sxm" dp: 2 }
    axis { path: "scenario.tp" value: "1" value: "3" value: "2" }
    axis { path: "scenario.batch" linear { from: 1 to: 12 count: 12 } }
    axis { path: "scenario.context" value: "90" value: "2000" }
    objective { metric: "energy_per_token_j" })")),
            3u);
}

// Merged shards of a search, some with several threads.
std::string Merged(const Space& space, int shards) {
  std::vector<SweepStudy> parts;
  for (int i = shards - 1; i >= 0; --i) {
    SweepOptions options;
    options.shard = i;
    options.shards = shards;
    options.threads = 1 + i % 3;
    parts.push_back(OrDie(Sweep(space, options)));
  }
  return OrDie(MergeShards(space, parts)).SerializeAsString();
}

TEST(SizesTest, ShardsAndThreadsDoNotChangeTheBytes) {
  // Several slices of sizes; of kernel points and sizes; small combinations.
  const std::string head =
      R"(scenario { model: "llama-3.1-8b" hardware: "h100-sxm" dp: 2 } )";
  const std::string tail = R"( objective { metric: "energy_per_token_j" }
                               objective { metric: "time_per_token_s" })";
  const std::string spaces[] = {
      R"(axis { path: "scenario.batch" linear { from: 2 to: 601 count: 600 } }
         axis { path: "scenario.context"
                linear { from: 10 to: 10000 count: 601 } })",
      R"(axis { path: "scenario.batch" linear { from: 1 to: 17 count: 17 } }
         axis { path: "hardware.board.static_power_w"
                linear { from: 10 to: 100 count: 200 } }
         axis { path: "hardware.memory.hbm.bandwidth_gb_per_s"
                linear { from: 1000 to: 8000 count: 200 } })",
      R"(axis { path: "scenario.weights" value: "bf16" value: "fp8" }
         axis { path: "scenario.batch" linear { from: 1 to: 9 count: 9 } })"};
  for (const std::string& axes : spaces) {
    const Space space = Parsed(head + axes + tail);
    const std::string whole = Merged(space, 1);
    EXPECT_EQ(Merged(space, 2), whole) << axes;
    EXPECT_EQ(Merged(space, 5), whole) << axes;
  }
}

// Only axes that set batch or context alone are of sizes.
TEST(SizesTest, TiedSizesAreStructure) {
  const Space tied = Parsed(R"(
    scenario { model: "llama-3.1-8b" hardware: "h100-sxm" }
    axis { path: "scenario.batch" value: "1" value: "2"
           tied { path: "scenario.context" value: "500" value: "900" } }
    axis { path: "scenario.weights" value: "bf16" value: "fp8" }
    objective { metric: "energy_per_token_j" })");
  const Plan plan = OrDie(MakePlanBySizes(tied));
  EXPECT_TRUE(plan.sizes.empty());
  EXPECT_EQ(plan.combinations, 4u);
  EXPECT_EQ(plan.size_points, 1u);
  const Plan free = OrDie(MakePlanBySizes(Parsed(OverSizes(kPinned, kPins))));
  EXPECT_EQ(free.sizes.size(), 2u);
  EXPECT_EQ(free.combinations, 2u);
  EXPECT_EQ(free.size_points, 13u * 7);
}

}  // namespace
}  // namespace tokenjoule
