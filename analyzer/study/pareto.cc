#include "analyzer/study/pareto.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tokenjoule {
namespace {

enum class Order { kBetter, kWorse, kEqual, kApart };

// How `a` stands to `b`.
Order Compare(const ObjectiveValues& a, const ObjectiveValues& b, int n) {
  bool less = false, more = false;
  for (int i = 0; i < n; ++i) {
    less |= a[i] < b[i];
    more |= b[i] < a[i];
  }
  if (less && more) return Order::kApart;
  return less ? Order::kBetter : more ? Order::kWorse : Order::kEqual;
}

bool Before(const FrontPoint& a, const FrontPoint& b) {
  return a.values != b.values ? a.values < b.values : a.id < b.id;
}

}  // namespace

ObjectiveValues ParetoFront::BoxOf(const ObjectiveValues& values) const {
  if (!(epsilon_ > 0)) return values;
  // Objectives that are maximised come below 0: their boxes run the other way.
  const double side = std::log1p(epsilon_);
  ObjectiveValues box = {};
  for (int i = 0; i < objectives_; ++i) {
    const double level = std::log(std::abs(values[i])) / side;
    box[i] = std::floor(values[i] < 0 ? -level : level);
  }
  return box;
}

bool ParetoFront::Add(const ObjectiveValues& values, uint64_t id) {
  // What a point beats, its box beats: most need no logarithms.
  if (epsilon_ > 0) {
    for (size_t i = 0; i < points_.size(); ++i) {
      if (Compare(values, points_[i].point.values, objectives_) ==
          Order::kWorse) {
        if (i > 0) std::swap(points_[i], points_[i / 2]);
        return false;
      }
    }
  }
  const ObjectiveValues box = BoxOf(values);
  for (size_t i = 0; i < points_.size(); ++i) {
    Entry& entry = points_[i];
    const Order order = Compare(box, entry.box, objectives_);
    if (order == Order::kApart) continue;
    if (order == Order::kWorse) {
      // What rejects once rejects again: towards the front with it.
      if (i > 0) std::swap(points_[i], points_[i / 2]);
      return false;
    }
    if (order == Order::kEqual) {
      const FrontPoint point = {values, id};
      if (!Before(point, entry.point)) return false;
      entry.point = point;
      return true;
    }
    // It is better than this one: none on the front is better than it.
    const auto worse = [&](const Entry& other) {
      return Compare(box, other.box, objectives_) == Order::kBetter;
    };
    points_.erase(std::remove_if(points_.begin() + i, points_.end(), worse),
                  points_.end());
    break;
  }
  points_.push_back({box, {values, id}});
  return true;
}

void ParetoFront::Merge(const ParetoFront& other) {
  for (const Entry& entry : other.points_) {
    Add(entry.point.values, entry.point.id);
  }
}

std::vector<ObjectiveValues> ParetoFront::Champions() const {
  constexpr size_t kChampions = 4;
  std::vector<ObjectiveValues> champions;
  for (size_t i = 0; i < std::min(kChampions, points_.size()); ++i) {
    champions.push_back(points_[i].point.values);
  }
  return champions;
}

std::vector<FrontPoint> ParetoFront::Sorted() const {
  std::vector<FrontPoint> sorted;
  for (const Entry& entry : points_) sorted.push_back(entry.point);
  std::sort(sorted.begin(), sorted.end(), Before);
  return sorted;
}

}  // namespace tokenjoule
