#include "analyzer/evaluate/analyze.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/machine/machine.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "analyzer/units/units.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

Report AnalyzeNames(const std::string& model_name,
                    const std::string& hardware_name, const Scenario& scenario,
                    const std::vector<FieldOverride>& model_sets = {},
                    const std::vector<FieldOverride>& hardware_sets = {}) {
  const Model model = LoadModelOrDie(model_name, model_sets);
  const Hardware hardware = LoadHardwareOrDie(hardware_name, hardware_sets);
  return AnalyzeOrDie(model, hardware, scenario);
}

// The unit model on the unit machine, batch 1, context 1.
//
//   operator   DRAM read+write  activations  FLOP  vector FLOP   time, ns
//   embedding        1               1         0        0           1
//   qkv              3               4         6        6           6
//   attention        2 + 2           4         4        5           5
//   output           1               2         2        0           2
//   gate_up          2               3         4        6           6
//   down             1               2         2        0           2
//   head             1               2         2        5           5
//
// Vector: rotary 3 x (1 + 1) heads, softmax 5, SwiGLU 6, sampling 5. Each byte
// takes 1 ns from DRAM, each FLOP 1 ns; the longest counts: 27 ns.
TEST(AnalyzeTest, UnitModelOnUnitMachineIsDoneInTheHead) {
  const Report report = AnalyzeNames("unit", "unit", DefaultPoint(1, 1));
  EXPECT_EQ(report.flop_per_token(), 20);
  EXPECT_EQ(report.weight_bytes_per_step(), 8);
  EXPECT_EQ(report.kv_read_bytes_per_step(), 2);
  EXPECT_EQ(report.dram_bytes_per_step(), 13);
  EXPECT_NEAR(report.step_time_s(), 27e-9, 1e-18);
  EXPECT_EQ(report.bound(), Bound::COMPUTE);
  EXPECT_DOUBLE_EQ(report.ridge_point_flop_per_byte(), 1);
  // 13 bytes of 8 bits at 1 pJ per bit and term; near level: 13 + 18 bytes,
  // of which the 13 are also written into it before they are read, or read from it
  // before they are written.
  EXPECT_NEAR(TermOf(report, Term::DRAM_ACTIVATE), 104e-12, 1e-21);
  EXPECT_NEAR(TermOf(report, Term::DRAM_COLUMN), 104e-12, 1e-21);
  EXPECT_NEAR(TermOf(report, Term::DRAM_INTERFACE), 104e-12, 1e-21);
  EXPECT_NEAR(TermOf(report, Term::DRAM_PHY), 104e-12, 1e-21);
  EXPECT_NEAR(TermOf(report, Term::SRAM), (31 + 13) * 8e-12, 1e-21);
  EXPECT_NEAR(TermOf(report, Term::ON_CHIP_NETWORK), 31 * 8e-12, 1e-21);
  // 20 matrix and 22 vector FLOP.
  EXPECT_NEAR(TermOf(report, Term::COMPUTE), 42e-12, 1e-21);
  // 1 mW for 27 ns, twice.
  EXPECT_NEAR(TermOf(report, Term::DRAM_BACKGROUND), 27e-12, 1e-21);
  EXPECT_NEAR(TermOf(report, Term::STATIC), 27e-12, 1e-21);
  EXPECT_NEAR(report.energy_per_token_j(), 1112e-12, 1e-20);
  EXPECT_NEAR(report.dram_energy_share(), (4 * 104 + 27) / 1112.0, 1e-12);
}

TEST(AnalyzeTest, UnitMachinesTalkOverUnitLinks) {
  // Two data-parallel machines do the same work twice and do not communicate.
  Scenario scenario = DefaultPoint(2, 1);
  scenario.set_dp(2);
  const Report two = AnalyzeNames("unit", "unit", scenario);
  const Report one = AnalyzeNames("unit", "unit", DefaultPoint(1, 1));
  EXPECT_EQ(two.num_chips(), 2);
  EXPECT_NEAR(two.step_time_s(), one.step_time_s(), 1e-18);
  EXPECT_NEAR(two.energy_per_token_j(), one.energy_per_token_j(), 1e-20);
  EXPECT_NEAR(two.power_w(), 2 * one.power_w(), 1e-12);
}

