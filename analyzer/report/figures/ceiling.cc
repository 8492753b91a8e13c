#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/captions.h"
#include "analyzer/report/figures/figures.h"

namespace tokenjoule {
namespace {

constexpr size_t kPairs = 5;

const Ceiling* EnergyAlone(const CeilingStudy& study, const std::string& name) {
  for (const Ceiling& ceiling : study.ceilings()) {
    if (ceiling.kind() == Ceiling::COMPONENT_ENERGY &&
        ceiling.free_size() == 1 && ceiling.free(0) == name) {
      return &ceiling;
    }
  }
  return nullptr;
}

std::string GainText(const Ceiling& ceiling) {
  return ceiling.gain() > 0
             ? absl::StrFormat("%s, %.3g %%",
                               Quantity(ceiling.energy_per_token_j(), "J"),
                               100 / ceiling.gain())
             : std::string("nothing is left");
}

}  // namespace

Figure FigureOf(const CeilingStudy& study) {
  Figure figure;
  const Captions captions = CaptionsOf({&study.base()});
  const FigureAxis energy = EnergyAxis(study.base());
  figure.title = absl::StrCat(captions.subject, ": ", energy.quantity,
                              " that is left if a part is free");
  figure.subtitle = captions.subtitle;
  Panel panel;
  panel.x = energy;
  panel.x.from_zero = true;
  const double base = study.base().energy_per_token_j();
  panel.limits = {{true, base, absl::StrCat("now: ", Quantity(base, "J")),
                   "#222", Dash::kSolid}};
  const std::string alone_color = "#9ecae1", both_color = StyleOf(0).color,
                    pair_color = StyleOf(2).color;
  std::vector<const Ceiling*> pairs;
  for (const Ceiling& ceiling : study.ceilings()) {
    if (ceiling.kind() != Ceiling::COMPONENT) continue;
    if (ceiling.free_size() == 2) {
      pairs.push_back(&ceiling);
      continue;
    }
    Row row;
    row.label = ceiling.free(0);
    if (const Ceiling* alone = EnergyAlone(study, ceiling.free(0))) {
      row.segments.push_back({0, alone->energy_per_token_j(), alone_color,
                              "its energy is free",
                              absl::StrCat(row.label, ", energy alone: ",
                                           GainText(*alone))});
    }
    row.segments.push_back({0, ceiling.energy_per_token_j(), both_color,
                            "its energy and its time are free",
                            absl::StrCat(row.label, ", energy and time: ",
                                         GainText(ceiling))});
    row.text = GainText(ceiling);
    panel.rows.push_back(row);
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Ceiling* a, const Ceiling* b) {
                     return a->energy_per_token_j() < b->energy_per_token_j();
                   });
  if (pairs.size() > kPairs) pairs.resize(kPairs);
  for (const Ceiling* pair : pairs) {
    Row row;
    row.label = absl::StrJoin(pair->free(), " and ");
    row.segments = {{0, pair->energy_per_token_j(), pair_color,
                     "two parts, energy and time",
                     absl::StrCat(row.label, ": ", GainText(*pair))}};
    row.text = GainText(*pair);
    panel.rows.push_back(row);
  }
  figure.panels = {panel};
  figure.note =
      "Percentages: of the energy now. Of pairs, those that leave least.";
  return figure;
}

}  // namespace tokenjoule
