#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/report.h"
#include "analyzer/report/sqlite.h"
#include "analyzer/report/table.h"
#include "google/protobuf/descriptor.h"

namespace tokenjoule {
namespace {

// The most rows of the table; CSV and JSON have all of them.
constexpr int kRows = 40;

double FigureOf(const SweepPoint& point, absl::string_view objective) {
  objective = absl::StripPrefix(objective, "max ");
  return point.figures().GetReflection()->GetDouble(
      point.figures(),
      SweepFigures::descriptor()->FindFieldByName(std::string(objective)));
}

// "hardware.memory.hbm.bandwidth_gb_per_s" -> "hbm.bandwidth_gb_per_s".
std::string ShortPath(const std::string& path) {
  const size_t last = path.rfind('.');
  if (last == std::string::npos || last == 0) return path;
  const size_t before = path.rfind('.', last - 1);
  return before == std::string::npos ? path : path.substr(before + 1);
}

// Points of a search by evolution may have no number.
std::string IdText(const SweepStudy& study, const SweepPoint& point) {
  if (study.has_evolution() && !(point.id() > 0)) return "-";
  return absl::StrFormat("%.0f", point.id());
}

std::string EvolutionLines(const SweepStudy& study) {
  if (!study.has_evolution()) return "";
  const EvolutionSummary& evolution = study.evolution();
  std::string out = Wrapped(absl::StrFormat(
      "found by %s: %d generations of %d, seed %d; points are evaluations",
      evolution.algorithm(), evolution.generations(), evolution.population(),
      evolution.seed()));
  if (evolution.exact_front_points() > 0) {
    absl::StrAppend(
        &out,
        Wrapped(absl::StrFormat(
            "of the %.0f points of the exact front %.1f %% were found; what was "
            "found dominates %.2f %% of the exact front's volume",
            evolution.exact_front_points(), 100 * evolution.exact_front_share(),
            100 * evolution.hypervolume_share())));
  }
  return out;
}

std::string FrontRows(const SweepStudy& study) {
  std::vector<std::string> header = {"point"};
  for (const std::string& axis : study.axes()) {
    header.push_back(ShortPath(axis));
  }
  for (const std::string& objective : study.objectives()) {
    header.push_back(objective);
  }
  TextTable table(header);
  for (int i = 0; i < std::min(kRows, study.front_size()); ++i) {
    const SweepPoint& point = study.front(i);
    std::vector<std::string> row = {IdText(study, point)};
    row.insert(row.end(), point.values().begin(), point.values().end());
    for (const std::string& objective : study.objectives()) {
      row.push_back(absl::StrFormat("%.5g", FigureOf(point, objective)));
    }
    table.AddRow(row);
  }
  std::string out = table.ToString(2);
  if (study.front_size() > kRows) {
    absl::StrAppendFormat(&out, "  and %d more; csv and json have them\n",
                          study.front_size() - kRows);
  }
  return out;
}

// The counts, then the front with the values of the axes.
std::string SweepTable(const SweepStudy& study, const TableOptions&) {
  std::string out = Wrapped(absl::StrFormat(
      "%s: %.15g points, %.15g feasible (%.15g do not fit, %.15g outside "
      "limits, %.15g invalid)%s",
      study.name().empty() ? "unnamed space" : study.name(), study.points(),
      study.feasible(), study.does_not_fit(),
      study.outside_limits(), study.invalid(),
      study.interrupted() ? "; INTERRUPTED, the rest was not looked at" : ""));
  if (study.shards() > 0) {
    absl::StrAppendFormat(&out,
                          "shard %d of %d; put them together with "
                          "`tokenjoule merge`\n",
                          study.shard(), study.shards());
  }
  if (study.points_per_second_per_core() > 0) {
    absl::StrAppend(&out, Plain(study.points_per_second_per_core(), 3),
                    " points per second and core\n");
  }
  absl::StrAppend(&out, EvolutionLines(study));
  absl::StrAppend(
      &out, "\n",
      Wrapped(absl::StrFormat("Front: %d non-dominated points%s, in %s",
                              study.front_size(),
                              study.has_evolution() ? " among those found" : "",
                              absl::StrJoin(study.objectives(), ", "))));
  absl::StrAppend(&out, FrontRows(study));
  for (const InvalidReason& reason : study.invalid_reasons()) {
    absl::StrAppend(&out, "\n",
                    Wrapped(absl::StrFormat("invalid, %.15g points: %s",
                                            reason.points(), reason.reason())));
  }
  if (study.quality_caveats_size() > 0) absl::StrAppend(&out, "\n");
  for (const std::string& caveat : study.quality_caveats()) {
    absl::StrAppend(&out, Wrapped(absl::StrCat("quality: ", caveat)));
  }
  return out;
}

// One row per point of the front. If dominated points were asked for, they and the
// baseline follow, and a column `kind` tells them apart. A column `interrupted` says
// that the search did not end.
std::string SweepCsv(const SweepStudy& study) {
  CsvWriter writer;
  const auto add = [&](const SweepPoint& point, const char* kind) {
    std::vector<CsvCell> cells = {
        {"id", study.has_evolution() && !(point.id() > 0)
                   ? ""
                   : CsvNumber(point.id())}};
    for (int i = 0; i < study.axes_size(); ++i) {
      cells.push_back({study.axes(i), point.values(i)});
    }
    AddScalars(point.figures(), "", &cells);
    if (study.dominated_size() > 0) cells.push_back({"kind", kind});
    if (study.interrupted()) cells.push_back({"interrupted", "true"});
    writer.AddRow(cells);
  };
  for (const SweepPoint& point : study.front()) add(point, "front");
  for (const SweepPoint& point : study.dominated()) add(point, "dominated");
  if (study.dominated_size() > 0 && study.has_baseline()) {
    add(study.baseline(), "baseline");
  }
  return writer.text();
}

}  // namespace

template <>
Writers<SweepStudy> WritersOf() {
  return {SweepTable, SweepCsv, FigureOf, SweepSqlite};
}

}  // namespace tokenjoule
