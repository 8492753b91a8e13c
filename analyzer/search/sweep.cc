#include "analyzer/search/sweep.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/base/fingerprint.h"
#include "analyzer/cost/limits.h"
#include "analyzer/cost/pack.h"
#include "analyzer/cost/pack_kernel.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/textproto.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/quality/scaling_laws.h"
#include "analyzer/search/compile.h"
#include "analyzer/search/figures.h"
#include "analyzer/search/findings.h"
#include "analyzer/search/forecast.h"
#include "analyzer/search/front.h"
#include "analyzer/search/plan.h"
#include "analyzer/search/sizes.h"

namespace tokenjoule {
namespace {

// Points of a piece of work, about; and where each batch and context is a step
// of its own, which takes some ten times as long.
constexpr uint64_t kPiece = 1 << 21;
constexpr uint64_t kPieceOfSteps = kPiece / 8;
// Loading and lowering a combination takes at least as long as so many points.
constexpr uint64_t kPointsOfCompiling = 4096;

// Work is numbered: the whole grid in slices of combinations, or draws in
// blocks. What is in a piece depends on the space alone.
struct Pieces {
  uint64_t count = 1;
  // Grid: combinations of a piece, or slices of a combination: of its batches
  // and contexts, times those of its kernel points.
  uint64_t combinations_per_piece = 1;
  uint64_t size_slices = 1;
  uint64_t slices = 1;
  // Batches and contexts of a slice, and its kernel points, all runs of the
  // fastest axis.
  uint64_t slice_sizes = 1;
  uint64_t slice_points = 1;
};

Pieces DivideWork(const Space& space, const Plan& plan) {
  Pieces work;
  if (space.description.has_sample()) {
    const uint64_t draws = space.description.sample().points();
    work.count = (draws + kPiece - 1) / kPiece;
    return work;
  }
  const uint64_t fastest =
      plan.kernel.empty() ? 1 : space.axes[plan.kernel.back()].size();
  const uint64_t most = plan.sizes.empty() ? kPiece : kPieceOfSteps;
  // A slice has whole packs of batches and contexts.
  const uint64_t pack = plan.sizes.empty() ? 1 : uint64_t{Pack::kLanes};
  if (plan.kernel_points * pack > most) {
    const uint64_t rows = plan.kernel_points / fastest;
    const uint64_t rows_per_slice =
        std::max<uint64_t>(1, most / pack / fastest);
    work.slices = (rows + rows_per_slice - 1) / rows_per_slice;
    work.slice_points = rows_per_slice * fastest;
    work.slice_sizes = pack;
  } else {
    work.slice_points = plan.kernel_points;
    work.slice_sizes = most / plan.kernel_points / pack * pack;
  }
  work.size_slices =
      (plan.size_points + work.slice_sizes - 1) / work.slice_sizes;
  if (work.slices == 1 && work.size_slices == 1) {
    // A piece of many small combinations; few enough that threads share.
    work.combinations_per_piece = std::max<uint64_t>(
        1, (kPiece / 64) / std::max(plan.kernel_points * plan.size_points,
                                    kPointsOfCompiling));
  }
  work.count = (plan.combinations + work.combinations_per_piece - 1) /
               work.combinations_per_piece * work.size_slices * work.slices;
  return work;
}

// One thread's share of the search.
class Searcher {
 public:
  // An interrupt ends a piece: it can take minutes where the front is long, because
  // every point is compared with it.
  Searcher(const Space& space, const Plan& plan, const Pieces& work,
           const SweepOptions& options, Findings* findings)
      : space_(space),
        plan_(plan),
        work_(work),
        options_(options),
        compiler_(space, plan),
        judge_(space.description),
        findings_(findings) {
    if (plan.kernel.empty()) return;
    // What one step of the fastest axis adds to a point's number.
    for (size_t i = plan.kernel.back() + 1; i < space.axes.size(); ++i) {
      fastest_stride_ *= space.axes[i].size();
    }
  }

