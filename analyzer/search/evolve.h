// A design space searched by evolution, where it is too large to look at every
// point or its axes are continuous.

#ifndef ANALYZER_SEARCH_EVOLVE_H_
#define ANALYZER_SEARCH_EVOLVE_H_

#include "absl/status/statusor.h"
#include "analyzer/search/space.h"
#include "analyzer/search/sweep.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// Spaces of at most so many points are searched point by point as well, and the
// answer says how much of the exact front evolution found; unless that would take
// longer than so many seconds, because points differ in structure.
inline constexpr uint64_t kMostCompared = 20'000'000;
inline constexpr double kMostSecondsCompared = 60;

// The best points that the space's `evolution` came across: every point that it
// evaluated is compared, not its last generation alone. The same seed gives the
// same answer. Fails for a space without `evolution`, for shards (searches with
// other seeds take their place), and where the algorithm cannot work with the
// space.
absl::StatusOr<SweepStudy> Evolve(const Space& space,
                                  const SweepOptions& options = {});

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_EVOLVE_H_
