// Tests of prices, requests, pipelines, machines side by side and plans as a user
// runs them.

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/report.pb.h"
#include "tests/run_tool.h"

namespace tokenjoule {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kChat[] =
    "--model=llama-3.1-8b --hardware=h100-sxm --batch=32 --prompt=1000 "
    "--output=250";

void ExpectNarrow(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const absl::string_view line : absl::StrSplit(outcome.out, '\n')) {
    // Commands are for copying.
    if (absl::StartsWith(line, "  tokenjoule ")) continue;
    EXPECT_LE(line.size(), 100u) << line;
  }
}

Report Analyzed(const std::string& args) {
  const Outcome outcome =
      RunTool(absl::StrCat("analyze ", args, " --format=json"));
  EXPECT_EQ(outcome.exit_code, 0) << args << "\n" << outcome.err;
  return FromJson<Report>(outcome.out);
}

TEST(ServingCliTest, PriceFlagsStandForFieldsOfTheNode) {
  const Report flags = Analyzed(absl::StrCat(
      kChat, " --price-per-kwh=0.12 --chip-hour-price=2 --carbon=400"));
  const Report sets = Analyzed(absl::StrCat(
      kChat,
      " --set=hardware.node.price_per_kwh=0.12"
      " --set=hardware.node.price_per_chip_hour=2"
      " --set=hardware.node.carbon_intensity_g_per_kwh=400"));
  EXPECT_EQ(flags.costs().SerializeAsString(),
            sets.costs().SerializeAsString());
  EXPECT_EQ(flags.costs().price_per_kwh(), 0.12);
  EXPECT_EQ(flags.costs().price_per_chip_hour(), 2);
  EXPECT_EQ(flags.costs().carbon_intensity_g_per_kwh(), 400);
  EXPECT_GT(flags.costs().per_request().price(), 0);
  for (const char* wrong : {"--price-per-kwh=-1", "--carbon=x",
                            "--chip-hour-price=1e9"}) {
    const Outcome outcome = RunTool(absl::StrCat("analyze ", kChat, " ", wrong));
    EXPECT_NE(outcome.exit_code, 0) << wrong;
    EXPECT_EQ(outcome.out, "") << wrong;
  }
}

TEST(ServingCliTest, CostsAreInEveryTable) {
  const std::string prices =
      " --price-per-kwh=0.12 --chip-hour-price=2 --carbon=400";
  const Outcome analyze = RunTool(absl::StrCat("analyze ", kChat, prices));
  EXPECT_THAT(analyze.out,
              AllOf(HasSubstr("per 1000 requests"), HasSubstr("of electricity"),
                    HasSubstr("input token"), HasSubstr("CO2e")));
  const std::string chat =
      "--model=llama-3.1-8b --hardware=h100-sxm --prompt=1000 --output=250";
  const Outcome batch =
      RunTool(absl::StrCat("batch ", chat, " --batch=1,8,64", prices));
  EXPECT_THAT(batch.out,
              AllOf(HasSubstr("Costs per million tokens"),
                    HasSubstr("J/input token"), HasSubstr("requests/s")));
  // Without prices and lengths there are no columns for them.
  const Outcome bare =
      RunTool("batch --model=llama-3.1-8b --hardware=h100-sxm --batch=1,8");
  EXPECT_THAT(bare.out, AllOf(Not(HasSubstr("Costs")), Not(HasSubstr("money")),
                              Not(HasSubstr("request"))));
  const Outcome compare =
      RunTool(absl::StrCat("compare ", kChat, prices, " --to.batch=64"));
  EXPECT_THAT(compare.out, AllOf(HasSubstr("money per 1000 requests"),
                                 HasSubstr("J/output token")));
  const Outcome csv =
      RunTool(absl::StrCat("analyze ", kChat, prices, " --format=csv"));
  EXPECT_THAT(csv.out,
              AllOf(HasSubstr("costs.per_million_tokens.price,"),
                    HasSubstr("costs.energy_per_input_token_j,")));
}

TEST(ServingCliTest, TuneTakesBothSpellings) {
  const std::string point = "tune --model=llama-3.1-8b --hardware=h100-sxm ";
  const Outcome now = RunTool(point + "--chip-hour-price=2 --format=csv");
  const Outcome old = RunTool(point + "--price-per-chip-hour=2 --format=csv");
  EXPECT_EQ(now.exit_code, 0) << now.err;
  EXPECT_EQ(now.out, old.out);
  EXPECT_EQ(FromJson<TuneStudy>(
                RunTool(point + "--chip-hour-price=2 --format=json").out)
                .objective(),
            "cost_per_token");
  EXPECT_EQ(
      RunTool(point + "--chip-hour-price=2 --price-per-chip-hour=3").exit_code,
      2);
}