  absl::Status Do(uint64_t piece) {
    if (space_.description.has_sample()) return DoDraws(piece);
    const uint64_t first =
        piece / work_.slices / work_.size_slices * work_.combinations_per_piece;
    const uint64_t last =
        std::min(first + work_.combinations_per_piece, plan_.combinations);
    const uint64_t begin = piece % work_.slices * work_.slice_points;
    const uint64_t end =
        std::min(begin + work_.slice_points, plan_.kernel_points);
    const uint64_t first_size =
        piece / work_.slices % work_.size_slices * work_.slice_sizes;
    const uint64_t last_size =
        std::min(first_size + work_.slice_sizes, plan_.size_points);
    for (uint64_t combination = first; combination < last && !options_.IsInterrupted();
         ++combination) {
      if (!plan_.sizes.empty()) {
        const absl::Status status =
            DoSizes(combination, first_size, last_size, begin, end);
        if (!status.ok()) return status;
        continue;
      }
      absl::StatusOr<Combination*> compiled =
          CompiledOrNull(combination, end - begin);
      if (!compiled.ok()) return compiled.status();
      if (*compiled != nullptr) DoRows(*compiled, begin, end);
    }
    return absl::OkStatus();
  }

 private:
  // The combination, or nullptr where it cannot be described: its points are
  // then counted as invalid.
  absl::StatusOr<Combination*> CompiledOrNull(uint64_t number,
                                              uint64_t points) {
    if (number != number_ || (combination_ == nullptr && reason_.empty())) {
      absl::StatusOr<std::unique_ptr<Combination>> compiled =
          compiler_.Compile(number);
      number_ = number;
      combination_.reset();
      reason_.clear();
      if (compiled.ok()) {
        combination_ = *std::move(compiled);
      } else if (compiled.status().code() == absl::StatusCode::kInternal) {
        return compiled.status();
      } else {
        reason_ = std::string(compiled.status().message());
      }
    }
    if (combination_ != nullptr) return combination_.get();
    findings_->points += points;
    findings_->invalid += points;
    findings_->reasons[reason_] += points;
    return nullptr;
  }

  // Kernel points begin ... end - 1, whole rows of the fastest axis, of the
  // point with these choices: sets up the machines of each row, those that vary
  // along it in `varying_`, and calls `do_row(id, size)` with the number of its
  // first point.
  template <typename DoRow>
  void ForEachRow(Combination* combination, const Choices& choices,
                  uint64_t begin, uint64_t end, const DoRow& do_row) {
    const std::vector<KernelAxis>& axes = combination->machine->axes();
    const size_t row = axes.empty() ? 1 : axes.back().size;
    row_choices_ = choices;
    kernel_choices_.assign(axes.size(), 0);
    for (uint64_t first = begin; first < end && !options_.IsInterrupted(); first += row) {
      uint64_t rest = first;
      for (size_t i = axes.size(); i-- > 0;) {
        kernel_choices_[i] = static_cast<uint32_t>(rest % axes[i].size);
        rest /= axes[i].size;
        row_choices_[axes[i].axis] = kernel_choices_[i];
      }
      SetRow(combination);
      do_row(IdOf(space_, row_choices_), row);
    }
  }

  // The machines of a row, at `kernel_choices_`.
  void SetRow(Combination* combination) {
    varying_.clear();
    for (const SlotGroup& group : combination->machine->groups()) {
      const size_t offset = group.OffsetOf(kernel_choices_);
      for (size_t k = 0; k < group.slots.size(); ++k) {
        const double* values = &group.tables[k][offset];
        Pack* place = combination->slots[group.slots[k]];
        if (group.fastest) {
          varying_.push_back({place, values});
        } else {
          *place = Pack(*values);
        }
      }
    }
  }

  void DoRows(Combination* combination, uint64_t begin, uint64_t end) {
    ForEachRow(combination, combination->choices, begin, end,
               [&](uint64_t id, size_t row) { DoRow(combination, id, row); });
  }

  void DoRow(Combination* combination, uint64_t id, size_t row) {
    costs_.resize(kRun / Pack::kLanes + 1);
    for (size_t begin = 0; begin < row && !options_.IsInterrupted(); begin += kRun) {
      const size_t count = std::min(kRun, row - begin);
      EvaluateRun(combination->step, varying_, count,
                  combination->actions_or_null(), &combination->pack,
                  costs_.data());
      judge_.Take(
          combination->facts, costs_, count,
          [&](size_t k) { return id + (begin + k) * fastest_stride_; },
          findings_);
      for (VaryingSlot& slot : varying_) slot.values += kRun;
    }
  }

