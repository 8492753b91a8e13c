// Tests that paths are relative to the caller's folder, although `bazel run`
// starts the binary in its runfiles.

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/run_tool.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

constexpr char kSpace[] = R"(
name: "two"
scenario { model: "llama-3.1-8b" hardware: "h100-sxm" }
axis { path: "scenario.batch" value: "1" value: "16" }
objective { metric: "energy_per_token_j" }
)";

constexpr char kRows[] =
    "source,model,device,weight_dtype,kv_dtype,batch,mean_context_tokens,"
    "itl_ms\ntest,llama-3.1-8b,h100-sxm,bf16,bf16,1,1000,7\n";

// A caller's folder with files in it. The binary is started in the folder of
// this test, as if that were its runfiles.
class WorkingDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/callerXXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    caller_ = path;
    Write(File("machine.textproto"), "base: \"h100-sxm\"\nname: \"mine\"\n");
    Write(File("chat.textproto"),
          "model: \"llama-3.1-8b\"\nhardware: \"./machine.textproto\"\n");
    Write(File("space.textproto"), kSpace);
    Write(File("rows.csv"), kRows);
  }

  void TearDown() override {
    ASSERT_EQ(std::system(absl::StrCat("rm -r ", caller_).c_str()), 0);
  }

  std::string File(const std::string& name) const {
    return absl::StrCat(caller_, "/", name);
  }

  // This is how `bazel run` starts a binary.
  Outcome RunFromCaller(const std::string& args) const {
    return RunTool(args, absl::StrCat("BUILD_WORKING_DIRECTORY=", caller_));
  }

  void ExpectFine(const std::string& args) const {
    const Outcome outcome = RunFromCaller(args);
    EXPECT_EQ(outcome.exit_code, 0) << args << "\n" << outcome.err;
  }

  std::string caller_;
};

TEST_F(WorkingDirectoryTest, RelativePathsAreReadFromTheCallersFolder) {
  const std::string point = "analyze --model=llama-3.1-8b ";
  ExpectFine(point + "--hardware=machine.textproto");
  ExpectFine(point + "--hardware=./machine.textproto");
  ExpectFine("analyze --scenario=chat.textproto");
  ExpectFine("sweep --space=space.textproto");
  ExpectFine("validate --measurements=rows.csv");
  ExpectFine("lint --as=hardware machine.textproto");
  ExpectFine("compare chat.textproto chat.textproto");
  // None of these files is in the folder that the binary is started in.
  EXPECT_EQ(RunTool("analyze --scenario=chat.textproto").exit_code, 3);
}

TEST_F(WorkingDirectoryTest, RelativeAnswersAreWrittenToTheCallersFolder) {
  ExpectFine("analyze --scenario=chat.textproto --format=json --out=out.json");
  EXPECT_THAT(Read(File("out.json")), HasSubstr("\"llama-3.1-8b\""));
  ExpectFine(
      "check --scenario=chat.textproto --baseline=base.textproto "
      "--update");
  ExpectFine(
      "check --scenario=chat.textproto --baseline=base.textproto "
      "--markdown=summary.md");
  EXPECT_THAT(Read(File("summary.md")), HasSubstr("energy_per_token_j"));
  ASSERT_EQ(mkdir(File("below").c_str(), 0755), 0);
  for (const char* shard : {"0", "1"}) {
    ExpectFine(
        absl::StrCat("sweep --space=space.textproto --format=json "
                     "--shard=",
                     shard, "/2 --out=below/", shard, ".json"));
  }
  ExpectFine("merge --space=space.textproto below/0.json below/1.json");
}

TEST_F(WorkingDirectoryTest, AFolderThatIsGoneIsSaid) {
  const std::string gone = "BUILD_WORKING_DIRECTORY=" + File("gone");
  const Outcome outcome = RunTool("list models", gone);
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("gone: cannot be entered: No such file"));
  // Help needs no folder.
  EXPECT_EQ(RunTool("list --help", gone).exit_code, 0);
  EXPECT_EQ(RunTool("list models", "BUILD_WORKING_DIRECTORY=").exit_code, 0);
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) { return tokenjoule::RunToolTests(argc, argv); }
