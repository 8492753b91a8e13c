#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

constexpr char kAnalogColor[] = "#c2410c";
constexpr char kDigitalColor[] = "#1d4ed8";

// Three digits, of large numbers in thousands or millions: "4.7", "749k", "1M".
std::string Brief(double value) {
  for (const auto& [unit, suffix] :
       {std::make_pair(1e6, "M"), std::make_pair(1e3, "k")}) {
    // From 999.5 on three digits round up to the unit.
    if (value >= 0.9995 * unit) {
      return absl::StrFormat("%.3g%s", value / unit, suffix);
    }
  }
  return absl::StrFormat("%.3g", value);
}

// "4.7, 2.94 to 14.1".
std::string BandText(const Band& band) {
  return absl::StrCat(Brief(band.p50()), ", ", Brief(band.p10()), " to ",
                      Brief(band.p90()));
}

// "1990, 2000 nm"; "Stated ranges".
std::string TitleOf(const DotProductPanel& panel) {
  if (panel.year() == 0) return "Stated ranges";
  return absl::StrFormat("%d, %g nm", panel.year(), panel.node_nm());
}

std::string MacTable(const DotProductPanel& panel) {
  TextTable rows(
      {"bits", "analog", "digital", "limit", "analog wins", "winner"});
  for (const DotProductRow& row : panel.rows()) {
    rows.AddRow({absl::StrFormat("%g", row.bits()), BandText(row.analog_fj()),
                 BandText(row.digital_fj()), Brief(row.thermal_limit_fj()),
                 Percent(row.analog_wins()), row.winner()});
  }
  return rows.ToString(2);
}

// The same per operation, and what it means for the size of a model.
std::string OperationTable(const DotProductPanel& panel) {
  TextTable rows({"bits", "analog fJ/op", "TOPS/W", "digital fJ/op", "TOPS/W",
                  "growth afforded", "growth needed", "by both"});
  for (const DotProductRow& row : panel.rows()) {
    const auto factor = [](double value) {
      return absl::StrFormat("x %.4g", value);
    };
    rows.AddRow(
        {absl::StrFormat("%g", row.bits()), Brief(row.analog_fj_per_op().p50()),
         Brief(row.analog_tops_per_w().p50()),
         Brief(row.digital_fj_per_op().p50()),
         Brief(row.digital_tops_per_w().p50()), factor(row.break_even_growth()),
         factor(row.relative_growth().p50()),
         factor(row.precision_law_growth())});
  }
  return rows.ToString(2);
}

// The published chips of a kind under a heading; empty if there are none.
std::string SiliconTable(const DotProductPanel& panel, const char* kind) {
  TextTable chips({"", "year", "nm", "bits", "fJ/MAC", "range", "fJ/op",
                   "TOPS/W", "scope", "known"});
  bool any = false;
  for (const SiliconPoint& chip : panel.silicon()) {
    if (chip.kind() != kind) continue;
    any = true;
    chips.AddRow(
        {chip.label(), absl::StrCat(chip.year()),
         absl::StrFormat("%g", chip.node_nm()),
         absl::StrFormat("%gx%g", chip.input_bits(), chip.weight_bits()),
         Brief(chip.mac_fj()),
         chip.mac_low_fj() == chip.mac_high_fj()
             ? ""
             : absl::StrCat(Brief(chip.mac_low_fj()), " to ",
                            Brief(chip.mac_high_fj())),
         Brief(chip.fj_per_op()), absl::StrFormat("%.3g", chip.tops_per_w()),
         chip.boundary(), chip.known()});
  }
  if (!any) return "";
  return absl::StrCat("\nSilicon, ", kind, "\n", chips.ToString(2));
}

// One row per number of bits, the published chips, and the conclusion.
std::string DotProductTable(const DotProductStudy& study, const TableOptions&) {
  std::string out =
      "Energy of a multiply-add (MAC) by bits of both operands, fJ: median, "
      "tenth to ninetieth percentile\n"
      "One MAC is two operations: fJ/op is half of fJ/MAC, and TOPS/W is 2000 "
      "over fJ/MAC\n"
      "limit: the thermal limit of analog, 12 kT 4^bits; known: where a chip's "
      "number was read;\nk: thousands, M: millions\n";
  for (const DotProductPanel& panel : study.panels()) {
    absl::StrAppend(
        &out, "\n", TitleOf(panel), "\n", MacTable(panel), "\n",
        OperationTable(panel),
        absl::StrFormat(
            "  analog takes less up to %.3g bits, %.3g to %.3g (0: at none); "
            "the thermal limit alone takes\n"
            "  more than digital beyond %.3g bits, %.3g to %.3g\n",
            panel.analog_up_to_bits().p50(), panel.analog_up_to_bits().p10(),
            panel.analog_up_to_bits().p90(),
            panel.limit_reaches_digital_bits().p50(),
            panel.limit_reaches_digital_bits().p10(),
            panel.limit_reaches_digital_bits().p90()));
    absl::StrAppend(&out, SiliconTable(panel, "analog"),
                    SiliconTable(panel, "digital"));
    absl::StrAppend(
        &out, "\n",
        Wrapped(absl::StrCat(panel.points(), " points: ", panel.sweep())));
  }
  absl::StrAppend(
      &out, "\n",
      Wrapped("growth afforded: by how much the model may grow for analog's "
             "noise before digital takes less, at the medians and with memory "
             "energy; below 1 analog takes more as it is"),
      Wrapped("growth needed: what a scaling law for precision asks of analog "
             "beyond a digital array of the same bits, because its noise costs "
             "effective bits; by both: what it asks of either against full "
             "precision; uncertain"),
      "\n", Wrapped(study.summary()));
  return out;
}

// A row per number of bits and panel, then a row per chip. Columns of the other
// kind of row are empty.
std::string DotProductCsv(const DotProductStudy& study) {
  CsvWriter writer;
  const auto add = [&](const DotProductRow* row, const DotProductPanel& panel,
                       const SiliconPoint* chip) {
    std::vector<CsvCell> cells, of_panel, of_chip;
    const auto blank = [](bool is_blank, std::vector<CsvCell>* of) {
      for (CsvCell& cell : *of) {
        if (is_blank) cell.text.clear();
      }
    };
    AddScalars(row ? *row : DotProductRow(), "", &cells);
    blank(row == nullptr, &cells);
    AddScalars(panel, "panel.", &of_panel);
    AddScalars(chip ? *chip : SiliconPoint(), "silicon.", &of_chip);
    blank(chip == nullptr, &of_chip);
    cells.insert(cells.end(), of_panel.begin(), of_panel.end());
    cells.insert(cells.end(), of_chip.begin(), of_chip.end());
    // The only long text with commas comes last.
    std::stable_partition(cells.begin(), cells.end(), [](const CsvCell& cell) {
      return cell.column != "panel.sweep";
    });
    writer.AddRow(cells);
  };
  for (const DotProductPanel& panel : study.panels()) {
    for (const DotProductRow& row : panel.rows()) add(&row, panel, nullptr);
  }
  for (const DotProductPanel& panel : study.panels()) {
    for (const SiliconPoint& chip : panel.silicon()) {
      add(nullptr, panel, &chip);
    }
  }
  return writer.text();
}

}  // namespace

template <>
Writers<DotProductStudy> WritersOf() {
  return {DotProductTable, DotProductCsv, FigureOf};
}

}  // namespace tokenjoule
