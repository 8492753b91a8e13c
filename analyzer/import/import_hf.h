// Converts a Hugging Face config.json into a model description.

#ifndef ANALYZER_IMPORT_IMPORT_HF_H_
#define ANALYZER_IMPORT_IMPORT_HF_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/import/imported_model.h"

namespace tokenjoule {

// The texts of a checkpoint's files; empty ones are absent.
struct HfFiles {
  // config.json, and where it was read.
  std::string config;
  std::string path;
  // What a quantiser wrote beside it: hf_quant_config.json (ModelOpt),
  // quantize_config.json (GPTQ), quant_config.json (AWQ).
  std::string quantization;
  std::string quantization_path;
};

// Returns the model that the files configure. Its name is `name` or, if that is
// empty, comes from the configuration (_name_or_path) or from the directory of
// config.json, or is "imported". `date` is the date of the source (YYYY-MM-DD).
// The citation of the source lists the absent fields and the defaults used for
// them.
//
// Fails with every fault at once (InvalidArgument, one line per fault): invalid
// JSON, an unknown model_type, and fields that are missing, contradictory or
// not expressible in the schema. Never crashes.
absl::StatusOr<ImportedModel> ImportHuggingFace(const HfFiles& files,
                                                absl::string_view name,
                                                absl::string_view date);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_IMPORT_HF_H_
