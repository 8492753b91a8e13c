// Speed of the cost kernel and of the code around it, for Llama-3.1-70B on
// eight H100. Rates are evaluations per second on one core.

#include <cstdlib>
#include <vector>

#include "analyzer/cost/kernel.h"
#include "analyzer/cost/lower.h"
#include "analyzer/cost/pack_kernel.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "analyzer/machine/slots.h"
#include "benchmark/benchmark.h"

namespace tokenjoule {
namespace {

struct Inputs {
  Model model;
  Hardware hardware;
  Scenario scenario;
};

const Inputs& Llama70b() {
  static const Inputs* inputs = [] {
    auto model = LoadModel("llama-3.1-70b");
    auto hardware = LoadHardware("h100-sxm");
    if (!model.ok() || !hardware.ok()) std::abort();
    auto* inputs = new Inputs{*model, *hardware, DefaultScenario()};
    inputs->scenario.set_tp(8);
    inputs->scenario.set_batch(32);
    inputs->scenario.set_context(8192);
    return inputs;
  }();
  return *inputs;
}

// The kernel only, on a lowered step.
void BM_CostOfStep(benchmark::State& state) {
  const Inputs& in = Llama70b();
  Machine<> machine = BuildMachine(in.hardware);
  const LoweredStep<> step = Lower(BuildLedger(in.model, in.scenario), machine);
  double bandwidth = 3000;
  for ([[maybe_unused]] auto _ : state) {
    // A different machine each time, so that nothing can be hoisted.
    machine.costs.levels[0].peak_bandwidth = GigabytesPerSecond(bandwidth);
    bandwidth += 1e-3;
    benchmark::DoNotOptimize(CostOfStep(step, machine));
  }
  state.counters["evaluations"] =
      benchmark::Counter(state.iterations(), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_CostOfStep);

// The kernel over packs of machines that differ in bandwidth and in energy.
void BM_EvaluateRun(benchmark::State& state) {
  const Inputs& in = Llama70b();
  const Machine<> one = BuildMachine(in.hardware);
  const LoweredStep<Pack> step =
      ConvertedStep<Pack>(Lower(BuildLedger(in.model, in.scenario), one));
  Machine<Pack> machine = Converted<Pack>(one);
  constexpr size_t kPoints = 1024;
  std::vector<double> bandwidths, energies;
  for (size_t i = 0; i < kPoints; ++i) {
    bandwidths.push_back(3e12 + 1e9 * i);
    energies.push_back(5e-11 + 1e-14 * i);
  }
  const std::vector<VaryingSlot> slots = {
      {&machine.costs.levels[0].peak_bandwidth.mutable_base(),
       bandwidths.data()},
      {&machine.costs.levels[0].read.phy.mutable_base(),
       energies.data()}};
  std::vector<PackCost> costs(kPoints / Pack::kLanes);
  for ([[maybe_unused]] auto _ : state) {
    EvaluateRun(step, slots, kPoints, nullptr, &machine, costs.data());
    benchmark::DoNotOptimize(costs.data());
  }
  state.counters["evaluations"] = benchmark::Counter(
      state.iterations() * kPoints, benchmark::Counter::kIsRate);
}
BENCHMARK(BM_EvaluateRun);

// Ledger, lowering and kernel: the work for another batch.
void BM_LedgerToCost(benchmark::State& state) {
  const Inputs& in = Llama70b();
  const Machine<> machine = BuildMachine(in.hardware);
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(CostOfStep(
        Lower(BuildLedger(in.model, in.scenario), machine), machine));
  }
  state.counters["evaluations"] =
      benchmark::Counter(state.iterations(), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_LedgerToCost);

// A whole report with its ranges.
void BM_Analyze(benchmark::State& state) {
  const Inputs& in = Llama70b();
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(Analyze(in.model, in.hardware, in.scenario));
  }
}
BENCHMARK(BM_Analyze);

// Parsing and validation of descriptions.
void BM_LoadModelAndHardware(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(LoadModel("llama-3.1-70b"));
    benchmark::DoNotOptimize(LoadHardware("h100-sxm"));
  }
}
BENCHMARK(BM_LoadModelAndHardware);

}  // namespace
}  // namespace tokenjoule
