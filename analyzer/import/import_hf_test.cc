#include "analyzer/import/import_hf.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "analyzer/description/catalog.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/status.h"
#include "analyzer/testing/text.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "proto/model.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kDirectory[] = "analyzer/import/testdata/hf/";

// All configurations of the test data. They are written by hand with the field
// names and dimensions of the published ones.
const std::vector<std::string>& Names() {
  static const std::vector<std::string>* const kNames =
      new std::vector<std::string>{
          "deepseek-v2-lite",
          "deepseek-v3",
          "falcon-180b",
          "falcon-7b",
          "gemma-2-9b",
          "gemma-3-27b",
          "gpt-neox-20b",
          "gpt-oss-20b",
          "gpt2",
          "jamba-v0.1",
          "llama-3.1-8b",
          "llama-4-maverick-text",
          "llama-4-scout",
          "mamba2-2.7b",
          "mistral-7b-v0.1",
          "mixtral-8x7b",
          "nemotron-h-8b",
          "opt-175b",
          "phi-4",
          "qwen1.5-moe-a2.7b",
          "qwen2.5-7b",
          "qwen3-30b-a3b",
          "qwen3-8b",
          "qwen3-next-80b-a3b",
      };
  return *kNames;
}

std::string Config(const std::string& name) {
  return OrDie(ReadTextFile(absl::StrCat(kDirectory, name, ".json")));
}

absl::StatusOr<Model> ImportAs(const std::string& json, const std::string& path,
                               const std::string& name) {
  HfFiles files;
  files.config = json;
  files.path = path;
  absl::StatusOr<ImportedModel> imported =
      ImportHuggingFace(files, name, "2026-01-02");
  if (!imported.ok()) return imported.status();
  return imported->model;
}

absl::StatusOr<Model> Import(const std::string& json) {
  return ImportAs(json, "c.json", "m");
}

Model MustImport(const std::string& json) { return OrDie(Import(json)); }

// The configuration with this name and with a top-level field set to `value`;
// the last of two equal keys counts.
std::string With(const std::string& name, const std::string& field,
                 const std::string& value) {
  std::string text = Config(name);
  const size_t brace = text.rfind('}');
  return absl::StrCat(text.substr(0, brace), ", \"", field, "\": ", value, "}");
}

// The configuration without the line of a field, wherever it is.
std::string Without(const std::string& name, const std::string& field) {
  std::vector<std::string> lines = absl::StrSplit(Config(name), '\n');
  const std::string key = absl::StrCat("\"", field, "\":");
  std::string out;
  for (const std::string& line : lines) {
    if (!absl::StrContains(line, key)) absl::StrAppend(&out, line, "\n");
  }
  return out;
}

std::string Error(const std::string& json) {
  SCOPED_TRACE(json);
  return ErrorOf(Import(json));
}

const Block& BlockNamed(const Model& model, const std::string& name) {
  for (const Block& block : model.block()) {
    if (block.name() == name) return block;
  }
  ADD_FAILURE() << "no block " << name << " in " << model.DebugString();
  return Block::default_instance();
}

// The layers one by one, as indices into `block`.
std::vector<int> Order(const Model& model) {
  std::vector<int> order;
  for (const LayerPattern& pattern : model.layers()) {
    for (int i = 0; i < std::max<int>(pattern.repeat(), 1); ++i) {
      for (const LayerPattern::Run& run : pattern.run()) {
        int index = 0;
        while (model.block(index).name() != run.block()) ++index;
        order.insert(order.end(), run.count(), index);
      }
    }
  }
  return order;
}

// The initials of the layers' names: "lllllf" for five local layers and a full
// one.
std::string Initials(const Model& model) {
  std::string out;
  for (const int index : Order(model)) out += model.block(index).name()[0];
  return out;
}

TEST(ImportHfTest, EveryFamilyRoundTripsThroughATextproto) {
  for (const std::string& name : Names()) {
    const Model model = MustImport(Config(name));
    absl::StatusOr<Model> parsed =
        ParseModel(ImportedModelText(model), "m.textproto");
    ASSERT_TRUE(parsed.ok()) << name << ": " << parsed.status();
    EXPECT_TRUE(MessageDifferencer::Equals(*parsed, model)) << name;
  }
}

TEST(ImportHfTest, TextSaysWhereTheModelComesFrom) {
  const std::string text =
      ImportedModelText(MustImport(Config("llama-3.1-8b")));
  EXPECT_EQ(text.find("# proto-file: proto/model.proto\n"
                      "# proto-message: Model\n"),
            0u);
  EXPECT_THAT(text, HasSubstr("# Hugging Face config.json (model_type llama"));
  EXPECT_THAT(text, HasSubstr("LlamaForCausalLM"));
  EXPECT_THAT(text, HasSubstr("transformers_version 4.43.0.dev0"));
  EXPECT_THAT(text, HasSubstr("c.json"));
  EXPECT_THAT(text, HasSubstr("date: \"2026-01-02\""));
}

TEST(ImportHfTest, CitationListsTheDefaultsThatStoodIn) {
  const Model model = MustImport(Config("gemma-3-27b"));
  EXPECT_THAT(model.sources(0).citation(),
              HasSubstr("text_config.vocab_size = 262208"));
  EXPECT_THAT(MustImport(Config("llama-3.1-8b")).sources(0).citation(),
              Not(HasSubstr("absent")));
}

