// Tests of compare, ceiling, sensitivity, check and lint as a user runs them:
// exit codes, messages, JSON, written files, odd input.

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/report.pb.h"
#include "tests/run_tool.h"

namespace tokenjoule {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPoint[] = "--model=llama-3.1-8b --hardware=h100-sxm";

// A valid command line for each study, by name.
std::map<std::string, std::string> Studies() {
  return {
      {"compare", absl::StrCat("compare ", kPoint, " --to.batch=32")},
      {"ceiling", absl::StrCat("ceiling ", kPoint)},
      {"sensitivity",
       absl::StrCat("sensitivity ", kPoint, " --uncertainty --samples=200")},
      {"check", absl::StrCat("check ", kPoint, " --max-dram-share=0.9")},
  };
}

TEST(StudyCliTest, EachAnswersInEveryFormat) {
  for (const auto& [name, args] : Studies()) {
    for (const char* format : {"table", "json", "csv"}) {
      const Outcome outcome = RunTool(absl::StrCat(args, " --format=", format));
      EXPECT_EQ(outcome.exit_code, 0) << name << " " << outcome.err;
      EXPECT_EQ(outcome.err, "") << name;
      EXPECT_NE(outcome.out, "") << name;
    }
    const Outcome unknown = RunTool(absl::StrCat(args, " --format=xml"));
    EXPECT_EQ(unknown.exit_code, 2) << name;
    EXPECT_EQ(unknown.out, "") << name;
  }
}

TEST(StudyCliTest, TheSameInputGivesTheSameBytes) {
  for (const auto& [name, args] : Studies()) {
    for (const char* format : {"table", "json", "csv"}) {
      const std::string line = absl::StrCat(args, " --format=", format);
      const std::string first = RunTool(line, "LC_ALL=C TZ=UTC").out;
      EXPECT_EQ(RunTool(line, "LC_ALL=de_DE.UTF-8 TZ=Asia/Tokyo").out, first)
          << name;
      EXPECT_EQ(RunTool(line, "LC_ALL=C.UTF-8 LANG=tr_TR").out, first) << name;
    }
  }
}

TEST(StudyCliTest, JsonIsTheMessageOfTheStudy) {
  const auto json = [](const char* name) {
    return RunTool(absl::StrCat(Studies()[name], " --format=json")).out;
  };
  const Comparison comparison = FromJson<Comparison>(json("compare"));
  double sum = 0;
  for (const TermChange& term : comparison.terms()) sum += term.change_j();
  EXPECT_LT(comparison.energy_change_j(), 0);
  EXPECT_NEAR(sum, comparison.energy_change_j(), 1e-9);
  EXPECT_GT(FromJson<CeilingStudy>(json("ceiling")).ceilings_size(), 10);
  const SensitivityStudy study =
      FromJson<SensitivityStudy>(json("sensitivity"));
  EXPECT_GT(study.elasticities_size(), 10);
  EXPECT_TRUE(study.has_uncertainty());
  const CheckResult result = FromJson<CheckResult>(json("check"));
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.metrics_size(), 1);
}

TEST(StudyCliTest, UsageFaultsExitWithTwo) {
  for (const std::string& args :
       {std::string("compare"), absl::StrCat("compare ", kPoint),
        absl::StrCat("compare ", kPoint, " --to.bacth=2"),
        absl::StrCat("compare ", kPoint, " --to.batch=two"),
        absl::StrCat("compare ", kPoint, " one.textproto"),
        absl::StrCat("compare ", kPoint, " a b c"), std::string("ceiling"),
        absl::StrCat("ceiling ", kPoint, " --batch=nan"),
        absl::StrCat("ceiling ", kPoint, " stray"),
        absl::StrCat("sensitivity ", kPoint, " --samples=1"),
        absl::StrCat("sensitivity ", kPoint, " --samples=many"),
        absl::StrCat("sensitivity ", kPoint, " --seed=-1"),
        absl::StrCat("sensitivity ", kPoint, " --uncertianty"),
        std::string("check"), absl::StrCat("check ", kPoint, " --update"),
        absl::StrCat("check ", kPoint, " --baseline"),
        absl::StrCat("check ", kPoint, " --tolerance=0.1"), std::string("lint"),
        std::string("lint --as=modle x.textproto")}) {
    const Outcome outcome = RunTool(args);
    EXPECT_EQ(outcome.exit_code, 2) << args << "\n" << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("tokenjoule: ")) << args;
    EXPECT_EQ(outcome.out, "") << args;
  }
}

