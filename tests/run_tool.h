// Runs the binary as a user does, for tests of the command line.

#ifndef TESTS_RUN_TOOL_H_
#define TESTS_RUN_TOOL_H_

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "analyzer/base/version.h"
#include "analyzer/report/report.h"
#include "analyzer/testing/files.h"
#include "gtest/gtest.h"

namespace tokenjoule {

// Path of the binary, taken from the test's arguments.
inline std::string* binary = new std::string;

struct Outcome {
  int exit_code;  // -1 where a signal ended the process
  std::string out;
  std::string err;
};

// Runs the binary with arguments that a shell parses; `environment` is e.g.
// "LC_ALL=C".
inline Outcome RunTool(const std::string& args,
                       const std::string& environment = "") {
  const std::string out = TempPath("stdout"), err = TempPath("stderr");
  const int status = std::system(
      absl::StrCat(environment, " ", *binary, " ", args, " >", out, " 2>", err)
          .c_str());
  return {
      WIFEXITED(status) && WEXITSTATUS(status) < 128 ? WEXITSTATUS(status) : -1,
      Read(out), Read(err)};
}

// Reads an answer, which says the version that wrote it.
template <typename Message>
Message FromJson(const std::string& json) {
  Message message;
  std::string version;
  const absl::Status status = FromJson(json, &message, &version);
  EXPECT_TRUE(status.ok()) << status << "\n" << json;
  EXPECT_EQ(version, kVersion) << json;
  return message;
}

// main() of such a test: GoogleTest's, and the binary's path.
inline int RunToolTests(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s PATH_OF_TOKENJOULE\n", argv[0]);
    return 2;
  }
  *binary = argv[1];
  // `bazel run` of a test: its paths are those of the runfiles.
  unsetenv("BUILD_WORKING_DIRECTORY");
  return RUN_ALL_TESTS();
}

}  // namespace tokenjoule

#endif  // TESTS_RUN_TOOL_H_
