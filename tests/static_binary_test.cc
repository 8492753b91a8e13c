// Tests of the static binary: it needs nothing of the machine, its answers are
// identical to those of tokenjoule, byte for byte, and it says what it lacks.

#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/run_tool.h"
#include "tests/served.h"
#include "tests/two_binaries.h"
#include "tools/serve/http_client.h"

namespace tokenjoule {
namespace {

TEST(StaticBinaryTest, NeedsNoLibraryOfTheMachine) { ExpectStatic(); }

// So that the same sources give the same bytes wherever they are built.
TEST(StaticBinaryTest, HoldsNoPathOfTheBuild) {
  for (const std::string* path : {full_binary, static_binary}) {
    const std::string bytes = Read(*path);
    for (const char* part : {"/execroot/", "/sandbox/", "bazel-out/"}) {
      EXPECT_FALSE(absl::StrContains(bytes, part)) << *path << " " << part;
    }
  }
}

// In a folder that holds the binary and nothing else, without an environment.
TEST(StaticBinaryTest, RunsWhereThereIsNothingElse) {
  constexpr int kNotAllowed = 77;
  const std::string root = TempPath("root");
  mkdir(root.c_str(), 0755);
  Write(absl::StrCat(root, "/tokenjoule"), Read(*static_binary));
  chmod(absl::StrCat(root, "/tokenjoule").c_str(), 0755);
  const pid_t child = fork();
  if (child == 0) {
    // A user namespace allows chroot without being root.
    if (chroot(root.c_str()) != 0 &&
        (unshare(CLONE_NEWUSER) != 0 || chroot(root.c_str()) != 0)) {
      _exit(kNotAllowed);
    }
    if (chdir("/") != 0) _exit(kNotAllowed);
    const char* const args[] = {"tokenjoule",
                                "analyze",
                                "--model=llama-3.1-8b",
                                "--hardware=h100-sxm",
                                "--format=json",
                                "--out=answer.json",
                                nullptr};
    const char* const environment[] = {nullptr};
    execve("/tokenjoule", const_cast<char* const*>(args),
           const_cast<char* const*>(environment));
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNotAllowed) {
    GTEST_SKIP() << "this machine allows no chroot, not even in a namespace";
  }
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(Read(absl::StrCat(root, "/answer.json")),
            RunWith(*full_binary,
                    "analyze --model=llama-3.1-8b --hardware=h100-sxm "
                    "--format=json")
                .out);
}

TEST(StaticBinaryTest, AnswersAreTheSameBytes) {
  const std::string point = " --model=llama-3.1-8b --hardware=h100-sxm ";
  const std::string kept = TempPath("baseline.textproto");
  for (const std::string& args :
       {absl::StrCat("analyze", point),
        absl::StrCat("analyze --format=json", point),
        absl::StrCat("analyze --format=csv --weights=q4_k_m", point),
        std::string("analyze --model=mixtral-8x7b --hardware=rtx-3090 "
                    "--weights=q4_k_m --offload=auto"),
        absl::StrCat("batch --batch=1:1024:x2", point),
        absl::StrCat("batch --batch=1:64:x2 --format=svg", point),
        absl::StrCat("compare --to.hardware=b200", point),
        std::string("serve --port=x"),
        absl::StrCat("ceiling", point), absl::StrCat("sensitivity", point),
        absl::StrCat("tricks", point), absl::StrCat("tune", point),
        absl::StrCat("disaggregate --prompt=2048 --output=256 "
                     "--prefill-hardware=b200",
                     point),
        std::string("break-even --model=llama-3.2-1b --hardware=dimc-resident "
                    "--analog=aimc-resident"),
        std::string("dot-product --bits=1:12"), std::string("analog-depth"),
        std::string("explain --hardware=h100-sxm MEMORY_PATH"),
        std::string("list"), std::string("list models --format=json"),
        std::string("new-hardware --base=h100-sxm --date=2026-01-02"),
        std::string("import-hf analyzer/import/testdata/hf/llama-3.1-8b.json "
                    "--date=2026-01-02"),
        std::string("validate --measurements=validation --format=csv"),
        std::string("sweep --space=hbm-accelerator --point=7"),
        absl::StrCat("check --max-step-time-ms=1e-3", point),
        absl::StrCat("check --update --baseline=", kept, point),
        absl::StrCat("check --baseline=", kept, point),
        // Faults.
        std::string("analyze --model=lama"), std::string("analyze --modle=x"),
        std::string("lint no-such-file"), std::string("anlyze")}) {
    ExpectSame(args);
  }
  // So that the list is not of faults alone.
  EXPECT_EQ(
      RunWith(*static_binary, absl::StrCat("check --baseline=", kept, point))
          .exit_code,
      0);
}

TEST(StaticBinaryTest, SaysWhatItLacks) {
  const Outcome evolution =
      RunWith(*static_binary, "sweep --space=hbm-continuous");
  EXPECT_EQ(evolution.exit_code, 3);
  EXPECT_EQ(evolution.out, "");
  EXPECT_TRUE(absl::StrContains(evolution.err, "pagmo")) << evolution.err;
  for (const char* args :
       {"calibrate", "calibrate --help", "calibrate --device=h100-sxm"}) {
    const Outcome outcome = RunWith(*static_binary, args);
    EXPECT_EQ(outcome.exit_code, 2) << args;
    EXPECT_EQ(outcome.out, "") << args;
    EXPECT_TRUE(absl::StrContains(outcome.err,
                                  "calibrate is not in this binary: it needs "
                                  "Ceres"))
        << outcome.err;
  }
}

TEST(StaticBinaryTest, ServesThePageAndLines) {
  {
    const Served served(*static_binary);
    EXPECT_EQ(Fetch(served.port(), "GET", "/").status, 200);
    const HttpResult listed =
        PostJson(served.port(), "list", "{\"positional\": [\"boundaries\"]}");
    EXPECT_EQ(listed.status, 200);
    EXPECT_TRUE(absl::StrContains(listed.body, "facility")) << listed.body;
  }
  // Names of machines need the C library's files.
  const Outcome named = RunWith(*static_binary, "serve --host=nothing.invalid");
  EXPECT_EQ(named.exit_code, 3);
  EXPECT_TRUE(absl::StrContains(named.err, "cannot listen on nothing.invalid"))
      << named.err;
  const std::string request = TempPath("request.jsonl");
  Write(request,
        "{\"subcommand\": \"list\", \"positional\": [\"boundaries\"]}\n");
  const Outcome lines =
      RunWith(*static_binary, absl::StrCat("serve --stdio <", request));
  EXPECT_EQ(lines.exit_code, 0) << lines.err;
  EXPECT_TRUE(absl::StrContains(lines.out, "facility")) << lines.out;
}

// Every sub-command of the whole is here, or said to be absent.
TEST(StaticBinaryTest, HelpNamesTheSameSubCommands) {
  const auto names = [](const std::string& help) {
    std::string found;
    bool in_list = false;
    size_t begin = 0;
    while (begin < help.size()) {
      const size_t end = help.find('\n', begin);
      const std::string line = help.substr(begin, end - begin);
      begin = end + 1;
      if (line.rfind("  ", 0) == 0 && line[2] != ' ') {
        found += line.substr(2, line.find(' ', 2) - 2) + "\n";
        in_list = true;
      } else if (in_list) {
        break;
      }
    }
    return found;
  };
  const std::string full = names(RunWith(*full_binary, "--help").out);
  EXPECT_GT(full.size(), 100u);
  EXPECT_EQ(full, names(RunWith(*static_binary, "--help").out));
}

TEST(StaticBinaryTest, VersionIsTheSameWithoutTheLibrariesThatAreLeftOut) {
  ExpectSame("--version");
  ExpectSame("version");
  const std::string full = RunWith(*full_binary, "--version --verbose").out;
  const std::string fixed = RunWith(*static_binary, "version --verbose").out;
  for (const char* part : {"catalogue", "compiler", "Abseil", "protobuf",
                           "SQLite", "nlohmann-json", "d3", "Boost"}) {
    EXPECT_TRUE(absl::StrContains(fixed, part)) << part;
  }
  for (const char* part : {"Ceres", "Eigen", "pagmo"}) {
    EXPECT_TRUE(absl::StrContains(full, part)) << part;
    EXPECT_FALSE(absl::StrContains(fixed, part)) << part;
  }
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) {
  return tokenjoule::RunTwoBinariesTests(argc, argv);
}
