// What a machine takes from its bases, and what of it may not fit.

#ifndef ANALYZER_DESCRIPTION_INHERITANCE_H_
#define ANALYZER_DESCRIPTION_INHERITANCE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tokenjoule {

// What a machine's file inherits.
struct Inheritance {
  // One sentence per group of constants (a memory level, its technology, PHY,
  // prices, other silicon, node, board, engine, interconnect, clock, runtime)
  // and base: "inherits node from base lean-asic: host_power_w_per_chip, ...".
  std::vector<std::string> inherited;
  // Inherited numbers that are of another technology than the file's, e.g. the
  // PHY area of an HBM stack for a machine with LPDDR6, or a host that draws
  // more than the machine itself. Each says which number to give.
  std::vector<std::string> warnings;
};

// The inheritance of a machine, by name or by path as in LoadHardware; empty if
// it has no base.
absl::StatusOr<Inheritance> InheritanceOf(absl::string_view name);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_INHERITANCE_H_
