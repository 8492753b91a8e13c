// Compares answers with golden files: a change that moves a number causes a
// difference that has to be accepted. Each failure prints the command that
// accepts it.

#include <cstdio>
#include <iostream>
#include <string>

#include "analyzer/description/measurements.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/fit/score.h"
#include "analyzer/report/report.h"
#include "analyzer/study/batch.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/files.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

void ExpectGolden(const std::string& name, const std::string& command,
                  const std::string& actual) {
  EXPECT_EQ(Read("tests/golden/" + name), actual)
      << "If the change is meant, say in CHANGELOG under Numbers what moved "
         "and "
         "why, and run\n  ./tools/bazel run //tools:tokenjoule -- "
      << command << " --out=$PWD/tests/golden/" << name;
}

TEST(GoldenTest, Analyze) {
  const Report report =
      OrDie(Analyze(LoadModelOrDie("llama-3.1-8b"),
                    LoadHardwareOrDie("h100-sxm"), DefaultScenario()));
  ExpectGolden("analyze.txt",
               "analyze --model=llama-3.1-8b --hardware=h100-sxm",
               WritersOf<Report>().table(report, {}));
}

TEST(GoldenTest, Batch) {
  Scenario scenario = DefaultScenario();
  scenario.set_context(8192);
  const BatchStudy study = OrDie(
      StudyBatch({{LoadModelOrDie("llama-3.1-8b"),
                   LoadHardwareOrDie("h100-sxm"), scenario, absl::nullopt}},
                 {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}));
  ExpectGolden("batch.txt",
               "batch --model=llama-3.1-8b --hardware=h100-sxm --context=8192",
               WritersOf<BatchStudy>().table(study, {}));
}

// Every prediction of every shipped measurement, scored at every build.
TEST(GoldenTest, ErrorsAgainstMeasurement) {
  const MeasurementSet set =
      OrDie(LoadMeasurements(std::vector<std::string>{"validation"}));
  const Validation validation = ValidateMeasurements(set);
  ExpectGolden("validation.txt", "validate --measurements=$PWD/validation",
               WritersOf<Validation>().table(validation, {}));
  EXPECT_EQ(validation.overall().skipped(), 0);
  // About nine measured values in ten lie in the predicted range.
  EXPECT_GT(validation.overall().step_time_range_coverage(), 0.85);
  EXPECT_GT(validation.overall().energy_range_coverage(), 0.85);
  for (const FamilyErrors& family : validation.families()) {
    EXPECT_GT(family.errors().step_time_range_coverage(), 0.85)
        << family.family();
    EXPECT_GT(family.errors().energy_range_coverage(), 0.85) << family.family();
  }
}

}  // namespace
}  // namespace tokenjoule
