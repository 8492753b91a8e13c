#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/captions.h"
#include "analyzer/report/figures/figures.h"
#include "google/protobuf/descriptor.h"

namespace tokenjoule {
namespace {

// A figure of SweepFigures in plain words.
struct Metric {
  absl::string_view name, quantity, unit;
  bool prefixed = true;
};
constexpr std::array<Metric, 25> kMetrics = {{
    {"energy_per_token_j", "energy per token", "J"},
    {"step_time_s", "time of a step", "s"},
    {"time_per_token_s", "time per token", "s"},
    {"tokens_per_s", "tokens per second", ""},
    {"power_w", "power", "W"},
    {"energy_delay_j_s", "energy times time per token", "J s"},
    {"dram_energy_share", "share of DRAM and its path in the energy", ""},
    {"stack_energy_share", "share of DRAM in the energy", ""},
    {"memory_energy_share", "share of the memory in the energy", ""},
    {"memory_used_bytes", "memory used", "B"},
    {"memory_left_bytes", "memory left", "B"},
    {"chips", "chips", ""},
    {"area_mm2", "silicon", "mm\xc2\xb2", false},
    {"cost_usd", "cost", "US$", false},
    {"snr_db", "signal-to-noise ratio", "dB", false},
    {"wear_per_year", "share of the endurance used per year", ""},
    {"stack_layers", "layers of memory", ""},
    {"power_density_w_per_cm2", "power density", "W/cm\xc2\xb2", false},
    {"stack_temperature_c", "temperature of the memory",
     "\xc2\xb0"
     "C",
     false},
    {"engine_tops_per_w", "efficiency of the arrays", "TOPS/W", false},
    {"parameters", "parameters", ""},
    {"active_parameters", "active parameters", ""},
    {"effective_parameters", "effective parameters", ""},
    {"loss", "loss", ""},
    {"aspect_ratio", "width over depth of the model", ""},
}};

// An objective as an axis; "max " says that it is maximised.
FigureAxis AxisOf(absl::string_view objective) {
  const bool maximised = absl::ConsumePrefix(&objective, "max ");
  FigureAxis axis{std::string(objective)};
  for (const Metric& metric : kMetrics) {
    if (metric.name != objective) continue;
    axis = {std::string(metric.quantity), std::string(metric.unit)};
    axis.prefixed = metric.prefixed;
  }
  // Most quantities are better if small.
  if (maximised) absl::StrAppend(&axis.quantity, " (more is better)");
  return axis;
}

double FigureOf(const SweepPoint& point, absl::string_view objective) {
  objective = absl::StripPrefix(objective, "max ");
  const auto* field =
      SweepFigures::descriptor()->FindFieldByName(std::string(objective));
  return field == nullptr ? 0
                          : point.figures().GetReflection()->GetDouble(
                                point.figures(), field);
}

bool IsNumber(const std::string& text) {
  double number = 0;
  return absl::SimpleAtod(text, &number);
}

// The axes of the space that vary along the front, those that name things first.
std::vector<int> VaryingAxes(const SweepStudy& study) {
  std::vector<int> names, numbers;
  for (int i = 0; i < study.axes_size(); ++i) {
    std::set<std::string> values;
    bool is_number = true;
    for (const SweepPoint& point : study.front()) {
      if (i >= point.values_size()) continue;
      values.insert(point.values(i));
      is_number = is_number && IsNumber(point.values(i));
    }
    if (values.size() < 2) continue;
    (is_number ? numbers : names).push_back(i);
  }
  names.insert(names.end(), numbers.begin(), numbers.end());
  return names;
}

// The value of an axis; what it is of is said unless it is a name.
std::string AxisWords(const SweepStudy& study, const SweepPoint& point,
                      int axis) {
  if (axis >= point.values_size()) return "";
  const std::string& value = point.values(axis);
  return IsNumber(value) || value == "true" || value == "false"
             ? ValueWords(study.axes(axis), value)
             : value;
}

std::string PointWords(const SweepStudy& study, const SweepPoint& point,
                       const std::vector<int>& axes) {
  std::vector<std::string> words;
  for (const int axis : axes) words.push_back(AxisWords(study, point, axis));
  return absl::StrJoin(words, ", ");
}

// Whether values need a logarithmic axis: all are positive, and the largest is more
// than three times the smallest.
bool SpansFactors(const std::vector<double>& values) {
  if (values.empty()) return false;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return *least > 0 && *most > 3 * *least;
}

// The axis of names by which points of the front are told apart by colour: the
// first that has two to seven values; -1 if there is none.
int ColorAxis(const SweepStudy& study, const std::vector<int>& varying) {
  for (const int axis : varying) {
    std::set<std::string> values;
    for (const SweepPoint& point : study.front()) {
      if (axis < point.values_size()) values.insert(point.values(axis));
    }
    if (values.size() > 1 && values.size() <= 7 && !IsNumber(*values.begin())) {
      return axis;
    }
  }
  return -1;
}

// Points of a front in two objectives, in their order, that deserve a name: its ends,
// and the corner that lies furthest from the line between them.
std::vector<size_t> Corners(const std::vector<std::pair<double, double>>& front,
                            bool log_x, bool log_y) {
  if (front.size() < 3) {
    std::vector<size_t> all(front.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    return all;
  }
  const auto at = [&](size_t i) {
    return std::make_pair(log_x ? std::log(front[i].first) : front[i].first,
                          log_y ? std::log(front[i].second) : front[i].second);
  };
  const auto [x0, y0] = at(0);
  const auto [x1, y1] = at(front.size() - 1);
  const double dx = x1 - x0, dy = y1 - y0;
  size_t corner = 0;
  double furthest = 0;
  for (size_t i = 1; i + 1 < front.size(); ++i) {
    const auto [x, y] = at(i);
    // In parts of the ranges, so that the units do not matter.
    const double away =
        std::abs((x - x0) / (dx == 0 ? 1 : dx) - (y - y0) / (dy == 0 ? 1 : dy));
    if (away > furthest) {
      furthest = away;
      corner = i;
    }
  }
  if (corner == 0) return {0, front.size() - 1};
  return {0, corner, front.size() - 1};
}

}  // namespace

Figure FigureOf(const SweepStudy& study) {
  Figure figure;
  figure.title =
      absl::StrCat(study.name().empty() ? "Unnamed space" : study.name(),
                   ": the Pareto front");
  figure.subtitle = {absl::StrFormat(
      "%d of %s feasible points (%s evaluated) are dominated by no other%s",
      study.front_size(), Quantity(study.feasible(), ""),
      Quantity(study.points(), ""),
      study.has_evolution() ? ", among those that evolution found" : "")};
  if (study.interrupted()) {
    figure.title += " of a search that was INTERRUPTED";
  }
  if (study.objectives_size() == 0) return figure;
  const std::string x_name = study.objectives(0);
  const std::string y_name =
      study.objectives(study.objectives_size() > 1 ? 1 : 0);
  Panel panel;
  panel.x = AxisOf(x_name);
  panel.y = AxisOf(y_name);

  std::vector<const SweepPoint*> sorted;
  for (const SweepPoint& point : study.front()) sorted.push_back(&point);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const SweepPoint* a, const SweepPoint* b) {
                     return FigureOf(*a, x_name) < FigureOf(*b, x_name);
                   });
  std::vector<std::pair<double, double>> places;
  std::vector<double> xs, ys;
  const auto include = [&](const SweepPoint& point) {
    xs.push_back(FigureOf(point, x_name));
    ys.push_back(FigureOf(point, y_name));
  };
  for (const SweepPoint* point : sorted) {
    include(*point);
    places.emplace_back(xs.back(), ys.back());
  }
  if (study.has_baseline()) include(study.baseline());
  for (const SweepPoint& point : study.dominated()) include(point);
  panel.x.logarithmic = SpansFactors(xs);
  panel.y.logarithmic = SpansFactors(ys);

