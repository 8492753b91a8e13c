#include "analyzer/report/axis.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"

namespace tokenjoule {
namespace {

// Beyond these, differences and quotients of values overflow or vanish.
constexpr double kLargest = 1e100, kSmallest = 1e-100;
// Part of the range that is added at each end.
constexpr double kMargin = 0.04;
// The least range of a linear axis, relative to its values: ticks then differ
// within five digits.
constexpr double kLeastRange = 1e-3;

// Smaller values are not shown with a prefix: they would be 0.001 of the smallest.
constexpr double kLeastPrefixed = 1e-21;

// The minus sign of typography, as wide as the plus sign.
std::string WithMinus(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"-", "\xe2\x88\x92"}});
}

// The smallest of 1, 2, 5 times a power of ten for which at most `most` multiples
// lie within a range of that length.
double NiceStep(double length, int most) {
  const double least = length / most;
  const double decade = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1, 2, 5}) {
    if (factor * decade >= least * (1 - 1e-9)) return factor * decade;
  }
  return 10 * decade;
}

// How values are written: over `scale`, with `suffix` behind.
struct TickUnit {
  double scale;
  std::string suffix;
};

// Multiples of a step within a range.
std::vector<Tick> EvenTicks(double low, double high, int most,
                            const TickUnit& unit) {
  const double scale = unit.scale;
  // A range of n steps holds n + 1 multiples, or n; of less than one step perhaps
  // none, so that the step is made smaller until there is one.
  std::vector<Tick> ticks;
  for (int parts = std::max(1, most - 1); ticks.empty() && parts <= most + 1;
       ++parts) {
    const double step = NiceStep((high - low) / scale, parts);
    const int decimals =
        std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
    const double first = std::ceil(low / scale / step - 1e-9);
    for (int i = 0; i < most; ++i) {
      const double value = (first + i) * step;
      if (value > high / scale + 1e-9 * step) break;
      const double whole = std::abs(value) < step / 2 ? 0 : value;
      ticks.push_back(
          {whole * scale,
           absl::StrCat(WithMinus(absl::StrFormat("%.*f", decimals, whole)),
                        whole == 0 ? "" : unit.suffix)});
    }
  }
  return ticks;
}

// A power of ten times a digit, without needless zeros: "0.01", "2", "500", and of
// counts "10k".
std::string LogText(double value, const TickUnit& unit) {
  if (unit.scale == 1 && value >= 0.99e4 && value < 1e18) {
    const SiPrefix prefix = PrefixFor(value);
    return absl::StrCat(value / prefix.factor, prefix.symbol);
  }
  if (value >= 0.99e-4 && value < 0.99e6) {
    return absl::StrCat(std::round(value * 1e6) / 1e6, unit.suffix);
  }
  return absl::StrCat(value, unit.suffix);
}

std::vector<Tick> PowersOfTwo(double low, double high, int most) {
  const double first = std::ceil(std::log2(low) - 1e-9);
  const double last = std::floor(std::log2(high) + 1e-9);
  const double every = std::max(1.0, std::ceil((last - first + 1) / most));
  std::vector<Tick> ticks;
  // Multiples of `every`, so that 1 is among them.
  for (double e = std::ceil(first / every) * every; e <= last; e += every) {
    const double value = std::exp2(e);
    ticks.push_back({value, value < 1e6 && value >= 1
                                ? absl::StrFormat("%.0f", value)
                                : absl::StrFormat("%.4g", value)});
  }
  return ticks;
}

