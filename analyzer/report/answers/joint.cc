#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

// "4.2 / 15.6", or "-" without rows.
std::string MedianAndNinetieth(int rows, double median, double p90) {
  if (rows == 0) return "-";
  return absl::StrFormat("%.1f / %.1f", 100 * median, 100 * p90);
}

void AddRow(const std::string& what, const std::string& name,
            const ErrorStatistics& errors, TextTable* table) {
  table->AddRow({what, name, absl::StrCat(errors.step_time_rows()),
                 MedianAndNinetieth(errors.step_time_rows(),
                                    errors.step_time_median_abs_error(),
                                    errors.step_time_p90_abs_error()),
                 errors.step_time_rows() == 0
                     ? "-"
                     : Signed(100 * errors.step_time_bias(), 1),
                 absl::StrCat(errors.energy_rows()),
                 MedianAndNinetieth(errors.energy_rows(),
                                    errors.energy_median_abs_error(),
                                    errors.energy_p90_abs_error()),
                 errors.energy_rows() == 0
                     ? "-"
                     : Signed(100 * errors.energy_bias(), 1)});
}

void AddErrors(const std::string& what, const ErrorsByFamily& errors,
               bool with_groups, TextTable* table) {
  AddRow(what, "all", errors.overall(), table);
  for (const FamilyErrors& family : errors.families()) {
    AddRow(what, absl::StrCat("family ", family.family()), family.errors(),
           table);
  }
  if (!with_groups) return;
  for (const HeldOutGroup& group : errors.groups()) {
    AddRow(what, group.name(), group.errors(), table);
  }
}

std::string JointTable(const JointCalibration& fit, const TableOptions&) {
  std::string out = Wrapped(absl::StrFormat(
      "%d rows fitted; left out: %d limited by the host, %d whose batch does "
      "not fit in memory, %d that cannot be predicted\n",
      fit.rows_size(), fit.host_bound_rows(), fit.overfull_rows(),
      fit.skipped_rows_size()));
  TextTable constants({"constant", "before", "after", "bounds", "status"});
  for (const FittedConstant& c : fit.constants()) {
    constants.AddRow({c.path(), absl::StrFormat("%.4g", c.start()),
                      absl::StrFormat("%.4g", c.value()),
                      absl::StrFormat("%.3g to %.3g", c.low(), c.high()),
                      c.status()});
  }
  absl::StrAppend(&out, constants.ToString(2),
                  "\nAbsolute errors, median / ninetieth percentile, and bias, "
                  "%\n");
  TextTable errors({"left out", "rows of", "times", "step time", "bias",
                    "energies", "energy", "bias"});
  AddErrors("nothing", fit.in_sample(), true, &errors);
  for (const HeldOutKind& kind : fit.held_out()) {
    AddErrors(kind.kind(), kind.errors(), true, &errors);
  }
  absl::StrAppend(&out, errors.ToString(2));
  if (fit.streams_size() > 0) {
    const ErrorStatistics& streams = fit.stream_errors();
    absl::StrAppendFormat(
        &out,
        "\n%d streams: power of memory %s %%, of the board %s %%\n",
        fit.streams_size(),
        MedianAndNinetieth(streams.memory_power_rows(),
                           streams.memory_power_median_abs_error(),
                           streams.memory_power_p90_abs_error()),
        MedianAndNinetieth(streams.energy_rows(),
                           streams.energy_median_abs_error(),
                           streams.energy_p90_abs_error()));
  }
  for (const UnseparatedConstants& sum : fit.unseparated()) {
    absl::StrAppend(&out, Wrapped(absl::StrFormat(
        "no row separates %s of %s: their sum is %.3g +- %.2g, each +- %s",
        absl::StrJoin(sum.paths(), " and "), sum.machine(), sum.sum(),
        sum.standard_error(),
        absl::StrJoin(sum.standard_errors(), ", ",
                      [](std::string* text, double error) {
                        absl::StrAppendFormat(text, "%.2g", error);
                      }))));
  }
  return out;
}

std::string JointCsv(const JointCalibration& fit) {
  return EntriesCsv(fit.constants());
}

}  // namespace

template <>
Writers<JointCalibration> WritersOf() {
  return {JointTable, JointCsv};
}

}  // namespace tokenjoule
