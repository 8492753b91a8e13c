// Relations that hold for every shipped model on every shipped machine.

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/field_path.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/study/batch.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "gtest/gtest.h"
#include "proto/constant.pb.h"

namespace tokenjoule {
namespace {

struct Pair {
  Model model;
  Hardware hardware;
  Scenario scenario;
  std::string label;
};

// A tensor-parallel degree that the model allows and the machine's links
// support.
int SomeParallelism(const Model& model, const Hardware& hardware) {
  Scenario scenario = DefaultScenario();
  for (const int tp : {8, 4, 2}) {
    scenario.set_tp(tp);
    scenario.set_batch(tp);
    if (Analyze(model, hardware, scenario, kFiguresOnly).ok()) return tp;
  }
  return 1;
}

void AddPairs(const std::string& model, const std::string& hardware,
              std::vector<Pair>* pairs) {
  Pair pair = {LoadModelOrDie(model), LoadHardwareOrDie(hardware),
               DefaultScenario(), absl::StrCat(model, " on ", hardware)};
  pair.scenario.set_batch(4);
  pair.scenario.set_context(4096);
  pairs->push_back(pair);
  const int tp = SomeParallelism(pair.model, pair.hardware);
  if (tp == 1) return;
  pair.scenario.set_tp(tp);
  absl::StrAppend(&pair.label, " tp ", tp);
  pairs->push_back(pair);
}

// Every model on one machine of each kind, and one model of each family on
// every machine; on one chip and on several.
const std::vector<Pair>& Pairs() {
  static const auto* pairs = [] {
    auto* pairs = new std::vector<Pair>;
    for (const std::string& model : LanguageModelNames()) {
      for (const char* hardware :
           {"h100-sxm", "unit", "tpu-v5e", "sram-rack", "aimc-hbm3e"}) {
        AddPairs(model, hardware, pairs);
      }
    }
    for (const char* model :
         {"llama-3.1-8b", "gemma-3-4b", "mixtral-8x7b", "deepseek-v2-lite",
          "gpt-oss-20b", "nemotron-nano-9b-v2", "jamba-v0.1",
          "qwen3-next-80b-a3b"}) {
      for (const std::string& hardware : LanguageMachineNames()) {
        AddPairs(model, hardware, pairs);
      }
    }
    return pairs;
  }();
  return *pairs;
}

Report AnalyzePair(const Pair& pair) {
  SCOPED_TRACE(pair.label);
  return AnalyzeOrDie(pair.model, pair.hardware, pair.scenario,
                      {true, false, true});
}

bool HasMemoryDevices(const Hardware& hardware) {
  for (const MemoryLevel& level : hardware.memory()) {
    if (level.technology().kind() == MemoryTechnology::DRAM ||
        level.technology().kind() == MemoryTechnology::NON_VOLATILE) {
      return true;
    }
  }
  return false;
}

bool PinsSequences(const Hardware& hardware) {
  for (const MemoryLevel& level : hardware.memory()) {
    if (level.pins() == SEQUENCES) return true;
  }
  return false;
}

TEST(PropertyTest, TermsSumToTheTotalAtEveryBoundary) {
  for (Pair pair : Pairs()) {
    for (const char* boundary :
         {"stack", "memory_path", "chip", "board", "node", "facility"}) {
      // Refused where no memory is outside the chip.
      const std::string name = boundary;
      if ((name == "stack" || name == "memory_path") &&
          !HasMemoryDevices(pair.hardware)) {
        continue;
      }
      pair.scenario.set_boundary(boundary);
      const Report report = AnalyzePair(pair);
      double sum = 0;
      for (const EnergyTerm& term : report.energy_terms()) {
        sum += term.energy_per_token_j();
      }
      const double total = report.energy_per_token_j();
      EXPECT_NEAR(sum, total, 1e-9 * total) << pair.label << " " << boundary;
      for (const BoundaryEnergy& energy : report.energy_by_boundary()) {
        if (energy.boundary() != boundary) continue;
        EXPECT_NEAR(sum, energy.energy_per_token_j(), 1e-9 * total)
            << pair.label;
      }
    }
  }
}

TEST(PropertyTest, EachBoundaryContainsTheOneBefore) {
  for (const Pair& pair : Pairs()) {
    const Report report = AnalyzePair(pair);
    double inner = 0;
    for (const BoundaryEnergy& energy : report.energy_by_boundary()) {
      EXPECT_GE(energy.energy_per_token_j(), inner * (1 - 1e-12))
          << pair.label << " " << energy.boundary();
      inner = energy.energy_per_token_j();
    }
  }
}

TEST(PropertyTest, PowerTimesTimeOverBatchIsEnergy) {
  for (const Pair& pair : Pairs()) {
    const Report report = AnalyzePair(pair);
    EXPECT_NEAR(report.power_w() * report.step_time_s() /
                    pair.scenario.batch() / report.energy_per_token_j(),
                1, 1e-9)
        << pair.label;
    EXPECT_NEAR(report.tokens_per_s() * report.step_time_s(),
                pair.scenario.batch(), 1e-6)
        << pair.label;
  }
}

TEST(PropertyTest, OperatorsSumToTheStep) {
  for (const Pair& pair : Pairs()) {
    const Report report = AnalyzePair(pair);
    double flop = 0, weights = 0, energy = 0, time = 0;
    for (const OperatorReport& op : report.operators()) {
      flop += op.flop();
      weights += op.weight_bytes();
      energy += op.energy_j();
      time += op.time_s();
    }
    EXPECT_NEAR(flop / (report.flop_per_token() * pair.scenario.batch()), 1,
                1e-9)
        << pair.label;
    EXPECT_NEAR(weights / report.weight_bytes_per_step(), 1, 1e-9)
        << pair.label;
    // Dynamic energy: the chip boundary without the background of the DRAM.
    double chip = 0;
    for (const BoundaryEnergy& e : report.energy_by_boundary()) {
      if (e.boundary() == "chip") chip = e.energy_per_token_j();
    }
    chip -= TermOf(report, Term::DRAM_BACKGROUND);
    EXPECT_NEAR(energy / (chip * pair.scenario.batch()), 1, 1e-9) << pair.label;
    EXPECT_LE(time, report.step_time_s() * (1 + 1e-9)) << pair.label;
  }
}

TEST(PropertyTest, TimeByBoundSumsToTheStep) {
  for (const Pair& pair : Pairs()) {
    const Report report = AnalyzePair(pair);
    double sum = 0;
    for (const BoundTime& part : report.time_by_bound()) sum += part.time_s();
    EXPECT_NEAR(sum / report.step_time_s(), 1, 1e-9) << pair.label;
  }
}

// Each energy constant belongs to exactly one term.
TEST(PropertyTest, ScalingAnEnergyByKScalesItsTerm) {
  // The terms and the constants that each is proportional to, together.
  const std::map<Term::Value, std::vector<std::string>> terms = {
      {Term::DRAM_ACTIVATE, {"row_activation_energy_pj"}},
      {Term::DRAM_INTERFACE,
       {"interface_energy_pj_per_bit", "layer_energy_pj_per_bit"}},
      {Term::DRAM_PHY, {"phy_energy_pj_per_bit"}},
      {Term::MEMORY_PATH, {"path_energy_pj_per_bit"}},
      {Term::ON_CHIP_NETWORK,
       {"network_energy_pj_per_bit", "wire_energy_pj_per_bit_mm"}},
  };
  constexpr double kScale = 1.25;
  for (const Pair& pair : Pairs()) {
    // A power cap that binds would also change static energy.
    Pair free = pair;
    free.hardware.mutable_board()->clear_power_cap_w();
    const Report before = AnalyzePair(free);
    for (const auto& [term, names] : terms) {
      Pair scaled = free;
      ForEachConstant(
          scaled.hardware,
          [&, &names = names](const std::string& path, const Constant& constant,
                              const auto&) {
            for (const std::string& name : names) {
              // Constants of links and arithmetic with such names belong to
              // other terms.
              if (!absl::EndsWith(path, absl::StrCat(".", name)) ||
                  !absl::StartsWith(path, "memory.")) {
                continue;
              }
              auto* change = const_cast<Constant*>(&constant);
              change->set_value(constant.value() * kScale);
            }
          });
      const Report after = AnalyzePair(scaled);
      EXPECT_NEAR(TermOf(after, term), kScale * TermOf(before, term),
                  1e-9 * TermOf(after, term))
          << pair.label << " " << names[0];
      EXPECT_NEAR(after.step_time_s() / before.step_time_s(), 1, 1e-12)
          << pair.label << " " << names[0];
    }
  }
}

TEST(PropertyTest, FreeComputeIsNeverSlowerOrDearer) {
  for (Pair pair : Pairs()) {
    // More compute has more area, which may leak.
    BoardPower& board = *pair.hardware.mutable_board();
    if (!board.has_static_power_w() && !board.has_static_power_fraction()) {
      board.mutable_static_power_w()->set_value(100);
    }
    Pair free = pair;
    for (ComputeEngine& engine : *free.hardware.mutable_engine()) {
      for (auto& rate : *engine.mutable_rate()) {
        rate.mutable_peak_tflops()->set_value(1e9);
        rate.mutable_energy_pj_per_flop()->set_value(0);
      }
    }
    Runtime* runtime = free.hardware.mutable_runtime();
    runtime->mutable_kernel_energy_pj_per_weight()->set_value(0);
    for (FormatKernels& kernels : *runtime->mutable_kernels()) {
      kernels.clear_kernel_energy_pj_per_weight();
    }
    const Report with = AnalyzePair(pair);
    const Report without = AnalyzePair(free);
    EXPECT_LE(without.step_time_s(), with.step_time_s() * (1 + 1e-12))
        << pair.label;
    EXPECT_LE(without.energy_per_token_j(),
              with.energy_per_token_j() * (1 + 1e-12))
        << pair.label;
    EXPECT_EQ(TermOf(without, Term::COMPUTE), 0) << pair.label;
  }
}

TEST(PropertyTest, BytesGrowWithBatchAndContext) {
  for (const Pair& pair : Pairs()) {
    const Report base = AnalyzePair(pair);
    Pair more = pair;
    more.scenario.set_batch(pair.scenario.batch() * 3);
    const Report batch = AnalyzePair(more);
    more = pair;
    more.scenario.set_context(pair.scenario.context() * 3);
    const Report context = AnalyzePair(more);
    // A machine without DRAM moves none.
    if (base.dram_bytes_per_step() > 0) {
      EXPECT_GT(batch.dram_bytes_per_step(), base.dram_bytes_per_step());
    }
    EXPECT_GE(batch.step_time_s(), base.step_time_s());
    EXPECT_GE(context.dram_bytes_per_step(), base.dram_bytes_per_step());
    EXPECT_GE(context.energy_per_token_j(), base.energy_per_token_j());
    EXPECT_GE(context.kv_bytes_per_sequence(), base.kv_bytes_per_sequence());
    EXPECT_LE(context.max_batch(), base.max_batch());
  }
}

TEST(PropertyTest, ExpertsReadAreBetweenThoseOfATokenAndAll) {
  for (Pair pair : Pairs()) {
    double experts = 0, per_token = 0;
    for (const Block& block : pair.model.block()) {
      if (!block.has_moe()) continue;
      experts = static_cast<double>(block.moe().experts());
      per_token = static_cast<double>(block.moe().experts_per_token());
      // Choices that do nothing read no expert.
      per_token *= experts / (experts + block.moe().identity_experts());
    }
    double previous = 0;
    for (const double batch : {1.0, 7.0, 100.0, 1e6}) {
      pair.scenario.set_batch(batch);
      const double read = AnalyzePair(pair).experts_read_per_layer();
      EXPECT_GE(read, per_token * (1 - 1e-12)) << pair.label;
      EXPECT_LE(read, experts) << pair.label;
      EXPECT_GE(read, previous) << pair.label;
      previous = read;
    }
  }
}

TEST(PropertyTest, StateIsIndependentOfContext) {
  for (Pair pair : Pairs()) {
    const Report base = AnalyzePair(pair);
    pair.scenario.set_context(50);
    const Report other = AnalyzePair(pair);
    EXPECT_EQ(base.state_bytes_per_sequence(),
              other.state_bytes_per_sequence());
    EXPECT_EQ(base.state_bytes_per_step(), other.state_bytes_per_step());
  }
}

TEST(PropertyTest, PartsSumToTheWeights) {
  for (const Pair& pair : Pairs()) {
    const Report report = AnalyzePair(pair);
    double read = 0, held = 0;
    for (const PartBytes& part : report.parts()) {
      if (part.part() != "embedding") read += part.read_bytes_per_step();
      held += part.held_bytes();
    }
    EXPECT_NEAR(read / report.weight_bytes_per_step(), 1, 1e-12) << pair.label;
    EXPECT_LE(held, report.memory_used_bytes()) << pair.label;
  }
}

TEST(PropertyTest, IdealIsABound) {
  for (const Pair& pair : Pairs()) {
    Pair ideal = pair;
    ideal.scenario.set_ideal(true);
    EXPECT_LE(AnalyzePair(ideal).step_time_s(),
              AnalyzePair(pair).step_time_s() * (1 + 1e-12))
        << pair.label;
  }
}

TEST(PropertyTest, GrowingBatchTendsToTheClosedFormLimit) {
  for (const Pair& pair : Pairs()) {
    absl::StatusOr<BatchLimits> limits =
        FindBatchLimits({pair.model, pair.hardware, pair.scenario, {}});
    ASSERT_TRUE(limits.ok()) << pair.label << ": " << limits.status();
    Pair huge = pair;
    huge.scenario.set_batch(1e9);
    // The limit assumes room for every activation, and so does the machine
    // here.
    for (MemoryLevel& level : *huge.hardware.mutable_memory()) {
      level.mutable_activation_capacity_fraction()->set_value(1e15);
    }
    // A token of the unit model is so cheap that even with a billion of them
    // the fixed costs of a step are visible.
    const double tolerance = pair.model.name() == "unit" ? 1e-3 : 2e-5;
    EXPECT_NEAR(AnalyzePair(huge).energy_per_token_j() /
                    limits->floor_energy_per_token_j(),
                1, tolerance)
        << pair.label;
  }
}

TEST(PropertyTest, WhatFitsFitsAndOneMoreDoesNot) {
  for (const Pair& pair : Pairs()) {
    const Report report = AnalyzePair(pair);
    if (report.max_batch() < 1 || report.max_batch() > 100'000'000) continue;
    Pair full = pair;
    full.scenario.set_batch(report.max_batch());
    EXPECT_TRUE(AnalyzePair(full).fits()) << pair.label;
    full.scenario.set_batch(report.max_batch() + 1);
    EXPECT_FALSE(AnalyzePair(full).fits()) << pair.label;
  }
}

TEST(PropertyTest, TimeLimitIsMetAndOneMoreSequenceBreaksIt) {
  for (const Pair& pair : Pairs()) {
    // Twice the time of the batch at hand.
    const double limit_s = 2 * AnalyzePair(pair).step_time_s();
    absl::StatusOr<BatchLimits> limits = FindBatchLimits(
        {pair.model, pair.hardware, pair.scenario, {}}, {limit_s * 1e3});
    ASSERT_TRUE(limits.ok()) << pair.label << ": " << limits.status();
    Pair full = pair;
    full.scenario.set_batch(limits->latency_batch());
    EXPECT_GE(limits->latency_batch(), pair.scenario.batch()) << pair.label;
    EXPECT_LE(AnalyzePair(full).step_time_s(), limit_s * (1 + 1e-12))
        << pair.label;
    full.scenario.set_batch(limits->latency_batch() + 1);
    EXPECT_GE(AnalyzePair(full).step_time_s(), limit_s * (1 - 1e-12))
        << pair.label;
  }
}

TEST(PropertyTest, SharingAPrefixNeverCostsAndReadsNoLessThanOnce) {
  for (const Pair& pair : Pairs()) {
    const Report plain = AnalyzePair(pair);
    Pair shared = pair;
    shared.scenario.set_shared_prefix_tokens(3000);
    const Report held = AnalyzePair(shared);
    EXPECT_EQ(held.kv_read_bytes_per_step(), plain.kv_read_bytes_per_step());
    EXPECT_LE(held.memory_used_bytes(), plain.memory_used_bytes());
    EXPECT_GE(held.max_batch(), plain.max_batch()) << pair.label;
    shared.scenario.set_shared_prefix_read_once(true);
    const Report once = AnalyzePair(shared);
    // At batch 4 at least a quarter remains.
    EXPECT_LE(once.kv_read_bytes_per_step(), plain.kv_read_bytes_per_step());
    EXPECT_GE(once.kv_read_bytes_per_step(),
              plain.kv_read_bytes_per_step() / 4);
    EXPECT_LE(once.energy_per_token_j(),
              plain.energy_per_token_j() * (1 + 1e-12))
        << pair.label;
    EXPECT_EQ(once.flop_per_token(), plain.flop_per_token());
  }
}

TEST(PropertyTest, PagesTakeNoLessAndAtMostAPageALayerMore) {
  for (const Pair& pair : Pairs()) {
    Pair paged = pair;
    paged.scenario.set_context(4001);
    const Report plain = AnalyzePair(paged);
    paged.scenario.set_kv_page_tokens(16);
    const Report rounded = AnalyzePair(paged);
    EXPECT_GE(rounded.memory_used_bytes(), plain.memory_used_bytes());
    EXPECT_LE(rounded.memory_used_bytes(), plain.memory_used_bytes() * 1.02);
    // Where a level keeps sequences, rounded ones leave less room in it.
    if (PinsSequences(pair.hardware)) {
      EXPECT_GE(rounded.energy_per_token_j(), plain.energy_per_token_j());
      EXPECT_LE(rounded.energy_per_token_j(),
                plain.energy_per_token_j() * 1.001);
      continue;
    }
    EXPECT_EQ(rounded.energy_per_token_j(), plain.energy_per_token_j());
  }
}

}  // namespace
}  // namespace tokenjoule
