#include "analyzer/report/vega.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "analyzer/report/axis.h"
#include "analyzer/report/xml.h"
#include "nlohmann/json.hpp"

namespace tokenjoule {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kPanelWidth = 720, kPanelHeight = 400, kRowHeight = 26;

Json DashOf(Dash dash) {
  switch (dash) {
    case Dash::kDashed:
      return {7, 4};
    case Dash::kDotted:
      return {2, 4};
    case Dash::kDashDot:
      return {9, 4, 2, 4};
    case Dash::kSolid:
      break;
  }
  return {1, 0};
}

const char* ShapeOf(Shape shape) {
  switch (shape) {
    case Shape::kSquare:
      return "square";
    case Shape::kDiamond:
      return "diamond";
    case Shape::kTriangle:
      return "triangle-up";
    case Shape::kCross:
      return "cross";
    case Shape::kCircle:
      break;
  }
  return "circle";
}

// The series of a panel with their colours and dashes, in the order in which they
// come.
class Series {
 public:
  explicit Series(const Panel& panel) {
    for (const Line& line : panel.lines) Add(line.name, line.color, line.dash);
    for (const Row& row : panel.rows) {
      for (const Row::Segment& segment : row.segments) {
        Add(segment.series, segment.color, Dash::kSolid);
      }
    }
    for (const Mark& mark : panel.marks) {
      Add(mark.series, mark.color, Dash::kSolid);
    }
  }

  // The encoding of the field "series" by colour.
  Json Color() const {
    return {{"field", "series"},
            {"type", "nominal"},
            {"scale", {{"domain", names_}, {"range", colors_}}},
            {"legend", Legend()}};
  }
  Json Dashes() const {
    return {{"field", "series"},
            {"type", "nominal"},
            {"scale", {{"domain", names_}, {"range", dashes_}}},
            {"legend", Legend()}};
  }

 private:
  // Legends of one field that are alike are drawn as one.
  static Json Legend() {
    return {{"title", nullptr},
            {"orient", "bottom"},
            {"labelLimit", 600},
            {"columns", 2}};
  }

  void Add(const std::string& name, const std::string& color, Dash dash) {
    if (name.empty()) return;
    const std::string text = PrintableText(name);
    if (std::find(names_.begin(), names_.end(), text) != names_.end()) return;
    names_.push_back(text);
    colors_.push_back(color);
    dashes_.push_back(DashOf(dash));
  }

  std::vector<std::string> names_, colors_;
  std::vector<Json> dashes_;
};

// A panel as a layered view.
class View {
 public:
  View(const Panel& panel, const AxisRange& x_range, const AxisRange& y_range)
      : panel_(panel),
        x_range_(x_range),
        y_range_(y_range),
        x_(Draw(panel.x, x_range, 10)),
        y_(Draw(panel.y, y_range, 8)),
        series_(panel) {}

  Json Spec(double width) {
    for (const FigureBand& band : panel_.bands) AddBand(band);
    for (const FigureLimit& limit : panel_.limits) AddLimit(limit);
    if (panel_.rows.empty()) {
      AddLines();
      AddMarks();
    } else {
      AddRows();
    }
    const double height =
        panel_.rows.empty()
            ? kPanelHeight
            : kRowHeight * static_cast<double>(panel_.rows.size());
    // A view needs a layer, even if there is nothing to show.
    if (layers_.empty()) {
      layers_.push_back({{"data", {{"values", Json::array()}}},
                         {"mark", "point"},
                         {"encoding", {{"x", X("x")}, {"y", Y("y")}}}});
    }
    Json spec = {{"width", width}, {"height", height}, {"layer", layers_}};
    if (!panel_.title.empty()) {
      spec["title"] = {{"text", PrintableText(panel_.title)},
                       {"anchor", "start"}};
    }
    return spec;
  }

