#include "analyzer/import/hf_modules.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/model.pb.h"

namespace tokenjoule {
namespace {

using ::testing::Contains;
using ::testing::Not;

double Sum(const std::vector<HfModule>& modules) {
  double sum = 0;
  for (const HfModule& module : modules) sum += module.elements;
  return sum;
}

std::vector<std::string> Paths(const std::vector<HfModule>& modules) {
  std::vector<std::string> paths;
  for (const HfModule& module : modules) {
    paths.insert(paths.end(), module.paths.begin(), module.paths.end());
  }
  return paths;
}

Block AttentionBlock() {
  Block block;
  Attention* attention = block.mutable_attention();
  attention->set_heads(8);
  attention->set_kv_heads(2);
  attention->set_head_dim(16);
  block.mutable_mlp()->set_d_ff(300);
  block.mutable_mlp()->set_gated(true);
  return block;
}

TEST(HfModulesTest, ElementsAreThoseOfTheMatrices) {
  // Queries and output 2 x 128 x 100, keys and values 2 x 32 x 100; MLP.
  const std::vector<HfModule> modules =
      ModulesOf(AttentionBlock(), 3, 100, HfNaming());
  EXPECT_EQ(Sum(modules), 2 * 12800 + 2 * 3200 + 3 * 100 * 300);
  EXPECT_THAT(Paths(modules), Contains("model.layers.3.self_attn.q_proj"));
  EXPECT_THAT(Paths(modules), Contains("model.layers.3.mlp.down_proj"));
  EXPECT_EQ(modules.front().paths.front(), "model.layers.3.self_attn.q_proj");
}

TEST(HfModulesTest, SharedKeysAndValuesHaveNoMatrices) {
  Block block = AttentionBlock();
  block.mutable_attention()->set_shared_kv(true);
  EXPECT_EQ(Sum(ModulesOf(block, 0, 100, HfNaming())), 2 * 12800 + 90000);
  block.mutable_attention()->set_shared_kv(false);
  block.mutable_attention()->set_value_from_key(true);
  EXPECT_EQ(Sum(ModulesOf(block, 0, 100, HfNaming())),
            2 * 12800 + 3200 + 90000);
}

TEST(HfModulesTest, LatentAttentionHasItsOwnNames) {
  Block block;
  LatentAttention* latent = block.mutable_latent_attention();
  latent->set_heads(4);
  latent->set_q_rank(48);
  latent->set_kv_rank(32);
  latent->set_rope_dim(8);
  latent->set_nope_dim(16);
  latent->set_v_dim(16);
  const std::vector<HfModule> modules = ModulesOf(block, 0, 100, HfNaming());
  EXPECT_EQ(Sum(modules),
            100 * 48 + 48 * 4 * 24 + 100 * 40 + 32 * 4 * 32 + 4 * 16 * 100);
  for (const char* name :
       {"q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj"}) {
    EXPECT_THAT(Paths(modules),
                Contains(std::string("model.layers.0.self_attn.") + name));
  }
  // Without query compression.
  latent->set_q_rank(0);
  EXPECT_THAT(Paths(ModulesOf(block, 0, 100, HfNaming())),
              Contains("model.layers.0.self_attn.q_proj"));
}

TEST(HfModulesTest, RecurrentMixers) {
  Block block;
  Mamba2* mamba = block.mutable_mamba2();
  mamba->set_heads(4);
  mamba->set_head_dim(8);
  mamba->set_groups(2);
  mamba->set_d_state(16);
  // In: gate 32, input 32, B and C 64, steps 4.
  EXPECT_EQ(Sum(ModulesOf(block, 0, 100, HfNaming())), 100 * 132 + 32 * 100);
  LinearAttention* linear = block.mutable_linear_attention();
  linear->set_key_heads(2);
  linear->set_value_heads(4);
  linear->set_key_head_dim(8);
  linear->set_value_head_dim(8);
  EXPECT_EQ(Sum(ModulesOf(block, 0, 100, HfNaming())),
            100 * (2 * 16 + 2 * 32 + 8) + 32 * 100);
  block.mutable_short_convolution();
  EXPECT_EQ(Sum(ModulesOf(block, 0, 100, HfNaming())), 4 * 100 * 100);
}

TEST(HfModulesTest, ExpertsAreApartAndNumbered) {
  Block block;
  MixtureOfExperts* moe = block.mutable_moe();
  moe->set_experts(4);
  moe->mutable_expert()->set_d_ff(20);
  moe->mutable_expert()->set_gated(true);
  moe->mutable_shared()->set_d_ff(40);
  moe->set_latent_dim(50);
  // Shared experts at the width of the residual stream, two projections. Those
  // into the latent width are modules where experts are not gated (Nemotron);
  // Kimi K3 keeps its own unquantised.
  EXPECT_EQ(Sum(ModulesOf(block, 1, 100, HfNaming())), 2 * 100 * 40);
  moe->mutable_expert()->set_gated(false);
  EXPECT_EQ(Sum(ModulesOf(block, 1, 100, HfNaming())),
            2 * 100 * 40 + 2 * 100 * 50);
  moe->mutable_expert()->set_gated(true);
  const std::vector<HfModule> expert =
      ExpertModulesOf(block, 1, 100, 3, HfNaming());
  EXPECT_EQ(Sum(expert), 3 * 50 * 20);
  EXPECT_THAT(Paths(expert),
              Contains("model.layers.1.mlp.experts.3.gate_proj"));
  EXPECT_THAT(Paths(expert),
              Contains("model.layers.1.block_sparse_moe.experts.3.w2"));
  EXPECT_THAT(Paths(expert),
              Not(Contains("model.layers.1.mlp.switch_mlp.up_proj")));
  EXPECT_THAT(Paths(ExpertModulesOf(block, 1, 100, 3, NamingOf("", true))),
              Contains("model.layers.1.mlp.switch_mlp.up_proj"));
  EXPECT_TRUE(ExpertModulesOf(AttentionBlock(), 0, 100, 0, HfNaming()).empty());
}

TEST(HfModulesTest, PrefixesAreThoseThatAreMentioned) {
  EXPECT_EQ(NamingOf("model.layers.0.mlp", false).prefixes.size(), 1u);
  EXPECT_THAT(NamingOf("model.language_model.layers.0.mlp", false).prefixes,
              Contains("model.language_model.layers."));
  EXPECT_THAT(NamingOf("backbone.layers.0.mixer", false).prefixes,
              Contains("backbone.layers."));
}

}  // namespace
}  // namespace tokenjoule
