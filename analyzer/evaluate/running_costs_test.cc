#include "analyzer/evaluate/running_costs.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;

void SetPrices(double per_kwh, double per_chip_hour, double carbon,
               Hardware* hardware) {
  Node& node = *hardware->mutable_node();
  if (per_kwh > 0) node.mutable_price_per_kwh()->set_value(per_kwh);
  if (per_chip_hour > 0) {
    node.mutable_price_per_chip_hour()->set_value(per_chip_hour);
  }
  if (carbon > 0) {
    node.mutable_carbon_intensity_g_per_kwh()->set_value(carbon);
  }
}

Setup Chat(double batch) {
  Scenario scenario = DefaultScenario();
  scenario.set_batch(batch);
  scenario.set_prompt(1000);
  scenario.set_output(250);
  return SetupOrDie("llama-3.1-8b", "h100-sxm", scenario);
}

double EnergyAt(const Report& report, int boundary) {
  return report.energy_by_boundary(boundary).energy_per_token_j();
}

TEST(RunningCostsTest, AMillionTokensByHand) {
  auto setup = Chat(32);
  setup.scenario.set_tp(2);
  SetPrices(0.1, 2, 400, &setup.hardware);
  const Report report = OrDie(Analyze(setup));
  const RunningCost& million = report.costs().per_million_tokens();
  const double kwh = EnergyAt(report, kFacilityBoundary) * 1e6 / 3.6e6;
  EXPECT_NEAR(million.electricity_kwh() / kwh, 1, 1e-12);
  EXPECT_NEAR(million.electricity_price() / (kwh * 0.1), 1, 1e-12);
  EXPECT_NEAR(million.co2e_g() / (kwh * 400), 1, 1e-12);
  // Two chips, 32 tokens per step.
  const double hours = report.step_time_s() / 32 * 1e6 / 3600;
  EXPECT_NEAR(million.chips_price() / (hours * 2 * 2), 1, 1e-12);
  EXPECT_NEAR(million.price(),
              million.electricity_price() + million.chips_price(), 1e-12);
  EXPECT_LT(million.electricity_kwh_low(), kwh);
  EXPECT_GT(million.electricity_kwh_high(), kwh);
  EXPECT_LT(million.price_low(), million.price());
  EXPECT_GT(million.price_high(), million.price());
  // A request is its output's share of a million tokens.
  const RunningCost& request = report.costs().per_request();
  EXPECT_NEAR(request.price() * 1e6 / 250 / million.price(), 1, 1e-12);
  EXPECT_NEAR(request.price_high() * 1e6 / 250 / million.price_high(), 1,
              1e-12);
  EXPECT_NEAR(request.electricity_kwh() * 3.6e6,
              EnergyAt(report, kFacilityBoundary) * 250, 1e-9);
  EXPECT_NEAR(report.costs().requests_per_s(), report.tokens_per_s() / 250,
              1e-12);
}

// With one price alone, the range of money is that of energy, or of time.
TEST(RunningCostsTest, RangesFollowEnergyAndTime) {
  auto setup = Chat(32);
  setup.scenario.set_boundary("facility");
  SetPrices(0.1, 0, 0, &setup.hardware);
  const Report of_energy = OrDie(Analyze(setup));
  const RunningCost& electricity = of_energy.costs().per_million_tokens();
  const double value = of_energy.energy_per_token_j();
  EXPECT_NEAR(electricity.electricity_kwh_low() / electricity.electricity_kwh(),
              of_energy.energy_per_token_j_low() / value, 1e-9);
  EXPECT_NEAR(
      electricity.electricity_kwh_high() / electricity.electricity_kwh(),
      of_energy.energy_per_token_j_high() / value, 1e-9);
  EXPECT_NEAR(electricity.price_low() / electricity.price(),
              of_energy.energy_per_token_j_low() / value, 1e-9);
  EXPECT_NEAR(electricity.price_high() / electricity.price(),
              of_energy.energy_per_token_j_high() / value, 1e-9);

  setup = Chat(32);
  SetPrices(0, 2, 0, &setup.hardware);
  const Report of_time = OrDie(Analyze(setup));
  const RunningCost& chips = of_time.costs().per_million_tokens();
  EXPECT_NEAR(chips.price_low() / chips.price(),
              of_time.step_time_s_low() / of_time.step_time_s(), 1e-9);
  EXPECT_NEAR(chips.price_high() / chips.price(),
              of_time.step_time_s_high() / of_time.step_time_s(), 1e-9);
}

