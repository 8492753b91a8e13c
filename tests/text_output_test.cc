// What people read: every table and every help text fits 100 columns, and no word
// of it contradicts another or stands for nothing, over many models, machines and
// options.

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/report.pb.h"
#include "tests/run_tool.h"

namespace tokenjoule {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kColumns = 100;

// Characters of a line, not bytes.
size_t WidthOf(absl::string_view line) {
  return std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
}

void ExpectFits(const std::string& command, const std::string& text) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    EXPECT_LE(WidthOf(line), kColumns) << command << "\n" << line;
    EXPECT_FALSE(absl::EndsWith(line, " ")) << command << "\n" << line;
  }
}

// What no table says: values that do not exist, changes below what sums round to,
// and zeros with a sign.
void ExpectReadable(const std::string& command, const std::string& text) {
  ExpectFits(command, text);
  std::vector<absl::string_view> words =
      absl::StrSplit(text, absl::ByAnyChar(" \n,;()"), absl::SkipEmpty());
  for (const char* nonsense :
       {"nan", "-nan", "inf", "-inf", "-0", "-0.0", "UNSPECIFIED", "aJ"}) {
    EXPECT_THAT(words, Not(Contains(nonsense))) << command << "\n" << text;
  }
}

// Runs a command whose text must fit and returns it.
std::string Text(const std::string& command) {
  const Outcome outcome = RunTool(command);
  EXPECT_EQ(outcome.exit_code, 0) << command << "\n" << outcome.err;
  ExpectFits(command, outcome.out);
  return outcome.out;
}

// The same of a command whose table must be readable.
std::string Table(const std::string& command) {
  const std::string text = Text(command);
  ExpectReadable(command, text);
  return text;
}

std::vector<std::string> NamesOf(const std::string& kind) {
  const auto listing =
      FromJson<Listing>(RunTool("list --format=json " + kind).out);
  std::vector<std::string> names;
  for (const auto& entry : listing.entries()) names.push_back(entry.name());
  EXPECT_GT(names.size(), 3u) << kind;
  return names;
}

TEST(TextOutputTest, EveryModelAndEveryMachine) {
  // Options in turn, so that each is seen with many models and machines.
  const std::vector<std::string> options = {
      "--batch=64 --boundary=facility",
      "--batch=16 --context=32768 --boundary=chip",
      "--operators --batch=8",
      "--prompt=1000 --output=200 --batch=32 --boundary=node",
      "--draft-tokens=4 --acceptance-rate=0.7 --boundary=memory-path",
      "--equal-quality --training-tokens=15e12",
      "--ideal --boundary=stack",
  };
  size_t turn = 0;
  for (const std::string& model : NamesOf("models")) {
    const std::string command =
        absl::StrCat("analyze --hardware=h200 --tp=8 --model=", model, " ",
                     options[turn++ % options.size()]);
    // Some do not divide by eight, or have their own module or formats.
    const Outcome outcome = RunTool(command);
    if (outcome.exit_code == 0) ExpectReadable(command, outcome.out);
  }
  for (const std::string& machine : NamesOf("hardware")) {
    for (const char* study : {"analyze", "batch"}) {
      const std::string command =
          absl::StrCat(study, " --model=qwen3-8b --hardware=", machine, " ",
                       study[0] == 'a' ? options[turn++ % options.size()] : "");
      const Outcome outcome = RunTool(command);
      if (outcome.exit_code == 0) ExpectReadable(command, outcome.out);
    }
  }
}

