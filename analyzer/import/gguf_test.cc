#include "analyzer/import/gguf.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/faults.h"
#include "analyzer/import/gguf_header.h"
#include "analyzer/import/gguf_writer.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/files.h"
#include "analyzer/testing/scenario.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/model.pb.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// ggml's numbers of types.
constexpr uint32_t kF32 = 0, kF16 = 1, kQ5_0 = 6, kQ8_0 = 8, kQ4_K = 12,
                   kQ5_K = 13, kQ6_K = 14, kI32 = 26, kBf16 = 30, kMxfp4 = 39;

absl::StatusOr<ImportedModel> ImportText(const std::string& file) {
  std::istringstream in(file);
  std::vector<Fault> faults;
  absl::optional<GgufHeader> header = ReadGgufHeader(in, "model.gguf", &faults);
  if (!header.has_value()) return FaultsToStatus(faults);
  return ImportGgufHeaders({*header}, "model.gguf", "", "2026-01-01");
}

absl::StatusOr<ImportedModel> Import(const GgufWriter& writer) {
  return ImportText(writer.File());
}

// Imports copies of a file with a few bytes changed: each must be an error or
// another model, never a crash.
void ImportDamaged(const std::string& file, int copies) {
  std::mt19937 random(1);
  for (int i = 0; i < copies; ++i) {
    std::string damaged = file;
    const int flips = 1 + random() % 3;
    for (int flip = 0; flip < flips; ++flip) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    const absl::StatusOr<ImportedModel> imported = ImportText(damaged);
    if (imported.ok()) {
      BuildLedger(imported->model, Point(1, 1024));
    } else {
      EXPECT_FALSE(imported.status().message().empty());
    }
  }
}

// Imports a file and expects a ledger that holds exactly its tensors.
Model ImportExactly(const GgufWriter& writer,
                    const char* file = __builtin_FILE(),
                    int line = __builtin_LINE()) {
  ::testing::ScopedTrace trace(file, line, "ImportExactly");
  const ImportedModel imported = OrDie(Import(writer), file, line);
  EXPECT_THAT(imported.notes, IsEmpty());
  const Ledger<double> ledger = BuildLedger(imported.model, Point(1, 1024));
  EXPECT_NEAR(InBytes(ledger.TotalWeightFootprint()),
              static_cast<double>(writer.bytes()), 0.5);
  EXPECT_EQ(ledger.parameters, static_cast<double>(writer.elements()));
  ImportDamaged(writer.File(), 100);
  return imported.model;
}

