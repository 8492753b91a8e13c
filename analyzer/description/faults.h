// What is wrong with an input: every fault at once, each with its place.

#ifndef ANALYZER_DESCRIPTION_FAULTS_H_
#define ANALYZER_DESCRIPTION_FAULTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tokenjoule {

// One thing that is wrong.
struct Fault {
  // File as the user named it, or the name of a catalogue file; empty for
  // flags.
  std::string file;
  // 1-based place in the file; 0 where it is not known (a missing field).
  int line = 0;
  int column = 0;
  // Path of the field, e.g. "memory[0].capacity_gb.low"; empty for syntax.
  std::string path;
  // What was found, what was expected, what to do.
  std::string message;

  // "file:line:column: path: message", parts that are unknown left out.
  std::string ToString() const;
};

// OK without faults, else InvalidArgument with one line a fault.
absl::Status FaultsToStatus(absl::Span<const Fault> faults);

// The name of `choices` that begins with `name`, or is nearest to it by edit
// distance; empty where none is near enough to be meant.
std::string NearestName(absl::string_view name,
                        absl::Span<const std::string> choices);

// `unknown KIND "name"; did you mean "nearest"?`, or with all choices where no
// name is near and they are few, or with `hint` where they are many.
std::string UnknownNameMessage(absl::string_view kind, absl::string_view name,
                               absl::Span<const std::string> choices,
                               absl::string_view hint);

// `name` with control characters escaped and a long tail cut, fit for a
// message.
std::string Printable(absl::string_view name);

// The same of a path, of which the end is what tells it from others.
std::string PrintablePath(absl::string_view path);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_FAULTS_H_
