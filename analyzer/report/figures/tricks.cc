#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/captions.h"
#include "analyzer/report/figures/figures.h"

namespace tokenjoule {
namespace {

// By how much the energy is divided; near 1 with more digits.
std::string Factor(double gain) {
  return absl::StrCat("\xc3\xb7 ", gain < 2 ? absl::StrFormat("%.3f", gain)
                                            : absl::StrFormat("%.3g", gain));
}

}  // namespace

Figure FigureOf(const TrickStudy& study) {
  // What is said of a setup, from the study's own fields.
  Report base;
  base.set_model(study.model());
  base.set_hardware(study.hardware());
  base.set_num_chips(study.num_chips());
  *base.mutable_scenario() = study.scenario();
  Figure figure;
  const Captions captions = CaptionsOf({&base});
  figure.title = absl::StrCat(captions.subject,
                              ": energy per token with one trick on another");
  figure.subtitle = captions.subtitle;
  Panel panel;
  panel.x = {"energy per token", "J"};
  panel.x.logarithmic = true;
  const double before_all = study.energy_per_token_j();
  panel.limits = {{true, before_all,
                   absl::StrCat("without tricks: ", Quantity(before_all, "J")),
                   "#222", Dash::kSolid}};
  double before = before_all;
  for (const TrickStep& step : study.stack()) {
    const double after = step.energy_per_token_j();
    Row row;
    row.label = step.name();
    row.text = absl::StrFormat("%s, %s, batch %g%s", Factor(step.gain()),
                               Quantity(after, "J"), step.batch(),
                               step.fits() ? "" : ", does not fit");
    row.segments = {{before, after, StyleOf(step.gain() < 1 ? 1 : 0).color,
                     step.gain() < 1 ? "takes more energy" : "takes less energy",
                     absl::StrCat(step.name(), ": ", row.text)}};
    for (const Trick& trick : study.tricks()) {
      if (trick.name() != step.name() || !trick.applies()) continue;
      absl::StrAppend(&row.segments[0].label, "; alone ", Factor(trick.gain()));
      // The trick alone, as a thin line from where all begin.
      if (before == before_all) continue;
      row.range = {std::min(before_all, trick.energy_per_token_j()),
                   std::max(before_all, trick.energy_per_token_j())};
    }
    panel.rows.push_back(row);
    before = after;
  }
  if (study.stack_size() > 0) {
    const TrickStep& last = study.stack(study.stack_size() - 1);
    Row row;
    row.label = "all together";
    row.strong = true;
    row.text = absl::StrFormat("%s, %s", Factor(last.total_gain()),
                               Quantity(last.energy_per_token_j(), "J"));
    row.segments = {{before_all, last.energy_per_token_j(), "#555", "", row.text}};
    panel.rows.push_back(row);
  }
  figure.panels = {panel};
  figure.note =
      "\xc3\xb7: by how much the energy is divided. Thin lines: the trick alone, "
      "without those above it.";
  return figure;
}

}  // namespace tokenjoule