 private:
  static Json Channel(const char* field, const DrawnAxis& axis) {
    Json values = Json::array();
    for (const Tick& tick : axis.ticks) values.push_back(tick.value / axis.scale);
    Json scale = {{"type", axis.logarithmic ? "log" : "linear"},
                  {"domain", {axis.low / axis.scale, axis.high / axis.scale}},
                  {"nice", false}};
    if (!axis.logarithmic) scale["zero"] = false;
    return {{"field", field},
            {"type", "quantitative"},
            {"scale", scale},
            {"axis",
             {{"title", PrintableText(axis.title)},
              {"values", values},
              // Six digits, or a prefix at each tick.
              {"labelExpr", axis.units_at_ticks
                                ? "format(datum.value, '~s')"
                                : "format(datum.value, '~r')"}}}};
  }
  Json X(const char* field) const { return Channel(field, x_); }
  Json Y(const char* field) const { return Channel(field, y_); }
  double AtX(double value) const { return value / x_.scale; }
  double AtY(double value) const { return value / y_.scale; }

  void Add(Json values, Json mark, Json encoding) {
    if (values.empty()) return;
    layers_.push_back({{"data", {{"values", std::move(values)}}},
                       {"mark", std::move(mark)},
                       {"encoding", std::move(encoding)}});
  }

  void AddBand(const FigureBand& band) {
    Json values = Json::array();
    for (const FigureBand::Point& point : band.points) {
      if (!x_range_.Shows(point.x) || !y_range_.Shows(point.low) ||
          !y_range_.Shows(point.high)) {
        continue;
      }
      values.push_back({{"x", AtX(point.x)},
                        {"low", AtY(point.low)},
                        {"high", AtY(point.high)}});
    }
    Add(std::move(values),
        {{"type", "area"}, {"color", band.color}, {"opacity", 0.16}},
        {{"x", X("x")}, {"y", Y("low")}, {"y2", {{"field", "high"}}}});
  }

  void AddLimit(const FigureLimit& limit) {
    if (!(limit.of_x ? x_range_ : y_range_).Shows(limit.value)) return;
    const double at = limit.of_x ? AtX(limit.value) : AtY(limit.value);
    const char* field = limit.of_x ? "x" : "y";
    Json value = {{field, at}, {"text", PrintableText(limit.text)}};
    const Json position = limit.of_x ? X(field) : Y(field);
    Add(Json::array({value}),
        {{"type", "rule"},
         {"color", limit.color},
         {"strokeWidth", 1.5},
         {"strokeDash", DashOf(limit.dash)}},
        {{field, position}});
    if (limit.text.empty()) return;
    Json mark = {{"type", "text"}, {"color", limit.color}, {"align", "left"}};
    Json encoding = {{field, position},
                     {"text", {{"field", "text"}, {"type", "nominal"}}}};
    if (limit.of_x) {
      mark.update({{"dx", 4}, {"baseline", "top"}});
      encoding["y"] = {{"value", 2}};
    } else {
      mark.update({{"dx", 2}, {"dy", -3}, {"baseline", "bottom"}});
      encoding["x"] = {{"value", 0}};
    }
    Add(Json::array({value}), std::move(mark), std::move(encoding));
  }

  void AddLines() {
    // Named lines are one layer with a legend.
    Json named = Json::array();
    for (const Line& line : panel_.lines) {
      Json values = Json::array();
      int order = 0;
      for (const auto& [x, y] : line.points) {
        if (!x_range_.Shows(x) || !y_range_.Shows(y)) continue;
        Json value = {{"x", AtX(x)}, {"y", AtY(y)}, {"order", order++}};
        if (!line.name.empty()) {
          value["series"] = PrintableText(line.name);
          value["opacity"] = line.faint ? 0.4 : 1;
        }
        (line.name.empty() ? values : named).push_back(std::move(value));
      }
      Add(std::move(values),
          {{"type", "line"},
           {"color", line.color},
           {"opacity", line.faint ? 0.4 : 1},
           {"strokeDash", DashOf(line.dash)}},
          {{"x", X("x")}, {"y", Y("y")}, {"order", Order()}});
    }
    Add(std::move(named), {{"type", "line"}, {"strokeWidth", 2.4}},
        {{"x", X("x")},
         {"y", Y("y")},
         {"order", Order()},
         {"color", series_.Color()},
         {"strokeDash", series_.Dashes()},
         {"opacity",
          {{"field", "opacity"}, {"type", "quantitative"}, {"scale", nullptr}}}});
  }
  static Json Order() {
    return {{"field", "order"}, {"type", "quantitative"}};
  }

