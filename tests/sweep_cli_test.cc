// Tests of sweep and merge as a user runs them: shards and bytes, a killed
// shard, an interrupt, one point, refused input.

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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

using ::testing::HasSubstr;

constexpr char kSpace[] = R"(
name: "cli"
scenario { model: "llama-3.1-8b" hardware: "h100-sxm" context: 4096 }
axis { path: "scenario.batch" value: "1" value: "16" }
axis { path: "hardware.memory.hbm.bandwidth_gb_per_s"
       linear { from: 2000 to: 8000 count: 50 } }
axis { path: "hardware.memory.hbm.path_energy_pj_per_bit"
       linear { from: 1 to: 8 count: 40 } }
objective { metric: "energy_per_token_j" }
objective { metric: "tokens_per_s" maximize: true }
)";

std::string SpaceFile() {
  const std::string path = TempPath("space.textproto");
  Write(path, kSpace);
  return path;
}

// Writes shards 0 ... n - 1 to files, in a different order.
std::vector<std::string> Shards(const std::string& space, int n) {
  std::vector<std::string> files;
  for (int i = n - 1; i >= 0; --i) {
    files.push_back(TempPath(absl::StrCat("shard-", n, "-", i, ".json")));
    EXPECT_EQ(RunTool(absl::StrCat("sweep --space=", space, " --shard=", i, "/",
                                   n, " --format=json --out=", files.back()))
                  .exit_code,
              0);
  }
  return files;
}

std::string Merge(const std::string& space,
                  const std::vector<std::string>& files) {
  std::string command = absl::StrCat("merge --format=json --space=", space);
  for (const std::string& file : files) absl::StrAppend(&command, " ", file);
  return command;
}

TEST(SweepCliTest, OneShardAndEightAreTheSameBytes) {
  const std::string space = SpaceFile();
  const Outcome one = RunTool(Merge(space, Shards(space, 1)));
  const Outcome eight = RunTool(Merge(space, Shards(space, 8)));
  ASSERT_EQ(one.exit_code, 0) << one.err;
  ASSERT_EQ(eight.exit_code, 0) << eight.err;
  EXPECT_EQ(one.out, eight.out);
  const SweepStudy merged = FromJson<SweepStudy>(one.out);
  EXPECT_EQ(merged.points(), 2 * 50 * 40);
  // The search without shards finds the same.
  const SweepStudy whole = FromJson<SweepStudy>(
      RunTool(absl::StrCat("sweep --format=json --space=", space)).out);
  EXPECT_GT(whole.points_per_second_per_core(), 0);
  ASSERT_EQ(whole.front_size(), merged.front_size());
  for (int i = 0; i < whole.front_size(); ++i) {
    EXPECT_EQ(whole.front(i).SerializeAsString(),
              merged.front(i).SerializeAsString());
  }
}

TEST(SweepCliTest, AShardThatWasKilledIsRunAgain) {
  const std::string space = SpaceFile();
  std::vector<std::string> files = Shards(space, 3);
  const std::string expected = RunTool(Merge(space, files)).out;
  Write(files[1], "{ \"name\": \"cl");  // as if it had died while writing
  const Outcome broken = RunTool(Merge(space, files));
  EXPECT_EQ(broken.exit_code, 3);
  EXPECT_THAT(broken.err, HasSubstr("shard-3-1.json"));
  const Outcome missing = RunTool(Merge(space, {files[0], files[2]}));
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.err, HasSubstr("--shard=1/3"));
  files = Shards(space, 3);
  EXPECT_EQ(RunTool(Merge(space, files)).out, expected);
}

TEST(SweepCliTest, ShardsOfAnotherSpaceAreRefused) {
  const std::string space = SpaceFile();
  const std::vector<std::string> files = Shards(space, 2);
  const std::string other = TempPath("other.textproto");
  Write(other, absl::StrCat(kSpace, "limit { metric: \"power_w\" max: 400 }"));
  const Outcome merged = RunTool(Merge(other, files));
  EXPECT_EQ(merged.exit_code, 3);
  EXPECT_THAT(merged.err, HasSubstr("another space"));
}

