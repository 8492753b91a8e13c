// Tests of the binary as a user runs it: output, exit codes, messages, odd
// input.

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "analyzer/base/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/report.pb.h"
#include "tests/run_tool.h"

namespace tokenjoule {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

constexpr char kPoint[] = "--model=llama-3.1-8b --hardware=h100-sxm";

TEST(CliTest, AnalyzePrintsTheAnswer) {
  const Outcome outcome = RunTool(absl::StrCat("analyze ", kPoint));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  for (const char* part : {"J/token", "DRAM share", "step time", "memory binds",
                           "ridge point", "largest batch at this context: ",
                           "static power", "memory path", "facility"}) {
    EXPECT_THAT(outcome.out, HasSubstr(part));
  }
}

TEST(CliTest, BatchPrintsRowsAndLimits) {
  const Outcome outcome = RunTool(
      absl::StrCat("batch ", kPoint, " --context=8192 --batch=1:1024:x2"));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, ContainsRegex("\n +1024 "));
  EXPECT_THAT(outcome.out, HasSubstr("orders of magnitude"));
  EXPECT_THAT(outcome.out, HasSubstr("Half of the gain"));
}

TEST(CliTest, ImportedModelIsAnalyzed) {
  const std::string path = TempPath("imported.textproto");
  const Outcome import = RunTool(
      absl::StrCat("import-hf analyzer/import/testdata/hf/llama-3.1-8b.json "
                   "--name=mine --date=2026-01-02 --out=",
                   path));
  EXPECT_EQ(import.exit_code, 0) << import.err;
  EXPECT_EQ(import.out, "");
  const std::string flags = " --hardware=h100-sxm --format=json";
  Outcome imported = RunTool(absl::StrCat("analyze --model=", path, flags));
  const Outcome shipped =
      RunTool(absl::StrCat("analyze --model=llama-3.1-8b", flags));
  EXPECT_EQ(imported.exit_code, 0) << imported.err;
  // The same answer under another name.
  const size_t name = imported.out.find("\"mine\"");
  ASSERT_NE(name, std::string::npos) << imported.out;
  EXPECT_EQ(imported.out.replace(name, 6, "\"llama-3.1-8b\""), shipped.out);
}

TEST(CliTest, ImportTellsUsageFromBadData) {
  const std::string config = "analyzer/import/testdata/hf/llama-3.1-8b.json";
  EXPECT_EQ(RunTool("import-hf").exit_code, 2);
  EXPECT_EQ(RunTool("import-hf a b").exit_code, 2);
  for (const char* flag : {"--name=Mine", "--name=", "--date=2026-13-01",
                           "--date=today", "--nmae=x"}) {
    const Outcome outcome =
        RunTool(absl::StrCat("import-hf ", config, " ", flag));
    EXPECT_EQ(outcome.exit_code, 2) << flag;
    EXPECT_EQ(outcome.out, "") << flag;
    EXPECT_THAT(outcome.err, HasSubstr("--")) << flag;
  }
  EXPECT_EQ(RunTool("import-hf missing.json").exit_code, 3);
  Write(TempPath("config.json"), "{\n  \"model_type\": \"lama\"\n}\n");
  const Outcome outcome =
      RunTool(absl::StrCat("import-hf ", TempPath("config.json")));
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("unknown model_type \"lama\""));
}

TEST(CliTest, JsonHasTheFieldNamesOfTheContract) {
  const Outcome outcome = RunTool(
      absl::StrCat("analyze ", kPoint, " --context=2048 --format=json"));
  EXPECT_EQ(outcome.exit_code, 0);
  for (const char* name : {"model",
                           "hardware",
                           "num_chips",
                           "scenario",
                           "step_time_s",
                           "tokens_per_s",
                           "energy_per_token_j",
                           "power_w",
                           "energy_by_boundary",
                           "boundary",
                           "dram_energy_share",
                           "dram_share_by_boundary",
                           "energy_terms",
                           "term",
                           "low",
                           "high",
                           "flop_per_token",
                           "weight_bytes_per_step",
                           "kv_read_bytes_per_step",
                           "kv_bytes_per_sequence",
                           "dram_bytes_per_step",
                           "arithmetic_intensity_flop_per_byte",
                           "ridge_point_flop_per_byte",
                           "bound",
                           "fits",
                           "memory_used_bytes",
                           "max_batch",
                           "operators",
                           "name",
                           "count",
                           "flop",
                           "weight_bytes",
                           "kv_bytes",
                           "time_s",
                           "energy_j",
                           "warnings"}) {
    EXPECT_THAT(outcome.out, HasSubstr(absl::StrCat("\"", name, "\":")));
  }
  // Counts are numbers, not strings, and whole.
  EXPECT_THAT(outcome.out, HasSubstr("\"kv_bytes_per_sequence\": 268435456,"));
  const Report report = FromJson<Report>(outcome.out);
  EXPECT_EQ(report.bound(), Bound::MEMORY);
  EXPECT_EQ(report.scenario().weights(), "bf16");
}

