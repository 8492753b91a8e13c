#include "analyzer/search/front.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

#include "analyzer/base/vector_clones.h"
#include "analyzer/cost/pack.h"

namespace tokenjoule {
namespace {

constexpr size_t kLanes = Pack::kLanes;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Shorter fronts are compared faster a pack at a time than through a tree.
constexpr size_t kLongFront = 512;

using Vector = Pack::Vector;
using Mask = Pack::Mask;
using Columns = std::array<std::vector<double>, kMaxObjectives>;

inline Vector Load(const std::vector<double>& column, size_t begin) {
  Vector v;
  std::memcpy(&v, column.data() + begin, sizeof(v));
  return v;
}

inline bool Any(const Mask& mask) {
  int64_t any = 0;
  for (size_t i = 0; i < kLanes; ++i) any |= mask[i];
  return any != 0;
}

// The first of `size` points that is no worse than `key` in any objective, or
// `size`. Compiled for several instruction sets and chosen at run time.
VECTOR_CLONES size_t FindNoWorse(const Columns& keys, size_t size,
                                 int objectives, const ObjectiveValues& key) {
  for (size_t begin = 0; begin < size; begin += kLanes) {
    Mask no_worse = Load(keys[0], begin) <= Vector{} + key[0];
    for (int i = 1; i < objectives; ++i) {
      no_worse &= Load(keys[i], begin) <= Vector{} + key[i];
    }
    if (!Any(no_worse)) continue;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      if (no_worse[lane] != 0) return std::min(begin + lane, size);
    }
  }
  return size;
}

// The last point before `size` that `key` is no worse than, or `size`.
VECTOR_CLONES size_t FindLastNoBetter(const Columns& keys, size_t size,
                                      int objectives,
                                      const ObjectiveValues& key) {
  for (size_t end = (size + kLanes - 1) / kLanes * kLanes; end > 0;
       end -= kLanes) {
    const size_t begin = end - kLanes;
    Mask no_better = Load(keys[0], begin) >= Vector{} + key[0];
    for (int i = 1; i < objectives; ++i) {
      no_better &= Load(keys[i], begin) >= Vector{} + key[i];
    }
    if (!Any(no_better)) continue;
    for (size_t lane = kLanes; lane-- > 0;) {
      if (no_better[lane] != 0 && begin + lane < size) return begin + lane;
    }
  }
  return size;
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

ObjectiveValues ParetoFront::KeyAt(size_t i) const {
  ObjectiveValues key = {};
  for (int k = 0; k < objectives_; ++k) key[k] = keys_[k][i];
  return key;
}

void ParetoFront::Put(size_t i, const ObjectiveValues& key,
                      const FrontPoint& point) {
  points_[i] = point;
  for (int k = 0; k < objectives_; ++k) keys_[k][i] = key[k];
}

void ParetoFront::Swap(size_t i, size_t j) {
  std::swap(points_[i], points_[j]);
  for (int k = 0; k < objectives_; ++k) std::swap(keys_[k][i], keys_[k][j]);
  if (by_first_.empty()) return;
  by_first_[keys_[0][i]] = i;
  by_first_[keys_[0][j]] = j;
}

size_t ParetoFront::NoWorse(const ObjectiveValues& key) const {
  if (by_first_.empty()) {
    return FindNoWorse(keys_, points_.size(), objectives_, key);
  }
  // Of the points that are no worse in the first objective, the last is the best
  // in the second.
  const auto after = by_first_.upper_bound(key[0]);
  if (after == by_first_.begin()) return points_.size();
  const size_t i = std::prev(after)->second;
  return keys_[1][i] <= key[1] ? i : points_.size();
}

void ParetoFront::Remove(size_t i, std::vector<uint64_t>* beaten) {
  const size_t last = points_.size() - 1;
  Swap(i, last);
  if (beaten != nullptr) beaten->push_back(points_.back().id);
  if (!by_first_.empty()) by_first_.erase(keys_[0][last]);
  points_.pop_back();
  for (int k = 0; k < objectives_; ++k) keys_[k][last] = kInfinity;
}

void ParetoFront::RemoveDominated(const ObjectiveValues& key,
                                  std::vector<uint64_t>* beaten) {
  if (!by_first_.empty()) {
    while (true) {
      const auto next = by_first_.lower_bound(key[0]);
      if (next == by_first_.end() || keys_[1][next->second] < key[1]) return;
      Remove(next->second, beaten);
    }
  }
  // From the end, so that what takes a place has been looked at.
  size_t below = points_.size();
  while (true) {
    const size_t i = FindLastNoBetter(keys_, below, objectives_, key);
    if (i == below) return;
    Remove(i, beaten);
    below = i;
  }
}

void ParetoFront::Append(const ObjectiveValues& key, const FrontPoint& point) {
  const size_t i = points_.size();
  points_.push_back(point);
  for (int k = 0; k < objectives_; ++k) {
    if (keys_[k].size() <= i) keys_[k].resize(i + kLanes, kInfinity);
  }
  Put(i, key, point);
  if (!by_first_.empty()) {
    by_first_[key[0]] = i;
  } else if (objectives_ == 2 && points_.size() == kLongFront) {
    for (size_t k = 0; k < points_.size(); ++k) by_first_[keys_[0][k]] = k;
  }
}

bool ParetoFront::Add(const ObjectiveValues& values, uint64_t id,
                      std::vector<uint64_t>* beaten) {
  const ObjectiveValues key = BoxOf(values);
  const size_t i = NoWorse(key);
  if (i == points_.size()) {
    RemoveDominated(key, beaten);
    Append(key, {values, id});
    return true;
  }
  if (std::equal(key.begin(), key.begin() + objectives_, KeyAt(i).begin())) {
    const bool stays = Before({values, id}, points_[i]);
    // A point that is drawn twice does not beat itself.
    if (beaten != nullptr && points_[i].id != id) {
      beaten->push_back(stays ? points_[i].id : id);
    }
    if (!stays) return false;
    points_[i] = {values, id};
    return true;
  }
  if (beaten != nullptr) beaten->push_back(id);
  // What rejects once rejects again: towards the front with it.
  if (i > 0) Swap(i, i / 2);
  return false;
}

void ParetoFront::Merge(const ParetoFront& other,
                        std::vector<uint64_t>* beaten) {
  if (points_.empty() && epsilon_ == other.epsilon_) {
    // Nothing to compare with: fronts of hundreds of thousands of points take
    // minutes to compare.
    points_ = other.points_;
    keys_ = other.keys_;
    by_first_ = other.by_first_;
    return;
  }
  for (const FrontPoint& point : other.points_) {
    Add(point.values, point.id, beaten);
  }
}

std::vector<ObjectiveValues> ParetoFront::Champions() const {
  constexpr size_t kChampions = 4;
  std::vector<ObjectiveValues> champions;
  for (size_t i = 0; i < std::min(kChampions, points_.size()); ++i) {
    champions.push_back(points_[i].values);
  }
  return champions;
}

std::vector<FrontPoint> ParetoFront::Sorted() const {
  std::vector<FrontPoint> sorted = points_;
  std::sort(sorted.begin(), sorted.end(), Before);
  return sorted;
}

}  // namespace tokenjoule