// Energy of a worked example: 15.137 GB of weights and 1.208 GB of KV cache at
// 3.97 pJ/bit, 19.97 GFLOP at 0.75 pJ/FLOP: 0.481 + 0.038 + 0.015 = 0.534 J;
// with 32 sequences 0.068 J. On the unit machine with those two constants and
// everything else free.
TEST(AnalyzeTest, WorkedEnergyVectorWithinTwoPercent) {
  const std::vector<FieldOverride> constants = {
      {"memory.dram.technology.read_energy_pj_per_bit", "3.97"},
      {"memory.dram.technology.write_energy_pj_per_bit", "3.97"},
      {"memory.dram.technology.row_activation_energy_pj", "0"},
      {"memory.dram.technology.interface_energy_pj_per_bit", "0"},
      {"memory.dram.technology.background_power_w_per_device", "0"},
      {"memory.dram.phy_energy_pj_per_bit", "0"},
      {"memory.sram.technology.read_energy_pj_per_bit", "0"},
      {"memory.sram.technology.write_energy_pj_per_bit", "0"},
      {"memory.sram.network_energy_pj_per_bit", "0"},
      {"engine.tensor.rate.bf16.energy_pj_per_flop", "0.75"},
      {"engine.vector.rate.fp32.energy_pj_per_flop", "0"},
      {"board.static_power_w", "0"},
  };
  const Report one =
      AnalyzeNames("qwen3-8b", "unit", DefaultPoint(1, 8192), {}, constants);
  EXPECT_NEAR(one.energy_per_token_j() / 0.534, 1, 0.02);
  EXPECT_NEAR(one.weight_bytes_per_step(), 15.137e9, 1e6);
  EXPECT_NEAR(one.kv_read_bytes_per_step(), 1.208e9, 1e6);
  EXPECT_NEAR(one.flop_per_token(), 19.97e9, 1e7);
  const Report many =
      AnalyzeNames("qwen3-8b", "unit", DefaultPoint(32, 8192), {}, constants);
  EXPECT_NEAR(many.energy_per_token_j() / 0.068, 1, 0.02);
}

// Step times of LLaMA-2-13B in bf16 on 8 TPU v5e (6.56 TB/s) at a context of
// 8192, bandwidth bound: Austin et al., How to Scale Your Model, 2025, chapter
// on serving LLaMA.
TEST(AnalyzeTest, ScalingBookStepTimesWithinOnePercent) {
  const struct {
    double batch, book_ms;
  } cases[] = {{1, 4.98}, {8, 12.13}, {64, 69.33}};
  for (const auto& c : cases) {
    Scenario scenario = DefaultPoint(c.batch, 8192, 8);
    scenario.set_ideal(true);
    const Report report = AnalyzeNames("llama-2-13b", "tpu-v5e", scenario);
    EXPECT_NEAR(report.step_time_s() * 1e3 / c.book_ms, 1, 0.01) << c.batch;
  }
}

// The same with 8 KV heads. The book keeps 26 GB of weights although the key
// and value projections shrink; their bytes are added back here.
TEST(AnalyzeTest, ScalingBookStepTimesWithEightKvHeads) {
  const struct {
    double batch, book_ms;
  } cases[] = {{1, 4.17}, {8, 5.60}, {64, 17.04}};
  for (const auto& c : cases) {
    Scenario scenario = DefaultPoint(c.batch, 8192, 8);
    scenario.set_ideal(true);
    const Report report =
        AnalyzeNames("llama-2-13b", "tpu-v5e", scenario,
                     {{"block.full.attention.kv_heads", "8"}});
    const double kept_s = (26e9 - report.weight_bytes_per_step()) / (8 * 819e9);
    EXPECT_NEAR((report.step_time_s() + kept_s) * 1e3 / c.book_ms, 1, 0.01)
        << c.batch;
  }
}

TEST(AnalyzeTest, CapacityCountsWholeSequences) {
  // (80 GB x 0.9 - 16.06 GB of weights) / 1.0737 GB per sequence = 52.1.
  std::vector<FieldOverride> memory = {{"memory.hbm.capacity_gb", "80"},
                                       {"runtime.memory_fraction", "0.9"},
                                       {"runtime.reserved_gb", "0"}};
  const auto at = [&](double batch) {
    return AnalyzeNames("llama-3.1-8b", "h100-sxm", DefaultPoint(batch, 8192),
                        {}, memory);
  };
  EXPECT_EQ(at(1).max_batch(), 52);
  EXPECT_TRUE(at(52).fits());
  const Report over = at(53);
  EXPECT_FALSE(over.fits());
  ASSERT_EQ(over.warnings_size(), 1);
  EXPECT_THAT(over.warnings(0), HasSubstr("a batch of 52 would"));
  // What the runtime keeps for itself: (70 - 16.06) / 1.0737 = 50.2.
  memory.push_back({"runtime.reserved_gb", "2"});
  EXPECT_EQ(at(1).max_batch(), 50);
}

