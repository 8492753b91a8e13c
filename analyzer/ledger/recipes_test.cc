// Weights in the file types of llama.cpp: the ledger holds as many bytes as the
// tensors of such a file.

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/files.h"
#include "analyzer/testing/scenario.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

TEST(RecipesTest, HoldTheBytesOfTheFile) {
  // Files of Llama 3.1 also hold 64 factors of the rotary embedding, in fp32,
  // which are not weights of the model.
  const struct {
    const char* name;
    double factors;
  } models[] = {{"llama-3.1-8b", 256}, {"llama-3.1-70b", 256},
                {"mixtral-8x7b", 0},   {"mixtral-8x22b", 0},
                {"qwen3-1.7b", 0},     {"qwen3-8b", 0},
                {"qwen3-30b-a3b", 0}};
  absl::flat_hash_map<std::string, std::pair<Model, double>> loaded;
  for (const auto& model : models) {
    loaded[model.name] = {LoadModelOrDie(model.name), model.factors};
  }
  // The table's file is of the first version, with fewer tokens.
  loaded["mixtral-8x22b"].first.set_vocab_size(32000);
  const std::string table =
      Read("analyzer/description/testdata/gguf_mixtures.txt");
  int lines = 0;
  for (const absl::string_view line : absl::StrSplit(table, '\n')) {
    const std::vector<std::string> cells =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (cells.size() != 12) continue;
    const auto model = loaded.find(absl::AsciiStrToLower(cells[0]));
    double bytes;
    if (model == loaded.end() || !absl::SimpleAtod(cells[11], &bytes)) continue;
    SCOPED_TRACE(absl::StrCat(cells[0], " ", cells[1]));
    ++lines;
    Scenario scenario = Point(1, 1024);
    scenario.set_weights(absl::AsciiStrToLower(cells[1]));
    EXPECT_NEAR(
        InBytes(
            BuildLedger(model->second.first, scenario).TotalWeightFootprint()) +
            model->second.second,
        bytes, 0.5);
  }
  EXPECT_EQ(lines, 7 * 28);
}

}  // namespace
}  // namespace tokenjoule
