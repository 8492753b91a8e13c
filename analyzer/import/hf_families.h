// What the fields of a Hugging Face config.json mean, family by family.

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
  // The model_type of `text_config`, where the decoder's fields are; empty
  // where they are outermost.
  const char* text_type;
  // `tie_word_embeddings` where it is absent.
  bool tied_by_default;
  // Reads the decoder's fields: d_model, vocab_size, max_context, norm and
  // positions into the model, its layers into the stack. Faults go to the
  // reader's log; then what was written has no meaning.
  void (*import)(const JsonReader& config, Model* model, LayerStack* stack);
};

// The family of that model_type, or nullptr.
const HfFamily* FindHfFamily(absl::string_view model_type);

// Every model_type that is supported, sorted.
std::vector<std::string> HfModelTypes();

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_FAMILIES_H_
