#include "analyzer/search/unused_axes.h"

#include <string>

#include "analyzer/description/catalog.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Space With(const std::string& axes) {
  return OrDie(
      ParseSpace("scenario { model: \"llama-3.1-8b\" hardware: \"h100-sxm\" }\n"
                 "objective { metric: \"energy_per_token_j\" }\n"
                 "objective { metric: \"time_per_token_s\" }\n" +
                     axes,
                 "s.textproto"));
}

TEST(UnusedAxesTest, NoSpaceOfTheCatalogueHasAnAxisInVain) {
  for (const std::string& name : CatalogNames(SpecKind::kSpace)) {
    EXPECT_THAT(UnusedAxes(OrDie(LoadSpace(name))), IsEmpty()) << name;
  }
}

TEST(UnusedAxesTest, AnAxisInVainIsNamed) {
  // Every product of weights is in bf16, and no KV cache page is shared.
  EXPECT_THAT(
      UnusedAxes(With(
          "axis { path: \"scenario.batch\" value: \"1\" value: \"8\" }\n"
          "axis { path: \"scenario.experts\" value: \"fp8\" value: \"bf16\" }\n"
          "axis { path: \"hardware.engine.tensor.rate.fp8.peak_tflops\"\n"
          "  linear { from: 1000 to: 4000 count: 100 } }\n")),
      ElementsAre("scenario.experts",
                  "hardware.engine.tensor.rate.fp8.peak_tflops"));
}

TEST(UnusedAxesTest, AnAxisThatMattersAtSomePointsIsNotNamed) {
  // The rate matters where weights are in fp8.
  EXPECT_THAT(
      UnusedAxes(With(
          "axis { path: \"scenario.weights\" value: \"bf16\" value: \"fp8\" }\n"
          "axis { path: \"hardware.engine.tensor.rate.fp8.peak_tflops\"\n"
          "  linear { from: 1 to: 4000 count: 100 } }\n")),
      IsEmpty());
}

TEST(UnusedAxesTest, AnAxisOfOneValueOrWithoutAnswersIsNotNamed) {
  EXPECT_THAT(
      UnusedAxes(With("axis { path: \"scenario.experts\" value: \"fp8\" }\n")),
      IsEmpty());
  // Seven chips cannot share 32 heads.
  EXPECT_THAT(UnusedAxes(With("axis { path: \"scenario.tp\" value: \"7\" }\n"
                              "axis { path: \"scenario.experts\" value: "
                              "\"fp8\" value: \"bf16\" }\n")),
              IsEmpty());
}

}  // namespace
}  // namespace tokenjoule
