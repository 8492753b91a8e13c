#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/chart.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

constexpr char kAnalogColor[] = "#c2410c";
constexpr char kDigitalColor[] = "#1d4ed8";

// "2.94 fJ to 14.1 fJ".
std::string BandText(const Band& band) {
  return absl::StrFormat("%.3g, %.3g to %.3g", band.p50(), band.p10(),
                         band.p90());
}

ChartBand BandArea(const DotProductStudy& study, const char* color,
                   const Band& (DotProductRow::*band)() const) {
  ChartBand area;
  area.color = color;
  for (const DotProductRow& row : study.rows()) {
    area.points.push_back(
        {row.bits(), (row.*band)().p10(), (row.*band)().p90()});
  }
  return area;
}

ChartLine MedianLine(const DotProductStudy& study, const char* name,
                     const char* color,
                     const Band& (DotProductRow::*band)() const) {
  ChartLine line;
  line.name = name;
  line.color = color;
  for (const DotProductRow& row : study.rows()) {
    line.points.emplace_back(row.bits(), (row.*band)().p50());
  }
  return line;
}

// One row per number of bits, the published chips, and the conclusion.
std::string DotProductTable(const DotProductStudy& study, const TableOptions&) {
  std::string out = absl::StrFormat(
      "Energy of a multiply-add by bits of both operands, fJ: median, tenth to "
      "ninetieth percentile of %d points\n(%s)\n\n",
      study.points(), study.sweep());
  TextTable rows({"bits", "analog", "digital", "thermal limit", "analog wins",
                  "winner", "growth it affords", "growth it may need"});
  for (const DotProductRow& row : study.rows()) {
    rows.AddRow({absl::StrFormat("%g", row.bits()), BandText(row.analog_fj()),
                 BandText(row.digital_fj()),
                 absl::StrFormat("%.3g", row.thermal_limit_fj()),
                 Percent(row.analog_wins()), row.winner(),
                 absl::StrFormat("x %.3g", row.break_even_growth()),
                 absl::StrFormat("x %.3g", row.precision_law_growth())});
  }
  absl::StrAppend(&out, rows.ToString(2), "\nSilicon\n");
  TextTable chips({"", "node", "bits", "fJ", "counted at"});
  for (const SiliconPoint& chip : study.silicon()) {
    chips.AddRow(
        {absl::StrCat(chip.kind(), ": ", chip.name()),
         absl::StrFormat("%g nm", chip.node_nm()),
         absl::StrFormat("%g x %g", chip.input_bits(), chip.weight_bits()),
         absl::StrFormat("%.3g", chip.mac_fj()), chip.boundary()});
  }
  absl::StrAppend(
      &out, chips.ToString(2),
      "\ngrowth it affords: by how much the model may grow for analog's noise "
      "before digital takes less, at the medians and with memory energy; below "
      "1 "
      "it takes more as it is\ngrowth it may need: what scaling laws for "
      "precision "
      "ask for against full precision; uncertain\n\n",
      study.summary(), "\n");
  return out;
}

std::string DotProductCsv(const DotProductStudy& study) {
  return EntriesCsv(study.rows());
}

// Bands, medians, thermal limit, silicon.
std::string DotProductSvg(const DotProductStudy& study) {
  Chart chart;
  chart.title =
      "Energy of a multiply-add: median and tenth to ninetieth percentile over "
      "the stated ranges";
  chart.x.title = "bits of input and weight";
  chart.y.title = "fJ";
  chart.y.logarithmic = true;
  chart.bands = {BandArea(study, kAnalogColor, &DotProductRow::analog_fj),
                 BandArea(study, kDigitalColor, &DotProductRow::digital_fj)};
  chart.lines = {
      MedianLine(study, "analog", kAnalogColor, &DotProductRow::analog_fj),
      MedianLine(study, "digital", kDigitalColor, &DotProductRow::digital_fj)};
  ChartLine limit;
  limit.name = "thermal limit 12 kT 4^b";
  limit.color = "#555";
  limit.dashed = true;
  for (const DotProductRow& row : study.rows()) {
    limit.points.emplace_back(row.bits(), row.thermal_limit_fj());
  }
  chart.lines.push_back(limit);
  for (const SiliconPoint& chip : study.silicon()) {
    chart.marks.push_back(
        {chip.input_bits(), chip.mac_fj(),
         chip.kind() == "analog" ? kAnalogColor : kDigitalColor,
         absl::StrFormat("%s, %g nm, %s", chip.name(), chip.node_nm(),
                         chip.boundary())});
  }
  return ToSvg(chart);
}

}  // namespace

template <>
Writers<DotProductStudy> WritersOf() {
  return {DotProductTable, DotProductCsv, DotProductSvg};
}

}  // namespace tokenjoule
