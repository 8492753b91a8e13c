// One model and scenario on several machines, side by side.

#ifndef ANALYZER_STUDY_MACHINES_H_
#define ANALYZER_STUDY_MACHINES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "analyzer/evaluate/setup.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// A machine by the name that it was asked for, with its setup or the reason why
// there is none, e.g. a field that it does not have.
struct MachineSetup {
  std::string name;
  absl::StatusOr<Setup> setup;
};

// The answer of each machine, with ranges. A machine is left out, with the reason,
// if it cannot run the scenario or cannot hold it. Fails, with all reasons, if
// every machine is left out, and if there are none.
absl::StatusOr<MachinesStudy> StudyMachines(
    absl::Span<const MachineSetup> machines);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_MACHINES_H_
