// Energy boundaries, innermost first: each contains the one before. An answer
// counts the energy inside one of them.

#ifndef ANALYZER_DESCRIPTION_BOUNDARY_H_
#define ANALYZER_DESCRIPTION_BOUNDARY_H_

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// kBoundaries says what each adds to the one before.
enum Boundary {
  kStackBoundary,
  kMemoryPathBoundary,
  kChipBoundary,
  kBoardBoundary,
  kNodeBoundary,
  kFacilityBoundary,
  kNumBoundaries,
};

// Name, label and description of a boundary, used wherever it appears.
struct BoundaryRow {
  // Name in flags, textprotos and reports; see Scenario.boundary.
  absl::string_view name;
  // Human-readable label, for tables and charts.
  absl::string_view label;
  // For `tokenjoule list boundaries`.
  absl::string_view description;
};

inline constexpr std::array<BoundaryRow, kNumBoundaries> kBoundaries = {{
    {"stack", "stack", "the DRAM devices"},
    {"memory_path", "memory path", "adds the host's PHY and memory controller"},
    {"chip", "chip", "adds on-chip movement, compute, conversion, links"},
    {"board", "board", "adds static and idle power, regulators (the default)"},
    {"node", "node", "adds host, network cards, fans, power supplies"},
    {"facility", "facility", "adds cooling and distribution"},
}};

// The default boundary, used if a scenario names none.
inline constexpr Boundary kDefaultBoundary = kBoardBoundary;

// Names of all boundaries, for messages.
inline std::vector<std::string> BoundaryNames() {
  std::vector<std::string> names;
  for (const BoundaryRow& row : kBoundaries) names.emplace_back(row.name);
  return names;
}

// Index of the boundary with this name; -1 for an unknown name. "memory-path" and
// "memory path" are memory_path too.
inline int BoundaryIndex(absl::string_view name) {
  const auto is = [name](absl::string_view known) {
    if (name.size() != known.size()) return false;
    for (size_t i = 0; i < name.size(); ++i) {
      const char c = name[i] == '-' || name[i] == ' ' ? '_' : name[i];
      if (c != known[i]) return false;
    }
    return true;
  };
  for (int i = 0; i < kNumBoundaries; ++i) {
    if (is(kBoundaries[i].name)) return i;
  }
  return -1;
}

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_BOUNDARY_H_