  const std::vector<int> varying = VaryingAxes(study);
  std::vector<int> all_axes(study.axes_size());
  for (int i = 0; i < study.axes_size(); ++i) all_axes[i] = i;
  const auto label = [&](const SweepPoint& point) {
    return absl::StrCat(PointWords(study, point, all_axes), ": ",
                        Quantity(FigureOf(point, x_name), panel.x.unit), ", ",
                        Quantity(FigureOf(point, y_name), panel.y.unit));
  };

  // What all points of the front have in common.
  std::vector<int> common;
  for (const int axis : all_axes) {
    if (std::find(varying.begin(), varying.end(), axis) == varying.end()) {
      common.push_back(axis);
    }
  }
  if (!common.empty() && !sorted.empty()) {
    std::vector<std::string> words;
    for (const int axis : common) {
      if (axis >= sorted[0]->values_size()) continue;
      words.push_back(ValueWords(study.axes(axis), sorted[0]->values(axis)));
    }
    figure.subtitle.push_back(
        absl::StrCat("common to the front: ", absl::StrJoin(words, ", ")));
  }

  for (const SweepPoint& point : study.dominated()) {
    Mark mark{FigureOf(point, x_name), FigureOf(point, y_name), "#777"};
    mark.label = label(point);
    mark.series = absl::StrFormat("dominated, %d of %s", study.dominated_size(),
                                  Quantity(study.dominated_points(), ""));
    mark.radius = 2.5;
    mark.faint = true;
    panel.marks.push_back(mark);
  }

