#include "analyzer/description/architecture.h"

#include <cstdint>
#include <initializer_list>

#include "gtest/gtest.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {
namespace {

LayerPattern Pattern(int64_t repeat, std::initializer_list<int64_t> counts) {
  LayerPattern pattern;
  pattern.set_repeat(repeat);
  for (const int64_t count : counts) {
    LayerPattern::Run* run = pattern.add_run();
    run->set_block("b");
    run->set_count(count);
  }
  return pattern;
}

TEST(ArchitectureTest, LayersAreRunsTimesPeriods) {
  Model model;
  EXPECT_EQ(TotalLayers(model), 0);
  // Ten times five windows and one whole context, then two more: 62 layers.
  *model.add_layers() = Pattern(10, {5, 1});
  *model.add_layers() = Pattern(1, {2});
  EXPECT_EQ(TotalLayers(model), 62);
}

TEST(ArchitectureTest, APatternWithoutRepeatIsThereOnce) {
  Model model;
  *model.add_layers() = Pattern(0, {3, 29});
  EXPECT_EQ(TotalLayers(model), 32);
}

TEST(ArchitectureTest, FamiliesAreThoseOfExpertsAndOfRecurrentState) {
  Model model;
  model.add_block()->mutable_mlp();
  EXPECT_EQ(FamilyOf(model), Family::kDense);
  model.add_block()->mutable_moe();
  EXPECT_EQ(FamilyOf(model), Family::kMoe);
  EXPECT_EQ(FamilyName(FamilyOf(model)), "moe");
  // A recurrent state decides, with or without experts.
  model.add_block()->mutable_mamba2();
  EXPECT_EQ(FamilyOf(model), Family::kHybrid);
  EXPECT_EQ(FamilyName(Family::kHybrid), "hybrid");
  EXPECT_EQ(FamilyName(Family::kDense), "dense");
}

Parallelism Of(int tp, int pp, int dp, int ep) {
  Scenario scenario;
  scenario.set_tp(tp);
  scenario.set_pp(pp);
  scenario.set_dp(dp);
  scenario.set_ep(ep);
  return ParallelismOf(scenario);
}

TEST(ArchitectureTest, OneChipDoesItAll) {
  const Parallelism one = Of(1, 1, 1, 1);
  EXPECT_EQ(one.chips(), 1);
  EXPECT_EQ(one.stage_chips, 1);
  EXPECT_EQ(one.replicas, 1);
  EXPECT_EQ(one.expert_tp, 1);
}

TEST(ArchitectureTest, StagesMultiplyTheChipsOfAStage) {
  const Parallelism split = Of(4, 3, 2, 1);
  EXPECT_EQ(split.stage_chips, 8);
  EXPECT_EQ(split.chips(), 24);
  EXPECT_EQ(split.replicas, 2);
  // Without expert parallelism, experts are split like other matrices.
  EXPECT_EQ(split.expert_tp, 4);
}

TEST(ArchitectureTest, ExpertsSpreadOverTheChipsOfAStage) {
  // Eight chips of a stage in four groups of experts: each expert on two.
  const Parallelism some = Of(8, 1, 1, 4);
  EXPECT_EQ(some.stage_chips, 8);
  EXPECT_EQ(some.expert_tp, 2);
  EXPECT_EQ(some.replicas, 1);
}

TEST(ArchitectureTest, MoreExpertChipsThanTpTimesDpMakeReplicasOfAttention) {
  // 32 chips hold experts; attention runs on 8 groups of 4.
  const Parallelism wide = Of(4, 2, 1, 32);
  EXPECT_EQ(wide.stage_chips, 32);
  EXPECT_EQ(wide.replicas, 8);
  EXPECT_EQ(wide.expert_tp, 1);
  EXPECT_EQ(wide.chips(), 64);
}

TEST(ArchitectureTest, TheLargestDegreesDoNotOverflow) {
  const Parallelism most = Of(65536, 65536, 65536, 65536);
  EXPECT_EQ(most.stage_chips, int64_t{1} << 32);
  EXPECT_EQ(most.chips(), int64_t{1} << 48);
}

}  // namespace
}  // namespace tokenjoule