TEST(TextOutputTest, EverySubCommand) {
  const std::string point = " --model=deepseek-v3 --hardware=h100-sxm --tp=16 ";
  const std::string small = " --model=llama-3.1-8b --hardware=h100-sxm ";
  Table("analyze --operators" + point + "--batch=64");
  Table("analyze --model=llama-3.1-70b --hardware=rtx-4090 --offload=auto "
        "--weights=int4-g128 --operators");
  Table("analyze --model=resnet-8 --hardware=stm32l4r5");
  Table("analyze --model=llama-3.1-8b --hardware=aimc-resident --batch=16");
  Table("batch" + point);
  Table("batch --max-time-per-token-ms=20 --rows "
        "--model=llama-3.1-8b,qwen3-235b-a22b,llama-3.3-nemotron-super-49b "
        "--hardware=h200,encharge-en100-pcie --context=1k:64k:x8");
  Table("batch --model=resnet-8 --hardware=stm32l4r5");
  Table("compare" + small + "--to.batch=32");
  Table("compare" + point + "--to.hardware=b200 --to.kv=fp8 --to.batch=256 "
        "--set=hardware.board.static_power_fraction=0.3 "
        "--to.set=hardware.memory.hbm.bandwidth_efficiency=0.8");
  Table("analyze --model=llama-3.1-8b --batch=16 --price-per-kwh=0.1 --carbon=300 "
        "--chip-hour-price=2 --prompt=1000 --output=200 "
        "--hardware=h100-sxm,encharge-en100-pcie,jetson-orin-nano-8gb");
  Table("analyze" + small + "--price-per-kwh=0.1 --carbon=300 "
        "--chip-hour-price=2 --prompt=1000 --output=200");
  Table("batch" + small + "--price-per-kwh=0.1 --carbon=300 "
        "--chip-hour-price=2 --prompt=1000 --output=200");
  Table("plan --model=llama-3.1-8b --hardware=h100-sxm,b200 --prompt=1000 "
        "--output=200 --requests-per-s=20 --price-per-kwh=0.1");
  Table("ceiling" + small);
  Table("ceiling --model=qwen3-30b-a3b --hardware=sram-rack --tp=32 --boundary="
        "facility");
  Table("tricks" + small);
  Table("tricks --model=qwen3-8b --hardware=groq-lpu-v1 --tp=32");
  Table("sensitivity" + small + "--samples=100");
  Table("sensitivity --model=qwen3-8b --hardware=aimc-nvm-resident");
  Table("tune" + small);
  Table("tune" + small + "--chip-hour-price=2 --price-per-kwh=0.1 --batches=1:64:x4");
  Table("disaggregate" + small + "--prompt=2000 --output=500 --batch=32 "
        "--prefill-hardware=h100-pcie");
  Table("break-even --model=llama-3.2-1b --hardware=dimc-resident");
  Table("dot-product");
  Table("analog-depth");
  Table("explain --hardware=h100-sxm");
  for (const char* name : {"STATIC", "COMPUTE", "step_time_s", "max_batch"}) {
    Table(absl::StrCat("explain", small, name));
  }
  Table("sweep --space=tiny-lanes");
  Table("validate --measurements=validation/jetson.textproto");
  Table("calibrate --hardware=h100-sxm --measurements=validation "
        "--cross-validate=false --fit=board.static_power_fraction");
  Table("check" + small + "--max-energy-per-token-j=4 --max-step-time-ms=20");
  Table("lint docs/examples/my-accelerator.textproto");
}

TEST(TextOutputTest, HelpAndLists) {
  const std::string all = Text("help");
  EXPECT_EQ(Text("--help"), all);
  for (const absl::string_view line : absl::StrSplit(all, '\n')) {
    if (!absl::StartsWith(line, "  ") || absl::StartsWith(line, "   ")) {
      continue;
    }
    const std::string name(
        line.substr(2, line.find(' ', 2) - 2));
    SCOPED_TRACE(name);
    const std::string help = Text(absl::StrCat("help ", name));
    EXPECT_THAT(help, AllOf(HasSubstr("Flags\n"), HasSubstr("Examples\n")));
    EXPECT_EQ(Text(absl::StrCat(name, " help")), help);
    EXPECT_EQ(Text(absl::StrCat(name, " --help")), help);
    // Flags are spelt with hyphens.
    for (const absl::string_view word : absl::StrSplit(help, ' ')) {
      if (!absl::StartsWith(word, "--")) continue;
      EXPECT_THAT(word.substr(0, word.find('=')), Not(HasSubstr("_")));
    }
  }
  const Outcome unknown = RunTool("help analyse");
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean \"analyze\"?"));
  Text("list");
}

// Names of a user, which nobody keeps short: words are cut in the last resort.
TEST(TextOutputTest, LongNames) {
  const std::string name =
      "a-model-whose-name-goes-on-and-on-until-it-takes-more-than-half-of-a-line";
  const std::string path = TempPath(absl::StrCat(name, ".textproto"));
  std::ofstream(path) << absl::StrReplaceAll(
      Read("models/llama-3.1-8b.textproto"),
      {{"name: \"llama-3.1-8b\"", absl::StrCat("name: \"", name, "\"")}});
  const std::string machine = TempPath("a-machine.textproto");
  std::ofstream(machine) << "name: \"a-machine-that-is-called-by-everything-that-"
                            "is-in-it-and-then-some-more-besides\"\n"
                            "base: \"h100-sxm\"\n";
  for (const char* study :
       {"analyze", "batch", "ceiling", "tricks", "sensitivity"}) {
    Table(absl::StrCat(study, " --model=", path, " --hardware=", machine));
  }
  Table(absl::StrCat("batch --model=llama-3.1-8b,", path,
                     " --hardware=h100-sxm,", machine, " --context=1024,4096"));
}

