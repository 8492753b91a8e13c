#include <string>

#include "absl/strings/str_format.h"
#include "analyzer/report/figures/figures.h"

namespace tokenjoule {
namespace {

Line LineOf(const AnalogDepthStudy& study, const char* name, int series,
            double (AnalogDepthRow::*snr_db)() const) {
  Line line{name, StyleOf(series).color};
  for (const AnalogDepthRow& row : study.rows()) {
    line.points.emplace_back(row.layers(), (row.*snr_db)());
  }
  return line;
}

}  // namespace

Figure FigureOf(const AnalogDepthStudy& study) {
  Figure figure;
  figure.title = "Signal-to-noise ratio of analog layers in a row";
  figure.subtitle = {absl::StrFormat("%s, %g bits, %s saturation",
                                     study.circuit(), study.bits(),
                                     study.saturation())};
  Panel panel;
  panel.x = {"layers between converters"};
  panel.x.logarithmic = panel.x.powers_of_two = true;
  panel.y = {"signal-to-noise ratio", "dB"};
  panel.y.prefixed = false;
  panel.lines = {
      LineOf(study, "saturation is an error", 0, &AnalogDepthRow::snr_db),
      LineOf(study, "trained with the saturation", 1,
             &AnalogDepthRow::trained_snr_db),
      LineOf(study, "converted after every layer", 2,
             &AnalogDepthRow::converted_snr_db)};
  panel.limits = {
      {false, study.required_snr_db(),
       absl::StrFormat("required: %.3g dB", study.required_snr_db())}};
  figure.panels = {panel};
  return figure;
}

}  // namespace tokenjoule
