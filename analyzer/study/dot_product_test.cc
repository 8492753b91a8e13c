#include "analyzer/study/dot_product.h"

#include <cmath>
#include <cstdlib>
#include <vector>

#include "analyzer/quality/precision_law.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

DotProductStudy Study(const std::vector<double>& bits) {
  return OrDie(StudyDotProduct(bits));
}

DotProductStudy InYears(const std::vector<double>& years,
                        const std::vector<double>& bits) {
  DotProductOptions options;
  options.years = years;
  return OrDie(StudyDotProduct(bits, options));
}

const DotProductRow& Row(const DotProductPanel& panel, double bits) {
  for (const DotProductRow& row : panel.rows()) {
    if (row.bits() == bits) return row;
  }
  return DotProductRow::default_instance();
}

const DotProductRow& Row(const DotProductStudy& study, double bits) {
  return Row(study.panels(0), bits);
}

TEST(DotProductTest, AtFourBitsTheWinnerIsNotDetermined) {
  const DotProductStudy study = Study({4});
  ASSERT_EQ(study.panels_size(), 1);
  // 3 supplies, 2 noise factors, 3 widths, 3 converters, 4 rules, 3 full
  // adders, 2 overheads.
  EXPECT_EQ(study.panels(0).points(), 3 * 2 * 3 * 3 * 3 * 3 * 2);
  EXPECT_EQ(Row(study, 4).winner(), "NOT_DETERMINED");
  EXPECT_GT(Row(study, 4).analog_wins(), 0.2);
  EXPECT_LT(Row(study, 4).analog_wins(), 0.8);
  EXPECT_LT(Row(study, 4).gain().p10(), 1);
  EXPECT_GT(Row(study, 4).gain().p90(), 1);
  // The medians lie within a factor of two of each other.
  EXPECT_LT(std::abs(std::log2(Row(study, 4).analog_fj().p50() /
                               Row(study, 4).digital_fj().p50())),
            1);
}

TEST(DotProductTest, OverheadIsChargedToBothSides) {
  // Digital at 4 bits: e 4 (1.15 x 4 + 1) = 22.4 e with e of 0.23, 0.35 and 1.0
  // fJ, each once and twice: 5.15, 7.84, 10.3, 15.7, 22.4, 44.8. The median by
  // nearest rank of six equal groups is the fourth, 15.7.
  EXPECT_NEAR(Row(Study({4}), 4).digital_fj().p50(), 15.7, 0.05);
  EXPECT_NEAR(Row(Study({4}), 4).digital_fj().p10(), 5.15, 0.05);
  EXPECT_NEAR(Row(Study({4}), 4).digital_fj().p90(), 44.8, 0.05);
}

TEST(DotProductTest, TheSweepSaysWhatItSweeps) {
  EXPECT_EQ(Study({4}).panels(0).sweep(),
            "supply 0.6, 0.7, 0.9 V; noise factor 1, 2; unit capacitor 1 fF; "
            "64, 256, 1024 rows; column, best-of-survey and typical "
            "converters; minimum precision, optimal clipping and lossless in "
            "single-bit slices; full "
            "adders of 0.23, 0.35, 1.0 fJ; overhead of both x 1, x 2");
}

// A multiply-add is two operations: 15.7 fJ are 7.8 fJ an operation and 2000 /
// 15.7 = 127 TOPS/W, and the most energy is the fewest operations.
TEST(DotProductTest, AMultiplyAddIsTwoOperations) {
  const DotProductStudy study = Study({4});
  const DotProductRow& row = Row(study, 4);
  EXPECT_DOUBLE_EQ(row.digital_fj_per_op().p50(), row.digital_fj().p50() / 2);
  EXPECT_DOUBLE_EQ(row.digital_tops_per_w().p50(),
                   2000 / row.digital_fj().p50());
  EXPECT_DOUBLE_EQ(row.analog_tops_per_w().p90(), 2000 / row.analog_fj().p10());
  for (const SiliconPoint& chip : study.panels(0).silicon()) {
    EXPECT_DOUBLE_EQ(chip.tops_per_w() * chip.mac_fj(), 2000) << chip.name();
    EXPECT_DOUBLE_EQ(chip.fj_per_op() * 2, chip.mac_fj()) << chip.name();
    EXPECT_LE(chip.mac_low_fj(), chip.mac_fj()) << chip.name();
    EXPECT_GE(chip.mac_high_fj(), chip.mac_fj()) << chip.name();
  }
}

