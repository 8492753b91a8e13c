#include "tools/completion.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/command.h"
#include "tools/flags.h"

namespace tokenjoule {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

// Completes a line; a blank at its end begins a new word.
std::vector<std::string> Complete(const std::string& line) {
  return Completions(RegisteredCommands(), absl::StrSplit(line, ' '));
}

TEST(CompletionTest, SubCommands) {
  EXPECT_THAT(Complete(""), IsSupersetOf({"analyze", "batch", "--version"}));
  EXPECT_THAT(Complete("comp"), ElementsAre("compare", "completion"));
  EXPECT_THAT(Complete("xyz"), IsEmpty());
  EXPECT_THAT(Complete("xyz --"), IsEmpty());
}

TEST(CompletionTest, Flags) {
  EXPECT_THAT(Complete("analyze --hard"), ElementsAre("--hardware="));
  EXPECT_THAT(Complete("analyze --op"), ElementsAre("--operators"));
  EXPECT_THAT(Complete("analyze "), IsSupersetOf({"--help", "--model="}));
  // A flag is given once, unless it is repeatable.
  EXPECT_THAT(Complete("analyze --model=x --mod"), IsEmpty());
  EXPECT_THAT(Complete("analyze --set=a.b=1 --se"), ElementsAre("--set="));
  // The flags of the second scenario are as many again.
  EXPECT_THAT(Complete("compare --"), Not(Contains("--to.model=")));
  EXPECT_THAT(Complete("compare --to.mod"), ElementsAre("--to.model="));
}

TEST(CompletionTest, NamesOfTheCatalogue) {
  EXPECT_THAT(Complete("analyze --model=llama-3.1-8"),
              ElementsAre("--model=llama-3.1-8b"));
  EXPECT_THAT(Complete("analyze --hardware=h100-sx"),
              ElementsAre("--hardware=h100-sxm"));
  EXPECT_THAT(Complete("compare --to.hardware=h100-sx"),
              ElementsAre("--to.hardware=h100-sxm"));
  EXPECT_THAT(Complete("analyze --weights=q4_k_"),
              IsSupersetOf({"--weights=q4_k_m", "--weights=q4_k_s"}));
  EXPECT_THAT(Complete("analyze --lm-head=bf"), ElementsAre("--lm-head=bf16"));
  EXPECT_THAT(Complete("analyze --lm_head=bf"), ElementsAre("--lm_head=bf16"));
  EXPECT_THAT(Complete("analyze --runtime=vl"), Contains("--runtime=vllm"));
  EXPECT_THAT(Complete("merge --space=hbm-a"),
              ElementsAre("--space=hbm-accelerator"));
  // As a word of its own, and in a list.
  EXPECT_THAT(Complete("analyze --model llama-3.1-8"),
              ElementsAre("llama-3.1-8b"));
  EXPECT_THAT(Complete("batch --hardware=b200,h100-sx"),
              ElementsAre("--hardware=b200,h100-sxm"));
}

TEST(CompletionTest, Enumerations) {
  EXPECT_THAT(Complete("batch --format="),
              IsSupersetOf({"--format=csv", "--format=json", "--format=svg",
                            "--format=table"}));
  EXPECT_THAT(Complete("analyze --boundary=f"),
              ElementsAre("--boundary=facility"));
  EXPECT_THAT(Complete("analyze --routing=b"),
              ElementsAre("--routing=balanced"));
  EXPECT_THAT(Complete("batch --ranges=f"), ElementsAre("--ranges=false"));
  EXPECT_THAT(Complete("list mo"), ElementsAre("models"));
  EXPECT_THAT(Complete("completion z"), ElementsAre("zsh"));
}

TEST(CompletionTest, FreeValuesAndFilesAreTheShells) {
  for (const char* line : {"analyze --batch=", "analyze --out=", "lint x",
                           "analyze --batch 1", "analyze --nonsense="}) {
    EXPECT_THAT(Complete(line), IsEmpty()) << line;
  }
}

// A flag whose help says that its values are names has completions.
TEST(CompletionTest, EveryFlagThatTakesNamesHasThem) {
  int flags = 0;
  for (const Command& command : RegisteredCommands()) {
    for (const FlagSpec& flag : command.flags) {
      const std::vector<std::string> parts =
          absl::StrSplit(flag.help, absl::MaxSplits("`list ", 1));
      if (parts.size() < 2 || flag.hidden) continue;
      ++flags;
      const std::string begin =
          absl::StrCat(command.name, " --", flag.name, "=");
      const std::string kind = parts[1].substr(0, parts[1].find('`'));
      const std::string name = kind == "hardware"   ? "h100-sxm"
                               : kind == "models"   ? "llama-3.1-8b"
                               : kind == "runtimes" ? "vllm"
                               : kind == "spaces"   ? "hbm-accelerator"
                               : kind == "formats"  ? "bf16"
                                                    : "";
      EXPECT_THAT(
          Complete(begin),
          Contains(StartsWith(absl::StrCat("--", flag.name, "=", name))))
          << begin << " of " << kind;
    }
  }
  EXPECT_GT(flags, 50);
}

}  // namespace
}  // namespace tokenjoule