TEST(CliTest, TableJsonAndCsvAgree) {
  const Report json = FromJson<Report>(
      RunTool(absl::StrCat("analyze ", kPoint, " --format=json")).out);
  const std::string csv =
      RunTool(absl::StrCat("analyze ", kPoint, " --format=csv")).out;
  const std::vector<std::string> lines = absl::StrSplit(csv, '\n');
  const std::vector<std::string> names = absl::StrSplit(lines[0], ',');
  const std::vector<std::string> cells = absl::StrSplit(lines[1], ',');
  ASSERT_EQ(names.size(), cells.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == "energy_per_token_j") {
      EXPECT_DOUBLE_EQ(std::stod(cells[i]), json.energy_per_token_j());
    }
    if (names[i] == "energy_terms.static") {
      EXPECT_GT(std::stod(cells[i]), 0);
    }
  }
}

TEST(CliTest, BatchCsvHasARowABatch) {
  const Outcome outcome =
      RunTool(absl::StrCat("batch ", kPoint, " --batch=1,2,4 --format=csv"));
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 4);
}

TEST(CliTest, BatchTakesListsOfModelsMachinesAndContexts) {
  const std::string args =
      "batch --model=llama-3.1-8b,qwen3-8b --hardware=h100-sxm,b200 "
      "--context=1024,8192 --batch=1,4";
  const Outcome table = RunTool(args);
  EXPECT_EQ(table.exit_code, 0) << table.err;
  // How far batching goes, then the largest batch: one line per series.
  int rows = 0;
  for (const absl::string_view line : absl::StrSplit(table.out, '\n')) {
    rows += absl::StartsWith(line, "  llama-3.1-8b ") ||
            absl::StartsWith(line, "  qwen3-8b ");
  }
  EXPECT_EQ(rows, 2 * 8);
  EXPECT_THAT(RunTool(args + " --rows").out, HasSubstr("Half of the gain"));
  const BatchStudy study =
      FromJson<BatchStudy>(RunTool(args + " --format=json").out);
  ASSERT_EQ(study.series_size(), 8);
  EXPECT_EQ(study.rows_size(), 16);
  EXPECT_EQ(study.series(1).model(), "llama-3.1-8b");
  EXPECT_EQ(study.series(1).hardware(), "h100-sxm");
  EXPECT_EQ(study.series(1).context(), 8192);
  EXPECT_EQ(study.series(7).hardware(), "b200");
  const std::string csv = RunTool(args + " --format=csv").out;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 17);
  const std::string svg = RunTool(args + " --format=svg").out;
  EXPECT_THAT(svg, HasSubstr("<svg"));
  EXPECT_THAT(svg, HasSubstr("stroke-dasharray"));
  EXPECT_THAT(svg, HasSubstr(" fits, "));
  EXPECT_THAT(svg, HasSubstr("qwen3-8b, b200, context 8192"));
}

TEST(CliTest, BatchSaysEveryFaultOfALongList) {
  const Outcome names = RunTool(
      "batch --model=lama-3.1-8b,qwen3-8b --hardware=h100-smx,b200 "
      "--context=1024,2048");
  EXPECT_EQ(names.exit_code, 3);
  EXPECT_THAT(names.err, HasSubstr("did you mean \"llama-3.1-8b\"?"));
  EXPECT_THAT(names.err, HasSubstr("did you mean \"h100-sxm\"?"));
  EXPECT_EQ(std::count(names.err.begin(), names.err.end(), '\n'), 2);
  for (const char* bad :
       {"--context=1:1e9:1", "--context=1:2000", "--context=two",
        "--max-time-per-token-ms=nan", "--max-time-per-token-ms=1,2",
        "--max-time-per-token-ms=soon",
        "--batch=1:10000 --context=1000:30000:1000"}) {
    const Outcome outcome = RunTool(absl::StrCat("batch ", kPoint, " ", bad));
    EXPECT_EQ(outcome.exit_code, 2) << bad << outcome.err;
    EXPECT_EQ(outcome.out, "") << bad;
  }
  for (const char* bad :
       {"--max-time-per-token-ms=-1", "--context=0,100", "--kv-page-tokens=-1",
        "--shared-prefix-tokens=5000", "--model=llama-3.1-8b,"}) {
    const Outcome outcome = RunTool(absl::StrCat(
        "batch --hardware=h100-sxm ",
        absl::StrContains(bad, "model") ? "" : "--model=unit ", bad));
    EXPECT_EQ(outcome.exit_code, absl::StrContains(bad, "model") ? 2 : 3)
        << bad << outcome.err;
  }
}