TEST(DotProductTest, AnalogOf1990TakesFarLessThanDigitalAtFewBits) {
  const DotProductStudy study = InYears({1990, 2026}, {2, 4, 8, 12});
  ASSERT_EQ(study.panels_size(), 2);
  const DotProductPanel& then = study.panels(0);
  const DotProductPanel& now = study.panels(1);
  EXPECT_EQ(then.year(), 1990);
  EXPECT_EQ(then.node_nm(), 2000);
  // With the converters of its time an array of 1990 took a fraction of the
  // digital one in five points of six (lossless slices of narrow arrays are the
  // sixth); today each takes less in about half of them.
  EXPECT_GT(Row(then, 4).analog_wins(), 0.8);
  EXPECT_GT(Row(then, 4).gain().p50(), 5);
  EXPECT_EQ(Row(now, 4).winner(), "NOT_DETERMINED");
  EXPECT_LT(Row(now, 4).analog_wins(), 0.6);
  EXPECT_LT(Row(now, 4).gain().p50(), 2);
  // Beyond Vittoz' 50 to 60 dB, 8 to 10 bits, digital was the better one.
  EXPECT_GE(then.analog_up_to_bits().p50(), 8);
  EXPECT_LE(then.analog_up_to_bits().p50(), 11);
  EXPECT_LT(now.analog_up_to_bits().p50(), 8);
  EXPECT_LT(Row(then, 12).gain().p50(), 1);
  // What he compared was the limit, with no array and no converter: seven
  // orders of magnitude at 4 bits then, three today.
  EXPECT_GT(Row(then, 4).digital_fj().p50() / Row(then, 4).thermal_limit_fj(),
            1e7);
  EXPECT_LT(Row(now, 4).digital_fj().p50() / Row(now, 4).thermal_limit_fj(),
            1e4);
  // It crosses digital at 12 kT 4^b = e b (1.15 b + 1): of e = 7.3 pJ between
  // 17 and 18 bits, where 4^17.5 x 4.97e-20 J is 1.7 nJ and digital 2.7 nJ, and
  // of 0.35 fJ near 10 bits, 52 fJ against 44 to 88.
  EXPECT_NEAR(then.limit_reaches_digital_bits().p50(), 18, 0.5);
  EXPECT_NEAR(now.limit_reaches_digital_bits().p50(), 10, 0.5);
}

TEST(DotProductTest, TheThermalLimitDoesNotMoveWithTheYear) {
  const DotProductStudy study =
      InYears({1990, 2021, 2026, 2027}, {1, 4, 8, 12});
  ASSERT_EQ(study.panels_size(), 4);
  for (const DotProductPanel& panel : study.panels()) {
    for (const DotProductRow& row : panel.rows()) {
      EXPECT_EQ(row.thermal_limit_fj(),
                Row(study, row.bits()).thermal_limit_fj());
    }
  }
}

TEST(DotProductTest, DigitalGainsMoreFromEachGenerationThanAnalog) {
  const DotProductStudy study = InYears({1990, 2021, 2026, 2027}, {4});
  for (int i = 1; i < study.panels_size(); ++i) {
    const DotProductRow& before = Row(study.panels(i - 1), 4);
    const DotProductRow& after = Row(study.panels(i), 4);
    EXPECT_LT(after.digital_fj().p50(), before.digital_fj().p50());
    EXPECT_LT(after.gain().p50(), before.gain().p50());
    EXPECT_LE(study.panels(i).analog_up_to_bits().p50(),
              study.panels(i - 1).analog_up_to_bits().p50());
  }
}

TEST(DotProductTest, ANodeChoosesItsGeneration) {
  DotProductOptions options;
  options.nodes_nm = {2};
  const DotProductStudy study = OrDie(StudyDotProduct({4}, options));
  ASSERT_EQ(study.panels_size(), 1);
  EXPECT_EQ(study.panels(0).year(), 2027);
  EXPECT_THAT(study.panels(0).sweep(), HasSubstr("supply 0.55, 0.65, 0.75 V"));
  EXPECT_THAT(study.panels(0).sweep(),
              HasSubstr("unit capacitor 0.5, 1, 1.2 fF"));
}

