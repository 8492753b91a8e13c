#include "analyzer/study/ceiling.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

CeilingStudy Study(const std::string& model, const std::string& hardware,
                   double batch, const std::string& boundary = "board",
                   int tp = 1) {
  Setup setup = SetupOrDie(model, hardware, DefaultScenario());
  setup.scenario.set_batch(batch);
  setup.scenario.set_boundary(boundary);
  setup.scenario.set_tp(tp);
  return OrDie(StudyCeiling(setup));
}

const Ceiling& Find(const CeilingStudy& study, Ceiling::Kind kind,
                    const std::string& free) {
  for (const Ceiling& ceiling : study.ceilings()) {
    if (ceiling.kind() == kind && absl::StrJoin(ceiling.free(), "+") == free) {
      return ceiling;
    }
  }
  ADD_FAILURE() << free;
  return Ceiling::default_instance();
}

// H100's regulators are part of its static power (efficiency 1) and its power
// cap does not bind at batch 1, so that a free term leaves the sum of the other
// terms, and a free pair the sum of all but two.
TEST(CeilingTest, AFreeTermLeavesTheOthers) {
  const CeilingStudy study = Study("llama-3.1-8b", "h100-sxm", 1);
  const double whole = study.base().energy_per_token_j();
  int checked = 0;
  for (const Ceiling& ceiling : study.ceilings()) {
    if (ceiling.kind() != Ceiling::TERM) continue;
    double left = whole;
    for (const std::string& name : ceiling.free()) {
      Term::Value term = Term::UNSPECIFIED;
      ASSERT_TRUE(Term::Value_Parse(name, &term));
      left -= TermOf(study.base(), term);
    }
    EXPECT_NEAR(ceiling.energy_per_token_j(), left, 1e-12 * whole)
        << ceiling.DebugString();
    EXPECT_NEAR(ceiling.gain() * ceiling.energy_per_token_j(), whole,
                1e-12 * whole);
    ++checked;
  }
  // Ten terms alone and 45 pairs.
  EXPECT_EQ(checked, 55);
}

TEST(CeilingTest, NothingFreeCostsMoreAndPairsLeaveNoMoreThanEither) {
  for (const char* hardware : {"h100-sxm", "hbm4-asic", "groq-lpu-v1"}) {
    SCOPED_TRACE(hardware);
    const CeilingStudy study = Study("llama-3.1-8b", hardware, 16, "facility");
    for (const Ceiling& ceiling : study.ceilings()) {
      EXPECT_LE(ceiling.energy_per_token_j(),
                study.base().energy_per_token_j() * (1 + 1e-12));
      EXPECT_LE(ceiling.step_time_s(),
                study.base().step_time_s() * (1 + 1e-12));
      if (ceiling.free_size() != 2) continue;
      for (const std::string& one : ceiling.free()) {
        EXPECT_LE(ceiling.energy_per_token_j(),
                  Find(study, ceiling.kind(), one).energy_per_token_j() *
                      (1 + 1e-12));
      }
    }
  }
}

// Making time free as well never brings less than energy alone.
TEST(CeilingTest, TimeBringsMoreThanEnergyAlone) {
  const CeilingStudy study = Study("llama-3.1-70b", "h100-sxm", 64, "board", 4);
  for (const char* name :
       {"memory", "on-chip memory", "compute", "links", "static power"}) {
    EXPECT_GE(Find(study, Ceiling::COMPONENT, name).gain(),
              Find(study, Ceiling::COMPONENT_ENERGY, name).gain() * (1 - 1e-12))
        << name;
  }
  EXPECT_GT(Find(study, Ceiling::COMPONENT, "memory").speedup(), 1.1);
}

// The thesis of the tool: at batch 1 a perfect multiplier, even one that needs
// no instructions, is worth little.
TEST(CeilingTest, APerfectMultiplierIsWorthLittleAtBatchOne) {
  const CeilingStudy study = Study("llama-3.1-8b", "h100-sxm", 1);
  EXPECT_LT(Find(study, Ceiling::COMPONENT, "compute").gain(), 1.1);
  EXPECT_GT(Find(study, Ceiling::COMPONENT, "memory").gain(), 2);
}

// One definition of overhead: what the answer calls overhead is what the step
// gains when overheads are free, as long as nothing else comes to bind.
TEST(CeilingTest, FreeOverheadsSaveTheTimeThatTheAnswerCallsOverhead) {
  for (const char* hardware : {"h100-sxm", "apple-m4-max"}) {
    SCOPED_TRACE(hardware);
    const CeilingStudy study = Study("llama-3.1-8b", hardware, 1);
    const double step = study.base().step_time_s();
    double overhead = 0;
    for (const BoundTime& part : study.base().time_by_bound()) {
      if (part.bound() == Bound::OVERHEAD) overhead = part.time_s();
    }
    ASSERT_GT(overhead, 0.01 * step);
    EXPECT_NEAR(
        step - Find(study, Ceiling::COMPONENT, "overheads").step_time_s(),
        overhead, 0.02 * overhead);
  }
}

// Without DRAM energy nothing is left inside the stack.
TEST(CeilingTest, NothingLeftHasNoGain) {
  const CeilingStudy study =
      Study("llama-3.1-8b", "h100-sxm", 1, "memory_path");
  const Ceiling& memory = Find(study, Ceiling::COMPONENT, "memory");
  EXPECT_EQ(memory.energy_per_token_j(), 0);
  EXPECT_EQ(memory.gain(), 0);
}

TEST(CeilingTest, ABadScenarioIsRefused) {
  auto setup = SetupOrDie("llama-3.1-8b", "h100-sxm", DefaultScenario());
  setup.scenario.set_tp(3);
  EXPECT_FALSE(StudyCeiling(setup).ok());
}

}  // namespace
}  // namespace tokenjoule