  void AddMarks() {
    Json texts = Json::array();
    std::vector<std::pair<double, double>> places;
    // Marks that look alike are one layer.
    std::vector<std::pair<const Mark*, Json>> looks;
    for (const Mark& mark : panel_.marks) {
      if (!x_range_.Shows(mark.x) || !y_range_.Shows(mark.y)) continue;
      Json value = {{"x", AtX(mark.x)},
                    {"y", AtY(mark.y)},
                    {"label", PrintableText(mark.label)}};
      if (!mark.series.empty()) value["series"] = PrintableText(mark.series);
      // Vega-Lite does not move texts apart: of those that would overlap, the first.
      const double at_x = x_.At(mark.x), at_y = y_.At(mark.y);
      const bool free =
          std::none_of(places.begin(), places.end(), [&](const auto& place) {
            return std::abs(place.first - at_x) < 0.3 &&
                   std::abs(place.second - at_y) < 0.04;
          });
      if (!mark.text.empty() && free) {
        places.emplace_back(at_x, at_y);
        texts.push_back({{"x", AtX(mark.x)},
                         {"y", AtY(mark.y)},
                         {"text", PrintableText(mark.text)}});
      }
      const auto alike = [&](const std::pair<const Mark*, Json>& look) {
        const Mark& other = *look.first;
        return other.color == mark.color && other.series == mark.series &&
               other.shape == mark.shape && other.hollow == mark.hollow &&
               other.faint == mark.faint && other.radius == mark.radius;
      };
      auto found = std::find_if(looks.begin(), looks.end(), alike);
      if (found == looks.end()) {
        looks.emplace_back(&mark, Json::array());
        found = looks.end() - 1;
      }
      found->second.push_back(std::move(value));
    }
    for (auto& [look, values] : looks) {
      Json mark = {{"type", "point"},
                   {"shape", ShapeOf(look->shape)},
                   {"filled", !look->hollow},
                   {"size", 3.2 * look->radius * look->radius},
                   {"opacity", look->faint ? 0.35 : 1.0}};
      Json encoding = {{"x", X("x")},
                       {"y", Y("y")},
                       {"tooltip", {{"field", "label"}, {"type", "nominal"}}}};
      if (look->series.empty()) {
        mark["color"] = look->color;
      } else {
        encoding["color"] = series_.Color();
      }
      Add(std::move(values), std::move(mark), std::move(encoding));
    }
    Add(std::move(texts), {{"type", "text"}, {"align", "left"}, {"dx", 7}},
        {{"x", X("x")},
         {"y", Y("y")},
         {"text", {{"field", "text"}, {"type", "nominal"}}}});
  }