TEST(ServingCliTest, APipelineHasItsOwnFlag) {
  const std::string model = "--model=qwen3-32b --weights=q4_k ";
  const Report report = Analyzed(model + "--pipeline=rtx-3090,rtx-4090");
  EXPECT_EQ(report.hardware(), "rtx-3090, rtx-4090");
  EXPECT_EQ(report.num_chips(), 2);
  for (const char* command :
       {"ceiling", "sensitivity", "check --max-dram-share=1", "compare --to.batch=2",
        "tune", "tricks"}) {
    const Outcome outcome = RunTool(
        absl::StrCat(command, " ", model, "--hardware=rtx-3090,rtx-4090"));
    EXPECT_EQ(outcome.exit_code, 2) << command;
    EXPECT_EQ(outcome.out, "") << command;
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr("--pipeline=rtx-3090,rtx-4090"),
                      HasSubstr("side by side")))
        << command;
  }
  for (const char* wrong :
       {"--pipeline=rtx-3090", "--pipeline=rtx-3090,rtx-4090 --hardware=b200"}) {
    EXPECT_EQ(RunTool(absl::StrCat("analyze ", model, wrong)).exit_code, 2)
        << wrong;
  }
  EXPECT_EQ(RunTool(absl::StrCat("analyze ", model,
                                 "--pipeline=rtx-3090,rtx-4o90"))
                .exit_code,
            3);
  const Outcome compare = RunTool(absl::StrCat(
      "compare ", model, "--hardware=rtx-4090 --to.pipeline=rtx-3090,rtx-4090"));
  EXPECT_EQ(compare.exit_code, 0) << compare.err;
  EXPECT_THAT(compare.out, HasSubstr("rtx-3090, rtx-4090"));
  const Outcome batch = RunTool(absl::StrCat(
      "batch ", model, "--pipeline=rtx-3090,rtx-4090 --batch=1,2"));
  EXPECT_EQ(batch.exit_code, 0) << batch.err;
}

TEST(ServingCliTest, AScenarioFileMayNameAPipeline) {
  const std::string path = TempPath("pipeline.textproto");
  Write(path, "model: \"qwen3-32b\"\nhardware: \"rtx-3090,rtx-4090\"\n"
              "weights: \"q4_k\"\n");
  EXPECT_EQ(Analyzed(absl::StrCat("--scenario=", path)).hardware(),
            "rtx-3090, rtx-4090");
  // A flag replaces it.
  EXPECT_EQ(
      Analyzed(absl::StrCat("--scenario=", path, " --hardware=b200")).hardware(),
      "b200");
}

TEST(ServingCliTest, SeveralMachinesAreLaidSideBySide) {
  const std::string args =
      "analyze --model=llama-3.1-70b --batch=8 --weights=fp8 "
      "--hardware=h200,b200,mi300x,rtx-4090,medusa-28nm";
  const Outcome table = RunTool(args);
  ExpectNarrow(table);
  EXPECT_THAT(table.out,
              AllOf(HasSubstr("rtx-4090: does not fit"),
                    HasSubstr("medusa-28nm: "), HasSubstr("takes least")));
  const MachinesStudy study =
      FromJson<MachinesStudy>(RunTool(args + " --format=json").out);
  ASSERT_EQ(study.rows_size(), 3);
  EXPECT_EQ(study.left_out_size(), 2);
  EXPECT_EQ(study.rows(0).energy_per_token_j(),
            Analyzed("--model=llama-3.1-70b --batch=8 --weights=fp8 "
                     "--hardware=h200")
                .energy_per_token_j());
  const Outcome csv = RunTool(args + " --format=csv");
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 6);
  EXPECT_THAT(csv.out, HasSubstr("left_out"));
  ExpectNarrow(RunTool(args + " --price-per-kwh=0.1 --chip-hour-price=2 "
                              "--carbon=300 --prompt=1000 --output=200"));
}

TEST(ServingCliTest, WrongNamesAreFaultsAndSoIsNothingLeft) {
  const std::string args = "analyze --model=llama-3.1-70b --hardware=";
  const Outcome typo = RunTool(args + "h200,b20,mi3000x");
  EXPECT_EQ(typo.exit_code, 3);
  EXPECT_EQ(typo.out, "");
  EXPECT_THAT(typo.err, AllOf(HasSubstr("b20"), HasSubstr("mi3000x")));
  const Outcome none = RunTool(args + "rtx-4090,rtx-3090");
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_EQ(none.out, "");
  EXPECT_THAT(none.err, AllOf(HasSubstr("rtx-4090: does not fit"),
                              HasSubstr("rtx-3090: does not fit")));
  EXPECT_EQ(RunTool(args + "h200,b200 --batch=many").exit_code, 2);
}

