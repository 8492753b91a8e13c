#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

// Rows of the table; CSV and JSON have every point.
constexpr int kRows = 12;

std::string Milliseconds(double seconds) {
  return absl::StrFormat("%.4g ms", seconds * 1e3);
}

std::vector<std::string> Cells(const TuneStudy& study, const TunedPoint& point) {
  std::vector<std::string> cells = {
      absl::StrFormat("%g", point.batch()),
      absl::StrFormat("%.0f MHz", point.core_clock_mhz()),
      absl::StrFormat("%.0f W", point.board_power_w()),
      Milliseconds(point.time_per_token_s()),
      WithUnit(point.energy_per_token_j(), "J")};
  if (study.objective() == "cost_per_token") {
    cells.push_back(absl::StrFormat("%.4g", point.cost_per_token() * 1e6));
  }
  cells.push_back(point.feasible()                        ? ""
                  : study.max_time_per_token_ms() > 0 ? "too slow or too large"
                                                      : "too large");
  return cells;
}

std::string TuneTable(const TuneStudy& study, const TableOptions&) {
  const Report& base = study.base();
  std::string out = SetupLines(base);
  const bool by_cost = study.objective() == "cost_per_token";
  if (study.has_best()) {
    const TunedPoint& best = study.best();
    absl::StrAppend(
        &out, "\n",
        Wrapped(absl::StrFormat(
            "Least %s: batch %g at %.0f MHz, %s a token, %s a token, %.0f W a "
            "board: %s",
            by_cost ? "cost" : "energy", best.batch(), best.core_clock_mhz(),
            WithUnit(best.energy_per_token_j(), "J"),
            Milliseconds(best.time_per_token_s()), best.board_power_w(),
            study.saving() > 0.0005
                ? absl::StrFormat("%.1f %% less than as set",
                                  100 * study.saving())
                : std::string("as set"))));
    absl::StrAppendFormat(
        &out,
        "Within one per cent of it: %.0f to %.0f MHz, or a power cap of %.0f "
        "to %.0f W\n\n",
        study.flat_from_mhz(), study.flat_to_mhz(), study.flat_from_w(),
        study.flat_to_w());
  } else {
    absl::StrAppend(&out, "\n", MisfitLines(base));
    if (study.max_time_per_token_ms() > 0) {
      absl::StrAppendFormat(&out,
                            "No batch that fits takes at most %g ms a token at "
                            "any clock\n\n",
                            study.max_time_per_token_ms());
    } else {
      absl::StrAppend(&out, "No batch that was tried fits\n\n");
    }
  }
  std::vector<std::string> header = {"batch", "core clock", "board",
                                     "per token", "J/token"};
  if (by_cost) header.push_back("per million tokens");
  header.push_back("");
  TextTable table(header);
  // The points of the best batch, evenly thinned.
  std::vector<const TunedPoint*> shown;
  const double batch = study.has_best() ? study.best().batch()
                                        : base.scenario().batch();
  for (const TunedPoint& point : study.points()) {
    if (point.batch() == batch) shown.push_back(&point);
  }
  const size_t every = std::max<size_t>(1, (shown.size() + kRows - 1) / kRows);
  for (size_t i = 0; i < shown.size(); ++i) {
    if (i % every == 0 || i + 1 == shown.size()) {
      table.AddRow(Cells(study, *shown[i]));
    }
  }
  return absl::StrCat(out, table.ToString(2), WarningLines(base));
}

std::string TuneCsv(const TuneStudy& study) {
  return EntriesCsv(study.points());
}

}  // namespace

template <>
Writers<TuneStudy> WritersOf() {
  return {TuneTable, TuneCsv, FigureOf};
}

}  // namespace tokenjoule