TEST(DotProductTest, YearsAndNodesWithoutAGenerationAreRefused) {
  DotProductOptions options;
  options.years = {1990, 2000};
  EXPECT_THAT(ErrorOf(StudyDotProduct({4}, options)),
              HasSubstr("year: 2000 is not in "
                        "hw_specs/studies/dot-product.textproto; expected one "
                        "of 1990, 2021, 2026, 2027"));
  options.years.clear();
  options.nodes_nm = {5};
  EXPECT_THAT(ErrorOf(StudyDotProduct({4}, options)),
              HasSubstr("node: 5 is not in"));
  options.years = {1990};
  options.nodes_nm = {3};
  EXPECT_THAT(ErrorOf(StudyDotProduct({4}, options)),
              HasSubstr("no generation has both; there are 1990 with 2000 nm, "
                        "2021 with 7 nm"));
}

TEST(DotProductTest, ChipsBelongToTheGenerationNearestInYear) {
  const DotProductStudy study = InYears({1990, 2021, 2026, 2027}, {4});
  size_t chips = 0;
  for (const DotProductPanel& panel : study.panels()) {
    for (const SiliconPoint& chip : panel.silicon()) {
      ++chips;
      for (const DotProductPanel& other : study.panels()) {
        EXPECT_LE(std::abs(chip.year() - panel.year()),
                  std::abs(chip.year() - other.year()))
            << chip.name();
      }
    }
  }
  EXPECT_EQ(chips, Study({4}).panels(0).silicon_size());
  EXPECT_EQ(study.panels(0).silicon(0).label(), "ETANN");
}

TEST(DotProductTest, BeyondTheKneeEveryQuantileRisesFourfold) {
  const DotProductStudy study = Study({12, 13});
  const Band& less = Row(study, 12).analog_fj();
  const Band& more = Row(study, 13).analog_fj();
  // A little more than fourfold: overload asks for wider ranges of the
  // converters as well, and a percentile may pass from one rule to another.
  for (const double ratio : {more.p10() / less.p10(), more.p50() / less.p50(),
                             more.p90() / less.p90()}) {
    EXPECT_GT(ratio, 3.7);
    EXPECT_LT(ratio, 5);
  }
  EXPECT_EQ(Row(study, 12).winner(), "DIGITAL");
}

