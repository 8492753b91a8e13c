#include "analyzer/evaluate/evidence.h"

#include <string>

#include "analyzer/description/catalog.h"
#include "analyzer/testing/catalog.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

void AddSeen(const std::string& machine, const std::string& family, int rows,
             int energies, Evidence* evidence) {
  SeenRows* seen = evidence->add_seen();
  seen->set_runtime("vllm");
  seen->set_machine(machine);
  seen->set_family(family);
  seen->set_rows(rows);
  seen->set_energies(energies);
}

// Rows of vllm on two machines; the spread of each status has its own width.
Evidence TestEvidence() {
  Evidence evidence;
  AddSeen("h100-sxm", "dense", 39, 39, &evidence);
  AddSeen("h200", "dense", 10, 0, &evidence);
  double width = 1;
  for (const SupportedBy::Status status :
       {SupportedBy::FITTED, SupportedBy::RUNTIME_FITTED_ELSEWHERE,
        SupportedBy::ASSUMED}) {
    width += 0.1;
    for (const char* family : {"dense", "moe", "hybrid"}) {
      UnseenSpread* spread = evidence.add_spread();
      spread->set_status(status);
      spread->set_family(family);
      spread->set_step_time_high(width);
      spread->set_energy_high(width);
    }
  }
  return evidence;
}

TEST(EvidenceTest, RowsOfTheRuntimeOnTheMachineWithTheFamilyAreAFit) {
  const Evidence evidence = TestEvidence();
  const Support support =
      SupportOf(evidence, LoadHardwareOrDie("h100-sxm"), Family::kDense);
  EXPECT_EQ(support.status, SupportedBy::FITTED);
  EXPECT_EQ(support.note,
            "fitted to 39 rows (all with energies) of dense models served by "
            "vllm on h100-sxm");
  EXPECT_DOUBLE_EQ(support.of_step_time->step_time_high(), 1.1);
  EXPECT_DOUBLE_EQ(support.of_energy->energy_high(), 1.1);
}

TEST(EvidenceTest, AMachineWithoutEnergiesTakesTheWiderSpreadOfEnergies) {
  const Evidence evidence = TestEvidence();
  const Support support =
      SupportOf(evidence, LoadHardwareOrDie("h200"), Family::kDense);
  EXPECT_EQ(support.status, SupportedBy::FITTED);
  EXPECT_DOUBLE_EQ(support.of_step_time->step_time_high(), 1.1);
  EXPECT_DOUBLE_EQ(support.of_energy->energy_high(), 1.2);
}

TEST(EvidenceTest, OtherMachinesAndOtherFamiliesAreFittedElsewhere) {
  const Evidence evidence = TestEvidence();
  EXPECT_EQ(
      SupportOf(evidence, LoadHardwareOrDie("b200"), Family::kDense).status,
      SupportedBy::RUNTIME_FITTED_ELSEWHERE);
  EXPECT_EQ(
      SupportOf(evidence, LoadHardwareOrDie("h100-sxm"), Family::kMoe).note,
      "vllm was fitted on h100-sxm to other families; there are no rows of moe "
      "models on h100-sxm");
}

TEST(EvidenceTest, ARuntimeWithoutRowsIsAssumedAndADesignHasNone) {
  const Evidence evidence = TestEvidence();
  EXPECT_EQ(SupportOf(evidence,
                      LoadHardwareOrDie("h100-sxm", {{"runtime", "sglang"}}),
                      Family::kDense)
                .status,
            SupportedBy::ASSUMED);
  const Support design =
      SupportOf(evidence, LoadHardwareOrDie("hbm4-asic"), Family::kDense);
  EXPECT_EQ(design.status, SupportedBy::NO_RUNTIME);
  EXPECT_EQ(design.of_step_time, nullptr);
}

// The file of the last fit has a spread for every status and family.
TEST(EvidenceTest, TheShippedEvidenceIsComplete) {
  const Evidence& evidence = FittedEvidence();
  EXPECT_GT(evidence.seen_size(), 20);
  EXPECT_EQ(evidence.spread_size(), 3 * static_cast<int>(Family::kNumFamilies));
  for (const UnseenSpread& spread : evidence.spread()) {
    EXPECT_LT(spread.step_time_low(), 1);
    EXPECT_GT(spread.step_time_high(), 1);
  }
}

}  // namespace
}  // namespace tokenjoule
