#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/figures.h"

namespace tokenjoule {
namespace {

constexpr double kFemto = 1e-15;

FigureBand BandArea(const DotProductPanel& panel, const std::string& color,
                    const Band& (DotProductRow::*band)() const) {
  FigureBand area;
  area.color = color;
  for (const DotProductRow& row : panel.rows()) {
    area.points.push_back({row.bits(), kFemto * (row.*band)().p10(),
                           kFemto * (row.*band)().p90()});
  }
  return area;
}

Line MedianLine(const DotProductPanel& panel, const char* name,
                const std::string& color,
                const Band& (DotProductRow::*band)() const) {
  Line line{name, color};
  for (const DotProductRow& row : panel.rows()) {
    line.points.emplace_back(row.bits(), kFemto * (row.*band)().p50());
  }
  return line;
}

Mark MarkOf(const SiliconPoint& chip, const std::string& color) {
  Mark mark{chip.input_bits(), kFemto * chip.mac_fj(), color};
  mark.label = absl::StrFormat("%s, %g nm, %g x %g bits, %.3g TOPS/W, %s, %s",
                               chip.name(), chip.node_nm(), chip.input_bits(),
                               chip.weight_bits(), chip.tops_per_w(),
                               chip.boundary(), chip.known());
  mark.text = absl::StrFormat("%s '%02d, %g nm", chip.label(),
                              chip.year() % 100, chip.node_nm());
  mark.hollow = chip.boundary() == "system";
  mark.radius = 4;
  return mark;
}

// Bands, medians, thermal limit, silicon.
Panel PanelOf(const DotProductPanel& data) {
  const std::string analog = StyleOf(0).color, digital = StyleOf(1).color;
  Panel panel;
  panel.title =
      data.year() > 0
          ? absl::StrFormat("%d, %g nm", data.year(), data.node_nm())
          : std::string("Stated ranges");
  panel.x = {"bits of input and weight"};
  panel.y = {"energy per multiply-add (two operations)", "J"};
  panel.y.logarithmic = true;
  panel.bands = {BandArea(data, analog, &DotProductRow::analog_fj),
                 BandArea(data, digital, &DotProductRow::digital_fj)};
  panel.lines = {
      MedianLine(data, "analog", analog, &DotProductRow::analog_fj),
      MedianLine(data, "digital", digital, &DotProductRow::digital_fj)};
  Line limit{"thermal limit, 12 kT 4^b", "#555"};
  limit.dash = Dash::kDashed;
  for (const DotProductRow& row : data.rows()) {
    limit.points.emplace_back(row.bits(), kFemto * row.thermal_limit_fj());
  }
  panel.lines.push_back(limit);
  for (const SiliconPoint& chip : data.silicon()) {
    panel.marks.push_back(
        MarkOf(chip, chip.kind() == "analog" ? analog : digital));
  }
  // From below, so that texts are moved up.
  std::stable_sort(panel.marks.begin(), panel.marks.end(),
                   [](const Mark& a, const Mark& b) { return a.y < b.y; });
  return panel;
}

}  // namespace

Figure FigureOf(const DotProductStudy& study) {
  Figure figure;
  figure.title = "Energy of a multiply-add, analog and digital";
  for (const DotProductPanel& panel : study.panels()) {
    figure.panels.push_back(PanelOf(panel));
  }
  figure.same_axes = true;
  figure.note =
      "Lines: medians over the stated ranges; bands: tenth to ninetieth "
      "percentile. Points: published silicon, filled a macro, hollow a whole "
      "chip.";
  return figure;
}

}  // namespace tokenjoule
