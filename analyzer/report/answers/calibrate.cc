#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

// The errors of the quantities that were measured; "-" if none was.
std::string ErrorsText(const ErrorStatistics& errors) {
  const auto part = [](const char* name, int rows, double median, double p90) {
    if (rows == 0) return absl::StrCat(name, " -");
    return absl::StrFormat("%s %.1f %% median, %.1f %% ninetieth percentile",
                           name, 100 * median, 100 * p90);
  };
  return absl::StrCat(
      part("step time", errors.step_time_rows(),
           errors.step_time_median_abs_error(),
           errors.step_time_p90_abs_error()),
      "; ",
      part("energy", errors.energy_rows(), errors.energy_median_abs_error(),
           errors.energy_p90_abs_error()));
}

// The constants, the pairs of them that the data cannot separate, and the
// errors.
std::string CalibrationTable(const Calibration& calibration,
                             const TableOptions&) {
  std::string out = absl::StrFormat("%s fitted to %d rows\n\n",
                                    calibration.hardware(), calibration.rows());
  if (calibration.host_bound_rows() > 0) {
    absl::StrAppendFormat(&out, "%d rows left out: limited by the host\n\n",
                          calibration.host_bound_rows());
  }
  if (calibration.overfull_rows() > 0) {
    absl::StrAppendFormat(
        &out, "%d rows left out: their batch does not fit in memory\n\n",
        calibration.overfull_rows());
  }
  TextTable constants(
      {"constant", "before", "after", "standard error", "bounds", "status"});
  for (const FittedConstant& c : calibration.constants()) {
    constants.AddRow({c.path(), absl::StrFormat("%.4g", c.start()),
                      absl::StrFormat("%.4g", c.value()),
                      absl::StrFormat("%.2g", c.standard_error()),
                      absl::StrFormat("%g to %g", c.low(), c.high()),
                      c.status()});
  }
  absl::StrAppend(&out, constants.ToString(2), "\n");
  for (const Correlation& pair : calibration.correlations()) {
    absl::StrAppend(
        &out, Wrapped(absl::StrFormat("hard to tell apart (%.2f): %s, %s",
                                      pair.coefficient(), pair.path(),
                                      pair.other())));
  }
  absl::StrAppend(&out, Wrapped(absl::StrCat(
                            "all rows fitted: ",
                            ErrorsText(calibration.in_sample()))));
  for (const HeldOutModel& model : calibration.held_out()) {
    absl::StrAppend(&out, Wrapped(absl::StrFormat(
                              "without %s, on its %d rows: %s", model.model(),
                              model.errors().rows(),
                              ErrorsText(model.errors()))));
  }
  if (calibration.held_out_size() > 0) {
    absl::StrAppend(&out, Wrapped(absl::StrCat(
                              "models held out, all: ",
                              ErrorsText(calibration.held_out_overall()))));
  }
  return out;
}

// One row per constant.
std::string CalibrationCsv(const Calibration& calibration) {
  return EntriesCsv(calibration.constants());
}

}  // namespace

template <>
Writers<Calibration> WritersOf() {
  return {CalibrationTable, CalibrationCsv};
}

}  // namespace tokenjoule