// What a runtime says where a scenario does not.
// A sequence lies whole in one replica: three of them over two replicas need as much
// room as four.
TEST(AnalyzeTest, TheFullestReplicaHasToHoldItsSequences) {
  Scenario scenario = DefaultPoint(3, 131072, 2);
  scenario.set_dp(2);
  const Report three = AnalyzeNames("llama-3.1-70b", "h100-sxm", scenario,
                                    {}, {{"memory.hbm.capacity_gb", "141"}});
  scenario.set_batch(4);
  const Report four = AnalyzeNames("llama-3.1-70b", "h100-sxm", scenario, {},
                                   {{"memory.hbm.capacity_gb", "141"}});
  EXPECT_EQ(three.memory_used_bytes(), four.memory_used_bytes());
  for (const double gb : {100.0, 110.0, 120.0, 125.0, 130.0, 141.0}) {
    for (int batch = 2; batch <= 8; ++batch) {
      scenario.set_batch(batch);
      const Report report = AnalyzeNames(
          "llama-3.1-70b", "h100-sxm", scenario, {},
          {{"memory.hbm.capacity_gb", std::to_string(gb)}});
      EXPECT_EQ(report.fits(), batch <= report.max_batch())
          << gb << " GB, batch " << batch;
    }
  }
}

TEST(AnalyzeTest, RuntimesDecideWhatAScenarioLeavesOpen) {
  Hardware machine;
  Runtime& runtime = *machine.mutable_runtime();
  const Model model = LoadModelOrDie("gpt-oss-20b");
  Scenario open = DefaultPoint(4);
  open.set_prompt(1000);
  open.set_output(100);
  Scenario served = ServedBy(machine, model, open);
  EXPECT_FALSE(served.has_routing());
  EXPECT_EQ(served.kv_page_tokens(), 0);
  EXPECT_EQ(served.step_token_budget(), 0);
  EXPECT_EQ(served.expert_activations(), "");

  runtime.mutable_routing_exponent()->set_value(0.7);
  runtime.mutable_step_token_budget()->set_value(8192);
  runtime.set_kv_page_tokens(16);
  FormatKernels* kernels = runtime.add_kernels();
  kernels->set_format("mxfp4");
  kernels->set_expert_activations("fp8");
  served = ServedBy(machine, model, open);
  EXPECT_EQ(served.routing(), POWER_LAW);
  EXPECT_EQ(served.routing_exponent(), 0.7);
  EXPECT_EQ(served.kv_page_tokens(), 16);
  EXPECT_EQ(served.step_token_budget(), 8192);
  EXPECT_EQ(served.expert_activations(), "fp8");
  // Experts in another format have other kernels.
  Scenario wide = open;
  wide.set_experts("bf16");
  EXPECT_EQ(ServedBy(machine, model, wide).expert_activations(), "");

  // Pure decode has no prompts to split, and dense models have no experts.
  EXPECT_EQ(ServedBy(machine, model, DefaultPoint(4)).step_token_budget(), 0);
  EXPECT_FALSE(
      ServedBy(machine, LoadModelOrDie("llama-3.1-8b"), open).has_routing());

  // The scenario's own choices stand.
  Scenario given = open;
  given.set_routing(COVERAGE);
  given.set_kv_page_tokens(1);
  given.set_step_token_budget(2048);
  given.set_activations("bf16");
  served = ServedBy(machine, model, given);
  EXPECT_EQ(served.routing(), COVERAGE);
  EXPECT_EQ(served.routing_exponent(), 0);
  EXPECT_EQ(served.kv_page_tokens(), 1);
  EXPECT_EQ(served.step_token_budget(), 2048);
  EXPECT_EQ(served.expert_activations(), "");
  given.set_routing(POWER_LAW);
  EXPECT_EQ(ServedBy(machine, model, given).routing_exponent(), 0.7);
  given.set_routing_exponent(1.2);
  EXPECT_EQ(ServedBy(machine, model, given).routing_exponent(), 1.2);

  // All experts are equally popular.
  runtime.mutable_routing_exponent()->set_value(0);
  EXPECT_EQ(ServedBy(machine, model, open).routing(), COVERAGE);

  // A bound has no runtime, but the same tokens choose the same experts.
  Scenario ideal = open;
  ideal.set_ideal(true);
  Scenario bound = ideal;
  bound.set_routing(COVERAGE);
  EXPECT_EQ(ServedBy(machine, model, ideal).SerializeAsString(),
            bound.SerializeAsString());
}