  void AddRows() {
    Json labels = Json::array();
    for (size_t i = 0; i < panel_.rows.size(); ++i) labels.push_back(i);
    // Rows may have equal labels, so that their numbers are what is placed.
    std::string expression = "[";
    for (const Row& row : panel_.rows) {
      if (expression.size() > 1) expression += ",";
      expression += Json(PrintableText(row.label)).dump();
    }
    expression += "][datum.value]";
    const Json y = {{"field", "row"},
                    {"type", "ordinal"},
                    {"scale", {{"domain", labels}}},
                    {"axis",
                     {{"title", nullptr},
                      {"labelExpr", expression},
                      {"labelLimit", 480},
                      {"ticks", false}}}};
    Json named = Json::array(), ranges = Json::array(), texts = Json::array();
    for (size_t i = 0; i < panel_.rows.size(); ++i) {
      const Row& row = panel_.rows[i];
      double end = x_.low;
      const auto clamped = [&](double value) {
        return std::max(x_.low, std::min(value, x_.high));
      };
      for (const Row::Segment& segment : row.segments) {
        if (!std::isfinite(segment.from) || !std::isfinite(segment.to)) continue;
        end = std::max({end, clamped(segment.from), clamped(segment.to)});
        Json value = {{"row", i},
                      {"from", AtX(clamped(segment.from))},
                      {"to", AtX(clamped(segment.to))},
                      {"label", PrintableText(segment.label)}};
        if (!segment.series.empty()) {
          value["series"] = PrintableText(segment.series);
          named.push_back(std::move(value));
          continue;
        }
        AddBars(Json::array({value}), y, segment.color);
      }
      if (row.range.has_value() && std::isfinite(row.range->first) &&
          std::isfinite(row.range->second)) {
        end = std::max(end, clamped(row.range->second));
        ranges.push_back({{"row", i},
                          {"from", AtX(clamped(row.range->first))},
                          {"to", AtX(clamped(row.range->second))}});
      }
      if (row.text.empty()) continue;
      texts.push_back({{"row", i},
                       {"to", AtX(end)},
                       {"text", PrintableText(row.text)}});
    }
    AddBars(std::move(named), y, "");
    Add(std::move(ranges), {{"type", "rule"}, {"color", "#222"}},
        {{"y", y}, {"x", X("from")}, {"x2", {{"field", "to"}}}});
    Add(std::move(texts), {{"type", "text"}, {"align", "left"}, {"dx", 6}},
        {{"y", y},
         {"x", X("to")},
         {"text", {{"field", "text"}, {"type", "nominal"}}}});
  }

  void AddBars(Json values, const Json& y, const std::string& color) {
    Json mark = {{"type", "bar"}, {"height", 16}};
    Json encoding = {{"y", y},
                     {"x", X("from")},
                     {"x2", {{"field", "to"}}},
                     {"tooltip", {{"field", "label"}, {"type", "nominal"}}}};
    if (color.empty()) {
      encoding["color"] = series_.Color();
    } else {
      mark["color"] = color;
    }
    Add(std::move(values), std::move(mark), std::move(encoding));
  }

  const Panel& panel_;
  const AxisRange x_range_, y_range_;
  const DrawnAxis x_, y_;
  const Series series_;
  Json layers_ = Json::array();
};

}  // namespace

std::string ToVega(const Figure& figure) {
  Json subtitle = Json::array();
  for (const std::string& line : figure.subtitle) {
    subtitle.push_back(PrintableText(line));
  }
  if (!figure.note.empty()) subtitle.push_back(PrintableText(figure.note));
  Json spec = {{"$schema", "https://vega.github.io/schema/vega-lite/v5.json"},
               {"title",
                {{"text", PrintableText(figure.title)},
                 {"subtitle", subtitle},
                 {"anchor", "start"},
                 {"offset", 12}}},
               {"background", "white"},
               {"config",
                {{"axis", {{"labelFontSize", 12}, {"titleFontSize", 12}}},
                 {"text", {{"fontSize", 12}}}}}};
  double widths = 0;
  for (const Panel& panel : figure.panels) widths += panel.width;
  Json views = Json::array();
  for (const Panel& panel : figure.panels) {
    AxisRange x(panel.x), y(panel.y);
    for (const Panel& other : figure.panels) {
      if (figure.same_axes || &other == &panel) IncludeValues(other, &x, &y);
    }
    views.push_back(View(panel, x, y).Spec(
        std::floor(kPanelWidth * panel.width / widths)));
  }
  spec["hconcat"] = std::move(views);
  if (figure.panels.size() > 1) {
    // Each panel has its own series.
    spec["resolve"] = {{"scale", {{"color", "independent"}}}};
  }
  return spec.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tokenjoule