TEST(CliTest, TricksAreRankedAndStacked) {
  const std::string args =
      "tricks --model=llama-3.1-70b --hardware=h100-sxm --tp=4";
  const Outcome table = RunTool(args);
  EXPECT_EQ(table.exit_code, 0) << table.err;
  for (const char* part :
       {"batching", "one on top of another", "Does not apply", "Left out",
        "What each assumes", "orders of magnitude", "arXiv:2211.17192"}) {
    EXPECT_THAT(table.out, HasSubstr(part));
  }
  const TrickStudy study =
      FromJson<TrickStudy>(RunTool(args + " --format=json").out);
  EXPECT_EQ(study.tricks_size(), 14);
  EXPECT_EQ(study.num_chips(), 4);
  EXPECT_EQ(study.tricks(0).name(), "batching");
  const std::string csv = RunTool(args + " --format=csv").out;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'),
            1 + study.tricks_size() + study.stack_size());
  EXPECT_THAT(RunTool(args + " --format=svg").out,
              HasSubstr("<title>batching: \xc3\xb7 "));
  EXPECT_EQ(RunTool(args + " --format=svg").out,
            RunTool(args + " --format=svg").out);
  EXPECT_EQ(RunTool("tricks --model=llama-3.1-8b --hardware=h100-sxm --tp=3")
                .exit_code,
            3);
  EXPECT_EQ(RunTool(args + " --max-time-per-token-ms=-1").exit_code, 3);
  EXPECT_EQ(RunTool(args + " --max-time-per-token-ms=soon").exit_code, 2);
  EXPECT_EQ(RunTool(args + " --format=pdf").exit_code, 2);
}

TEST(CliTest, OutputIsTheSameEachTime) {
  for (const char* format : {"table", "json", "csv"}) {
    const std::string args =
        absl::StrCat("batch ", kPoint, " --format=", format);
    const std::string first = RunTool(args).out;
    EXPECT_EQ(RunTool(args).out, first);
    EXPECT_EQ(RunTool(absl::StrCat(args, " --out=", TempPath("same"))).out, "");
    EXPECT_EQ(Read(TempPath("same")), first);
  }
}

TEST(CliTest, SetChangesOneConstant) {
  const Report report = FromJson<Report>(
      RunTool(
          absl::StrCat(
              "analyze ", kPoint,
              " --set=hardware.memory.hbm.path_energy_pj_per_bit=0"
              " --set=model.block.full.attention.kv_heads=32"
              " --set=scenario.batch=2 --format=json"))
          .out);
  EXPECT_EQ(report.energy_terms(4).term(), Term::MEMORY_PATH);
  EXPECT_EQ(report.energy_terms(4).energy_per_token_j(), 0);
  EXPECT_EQ(report.kv_bytes_per_sequence(), 4 * 268435456.0);
  EXPECT_EQ(report.scenario().batch(), 2);
}

// Silence would let what is set pass for a part of the question.
TEST(CliTest, WhatIsSetInVainIsNamedOnce) {
  const std::string path = TempPath("vain.textproto");
  Write(path, R"(
name: "vain"
base: "h100-sxm"
memory {
  name: "hbm"
  technology { bandwidth_gb_per_s_per_device { value: 900 } }
  pins: WEIGHTS
}
)");
  const std::string model = "analyze --model=llama-3.1-8b --hardware=";
  const std::string mine = RunTool(absl::StrCat(model, path)).err;
  EXPECT_THAT(mine, HasSubstr("memory.hbm.pins is set, but"));
  EXPECT_THAT(mine, HasSubstr("bandwidth_gb_per_s_per_device is set, but"));
  EXPECT_THAT(
      RunTool(model + "h100-sxm --set=hardware.memory.hbm.technology."
                      "bandwidth_gb_per_s_per_device=900").err,
      HasSubstr("bandwidth_gb_per_s_per_device is set, but"));
  EXPECT_THAT(RunTool(model + "h100-sxm --routing=balanced --kv=fp8").err,
              HasSubstr("--routing makes no difference"));
  // What counts is not named.
  EXPECT_EQ(RunTool(model + "h100-sxm --kv=fp8 --tp=1 --boundary=chip "
                            "--set=hardware.memory.hbm.bandwidth_gb_per_s=900")
                .err,
            "");
}

