// What a search found: points counted by what became of them, and the front.

#ifndef ANALYZER_SEARCH_FINDINGS_H_
#define ANALYZER_SEARCH_FINDINGS_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analyzer/cost/pack.h"
#include "analyzer/cost/pack_kernel.h"
#include "analyzer/search/figures.h"
#include "analyzer/search/front.h"
#include "analyzer/search/space.h"
#include "proto/report.pb.h"
#include "proto/space.pb.h"

namespace tokenjoule {

// What was found so far.
struct Findings {
  // As ParetoFront.
  Findings(int objectives, double epsilon) : front(objectives, epsilon) {}
  explicit Findings(const DesignSpace& description)
      : Findings(description.objective_size(), description.epsilon()) {}

  ParetoFront front;
  uint64_t points = 0, invalid = 0, does_not_fit = 0, outside_limits = 0,
           feasible = 0;
  // Why points are invalid, and how many.
  std::map<std::string, uint64_t> reasons;

  void Merge(const Findings& other);
};

namespace findings_internal {

// A limit or an objective, resolved.
struct Bounds {
  int figure;
  double min, max;
};
struct Goal {
  int figure;
  double sign;
};

// Points of a pack that may be on the front, one bit each, and their
// objectives.
struct Sifted {
  unsigned lanes = 0;
  std::array<Pack, kMaxObjectives> objectives;
};

// What became of the points of a run.
struct Counts {
  uint64_t does_not_fit = 0, outside_limits = 0, feasible = 0;
};

// Tells `count` points apart, a pack at a time: those that fit, are inside
// limits and are not dominated by one of the champions are left in `sifted`.
// Compiled for several instruction sets as the kernel is.
Counts Sift(const StepFacts& facts, const PackCost* costs, size_t count,
            bool may_not_fit, const std::vector<Bounds>& limits,
            const std::vector<Goal>& goals,
            const std::vector<ObjectiveValues>& champions, Sifted* sifted);

}  // namespace findings_internal

// Tells points that a space wants from those that it does not.
class Judge {
 public:
  explicit Judge(const DesignSpace& description);

  // Takes points 0 ... count - 1 of a run into the findings; `id_of(k)` numbers
  // them.
  template <typename IdOfPoint>
  void Take(const StepFacts& facts, const std::vector<PackCost>& costs,
            size_t count, const IdOfPoint& id_of, Findings* findings);

  // How far a point is outside limits: the sum of relative excesses, 0 inside.
  double Excess(const StepFacts& facts, double usable_bytes,
                const FigureValues<double>& figures) const;

  // Its objectives, all to be minimised.
  ObjectiveValues ObjectivesOf(const FigureValues<double>& figures) const;

 private:
  bool may_not_fit_;
  std::vector<findings_internal::Bounds> limits_;
  std::vector<findings_internal::Goal> goals_;
  std::vector<findings_internal::Sifted> sifted_;
};

// Name, axes and objectives.
void FillHead(const Space& space, SweepStudy* study);

// Points by what became of them, and reasons.
void FillCounts(const Findings& findings, SweepStudy* study);

// Leaves the reasons that hold for the most points.
void KeepMostReasons(SweepStudy* study);

// A point of the answer with its values; `id` where points are numbered.
void AddPoint(const Space& space, const Choices& choices,
              const SweepFigures& figures, SweepStudy* study);

// A point's objectives, all to be minimised.
ObjectiveValues ObjectivesOf(const DesignSpace& description,
                             const SweepFigures& figures);

template <typename IdOfPoint>
void Judge::Take(const StepFacts& facts, const std::vector<PackCost>& costs,
                 size_t count, const IdOfPoint& id_of, Findings* findings) {
  sifted_.resize(costs.size());
  const findings_internal::Counts counts = findings_internal::Sift(
      facts, costs.data(), count, may_not_fit_, limits_, goals_,
      findings->front.Champions(), sifted_.data());
  findings->points += count;
  findings->does_not_fit += counts.does_not_fit;
  findings->outside_limits += counts.outside_limits;
  findings->feasible += counts.feasible;
  for (size_t begin = 0; begin < count; begin += Pack::kLanes) {
    const findings_internal::Sifted& pack = sifted_[begin / Pack::kLanes];
    if (pack.lanes == 0) continue;
    for (int lane = 0; lane < Pack::kLanes; ++lane) {
      if ((pack.lanes >> lane & 1) == 0) continue;
      ObjectiveValues values = {};
      for (size_t i = 0; i < goals_.size(); ++i) {
        values[i] = pack.objectives[i][lane];
      }
      findings->front.Add(values, id_of(begin + lane));
    }
  }
}

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_FINDINGS_H_
