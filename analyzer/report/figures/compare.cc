#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/captions.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"

namespace tokenjoule {
namespace {

// Causes that change less than this share of the larger energy are one row.
constexpr double kSmall = 0.005;
constexpr int kMost = 10;

// A scenario: its terms one after the other, and its range.
Row WholeRow(const Report& report, const std::string& label) {
  Row row;
  row.label = label;
  row.strong = true;
  double stacked = 0;
  for (const EnergyTerm& term : report.energy_terms()) {
    const double energy = term.energy_per_token_j();
    if (!(energy > 0)) continue;
    row.segments.push_back({stacked, stacked + energy, TermColor(term.term()),
                            "",
                            absl::StrCat(TermLabel(term.term()), ": ",
                                         Quantity(energy, "J"))});
    stacked += energy;
  }
  if (report.energy_per_token_j_low() < report.energy_per_token_j_high()) {
    row.range = {report.energy_per_token_j_low(),
                 report.energy_per_token_j_high()};
  }
  row.text = Quantity(report.energy_per_token_j(), "J");
  return row;
}

}  // namespace

Figure FigureOf(const Comparison& comparison) {
  const Report& a = comparison.a();
  const Report& b = comparison.b();
  Figure figure;
  const Captions captions = CaptionsOf({&a, &b}, /*with_batch=*/true, /*in_full=*/true);
  const FigureAxis energy = EnergyAxis(a);
  figure.title = absl::StrCat(captions.subject, ": what changes the ",
                              energy.quantity);
  figure.subtitle = captions.subtitle;
  Panel panel;
  panel.x = energy;
  panel.x.from_zero = true;
  panel.rows.push_back(
      WholeRow(a, absl::StrCat("first: ", captions.names[0])));
  const double scale =
      std::max(a.energy_per_token_j(), b.energy_per_token_j());
  double at = a.energy_per_token_j(), rest = 0;
  const auto add = [&](const std::string& label, double change) {
    Row row;
    row.label = label;
    row.segments = {
        {at, at + change, StyleOf(change > 0 ? 1 : 2).color,
         change > 0 ? "takes more energy" : "takes less energy", label}};
    row.text = absl::StrCat(change > 0 ? "+" : "", Quantity(change, "J"));
    panel.rows.push_back(row);
    at += change;
  };
  int rows = 0;
  for (const CauseChange& cause : comparison.causes()) {
    if (std::abs(cause.change_j()) < kSmall * scale || rows == kMost) {
      rest += cause.change_j();
      continue;
    }
    ++rows;
    add(absl::StrCat(cause.cause(), ", ", FactorLabel(cause.factor())),
        cause.change_j());
  }
  if (std::abs(rest) > 1e-6 * scale) add("all other causes", rest);
  panel.rows.push_back(
      WholeRow(b, absl::StrCat("second: ", captions.names[1])));
  figure.panels = {panel};
  figure.note =
      "Thin lines: ranges over the constants of the machine. The answer of "
      "--format=table has the terms.";
  return figure;
}

}  // namespace tokenjoule
