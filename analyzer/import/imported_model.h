// A model that was imported from the files of another project.

#ifndef ANALYZER_IMPORT_IMPORTED_MODEL_H_
#define ANALYZER_IMPORT_IMPORTED_MODEL_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// A model and what its reader should know: assumptions about what the files do
// not say, fields that were not read. Each note is a full sentence.
struct ImportedModel {
  Model model;
  std::vector<std::string> notes;
};

// An imported model as a textproto, with its provenance in a comment.
std::string ImportedModelText(const Model& model);

// `text` as a catalogue name: lower case, with other characters replaced by
// hyphens; empty if nothing of it can be part of a name.
std::string CatalogueNameOf(absl::string_view text);

// The last part of a path, without slashes at its end.
absl::string_view LastPartOfPath(absl::string_view path);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_IMPORTED_MODEL_H_
