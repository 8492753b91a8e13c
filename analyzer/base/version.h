// The version of tokenjoule: its only home. CITATION.cff repeats it, and a test
// compares them.

#ifndef ANALYZER_BASE_VERSION_H_
#define ANALYZER_BASE_VERSION_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// MAJOR.MINOR.PATCH (semantic versioning). MINOR grows if fields of answers or
// descriptions change, or numbers do.
inline constexpr char kVersion[] = "0.1.0";

// If version `a` ("1.10.0") is newer than this one, the sentence that says so,
// for the fault of a file that `a` wrote; empty otherwise. Parts that are not
// numbers count as zero.
std::string NewerVersionNote(absl::string_view a);

}  // namespace tokenjoule

#endif  // ANALYZER_BASE_VERSION_H_
