// Compares entries of the catalogue with the parameter counts of the published
// checkpoints, with a counter that shares no code with importer and ledger, and
// with an import of the configuration.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/import/import_hf.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/counting/counts.h"

namespace tokenjoule {
namespace {

struct Case {
  const char* name;
  // The published configuration, without quantisation where it is that of
  // another checkpoint with the same shapes.
  const char* config;
  // Elements of the text decoder, of its embedding and of its head.
  int64_t parameters;
};

const std::vector<Case>& Cases() {
  static const auto* const cases = new std::vector<Case>{
      {"qwen2.5-vl-3b", "dense/qwen2-5-vl-3b.json", 3'085'938'688},
      {"qwen2.5-vl-7b", "dense/qwen2-5-vl-7b.json", 7'615'616'512},
      {"qwen2.5-vl-32b", "dense/qwen2-5-vl-32b.json", 32'763'876'352},
      {"qwen3-vl-4b", "dense/qwen3-vl-4b.json", 4'022'468'096},
      {"qwen3-vl-8b", "dense/qwen3-vl-8b.json", 8'190'735'360},
      {"qwen3-vl-32b", "dense/qwen3-vl-32b.json", 32'762'123'264},
      {"qwen3-vl-30b-a3b", "others/qwen3-vl-30b-a3b.json", 30'532'122'624},
      {"qwen3.5-0.8b", "dense/qwen3-5-0-8b.json", 752'393'024},
      {"qwen3.5-2b", "dense/qwen3-5-2b.json", 1'881'825'088},
      {"qwen3.5-4b", "dense/qwen3-5-4b.json", 4'205'751'296},
      {"qwen3.5-9b", "dense/qwen3-5-9b.json", 8'953'803'264},
      {"qwen3.5-27b", "dense/qwen3-5-27b.json", 26'895'998'464},
      {"qwen3.5-35b-a3b", "others/qwen3.5-35b-a3b.json", 34'660'610'688},
      {"qwen3.5-122b-a10b", "others/qwen3.5-122b-a10b.json", 122'111'526'912},
      {"qwen3.5-397b-a17b", "others/qwen3.5-397b-a17b.json", 396'346'350'336},
      {"deepseek-v3.2", "others/deepseek-v3.2.json", 671'877'944'064},
      {"deepseek-v4-flash", "others/deepseek-v4-flash.json", 284'332'240'471},
      {"deepseek-v4-pro", "others/deepseek-v4-pro.json", 1'572'997'201'763},
      {"kimi-k2.5", "others/kimi-k2.5.json", 1'026'408'232'448},
      {"kimi-linear-48b-a3b", "others/kimi-linear-48b-a3b.json",
       49'122'681'728},
      {"kimi-k3", "others/kimi-k3.json", 2'779'484'476'000},
      {"glm-4.6", "others/glm-4.6.json", 352'797'829'024},
      {"glm-4.7-flash", "others/glm-4.7-flash.json", 29'943'393'920},
      {"glm-5.1", "others/glm-5.1.json", 743'911'218'432},
      {"glm-5.2", "others/glm-5.2.json", 743'377'019'904},
      {"glm-4-9b-0414", "dense/glm4-9b-0414.json", 9'400'279'040},
      {"minimax-m1", "others/minimax-m1-80k.json", 456'089'655'296},
      {"minimax-m2.7", "others/minimax-m2.7.json", 228'689'764'864},
      {"minimax-m3", "others/minimax-m3.json", 426'174'572'928},
      {"nemotron-3-nano-30b-a3b", "others/nemotron-3-nano-30b-a3b.json",
       31'577'940'288},
      {"nemotron-3-super-120b-a12b", "others/nemotron-3-super-120b-a12b.json",
       120'668'707'840},
      {"llama-3.3-nemotron-super-49b", "dense/nemotron-nas-super-49b.json",
       49'867'145'216},
      {"gemma-3n-e2b", "dense/gemma3n-e2b.json", 4'435'182'688},
      {"gemma-3n-e4b", "dense/gemma3n-e4b.json", 6'835'235'568},
      {"gemma-4-e2b", "dense/gemma4-e2b.json", 4'628'569'379},
      {"gemma-4-e4b", "dense/gemma4-e4b.json", 7'463'013'418},
      {"gemma-4-12b", "dense/gemma4-12b.json", 11'907'350'320},
      {"gemma-4-31b", "dense/gemma4-31b.json", 30'697'345'340},
      {"gemma-4-26b-a4b", "others/gemma-4-26b-a4b.json", 25'233'141'790},
      {"ministral-3-3b", "dense/ministral3-3b.json", 3'429'006'336},
      {"ministral-3-8b", "dense/ministral3-8b.json", 8'489'553'920},
      {"ministral-3-14b", "dense/ministral3-14b.json", 13'506'073'600},
      {"mistral-small-3.1-24b", "dense/mistral-small-3-1-24b.json",
       23'572'403'200},
      {"devstral-small-2-24b", "dense/mistral-small-3-1-24b.json",
       23'572'403'200},
      {"granite-3.3-8b", "dense/granite-3-3-8b.json", 8'170'864'640},
      {"olmo-3-7b", "dense/olmo3-7b.json", 7'298'011'136},
      {"olmo-3-32b", "dense/olmo3-32b.json", 32'233'522'176},
      {"exaone-4.0-32b", "dense/exaone4-32b.json", 32'003'216'384},
      {"command-r7b", "dense/command-r7b.json", 8'028'033'024},
      {"command-a", "dense/command-a.json", 111'057'580'032},
      {"seed-oss-36b", "dense/seed-oss-36b.json", 36'151'104'512},
      {"mimo-7b", "dense/mimo-7b.json", 7'622'619'136},
      {"apertus-8b", "dense/apertus-8b.json", 8'053'338'176},
      {"granite-4.0-h-small", "others/granite-4.0-h-small.json",
       32'207'337'984},
      {"lfm2-1.2b", "others/lfm2-1.2b.json", 1'170'340'608},
      {"lfm2-8b-a1b", "others/lfm2-8b-a1b.json", 8'339'930'560},
      {"ernie-4.5-21b-a3b", "others/ernie-4.5-21b-a3b.json", 21'825'437'888},
      {"ernie-4.5-300b-a47b", "others/ernie-4.5-300b-a47b.json",
       299'484'163'264},
      {"hunyuan-a13b", "others/hunyuan-a13b.json", 80'393'183'232},
      {"hy3", "others/hy3.json", 295'033'543'488},
      {"ling-mini-2.0", "others/ling-mini-2.0.json", 16'255'643'392},
      {"ling-flash-2.0", "others/ling-flash-2.0.json", 102'889'705'216},
      {"ling-1t", "others/ling-1t.json", 999'705'328'640},
      {"ling-3.0-flash", "others/ling-3.0-flash.json", 124'414'211'552},
      {"mimo-v2-flash", "others/mimo-v2-flash.json", 308'778'780'864},
      {"mimo-v2.5", "others/mimo-v2-flash.json", 308'778'780'864},
      {"mimo-v2.5-pro", "others/mimo-v2.5-pro.json", 1'021'248'126'336},
      {"step-3.5-flash", "others/step-3.5-flash.json", 196'956'130'368},
      {"longcat-flash", "others/longcat-flash.json", 560'664'980'480},
      {"trinity-large", "others/trinity-large.json", 398'635'286'016},
      {"phi-3.5-moe", "others/phi-3.5-moe.json", 41'873'153'344},
      {"falcon-h1-7b", "others/falcon-h1-7b.json", 7'585'654'880},
      {"rwkv7-1.5b", "others/rwkv7-1.5b-world.json", 1'527'404'544},
      {"olmoe-1b-7b", "others/olmoe-1b-7b.json", 6'919'161'856},
  };
  return *cases;
}

// Bytes that a context of `context` tokens caches in bf16.
double CachedBytes(const Model& model, double context) {
  Scenario scenario = DefaultScenario();
  scenario.set_batch(1);
  scenario.set_context(context);
  scenario.set_kv("bf16");
  return InBytes(BuildLedger(model, scenario).kv_per_sequence);
}

double Parameters(const Model& model) {
  return BuildLedger(model, DefaultScenario()).parameters;
}

TEST(CatalogueCountTest, FortyModelsAreThere) {
  EXPECT_GE(Cases().size(), 40u);
  for (const Case& c : Cases()) {
    EXPECT_EQ(LoadModelOrDie(c.name).name(), c.name);
  }
}

TEST(CatalogueCountTest, ParametersAreThoseOfTheCheckpointsToTheDigit) {
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.name);
    const Model model = LoadModelOrDie(c.name);
    EXPECT_EQ(static_cast<int64_t>(Parameters(model)), c.parameters);
    EXPECT_EQ(static_cast<int64_t>(model.published().total_parameters()),
              c.parameters);
    const nlohmann::json config = nlohmann::json::parse(OrDie(ReadTextFile(
        absl::StrCat("analyzer/import/testdata/counted/", c.config))));
    const Counts counts = absl::StartsWith(c.config, "dense/")
                              ? CountDense(config)
                              : CountOthers(config);
    EXPECT_EQ(counts.parameters, c.parameters);
  }
}

TEST(CatalogueCountTest, CachesAreThoseOfTheConfiguration) {
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.name);
    HfFiles files;
    files.path = absl::StrCat("analyzer/import/testdata/counted/", c.config);
    files.config = OrDie(ReadTextFile(files.path));
    const Model imported =
        OrDie(ImportHuggingFace(files, "imported", "2026-01-02")).model;
    const Model model = LoadModelOrDie(c.name);
    for (const double context : {1.0, 1000.0, 30000.0}) {
      EXPECT_EQ(CachedBytes(model, context), CachedBytes(imported, context));
    }
  }
}

double Held(const Ledger<>& ledger, Part part) {
  return InBytes(ledger.weight_footprint[static_cast<int>(part)]);
}

// The routed experts of Kimi K2.5 have 4 bits and one 16-bit scale for each 32,
// everything else 16; a token visits 8 of the 384 experts in 60 layers.
TEST(CatalogueCountTest, KimiK25HoldsItsExpertsInFourBits) {
  Scenario scenario = DefaultScenario();
  scenario.set_batch(1);
  scenario.set_context(1);
  const Ledger<> ledger = BuildLedger(LoadModelOrDie("kimi-k2.5"), scenario);
  const double expert = 3.0 * 7168 * 2048, embedding = 163840.0 * 7168;
  const double experts = 60 * 384 * expert;
  const double rest = 1'026'408'232'448 - experts;
  EXPECT_EQ(Held(ledger, Part::kExperts), experts * 4.5 / 8);
  EXPECT_EQ(InBytes(ledger.TotalWeightFootprint()),
            experts * 4.5 / 8 + rest * 2);
  EXPECT_NEAR(InBytes(ledger.TotalWeightFootprint()), 594.2e9, 0.05e9);
  double read = 0;
  for (const Operator<>& op : ledger.operators) {
    read += SystemRuns(ledger, op) * InBytes(op.weight_read);
  }
  EXPECT_NEAR(read, 60 * 8 * expert * 4.5 / 8 + (rest - embedding) * 2, 1e5);
  EXPECT_NEAR(read, 32.99e9, 0.005e9);
}

// Those of Kimi K3 have 4 bits and an 8-bit scale for each 32. Its files hold
// 1453.66 GiB, of which 0.83 GiB are the vision tower.
TEST(CatalogueCountTest, KimiK3IsAsLargeAsItsFiles) {
  const Ledger<> ledger =
      BuildLedger(LoadModelOrDie("kimi-k3"), DefaultScenario());
  const double experts = 92.0 * 896 * 3 * 3072 * 3584;
  EXPECT_EQ(Held(ledger, Part::kExperts), experts * 4.25 / 8);
  EXPECT_NEAR(InBytes(ledger.TotalWeightFootprint()) / (1 << 30),
              1453.66 - 0.83, 0.05);
}

// It has the shapes of Qwen3-Next, without the module for drafts.
TEST(CatalogueCountTest, CoderNextIsCountedToo) {
  const Model model = LoadModelOrDie("Qwen/Qwen3-Coder-Next");
  EXPECT_EQ(static_cast<int64_t>(Parameters(model)), 79'674'391'296);
  EXPECT_EQ(model.published().total_parameters(), 79'674'391'296);
}

// Someone who has the id of a checkpoint finds its entry.
TEST(CatalogueCountTest, IdsOfCheckpointsFindTheirEntries) {
  for (const Case& c : Cases()) {
    const Model model = LoadModelOrDie(c.name);
    ASSERT_GT(model.hf_ids_size(), 0) << c.name;
    for (const std::string& id : model.hf_ids()) {
      EXPECT_EQ(LoadModelOrDie(id).name(), c.name);
    }
    for (const std::string& alias : model.aliases()) {
      EXPECT_EQ(LoadModelOrDie(alias).name(), c.name);
    }
  }
}

}  // namespace
}  // namespace tokenjoule
