// Tests of the search binary: it is linked statically, and its answers are
// identical to those of tokenjoule, byte for byte.

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/run_tool.h"
#include "tests/two_binaries.h"

namespace tokenjoule {
namespace {

TEST(SearchBinaryTest, NeedsNoLibraryOfTheMachine) { ExpectStatic(); }

TEST(SearchBinaryTest, HelpAndFaultsAreThoseOfTheWhole) {
  for (const char* args :
       {"sweep", "merge",
        "sweep --space=hbm-acelerator", "sweep --space=x --shard=8/8",
        "sweep --space=x --format=sqlite", "merge --space=x --spice=y z"}) {
    ExpectSame(args);
  }
  // The page is only in the whole.
  for (const char* args : {"sweep --help", "merge --help"}) {
    const auto words = [args](const std::string& binary) {
      return absl::StrJoin(
          absl::StrSplit(RunWith(binary, args).out, absl::ByAnyChar(" \n"),
                         absl::SkipEmpty()),
          " ");
    };
    EXPECT_EQ(words(*static_binary),
              absl::StrReplaceAll(words(*full_binary),
                                  {{"vega, sqlite or html", "vega or sqlite"}}));
  }
}

TEST(SearchBinaryTest, SpacesThatAskForEvolutionAreForTheWhole) {
  const Outcome refused =
      RunWith(*static_binary, "sweep --space=hbm-continuous");
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_EQ(refused.out, "");
  EXPECT_NE(refused.err.find("Use `tokenjoule sweep`"), std::string::npos)
      << refused.err;
}

TEST(SearchBinaryTest, AnswersAreTheSameBytes) {
  const std::string space = TempPath("space.textproto");
  Write(space, R"(
name: "both"
scenario { model: "llama-3.1-8b" hardware: "h100-sxm" context: 4096 }
axis { path: "scenario.batch" value: "1" value: "16" value: "4096" }
axis { path: "hardware.memory.hbm.bandwidth_gb_per_s"
       linear { from: 2000 to: 8000 count: 50 } }
axis { path: "hardware.memory.hbm.path_energy_pj_per_bit"
       logarithmic { from: 1 to: 8 count: 40 } }
objective { metric: "energy_per_token_j" }
objective { metric: "tokens_per_s" maximize: true }
)");
  for (const int shard : {0, 1}) {
    ExpectSame(absl::StrCat("sweep --format=json --shard=", shard,
                            "/2 --space=", space));
    RunTool(absl::StrCat("sweep --format=json --shard=", shard,
                         "/2 --space=", space,
                         " --out=", TempPath(absl::StrCat(shard, ".json"))));
  }
  const std::string merge =
      absl::StrCat("merge --space=", space, " ", TempPath("0.json"), " ",
                   TempPath("1.json"), " --format=");
  for (const char* format : {"table", "json", "csv", "svg"}) {
    ExpectSame(absl::StrCat(merge, format));
  }
  ExpectSame(absl::StrCat("sweep --point=77 --space=", space));
  const std::string database = TempPath("front.sqlite");
  const std::string args = absl::StrCat(merge, "sqlite --out=", database);
  EXPECT_EQ(RunWith(*full_binary, args).exit_code, 0);
  const std::string expected = Read(database);
  EXPECT_EQ(RunWith(*static_binary, args).exit_code, 0);
  EXPECT_EQ(Read(database), expected);
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) {
  return tokenjoule::RunTwoBinariesTests(argc, argv);
}
