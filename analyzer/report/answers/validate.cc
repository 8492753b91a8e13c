#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

std::string ErrorPercent(double share) {
  return absl::StrCat(Signed(100 * share, 0), " %");
}

// Median and ninetieth percentile of the absolute error, and the bias; "-" if
// nothing was measured.
std::string ErrorText(int rows, double median, double p90, double bias) {
  if (rows == 0) return "-";
  return absl::StrFormat("%.0f / %.0f / %s", 100 * median, 100 * p90,
                         Signed(100 * bias, 0));
}

std::string TimeText(const ErrorStatistics& errors) {
  return ErrorText(errors.step_time_rows(), errors.step_time_median_abs_error(),
                   errors.step_time_p90_abs_error(), errors.step_time_bias());
}
std::string EnergyText(const ErrorStatistics& errors) {
  return ErrorText(errors.energy_rows(), errors.energy_median_abs_error(),
                   errors.energy_p90_abs_error(), errors.energy_bias());
}

// The share of rows that the printed range holds; "-" if nothing was measured.
std::string Coverage(int rows, double share) {
  return rows == 0 ? "-" : absl::StrFormat("%.0f %%", 100 * share);
}

// One line per run of rows that were skipped for the same reason.
void AppendSkipped(const Validation& validation, std::string* out) {
  const auto& rows = validation.skipped_rows();
  for (int i = 0; i < rows.size();) {
    int end = i + 1;
    while (end < rows.size() && rows[end].reason() == rows[i].reason() &&
           rows[end].row() == rows[end - 1].row() + 1) {
      ++end;
    }
    const std::string which =
        end == i + 1 ? absl::StrCat("skipped row ", rows[i].row())
                     : absl::StrCat("skipped rows ", rows[i].row(), " to ",
                                    rows[end - 1].row());
    absl::StrAppend(out,
                    Wrapped(absl::StrCat(which, ": ", rows[i].reason())));
    i = end;
  }
}

// Streams with the power of memory and board, and the memory power of rows.
void AppendStreams(const Validation& validation, std::string* out) {
  const ErrorStatistics& all = validation.overall();
  if (all.memory_power_rows() > 0) {
    absl::StrAppendFormat(
        out, "\nPower of the memory in %d rows: %s\n", all.memory_power_rows(),
        ErrorText(all.memory_power_rows(), all.memory_power_median_abs_error(),
                  all.memory_power_p90_abs_error(), all.memory_power_bias()));
  }
  if (validation.streams_size() > 0) {
    const auto watts = [](double measured, double predicted, double error) {
      if (!(measured > 0)) return std::string();
      return absl::StrFormat("%.4g, %.4g, %s", measured, predicted,
                             ErrorPercent(error));
    };
    TextTable table({"stream on", "of", "data", "GB/s",
                     "memory W: measured, predicted", "board W"});
    for (const ValidatedStream& stream : validation.streams()) {
      std::vector<std::string> kinds, rates;
      for (const auto& [kind, rate] :
           {std::make_pair("reads", stream.read_gb_per_s()),
            std::make_pair("writes", stream.write_gb_per_s()),
            std::make_pair("cached reads", stream.cache_gb_per_s())}) {
        if (rate == 0) continue;
        kinds.push_back(kind);
        rates.push_back(absl::StrFormat("%g", rate));
      }
      table.AddRow(
          {stream.device(), kinds.empty() ? "idle" : absl::StrJoin(kinds, ", "),
           stream.pattern(), absl::StrJoin(rates, ", "),
           watts(stream.measured_memory_w(), stream.predicted_memory_w(),
                 stream.memory_error()),
           watts(stream.measured_board_w(), stream.predicted_board_w(),
                 stream.board_error())});
    }
    absl::StrAppend(out, "\n", table.ToString(2));
  }
  for (const SkippedRow& skipped : validation.skipped_streams()) {
    absl::StrAppend(out, Wrapped(absl::StrFormat("skipped stream %d: %s",
                                                 skipped.row(),
                                                 skipped.reason())));
  }
}

// Errors by family of models with the coverage of the ranges, and by group.
std::string ValidationTable(const Validation& validation, const TableOptions&) {
  const ErrorStatistics& all = validation.overall();
  std::string out = absl::StrFormat(
      "Predicted against measured: %d rows, %d skipped\n"
      "Errors are median / ninetieth percentile of the absolute error / median "
      "error, %%.\n\n",
      all.rows(), all.skipped());
  TextTable families({"family", "times", "step time", "range holds", "energies",
                      "energy per token", "range holds"});
  const auto add = [&](const std::string& name, const ErrorStatistics& errors) {
    families.AddRow(
        {name, absl::StrCat(errors.step_time_rows()), TimeText(errors),
         Coverage(errors.step_time_rows(), errors.step_time_range_coverage()),
         absl::StrCat(errors.energy_rows()), EnergyText(errors),
         Coverage(errors.energy_rows(), errors.energy_range_coverage())});
  };
  for (const FamilyErrors& family : validation.families()) {
    add(family.family(), family.errors());
  }
  add("all", all);
  absl::StrAppend(&out, families.ToString(2), "\n");
  const std::vector<std::string> header = {"runtime",   "model",
                                           "weights",   "rows",
                                           "step time", "energy per token"};
  TextTable table(header, 3);
  std::string device;
  for (const ErrorGroup& group : validation.groups()) {
    if (group.device() != device) {
      if (!table.empty()) absl::StrAppend(&out, table.ToString(2), "\n");
      table = TextTable(header, 3);
      device = group.device();
      absl::StrAppend(&out, device, "\n");
    }
    table.AddRow(
        {group.runtime(), group.model(), group.weight_dtype(),
         absl::StrCat(group.rows()),
         ErrorText(group.step_time_rows(), group.step_time_median_abs_error(),
                   group.step_time_p90_abs_error(), group.step_time_bias()),
         ErrorText(group.energy_rows(), group.energy_median_abs_error(),
                   group.energy_p90_abs_error(), group.energy_bias())});
  }
  absl::StrAppend(&out, table.ToString(2));
  AppendStreams(validation, &out);
  AppendSkipped(validation, &out);
  return out;
}

// One row per measurement.
std::string ValidationCsv(const Validation& validation) {
  return EntriesCsv(validation.rows());
}

}  // namespace

template <>
Writers<Validation> WritersOf() {
  return {ValidationTable, ValidationCsv, FigureOf};
}

}  // namespace tokenjoule
