// Claims about the charts of all answers: they are valid SVG whose texts are inside
// the picture and do not overlap, and valid Vega-Lite; they say what they show.

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/report/svg_check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/run_tool.h"

namespace tokenjoule {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kPoint[] = "--model=llama-3.1-8b --hardware=h100-sxm";

std::vector<std::string> Commands() {
  return {
      absl::StrCat("analyze ", kPoint),
      absl::StrCat("analyze ", kPoint, " --boundary=stack"),
      // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one command.
      "analyze --model=gpt-oss-120b --hardware=h100-sxm --tp=2 --batch=256 "
      "--context=8192 --boundary=facility",
      "analyze --model=llama-3.1-8b --hardware=aimc-resident",
      "analyze --model=llama-3.1-8b --hardware=groq-lpu-v1",
      "analyze --model=llama-3.1-405b --hardware=rtx-4090",
      "analyze --model=unit --hardware=unit",
      "analyze --model=llama-3.1-8b --hardware=h100-sxm,b200,mi300x --batch=16",
      absl::StrCat("batch ", kPoint, " --max-time-per-token-ms=30"),
      absl::StrCat("batch ", kPoint, " --batch=1"),
      "batch --model=llama-2-7b,llama-3.1-8b,gpt-oss-20b,qwen3-8b "
      "--hardware=h100-sxm,b200,mi300x --context=2048,8192 --batch=1,8,64 "
      "--max-time-per-token-ms=30 --ranges=false",
      "batch --model=unit --hardware=unit --batch=1,2,4",
      absl::StrCat("sensitivity ", kPoint),
      absl::StrCat("ceiling ", kPoint),
      absl::StrCat("tricks ", kPoint),
      "tricks --model=llama-3.1-70b --hardware=h100-sxm --tp=4",
      absl::StrCat("compare ", kPoint, " --to.batch=32"),
      absl::StrCat("compare ", kPoint, " --batch=64 --to.hardware=b200 --to.kv=fp8"),
      absl::StrCat("compare ", kPoint, " --to.batch=1"),
      absl::StrCat("tune ", kPoint),
      absl::StrCat("tune ", kPoint, " --batches=1,16,64"),
      "sweep --space=hbm-accelerator --dominated=300",
      "sweep --space=co-evolution --dominated=100",
      "sweep --space=tiny-lanes",
      "plan --model=llama-3.1-8b --prompt=1000 --output=250 --requests-per-s=20 "
      "--max-time-per-token-ms=30",
      "dot-product --bits=1:12 --year=1990,2021,2026",
      "dot-product --bits=4",
      "analog-depth --layers=1:64:x2",
      "break-even --model=llama-3.1-8b --hardware=dimc-hbm3e "
      "--analog=aimc-hbm3e",
  };
}

TEST(ChartsTest, EveryChartIsValidAndLegible) {
  for (const std::string& command : Commands()) {
    const Outcome svg = RunTool(command + " --format=svg");
    ASSERT_EQ(svg.exit_code, 0) << command << "\n" << svg.err;
    EXPECT_THAT(FaultsOfSvg(svg.out), IsEmpty()) << command;
    // No names of fields on axes or in keys.
    EXPECT_THAT(svg.out, AllOf(Not(HasSubstr("_per_token_j")),
                               Not(HasSubstr("tokens_per_s"))))
        << command;
    EXPECT_EQ(RunTool(command + " --format=svg").out, svg.out) << command;
    const Outcome vega = RunTool(command + " --format=vega");
    ASSERT_EQ(vega.exit_code, 0) << command << "\n" << vega.err;
    const auto spec = nlohmann::json::parse(vega.out);
    EXPECT_THAT(spec["$schema"].get<std::string>(), HasSubstr("vega-lite/v5"));
    EXPECT_FALSE(spec["hconcat"].empty()) << command;
    for (const auto& view : spec["hconcat"]) {
      EXPECT_FALSE(view["layer"].empty()) << command;
    }
  }
}

TEST(ChartsTest, ChartsSayWhatTheyShow) {
  const std::string args =
      "batch --model=llama-3.1-70b --hardware=h100-sxm --tp=4 --kv=fp8 "
      "--boundary=node --batch=1,8,64 --format=svg";
  const std::string svg = RunTool(args).out;
  for (const char* said :
       {"llama-3.1-70b on h100-sxm", "4 chips (tp 4)", "served by vllm",
        "bf16 weights, fp8 KV cache, bf16 activations", "energy at the node",
        "memory holds", "floor as the batch grows", "energy per token, "}) {
    EXPECT_THAT(svg, HasSubstr(said));
  }
  const std::string sweep =
      RunTool("sweep --space=hbm-accelerator --dominated=50 --format=svg").out;
  EXPECT_THAT(sweep, AllOf(HasSubstr("dominated, 50 of "),
                           HasSubstr("time per token, ms")));
  EXPECT_THAT(RunTool("sweep --space=tiny-lanes --format=svg").out,
              HasSubstr("baseline: the first value of every axis"));
}

// This aborted once: the step of the ticks was below the distance of doubles.
TEST(ChartsTest, ARangeOfNearlyNothingHasAChart) {
  const Outcome outcome = RunTool(absl::StrCat(
      "sensitivity --model=unit --hardware=unit --format=svg"));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(FaultsOfSvg(outcome.out), IsEmpty());
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) { return tokenjoule::RunToolTests(argc, argv); }
