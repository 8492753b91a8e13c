// The source of numbers that are given with --set.

#ifndef ANALYZER_DESCRIPTION_SET_SOURCE_H_
#define ANALYZER_DESCRIPTION_SET_SOURCE_H_

#include "absl/strings/string_view.h"

namespace tokenjoule {

// Its Source.id.
inline constexpr absl::string_view kSetSource = "set";

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_SET_SOURCE_H_
