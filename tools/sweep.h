// tokenjoule sweep, which each binary registers with the searches that it
// supports.

#ifndef TOOLS_SWEEP_H_
#define TOOLS_SWEEP_H_

#include "absl/status/statusor.h"
#include "analyzer/search/space.h"
#include "analyzer/search/sweep.h"
#include "proto/report.pb.h"
#include "tools/command.h"

namespace tokenjoule {

// `evolve` searches spaces that ask for evolution; null if the binary does not
// support it.
Command SweepCommand(absl::StatusOr<SweepStudy> (*evolve)(const Space&,
                                                          const SweepOptions&));

}  // namespace tokenjoule

#endif  // TOOLS_SWEEP_H_
