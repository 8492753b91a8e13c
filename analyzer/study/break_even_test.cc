#include "analyzer/study/break_even.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

Setup On(const std::string& model, const std::string& hardware) {
  return SetupOrDie(model, hardware, WithContext(DefaultScenario()));
}

BreakEvenStudy Study(const BreakEvenOptions& options = {}) {
  return OrDie(StudyBreakEven(On("llama-3.2-1b", "dimc-resident"),
                              LoadHardwareOrDie("aimc-resident"), options));
}

// What the precision of the digital machine asks for.
double DigitalGrowth() {
  auto setup = On("llama-3.2-1b", "dimc-resident");
  setup.scenario.set_equal_quality(true);
  return OrDie(Analyze(setup, kFiguresOnly)).model_growth();
}

// The energy per token of the analog machine with its products at an energy.
double EnergyWith(const BreakEvenRow& row, double pj_per_flop) {
  Setup setup = On("llama-3.2-1b", "aimc-resident");
  setup.scenario.set_batch(row.batch());
  const auto set = [](double value, Constant* constant) {
    constant->set_value(value);
    constant->set_low(value);
    constant->set_high(value);
    constant->set_source("design");
  };
  set(row.standing_w(), setup.hardware.mutable_board()->mutable_static_power_w());
  for (ComputeEngine& engine : *setup.hardware.mutable_engine()) {
    if (engine.kind() != ComputeEngine::ANALOG_IMC) continue;
    set(row.growth() * DigitalGrowth(),
        engine.mutable_array()->mutable_model_growth());
    for (auto& rate : *engine.mutable_rate()) {
      set(pj_per_flop, rate.mutable_energy_pj_per_flop());
    }
  }
  return OrDie(Analyze(setup, kFiguresOnly)).energy_per_token_j();
}

TEST(BreakEvenTest, AtTheBreakEvenBothMachinesTakeTheSame) {
  const BreakEvenStudy study = Study();
  for (const BreakEvenRow& row : study.rows()) {
    EXPECT_NEAR(EnergyWith(row, 0), row.analog_free_j(),
                1e-9 * row.analog_free_j());
    if (row.break_even_fj_per_op() <= 0) {
      EXPECT_GE(row.analog_free_j(), row.digital_j());
      continue;
    }
    EXPECT_NEAR(EnergyWith(row, row.break_even_fj_per_op() * 1e-3),
                row.digital_j(), 1e-6 * row.digital_j());
  }
}

// Boundaries inside the chip hold no products, whatever they take.
TEST(BreakEvenTest, ABoundaryWithoutProductsIsRefused) {
  for (const char* hardware : {"dimc-resident", "dimc-hbm3e"}) {
    auto digital = On("llama-3.2-1b", hardware);
    digital.scenario.set_boundary("memory_path");
    EXPECT_THAT(std::string(StudyBreakEven(digital,
                                           LoadHardwareOrDie("aimc-resident"), {})
                                .status()
                                .message()),
                HasSubstr("boundary: the energy at \"memory_path\" holds no "
                          "products"));
  }
}

TEST(BreakEvenTest, StandingPowerAndGrowthLowerTheBreakEven) {
  BreakEvenOptions options;
  options.standing_w = {0, 100};
  options.growths = {1, 1.05};
  options.batches = {16};
  const BreakEvenStudy study = Study(options);
  ASSERT_EQ(study.rows_size(), 4);
  // Standing power slowest, then growth.
  EXPECT_GT(study.rows(0).break_even_fj_per_op(),
            study.rows(1).break_even_fj_per_op());
  EXPECT_GT(study.rows(0).break_even_fj_per_op(),
            study.rows(2).break_even_fj_per_op());
}

TEST(BreakEvenTest, EqualQualityAsksForMoreOfNoisierArrays) {
  const BreakEvenStudy study = Study();
  EXPECT_GT(study.relative_growth(), 1);
  EXPECT_LT(study.relative_growth(), 1.1);
  EXPECT_FALSE(study.chips().empty());
  for (const BreakEvenChip& chip : study.chips()) {
    EXPECT_GT(chip.fj_per_op(), 0) << chip.name();
    EXPECT_LE(chip.wins(), study.rows_size()) << chip.name();
  }
}

TEST(BreakEvenTest, ChipsAreComparedAtTheMachinesOwnPowerWhateverTheMap) {
  const BreakEvenStudy whole = Study();
  BreakEvenOptions options;
  options.standing_w = {1, 0, 1};
  options.growths = {1, 1};
  const BreakEvenStudy part = Study(options);
  // Each point once.
  EXPECT_EQ(part.rows_size(), 2 * 5);
  ASSERT_EQ(part.chips_size(), whole.chips_size());
  for (int i = 0; i < whole.chips_size(); ++i) {
    EXPECT_EQ(part.chips(i).smallest_batch(), whole.chips(i).smallest_batch())
        << whole.chips(i).name();
  }
}

TEST(BreakEvenTest, GrowthIsAnAxisAndNoFlag) {
  auto setup = On("llama-3.2-1b", "dimc-resident");
  setup.scenario.set_equal_quality(true);
  const absl::StatusOr<BreakEvenStudy> study =
      StudyBreakEven(setup, LoadHardwareOrDie("aimc-resident"), {});
  EXPECT_THAT(std::string(study.status().message()),
              HasSubstr("growth is an axis"));
}

TEST(BreakEvenTest, MachinesWithoutSuchArraysAreRefused) {
  const auto message = [](const std::string& digital,
                          const std::string& analog) {
    const absl::StatusOr<BreakEvenStudy> study = StudyBreakEven(
        On("llama-3.2-1b", digital), LoadHardwareOrDie(analog), {});
    EXPECT_EQ(study.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(study.status().message());
  };
  EXPECT_THAT(message("h100-sxm", "aimc-resident"), HasSubstr("DIGITAL_IMC"));
  EXPECT_THAT(message("dimc-resident", "h100-sxm"), HasSubstr("ANALOG_IMC"));
}

TEST(BreakEvenTest, OptionsOutOfRangeAreRefused) {
  BreakEvenOptions options;
  options.growths = {0.5};
  const absl::StatusOr<BreakEvenStudy> study =
      StudyBreakEven(On("llama-3.2-1b", "dimc-resident"),
                     LoadHardwareOrDie("aimc-resident"), options);
  EXPECT_THAT(std::string(study.status().message()),
              HasSubstr("growths: 0.5 is out of range; expected 1 to 10"));
}

}  // namespace
}  // namespace tokenjoule