// The architecture without descriptive fields and without fields that a
// config.json does not always give.
Model Bare(Model model) {
  for (Block& block : *model.mutable_block()) block.clear_name();
  model.clear_name();
  model.clear_description();
  model.clear_sources();
  model.clear_layers();
  model.clear_max_context();
  model.clear_mtp_modules();
  model.clear_formats();
  model.clear_published();
  model.clear_aliases();
  model.clear_hf_ids();
  return model;
}

TEST(ImportHfTest, CatalogueHasTheSameArchitectures) {
  const std::vector<std::string> shipped_names = CatalogNames(SpecKind::kModel);
  int compared = 0;
  for (const std::string& name : Names()) {
    if (std::find(shipped_names.begin(), shipped_names.end(), name) ==
        shipped_names.end()) {
      continue;
    }
    ++compared;
    Model imported = MustImport(Config(name));
    // The multimodal checkpoint's table has 64 rows for images.
    if (name == "gemma-3-27b") imported.set_vocab_size(262144);
    const Model shipped = LoadModelOrDie(name);
    EXPECT_TRUE(MessageDifferencer::Equals(Bare(imported), Bare(shipped)))
        << name << "\n"
        << imported.DebugString();
    EXPECT_EQ(Order(imported), Order(shipped)) << name;
  }
  EXPECT_GE(compared, 3);
}

TEST(ImportHfTest, CatalogueHasTheSameContextAndFormatsOfDenseModels) {
  for (const char* name : {"llama-3.1-8b", "mistral-7b-v0.1", "qwen3-8b"}) {
    const Model imported = MustImport(Config(name));
    const Model shipped = LoadModelOrDie(name);
    EXPECT_EQ(imported.max_context(), shipped.max_context()) << name;
    EXPECT_TRUE(
        MessageDifferencer::Equals(imported.formats(), shipped.formats()))
        << name;
  }
}

TEST(ImportHfTest, MixtralHasExpertsInEveryLayer) {
  const Model model = MustImport(Config("mixtral-8x7b"));
  const Block& block = BlockNamed(model, "full-moe");
  EXPECT_EQ(block.moe().experts(), 8);
  EXPECT_EQ(block.moe().experts_per_token(), 2);
  EXPECT_EQ(block.moe().expert().d_ff(), 14336);
  EXPECT_TRUE(block.moe().expert().gated());
  EXPECT_FALSE(block.attention().has_sliding_tokens());
  EXPECT_EQ(Order(model).size(), 32u);
}

TEST(ImportHfTest, MistralSlidesUnlessTheWindowIsNull) {
  const Model sliding =
      MustImport(Without("mistral-7b-v0.1", "sliding_window"));
  EXPECT_EQ(BlockNamed(sliding, "local").attention().sliding_tokens(), 4096);
  const Model full =
      MustImport(With("mistral-7b-v0.1", "sliding_window", "null"));
  EXPECT_EQ(BlockNamed(full, "full").attention().window_case(),
            Attention::WINDOW_NOT_SET);
}

TEST(ImportHfTest, Qwen2HasBiasesOnQueriesKeysAndValuesOnly) {
  const Model model = MustImport(Config("qwen2.5-7b"));
  const Attention& attention = BlockNamed(model, "full").attention();
  EXPECT_TRUE(attention.qkv_bias());
  EXPECT_FALSE(attention.output_bias());
  EXPECT_FALSE(attention.qk_norm());
  EXPECT_EQ(attention.head_dim(), 128);
}

TEST(ImportHfTest, QwenSlidesFromMaxWindowLayersOn) {
  const std::string config =
      Replaced(Config("qwen2.5-7b"), "\"max_window_layers\": 28",
               "\"max_window_layers\": 20");
  EXPECT_EQ(MustImport(config).block_size(), 1);  // use_sliding_window is false
  const Model model = MustImport(Replaced(
      config, "\"use_sliding_window\": false", "\"use_sliding_window\": true"));
  EXPECT_EQ(Initials(model), std::string(20, 'f') + std::string(8, 'l'));
}

TEST(ImportHfTest, QwenExpertsLeaveOutListedAndSkippedLayers) {
  const std::string every_other =
      Replaced(Config("qwen3-30b-a3b"), "\"decoder_sparse_step\": 1",
               "\"decoder_sparse_step\": 2");
  const Model model = MustImport(Replaced(
      every_other, "\"mlp_only_layers\": []", "\"mlp_only_layers\": [1]"));
  ASSERT_EQ(model.block_size(), 2);
  const std::vector<int> order = Order(model);
  // Layers 0, 1, 2 are dense, layer 3 has experts, then they alternate.
  EXPECT_EQ(order[0], 0);
  EXPECT_EQ(order[1], 0);
  EXPECT_EQ(order[2], 0);
  EXPECT_EQ(order[3], 1);
  EXPECT_EQ(order[47], 1);
  EXPECT_EQ(BlockNamed(model, "full").mlp().d_ff(), 6144);
  EXPECT_EQ(BlockNamed(model, "full-moe").moe().expert().d_ff(), 768);
}

TEST(ImportHfTest, QwenSharedExpertsAreGated) {
  const Model model = MustImport(Config("qwen1.5-moe-a2.7b"));
  const MixtureOfExperts& moe = BlockNamed(model, "full-moe").moe();
  EXPECT_EQ(moe.shared().d_ff(), 5632);
  EXPECT_TRUE(moe.shared_gate());
  EXPECT_FALSE(moe.router_bias());
}

