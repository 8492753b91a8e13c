#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/captions.h"
#include "analyzer/report/figures/figures.h"

namespace tokenjoule {

Figure FigureOf(const TuneStudy& study) {
  Figure figure;
  const Captions captions = CaptionsOf({&study.base()}, /*with_batch=*/false);
  figure.title = absl::StrCat(captions.subject,
                              ": energy and speed by the core's clock");
  figure.subtitle = captions.subtitle;
  Panel panel;
  panel.x = {"time per token", "s"};
  panel.y = EnergyAxis(study.base());
  double batch = 0;
  for (const TunedPoint& point : study.points()) {
    if (panel.lines.empty() || point.batch() != batch) {
      batch = point.batch();
      const SeriesStyle style = StyleOf(static_cast<int>(panel.lines.size()));
      panel.lines.push_back(
          {absl::StrFormat("batch %g", batch), style.color, {}, style.dash});
    }
    panel.lines.back().points.emplace_back(point.time_per_token_s(),
                                           point.energy_per_token_j());
  }
  // Times and energies of batches lie factors apart.
  panel.x.logarithmic = panel.y.logarithmic = panel.lines.size() > 1;
  if (study.max_time_per_token_ms() > 0) {
    panel.limits.push_back(
        {true, study.max_time_per_token_ms() * 1e-3,
         absl::StrFormat("limit: %g ms", study.max_time_per_token_ms())});
  }
  if (study.has_best()) {
    const TunedPoint& best = study.best();
    Mark mark{best.time_per_token_s(), best.energy_per_token_j(), "#111"};
    mark.label = absl::StrFormat(
        "best: %.0f MHz, %.0f W, %s", best.core_clock_mhz(),
        best.board_power_w(), Quantity(best.energy_per_token_j(), "J"));
    mark.text = mark.label;
    mark.radius = 6;
    panel.marks.push_back(mark);
  }
  figure.panels = {panel};
  return figure;
}

}  // namespace tokenjoule