TEST(StudyCliTest, BadDataExitsWithThree) {
  for (const std::string& args :
       {absl::StrCat("compare ", kPoint, " --to.model=lama-3.1-8b"),
        absl::StrCat("compare ", kPoint, " --to.batch=0"),
        absl::StrCat("compare ", kPoint, " --to.tp=3"),
        absl::StrCat("compare ", kPoint, " --to.boundary=chip"),
        std::string("compare /nowhere/a /nowhere/b"),
        std::string("ceiling --model=llama-3.1-8b --hardware=h10"),
        absl::StrCat("ceiling ", kPoint, " --batch=-1"),
        absl::StrCat("sensitivity ", kPoint, " --context=0"),
        absl::StrCat("sensitivity ", kPoint, " --out=/nowhere/x"),
        absl::StrCat("check ", kPoint),
        absl::StrCat("check ", kPoint, " --max-dram-share=1.5"),
        absl::StrCat("check ", kPoint, " --max-energy-per-token-j=-1"),
        absl::StrCat("check ", kPoint, " --energy-tolerance=nan"),
        absl::StrCat("check ", kPoint, " --energy-tolerance=ten"),
        absl::StrCat("check ", kPoint, " --baseline=/nowhere.textproto"),
        absl::StrCat("check ", kPoint, " --baseline=/"),
        absl::StrCat("check ", kPoint, " --update --baseline=/nowhere/x"),
        absl::StrCat("check ", kPoint, " --max-dram-share=1",
                     " --junit=/nowhere/x"),
        std::string("lint /nowhere.textproto"),
        std::string("lint /")}) {
    const Outcome outcome = RunTool(args);
    EXPECT_EQ(outcome.exit_code, 3) << args << "\n" << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("tokenjoule: ")) << args;
  }
}

TEST(StudyCliTest, OddValuesNeverCrash) {
  for (const auto& [name, args] : Studies()) {
    for (const char* odd :
         {"--batch=1e9", "--batch=1.5", "--context=1e10", "--context=1",
          "--ideal", "--boundary=stack", "--boundary=facility",
          "--weights=q4_k",
          "--set=hardware.memory.hbm.bandwidth_gb_per_s=1e-300",
          "--set=hardware.board.static_power_w=0", "--prompt=1e10 --output=1",
          "--tp=65536"}) {
      // Only a repeated flag is a usage fault; these are not.
      const Outcome outcome = RunTool(absl::StrCat(args, " ", odd));
      EXPECT_THAT(outcome.exit_code, AnyOf(0, 1, 3)) << args << " " << odd;
      EXPECT_THAT(outcome.out, Not(HasSubstr("nan"))) << args << " " << odd;
      if (outcome.exit_code == 3) {
        EXPECT_NE(outcome.err, "") << odd;
      }
    }
  }
}

TEST(StudyCliTest, ABaselineIsWrittenAndReadBack) {
  const std::string path = TempPath("written.textproto");
  const std::string args =
      absl::StrCat("check ", kPoint, " --batch=8",
                   " --energy-tolerance=0 --both-ways", " --baseline=", path);
  const Outcome update = RunTool(absl::StrCat(args, " --update"));
  EXPECT_EQ(update.exit_code, 0) << update.err;
  EXPECT_EQ(update.out, absl::StrCat("wrote ", path, "\n"));
  const std::string written = Read(path);
  EXPECT_THAT(written, HasSubstr("# proto-message: Report"));
  const Outcome check = RunTool(args);
  EXPECT_EQ(check.exit_code, 0) << check.out << check.err;
  EXPECT_THAT(check.out, HasSubstr("llama-3.1-8b on h100-sxm: passed"));
  EXPECT_THAT(check.out, Not(HasSubstr("Terms that moved")));
  RunTool(absl::StrCat(args, " --update"), "LC_ALL=de_DE.UTF-8");
  EXPECT_EQ(Read(path), written);
}

