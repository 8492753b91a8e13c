#include "analyzer/import/hf_quantization.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The quantisation of a config.json with this `quantization_config`.
class Quantised {
 public:
  explicit Quantised(const std::string& dictionary)
      : document_(absl::StrCat("{\"quantization_config\": ", dictionary, "}"),
                  "c.json"),
        quantization_(document_.Root(), document_.Root(), nullptr) {}

  // The format of the matrix with this name, of 1024 x 1024 elements.
  std::string Of(const std::string& path) const {
    HfModule module;
    module.paths = {path};
    module.inputs = 1024;
    module.elements = 1024 * 1024;
    module.is_expert = path.find("experts.") != std::string::npos;
    if (path == "lm_head") module.matrix = HfMatrix::kLmHead;
    if (path == "model.embed_tokens") module.matrix = HfMatrix::kEmbedding;
    return quantization_.FormatOf(module);
  }
  std::string Query(int layer = 0) const {
    return Of(absl::StrCat("model.layers.", layer, ".self_attn.q_proj"));
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
  const HfQuantization& quantization() const { return quantization_; }

 private:
  JsonDocument document_;
  HfQuantization quantization_;
};

TEST(HfQuantizationTest, WithoutADictionaryNothingIsFound) {
  for (const char* text : {"null", "{}"}) {
    const Quantised q(text);
    EXPECT_FALSE(q.quantization().is_found()) << text;
    EXPECT_EQ(q.Query(), "");
    EXPECT_EQ(q.Faults(), "");
  }
}

TEST(HfQuantizationTest, UnknownMethodsAndMissingOnesAreFaults) {
  EXPECT_THAT(Quantised("{\"quant_method\": \"gtpq\", \"bits\": 4}").Faults(),
              HasSubstr("quant_method: unknown quantisation \"gtpq\"; did you "
                        "mean \"gptq\"?"));
  EXPECT_THAT(Quantised("{\"a\": 4}").Faults(),
              HasSubstr("names no quantisation method"));
  EXPECT_THAT(Quantised("{\"quant_method\": 4}").Faults(),
              HasSubstr("quant_method: found 4; expected a string"));
  EXPECT_THAT(Quantised("[1]").Faults(), HasSubstr("expected an object"));
}

TEST(HfQuantizationTest, AbsurdNumbersAreFaults) {
  for (const char* text :
       {"{\"quant_method\": \"gptq\", \"bits\": -4}",
        "{\"quant_method\": \"gptq\", \"bits\": NaN}",
        "{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 0}",
        "{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": -128}",
        "{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 1e300}",
        "{\"quant_method\": \"awq\", \"bits\": \"4\"}",
        "{\"quant_method\": \"fp8\", \"weight_block_size\": [128]}",
        "{\"quant_method\": \"fp8\", \"weight_block_size\": [128, -1]}",
        "{\"quant_method\": \"fp8\", \"weight_block_size\": 128}",
        "{\"quant_method\": \"exl2\", \"bits\": 0}",
        "{\"quant_method\": \"exl3\", \"bits\": NaN}",
        "{\"quant_method\": \"aqlm\", \"nbits_per_codebook\": 99}",
        "{\"quant_method\": \"bitsandbytes\"}",
        "{\"quant_method\": \"quark\"}",
        "{\"quant_method\": \"torchao\", \"quant_type\": \"autoquant\"}",
        "{\"quant_method\": \"hqq\", \"quant_config\": {}}",
        "{\"quant_method\": \"modelopt\", \"quant_algo\": \"IQ2_XS\"}",
        // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one text.
        "{\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\", "
        "\"group_size\": 32}",
        "{\"quant_method\": \"gptq\", \"bits\": 4, \"dynamic\": {\"-:(\": {}}}",
        "{\"quant_method\": \"compressed-tensors\"}",
        "{\"bits\": 4, \"group_size\": 64, \"mode\": \"mxfp5\"}",
        "{\"bits\": 9, \"group_size\": 64}"}) {
    EXPECT_NE(Quantised(text).Faults(), "") << text;
  }
}

