#include "analyzer/import/layer_stack.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/model.pb.h"

namespace tokenjoule {
namespace {

// A stack of layers whose block names are single letters.
Model Stacked(const std::string& letters) {
  LayerStack stack;
  for (const char letter : letters) {
    Block block;
    block.set_name(std::string(1, letter));
    stack.Add(block);
  }
  Model model;
  stack.WriteTo(&model);
  return model;
}

// Patterns as "[L5 G1]x10 [L2]".
std::string Written(const Model& model) {
  std::string out;
  for (const LayerPattern& pattern : model.layers()) {
    absl::StrAppend(&out, out.empty() ? "" : " ", "[");
    for (const LayerPattern::Run& run : pattern.run()) {
      absl::StrAppend(&out, out.back() == '[' ? "" : " ", run.block(),
                      run.count());
    }
    absl::StrAppend(&out, "]");
    if (pattern.repeat() > 0) absl::StrAppend(&out, "x", pattern.repeat());
  }
  return out;
}

std::string Repeated(const std::string& letters, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += letters;
  return out;
}

// The sequence of letters that the patterns expand to.
std::string Expanded(const Model& model) {
  std::string out;
  for (const LayerPattern& pattern : model.layers()) {
    for (int i = 0; i < std::max<int>(pattern.repeat(), 1); ++i) {
      for (const LayerPattern::Run& run : pattern.run()) {
        out += Repeated(run.block(), run.count());
      }
    }
  }
  return out;
}

TEST(LayerStackTest, EqualLayersAreOneRun) {
  EXPECT_EQ(Written(Stacked(Repeated("F", 32))), "[F32]");
}

TEST(LayerStackTest, ShortestPeriodIsFoundAndTheRestFollows) {
  EXPECT_EQ(Written(Stacked(Repeated("LG", 21))), "[L1 G1]x21");
  EXPECT_EQ(Written(Stacked(Repeated("LLLLLG", 10) + "LL")), "[L5 G1]x10 [L2]");
  EXPECT_EQ(Written(Stacked("DDD" + Repeated("M", 58))), "[D3 M58]");
}

TEST(LayerStackTest, PeriodMayBeginLate) {
  EXPECT_EQ(Written(Stacked("A" + Repeated("BBC", 4))), "[A1] [B2 C1]x4");
}

TEST(LayerStackTest, LayersWithoutAPeriodAreRuns) {
  EXPECT_EQ(Written(Stacked("AABBBC")), "[A2 B3 C1]");
}

TEST(LayerStackTest, NoLayersAreNoPatterns) {
  EXPECT_EQ(Written(Stacked("")), "");
}

TEST(LayerStackTest, PatternsStandForTheLayersThatWereAdded) {
  const std::string cases[] = {
      "M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-",
      "ABABAAABBBABCABCABCCC",
      // Longer than the longest period, and without one.
      "ABACABADABACABAEABACABADABACABAFABACABADABACABAEABACABADABACABAG"
      "ABACABADABACABAEABACABADABACABAF",
  };
  for (const std::string& letters : cases) {
    EXPECT_EQ(Expanded(Stacked(letters)), letters);
  }
}

TEST(LayerStackTest, BlocksStandInTheOrderOfTheirFirstLayer) {
  const Model model = Stacked("BABAC");
  ASSERT_EQ(model.block_size(), 3);
  EXPECT_EQ(model.block(0).name(), "B");
  EXPECT_EQ(model.block(1).name(), "A");
  EXPECT_EQ(model.block(2).name(), "C");
}

}  // namespace
}  // namespace tokenjoule
