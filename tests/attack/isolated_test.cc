#include "tests/attack/isolated.h"

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "analyzer/testing/files.h"
#include "gtest/gtest.h"
#include "tests/attack/mutate.h"
#include "tests/attack/targets.h"

namespace tokenjoule {
namespace {

// Does what its input says.
Verdict Obey(absl::string_view bytes) {
  if (bytes == "abort") std::abort();
  if (bytes == "exit") std::_Exit(3);
  while (bytes == "hang") pause();
  if (bytes == "break") return {true, {"is broken"}};
  return {bytes == "accept", {}};
}

Tally RunAll(const std::vector<std::string>& inputs,
             IsolationOptions options = {}) {
  options.hang_s = 1;
  options.out = ::testing::TempDir();
  Target target;
  target.name = "obey";
  target.run = Obey;
  return RunIsolated(
      target,
      [&](uint64_t number, Input* input) {
        if (number >= inputs.size()) return false;
        *input = {inputs[number], "a test"};
        return true;
      },
      options);
}

TEST(IsolatedTest, CountsWhatBecomesOfEachInputAndGoesOnAfterFaults) {
  const Tally tally =
      RunAll({"accept", "abort", "refuse", "hang", "break", "exit", "accept"});
  EXPECT_EQ(tally.executions, 7u);
  EXPECT_EQ(tally.accepted, 3u);
  EXPECT_EQ(tally.refused, 1u);
  EXPECT_EQ(tally.broken, 1u);
  EXPECT_EQ(tally.crashed, 2u);
  EXPECT_EQ(tally.hung, 1u);
  EXPECT_EQ(Read(TempPath("obey-1.input")), "abort");
  EXPECT_EQ(Read(TempPath("obey-3.input")), "hang");
  EXPECT_EQ(Read(TempPath("obey-4.input")), "break");
}

TEST(IsolatedTest, GivesATargetUpAfterTooManyFaults) {
  IsolationOptions options;
  options.most_faults = 2;
  const Tally tally = RunAll({"abort", "break", "accept"}, options);
  EXPECT_EQ(tally.executions, 2u);
  EXPECT_EQ(tally.faults(), 2u);
}

TEST(MutateTest, TheSameSeedMakesTheSameChanges) {
  const std::string text = "a: 1\nb: 2\nc { d: 3.5 }\n";
  const std::vector<std::string> words = {"energy"};
  int changed = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::string once = Mutated(text, "x: 4\n", words, seed);
    EXPECT_EQ(once, Mutated(text, "x: 4\n", words, seed));
    changed += once != text;
  }
  EXPECT_GT(changed, 150);
}

TEST(MutateTest, TakesAnyBytes) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Mutated("", "", {}, seed);
    Mutated(std::string("\0\xff", 2), "", {}, seed);
    Mutated("no line break", "", {"w"}, seed);
  }
}

}  // namespace
}  // namespace tokenjoule
