// Damaged configurations of every family: an import answers or refuses, and an
// answer has finite counts. The damage is deterministic.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <random>
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

namespace tokenjoule {
namespace {

using nlohmann::json;

std::vector<std::string> Configs() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           "analyzer/import/testdata")) {
    const std::string path = entry.path().string();
    if (absl::EndsWith(path, ".json") &&
        !absl::EndsWith(path, ".sidecar.json")) {
      paths.push_back(path);
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Whether the import refused, or gave a model whose counts are finite.
::testing::AssertionResult Survives(const std::string& text) {
  HfFiles files;
  files.config = text;
  files.path = "config.json";
  const absl::StatusOr<ImportedModel> imported =
      ImportHuggingFace(files, "m", "2026-01-02");
  if (!imported.ok()) return ::testing::AssertionSuccess();
  const Ledger<double> ledger = BuildLedger(imported->model, DefaultScenario());
  if (std::isfinite(ledger.parameters) && ledger.parameters > 0 &&
      std::isfinite(InBytes(ledger.kv_per_sequence))) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << ledger.parameters << " parameters in " << text;
}

// Values that take the place of fields.
const std::vector<json>& OddValues() {
  static const std::vector<json>* const values =
      new std::vector<json>{nullptr,
                            0,
                            1,
                            -1,
                            1.5,
                            1e30,
                            true,
                            "",
                            "auto",
                            json::array(),
                            json::array({1, -1}),
                            json::array({"full_attention"}),
                            json::object(),
                            999999999,
                            "\xc3\x28",
                            json::array({nullptr})};
  return *values;
}

// Replaces each field of an object, and of the objects in it, by one odd value.
void DamageFields(json* root, json* object, std::mt19937_64* random,
                  int depth) {
  if (depth > 2) return;
  std::vector<std::string> keys;
  for (const auto& item : object->items()) keys.push_back(item.key());
  for (const std::string& key : keys) {
    const json kept = (*object)[key];
    const json& odd = OddValues()[(*random)() % OddValues().size()];
    (*object)[key] = odd;
    EXPECT_TRUE(
        Survives(root->dump(-1, ' ', false, json::error_handler_t::replace)));
    if ((*random)() % 4 == 0) {
      object->erase(key);
      EXPECT_TRUE(
          Survives(root->dump(-1, ' ', false, json::error_handler_t::replace)));
    }
    (*object)[key] = kept;
    if (kept.is_object())
      DamageFields(root, &(*object)[key], random, depth + 1);
  }
}

TEST(ImportFuzzTest, FieldsWithOddValuesAreReadOrRefused) {
  std::mt19937_64 random(20261126);
  const std::vector<std::string> paths = Configs();
  EXPECT_GT(paths.size(), 150u);
  for (const std::string& path : paths) {
    SCOPED_TRACE(path);
    // Python writes words that are not JSON; the other test damages those files.
    json config = json::parse(OrDie(ReadTextFile(path)), nullptr,
                              /*allow_exceptions=*/false);
    if (config.is_discarded()) continue;
    DamageFields(&config, &config, &random, 0);
  }
}

TEST(ImportFuzzTest, DamagedTextsAreReadOrRefused) {
  std::mt19937_64 random(16);
  for (const std::string& path : Configs()) {
    SCOPED_TRACE(path);
    const std::string text = OrDie(ReadTextFile(path));
    for (int i = 0; i < 12; ++i) {
      std::string damaged = text;
      for (int k = 0; k < 3; ++k) {
        damaged[random() % damaged.size()] = static_cast<char>(random());
      }
      if (random() % 3 == 0) damaged.resize(random() % damaged.size());
      EXPECT_TRUE(Survives(damaged));
    }
  }
}

}  // namespace
}  // namespace tokenjoule
