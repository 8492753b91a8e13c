// Boundaries of energy, from the inside out: each contains the one before. An
// answer says inside which of them it counts.

#ifndef ANALYZER_DESCRIPTION_BOUNDARY_H_
#define ANALYZER_DESCRIPTION_BOUNDARY_H_

#include <array>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// See kBoundaries for what each adds to the one before.
enum Boundary {
  kStackBoundary,
  kMemoryPathBoundary,
  kChipBoundary,
  kBoardBoundary,
  kNodeBoundary,
  kFacilityBoundary,
  kNumBoundaries,
};

// What is said of a boundary wherever it is named.
struct BoundaryRow {
  // In flags, textprotos and reports: Scenario.boundary.
  absl::string_view name;
  // For people, in tables and charts.
  absl::string_view label;
  // For `tokenjoule list boundaries`.
  absl::string_view description;
};

inline constexpr std::array<BoundaryRow, kNumBoundaries> kBoundaries = {{
    {"stack", "stack", "the DRAM devices"},
    {"memory_path", "memory path", "and the host's PHY and memory controller"},
    {"chip", "chip", "and on-chip movement, compute, conversion, links"},
    {"board", "board", "and static and idle power, regulators (the default)"},
    {"node", "node", "and host, network cards, fans, power supplies"},
    {"facility", "facility", "and cooling and distribution"},
}};

// The boundary that answers count at where a scenario names none.
inline constexpr Boundary kDefaultBoundary = kBoardBoundary;

// Names of all boundaries, for messages.
inline std::vector<std::string> BoundaryNames() {
  std::vector<std::string> names;
  for (const BoundaryRow& row : kBoundaries) names.emplace_back(row.name);
  return names;
}

// The boundary of that name; -1 for an unknown name.
inline int BoundaryIndex(absl::string_view name) {
  for (int i = 0; i < kNumBoundaries; ++i) {
    if (kBoundaries[i].name == name) return i;
  }
  return -1;
}

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_BOUNDARY_H_
