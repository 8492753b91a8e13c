#include "analyzer/study/machines.h"

#include <vector>

#include "absl/status/status.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

MachineSetup On(const char* machine, const char* model = "llama-3.1-70b") {
  return {machine, SetupOrDie(model, machine, DefaultPoint(8))};
}

TEST(MachinesTest, EachRowIsTheAnswerOfAnalyze) {
  const std::vector<MachineSetup> machines = {On("mi300x"), On("b200")};
  const MachinesStudy study = OrDie(StudyMachines(machines));
  ASSERT_EQ(study.rows_size(), 2);
  for (int i = 0; i < 2; ++i) {
    const Report alone = OrDie(Analyze(*machines[i].setup, kWithRanges));
    EXPECT_EQ(study.rows(i).SerializeAsString(), alone.SerializeAsString());
  }
  EXPECT_EQ(study.left_out_size(), 0);
  EXPECT_THAT(study.summary(), HasSubstr("takes least"));
}

TEST(MachinesTest, MachinesThatCannotAreLeftOutWithTheReason) {
  const MachinesStudy study = OrDie(StudyMachines(
      {On("h100-sxm"), On("b200"), On("medusa-28nm"),
       {"mi300x", absl::InvalidArgumentError("no such field\nnor this")}}));
  ASSERT_EQ(study.rows_size(), 1);
  EXPECT_EQ(study.rows(0).hardware(), "b200");
  ASSERT_EQ(study.left_out_size(), 3);
  EXPECT_EQ(study.left_out(0).hardware(), "h100-sxm");
  EXPECT_THAT(study.left_out(0).reason(), HasSubstr("does not fit"));
  EXPECT_EQ(study.left_out(1).hardware(), "medusa-28nm");
  EXPECT_THAT(study.left_out(1).reason(), HasSubstr("no engine"));
  EXPECT_EQ(study.left_out(2).reason(), "no such field; nor this");
}

TEST(MachinesTest, NothingLeftIsAFaultWithAllReasons) {
  EXPECT_THAT(ErrorOf(StudyMachines({On("h100-sxm"), On("rtx-4090")})),
              AllOf(HasSubstr("h100-sxm: does not fit"),
                    HasSubstr("rtx-4090: does not fit")));
  EXPECT_THAT(ErrorOf(StudyMachines({})), HasSubstr("no machine"));
}

}  // namespace
}  // namespace tokenjoule