TEST(AnalyzeTest, StepsWithoutPromptsReadFewExperts) {
  // gpt-oss-120b: 4 sequences visit 15.27 of 128 experts if they choose
  // independently, somewhat fewer with the popular experts of a service.
  Scenario scenario = DefaultPoint(4);
  scenario.clear_context();
  scenario.set_prompt(7373);
  scenario.set_output(922);
  const Report served = AnalyzeNames("gpt-oss-120b", "h200", scenario);
  EXPECT_NEAR(served.experts_read_per_layer(), 15, 1);
  scenario.set_routing(COVERAGE);
  const Report independent = AnalyzeNames("gpt-oss-120b", "h200", scenario);
  EXPECT_NEAR(independent.experts_read_per_layer(), 15.27, 0.005);
  EXPECT_LT(served.experts_read_per_layer(),
            independent.experts_read_per_layer());
}

TEST(AnalyzeTest, TimeOfMixedStepsIsThatOfTheirMean) {
  // With and without prompts on a machine where each layer of an admitting step
  // takes 1 s more: 32 x (1 - exp(-4 / 922)) s.
  Scenario scenario = DefaultPoint(4);
  scenario.clear_context();
  scenario.set_prompt(7373);
  scenario.set_output(922);
  const auto seconds = [&](const char* us) {
    return AnalyzeNames("llama-3.1-8b", "h200", scenario, {},
                        {{"runtime.time_per_layer_admitting_us", us},
                         {"runtime.step_token_budget", "0"}})
        .step_time_s();
  };
  EXPECT_NEAR(seconds("1e6") - seconds("0"), 32 * (1 - std::exp(-4.0 / 922)),
              1e-9);
}

TEST(AnalyzeTest, ModelLargerThanMemoryFitsNoBatch) {
  const Report report =
      AnalyzeNames("llama-3.1-405b", "h100-sxm", DefaultPoint(1, 2048));
  EXPECT_FALSE(report.fits());
  EXPECT_EQ(report.max_batch(), 0);
}

TEST(AnalyzeTest, LongContextAndMissingFormatsAreSaid) {
  Scenario scenario = DefaultPoint(1, 8192);
  scenario.set_weights("fp8");
  const Report report = AnalyzeNames("llama-2-7b", "a100-sxm-80gb", scenario);
  ASSERT_EQ(report.warnings_size(), 2);
  EXPECT_THAT(report.warnings(0), HasSubstr("longer than the 4096 tokens"));
  EXPECT_THAT(report.warnings(1), HasSubstr("no fp8 products"));
}

TEST(AnalyzeTest, EveryAnswerCarriesTheNoticeOfItsMachine) {
  const Report report =
      AnalyzeNames("llama-2-7b", "v100-sxm-eager", DefaultPoint(1, 1000));
  ASSERT_EQ(report.warnings_size(), 1);
  EXPECT_THAT(report.warnings(0),
              HasSubstr("v100-sxm-eager is an old name that the next release "
                        "drops; use --hardware=v100-sxm "
                        "--runtime=transformers-eager"));
}

TEST(AnalyzeTest, EveryFaultOfAScenarioIsReportedAtOnce) {
  Scenario scenario = DefaultPoint(0.5, -3, 3);
  scenario.set_weights("fp9");
  scenario.set_boundary("planet");
  const std::string message = ErrorOf(Analyze(
      LoadModelOrDie("llama-3.1-8b"), LoadHardwareOrDie("m2-ultra"), scenario));
  EXPECT_THAT(message, HasSubstr("batch: 0.5 is out of range"));
  EXPECT_THAT(message, HasSubstr("context: -3 is out of range"));
  EXPECT_THAT(message, HasSubstr("did you mean \"fp8\"?"));
  EXPECT_THAT(message, HasSubstr("unknown boundary \"planet\""));
  EXPECT_THAT(message, HasSubstr("3 does not divide the 32 query heads"));
  EXPECT_THAT(message, HasSubstr("m2-ultra has none"));
}

