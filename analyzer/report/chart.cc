#include "analyzer/report/chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace tokenjoule {
namespace {

constexpr double kWidth = 820, kHeight = 520;
constexpr double kLeft = 80, kRight = 200, kTop = 48, kBottom = 60;

// Where a plot lies in the document, in pixels.
struct Frame {
  double left, right, top, bottom;
};

// The frame of a chart that fills a document, with the legend on its right.
constexpr Frame kWholeFrame = {kLeft, kWidth - kRight, kTop, kHeight - kBottom};

// Maps the values of one axis to pixels.
class Scale {
 public:
  Scale(bool logarithmic, double from, double to)
      : logarithmic_(logarithmic), from_(from), to_(to) {}

  bool Shows(double value) const {
    return std::isfinite(value) && (!logarithmic_ || value > 0);
  }
  // Widens the range to hold a value.
  void Include(double value) {
    if (!Shows(value)) return;
    low_ = std::min(low_, At(value));
    high_ = std::max(high_, At(value));
  }
  // Widens the range to whole decades, or slightly beyond the data.
  void Finish() {
    if (low_ > high_) low_ = 0, high_ = 1;
    if (logarithmic_) {
      low_ = std::floor(low_ + 1e-9);
      high_ = std::ceil(high_ - 1e-9);
    }
    if (high_ - low_ < 1e-12) high_ = low_ + 1;
  }
  double Pixel(double value) const {
    return from_ + (At(value) - low_) / (high_ - low_) * (to_ - from_);
  }
  // Values to write beside the axis.
  std::vector<double> Ticks() const {
    std::vector<double> ticks;
    if (logarithmic_) {
      const double step = std::max(1.0, std::ceil((high_ - low_) / 10));
      for (double e = low_; e <= high_ + 1e-9; e += step) {
        ticks.push_back(std::pow(10, e));
      }
      return ticks;
    }
    // The smallest of 1, 2, 5 times a power of ten that gives at most twelve.
    const double decade =
        std::pow(10, std::floor(std::log10(high_ - low_)) - 1);
    double step = decade;
    for (const double factor : {1, 2, 5, 10, 20}) {
      step = factor * decade;
      if ((high_ - low_) / step <= 12) break;
    }
    for (double v = std::ceil(low_ / step - 1e-9) * step; v <= high_ + 1e-9;
         v += step) {
      ticks.push_back(v + 0.0);  // not -0
    }
    return ticks;
  }

