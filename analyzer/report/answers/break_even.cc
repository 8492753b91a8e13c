#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

std::string Femtojoules(double fj) {
  return fj > 0 ? Plain(fj, 3) : std::string("never");
}

// The batches of the map as columns, standing power and growth as rows.
std::string Map(const BreakEvenStudy& study) {
  std::set<double> batches;
  for (const BreakEvenRow& row : study.rows()) batches.insert(row.batch());
  std::vector<std::string> heading = {"standing power", "growth"};
  for (const double batch : batches) {
    heading.push_back(absl::StrFormat("batch %g", batch));
  }
  TextTable table(heading);
  std::vector<std::string> cells;
  for (int i = 0; i < study.rows_size(); ++i) {
    const BreakEvenRow& row = study.rows(i);
    if (cells.empty()) {
      cells = {WithUnit(row.standing_w(), "W"),
               absl::StrFormat("x %.4g", row.growth())};
    }
    cells.push_back(Femtojoules(row.break_even_fj_per_op()));
    const bool last = i + 1 == study.rows_size() ||
                      study.rows(i + 1).standing_w() != row.standing_w() ||
                      study.rows(i + 1).growth() != row.growth();
    if (!last) continue;
    table.AddRow(cells);
    cells.clear();
  }
  return table.ToString(2);
}

std::string Chips(const BreakEvenStudy& study) {
  TextTable table({"published analog arrays", "node", "bits", "published",
                   "here, fJ/op", "wins", "from batch"});
  for (const BreakEvenChip& chip : study.chips()) {
    table.AddRow(
        {chip.name(), absl::StrFormat("%g nm", chip.node_nm()),
         absl::StrFormat("%g x %g", chip.input_bits(), chip.weight_bits()),
         absl::StrFormat("%.3g, %s", chip.published_fj_per_op(),
                         chip.counted()),
         absl::StrFormat("%.3g", chip.fj_per_op()),
         absl::StrFormat("%d of %d", chip.wins(), study.rows_size()),
         chip.smallest_batch() > 0
             ? absl::StrFormat("%g", chip.smallest_batch())
             : std::string("none")});
  }
  return table.ToString(2);
}

std::string BreakEvenTable(const BreakEvenStudy& study, const TableOptions&) {
  const ArrayEfficiency& array = study.analog().arrays(0);
  return absl::StrCat(
      SetupLines(study.analog()), "\n",
      Wrapped(absl::StrFormat(
          "Energy per operation at which %s takes as much per token as %s, fJ\n"
          "(%s x %s, a multiply-add is two operations; its own arrays take %.3g; "
          "never: more even if free)\n",
          study.analog().hardware(), study.digital().hardware(),
          array.weights(), array.activations(), array.engine_fj_per_op())),
      Map(study), "\n", Chips(study),
      "\n",
      Wrapped("here: at these formats, by the product of the bits, and of macros "
              "with the system around them\nfrom batch: with its own standing "
              "power, at equal quality\n"),
      Wrapped(study.summary()));
}

std::string BreakEvenCsv(const BreakEvenStudy& study) {
  return EntriesCsv(study.rows());
}

}  // namespace

template <>
Writers<BreakEvenStudy> WritersOf() {
  return {BreakEvenTable, BreakEvenCsv, FigureOf};
}

}  // namespace tokenjoule