TEST(AnalyzeTest, RangesHoldTheValueAndVanishWithoutUncertainty) {
  const Report h100 =
      AnalyzeNames("llama-3.1-8b", "h100-sxm", DefaultPoint(8, 2048));
  EXPECT_LT(h100.energy_per_token_j_low(), h100.energy_per_token_j());
  EXPECT_GT(h100.energy_per_token_j_high(), h100.energy_per_token_j());
  EXPECT_LT(h100.step_time_s_low(), h100.step_time_s());
  EXPECT_GT(h100.step_time_s_high(), h100.step_time_s());
  const Report unit = AnalyzeNames("unit", "unit", DefaultPoint(1, 1));
  EXPECT_EQ(unit.energy_per_token_j_low(), unit.energy_per_token_j());
  EXPECT_EQ(unit.energy_per_token_j_high(), unit.energy_per_token_j());
}

TEST(AnalyzeTest, RangeOfALinearTermIsThatOfItsConstant) {
  // DRAM_PHY is bits x 0.5 (0.3 to 1) pJ/bit and nothing else.
  const Report report =
      AnalyzeNames("llama-3.1-8b", "h100-sxm", DefaultPoint(1, 2048));
  for (const EnergyTerm& term : report.energy_terms()) {
    if (term.term() != Term::DRAM_PHY) continue;
    EXPECT_NEAR(term.low() / term.energy_per_token_j(), 0.3 / 0.5, 1e-9);
    EXPECT_NEAR(term.high() / term.energy_per_token_j(), 1 / 0.5, 1e-9);
  }
}

// H100 whose memory path and L2 path are correlated as given.
Report WithCorrelation(double coefficient) {
  Hardware hardware = LoadHardwareOrDie("h100-sxm");
  hardware.clear_correlations();
  if (coefficient != 0) {
    CorrelatedConstants* pair = hardware.add_correlations();
    pair->set_path("memory.hbm.path_energy_pj_per_bit");
    pair->set_other("memory.l2.network_energy_pj_per_bit");
    pair->set_coefficient(coefficient);
  }
  return AnalyzeOrDie(LoadModelOrDie("llama-3.1-8b"), hardware,
                      DefaultPoint(1, 2048), kWithRanges);
}

double Width(double low, double high) { return std::log(high / low); }

TEST(AnalyzeTest, WhereOnlyASumIsKnownEnergyIsCertainAndTheShareIsNot) {
  const Report opposed = WithCorrelation(-1), apart = WithCorrelation(0),
               together = WithCorrelation(1);
  const auto chip = [](const Report& report) {
    // The sum of both at the boundary that holds both.
    return report.dram_share_by_boundary(kChipBoundary);
  };
  // At the chip, path and network are numerator and denominator of the share.
  EXPECT_GT(Width(chip(opposed).dram_energy_share_low(),
                  chip(opposed).dram_energy_share_high()),
            Width(chip(apart).dram_energy_share_low(),
                  chip(apart).dram_energy_share_high()));
  EXPECT_LT(Width(chip(together).dram_energy_share_low(),
                  chip(together).dram_energy_share_high()),
            Width(chip(apart).dram_energy_share_low(),
                  chip(apart).dram_energy_share_high()));
  for (const Report* report : {&opposed, &apart, &together}) {
    EXPECT_EQ(report->dram_energy_share(), apart.dram_energy_share());
    EXPECT_LT(report->stack_energy_share_high(),
              report->dram_energy_share_high());
    EXPECT_LE(report->dram_energy_share_low(), report->dram_energy_share());
    EXPECT_GE(report->dram_energy_share_high(), report->dram_energy_share());
  }
}

TEST(AnalyzeTest, ACapLowersTheClockAndTheEnergyAndWarnsFarBelow) {
  const auto at = [](const char* cap_w) {
    return AnalyzeOrDie(
        LoadModelOrDie("llama-3.1-8b"),
        LoadHardwareOrDie("h100-sxm", {{"board.set_power_cap_w", cap_w}}),
        DefaultPoint(1, 2048), kWithDetails);
  };
  const Report free = at("700"), near = at("400"), far = at("250");
  EXPECT_EQ(free.core_clock_mhz(), free.set_core_clock_mhz());
  EXPECT_LT(near.core_clock_mhz(), free.core_clock_mhz());
  EXPECT_LT(near.energy_per_token_j(), free.energy_per_token_j());
  EXPECT_GE(near.step_time_s(), free.step_time_s());
  EXPECT_NEAR(near.power_w(), 400, 0.4);
  EXPECT_EQ(near.warnings_size(), free.warnings_size());
  EXPECT_EQ(far.warnings_size(), free.warnings_size() + 1);
}