 private:
  double At(double value) const {
    return logarithmic_ ? std::log10(value) : value;
  }
  bool logarithmic_;
  double from_, to_;
  double low_ = std::numeric_limits<double>::infinity();
  double high_ = -std::numeric_limits<double>::infinity();
};

struct Scales {
  Scale x, y;
};

// Widens the scales to the values of a chart.
void Include(const Chart& chart, Scales* scales) {
  for (const ChartLine& line : chart.lines) {
    for (const auto& [x, y] : line.points) {
      scales->x.Include(x);
      scales->y.Include(y);
    }
  }
  for (const ChartBand& band : chart.bands) {
    for (const ChartBand::Point& point : band.points) {
      scales->x.Include(point.x);
      scales->y.Include(point.low);
      scales->y.Include(point.high);
    }
  }
  for (const ChartMark& mark : chart.marks) {
    scales->x.Include(mark.x);
    scales->y.Include(mark.y);
  }
}

// Scales that show all of the charts in a frame.
Scales ScalesOf(const std::vector<Chart>& charts, const Frame& frame) {
  Scales scales = {Scale(charts[0].x.logarithmic, frame.left, frame.right),
                   Scale(charts[0].y.logarithmic, frame.bottom, frame.top)};
  for (const Chart& chart : charts) Include(chart, &scales);
  scales.x.Finish();
  scales.y.Finish();
  return scales;
}

void AddText(double x, double y, const char* anchor, const std::string& text,
             std::string* out) {
  absl::StrAppendFormat(out,
                        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s"
                        "</text>\n",
                        x, y, anchor, EscapedXml(text));
}

// Grid, ticks and titles; the values of the y axis only if `with_y`.
void AddAxes(const Chart& chart, const Scales& scales, const Frame& frame,
             bool with_y, std::string* out) {
  for (const double tick : scales.x.Ticks()) {
    const double x = scales.x.Pixel(tick);
    absl::StrAppendFormat(out, "<path d=\"M%.1f %.1fV%.1f\" class=\"grid\"/>\n",
                          x, frame.top, frame.bottom);
    AddText(x, frame.bottom + 18, "middle", absl::StrFormat("%g", tick), out);
  }
  for (const double tick : scales.y.Ticks()) {
    const double y = scales.y.Pixel(tick);
    absl::StrAppendFormat(out, "<path d=\"M%.1f %.1fH%.1f\" class=\"grid\"/>\n",
                          frame.left, y, frame.right);
    if (!with_y) continue;
    AddText(frame.left - 8, y + 4, "end", absl::StrFormat("%g", tick), out);
  }
  AddText((frame.left + frame.right) / 2, frame.bottom + 44, "middle",
          chart.x.title, out);
  if (!with_y) return;
  absl::StrAppendFormat(out,
                        "<text transform=\"translate(18 %.1f) rotate(-90)\" "
                        "text-anchor=\"middle\">%s</text>\n",
                        (frame.top + frame.bottom) / 2,
                        EscapedXml(chart.y.title));
}

void AddBand(const ChartBand& band, const Scales& scales, std::string* out) {
  std::string there, back;
  for (const ChartBand::Point& point : band.points) {
    if (!scales.x.Shows(point.x) || !scales.y.Shows(point.low) ||
        !scales.y.Shows(point.high)) {
      continue;
    }
    const double x = scales.x.Pixel(point.x);
    absl::StrAppendFormat(&there, "%s%.1f %.1f", there.empty() ? "M" : "L", x,
                          scales.y.Pixel(point.high));
    back = absl::StrFormat("L%.1f %.1f%s", x, scales.y.Pixel(point.low), back);
  }
  if (there.empty()) return;
  absl::StrAppendFormat(out,
                        "<path d=\"%s%sZ\" fill=\"%s\" fill-opacity=\"0.18\"/>"
                        "\n",
                        there, back, EscapedXml(band.color));
}

void AddLine(const ChartLine& line, const Scales& scales, std::string* out) {
  std::string path;
  for (const auto& [x, y] : line.points) {
    if (!scales.x.Shows(x) || !scales.y.Shows(y)) continue;
    absl::StrAppendFormat(&path, "%s%.1f %.1f", path.empty() ? "M" : "L",
                          scales.x.Pixel(x), scales.y.Pixel(y));
  }
  if (path.empty()) return;
  absl::StrAppendFormat(
      out,
      "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s/>\n",
      path, EscapedXml(line.color),
      line.dashed ? " stroke-dasharray=\"6 4\"" : "");
}

// A rectangle that text or a point covers, in pixels.
struct Box {
  double left, right, top, bottom;

  bool Meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom &&
           other.top < bottom;
  }
};

void AddMark(const ChartMark& mark, double x, double y, std::string* out) {
  const std::string color = EscapedXml(mark.color);
  absl::StrAppendFormat(
      out,
      "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"%s><title>%s</title>"
      "</circle>\n",
      x, y, mark.hollow ? "white" : color,
      mark.hollow ? absl::StrCat(" stroke=\"", color, "\" stroke-width=\"2\"")
                  : "",
      EscapedXml(mark.label));
}

// Boxes in which a text beside the point (x, y) could stand, the nearest first:
// to the right or left, and ever further up or down.
std::vector<Box> PlacesBeside(double x, double y, const std::string& text) {
  // The mean width of a character of the font, generously; letters are about
  // 11 pixels high.
  const double width = 6.0 * static_cast<double>(text.size());
  std::vector<Box> places;
  for (int step = 0; step <= 40; ++step) {
    for (const int up : {-1, 1}) {
      if (step == 0 && up > 0) continue;
      const double top = y - 6 + up * 4 * step;
      places.push_back({x + 7, x + 7 + width, top, top + 12});
      places.push_back({x - 7 - width, x - 7, top, top + 12});
    }
  }
  return places;
}