// The layers of which llama.cpp stores more bits in files of type Q4_K_M.
bool HasMoreBits(int i, int n) {
  return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

std::string Layer(int i, const char* name) {
  return absl::StrCat("blk.", i, ".", name);
}

struct Shape {
  const char* architecture;
  int d, ff, layers, heads, kv_heads, head_dim, vocabulary;
  int experts = 0;
  int used = 0;
  bool qk_norm = false;
  bool rope_freqs = false;
};

// A file of type Q4_K_M as llama.cpp's quantiser makes it.
GgufWriter Q4KM(const Shape& s, bool single_experts = false) {
  GgufWriter w(s.architecture);
  w.Number("general.file_type", 15)
      .Texts("tokenizer.ggml.tokens", {"a", "b", "c"})
      .Set("block_count", s.layers)
      .Set("context_length", 32768)
      .Set("embedding_length", s.d)
      .Set("attention.head_count", s.heads)
      .Set("attention.head_count_kv", s.kv_heads)
      .Real("attention.layer_norm_rms_epsilon");
  if (s.experts > 0) w.Set("expert_used_count", s.used);
  w.Tensor("token_embd.weight", {s.d, s.vocabulary}, kQ4_K)
      .Tensor("output_norm.weight", {s.d}, kF32)
      .Tensor("output.weight", {s.d, s.vocabulary}, kQ6_K);
  if (s.rope_freqs) w.Tensor("rope_freqs.weight", {s.head_dim / 2}, kF32);
  const bool eight = s.experts == 8;
  const int q = s.heads * s.head_dim, kv = s.kv_heads * s.head_dim;
  for (int i = 0; i < s.layers; ++i) {
    const std::string b = absl::StrCat("blk.", i, ".");
    const uint32_t more = HasMoreBits(i, s.layers) ? kQ6_K : kQ4_K;
    w.Tensor(b + "attn_norm.weight", {s.d}, kF32)
        .Tensor(b + "ffn_norm.weight", {s.d}, kF32)
        .Tensor(b + "attn_q.weight", {s.d, q}, kQ4_K)
        .Tensor(b + "attn_k.weight", {s.d, kv}, eight ? kQ8_0 : kQ4_K)
        .Tensor(b + "attn_v.weight", {s.d, kv}, eight ? kQ8_0 : more)
        .Tensor(b + "attn_output.weight", {q, s.d}, eight ? kQ5_K : kQ4_K);
    if (s.qk_norm) {
      w.Tensor(b + "attn_q_norm.weight", {s.head_dim}, kF32)
          .Tensor(b + "attn_k_norm.weight", {s.head_dim}, kF32);
    }
    if (s.experts == 0) {
      w.Tensor(b + "ffn_gate.weight", {s.d, s.ff}, kQ4_K)
          .Tensor(b + "ffn_up.weight", {s.d, s.ff}, kQ4_K)
          .Tensor(b + "ffn_down.weight", {s.ff, s.d}, more);
      continue;
    }
    w.Tensor(b + "ffn_gate_inp.weight", {s.d, s.experts}, kF32);
    if (single_experts) {
      for (int e = 0; e < s.experts; ++e) {
        const std::string end = absl::StrCat(".", e, ".weight");
        w.Tensor(b + "ffn_gate" + end, {s.d, s.ff}, kQ4_K)
            .Tensor(b + "ffn_up" + end, {s.d, s.ff}, kQ4_K)
            .Tensor(b + "ffn_down" + end, {s.ff, s.d}, more);
      }
    } else {
      w.Tensor(b + "ffn_gate_exps.weight", {s.d, s.ff, s.experts}, kQ4_K)
          .Tensor(b + "ffn_up_exps.weight", {s.d, s.ff, s.experts}, kQ4_K)
          .Tensor(b + "ffn_down_exps.weight", {s.ff, s.d, s.experts}, more);
    }
  }
  return w;
}

constexpr Shape kLlama8B = {"llama", 4096,   14336, 32, 32,    8,
                            128,     128256, 0,     0,  false, true};
constexpr Shape kMixtral = {"llama", 4096, 14336, 32, 32, 8, 128, 32000, 8, 2};
constexpr Shape kQwen30B = {"qwen3moe", 2048,   768, 48, 32,  4,
                            128,        151936, 128, 8,  true};
constexpr Shape kSmall = {"llama", 256, 512, 8, 4, 2, 64, 1024};

TEST(GgufTest, ImportsLlamaToTheByte) {
  const GgufWriter file = Q4KM(kLlama8B);
  EXPECT_EQ(file.bytes(), 4912898304);
  const Model model = ImportExactly(file);
  EXPECT_EQ(model.name(), "model");
  EXPECT_EQ(model.max_context(), 32768);
  EXPECT_FALSE(model.tied_embeddings());
  ASSERT_EQ(model.block_size(), 1);
  const Block& block = model.block(0);
  EXPECT_EQ(block.attention().heads(), 32);
  EXPECT_EQ(block.attention().kv_heads(), 8);
  EXPECT_EQ(block.attention().head_dim(), 128);
  EXPECT_EQ(block.norms(), 2);
  EXPECT_FALSE(block.parallel());
  EXPECT_TRUE(block.mlp().gated());
  EXPECT_EQ(block.mlp().d_ff(), 14336);
  EXPECT_EQ(TotalLayers(model), 32);
  EXPECT_EQ(model.formats().linear(), "q4_k");
  EXPECT_EQ(model.formats().lm_head(), "q6_k");
  EXPECT_EQ(model.formats().embedding(), "q4_k");
  EXPECT_EQ(model.formats().vectors(), "fp32");
  EXPECT_EQ(block.formats().value(), "q4_k:16 q6_k:16");
  EXPECT_EQ(block.formats().down(), "q4_k:16 q6_k:16");
  EXPECT_THAT(block.formats().query(), IsEmpty());
  EXPECT_THAT(model.sources(0).citation(), HasSubstr("Q4_K_M"));
}

TEST(GgufTest, ImportsMixtralWithEitherKindOfExpertTensors) {
  for (const bool single : {false, true}) {
    const GgufWriter file = Q4KM(kMixtral, single);
    EXPECT_EQ(file.bytes(), 28447727616);
    const Model model = ImportExactly(file);
    ASSERT_EQ(model.block_size(), 1);
    const Block& block = model.block(0);
    EXPECT_EQ(block.moe().experts(), 8);
    EXPECT_EQ(block.moe().experts_per_token(), 2);
    EXPECT_EQ(block.moe().expert().d_ff(), 14336);
    EXPECT_EQ(block.formats().key(), "q8_0");
    EXPECT_EQ(block.formats().output(), "q5_k");
  }
}

TEST(GgufTest, ImportsQwen3Moe) {
  const GgufWriter file = Q4KM(kQwen30B);
  EXPECT_EQ(file.bytes(), 18550716416);
  const Model model = ImportExactly(file);
  EXPECT_EQ(model.block(0).name(), "full-moe");
  EXPECT_TRUE(model.block(0).attention().qk_norm());
  EXPECT_EQ(model.block(0).moe().experts_per_token(), 8);
}

// Apart from formats, the blocks are those of the catalogue.
TEST(GgufTest, HasTheBlocksOfTheCatalogue) {
  const std::pair<const char*, Shape> files[] = {
      {"llama-3.1-8b", kLlama8B},
      {"mixtral-8x7b", kMixtral},
      {"qwen3-30b-a3b", kQwen30B},
  };
  for (const auto& file : files) {
    SCOPED_TRACE(file.first);
    const Model shipped = LoadModelOrDie(file.first);
    const Model imported = OrDie(Import(Q4KM(file.second))).model;
    EXPECT_EQ(imported.d_model(), shipped.d_model());
    EXPECT_EQ(imported.vocab_size(), shipped.vocab_size());
    EXPECT_EQ(imported.norm(), shipped.norm());
    EXPECT_EQ(TotalLayers(imported), TotalLayers(shipped));
    ASSERT_EQ(imported.block_size(), 1);
    Block bare = imported.block(0);
    bare.clear_formats();
    bare.set_name(shipped.block(0).name());
    EXPECT_EQ(bare.DebugString(), shipped.block(0).DebugString());
  }
}

TEST(GgufTest, CountsScalesOfTensors) {
  GgufWriter w = Q4KM(kSmall);
  for (int i = 0; i < kSmall.layers; ++i) {
    w.Tensor(Layer(i, "attn_q.scale"), {1}, kF32)
        .Tensor(Layer(i, "ffn_up.input_scale"), {1}, kF32);
  }
  w.Tensor("output.scale", {1}, kF32);
  const Model model = ImportExactly(w);
  EXPECT_EQ(model.block(0).extra(0).vector(), 2);
  EXPECT_EQ(model.extra(0).name(), "output.scale");
}

// Keys that every test of a small file needs.
GgufWriter Small(const char* architecture, int layers, int heads = 0,
                 int kv_heads = 0) {
  GgufWriter w(architecture);
  w.Set("block_count", layers).Real("attention.layer_norm_rms_epsilon");
  if (heads > 0) w.Set("attention.head_count", heads);
  if (kv_heads > 0) w.Set("attention.head_count_kv", kv_heads);
  w.Tensor("token_embd.weight", {256, 1000}, kQ8_0)
      .Tensor("output_norm.weight", {256}, kF32);
  return w;
}

TEST(GgufTest, ImportsGatedDeltaLayers) {
  for (const char* architecture : {"qwen3next", "qwen35moe"}) {
    const bool next = architecture[5] == 'n';
    GgufWriter w = Small(architecture, 8, 4, 2);
    w.Set("expert_used_count", 2).Set("ssm.state_size", 32);
    for (int i = 0; i < 8; ++i) {
      w.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32)
          .Tensor(Layer(i, "post_attention_norm.weight"), {256}, kF32)
          .Tensor(Layer(i, "ffn_gate_inp.weight"), {256, 16}, kF32)
          .Tensor(Layer(i, "ffn_gate_inp_shexp.weight"), {256}, kF32)
          .Tensor(Layer(i, "ffn_gate_exps.weight"), {256, 64, 16}, kQ4_K)
          .Tensor(Layer(i, "ffn_up_exps.weight"), {256, 64, 16}, kQ4_K)
          .Tensor(Layer(i, "ffn_down_exps.weight"), {64, 256, 16}, kQ5_0)
          .Tensor(Layer(i, "ffn_gate_shexp.weight"), {256, 96}, kQ4_K)
          .Tensor(Layer(i, "ffn_up_shexp.weight"), {256, 96}, kQ5_K)
          .Tensor(Layer(i, "ffn_down_shexp.weight"), {96, 256}, kQ8_0);
      if ((i + 1) % 4 == 0) {
        w.Tensor(Layer(i, "attn_q.weight"), {256, 2 * 4 * 64}, kQ4_K)
            .Tensor(Layer(i, "attn_k.weight"), {256, 128}, kQ4_K)
            .Tensor(Layer(i, "attn_v.weight"), {256, 128}, kQ6_K)
            .Tensor(Layer(i, "attn_output.weight"), {256, 256}, kQ4_K)
            .Tensor(Layer(i, "attn_q_norm.weight"), {64}, kF32)
            .Tensor(Layer(i, "attn_k_norm.weight"), {64}, kF32);
        continue;
      }
      // Two key heads of 32, four value heads of 48.
      w.Tensor(Layer(i, "ssm_conv1d.weight"), {4, 2 * 64 + 192}, kF32)
          .Tensor(Layer(i, "ssm_dt.bias"), {4}, kF32)
          .Tensor(Layer(i, "ssm_a"), {4}, kF32)
          .Tensor(Layer(i, "ssm_norm.weight"), {48}, kF32)
          .Tensor(Layer(i, "ssm_out.weight"), {192, 256}, kQ5_0);
      if (next && i == 0) {
        w.Tensor(Layer(i, "ssm_in.weight"), {256, 2 * 64 + 2 * 192}, kQ4_K);
      } else {
        w.Tensor(Layer(i, "attn_qkv.weight"), {256, 2 * 64 + 192}, kQ6_K)
            .Tensor(Layer(i, "attn_gate.weight"), {256, 192}, kQ4_K);
      }
      if (next) {
        w.Tensor(Layer(i, "ssm_ba.weight"), {256, 8}, kQ4_K);
      } else {
        w.Tensor(Layer(i, "ssm_alpha.weight"), {256, 4}, kF32)
            .Tensor(Layer(i, "ssm_beta.weight"), {256, 4}, kQ8_0);
      }
    }
    const Model model = ImportExactly(w);
    EXPECT_TRUE(model.tied_embeddings());
    EXPECT_EQ(model.formats().state(), "fp32");
    ASSERT_EQ(model.block_size(), 2);
    const LinearAttention& linear = model.block(0).linear_attention();
    EXPECT_EQ(linear.key_heads(), 2);
    EXPECT_EQ(linear.value_heads(), 4);
    EXPECT_EQ(linear.value_head_dim(), 48);
    EXPECT_TRUE(model.block(1).attention().output_gate());
    EXPECT_TRUE(model.block(1).moe().shared_gate());
    EXPECT_EQ(model.block(1).moe().shared().d_ff(), 96);
  }
}

