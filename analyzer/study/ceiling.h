// Amdahl's law for energy: what is left if a part were free.

#ifndef ANALYZER_STUDY_CEILING_H_
#define ANALYZER_STUDY_CEILING_H_

#include "absl/status/statusor.h"
#include "analyzer/evaluate/setup.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// Each term, each component and each pair of either, free. The machine is
// changed and the kernel run again, so that a shorter step saves static energy
// too, regulators lose less and a power cap may no longer bind. Terms that are
// zero or outside the scenario's boundary are left out. Fails as Analyze does.
absl::StatusOr<CeilingStudy> StudyCeiling(const Setup& setup);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_CEILING_H_