TEST(CliTest, RuntimesAreChosenByFlagOrFileAndChangedByPath) {
  const auto step_us = [](const std::string& args) {
    const Outcome outcome =
        RunTool(absl::StrCat("analyze --model=llama-3.1-8b --hardware=h100-sxm "
                             "--format=json ",
                             args));
    EXPECT_EQ(outcome.exit_code, 0) << args << outcome.err;
    return 1e6 * FromJson<Report>(outcome.out).step_time_s();
  };
  const double ideal = step_us("--runtime=ideal");
  EXPECT_LT(ideal, step_us(""));
  // Changes of its fields apply to the runtime that the flag names.
  EXPECT_NEAR(step_us("--set=runtime.time_per_step_us=100 --runtime=ideal"),
              ideal + 100, 1e-6);
  EXPECT_NEAR(
      step_us("--runtime=ideal --set=hardware.runtime.time_per_layer_us=1"),
      ideal + 32, 1e-6);
  // The flag overrides the file.
  const std::string scenario = TempPath("runtime-scenario.textproto");
  Write(scenario, "runtime: \"ideal\"\n");
  EXPECT_EQ(step_us("--scenario=" + scenario), ideal);
  EXPECT_EQ(step_us("--runtime=vllm --scenario=" + scenario), step_us(""));
  // A file of the user's own, with a path from where the tool runs.
  const std::string mine = TempPath("my-runtime.textproto");
  Write(mine,
        "name: \"mine\"\nbase: \"ideal\"\nsources { id: \"s\" kind: "
        "DEFINITION citation: \"set by the test\" date: \"2026\" }\n"
        "time_per_step_us { value: 7 low: 7 high: 7 source: \"s\" }\n");
  EXPECT_NEAR(step_us("--runtime=" + mine), ideal + 7, 1e-6);
  EXPECT_THAT(RunTool("list runtimes").out, HasSubstr("sglang"));
}

TEST(CliTest, ScenarioFileAndFlagsThatOverrideIt) {
  Write(TempPath("s.textproto"), "batch: 8\ncontext: 4096\nkv: \"fp8\"\n");
  const Report report = FromJson<Report>(
      RunTool(absl::StrCat("analyze ", kPoint, " --batch=16 --format=json",
                           " --scenario=", TempPath("s.textproto")))
          .out);
  EXPECT_EQ(report.scenario().batch(), 16);
  EXPECT_EQ(report.scenario().context(), 4096);
  EXPECT_EQ(report.scenario().kv(), "fp8");
}

TEST(CliTest, TheExampleMachineIsWhole) {
  const Outcome outcome = RunTool(
      "analyze --model=qwen3-8b "
      "--hardware=docs/examples/my-accelerator.textproto");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("qwen3-8b on my-accelerator"));
}

TEST(CliTest, NamesAndCountsAreReadAsPeopleWriteThem) {
  const Outcome outcome = RunTool(
      "analyze --model=meta-llama/Llama-3.1-8B-Instruct --hardware=H100 "
      "--context=128k --batch=1k --weights=FP8 --format=json");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err,
            "tokenjoule: note: hardware \"H100\" taken as h100-sxm; also "
            "h100-nvl, h100-pcie\n");
  const Report report = FromJson<Report>(outcome.out);
  EXPECT_EQ(report.model(), "llama-3.1-8b");
  EXPECT_EQ(report.hardware(), "h100-sxm");
  EXPECT_EQ(report.scenario().context(), 131072);
  EXPECT_EQ(report.scenario().batch(), 1024);
  EXPECT_EQ(report.scenario().weights(), "fp8");
  const BatchStudy study = FromJson<BatchStudy>(
      RunTool("batch --model=qwen3-8b --hardware='RTX 4090,MI300X' "
              "--context=1k:4k:x2 --batch=1,0.5k --format=json")
          .out);
  ASSERT_EQ(study.series_size(), 6);
  EXPECT_EQ(study.series(2).hardware(), "rtx-4090");
  EXPECT_EQ(study.series(2).context(), 4096);
  EXPECT_EQ(study.rows(1).scenario().batch(), 512);
  const Outcome odd =
      RunTool(absl::StrCat("analyze ", kPoint, " --context=128q --prompt=1kb"));
  EXPECT_EQ(odd.exit_code, 2);
  EXPECT_THAT(odd.err, HasSubstr("--context: expected a number, which may end "
                                 "in k (1024) or M (1048576), found \"128q\""));
  EXPECT_THAT(odd.err, HasSubstr("--prompt: "));
  // --set counts in the same way.
  EXPECT_EQ(FromJson<Report>(RunTool(absl::StrCat("analyze ", kPoint,
                                                  " --set=scenario.context=8k "
                                                  "--format=json"))
                                 .out)
                .scenario()
                .context(),
            8192);
  EXPECT_EQ(RunTool("analyze --model=Qwen/Qwen3-8B-AWQ --hardware=h100-sxm")
                .exit_code,
            3);
}

