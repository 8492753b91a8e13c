#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/captions.h"
#include "analyzer/report/figures/figures.h"

namespace tokenjoule {

Figure FigureOf(const MachinesStudy& study) {
  Figure figure;
  std::vector<const Report*> reports;
  for (const Report& report : study.rows()) reports.push_back(&report);
  Panel panel;
  if (!reports.empty()) {
    const Captions captions = CaptionsOf(reports);
    panel.x = EnergyAxis(*reports[0]);
    figure.title = absl::StrCat(captions.subject, ": ", panel.x.quantity);
    figure.subtitle = captions.subtitle;
    for (size_t i = 0; i < reports.size(); ++i) {
      const Report& report = *reports[i];
      Row row = EnergyRow(report, captions.names[i]);
      row.strong = false;
      row.text = absl::StrCat(row.text, ", ",
                              Quantity(report.step_time_s(), "s"), " per step",
                              report.fits() ? "" : ", DOES NOT FIT");
      panel.rows.push_back(row);
    }
  }
  panel.x.from_zero = true;
  figure.panels = {panel};
  figure.note = "Thin lines: ranges over the constants of each machine.";
  for (const LeftOutMachine& machine : study.left_out()) {
    absl::StrAppend(&figure.note, " Left out: ", machine.hardware(), ", ",
                    machine.reason(), ".");
  }
  return figure;
}

}  // namespace tokenjoule