TEST(RunningCostsTest, ElectricityIsTheFacilitysAtEveryBoundary) {
  auto setup = Chat(8);
  std::vector<double> kwh, high, joules;
  for (const auto& boundary : kBoundaries) {
    setup.scenario.set_boundary(std::string(boundary.name));
    const Report report = OrDie(Analyze(setup));
    const RunningCosts& costs = report.costs();
    kwh.push_back(costs.per_million_tokens().electricity_kwh());
    high.push_back(costs.per_million_tokens().electricity_kwh_high());
    joules.push_back(costs.energy_per_request_j());
    EXPECT_NEAR(costs.energy_per_request_j(),
                250 * report.energy_per_token_j(), 1e-9);
  }
  for (size_t i = 1; i < kwh.size(); ++i) {
    EXPECT_NEAR(kwh[i] / kwh[0], 1, 1e-12);
    EXPECT_NEAR(high[i] / high[0], 1, 1e-12);
    EXPECT_GT(joules[i], joules[i - 1]);
  }
}

TEST(RunningCostsTest, WhatIsNotKnownIsAbsent) {
  Scenario scenario = DefaultPoint(4);
  const Report report = AnalyzeOrDie("llama-3.1-8b", "h100-sxm", scenario);
  const RunningCosts& costs = report.costs();
  const RunningCost& million = costs.per_million_tokens();
  EXPECT_GT(million.electricity_kwh(), 0);
  EXPECT_FALSE(million.has_electricity_price());
  EXPECT_FALSE(million.has_chips_price());
  EXPECT_FALSE(million.has_price());
  EXPECT_FALSE(million.has_price_low());
  EXPECT_FALSE(million.has_co2e_g());
  EXPECT_FALSE(costs.has_per_request());
  EXPECT_FALSE(costs.has_energy_per_request_j());
  EXPECT_FALSE(costs.has_energy_per_input_token_j());
  EXPECT_FALSE(costs.has_prefill_energy_share());
  EXPECT_FALSE(costs.has_requests_per_s());
  EXPECT_FALSE(costs.has_price_per_kwh());
  EXPECT_EQ(costs.sources_size(), 0);
}

// A price of zero is a price.
TEST(RunningCostsTest, FreeElectricityIsKnown) {
  auto setup = Chat(4);
  setup.hardware.mutable_node()->mutable_price_per_kwh()->set_value(0);
  const Report report = OrDie(Analyze(setup));
  EXPECT_TRUE(report.costs().per_million_tokens().has_price());
  EXPECT_EQ(report.costs().per_million_tokens().price(), 0);
}

TEST(RunningCostsTest, SourcesOfTheMachineAreCited) {
  auto setup = Chat(4);
  SetPrices(0.1, 0, 0, &setup.hardware);
  Source& source = *setup.hardware.add_sources();
  source.set_id("tariff");
  source.set_citation("A tariff");
  source.set_date("2026-01");
  setup.hardware.mutable_node()->mutable_price_per_kwh()->set_source("tariff");
  EXPECT_THAT(OrDie(Analyze(setup)).costs().sources(),
              ElementsAre("price_per_kwh: A tariff (2026-01)"));
  // What was given on the command line is not the machine's.
  setup.hardware =
      LoadHardwareOrDie("h100-sxm", {{"node.price_per_kwh", "0.1"}});
  const RunningCosts costs = OrDie(Analyze(setup)).costs();
  EXPECT_EQ(costs.price_per_kwh(), 0.1);
  EXPECT_EQ(costs.sources_size(), 0);
}

