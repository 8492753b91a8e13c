#include "analyzer/study/plan_serving.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/cost/idle.h"
#include "analyzer/description/boundary.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr double kPrompt = 1000, kOutput = 250;

PlanMachine On(const std::string& machine,
               const std::string& model = "llama-3.1-8b") {
  Scenario scenario = DefaultScenario();
  scenario.set_prompt(kPrompt);
  scenario.set_output(kOutput);
  return {machine, absl::StrCat("tokenjoule analyze --hardware=", machine),
          SetupOrDie(model, machine, scenario)};
}

// One way alone, so that numbers can be computed beside the plan.
PlanOptions OneWay(double requests_per_s) {
  PlanOptions options;
  options.requests_per_s = requests_per_s;
  options.max_chips = 1;
  options.weights = {"own"};
  return options;
}

Report ReportAt(const PlanMachine& machine, double batch) {
  Setup setup = *machine.setup;
  setup.scenario.set_batch(batch);
  return OrDie(Analyze(setup, kFiguresOnly));
}

PlanRow RowOf(const PlanMachine& machine, const PlanOptions& options) {
  const PlanStudy study = OrDie(PlanServing({machine}, options));
  EXPECT_EQ(study.rows_size(), 1) << study.summary();
  return study.rows_size() > 0 ? study.rows(0) : PlanRow();
}

// J per second of one idle chip.
double IdleW(const PlanMachine& machine, int boundary) {
  const Machine<> its = MachineFor(ResolvedSetup(*machine.setup));
  return InJoules(EnergyInside(
      IdleTerms(1.0, Seconds(1.0), IdleClock(its), its), boundary));
}

TEST(PlanServingTest, OneReplicaAtSaturationIsTheAnswerOfItsBatch) {
  const PlanMachine machine = On("h100-sxm");
  const int most = ReportAt(machine, 1).max_batch();
  const Report full = ReportAt(machine, most);
  const double rate = full.costs().requests_per_s();
  const PlanRow row = RowOf(machine, OneWay(rate));
  EXPECT_EQ(row.replicas(), 1);
  EXPECT_EQ(row.chips(), 1);
  EXPECT_NEAR(row.batch(), most, 1e-6 * most);
  EXPECT_EQ(row.most_batch(), most);
  EXPECT_EQ(row.busy_share(), 1);
  EXPECT_EQ(row.idle_energy_share(), 0);
  EXPECT_NEAR(row.energy_per_request_j() / full.costs().energy_per_request_j(),
              1, 1e-6);
  EXPECT_NEAR(row.per_request().electricity_kwh() /
                  full.costs().per_request().electricity_kwh(),
              1, 1e-6);
  EXPECT_NEAR(row.power_w() / full.power_w(), 1, 1e-6);
  EXPECT_NEAR(row.time_per_token_ms(), full.step_time_s() * 1e3, 1e-3);
  // A little more traffic needs a second replica.
  EXPECT_EQ(RowOf(machine, OneWay(rate * 1.001)).replicas(), 2);
}

// In steady state the sequences in flight are the arrivals in the time that each
// stays.
TEST(PlanServingTest, TheBatchFollowsFromLittlesLaw) {
  const PlanMachine machine = On("h100-sxm");
  const PlanRow row = RowOf(machine, OneWay(5));
  EXPECT_EQ(row.replicas(), 1);
  EXPECT_GT(row.batch(), 1);
  EXPECT_NEAR(row.batch(), 5 * kOutput * row.time_per_token_ms() * 1e-3,
              1e-6 * row.batch());
}

