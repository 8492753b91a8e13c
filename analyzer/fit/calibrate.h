// Fits a machine's free constants to measurements, with derivatives from the
// cost kernel itself.

#ifndef ANALYZER_FIT_CALIBRATE_H_
#define ANALYZER_FIT_CALIBRATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "analyzer/description/field_path.h"
#include "proto/hardware.pb.h"
#include "proto/measurement.pb.h"

namespace tokenjoule {

struct CalibrateOptions {
  // Paths of the constants to fit. If empty, the constants that no source gives
  // are fitted (FreeConstants).
  std::vector<std::string> paths;
  // Whether to repeat the fit with each model left out in turn.
  bool cross_validate = true;
  // Device whose rows are fitted. If empty, the device with the machine's name.
  std::string device;
  // Date of the fit, YYYY-MM-DD, for the source that the fitted constants cite.
  // A source without a date does not load.
  std::string date;
};

// The constants of a machine that measurements determine: achieved bandwidth
// and its size dependence, slower reads of caches and experts, compute
// efficiency and energy per FLOP by format, energy of the on-chip path,
// overlap, overheads, collective latency, static power. Data-sheet figures and
// DRAM energies are not fitted.
std::vector<std::string> FreeConstants(const Hardware& hardware);

// Result of a fit.
struct CalibrationResult {
  Calibration summary;
  // A description with the machine as its base that holds only the fitted
  // constants. Their source is FITTED. Their range is two standard errors,
  // widened by the ratio of held-out to fitted error.
  Hardware hardware;
};

// Fits to the rows of `set` that are of this machine and not limited by the
// host. Minimizes log errors of step time and energy per token with a robust
// loss (soft L1) and a weak pull to the starting values; each constant stays
// between its own low and high end. Constants that the data do not determine
// keep their values. Fails if fewer rows can be predicted than there are
// constants to fit.
absl::StatusOr<CalibrationResult> Calibrate(const Hardware& hardware,
                                            const MeasurementSet& set,
                                            const CalibrateOptions& options);

}  // namespace tokenjoule

#endif  // ANALYZER_FIT_CALIBRATE_H_