TEST(DotProductTest, BandsHoldTheirMedianAndRiseWithBits) {
  const DotProductStudy study = Study({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  double previous = 0;
  for (const DotProductRow& row : study.panels(0).rows()) {
    for (const Band& band : {row.analog_fj(), row.digital_fj(), row.gain()}) {
      EXPECT_LE(band.p10(), band.p50());
      EXPECT_LE(band.p50(), band.p90());
    }
    EXPECT_GT(row.analog_fj().p50(), row.thermal_limit_fj());
    EXPECT_GT(row.analog_fj().p50(), previous);
    previous = row.analog_fj().p50();
  }
}

TEST(DotProductTest, PublishedSiliconLiesInsideOrAboveTheBands) {
  const DotProductStudy study = Study({1, 4, 8, 12});
  for (const SiliconPoint& chip : study.panels(0).silicon()) {
    const DotProductRow& row = Row(study, chip.input_bits());
    if (row.bits() == 0) continue;
    // No analog chip is below the thermal limit; digital chips have no noise.
    if (chip.kind() == "analog") {
      EXPECT_GT(chip.mac_fj(), row.thermal_limit_fj()) << chip.name();
    }
    const Band& band =
        chip.kind() == "analog" ? row.analog_fj() : row.digital_fj();
    // At least a quarter of the tenth percentile: real chips have parts that
    // the bands leave out, and may be far above.
    EXPECT_GT(chip.mac_fj(), band.p10() / 4) << chip.name();
  }
}

TEST(DotProductTest, ChipsTakeNoLessThanTheBandOfTheirGeneration) {
  const DotProductStudy study = InYears({1990, 2021, 2026}, {1, 4, 6, 8, 12});
  for (const DotProductPanel& panel : study.panels()) {
    for (const SiliconPoint& chip : panel.silicon()) {
      const DotProductRow& row = Row(panel, chip.input_bits());
      ASSERT_EQ(row.bits(), chip.input_bits()) << chip.name();
      const Band& band =
          chip.kind() == "analog" ? row.analog_fj() : row.digital_fj();
      EXPECT_GT(chip.mac_fj(), band.p10()) << chip.name();
    }
  }
}

TEST(DotProductTest, BreakEvenGrowthIsOneWhereMemoryDominates) {
  // 7.2 and 4.7 fJ with 215 fJ of memory: 1.011.
  EXPECT_NEAR(BreakEvenGrowth(7.2, 4.7, 215), 1.0114, 0.0001);
  // Without memory it is the ratio of the two.
  EXPECT_DOUBLE_EQ(BreakEvenGrowth(7.2, 4.8, 0), 1.5);
}

TEST(DotProductTest, PrecisionLawAsksForLargerModels) {
  // Against full precision: 3 bits 1.48, 4 bits 1.29, 6 bits 1.12, 8 bits 1.05.
  const DotProductStudy study = Study({3, 4, 6, 8});
  EXPECT_NEAR(Row(study, 3).precision_law_growth(), 1.48, 0.01);
  EXPECT_NEAR(Row(study, 4).precision_law_growth(), 1.29, 0.01);
  EXPECT_NEAR(Row(study, 6).precision_law_growth(), 1.12, 0.01);
  EXPECT_NEAR(Row(study, 8).precision_law_growth(), 1.05, 0.01);
}

TEST(DotProductTest, NoiseOfTheArrayCostsBitsBeyondThoseOfDigital) {
  // As much noise as rounding, 4^-b / 1.5, doubles it: half a bit less.
  EXPECT_NEAR(EffectiveBits(8, std::pow(4, -8) / 1.5), 7.5, 1e-9);
  EXPECT_NEAR(EffectiveBits(8, 0), 8, 1e-9);
  // 8 bits that act as 7.5 need (1 - e^(-8 / 2.67)) / (1 - e^(-7.5 / 2.67)) =
  // 0.95002 / 0.93974 = 1.0109 of what digital needs, not 1.0641, what they
  // need against full precision.
  PrecisionLaw<> law;
  law.weights.scale_bits = 2.67;
  EXPECT_NEAR(RelativeGrowth(law, 8, 7.5), 1.0109, 0.0002);
  EXPECT_DOUBLE_EQ(RelativeGrowth(law, 8, 8), 1);
}

TEST(DotProductTest, GrowthNeededIsRelativeToDigitalOfTheSameBits) {
  const DotProductStudy few = Study({2, 4, 6, 8});
  for (const DotProductRow& row : few.panels(0).rows()) {
    EXPECT_GE(row.relative_growth().p10(), 1);
    EXPECT_LT(row.effective_bits().p90(), row.bits() + 1e-9);
    // Geometry sets the cells of few bits, so that noise costs less than a bit.
    EXPECT_GT(row.effective_bits().p10(), row.bits() - 1);
    EXPECT_LT(row.relative_growth().p90(), row.precision_law_growth());
  }
  // int8: 1.05 against full precision, about 1.01 against digital int8.
  const DotProductStudy study = Study({8});
  EXPECT_NEAR(Row(study, 8).precision_law_growth(), 1.05, 0.01);
  EXPECT_NEAR(Row(study, 8).relative_growth().p50(), 1.011, 0.005);
}

TEST(DotProductTest, OddBitsAreRefused) {
  for (const double bits : {0.0, -1.0, 17.0, 1e9}) {
    EXPECT_THAT(ErrorOf(StudyDotProduct({bits})),
                HasSubstr("expected 1 to 16"));
  }
}

TEST(DotProductTest, SummaryDoesNotPickAWinner) {
  EXPECT_THAT(Study({4, 12}).summary(),
              HasSubstr("not determined at 4 bits, digital at 12"));
  EXPECT_THAT(InYears({1990, 2026}, {4}).summary(),
              HasSubstr("In 2026 (3 nm) the winner is not determined at 4"));
}

}  // namespace
}  // namespace tokenjoule
