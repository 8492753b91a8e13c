// Boundaries of energy by name.

#ifndef ANALYZER_EVALUATE_BOUNDARY_H_
#define ANALYZER_EVALUATE_BOUNDARY_H_

#include "absl/strings/string_view.h"
#include "analyzer/cost/boundary.h"

namespace tokenjoule {

// Position of a boundary from the inside out (stack 0 ... facility 5); -1 for
// an unknown name.
int BoundaryIndex(absl::string_view name);

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_BOUNDARY_H_
