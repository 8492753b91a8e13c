#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
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

}  // namespace

template <>
Writers<AnalogDepthStudy> WritersOf() {
  return {AnalogDepthTable, AnalogDepthCsv, FigureOf};
}

}  // namespace tokenjoule