TEST(StudyCliTest, ARegressionNamesTermsAndTheCommand) {
  const std::string path = TempPath("regressed.textproto");
  const std::string args = absl::StrCat("check ", kPoint, " --baseline=", path);
  ASSERT_EQ(RunTool(absl::StrCat(args, " --update")).exit_code, 0);
  const std::string markdown = TempPath("s.md"), junit = TempPath("j.xml");
  const Outcome outcome = RunTool(absl::StrCat(
      args, " --set=hardware.memory.hbm.path_energy_pj_per_bit=9.9",
      " --name='a<b>&\"c\"' --update-command='bazel run //x:y_update'",
      " --markdown=", markdown, " --junit=", junit));
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("a<b>&\"c\": FAILED"));
  EXPECT_THAT(outcome.out, HasSubstr("Terms that moved"));
  EXPECT_THAT(outcome.out, HasSubstr("memory path: controller, fabric"));
  EXPECT_THAT(outcome.err,
              HasSubstr("to accept the new figures: bazel run //x:y_update"));
  EXPECT_THAT(Read(markdown), HasSubstr("| energy_per_token_j | "));
  EXPECT_THAT(Read(markdown), HasSubstr("| memory path: controller, fabric | "));
  EXPECT_THAT(Read(junit), HasSubstr("tests=\"3\" failures=\"2\""));
  EXPECT_THAT(Read(junit), HasSubstr("a&lt;b&gt;&amp;&quot;c&quot;"));
}

// Here standard output is a file. A summary that is also written there comes
// after the table, and neither is lost.
TEST(StudyCliTest, SummariesMayGoToStandardOutput) {
  const Outcome outcome = RunTool(absl::StrCat(
      "check ", kPoint, " --max-dram-share=0.9 --markdown=/dev/stdout"));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("h100-sxm: passed"));
  EXPECT_THAT(outcome.out, HasSubstr("### Energy per token"));
}

TEST(StudyCliTest, ALinkIsFollowedAndItsFilesModeStays) {
  const std::string target = TempPath("target.txt"), link = TempPath("link");
  Write(target, "old");
  ASSERT_EQ(chmod(target.c_str(), 0640), 0);
  std::remove(link.c_str());
  ASSERT_EQ(symlink(target.c_str(), link.c_str()), 0);
  EXPECT_EQ(
      RunTool(absl::StrCat("ceiling ", kPoint, " --out=", link)).exit_code, 0);
  EXPECT_THAT(Read(target), HasSubstr("Components"));
  struct stat info;
  ASSERT_EQ(lstat(link.c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  ASSERT_EQ(stat(target.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640);
}

TEST(StudyCliTest, ABaselineThatIsMissingSaysWhatWritesIt) {
  const std::string args =
      absl::StrCat("check ", kPoint, " --baseline=missing.textproto");
  const Outcome outcome = RunTool(args);
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("missing.textproto: cannot be read"));
  EXPECT_THAT(outcome.err, HasSubstr("--update"));
  EXPECT_THAT(RunTool(absl::StrCat(args, " --update-command=accept")).err,
              HasSubstr("anew: accept"));
}

TEST(StudyCliTest, ABaselineOfAnotherScenarioIsRefusedAndCompared) {
  const std::string path = TempPath("stale.textproto");
  RunTool(absl::StrCat("check ", kPoint, " --update --baseline=", path));
  const Outcome outcome =
      RunTool(absl::StrCat("check ", kPoint, " --batch=2 --baseline=", path));
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("made for something else: batch: 1 -> 2"));
  EXPECT_THAT(outcome.out, HasSubstr("scenario_differences"));
  EXPECT_THAT(outcome.out, HasSubstr("Terms that moved"));
}

TEST(StudyCliTest, AScenarioFileSaysModelMachineAndBudgets) {
  const std::string path = TempPath("whole.textproto");
  Write(path,
        "model: \"llama-3.1-8b\"\nhardware: \"h100-sxm\"\n"
        "expect { max_energy_per_token_j: 1 }\n");
  const Outcome outcome = RunTool(absl::StrCat("check --scenario=", path));
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("energy_per_token_j"));
  EXPECT_EQ(RunTool(absl::StrCat("check --scenario=", path,
                                 " --max-energy-per-token-j=100"))
                .exit_code,
            0);
  Write(path, "model: \"llama-3.1-8b\"\nexpect { max_dram_share: 2 }\n");
  EXPECT_THAT(RunTool(absl::StrCat("check --scenario=", path)).err,
              HasSubstr("whole.textproto:2:"));
}