TEST(HfQuantizationTest, Fp8Blocks) {
  const auto of = [](const char* block) {
    return Quantised(absl::StrCat(
                         "{\"quant_method\": \"fp8\", \"weight_block_size\": ",
                         block, "}"))
        .Query();
  };
  EXPECT_EQ(of("null"), "fp8");
  EXPECT_EQ(of("[128, 128]"), "fp8-block128");
  EXPECT_EQ(of("[64, 64]"), "fp8-block64");
  EXPECT_EQ(of("[1, 128]"), "fp8-g128");
  EXPECT_EQ(Quantised("{\"quant_method\": \"deepseek_v4_fp8\", "
                      "\"weight_block_size\": [32, 32]}")
                .Query(),
            "fp8-block32-e8m0");
}

TEST(HfQuantizationTest, AnEntryOfALayerIsNotedAsReadDifferently) {
  const Quantised q(
      "{\"quant_method\": \"fp8\", \"modules_to_not_convert\": "
      "[\"lm_head\", \"model.layers.1\"]}");
  EXPECT_EQ(q.Query(1), "");
  EXPECT_EQ(q.Query(10), "fp8");
  EXPECT_EQ(q.Of("lm_head"), "");
  EXPECT_THAT(q.notes(), ElementsAre(HasSubstr("vLLM keeps only")));
}

TEST(HfQuantizationTest, RulesOfGptqAreTriedInTheOrderOfTheFile) {
  const Quantised q(
      "{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 128, "
      "\"dynamic\": {\"-:model\\\\.layers\\\\.0\\\\..*\": {}, "
      "\"+:.*\\\\.q_proj\": {\"bits\": 8}, \".*\\\\.layers\\\\.1\\\\..*\": "
      "{\"group_size\": 32}, \"+:lm_head\": {}}}");
  EXPECT_EQ(q.Faults(), "");
  EXPECT_EQ(q.Query(0), "");
  EXPECT_EQ(q.Query(1), "int8-g128");
  EXPECT_EQ(q.Of("model.layers.1.mlp.up_proj"), "int4-g32");
  EXPECT_EQ(q.Of("model.layers.2.mlp.up_proj"), "int4-g128");
  EXPECT_EQ(q.Of("lm_head"), "int4-g128");
}

TEST(HfQuantizationTest, MarlinStoresNoZeroPoints) {
  EXPECT_EQ(Quantised("{\"quant_method\": \"gptq\", \"bits\": 4, "
                      "\"checkpoint_format\": \"marlin\"}")
                .Query(),
            "int4-g128-sym");
}

TEST(HfQuantizationTest, EntriesOfAwqArePartsOfNamesExceptRouters) {
  const Quantised q(
      "{\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 128, "
      "\"modules_to_not_convert\": [\"gate\", \"self_a\", \"layers.1\"]}");
  EXPECT_EQ(q.Of("model.layers.0.mlp.gate_proj"), "int4-g128");
  EXPECT_EQ(q.Of("model.layers.1.mlp.gate_proj"), "");
  EXPECT_EQ(q.Of("model.layers.10.mlp.gate_proj"), "int4-g128");
  EXPECT_EQ(q.Query(), "");
  EXPECT_THAT(q.notes(), ElementsAre(HasSubstr("is read as the router")));
}

std::string Compressed(const std::string& fields) {
  return absl::StrCat("{\"quant_method\": \"compressed-tensors\", ", fields,
                      "}");
}

TEST(HfQuantizationTest, TargetsByNameComeBeforeThoseByClass) {
  const Quantised q(Compressed(
      "\"config_groups\": {\"a\": {\"targets\": [\"Linear\"], \"format\": "
      "\"float-quantized\", \"weights\": {\"num_bits\": 8, \"type\": "
      "\"float\"}}, \"b\": {\"targets\": [\"re:.*mlp.*\"], \"format\": "
      "\"pack-quantized\", \"weights\": {\"num_bits\": 4, \"group_size\": "
      "64}}, \"c\": {\"targets\": [\"model.embed_tokens\"], \"format\": "
      "\"pack-quantized\", \"weights\": {\"num_bits\": 8, \"strategy\": "
      "\"channel\"}}, \"d\": {\"targets\": [\"re:.*k_proj\"], \"weights\": "
      "null}}"));
  EXPECT_EQ(q.Faults(), "");
  EXPECT_EQ(q.Query(), "fp8");
  EXPECT_EQ(q.Of("model.layers.0.mlp.up_proj"), "int4-g64-sym");
  EXPECT_EQ(q.Of("model.embed_tokens"), "int8-w8a16");
  EXPECT_EQ(q.Of("model.layers.0.self_attn.k_proj"), "");
  EXPECT_EQ(q.Of("lm_head"), "fp8");
}

