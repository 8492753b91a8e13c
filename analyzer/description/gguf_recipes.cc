#include "analyzer/description/gguf_recipes.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"

namespace tokenjoule {
namespace {

// Layers in which a wider format replaces the usual one.
enum class Layers {
  kNone,
  kAll,
  kFirstTwo,
  kFirstFour,
  kFirstSixteenth,
  kFirstEighth,
  // The first and last eighth, and every third between them (use_more_bits).
  kMoreBits,
};

int64_t CountOf(Layers layers, int64_t all) {
  switch (layers) {
    case Layers::kNone:
      return 0;
    case Layers::kAll:
      return all;
    case Layers::kFirstTwo:
      return std::min<int64_t>(2, all);
    case Layers::kFirstFour:
      return std::min<int64_t>(4, all);
    case Layers::kFirstSixteenth:
      return all / 16;
    case Layers::kFirstEighth:
      return all / 8;
    case Layers::kMoreBits:
      break;
  }
  int64_t count = 0;
  for (int64_t i = 0; i < all; ++i) {
    const bool more =
        i < all / 8 || i >= 7 * all / 8 || (i - all / 8) % 3 == 2;
    count += more ? 1 : 0;
  }
  return count;
}

// A class of matrix: `wide` in some layers, `usual` in the others. Empty: the
// recipe's main format.
struct Choice {
  const char* usual = "";
  const char* wide = "";
  Layers layers = Layers::kNone;
};

struct Recipe {
  const char* name;
  const char* main;
  Choice value;
  // Values where at least four query heads share a KV head, if they differ.
  Choice shared_value;
  Choice output;
  // Output projections of models with eight experts.
  Choice output_of_eight;
  Choice down;
};

constexpr Choice kMain = {};
constexpr Choice All(const char* format) { return {format, "", Layers::kNone}; }

constexpr Recipe kRecipes[] = {
    {"q2_k", "q2_k", All("q3_k"), All("q4_k"), All("q3_k"), All("q5_k"),
     All("q3_k")},
    {"q2_k_s", "q2_k", kMain, All("q4_k"), kMain, kMain,
     {"", "q4_k", Layers::kFirstEighth}},
    {"q3_k_s", "q3_k", kMain, kMain, kMain, All("q5_k"), kMain},
    {"q3_k_m", "q3_k", {"q4_k", "q5_k", Layers::kFirstTwo},
     {"q4_k", "q5_k", Layers::kFirstTwo}, All("q4_k"), All("q5_k"),
     {"q4_k", "q5_k", Layers::kFirstSixteenth}},
    {"q3_k_l", "q3_k", All("q5_k"), All("q5_k"), All("q5_k"), kMain,
     All("q5_k")},
    {"q4_k_s", "q4_k", {"", "q5_k", Layers::kFirstFour},
     {"", "q5_k", Layers::kFirstFour}, kMain, All("q5_k"),
     {"", "q5_k", Layers::kFirstEighth}},
    {"q4_k_m", "q4_k", {"", "q6_k", Layers::kMoreBits},
     {"", "q6_k", Layers::kMoreBits}, kMain, All("q5_k"),
     {"", "q6_k", Layers::kMoreBits}},
    {"q5_k_s", "q5_k", kMain, kMain, kMain, kMain, kMain},
    {"q5_k_m", "q5_k", {"", "q6_k", Layers::kMoreBits},
     {"", "q6_k", Layers::kMoreBits}, kMain, kMain,
     {"", "q6_k", Layers::kMoreBits}},
    {"q6_k", "q6_k", kMain, kMain, kMain, kMain, kMain},
    {"q4_0", "q4_0", kMain, kMain, kMain, kMain, kMain},
    {"q4_1", "q4_1", kMain, kMain, kMain, kMain, kMain},
    {"q5_0", "q5_0", kMain, kMain, kMain, kMain, kMain},
    {"q5_1", "q5_1", kMain, kMain, kMain, kMain, kMain},
    {"q8_0", "q8_0", kMain, kMain, kMain, kMain, kMain},
    {"iq4_nl", "iq4_nl", kMain, All("q5_k"), kMain, All("q5_k"),
     {"", "q5_k", Layers::kFirstEighth}},
    {"iq4_xs", "iq4_xs", kMain, All("q5_k"), kMain, All("q5_k"),
     {"", "q5_k", Layers::kFirstEighth}},
    {"iq3_s", "iq3_s", kMain, All("q4_k"), kMain, All("q5_k"), kMain},
};

// Tensor formats whose names llama.cpp takes for a file type.
struct Synonym {
  const char* name;
  const char* recipe;
};
constexpr Synonym kSynonyms[] = {
    {"q3_k", "q3_k_m"}, {"q4_k", "q4_k_m"}, {"q5_k", "q5_k_m"}};

const Recipe* FindRecipe(absl::string_view name) {
  for (const Synonym& synonym : kSynonyms) {
    if (name == synonym.name) name = synonym.recipe;
  }
  const auto* found =
      std::find_if(std::begin(kRecipes), std::end(kRecipes),
                   [&](const Recipe& recipe) { return recipe.name == name; });
  return found == std::end(kRecipes) ? nullptr : found;
}

// What replaces a format of super-blocks in rows that they do not divide.
const char* Fallback(absl::string_view format) {
  if (format == "q4_k") return "q5_0";
  if (format == "q5_k") return "q5_1";
  if (format == "q6_k") return "q8_0";
  if (format == "q2_k" || format == "q3_k") return "q4_0";
  return "iq4_nl";
}

std::string Fitting(absl::string_view format, int64_t row) {
  constexpr int64_t kSuperBlock = 256;
  const bool has_super_blocks =
      format != "q4_0" && format != "q4_1" && format != "q5_0" &&
      format != "q5_1" && format != "q8_0" && format != "iq4_nl";
  return has_super_blocks && row % kSuperBlock != 0 ? Fallback(format)
                                                    : std::string(format);
}

}  // namespace

bool IsRecipe(absl::string_view name) { return FindRecipe(name) != nullptr; }

const NumberFormat& RecipeFormat(absl::string_view name, MatrixClass matrix,
                                 int64_t row, const RecipeFacts& facts) {
  const Recipe& recipe = *FindRecipe(name);
  constexpr int64_t kEight = 8;
  const bool eight = facts.experts == kEight;
  Choice choice;
  switch (matrix) {
    case MatrixClass::kKey:
      if (eight) choice = All("q8_0");
      break;
    case MatrixClass::kValue:
      choice = facts.sharing >= 4 ? recipe.shared_value : recipe.value;
      // The quantiser's exception for models of 80 layers (Llama 2 and 3 70B).
      if (facts.layers == 80 && facts.sharing > 1) {
        for (const char** format : {&choice.usual, &choice.wide}) {
          const absl::string_view now =
              **format == '\0' ? recipe.main : *format;
          if (now == "q3_k" || now == "q4_k") *format = "q5_k";
        }
      }
      if (eight) choice = All("q8_0");
      break;
    case MatrixClass::kAttentionOutput:
      choice = eight ? recipe.output_of_eight : recipe.output;
      break;
    case MatrixClass::kDown:
      choice = recipe.down;
      break;
    case MatrixClass::kEmbedding:
      if (!facts.tied) break;
      ABSL_FALLTHROUGH_INTENDED;
    case MatrixClass::kLmHead:
      choice = All(absl::string_view(recipe.main) == "q8_0" ? "q8_0" : "q6_k");
      break;
    default:
      break;
  }
  const std::string usual =
      Fitting(*choice.usual == '\0' ? recipe.main : choice.usual, row);
  const std::string wide =
      Fitting(*choice.wide == '\0' ? recipe.main : choice.wide, row);
  const int64_t wider = CountOf(choice.layers, facts.layers);
  if (wider == 0 || usual == wide) return GetFormat(usual);
  if (wider == facts.layers) return GetFormat(wide);
  return GetFormat(
      absl::StrCat(usual, ":", facts.layers - wider, " ", wide, ":", wider));
}

}  // namespace tokenjoule