constexpr char kPlan[] =
    "plan --model=llama-3.1-8b --prompt=1000 --output=250 "
    "--requests-per-s=20 --max-time-per-token-ms=30 "
    "--max-time-to-first-token-ms=500 --hardware=h100-sxm,b200,mi300x "
    "--price-per-kwh=0.12 --chip-hour-price=2";

TEST(ServingCliTest, APlanAnswersInEveryFormat) {
  const Outcome table = RunTool(kPlan);
  ExpectNarrow(table);
  // Electricity of a thousand requests is in Wh.
  EXPECT_THAT(table.out, AllOf(HasSubstr("  Wh  "), Not(HasSubstr("kWh "))));
  const PlanStudy study =
      FromJson<PlanStudy>(RunTool(absl::StrCat(kPlan, " --format=json")).out);
  ASSERT_EQ(study.rows_size(), 3);
  for (const PlanRow& row : study.rows()) {
    EXPECT_LE(row.time_per_token_ms(), 30 * (1 + 1e-9));
    EXPECT_LE(row.time_to_first_token_ms(), 500 * (1 + 1e-9));
    EXPECT_GT(row.per_request().price(), 0);
  }
  const Outcome csv = RunTool(absl::StrCat(kPlan, " --format=csv"));
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 4);
  ExpectNarrow(RunTool(absl::StrCat(kPlan, " --all --carbon=400")));
}

// The command of a row analyses one of its replicas.
TEST(ServingCliTest, TheCommandOfARowRepeatsIt) {
  for (const char* more :
       {"", " --objective=money", " --kv=fp8 --boundary=facility",
        " --set=hardware.board.set_power_cap_w=600"}) {
    const PlanStudy study = FromJson<PlanStudy>(
        RunTool(absl::StrCat(kPlan, more, " --format=json")).out);
    ASSERT_GT(study.rows_size(), 0) << more;
    for (const PlanRow& row : study.rows()) {
      const std::string prefix = "tokenjoule analyze ";
      ASSERT_TRUE(absl::StartsWith(row.command(), prefix)) << row.command();
      const Report report = Analyzed(row.command().substr(prefix.size()));
      EXPECT_EQ(report.hardware(), row.hardware());
      EXPECT_NEAR(report.step_time_s() * 1e3 / row.time_per_token_ms(), 1, 1e-6)
          << row.command();
      EXPECT_NEAR(report.costs().requests_per_s() * row.replicas() *
                      row.busy_share() / 20,
                  1, 1e-6)
          << row.command();
      EXPECT_NEAR(report.costs().energy_per_request_j() /
                      (row.energy_per_request_j() *
                       (1 - row.idle_energy_share())),
                  1, 1e-6)
          << row.command();
    }
  }
}

TEST(ServingCliTest, APlanThatNothingMeetsSaysSoFirst) {
  const Outcome slow = RunTool(
      "plan --model=llama-3.1-8b --prompt=1000 --output=250 "
      "--requests-per-s=1 --max-time-per-token-ms=0.1 --hardware=h100-sxm");
  EXPECT_EQ(slow.exit_code, 0) << slow.err;
  EXPECT_THAT(slow.out, AllOf(HasSubstr("NO WAY MEETS THE LIMITS.\nNearest: "),
                              Not(HasSubstr("replicas "))));
  const Outcome large = RunTool(
      "plan --model=llama-3.1-405b --prompt=1000 --output=250 "
      "--requests-per-s=1 --max-chips=1 --hardware=h100-sxm");
  EXPECT_THAT(large.out, HasSubstr("DOES NOT FIT on any machine.\nNearest: "));
}

TEST(ServingCliTest, FaultsOfAPlan) {
  const std::string plan =
      "plan --model=llama-3.1-8b --prompt=1000 --output=250 ";
  for (const char* usage :
       {"", "--requests-per-s=0", "--requests-per-s=many",
        "--requests-per-s=1 --objective=time", "--requests-per-s=1 --batch=4"}) {
    const Outcome outcome = RunTool(plan + usage);
    EXPECT_EQ(outcome.exit_code, 2) << usage;
    EXPECT_EQ(outcome.out, "") << usage;
  }
  for (const char* data :
       {"--requests-per-s=1 --hardware=h10",
        "--requests-per-s=1 --objective=money",
        "--requests-per-s=1 --weights=fp9",
        "--requests-per-s=1 --max-busy-share=2",
        "--requests-per-s=1 --tp=3 --hardware=h100-sxm --kv=fp7"}) {
    const Outcome outcome = RunTool(plan + data);
    EXPECT_EQ(outcome.exit_code, 3) << data << outcome.out;
    EXPECT_EQ(outcome.out, "") << data;
  }
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) { return tokenjoule::RunToolTests(argc, argv); }
