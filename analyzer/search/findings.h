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
#include "analyzer/search/dominated.h"
#include "analyzer/search/figures.h"
#include "analyzer/search/front.h"
#include "analyzer/search/space.h"
#include "proto/report.pb.h"
#include "proto/space.pb.h"

namespace tokenjoule {

// What was found so far.
struct Findings {
  // As ParetoFront and DominatedSample.
  Findings(int objectives, double epsilon, size_t most_dominated = 0,
           uint64_t all_points = 1)
      : front(objectives, epsilon), dominated(most_dominated, all_points) {}
  explicit Findings(const DesignSpace& description, size_t most_dominated = 0,
                    uint64_t all_points = 1)
      : Findings(description.objective_size(), description.epsilon(),
                 most_dominated, all_points) {}

  // Takes a feasible point.
  void Add(const ObjectiveValues& values, uint64_t id);

  // Points that dominate many others, which a caller may therefore leave out; none
  // if dominated points are wanted.
  std::vector<ObjectiveValues> Champions() const {
    return dominated.wanted() ? std::vector<ObjectiveValues>()
                              : front.Champions();
  }

  ParetoFront front;
  DominatedSample dominated;
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
Counts Sift(const StepFacts<>& facts, const PackCost* costs, size_t count,
            bool may_not_fit, const std::vector<Bounds>& limits,
            const std::vector<Goal>& goals,
            const std::vector<ObjectiveValues>& champions, Sifted* sifted);

// The same of `count` packs that hold a step in each lane; lanes from `lanes`
// on are nobody.
Counts SiftSteps(const StepFacts<Pack>& facts, const PackCost* costs,
                 size_t count, size_t lanes, bool may_not_fit,
                 const std::vector<Bounds>& limits,
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
  void Take(const StepFacts<>& facts, const std::vector<PackCost>& costs,
            size_t count, const IdOfPoint& id_of, Findings* findings);

  // Takes the first `count` packs, the first `lanes` lanes of each a step of
  // its own; `id_of(pack, lane)` numbers the points.
  template <typename IdOfPoint>
  void TakeSteps(const StepFacts<Pack>& facts,
                 const std::vector<PackCost>& costs, size_t count, size_t lanes,
                 const IdOfPoint& id_of, Findings* findings);

  // How far a point is outside limits: the sum of relative excesses, 0 inside.
  double Excess(const StepFacts<>& facts, double usable_bytes,
                const FigureValues<double>& figures) const;

  // Its objectives, all to be minimised.
  ObjectiveValues ObjectivesOf(const FigureValues<double>& figures) const;

 private:
  // Counts points and keeps those that were not sifted out; `id_of(pack, lane)`
  // numbers them.
  template <typename IdOfPoint>
  void Keep(const findings_internal::Counts& counts, size_t packs,
            uint64_t points, const IdOfPoint& id_of, Findings* findings);

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

// A point with its values; `id` where points are numbered.
SweepPoint PointOf(const Space& space, const Choices& choices,
                   const SweepFigures& figures);

// A point's objectives, all to be minimised.
ObjectiveValues ObjectivesOf(const DesignSpace& description,
                             const SweepFigures& figures);

template <typename IdOfPoint>
void Judge::Take(const StepFacts<>& facts, const std::vector<PackCost>& costs,
                 size_t count, const IdOfPoint& id_of, Findings* findings) {
  sifted_.resize(costs.size());
  const findings_internal::Counts counts = findings_internal::Sift(
      facts, costs.data(), count, may_not_fit_, limits_, goals_,
      findings->Champions(), sifted_.data());
  Keep(
      counts, (count + Pack::kLanes - 1) / Pack::kLanes, count,
      [&](size_t pack, int lane) { return id_of(pack * Pack::kLanes + lane); },
      findings);
}

template <typename IdOfPoint>
void Judge::TakeSteps(const StepFacts<Pack>& facts,
                      const std::vector<PackCost>& costs, size_t count,
                      size_t lanes, const IdOfPoint& id_of,
                      Findings* findings) {
  sifted_.resize(costs.size());
  const findings_internal::Counts counts = findings_internal::SiftSteps(
      facts, costs.data(), count, lanes, may_not_fit_, limits_, goals_,
      findings->Champions(), sifted_.data());
  Keep(counts, count, count * lanes, id_of, findings);
}

template <typename IdOfPoint>
void Judge::Keep(const findings_internal::Counts& counts, size_t packs,
                 uint64_t points, const IdOfPoint& id_of, Findings* findings) {
  findings->points += points;
  findings->does_not_fit += counts.does_not_fit;
  findings->outside_limits += counts.outside_limits;
  findings->feasible += counts.feasible;
  for (size_t k = 0; k < packs; ++k) {
    const findings_internal::Sifted& pack = sifted_[k];
    if (pack.lanes == 0) continue;
    for (int lane = 0; lane < Pack::kLanes; ++lane) {
      if ((pack.lanes >> lane & 1) == 0) continue;
      ObjectiveValues values = {};
      for (size_t i = 0; i < goals_.size(); ++i) {
        values[i] = pack.objectives[i][lane];
      }
      findings->Add(values, id_of(k, lane));
    }
  }
}

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_FINDINGS_H_
