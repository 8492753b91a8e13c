#include "analyzer/search/unused_axes.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/evaluate/unused_fields.h"

namespace tokenjoule {
namespace {

// The ends of all axes, then points at random, always the same.
std::vector<Choices> PointsToTry(const Space& space) {
  constexpr int kPoints = 8;
  std::mt19937_64 random(1);
  std::vector<Choices> points;
  for (int point = 0; point < kPoints; ++point) {
    Choices choices;
    for (const SpaceAxis& axis : space.axes) {
      const auto last = static_cast<uint32_t>(axis.size() - 1);
      choices.push_back(point == 0   ? 0
                        : point == 1 ? last
                                     : static_cast<uint32_t>(
                                           random() % (uint64_t{last} + 1)));
    }
    points.push_back(std::move(choices));
  }
  return points;
}

// Nothing if there is no answer.
absl::optional<std::string> AnswerAt(const Space& space,
                                     const Choices& choices) {
  const absl::StatusOr<Setup> setup = SetupAt(space, choices);
  if (!setup.ok() || !Validate(*setup).ok()) return absl::nullopt;
  return AnswerOf(*setup);
}

}  // namespace

std::vector<std::string> UnusedAxes(const Space& space) {
  // Axes that no difference was seen along, and those that were compared.
  std::set<size_t> unused, compared;
  for (size_t axis = 0; axis < space.axes.size(); ++axis) unused.insert(axis);
  for (const Choices& point : PointsToTry(space)) {
    if (unused.empty()) break;
    const absl::optional<std::string> answer = AnswerAt(space, point);
    const std::set<size_t> left = unused;
    for (const size_t axis : left) {
      const auto last = static_cast<uint32_t>(space.axes[axis].size() - 1);
      for (const uint32_t other : std::set<uint32_t>{0, last / 2, last}) {
        if (other == point[axis]) continue;
        Choices changed = point;
        changed[axis] = other;
        const absl::optional<std::string> another = AnswerAt(space, changed);
        if (answer.has_value() && another.has_value()) compared.insert(axis);
        if (answer != another) {
          unused.erase(axis);
          break;
        }
      }
    }
  }
  std::vector<std::string> paths;
  for (const size_t axis : unused) {
    if (compared.count(axis) > 0) paths.push_back(space.axes[axis].path());
  }
  return paths;
}

}  // namespace tokenjoule