TEST(SweepCliTest, FlagsReplaceWhatPointsShareInShardsToo) {
  const std::string changes =
      " --model=qwen3-8b --set=scenario.context=8192 --set=scenario.kv=fp8";
  const std::string space = SpaceFile();
  const Outcome changed =
      RunTool(absl::StrCat("sweep --format=json --space=", space, changes));
  ASSERT_EQ(changed.exit_code, 0) << changed.err;
  std::string text = kSpace;
  text.replace(text.find("llama-3.1-8b"), 12, "qwen3-8b");
  text.replace(text.find("context: 4096"), 13, "context: 8192 kv: \"fp8\"");
  const std::string written = TempPath("written.textproto");
  Write(written, text);
  const Outcome same =
      RunTool(absl::StrCat("sweep --format=json --space=", written));
  const SweepStudy a = FromJson<SweepStudy>(changed.out);
  const SweepStudy b = FromJson<SweepStudy>(same.out);
  EXPECT_EQ(a.fingerprint(), b.fingerprint());
  ASSERT_EQ(a.front_size(), b.front_size());
  EXPECT_EQ(a.front(0).SerializeAsString(), b.front(0).SerializeAsString());
  const Outcome refused =
      RunTool(absl::StrCat("sweep --space=", space, " --set=scenario.batch=4"));
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.err, HasSubstr("scenario.batch is set by an axis"));
}

// The command of a point gives the same answer as the sweep.
TEST(SweepCliTest, APointNamesTheCommandThatRepeatsIt) {
  const std::string space = SpaceFile();
  const SweepStudy study = FromJson<SweepStudy>(
      RunTool(absl::StrCat("sweep --format=json --space=", space)).out);
  ASSERT_GT(study.front_size(), 0);
  const SweepPoint& point = study.front(0);
  const Outcome shown = RunTool(absl::StrCat(
      "sweep --space=", space, " --point=", static_cast<int64_t>(point.id())));
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  // A long command goes on after a backslash at the end of a line.
  const std::vector<std::string> halves =
      absl::StrSplit(absl::StrReplaceAll(shown.out, {{"\\\n", " "}}),
                     "the same:\n  tokenjoule ");
  ASSERT_EQ(halves.size(), 2u) << shown.out;
  const std::string command = halves[1].substr(0, halves[1].find('\n'));
  const Report report =
      FromJson<Report>(RunTool(command + " --format=json").out);
  EXPECT_NEAR(report.energy_per_token_j(), point.figures().energy_per_token_j(),
              1e-12 * report.energy_per_token_j());
}

// 4 x 10^12 points.
std::string LargeSpace() {
  const std::string path = TempPath("large.textproto");
  Write(path, absl::StrCat(kSpace,
                           "axis { path: \"hardware.board.static_power_w\" "
                           "linear { from: 50 to: 200 count: 10000 } } axis { "
                           "path: \"hardware.runtime.time_per_step_us\" "
                           "linear { from: 1 to: 1000 count: 100000 } }"));
  return path;
}

// The exit code of a search for so many seconds; the shell's `timeout` then sends the
// signal that Ctrl-C does.
int InterruptedSearch(int seconds, const std::string& format,
                      const std::string& out) {
  const std::string command = absl::StrCat(
      "timeout --signal=INT --preserve-status ", seconds, " ", *binary,
      " sweep --yes --space=", LargeSpace(), " --format=", format,
      " --out=", out, " 2> ", TempPath("stderr"));
  return WEXITSTATUS(std::system(command.c_str()));
}

