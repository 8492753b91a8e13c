#include "analyzer/report/chart.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/text_width.h"
#include "analyzer/report/xml.h"

namespace tokenjoule {
namespace {

// All lengths are in the document's unit, a pixel where it is 960 wide.
constexpr double kWidth = 960, kHeight = 540, kEdge = 24, kGap = 32;
constexpr double kTitleSize = 20, kSubtitleSize = 14, kSize = 13,
                 kMarkTextSize = 12;
constexpr char kInk[] = "#222", kGrey[] = "#555";
// The least height of a plot, and the most ticks of its y axis.
constexpr double kLeastPlot = 220;
constexpr int kMostYTicks = 8;

double LineHeight(double size) { return std::ceil(size * 1.3); }

// A rectangle.
struct Box {
  double left, right, top, bottom;

  double width() const { return right - left; }
  double height() const { return bottom - top; }
  bool Meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom &&
           other.top < bottom;
  }
  bool Holds(const Box& other) const {
    return left <= other.left && other.right <= right && top <= other.top &&
           other.bottom <= bottom;
  }
};

enum class Anchor { kStart, kMiddle, kEnd };

struct TextStyle {
  double size = kSize;
  std::string color = kInk;
  Anchor anchor = Anchor::kStart;
  bool bold = false;
  // Whether it has a white outline, so that it can be read over lines.
  bool outlined = false;
};

std::string DashOf(Dash dash) {
  switch (dash) {
    case Dash::kDashed:
      return " stroke-dasharray=\"7 4\"";
    case Dash::kDotted:
      return " stroke-dasharray=\"2 4\"";
    case Dash::kDashDot:
      return " stroke-dasharray=\"9 4 2 4\"";
    case Dash::kSolid:
      break;
  }
  return "";
}

// The elements of a document.
class Canvas {
 public:
  const std::string& text() const { return out_; }

  void Text(double x, double baseline, absl::string_view text,
            const TextStyle& style = {}) {
    if (text.empty()) return;
    const char* anchor = style.anchor == Anchor::kStart    ? "start"
                         : style.anchor == Anchor::kMiddle ? "middle"
                                                           : "end";
    absl::StrAppendFormat(
        &out_,
        "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%g\" text-anchor=\"%s\" "
        "fill=\"%s\"%s%s>%s</text>\n",
        x, baseline, style.size, anchor, EscapedXml(style.color),
        style.bold ? " font-weight=\"bold\"" : "",
        style.outlined ? " stroke=\"white\" stroke-width=\"3\" "
                         "stroke-linejoin=\"round\" paint-order=\"stroke\""
                       : "",
        EscapedXml(text));
  }
  // Lines of text, the first with its top at `top`. Returns the bottom.
  double Lines(double x, double top, const std::vector<std::string>& lines,
               const TextStyle& style = {}) {
    for (const std::string& line : lines) {
      Text(x, top + 0.8 * LineHeight(style.size), line, style);
      top += LineHeight(style.size);
    }
    return top;
  }
  void Stroke(absl::string_view path, absl::string_view color, double width,
              Dash dash = Dash::kSolid, double opacity = 1) {
    absl::StrAppendFormat(
        &out_,
        "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%g\"%s%s/>\n",
        path, EscapedXml(color), width, DashOf(dash),
        opacity < 1 ? absl::StrFormat(" stroke-opacity=\"%g\"", opacity) : "");
  }
  void Fill(absl::string_view path, absl::string_view color, double opacity) {
    absl::StrAppendFormat(&out_,
                          "<path d=\"%s\" fill=\"%s\" fill-opacity=\"%g\"/>\n",
                          path, EscapedXml(color), opacity);
  }
  void Bar(const Box& box, absl::string_view color, absl::string_view label) {
    absl::StrAppendFormat(&out_,
                          "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                          "height=\"%.1f\" fill=\"%s\"",
                          box.left, box.top, box.width(), box.height(),
                          EscapedXml(color));
    Close("rect", label);
  }
  void Mark(double x, double y, Shape shape, double radius,
            absl::string_view color, bool hollow, bool faint,
            absl::string_view label) {
    const double r = radius;
    std::string name = "path", where;
    switch (shape) {
      case Shape::kCircle:
        name = "circle";
        where = absl::StrFormat("cx=\"%.1f\" cy=\"%.1f\" r=\"%g\"", x, y, r);
        break;
      case Shape::kSquare:
        where = absl::StrFormat("d=\"M%.1f %.1fh%gv%gh%gZ\"", x - 0.9 * r,
                                y - 0.9 * r, 1.8 * r, 1.8 * r, -1.8 * r);
        break;
      case Shape::kDiamond:
        where = absl::StrFormat("d=\"M%.1f %.1fl%g %gl%g %gl%g %gZ\"", x,
                                y - 1.3 * r, 1.3 * r, 1.3 * r, -1.3 * r,
                                1.3 * r, -1.3 * r, -1.3 * r);
        break;
      case Shape::kTriangle:
        where = absl::StrFormat("d=\"M%.1f %.1fl%g %gh%gZ\"", x, y - 1.2 * r,
                                1.2 * r, 2.1 * r, -2.4 * r);
        break;
      case Shape::kCross:
        where = absl::StrFormat("d=\"M%.1f %.1fl%g %gm0 %gl%g %g\"", x - r,
                                y - r, 2 * r, 2 * r, -2 * r, -2 * r, 2 * r);
        hollow = true;
        break;
    }
    absl::StrAppendFormat(
        &out_, "<%s %s fill=\"%s\" stroke=\"%s\" stroke-width=\"%g\"%s", name,
        where, hollow && shape == Shape::kCross ? "none"
               : hollow                         ? "white"
                                                : EscapedXml(color),
        hollow ? EscapedXml(color) : std::string("white"), hollow ? 2.0 : 0.8,
        faint ? " opacity=\"0.35\"" : "");
    Close(name, label);
  }

