// Numbers as users write them, and counts of tokens and sequences: "128k".

#ifndef ANALYZER_DESCRIPTION_COUNTS_H_
#define ANALYZER_DESCRIPTION_COUNTS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tokenjoule {

// Reads a finite number. "-0" is 0, whose sign would be one of everything that is
// computed from it. Returns false, with 0, if the text is none.
bool ParseNumber(absl::string_view text, double* number);

// The same of a number that may end in k, which is 1024, or M, which is 1048576, of
// either case: contexts are powers of two, and "128k" names one of 131072
// tokens. The message of an error says what was expected and what was found.
absl::Status ParseCount(absl::string_view text, double* count);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_COUNTS_H_