TEST(TextOutputTest, WhatDoesNotFitComesFirstAndHasNoSpeed) {
  const std::string out =
      Table("analyze --model=llama-3.1-70b --hardware=h100-sxm");
  EXPECT_LT(out.find("DOES NOT FIT: weights and KV cache take"),
            out.find("\n  energy "));
  EXPECT_THAT(out, AllOf(Not(HasSubstr("tokens/s")), Not(HasSubstr("step time")),
                         HasSubstr("if it did fit")));
  const std::string batches = Table(
      "batch --model=llama-3.1-8b --hardware=h100-sxm --batch=128,256");
  const std::string speed = batches.substr(batches.find("\nSpeed"));
  EXPECT_THAT(speed, HasSubstr("\n    128 "));
  EXPECT_THAT(speed, Not(HasSubstr("\n    256 ")));
}

// The share is that of the boundary of the answer, and what a boundary encloses
// alone is not called a share of it.
TEST(TextOutputTest, SharesAreOfTheBoundary) {
  const std::string point = "analyze --model=llama-3.1-8b --hardware=h100-sxm ";
  EXPECT_THAT(Table(point), HasSubstr("% of the board; the devices alone"));
  EXPECT_THAT(Table(point + "--boundary=facility"),
              AllOf(HasSubstr("% of the facility; the devices alone"),
                    Not(HasSubstr("of the board"))));
  EXPECT_THAT(Table(point + "--boundary=stack"), Not(HasSubstr("DRAM share  ")));
}

// One step, once with little and once with much to compute on.
TEST(TextOutputTest, TheBindingResourceDoesNotContradictTheRidgePoint) {
  for (const char* batch : {"1", "64", "219"}) {
    const std::string out = Table(absl::StrCat(
        "analyze --model=llama-3.1-8b --hardware=h100-sxm --batch=", batch));
    EXPECT_THAT(out, AllOf(HasSubstr("memory binds"), HasSubstr("ridge point"),
                           Not(HasSubstr("side"))));
  }
}

TEST(TextOutputTest, EqualSidesAreTheSame) {
  const std::string out = Table(
      "compare --model=llama-3.1-8b --hardware=h100-sxm --to.batch=1");
  EXPECT_THAT(out, AllOf(HasSubstr("the same scenario"), HasSubstr("the same"),
                         HasSubstr("on both sides"), Not(HasSubstr("+"))));
}

TEST(TextOutputTest, BatchesStartAtOneSequenceOnEachReplica) {
  const BatchStudy study = FromJson<BatchStudy>(
      RunTool("batch --model=llama-3.1-8b --hardware=h100-sxm --dp=4 "
              "--format=json")
          .out);
  ASSERT_GT(study.rows_size(), 3);
  EXPECT_EQ(study.rows(0).scenario().batch(), 4);
  EXPECT_EQ(study.rows(1).scenario().batch(), 8);
  const Outcome given = RunTool(
      "batch --model=llama-3.1-8b --hardware=h100-sxm --dp=4 --batch=2,4,6");
  EXPECT_EQ(given.exit_code, 0);
  EXPECT_THAT(given.err, AllOf(HasSubstr("batch 2: left out"),
                               HasSubstr("batch 6: not a multiple")));
}

// The columns of a sub-command's CSV are the same whatever the answer, and what
// does not exist is empty.
TEST(TextOutputTest, ColumnsOfCsvAreTheSame) {
  const auto header = [](const std::string& command) {
    const Outcome outcome = RunTool(command + " --format=csv");
    EXPECT_EQ(outcome.exit_code, 0) << command << outcome.err;
    return outcome.out.substr(0, outcome.out.find('\n'));
  };
  const std::string usual =
      header("analyze --model=llama-3.1-8b --hardware=h100-sxm");
  for (const char* other :
       {"analyze --model=llama-3.1-8b --hardware=h100-sxm --boundary=stack",
        "analyze --model=llama-3.1-8b --hardware=h100-sxm --boundary=facility",
        "analyze --model=llama-3.1-8b --hardware=sram-rack --tp=32",
        "analyze --model=llama-3.1-8b --hardware=aimc-resident",
        "analyze --model=llama-3.1-8b --hardware=h100-sxm "
        "--training-tokens=15e12",
        "analyze --model=resnet-8 --hardware=stm32l4r5",
        "batch --model=llama-3.1-8b --hardware=h100-sxm --batch=1",
        "batch --model=llama-3.1-8b --hardware=h100-sxm --batch=1 "
        "--ranges=false"}) {
    EXPECT_EQ(header(other), usual) << other;
  }
  std::vector<std::string> names = absl::StrSplit(usual, ',');
  std::sort(names.begin(), names.end());
  EXPECT_TRUE(std::adjacent_find(names.begin(), names.end()) == names.end());
}