TEST(ImportHfTest, Qwen3NextHasOneFullLayerInFour) {
  const Model model = MustImport(Config("qwen3-next-80b-a3b"));
  EXPECT_EQ(Initials(model).substr(0, 8), "lllflllf");
  ASSERT_EQ(model.layers_size(), 1);
  EXPECT_EQ(model.layers(0).repeat(), 12);
  const LinearAttention& linear =
      BlockNamed(model, "linear-moe").linear_attention();
  EXPECT_EQ(linear.key_heads(), 16);
  EXPECT_EQ(linear.value_heads(), 32);
  EXPECT_EQ(linear.d_conv(), 4);
  const Attention& attention = BlockNamed(model, "full-moe").attention();
  EXPECT_TRUE(attention.output_gate());
  EXPECT_TRUE(attention.qk_norm());
  EXPECT_EQ(attention.head_dim(), 256);
}

TEST(ImportHfTest, Gemma2AlternatesFromALocalLayer) {
  const Model model = MustImport(Config("gemma-2-9b"));
  EXPECT_EQ(Initials(model).substr(0, 4), "lflf");
  EXPECT_EQ(BlockNamed(model, "local").attention().sliding_tokens(), 4096);
  EXPECT_EQ(BlockNamed(model, "full").norms(), 4);
  EXPECT_TRUE(model.tied_embeddings());
  EXPECT_EQ(model.formats().linear(), "fp32");
}

TEST(ImportHfTest, Gemma3ReadsItsTextConfig) {
  const Model model = MustImport(Config("gemma-3-27b"));
  EXPECT_EQ(model.d_model(), 5376);
  EXPECT_EQ(model.vocab_size(), 262208);
  EXPECT_EQ(Initials(model).substr(0, 7), "lllllfl");
  EXPECT_EQ(Initials(model).substr(56), "lllfll");
  ASSERT_EQ(model.layers_size(), 2);
  EXPECT_EQ(model.layers(0).repeat(), 10);
  EXPECT_TRUE(BlockNamed(model, "full").attention().qk_norm());
  EXPECT_TRUE(model.tied_embeddings());
}

TEST(ImportHfTest, DeepSeekBeginsWithDenseLayers) {
  const Model model = MustImport(Config("deepseek-v3"));
  EXPECT_EQ(Initials(model), "ddd" + std::string(58, 'm'));
  const Block& block = BlockNamed(model, "moe");
  EXPECT_EQ(block.latent_attention().q_rank(), 1536);
  EXPECT_EQ(block.moe().shared().d_ff(), 2048);
  EXPECT_TRUE(block.moe().router_bias());
  EXPECT_EQ(model.mtp_modules(), 1);
  EXPECT_EQ(model.formats().linear(), "fp8-block128");
  EXPECT_EQ(model.formats().experts(), "");
  EXPECT_EQ(model.formats().lm_head(), "bf16");
}

TEST(ImportHfTest, DeepSeekV2LiteProjectsQueriesDirectly) {
  const Model model = MustImport(Config("deepseek-v2-lite"));
  const Block& block = BlockNamed(model, "moe");
  EXPECT_EQ(block.latent_attention().q_rank(), 0);
  // Two shared experts are combined into one network.
  EXPECT_EQ(block.moe().shared().d_ff(), 2816);
  EXPECT_FALSE(block.moe().router_bias());
  EXPECT_EQ(BlockNamed(model, "dense").mlp().d_ff(), 10944);
}

TEST(ImportHfTest, KimiK2IsReadAsDeepSeekV3) {
  const Model model = MustImport(Replaced(Config("deepseek-v3"),
                                          "\"model_type\": \"deepseek_v3\"",
                                          "\"model_type\": \"kimi_k2\""));
  EXPECT_TRUE(BlockNamed(model, "moe").moe().router_bias());
}

TEST(ImportHfTest, GptOssHasSinksBiasesAndMxfp4Experts) {
  const Model model = MustImport(Config("gpt-oss-20b"));
  const Block& block = BlockNamed(model, "local-moe");
  EXPECT_EQ(block.attention().sliding_tokens(), 128);
  EXPECT_TRUE(block.attention().sinks());
  EXPECT_TRUE(block.attention().qkv_bias());
  EXPECT_TRUE(block.attention().output_bias());
  EXPECT_TRUE(block.moe().expert().bias());
  EXPECT_TRUE(block.moe().router_bias());
  EXPECT_EQ(Initials(model).substr(0, 4), "lflf");
  EXPECT_EQ(model.formats().linear(), "bf16");
  EXPECT_EQ(model.formats().experts(), "mxfp4");
}

TEST(ImportHfTest, Llama4AttendsInChunksThreeLayersOfFour) {
  const Model model = MustImport(Config("llama-4-scout"));
  EXPECT_EQ(Initials(model).substr(0, 8), "cccfcccf");
  const Block& block = BlockNamed(model, "chunked-moe");
  EXPECT_EQ(block.attention().chunk_tokens(), 8192);
  EXPECT_FALSE(block.attention().qk_norm());
  EXPECT_EQ(block.moe().experts(), 16);
  EXPECT_EQ(block.moe().shared().d_ff(), 8192);
}

