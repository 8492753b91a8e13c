#include <algorithm>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/figures.h"

namespace tokenjoule {

Figure FigureOf(const Validation& validation) {
  Figure figure;
  figure.title = "Energy per token: predicted over measured";
  Panel panel;
  panel.x = {"measured energy per token", "J"};
  panel.y = {"predicted energy per token", "J"};
  panel.x.logarithmic = panel.y.logarithmic = true;
  double low = std::numeric_limits<double>::infinity(), high = 0;
  int rows = 0;
  for (const ValidatedRow& row : validation.rows()) {
    const double measured = row.measured_energy_per_token_j();
    if (!(measured > 0)) continue;
    ++rows;
    low = std::min(low, measured);
    high = std::max(high, measured);
    Mark mark{measured, row.predicted_energy_per_token_j(), StyleOf(0).color};
    mark.label = absl::StrFormat(
        "%s on %s, batch %g: %s predicted, %s measured", row.model(),
        row.device(), row.batch(),
        Quantity(row.predicted_energy_per_token_j(), "J"),
        Quantity(measured, "J"));
    mark.radius = 3;
    mark.faint = true;
    panel.marks.push_back(mark);
  }
  if (high > 0) {
    panel.lines = {{"equal", "#222", {{low, low}, {high, high}}},
                   {"a third more",
                    "#888",
                    {{low, low * 4 / 3}, {high, high * 4 / 3}},
                    Dash::kDashed},
                   {"a quarter less",
                    "#888",
                    {{low, low * 3 / 4}, {high, high * 3 / 4}},
                    Dash::kDashed}};
  }
  figure.subtitle = {absl::StrFormat(
      "%d measured rows; median error %.1f %%, ninetieth percentile %.1f %%",
      rows, 100 * validation.overall().energy_median_abs_error(),
      100 * validation.overall().energy_p90_abs_error())};
  figure.panels = {panel};
  return figure;
}

}  // namespace tokenjoule