TEST(PlanServingTest, WithLittleTrafficEnergyTendsToIdlePowerOverRequests) {
  const PlanMachine machine = On("h100-sxm");
  const double idle_w = IdleW(machine, kBoardBoundary);
  EXPECT_GT(idle_w, 0);
  const Report alone = ReportAt(machine, 1);
  for (const double rate : {0.1, 1e-3, 1e-6}) {
    const PlanRow row = RowOf(machine, OneWay(rate));
    EXPECT_EQ(row.batch(), 1);
    const double busy = rate * kOutput * alone.step_time_s();
    EXPECT_NEAR(row.busy_share() / busy, 1, 1e-9);
    // By hand: a request alone, and the power of the time between requests.
    EXPECT_NEAR(row.energy_per_request_j() /
                    (alone.costs().energy_per_request_j() +
                     idle_w * (1 - busy) / rate),
                1, 1e-9);
    EXPECT_LT(row.energy_per_request_j_low(), row.energy_per_request_j());
    EXPECT_GT(row.energy_per_request_j_high(), row.energy_per_request_j());
  }
  const PlanRow rare = RowOf(machine, OneWay(1e-9));
  EXPECT_NEAR(rare.energy_per_request_j() * 1e-9 / idle_w, 1, 1e-4);
  EXPECT_NEAR(rare.idle_energy_share(), 1, 1e-4);
  EXPECT_NEAR(rare.per_request().electricity_kwh() * 3.6e6 * 1e-9 /
                  IdleW(machine, kFacilityBoundary),
              1, 1e-4);
}

// As long as the number of replicas stays.
TEST(PlanServingTest, MoreTrafficNeverCostsMorePerRequest) {
  const PlanMachine machine = On("b200");
  double before = INFINITY;
  for (double rate = 1e-3; rate < 1e3; rate *= 1.5) {
    const PlanRow row = RowOf(machine, OneWay(rate));
    if (row.replicas() > 1) break;
    EXPECT_LT(row.energy_per_request_j(), before) << rate;
    before = row.energy_per_request_j();
  }
}

TEST(PlanServingTest, TwiceTheTrafficOnTwiceTheReplicasTakesTheSame) {
  const PlanMachine machine = On("h100-sxm");
  const int most = ReportAt(machine, 1).max_batch();
  const double rate =
      0.9 * ReportAt(machine, most).costs().requests_per_s();
  const PlanRow one = RowOf(machine, OneWay(rate));
  for (const int times : {2, 5}) {
    const PlanRow more = RowOf(machine, OneWay(rate * times));
    EXPECT_EQ(more.replicas(), times);
    EXPECT_NEAR(more.energy_per_request_j() / one.energy_per_request_j(), 1,
                1e-9);
    EXPECT_NEAR(more.power_w() / (times * one.power_w()), 1, 1e-9);
  }
}

TEST(PlanServingTest, AShareThatIsKeptFreeNeedsMoreReplicas) {
  const PlanMachine machine = On("h100-sxm");
  const int most = ReportAt(machine, 1).max_batch();
  const double rate = ReportAt(machine, most).costs().requests_per_s();
  PlanOptions options = OneWay(rate * 0.9);
  EXPECT_EQ(RowOf(machine, options).replicas(), 1);
  options.max_busy_share = 0.5;
  EXPECT_EQ(RowOf(machine, options).replicas(), 2);
}

