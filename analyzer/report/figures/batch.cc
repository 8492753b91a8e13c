#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/captions.h"
#include "analyzer/report/figures/figures.h"

namespace tokenjoule {
namespace {

// The most series that have a band and a floor each.
constexpr size_t kFew = 4;

// One of the curves; what does not fit is pale.
void AddCurve(const BatchSeries& series, const std::string& name,
              const SeriesStyle& style, bool with_band, Panel* panel) {
  const BatchLimits& limits = series.limits();
  Line fits{"", style.color, {}, style.dash};
  Line beyond{"", style.color, {}, style.dash, /*faint=*/true};
  FigureBand band{style.color, {}};
  for (const Report& row : series.rows()) {
    const double batch = row.scenario().batch();
    (row.fits() ? fits : beyond)
        .points.emplace_back(batch, row.energy_per_token_j());
    if (with_band && row.energy_per_token_j_low() > 0) {
      band.points.push_back({batch, row.energy_per_token_j_low(),
                             row.energy_per_token_j_high()});
    }
  }
  if (limits.max_batch() > 0) {
    fits.points.emplace_back(limits.max_batch(),
                             limits.max_batch_energy_per_token_j());
  }
  std::sort(fits.points.begin(), fits.points.end());
  std::sort(beyond.points.begin(), beyond.points.end());
  // The pale part begins where the other ends.
  if (!beyond.points.empty() && !fits.points.empty() &&
      beyond.points.front().first > fits.points.back().first) {
    beyond.points.insert(beyond.points.begin(), fits.points.back());
  }
  (beyond.points.empty() ? fits : beyond).name = name;
  if (!band.points.empty()) panel->bands.push_back(std::move(band));
  panel->lines.push_back(std::move(fits));
  panel->lines.push_back(std::move(beyond));
}

// The largest batch that fits, and the one that meets the limit on time.
void AddMarks(const BatchLimits& limits, const std::string& name,
              const SeriesStyle& style, bool with_texts, Panel* panel) {
  const auto add = [&](double batch, double energy, Shape shape,
                       const std::string& what) {
    if (!(batch > 0) || !(energy > 0)) return;
    Mark mark{batch, energy, style.color};
    mark.shape = shape;
    mark.label = absl::StrFormat("%s: batch %.0f %s, %s", name, batch, what,
                                 Quantity(energy, "J"));
    mark.radius = 5;
    if (with_texts) mark.text = Quantity(energy, "J");
    panel->marks.push_back(mark);
  };
  add(limits.max_batch(), limits.max_batch_energy_per_token_j(),
      Shape::kCircle, "fits");
  // Among several curves, only those that the limit on time ends before memory does.
  if (limits.max_time_per_token_ms() == 0 ||
      (!with_texts && limits.latency_batch() > limits.max_batch())) {
    return;
  }
  add(limits.latency_batch(), limits.latency_batch_energy_per_token_j(),
      Shape::kDiamond, "meets the limit");
}

}  // namespace

Figure FigureOf(const BatchStudy& study) {
  Figure figure;
  std::vector<const Report*> reports;
  std::vector<const BatchSeries*> shown;
  for (const BatchSeries& series : study.series()) {
    if (series.rows_size() == 0) continue;
    shown.push_back(&series);
    reports.push_back(&series.rows(0));
  }
  if (shown.empty()) return figure;
  const Captions captions = CaptionsOf(reports, /*with_batch=*/false);
  figure.title =
      absl::StrCat(captions.subject, ": ", EnergyAxis(*reports[0]).quantity,
                   " over the batch");
  figure.subtitle = captions.subtitle;
  Panel panel;
  panel.x = {"batch: sequences in a step"};
  panel.x.logarithmic = panel.x.powers_of_two = true;
  panel.y = EnergyAxis(*reports[0]);
  panel.y.logarithmic = true;
  const bool alone = shown.size() == 1;
  // Bands and floors of many series would cover one another.
  const bool few = shown.size() <= kFew;
  double limit_ms = 0;
  for (size_t i = 0; i < shown.size(); ++i) {
    const SeriesStyle style = StyleOf(static_cast<int>(i));
    const BatchLimits& limits = shown[i]->limits();
    limit_ms = std::max(limit_ms, limits.max_time_per_token_ms());
    AddCurve(*shown[i], alone ? "" : captions.names[i], style, few, &panel);
    AddMarks(limits, captions.names[i], style, alone, &panel);
    FigureLimit floor{false, limits.floor_energy_per_token_j(),
                alone ? absl::StrCat("floor as the batch grows: ",
                                     Quantity(limits.floor_energy_per_token_j(),
                                              "J"))
                      : "",
                style.color, Dash::kDashed};
    if (few && limits.floor_energy_per_token_j() > 0) {
      panel.limits.push_back(floor);
    }
    if (!alone) continue;
    if (limits.max_batch() > 0 && limits.max_batch_energy_per_token_j() > 0) {
      panel.limits.push_back(
          {true, static_cast<double>(limits.max_batch()),
           absl::StrFormat("memory holds %d", limits.max_batch()), "#444"});
    }
    if (limits.max_time_per_token_ms() > 0 && limits.latency_batch() > 0 &&
        limits.latency_batch_energy_per_token_j() > 0) {
      panel.limits.push_back(
          {true, static_cast<double>(limits.latency_batch()),
           absl::StrFormat("%g ms per token at %d",
                           limits.max_time_per_token_ms(),
                           limits.latency_batch()),
           "#a3355b"});
    }
  }
  const bool ranges = !panel.bands.empty();
  figure.panels = {std::move(panel)};
  figure.note = absl::StrCat(
      ranges ? "Bands: ranges over the constants of the machine. " : "",
      alone ? ""
            : absl::StrCat(
                  "Dots: the largest batch that fits",
                  limit_ms > 0
                      ? absl::StrFormat(
                            "; diamonds: the largest within %g ms per token",
                            limit_ms)
                      : "",
                  ". ",
                  few ? "Dashed: the floor as the batch grows without end. "
                      : ""),
      "Pale: does not fit in memory.");
  return figure;
}

}  // namespace tokenjoule
