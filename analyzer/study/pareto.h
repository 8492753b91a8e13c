// Exact Pareto fronts of a stream of points, in two to five objectives.

#ifndef ANALYZER_STUDY_PARETO_H_
#define ANALYZER_STUDY_PARETO_H_

#include <array>
#include <cstddef>
#include <cstdint>
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
// With `epsilon` above 0 the front is thinned: of points in the same box of a
// grid whose sides are factors of 1 + epsilon (Laumanns et al., Evolutionary
// Computation 10(3), 2002), one stays. Every point is then dominated by one of
// the front that is made worse by that factor.
class ParetoFront {
 public:
  explicit ParetoFront(int objectives) : objectives_(objectives) {}

  // Values must not be NaN. Returns whether the point is on the front now.
  bool Add(const ObjectiveValues& values, uint64_t id);

  // Adds another front's points.
  void Merge(const ParetoFront& other);

  // Points ordered by the first objective, then the next, then number.
  std::vector<FrontPoint> Sorted() const;

  size_t size() const { return points_.size(); }
  int objectives() const { return objectives_; }

  // Some points that dominated others lately, for a caller that filters before
  // it adds.
  const std::vector<FrontPoint>& points() const { return points_; }

 private:
  const int objectives_;
  // Points that rejected others lately stand first.
  std::vector<FrontPoint> points_;
};

// The points of a front thinned by boxes whose sides are factors of
// 1 + epsilon; values must be above 0. Exact where epsilon is 0.
std::vector<FrontPoint> Thinned(const std::vector<FrontPoint>& front,
                                int objectives, double epsilon);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_PARETO_H_