TEST(AnalyzeTest, AreaAndCostAreOfAllChips) {
  const Report one =
      AnalyzeNames("llama-3.1-8b", "hbm4-asic", DefaultPoint(8, 2048));
  const Report four =
      AnalyzeNames("llama-3.1-8b", "hbm4-asic", DefaultPoint(8, 2048, 4));
  EXPECT_GT(one.area_mm2(), 0);
  EXPECT_DOUBLE_EQ(four.area_mm2(), 4 * one.area_mm2());
  EXPECT_DOUBLE_EQ(four.cost_usd(), 4 * one.cost_usd());
  EXPECT_LT(one.cost_usd_low(), one.cost_usd());
  EXPECT_GT(one.cost_usd_high(), one.cost_usd());
  EXPECT_EQ(AnalyzeNames("llama-3.1-8b", "h100-sxm", DefaultPoint(8, 2048))
                .cost_usd_high(),
            0);
}

TEST(AnalyzeTest, PricesMoveNeitherTimeNorEnergy) {
  const Report before =
      AnalyzeNames("llama-3.1-8b", "hbm4-asic", DefaultPoint(8, 2048));
  const Report after = AnalyzeNames(
      "llama-3.1-8b", "hbm4-asic", DefaultPoint(8, 2048), {},
      {{"silicon.sram_mm2_per_mb", "1"}, {"silicon.memory_usd_per_gb", "40"}});
  EXPECT_GT(after.cost_usd(), before.cost_usd());
  EXPECT_EQ(after.step_time_s(), before.step_time_s());
  EXPECT_EQ(after.energy_per_token_j_high(), before.energy_per_token_j_high());
}

TEST(AnalyzeTest, NoiseOfOperandsAddsUpAndAnAnalogArrayAddsItsOwn) {
  Scenario scenario = DefaultPoint(1, 1024);
  scenario.set_weights("int8");
  scenario.set_activations("int8");
  // Two operands of 6.02 x 8 + 1.76 dB each: 3.01 dB less.
  const Report digital = AnalyzeNames("llama-3.1-8b", "dimc-hbm3e", scenario);
  EXPECT_NEAR(digital.snr_db(), 49.92 - 3.01, 0.001);
  const Report analog = AnalyzeNames("llama-3.1-8b", "aimc-hbm3e", scenario);
  EXPECT_LT(analog.snr_db(), digital.snr_db() - 0.5);
  EXPECT_GT(analog.snr_db(), digital.snr_db() - 6);
  // 4-bit weights carry less precision, whatever engine multiplies them.
  scenario.set_weights("int4-g128");
  EXPECT_NEAR(AnalyzeNames("llama-3.1-8b", "h100-sxm", scenario).snr_db(),
              6.02 * 4 + 1.76, 0.1);
}

TEST(AnalyzeTest, CellsWearByWhatIsWritten) {
  const Model model = LoadModelOrDie("llama-3.1-8b");
  constexpr double kYear = 365 * 86400.0;
  // 131 072 bytes of KV cache per token are spread over 40 GB whose cells
  // survive a million writes.
  const Hardware memory = LoadHardwareOrDie(
      "a100-sxm-40gb", {{"memory.hbm.technology.endurance_writes", "1e6"},
                        {"memory.hbm.capacity_gb", "40"}});
  const Report cached = OrDie(Analyze(model, memory, DefaultPoint(1, 1024)));
  EXPECT_NEAR(cached.wear_per_year(),
              131072 / (40e9 * 1e6) * kYear / cached.step_time_s(),
              1e-9 * cached.wear_per_year());
  EXPECT_EQ(AnalyzeNames("llama-3.1-8b", "a100-sxm-40gb", DefaultPoint(1, 1024))
                .wear_per_year(),
            0);
  // The arrays are written once per step.
  Scenario scenario = DefaultPoint(1, 1024);
  scenario.set_weights("int8");
  scenario.set_activations("int8");
  const Hardware arrays = LoadHardwareOrDie(
      "aimc-hbm3e", {{"engine.aimc.array.endurance_writes", "1e9"}});
  const Report written = OrDie(Analyze(model, arrays, scenario));
  EXPECT_NEAR(written.wear_per_year(), kYear / written.step_time_s() / 1e9,
              1e-9 * written.wear_per_year());
  bool is_said = false;
  for (const std::string& warning : written.warnings()) {
    is_said |= warning.find("wear out") != std::string::npos;
  }
  EXPECT_TRUE(is_said);
}

