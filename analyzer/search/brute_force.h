// The Pareto front of a few points, by comparing each with every other; for
// tests.

#ifndef ANALYZER_SEARCH_BRUTE_FORCE_H_
#define ANALYZER_SEARCH_BRUTE_FORCE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "proto/report.pb.h"

namespace tokenjoule {

// The non-dominated points, by number, where energy and time per token are to
// be small and the memory left is to be large. Of equal points the one with the
// lowest number stays.
inline std::vector<std::pair<uint64_t, SweepFigures>> NonDominated(
    const std::vector<std::pair<uint64_t, SweepFigures>>& points) {
  std::vector<std::pair<uint64_t, SweepFigures>> front;
  for (const auto& [id, f] : points) {
    bool beaten = false;
    for (const auto& [other, g] : points) {
      const bool no_worse = g.energy_per_token_j() <= f.energy_per_token_j() &&
                            g.time_per_token_s() <= f.time_per_token_s() &&
                            g.memory_left_bytes() >= f.memory_left_bytes();
      const bool better = g.energy_per_token_j() < f.energy_per_token_j() ||
                          g.time_per_token_s() < f.time_per_token_s() ||
                          g.memory_left_bytes() > f.memory_left_bytes();
      beaten |= no_worse && (better || other < id);
    }
    if (!beaten) front.emplace_back(id, f);
  }
  return front;
}

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_BRUTE_FORCE_H_
