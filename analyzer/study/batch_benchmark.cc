// Measures the rows per second of a batch study on one core: Llama-3.1-8B on
// H100, batch 1 to 1024, with ranges and without.

#include <cstdlib>
#include <vector>

#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/study/batch.h"
#include "benchmark/benchmark.h"

namespace tokenjoule {
namespace {

void BM_StudyBatch(benchmark::State& state) {
  auto model = LoadModel("llama-3.1-8b");
  auto hardware = LoadHardware("h100-sxm");
  if (!model.ok() || !hardware.ok()) std::abort();
  const Setup setup = {*model, *hardware, DefaultScenario(), absl::nullopt};
  std::vector<double> batches;
  for (int batch = 1; batch <= 1024; ++batch) batches.push_back(batch);
  BatchOptions options;
  options.ranges = state.range(0) != 0;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(
        StudyBatch(absl::MakeConstSpan(&setup, 1), batches, options));
  }
  state.counters["rows"] = benchmark::Counter(
      static_cast<double>(state.iterations() * batches.size()),
      benchmark::Counter::kIsRate);
}
BENCHMARK(BM_StudyBatch)
    ->ArgName("ranges")
    ->Arg(1)
    ->Arg(0)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tokenjoule
