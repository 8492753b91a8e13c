#include "analyzer/study/dot_product.h"

#include <vector>

#include "analyzer/description/study_data.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

DotProductStudy Study(const std::vector<double>& bits) {
  return OrDie(StudyDotProduct(bits));
}

const DotProductRow& Row(const DotProductStudy& study, double bits) {
  for (const DotProductRow& row : study.rows()) {
    if (row.bits() == bits) return row;
  }
  return DotProductRow::default_instance();
}

TEST(DotProductTest, AtFourBitsTheWinnerIsNotDetermined) {
  const DotProductStudy study = Study({4});
  EXPECT_EQ(study.points(), 972);
  EXPECT_EQ(Row(study, 4).winner(), "NOT_DETERMINED");
  EXPECT_GT(Row(study, 4).analog_wins(), 0.2);
  EXPECT_LT(Row(study, 4).analog_wins(), 0.8);
  EXPECT_LT(Row(study, 4).gain().p10(), 1);
  EXPECT_GT(Row(study, 4).gain().p90(), 1);
}

TEST(DotProductTest, TheSweepSaysWhatItSweeps) {
  EXPECT_EQ(Study({4}).sweep(),
            "supply 0.6, 0.7, 0.9 V; noise factor 1, 2; 64, 256, 1024 rows; "
            "column, best-of-survey and typical converters; minimum precision, "
            "three bits fewer, lossless in single-bit slices; full adders of "
            "0.23, 0.35, 1.0 fJ; analog overhead x 1, x 2");
}

TEST(DotProductTest, BeyondTheKneeEveryQuantileRisesFourfold) {
  const DotProductStudy study = Study({12, 13});
  const Band& less = study.rows(0).analog_fj();
  const Band& more = study.rows(1).analog_fj();
  EXPECT_NEAR(more.p10() / less.p10(), 4, 0.4);
  EXPECT_NEAR(more.p50() / less.p50(), 4, 0.4);
  EXPECT_EQ(study.rows(0).winner(), "DIGITAL");
}

TEST(DotProductTest, BandsHoldTheirMedianAndRiseWithBits) {
  const DotProductStudy study = Study({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  double previous = 0;
  for (const DotProductRow& row : study.rows()) {
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
  for (const SiliconPoint& chip : study.silicon()) {
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

TEST(DotProductTest, BreakEvenGrowthIsOneWhereMemoryDominates) {
  // 7.2 and 4.7 fJ with 215 fJ of memory: 1.011.
  EXPECT_NEAR(BreakEvenGrowth(7.2, 4.7, 215), 1.0114, 0.0001);
  // Without memory it is the ratio of the two.
  EXPECT_DOUBLE_EQ(BreakEvenGrowth(7.2, 4.8, 0), 1.5);
}

TEST(DotProductTest, PrecisionLawAsksForLargerModels) {
  const double law_bits = LoadDotProductSweep()->precision_law_bits().value();
  // Against full precision: 3 bits 1.48, 4 bits 1.29, 6 bits 1.12, 8 bits 1.05.
  EXPECT_NEAR(PrecisionLawGrowth(3, law_bits), 1.48, 0.01);
  EXPECT_NEAR(PrecisionLawGrowth(4, law_bits), 1.29, 0.01);
  EXPECT_NEAR(PrecisionLawGrowth(6, law_bits), 1.12, 0.01);
  EXPECT_NEAR(PrecisionLawGrowth(8, law_bits), 1.05, 0.01);
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
}

}  // namespace
}  // namespace tokenjoule