TEST(GgufTest, ImportsLatentAttentionInBothForms) {
  for (const bool old_form : {false, true}) {
    GgufWriter w = Small("deepseek2", 3, 8, old_form ? 8 : 1);
    w.Set("attention.kv_lora_rank", 128)
        .Set("expert_used_count", 2)
        .Tensor("output.weight", {256, 1000}, kQ6_K);
    for (int i = 0; i < 3; ++i) {
      w.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32)
          .Tensor(Layer(i, "ffn_norm.weight"), {256}, kF32)
          .Tensor(Layer(i, "attn_q_a.weight"), {256, 96}, kQ4_K)
          .Tensor(Layer(i, "attn_q_a_norm.weight"), {96}, kF32)
          .Tensor(Layer(i, "attn_q_b.weight"), {96, 8 * 48}, kQ5_0)
          .Tensor(Layer(i, "attn_kv_a_mqa.weight"), {256, 128 + 16}, kQ8_0)
          .Tensor(Layer(i, "attn_kv_a_norm.weight"), {128}, kF32)
          .Tensor(Layer(i, "attn_output.weight"), {8 * 64, 256}, kQ4_K);
      if (old_form) {
        w.Tensor(Layer(i, "attn_kv_b.weight"), {128, 8 * (32 + 64)}, kQ8_0);
      } else {
        w.Tensor(Layer(i, "attn_k_b.weight"), {32, 128, 8}, kQ5_0)
            .Tensor(Layer(i, "attn_v_b.weight"), {128, 64, 8}, kQ8_0);
      }
      if (i == 0) {
        w.Tensor(Layer(i, "ffn_gate.weight"), {256, 512}, kQ4_K)
            .Tensor(Layer(i, "ffn_up.weight"), {256, 512}, kQ4_K)
            .Tensor(Layer(i, "ffn_down.weight"), {512, 256}, kQ6_K);
        continue;
      }
      w.Tensor(Layer(i, "ffn_gate_inp.weight"), {256, 16}, kF32)
          .Tensor(Layer(i, "exp_probs_b.bias"), {16}, kF32)
          .Tensor(Layer(i, "ffn_gate_up_exps.weight"), {256, 128, 16}, kQ4_K)
          .Tensor(Layer(i, "ffn_down_exps.weight"), {64, 256, 16},
                  i == 1 ? kQ5_0 : kQ8_0)
          .Tensor(Layer(i, "ffn_gate_shexp.weight"), {256, 64}, kQ4_K)
          .Tensor(Layer(i, "ffn_up_shexp.weight"), {256, 64}, kQ4_K)
          .Tensor(Layer(i, "ffn_down_shexp.weight"), {64, 256}, kQ8_0);
    }
    const Model model = ImportExactly(w);
    ASSERT_EQ(model.block_size(), 2);
    const LatentAttention& latent = model.block(1).latent_attention();
    EXPECT_EQ(latent.q_rank(), 96);
    EXPECT_EQ(latent.kv_rank(), 128);
    EXPECT_EQ(latent.rope_dim(), 16);
    EXPECT_EQ(latent.nope_dim(), 32);
    EXPECT_EQ(latent.v_dim(), 64);
    EXPECT_TRUE(model.block(1).moe().router_bias());
    EXPECT_EQ(model.block(1).formats().down(), "q5_0:1 q8_0:1");
  }
}

TEST(GgufTest, ImportsIndexers) {
  GgufWriter w = Small("deepseek32", 2, 8, 1);
  w.Set("attention.kv_lora_rank", 128).Set("attention.indexer.top_k", 2048);
  for (int i = 0; i < 2; ++i) {
    w.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32)
        .Tensor(Layer(i, "ffn_norm.weight"), {256}, kF32)
        .Tensor(Layer(i, "attn_q_a.weight"), {256, 96}, kQ4_K)
        .Tensor(Layer(i, "attn_q_a_norm.weight"), {96}, kF32)
        .Tensor(Layer(i, "attn_q_b.weight"), {96, 8 * 48}, kQ5_0)
        .Tensor(Layer(i, "attn_kv_a_mqa.weight"), {256, 144}, kQ8_0)
        .Tensor(Layer(i, "attn_kv_a_norm.weight"), {128}, kF32)
        .Tensor(Layer(i, "attn_output.weight"), {512, 256}, kQ4_K)
        .Tensor(Layer(i, "attn_k_b.weight"), {32, 128, 8}, kQ5_0)
        .Tensor(Layer(i, "attn_v_b.weight"), {128, 64, 8}, kQ8_0)
        .Tensor(Layer(i, "indexer.k_norm.weight"), {32}, kF32)
        .Tensor(Layer(i, "indexer.k_norm.bias"), {32}, kF32)
        .Tensor(Layer(i, "indexer.proj.weight"), {256, 4}, kQ8_0)
        .Tensor(Layer(i, "indexer.attn_k.weight"), {256, 32}, kQ8_0)
        .Tensor(Layer(i, "indexer.attn_q_b.weight"), {96, 128}, kQ5_0)
        .Tensor(Layer(i, "ffn_gate.weight"), {256, 512}, kQ4_K)
        .Tensor(Layer(i, "ffn_up.weight"), {256, 512}, kQ4_K)
        .Tensor(Layer(i, "ffn_down.weight"), {512, 256}, kQ6_K);
  }
  const Model model = ImportExactly(w);
  const Indexer& indexer = model.block(0).latent_attention().indexer();
  EXPECT_EQ(indexer.heads(), 4);
  EXPECT_EQ(indexer.head_dim(), 32);
  EXPECT_EQ(indexer.top_k(), 2048);
  // The weights of index heads are vectors here, whatever the file stores.
  EXPECT_THAT(model.formats().vectors(), HasSubstr("q8_0:"));
}