 private:
  // Ends an element that a label describes when a pointer rests on it.
  void Close(absl::string_view name, absl::string_view label) {
    if (label.empty()) {
      absl::StrAppend(&out_, "/>\n");
      return;
    }
    absl::StrAppend(&out_, "><title>", EscapedXml(label), "</title></", name,
                    ">\n");
  }

  std::string out_;
};

// An entry of a key.
struct KeyEntry {
  std::string name, color;
  Shape shape = Shape::kSquare;
  bool hollow = false;
  // Of a line instead of a mark.
  bool is_line = false;
  Dash dash = Dash::kSolid;
};

void AddEntry(const KeyEntry& entry, std::vector<KeyEntry>* key) {
  if (entry.name.empty()) return;
  for (const KeyEntry& known : *key) {
    if (known.name == entry.name) return;
  }
  key->push_back(entry);
}

void AddKeyOf(const Panel& panel, bool with_lines, std::vector<KeyEntry>* key) {
  for (const Line& line : panel.lines) {
    if (!with_lines) break;
    AddEntry({line.name, line.color, Shape::kCircle, false, true, line.dash},
             key);
  }
  for (const Row& row : panel.rows) {
    for (const Row::Segment& segment : row.segments) {
      AddEntry({segment.series, segment.color}, key);
    }
  }
  for (const Mark& mark : panel.marks) {
    AddEntry({mark.series, mark.color, mark.shape, mark.hollow}, key);
  }
}

constexpr double kSwatch = 24, kBetweenEntries = 20;

// Draws a key in lines that are at most as wide as the box, from its top; `canvas`
// may be null. Returns the bottom.
double DrawKey(const std::vector<KeyEntry>& key, const Box& box,
               Canvas* canvas) {
  double x = box.left, top = box.top;
  for (const KeyEntry& entry : key) {
    const std::vector<std::string> lines =
        WrappedToWidth(entry.name, box.width() - kSwatch, kSize);
    double width = 0;
    for (const std::string& line : lines) {
      width = std::max(width, TextWidth(line, kSize));
    }
    if (x > box.left && x + kSwatch + width > box.right) {
      x = box.left;
      top += LineHeight(kSize) + 2;
    }
    const double middle = top + 0.5 * LineHeight(kSize);
    if (canvas != nullptr) {
      if (entry.is_line) {
        canvas->Stroke(absl::StrFormat("M%.1f %.1fh18", x, middle), entry.color,
                       2.4, entry.dash);
      } else {
        canvas->Mark(x + 9, middle, entry.shape, 5, entry.color, entry.hollow,
                     false, "");
      }
      canvas->Lines(x + kSwatch, top, lines);
    }
    top += LineHeight(kSize) * static_cast<double>(lines.size() - 1);
    x += kSwatch + width + kBetweenEntries;
  }
  return key.empty() ? top : top + LineHeight(kSize) + 4;
}

// Moves boxes of the given heights, which want their middles at `wanted` in ascending
// order, apart within [top, bottom], each as little as possible. Returns their tops.
// They leave the range at its bottom only if there is no room for all of them.
std::vector<double> MovedApart(const std::vector<double>& wanted,
                               const std::vector<double>& heights, double top,
                               double bottom) {
  // Runs of boxes that touch, each about the mean of what its boxes want.
  struct Run {
    size_t count = 0;
    double height = 0, sum = 0, start = 0;
  };
  const auto settle = [&](Run* run) {
    run->start = run->sum / static_cast<double>(run->count);
    run->start = std::max(top, std::min(run->start, bottom - run->height));
  };
  std::vector<Run> runs;
  for (size_t i = 0; i < wanted.size(); ++i) {
    Run run{1, heights[i], wanted[i] - heights[i] / 2, 0};
    settle(&run);
    while (!runs.empty() &&
           runs.back().start + runs.back().height > run.start) {
      Run merged = runs.back();
      runs.pop_back();
      // What the later boxes want, less what stands before them.
      merged.sum += run.sum - static_cast<double>(run.count) * merged.height;
      merged.count += run.count;
      merged.height += run.height;
      settle(&merged);
      run = merged;
    }
    runs.push_back(run);
  }
  std::vector<double> tops;
  size_t i = 0;
  for (const Run& run : runs) {
    double at = run.start;
    for (size_t k = 0; k < run.count; ++k) {
      tops.push_back(at);
      at += heights[i++];
    }
  }
  return tops;
}

// A name at the end of a line, or the text of a limit of y.
struct EndLabel {
  std::vector<std::string> lines;
  std::string color;
  // Where the line ends.
  double x, y;
};

// The text of a limit of x, above the plot.
struct TopLabel {
  std::vector<std::string> lines;
  std::string color;
  double x = 0, width = 0;
  int row = 0;
  bool left_of_line = false;
  // How far the text is moved to be within the panel.
  double shift = 0;
};

// The ranges of the values of a panel.
struct Ranges {
  AxisRange x, y;
};

void Include(const Panel& panel, Ranges* ranges) {
  IncludeValues(panel, &ranges->x, &ranges->y);
}

// A panel and where its parts lie.
class PanelView {
 public:
  struct Options {
    // The axes' ranges.
    Ranges ranges;
    // Whether the values and title of the y axis are written.
    bool with_y = true;
    // Whether lines have their names at their ends.
    bool with_names = true;
    // Where the panel begins and ends, px.
    double left = 0, right = 0;
  };