// What a search leaves in FILE.partial if it is interrupted once it has found
// something, for as long as this machine takes until then; an earlier answer stays.
// `has_found` says whether the answer has it.
std::string PartialAnswer(
    const std::string& format,
    const std::function<bool(const std::string&)>& has_found) {
  const std::string out = TempPath(absl::StrCat("complete.", format));
  const std::string partial = out + ".partial";
  Write(out, "complete");
  std::string text;
  for (int seconds = 1; seconds <= 32; seconds *= 2) {
    std::remove(partial.c_str());
    // The shell says so too where the signal comes before the search begins.
    EXPECT_EQ(InterruptedSearch(seconds, format, out), 130) << format;
    EXPECT_EQ(Read(out), "complete") << format;
    text = Read(partial);
    if (has_found(text)) {
      EXPECT_THAT(Read(TempPath("stderr")), HasSubstr(".partial")) << format;
      return text;
    }
  }
  ADD_FAILURE() << format << " has nothing: " << text;
  return text;
}

std::string PartialAnswer(const std::string& format, const std::string& mark) {
  return PartialAnswer(format, [&](const std::string& text) {
    return absl::StrContains(text, mark);
  });
}

TEST(SweepCliTest, AnInterruptLeavesAnAnswerThatSaysSoAndTheOldOne) {
  const SweepStudy study =
      FromJson<SweepStudy>(PartialAnswer("json", [](const std::string& text) {
        return !text.empty() && FromJson<SweepStudy>(text).front_size() > 0;
      }));
  EXPECT_TRUE(study.interrupted());
  EXPECT_GT(study.points(), 0);
  EXPECT_LT(study.points(), 4e12);
  EXPECT_GT(study.front_size(), 0);
  // In words where a format has no place for a flag.
  PartialAnswer("table", "INTERRUPTED");
  PartialAnswer("csv", "interrupted");
  PartialAnswer("svg", "INTERRUPTED");
  PartialAnswer("html", "\"interrupted\"");
  PartialAnswer("vega", "INTERRUPTED");
}

// 4 x 10^12 points take longer than an hour on any machine of today's.
TEST(SweepCliTest, ASearchOfHoursIsNotBegunUnasked) {
  const std::string out = TempPath("hours.json");
  const Outcome asked =
      RunTool(absl::StrCat("sweep --space=", LargeSpace(), " --threads=1 --format=json --out=", out));
  EXPECT_EQ(asked.exit_code, 2);
  EXPECT_THAT(asked.err, HasSubstr("--yes"));
  EXPECT_FALSE(std::ifstream(out).good());
  const Outcome unwritable = RunTool(
      absl::StrCat("sweep --space=", LargeSpace(), " --out=/nowhere/front.json"));
  EXPECT_EQ(unwritable.exit_code, 3);
  EXPECT_THAT(unwritable.err, HasSubstr("--out=/nowhere/front.json: cannot be"));
}

// One value as the CSV writes it: a number by %.15g or, if that reads back as
// another number, by %.17g.
std::string CellAsCsv(sqlite3_stmt* query, int column) {
  if (sqlite3_column_type(query, column) == SQLITE_NULL) return "";
  const double value = sqlite3_column_double(query, column);
  const std::string text = absl::StrFormat("%.15g", value);
  return std::stod(text) == value ? text : absl::StrFormat("%.17g", value);
}

// A query of numbers as the CSV writes them, without the columns `position` and
// `command`, which it does not have.
std::string AskCsv(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr),
            SQLITE_OK);
  sqlite3_stmt* query = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(db, sql.c_str(), -1, &query, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db);
  std::vector<int> columns;
  std::vector<std::string> names;
  for (int i = 0; i < sqlite3_column_count(query); ++i) {
    const std::string name = sqlite3_column_name(query, i);
    if (name == "position" || name == "command") continue;
    columns.push_back(i);
    names.push_back(name);
  }
  std::string out = absl::StrCat(absl::StrJoin(names, ","), "\n");
  while (sqlite3_step(query) == SQLITE_ROW) {
    const auto append = [query](std::string* cells, int column) {
      cells->append(CellAsCsv(query, column));
    };
    absl::StrAppend(&out, absl::StrJoin(columns, ",", append), "\n");
  }
  EXPECT_EQ(sqlite3_finalize(query), SQLITE_OK);
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
  return out;
}