  const bool two = study.objectives_size() == 2;
  if (two && places.size() > 1) {
    panel.lines.push_back({"", "#222", places});
  }
  const int color_axis = ColorAxis(study, varying);
  std::map<std::string, int> series;
  std::vector<size_t> corners;
  if (two) {
    corners = Corners(places, panel.x.logarithmic, panel.y.logarithmic);
  } else {
    // The best point of each objective.
    for (const std::string& objective : study.objectives()) {
      if (sorted.empty()) break;
      const double sign = absl::StartsWith(objective, "max ") ? -1 : 1;
      const auto best = std::min_element(
          sorted.begin(), sorted.end(),
          [&](const SweepPoint* a, const SweepPoint* b) {
            return sign * FigureOf(*a, objective) <
                   sign * FigureOf(*b, objective);
          });
      corners.push_back(best - sorted.begin());
    }
  }
  // Names of corners have what fits: at most four values that vary.
  std::vector<int> said = varying;
  if (said.size() > 4) said.resize(4);
  for (size_t i = 0; i < sorted.size(); ++i) {
    const SweepPoint& point = *sorted[i];
    std::string name = "the front";
    int index = 0;
    if (color_axis >= 0 && color_axis < point.values_size()) {
      name = absl::StrCat(point.values(color_axis));
      index = series.emplace(name, static_cast<int>(series.size())).first->second;
    }
    const SeriesStyle style = StyleOf(index);
    Mark mark{places[i].first, places[i].second, style.color};
    mark.series = name;
    mark.label = label(point);
    if (std::find(corners.begin(), corners.end(), i) != corners.end()) {
      mark.text = PointWords(study, point, said);
      mark.radius = 6;
    }
    panel.marks.push_back(mark);
  }
  if (study.has_baseline()) {
    Mark mark{FigureOf(study.baseline(), x_name),
              FigureOf(study.baseline(), y_name), "#111"};
    mark.shape = Shape::kCross;
    mark.radius = 6;
    mark.series = "baseline: the first value of every axis";
    mark.label = absl::StrCat("baseline, ", label(study.baseline()));
    panel.marks.push_back(mark);
  }
  figure.panels = {panel};
  if (study.objectives_size() > 2) {
    std::vector<std::string> others;
    for (int i = 2; i < study.objectives_size(); ++i) {
      others.push_back(AxisOf(study.objectives(i)).quantity);
    }
    figure.note = absl::StrCat(
        "The front is in more objectives than can be shown: also ",
        absl::StrJoin(others, ", "), ".");
  }
  return figure;
}

}  // namespace tokenjoule
