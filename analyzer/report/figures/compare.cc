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
// Not those of any term.
constexpr char kMoreColor[] = "#a3355b", kLessColor[] = "#4d4d4d";

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
      EnergyRow(a, absl::StrCat("first: ", captions.names[0])));
  const double scale =
      std::max(a.energy_per_token_j(), b.energy_per_token_j());
  double at = a.energy_per_token_j(), rest = 0;
  const auto add = [&](const std::string& label, double change) {
    Row row;
    row.label = label;
    row.segments = {
        {at, at + change, change > 0 ? kMoreColor : kLessColor,
         change > 0 ? "change: more energy" : "change: less energy", label}};
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
      EnergyRow(b, absl::StrCat("second: ", captions.names[1])));
  figure.panels = {panel};
  figure.note =
      "Thin lines: ranges over the constants of the machine. Changes by term are in "
      "the table.";
  return figure;
}

}  // namespace tokenjoule
