// Exact Pareto fronts of a stream of points, in two to five objectives.

#ifndef ANALYZER_SEARCH_FRONT_H_
#define ANALYZER_SEARCH_FRONT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace tokenjoule {

inline constexpr int kMaxObjectives = 5;

// Values of the objectives, all to be minimised.
using ObjectiveValues = std::array<double, kMaxObjectives>;

struct FrontPoint {
  ObjectiveValues values;
  // Number of the point in its space.
  uint64_t id;
};

// The points that no other point dominates: is at least as good in every
// objective and better in one. Of points that are equal in all, the one with
// the lowest number is kept, so that the front does not depend on the order in
// which points come, nor on how they were shared out.
//
// With `epsilon` above 0 the front is thinned as points come: of a grid of
// boxes whose sides are factors of 1 + epsilon, boxes that no other box
// dominates stay, one point in each (Laumanns et al., Evolutionary Computation
// 10(3), 2002), the first in order. A point that is left out is dominated by
// one that stays made worse by that factor. Which stay does not depend on the
// order either; how many does not grow with the points. Values must then not be
// 0.
class ParetoFront {
 public:
  explicit ParetoFront(int objectives, double epsilon = 0)
      : objectives_(objectives), epsilon_(epsilon) {}

  // Values must not be NaN. Returns whether the point is on the front now. Adds to
  // `beaten`, unless null, the numbers of points that are not on the front (any
  // more) because of this: the point itself, or those that it took the place of.
  bool Add(const ObjectiveValues& values, uint64_t id,
           std::vector<uint64_t>* beaten = nullptr);

  // Adds another front's points, with `beaten` as for Add.
  void Merge(const ParetoFront& other,
             std::vector<uint64_t>* beaten = nullptr);

  // Points ordered by the first objective, then the next, then number.
  std::vector<FrontPoint> Sorted() const;

  // A few points that dominated others lately: a caller that has many points at
  // once may leave out those that they dominate.
  std::vector<ObjectiveValues> Champions() const;

  size_t size() const { return points_.size(); }
  int objectives() const { return objectives_; }

 private:
  ObjectiveValues BoxOf(const ObjectiveValues& values) const;
  ObjectiveValues KeyAt(size_t i) const;
  void Put(size_t i, const ObjectiveValues& key, const FrontPoint& point);
  void Swap(size_t i, size_t j);
  // Removes the points that `key` dominates, and adds their numbers to `beaten`.
  void RemoveDominated(const ObjectiveValues& key,
                       std::vector<uint64_t>* beaten);
  void Append(const ObjectiveValues& key, const FrontPoint& point);
  // A point that is no worse than `key` in any objective, or size().
  size_t NoWorse(const ObjectiveValues& key) const;
  // Takes point i out. The last one takes its place.
  void Remove(size_t i, std::vector<uint64_t>* beaten);

  const int objectives_;
  const double epsilon_;
  // Points that rejected others lately stand first.
  std::vector<FrontPoint> points_;
  // What is compared, boxes or values, one column an objective so that several
  // points are compared at once; filled up to whole packs with infinity.
  std::array<std::vector<double>, kMaxObjectives> keys_;
  // Long fronts in two objectives: points by their first key, along which the
  // second falls, so that a point is compared with its neighbours alone. Else empty.
  std::map<double, size_t> by_first_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_FRONT_H_