TEST(AnalyzeTest, AMachineWithoutDramReportsTheShareOfTheMemoryItHas) {
  for (const char* name : {"sram-rack", "groq-lpu-v1", "cerebras-wse-3"}) {
    Scenario scenario = DefaultPoint(1, 1024);
    const Report report =
        OrDie(Analyze(LoadModelOrDie("llama-3.2-1b"), LoadHardwareOrDie(name),
                      scenario));
    ASSERT_TRUE(report.has_memory_share()) << name;
    EXPECT_EQ(report.memory_share().memory(), "SRAM");
    // Accesses over the board.
    double board = 0;
    for (const BoundaryEnergy& inside : report.energy_by_boundary()) {
      if (inside.boundary() == "board") board = inside.energy_per_token_j();
    }
    EXPECT_NEAR(report.memory_share().energy_share(),
                TermOf(report, Term::SRAM) / board, 1e-12)
        << name;
    EXPECT_GT(report.memory_share().energy_share(), 0);
    EXPECT_LE(report.memory_share().energy_share_low(),
              report.memory_share().energy_share());
    EXPECT_GE(report.memory_share().with_path(),
              report.memory_share().energy_share());
    // No share of a DRAM that is not there.
    EXPECT_FALSE(report.has_dram_energy_share()) << name;
    EXPECT_FALSE(report.has_stack_energy_share()) << name;
    EXPECT_EQ(report.dram_share_by_boundary_size(), 0);
  }
}

TEST(AnalyzeTest, NonVolatileMemoryIsReportedByItsTechnology) {
  for (const auto& [technology, memory] :
       {std::make_pair("rram", "RRAM"), std::make_pair("nand", "NAND"),
        std::make_pair("stt-mram", "STT-MRAM"), std::make_pair("pcm", "PCM")}) {
    Hardware hardware = LoadHardwareOrDie("hbm4-asic");
    *hardware.mutable_memory(0)->mutable_technology() =
        OrDie(LoadMemoryTechnology(technology));
    const Report report = OrDie(Analyze(LoadModelOrDie("llama-3.1-8b"), hardware,
                                        DefaultPoint(1, 1024)));
    EXPECT_EQ(report.memory_share().memory(), memory);
    EXPECT_FALSE(report.has_dram_energy_share());
    EXPECT_GT(report.memory_share().energy_share(), 0);
    EXPECT_LT(report.memory_share().with_path(), 1);
  }
}

TEST(AnalyzeTest, AMachineWithDramKeepsItsShares) {
  const Report report =
      AnalyzeNames("llama-3.1-8b", "h100-sxm", DefaultPoint(1, 1024));
  EXPECT_FALSE(report.has_memory_share());
  EXPECT_TRUE(report.has_dram_energy_share());
  EXPECT_EQ(report.dram_share_by_boundary_size(), 6);
}

bool Warns(const Report& report, const std::string& of) {
  for (const std::string& warning : report.warnings()) {
    if (warning.find(of) != std::string::npos) return true;
  }
  return false;
}

Report OnStack(const std::vector<FieldOverride>& changes) {
  return AnalyzeNames("llama-3.2-1b", "hb-dram-asic", DefaultPoint(1, 1024), {},
                      changes);
}

TEST(AnalyzeTest, AStackSaysWhatItNeedsAndHowWarmItIs) {
  const Report report = OnStack({});
  ASSERT_TRUE(report.has_stack());
  EXPECT_EQ(report.stack().level(), "backing");
  EXPECT_LT(report.stack().layers(), report.stack().max_layers());
  EXPECT_FALSE(Warns(report, "layers")) << "as shipped";
  EXPECT_FALSE(Warns(report, "W/cm2")) << "as shipped";
  // Power of chip and memory, without what regulators lose, over the area.
  const double density = report.stack().power_w_per_cm2();
  EXPECT_LT(density * report.area_mm2() / 100, report.power_w());
  EXPECT_GT(density * report.area_mm2() / 100, 0.8 * report.power_w());
  EXPECT_NEAR(report.stack().temperature_c(),
              45 + density * (0.35 + 0.025 * report.stack().layers()), 1e-9);
}