  // Batches and contexts first ... last - 1 of a combination, each with kernel
  // points begin ... end - 1. Valid ones go in packs.
  absl::Status DoSizes(uint64_t number, uint64_t first, uint64_t last,
                       uint64_t begin, uint64_t end) {
    if (sized_ == nullptr || number != number_) {
      absl::StatusOr<std::unique_ptr<SizedCombination>> compiled =
          compiler_.CompileSized(number);
      if (!compiled.ok()) return compiled.status();
      sized_ = *std::move(compiled);
      number_ = number;
    }
    lanes_.clear();
    for (uint64_t size = first; size < last && !options_.IsInterrupted(); ++size) {
      if (sized_->base == nullptr) {
        const absl::Status status = DoAlone(size, begin, end);
        if (!status.ok()) return status;
        continue;
      }
      const SizeChoice choice = sized_->At(size);
      if (!choice.valid) {
        const absl::Status status = DoAlone(size, begin, end);
        if (!status.ok()) return status;
        continue;
      }
      lanes_.push_back({size, choice});
      if (lanes_.size() < Pack::kLanes) continue;
      const absl::Status status = DoLanes(begin, end);
      if (!status.ok()) return status;
      lanes_.clear();
    }
    return lanes_.empty() ? absl::OkStatus() : DoLanes(begin, end);
  }

  // One batch and context, compiled by itself.
  absl::Status DoAlone(uint64_t size, uint64_t begin, uint64_t end) {
    Choices choices = sized_->choices;
    for (size_t i = plan_.sizes.size(); i-- > 0;) {
      const int axis = plan_.sizes[i];
      choices[axis] = static_cast<uint32_t>(size % space_.axes[axis].size());
      size /= space_.axes[axis].size();
    }
    absl::StatusOr<std::unique_ptr<Combination>> alone =
        compiler_.CompileAt(choices);
    if (alone.ok()) {
      DoRows(alone->get(), begin, end);
    } else if (alone.status().code() == absl::StatusCode::kInternal) {
      return alone.status();
    } else {
      findings_->points += end - begin;
      findings_->invalid += end - begin;
      findings_->reasons[std::string(alone.status().message())] += end - begin;
    }
    return absl::OkStatus();
  }

