// What cannot be written is not written silently: stdout on a device that is
// full.

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/testing/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/run_tool.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Runs the tool with stdout on a device that is full, behind what writes its
// stdin.
Outcome RunToFull(const std::string& before, const std::string& arguments) {
  const std::string err = TempPath("stderr");
  const int status =
      std::system(absl::StrCat(before, " ", *binary, " ", arguments,
                               " > /dev/full 2> ", err)
                      .c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, "", Read(err)};
}

constexpr char kPoint[] = "--model=llama-3.1-8b --hardware=h100-sxm";

TEST(FullDeviceTest, EveryWriterSaysThatItCouldNotWrite) {
  const std::string baseline = TempPath("baseline.textproto");
  const std::string point = absl::StrCat(" ", kPoint);
  for (const std::string& arguments :
       {std::string("--help"),
        std::string("help"),
        std::string("help analyze"),
        std::string("analyze --help"),
        std::string("--version"),
        std::string("version --verbose"),
        std::string("list"),
        std::string("list models --format=json"),
        std::string("completion bash"),
        std::string("completion zsh"),
        std::string("completion --words -- analyze --mo"),
        "analyze" + point,
        "analyze" + point + " --format=json",
        "analyze" + point + " --format=csv",
        "analyze" + point + " --format=svg",
        "analyze" + point + " --format=vega",
        "analyze" + point + " --format=html",
        "analyze" + point + " --out=/dev/stdout",
        "check --max-step-time-ms=1000" + point,
        absl::StrCat("check --update --baseline=", baseline, point),
        std::string("new-hardware --base=h100-sxm"),
        std::string("import-hf analyzer/import/testdata/hf/llama-3.1-8b.json"),
        std::string("sweep --space=lpddr5x-edge --point=0"),
        std::string("explain --hardware=h100-sxm")}) {
    const Outcome outcome = RunToFull("", arguments);
    EXPECT_EQ(outcome.exit_code, 3) << arguments << "\n" << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("cannot be written: No space left"))
        << arguments;
    EXPECT_THAT(outcome.err, StartsWith("tokenjoule: ")) << arguments;
  }
}

TEST(FullDeviceTest, AProgramThatAsksIsToldByTheExitCode) {
  const Outcome outcome =
      RunToFull("echo '{\"subcommand\": \"list\"}' |", "serve --stdio");
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("stdout: cannot be written"));
}

// A reader who has seen enough is none: the process ends as others do.
TEST(FullDeviceTest, AClosedPipeEndsTheProcess) {
  EXPECT_EQ(std::system(absl::StrCat(*binary, " list | true").c_str()), 0);
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) { return tokenjoule::RunToolTests(argc, argv); }