TEST(CliTest, AMachineOfOnesOwnTakesAtMostTwoFailedLints) {
  const std::string path = TempPath("mine.textproto");
  const Outcome begun = RunTool(
      absl::StrCat("new-hardware --base=desktop-gpu --name=mine --out=", path));
  EXPECT_EQ(begun.exit_code, 0) << begun.err;
  const Outcome open = RunTool(absl::StrCat("lint ", path));
  EXPECT_EQ(open.exit_code, 3);
  // Each placeholder with its place, and nothing else.
  for (const absl::string_view line : absl::StrSplit(open.err, '\n')) {
    if (line.empty()) continue;
    EXPECT_THAT(std::string(line),
                ContainsRegex(":[0-9]+:[0-9]+: .*nan is no number: fill it in; "
                              "expected "));
  }
  std::string text;
  const std::string begun_text = Read(path);
  for (const absl::string_view line : absl::StrSplit(begun_text, '\n')) {
    absl::StrAppend(
        &text,
        absl::StrReplaceAll(
            line, {{"nan", absl::StrContains(line, "power_cap_w") ? "300"
                           : absl::StrContains(line, "mhz")       ? "1500"
                                                                  : "10"}}),
        "\n");
  }
  Write(path, text);
  const Outcome filled = RunTool(absl::StrCat("lint ", path));
  EXPECT_EQ(filled.exit_code, 0) << filled.err;
  EXPECT_THAT(filled.err, HasSubstr("no range, no source: "));
  EXPECT_EQ(std::count(filled.err.begin(), filled.err.end(), '\n'), 1);
  EXPECT_THAT(filled.out, HasSubstr("\n    inherits node from base "
                                    "desktop-gpu: host_power_w_per_chip"));
  const Outcome strict = RunTool(absl::StrCat("lint --catalogue ", path));
  EXPECT_EQ(strict.exit_code, 3);
  EXPECT_THAT(strict.err, HasSubstr("source: is missing"));
  EXPECT_EQ(RunTool(absl::StrCat("analyze --model=qwen3-8b --hardware=", path))
                .exit_code,
            0);
  EXPECT_EQ(RunTool("new-hardware").exit_code, 2);
  EXPECT_EQ(RunTool("new-hardware --base=asic stray").exit_code, 2);
  EXPECT_EQ(RunTool("new-hardware --base=nothing-like-it").exit_code, 3);
}

// Descriptions as users wrote them, some for an older schema.
TEST(CliTest, DescriptionsOfUsersAreAnswered) {
  const std::string folder = "analyzer/description/testdata/machines/";
  for (const char* machine :
       {"xeon-ddr4", "rtx3090-base-host", "m4max-tb5 --tp=2"}) {
    const std::vector<std::string> words = absl::StrSplit(machine, ' ');
    const Outcome outcome = RunTool(absl::StrCat(
        "analyze --model=qwen3-8b --weights=q4_0 --hardware=", folder, words[0],
        ".textproto ", words.size() > 1 ? words[1] : ""));
    EXPECT_EQ(outcome.exit_code, 0) << machine << outcome.err;
  }
  EXPECT_EQ(RunTool(absl::StrCat("analyze --hardware=h100-sxm --model=", folder,
                                 "qwen36-27b.textproto"))
                .exit_code,
            0);
  const Outcome drafted = RunTool(absl::StrCat(
      "analyze --model=llama-3-8b --hardware=h100-sxm --draft=", folder,
      "eagle-llama3-8b.textproto --draft-tokens=4 --acceptance-rate=0.7"));
  EXPECT_EQ(drafted.exit_code, 0) << drafted.err;
}

