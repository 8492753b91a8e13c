#include "analyzer/import/hf_formats.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kDense[] = R"pb(
  name: "dense"
  attention { heads: 8 kv_heads: 2 head_dim: 16 }
  mlp { d_ff: 256 gated: true })pb";
constexpr char kSparse[] = R"pb(
  name: "sparse"
  attention { heads: 8 kv_heads: 2 head_dim: 16 }
  moe {
    experts: 8
    experts_per_token: 2
    expert { d_ff: 64 gated: true }
    shared { d_ff: 64 gated: true }
  })pb";

// A model of width 128 whose layers are blocks with these texts.
class Imported {
 public:
  Imported(const std::string& json, const std::vector<std::string>& blocks,
           bool tied = false)
      : document_(json, "c.json") {
    for (const std::string& text : blocks) {
      Block block;
      EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &block));
      stack_.Add(block);
    }
    model_.set_d_model(128);
    model_.set_vocab_size(1000);
    model_.set_tied_embeddings(tied);
    ReadHfFormats(document_.Root(), document_.Root(), nullptr, &stack_,
                  &model_);
  }
  // The model's formats in one line.
  std::string Model() const { return model_.formats().ShortDebugString(); }
  // Those of a layer's block.
  std::string Layer(int layer) const {
    return stack_.layers()[layer].block.formats().ShortDebugString();
  }
  std::string Faults() const {
    std::string all;
    for (const Fault& fault : document_.log().faults) {
      absl::StrAppend(&all, fault.ToString(), "\n");
    }
    return all;
  }
  const std::vector<std::string>& notes() const {
    return document_.log().notes;
  }
  const LayerStack& stack() const { return stack_; }

 private:
  JsonDocument document_;
  LayerStack stack_;
  tokenjoule::Model model_;
};

std::string Config(const std::string& quantization) {
  return absl::StrCat(
      "{\"dtype\": \"bfloat16\", \"quantization_config\": ", quantization, "}");
}

TEST(HfFormatsTest, WithoutQuantisationANoteSaysSo) {
  const Imported model("{\"torch_dtype\": \"float16\"}", {kDense});
  EXPECT_EQ(model.Model(),
            "linear: \"fp16\" lm_head: \"fp16\" embedding: \"fp16\" vectors: "
            "\"fp16\"");
  EXPECT_EQ(model.Layer(0), "");
  EXPECT_THAT(model.notes(),
              ElementsAre("No quantisation is named in config.json or beside "
                          "it: weights are taken as fp16."));
}

TEST(HfFormatsTest, UnknownDtypesAreFaults) {
  EXPECT_THAT(Imported("{\"dtype\": \"float8\"}", {kDense}).Faults(),
              HasSubstr("unknown dtype \"float8\""));
  EXPECT_EQ(Imported("{\"dtype\": \"torch.bfloat16\"}", {kDense}).Faults(), "");
}

TEST(HfFormatsTest, TheConfigurationOverridesTheFormatOfTheState) {
  EXPECT_THAT(Imported("{\"mamba_ssm_dtype\": \"float32\"}", {kDense}).Model(),
              HasSubstr("state: \"fp32\""));
}

TEST(HfFormatsTest, OneFormatForAllNeedsNoFieldsOfBlocks) {
  const Imported model(Config("{\"quant_method\": \"fp8\"}"),
                       {kDense, kSparse});
  EXPECT_EQ(model.Faults(), "");
  EXPECT_EQ(model.Model(),
            "linear: \"fp8\" lm_head: \"bf16\" embedding: \"bf16\" vectors: "
            "\"bf16\"");
  EXPECT_EQ(model.Layer(0), "");
  EXPECT_EQ(model.Layer(1), "");
}