// DeepSeek-V4: heads of 64 in two groups of rank 48; compressors of 1 and 2
// vectors for 128 and 4 tokens.
TEST(GgufTest, ImportsCompressedAttention) {
  GgufWriter w = Small("deepseek4", 3, 8, 1);
  w.Set("attention.sliding_window", 128)
      .Set("attention.indexer.top_k", 512)
      .Set("expert_used_count", 2)
      .Tensor("output.weight", {256, 1000}, kQ6_K)
      .Tensor("output_hc_fn.weight", {1024, 4}, kF32)
      .Tensor("output_hc_base.weight", {4}, kF32)
      .Tensor("output_hc_scale.weight", {1}, kF32);
  for (int i = 0; i < 3; ++i) {
    w.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32)
        .Tensor(Layer(i, "ffn_norm.weight"), {256}, kF32)
        .Tensor(Layer(i, "attn_sinks.weight"), {8}, kF32)
        .Tensor(Layer(i, "attn_q_a.weight"), {256, 96}, kQ4_K)
        .Tensor(Layer(i, "attn_q_a_norm.weight"), {96}, kF32)
        .Tensor(Layer(i, "attn_q_b.weight"), {96, 512}, kQ5_0)
        .Tensor(Layer(i, "attn_kv.weight"), {256, 64}, kQ8_0)
        .Tensor(Layer(i, "attn_kv_a_norm.weight"), {64}, kF32)
        .Tensor(Layer(i, "attn_output_a.weight"), {256, 96}, kQ4_K)
        .Tensor(Layer(i, "attn_output_b.weight"), {96, 256}, kQ8_0)
        .Tensor(Layer(i, "hc_attn_fn.weight"), {1024, 24}, kF32)
        .Tensor(Layer(i, "hc_attn_base.weight"), {24}, kF32)
        .Tensor(Layer(i, "hc_attn_scale.weight"), {3}, kF32)
        .Tensor(Layer(i, "hc_ffn_fn.weight"), {1024, 24}, kF32)
        .Tensor(Layer(i, "hc_ffn_base.weight"), {24}, kF32)
        .Tensor(Layer(i, "hc_ffn_scale.weight"), {3}, kF32)
        .Tensor(Layer(i, "ffn_gate_inp.weight"), {256, 16}, kF32)
        .Tensor(Layer(i, "exp_probs_b.bias"), {16}, kF32)
        .Tensor(Layer(i, "ffn_gate_exps.weight"), {256, 64, 16}, kMxfp4)
        .Tensor(Layer(i, "ffn_up_exps.weight"), {256, 64, 16}, kMxfp4)
        .Tensor(Layer(i, "ffn_down_exps.weight"), {64, 256, 16}, kMxfp4)
        .Tensor(Layer(i, "ffn_gate_shexp.weight"), {256, 64}, kQ8_0)
        .Tensor(Layer(i, "ffn_up_shexp.weight"), {256, 64}, kQ8_0)
        .Tensor(Layer(i, "ffn_down_shexp.weight"), {64, 256}, kQ8_0);
    if (i == 0) continue;
    const int width = i == 1 ? 64 : 128, ratio = i == 1 ? 128 : 4;
    w.Tensor(Layer(i, "attn_compressor_kv.weight"), {256, width}, kQ8_0)
        .Tensor(Layer(i, "attn_compressor_gate.weight"), {256, width}, kQ8_0)
        .Tensor(Layer(i, "attn_compressor_ape.weight"), {width, ratio}, kF32)
        .Tensor(Layer(i, "attn_compressor_norm.weight"), {64}, kF32);
    if (i == 1) continue;
    w.Tensor(Layer(i, "indexer.proj.weight"), {256, 4}, kBf16)
        .Tensor(Layer(i, "indexer.attn_q_b.weight"), {96, 128}, kQ8_0)
        .Tensor(Layer(i, "indexer_compressor_kv.weight"), {256, 64}, kQ8_0)
        .Tensor(Layer(i, "indexer_compressor_gate.weight"), {256, 64}, kQ8_0)
        .Tensor(Layer(i, "indexer_compressor_ape.weight"), {64, 4}, kF32)
        .Tensor(Layer(i, "indexer_compressor_norm.weight"), {32}, kF32);
  }
  const Model model = ImportExactly(w);
  ASSERT_EQ(model.block_size(), 3);
  const CompressedAttention& window = model.block(0).compressed_attention();
  EXPECT_EQ(window.ratio(), 0);
  EXPECT_EQ(window.head_dim(), 64);
  EXPECT_EQ(window.output_groups(), 2);
  EXPECT_EQ(window.output_rank(), 48);
  EXPECT_TRUE(window.sinks());
  EXPECT_EQ(model.block(1).compressed_attention().ratio(), 128);
  EXPECT_EQ(model.block(2).compressed_attention().overlap(), 2);
  EXPECT_EQ(model.block(2).compressed_attention().indexer().head_dim(), 32);
  // Small matrices in fp32 do not widen the residual stream.
  EXPECT_EQ(ResolveFormats(model, Point(1, 1024)).stream->name, "bf16");
}

TEST(GgufTest, ImportsGptOss) {
  GgufWriter w = Small("gpt-oss", 4, 8, 2);
  w.Set("expert_used_count", 4).Set("attention.sliding_window", 128);
  for (int i = 0; i < 4; ++i) {
    w.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32)
        .Tensor(Layer(i, "post_attention_norm.weight"), {256}, kF32)
        .Tensor(Layer(i, "attn_q.weight"), {256, 512}, kQ8_0)
        .Tensor(Layer(i, "attn_k.weight"), {256, 128}, kQ8_0)
        .Tensor(Layer(i, "attn_v.weight"), {256, 128}, kQ8_0)
        .Tensor(Layer(i, "attn_output.weight"), {512, 256}, kQ8_0)
        .Tensor(Layer(i, "attn_q.bias"), {512}, kF32)
        .Tensor(Layer(i, "attn_k.bias"), {128}, kF32)
        .Tensor(Layer(i, "attn_v.bias"), {128}, kF32)
        .Tensor(Layer(i, "attn_output.bias"), {256}, kF32)
        .Tensor(Layer(i, "attn_sinks.weight"), {8}, kF32)
        .Tensor(Layer(i, "ffn_gate_inp.weight"), {256, 16}, kF32)
        .Tensor(Layer(i, "ffn_gate_inp.bias"), {16}, kF32)
        .Tensor(Layer(i, "ffn_gate_exps.weight"), {256, 96, 16}, kMxfp4)
        .Tensor(Layer(i, "ffn_up_exps.weight"), {256, 96, 16}, kMxfp4)
        .Tensor(Layer(i, "ffn_down_exps.weight"), {96, 256, 16}, kMxfp4)
        .Tensor(Layer(i, "ffn_gate_exps.bias"), {96, 16}, kF32)
        .Tensor(Layer(i, "ffn_up_exps.bias"), {96, 16}, kF32)
        .Tensor(Layer(i, "ffn_down_exps.bias"), {256, 16}, kF32);
  }
  const Model model = ImportExactly(w);
  ASSERT_EQ(model.block_size(), 2);
  const Attention& local = model.block(0).attention();
  EXPECT_EQ(local.sliding_tokens(), 128);
  EXPECT_TRUE(local.sinks());
  EXPECT_TRUE(local.qkv_bias());
  EXPECT_TRUE(local.output_bias());
  EXPECT_EQ(model.block(1).attention().window_case(),
            Attention::WINDOW_NOT_SET);
  EXPECT_TRUE(model.block(0).moe().expert().bias());
  EXPECT_EQ(model.formats().mixers(), "q8_0");
  EXPECT_FALSE(model.block(0).parallel());
}