// Writes the texts of the marks where they meet no other text or point, with a
// line to the point if they are not beside it. A text for which there is no
// place is left out; it is still in the point's label.
void AddMarkTexts(const std::vector<ChartMark>& marks, const Scales& scales,
                  const Frame& frame, std::string* out) {
  std::vector<Box> taken;
  for (const ChartMark& mark : marks) {
    if (!scales.x.Shows(mark.x) || !scales.y.Shows(mark.y)) continue;
    const double x = scales.x.Pixel(mark.x), y = scales.y.Pixel(mark.y);
    taken.push_back({x - 5, x + 5, y - 5, y + 5});
  }
  for (const ChartMark& mark : marks) {
    if (mark.text.empty() || !scales.x.Shows(mark.x) ||
        !scales.y.Shows(mark.y)) {
      continue;
    }
    const double x = scales.x.Pixel(mark.x), y = scales.y.Pixel(mark.y);
    for (const Box& box : PlacesBeside(x, y, mark.text)) {
      const bool inside = box.left >= frame.left && box.right <= frame.right &&
                          box.top >= frame.top && box.bottom <= frame.bottom;
      const auto meets = [&](const Box& other) { return box.Meets(other); };
      if (!inside || std::any_of(taken.begin(), taken.end(), meets)) continue;
      const bool on_the_right = box.left > x;
      const double middle = (box.top + box.bottom) / 2;
      if (std::abs(middle - y) > 5) {
        absl::StrAppendFormat(
            out, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"#999\"/>\n", x, y,
            on_the_right ? box.left - 1 : box.right + 1, middle);
      }
      absl::StrAppendFormat(
          out,
          "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"10\" "
          "stroke=\"white\" stroke-width=\"3\" paint-order=\"stroke\" "
          "fill=\"%s\">%s</text>\n",
          on_the_right ? box.left : box.right, middle + 3.5,
          on_the_right ? "start" : "end", EscapedXml(mark.color),
          EscapedXml(mark.text));
      taken.push_back(box);
      break;
    }
  }
}

// Everything within a frame but the axes.
void AddPlot(const Chart& chart, const Scales& scales, const Frame& frame,
             std::string* out) {
  for (const ChartBand& band : chart.bands) AddBand(band, scales, out);
  for (const ChartLine& line : chart.lines) AddLine(line, scales, out);
  AddMarkTexts(chart.marks, scales, frame, out);
  for (const ChartMark& mark : chart.marks) {
    if (!scales.x.Shows(mark.x) || !scales.y.Shows(mark.y)) continue;
    AddMark(mark, scales.x.Pixel(mark.x), scales.y.Pixel(mark.y), out);
  }
}

// A legend entry with its left end at (x, y).
void AddLegendEntry(const ChartLine& line, double x, double y,
                    std::string* out) {
  absl::StrAppendFormat(
      out, "<path d=\"M%.1f %.1fh22\" stroke=\"%s\" stroke-width=\"2\"%s/>\n",
      x, y, EscapedXml(line.color),
      line.dashed ? " stroke-dasharray=\"6 4\"" : "");
  AddText(x + 28, y + 4, "start", line.name, out);
}

void AddLegend(const Chart& chart, std::string* out) {
  const double x = kWidth - kRight + 14;
  double y = kTop + 10;
  for (const ChartLine& line : chart.lines) {
    if (line.name.empty()) continue;
    if (y > kHeight - kBottom) {
      // Entries below the edge of the page would not be visible.
      AddText(x, y + 4, "start", "and more", out);
      return;
    }
    AddLegendEntry(line, x, y, out);
    y += 20;
  }
}

std::string Opening(double width, double height, const std::string& title) {
  std::string out = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n"
      "<style>.grid{stroke:#ddd;fill:none}</style>\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
      width, height);
  AddText(kLeft, 26, "start", title, &out);
  return out;
}

}  // namespace

