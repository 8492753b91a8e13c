#include "analyzer/evaluate/account.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/evaluate.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

const EnergyCause* Find(const Report& report, Term::Value term,
                        const std::string& cause) {
  for (const EnergyCause& entry : report.energy_causes()) {
    if (entry.term() == term && entry.cause() == cause) return &entry;
  }
  return nullptr;
}

void ExpectCausesSumToTerms(const Report& report) {
  std::map<Term::Value, double> sums;
  double whole = 0;
  for (const EnergyCause& cause : report.energy_causes()) {
    EXPECT_NEAR(cause.quantity_per_token() * cause.cost_j_per_unit(),
                cause.energy_per_token_j(), 1e-12 * report.energy_per_token_j())
        << cause.DebugString();
    sums[cause.term()] += cause.energy_per_token_j();
    whole += cause.energy_per_token_j();
  }
  for (const EnergyTerm& term : report.energy_terms()) {
    EXPECT_NEAR(sums[term.term()], term.energy_per_token_j(),
                1e-12 * report.energy_per_token_j())
        << Term::Value_Name(term.term());
  }
  EXPECT_NEAR(whole, report.energy_per_token_j(),
              1e-12 * report.energy_per_token_j());
}

TEST(AccountTest, CausesSumToTermsOnEveryKindOfModelAndMachine) {
  for (const char* model : {"llama-3.1-8b", "gpt-oss-20b", "deepseek-v2-lite",
                            "nemotron-h-8b", "gemma-3-27b"}) {
    for (const char* hardware :
         {"h100-sxm", "apple-m4", "tpu-v5e", "groq-lpu-v1", "aimc-hbm3e"}) {
      SCOPED_TRACE(absl::StrCat(model, " on ", hardware));
      Scenario scenario = DefaultPoint(4, 4096);
      scenario.set_boundary("facility");
      ExpectCausesSumToTerms(AnalyzeOrDie(model, hardware, scenario));
    }
  }
}

TEST(AccountTest, CausesSumToTermsWithLinksPrefillAndDrafts) {
  Scenario scenario = DefaultPoint(64, 0, 4);
  scenario.clear_context();
  scenario.set_prompt(1000);
  scenario.set_output(500);
  scenario.mutable_speculation()->set_draft_tokens(3);
  scenario.mutable_speculation()->set_acceptance_rate(0.7);
  const Report report = AnalyzeOrDie("llama-3.1-70b", "h100-sxm", scenario);
  ExpectCausesSumToTerms(report);
  EXPECT_NE(Find(report, Term::LINK, "collectives"), nullptr);
}

TEST(AccountTest, InMemoryArraysChargeTheWeightsWritten) {
  Scenario scenario = DefaultPoint(1, 2048);
  scenario.set_weights("int8");
  scenario.set_activations("int8");
  const Report report = AnalyzeOrDie("llama-3.1-8b", "aimc-hbm3e", scenario);
  ExpectCausesSumToTerms(report);
  const EnergyCause* written = Find(report, Term::ARRAY_WRITE, "weights read");
  ASSERT_NE(written, nullptr);
  EXPECT_GT(written->energy_per_token_j(), 0);
  EXPECT_GT(Find(report, Term::ADC, "matrix products")->energy_per_token_j(),
            0);
}

// design.md: Llama-3.1-8B reads 1.500932e10 B of weights and 268 435 456 B of
// KV cache at batch 1 and context 2048; norm weights are with them here.
TEST(AccountTest, QuantitiesAreTheLedgers) {
  const Report report =
      AnalyzeOrDie("llama-3.1-8b", "h100-sxm", DefaultPoint(1, 2048));
  const EnergyCause* weights = Find(report, Term::DRAM_PHY, "weights read");
  const EnergyCause* kv = Find(report, Term::DRAM_PHY, "KV read");
  const EnergyCause* flop = Find(report, Term::COMPUTE, "matrix products");
  ASSERT_TRUE(weights != nullptr && kv != nullptr && flop != nullptr);
  EXPECT_EQ(weights->quantity_per_token(), report.weight_bytes_per_step());
  EXPECT_NEAR(weights->quantity_per_token(), 1.500932e10, 1e6);
  EXPECT_EQ(kv->quantity_per_token(), 268435456);
  EXPECT_EQ(flop->quantity_per_token(), report.flop_per_token());
  // 0.5 pJ/bit of H100's PHY are 4 pJ per byte.
  EXPECT_NEAR(weights->cost_j_per_unit(), 4e-12, 1e-18);
}

TEST(AccountTest, FactorsMultiplyToTheAnswer) {
  for (const double batch : {1.0, 64.0}) {
    const Report report =
        AnalyzeOrDie("llama-3.1-8b", "h100-sxm", DefaultPoint(batch, 2048));
    const Factorization& f = report.factorization();
    const double product =
        f.operations_per_token() *
        (f.energy_per_operation_j() +
         f.memory_accesses_per_operation() * f.energy_per_access_j());
    EXPECT_NEAR(product, f.product_j(), 1e-12 * product);
    EXPECT_NEAR(f.product_j() + f.standing_j(), report.energy_per_token_j(),
                1e-12 * report.energy_per_token_j());
    EXPECT_NEAR(f.memory_accesses_per_operation() *
                    report.arithmetic_intensity_flop_per_byte(),
                1, 1e-12);
  }
}

TEST(AccountTest, OnlyTermsInsideTheBoundary) {
  Scenario scenario = DefaultPoint(1, 2048);
  scenario.set_boundary("memory_path");
  const Report report = AnalyzeOrDie("llama-3.1-8b", "h100-sxm", scenario);
  ExpectCausesSumToTerms(report);
  EXPECT_EQ(Find(report, Term::STATIC, "time"), nullptr);
  EXPECT_EQ(Find(report, Term::COMPUTE, "matrix products"), nullptr);
}

}  // namespace
}  // namespace tokenjoule
