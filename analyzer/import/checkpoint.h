// Reads the files of a checkpoint: a config.json with what lies beside it, the
// folder that holds it, or a GGUF file.

#ifndef ANALYZER_IMPORT_CHECKPOINT_H_
#define ANALYZER_IMPORT_CHECKPOINT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/import/imported_model.h"

namespace tokenjoule {

// Whether `path` is meant as a checkpoint: it ends in ".json" or ".gguf", or it
// is a folder, which should hold a config.json.
bool IsCheckpoint(absl::string_view path);

// Imports a checkpoint. Beside config.json it reads hf_quant_config.json,
// quantize_config.json or quant_config.json, of which it takes the first that
// is there, and generation_config.json, of which only a quantised cache
// matters. Of a GGUF file it reads the header. `name` and `date` are as in
// ImportHuggingFace. Fails with every fault at once.
absl::StatusOr<ImportedModel> ImportCheckpoint(absl::string_view path,
                                               absl::string_view name,
                                               absl::string_view date);

// Makes LoadModel (catalog.h) accept checkpoints wherever it accepts a name or
// a path. What a reader should know about the import is given as notices.
void AcceptCheckpointsAsModels();

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_CHECKPOINT_H_
