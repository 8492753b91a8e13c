// A design space searched for its Pareto front.

#ifndef ANALYZER_SEARCH_SWEEP_H_
#define ANALYZER_SEARCH_SWEEP_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "analyzer/search/forecast.h"
#include "analyzer/search/space.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// Parts that a search may be divided into.
inline constexpr int kMostShards = 1'000'000;

struct SweepOptions {
  // Threads; 0: as many as there are processors.
  int threads = 0;
  // Which part of the work to do, of how many; 0 shards: all of it, as the last
  // word. A shard's answer holds nothing that differs between machines.
  int shard = 0;
  int shards = 0;
  // The most dominated points to report. If there are any, every feasible point is
  // compared, which takes longer.
  int dominated = 0;
  // Set from elsewhere to stop early; the answer is that of the points looked
  // at. May be null.
  const std::atomic<bool>* interrupted = nullptr;
  // Told from time to time how many points are done, of how many in this shard.
  // Called by one thread at a time. May be empty.
  std::function<void(double done, double all)> progress;
  // Told after the first second how long the rest of the search, or of the shard,
  // takes; an error stops it. Called once, by any thread. May be empty.
  ForecastFunction forecast;

  // Whether the search is to stop.
  bool IsInterrupted() const { return interrupted != nullptr && *interrupted; }
};

// The front of a space, by compiled evaluation: axes that change structure
// (model, formats, parallelism, what lowering depends on) are lowered once for
// each combination; steps of batches and contexts are lowered in packs where
// the whole grid is searched, and constants of the machine run through the cost
// kernel in packs. Every combination is checked at a few points against the
// kernel on one number at a time. The answer does not depend on threads, and
// merged shards are the same as the whole.
absl::StatusOr<SweepStudy> Sweep(const Space& space,
                                 const SweepOptions& options = {});

// The shards of one search put together, with at most `dominated` dominated points.
// Fails where one is missing, twice there, of another space or interrupted, or has
// fewer dominated points than are asked for although there are more.
absl::StatusOr<SweepStudy> MergeShards(const Space& space,
                                       const std::vector<SweepStudy>& shards,
                                       int dominated = 0);

// A point's figures by the long way: descriptions loaded, a report made. What
// Sweep answers equals it to 1e-12.
absl::StatusOr<SweepFigures> FiguresOf(const Space& space,
                                       const Choices& choices);

// Fills in the quality of the front's points, with ranges, and what the laws do
// not cover, each caveat once with the numbers of the first point that has it.
// `choices_of(i)` are the choices of the i-th. Nothing where the space's
// scenario has no `quality`.
absl::Status FillQuality(const Space& space,
                         absl::FunctionRef<Choices(int)> choices_of,
                         SweepStudy* study);

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_SWEEP_H_
