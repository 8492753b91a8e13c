#include "analyzer/search/findings.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "analyzer/base/vector_clones.h"
#include "analyzer/machine/in_memory.h"

namespace tokenjoule {
namespace {

// Reasons that are reported.
constexpr int kMostReasons = 10;

}  // namespace

namespace findings_internal {

namespace {

using Mask = Pack::Mask;

inline Mask Everywhere(bool truth) { return Mask{} - (truth ? 1 : 0); }

// Lanes below `count`.
inline Mask Below(size_t count) {
  const Mask lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  return lanes < Everywhere(true) * -static_cast<int64_t>(count);
}

inline uint64_t Total(const Mask& counted) {
  int64_t total = 0;
  for (int i = 0; i < Pack::kLanes; ++i) total += counted[i];
  return static_cast<uint64_t>(total);
}

inline Mask InLimits(const std::vector<Bounds>& limits,
                     const FigureValues<Pack>& figures) {
  Mask inside = Everywhere(true);
  for (const Bounds& limit : limits) {
    const Pack::Vector value = figures[limit.figure].value;
    inside &=
        (value >= Pack(limit.min).value) & (value <= Pack(limit.max).value);
  }
  return inside;
}

inline Mask Dominated(const ObjectiveValues& champion, size_t n,
                      const std::array<Pack, kMaxObjectives>& objectives) {
  Mask no_better = Everywhere(true), worse = Everywhere(false);
  for (size_t i = 0; i < n; ++i) {
    const Pack::Vector best = Pack(champion[i]).value;
    no_better &= best <= objectives[i].value;
    worse |= best < objectives[i].value;
  }
  return no_better & worse;
}

// What became of points, a count for each lane.
struct Tally {
  Mask misfits = {}, outsiders = {}, feasible = {};

