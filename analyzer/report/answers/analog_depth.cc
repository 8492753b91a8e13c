#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/chart.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

std::string AnalogDepthTable(const AnalogDepthStudy& study,
                             const TableOptions&) {
  std::string out = Wrapped(absl::StrFormat(
      "Analog layers in a row on %s, %g bits\n(noise relative to the signal: "
      "array %.3g a layer, converter %.3g, hold %.3g;\n%s saturation at %.3g "
      "standard deviations: gain %.3g, distortion %.3g)\n",
      study.circuit(), study.bits(), study.array_noise(),
      study.converter_noise(), study.hold_noise(), study.saturation(),
      study.full_scale_sigma(), study.saturation_gain(),
      study.saturation_distortion()));
  TextTable rows({"layers", "SNR, dB", "trained", "converted", "fJ per MAC",
                  "array", "converters", "hold"});
  for (const AnalogDepthRow& row : study.rows()) {
    rows.AddRow({absl::StrCat(row.layers()),
                 absl::StrFormat("%.1f", row.snr_db()),
                 absl::StrFormat("%.1f", row.trained_snr_db()),
                 absl::StrFormat("%.1f", row.converted_snr_db()),
                 absl::StrFormat("%.3g", row.mac_fj()),
                 absl::StrFormat("%.3g", row.array_fj()),
                 absl::StrFormat("%.3g", row.converters_fj()),
                 absl::StrFormat("%.3g", row.hold_fj())});
  }
  absl::StrAppend(
      &out, rows.ToString(2),
      "\nSNR: after that many layers without converters, saturation being an "
      "error\ntrained: the same if the network was trained with the "
      "saturation\nconverted: that many layers with converters after each\n\n",
      Wrapped(study.summary()));
  return out;
}

std::string AnalogDepthCsv(const AnalogDepthStudy& study) {
  return EntriesCsv(study.rows());
}

ChartLine LineOf(const AnalogDepthStudy& study, const char* name, int color,
                 double (AnalogDepthRow::*snr_db)() const) {
  ChartLine line;
  line.name = name;
  line.color = ChartColor(color);
  for (const AnalogDepthRow& row : study.rows()) {
    line.points.emplace_back(row.layers(), (row.*snr_db)());
  }
  return line;
}

std::string AnalogDepthSvg(const AnalogDepthStudy& study) {
  Chart chart;
  chart.title = absl::StrFormat(
      "Signal-to-noise ratio of analog layers in a row, %s, %g bits",
      study.circuit(), study.bits());
  chart.x.title = "layers between converters";
  chart.x.logarithmic = true;
  chart.y.title = "dB";
  chart.lines = {
      LineOf(study, "saturation is an error", 0, &AnalogDepthRow::snr_db),
      LineOf(study, "trained with it", 1, &AnalogDepthRow::trained_snr_db),
      LineOf(study, "converted every layer", 2,
             &AnalogDepthRow::converted_snr_db)};
  ChartLine required;
  required.name = "required";
  required.color = "#555";
  required.dashed = true;
  for (const AnalogDepthRow& row : study.rows()) {
    required.points.emplace_back(row.layers(), study.required_snr_db());
  }
  chart.lines.push_back(required);
  return ToSvg(chart);
}

}  // namespace

template <>
Writers<AnalogDepthStudy> WritersOf() {
  return {AnalogDepthTable, AnalogDepthCsv, AnalogDepthSvg};
}

}  // namespace tokenjoule
