// Faults of an input: all are reported at once, each with its location.

#ifndef ANALYZER_DESCRIPTION_FAULTS_H_
#define ANALYZER_DESCRIPTION_FAULTS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tokenjoule {

// One fault.
struct Fault {
  // File as the user named it, or the name of a catalogue file; empty for
  // flags.
  std::string file;
  // 1-based position in the file; 0 if unknown (e.g. for a missing field).
  int line = 0;
  int column = 0;
  // Path of the field, e.g. "memory[0].capacity_gb.low"; empty for syntax
  // faults.
  std::string path;
  // Says what was found, what was expected and what to do.
  std::string message;

  // "file:line:column: path: message", without the parts that are unknown.
  std::string ToString() const;
};

// A list of faults is cut after so many: nobody reads more at once.
inline constexpr size_t kMostPrintedFaults = 200;

// OK if there are no faults, else InvalidArgument with one line per fault; the last
// line counts those beyond kMostPrintedFaults.
absl::Status FaultsToStatus(absl::Span<const Fault> faults);

// A name as it is compared with others: in lower case, with hyphens for
// underscores and blanks.
std::string FoldedName(absl::string_view name);

// The choices that `name` may mean, however it is spelt in FoldedName: those
// that begin with it, else those of which a later part begins with it ("4090" of
// "rtx-4090"), else the longest with which it begins, else the one that is
// nearest by edit distance; empty if none is near enough. At least two letters
// are needed to mean a longer name.
std::vector<std::string> NearNames(absl::string_view name,
                                   absl::Span<const std::string> choices);

// The first of NearNames; empty if there is none.
std::string NearestName(absl::string_view name,
                        absl::Span<const std::string> choices);

// `unknown KIND "name"; did you mean "nearest"?`, or all that are near if they
// are few. If no name is near, the message lists all choices if they are few,
// or ends in `hint` if they are many.
std::string UnknownNameMessage(absl::string_view kind, absl::string_view name,
                               absl::Span<const std::string> choices,
                               absl::string_view hint);

// `name` as VisibleText (analyzer/base/visible.h) shows it, with quotation marks and
// backslashes escaped and a long tail cut, for use in messages.
std::string Printable(absl::string_view name);

// The same for a path, whose beginning is cut because its end is distinctive.
std::string PrintablePath(absl::string_view path);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_FAULTS_H_