  // Those that `lanes_` holds, as one pack; each alone where they differ in
  // structure or one of them may be too large to count.
  absl::Status DoLanes(uint64_t begin, uint64_t end) {
    if (TakeLanes(begin, end)) return absl::OkStatus();
    for (const auto& [size, choice] : lanes_) {
      const absl::Status status = DoAlone(size, begin, end);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  bool TakeLanes(uint64_t begin, uint64_t end) {
    Combination& base = *sized_->base;
    Pack batch, context;
    for (size_t lane = 0; lane < Pack::kLanes; ++lane) {
      const SizeChoice& choice =
          lanes_[std::min(lane, lanes_.size() - 1)].second;
      batch.value[lane] = choice.batch;
      context.value[lane] = choice.context;
    }
    if (!sized_->steps->Build(batch, context, base.pack, &sized_step_)) {
      return false;
    }
    costs_.resize(kRun / Pack::kLanes + 1);
    varying_.clear();
    size_t column = 0;
    for (const SlotGroup& group : base.machine->groups()) {
      for (const size_t slot : group.slots) {
        varying_.push_back(
            {base.slots[slot], sized_->checked[column++].data()});
      }
    }
    const auto evaluate = [&](size_t count) {
      EvaluateSteps(sized_step_.step, varying_, count, &base.pack,
                    costs_.data());
    };
    evaluate(sized_->num_checked);
    if (!AreFinite(costs_, sized_->num_checked)) return false;
    const auto take = [&](size_t count, uint64_t id) {
      judge_.TakeSteps(
          sized_step_.facts, costs_, count, lanes_.size(),
          [&](size_t k, int lane) {
            return id + k * fastest_stride_ + lanes_[lane].second.offset;
          },
          findings_);
    };
    if (plan_.kernel.empty()) {
      // What was checked is the only machine.
      take(1, IdOf(space_, sized_->choices));
      return true;
    }
    constexpr size_t kMost = kRun / Pack::kLanes;
    ForEachRow(&base, sized_->choices, begin, end,
               [&](uint64_t id, size_t row) {
                 for (size_t k = 0; k < row; k += kMost) {
                   const size_t count = std::min(kMost, row - k);
                   evaluate(count);
                   take(count, id + k * fastest_stride_);
                   for (VaryingSlot& slot : varying_) slot.values += kMost;
                 }
               });
    return true;
  }

  absl::Status DoDraws(uint64_t piece);

  const Space& space_;
  const Plan& plan_;
  const Pieces& work_;
  const SweepOptions& options_;
  Compiler compiler_;
  Judge judge_;
  Findings* const findings_;
  uint64_t fastest_stride_ = 1;
  // The combination at hand, or why there is none.
  uint64_t number_ = 0;
  std::unique_ptr<Combination> combination_;
  std::string reason_;
  // The same of a plan by sizes.
  std::unique_ptr<SizedCombination> sized_;
  // Batches and contexts that go in the next pack, by number, and their steps.
  std::vector<std::pair<uint64_t, SizeChoice>> lanes_;
  SizedStep sized_step_;
  std::vector<VaryingSlot> varying_;
  std::vector<PackCost> costs_;
  Choices row_choices_;
  std::vector<uint32_t> kernel_choices_;
};

// The n-th draw of a seed: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), so
// that each can be drawn by itself.
uint64_t Draw(uint64_t seed, uint64_t n) {
  uint64_t z = seed + (n + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

absl::Status Searcher::DoDraws(uint64_t piece) {
  const Sample& sample = space_.description.sample();
  const uint64_t first = piece * kPiece;
  const uint64_t last = std::min<uint64_t>(first + kPiece, sample.points());
  std::vector<uint64_t> ids;
  for (uint64_t n = first; n < last; ++n) {
    ids.push_back(Draw(sample.seed(), n) % space_.points);
  }
  for (const auto& [number, of_it] : ByCombination(space_, plan_, ids)) {
    if (options_.IsInterrupted()) break;
    absl::StatusOr<Combination*> compiled =
        CompiledOrNull(number, of_it.size());
    if (!compiled.ok()) return compiled.status();
    if (*compiled == nullptr) continue;
    ForEachRun(space_, plan_, *compiled, of_it,
               [&](const std::vector<PackCost>& costs, size_t count,
                   const uint64_t* run) {
                 judge_.Take((*compiled)->facts, costs, count,
                             [&](size_t k) { return run[k]; }, findings_);
               });
  }
  return absl::OkStatus();
}

// All threads' work.
class Search {
 public:
  Search(const Space& space, const Plan& plan, const SweepOptions& options)
      : space_(space),
        plan_(plan),
        options_(options),
        work_(DivideWork(space, plan)),
        next_(options.shard),
        forecast_(options.forecast),
        findings_(space.description, options.dominated, space.points) {}

  absl::Status Run(int threads) {
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) {
      // Where the system gives no more threads, fewer do the same work.
      try {
        others.emplace_back([this] { DoPieces(); });
      } catch (const std::system_error&) {
        break;
      }
    }
    DoPieces();
    for (std::thread& other : others) other.join();
    return status_;
  }

  const Findings& findings() const { return findings_; }
  bool interrupted() const { return stopped_; }

 private:
  void DoPieces() {
    Findings mine(space_.description, options_.dominated, space_.points);
    Searcher searcher(space_, plan_, work_, options_, &mine);
    uint64_t reported = 0;
    while (!stopped_ && !options_.IsInterrupted()) {
      const uint64_t piece = next_.fetch_add(Parts());
      if (piece >= work_.count) break;
      const absl::Status status = searcher.Do(piece);
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!status.ok()) {
        status_.Update(status);
        stopped_ = true;
      }
      done_ += mine.points - reported;
      reported = mine.points;
      const double all = AllPoints() / Parts();
      if (options_.progress) options_.progress(static_cast<double>(done_), all);
      const absl::Status forecast =
          forecast_.Take(std::min(1.0, static_cast<double>(done_) / all));
      if (!forecast.ok()) {
        status_.Update(forecast);
        stopped_ = true;
      }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    // Perhaps within a piece.
    if (options_.IsInterrupted()) stopped_ = true;
    findings_.Merge(mine);
  }

  int Parts() const { return std::max(1, options_.shards); }

  double AllPoints() const {
    return space_.description.has_sample()
               ? static_cast<double>(space_.description.sample().points())
               : static_cast<double>(space_.points);
  }

  const Space& space_;
  const Plan& plan_;
  const SweepOptions& options_;
  const Pieces work_;
  std::atomic<uint64_t> next_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  uint64_t done_ = 0;
  Forecast forecast_;
  Findings findings_;
  absl::Status status_;
};

// The plan by which a grid is searched faster. Lanes of a pack are pairs of
// batch and context if there are enough of them to fill packs, and if the
// constants of the machine are not so many that lowering each pair by itself
// costs nothing beside them: lowering takes as long as some thousands of
// evaluations. Draws are grouped by combination.
absl::StatusOr<Plan> PlanOfGrid(const Space& space, const Plan& plain) {
  constexpr uint64_t kMostKernelPoints = 4096;
  if (space.description.has_sample() ||
      plain.kernel_points > kMostKernelPoints) {
    return plain;
  }
  absl::StatusOr<Plan> by_sizes = MakePlanBySizes(space);
  if (by_sizes.ok() && by_sizes->size_points < Pack::kLanes) return plain;
  return by_sizes;
}

// Figures of points by their numbers, and whether they are feasible. Points that
// cannot be described are missing.
struct Evaluated {
  FigureValues<double> figures;
  bool feasible;
};

absl::StatusOr<std::map<uint64_t, Evaluated>> EvaluatedPoints(
    const Space& space, const Plan& plan, const std::vector<uint64_t>& ids) {
  std::map<uint64_t, Evaluated> evaluated;
  Compiler compiler(space, plan);
  const Judge judge(space.description);
  for (const auto& [number, of_it] : ByCombination(space, plan, ids)) {
    absl::StatusOr<std::unique_ptr<Combination>> combination =
        compiler.Compile(number);
    if (combination.status().code() == absl::StatusCode::kInternal) {
      return combination.status();
    }
    if (!combination.ok()) continue;
    const auto& facts = (*combination)->facts;
    ForEachRun(space, plan, combination->get(), of_it,
               [&](const std::vector<PackCost>& costs, size_t count,
                   const uint64_t* run) {
                 for (size_t k = 0; k < count; ++k) {
                   const PackCost& cost = costs[k / Pack::kLanes];
                   const int lane = static_cast<int>(k % Pack::kLanes);
                   const FigureValues<Pack> pack = FiguresFrom(facts, cost);
                   Evaluated& point = evaluated[run[k]];
                   for (int i = 0; i < kNumFigures; ++i) {
                     point.figures[i] = pack[i][lane];
                   }
                   point.feasible = judge.Excess(facts, cost.usable_bytes[lane],
                                                 point.figures) == 0;
                 }
               });
  }
  return evaluated;
}

// What an answer depends on: the space, the descriptions that it names, and the
// figures of points spread over all ids. The latter stand for everything else, the
// numbers of laws and the formulas of the binary among them.
absl::StatusOr<std::string> FingerprintOf(const Space& space,
                                          const Plan& plan) {
  Fingerprint fingerprint;
  fingerprint.Add(PrintTextproto(space.description));
  Choices choices(space.axes.size(), 0);
  for (size_t i = 0; i <= space.axes.size(); ++i) {
    // Each model and machine that an axis names, and those of the first point.
    const bool names =
        i < space.axes.size() &&
        (space.axes[i].path() == "model" || space.axes[i].path() == "hardware");
    if (i < space.axes.size() && !names) continue;
    const size_t size = names ? space.axes[i].size() : 1;
    for (size_t k = 0; k < size; ++k) {
      if (names) choices[i] = static_cast<uint32_t>(k);
      const absl::StatusOr<Setup> setup = SetupAt(space, choices);
      if (!setup.ok()) return setup.status();
      fingerprint.Add(PrintTextproto(setup->model));
      fingerprint.Add(PrintTextproto(setup->hardware));
      if (setup->draft.has_value()) {
        fingerprint.Add(PrintTextproto(*setup->draft));
      }
    }
    if (names) choices[i] = 0;
  }
  constexpr uint64_t kSamples = 16;
  std::vector<uint64_t> ids;
  const uint64_t samples = std::min(kSamples, space.points);
  for (uint64_t i = 0; i < samples; ++i) {
    ids.push_back(space.points / samples * i);
  }
  absl::StatusOr<std::map<uint64_t, Evaluated>> points =
      EvaluatedPoints(space, plan, ids);
  if (!points.ok()) return points.status();
  for (const auto& [id, point] : *points) {
    fingerprint.Add(absl::StrCat(id));
    for (const double figure : point.figures) {
      // All digits: a change of the last counts.
      fingerprint.Add(absl::StrFormat(" %a", figure));
    }
  }
  return fingerprint.ToString();
}

// The points of the answer with their values and figures: the front, dominated
// points, and the point at which every axis has its first value.
absl::Status FillPoints(const Space& space, const Plan& plan,
                        const Findings& findings, SweepStudy* study) {
  constexpr uint64_t kBaseline = 0;
  std::vector<uint64_t> front;
  for (const FrontPoint& point : findings.front.Sorted()) {
    front.push_back(point.id);
  }
  const std::vector<uint64_t> dominated = findings.dominated.Ids();
  std::vector<uint64_t> ids = front;
  ids.insert(ids.end(), dominated.begin(), dominated.end());
  ids.push_back(kBaseline);
  absl::StatusOr<std::map<uint64_t, Evaluated>> evaluated =
      EvaluatedPoints(space, plan, ids);
  if (!evaluated.ok()) return evaluated.status();
  const auto point_of = [&](uint64_t id) {
    return PointOf(space, ChoicesOf(space, id),
                   ToProto((*evaluated)[id].figures));
  };
  for (const uint64_t id : front) *study->add_front() = point_of(id);
  for (const uint64_t id : dominated) *study->add_dominated() = point_of(id);
  const auto baseline = evaluated->find(kBaseline);
  if (baseline != evaluated->end() && baseline->second.feasible) {
    *study->mutable_baseline() = point_of(kBaseline);
  }
  return FillQuality(
      space, [&](int i) { return ChoicesOf(space, front[i]); }, study);
}

// What a caveat is about, without the numbers of the point at hand.
std::string CaveatKind(absl::string_view caveat) {
  return std::string(caveat.substr(0, caveat.find(" was not fitted to")));
}

// Appends what is wrong with a shard by itself: a file that no search wrote, or one
// that was changed since.
void CheckShard(const Space& space, const SweepStudy& shard,
                std::vector<std::string>* faults) {
  const std::string name = absl::StrCat("shard ", shard.shard());
  if (shard.shards() < 1 || shard.shards() > kMostShards || shard.shard() < 0 ||
      shard.shard() >= shard.shards()) {
    faults->push_back(absl::StrCat(
        name, " of ", shard.shards(), " is none: expected I of N with N up to ",
        kMostShards, " and I below N"));
    return;
  }
  const auto is_count = [&](double count) {
    return count >= 0 && count <= static_cast<double>(kMostPoints) &&
           count == std::floor(count);
  };
  if (!is_count(shard.points()) || !is_count(shard.invalid()) ||
      !is_count(shard.does_not_fit()) || !is_count(shard.outside_limits()) ||
      !is_count(shard.feasible()) ||
      shard.invalid() + shard.does_not_fit() + shard.outside_limits() +
              shard.feasible() !=
          shard.points()) {
    faults->push_back(absl::StrCat(
        name, " has counts of points that do not add up to its points"));
  }
  if ((shard.feasible() > 0) != (shard.front_size() > 0)) {
    faults->push_back(absl::StrCat(
        name, " has ", shard.front_size(), " points on its front and ",
        static_cast<uint64_t>(std::max(shard.feasible(), 0.0)), " feasible ones"));
  }
  for (const SweepPoint& point : shard.front()) {
    if (point.id() < 0 || point.id() >= static_cast<double>(space.points) ||
        point.id() != std::floor(point.id())) {
      faults->push_back(absl::StrCat(name, " has a point ", point.id(),
                                     " that the space has not"));
      return;
    }
    for (const double value :
         ObjectivesOf(space.description, point.figures())) {
      if (std::isfinite(value)) continue;
      faults->push_back(absl::StrCat(name, " has a point ", point.id(),
                                     " with an objective that is no number"));
      return;
    }
  }
}

// A shard's findings.
void AddShard(const Space& space, const SweepStudy& shard, Findings* findings) {
  findings->points += static_cast<uint64_t>(shard.points());
  findings->invalid += static_cast<uint64_t>(shard.invalid());
  findings->does_not_fit += static_cast<uint64_t>(shard.does_not_fit());
  findings->outside_limits += static_cast<uint64_t>(shard.outside_limits());
  findings->feasible += static_cast<uint64_t>(shard.feasible());
  for (const InvalidReason& reason : shard.invalid_reasons()) {
    findings->reasons[reason.reason()] +=
        static_cast<uint64_t>(reason.points());
  }
  for (const SweepPoint& point : shard.front()) {
    const ObjectiveValues values =
        ObjectivesOf(space.description, point.figures());
    findings->Add(values, static_cast<uint64_t>(point.id()));
  }
  for (const SweepPoint& point : shard.dominated()) {
    findings->dominated.Offer(static_cast<uint64_t>(point.id()));
  }
}

}  // namespace

absl::StatusOr<SweepStudy> Sweep(const Space& space,
                                 const SweepOptions& options) {
  if (space.description.has_evolution()) {
    return absl::InvalidArgumentError(
        "the space is searched by evolution, not point by point");
  }
  absl::StatusOr<Plan> plan = MakePlan(space);
  if (!plan.ok()) return plan.status();
  absl::StatusOr<std::string> fingerprint = FingerprintOf(space, *plan);
  if (!fingerprint.ok()) return fingerprint.status();
  const int threads =
      options.threads > 0
          ? options.threads
          : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const auto start = std::chrono::steady_clock::now();
  absl::StatusOr<Plan> searched = PlanOfGrid(space, *plan);
  if (!searched.ok()) return searched.status();
  Search search(space, *searched, options);
  const absl::Status status = search.Run(threads);
  if (!status.ok()) return status;
  const std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - start;

  SweepStudy study;
  FillHead(space, &study);
  FillCounts(search.findings(), &study);
  study.set_fingerprint(*fingerprint);
  study.set_interrupted(search.interrupted());
  if (options.shards > 0) {
    study.set_shard(options.shard);
    study.set_shards(options.shards);
  } else {
    KeepMostReasons(&study);
    study.set_points_per_second_per_core(study.points() / elapsed.count() /
                                         threads);
  }
  const absl::Status filled =
      FillPoints(space, *plan, search.findings(), &study);
  if (!filled.ok()) return filled;
  return study;
}

absl::StatusOr<SweepStudy> MergeShards(const Space& space,
                                       const std::vector<SweepStudy>& shards,
                                       int dominated) {
  if (space.description.has_evolution()) {
    return absl::InvalidArgumentError(
        "the space is searched by evolution, not point by point");
  }
  absl::StatusOr<Plan> plan = MakePlan(space);
  if (!plan.ok()) return plan.status();
  absl::StatusOr<std::string> fingerprint = FingerprintOf(space, *plan);
  if (!fingerprint.ok()) return fingerprint.status();
  std::vector<std::string> faults;
  std::set<int> seen;
  for (const SweepStudy& shard : shards) CheckShard(space, shard, &faults);
  if (!faults.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }
  const int expected = shards.empty() ? 0 : shards[0].shards();
  Findings findings(space.description, dominated, space.points);
  for (const SweepStudy& shard : shards) {
    const std::string name = absl::StrCat("shard ", shard.shard());
    if (shard.fingerprint() != *fingerprint) {
      faults.push_back(
          absl::StrCat(name, " is of another space or of other descriptions"));
    }
    if (shard.shards() != expected) {
      faults.push_back(absl::StrCat(name, " is one of ", shard.shards(),
                                    ", others of ", expected));
    }
    if (!seen.insert(shard.shard()).second) {
      faults.push_back(absl::StrCat(name, " is there twice"));
    }
    if (shard.interrupted()) {
      faults.push_back(absl::StrCat(name, " was interrupted; run it again"));
    }
    if (shard.dominated_size() <
        std::min<double>(dominated, shard.dominated_points())) {
      faults.push_back(absl::StrCat(
          name, " holds ", shard.dominated_size(),
          " dominated points; run it with --dominated=", dominated));
    }
  }
  for (int i = 0; i < expected; ++i) {
    if (seen.count(i) == 0) {
      faults.push_back(absl::StrCat("shard ", i, " of ", expected,
                                    " is missing; run it with --shard=", i, "/",
                                    expected));
    }
  }
  if (shards.empty()) faults.push_back("no shards to merge");
  if (!faults.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }
  for (const SweepStudy& shard : shards) {
    AddShard(space, shard, &findings);
  }
  SweepStudy study;
  FillHead(space, &study);
  FillCounts(findings, &study);
  KeepMostReasons(&study);
  study.set_fingerprint(*fingerprint);
  const absl::Status filled = FillPoints(space, *plan, findings, &study);
  if (!filled.ok()) return filled;
  return study;
}

absl::Status FillQuality(const Space& space,
                         absl::FunctionRef<Choices(int)> choices_of,
                         SweepStudy* study) {
  std::set<std::string> caveats;
  for (int i = 0; i < study->front_size(); ++i) {
    // Loading models and machines takes longer than finding most fronts.
    const Choices choices = choices_of(i);
    absl::StatusOr<Scenario> scenario = ScenarioAt(space, choices);
    if (!scenario.ok()) return scenario.status();
    if (!scenario->has_quality()) continue;
    absl::StatusOr<Setup> setup = SetupAt(space, choices);
    if (!setup.ok()) return setup.status();
    const ResolvedSetup resolved(*std::move(setup));
    absl::optional<QualityEstimate> quality = EstimateFor(
        resolved.model(), resolved.scenario(), BuildLedger(resolved.step()));
    if (!quality.has_value()) continue;
    for (std::string& caveat : *quality->mutable_caveats()) {
      if (!caveats.insert(CaveatKind(caveat)).second) continue;
      study->add_quality_caveats(caveat);
    }
    quality->clear_caveats();
    quality->clear_laws();
    *study->mutable_front(i)->mutable_quality() = *std::move(quality);
  }
  return absl::OkStatus();
}

absl::StatusOr<SweepFigures> FiguresOf(const Space& space,
                                       const Choices& choices) {
  absl::StatusOr<Setup> setup = SetupAt(space, choices);
  if (!setup.ok()) return setup.status();
  absl::StatusOr<Report> report = Analyze(*setup, kFiguresOnly);
  if (!report.ok()) return report.status();
  SweepFigures figures;
  figures.set_energy_per_token_j(report->energy_per_token_j());
  figures.set_step_time_s(report->step_time_s());
  figures.set_time_per_token_s(report->step_time_s() /
                               report->tokens_per_sequence_step());
  figures.set_tokens_per_s(report->tokens_per_s());
  figures.set_power_w(report->power_w());
  figures.set_energy_delay_j_s(figures.energy_per_token_j() *
                               figures.time_per_token_s());
  if (report->has_memory_share()) {
    figures.set_memory_energy_share(report->memory_share().energy_share());
  } else {
    figures.set_dram_energy_share(report->dram_energy_share());
    figures.set_stack_energy_share(report->stack_energy_share());
    figures.set_memory_energy_share(report->stack_energy_share());
  }
  figures.set_stack_layers(report->stack().layers());
  figures.set_power_density_w_per_cm2(report->stack().power_w_per_cm2());
  figures.set_stack_temperature_c(report->stack().temperature_c());
  figures.set_memory_used_bytes(report->memory_used_bytes());
  figures.set_memory_left_bytes(report->memory_usable_bytes() -
                                report->memory_used_bytes());
  figures.set_chips(report->num_chips());
  figures.set_area_mm2(report->area_mm2());
  figures.set_cost_usd(report->cost_usd());
  figures.set_snr_db(report->snr_db());
  figures.set_wear_per_year(report->wear_per_year());
  figures.set_parameters(report->total_parameters());
  figures.set_active_parameters(report->active_parameters());
  figures.set_effective_parameters(report->quality().effective_parameters());
  figures.set_loss(report->quality().loss());
  figures.set_aspect_ratio(AspectRatio(setup->model));
  const ResolvedSetup resolved(*std::move(setup));
  if (resolved.placement() == nullptr) {
    const Machine<> machine = MachineFor(resolved);
    figures.set_engine_tops_per_w(EngineTopsPerW(
        EvaluateOn(BuildLedger(resolved.step()), machine).step, machine));
  }
  return figures;
}

}  // namespace tokenjoule
