// Whether a file is a description that can be used, by itself.

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
  // What the description calls itself; empty for a scenario.
  std::string name;
};

// "model", "hardware", "class", ...: what a file can be.
std::vector<std::string> LintKinds();

// Reads the file as every other part does, with its bases and technologies, and
// validates it. `kind` is one of LintKinds(), or empty for what the file's
// `# proto-message:` line says; a class and a machine share theirs, so that a
// class, which need not be whole, has to be named. Fails with every fault, one
// a line.
absl::StatusOr<LintedFile> LintFile(absl::string_view path,
                                    absl::string_view kind);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_LINT_H_
