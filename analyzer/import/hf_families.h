// The meaning of the fields of a Hugging Face config.json, by family.

#ifndef ANALYZER_IMPORT_HF_FAMILIES_H_
#define ANALYZER_IMPORT_HF_FAMILIES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "analyzer/import/json_reader.h"
#include "analyzer/import/layer_stack.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// One value of `model_type` whose decoder can be read.
struct HfFamily {
  const char* model_type;
  // Default of `tie_word_embeddings`.
  bool tied_by_default;
  // Reads the decoder's fields: d_model, vocab_size, max_context, norm and
  // positions into the model, layers into the stack. Faults go to the reader's
  // log; if there are any, the result is meaningless.
  void (*import)(const JsonReader& config, Model* model, LayerStack* stack);
};

// One value of `model_type` whose decoder is in an object of its own, beside
// those of vision or audio.
struct HfWrapper {
  const char* model_type;
  // Path of the object with the decoder's fields, e.g. "text_config". If it is
  // absent, the fields are at the top level.
  const char* text_path;
  // The decoder's model_type if the object does not say.
  const char* text_type;
};

// The families of this kind of decoder, each defined in a file of its own.
absl::Span<const HfFamily> DenseFamilies();
absl::Span<const HfFamily> ExpertFamilies();
absl::Span<const HfFamily> RecurrentFamilies();

// The family with this model_type, or nullptr.
const HfFamily* FindHfFamily(absl::string_view model_type);

// The wrapper with this model_type, or nullptr.
const HfWrapper* FindHfWrapper(absl::string_view model_type);

// All supported model_types, sorted.
std::vector<std::string> HfModelTypes();

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_FAMILIES_H_
