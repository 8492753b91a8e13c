#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

// Gains near 1 are printed with more digits.
std::string Factor(double gain) {
  return gain < 2 ? absl::StrFormat("x %.3f", gain)
                  : absl::StrFormat("x %.3g", gain);
}
std::string Orders(double orders) { return Signed(orders, 2); }

std::string Heading(const TrickStudy& study) {
  const Scenario& s = study.scenario();
  Report report;
  report.set_model(study.model());
  report.set_hardware(study.hardware());
  report.set_num_chips(study.num_chips());
  report.set_fits(study.fits());
  *report.mutable_scenario() = s;
  return absl::StrCat(SetupLines(report), "\n", MisfitLines(report),
                      WithUnit(study.energy_per_token_j(), "J"),
                      "/token without any trick\n\n");
}

std::string AloneTable(const TrickStudy& study) {
  TextTable table({"alone", "J/token", "gain", "orders", "batch", "fits"});
  TextTable others({"", ""});
  bool all = true;
  for (const Trick& trick : study.tricks()) {
    if (!trick.applies()) {
      others.AddRow({trick.name(), trick.reason()});
      all = false;
      continue;
    }
    table.AddRow(
        {trick.name(), WithUnit(trick.energy_per_token_j(), "J"),
         Factor(trick.gain()), Orders(trick.gain_orders_of_magnitude()),
         absl::StrFormat("%g", trick.batch()), trick.fits() ? "yes" : "no"});
  }
  std::string out = table.ToString(2);
  if (!all) {
    absl::StrAppend(&out, "\nDoes not apply\n", others.ToString(2));
  }
  return out;
}

std::string StackTable(const TrickStudy& study) {
  TextTable table({"one on top of another", "J/token", "gain", "together",
                   "orders", "batch", "fits", "takes the place of"});
  for (const TrickStep& step : study.stack()) {
    table.AddRow({step.name(), WithUnit(step.energy_per_token_j(), "J"),
                  Factor(step.gain()), Factor(step.total_gain()),
                  Orders(step.total_gain_orders_of_magnitude()),
                  absl::StrFormat("%g", step.batch()),
                  step.fits() ? "yes" : "no",
                  absl::StrJoin(step.excludes(), ", ")});
  }
  std::string out = table.ToString(2);
  if (study.left_out_size() == 0) return out;
  TextTable left({"", ""});
  for (const TrickLeftOut& trick : study.left_out()) {
    left.AddRow({trick.name(), trick.reason()});
  }
  return absl::StrCat(out, "\nLeft out\n", left.ToString(2));
}

// Each trick alone, then the stack, then the assumptions of each trick.
std::string TricksTable(const TrickStudy& study, const TableOptions&) {
  TextTable assumptions({"", ""});
  for (const Trick& trick : study.tricks()) {
    if (trick.applies()) assumptions.AddRow({trick.name(), trick.assumption()});
  }
  return absl::StrCat(Heading(study), AloneTable(study), "\n",
                      StackTable(study), "\nWhat each assumes\n",
                      assumptions.ToString(2), "\n", Wrapped(study.summary()));
}

// One row per trick alone, then one row per step of the stack; the column
// `list` distinguishes them.
std::string TricksCsv(const TrickStudy& study) {
  CsvWriter writer;
  for (const Trick& trick : study.tricks()) {
    std::vector<CsvCell> cells = {{"list", "alone"}};
    AddScalars(trick, "", &cells);
    cells.push_back({"total_gain", CsvNumber(trick.gain())});
    writer.AddRow(cells);
  }
  for (const TrickStep& step : study.stack()) {
    // Columns that only a trick alone has.
    Trick trick;
    trick.set_name(step.name());
    trick.set_applies(true);
    trick.set_energy_per_token_j(step.energy_per_token_j());
    trick.set_gain(step.gain());
    trick.set_gain_orders_of_magnitude(step.gain_orders_of_magnitude());
    trick.set_fits(step.fits());
    trick.set_batch(step.batch());
    std::vector<CsvCell> cells = {{"list", "stack"}};
    AddScalars(trick, "", &cells);
    cells.push_back({"total_gain", CsvNumber(step.total_gain())});
    writer.AddRow(cells);
  }
  return writer.text();
}

}  // namespace

template <>
Writers<TrickStudy> WritersOf() {
  return {TricksTable, TricksCsv, FigureOf};
}

}  // namespace tokenjoule
