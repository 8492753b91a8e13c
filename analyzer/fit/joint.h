// One fit of all runtimes and machines to all measured rows together.
//
// A machine's constants are shared by the runtimes that serve on it, and a
// runtime's by the machines that it serves on. A runtime's constants form a
// tree: classes of runtimes, runtimes, and each runtime on one generation of
// chips. Every constant is pulled to that of the node above it, so that what no
// row decides follows what is known of its relatives, and a machine or runtime
// without rows is predicted from them.

#ifndef ANALYZER_FIT_JOINT_H_
#define ANALYZER_FIT_JOINT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/hardware.pb.h"
#include "proto/measurement.pb.h"
#include "proto/runtime.pb.h"

namespace tokenjoule {

struct JointOptions {
  // Whether to repeat the fit with each model, each machine and each runtime
  // left out in turn.
  bool cross_validate = true;
  // Date of the fit, YYYY-MM-DD, for the sources of fitted constants.
  std::string date;
};

// Result of a joint fit.
struct JointFit {
  JointCalibration summary;
  // Files for runtimes/ by name: every runtime of the catalogue that has a
  // class, with all constants of the class as fitted.
  std::map<std::string, Runtime> runtimes;
  // Files for hw_specs/systems/ by name: fitted constants of the machines that
  // have a class NAME-datasheet, which is what they are before fits.
  std::map<std::string, Hardware> machines;
  // The file runtimes/evidence.textproto. Without cross-validation it has no
  // spreads.
  Evidence evidence;
};

// Fits to the rows of `set` that can be predicted, fit in memory, are not
// checks and were not limited by the host. Minimizes log errors of step time
// and energy per token with a robust loss (soft L1). Constants are fitted on a
// logarithmic scale; each stays within its range, and four standard deviations
// of the pull span that range. Fails if no row can be used.
absl::StatusOr<JointFit> FitJointly(const MeasurementSet& set,
                                    const JointOptions& options);

}  // namespace tokenjoule

#endif  // ANALYZER_FIT_JOINT_H_