  PanelView(const Panel& panel, const Options& options)
      : panel_(panel),
        options_(options),
        left_(options.left),
        right_(options.right) {
    title_ = panel.title.empty()
                 ? std::vector<std::string>()
                 : WrappedToWidth(panel.title, Width(), kSubtitleSize, true);
    AddKeyOf(panel, /*with_lines=*/false, &key_);
    if (panel.rows.empty()) {
      LayOutPlot();
    } else {
      LayOutRows();
    }
    x_title_ = WrappedToWidth(x_.title, right_ - left_, kSize);
    LayOutTopLabels();
  }

  // Heights of what lies above and below the plot, and the least of the plot.
  double Above() const {
    double above = static_cast<double>(title_.size()) *
                   LineHeight(kSubtitleSize);
    if (!title_.empty()) above += 4;
    above = DrawKey(key_, {options_.left, options_.right, above, 0}, nullptr);
    if (panel_.rows.empty()) {
      above += static_cast<double>(y_title_.size()) * LineHeight(kSize) + 4;
    }
    return above + top_rows_ * (LineHeight(kSize) * top_lines_ + 2) + 4;
  }
  double Below() const {
    return 8 + LineHeight(kSize) * static_cast<double>(1 + x_title_.size());
  }
  double LeastPlot() const {
    if (!panel_.rows.empty()) return LeastRows();
    double sum = 0;
    for (const EndLabel& label : end_labels_) sum += HeightOf(label);
    return std::max(kLeastPlot, sum);
  }

  // Draws with the top of the panel, and the plot, at these heights.
  void Draw(double top, double plot_top, double plot_bottom, Canvas* canvas) {
    plot_ = {left_, right_, plot_top, plot_bottom};
    top = canvas->Lines(options_.left, top, title_,
                        {kSubtitleSize, kInk, Anchor::kStart, true, false});
    if (!title_.empty()) top += 4;
    top = DrawKey(key_, {options_.left, options_.right, top, 0}, canvas);
    if (panel_.rows.empty()) {
      canvas->Lines(options_.left, top, y_title_, {kSize, kGrey});
    }
    DrawXAxis(canvas);
    if (panel_.rows.empty()) {
      DrawYAxis(canvas);
      DrawPlot(canvas);
    } else {
      DrawLimits(canvas);
      DrawRows(canvas);
    }
  }

 private:
  double Width() const { return options_.right - options_.left; }
  double LeastRows() const {
    double sum = 8;
    for (const double height : row_heights_) sum += height;
    return sum;
  }
  double X(double value) const {
    return plot_.left + x_.At(value) * plot_.width();
  }
  double Y(double value) const {
    return plot_.bottom - y_.At(value) * plot_.height();
  }
  static double HeightOf(const EndLabel& label) {
    return LineHeight(kSize) * static_cast<double>(label.lines.size()) + 1;
  }
  // The colour of text beside something of a colour.
  static std::string TextColor(const std::string& color) { return color; }

  // The x axis with as many ticks as have room beside one another.
  void LayOutX() {
    const double width = right_ - left_;
    for (int most = std::max(2, static_cast<int>(width / 44)); most >= 2;
         --most) {
      x_ = tokenjoule::Draw(panel_.x, options_.ranges.x, most);
      double end = -1e9;
      bool apart = true;
      for (const Tick& tick : x_.ticks) {
        const double half = TextWidth(tick.text, kSize) / 2;
        const double at = x_.At(tick.value) * width;
        apart = apart && at - half > end + 8;
        end = at + half;
      }
      if (apart) return;
    }
    // Not even two fit.
    x_.ticks.resize(std::min<size_t>(1, x_.ticks.size()));
  }

  void LayOutPlot() {
    y_ = tokenjoule::Draw(panel_.y, options_.ranges.y, kMostYTicks);
    y_title_ = WrappedToWidth(y_.title, Width(), kSize);
    if (!options_.with_y) {
      // The lines stay, so that plots side by side are equally high.
      for (std::string& line : y_title_) line.clear();
    }
    double widest = 0;
    for (const Tick& tick : y_.ticks) {
      widest = std::max(widest, TextWidth(tick.text, kSize));
    }
    if (options_.with_y) left_ = options_.left + widest + 8;
    const double most_name = std::min(230.0, 0.34 * Width());
    double widest_name = 0;
    const auto add = [&](const std::string& name, const std::string& color) {
      EndLabel label{WrappedToWidth(name, most_name, kSize), color, 0, 0};
      for (const std::string& line : label.lines) {
        widest_name = std::max(widest_name, TextWidth(line, kSize));
      }
      end_labels_.push_back(std::move(label));
    };
    for (const Line& line : panel_.lines) {
      if (!options_.with_names || line.name.empty() || !EndOf(line)) continue;
      add(line.name, line.color);
    }
    for (const FigureLimit& limit : panel_.limits) {
      if (limit.of_x || limit.text.empty()) continue;
      if (options_.ranges.y.Shows(limit.value)) add(limit.text, limit.color);
    }
    right_ = options_.right - (widest_name > 0 ? widest_name + 24 : 8);
    LayOutX();
  }