TEST(ImportHfTest, Llama4MaverickHasExpertsEveryOtherLayer) {
  const Model model = MustImport(Config("llama-4-maverick-text"));
  EXPECT_EQ(BlockNamed(model, "chunked").mlp().d_ff(), 16384);
  EXPECT_EQ(BlockNamed(model, "chunked-moe").moe().experts(), 128);
  // chunked, chunked-moe, chunked, full-moe.
  EXPECT_EQ(Order(model)[1], Order(model)[5]);
  EXPECT_EQ(Order(model)[0], Order(model)[2]);
  ASSERT_EQ(model.layers_size(), 1);
  EXPECT_EQ(model.layers(0).run_size(), 4);
  EXPECT_EQ(model.layers(0).repeat(), 12);
}

TEST(ImportHfTest, NemotronLayersAreMixerOrMlp) {
  const Model model = MustImport(Config("nemotron-h-8b"));
  EXPECT_EQ(Order(model).size(), 52u);
  EXPECT_EQ(BlockNamed(model, "mlp").norms(), 1);
  EXPECT_EQ(BlockNamed(model, "mlp").mixer_case(), Block::MIXER_NOT_SET);
  EXPECT_FALSE(BlockNamed(model, "mlp").mlp().gated());
  EXPECT_EQ(BlockNamed(model, "mamba").mamba2().heads(), 128);
  EXPECT_EQ(BlockNamed(model, "attention").attention().kv_heads(), 8);
}

TEST(ImportHfTest, NemotronExpertsAreLayers) {
  std::string config = With("nemotron-h-8b", "hybrid_override_pattern",
                            "\"MEM*\", \"num_hidden_layers\": 4, "
                            "\"n_routed_experts\": 128, "
                            "\"num_experts_per_tok\": 6, "
                            "\"moe_intermediate_size\": 1856, "
                            "\"moe_shared_expert_intermediate_size\": 3712");
  const MixtureOfExperts moe = BlockNamed(MustImport(config), "moe").moe();
  EXPECT_EQ(moe.experts(), 128);
  EXPECT_FALSE(moe.expert().gated());
  EXPECT_EQ(moe.shared().d_ff(), 3712);
  EXPECT_TRUE(moe.router_bias());
}

TEST(ImportHfTest, Mamba2StatesNoLongestContext) {
  const Model model = MustImport(Config("mamba2-2.7b"));
  EXPECT_EQ(model.max_context(), 0);
  EXPECT_EQ(BlockNamed(model, "mamba").mamba2().groups(), 1);
  EXPECT_EQ(BlockNamed(model, "mamba").norms(), 1);
  EXPECT_TRUE(model.tied_embeddings());
  EXPECT_EQ(model.formats().linear(), "fp16");
}

TEST(ImportHfTest, StateIsWiderWhereTheConfigurationOrTheEnginesAskForIt) {
  // Empty: as wide as the model's own format.
  EXPECT_EQ(MustImport(Config("mamba2-2.7b")).formats().state(), "");
  EXPECT_EQ(MustImport(Config("jamba-v0.1")).formats().state(), "");
  EXPECT_EQ(MustImport(Config("nemotron-h-8b")).formats().state(), "fp32");
  EXPECT_EQ(MustImport(Config("qwen3-next-80b-a3b")).formats().state(), "fp32");
  EXPECT_THAT(MustImport(Config("nemotron-h-8b")).sources(0).citation(),
              HasSubstr("mamba_ssm_cache_dtype = fp32"));
  // The configuration's own field counts more than the engines' default.
  for (const char* field : {"mamba_ssm_cache_dtype", "mamba_ssm_dtype"}) {
    for (const char* name : {"mamba2-2.7b", "nemotron-h-8b"}) {
      EXPECT_EQ(MustImport(With(name, field, "\"float32\"")).formats().state(),
                "fp32");
      EXPECT_EQ(MustImport(With(name, field, "\"bfloat16\"")).formats().state(),
                "bf16");
    }
    EXPECT_THAT(Error(With("mamba2-2.7b", field, "\"int8\"")),
                HasSubstr(field));
  }
}

TEST(ImportHfTest, CatalogueHasTheSameStateFormats) {
  for (const char* name :
       {"jamba-v0.1", "mamba2-2.7b", "nemotron-h-8b", "qwen3-next-80b-a3b"}) {
    EXPECT_EQ(MustImport(Config(name)).formats().state(),
              LoadModelOrDie(name).formats().state())
        << name;
  }
}

TEST(ImportHfTest, MambaOneRankIsASixteenthOfTheWidth) {
  const Model model = MustImport(
      R"({"model_type": "mamba", "hidden_size": 2568, "vocab_size": 50280,
          "num_hidden_layers": 64, "time_step_rank": "auto"})");
  const Mamba1& mamba = BlockNamed(model, "mamba").mamba1();
  EXPECT_EQ(mamba.dt_rank(), 161);  // ceil(2568 / 16)
  EXPECT_EQ(mamba.d_inner(), 5136);
  EXPECT_EQ(mamba.d_state(), 16);
}