// The number of replicas and the batch by brute force: of all whole batches, the
// largest within the limits; of all numbers of replicas, the one of least energy,
// which is the smallest that suffices.
TEST(PlanServingTest, TheBestIsThatOfBruteForce) {
  const PlanMachine machine = On("h100-sxm");
  for (const double limit_ms : {0.0, 12.0, 25.0}) {
    for (const double rate : {3.0, 40.0, 133.0}) {
      PlanOptions options = OneWay(rate);
      options.max_time_per_token_ms = limit_ms;
      options.max_time_to_first_token_ms = 100;
      const PlanRow row = RowOf(machine, options);
      const int fits = ReportAt(machine, 1).max_batch();
      int most = 0;
      std::vector<Report> reports;
      for (int batch = 1; batch <= fits; ++batch) {
        reports.push_back(ReportAt(machine, batch));
        const Report& report = reports.back();
        const bool meets =
            (limit_ms == 0 || report.step_time_s() * 1e3 <= limit_ms) &&
            report.time_to_first_token_s() * 1e3 <= 100;
        if (meets) most = batch;
      }
      ASSERT_GT(most, 0);
      EXPECT_EQ(row.most_batch(), most);
      double least = INFINITY;
      int replicas = 0;
      for (int n = 1; n < 300; ++n) {
        const double each = rate / n;
        if (each > reports[most - 1].costs().requests_per_s()) continue;
        // Between two whole batches energy is close to linear.
        int batch = 1;
        while (reports[batch - 1].costs().requests_per_s() < each) ++batch;
        const double busy =
            std::min(1.0, each / reports[0].costs().requests_per_s());
        const double energy =
            reports[batch - 1].costs().energy_per_request_j() +
            IdleW(machine, kBoardBoundary) * (1 - busy) / each;
        if (energy < least) {
          least = energy;
          replicas = n;
        }
      }
      EXPECT_EQ(row.replicas(), replicas) << rate << " " << limit_ms;
      // Whole batches are at most one above the mean in flight.
      EXPECT_GE(row.energy_per_request_j(), least * (1 - 1e-9));
      EXPECT_NEAR(row.energy_per_request_j() / least, 1, 0.2);
    }
  }
}

// Of all formats and splits, the best row is the best of those tried alone.
TEST(PlanServingTest, TheBestWayIsTheBestOfAllWays) {
  PlanOptions options;
  options.requests_per_s = 10;
  options.max_time_per_token_ms = 20;
  options.max_chips = 4;
  const PlanMachine machine = On("b200");
  const PlanRow best = RowOf(machine, options);
  options.all_ways = true;
  const PlanStudy all = OrDie(PlanServing({machine}, options));
  EXPECT_GT(all.rows_size(), 10);
  for (int i = 0; i < all.rows_size(); ++i) {
    const PlanRow& row = all.rows(i);
    EXPECT_GE(row.energy_per_request_j(), best.energy_per_request_j());
    if (i > 0) {
      EXPECT_GE(row.energy_per_request_j(),
                all.rows(i - 1).energy_per_request_j());
    }
    EXPECT_LE(row.time_per_token_ms(), 20 * (1 + 1e-9));
    EXPECT_EQ(row.chips(), row.replicas() * std::max(row.tp(), row.ep()) *
                               row.pp());
  }
  EXPECT_EQ(all.rows(0).command(), best.command());
}

TEST(PlanServingTest, MachinesAreRankedByEnergyOrMoney) {
  PlanMachine h100 = On("h100-sxm"), b200 = On("b200");
  PlanOptions options = OneWay(20);
  const PlanStudy energy = OrDie(PlanServing({h100, b200}, options));
  ASSERT_EQ(energy.rows_size(), 2);
  EXPECT_EQ(energy.rows(0).hardware(), "b200");
  EXPECT_THAT(energy.summary(), StartsWith("b200 takes least energy"));
  options.by_money = true;
  EXPECT_THAT(ErrorOf(PlanServing({h100, b200}, options)),
              HasSubstr("has no price"));
  h100.setup->hardware.mutable_node()->mutable_price_per_chip_hour()->set_value(
      1);
  b200.setup->hardware.mutable_node()->mutable_price_per_chip_hour()->set_value(
      1000);
  const PlanStudy money = OrDie(PlanServing({h100, b200}, options));
  EXPECT_EQ(money.rows(0).hardware(), "h100-sxm");
  // All chips, all hours, over all requests.
  const PlanRow& row = money.rows(0);
  EXPECT_NEAR(row.per_request().price(), row.chips() * 1.0 / 3600 / 20, 1e-12);
}

TEST(PlanServingTest, ConvertedWeightsSaySo) {
  PlanOptions options = OneWay(5);
  options.weights = {"own", "fp8"};
  options.all_ways = true;
  const PlanStudy study = OrDie(PlanServing({On("h100-sxm")}, options));
  ASSERT_EQ(study.rows_size(), 2);
  EXPECT_EQ(study.rows(0).weights(), "fp8 from bf16");
  EXPECT_THAT(study.rows(0).command(), HasSubstr("--weights=fp8"));
  EXPECT_EQ(study.rows(1).weights(), "bf16");
}