TEST(CliTest, ListAndExplain) {
  EXPECT_THAT(RunTool("list").out, HasSubstr("h100-sxm"));
  EXPECT_THAT(RunTool("list hardware").out,
              HasSubstr("700 W; also H100, H100-80GB, H100-SXM5, ...\n"));
  EXPECT_THAT(RunTool("list models --format=json").out,
              HasSubstr("\"Qwen/Qwen3-8B\""));
  EXPECT_THAT(RunTool("list models").out, HasSubstr("llama-3.1-8b"));
  EXPECT_THAT(RunTool("list formats --format=csv").out, HasSubstr("int4-g128"));
  EXPECT_EQ(RunTool("list moduls").exit_code, 2);
  const Outcome outcome = RunTool(
      "explain --hardware=h100-sxm "
      "hardware.memory.hbm.phy_energy_pj_per_bit");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("= 0.5\n"));
  EXPECT_THAT(outcome.out, HasSubstr("range 0.3 to 1"));
  EXPECT_THAT(outcome.out, HasSubstr("JSSC 2024"));
  EXPECT_THAT(RunTool("explain --hardware=h100-sxm STATIC").out,
              HasSubstr("static_power_w"));
}

// The names that `tokenjoule --help` lists.
std::vector<std::string> SubCommands() {
  std::vector<std::string> names;
  for (const absl::string_view line :
       absl::StrSplit(RunTool("--help").out, '\n')) {
    if (!absl::StartsWith(line, "  ")) continue;
    const std::vector<std::string> words =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    names.push_back(words[0]);
  }
  return names;
}

// Whether a sub-command answers a question, in several formats.
bool HasAnAnswer(const std::string& name) {
  return name != "completion" && name != "version";
}

TEST(CliTest, EverySubCommandHasHelpWithExamples) {
  const std::vector<std::string> names = SubCommands();
  EXPECT_THAT(names, IsSupersetOf({"analyze", "check", "merge", "sweep"}));
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (const std::string& name : names) {
    const Outcome outcome = RunTool(absl::StrCat(name, " --help"));
    EXPECT_EQ(outcome.exit_code, 0) << name;
    EXPECT_THAT(outcome.out, HasSubstr("Examples\n  tokenjoule " + name));
    if (HasAnAnswer(name)) {
      EXPECT_THAT(outcome.out, HasSubstr("(default")) << name;
    }
  }
}

// The first example of a sub-command's help, without "tokenjoule"; empty if it
// uses the user's own files.
std::string FirstExample(const std::string& help) {
  const std::vector<std::string> parts =
      absl::StrSplit(help, absl::MaxSplits("Examples\n  tokenjoule ", 1));
  if (parts.size() != 2) return "";
  const std::string joined = absl::StrReplaceAll(parts[1], {{"\\\n", " "}});
  const std::string example = joined.substr(0, joined.find('\n'));
  for (const char* file : {".textproto", ".csv", ".json"}) {
    if (absl::StrContains(example, file)) return "";
  }
  return example;
}

// The formats in a sub-command's help: "table, json, csv or svg (default
// table)".
std::vector<std::string> FormatsInHelp(const std::string& help) {
  for (const absl::string_view line : absl::StrSplit(help, '\n')) {
    if (!absl::StrContains(line, "--format=FORMAT")) continue;
    const std::vector<absl::string_view> halves =
        absl::StrSplit(line, "FORMAT");
    const absl::string_view list =
        halves.back().substr(0, halves.back().find('('));
    return absl::StrSplit(absl::StrReplaceAll(list, {{" or ", ","}, {" ", ""}}),
                          ',');
  }
  return {};
}

