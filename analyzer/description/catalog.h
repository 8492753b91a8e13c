// Loads descriptions by name, from the built-in catalogue or from the user's
// own files.

#ifndef ANALYZER_DESCRIPTION_CATALOG_H_
#define ANALYZER_DESCRIPTION_CATALOG_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "analyzer/base/size_limits.h"
#include "analyzer/description/names.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"
#include "proto/runtime.pb.h"

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
  kRuntime,
  kRuntimeClass,
};

// Path, below a machine, of its serving runtime. A change of this path itself
// names the runtime that takes the place of the machine's own; changes of paths
// below it set its fields.
inline constexpr absl::string_view kRuntimePath = "runtime";

// Path, below a machine, of its host. A change of this path itself names the host,
// or the machine's usual one if the name is empty; changes of paths below it set
// the host's fields.
inline constexpr absl::string_view kHostPath = "host";
// Path, below a machine, of further stages of a pipeline: each change of this
// path itself names one more.
inline constexpr absl::string_view kStagePath = "stage";

// Names of one kind, sorted, as in `tokenjoule list`.
std::vector<std::string> CatalogNames(SpecKind kind);

// The names of all models, or of all machines, with their aliases and Hugging
// Face ids, sorted; empty for other kinds.
absl::Span<const CatalogNamesOf> NamesOfKind(SpecKind kind);

// A change to one field, from --set=ROOT.PATH=VALUE.
struct FieldOverride {
  // Path below the root, e.g. "memory.hbm.bandwidth_gb_per_s".
  std::string path;
  std::string value;
};

// Changes, grouped by the message they apply to.
struct Overrides {
  std::vector<FieldOverride> model, hardware, scenario;

  // Adds a change at ROOT.PATH. The root `runtime` is the machine's runtime.
  // Fails for an unknown root and suggests the nearest.
  absl::Status Add(absl::string_view path, absl::string_view value);
  // The same for ROOT.PATH=VALUE.
  absl::Status AddAssignment(absl::string_view assignment);
};

// Reads models of other projects, so that LoadModel takes their files as well.
struct ModelImporter {
  // Whether a path is meant for this importer.
  bool (*accepts)(absl::string_view path) = nullptr;
  // The model as a textproto; fails with every fault at once.
  absl::StatusOr<std::string> (*read)(absl::string_view path) = nullptr;
};

// Sets the importer; without one, LoadModel takes textprotos alone. To be called
// once, before models are loaded: it is not for several threads.
void SetModelImporter(const ModelImporter& importer);

// Loads the model with this name, alias or Hugging Face id or, if the name has
// a slash or ends in ".textproto", from that file, or through the importer if
// that accepts it; applies `overrides`, then
// validates it. Fails with every fault at once (InvalidArgument, one line per
// fault). Gives a notice if an alias may well mean another entry.
absl::StatusOr<Model> LoadModel(absl::string_view name,
                                absl::Span<const FieldOverride> overrides = {});

// What of that is wrong with fields by themselves: paths, kinds of value,
// ranges, names. OK where they merely do not go together.
absl::Status CheckModelFields(absl::string_view name,
                              absl::Span<const FieldOverride> overrides);

// Loads a machine in the same way, with its class and technologies filled in.
// `sources` holds the sources of all files it was made from, with ids qualified
// by the name of the file ("hbm3:hpca17").
absl::StatusOr<Hardware> LoadHardware(
    absl::string_view name, absl::Span<const FieldOverride> overrides = {});

// A machine's file, or one of its bases, as it stands.
struct HardwareFile {
  // The name by which sources of this file are qualified (LoadHardware).
  std::string name;
  Hardware hardware;
};

// The file of a machine, found as by LoadHardware, then its base, the base of
// that, and so on. Fails with every fault of these files.
absl::StatusOr<std::vector<HardwareFile>> LoadHardwareFiles(
    absl::string_view name);

// The machine that a user's file with no more than a name and this base
// describes, as far as the base says it: its technologies are filled in, and
// nothing is required. `base` is a class, a machine or a path.
absl::StatusOr<Hardware> LoadBase(absl::string_view base);

// Loads a runtime as it is on chips of this generation, with its bases filled
// in.
absl::StatusOr<Runtime> LoadRuntime(absl::string_view name,
                                    const std::string& generation = "");

// Loads what the rows of the last joint fit have shown; empty if the catalogue
// has no such file. It is read once.
const Evidence& FittedEvidence();

// Loads a machine with the constants that fits start from: files that hold only
// fitted constants, of the machine, its bases and its runtime, are passed over.
absl::StatusOr<Hardware> LoadHardwareBeforeFits(
    absl::string_view name, absl::Span<const FieldOverride> overrides = {});

// Loads a class of runtimes with its bases, as it is on no generation.
absl::StatusOr<Runtime> LoadRuntimeClass(absl::string_view name);

// Whether what a runtime's file says of some generations applies to this one.
bool AppliesTo(const OnGeneration& on, const std::string& generation);

// A runtime's file, or that of a class of runtimes, as it stands, without its
// base.
absl::StatusOr<Runtime> LoadRuntimeFile(SpecKind kind, absl::string_view name);

// Load single technologies, for `explain`, `list` and studies.
absl::StatusOr<MemoryTechnology> LoadMemoryTechnology(absl::string_view name);
absl::StatusOr<LogicTechnology> LoadLogicTechnology(absl::string_view name);
absl::StatusOr<LinkTechnology> LoadLinkTechnology(absl::string_view name);
absl::StatusOr<AnalogCircuit> LoadCircuitTechnology(absl::string_view name);

// A file's name and content.
struct NamedText {
  std::string file;
  std::string text;
  // Whether it is a file of the catalogue that the binary holds. Only files of
  // users may leave out ranges and sources.
  bool embedded = false;
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

// Reads a whole file of at most `most_bytes`, without the byte order mark that it
// may begin with. A folder cannot be read, and a pipe without a writer is empty.
absl::StatusOr<std::string> ReadTextFile(const std::string& path,
                                         size_t most_bytes = kMaxFileBytes);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_CATALOG_H_
