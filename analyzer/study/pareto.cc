#include "analyzer/study/pareto.h"

#include <algorithm>
#include <cmath>
#include <map>
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

bool ParetoFront::Add(const ObjectiveValues& values, uint64_t id) {
  for (size_t i = 0; i < points_.size(); ++i) {
    const Order order = Compare(values, points_[i].values, objectives_);
    if (order == Order::kApart) continue;
    if (order == Order::kWorse) {
      // What rejects once rejects again: towards the front with it.
      if (i > 0) std::swap(points_[i], points_[i / 2]);
      return false;
    }
    if (order == Order::kEqual) {
      points_[i].id = std::min(points_[i].id, id);
      return points_[i].id == id;
    }
    // It is better than this one: none on the front is better than it.
    const auto worse = [&](const FrontPoint& point) {
      return Compare(values, point.values, objectives_) == Order::kBetter;
    };
    points_.erase(std::remove_if(points_.begin() + i, points_.end(), worse),
                  points_.end());
    break;
  }
  points_.push_back({values, id});
  return true;
}

void ParetoFront::Merge(const ParetoFront& other) {
  for (const FrontPoint& point : other.points_) Add(point.values, point.id);
}

std::vector<FrontPoint> ParetoFront::Sorted() const {
  std::vector<FrontPoint> sorted = points_;
  std::sort(sorted.begin(), sorted.end(), Before);
  return sorted;
}

std::vector<FrontPoint> Thinned(const std::vector<FrontPoint>& front,
                                int objectives, double epsilon) {
  if (!(epsilon > 0)) return front;
  // The best of each box: the first in order.
  std::map<std::array<double, kMaxObjectives>, FrontPoint> boxes;
  for (const FrontPoint& point : front) {
    std::array<double, kMaxObjectives> box = {};
    for (int i = 0; i < objectives; ++i) {
      box[i] = std::floor(std::log(point.values[i]) / std::log1p(epsilon));
    }
    const auto [entry, is_new] = boxes.emplace(box, point);
    if (!is_new && Before(point, entry->second)) entry->second = point;
  }
  std::vector<FrontPoint> thinned;
  for (const auto& [box, point] : boxes) thinned.push_back(point);
  std::sort(thinned.begin(), thinned.end(), Before);
  return thinned;
}

}  // namespace tokenjoule