TEST(AnalyzeTest, WhatAStackCannotBeIsSaid) {
  EXPECT_TRUE(Warns(OnStack({{"memory.backing.capacity_gb", "192"}}),
                    "40.4 layers over 594 mm2 of logic; at most 4"));
  const Report hot = OnStack({{"board.static_power_w", "700"}});
  EXPECT_TRUE(Warns(hot, "W/cm2 leave through the memory"));
  EXPECT_TRUE(Warns(hot, "DRAM is specified up to 95 C"));
  EXPECT_EQ(hot.stack().refresh_factor(), 2);
  // The energy of refresh is that of 18 x 17 mW more.
  const double background_w =
      TermOf(hot, Term::DRAM_BACKGROUND) / hot.step_time_s();
  EXPECT_NEAR(background_w, 18 * (0.083 + 2 * 0.017) / 0.9, 1e-9);
}

TEST(AnalyzeTest, CellsOfStateSayTheirBits) {
  const Report report =
      AnalyzeNames("mamba2-2.7b", "state-analog-edge", DefaultPoint(1, 1024));
  bool is_said = false;
  for (const std::string& note : report.notes()) {
    is_said |= note.find("effective bits of state") != std::string::npos;
  }
  EXPECT_TRUE(is_said);
}

// Energy of the causes that begin so, J per token.
double CauseOf(const std::string& model, const std::string& hardware,
               double context, const std::string& cause) {
  Scenario scenario = DefaultPoint(1, context);
  scenario.set_weights("int8");
  const Report report = AnalyzeNames(model, hardware, scenario);
  double sum = 0;
  for (const EnergyCause& each : report.energy_causes()) {
    if (each.cause().rfind(cause, 0) == 0) sum += each.energy_per_token_j();
  }
  return sum;
}

double StateEnergy(const std::string& hardware, double context) {
  return CauseOf("mamba2-2.7b", hardware, context, "recurrent state");
}

TEST(ImplicitStateTest, EnergyOfStateDoesNotDependOnTheContext) {
  for (const char* hardware :
       {"lpddr5x-edge", "state-sram-edge", "state-analog-edge"}) {
    EXPECT_GT(StateEnergy(hardware, 1024), 0);
    EXPECT_DOUBLE_EQ(StateEnergy(hardware, 1024),
                     StateEnergy(hardware, 1 << 20))
        << hardware;
  }
}

TEST(ImplicitStateTest, EnergyOfACacheGrowsWithTheContextAndCrossesEarly) {
  const auto cache = [](double context) {
    return CauseOf("llama-3.2-3b", "lpddr5x-edge", context, "KV read");
  };
  EXPECT_NEAR(cache(1 << 17) / cache(1 << 10), 128, 1e-6);
  // The state of 86.6 MB is read and written, 114 688 bytes of cache per token are
  // read: 1511 tokens, if reads cost as much as writes.
  const double crossing = 1024 * StateEnergy("lpddr5x-edge", 1024) / cache(1024);
  EXPECT_NEAR(crossing / 1511, 1, 0.1);
}

TEST(ImplicitStateTest, StateBesideTheLanesMovesThroughNoOtherLevel) {
  const Hardware sram = LoadHardwareOrDie("state-sram-edge");
  const Machine<> machine = BuildMachine(sram);
  // 86 638 592 bytes, each read once and written once, and nothing on the way.
  EXPECT_NEAR(StateEnergy("state-sram-edge", 1024),
              86638592 * (InJoules(machine.costs.levels[1].read.column *
                                   Bytes(1.0)) +
                          InJoules(machine.costs.levels[1].write.column *
                                   Bytes(1.0))),
              1e-9);
  // As charge: 43.3 million numbers at 0.05 pJ to read and 0.05 pJ + 24 fF x 0.5 V
  // x 0.8 V to write.
  EXPECT_NEAR(StateEnergy("state-analog-edge", 1024),
              43319296 * (0.05e-12 + 0.0596e-12), 1e-9);
  EXPECT_GT(StateEnergy("lpddr5x-edge", 1024),
            20 * StateEnergy("state-sram-edge", 1024));
}

}  // namespace
}  // namespace tokenjoule
