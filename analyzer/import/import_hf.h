// A Hugging Face config.json as a model description.

#ifndef ANALYZER_IMPORT_IMPORT_HF_H_
#define ANALYZER_IMPORT_IMPORT_HF_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// The model that `json`, read from `file`, configures. Its name is `name` or,
// where that is empty, comes from the configuration (_name_or_path), from the
// directory of `file`, or is "imported". `date` is that of the source
// (YYYY-MM-DD). The citation of the source says which fields were absent and
// what stood in for them.
//
// Fails with every fault at once (InvalidArgument, one line a fault): JSON that
// is none, a model_type that is unknown, fields that are missing, contradict
// each other, or mean what the schema has no words for. Never crashes.
absl::StatusOr<Model> ImportHuggingFace(absl::string_view json,
                                        absl::string_view file,
                                        absl::string_view name,
                                        absl::string_view date);

// An imported model as a textproto with its provenance in a comment.
std::string ImportedModelText(const Model& model);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_IMPORT_HF_H_
