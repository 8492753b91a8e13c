// tokenjoule sweep, which each binary registers with the searches that it
// supports.

#ifndef TOOLS_SWEEP_H_
#define TOOLS_SWEEP_H_

#include <vector>

#include "absl/status/statusor.h"
#include "analyzer/search/space.h"
#include "analyzer/search/sweep.h"
#include "proto/report.pb.h"
#include "tools/command.h"
#include "tools/flags.h"

namespace tokenjoule {

// Flags that name a space, and change what its points share.
std::vector<FlagSpec> SpaceFlags();

// The space that they name; fails where --space is missing (kExitUsage) or the
// space is at fault (kExitBadData), and says with which exit code.
absl::StatusOr<Space> ReadSpace(const ParsedFlags& flags, int* exit_code);

// --dominated, and its value (0 if it is not given).
FlagSpec DominatedFlag();
absl::StatusOr<int> ReadDominated(const ParsedFlags& flags);

// `evolve` searches spaces that ask for evolution; null if the binary does not
// support it.
Command SweepCommand(absl::StatusOr<SweepStudy> (*evolve)(const Space&,
                                                          const SweepOptions&));

}  // namespace tokenjoule

#endif  // TOOLS_SWEEP_H_