TEST(GgufTest, ImportsStateSpaces) {
  GgufWriter two = Small("mamba2", 2);
  two.Set("ssm.state_size", 32).Set("ssm.group_count", 2);
  GgufWriter one = Small("mamba", 2);
  for (int i = 0; i < 2; ++i) {
    two.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32)
        .Tensor(Layer(i, "ssm_in.weight"), {256, 2 * 512 + 4 * 32 + 8}, kQ4_K)
        .Tensor(Layer(i, "ssm_conv1d.weight"), {4, 512 + 4 * 32}, kF32)
        .Tensor(Layer(i, "ssm_conv1d.bias"), {512 + 4 * 32}, kF32)
        .Tensor(Layer(i, "ssm_dt.bias"), {8}, kF32)
        .Tensor(Layer(i, "ssm_a"), {1, 8}, kF32)
        .Tensor(Layer(i, "ssm_d"), {1, 8}, kF32)
        .Tensor(Layer(i, "ssm_norm.weight"), {256, 2}, kF32)
        .Tensor(Layer(i, "ssm_out.weight"), {512, 256}, kQ6_K);
    one.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32)
        .Tensor(Layer(i, "ssm_in.weight"), {256, 1024}, kQ4_K)
        .Tensor(Layer(i, "ssm_conv1d.weight"), {4, 512}, kF32)
        .Tensor(Layer(i, "ssm_conv1d.bias"), {512}, kF32)
        .Tensor(Layer(i, "ssm_x.weight"), {512, 16 + 2 * 16}, kQ4_K)
        .Tensor(Layer(i, "ssm_dt.weight"), {16, 512}, kF32)
        .Tensor(Layer(i, "ssm_dt.bias"), {512}, kF32)
        .Tensor(Layer(i, "ssm_a"), {16, 512}, kF32)
        .Tensor(Layer(i, "ssm_d"), {512}, kF32)
        .Tensor(Layer(i, "ssm_out.weight"), {512, 256}, kQ4_K);
  }
  const Mamba2 mamba2 = ImportExactly(two).block(0).mamba2();
  EXPECT_EQ(mamba2.heads(), 8);
  EXPECT_EQ(mamba2.head_dim(), 64);
  EXPECT_FALSE(mamba2.no_gated_norm());
  const Mamba1 mamba1 = ImportExactly(one).block(0).mamba1();
  EXPECT_EQ(mamba1.d_inner(), 512);
  EXPECT_EQ(mamba1.d_state(), 16);
  EXPECT_EQ(mamba1.dt_rank(), 16);
}

// A dense network, ungated or gated, in the formats of a test.
void AddMlp(int i, bool gated, GgufWriter* w) {
  if (gated) w->Tensor(Layer(i, "ffn_gate.weight"), {256, 512}, kQ4_K);
  w->Tensor(Layer(i, "ffn_up.weight"), {256, 512}, kQ4_K)
      .Tensor(Layer(i, "ffn_down.weight"), {512, 256}, kQ6_K)
      .Tensor(Layer(i, "ffn_norm.weight"), {256}, kF32);
}

void AddAttention(int i, int heads, int kv_heads, int head_dim, GgufWriter* w) {
  w->Tensor(Layer(i, "attn_q.weight"), {256, heads * head_dim}, kQ4_K)
      .Tensor(Layer(i, "attn_k.weight"), {256, kv_heads * head_dim}, kQ4_K)
      .Tensor(Layer(i, "attn_v.weight"), {256, kv_heads * head_dim}, kQ6_K)
      .Tensor(Layer(i, "attn_output.weight"), {heads * head_dim, 256}, kQ4_K);
}

TEST(GgufTest, ImportsShortConvolutions) {
  GgufWriter w("lfm2");
  w.Set("block_count", 3)
      .Set("attention.head_count", 4)
      .SetEach("attention.head_count_kv", {0, 0, 2})
      .Real("attention.layer_norm_rms_epsilon")
      .Tensor("token_embd.weight", {256, 1000}, kQ6_K)
      .Tensor("token_embd_norm.weight", {256}, kF32);
  for (int i = 0; i < 3; ++i) {
    w.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32);
    AddMlp(i, true, &w);
    if (i == 2) {
      AddAttention(i, 4, 2, 64, &w);
      w.Tensor(Layer(i, "attn_q_norm.weight"), {64}, kF32)
          .Tensor(Layer(i, "attn_k_norm.weight"), {64}, kF32);
      continue;
    }
    w.Tensor(Layer(i, "shortconv.conv.weight"), {3, 256}, kF32)
        .Tensor(Layer(i, "shortconv.in_proj.weight"), {256, 768}, kQ4_K)
        .Tensor(Layer(i, "shortconv.out_proj.weight"), {256, 256}, kQ4_K);
  }
  const Model model = ImportExactly(w);
  EXPECT_EQ(model.block(0).short_convolution().d_conv(), 3);
  EXPECT_EQ(model.block(1).attention().kv_heads(), 2);
}

TEST(GgufTest, ImportsMixersSideBySideAsTwoBlocks) {
  GgufWriter w = Small("falcon-h1", 2, 4, 2);
  w.Set("ssm.state_size", 32).Set("ssm.group_count", 1);
  for (int i = 0; i < 2; ++i) {
    w.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32)
        .Tensor(Layer(i, "ssm_in.weight"), {256, 2 * 512 + 2 * 32 + 8}, kQ4_K)
        .Tensor(Layer(i, "ssm_conv1d.weight"), {4, 512 + 2 * 32}, kF32)
        .Tensor(Layer(i, "ssm_conv1d.bias"), {512 + 2 * 32}, kF32)
        .Tensor(Layer(i, "ssm_dt.bias"), {8}, kF32)
        .Tensor(Layer(i, "ssm_a"), {1, 8}, kF32)
        .Tensor(Layer(i, "ssm_d"), {1, 8}, kF32)
        .Tensor(Layer(i, "ssm_out.weight"), {512, 256}, kQ5_K);
    AddAttention(i, 4, 2, 64, &w);
    AddMlp(i, true, &w);
  }
  const Model model = ImportExactly(w);
  ASSERT_EQ(model.block_size(), 2);
  EXPECT_TRUE(model.block(0).has_attention());
  EXPECT_TRUE(model.block(1).mamba2().no_gated_norm());
  EXPECT_TRUE(model.block(1).has_mlp());
  EXPECT_EQ(TotalLayers(model), 4);
}

TEST(GgufTest, ImportsKimiDeltaAttention) {
  GgufWriter w = Small("kimi-linear", 1, 4, 1);
  w.Tensor(Layer(0, "attn_norm.weight"), {256}, kF32);
  AddMlp(0, true, &w);
  for (const char* name : {"attn_q.weight", "attn_k.weight", "attn_v.weight"}) {
    w.Tensor(Layer(0, name), {256, 128}, kQ4_K);
  }
  for (const char* name :
       {"ssm_conv1d_q.weight", "ssm_conv1d_k.weight", "ssm_conv1d_v.weight"}) {
    w.Tensor(Layer(0, name), {4, 1, 128}, kF32);
  }
  w.Tensor(Layer(0, "ssm_f_a.weight"), {256, 32}, kQ4_K)
      .Tensor(Layer(0, "ssm_f_b.weight"), {32, 128}, kQ8_0)
      .Tensor(Layer(0, "ssm_g_a.weight"), {256, 32}, kQ4_K)
      .Tensor(Layer(0, "ssm_g_b.weight"), {32, 128}, kQ8_0)
      .Tensor(Layer(0, "ssm_beta.weight"), {256, 4}, kQ4_K)
      .Tensor(Layer(0, "ssm_a"), {1, 4}, kF32)
      .Tensor(Layer(0, "ssm_dt.bias"), {128}, kF32)
      .Tensor(Layer(0, "ssm_norm.weight"), {32}, kF32)
      .Tensor(Layer(0, "attn_output.weight"), {128, 256}, kQ5_0);
  const Model model = ImportExactly(w);
  EXPECT_EQ(model.block(0).linear_attention().rule(),
            LinearAttention::KIMI_DELTA);
}

