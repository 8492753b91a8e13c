// Checks whether a single file is a valid description.

#ifndef ANALYZER_DESCRIPTION_LINT_H_
#define ANALYZER_DESCRIPTION_LINT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tokenjoule {

// A file without faults.
struct LintedFile {
  // One of LintKinds().
  std::string kind;
  // The description's own name; empty for a scenario.
  std::string name;
};

// The kinds of file: "model", "hardware", "class", ...
std::vector<std::string> LintKinds();

// Loads the file like every other part of the tool, with its bases and
// technologies, and validates it. `kind` is one of LintKinds(), or empty to use
// the file's `# proto-message:` line. A class has the same message as a machine
// but may be incomplete, so the kind of a class must be given. Fails with every
// fault, one per line.
absl::StatusOr<LintedFile> LintFile(absl::string_view path,
                                    absl::string_view kind);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_LINT_H_