  void LayOutRows() {
    const double most_label = 0.42 * Width();
    double widest = 0;
    for (const Row& row : panel_.rows) {
      labels_.push_back(
          WrappedToWidth(row.label, most_label, kSize, row.strong));
      for (const std::string& line : labels_.back()) {
        widest = std::max(widest, TextWidth(line, kSize, row.strong));
      }
      row_heights_.push_back(
          std::max(26.0, LineHeight(kSize) *
                                 static_cast<double>(labels_.back().size()) +
                             6));
    }
    left_ = options_.left + widest + 10;
    right_ = options_.right - 8;
    // The texts behind the bars need room, too.
    x_ = tokenjoule::Draw(panel_.x, options_.ranges.x, 4);
    for (const Row& row : panel_.rows) {
      const double text = TextWidth(row.text, kSize, row.strong) + 10;
      double end = x_.At(EndOf(row));
      for (const FigureLimit& limit : panel_.limits) {
        // See DrawRows: a text may be moved behind a limit.
        if (limit.of_x && options_.ranges.x.Shows(limit.value) &&
            !row.text.empty() && x_.At(limit.value) < end + 0.4) {
          end = std::max(end, x_.At(limit.value));
        }
      }
      right_ = std::min(right_, left_ + (options_.right - text - left_) /
                                            std::max(0.05, end));
    }
    right_ = std::max(right_, left_ + 60);
    LayOutX();
  }

  // Where texts of limits of x stand above the plot: in rows, beside their lines.
  void LayOutTopLabels() {
    const double most_text = std::max(60.0, Width() * 0.5);
    std::vector<const FigureLimit*> limits;
    for (const FigureLimit& limit : panel_.limits) {
      if (limit.of_x && options_.ranges.x.Shows(limit.value)) {
        limits.push_back(&limit);
      }
    }
    std::stable_sort(limits.begin(), limits.end(),
                     [](const FigureLimit* a, const FigureLimit* b) {
                       return a->value < b->value;
                     });
    for (const FigureLimit* limit : limits) {
      TopLabel label;
      label.lines = limit->text.empty()
                        ? std::vector<std::string>()
                        : WrappedToWidth(limit->text, most_text, kSize);
      label.color = limit->color;
      label.x = left_ + x_.At(limit->value) * (right_ - left_);
      for (const std::string& line : label.lines) {
        label.width = std::max(label.width, TextWidth(line, kSize));
      }
      if (!label.lines.empty()) {
        top_lines_ =
            std::max(top_lines_, static_cast<double>(label.lines.size()));
      }
      top_labels_.push_back(std::move(label));
      top_limits_.push_back(limit);
    }
    // The sides of their lines on which they stand in the fewest rows.
    const size_t sides =
        size_t{1} << std::min<size_t>(8, top_labels_.size());
    std::vector<TopLabel> best;
    for (size_t left = 0; left < sides; ++left) {
      std::vector<TopLabel> tried = top_labels_;
      for (size_t i = 0; i < tried.size(); ++i) {
        tried[i].left_of_line = (left >> std::min<size_t>(i, 7) & 1) != 0;
      }
      if (!StackTopLabels(/*lines_may_pass=*/false, &tried)) continue;
      if (best.empty() || RowsOf(tried) < RowsOf(best)) best = tried;
    }
    if (best.empty()) {
      // Their lines end at the plot, so that none passes through a text.
      best = top_labels_;
      for (TopLabel& label : best) {
        label.left_of_line = label.x + 4 + label.width > options_.right;
      }
      StackTopLabels(/*lines_may_pass=*/true, &best);
      lines_end_at_plot_ = true;
    }
    top_labels_ = std::move(best);
    top_rows_ = RowsOf(top_labels_);
  }

  static int RowsOf(const std::vector<TopLabel>& labels) {
    int rows = 0;
    for (const TopLabel& label : labels) {
      if (!label.lines.empty()) rows = std::max(rows, label.row + 1);
    }
    return rows;
  }

  // Gives each label the lowest row in which it meets no other, and in which no
  // line passes through a text unless that is allowed. Returns whether all have
  // one and are within the panel; they always are if lines may pass.
  bool StackTopLabels(bool lines_may_pass, std::vector<TopLabel>* labels) const {
    struct Placed {
      double left, right, line;
      int row;
    };
    std::vector<Placed> placed;
    for (TopLabel& label : *labels) {
      if (label.lines.empty()) continue;
      Placed box = {label.x + 4, label.x + 4 + label.width, label.x, 0};
      if (label.left_of_line) {
        box.left = label.x - 4 - label.width;
        box.right = label.x - 4;
      }
      if (lines_may_pass) {
        const double shift =
            std::max(options_.left - box.left,
                     std::min(0.0, options_.right - box.right));
        box.left += shift;
        box.right += shift;
        label.shift = shift;
      } else if (box.left < options_.left || box.right > options_.right) {
        return false;
      }
      const auto within = [](double x, const Placed& text) {
        return x > text.left - 2 && x < text.right + 2;
      };
      bool found = false;
      for (; box.row < 20 && !found; ++box.row) {
        found = std::all_of(placed.begin(), placed.end(), [&](const Placed& o) {
          if (o.row == box.row) {
            return box.right + 6 < o.left || o.right + 6 < box.left;
          }
          return lines_may_pass ||
                 (o.row > box.row ? !within(o.line, box) : !within(box.line, o));
        });
        if (found) break;
      }
      if (!found) return false;
      label.row = box.row;
      placed.push_back(box);
    }
    return true;
  }

  // Whether a line has any point that is shown, and the one furthest to the right.
  bool EndOf(const Line& line, double* x = nullptr, double* y = nullptr) const {
    const std::pair<double, double>* end = nullptr;
    for (const std::pair<double, double>& point : line.points) {
      if (!options_.ranges.x.Shows(point.first) ||
          !options_.ranges.y.Shows(point.second)) {
        continue;
      }
      // Of lines that go back and forth, the end on the right.
      if (end == nullptr || point.first >= end->first) end = &point;
    }
    if (end == nullptr) return false;
    if (x != nullptr) *x = X(end->first);
    if (y != nullptr) *y = Y(end->second);
    return true;
  }
  // The largest value of a row.
  double EndOf(const Row& row) const {
    double end = x_.low;
    const auto include = [&](double value) {
      if (options_.ranges.x.Shows(value)) end = std::max(end, value);
    };
    for (const Row::Segment& segment : row.segments) {
      include(segment.from);
      include(segment.to);
    }
    if (row.range.has_value()) {
      include(row.range->first);
      include(row.range->second);
    }
    return end;
  }