TEST(CliTest, ExamplesAnswerInEveryFormatThatHelpLists) {
  int answered = 0;
  for (const std::string& name : SubCommands()) {
    if (!HasAnAnswer(name) || name == "serve") continue;
    const std::string help = RunTool(absl::StrCat(name, " --help")).out;
    const std::string example = FirstExample(help);
    if (example.empty()) continue;
    const std::vector<std::string> formats = FormatsInHelp(help);
    EXPECT_THAT(formats, IsSupersetOf({"table", "json", "csv"})) << name;
    for (const std::string& format : formats) {
      const std::string file = TempPath(absl::StrCat(name, ".", format));
      const std::string args =
          absl::StrCat(example, " --format=", format, " --out=", file);
      const Outcome outcome = RunTool(args);
      EXPECT_EQ(outcome.exit_code, 0) << args << "\n" << outcome.err;
      EXPECT_NE(Read(file), "") << args;
      ++answered;
    }
    // Formats that help does not list are refused.
    for (const char* format : {"svg", "vega", "sqlite", "yaml"}) {
      if (absl::StrContains(absl::StrJoin(formats, ","), format)) continue;
      const std::string args =
          absl::StrCat(example, " --format=", format, " --out=x");
      EXPECT_EQ(RunTool(args).exit_code, 2) << args;
    }
  }
  // The first examples of ten sub-commands use only the catalogue.
  EXPECT_GE(answered, 10 * 3);
}

TEST(CliTest, VersionIsPrintedAndIsInTheJson) {
  const std::string line = absl::StrCat("tokenjoule ", kVersion, "\n");
  EXPECT_EQ(RunTool("--version").out, line);
  EXPECT_EQ(RunTool("version").out, line);
  const std::string verbose = RunTool("--version --verbose").out;
  EXPECT_EQ(verbose.substr(0, line.size()), line);
  EXPECT_THAT(verbose,
              ContainsRegex("catalogue +[0-9]+ files, [0-9a-f]{16}\n"));
  // The binary says nothing of when and where it was built.
  EXPECT_EQ(verbose, RunTool("version --verbose").out);
  EXPECT_EQ(RunTool("version --verbos").exit_code, 2);
  EXPECT_THAT(RunTool(absl::StrCat("analyze ", kPoint, " --format=json")).out,
              testing::StartsWith(absl::StrCat("{\n \"tokenjoule_version\": \"",
                                               kVersion, "\",\n \"model\":")));
}

TEST(CliTest, UsageFaultsExitWithTwo) {
  for (const std::string& args :
       {std::string(""), std::string("analize"), std::string("analyze"),
        absl::StrCat("analyze ", kPoint, " --bacth=2"),
        absl::StrCat("analyze ", kPoint, " --batch=two"),
        absl::StrCat("analyze ", kPoint, " --batch="),
        absl::StrCat("analyze ", kPoint, " --format=xml"),
        absl::StrCat("analyze ", kPoint, " --operators=flase"),
        absl::StrCat("analyze ", kPoint, " --ideal=maybe"),
        absl::StrCat("analyze ", kPoint, " --set=nonsense"),
        absl::StrCat("analyze ", kPoint, " --set=hardwear.a=1"),
        absl::StrCat("analyze ", kPoint, " stray"),
        absl::StrCat("batch ", kPoint, " --batch=8:1:x2")}) {
    const Outcome outcome = RunTool(args);
    EXPECT_EQ(outcome.exit_code, 2) << args;
    EXPECT_NE(outcome.err, "") << args;
    EXPECT_EQ(outcome.out, "") << args;
  }
}

TEST(CliTest, BadDataExitsWithThree) {
  for (const std::string& args :
       {std::string("analyze --model=lama-3.1-8b --hardware=h100-sxm"),
        std::string("analyze --model=llama-3.1-8b --hardware=h100-smx"),
        std::string("analyze --model=/nowhere.textproto --hardware=h100-sxm"),
        std::string("analyze --model=/ --hardware=h100-sxm"),
        absl::StrCat("analyze ", kPoint, " --batch=0"),
        absl::StrCat("analyze ", kPoint, " --batch=-1"),
        absl::StrCat("analyze ", kPoint, " --batch=1e300"),
        absl::StrCat("analyze ", kPoint, " --context=0"),
        absl::StrCat("analyze ", kPoint, " --context=1e200"),
        absl::StrCat("analyze ", kPoint, " --tp=3"),
        absl::StrCat("analyze ", kPoint, " --tp=-8"),
        absl::StrCat("analyze ", kPoint, " --dp=2"),
        absl::StrCat("analyze ", kPoint, " --weights=fp9"),
        absl::StrCat("analyze ", kPoint, " --activations=q4_k"),
        absl::StrCat("analyze ", kPoint, " --boundary=moon"),
        absl::StrCat("analyze ", kPoint, " --scenario=/nowhere"),
        absl::StrCat("analyze ", kPoint, " --runtime=vlm"),
        absl::StrCat("analyze ", kPoint, " --runtime=/nowhere.textproto"),
        absl::StrCat("analyze ", kPoint, " --set=runtime.time_per_stp_us=1"),
        absl::StrCat("analyze ", kPoint, " --out=/nowhere/x"),
        absl::StrCat("analyze ", kPoint,
                     " --set=hardware.board.static_power_w=-5"),
        absl::StrCat("analyze ", kPoint,
                     " --set=hardware.board.static_power_w=900"),
        absl::StrCat("analyze ", kPoint, " --set=hardware.bord.x=1")}) {
    const Outcome outcome = RunTool(args);
    EXPECT_EQ(outcome.exit_code, 3) << args << "\n" << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("tokenjoule: ")) << args;
    EXPECT_EQ(outcome.out, "") << args;
  }
}

