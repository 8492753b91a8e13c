#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/captions.h"
#include "analyzer/report/figures/figures.h"

namespace tokenjoule {

Figure FigureOf(const BreakEvenStudy& study) {
  Figure figure;
  const Captions captions = CaptionsOf({&study.analog()}, /*with_batch=*/false);
  figure.title = absl::StrCat(study.analog().model(), ": ",
                              study.analog().hardware(), " against ",
                              study.digital().hardware());
  figure.subtitle = captions.subtitle;
  figure.note =
      "Energy per operation of analog arrays at which both take as much per "
      "token, by the static power of the analog machine. Solid: the model as it "
      "is; dashed: the analog model grows until its quality is equal. A line ends "
      "where analog takes more even if its products are free. Published arrays: "
      "filled a macro, hollow a whole chip.";
  Panel panel;
  panel.x = {"batch: sequences in a step"};
  panel.x.logarithmic = panel.x.powers_of_two = true;
  panel.y = {"break-even energy per operation", "J"};
  panel.y.logarithmic = true;
  constexpr double kFemto = 1e-15;
  double last_batch = 0, highest = 0;
  std::vector<double> powers;
  for (const BreakEvenRow& row : study.rows()) {
    last_batch = std::max(last_batch, row.batch());
    highest = std::max(highest, row.break_even_fj_per_op());
    // A logarithmic axis cannot show that analog never wins.
    if (row.break_even_fj_per_op() <= 0) continue;
    if (row.growth() != 1 && row.growth() != study.relative_growth()) continue;
    if (std::find(powers.begin(), powers.end(), row.standing_w()) ==
        powers.end()) {
      powers.push_back(row.standing_w());
    }
    const auto index = std::find(powers.begin(), powers.end(), row.standing_w());
    const SeriesStyle style =
        StyleOf(static_cast<int>(index - powers.begin()));
    const std::string name = absl::StrFormat(
        "%s, %s", Quantity(row.standing_w(), "W"),
        row.growth() == 1 ? std::string("as it is")
                          : absl::StrFormat("grown by %.3g", row.growth()));
    auto line = std::find_if(panel.lines.begin(), panel.lines.end(),
                             [&](const Line& l) { return l.name == name; });
    if (line == panel.lines.end()) {
      panel.lines.push_back({name, style.color, {},
                             row.growth() == 1 ? Dash::kSolid : Dash::kDashed});
      line = panel.lines.end() - 1;
    }
    line->points.emplace_back(row.batch(), kFemto * row.break_even_fj_per_op());
  }
  for (const BreakEvenChip& chip : study.chips()) {
    // Far above every line there is nothing to compare.
    if (chip.fj_per_op() > highest) continue;
    Mark mark{last_batch, kFemto * chip.fj_per_op(), "#555"};
    mark.label = absl::StrCat(chip.name(), ": ",
                              Quantity(kFemto * chip.fj_per_op(), "J"));
    mark.text = chip.name();
    mark.hollow = chip.counted() != "macro";
    panel.marks.push_back(mark);
  }
  figure.panels = {panel};
  return figure;
}

}  // namespace tokenjoule
