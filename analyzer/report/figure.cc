#include "analyzer/report/figure.h"

#include <array>

namespace tokenjoule {

SeriesStyle StyleOf(int series) {
  // Those of Okabe and Ito (2008), which can be told apart in print and with most
  // forms of colour blindness; the light ones darker, so that text can be read.
  static constexpr std::array<const char*, 7> kColors = {
      "#0072b2", "#d55e00", "#00805e", "#b0558a",
      "#a87400", "#3a8fc4", "#222222"};
  static constexpr std::array<Dash, 4> kDashes = {
      Dash::kSolid, Dash::kDashed, Dash::kDotted, Dash::kDashDot};
  static constexpr std::array<Shape, 5> kShapes = {
      Shape::kCircle, Shape::kSquare, Shape::kDiamond, Shape::kTriangle,
      Shape::kCross};
  const int again = series / 7;
  return {kColors[series % 7], kDashes[again % 4], kShapes[again % 5]};
}

}  // namespace tokenjoule
