// Loads descriptions by name, from the built-in catalogue or from the user's
// own files.

#ifndef ANALYZER_DESCRIPTION_CATALOG_H_
#define ANALYZER_DESCRIPTION_CATALOG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// The kinds of description in the catalogue.
enum class SpecKind {
  kModel,
  kSystem,
  kMemoryTechnology,
  kLogicTechnology,
  kLinkTechnology,
  kCircuitTechnology,
  kClass,
  kSpace,
  kStudy,
};

// Names of one kind, sorted, as in `tokenjoule list`.
std::vector<std::string> CatalogNames(SpecKind kind);

// A change to one field, from --set=ROOT.PATH=VALUE.
struct FieldOverride {
  // Path below the root, e.g. "memory.hbm.bandwidth_gb_per_s".
  std::string path;
  std::string value;
};

// Changes, grouped by the message they apply to.
struct Overrides {
  std::vector<FieldOverride> model, hardware, scenario;

  // Adds a change at ROOT.PATH. Fails for an unknown root and suggests the
  // nearest.
  absl::Status Add(absl::string_view path, absl::string_view value);
  // The same for ROOT.PATH=VALUE.
  absl::Status AddAssignment(absl::string_view assignment);
};

// Loads the model with this name or, if the name has a slash or ends in
// ".textproto", from that file; applies `overrides`, then validates it. Fails
// with every fault at once (InvalidArgument, one line per fault).
absl::StatusOr<Model> LoadModel(absl::string_view name,
                                absl::Span<const FieldOverride> overrides = {});

// Loads a machine in the same way, with its class and technologies filled in.
// `sources` holds the sources of all files it was made from, with ids qualified
// by the name of the file ("hbm3:hpca17").
absl::StatusOr<Hardware> LoadHardware(
    absl::string_view name, absl::Span<const FieldOverride> overrides = {});

// Load single technologies, for `explain`, `list` and studies.
absl::StatusOr<MemoryTechnology> LoadMemoryTechnology(absl::string_view name);
absl::StatusOr<LogicTechnology> LoadLogicTechnology(absl::string_view name);
absl::StatusOr<LinkTechnology> LoadLinkTechnology(absl::string_view name);
absl::StatusOr<AnalogCircuit> LoadCircuitTechnology(absl::string_view name);

// A file's name and content.
struct NamedText {
  std::string file;
  std::string text;
};

// The text of a design space, by name or from a file as above.
absl::StatusOr<NamedText> ReadSpaceText(absl::string_view name);

// The text of the numbers of a study, by name or from a file as above.
absl::StatusOr<NamedText> ReadStudyText(absl::string_view name);

// The same from text, as if it were in a file of that name; for tests and
// fuzzing.
absl::StatusOr<Model> ParseModel(
    absl::string_view text, absl::string_view file,
    absl::Span<const FieldOverride> overrides = {});
absl::StatusOr<Hardware> ParseHardware(
    absl::string_view text, absl::string_view file,
    absl::Span<const FieldOverride> overrides = {});

// Reads a whole file of at most 4 MB.
absl::StatusOr<std::string> ReadTextFile(const std::string& path);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_CATALOG_H_
