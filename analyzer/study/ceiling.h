// Amdahl's law for energy: the energy that remains when a part is free.

#ifndef ANALYZER_STUDY_CEILING_H_
#define ANALYZER_STUDY_CEILING_H_

#include "absl/status/statusor.h"
#include "analyzer/evaluate/setup.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// Makes each term, each component, each pair of terms and each pair of
// components free. The machine is changed and the kernel is run again, so that
// a shorter step also saves static energy, regulators lose less and a power cap
// may no longer bind. Terms that are zero or outside the scenario's boundary
// are left out. Fails as Analyze does.
absl::StatusOr<CeilingStudy> StudyCeiling(const Setup& setup);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_CEILING_H_