TEST(HfFormatsTest, ClassesHaveFormatsOfTheirOwn) {
  // Routed experts only.
  const Imported model(
      Config("{\"quant_method\": \"compressed-tensors\", \"config_groups\": "
             "{\"NVFP4\": [\"re:.*mlp.experts.*\"]}}"),
      {kDense, kSparse});
  EXPECT_EQ(model.Faults(), "");
  EXPECT_EQ(model.Model(),
            "linear: \"bf16\" experts: \"nvfp4\" lm_head: \"bf16\" embedding: "
            "\"bf16\" vectors: \"bf16\" shared_experts: \"bf16\"");
  EXPECT_EQ(model.Layer(0), "");
  EXPECT_EQ(model.Layer(1), "");
}

TEST(HfFormatsTest, LayersThatDifferSaySo) {
  const Imported model(
      Config("{\"quant_method\": \"fp8\", \"ignored_layers\": "
             "[\"model.layers.1\", \"model.layers.2.self_attn.o_proj\", "
             "\"model.layers.3.mlp.down_proj\"]}"),
      {kDense, kDense, kDense, kDense, kDense, kDense});
  EXPECT_EQ(model.Faults(), "");
  EXPECT_THAT(model.Model(), HasSubstr("linear: \"fp8\" lm_head"));
  EXPECT_EQ(model.Layer(0), "");
  EXPECT_EQ(model.Layer(1), "mixer: \"bf16\" channel: \"bf16\"");
  EXPECT_EQ(model.Layer(2), "output: \"bf16\"");
  EXPECT_EQ(model.Layer(3), "down: \"bf16\"");
  EXPECT_EQ(model.Layer(4), "");
}

TEST(HfFormatsTest, PrefixesOfWrappersAreKnown) {
  for (const char* prefix :
       {"model.language_model.layers.", "language_model.model.layers.",
        "backbone.layers.", "model.layers."}) {
    const Imported model(
        Config(absl::StrCat(
            "{\"quant_method\": \"compressed-tensors\", "
            "\"config_groups\": {\"FP8\": [\"Linear\"]}, "
            "\"ignore\": [\"re:.*lm_head\", \"model.visual.a\", \"",
            prefix, "1.mlp.down_proj\"]}")),
        {kDense, kDense, kDense});
    EXPECT_EQ(model.Layer(0), "") << prefix;
    EXPECT_EQ(model.Layer(1), "down: \"bf16\"") << prefix;
  }
}

TEST(HfFormatsTest, ExpertsThatDifferAreAMix) {
  const Imported model(Config("{\"quant_method\": \"fp8\", \"ignored_layers\": "
                              "[\"model.layers.0.mlp.experts.5.down_proj\", "
                              "\"model.layers.1.mlp.experts.2\"]}"),
                       {kSparse, kSparse, kSparse});
  EXPECT_EQ(model.Faults(), "");
  EXPECT_EQ(model.Layer(0), "down: \"fp8:7 bf16:1\"");
  EXPECT_EQ(model.Layer(1), "channel: \"fp8:7 bf16:1\" shared: \"fp8\"");
  EXPECT_EQ(model.Layer(2), "");
}

