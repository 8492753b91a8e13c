// The meaning of the fields of a Hugging Face config.json, by family.

#ifndef ANALYZER_IMPORT_HF_FAMILIES_H_
#define ANALYZER_IMPORT_HF_FAMILIES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "analyzer/import/json_reader.h"
#include "analyzer/import/layer_stack.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// One value of `model_type`.
struct HfFamily {
  const char* model_type;
  // The model_type of `text_config`, if that holds the decoder's fields; empty
  // if they are at the top level.
  const char* text_type;
  // Default of `tie_word_embeddings`.
  bool tied_by_default;
  // Reads the decoder's fields: d_model, vocab_size, max_context, norm and
  // positions into the model, layers into the stack. Faults go to the reader's
  // log; if there are any, the result is meaningless.
  void (*import)(const JsonReader& config, Model* model, LayerStack* stack);
};

// The family with this model_type, or nullptr.
const HfFamily* FindHfFamily(absl::string_view model_type);

// All supported model_types, sorted.
std::vector<std::string> HfModelTypes();

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_FAMILIES_H_