// Ticks of a logarithmic axis: the densest that are not more than `most`, of digits
// 1 to 9 times powers of ten, or of every n-th power; evenly spaced values where
// the range is so narrow that no digits fall into it.
std::vector<Tick> LogTicks(double low, double high, int most,
                           const TickUnit& unit) {
  const double scale = unit.scale;
  const double from = low / scale, to = high / scale;
  if (to < 2.5 * from) return EvenTicks(low, high, most, unit);
  const auto digits = [&](const std::vector<double>& mantissas) {
    std::vector<Tick> ticks;
    for (double e = std::floor(std::log10(from)) - 1;
         e <= std::log10(to) + 1e-9; ++e) {
      for (const double mantissa : mantissas) {
        const double value = mantissa * std::pow(10, e);
        if (value < from * (1 - 1e-9) || value > to * (1 + 1e-9)) continue;
        ticks.push_back({value * scale, LogText(value, unit)});
      }
    }
    return ticks;
  };
  for (const std::vector<double>& mantissas :
       {std::vector<double>{1, 1.5, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 3, 5, 7},
        {1, 2, 5}, {1, 3}, {1}}) {
    std::vector<Tick> ticks = digits(mantissas);
    if (static_cast<int>(ticks.size()) <= most && ticks.size() >= 2) {
      return ticks;
    }
  }
  const double first = std::ceil(std::log10(from) - 1e-9);
  const double last = std::floor(std::log10(to) + 1e-9);
  if (last - first + 1 < 2) return EvenTicks(low, high, most, unit);
  const double every = std::ceil((last - first + 1) / most);
  std::vector<Tick> ticks;
  for (double e = std::ceil(first / every) * every; e <= last; e += every) {
    ticks.push_back({std::pow(10, e) * scale, LogText(std::pow(10, e), unit)});
  }
  return ticks;
}

// Powers of ten, each with its own prefix: of a thousand where that is enough.
std::vector<Tick> UnitTicks(double low, double high, int most,
                            const std::string& unit) {
  const double first = std::ceil(std::log10(low) - 1e-9);
  const double last = std::floor(std::log10(high) + 1e-9);
  double every = std::max(1.0, std::ceil((last - first + 1) / most));
  if (every > 1) every = 3 * std::ceil(every / 3);
  std::vector<Tick> ticks;
  for (double e = std::ceil(first / every) * every; e <= last; e += every) {
    const double value = std::pow(10, e);
    const SiPrefix prefix = PrefixFor(value);
    ticks.push_back({value, absl::StrFormat("%.6g %s%s", value / prefix.factor,
                                            prefix.symbol, unit)});
  }
  return ticks;
}

}  // namespace

bool AxisRange::Shows(double value) const {
  if (!std::isfinite(value) || std::abs(value) > kLargest) return false;
  return !logarithmic_ || value >= kSmallest;
}

void AxisRange::Include(double value) {
  if (!Shows(value)) return;
  low_ = std::min(low_, value);
  high_ = std::max(high_, value);
}

void IncludeValues(const Panel& panel, AxisRange* x_range, AxisRange* y_range) {
  for (const Line& line : panel.lines) {
    for (const auto& [x, y] : line.points) {
      if (!x_range->Shows(x) || !y_range->Shows(y)) continue;
      x_range->Include(x);
      y_range->Include(y);
    }
  }
  for (const FigureBand& band : panel.bands) {
    for (const FigureBand::Point& point : band.points) {
      if (!x_range->Shows(point.x)) continue;
      x_range->Include(point.x);
      y_range->Include(point.low);
      y_range->Include(point.high);
    }
  }
  for (const Mark& mark : panel.marks) {
    if (!x_range->Shows(mark.x) || !y_range->Shows(mark.y)) continue;
    x_range->Include(mark.x);
    y_range->Include(mark.y);
  }
  for (const Row& row : panel.rows) {
    for (const Row::Segment& segment : row.segments) {
      x_range->Include(segment.from);
      x_range->Include(segment.to);
    }
    if (!row.range.has_value()) continue;
    x_range->Include(row.range->first);
    x_range->Include(row.range->second);
  }
  for (const FigureLimit& limit : panel.limits) {
    (limit.of_x ? x_range : y_range)->Include(limit.value);
  }
}

double DrawnAxis::At(double value) const {
  if (!logarithmic) return (value - low) / (high - low);
  return std::log(value / low) / std::log(high / low);
}

SiPrefix PrefixFor(double value) {
  static constexpr std::array<const char*, 13> kSymbols = {
      "a", "f", "p", "n", "\xc2\xb5", "m", "", "k", "M", "G", "T", "P", "E"};
  constexpr int kUnity = 6;
  const double size = std::abs(value);
  if (!(size > 0) || !std::isfinite(size)) return {1, ""};
  // A value that three digits round up to a thousand has the next prefix.
  const double power = std::floor(std::log10(size * 1.0005) / 3);
  const int index = static_cast<int>(
      std::min(12.0, std::max(0.0, power + kUnity)));
  return {std::pow(10, 3 * (index - kUnity)), kSymbols[index]};
}

