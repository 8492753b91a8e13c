// Converts a Hugging Face config.json into a model description.

#ifndef ANALYZER_IMPORT_IMPORT_HF_H_
#define ANALYZER_IMPORT_IMPORT_HF_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// Returns the model configured by `json`, which was read from `file`. Its name
// is `name` or, if that is empty, comes from the configuration (_name_or_path)
// or from the directory of `file`, or is "imported". `date` is the date of the
// source (YYYY-MM-DD). The citation of the source lists the absent fields and
// the defaults used for them.
//
// Fails with every fault at once (InvalidArgument, one line per fault): invalid
// JSON, an unknown model_type, and fields that are missing, contradictory or
// not expressible in the schema. Never crashes.
absl::StatusOr<Model> ImportHuggingFace(absl::string_view json,
                                        absl::string_view file,
                                        absl::string_view name,
                                        absl::string_view date);

// An imported model as a textproto, with its provenance in a comment.
std::string ImportedModelText(const Model& model);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_IMPORT_HF_H_
