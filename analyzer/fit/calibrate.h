// Fits a machine's free constants to measurements, over the one cost kernel's
// own derivatives.

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
  // Constants to fit, by path; empty: those that no source gives
  // (FreeConstants).
  std::vector<std::string> paths;
  // Whether to fit again without each model in turn.
  bool cross_validate = true;
  // Device whose rows are fitted; empty: that of the machine's name.
  std::string device;
  // YYYY-MM-DD of the fit, for the source that fitted constants name. A
  // description without a date does not load.
  std::string date;
};

// The constants of a machine that measurements decide: achieved bandwidth and
// its size dependence, slower reads of caches and experts, compute efficiency
// and energy per FLOP by format, energy of the on-chip path, overlap,
// overheads, collective latency, static power. Data-sheet figures and DRAM
// energies stay.
std::vector<std::string> FreeConstants(const Hardware& hardware);

// Result of a fit.
struct CalibrationResult {
  Calibration summary;
  // A description that holds the fitted constants alone, their source FITTED,
  // their range two standard errors, widened by how much worse models held out
  // are predicted than models fitted, on the base of the machine.
  Hardware hardware;
};

// Fits to the rows of `set` that are of this machine and whose pace the host
// did not set: log errors of step time and energy per token, with a robust loss
// (soft L1), each constant inside its own low and high end, and a weak pull to
// where it was. Constants of which the data say nothing are kept. Fails where
// fewer rows than constants can be predicted.
absl::StatusOr<CalibrationResult> Calibrate(const Hardware& hardware,
                                            const MeasurementSet& set,
                                            const CalibrateOptions& options);

}  // namespace tokenjoule

#endif  // ANALYZER_FIT_CALIBRATE_H_
