// The beginning of a machine of one's own: a textproto with what a base leaves
// to be said.

#ifndef ANALYZER_DESCRIPTION_NEW_HARDWARE_H_
#define ANALYZER_DESCRIPTION_NEW_HARDWARE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tokenjoule {

// A commented textproto of a machine called `name` on `base`, which is a class,
// a machine or a path. Every number that the base leaves open is `nan`, which
// `lint` reports until it is filled in; every number that the base gives is a
// comment with its value. Each has its meaning, unit and the range that it has
// in the catalogue: among machines of the base if there are several, else among
// all. Fails for an unknown base or a name that the schema does not accept.
absl::StatusOr<std::string> NewHardwareText(absl::string_view base,
                                            absl::string_view name);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_NEW_HARDWARE_H_
