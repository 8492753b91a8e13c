#include "analyzer/description/gguf_recipes.h"

#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "analyzer/description/formats.h"
#include "analyzer/testing/files.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

struct Shape {
  RecipeFacts facts;
  int64_t d;
  int64_t ff;
};

RecipeFacts Facts(int64_t layers, int64_t sharing, int64_t experts = 0,
                  bool tied = false) {
  RecipeFacts facts;
  facts.layers = layers;
  facts.sharing = sharing;
  facts.experts = experts;
  facts.tied = tied;
  return facts;
}

const absl::flat_hash_map<std::string, Shape>& Shapes() {
  static const auto* const shapes =
      new absl::flat_hash_map<std::string, Shape>({
          {"Llama-2-7B", {Facts(32, 1), 4096, 11008}},
          {"Llama-3.1-8B", {Facts(32, 4), 4096, 14336}},
          {"Llama-3.1-70B", {Facts(80, 8), 8192, 28672}},
          {"Mixtral-8x7B", {Facts(32, 4, 8), 4096, 14336}},
          {"Mixtral-8x22B", {Facts(56, 6, 8), 6144, 16384}},
          {"Qwen3-1.7B", {Facts(28, 2, 0, true), 2048, 6144}},
          {"Qwen3-8B", {Facts(36, 4), 4096, 12288}},
          {"Qwen3-30B-A3B", {Facts(48, 8, 128), 2048, 768}},
      });
  return *shapes;
}

TEST(GgufRecipesTest, ClassesHaveTheBitsOfTheQuantiser) {
  const std::string table =
      Read("analyzer/description/testdata/gguf_mixtures.txt");
  int lines = 0;
  for (const absl::string_view line : absl::StrSplit(table, '\n')) {
    const std::vector<std::string> cells =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (cells.size() != 12 || cells[0] == "#") continue;
    SCOPED_TRACE(absl::StrCat(cells[0], " ", cells[1]));
    ++lines;
    const Shape& shape = Shapes().at(cells[0]);
    const std::string name = absl::AsciiStrToLower(cells[1]);
    ASSERT_TRUE(IsRecipe(name));
    const bool moe = shape.facts.experts > 0;
    const struct {
      MatrixClass matrix;
      int64_t row;
    } columns[] = {
        {MatrixClass::kLmHead, shape.d},
        {MatrixClass::kEmbedding, shape.d},
        {MatrixClass::kValue, shape.d},
        {MatrixClass::kKey, shape.d},
        {MatrixClass::kQuery, shape.d},
        {MatrixClass::kAttentionOutput, shape.d},
        {moe ? MatrixClass::kExpertDown : MatrixClass::kDown, shape.ff},
        {moe ? MatrixClass::kExpertGateUp : MatrixClass::kGateUp, shape.d},
    };
    for (size_t i = 0; i < std::size(columns); ++i) {
      double bits;
      if (!absl::SimpleAtod(cells[2 + i], &bits)) continue;  // no such tensor
      EXPECT_NEAR(
          RecipeFormat(name, columns[i].matrix, columns[i].row, shape.facts)
              .bits_per_element,
          bits, 6e-5)
          << "column " << i;
    }
  }
  EXPECT_EQ(lines, 224);
}

TEST(GgufRecipesTest, RowsThatSuperBlocksDoNotDivideFallBack) {
  const RecipeFacts facts = Facts(32, 4);
  const auto name = [&](const char* recipe, MatrixClass matrix, int64_t row) {
    return std::string(RecipeFormat(recipe, matrix, row, facts).name);
  };
  EXPECT_EQ(name("q4_k_m", MatrixClass::kGateUp, 2880), "q5_0");
  EXPECT_EQ(name("q4_k_m", MatrixClass::kDown, 2880), "q5_0:16 q8_0:16");
  EXPECT_EQ(name("q5_k_s", MatrixClass::kQuery, 2880), "q5_1");
  EXPECT_EQ(name("q2_k", MatrixClass::kQuery, 2880), "q4_0");
  EXPECT_EQ(name("iq3_s", MatrixClass::kQuery, 2880), "iq4_nl");
  EXPECT_EQ(name("q4_k_m", MatrixClass::kLmHead, 2880), "q8_0");
  EXPECT_EQ(name("iq2_m", MatrixClass::kLmHead, 2880), "q8_0");
  EXPECT_EQ(name("q4_k_m", MatrixClass::kQuery, 72), "fp16");
  EXPECT_EQ(name("q8_0", MatrixClass::kQuery, 2880), "q8_0");
}

TEST(GgufRecipesTest, NamesOfTensorFormatsAreFileTypes) {
  const RecipeFacts facts = Facts(32, 4);
  EXPECT_EQ(&RecipeFormat("q4_k", MatrixClass::kDown, 4096, facts),
            &RecipeFormat("q4_k_m", MatrixClass::kDown, 4096, facts));
  EXPECT_EQ(RecipeFormat("iq2_s", MatrixClass::kQuery, 4096, facts).name,
            "iq2_xs");
  EXPECT_FALSE(IsRecipe("bf16"));
  EXPECT_FALSE(IsRecipe("mxfp4"));
}

// Every recipe that is a format of its own in the table is known here.
TEST(GgufRecipesTest, EveryRecipeOfTheTableIsKnown) {
  for (const NumberFormat& format : NumberFormats()) {
    if (format.is_recipe) {
      EXPECT_TRUE(IsRecipe(format.name)) << format.name;
    }
  }
}

TEST(GgufRecipesTest, OnlyRoutedExpertsAreMxfp4) {
  const RecipeFacts facts = Facts(24, 8, 32);
  EXPECT_EQ(
      RecipeFormat("mxfp4_moe", MatrixClass::kExpertDown, 2880, facts).name,
      "mxfp4");
  EXPECT_EQ(RecipeFormat("mxfp4_moe", MatrixClass::kDown, 2880, facts).name,
            "q8_0");
}

}  // namespace
}  // namespace tokenjoule