  Counts Totals() const {
    return {Total(misfits), Total(outsiders), Total(feasible)};
  }
};

// The points of one pack, those of the lanes that are `here`; `needs_no_room`
// and `arrays_hold` say of each lane that the backing store need not hold it,
// and that in-memory arrays do.
template <typename F>
inline void SiftPack(const StepFacts<F>& facts, const PackCost& cost,
                     const Mask& here, const Mask& needs_no_room,
                     const Mask& arrays_hold, const std::vector<Bounds>& limits,
                     const std::vector<Goal>& goals,
                     const std::vector<ObjectiveValues>& champions,
                     Tally* tally, Sifted* out) {
  const FigureValues<Pack> figures = FiguresFrom(facts, cost);
  const Pack room = cost.usable_bytes * Pack(facts.chips);
  const Mask fits =
      (needs_no_room | (Pack(facts.store_used_bytes).value <= room.value)) &
      arrays_hold & here;
  const Mask inside = fits & InLimits(limits, figures);
  tally->misfits -= here & ~fits;
  tally->outsiders -= fits & ~inside;
  tally->feasible -= inside;
  Mask left = inside;
  for (size_t i = 0; i < goals.size(); ++i) {
    out->objectives[i] = Pack(goals[i].sign) * figures[goals[i].figure];
  }
  for (const ObjectiveValues& champion : champions) {
    left &= ~Dominated(champion, goals.size(), out->objectives);
  }
  out->lanes = 0;
  for (int i = 0; i < Pack::kLanes; ++i) {
    out->lanes |= static_cast<unsigned>(left[i] & 1) << i;
  }
}

}  // namespace

VECTOR_CLONES Counts Sift(const StepFacts<>& facts, const PackCost* costs,
                          size_t count, bool may_not_fit,
                          const std::vector<Bounds>& limits,
                          const std::vector<Goal>& goals,
                          const std::vector<ObjectiveValues>& champions,
                          Sifted* sifted) {
  Tally tally;
  const Mask arrays_hold =
      Everywhere(may_not_fit || facts.array_used_bytes <= facts.array_bytes);
  const Mask needs_no_room = Everywhere(may_not_fit);
  for (size_t begin = 0; begin < count; begin += Pack::kLanes) {
    SiftPack(facts, costs[begin / Pack::kLanes], Below(count - begin),
             needs_no_room, arrays_hold, limits, goals, champions, &tally,
             &sifted[begin / Pack::kLanes]);
  }
  return tally.Totals();
}

VECTOR_CLONES Counts SiftSteps(const StepFacts<Pack>& facts,
                               const PackCost* costs, size_t count,
                               size_t lanes, bool may_not_fit,
                               const std::vector<Bounds>& limits,
                               const std::vector<Goal>& goals,
                               const std::vector<ObjectiveValues>& champions,
                               Sifted* sifted) {
  Tally tally;
  const Mask needs_no_room = Everywhere(may_not_fit);
  const Mask arrays_hold =
      needs_no_room | (facts.array_used_bytes.value <= facts.array_bytes.value);
  for (size_t k = 0; k < count; ++k) {
    SiftPack(facts, costs[k], Below(lanes), needs_no_room, arrays_hold, limits,
             goals, champions, &tally, &sifted[k]);
  }
  return tally.Totals();
}

}  // namespace findings_internal

void Findings::Add(const ObjectiveValues& values, uint64_t id) {
  if (!dominated.wanted()) {
    front.Add(values, id);
    return;
  }
  std::vector<uint64_t> beaten;
  front.Add(values, id, &beaten);
  for (const uint64_t loser : beaten) dominated.Offer(loser);
}

void Findings::Merge(const Findings& other) {
  std::vector<uint64_t> beaten;
  front.Merge(other.front, dominated.wanted() ? &beaten : nullptr);
  for (const uint64_t loser : beaten) dominated.Offer(loser);
  dominated.Merge(other.dominated);
  points += other.points;
  invalid += other.invalid;
  does_not_fit += other.does_not_fit;
  outside_limits += other.outside_limits;
  feasible += other.feasible;
  for (const auto& [reason, count] : other.reasons) reasons[reason] += count;
}

Judge::Judge(const DesignSpace& description)
    : may_not_fit_(description.may_not_fit()) {
  constexpr double kEnd = std::numeric_limits<double>::infinity();
  for (const Limit& limit : description.limit()) {
    const int figure = FigureIndex(limit.metric());
    double min = limit.has_min() ? limit.min() : -kEnd;
    double max = limit.has_max() ? limit.max() : kEnd;
    if (figure == kNoise) {
      // A high ratio is little noise.
      std::swap(min, max);
      min = NoiseOfSnrDb(min);
      max = NoiseOfSnrDb(max);
    }
    limits_.push_back({figure, min, max});
  }
  for (const Objective& objective : description.objective()) {
    goals_.push_back(
        {FigureIndex(objective.metric()), objective.maximize() ? -1.0 : 1.0});
  }
}

double Judge::Excess(const StepFacts<>& facts, double usable_bytes,
                     const FigureValues<double>& figures) const {
  const auto relative = [](double beyond, double bound) {
    return beyond / std::max(std::abs(bound), 1e-30);
  };
  double excess = 0;
  if (!may_not_fit_ && !Fits(facts, usable_bytes)) {
    const double room = usable_bytes * facts.chips;
    excess += std::max(0.0, relative(facts.store_used_bytes - room, room)) +
              std::max(0.0, relative(facts.array_used_bytes - facts.array_bytes,
                                     facts.array_bytes));
  }
  for (const findings_internal::Bounds& limit : limits_) {
    const double value = figures[limit.figure];
    if (value < limit.min) excess += relative(limit.min - value, limit.min);
    if (value > limit.max) excess += relative(value - limit.max, limit.max);
  }
  return excess;
}

ObjectiveValues Judge::ObjectivesOf(const FigureValues<double>& figures) const {
  ObjectiveValues values = {};
  for (size_t i = 0; i < goals_.size(); ++i) {
    values[i] = goals_[i].sign * figures[goals_[i].figure];
  }
  return values;
}

void FillHead(const Space& space, SweepStudy* study) {
  study->set_name(space.description.name());
  for (const SpaceAxis& axis : space.axes) {
    study->add_axes(axis.path());
  }
  for (const Objective& objective : space.description.objective()) {
    study->add_objectives(
        absl::StrCat(objective.maximize() ? "max " : "", objective.metric()));
  }
}

void FillCounts(const Findings& findings, SweepStudy* study) {
  study->set_points(static_cast<double>(findings.points));
  study->set_invalid(static_cast<double>(findings.invalid));
  study->set_does_not_fit(static_cast<double>(findings.does_not_fit));
  study->set_outside_limits(static_cast<double>(findings.outside_limits));
  study->set_feasible(static_cast<double>(findings.feasible));
  study->set_dominated_points(
      static_cast<double>(findings.feasible - findings.front.size()));
  std::vector<std::pair<std::string, uint64_t>> reasons(
      findings.reasons.begin(), findings.reasons.end());
  std::stable_sort(
      reasons.begin(), reasons.end(),
      [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [reason, count] : reasons) {
    InvalidReason* out = study->add_invalid_reasons();
    out->set_reason(reason);
    out->set_points(static_cast<double>(count));
  }
}

void KeepMostReasons(SweepStudy* study) {
  auto* reasons = study->mutable_invalid_reasons();
  if (reasons->size() > kMostReasons) {
    reasons->DeleteSubrange(kMostReasons, reasons->size() - kMostReasons);
  }
}

SweepPoint PointOf(const Space& space, const Choices& choices,
                   const SweepFigures& figures) {
  SweepPoint point;
  if (space.points > 0) {
    point.set_id(static_cast<double>(IdOf(space, choices)));
  }
  for (size_t i = 0; i < space.axes.size(); ++i) {
    point.add_values(space.axes[i].fields[0].At(choices[i]));
  }
  *point.mutable_figures() = figures;
  return point;
}

ObjectiveValues ObjectivesOf(const DesignSpace& description,
                             const SweepFigures& figures) {
  ObjectiveValues values = {};
  for (int i = 0; i < description.objective_size(); ++i) {
    const Objective& objective = description.objective(i);
    const double value = figures.GetReflection()->GetDouble(
        figures,
        SweepFigures::descriptor()->FindFieldByName(objective.metric()));
    values[i] = objective.maximize() ? -value : value;
  }
  return values;
}

}  // namespace tokenjoule
