#include "analyzer/description/offload.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two dense layers, then four periods of a sparse and a windowed layer.
Model TenLayers() {
  Model model;
  model.set_name("ten");
  Block* dense = model.add_block();
  dense->set_name("dense");
  dense->mutable_attention();
  Block* sparse = model.add_block();
  sparse->set_name("sparse");
  sparse->mutable_attention();
  sparse->mutable_moe();
  LayerPattern* first = model.add_layers();
  auto* run = first->add_run();
  run->set_block("dense");
  run->set_count(2);
  LayerPattern* rest = model.add_layers();
  rest->set_repeat(4);
  for (const char* block : {"sparse", "dense"}) {
    run = rest->add_run();
    run->set_block(block);
    run->set_count(1);
  }
  return model;
}

TEST(OffloadTest, ReadsEachForm) {
  const Model model = TenLayers();
  EXPECT_FALSE(ParseOffload("", model)->Any());
  EXPECT_FALSE(ParseOffload("layers:0", model)->Any());
  EXPECT_EQ(ParseOffload("layers:4", model)->layers, 4);
  // llama.cpp's -ngl counts what stays, and the LM head as one layer more.
  EXPECT_EQ(ParseOffload("ngl:7", model)->layers, 3);
  EXPECT_EQ(ParseOffload("ngl:11", model)->layers, 0);
  EXPECT_EQ(ParseOffload("ngl:99", model)->layers, 0);
  EXPECT_EQ(ParseOffload("experts", model)->expert_layers, 10);
  EXPECT_EQ(ParseOffload("experts", model)->experts, Offloaded::kComputed);
  EXPECT_EQ(ParseOffload("experts:5", model)->expert_layers, 5);
  EXPECT_EQ(ParseOffload("experts:fetch", model)->experts, Offloaded::kFetched);
  EXPECT_EQ(ParseOffload("kv:fetch", model)->kv, Offloaded::kFetched);
  EXPECT_TRUE(ParseOffload("auto", model)->automatic);
  const auto both = ParseOffload("experts, kv", model);
  EXPECT_EQ(both->experts, Offloaded::kComputed);
  EXPECT_EQ(both->kv, Offloaded::kComputed);
}

TEST(OffloadTest, SaysAllThatIsWrong) {
  Model model = TenLayers();
  const auto wrong = ParseOffload("layers:x,heads,auto", model);
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(std::string(wrong.status().message()),
              AllOf(HasSubstr("expected a number of layers, 0 to 10"),
                    HasSubstr("found \"heads\""), HasSubstr("stands alone")));
  for (Block& block : *model.mutable_block()) block.clear_moe();
  EXPECT_THAT(std::string(ParseOffload("experts", model).status().message()),
              HasSubstr("has no experts"));
  EXPECT_THAT(std::string(ParseSplit("4,5", 2, model).status().message()),
              HasSubstr("add up to the 10 of ten, found \"4,5\""));
}

TEST(OffloadTest, PlacesConsecutiveLayers) {
  const Model model = TenLayers();
  Offload offload;
  offload.layers = 3;
  offload.experts = Offloaded::kComputed;
  offload.expert_layers = 5;
  const LayerPlacement placement = LayerPlacementOf(model, offload, {4, 6});
  EXPECT_EQ(placement.stages, 2);
  EXPECT_EQ(placement.machines(), 4);
  EXPECT_EQ(placement.embedding(), placement.host());
  EXPECT_EQ(placement.head(), 1);
  std::vector<int> places;
  std::vector<int64_t> layers;
  std::vector<bool> experts;
  for (const Segment& segment : placement.segments) {
    places.push_back(segment.place);
    layers.push_back(segment.layers);
    experts.push_back(segment.experts != Offloaded::kNothing);
  }
  EXPECT_THAT(places, ElementsAre(2, 0, 1, 1));
  EXPECT_THAT(layers, ElementsAre(3, 1, 1, 5));
  EXPECT_THAT(experts, ElementsAre(false, true, true, false));
  // Shares of each block add up to 1.
  for (int b = 0; b < model.block_size(); ++b) {
    double sum = 0;
    for (const Segment& segment : placement.segments) {
      sum += segment.share_of_block[b];
    }
    EXPECT_DOUBLE_EQ(sum, 1) << b;
  }
}

TEST(OffloadTest, HostWithAllLayersHasTheHead) {
  const Model model = TenLayers();
  Offload offload;
  offload.layers = 10;
  const LayerPlacement placement = LayerPlacementOf(model, offload, {});
  EXPECT_EQ(placement.head(), placement.host());
  ASSERT_EQ(placement.segments.size(), 1u);
}

}  // namespace
}  // namespace tokenjoule