TEST(CliTest, NanAndInfinityAreUsageFaults) {
  for (const char* bad : {"nan", "inf", "-inf", "1e999"}) {
    EXPECT_EQ(
        RunTool(absl::StrCat("analyze ", kPoint, " --batch=", bad)).exit_code,
        2)
        << bad;
  }
}

TEST(CliTest, MistakesInBothFilesAreReportedTogether) {
  const Outcome outcome =
      RunTool("analyze --model=lama-3.1-8b --hardware=h100-smx");
  EXPECT_THAT(outcome.err, HasSubstr("did you mean \"llama-3.1-8b\"?"));
  EXPECT_THAT(outcome.err, HasSubstr("did you mean \"h100-sxm\"?"));
}

TEST(CliTest, FileFaultsNameFileLineAndColumn) {
  Write(TempPath("bad.textproto"), "name: \"x\"\nd_modle: 5\nvocab_size: -1\n");
  const Outcome outcome = RunTool(absl::StrCat(
      "analyze --hardware=h100-sxm --model=", TempPath("bad.textproto")));
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("bad.textproto:2:8: unknown field"));
  EXPECT_THAT(outcome.err, HasSubstr("bad.textproto:3:1: vocab_size: -1"));
}

TEST(CliTest, AFailureLeavesTheOldFileAndNoOther) {
  const std::string directory = TempPath("whole");
  mkdir(directory.c_str(), 0755);
  const std::string path = absl::StrCat(directory, "/answer");
  Write(path, "old");
  EXPECT_EQ(RunTool(absl::StrCat("analyze ", kPoint, " --batch=0 --out=", path))
                .exit_code,
            3);
  EXPECT_EQ(Read(path), "old");
  // A directory cannot be replaced by a file; no temporary file remains beside
  // it.
  EXPECT_EQ(
      RunTool(absl::StrCat("analyze ", kPoint, " --out=", directory)).exit_code,
      3);
  EXPECT_EQ(std::system(absl::StrCat("test -z \"$(ls ", directory,
                                     ".tmp.* 2>/dev/null)\"")
                            .c_str()),
            0);
}

TEST(CliTest, RandomBytesNeverCrash) {
  std::mt19937 random(1);
  for (int i = 0; i < 20; ++i) {
    std::string noise;
    const int length = random() % 2000;
    for (int k = 0; k < length; ++k) noise += static_cast<char>(random());
    Write(TempPath("noise.textproto"), noise);
    const Outcome as_model = RunTool(absl::StrCat(
        "analyze --hardware=h100-sxm --model=", TempPath("noise.textproto")));
    EXPECT_EQ(as_model.exit_code, 3);
    EXPECT_THAT(as_model.err, Not(HasSubstr("is missing\n\n")));
    EXPECT_EQ(RunTool(absl::StrCat("analyze --model=unit --hardware=",
                                   TempPath("noise.textproto")))
                  .exit_code,
              3);
  }
}

TEST(CliTest, BrokenDescriptionsNeverCrash) {
  // A good description with a few bytes changed.
  std::mt19937 random(2);
  const std::string good = Read("models/llama-3.1-8b.textproto");
  ASSERT_NE(good, "");
  for (int i = 0; i < 60; ++i) {
    std::string text = good;
    for (int k = 0; k < 3; ++k) {
      text[random() % text.size()] = "0123456789.-{}\":# eEnaif"[random() % 24];
    }
    Write(TempPath("broken.textproto"), text);
    const Outcome outcome = RunTool(absl::StrCat(
        "analyze --hardware=h100-sxm --model=", TempPath("broken.textproto")));
    EXPECT_TRUE(outcome.exit_code == 0 || outcome.exit_code == 3)
        << text << "\n"
        << outcome.err;
  }
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) { return tokenjoule::RunToolTests(argc, argv); }