TEST(ImportHfTest, JambaPlacesAttentionAndExpertsByPeriod) {
  const Model model = MustImport(Config("jamba-v0.1"));
  EXPECT_EQ(Initials(model).substr(0, 8), "mmmmammm");
  ASSERT_EQ(model.layers_size(), 1);
  EXPECT_EQ(model.layers(0).repeat(), 4);
  EXPECT_EQ(model.layers(0).run(1).block(), "mamba-moe");
  EXPECT_EQ(model.layers(0).run(4).block(), "attention");
  const Mamba1& mamba = BlockNamed(model, "mamba").mamba1();
  EXPECT_EQ(mamba.d_inner(), 8192);
  EXPECT_EQ(mamba.dt_rank(), 256);
  EXPECT_TRUE(mamba.inner_norms());
}

TEST(ImportHfTest, FalconNewArchitectureHasGroupsAndTwoNorms) {
  const Model model = MustImport(Config("falcon-180b"));
  const Block& block = BlockNamed(model, "full");
  EXPECT_EQ(block.attention().kv_heads(), 8);
  EXPECT_EQ(block.attention().head_dim(), 64);
  EXPECT_EQ(block.norms(), 2);
  EXPECT_TRUE(block.parallel());
  EXPECT_EQ(block.mlp().d_ff(), 59392);
  EXPECT_FALSE(block.mlp().gated());
  EXPECT_EQ(model.norm(), LAYER_NORM);
  EXPECT_FALSE(model.tied_embeddings());
}

TEST(ImportHfTest, FalconOldArchitectureIsMultiQueryWithOneNorm) {
  const Model model = MustImport(Config("falcon-7b"));
  const Block& block = BlockNamed(model, "full");
  EXPECT_EQ(block.attention().kv_heads(), 1);
  EXPECT_EQ(block.norms(), 1);
  EXPECT_TRUE(block.parallel());
  EXPECT_TRUE(model.tied_embeddings());
  const Model sequential =
      MustImport(With("falcon-7b", "parallel_attn", "false"));
  EXPECT_EQ(BlockNamed(sequential, "full").norms(), 2);
  EXPECT_FALSE(BlockNamed(sequential, "full").parallel());
}

TEST(ImportHfTest, OptHasTwoRowsMoreThanPositions) {
  const Model model = MustImport(Config("opt-175b"));
  EXPECT_EQ(model.learned_positions(), 2050);
  EXPECT_TRUE(BlockNamed(model, "full").mlp().bias());
  EXPECT_TRUE(BlockNamed(model, "full").attention().output_bias());
  EXPECT_TRUE(model.tied_embeddings());
}

TEST(ImportHfTest, Gpt2InnerWidthIsFourTimesTheWidth) {
  const Model model = MustImport(Config("gpt2"));
  EXPECT_EQ(model.learned_positions(), 1024);
  EXPECT_EQ(BlockNamed(model, "full").mlp().d_ff(), 3072);
  EXPECT_EQ(BlockNamed(model, "full").attention().heads(), 12);
  EXPECT_EQ(BlockNamed(MustImport(With("gpt2", "n_inner", "2000")), "full")
                .mlp()
                .d_ff(),
            2000);
}

TEST(ImportHfTest, LayerTypesOverrideTheFamilysPattern) {
  std::string types;
  for (int i = 0; i < 42; ++i) {
    absl::StrAppend(&types, i == 0 ? "" : ", ",
                    i < 40 ? "\"sliding_attention\"" : "\"full_attention\"");
  }
  const Model model = MustImport(
      With("gemma-2-9b", "layer_types", absl::StrCat("[", types, "]")));
  EXPECT_EQ(Initials(model), std::string(40, 'l') + "ff");
}

// Formats of llama-3.1-8b with this quantization_config. What each method
// stores is in hf_quant_cases_test.cc.
CheckpointFormats Quantized(const std::string& config) {
  return MustImport(With("llama-3.1-8b", "quantization_config", config))
      .formats();
}

TEST(ImportHfTest, QuantisedHeadAndCacheAreRead) {
  EXPECT_EQ(Quantized(R"({"quant_method": "gptq", "bits": 4,
                          "group_size": 32, "lm_head": true})")
                .lm_head(),
            "int4-g32");
  EXPECT_EQ(Quantized(R"({"quant_method": "compressed-tensors",
      "config_groups": {"g": {"targets": ["Linear"], "weights":
        {"num_bits": 8, "type": "float", "strategy": "tensor"}}},
      "kv_cache_scheme": {"num_bits": 8, "type": "float"}})")
                .kv(),
            "fp8");
}

TEST(ImportHfTest, ExpertsAloneMayBeQuantised) {
  const Model model =
      MustImport(With("mixtral-8x7b", "quantization_config",
                      R"({"quant_method": "fp8", "modules_to_not_convert":
               ["lm_head", "re:.*self_attn.*", "re:.*block_sparse_moe.gate"]})"));
  EXPECT_EQ(model.formats().linear(), "bf16");
  EXPECT_EQ(model.formats().experts(), "fp8");
}

