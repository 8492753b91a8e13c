// Checks whether a single file is a valid description.

#ifndef ANALYZER_DESCRIPTION_LINT_H_
#define ANALYZER_DESCRIPTION_LINT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/inheritance.h"

namespace tokenjoule {

// A file without faults.
struct LintedFile {
  // One of LintKinds().
  std::string kind;
  // The description's own name; empty for a scenario.
  std::string name;
  // Of a machine: what it inherits from where; the warnings also name devices that
  // do not add up to their level, which in the catalogue are faults.
  Inheritance inheritance;
};

// How strictly files are read.
struct LintOptions {
  // Whether every number must have a range and a source, and no field may have
  // its old name, as in the files of the catalogue. Files below a folder
  // hw_specs/ or runtimes/ are read so in any case.
  bool catalogue = false;
};

// The kinds of file: "model", "hardware", "class", ...
std::vector<std::string> LintKinds();

// Loads the file like every other part of the tool, with its bases and
// technologies, and validates it. `kind` is one of LintKinds(), or empty to use
// the file's `# proto-message:` line. A class has the same message as a machine
// but may be incomplete, so the kind of a class must be given. Fails with every
// fault, one per line.
absl::StatusOr<LintedFile> LintFile(absl::string_view path,
                                    absl::string_view kind,
                                    const LintOptions& options = {});

// Faults of the names of the catalogue's models and machines (NameClashes), and
// of a file that takes a name of another entry. OK if there are none.
absl::Status LintNames(absl::string_view file, absl::string_view kind);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_LINT_H_