// request = prompt x input token + output x output token, however it is served.
TEST(RunningCostsTest, ARequestIsItsTokens) {
  std::vector<std::pair<std::string, tokenjoule::Setup>> setups;
  const auto add = [&](const char* name, tokenjoule::Setup setup) {
    setups.emplace_back(name, std::move(setup));
  };
  add("one chip", Chat(32));
  {
    auto setup = Chat(64);
    setup.scenario.set_tp(2);
    setup.scenario.set_dp(2);
    setup.scenario.set_pp(2);
    add("tp 2, dp 2, pp 2", setup);
  }
  {
    auto setup = Chat(32);
    setup.scenario.mutable_speculation()->set_draft_tokens(3);
    setup.scenario.mutable_speculation()->set_acceptance_rate(0.7);
    add("speculation", setup);
  }
  {
    auto setup = Chat(32);
    setup.scenario.set_static_batch(true);
    add("static batch", setup);
  }
  {
    auto setup = Chat(32);
    setup.scenario.set_shared_prefix_tokens(600);
    add("shared prefix", setup);
  }
  {
    auto setup = Chat(128);
    setup.model = LoadModelOrDie("qwen3-30b-a3b");
    setup.scenario.set_tp(2);
    setup.scenario.set_ep(8);
    add("experts", setup);
  }
  {
    auto setup = Chat(1);
    setup.hardware = LoadHardwareOrDie("rtx-4090", {{"stage", "rtx-3090"}});
    add("pipeline", setup);
  }
  for (const auto& [name, setup] : setups) {
    const Report report = OrDie(Analyze(setup));
    const RunningCosts& costs = report.costs();
    EXPECT_NEAR(1000 * costs.energy_per_input_token_j() +
                    250 * costs.energy_per_output_token_j(),
                costs.energy_per_request_j(),
                1e-9 * costs.energy_per_request_j())
        << name;
    EXPECT_NEAR(250 * report.energy_per_token_j(),
                costs.energy_per_request_j(),
                1e-9 * costs.energy_per_request_j())
        << name;
    EXPECT_NEAR(costs.prefill_energy_share(),
                1000 * costs.energy_per_input_token_j() /
                    costs.energy_per_request_j(),
                1e-9)
        << name;
    EXPECT_GT(costs.energy_per_input_token_j(), 0) << name;
    EXPECT_LT(costs.energy_per_input_token_j(),
              costs.energy_per_output_token_j())
        << name;
    // An output token is one of pure decode at the same context.
    auto decode = setup;
    decode.scenario = WithContext(setup.scenario);
    decode.scenario.clear_prompt();
    decode.scenario.clear_output();
    // The prefix is shorter than the context all the same.
    EXPECT_NEAR(OrDie(Analyze(decode)).energy_per_token_j() /
                    costs.energy_per_output_token_j(),
                1, 1e-9)
        << name;
  }
}

// Twice the prompt takes about twice the energy to read; the energy of an output
// token changes only by its context.
TEST(RunningCostsTest, LongerPromptsCostMore) {
  auto setup = Chat(32);
  setup.scenario.set_context(1125);
  const RunningCosts once = OrDie(Analyze(setup)).costs();
  setup.scenario.set_prompt(2000);
  const RunningCosts twice = OrDie(Analyze(setup)).costs();
  EXPECT_NEAR(twice.energy_per_output_token_j() /
                  once.energy_per_output_token_j(),
              1, 1e-12);
  EXPECT_NEAR(2000 * twice.energy_per_input_token_j() /
                  (1000 * once.energy_per_input_token_j()),
              2, 0.3);
}

TEST(RunningCostsTest, ANetworkHasInferencesAndNoRequests) {
  auto setup = SetupOrDie("mobilenet-v1-0.25-vww", "stm32l4r5",
                           DefaultScenario());
  SetPrices(0.1, 0, 0, &setup.hardware);
  const Report report = OrDie(Analyze(setup));
  EXPECT_EQ(report.work_unit(), "inference");
  EXPECT_NEAR(report.costs().per_million_tokens().electricity_price(),
              EnergyAt(report, kFacilityBoundary) * 1e6 / 3.6e6 * 0.1, 1e-12);
  EXPECT_FALSE(report.costs().has_per_request());
}

// Each machine of a pipeline has its own price, or else that of the first.
TEST(RunningCostsTest, MachinesOfAPipelineHaveTheirPrices) {
  Hardware first = LoadHardwareOrDie("rtx-4090", {{"stage", "rtx-3090"}});
  EXPECT_FALSE(PricesOf(first, 2).per_hour_of_chips.has_value());
  SetPrices(0.3, 0.5, 0, &first);
  EXPECT_NEAR(*PricesOf(first, 2).per_hour_of_chips, 1.0, 1e-12);
  SetPrices(0, 0.2, 0, first.mutable_stage(0));
  EXPECT_NEAR(*PricesOf(first, 2).per_hour_of_chips, 0.7, 1e-12);
  EXPECT_EQ(*PricesOf(first, 2).per_kwh, 0.3);
}

// Machines without a node take prices too, and nothing else of the answer moves.
TEST(RunningCostsTest, EveryMachineTakesPrices) {
  for (const std::string& name : LanguageMachineNames()) {
    auto setup = SetupOrDie("llama-3.2-1b", name, DefaultScenario());
    const absl::StatusOr<Report> without = Analyze(setup, kFiguresOnly);
    if (!without.ok()) continue;
    SetPrices(0.1, 2, 400, &setup.hardware);
    const Report with = OrDie(Analyze(setup, kFiguresOnly));
    EXPECT_EQ(with.energy_per_token_j(), without->energy_per_token_j()) << name;
    const RunningCost& million = with.costs().per_million_tokens();
    EXPECT_EQ(million.electricity_kwh(),
              without->costs().per_million_tokens().electricity_kwh())
        << name;
    EXPECT_GT(million.electricity_price(), 0) << name;
    EXPECT_GT(million.chips_price(), 0) << name;
    EXPECT_GT(million.co2e_g(), 0) << name;
  }
}

}  // namespace
}  // namespace tokenjoule
