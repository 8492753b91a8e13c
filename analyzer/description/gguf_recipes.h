// Recipes of llama.cpp's quantiser: which format a GGUF file of a type such as
// Q4_K_M stores each class of matrix in. A file's type names the format of most
// matrices; the head, the values and the down projections are wider, in some or
// all layers, so that a Q4_K_M file of Llama holds 4.9 bits per weight.
//
// Source: llama.cpp, src/llama-quant.cpp, llama_tensor_get_type, without an
// importance matrix (with one, a few types narrow some of these matrices).

#ifndef ANALYZER_DESCRIPTION_GGUF_RECIPES_H_
#define ANALYZER_DESCRIPTION_GGUF_RECIPES_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "analyzer/description/formats.h"

namespace tokenjoule {

// Classes of matrix that a recipe tells apart.
enum class MatrixClass {
  kQuery,
  kKey,
  kValue,
  kAttentionOutput,
  kOtherMixer,  // projections of state spaces and of latent attention
  kGateUp,      // gate and up projections of MLPs and shared experts
  kDown,        // down projections of MLPs and shared experts
  // The same of routed experts.
  kExpertGateUp,
  kExpertDown,
  kLmHead,
  kEmbedding,
};

// What the choice depends on beside the class.
struct RecipeFacts {
  int64_t layers = 1;
  // Layers with softmax attention, whose values are counted apart; 0: all.
  int64_t attention_layers = 0;
  // Query heads per KV head.
  int64_t sharing = 1;
  // Routed experts per layer; 0 if there are none.
  int64_t experts = 0;
  // Whether the head is the embedding table.
  bool tied = false;
};

// Whether weights named `name` are stored by a recipe: a file type of
// llama.cpp, "q4_k_m", "q8_0". Names of tensor formats that are file types too,
// such as "q4_k" (Q4_K_M), are recipes here.
bool IsRecipe(absl::string_view name);

// The format in which a file of this type stores a class of matrix whose rows
// have `row` elements, as a mean over the layers. `name` is a recipe.
const NumberFormat& RecipeFormat(absl::string_view name, MatrixClass matrix,
                                 int64_t row, const RecipeFacts& facts);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_GGUF_RECIPES_H_