TEST(GgufTest, ImportsLayersWithOneOfMixerAndChannelPart) {
  GgufWriter w("nemotron_h_moe");
  w.Set("block_count", 3)
      .SetEach("attention.head_count", {0, 4, 0})
      .SetEach("attention.head_count_kv", {0, 2, 0})
      .Set("expert_used_count", 2)
      .Set("ssm.state_size", 32)
      .Set("ssm.group_count", 1)
      .Real("attention.layer_norm_rms_epsilon")
      .Tensor("token_embd.weight", {256, 1000}, kQ4_K)
      .Tensor("output.weight", {256, 1000}, kQ6_K)
      .Tensor("output_norm.weight", {256}, kF32);
  for (int i = 0; i < 3; ++i) {
    w.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32);
  }
  w.Tensor("blk.0.ssm_in.weight", {256, 2 * 512 + 2 * 32 + 8}, kQ4_K)
      .Tensor("blk.0.ssm_conv1d.weight", {4, 512 + 2 * 32}, kF32)
      .Tensor("blk.0.ssm_dt.bias", {8}, kF32)
      .Tensor("blk.0.ssm_a", {1, 8}, kF32)
      .Tensor("blk.0.ssm_d", {1, 8}, kF32)
      .Tensor("blk.0.ssm_norm.weight", {512}, kF32)
      .Tensor("blk.0.ssm_out.weight", {512, 256}, kQ5_K);
  AddAttention(1, 4, 2, 64, &w);
  w.Tensor("blk.2.ffn_gate_inp.weight", {256, 16}, kF32)
      .Tensor("blk.2.exp_probs_b.bias", {16}, kF32)
      .Tensor("blk.2.ffn_latent_down.weight", {256, 128}, kQ4_K)
      .Tensor("blk.2.ffn_latent_up.weight", {128, 256}, kQ5_0)
      .Tensor("blk.2.ffn_up_exps.weight", {128, 96, 16}, kQ5_0)
      .Tensor("blk.2.ffn_down_exps.weight", {96, 128, 16}, kQ8_0)
      .Tensor("blk.2.ffn_up_shexp.weight", {256, 512}, kQ4_K)
      .Tensor("blk.2.ffn_down_shexp.weight", {512, 256}, kQ6_K);
  const Model model = ImportExactly(w);
  ASSERT_EQ(model.block_size(), 3);
  EXPECT_TRUE(model.block(0).mamba2().no_conv_bias());
  EXPECT_EQ(model.block(1).channel_case(), Block::CHANNEL_NOT_SET);
  EXPECT_FALSE(model.block(1).parallel());
  EXPECT_EQ(model.block(2).moe().latent_dim(), 128);
  EXPECT_FALSE(model.block(2).moe().expert().gated());
}

TEST(GgufTest, ReadsFusedMatricesAndParallelBlocks) {
  GgufWriter phi = Small("phi3", 2, 4, 2);
  phi.Set("attention.sliding_window", 2047);
  GgufWriter falcon("falcon");
  falcon.Set("block_count", 2)
      .Set("attention.head_count", 4)
      .Set("attention.head_count_kv", 1)
      .Real("attention.layer_norm_epsilon")
      .Tensor("token_embd.weight", {256, 1000}, kQ8_0)
      .Tensor("output_norm.weight", {256}, kF32)
      .Tensor("output_norm.bias", {256}, kF32);
  GgufWriter command("command-r");
  command.Set("block_count", 2)
      .Set("attention.head_count", 4)
      .Real("attention.layer_norm_epsilon")
      .Tensor("token_embd.weight", {256, 1000}, kQ8_0)
      .Tensor("output_norm.weight", {256}, kF32);
  for (int i = 0; i < 2; ++i) {
    phi.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32)
        .Tensor(Layer(i, "ffn_norm.weight"), {256}, kF32)
        .Tensor(Layer(i, "attn_qkv.weight"), {256, 8 * 64}, kQ5_K)
        .Tensor(Layer(i, "attn_output.weight"), {256, 256}, kQ4_K)
        .Tensor(Layer(i, "ffn_up.weight"), {256, 1024}, kQ4_K)
        .Tensor(Layer(i, "ffn_down.weight"), {512, 256}, kQ6_K);
    falcon.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32)
        .Tensor(Layer(i, "attn_norm.bias"), {256}, kF32)
        .Tensor(Layer(i, "attn_qkv.weight"), {256, 6 * 64}, kQ5_K)
        .Tensor(Layer(i, "attn_output.weight"), {256, 256}, kQ4_K)
        .Tensor(Layer(i, "ffn_up.weight"), {256, 1024}, kQ4_K)
        .Tensor(Layer(i, "ffn_down.weight"), {1024, 256}, kQ6_K);
    command.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32);
    AddAttention(i, 4, 4, 64, &command);
    // Norms over all heads together.
    command.Tensor(Layer(i, "attn_q_norm.weight"), {64, 4}, kF32)
        .Tensor(Layer(i, "attn_k_norm.weight"), {64, 4}, kF32)
        .Tensor(Layer(i, "ffn_gate.weight"), {256, 512}, kQ4_K)
        .Tensor(Layer(i, "ffn_up.weight"), {256, 512}, kQ4_K)
        .Tensor(Layer(i, "ffn_down.weight"), {512, 256}, kQ4_K);
  }
  const Model three = ImportExactly(phi);
  EXPECT_TRUE(three.block(0).mlp().gated());
  EXPECT_EQ(three.block(0).attention().sliding_tokens(), 2047);
  EXPECT_EQ(three.formats().mixers(), "q5_k");
  EXPECT_EQ(three.block(0).formats().output(), "q4_k");
  const Model old = ImportExactly(falcon);
  EXPECT_EQ(old.norm(), LAYER_NORM);
  EXPECT_TRUE(old.block(0).parallel());
  EXPECT_FALSE(old.block(0).mlp().gated());
  EXPECT_EQ(old.block(0).attention().head_dim(), 64);
  const Model cohere = ImportExactly(command);
  EXPECT_EQ(cohere.norm(), LAYER_NORM_NO_BIAS);
  EXPECT_TRUE(cohere.block(0).parallel());
  EXPECT_TRUE(cohere.block(0).attention().qk_norm_all_heads());
  EXPECT_EQ(cohere.block(0).attention().kv_heads(), 4);
}

TEST(GgufTest, ReadsWindows) {
  struct Case {
    const char* architecture;
    // One letter per layer: l local, f full, c chunked.
    const char* layers;
    std::vector<int> pattern = {};
    int window = 64;
  };
  const Case cases[] = {
      {"gemma2", "lflf"},
      {"gemma3", "lllllflllllf"},
      {"cohere2", "lllflllf"},
      {"llama4", "cccfcccf"},
      {"smallthinker", "flllfl"},
      {"llama", "ff", {}, 0},
      {"phi3", "ll"},
      {"gemma3", "flfl", {0, 1, 0, 1}},
      {"mimo2", "flll", {0, 1, 1, 1}},
      {"olmo2", "ffff", {}, 0},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.architecture);
    const int n = std::string(one.layers).size();
    GgufWriter w = Small(one.architecture, n, 4, 2);
    if (one.window > 0) w.Set("attention.sliding_window", one.window);
    if (!one.pattern.empty()) {
      w.SetEach("attention.sliding_window_pattern", one.pattern);
    }
    for (int i = 0; i < n; ++i) {
      w.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32);
      AddAttention(i, 4, 2, 64, &w);
      AddMlp(i, true, &w);
    }
    const Model model = ImportExactly(w);
    std::string found;
    for (const LayerPattern& pattern : model.layers()) {
      for (int r = 0; r < std::max<int>(1, pattern.repeat()); ++r) {
        for (const LayerPattern::Run& run : pattern.run()) {
          found += std::string(run.count(), run.block()[0]);
        }
      }
    }
    EXPECT_EQ(found, one.layers);
  }
}