  void DrawXAxis(Canvas* canvas) {
    for (const Tick& tick : x_.ticks) {
      const double x = X(tick.value);
      canvas->Stroke(absl::StrFormat("M%.1f %.1fV%.1f", x, plot_.top,
                                     plot_.bottom),
                     tick.value == 0 ? "#999" : "#e4e4e4", 1);
      // Within the panel even at its ends.
      const double half = TextWidth(tick.text, kSize) / 2;
      const double middle = std::max(options_.left + half,
                                     std::min(x, options_.right - half));
      canvas->Text(middle, plot_.bottom + 4 + 0.8 * LineHeight(kSize),
                   tick.text, {kSize, kGrey, Anchor::kMiddle});
    }
    canvas->Stroke(
        absl::StrFormat("M%.1f %.1fH%.1f", plot_.left, plot_.bottom,
                        plot_.right),
        "#999", 1);
    double middle = (plot_.left + plot_.right) / 2;
    for (const std::string& line : x_title_) {
      const double half = TextWidth(line, kSize) / 2;
      middle = std::max(options_.left + half,
                        std::min(middle, options_.right - half));
    }
    canvas->Lines(middle, plot_.bottom + 6 + LineHeight(kSize), x_title_,
                  {kSize, kGrey, Anchor::kMiddle});
  }

  void DrawYAxis(Canvas* canvas) {
    for (const Tick& tick : y_.ticks) {
      const double y = Y(tick.value);
      canvas->Stroke(absl::StrFormat("M%.1f %.1fH%.1f", plot_.left, y,
                                     plot_.right),
                     "#e4e4e4", 1);
      if (!options_.with_y) continue;
      canvas->Text(plot_.left - 6, y + 0.36 * kSize, tick.text,
                   {kSize, kGrey, Anchor::kEnd});
    }
  }

  // Lines of limits with the texts of those of x.
  void DrawLimits(Canvas* canvas) {
    for (size_t i = 0; i < top_limits_.size(); ++i) {
      const TopLabel& label = top_labels_[i];
      const double height = LineHeight(kSize) * top_lines_ + 2;
      const double x = X(top_limits_[i]->value);
      const double top =
          label.lines.empty() ? plot_.top : plot_.top - 2 - height * (label.row + 1);
      canvas->Stroke(absl::StrFormat("M%.1f %.1fV%.1f", x,
                                     lines_end_at_plot_ ? plot_.top : top,
                                     plot_.bottom),
                     label.color, 1.5, top_limits_[i]->dash);
      canvas->Lines((label.left_of_line ? x - 4 : x + 4) + label.shift, top,
                    label.lines,
                    {kSize, label.color,
                     label.left_of_line ? Anchor::kEnd : Anchor::kStart});
    }
    for (const FigureLimit& limit : panel_.limits) {
      if (limit.of_x || !panel_.rows.empty() ||
          !options_.ranges.y.Shows(limit.value)) {
        continue;
      }
      canvas->Stroke(absl::StrFormat("M%.1f %.1fH%.1f", plot_.left,
                                     Y(limit.value), plot_.right),
                     limit.color, 1.5, limit.dash);
    }
  }

  void DrawBand(const FigureBand& band, Canvas* canvas) {
    std::string there, back;
    for (const FigureBand::Point& point : band.points) {
      if (!options_.ranges.x.Shows(point.x) ||
          !options_.ranges.y.Shows(point.low) ||
          !options_.ranges.y.Shows(point.high)) {
        continue;
      }
      absl::StrAppendFormat(&there, "%s%.1f %.1f", there.empty() ? "M" : "L",
                            X(point.x), Y(point.high));
      back = absl::StrFormat("L%.1f %.1f%s", X(point.x), Y(point.low), back);
    }
    if (!there.empty()) {
      const double opacity = panel_.bands.size() > 3 ? 0.1 : 0.16;
      canvas->Fill(absl::StrCat(there, back, "Z"), band.color, opacity);
    }
  }

  void DrawPlot(Canvas* canvas) {
    for (const FigureBand& band : panel_.bands) DrawBand(band, canvas);
    DrawLimits(canvas);
    for (const Line& line : panel_.lines) {
      std::string path;
      double last_x = 0, last_y = 0;
      for (const auto& [at_x, at_y] : line.points) {
        if (!options_.ranges.x.Shows(at_x) || !options_.ranges.y.Shows(at_y)) {
          continue;
        }
        const double x = X(at_x), y = Y(at_y);
        if (!path.empty()) segments_.push_back({last_x, last_y, x, y});
        absl::StrAppendFormat(&path, "%s%.1f %.1f", path.empty() ? "M" : "L", x,
                              y);
        last_x = x, last_y = y;
      }
      if (path.empty()) continue;
      canvas->Stroke(path, line.color, 2.4, line.dash, line.faint ? 0.4 : 1);
    }
    for (const FigureLimit* limit : top_limits_) {
      const double x = X(limit->value);
      segments_.push_back({x, plot_.top, x, plot_.bottom});
    }
    for (const FigureLimit& limit : panel_.limits) {
      if (limit.of_x || !options_.ranges.y.Shows(limit.value)) continue;
      const double y = Y(limit.value);
      segments_.push_back({plot_.left, y, plot_.right, y});
    }
    for (const Line& line : panel_.lines) {
      double x = 0, y = 0;
      if (!options_.with_names || line.name.empty() || !EndOf(line, &x, &y)) {
        continue;
      }
      segments_.push_back({x, y, plot_.right, y});
    }
    // What stays in the background comes first.
    for (const bool faint : {true, false}) {
      for (const Mark& mark : panel_.marks) {
        if (mark.faint != faint || !Shows(mark)) continue;
        canvas->Mark(X(mark.x), Y(mark.y), mark.shape, mark.radius, mark.color,
                     mark.hollow, mark.faint, mark.label);
      }
    }
    DrawMarkTexts(canvas);
    DrawEndLabels(canvas);
  }

