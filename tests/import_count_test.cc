// Compares imported configurations with the parameter counts of the published
// checkpoints; a misread dimension changes the count.

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/import/import_hf.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

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
    const std::string file =
        absl::StrCat("analyzer/import/testdata/hf/", c.config, ".json");
    const std::string json = OrDie(ReadTextFile(file));
    const Model model =
        OrDie(ImportHuggingFace(json, file, c.config, "2026-01-02"));
    EXPECT_NEAR(BuildLedger(model, DefaultScenario()).parameters, c.parameters,
                0.5)
        << c.config;
  }
}

}  // namespace
}  // namespace tokenjoule