const char* ChartColor(int i) {
  constexpr const char* kColors[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                     "#e69f00", "#56b4e9", "#000000"};
  return kColors[i % 7];
}

std::string EscapedXml(const std::string& text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

std::string ToSvg(const BarChart& chart) {
  constexpr double kRow = 20, kLabels = 420, kThick = 14;
  const double bottom = kTop + kRow * chart.bars.size();
  Scale scale(/*logarithmic=*/false, kLabels, kWidth - 30);
  scale.Include(chart.base);
  for (const BarChart::Bar& bar : chart.bars) {
    scale.Include(bar.at_low);
    scale.Include(bar.at_high);
  }
  scale.Finish();
  std::string out = Opening(kWidth, bottom + kBottom, chart.title);
  for (const double tick : scale.Ticks()) {
    const double x = scale.Pixel(tick);
    absl::StrAppendFormat(&out,
                          "<path d=\"M%.1f %.1fV%.1f\" class=\"grid\"/>\n", x,
                          kTop, bottom);
    AddText(x, bottom + 18, "middle", absl::StrFormat("%g", tick), &out);
  }
  AddText((kLabels + kWidth - 30) / 2, bottom + 44, "middle", chart.axis, &out);
  double y = kTop;
  for (const BarChart::Bar& bar : chart.bars) {
    AddText(kLabels - 8, y + kThick - 2, "end", bar.label, &out);
    for (const auto& [value, color] :
         {std::make_pair(bar.at_low, "#4477aa"),
          std::make_pair(bar.at_high, "#cc6644")}) {
      if (!scale.Shows(value)) continue;
      const double from = scale.Pixel(chart.base), to = scale.Pixel(value);
      absl::StrAppendFormat(&out,
                            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                            "height=\"%g\" fill=\"%s\"/>\n",
                            std::min(from, to), y, std::abs(to - from), kThick,
                            color);
    }
    y += kRow;
  }
  absl::StrAppend(&out, "</svg>\n");
  return out;
}

std::string ToSvg(const Chart& chart) {
  const Scales scales = ScalesOf({chart}, kWholeFrame);
  std::string out = Opening(kWidth, kHeight, chart.title);
  AddAxes(chart, scales, kWholeFrame, /*with_y=*/true, &out);
  AddPlot(chart, scales, kWholeFrame, &out);
  AddLegend(chart, &out);
  absl::StrAppend(&out, "</svg>\n");
  return out;
}

std::string ToSvg(const std::string& title, const std::string& note,
                  const std::vector<Chart>& charts) {
  constexpr double kGap = 24, kPanelTop = 84, kTextWidth = 7;
  // One chart is as wide as two side by side.
  const double panel = charts.size() == 1 ? 640 : 320;
  const double count = static_cast<double>(charts.size());
  std::string out = Opening(kLeft + count * panel + (count - 1) * kGap + kGap,
                            kHeight + 16, title);
  if (charts.empty()) return absl::StrCat(out, "</svg>\n");
  double x = kLeft;
  for (const ChartLine& line : charts[0].lines) {
    if (line.name.empty()) continue;
    AddLegendEntry(line, x, kTop, &out);
    x += 28 + kTextWidth * static_cast<double>(line.name.size()) + 16;
  }
  AddText(kLeft, kHeight + 4, "start", note, &out);
  for (size_t i = 0; i < charts.size(); ++i) {
    const double left = kLeft + static_cast<double>(i) * (panel + kGap);
    const Frame frame = {left, left + panel, kPanelTop, kHeight - kBottom};
    const Scales scales = ScalesOf(charts, frame);
    AddText((frame.left + frame.right) / 2, kPanelTop - 8, "middle",
            charts[i].title, &out);
    AddAxes(charts[0], scales, frame, /*with_y=*/i == 0, &out);
    AddPlot(charts[i], scales, frame, &out);
  }
  absl::StrAppend(&out, "</svg>\n");
  return out;
}

}  // namespace tokenjoule
