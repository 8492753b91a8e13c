#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
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

// Changes below this share of the whole are the rounding of sums.
constexpr double kRounding = 1e-9;

// The change, of a `whole`; empty if there is none.
std::string Change(double joules, double whole) {
  if (std::abs(joules) <= kRounding * whole) return "";
  return absl::StrCat(joules > 0 ? "+" : "", WithUnit(joules, "J"));
}

double WholeOf(const Comparison& comparison) {
  return std::max(comparison.a().energy_per_token_j(),
                  comparison.b().energy_per_token_j());
}

// A row of the table; `used` gets the columns that say something.
void AddRow(const std::string& name, double a, double b, double whole,
            const Columns& columns, std::vector<std::vector<std::string>>* rows,
            std::array<bool, kNumColumns>* used) {
  const std::string change = Change(b - a, whole);
  std::vector<std::string> row = {name, WithUnit(a, "J"), WithUnit(b, "J"),
                                  change.empty() ? "the same" : change};
  for (int i = 0; i < kNumColumns; ++i) {
    row.push_back(Change(columns[i], whole));
    (*used)[i] |= !row.back().empty();
  }
  rows->push_back(std::move(row));
}

std::string TermRows(const Comparison& comparison) {
  static constexpr const char* kHeadings[kNumColumns] = {
      "bytes, FLOP", "pJ/bit, pJ/FLOP", "time", "power", "losses"};
  const double whole = WholeOf(comparison);
  std::vector<std::vector<std::string>> rows;
  std::array<bool, kNumColumns> used = {};
  Columns total = {};
  for (const TermChange& term : comparison.terms()) {
    Columns columns = {};
    for (const CauseChange& cause : term.causes()) {
      columns[ColumnOf(cause.factor())] += cause.change_j();
      total[ColumnOf(cause.factor())] += cause.change_j();
    }
    AddRow(TermLabel(term.term()), term.a_j(), term.b_j(), whole, columns,
           &rows, &used);
  }
  AddRow("total", comparison.a().energy_per_token_j(),
         comparison.b().energy_per_token_j(), whole, total, &rows, &used);
  // Without the columns of what changed nothing.
  std::vector<std::string> header = {"", "first", "second", "change"};
  const size_t fixed = header.size();
  for (int i = 0; i < kNumColumns; ++i) {
    if (used[i]) header.push_back(kHeadings[i]);
  }
  TextTable table(header);
  for (const std::vector<std::string>& row : rows) {
    std::vector<std::string> kept(row.begin(), row.begin() + fixed);
    for (int i = 0; i < kNumColumns; ++i) {
      if (used[i]) kept.push_back(row[fixed + i]);
    }
    table.AddRow(std::move(kept));
  }
  return table.ToString(2);
}

std::string CauseRows(const Comparison& comparison) {
  // The largest number of rows, and the smallest share of the change that gets
  // its own row.
  constexpr int kMost = 12;
  constexpr double kLeast = 5e-4;
  const double whole = WholeOf(comparison);
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
         Change(cause.change_j(), whole),
         comparison.energy_change_j() == 0
             ? ""
             : Percent(cause.change_j() / comparison.energy_change_j())});
  }
  const std::string others = Change(rest, whole);
  if (!others.empty()) table.AddRow({"all others", others, ""});
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

// The setup of one side behind its name.
std::string Side(absl::string_view name, const Report& report) {
  const std::string lines = SetupLines(report, /*indent=*/8);
  return absl::StrCat(name, lines.substr(name.size()), MisfitLines(report));
}

// The change by term and by cause, the change of the step time, and the
// summary.
std::string ComparisonTable(const Comparison& comparison, const TableOptions&) {
  std::string out =
      absl::StrCat(Side("first:", comparison.a()),
                   Side("second:", comparison.b()), "\n");
  if (comparison.differences().empty()) {
    absl::StrAppend(&out, "  the same scenario\n");
  }
  for (const std::string& difference : comparison.differences()) {
    absl::StrAppend(&out, Wrapped(difference, 2));
  }
  absl::StrAppend(&out, "\nEnergy per ", Work(comparison.a()),
                  ", and what changed it\n",
                  TermRows(comparison));
  if (std::abs(comparison.energy_change_j()) >
      kRounding * WholeOf(comparison)) {
    absl::StrAppend(&out, "\nBy cause\n", CauseRows(comparison));
  }
  absl::StrAppend(&out, "\nStep time by what binds\n", TimeRows(comparison),
                  CostChanges(comparison.a(), comparison.b()), "\n",
                  Wrapped(comparison.summary()),
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