  bool Shows(const Mark& mark) const {
    return options_.ranges.x.Shows(mark.x) && options_.ranges.y.Shows(mark.y);
  }

  // Names beside the plot, moved apart, each with a thin line to what it names.
  void DrawEndLabels(Canvas* canvas) {
    size_t next = 0;
    for (const Line& line : panel_.lines) {
      if (!options_.with_names || line.name.empty() || !EndOf(line)) continue;
      EndLabel& label = end_labels_[next++];
      EndOf(line, &label.x, &label.y);
    }
    for (const FigureLimit& limit : panel_.limits) {
      if (limit.of_x || limit.text.empty()) continue;
      if (!options_.ranges.y.Shows(limit.value)) continue;
      EndLabel& label = end_labels_[next++];
      label.x = plot_.right;
      label.y = Y(limit.value);
    }
    std::stable_sort(
        end_labels_.begin(), end_labels_.end(),
        [](const EndLabel& a, const EndLabel& b) { return a.y < b.y; });
    std::vector<double> wanted, heights;
    for (const EndLabel& label : end_labels_) {
      wanted.push_back(label.y);
      heights.push_back(HeightOf(label));
    }
    const std::vector<double> tops =
        MovedApart(wanted, heights, plot_.top, plot_.bottom);
    for (size_t i = 0; i < end_labels_.size(); ++i) {
      const EndLabel& label = end_labels_[i];
      const double middle = tops[i] + heights[i] / 2;
      const double x = plot_.right + 20;
      // Level with the end up to the plot's edge, then to the label.
      canvas->Stroke(
          absl::StrFormat("M%.1f %.1fH%.1fL%.1f %.1f", label.x + 2, label.y,
                          std::max(label.x + 2, plot_.right + 3), x - 3,
                          middle),
          label.color, 1, Dash::kSolid, 0.55);
      canvas->Lines(x, tops[i], label.lines,
                    {kSize, TextColor(label.color)});
    }
  }

  struct Segment {
    double x1, y1, x2, y2;
  };

  // Whether a line passes through a box.
  static bool Crosses(const Segment& line, const Box& box) {
    double from = 0, to = 1;
    const auto clip = [&](double start, double change, double low,
                          double high) {
      if (std::abs(change) < 1e-12) return low <= start && start <= high;
      double enter = (low - start) / change, leave = (high - start) / change;
      if (enter > leave) std::swap(enter, leave);
      from = std::max(from, enter);
      to = std::min(to, leave);
      return from <= to;
    };
    return clip(line.x1, line.x2 - line.x1, box.left, box.right) &&
           clip(line.y1, line.y2 - line.y1, box.top, box.bottom);
  }

  // Boxes in which a text of that width could stand beside a point, the nearest
  // first: to the right, left, above, below, and ever further up or down.
  static std::vector<Box> PlacesBeside(double x, double y, double radius,
                                       double width) {
    constexpr double kHigh = 14;
    const double off = radius + 3;
    std::vector<Box> places;
    const auto add = [&](double left, double top) {
      places.push_back({left, left + width, top, top + kHigh});
    };
    for (int step = 0; step <= 45; ++step) {
      for (const int up : {-1, 1}) {
        if (step == 0 && up > 0) continue;
        const double top = y - kHigh / 2 + up * 4 * step;
        add(x + off, top);
        add(x - off - width, top);
        if (4 * step < kHigh / 2 + off) continue;
        add(x - width / 2, top);
        add(x - 0.85 * width, top);
        add(x - 0.15 * width, top);
      }
    }
    return places;
  }

  // Texts of several marks that lie above one another, as a column beside them,
  // with lines that do not cross. Returns false, and draws nothing, if there is no
  // room for it on either side.
  bool DrawColumn(std::vector<const Mark*> marks, const Box& inside,
                  std::vector<Box>* taken, Canvas* canvas) {
    constexpr double kHigh = 15, kAway = 18;
    std::stable_sort(marks.begin(), marks.end(),
                     [&](const Mark* a, const Mark* b) { return a->y > b->y; });
    std::vector<double> wanted, heights(marks.size(), kHigh);
    double widest = 0;
    for (const Mark* mark : marks) {
      wanted.push_back(Y(mark->y));
      widest = std::max(widest, TextWidth(mark->text, kMarkTextSize));
    }
    const std::vector<double> tops =
        MovedApart(wanted, heights, inside.top, inside.bottom);
    const double x = X(marks[0]->x);
    for (const bool left : {true, false}) {
      std::vector<Box> boxes;
      bool free = true;
      for (size_t i = 0; i < marks.size(); ++i) {
        const double width = TextWidth(marks[i]->text, kMarkTextSize);
        const double start = left ? x - kAway - width : x + kAway;
        boxes.push_back({start, start + width, tops[i], tops[i] + kHigh - 1});
        const auto meets = [&](const Box& other) {
          return other.Meets(boxes.back());
        };
        free = free && inside.Holds(boxes.back()) &&
               std::none_of(taken->begin(), taken->end(), meets);
      }
      if (!free) continue;
      for (size_t i = 0; i < marks.size(); ++i) {
        const Mark& mark = *marks[i];
        const double middle = tops[i] + (kHigh - 1) / 2, side = left ? -1 : 1;
        canvas->Stroke(
            absl::StrFormat("M%.1f %.1fL%.1f %.1f",
                            x + side * (mark.radius + 1), wanted[i],
                            x + side * (kAway - 2), middle),
            mark.color, 0.8, Dash::kSolid, 0.6);
        canvas->Text(boxes[i].left, middle + 0.36 * kMarkTextSize, mark.text,
                     {kMarkTextSize, mark.color, Anchor::kStart, false, true});
        taken->push_back(boxes[i]);
      }
      return true;
    }
    return false;
  }

