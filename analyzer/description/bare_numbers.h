// Numbers that a user's file gives without saying how well they are known.

#ifndef ANALYZER_DESCRIPTION_BARE_NUMBERS_H_
#define ANALYZER_DESCRIPTION_BARE_NUMBERS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace tokenjoule {

// The bare numbers of a file, by their paths.
struct BareNumbers {
  // Constants with a value but neither low nor high, and those without a
  // source.
  std::vector<std::string> without_range, without_source;
};

// Gives bare numbers below `message`, which was read from `file`, the range of
// a point and a source that says that there is none. A number with half a
// range, and one that is NaN because it is still to be filled in, stay faults.
// A message that must have sources, and has neither one nor a base, gets that
// source too.
BareNumbers FillBareNumbers(absl::string_view file,
                            google::protobuf::Message* message);

// Gives numbers without a range the range of the same number of `base`,
// relative to its value and within what the schema accepts, if the base has
// one. Gives a notice that lists numbers without range or source, and those
// that ranges of answers leave out.
void FinishBareNumbers(absl::string_view file, const BareNumbers& bare,
                       const google::protobuf::Message& base,
                       google::protobuf::Message* message);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_BARE_NUMBERS_H_