TEST(HfQuantizationTest, PresetsAndActivations) {
  const auto preset = [](const char* name) {
    return Quantised(Compressed(absl::StrCat("\"config_groups\": {\"", name,
                                             "\": [\"Linear\"]}")))
        .Query();
  };
  EXPECT_EQ(preset("W4A16"), "int4-g128-sym");
  EXPECT_EQ(preset("w4a16_asym"), "int4-g128");
  EXPECT_EQ(preset("W8A8"), "int8");
  EXPECT_EQ(preset("W8A16"), "int8-w8a16");
  EXPECT_EQ(preset("FP8_DYNAMIC"), "fp8");
  EXPECT_EQ(preset("FP8_BLOCK"), "fp8-block128");
  EXPECT_EQ(preset("NVFP4"), "nvfp4");
  EXPECT_EQ(preset("MXFP8"), "mxfp8");
  EXPECT_THAT(
      Quantised(Compressed("\"config_groups\": {\"W4A17\": [\"Linear\"]}"))
          .Faults(),
      HasSubstr("unknown preset \"W4A17\""));
}

TEST(HfQuantizationTest, SparseStorageIsRefused) {
  const char* const groups = "\"config_groups\": {\"W8A8\": [\"Linear\"]}, ";
  EXPECT_THAT(
      Quantised(Compressed(absl::StrCat(groups, "\"format\": \"marlin-24\"")))
          .Faults(),
      HasSubstr("stored sparse"));
  EXPECT_THAT(
      Quantised(Compressed(absl::StrCat(groups,
                                        "\"sparsity_config\": {\"format\": "
                                        "\"sparse-24-bitmask\"}")))
          .Faults(),
      HasSubstr("sparsity_config.format: found \"sparse-24-bitmask\""));
  EXPECT_EQ(Quantised(Compressed(absl::StrCat(
                          groups,
                          "\"sparsity_config\": {\"format\": \"dense\", "
                          "\"sparsity_structure\": \"2:4\"}")))
                .Faults(),
            "");
}

TEST(HfQuantizationTest, KvCacheSchemes) {
  const auto kv = [](const std::string& dictionary) {
    const Quantised q(dictionary);
    EXPECT_EQ(q.Faults(), "") << dictionary;
    return q.quantization().kv();
  };
  EXPECT_EQ(kv("{\"quant_algo\": \"FP8\", \"kv_cache_quant_algo\": \"FP8\"}"),
            "fp8");
  EXPECT_EQ(
      kv("{\"quant_algo\": \"NVFP4\", \"kv_cache_quant_algo\": \"NVFP4\"}"),
      "nvfp4");
  EXPECT_EQ(kv("{\"quant_algo\": \"FP8\"}"), "");
  EXPECT_EQ(kv("{\"quant_algo\": null, \"quant_method\": \"modelopt\", "
               "\"kv_cache_scheme\": {\"num_bits\": 8, \"type\": \"float\"}}"),
            "fp8");
  EXPECT_EQ(kv("{\"quant_method\": \"fp8\", \"kv_cache_scheme\": \"static\"}"),
            "fp8");
  EXPECT_THAT(Quantised("{\"quant_algo\": \"FP8\", \"kv_cache_quant_algo\": "
                        "\"FP7\"}")
                  .Faults(),
              HasSubstr("kv_cache_quant_algo"));
}

TEST(HfQuantizationTest, MlxQuantisesWholeGroupsOnly) {
  const Quantised q(
      "{\"bits\": 4, \"group_size\": 64, \"model.layers.1.self_attn.q_proj\": "
      "false, \"model.layers.2.self_attn.q_proj\": {\"bits\": 8, "
      "\"group_size\": 32}}");
  EXPECT_EQ(q.Query(0), "int4-g64-affine");
  EXPECT_EQ(q.Query(1), "");
  EXPECT_EQ(q.Query(2), "int8-g32-affine");
  EXPECT_EQ(q.Of("model.embed_tokens"), "int4-g64-affine");
  EXPECT_EQ(q.Of("lm_head"), "int4-g64-affine");
  EXPECT_EQ(Quantised("{\"bits\": 4, \"group_size\": 80}").Query(), "");
}