  void DrawMarkTexts(Canvas* canvas) {
    std::vector<Box> taken;
    std::vector<const Mark*> texts;
    for (const Mark& mark : panel_.marks) {
      if (!Shows(mark)) continue;
      if (!mark.faint) {
        const double x = X(mark.x), y = Y(mark.y), r = mark.radius + 1;
        taken.push_back({x - r, x + r, y - r, y + r});
      }
      if (!mark.text.empty()) texts.push_back(&mark);
    }
    const Box inside = {plot_.left + 1, plot_.right - 1, plot_.top + 1,
                        plot_.bottom - 1};
    // Columns first, because they need most room.
    std::vector<const Mark*> single;
    while (!texts.empty()) {
      const double x = X(texts.front()->x);
      std::vector<const Mark*> column, others;
      for (const Mark* mark : texts) {
        (std::abs(X(mark->x) - x) < 1 ? column : others).push_back(mark);
      }
      if (column.size() < 4 || !DrawColumn(column, inside, &taken, canvas)) {
        single.insert(single.end(), column.begin(), column.end());
      }
      texts = others;
    }
    for (const Mark* mark : single) DrawMarkText(*mark, inside, &taken, canvas);
  }

  // The text of one mark, with a line to it if it is not beside it.
  void DrawMarkText(const Mark& mark, const Box& inside,
                    std::vector<Box>* taken, Canvas* canvas) {
    const double x = X(mark.x), y = Y(mark.y);
    const double width = TextWidth(mark.text, kMarkTextSize);
    const std::vector<Box> places = PlacesBeside(x, y, mark.radius, width);
    const auto leader = [&](const Box& box) {
      const double near_x = std::max(box.left, std::min(x, box.right));
      const double near_y = (box.top + box.bottom) / 2 < y ? box.bottom : box.top;
      return Segment{x, y, near_x, near_y};
    };
    const auto is_away = [&](const Box& box) {
      const Segment line = leader(box);
      const double middle = (box.top + box.bottom) / 2;
      return std::hypot(line.x2 - x, middle - y) > mark.radius + 14;
    };
    const Box* best = nullptr;
    // If there is such a place within reach: clear of lines, and the line to it clear
    // of other texts.
    for (const int strict : {2, 1, 0}) {
      for (const Box& box : places) {
        const Box padded = {box.left - 3, box.right + 3, box.top, box.bottom};
        // Coordinates are written with a decimal, so that texts that only just do
        // not meet would.
        const Box apart = {box.left - 1, box.right + 1, box.top, box.bottom};
        const auto meets = [&](const Box& other) { return apart.Meets(other); };
        const auto crosses = [&](const Segment& line) {
          return Crosses(line, padded);
        };
        if (!inside.Holds(box) ||
            std::any_of(taken->begin(), taken->end(), meets)) {
          continue;
        }
        if (strict == 2 &&
            std::any_of(segments_.begin(), segments_.end(), crosses)) {
          continue;
        }
        if (strict > 0 && is_away(box)) {
          const Segment line = leader(box);
          const bool through =
              std::any_of(taken->begin(), taken->end(), [&](const Box& other) {
                return other.width() > 30 && Crosses(line, other);
              });
          if (through) continue;
        }
        best = &box;
        break;
      }
      if (best != nullptr) break;
    }
    if (best == nullptr) return;
    if (is_away(*best)) {
      const Segment line = leader(*best);
      canvas->Stroke(absl::StrFormat("M%.1f %.1fL%.1f %.1f", line.x1, line.y1,
                                     line.x2, line.y2),
                     mark.color, 0.8, Dash::kSolid, 0.6);
      segments_.push_back(line);
    }
    canvas->Text(best->left,
                 (best->top + best->bottom) / 2 + 0.36 * kMarkTextSize,
                 mark.text,
                 {kMarkTextSize, mark.color, Anchor::kStart, false, true});
    taken->push_back(*best);
  }

