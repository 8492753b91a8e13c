#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/report/chart.h"
#include "analyzer/report/report.h"

namespace tokenjoule {
namespace {

// What tells a series from the others: names that all have are left out.
std::string SeriesName(const BatchStudy& study, const BatchSeries& series) {
  bool models = false, machines = false, contexts = false;
  for (const BatchSeries& other : study.series()) {
    models |= other.model() != series.model();
    machines |= other.hardware() != series.hardware();
    contexts |= other.context() != series.context();
  }
  std::vector<std::string> parts;
  if (models || study.series_size() == 1) parts.push_back(series.model());
  if (machines) parts.push_back(series.hardware());
  if (contexts) parts.push_back(absl::StrFormat("%g", series.context()));
  return absl::StrJoin(parts, ", ");
}

std::string ChartTitle(const BatchStudy& study) {
  const BatchSeries& first = study.series(0);
  bool models = true, machines = true, contexts = true;
  for (const BatchSeries& other : study.series()) {
    models &= other.model() == first.model();
    machines &= other.hardware() == first.hardware();
    contexts &= other.context() == first.context();
  }
  std::string title = models ? first.model() : "Several models";
  absl::StrAppendFormat(&title, " on %s",
                        machines ? first.hardware() : "several machines");
  if (contexts) absl::StrAppendFormat(&title, ", context %g", first.context());
  return title;
}

void AddSeries(const BatchStudy& study, int index, Chart* chart) {
  const BatchSeries& series = study.series(index);
  const BatchLimits& limits = series.limits();
  const char* color = ChartColor(index);
  ChartLine line{SeriesName(study, series), color, {}, false};
  for (const Report& row : series.rows()) {
    line.points.emplace_back(row.scenario().batch(), row.energy_per_token_j());
  }
  if (limits.max_batch() > 0) {
    line.points.emplace_back(limits.max_batch(),
                             limits.max_batch_energy_per_token_j());
    chart->marks.push_back(
        {static_cast<double>(limits.max_batch()),
         limits.max_batch_energy_per_token_j(), color,
         absl::StrFormat("%s: batch %d fits", line.name, limits.max_batch())});
  }
  std::sort(line.points.begin(), line.points.end());
  // One dashed line in the legend stands for all.
  ChartLine floor{index == 0 ? "floor; dot: what fits" : "", color, {}, true};
  for (const auto& [batch, energy] : line.points) {
    floor.points.emplace_back(batch, limits.floor_energy_per_token_j());
  }
  chart->lines.push_back(line);
  chart->lines.push_back(floor);
}

}  // namespace

std::string BatchSvg(const BatchStudy& study) {
  if (study.series_size() == 0) return ToSvg(Chart());
  Chart chart;
  chart.title = ChartTitle(study);
  chart.x = {"batch", true};
  chart.y = {"J/token", true};
  for (int i = 0; i < study.series_size(); ++i) AddSeries(study, i, &chart);
  return ToSvg(chart);
}

}  // namespace tokenjoule
