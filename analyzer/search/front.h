// Exact Pareto fronts of a stream of points, in two to five objectives.
//
// A point is compared with those of the front a pack at a time. Long fronts are
// divided into blocks with the corners of their points, so that a point is compared
// with the blocks, and with the points of the few that may matter; the idea is that of
// ND-trees (Jaszkiewicz and Lust, IEEE Transactions on Evolutionary Computation 22(5),
// 2018), with one level, because corners too are compared a pack at a time.

#ifndef ANALYZER_SEARCH_FRONT_H_
#define ANALYZER_SEARCH_FRONT_H_

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

  size_t size() const { return size_; }
  int objectives() const { return objectives_; }

 private:
  // One column an objective, so that several points are compared at once; filled
  // up to whole packs with infinity.
  using Columns = std::array<std::vector<double>, kMaxObjectives>;

  // Points near each other.
  struct Block {
    // Those that rejected others lately stand first.
    std::vector<FrontPoint> points;
    // What is compared, boxes or values.
    Columns keys;
    // The objective along which it was divided last.
    int divided = 0;
  };

  // The place of a point; `block` is the number of blocks if there is none.
  struct Place {
    size_t block, point;
  };

  ObjectiveValues BoxOf(const ObjectiveValues& values) const;
  ObjectiveValues At(const Columns& columns, size_t i) const;
  void Put(const ObjectiveValues& key, size_t i, Columns* columns) const;
  void SwapPoints(size_t i, size_t j, Block* block) const;
  void SwapBlocks(size_t i, size_t j);
  // A point that is no worse than `key` in any objective.
  Place NoWorse(const ObjectiveValues& key) const;
  // Removes the points that `key` dominates, and adds their numbers to `beaten`.
  void RemoveDominated(const ObjectiveValues& key,
                       std::vector<uint64_t>* beaten);
  void Append(const ObjectiveValues& key, const FrontPoint& point);
  void AppendTo(size_t b, const ObjectiveValues& key, const FrontPoint& point);
  void AppendBlock(const ObjectiveValues& from, const ObjectiveValues& to);
  // Sets the corners of a block to those of its points.
  void FindCorners(size_t b);
  // Moves a part of a full block into a new one.
  void Divide(size_t b);

  const int objectives_;
  const double epsilon_;
  size_t size_ = 0;
  // A block has a cell of the space of keys, from `from_` up to and without `to_`;
  // the cells share out that space. `lowest_` and `highest_` are the corners of
  // the points that are in it, by which most blocks of a long front are passed
  // over. Blocks that rejected points lately stand first.
  std::vector<Block> blocks_;
  Columns from_, to_, lowest_, highest_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_FRONT_H_