std::string Quantity(double value, const std::string& unit) {
  if (!std::isfinite(value)) return absl::StrCat(value, " ", unit);
  const SiPrefix prefix =
      unit.empty() && std::abs(value) < 1e4 ? SiPrefix{1, ""} : PrefixFor(value);
  const double scaled = value / prefix.factor;
  const double size = std::abs(scaled);
  if (size > 0 && std::abs(value) < kLeastPrefixed) {
    return absl::StrCat(WithMinus(absl::StrFormat("%.3g", value)),
                        unit.empty() ? "" : " ", unit);
  }
  // Whole counts stay as they are.
  const bool whole = unit.empty() && prefix.factor == 1 &&
                     scaled == std::round(scaled);
  const int decimals = whole || size >= 99.95 || scaled == 0 ? 0
                       : size >= 9.995                       ? 1
                                                             : 2;
  std::string text = WithMinus(absl::StrFormat("%.*f", decimals, scaled));
  if (unit.empty()) return absl::StrCat(text, prefix.symbol);
  return absl::StrCat(text, " ", prefix.symbol, unit);
}

DrawnAxis Draw(const FigureAxis& axis, const AxisRange& range, int most_ticks) {
  const int most = std::max(2, most_ticks);
  DrawnAxis drawn;
  drawn.logarithmic = axis.logarithmic;
  double low = range.low(), high = range.high();
  if (range.empty()) low = axis.logarithmic ? 1 : 0, high = axis.logarithmic ? 10 : 1;
  double reference = std::max(std::abs(low), std::abs(high));
  if (axis.logarithmic) {
    reference = std::sqrt(low) * std::sqrt(high);
    if (high < low * (1 + kLeastRange)) low /= 1.5, high *= 1.5;
    const double margin = std::pow(high / low, kMargin);
    low /= margin;
    high *= margin;
  } else {
    if (axis.from_zero) low = std::min(low, 0.0), high = std::max(high, 0.0);
    const double least = kLeastRange * reference;
    if (high - low < std::max(least, kSmallest)) {
      const double middle = low + (high - low) / 2;
      const double half = reference < kSmallest ? 0.5 : least / 2;
      low = middle - half;
      high = middle + half;
    }
    const double margin = kMargin * (high - low);
    if (!axis.from_zero || low < 0) low -= margin;
    if (!axis.from_zero || high > 0) high += margin;
  }
  drawn.low = low;
  drawn.high = high;
  // Far below the smallest prefix there are powers of ten instead.
  const bool prefixed = axis.prefixed && !axis.unit.empty() &&
                        (reference == 0 || reference >= kLeastPrefixed);
  drawn.units_at_ticks = prefixed && axis.logarithmic && high > 1e6 * low;
  const SiPrefix prefix = prefixed && !drawn.units_at_ticks
                              ? PrefixFor(reference)
                              : SiPrefix{1, ""};
  drawn.scale = prefix.factor;
  drawn.title = axis.quantity;
  if (drawn.units_at_ticks) {
    drawn.ticks = UnitTicks(low, high, most, axis.unit);
    return drawn;
  }
  if (!axis.unit.empty()) {
    absl::StrAppend(&drawn.title, drawn.title.empty() ? "" : ", ",
                    prefix.symbol, axis.unit);
  }
  TickUnit unit = {drawn.scale, ""};
  if (!prefixed && !axis.logarithmic && reference >= kSmallest &&
      (reference >= 1e5 || reference < 1e-3)) {
    // Counts in thousands and millions; small numbers in powers of ten.
    const SiPrefix large = PrefixFor(reference);
    const double power = std::floor(std::log10(reference));
    unit = reference >= 1e5 ? TickUnit{large.factor, large.symbol}
                            : TickUnit{std::pow(10, power),
                                       absl::StrFormat("e%.0f", power)};
  }
  if (axis.powers_of_two && axis.logarithmic && high >= 3 * low) {
    drawn.ticks = PowersOfTwo(low, high, most);
  }
  if (drawn.ticks.empty()) {
    drawn.ticks = axis.logarithmic ? LogTicks(low, high, most, unit)
                                   : EvenTicks(low, high, most, unit);
  }
  return drawn;
}

}  // namespace tokenjoule