TEST(StudyCliTest, TwoScenarioFilesAreCompared) {
  const std::string a = TempPath("a.textproto"), b = TempPath("b.textproto");
  const std::string text = absl::StrCat(
      "model: \"llama-3.1-8b\"\nhardware: \"h100-sxm\"\nkv: \"bf16\"\n");
  Write(a, text);
  Write(b, absl::StrReplaceAll(text, {{"kv: \"bf16\"", "kv: \"fp8\""}}));
  const Outcome outcome = RunTool(absl::StrCat("compare ", a, " ", b));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("kv: \"bf16\" -> \"fp8\""));
}

TEST(StudyCliTest, LintListsGoodFilesOrSaysEveryFaultOfEveryFile) {
  const std::string good = TempPath("good.textproto");
  Write(good, "# proto-message: Scenario\nbatch: 8\n");
  const Outcome fine = RunTool(absl::StrCat("lint --format=csv ", good));
  EXPECT_EQ(fine.exit_code, 0) << fine.err;
  EXPECT_THAT(fine.out, HasSubstr("scenario"));
  EXPECT_THAT(fine.out, HasSubstr(good));
  const std::string model = TempPath("m.textproto");
  const std::string hardware = TempPath("h.textproto");
  Write(model, "# proto-message: Model\nd_modle: 5\nvocab_size: -1\n");
  Write(hardware, "# proto-message: Hardware\nbase: \"datacenter-gpo\"\n");
  const Outcome bad =
      RunTool(absl::StrCat("lint ", model, " ", good, " ", hardware));
  EXPECT_EQ(bad.exit_code, 3);
  EXPECT_EQ(bad.out, "");
  for (const char* part :
       {"m.textproto:2:8: unknown field", "m.textproto:3:1: vocab_size",
        "h.textproto:2:1: base:", "did you mean \"datacenter-gpu\"?"}) {
    EXPECT_THAT(bad.err, HasSubstr(part));
  }
}

constexpr char kRows[] =
    "source,model,device,weight_dtype,kv_dtype,batch,mean_context_tokens,"
    "itl_ms\n"
    "test,llama-3.1-8b,h100-sxm,bf16,bf16,1,1000,7\n"
    "test,llama-3.1-8b,m2-ultra,bf16,bf16,1,1000,30\n"
    "test,llama-3.1-8b,m2-ultra,bf16,bf16,2,1000,31\n";

TEST(StudyCliTest, ASetThatNoMachineOfTheRowsTakesIsBadData) {
  const std::string rows = TempPath("rows.csv");
  Write(rows, kRows);
  const Outcome outcome =
      RunTool(absl::StrCat("validate --measurements=", rows,
                           " --set=hardware.memory.hbm.bandwith_gb_per_s=4"));
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            "tokenjoule: --set: hardware.memory.hbm.bandwith_gb_per_s: unknown "
            "field of MemoryLevel \"bandwith_gb_per_s\"; did you mean "
            "\"bandwidth_gb_per_s\"?\n");
}