  void DrawRows(Canvas* canvas) {
    // Rows share the height that is left, up to a limit.
    const double count = static_cast<double>(panel_.rows.size());
    const double extra =
        std::max(0.0, std::min(34.0, (plot_.height() - LeastRows()) / count));
    const double half = 8 + extra / 4;
    double top = plot_.top + 4;
    // What the value axis cannot show begins at its end.
    const auto at = [&](double value) {
      return X(std::max(x_.low, std::min(value, x_.high)));
    };
    for (size_t i = 0; i < panel_.rows.size(); ++i) {
      const Row& row = panel_.rows[i];
      const double height = row_heights_[i] + extra;
      const double middle = top + height / 2;
      const double lines = static_cast<double>(labels_[i].size());
      canvas->Lines(plot_.left - 8, middle - LineHeight(kSize) * lines / 2,
                    labels_[i],
                    {kSize, kInk, Anchor::kEnd, row.strong, false});
      for (const Row::Segment& segment : row.segments) {
        if (!std::isfinite(segment.from) || !std::isfinite(segment.to)) continue;
        const double from = at(segment.from), to = at(segment.to);
        canvas->Bar({std::min(from, to), std::max(from, to), middle - half,
                     middle + half},
                    segment.color, segment.label);
      }
      double end = at(EndOf(row));
      if (row.range.has_value() && std::isfinite(row.range->first) &&
          std::isfinite(row.range->second)) {
        const double low = at(row.range->first), high = at(row.range->second);
        canvas->Stroke(
            absl::StrFormat("M%.1f %.1fv8M%.1f %.1fH%.1fM%.1f %.1fv8", low,
                            middle - 4, low, middle, high, high, middle - 4),
            kInk, 1.3);
      }
      double text = end + 7;
      const double width = TextWidth(row.text, kSize, row.strong);
      for (const FigureLimit* limit : top_limits_) {
        // Behind a line that would pass through it, if there is room.
        const double line = X(limit->value);
        if (line > text - 3 && line < text + width &&
            line + 6 + width <= options_.right) {
          text = line + 6;
        }
      }
      canvas->Text(text, middle + 0.36 * kSize, row.text,
                   {kSize, kInk, Anchor::kStart, row.strong, true});
      top += height;
    }
  }

  const Panel& panel_;
  const Options options_;
  double left_, right_;
  std::vector<std::string> title_, x_title_, y_title_;
  std::vector<KeyEntry> key_;
  DrawnAxis x_, y_;
  std::vector<EndLabel> end_labels_;
  std::vector<TopLabel> top_labels_;
  std::vector<const FigureLimit*> top_limits_;
  int top_rows_ = 0;
  bool lines_end_at_plot_ = false;
  double top_lines_ = 1;
  std::vector<std::vector<std::string>> labels_;
  std::vector<double> row_heights_;
  Box plot_ = {};
  std::vector<Segment> segments_;
};

}  // namespace

std::string ToSvg(const Figure& figure) {
  const Box page = {kEdge, kWidth - kEdge, 0, 0};
  Canvas canvas;
  double top = canvas.Lines(
      page.left, 14, WrappedToWidth(figure.title, page.width(), kTitleSize, true),
      {kTitleSize, kInk, Anchor::kStart, true, false});
  for (const std::string& line : figure.subtitle) {
    top = canvas.Lines(page.left, top,
                       WrappedToWidth(line, page.width(), kSubtitleSize),
                       {kSubtitleSize, kGrey});
  }
  top += 8;
  // The lines of panels with the same axes are in one key.
  const bool shared_key = figure.same_axes && figure.panels.size() > 1;
  if (shared_key) {
    std::vector<KeyEntry> key;
    for (const Panel& panel : figure.panels) {
      for (const Line& line : panel.lines) {
        AddEntry({line.name, line.color, Shape::kCircle, false, true, line.dash},
                 &key);
      }
    }
    top = DrawKey(key, {page.left, page.right, top, 0}, &canvas);
  }

  double widths = 0;
  for (const Panel& panel : figure.panels) widths += panel.width;
  const double gaps = kGap * (static_cast<double>(figure.panels.size()) - 1);
  std::vector<PanelView> views;
  double left = page.left;
  for (size_t i = 0; i < figure.panels.size(); ++i) {
    const Panel& panel = figure.panels[i];
    const double width = (page.width() - gaps) * panel.width / widths;
    PanelView::Options options = {{AxisRange(panel.x), AxisRange(panel.y)}};
    if (figure.same_axes) {
      options.ranges = {AxisRange(figure.panels[0].x),
                        AxisRange(figure.panels[0].y)};
      for (const Panel& other : figure.panels) Include(other, &options.ranges);
    } else {
      Include(panel, &options.ranges);
    }
    options.with_y = !figure.same_axes || i == 0;
    options.with_names = !shared_key;
    options.left = left;
    options.right = left + width;
    views.emplace_back(panel, options);
    left += width + kGap;
  }

  double above = 0, below = 0, plot = kLeastPlot;
  for (const PanelView& view : views) {
    above = std::max(above, view.Above());
    below = std::max(below, view.Below());
    plot = std::max(plot, view.LeastPlot());
  }
  const std::vector<std::string> note =
      figure.note.empty()
          ? std::vector<std::string>()
          : WrappedToWidth(figure.note, page.width(), kMarkTextSize);
  const double footer =
      static_cast<double>(note.size()) * LineHeight(kMarkTextSize) + 14;
  // A few bars alone do not fill a slide.
  bool only_rows = !figure.panels.empty();
  size_t rows = 0;
  for (const Panel& panel : figure.panels) {
    only_rows = only_rows && !panel.rows.empty();
    rows = std::max(rows, panel.rows.size());
  }
  const double least = only_rows && rows < 7 ? kHeight * 0.72 : kHeight;
  const double height =
      std::ceil(std::max(least, top + above + plot + below + footer));
  for (PanelView& view : views) {
    view.Draw(top, top + above, height - footer - below, &canvas);
  }
  canvas.Lines(page.left, height - footer + 4, note, {kMarkTextSize, kGrey});
  return absl::StrCat(
      absl::StrFormat(
          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" "
          "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\" "
          "role=\"img\">\n",
          kWidth, height),
      "<title>", EscapedXml(figure.title), "</title>\n",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n", canvas.text(),
      "</svg>\n");
}

}  // namespace tokenjoule