TEST(GgufTest, CountsWhatTheSchemaHasNoFieldFor) {
  // Gemma 3n: a table per layer, matrices beside the mixer, shared caches.
  GgufWriter w = Small("gemma3n", 2, 4, 2);
  w.Set("attention.sliding_window", 64).Set("attention.shared_kv_layers", 1);
  w.Tensor("per_layer_token_embd.weight", {64, 1000}, kQ8_0)
      .Tensor("per_layer_model_proj.weight", {256, 64}, kBf16)
      .Tensor("per_layer_proj_norm.weight", {32}, kF32)
      .Tensor("altup_proj.weight", {256, 256, 3}, kF16)
      .Tensor("altup_unembd_proj.weight", {256, 256, 3}, kF16);
  for (int i = 0; i < 2; ++i) {
    for (const char* name :
         {"attn_norm.weight", "post_attention_norm.weight",
          "post_ffw_norm.weight", "post_norm.weight",
          "altup_router_norm.weight", "laurel_post_norm.weight",
          "altup_correct_scale.weight"}) {
      w.Tensor(Layer(i, name), {256}, kF32);
    }
    w.Tensor(Layer(i, "inp_gate.weight"), {256, 32}, kQ4_K)
        .Tensor(Layer(i, "proj.weight"), {32, 256}, kQ8_0)
        .Tensor(Layer(i, "altup_correct_coef.weight"), {4, 4}, kF32)
        .Tensor(Layer(i, "altup_predict_coef.weight"), {4, 16}, kF32)
        .Tensor(Layer(i, "altup_router.weight"), {256, 4}, kF32)
        .Tensor(Layer(i, "laurel_l.weight"), {256, 64}, kF16)
        .Tensor(Layer(i, "laurel_r.weight"), {64, 256}, kF16);
    if (i == 0) {
      AddAttention(i, 4, 2, 64, &w);
      w.Tensor(Layer(i, "attn_k_norm.weight"), {64}, kF32);
    } else {
      w.Tensor(Layer(i, "attn_q.weight"), {256, 256}, kQ4_K)
          .Tensor(Layer(i, "attn_output.weight"), {256, 256}, kQ4_K);
    }
    w.Tensor(Layer(i, "attn_q_norm.weight"), {64}, kF32);
    AddMlp(i, true, &w);
  }
  const Model model = ImportExactly(w);
  EXPECT_TRUE(model.block(1).attention().shared_kv());
  EXPECT_EQ(model.per_layer_embedding().width(), 64);
  EXPECT_EQ(model.extra_size(), 4);
}

TEST(GgufTest, LeavesOutModulesForDrafts) {
  GgufWriter w = Small("glm4moe", 2, 4, 2);
  w.Set("nextn_predict_layers", 1);
  int64_t whole = 0;
  for (int i = 0; i < 2; ++i) {
    if (i == 1) whole = w.bytes();
    w.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32);
    AddAttention(i, 4, 2, 64, &w);
    AddMlp(i, true, &w);
  }
  w.Tensor("blk.1.nextn.eh_proj.weight", {512, 256}, kQ8_0)
      .Tensor("blk.1.nextn.enorm.weight", {256}, kF32)
      .Tensor("blk.1.nextn.hnorm.weight", {256}, kF32);
  const ImportedModel imported = OrDie(Import(w));
  EXPECT_EQ(imported.model.mtp_modules(), 1);
  EXPECT_THAT(imported.model.mtp_block(), ElementsAre("mtp"));
  EXPECT_EQ(TotalLayers(imported.model), 1);
  ASSERT_EQ(imported.notes.size(), 1u);
  EXPECT_THAT(imported.notes[0],
              HasSubstr(absl::StrCat(" ", w.bytes() - whole, " are not used")));
  EXPECT_NEAR(
      InBytes(
          BuildLedger(imported.model, Point(1, 1024)).TotalWeightFootprint()),
      static_cast<double>(whole), 0.5);
}

TEST(GgufTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(ErrorOf(Import(GgufWriter("rwkv9"))),
              HasSubstr("unknown architecture \"rwkv9\" (supported: afmoe,"));
  GgufWriter adapter = Q4KM(kSmall);
  adapter.Text("general.type", "adapter");
  EXPECT_THAT(ErrorOf(Import(adapter)), HasSubstr("found \"adapter\""));
  GgufWriter matrix = Q4KM(kSmall);
  matrix.Tensor("blk.3.attn_magic.weight", {256, 256}, kQ4_K);
  EXPECT_THAT(ErrorOf(Import(matrix)),
              HasSubstr("blk.3.attn_magic.weight: is a matrix of {256, 256} "
                        "that the import of llama does not know"));
  GgufWriter outside = Q4KM(kSmall);
  outside.Tensor("second_head.weight", {256, 256}, kQ4_K);
  EXPECT_THAT(ErrorOf(Import(outside)), HasSubstr("second_head.weight: is a "));
  GgufWriter type = Q4KM(kSmall);
  type.Tensor("blk.0.x", {256}, 97).Tensor("blk.1.x", {256}, 97);
  EXPECT_THAT(ErrorOf(Import(type)),
              HasSubstr("97 (2 tensors, the first is blk.0.x)"));
  GgufWriter integers = Q4KM(kSmall);
  integers.Tensor("blk.0.ids.weight", {256}, kI32);
  EXPECT_THAT(ErrorOf(Import(integers)), HasSubstr("is of type I32"));
  GgufWriter layer = Q4KM(kSmall);
  layer.Tensor("blk.8.attn_norm.weight", {256}, kF32);
  EXPECT_THAT(ErrorOf(Import(layer)), HasSubstr("belongs to no layer"));
}

TEST(GgufTest, ReportsEveryFaultOnce) {
  GgufWriter w("llama");
  w.Set("block_count", 9).Set("attention.head_count", 3);
  w.Tensor("token_embd.weight", {256, 1000}, kQ8_0)
      .Tensor("output.weight", {256, 999}, kQ8_0)
      .Tensor("output_norm.weight", {128}, kF32);
  for (int i = 0; i < 8; ++i) {
    w.Tensor(Layer(i, "attn_norm.weight"), {256}, kF32);
    AddAttention(i, 4, 2, 64, &w);
    AddMlp(i, true, &w);
  }
  const std::string error = ErrorOf(Import(w));
  EXPECT_THAT(error, HasSubstr("output.weight: is {256, 999}; expected {256, "
                               "1000}"));
  EXPECT_THAT(error, HasSubstr("output_norm.weight: is {128}"));
  EXPECT_THAT(error, HasSubstr("blk.8: has no tensors"));
  EXPECT_THAT(error, HasSubstr("blk.0.attn_output.weight: has a width of 256, "
                               "which 3 heads do not divide"));
  EXPECT_THAT(error, Not(HasSubstr("blk.1.")));
}

TEST(GgufTest, RefusesOtherFiles) {
  EXPECT_THAT(ErrorOf(ImportText("PK\3\4 and so on")),
              HasSubstr("expected \"GGUF\""));
  EXPECT_THAT(ErrorOf(ImportText("")), HasSubstr("ends within its header"));
  const GgufWriter small = Q4KM(kSmall);
  EXPECT_THAT(ErrorOf(ImportText(small.File(1))), HasSubstr("has version 1"));
  EXPECT_THAT(ErrorOf(ImportText(small.File(0x03000000))),
              HasSubstr("big-endian"));
  OrDie(ImportText(small.File(2)));
}