TEST(StudyCliTest, ASetThatSomeMachinesTakeSaysWhichRowsWereSkipped) {
  const std::string rows = TempPath("rows.csv");
  Write(rows, kRows);
  const Outcome outcome =
      RunTool(absl::StrCat("validate --measurements=", rows,
                           " --set=hardware.memory.hbm.devices=6"));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err,
            "tokenjoule: skipped 2 rows of m2-ultra, which --set does not "
            "apply to\n");
  EXPECT_THAT(outcome.out, HasSubstr("1 rows, 2 skipped"));
  EXPECT_THAT(outcome.out, HasSubstr("skipped rows 2 to 3: m2-ultra: --set"));
}

TEST(StudyCliTest, LintTriesWhatScenariosAndSpacesName) {
  const std::string scenario = TempPath("named.textproto");
  const std::string space = TempPath("space.textproto");
  Write(scenario,
        "# proto-message: Scenario\nmodel: \"llama-3.1-8b\"\n"
        "hardware: \"h100-sxm\"\ntp: 8\n");
  Write(space,
        "# proto-message: DesignSpace\n"
        "scenario { model: \"llama-3.1-8b\" hardware: \"h100-sxm\" }\n"
        "axis { path: \"scenario.weights\" value: \"bf16\" value: \"fp8\" }\n"
        "objective { metric: \"energy_per_token_j\" }\n");
  const std::string lint = absl::StrCat("lint ", scenario, " ", space);
  EXPECT_EQ(RunTool(lint).exit_code, 0);
  Write(scenario,
        "# proto-message: Scenario\nmodel: \"llama-3.1-8c\"\n"
        "hardware: \"h100-sxm\"\n");
  Write(space,
        "# proto-message: DesignSpace\n"
        "scenario { model: \"llama-3.1-8b\" hardware: \"h100-sxm\" }\n"
        "axis { path: \"scenario.weights\" value: \"bf16\" value: \"fp9\" }\n"
        "objective { metric: \"energy_per_token_j\" }\n");
  const Outcome bad = RunTool(lint);
  EXPECT_EQ(bad.exit_code, 3);
  EXPECT_THAT(bad.err, HasSubstr("did you mean \"llama-3.1-8b\""));
  EXPECT_THAT(bad.err, HasSubstr("did you mean \"fp8\""));
  Write(scenario,
        "# proto-message: Scenario\nmodel: \"llama-3.1-8b\"\n"
        "hardware: \"h100-sxm\"\ntp: 7\n");
  EXPECT_THAT(RunTool(lint).err, HasSubstr("does not divide"));
}

TEST(StudyCliTest, DotProductTakesTheYearsThatTheDataHave) {
  const std::string years = "dot-product --year=1990,2021,2026,2027";
  for (const std::string& args : {std::string("dot-product"), years}) {
    const Outcome table = RunTool(args);
    EXPECT_EQ(table.exit_code, 0) << table.err;
    EXPECT_THAT(table.out, HasSubstr("One MAC is two operations"));
    for (const absl::string_view line : absl::StrSplit(table.out, '\n')) {
      EXPECT_LE(line.size(), 100u) << line;
    }
    EXPECT_THAT(RunTool(args + " --format=svg").out, HasSubstr("HERMES"));
    const Outcome csv = RunTool(args + " --format=csv");
    EXPECT_THAT(csv.out, HasSubstr("analog_tops_per_w.p50"));
    EXPECT_THAT(csv.out, HasSubstr("HERMES-64 4-phase"));
    EXPECT_THAT(RunTool(args + " --format=json").out,
                HasSubstr("\"limit_reaches_digital_bits\""));
  }
  EXPECT_THAT(RunTool(years).out, HasSubstr("\n1990, 2000 nm\n"));
  const Outcome unknown = RunTool("dot-product --year=1990,2001");
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_EQ(unknown.out, "");
  EXPECT_THAT(unknown.err, HasSubstr("2001 is not in"));
  EXPECT_THAT(unknown.err, HasSubstr("1990, 2021, 2026, 2027"));
  EXPECT_EQ(RunTool("dot-product --node=5").exit_code, 3);
  EXPECT_EQ(RunTool("dot-product --year=").exit_code, 2);
  EXPECT_EQ(RunTool("dot-product --year=now").exit_code, 2);
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) { return tokenjoule::RunToolTests(argc, argv); }
