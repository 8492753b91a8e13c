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
  kFirstTwo,
  kFirstFour,
  kFirstSixteenth,
  kFirstEighth,
  kFirstAndLastEighth,
  // The first and last eighth, and every third between them (use_more_bits).
  kMoreBits,
};

int64_t CountOf(Layers layers, int64_t all) {
  switch (layers) {
    case Layers::kNone:
      return 0;
    case Layers::kFirstTwo:
      return std::min<int64_t>(2, all);
    case Layers::kFirstFour:
      return std::min<int64_t>(4, all);
    case Layers::kFirstSixteenth:
      return all / 16;
    case Layers::kFirstEighth:
      return all / 8;
    case Layers::kFirstAndLastEighth:
      return all - (7 * all / 8 - all / 8);
    case Layers::kMoreBits:
      break;
  }
  int64_t count = 0;
  for (int64_t i = 0; i < all; ++i) {
    const bool more = i < all / 8 || i >= 7 * all / 8 || (i - all / 8) % 3 == 2;
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

// Specials of models with exactly eight experts.
enum class Eight {
  // Keys and values in q8_0.
  kKeys,
  // And output projections in q5_k.
  kKeysAndOutput,
  // Keys in q4_k and output projections in q5_k.
  kLow,
  // None.
  kNone,
};

struct Recipe {
  const char* name;
  const char* main;
  Choice value;
  // Values where at least four query heads share a KV head.
  Choice shared_value;
  Choice output;
  Choice down;
  Eight eight = Eight::kKeys;
  // Queries and keys.
  Choice query_key = {};
  Choice gate_up = {};
  // Routed experts, if they differ from dense networks.
  const char* experts = "";
  const char* head = "q6_k";
  // The table, unless it is the head too.
  const char* embedding = "";
  // Down projections of models with eight experts, if they differ.
  Choice down_of_eight = {};
};

constexpr Choice kMain = {};
constexpr Choice All(const char* format) { return {format, "", Layers::kNone}; }
constexpr Choice Wider(const char* format, Layers layers) {
  return {"", format, layers};
}

// Types of two bits and less: values and output projections are wider.
constexpr Recipe Low(const char* name, const char* main, const char* value,
                     Choice output, const char* embedding) {
  Recipe recipe = {};
  recipe.name = name;
  recipe.main = main;
  recipe.value = All(value);
  recipe.shared_value = All("q4_k");
  recipe.output = output;
  recipe.down = Wider(value, Layers::kFirstEighth);
  recipe.eight = Eight::kLow;
  recipe.head = "q5_k";
  recipe.embedding = embedding;
  return recipe;
}

// Three bits by codebook.
constexpr Recipe Iq3(const char* name, Choice value, Choice output,
                     Choice down) {
  Recipe recipe = {};
  recipe.name = name;
  recipe.main = "iq3_s";
  recipe.value = value;
  recipe.shared_value = All("q4_k");
  recipe.output = output;
  recipe.down = down;
  recipe.eight = Eight::kKeysAndOutput;
  return recipe;
}

constexpr Recipe Iq3Xxs() {
  Recipe recipe = Iq3("iq3_xxs", All("iq3_s"), All("iq3_s"),
                      {"q3_k", "q4_k", Layers::kFirstEighth});
  recipe.main = "iq3_xxs";
  recipe.query_key = All("iq2_s");
  recipe.head = "q5_k";
  recipe.embedding = "iq3_s";
  return recipe;
}

constexpr Recipe Iq3Xs() {
  Recipe recipe = Iq3("iq3_xs", kMain, kMain, kMain);
  recipe.query_key = All("iq3_xxs");
  recipe.gate_up = {"iq3_xxs", "", Layers::kFirstAndLastEighth};
  return recipe;
}

constexpr Recipe Iq3M() {
  Recipe recipe = Iq3("iq3_m", All("q4_k"), All("q4_k"),
                      Wider("q4_k", Layers::kFirstEighth));
  recipe.down_of_eight = Wider("q4_k", Layers::kMoreBits);
  return recipe;
}

constexpr Recipe Ternary(const char* name) {
  Recipe recipe = {name, name, kMain, kMain, kMain, kMain};
  recipe.embedding = "q4_k";
  return recipe;
}

constexpr Recipe Mxfp4Moe() {
  Recipe recipe = {"mxfp4_moe", "q8_0", kMain, kMain, kMain, kMain};
  recipe.eight = Eight::kNone;
  recipe.experts = "mxfp4";
  recipe.head = "q8_0";
  return recipe;
}

constexpr Recipe kRecipes[] = {
    {"q2_k", "q2_k", All("q3_k"), All("q4_k"), All("q3_k"), All("q3_k"),
     Eight::kKeysAndOutput},
    {"q2_k_s", "q2_k", kMain, All("q4_k"), kMain,
     Wider("q4_k", Layers::kFirstEighth)},
    {"q3_k_s", "q3_k", kMain, kMain, kMain, kMain, Eight::kKeysAndOutput},
    {"q3_k_m",
     "q3_k",
     {"q4_k", "q5_k", Layers::kFirstTwo},
     {"q4_k", "q5_k", Layers::kFirstTwo},
     All("q4_k"),
     {"q4_k", "q5_k", Layers::kFirstSixteenth},
     Eight::kKeysAndOutput},
    {"q3_k_l", "q3_k", All("q5_k"), All("q5_k"), All("q5_k"), All("q5_k")},
    {"q4_k_s", "q4_k", Wider("q5_k", Layers::kFirstFour),
     Wider("q5_k", Layers::kFirstFour), kMain,
     Wider("q5_k", Layers::kFirstEighth), Eight::kKeysAndOutput},
    {"q4_k_m", "q4_k", Wider("q6_k", Layers::kMoreBits),
     Wider("q6_k", Layers::kMoreBits), kMain, Wider("q6_k", Layers::kMoreBits),
     Eight::kKeysAndOutput},
    {"q5_k_s", "q5_k", kMain, kMain, kMain, kMain},
    {"q5_k_m", "q5_k", Wider("q6_k", Layers::kMoreBits),
     Wider("q6_k", Layers::kMoreBits), kMain, Wider("q6_k", Layers::kMoreBits)},
    {"q6_k", "q6_k", kMain, kMain, kMain, kMain},
    {"q4_0", "q4_0", kMain, kMain, kMain, kMain},
    {"q4_1", "q4_1", kMain, kMain, kMain, kMain},
    {"q5_0", "q5_0", kMain, kMain, kMain, kMain},
    {"q5_1", "q5_1", kMain, kMain, kMain, kMain},
    {"q8_0", "q8_0", kMain, kMain, kMain, kMain, Eight::kKeys, kMain, kMain, "",
     "q8_0"},
    {"iq4_nl", "iq4_nl", kMain, All("q5_k"), kMain,
     Wider("q5_k", Layers::kFirstEighth), Eight::kKeysAndOutput},
    {"iq4_xs", "iq4_xs", kMain, All("q5_k"), kMain,
     Wider("q5_k", Layers::kFirstEighth), Eight::kKeysAndOutput},
    Iq3("iq3_s", kMain, kMain, kMain),
    Iq3M(),
    Iq3Xs(),
    Iq3Xxs(),
    Low("iq2_m", "iq2_s", "iq3_s", All("iq3_s"), "iq3_s"),
    Low("iq2_s", "iq2_xs", "iq3_s", All("iq3_s"), "iq3_s"),
    Low("iq2_xs", "iq2_xs", "q2_k", kMain, "q2_k"),
    Low("iq2_xxs", "iq2_xxs", "q2_k", kMain, "q2_k"),
    Low("iq1_m", "iq1_m", "q2_k", All("iq2_xxs"), "q2_k"),
    Low("iq1_s", "iq1_s", "q2_k", All("iq2_xxs"), "q2_k"),
    Ternary("tq1_0"),
    Ternary("tq2_0"),
    Mxfp4Moe(),
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
  if (format == "q2_k" || format == "q3_k" || format == "tq1_0" ||
      format == "tq2_0") {
    return "q4_0";
  }
  return "iq4_nl";
}

std::string Fitting(absl::string_view format, int64_t row) {
  constexpr int64_t kSuperBlock = 256;
  constexpr int64_t kBlock = 32;
  const bool has_super_blocks = format != "q4_0" && format != "q4_1" &&
                                format != "q5_0" && format != "q5_1" &&
                                format != "q8_0" && format != "iq4_nl" &&
                                format != "mxfp4";
  if (!has_super_blocks || row % kSuperBlock == 0) return std::string(format);
  return row % kBlock == 0 ? Fallback(format) : "fp16";
}

Choice ChoiceOf(const Recipe& recipe, MatrixClass matrix,
                const RecipeFacts& facts) {
  const bool eight = facts.experts == 8;
  const bool narrow = recipe.eight == Eight::kLow;
  switch (matrix) {
    case MatrixClass::kQuery:
      return recipe.query_key;
    case MatrixClass::kKey:
      if (!eight || recipe.eight == Eight::kNone) return recipe.query_key;
      return All(narrow ? "q4_k" : "q8_0");
    case MatrixClass::kValue: {
      // Types of two bits take many experts for a reason to widen values too.
      if (narrow) {
        return facts.sharing >= 4 || facts.experts >= 4 ? recipe.shared_value
                                                        : recipe.value;
      }
      if (eight && recipe.eight != Eight::kNone) return All("q8_0");
      Choice choice = facts.sharing >= 4 ? recipe.shared_value : recipe.value;
      // The quantiser's exception for models of 80 layers (Llama 2 and 3 70B).
      if (facts.layers == 80 && facts.sharing > 1) {
        for (const char** format : {&choice.usual, &choice.wide}) {
          const absl::string_view now =
              **format == '\0' ? recipe.main : *format;
          if (now == "q3_k" || now == "q4_k") *format = "q5_k";
        }
      }
      return choice;
    }
    case MatrixClass::kAttentionOutput:
      if (!eight) return recipe.output;
      return recipe.eight == Eight::kKeys || recipe.eight == Eight::kNone
                 ? kMain
                 : All("q5_k");
    case MatrixClass::kExpertGateUp:
      if (*recipe.experts != '\0') return All(recipe.experts);
      ABSL_FALLTHROUGH_INTENDED;
    case MatrixClass::kGateUp:
      return recipe.gate_up;
    case MatrixClass::kExpertDown:
      if (*recipe.experts != '\0') return All(recipe.experts);
      ABSL_FALLTHROUGH_INTENDED;
    case MatrixClass::kDown:
      return eight && recipe.down_of_eight.layers != Layers::kNone
                 ? recipe.down_of_eight
                 : recipe.down;
    case MatrixClass::kEmbedding:
      if (!facts.tied) return All(recipe.embedding);
      ABSL_FALLTHROUGH_INTENDED;
    case MatrixClass::kLmHead:
      return All(recipe.head);
    case MatrixClass::kOtherMixer:
      break;
  }
  return kMain;
}

}  // namespace

bool IsRecipe(absl::string_view name) { return FindRecipe(name) != nullptr; }

const NumberFormat& RecipeFormat(absl::string_view name, MatrixClass matrix,
                                 int64_t row, const RecipeFacts& facts) {
  const Recipe& recipe = *FindRecipe(name);
  const Choice choice = ChoiceOf(recipe, matrix, facts);
  const bool is_head = matrix == MatrixClass::kLmHead ||
                       (matrix == MatrixClass::kEmbedding && facts.tied);
  if (is_head && Fitting(recipe.main, row) != recipe.main) {
    return GetFormat("q8_0");
  }
  const std::string usual =
      Fitting(*choice.usual == '\0' ? recipe.main : choice.usual, row);
  const std::string wide =
      Fitting(*choice.wide == '\0' ? recipe.main : choice.wide, row);
  const int64_t layers =
      matrix == MatrixClass::kValue && facts.attention_layers > 0
          ? facts.attention_layers
          : facts.layers;
  const int64_t wider = CountOf(choice.layers, layers);
  if (wider == 0 || usual == wide) return GetFormat(usual);
  if (wider == layers) return GetFormat(wide);
  return GetFormat(
      absl::StrCat(usual, ":", layers - wider, " ", wide, ":", wider));
}

}  // namespace tokenjoule