// Little-endian bytes of a number.
std::string Bytes(uint64_t value, int width) {
  std::string out;
  for (int i = 0; i < width; ++i) out.push_back(value >> (8 * i) & 255);
  return out;
}

TEST(GgufTest, ReadsEveryTypeOfValue) {
  const std::pair<uint32_t, int> numbers[] = {
      {0, 1}, {1, 1}, {2, 2}, {3, 2}, {4, 4}, {5, 4}, {7, 1}, {10, 8}, {11, 8}};
  std::string file = "GGUF" + Bytes(3, 4) + Bytes(0, 8) + Bytes(15, 8);
  const auto key = [&](const std::string& name, uint32_t type) {
    file += Bytes(name.size(), 8) + name + Bytes(type, 4);
  };
  for (const auto& number : numbers) {
    key(absl::StrCat("n", number.first), number.first);
    file += Bytes(~uint64_t{0}, number.second);
  }
  key("f32", 6);
  file += Bytes(0x3fc00000, 4);
  key("f64", 12);
  file += Bytes(0x3ff8000000000000, 8);
  key("text", 8);
  file += Bytes(2, 8) + "ab";
  key("flags", 9);
  file += Bytes(7, 4) + Bytes(3, 8) + Bytes(0x010001, 3);
  key("floats", 9);
  file += Bytes(6, 4) + Bytes(2, 8) + Bytes(0, 8);
  key("nested", 9);
  file += Bytes(9, 4) + Bytes(2, 8);
  file += Bytes(8, 4) + Bytes(1, 8) + Bytes(1, 8) + "x";
  file += Bytes(2, 4) + Bytes(2, 8) + Bytes(0, 4);
  std::istringstream in(file);
  std::vector<Fault> faults;
  const absl::optional<GgufHeader> header =
      ReadGgufHeader(in, "model.gguf", &faults);
  ASSERT_TRUE(header.has_value());
  const auto integer = [&](const char* name) {
    return header->metadata.at(name).integer;
  };
  EXPECT_EQ(integer("n0"), 255);
  EXPECT_EQ(integer("n1"), -1);
  EXPECT_EQ(integer("n2"), 65535);
  EXPECT_EQ(integer("n3"), -1);
  EXPECT_EQ(integer("n4"), 4294967295);
  EXPECT_EQ(integer("n5"), -1);
  EXPECT_EQ(integer("n7"), 1);
  EXPECT_EQ(integer("n10"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(integer("n11"), -1);
  EXPECT_EQ(header->metadata.at("f32").real, 1.5);
  EXPECT_EQ(header->metadata.at("f64").real, 1.5);
  EXPECT_EQ(header->metadata.at("text").text, "ab");
  EXPECT_THAT(header->metadata.at("flags").integers, ElementsAre(1, 0, 1));
  EXPECT_EQ(header->metadata.at("floats").kind, GgufValue::Kind::kOther);
  EXPECT_EQ(header->metadata.at("nested").kind, GgufValue::Kind::kOther);
}

TEST(GgufTest, ReadsPartsThatLieSideBySide) {
  GgufWriter first = Small("llama", 1, 4, 2);
  first.Number("split.count", 2).Number("split.tensors.count", 9 + 2);
  GgufWriter second("llama");
  AddAttention(0, 4, 2, 64, &first);
  second.Tensor("blk.0.attn_norm.weight", {256}, kF32);
  AddMlp(0, true, &second);
  const std::string one = TempPath("parts-00001-of-00002.gguf");
  const std::string two = TempPath("parts-00002-of-00002.gguf");
  // A run before may have left its files.
  std::remove(two.c_str());
  Write(one, first.File());
  EXPECT_THAT(ErrorOf(ImportGguf(one, "", "2026-01-01")),
              HasSubstr("there is no file "));
  Write(two, second.File());
  for (const std::string& path : {one, two}) {
    const ImportedModel imported = OrDie(ImportGguf(path, "", "2026-01-01"));
    EXPECT_EQ(imported.model.name(), "parts");
    EXPECT_NEAR(
        InBytes(
            BuildLedger(imported.model, Point(1, 1024)).TotalWeightFootprint()),
        static_cast<double>(first.bytes() + second.bytes()), 0.5);
    // The parts hold no tensor data.
    EXPECT_THAT(imported.notes[0], HasSubstr("it is incomplete"));
  }
  const std::string alone = TempPath("alone.gguf");
  Write(alone, first.File());
  EXPECT_THAT(ErrorOf(ImportGguf(alone, "", "2026-01-01")),
              HasSubstr("split.count: found 2, but there are 1 parts"));
  EXPECT_THAT(ErrorOf(ImportGguf(TempPath("no.gguf"), "", "2026-01-01")),
              HasSubstr("there is no file"));
}

TEST(GgufTest, RefusesAbsurdCountsWithoutTakingMemory) {
  const std::string start = "GGUF" + Bytes(3, 4);
  const uint64_t huge = ~uint64_t{0};
  EXPECT_THAT(ErrorOf(ImportText(start + Bytes(huge, 8) + Bytes(0, 8))),
              HasSubstr("tensors; expected at most"));
  EXPECT_THAT(ErrorOf(ImportText(start + Bytes(0, 8) + Bytes(huge, 8))),
              HasSubstr("entries of metadata; expected at most"));
  const std::string pair = start + Bytes(0, 8) + Bytes(1, 8);
  for (const uint64_t length :
       {huge, huge / 2, uint64_t{1} << 40, uint64_t{1} << 31}) {
    for (const std::string& tail :
         {Bytes(length, 8), Bytes(1, 8) + "k" + Bytes(8, 4) + Bytes(length, 8),
          Bytes(1, 8) + "k" + Bytes(9, 4) + Bytes(4, 4) + Bytes(length, 8),
          Bytes(1, 8) + "k" + Bytes(9, 4) + Bytes(10, 4) + Bytes(length, 8),
          Bytes(1, 8) + "k" + Bytes(9, 4) + Bytes(8, 4) + Bytes(length, 8)}) {
      EXPECT_FALSE(ImportText(pair + tail).ok());
    }
  }
  // Arrays in arrays without end.
  std::string nested = pair + Bytes(1, 8) + "k" + Bytes(9, 4);
  for (int i = 0; i < 100000; ++i) nested += Bytes(9, 4) + Bytes(1, 8);
  EXPECT_THAT(ErrorOf(ImportText(nested)), HasSubstr("arrays in arrays"));
  for (const int64_t size : {int64_t{0}, int64_t{-1}, int64_t{1} << 62}) {
    GgufWriter w = Q4KM(kSmall);
    w.Tensor("blk.0.x", {size, 1}, 97);
    EXPECT_THAT(ErrorOf(Import(w)), HasSubstr("blk.0.x: has a dimension of"));
  }
}

// Truncated and damaged files are errors or other models, never crashes.
TEST(GgufTest, SurvivesDamage) {
  Shape shape = kSmall;
  shape.layers = 2;
  shape.experts = 4;
  shape.used = 2;
  const std::string file = Q4KM(shape).File();
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(ImportText(file.substr(0, size)).ok()) << size;
  }
  ImportDamaged(file, 5000);
}

}  // namespace
}  // namespace tokenjoule
