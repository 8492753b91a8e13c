#include "analyzer/study/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/field_path.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

Setup SetupOf(const std::string& model, const std::string& hardware,
              double batch) {
  return SetupOrDie(model, hardware, DefaultPoint(batch));
}

SensitivityStudy Study(const Setup& setup, int samples = 0, int seed = 1) {
  return OrDie(StudySensitivity(setup, {samples, seed}));
}

const Elasticity& Find(const SensitivityStudy& study, const std::string& path) {
  for (const Elasticity& e : study.elasticities()) {
    if (e.path() == path) return e;
  }
  ADD_FAILURE() << path;
  return Elasticity::default_instance();
}

// The answer with one number set as --set sets it.
Report With(const Setup& setup, absl::string_view path, double value) {
  Setup changed = setup;
  const size_t dot = path.find('.');
  const absl::string_view root = path.substr(0, dot);
  google::protobuf::Message* message = &changed.scenario;
  if (root == "hardware") message = &changed.hardware;
  if (root == "model") message = &changed.model;
  const absl::Status status = SetField(message, path.substr(dot + 1),
                                       absl::StrFormat("%.17g", value), "");
  EXPECT_TRUE(status.ok()) << path << " " << status;
  return AnalyzeOrDie(changed.model, changed.hardware, changed.scenario);
}

// Expects the derivative to lie between the difference quotients to both sides.
// These agree except at a kink, where the derivative equals one of them.
void ExpectBetween(double derivative, double left, double right) {
  EXPECT_GT(derivative, std::min(left, right) - 3e-5);
  EXPECT_LT(derivative, std::max(left, right) + 3e-5);
}

// Differences in the logarithm, with each number moved by --set, so that the
// whole path from the description to the answer runs without dual numbers.
void ExpectFiniteDifferences(const Setup& setup) {
  constexpr double kStep = 1e-5;
  const SensitivityStudy study = Study(setup);
  const Report& base = study.base();
  int checked = 0;
  for (const Elasticity& e : study.elasticities()) {
    // Numbers of models are whole, so that they cannot be moved slightly.
    if (absl::StartsWith(e.path(), "model.")) continue;
    SCOPED_TRACE(e.path());
    // A batch below 1 and a share above 1 are refused.
    const bool batch = e.path() == "scenario.batch";
    const Report high = e.value() == 1 && !batch
                            ? base
                            : With(setup, e.path(), e.value() * (1 + kStep));
    const Report low = e.value() == 1 && batch
                           ? base
                           : With(setup, e.path(), e.value() * (1 - kStep));
    const auto compare = [&](double elasticity,
                             double (Report::*figure)() const) {
      double right = std::log((high.*figure)() / (base.*figure)()) / kStep;
      double left = std::log((base.*figure)() / (low.*figure)()) / kStep;
      if (e.value() == 1) (batch ? left : right) = batch ? right : left;
      ExpectBetween(elasticity, left, right);
    };
    compare(e.energy(), &Report::energy_per_token_j);
    compare(e.step_time(), &Report::step_time_s);
    compare(e.dram_share(), &Report::dram_energy_share);
    ++checked;
  }
  EXPECT_GT(checked, 20);
}

TEST(SensitivityTest, DualNumbersAgreeWithFiniteDifferences) {
  ExpectFiniteDifferences(SetupOf("llama-3.1-8b", "h100-sxm", 1));
  ExpectFiniteDifferences(SetupOf("gpt-oss-20b", "b200", 32));
  ExpectFiniteDifferences(SetupOf("nemotron-h-8b", "lpddr5x-edge", 4));
}

TEST(SensitivityTest, DualNumbersAgreeOnManyChips) {
  tokenjoule::Setup setup = SetupOf("llama-3.1-70b", "h100-sxm", 256);
  setup.scenario.set_tp(4);
  setup.scenario.mutable_speculation()->set_draft_tokens(4);
  setup.scenario.mutable_speculation()->set_acceptance_rate(0.6);
  ExpectFiniteDifferences(setup);
}

TEST(SensitivityTest, DualNumbersAgreeForInMemoryArrays) {
  tokenjoule::Setup setup = SetupOf("llama-3.1-8b", "aimc-hbm3e", 4);
  setup.scenario.set_weights("int8");
  setup.scenario.set_activations("int8");
  ExpectFiniteDifferences(setup);
}

// A context that is not given follows from the prompt, and so does the
// derivative.
TEST(SensitivityTest, DualNumbersAgreeForPromptsThatMoveTheContext) {
  tokenjoule::Setup setup = SetupOf("llama-3.1-8b", "h100-sxm", 32);
  setup.scenario.clear_context();
  setup.scenario.set_prompt(3000);
  setup.scenario.set_output(100);
  ExpectFiniteDifferences(setup);
}

// Whole numbers move by one: the secant lies between the tangents at its ends.
TEST(SensitivityTest, LayersMoveTheAnswerAsOneMoreLayerDoes) {
  const tokenjoule::Setup setup = SetupOf("llama-3.1-8b", "h100-sxm", 1);
  const std::string path = "model.layers[0].run.full.count";
  const double slope = Find(Study(setup), path).energy() / 32;
  const double more = With(setup, path, 33).energy_per_token_j();
  const double fewer = With(setup, path, 31).energy_per_token_j();
  const double base = With(setup, path, 32).energy_per_token_j();
  EXPECT_NEAR((more - fewer) / 2 / base, slope, 1e-9);
}