std::string CsvCellOf(const std::string& command, absl::string_view column) {
  const std::vector<std::string> lines =
      absl::StrSplit(RunTool(command + " --format=csv").out, '\n');
  const std::vector<std::string> names = absl::StrSplit(lines[0], ',');
  const std::vector<std::string> cells = absl::StrSplit(lines[1], ',');
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == column) return i < cells.size() ? cells[i] : "no cell";
  }
  return "no column";
}

TEST(TextOutputTest, WhatDoesNotExistIsEmptyInCsv) {
  const std::string rack = "analyze --model=llama-3.1-8b --hardware=sram-rack --tp=32";
  EXPECT_EQ(CsvCellOf(rack, "dram_energy_share"), "");
  EXPECT_EQ(CsvCellOf(rack, "energy_by_boundary.stack"), "");
  EXPECT_EQ(CsvCellOf(rack, "dram_share_by_boundary.board"), "");
  const std::string usual = "analyze --model=llama-3.1-8b --hardware=h100-sxm";
  EXPECT_EQ(CsvCellOf(usual, "time_to_first_token_s"), "");
  EXPECT_EQ(CsvCellOf(usual, "area_mm2"), "");
  EXPECT_EQ(CsvCellOf(usual, "energy_terms.host"), "");
  EXPECT_NE(CsvCellOf(usual, "energy_terms.static"), "");
  EXPECT_EQ(CsvCellOf(usual + " --boundary=stack", "energy_terms.static"), "");
  EXPECT_EQ(CsvCellOf("batch --model=llama-3.1-8b --hardware=h100-sxm --batch=1 "
                      "--ranges=false",
                      "energy_per_token_j_high"),
            "");
}

// Hyphens and underscores mean the same, in flags and in names.
TEST(TextOutputTest, HyphensAndUnderscoresAreAlike) {
  const std::string point = "analyze --model=llama-3.1-8b --hardware=h100-sxm ";
  const std::string expected = Table(point + "--boundary=memory_path");
  EXPECT_EQ(Table(point + "--boundary=memory-path"), expected);
  const std::string scenario = TempPath("hyphens.textproto");
  std::ofstream(scenario) << "boundary: \"memory-path\"\n";
  EXPECT_EQ(Table(point + "--scenario=" + scenario), expected);
  EXPECT_EQ(Table(point + "--lm-head=fp8"), Table(point + "--lm_head=fp8"));
  EXPECT_THAT(RunTool(point + "--lm_haed=fp8").err,
              HasSubstr("did you mean \"lm-head\"?"));
}

TEST(TextOutputTest, SwitchesTakeNothingButBooleans) {
  const std::string small = " --model=llama-3.1-8b --hardware=h100-sxm ";
  EXPECT_EQ(Table("analyze --operators=0" + small), Table("analyze" + small));
  EXPECT_EQ(Table("analyze --operators=yes" + small),
            Table("analyze --operators" + small));
  for (const char* wrong :
       {"analyze --operators=maybe", "sensitivity --uncertainty=maybe",
        "batch --rows=2", "analyze --ideal=off", "check --update=never"}) {
    const Outcome outcome = RunTool(wrong + small);
    EXPECT_EQ(outcome.exit_code, 2) << wrong;
    EXPECT_THAT(outcome.err, HasSubstr("expected true, false, 1, 0, yes or no"));
  }
}

// A machine of which all energy is counted at the board has nothing inside.
TEST(TextOutputTest, EmptyBoundariesAreRefused) {
  for (const char* study :
       {"analyze", "batch", "tricks", "ceiling", "sensitivity"}) {
    for (const char* where :
         {"--hardware=stm32l4r5 --boundary=chip",
          "--hardware=groq-lpu-v1 --boundary=stack",
          "--hardware=cerebras-wse-3 --boundary=memory-path"}) {
      const Outcome outcome =
          RunTool(absl::StrCat(study, " --model=llama-3.1-8b ", where));
      EXPECT_EQ(outcome.exit_code, 3) << study << " " << where;
      EXPECT_THAT(outcome.err, HasSubstr("boundary")) << study << " " << where;
    }
  }
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) {
  return tokenjoule::RunToolTests(argc, argv);
}
