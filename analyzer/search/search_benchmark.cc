// Speed of a search over a space of five axes around Llama-3.1-70B, and of what
// bounds it: the arithmetic of the kernel at the processor's own speed.
//
// `evaluations` of BM_ArithmeticBound is the rate of additions and products
// that packs reach, over the operations that one evaluation takes: what the
// kernel could reach if its operations were all that there is to do.

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "analyzer/cost/kernel.h"
#include "analyzer/cost/lower.h"
#include "analyzer/cost/pack.h"
#include "analyzer/cost/pack_kernel.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/machine/slots.h"
#include "analyzer/search/front.h"
#include "analyzer/search/space.h"
#include "analyzer/search/sweep.h"
#include "benchmark/benchmark.h"

namespace tokenjoule {
namespace {

constexpr char kSpace[] = R"(
name: "five-axes"
scenario { model: "llama-3.1-70b" hardware: "h100-sxm" tp: 8 batch: 32
           context: 8192 weights: "fp8" }
axis { path: "hardware.memory.hbm.bandwidth_gb_per_s"
       linear { from: 1000 to: 8000 count: 64 } }
axis { path: "hardware.memory.hbm.capacity_gb"
       linear { from: 20 to: 200 count: 16 } }
axis { path: "hardware.memory.hbm.path_energy_pj_per_bit"
       linear { from: 1 to: 8 count: 32 } }
axis { path: "hardware.board.static_power_w"
       linear { from: 50 to: 200 count: 16 } }
axis { path: "hardware.engine.tensor.rate.fp8.peak_tflops"
       linear { from: 100 to: 4000 count: 32 } }
objective { metric: "energy_per_token_j" }
objective { metric: "time_per_token_s" }
)";

constexpr char kSizes[] = R"(
name: "batch-and-context"
scenario { model: "llama-3.1-8b" hardware: "h100-sxm" }
axis { path: "scenario.batch" linear { from: 1 to: 1000 count: 1000 } }
axis { path: "scenario.context" linear { from: 128 to: 128000 count: 1000 } }
objective { metric: "energy_per_token_j" }
objective { metric: "time_per_token_s" }
)";

Space Parsed(const char* text) {
  absl::StatusOr<Space> parsed = ParseSpace(text, "space");
  if (!parsed.ok()) {
    std::cerr << parsed.status() << "\n";
    std::abort();
  }
  return *std::move(parsed);
}

const Space& FiveAxes() {
  static const Space* space = new Space(Parsed(kSpace));
  return *space;
}

// A whole search on one core: evaluation, limits, front.
void Search(const Space& space, benchmark::State& state) {
  SweepOptions options;
  options.threads = 1;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(Sweep(space, options));
  }
  state.counters["points"] =
      benchmark::Counter(static_cast<double>(state.iterations() * space.points),
                         benchmark::Counter::kIsRate);
}

void BM_Sweep(benchmark::State& state) { Search(FiveAxes(), state); }
BENCHMARK(BM_Sweep)->Unit(benchmark::kMillisecond);

// A million pairs of a batch and a context.
void BM_SweepBatchContext(benchmark::State& state) {
  static const Space* space = new Space(Parsed(kSizes));
  Search(*space, state);
}
BENCHMARK(BM_SweepBatchContext)->Unit(benchmark::kMillisecond);

// A front that every point is on: along a surface of equal products, in random order.
void BM_Front(benchmark::State& state) {
  const int objectives = static_cast<int>(state.range(0));
  const int64_t count = state.range(1);
  std::mt19937_64 bits(1);
  std::vector<ObjectiveValues> points(static_cast<size_t>(count));
  for (ObjectiveValues& point : points) {
    point = {};
    double product = 1;
    for (int i = 0; i + 1 < objectives; ++i) {
      point[i] = std::exp(3 * static_cast<double>(bits() >> 11) * 0x1p-53);
      product *= point[i];
    }
    point[objectives - 1] = 1 / product;
  }
  for ([[maybe_unused]] auto _ : state) {
    ParetoFront front(objectives);
    for (size_t id = 0; id < points.size(); ++id) front.Add(points[id], id);
    benchmark::DoNotOptimize(front.size());
  }
  state.counters["points"] =
      benchmark::Counter(static_cast<double>(state.iterations() * count),
                         benchmark::Counter::kIsRate);
}
BENCHMARK(BM_Front)
    ->Unit(benchmark::kMillisecond)
    ->ArgsProduct({{2, 3, 5}, {1000, 20'000, 400'000}});

// A number that counts what is done with it.
struct Counted {
  Counted() = default;
  Counted(double v) : value(v) {}  // NOLINT: formulas say 2.0 * x

  Counted& operator+=(const Counted& other) { return *this = *this + other; }
  Counted& operator-=(const Counted& other) { return *this = *this - other; }
  friend Counted operator+(const Counted& a, const Counted& b) {
    ++operations;
    return Counted(a.value + b.value);
  }
  friend Counted operator-(const Counted& a, const Counted& b) {
    ++operations;
    return Counted(a.value - b.value);
  }
  friend Counted operator*(const Counted& a, const Counted& b) {
    ++operations;
    return Counted(a.value * b.value);
  }
  friend Counted operator/(const Counted& a, const Counted& b) {
    ++operations;
    return Counted(a.value / b.value);
  }
  friend bool operator<(const Counted& a, const Counted& b) {
    ++operations;
    return a.value < b.value;
  }
  friend Counted sqrt(const Counted& a) {
    ++operations;
    return Counted(std::sqrt(a.value));
  }

  static int64_t operations;
  double value = 0;
};

int64_t Counted::operations = 0;

// Additions, products, quotients and comparisons of one evaluation.
int64_t OperationsOfAnEvaluation() {
  const Choices first(FiveAxes().axes.size(), 0);
  const absl::StatusOr<Setup> setup = SetupAt(FiveAxes(), first);
  if (!setup.ok()) std::abort();
  const Machine<> plain_machine = BuildMachine(setup->hardware);
  const Evaluation<> plain = EvaluateOn(
      BuildLedger(setup->model, setup->scenario, nullptr), plain_machine);
  // Ledger and lowering in plain numbers, the kernel in counted ones.
  const LoweredStep<Counted> step = ConvertedStep<Counted>(plain.step);
  const Machine<Counted> machine = Converted<Counted>(plain_machine);
  Counted::operations = 0;
  benchmark::DoNotOptimize(CostOfStep(step, machine));
  return Counted::operations;
}

void BM_ArithmeticBound(benchmark::State& state) {
  constexpr int kRounds = 4096;
  const double operations = static_cast<double>(MultiplyAddOperations(kRounds));
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(MultiplyAddPeak(kRounds));
  }
  const double per_evaluation = static_cast<double>(OperationsOfAnEvaluation());
  state.counters["operations_per_evaluation"] = per_evaluation;
  state.counters["operations"] = benchmark::Counter(
      state.iterations() * operations, benchmark::Counter::kIsRate);
  state.counters["evaluations"] =
      benchmark::Counter(state.iterations() * operations / per_evaluation,
                         benchmark::Counter::kIsRate);
}
BENCHMARK(BM_ArithmeticBound);

}  // namespace
}  // namespace tokenjoule