TEST(SweepCliTest, TheDatabaseHoldsTheFrontOfTheCsv) {
  const std::string space = SpaceFile();
  const std::string path = TempPath("front.sqlite");
  const Outcome outcome = RunTool(
      absl::StrCat("sweep --space=", space, " --format=sqlite --out=", path));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  const std::string csv =
      RunTool(absl::StrCat("sweep --format=csv --space=", space)).out;
  EXPECT_EQ(AskCsv(path, "SELECT * FROM front ORDER BY position"), csv);
  EXPECT_EQ(AskCsv(path, "SELECT points, interrupted FROM study"),
            "points,interrupted\n4000,0\n");
}

TEST(SweepCliTest, DominatedPointsAreInEveryFormat) {
  const std::string space = SpaceFile();
  const std::string args =
      absl::StrCat("sweep --dominated=25 --space=", space, " --format=");
  const SweepStudy study = FromJson<SweepStudy>(RunTool(args + "json").out);
  EXPECT_EQ(study.dominated_size(), 25);
  EXPECT_EQ(study.dominated_points(), study.feasible() - study.front_size());
  ASSERT_TRUE(study.has_baseline());
  const std::string csv = RunTool(args + "csv").out;
  int dominated = 0, baselines = 0;
  for (const absl::string_view line : absl::StrSplit(csv, '\n')) {
    dominated += absl::EndsWith(line, ",dominated");
    baselines += absl::EndsWith(line, ",baseline");
  }
  EXPECT_EQ(dominated, 25);
  EXPECT_EQ(baselines, 1);
  const std::string path = TempPath("dominated.sqlite");
  ASSERT_EQ(RunTool(absl::StrCat(args, "sqlite --out=", path)).exit_code, 0);
  EXPECT_EQ(AskCsv(path,
                   "SELECT (SELECT count(*) FROM dominated) AS dominated, "
                   "(SELECT count(*) FROM baseline) AS baseline, "
                   "dominated_points - (SELECT count(*) FROM front) < feasible "
                   "AS fewer FROM study"),
            "dominated,baseline,fewer\n25,1,1\n");
  EXPECT_THAT(RunTool(args + "svg").out, HasSubstr("dominated, 25 of "));
  EXPECT_EQ(RunTool(absl::StrCat("sweep --dominated=-1 --space=", space))
                .exit_code,
            2);
}

// 4 x 10^15 points are not numbered; the same seed gives the same bytes.
TEST(SweepCliTest, TheDatabaseOfASearchByEvolution) {
  const std::string space = TempPath("evolution.textproto");
  Write(space, absl::StrCat(kSpace,
                            "axis { path: \"hardware.board.static_power_w\" "
                            "linear { from: 50 to: 200 } } axis { path: "
                            "\"hardware.runtime.time_per_step_us\" linear { "
                            "from: 1 to: 1000 } } evolution { population: 24 "
                            "generations: 5 }"));
  const std::string path = TempPath("evolution.sqlite");
  const std::string command =
      absl::StrCat("sweep --format=sqlite --out=", path, " --space=", space);
  const Outcome outcome = RunTool(command);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(AskCsv(path, "SELECT evolution_population FROM study"),
            "evolution_population\n24\n");
  EXPECT_EQ(AskCsv(path,
                   "SELECT count(*) > 0 AS points, count(id) AS numbered, "
                   "count(*) - count(command) AS mute FROM front"),
            "points,numbered,mute\n1,0,0\n");
  const std::string bytes = Read(path);
  ASSERT_EQ(RunTool(command).exit_code, 0);
  EXPECT_EQ(bytes, Read(path));
}