TEST(PlanServingTest, WhatNothingMeetsIsSaidFirstWithTheNearestMiss) {
  PlanOptions options = OneWay(5);
  options.max_time_per_token_ms = 1;
  const PlanStudy slow =
      OrDie(PlanServing({On("h100-sxm"), On("mi300x")}, options));
  EXPECT_EQ(slow.rows_size(), 0);
  EXPECT_THAT(slow.summary(),
              AllOf(StartsWith("NO WAY MEETS THE LIMITS.\nNearest: "),
                    HasSubstr("per token at batch 1, the limit being 1 ms")));
  const PlanStudy large =
      OrDie(PlanServing({On("h100-sxm", "llama-3.1-405b")}, OneWay(5)));
  EXPECT_EQ(large.rows_size(), 0);
  EXPECT_THAT(large.summary(),
              AllOf(StartsWith("DOES NOT FIT on any machine.\nNearest: "),
                    HasSubstr("h100-sxm: weights and KV cache take 8")));
  // A machine without a way is named beside those that have one.
  options = OneWay(5);
  const PlanStudy both = OrDie(PlanServing(
      {On("h100-sxm", "llama-3.1-70b"), On("b200", "llama-3.1-70b")}, options));
  ASSERT_EQ(both.rows_size(), 1);
  EXPECT_THAT(both.summary(), HasSubstr("h100-sxm is left out: DOES NOT FIT"));
}

TEST(PlanServingTest, OptionsAndSetupsAreChecked) {
  PlanOptions options = OneWay(-1);
  options.max_busy_share = 2;
  options.weights = {"fp9"};
  EXPECT_THAT(ErrorOf(PlanServing({On("h100-sxm")}, options)),
              AllOf(HasSubstr("requests_per_s"), HasSubstr("max_busy_share"),
                    HasSubstr("fp9")));
  // So small a share would ask for more replicas than there are numbers.
  options = OneWay(20);
  options.max_busy_share = 1e-308;
  EXPECT_THAT(ErrorOf(PlanServing({On("h100-sxm")}, options)),
              HasSubstr("max_busy_share: expected 0.001 to 1"));
  for (const double requests_per_s :
       {0.0, 1e-300, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(ErrorOf(PlanServing({On("h100-sxm")}, OneWay(requests_per_s))),
                HasSubstr("requests_per_s: expected 1e-9 to 1e12"));
  }
  EXPECT_THAT(ErrorOf(PlanServing({}, OneWay(1))), HasSubstr("no machine"));
  PlanMachine bare = On("h100-sxm");
  bare.setup->scenario.clear_prompt();
  bare.setup->scenario.clear_output();
  EXPECT_THAT(ErrorOf(PlanServing({bare}, OneWay(1))), HasSubstr("--prompt"));
  PlanMachine copies = On("h100-sxm");
  copies.setup->scenario.set_dp(2);
  EXPECT_THAT(ErrorOf(PlanServing({copies}, OneWay(1))), HasSubstr("dp"));
  PlanMachine at_once = On("h100-sxm");
  at_once.setup->scenario.set_static_batch(true);
  EXPECT_THAT(ErrorOf(PlanServing({at_once}, OneWay(1))),
              HasSubstr("static_batch"));
}

// A step that carries few tokens admits few prompts, however much memory is left.
TEST(PlanServingTest, PromptsHaveToKeepPace) {
  PlanMachine machine = On("h100-sxm");
  machine.setup->scenario.set_step_token_budget(512);
  const PlanRow row = RowOf(machine, OneWay(5));
  // newcomers x prompt <= budget - batch: b / 250 x 1000 <= 512 - b.
  EXPECT_EQ(row.most_batch(), std::floor(512.0 / 5));
}

}  // namespace
}  // namespace tokenjoule
