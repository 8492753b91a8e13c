// Keys of JSON objects that are there twice.

#ifndef ANALYZER_BASE_JSON_KEYS_H_
#define ANALYZER_BASE_JSON_KEYS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace tokenjoule {

// The path of the first key that an object of a JSON text has twice,
// "a.b[2].c". Parsers keep one of the two values and say nothing. Nothing if
// there is none, or none before the place where the text is no JSON. Keys of
// protobuf messages may be spelt "step_time_s" or "stepTimeS"; with
// `of_messages` these are one key.
absl::optional<std::string> RepeatedJsonKey(absl::string_view text,
                                            bool of_messages = false);

}  // namespace tokenjoule

#endif  // ANALYZER_BASE_JSON_KEYS_H_