TEST(HfFormatsTest, MatricesOfOneFieldAreAMixByElements) {
  const Imported model(Config("{\"quant_method\": \"fp8\", \"ignored_layers\": "
                              "[\"model.layers.0.self_attn.kv_b_proj\"]}"),
                       {R"pb(name: "m"
                             latent_attention {
                               heads: 4
                               kv_rank: 32
                               rope_dim: 32
                               nope_dim: 16
                               v_dim: 16
                             }
                             mlp { d_ff: 512 gated: true })pb"});
  EXPECT_EQ(model.Faults(), "");
  // q_proj 128 x 192, kv_a 128 x 64, kv_b 32 x 128: 24576 + 8192 of fp8, 4096
  // of bf16; the output projection is fp8.
  EXPECT_EQ(model.Layer(0), "mixer: \"fp8:8 bf16:1\" output: \"fp8\"");
}

TEST(HfFormatsTest, TiedHeadsReadTheEmbedding) {
  const Imported model("{\"quantization\": {\"bits\": 4, \"group_size\": 64}}",
                       {kDense}, /*tied=*/true);
  EXPECT_EQ(model.Faults(), "");
  EXPECT_THAT(model.Model(), HasSubstr("lm_head: \"int4-g64-affine\" "
                                       "embedding: \"int4-g64-affine\""));
  EXPECT_THAT(Imported(Config("{\"quant_method\": \"gptq\", \"bits\": 4, "
                              "\"lm_head\": true}"),
                       {kDense}, /*tied=*/true)
                  .Model(),
              HasSubstr("lm_head: \"bf16\" embedding: \"bf16\""));
}

TEST(HfFormatsTest, AQuantisationThatFitsNothingIsAFault) {
  EXPECT_THAT(
      Imported(Config("{\"quant_method\": \"mxfp4\"}"), {kDense}).Faults(),
      HasSubstr("quantises none of the model's matrices"));
  EXPECT_THAT(Imported(Config("{\"quant_method\": \"compressed-tensors\", "
                              "\"config_groups\": {\"FP8\": [\"FooLinear\"]}}"),
                       {kDense})
                  .Faults(),
              HasSubstr("quantises none"));
  // An unknown method is one fault.
  EXPECT_EQ(Imported(Config("{\"quant_method\": \"x\"}"), {kDense})
                .Faults()
                .find("quantises none"),
            std::string::npos);
}

TEST(HfFormatsTest, BitsThatCannotBeExpressedAreAFault) {
  // Tables of 2^20 x 8 values for matrices of 128 x 32.
  EXPECT_THAT(Imported(Config("{\"quant_method\": \"aqlm\", "
                              "\"nbits_per_codebook\": 20, \"num_codebooks\": "
                              "1, \"in_group_size\": 8}"),
                       {kDense})
                  .Faults(),
              HasSubstr("not a number format"));
}

TEST(HfFormatsTest, ManyDifferentLayersShareAMix) {
  std::string rules;
  std::vector<std::string> blocks;
  for (int i = 0; i < 100; ++i) {
    blocks.push_back(kDense);
    absl::StrAppend(&rules, i == 0 ? "" : ", ", "\"model.layers.", i,
                    ".mlp.down_proj\": {\"bits\": 4, \"group_size\": ", i + 16,
                    "}");
  }
  const Imported model(
      Config(absl::StrCat("{\"quant_method\": \"auto-round\", \"bits\": 4, "
                          "\"group_size\": 128, \"extra_config\": {",
                          rules, "}}")),
      blocks);
  EXPECT_EQ(model.Faults(), "");
  EXPECT_EQ(model.Layer(0), model.Layer(99));
  EXPECT_THAT(model.Layer(0), HasSubstr("int4-g16:1"));
  EXPECT_THAT(model.notes(), ElementsAre(HasSubstr("share the mean")));
}

// Checkpoints as large as the largest, with every expert named.
TEST(HfFormatsTest, ThousandsOfNamesAreResolved) {
  const std::string sparse =
      absl::StrReplaceAll(kSparse, {{"experts: 8", "experts: 384"}});
  std::string names;
  std::vector<std::string> blocks;
  for (int layer = 0; layer < 60; ++layer) {
    blocks.push_back(sparse);
    for (int expert = 0; expert < 384; ++expert) {
      absl::StrAppend(&names, names.empty() ? "" : ", ", "\"model.layers.",
                      layer, ".mlp.experts.", expert, ".down_proj\"");
    }
  }
  const Imported model(Config(absl::StrCat("{\"quant_method\": \"fp8\", "
                                           "\"ignored_layers\": [",
                                           names, "]}")),
                       blocks);
  EXPECT_EQ(model.Faults(), "");
  EXPECT_EQ(model.Layer(0), "down: \"bf16\"");
  EXPECT_EQ(model.Layer(59), "down: \"bf16\"");
}

TEST(HfFormatsTest, ModelsWithoutMatricesAreNoCrash) {
  EXPECT_THAT(Imported(Config("{\"quant_method\": \"fp8\"}"), {}).Faults(),
              HasSubstr("quantises none"));
  EXPECT_THAT(Imported("{}", {}).notes(), ElementsAre(HasSubstr("bf16")));
}

}  // namespace
}  // namespace tokenjoule
