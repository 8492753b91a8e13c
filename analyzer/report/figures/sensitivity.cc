#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/captions.h"
#include "analyzer/report/figures/figures.h"

namespace tokenjoule {
namespace {

constexpr size_t kBars = 15;

}  // namespace

Figure FigureOf(const SensitivityStudy& study) {
  const auto swing = [](const Elasticity& e) {
    return std::abs(e.energy_at_high_j() - e.energy_at_low_j());
  };
  std::vector<const Elasticity*> sorted;
  for (const Elasticity& e : study.elasticities()) {
    if (swing(e) > 0) sorted.push_back(&e);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Elasticity* a, const Elasticity* b) {
                     return swing(*a) > swing(*b);
                   });
  const size_t all = sorted.size();
  if (sorted.size() > kBars) sorted.resize(kBars);
  Figure figure;
  const Captions captions = CaptionsOf({&study.base()});
  const FigureAxis energy = EnergyAxis(study.base());
  figure.title = absl::StrCat(captions.subject, ": ", energy.quantity,
                              " over the range of each constant");
  figure.subtitle = captions.subtitle;
  Panel panel;
  panel.x = energy;
  const double base = study.base().energy_per_token_j();
  panel.limits = {{true, base, absl::StrCat("answer: ", Quantity(base, "J")),
                   "#222", Dash::kSolid}};
  const std::string low_color = StyleOf(0).color, high_color = StyleOf(1).color;
  for (const Elasticity* e : sorted) {
    Row row;
    row.label = absl::StrFormat("%s: %.3g to %.3g", PathWords(e->path()),
                                e->low(), e->high());
    row.segments = {{base, e->energy_at_low_j(), low_color,
                     "at the low end of its range",
                     absl::StrFormat("%s = %.6g: %s", e->path(), e->low(),
                                     Quantity(e->energy_at_low_j(), "J"))},
                    {base, e->energy_at_high_j(), high_color,
                     "at the high end of its range",
                     absl::StrFormat("%s = %.6g: %s", e->path(), e->high(),
                                     Quantity(e->energy_at_high_j(), "J"))}};
    panel.rows.push_back(row);
  }
  if (sorted.empty()) {
    Row row;
    row.label = "no constant has a range that changes it";
    panel.rows.push_back(row);
  }
  if (all > sorted.size()) {
    figure.note = absl::StrFormat(
        "%d more constants move it less; the table has them.",
        static_cast<int>(all - sorted.size()));
  }
  figure.panels = {panel};
  return figure;
}

}  // namespace tokenjoule
