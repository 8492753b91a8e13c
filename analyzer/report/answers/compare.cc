#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "analyzer/report/answers/costs.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

// Columns of the table; each groups factors that belong together.
enum Column { kHowMuch, kPerUnit, kTime, kPower, kLosses, kNumColumns };

Column ColumnOf(CauseChange::Factor factor) {
  switch (factor) {
    case CauseChange::BYTES:
    case CauseChange::FLOP:
      return kHowMuch;
    case CauseChange::ENERGY_PER_BYTE:
    case CauseChange::ENERGY_PER_FLOP:
      return kPerUnit;
    case CauseChange::TIME:
      return kTime;
    case CauseChange::POWER:
      return kPower;
    default:
      return kLosses;
  }
}

using Columns = std::array<double, kNumColumns>;

std::string Change(double joules) {
  if (joules == 0) return "";
  return absl::StrCat(joules > 0 ? "+" : "", WithUnit(joules, "J"));
}

void AddRow(const std::string& name, double a, double b, const Columns& columns,
            TextTable* table) {
  std::vector<std::string> row = {name, WithUnit(a, "J"), WithUnit(b, "J"),
                                  Change(b - a)};
  for (const double change : columns) row.push_back(Change(change));
  table->AddRow(row);
}

std::string TermRows(const Comparison& comparison) {
  TextTable table({"", "first", "second", "change", "bytes, FLOP",
                   "pJ/bit, pJ/FLOP", "time", "power", "losses"});
  Columns total = {};
  for (const TermChange& term : comparison.terms()) {
    Columns columns = {};
    for (const CauseChange& cause : term.causes()) {
      columns[ColumnOf(cause.factor())] += cause.change_j();
      total[ColumnOf(cause.factor())] += cause.change_j();
    }
    AddRow(TermLabel(term.term()), term.a_j(), term.b_j(), columns, &table);
  }
  AddRow("total", comparison.a().energy_per_token_j(),
         comparison.b().energy_per_token_j(), total, &table);
  return table.ToString(2);
}

std::string CauseRows(const Comparison& comparison) {
  // The largest number of rows, and the smallest share of the change that gets
  // its own row.
  constexpr int kMost = 12;
  constexpr double kLeast = 5e-4;
  TextTable table({"", "J/" + Work(comparison.a()), "of the change"});
  int rows = 0;
  double rest = 0;
  for (const CauseChange& cause : comparison.causes()) {
    if (++rows > kMost || std::abs(cause.change_j()) <
                              kLeast * std::abs(comparison.energy_change_j())) {
      rest += cause.change_j();
      continue;
    }
    table.AddRow(
        {absl::StrCat(cause.cause(), ", ", FactorLabel(cause.factor())),
         Change(cause.change_j()),
         absl::StrFormat("%.1f %%", 100 * cause.change_j() /
                                        comparison.energy_change_j())});
  }
  if (rest != 0) table.AddRow({"all others", Change(rest), ""});
  return table.ToString(2);
}

std::string TimeRows(const Comparison& comparison) {
  TextTable table({"", "first", "second"});
  for (const BoundChange& change : comparison.step_time()) {
    if (change.a_s() == 0 && change.b_s() == 0) continue;
    table.AddRow({BoundLabel(change.bound()), WithUnit(change.a_s(), "s"),
                  WithUnit(change.b_s(), "s")});
  }
  table.AddRow({"step", WithUnit(comparison.a().step_time_s(), "s"),
                WithUnit(comparison.b().step_time_s(), "s")});
  return table.ToString(2);
}

// Indents the second line to the start of the text in the first.
std::string Indented(const std::string& lines) {
  return absl::StrReplaceAll(
      lines, {{"\nbatch", "\n        batch"}, {"\nwith", "\n        with"}});
}

// The change by term and by cause, the change of the step time, and the
// summary.
std::string ComparisonTable(const Comparison& comparison, const TableOptions&) {
  std::string out =
      absl::StrCat("first:  ", Indented(SetupLines(comparison.a())),
                   "second: ", Indented(SetupLines(comparison.b())), "\n");
  for (const std::string& difference : comparison.differences()) {
    absl::StrAppend(&out, "  ", difference, "\n");
  }
  absl::StrAppend(&out, "\nEnergy per ", Work(comparison.a()),
                  ", and what changed it\n",
                  TermRows(comparison));
  if (comparison.causes_size() > 0) {
    absl::StrAppend(&out, "\nBy cause\n", CauseRows(comparison));
  }
  absl::StrAppend(&out, "\nStep time by what binds\n", TimeRows(comparison),
                  CostChanges(comparison.a(), comparison.b()), "\n",
                  comparison.summary(), "\n",
                  WarningLines(comparison.a()), WarningLines(comparison.b()));
  return out;
}

// One row per term and cause.
std::string ComparisonCsv(const Comparison& comparison) {
  CsvWriter writer;
  for (const TermChange& term : comparison.terms()) {
    for (const CauseChange& cause : term.causes()) {
      std::vector<CsvCell> cells = {{"term", Term::Value_Name(term.term())}};
      AddScalars(cause, "", &cells);
      writer.AddRow(cells);
    }
  }
  return writer.text();
}

}  // namespace

template <>
Writers<Comparison> WritersOf() {
  return {ComparisonTable, ComparisonCsv, FigureOf};
}

}  // namespace tokenjoule
