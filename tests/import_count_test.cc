// Compares imported configurations with the parameter counts of the published
// checkpoints; a misread dimension changes the count.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/import/import_hf.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/counting/counts.h"

namespace tokenjoule {
namespace {

constexpr char kData[] = "analyzer/import/testdata/";

Model Imported(const std::string& path) {
  HfFiles files;
  files.path = path;
  files.config = OrDie(ReadTextFile(path));
  return OrDie(ImportHuggingFace(files, "imported", "2026-01-02")).model;
}

struct Case {
  const char* config;
  // Parameters, computed independently of this code from the shapes of the
  // layers.
  double parameters;
};

TEST(ImportCountTest, ParametersAreThoseOfTheCheckpoints) {
  const Case kCases[] = {
      {"deepseek-v2-lite", 15'706'484'224},
      {"deepseek-v3", 671'026'419'200},  // without the MTP module
      {"falcon-180b", 179'522'565'120},
      {"falcon-7b", 6'921'720'704},
      {"gemma-2-9b", 9'241'705'984},
      // The text decoder, with the 64 rows that the multimodal table has more
      // than 262144.
      {"gemma-3-27b", 27'009'002'240 + 64 * 5376},
      {"gpt-neox-20b", 20'554'567'680},
      {"gpt-oss-20b", 20'914'757'184},
      {"gpt2", 124'439'808},
      {"jamba-v0.1", 51'570'323'328},
      {"llama-3.1-8b", 8'030'261'248},
      {"llama-4-maverick-text", 400'711'848'960},
      {"llama-4-scout", 107'769'861'120},
      {"mamba2-2.7b", 2'702'599'680},
      {"mistral-7b-v0.1", 7'241'732'096},
      {"mixtral-8x7b", 46'702'792'704},
      {"nemotron-h-8b", 8'100'852'736},
      {"opt-175b", 174'604'468'224},
      {"phi-4", 14'659'507'200},
      {"qwen1.5-moe-a2.7b", 14'315'784'192},
      {"qwen2.5-7b", 7'615'616'512},
      {"qwen3-30b-a3b", 30'532'122'624},
      {"qwen3-8b", 8'190'735'360},
      {"qwen3-next-80b-a3b", 79'674'391'296},
  };
  for (const Case& c : kCases) {
    const Model model = Imported(absl::StrCat(kData, "hf/", c.config, ".json"));
    EXPECT_NEAR(BuildLedger(model, DefaultScenario()).parameters, c.parameters,
                0.5)
        << c.config;
  }
}

// The files of a folder of configurations.
std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(absl::StrCat(kData, folder))) {
    if (absl::EndsWith(entry.path().string(), ".json")) {
      paths.push_back(entry.path().string());
    }
  }
  return paths;
}

// Elements cached for one more token in a model whose windows are longer than
// the context: the cache is in bf16, of two bytes.
double CachedElements(const Model& model) {
  Scenario scenario = DefaultScenario();
  scenario.set_batch(1);
  scenario.set_context(1);
  scenario.set_kv("bf16");
  return InBytes(BuildLedger(model, scenario).kv_per_sequence) / 2;
}

void ExpectCountsOf(const std::string& folder,
                    Counts (*count)(const nlohmann::json&)) {
  const std::vector<std::string> paths = FilesIn(folder);
  EXPECT_GT(paths.size(), 50u);
  for (const std::string& path : paths) {
    SCOPED_TRACE(path);
    const Counts counts =
        count(nlohmann::json::parse(OrDie(ReadTextFile(path))));
    HfFiles files;
    files.path = path;
    files.config = OrDie(ReadTextFile(path));
    const auto imported = ImportHuggingFace(files, "imported", "2026-01-02");
    if (!imported.ok()) {
      ADD_FAILURE() << imported.status().message();
      continue;
    }
    const Model& model = imported->model;
    const Ledger<double> ledger = BuildLedger(model, DefaultScenario());
    EXPECT_EQ(static_cast<int64_t>(ledger.parameters), counts.parameters);
    // MiniCPM 3 is counted with the latent cache that its attention allows; the
    // counter has the expanded one.
    if (absl::StrContains(path, "minicpm3")) continue;
    const double index = counts.index_elements_per_token;
    // Index keys have one byte per element and a scale of four for each 128.
    EXPECT_NEAR(CachedElements(model),
                counts.kv_elements_per_token + index * 132 / 128 / 2, 0.5);
  }
}

// Bytes of weights that a step of Llama-3.1-8B reads at batch 1. The matrices of
// its blocks have 6,979,321,856 elements and its head has 525,336,576, in the
// formats of the checkpoint; its norms have 266,240 of two bytes each.
TEST(ImportCountTest, QuantisedCheckpointsAreReadAsTheFilesHoldThem) {
  constexpr double kBlocks = 6'979'321'856, kHead = 525'336'576;
  constexpr double kNorms = 2 * 266'240;
  const std::string plain =
      OrDie(ReadTextFile(absl::StrCat(kData, "hf/llama-3.1-8b.json")));
  const struct {
    const char* quantization;
    double block_bits;
    double head_bits;
    double kv_bits;
  } kCases[] = {
      {R"("quantization": {"group_size": 64, "bits": 4})", 4.5, 4.5, 16},
      {R"("quantization_config": {"quant_method": "fp8", "activation_scheme":
          "static", "ignored_layers": ["lm_head"],
          "kv_cache_scheme": "static"})",
       8, 16, 8},
      {R"("quantization_config": {"quant_algo": "FP8", "ignore": ["lm_head"],
          "kv_cache_scheme": "FP8", "producer": {"name": "modelopt"}})",
       8, 16, 8},
      {R"("quantization_config": {"quant_method": "modelopt", "quant_algo":
          "NVFP4", "ignore": ["lm_head"], "kv_cache_scheme":
          {"dynamic": false, "num_bits": 8, "type": "float"}})",
       4.5, 16, 8},
      {R"("quantization_config": {"quant_method": "bitsandbytes",
          "load_in_4bit": true, "bnb_4bit_quant_type": "nf4",
          "bnb_4bit_use_double_quant": true})",
       4 + 8.0 / 64 + 32.0 / (64 * 256), 16, 16},
      {R"("quantization_config": {"quant_method": "fbgemm_fp8",
          "modules_to_not_convert": ["lm_head"]})",
       8, 16, 16},
      {R"("quantization_config": {"quant_method": "quark",
          "global_quant_config": {"weight": {"dtype": "fp4", "group_size": 32,
          "qscheme": "per_group", "scale_format": "e8m0"}},
          "exclude": ["lm_head"]})",
       4.25, 16, 16},
      {R"("quantization_config": {"quant_method": "gptq", "bits": 4,
          "group_size": -1, "sym": true, "desc_act": false})",
       4, 16, 16},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.quantization);
    HfFiles files;
    files.path = "config.json";
    files.config = plain;
    files.config.replace(files.config.rfind('}'), 1,
                         absl::StrCat(", ", c.quantization, "}"));
    const Model model =
        OrDie(ImportHuggingFace(files, "m", "2026-01-02")).model;
    Scenario scenario = DefaultScenario();
    scenario.set_batch(1);
    scenario.set_context(1000);
    const Ledger<double> ledger = BuildLedger(model, scenario);
    double weights = 0;
    for (const Operator<double>& op : ledger.operators) {
      weights += InBytes(op.weight_read) * op.count;
    }
    EXPECT_NEAR(weights,
                (kBlocks * c.block_bits + kHead * c.head_bits) / 8 + kNorms, 1);
    EXPECT_EQ(InBytes(ledger.kv_per_sequence),
              1000 * 2 * 32 * 8 * 128 * c.kv_bits / 8);
  }
}

TEST(ImportCountTest, DenseFamiliesAgreeWithTheIndependentCounter) {
  ExpectCountsOf("counted/dense", CountDense);
}

TEST(ImportCountTest, OtherFamiliesAgreeWithTheIndependentCounter) {
  ExpectCountsOf("counted/others", CountOthers);
}

}  // namespace
}  // namespace tokenjoule