TEST(ImportHfTest, QuantisationThatCannotBeKnownIsRefused) {
  const struct {
    const char* config;
    const char* message;
  } kCases[] = {
      {R"({"quant_method": "magic"})", "magic"},
      {R"({"quant_method": "bitsandbytes"})", "load_in_4bit"},
      {R"({"quant_method": "mxfp4"})",
       "quantises none of the model's matrices"},
      {R"("fp8")", "quantization_config"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(Error(With("llama-3.1-8b", "quantization_config", c.config)),
                HasSubstr(c.message))
        << c.config;
  }
}

// A list that names layers makes kinds of block that differ in format alone.
TEST(ImportHfTest, LayersThatStayUnquantisedAreBlocksOfTheirOwn) {
  const Model model =
      MustImport(With("llama-3.1-8b", "quantization_config",
                      R"({"quant_method": "fp8", "modules_to_not_convert":
               ["lm_head", "model.layers.0.mlp.down_proj",
                "model.layers.31.self_attn"]})"));
  ASSERT_EQ(model.block_size(), 3);
  EXPECT_EQ(model.formats().linear(), "fp8");
  EXPECT_EQ(model.block(0).formats().down(), "bf16");
  EXPECT_EQ(model.block(2).formats().mixer(), "bf16");
  EXPECT_EQ(model.layers_size(), 1);
  EXPECT_EQ(model.layers(0).run(1).count(), 30);
}

TEST(ImportHfTest, SyntaxFaultsHaveLineAndColumn) {
  EXPECT_THAT(Error("{\n  \"model_type\": llama\n}"),
              HasSubstr("c.json:2:17:"));
  EXPECT_THAT(Error("{\"a\": [1, 2}"), HasSubstr("c.json:1:12:"));
  // The quotes added around Infinity must not shift the reported position.
  EXPECT_THAT(Error("{\"a\": Infinity, \"b\": NaN, ?}"),
              HasSubstr("c.json:1:27:"));
  EXPECT_THAT(Error(""), HasSubstr("c.json:1:1:"));
  EXPECT_THAT(Error("{\"a\": 1e999}"), HasSubstr("c.json:1:"));
  EXPECT_THAT(Error("{\"a\": \"\xff\"}"), HasSubstr("c.json:1:"));
  EXPECT_THAT(Error(std::string("{\"a\": 1\0}", 9)), HasSubstr("c.json:1:"));
}

TEST(ImportHfTest, InputThatIsNoConfigurationIsRefused) {
  EXPECT_THAT(Error("[]"), HasSubstr("is a list of 0; expected a JSON object"));
  EXPECT_THAT(Error("3"), HasSubstr("is 3; expected a JSON object"));
  EXPECT_THAT(Error("null"), HasSubstr("expected a JSON object"));
  EXPECT_THAT(Error("{}"), HasSubstr("model_type: is missing"));
  EXPECT_THAT(Error("{\"model_type\": \"\"}"), HasSubstr("unknown model_type"));
  EXPECT_THAT(Error(std::string(100'000, '[')), HasSubstr("levels deep"));
  EXPECT_THAT(
      Error(absl::StrCat("{\"a\": \"", std::string(5'000'000, 'x'), "\"}")),
      HasSubstr("bytes long"));
}

// Not the nearest: a gemma4 that is read as a gemma is a wrong model.
TEST(ImportHfTest, UnknownFamiliesNameAllAndNotTheNearest) {
  const std::string error =
      Error(With("llama-3.1-8b", "model_type", "\"lama\""));
  EXPECT_THAT(error, Not(HasSubstr("did you mean")));
  EXPECT_THAT(error, HasSubstr("qwen3_next"));
  EXPECT_THAT(Error(With("llama-3.1-8b", "model_type", "\"xxxxxxxxxxxx\"")),
              HasSubstr("supported: afmoe, apertus"));
  EXPECT_THAT(Error(With("llama-3.1-8b", "architectures",
                         "[\"LlamaForSequenceClassification\"]")),
              HasSubstr("expected a causal language model"));
  EXPECT_THAT(Error(With("llama-3.1-8b", "is_encoder_decoder", "true")),
              HasSubstr("expected a decoder alone"));
}

TEST(ImportHfTest, EveryMissingFieldIsNamedAtOnce) {
  const std::string error = Error("{\"model_type\": \"llama\"}");
  for (const char* field : {"hidden_size", "vocab_size", "num_hidden_layers",
                            "num_attention_heads", "intermediate_size"}) {
    EXPECT_THAT(error, HasSubstr(absl::StrCat("c.json: ", field,
                                              ": is missing; expected a whole "
                                              "number")));
  }
}

// A pattern is matched with the names that the family has: "feed_forward.w2" of
// other families does not fit what a look-ahead leaves over.
TEST(ImportHfTest, PatternsConcernTheNamesOfTheFamily) {
  const Model model = MustImport(
      With("qwen3-30b-a3b", "quantization_config",
           R"({"quant_method": "compressed-tensors", "format": "pack-quantized",
               "config_groups": {"g": {"targets": ["Linear"], "weights":
                 {"num_bits": 4, "type": "int", "strategy": "group",
                  "group_size": 32, "symmetric": true}}},
               "ignore": ["re:^(?!.*experts).*$"]})"));
  EXPECT_EQ(model.formats().experts(), "int4-g32-sym");
  EXPECT_EQ(model.formats().linear(), "bf16");
  EXPECT_EQ(model.formats().lm_head(), "bf16");
  // Qwen's attention is "self_attn".
  EXPECT_EQ(Quantized(R"({"quant_method": "fp8", "modules_to_not_convert":
                          ["lm_head", "attention"]})")
                .mixers(),
            "");
  // Python's end of the text.
  EXPECT_EQ(MustImport(With("llama-3.1-8b", "quantization_config",
                            R"({"quant_method": "gptq", "bits": 4,
                                "group_size": 128, "dynamic":
                                {"-:.*down_proj\\Z": {}}})"))
                .block(0)
                .formats()
                .down(),
            "bf16");
}

// DeepSeek-V3.2's fields in a file that says deepseek_v3: read as that, it
// would be a dense attention over the whole context.
TEST(ImportHfTest, FieldsThatChangeTheStructureAreNotIgnored) {
  EXPECT_THAT(Error(With("deepseek-v3", "index_topk", "2048")),
              HasSubstr("index_topk: is not a field of this model_type"));
  EXPECT_THAT(Error(With("mixtral-8x7b", "moe_latent_size", "512")),
              HasSubstr("moe_latent_size: is not a field"));
}

TEST(ImportHfTest, UnreadSizesAndAbsentQuantisationAreSaid) {
  HfFiles files;
  files.config = With("llama-3.1-8b", "num_clever_heads", "3");
  files.path = "c.json";
  const ImportedModel imported =
      OrDie(ImportHuggingFace(files, "m", "2026-01-02"));
  const std::string notes = absl::StrJoin(imported.notes, "\n");
  EXPECT_THAT(notes, HasSubstr("num_clever_heads"));
  EXPECT_THAT(notes, HasSubstr("weights are taken as bf16"));
}

TEST(ImportHfTest, NestedFieldsAreNamedByTheirPath) {
  EXPECT_THAT(Error(Without("llama-4-scout", "intermediate_size")),
              HasSubstr("text_config.intermediate_size: is missing"));
  EXPECT_THAT(Error(Replaced(Config("gemma-3-27b"), "gemma3_text", "gemma9")),
              HasSubstr("text_config.model_type: unknown model_type "
                        "\"gemma9\""));
  EXPECT_THAT(Error(With("gemma-3-27b", "text_config", "7")),
              HasSubstr("text_config: found 7; expected an object"));
}

TEST(ImportHfTest, NumbersThatMakeNoSenseAreRefused) {
  for (const char* value :
       {"0", "-1", "1.5", "1e30", "99999999999999999999", "NaN", "Infinity",
        "-Infinity", "\"4096\"", "true", "[]", "{}"}) {
    EXPECT_THAT(Error(With("llama-3.1-8b", "hidden_size", value)),
                HasSubstr("c.json: hidden_size: found "))
        << value;
  }
  EXPECT_THAT(Error(With("llama-3.1-8b", "hidden_size", "NaN")),
              HasSubstr("found \"NaN\"; expected a whole number"));
  EXPECT_THAT(Error(With("llama-3.1-8b", "num_hidden_layers", "1000000")),
              HasSubstr("expected a whole number from 1 to 1024"));
}

TEST(ImportHfTest, WrongTypesAreRefused) {
  EXPECT_THAT(Error(With("llama-3.1-8b", "tie_word_embeddings", "\"no\"")),
              HasSubstr("tie_word_embeddings: found \"no\"; expected true or "
                        "false"));
  EXPECT_THAT(Error(With("llama-3.1-8b", "torch_dtype", "\"float64\"")),
              HasSubstr("torch_dtype: unknown dtype \"float64\""));
  EXPECT_THAT(Error(With("llama-3.1-8b", "architectures", "[1]")),
              HasSubstr("architectures: found a list of 1; expected a list of "
                        "strings"));
  EXPECT_THAT(Error(With("llama-3.1-8b", "transformers_version", "4")),
              HasSubstr("transformers_version: found 4; expected a string"));
}

TEST(ImportHfTest, ContradictionsAreRefused) {
  const struct {
    const char* config;
    const char* field;
    const char* value;
    const char* message;
  } kCases[] = {
      {"llama-3.1-8b", "num_attention_heads", "30",
       "num_attention_heads: found 30, which does not divide hidden_size 4096"},
      {"llama-3.1-8b", "num_key_value_heads", "7",
       "num_key_value_heads: found 7; expected a divisor of "
       "num_attention_heads 32"},
      {"mixtral-8x7b", "num_experts_per_tok", "9",
       "num_experts_per_tok: found 9; expected at most num_local_experts 8"},
      {"gpt-oss-20b", "layer_types", "[\"full_attention\"]",
       "layer_types: found 1 entries; expected num_hidden_layers 24"},
      {"gpt-oss-20b", "sliding_window", "null",
       "sliding_window: is missing; there are layers of type "
       "\"sliding_attention\""},
      {"qwen2.5-7b", "num_hidden_layers",
       "1, \"layer_types\": [\"sliding_attention\"]",
       "use_sliding_window: is not true"},
      {"qwen2.5-7b", "num_hidden_layers",
       "1, \"layer_types\": [\"linear_attention\"]",
       "layer_types[0]: unknown layer type \"linear_attention\""},
      {"qwen3-30b-a3b", "mlp_only_layers", "[48]",
       "mlp_only_layers[0]: found 48; expected a whole number from 0 to 47"},
      {"qwen3-next-80b-a3b", "linear_num_key_heads", "5",
       "expected a divisor of linear_num_value_heads 32"},
      {"nemotron-h-8b", "num_hidden_layers", "50",
       "hybrid_override_pattern: found 52 layers; expected num_hidden_layers "
       "50"},
      {"nemotron-h-8b", "hybrid_override_pattern",
       "\"MX\", \"num_hidden_layers\": 2",
       "hybrid_override_pattern: found \"X\"; expected M (Mamba-2)"},
      {"mamba2-2.7b", "expand", "3",
       "num_heads: found 80 heads of 64 channels; expected expand * "
       "hidden_size = 7680"},
      {"mamba2-2.7b", "n_groups", "3",
       "n_groups: found 3; expected a divisor of num_heads 80"},
      {"jamba-v0.1", "attn_layer_offset", "8",
       "attn_layer_offset: found 8; expected less than attn_layer_period 8"},
      {"llama-4-maverick-text", "no_rope_layers", "[1, 0]",
       "no_rope_layers: found 2 entries; expected num_hidden_layers 48"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(Error(With(c.config, c.field, c.value)), HasSubstr(c.message));
  }
}

TEST(ImportHfTest, BiasesOfStateSpacesAreRead) {
  EXPECT_TRUE(MustImport(With("mamba2-2.7b", "use_bias", "true"))
                  .block(0)
                  .mamba2()
                  .projection_bias());
  EXPECT_TRUE(MustImport(With("jamba-v0.1", "mamba_conv_bias", "false"))
                  .block(0)
                  .mamba1()
                  .no_conv_bias());
}

TEST(ImportHfTest, WhatTheSchemaCannotExpressIsRefused) {
  EXPECT_THAT(Error(With("deepseek-v3", "attention_bias", "true")),
              HasSubstr("latent attention has no biases"));
  EXPECT_THAT(Error(With("opt-175b", "word_embed_proj_dim", "512")),
              HasSubstr("no projection of the embedding"));
  EXPECT_THAT(Error(With("opt-175b", "do_layer_norm_before", "false")),
              HasSubstr("a norm before the head"));
  EXPECT_THAT(Error(Replaced(Config("gemma-3-27b"), "\"sliding_window\": 1024",
                             "\"use_bidirectional_attention\": true")),
              HasSubstr("makes an encoder"));
}

TEST(ImportHfTest, NameComesFromTheConfigurationOrTheDirectory) {
  const auto name = [](const std::string& json, const std::string& file,
                       const std::string& given) {
    absl::StatusOr<Model> model = ImportAs(json, file, given);
    EXPECT_TRUE(model.ok()) << model.status();
    return model.ok() ? model->name() : "";
  };
  const std::string plain = Config("llama-3.1-8b");
  const std::string named =
      With("llama-3.1-8b", "_name_or_path", "\"meta-llama/Llama 3.1_8B/\"");
  EXPECT_EQ(name(named, "x/config.json", ""), "llama-3.1-8b");
  EXPECT_EQ(name(named, "x/config.json", "given"), "given");
  EXPECT_EQ(name(plain, "models/My Model!/config.json", ""), "my-model");
  EXPECT_EQ(name(plain, "config.json", ""), "imported");
  EXPECT_EQ(name(plain, "./config.json", ""), "imported");
  EXPECT_EQ(name(plain, "/config.json", ""), "imported");
}

TEST(ImportHfTest, OddFileNamesMakeGoodTextprotos) {
  const Model model =
      OrDie(ImportAs(Config("gpt2"), "a\nname: \"b\"\xff/config.json", ""));
  const Model parsed =
      OrDie(ParseModel(ImportedModelText(model), "m.textproto"));
  EXPECT_TRUE(MessageDifferencer::Equals(parsed, model));
}

// `text` with one random change.
std::string Mutated(const std::string& text, std::mt19937& random) {
  static const char* const kValues[] = {
      "null", "true",        "-1",   "0",       "1",   "1e99",
      "3.5",  "99999999999", "\"\"", "[]",      "[1]", "{\"a\":1}",
      "NaN",  "\"fp8\"",     "1024", "Infinity"};
  const size_t place = random() % text.size();
  std::string out = text;
  switch (random() % 4) {
    case 0:  // a byte
      out[place] = static_cast<char>(random());
      break;
    case 1:  // a piece out
      out.erase(place, 1 + random() % 40);
      break;
    case 2:  // a piece again
      out.insert(place, text.substr(random() % text.size(), random() % 40));
      break;
    default: {  // a value
      const size_t colon = text.find(':', place);
      if (colon == std::string::npos) break;
      const size_t end = text.find_first_of(",\n", colon);
      out.replace(colon + 1, end - colon - 1,
                  kValues[random() % (sizeof kValues / sizeof kValues[0])]);
    }
  }
  return out.empty() ? "{" : out;
}

TEST(ImportHfTest, MutatedConfigurationsYieldAModelOrAMessage) {
  std::mt19937 random(20260102);
  int good = 0, bad = 0;
  for (const std::string& name : Names()) {
    const std::string config = Config(name);
    for (int i = 0; i < 300; ++i) {
      std::string text = config;
      const int changes = 1 + random() % 3;
      for (int k = 0; k < changes; ++k) text = Mutated(text, random);
      absl::StatusOr<Model> model = Import(text);
      if (model.ok()) {
        ++good;
        EXPECT_TRUE(ParseModel(ImportedModelText(*model), "m").ok()) << text;
      } else {
        ++bad;
        EXPECT_THAT(std::string(model.status().message()), HasSubstr("c.json"));
      }
    }
  }
  // Both outcomes must occur often.
  EXPECT_GT(good, 500);
  EXPECT_GT(bad, 500);
}

}  // namespace
}  // namespace tokenjoule