TEST(SweepCliTest, DatabasesOfOneShardAndEightAreTheSameBytes) {
  const std::string space = SpaceFile();
  const std::string path = TempPath("merged.sqlite");
  std::vector<std::string> bytes;
  for (const int shards : {1, 8, 8}) {
    std::string command =
        absl::StrCat("merge --format=sqlite --out=", path, " --space=", space);
    for (const std::string& file : Shards(space, shards)) {
      absl::StrAppend(&command, " ", file);
    }
    // The file of the run before is replaced.
    ASSERT_EQ(RunTool(command).exit_code, 0);
    bytes.push_back(Read(path));
  }
  EXPECT_EQ(bytes[0], bytes[1]);
  EXPECT_EQ(bytes[0], bytes[2]);
  // The same holds for the search without shards, because its speed is not in
  // the file.
  ASSERT_EQ(RunTool(absl::StrCat("sweep --format=sqlite --out=", path,
                                 " --space=", space))
                .exit_code,
            0);
  EXPECT_EQ(bytes[0], Read(path));
}

TEST(SweepCliTest, ADatabaseIsWrittenWholeOrNotAtAll) {
  const std::string space = SpaceFile();
  for (const std::string& command :
       {absl::StrCat("sweep --format=sqlite --space=", space),
        absl::StrCat("merge --format=sqlite --space=", space, " x.json")}) {
    const Outcome refused = RunTool(command);
    EXPECT_EQ(refused.exit_code, 2) << command;
    EXPECT_EQ(refused.out, "");
    EXPECT_THAT(refused.err, HasSubstr("--out=FILE"));
  }
  for (const char* other : {"analyze", "batch", "tricks"}) {
    const Outcome refused =
        RunTool(absl::StrCat(other, " --format=sqlite --out=x.sqlite"));
    EXPECT_EQ(refused.exit_code, 2) << other;
    EXPECT_THAT(refused.err, HasSubstr("unknown format"));
  }
  const std::string nowhere = TempPath("no-folder/front.sqlite");
  const Outcome outcome = RunTool(absl::StrCat(
      "sweep --format=sqlite --space=", space, " --out=", nowhere));
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("no-folder/front.sqlite"));
  // On a disk that is full after two kilobytes only the old file remains.
  const std::string folder = TempPath("folder");
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  const std::string path = folder + "/front.sqlite";
  Write(path, "old");
  EXPECT_EQ(RunTool(absl::StrCat("sweep --format=sqlite --space=", space,
                                 " --out=", path),
                    "trap '' XFSZ; ulimit -f 4;")
                .exit_code,
            3);
  EXPECT_EQ(Read(path), "old");
  ASSERT_EQ(remove(path.c_str()), 0);
  EXPECT_EQ(rmdir(folder.c_str()), 0) << "something was left beside the file";
}

TEST(SweepCliTest, EveryFormatAndTheChart) {
  const std::string space = SpaceFile();
  for (const char* format : {"table", "json", "csv", "svg"}) {
    const Outcome outcome =
        RunTool(absl::StrCat("sweep --space=", space, " --format=", format));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_FALSE(outcome.out.empty());
  }
}

TEST(SweepCliTest, WhatCannotBeReadIsUsageOrData) {
  const std::string space = SpaceFile();
  for (const char* args : {"sweep", "merge", "sweep --space=x --shard=8/8",
                           "sweep --space=x "
                           "--shard=-1/2",
                           "sweep --space=x --shard=a",
                           "sweep --space=x "
                           "--threads=0",
                           "sweep --space=x --format=yaml"}) {
    EXPECT_EQ(RunTool(args).exit_code, 2) << args;
  }
  EXPECT_EQ(RunTool("sweep --space=hbm-acelerator").exit_code, 3);
  EXPECT_THAT(RunTool("sweep --space=hbm-acelerator").err,
              HasSubstr("hbm-accelerator"));
  EXPECT_EQ(RunTool("sweep --space=/nowhere/s.textproto").exit_code, 3);
  EXPECT_EQ(
      RunTool(absl::StrCat("sweep --space=", space, " --point=4000")).exit_code,
      2);
  EXPECT_EQ(RunTool(absl::StrCat("merge --space=", space, " /nowhere.json"))
                .exit_code,
            3);
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) { return tokenjoule::RunToolTests(argc, argv); }
