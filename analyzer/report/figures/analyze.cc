#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/captions.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"

namespace tokenjoule {
namespace {

// Operators with at least this share of the largest energy have their names
// beside them.
constexpr double kNamed = 0.08;
// Terms with less of the energy are one row together.
constexpr double kSmall = 0.005;

// Bytes of an operator's weights and cache.
double BytesOf(const OperatorReport& op) {
  return op.weight_bytes() + op.kv_bytes();
}

bool IsShown(const OperatorReport& op) {
  return op.flop() > 0 && BytesOf(op) > 0 && op.time_s() > 0;
}

void AddOperators(const Report& report, Panel* panel) {
  double most = 0;
  for (const OperatorReport& op : report.operators()) {
    if (IsShown(op)) most = std::max(most, op.energy_j());
  }
  // Each bound has a colour and a shape of its own.
  for (int bound = Bound::MEMORY; bound <= Bound::POWER; ++bound) {
    const SeriesStyle style = StyleOf(bound - 1);
    for (const OperatorReport& op : report.operators()) {
      if (op.bound() != bound || !IsShown(op)) continue;
      const double share = most > 0 ? op.energy_j() / most : 0;
      Mark mark{op.flop() / BytesOf(op), op.flop() / op.time_s(), style.color};
      mark.series = absl::StrCat(
          "operator, bound by ", BoundLabel(static_cast<Bound::Value>(bound)));
      mark.shape = bound == Bound::MEMORY    ? Shape::kCircle
                   : bound == Bound::COMPUTE ? Shape::kSquare
                   : bound == Bound::NETWORK ? Shape::kTriangle
                                             : Shape::kDiamond;
      mark.radius = 3 + 6 * std::sqrt(share);
      mark.label = absl::StrFormat(
          "%s: %s, %s, %s, %s per step", op.name(), Quantity(BytesOf(op), "B"),
          Quantity(op.flop(), "FLOP"), Quantity(op.time_s(), "s"),
          Quantity(op.energy_j(), "J"));
      if (share >= kNamed) mark.text = op.name();
      panel->marks.push_back(mark);
    }
  }
}

// Whether an operator is faster than the memory allows: its weights are elsewhere.
bool IsAboveTheRoof(const Report& report) {
  for (const OperatorReport& op : report.operators()) {
    if (IsShown(op) && BytesOf(op) > 1.2 * op.time_s() *
                                         report.roofline()
                                             .bandwidth_bytes_per_s()) {
      return true;
    }
  }
  return false;
}

Panel RooflinePanel(const Report& report) {
  const Roofline& roofline = report.roofline();
  Panel panel;
  panel.title = "Roofline";
  panel.width = 1.2;
  panel.x = {"arithmetic intensity", "FLOP/byte"};
  panel.x.logarithmic = true;
  panel.x.prefixed = false;
  panel.y = {"rate of matrix products", "FLOP/s"};
  panel.y.logarithmic = true;
  AddOperators(report, &panel);
  Mark step{report.arithmetic_intensity_flop_per_byte(),
            report.flop_per_token() * report.tokens_per_s(), "#111"};
  step.shape = Shape::kCross;
  step.series = "the whole step";
  step.radius = 6;
  step.label = absl::StrFormat(
      "the whole step: %s", Quantity(report.step_time_s(), "s"));
  panel.marks.push_back(step);

  const double ridge =
      roofline.peak_flop_per_s() / roofline.bandwidth_bytes_per_s();
  double least = ridge / 4, most = ridge * 8;
  for (const Mark& mark : panel.marks) {
    if (!(mark.x > 0)) continue;
    least = std::min(least, mark.x / 2);
    most = std::max(most, mark.x * 2);
  }
  panel.lines.push_back(
      {"",
       "#222",
       {{least, least * roofline.bandwidth_bytes_per_s()},
        {ridge, roofline.peak_flop_per_s()},
        {most, roofline.peak_flop_per_s()}}});
  const auto say = [&](double x, double y, const std::string& text) {
    Mark mark{x, y, "#222"};
    mark.radius = 0.1;
    mark.text = text;
    panel.marks.push_back(mark);
  };
  // Room above the roof for what is written there.
  Mark room{ridge, 1.6 * roofline.peak_flop_per_s(), "none"};
  room.radius = 0.1;
  panel.marks.push_back(room);
  say(std::sqrt(ridge * most), roofline.peak_flop_per_s(),
      absl::StrFormat("%s, %s", roofline.engine(),
                      Quantity(roofline.peak_flop_per_s(), "FLOP/s")));
  const double at = std::sqrt(least * ridge);
  say(at, at * roofline.bandwidth_bytes_per_s(),
      absl::StrFormat("%s, %s sustained", roofline.memory(),
                      Quantity(roofline.bandwidth_bytes_per_s(), "B/s")));
  return panel;
}

Panel EnergyPanel(const Report& report) {
  Panel panel;
  panel.title = absl::StrCat("Energy per ", Work(report));
  panel.x = EnergyAxis(report);
  panel.x.from_zero = true;
  const double whole = report.energy_per_token_j();
  Row all;
  all.label = absl::StrCat(
      "at the ", BoundaryLabel(report.scenario().boundary()));
  all.text = Quantity(report.energy_per_token_j(), "J");
  all.strong = true;
  if (report.energy_per_token_j_low() < report.energy_per_token_j_high()) {
    all.range = {report.energy_per_token_j_low(),
                 report.energy_per_token_j_high()};
  }
  std::vector<Row> rows;
  Row small;
  double stacked = 0, rest = 0;
  int merged = 0;
  for (const EnergyTerm& term : report.energy_terms()) {
    const double energy = term.energy_per_token_j();
    if (energy <= 0) continue;
    const std::string label = TermLabel(term.term());
    const char* color = TermColor(term.term());
    const std::string share =
        absl::StrFormat("%.0f %%, %s", 100 * energy / whole,
                        Quantity(energy, "J"));
    all.segments.push_back({stacked, stacked + energy, color, "",
                            absl::StrCat(label, ": ", share)});
    stacked += energy;
    if (energy < kSmall * whole) {
      rest += energy;
      ++merged;
      small.segments = {{0, rest, color, "", label}};
      continue;
    }
    Row row;
    row.label = label;
    row.segments = {{0, energy, color, "", absl::StrCat(label, ": ", share)}};
    if (term.low() < term.high()) row.range = {term.low(), term.high()};
    row.text = share;
    rows.push_back(row);
  }
  panel.rows.push_back(all);
  panel.rows.insert(panel.rows.end(), rows.begin(), rows.end());
  if (merged > 0) {
    small.label = absl::StrFormat("%d more term%s", merged,
                                  merged == 1 ? "" : "s");
    small.segments[0].label = small.label;
    small.text = absl::StrFormat("%.2g %%", 100 * rest / whole);
    panel.rows.push_back(small);
  }
  return panel;
}

}  // namespace

Figure FigureOf(const Report& report) {
  Figure figure;
  const Captions captions = CaptionsOf({&report});
  figure.title = absl::StrCat(captions.subject,
                              report.fits() ? "" : ": DOES NOT FIT");
  figure.subtitle = captions.subtitle;
  const Roofline& roofline = report.roofline();
  if (roofline.peak_flop_per_s() > 0 && roofline.bandwidth_bytes_per_s() > 0) {
    figure.panels.push_back(RooflinePanel(report));
    figure.note =
        "Roofline: intensity counts weights and KV cache; areas of points are "
        "as the operators' energy. ";
    if (IsAboveTheRoof(report)) {
      figure.note +=
          "Operators above the roof have weights that arrays or nearer memory "
          "hold. ";
    }
  }
  figure.panels.push_back(EnergyPanel(report));
  absl::StrAppend(&figure.note,
                  "Thin lines: ranges over the constants of the machine.");
  return figure;
}

}  // namespace tokenjoule