// Energy is homogeneous of degree one in everything that has joules or watts in
// its unit: those elasticities sum to one (Euler).
TEST(SensitivityTest, ElasticitiesOfEnergiesAndPowersSumToOne) {
  for (const char* hardware : {"h100-sxm", "b200", "hb-dram-asic"}) {
    const SensitivityStudy study = Study(SetupOf("llama-3.1-8b", hardware, 1));
    double sum = 0, time = 0;
    for (const Elasticity& e : study.elasticities()) {
      if (absl::StrContains(e.path(), "_pj") ||
          absl::StrContains(e.path(), "_fj") ||
          absl::StrContains(e.path(), "_mj") ||
          absl::StrContains(e.path(), "_w") ||
          absl::StrContains(e.path(), "static_power_fraction")) {
        // Widths and windows of models are not in watts, although their names
        // match.
        if (!absl::StartsWith(e.path(), "hardware.")) continue;
        if (absl::StrContains(e.path(), "power_cap")) continue;
        sum += e.energy();
        time += e.step_time();
      }
    }
    EXPECT_NEAR(sum, 1, 1e-9) << hardware;
    EXPECT_NEAR(time, 0, 1e-9) << hardware;
  }
}

TEST(SensitivityTest, EndsOfRangesAreWhatSetGives) {
  const tokenjoule::Setup setup = SetupOf("llama-3.1-8b", "h100-sxm", 1);
  const SensitivityStudy study = Study(setup);
  const std::string path = "hardware.memory.hbm.path_energy_pj_per_bit";
  const Elasticity& e = Find(study, path);
  ASSERT_LT(e.low(), e.high());
  EXPECT_NEAR(e.energy_at_low_j(),
              With(setup, path, e.low()).energy_per_token_j(), 1e-12);
  EXPECT_NEAR(e.energy_at_high_j(),
              With(setup, path, e.high()).energy_per_token_j(), 1e-12);
}

// Random draws and addition in quadrature give about the same total range.
TEST(SensitivityTest, PercentilesAgreeWithTheReportsRange) {
  for (const char* hardware : {"h100-sxm", "hbm4-asic"}) {
    // With perfect software the range is that of the constants alone; others
    // reach as far as rows that fits had not seen.
    tokenjoule::Setup setup = SetupOf("llama-3.1-8b", hardware, 16);
    setup.hardware = LoadHardwareOrDie(hardware, {{"runtime", "ideal"}});
    const SensitivityStudy study = Study(setup, 4000);
    const SampledRanges& drawn = study.uncertainty();
    ASSERT_EQ(drawn.percentiles_size(), 5);
    EXPECT_NEAR(std::log(drawn.percentiles(0).energy_per_token_j() /
                         study.base().energy_per_token_j_low()),
                0, 0.12)
        << hardware;
    EXPECT_NEAR(std::log(drawn.percentiles(4).energy_per_token_j() /
                         study.base().energy_per_token_j_high()),
                0, 0.12)
        << hardware;
    // Ranges reach further up than down, and so the median of the sum is
    // higher.
    EXPECT_NEAR(std::log(drawn.percentiles(2).energy_per_token_j() /
                         study.base().energy_per_token_j()),
                0, 0.12)
        << hardware;
  }
}

TEST(SensitivityTest, SharesOfTheSpreadAddUpAndAreSorted) {
  // Perfect software, because the wide ranges of runtimes that nobody measured
  // act together in more than their sum.
  tokenjoule::Setup setup = SetupOf("llama-3.1-8b", "h100-sxm", 1);
  setup.hardware = LoadHardwareOrDie("h100-sxm", {{"runtime", "ideal"}});
  // Shares of correlated constants overlap.
  setup.hardware.clear_correlations();
  const SensitivityStudy study = Study(setup, 10000);
  double sum = 0, last = 1;
  for (const SpreadCause& cause : study.uncertainty().causes()) {
    EXPECT_LE(cause.share_of_variance(), last);
    last = cause.share_of_variance();
    sum += last;
  }
  EXPECT_NEAR(sum, 1, 0.15);
}

TEST(SensitivityTest, DrawsCarryTheCorrelationsOfTheMachine) {
  // Of two constants of which only the sum is known, the share of one is less
  // certain than if they were apart, and the energy more.
  const auto spread = [](double coefficient) {
    tokenjoule::Setup setup = SetupOf("llama-3.1-8b", "h100-sxm", 1);
    setup.hardware = LoadHardwareOrDie("h100-sxm", {{"runtime", "ideal"}});
    setup.hardware.clear_correlations();
    CorrelatedConstants* pair = setup.hardware.add_correlations();
    pair->set_path("memory.hbm.path_energy_pj_per_bit");
    pair->set_other("memory.l2.network_energy_pj_per_bit");
    pair->set_coefficient(coefficient);
    const auto percentiles = Study(setup, 4000).uncertainty().percentiles();
    return std::log(percentiles[4].energy_per_token_j() /
                    percentiles[0].energy_per_token_j());
  };
  EXPECT_LT(spread(-0.95), 0.95 * spread(0.95));
}

TEST(SensitivityTest, TheSameSeedGivesTheSameAnswer) {
  const tokenjoule::Setup setup = SetupOf("llama-3.1-8b", "h100-sxm", 1);
  EXPECT_EQ(Study(setup, 500, 3).SerializeAsString(),
            Study(setup, 500, 3).SerializeAsString());
  EXPECT_NE(Study(setup, 500, 3).SerializeAsString(),
            Study(setup, 500, 4).SerializeAsString());
}

}  // namespace
}  // namespace tokenjoule