TEST(HfQuantizationTest, OtherMethods) {
  EXPECT_EQ(
      Quantised("{\"quant_method\": \"eetq\", \"weights\": \"int8\"}").Query(),
      "int8-w8a16");
  EXPECT_EQ(Quantised("{\"quant_method\": \"quanto\", \"weights\": \"int4\"}")
                .Query(),
            "int4-g128-affine");
  EXPECT_EQ(Quantised("{\"quant_method\": \"higgs\", \"bits\": 4}").Query(),
            "bits4.0625");
  EXPECT_EQ(Quantised("{\"quant_method\": \"fp_quant\", \"forward_dtype\": "
                      "\"mxfp4\"}")
                .Query(),
            "mxfp4");
  EXPECT_FALSE(Quantised("{\"quant_method\": \"bitnet\", "
                         "\"quantization_mode\": \"online\"}")
                   .quantization()
                   .is_applied());
  // 65536 + 256 centroids of 8: 3 bits, and 16 * 65792 * 8 bits of tables.
  EXPECT_EQ(Quantised("{\"quant_method\": \"vptq\", \"config_for_layers\": "
                      "{\"model.layers.0.self_attn.q_proj\": {\"vector_lens\": "
                      "[-1, 8], \"num_centroids\": [-1, 65536], "
                      "\"num_res_centroids\": [-1, 256]}}}")
                .Query(),
            "bits11.03125");
  EXPECT_EQ(Quantised("{\"quant_method\": \"hqq\", \"quant_config\": "
                      "{\"self_attn.q_proj\": {\"nbits\": 3, \"group_size\": "
                      "64}}}")
                .Query(),
            "bits3.7");
}

TEST(HfQuantizationTest, Exl3ReadsTheTableOfTensors) {
  const Quantised q(
      "{\"quant_method\": \"exl3\", \"bits\": 3.5, \"head_bits\": 6, "
      "\"tensor_storage\": {\"model.layers.0.self_attn.q_proj\": "
      "{\"stored_tensors\": {\"model.layers.0.self_attn.q_proj.trellis\": "
      "{\"shape\": [64, 64, 64]}}}}}");
  EXPECT_EQ(q.Faults(), "");
  EXPECT_EQ(q.Query(0), "bits4");
  EXPECT_EQ(q.Query(1), "bits3.5");
  EXPECT_EQ(q.Of("lm_head"), "bits6");
  EXPECT_THAT(q.notes(), IsEmpty());
}

TEST(HfQuantizationTest, SingleExpertsAreNoticed) {
  EXPECT_TRUE(Quantised("{\"quant_method\": \"fp8\", \"ignored_layers\": "
                        "[\"model.layers.0.mlp.experts.7.down_proj\"]}")
                  .quantization()
                  .names_experts());
  EXPECT_FALSE(Quantised("{\"quant_method\": \"fp8\", \"ignored_layers\": "
                         "[\"model.layers.0.mlp.experts\"]}")
                   .quantization()
                   .names_experts());
}

TEST(HfQuantizationTest, ASidecarCountsOnlyWithoutADictionary) {
  JsonDocument config("{}", "config.json");
  JsonDocument sidecar(
      "{\"producer\": {\"name\": \"modelopt\"}, \"quantization\": "
      "{\"quant_algo\": \"FP8\", \"exclude_modules\": [\"lm_head\"]}}",
      "hf_quant_config.json");
  const JsonReader beside = sidecar.Root();
  HfModule module;
  module.paths = {"model.layers.0.mlp.up_proj"};
  EXPECT_EQ(
      HfQuantization(config.Root(), config.Root(), &beside).FormatOf(module),
      "fp8");
  JsonDocument own("{\"quantization_config\": {\"quant_algo\": \"NVFP4\"}}",
                   "config.json");
  EXPECT_EQ(HfQuantization(own.Root(), own.Root(), &beside).FormatOf(module),
            "nvfp4");
}

}  // namespace
}  // namespace tokenjoule
