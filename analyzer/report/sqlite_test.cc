#include "analyzer/report/sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "analyzer/testing/hostile.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "proto/report.pb.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The result of a query: one line per row, "|" between columns, and each value
// preceded by its type: "i" integer, "r" real, "t" text, "null".
std::vector<std::string> Ask(const std::string& bytes, const std::string& sql) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
  auto* copy = static_cast<unsigned char*>(sqlite3_malloc64(bytes.size()));
  // NOLINTNEXTLINE(bugprone-not-null-terminated-result): a database, not a text.
  std::memcpy(copy, bytes.data(), bytes.size());
  EXPECT_EQ(sqlite3_deserialize(db, "main", copy, bytes.size(), bytes.size(),
                                SQLITE_DESERIALIZE_FREEONCLOSE),
            SQLITE_OK);
  sqlite3_stmt* query = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(db, sql.c_str(), -1, &query, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db);
  std::vector<std::string> rows;
  while (sqlite3_step(query) == SQLITE_ROW) {
    std::vector<std::string> cells;
    for (int i = 0; i < sqlite3_column_count(query); ++i) {
      const int type = sqlite3_column_type(query, i);
      const auto* text =
          reinterpret_cast<const char*>(sqlite3_column_text(query, i));
      if (text == nullptr) {
        cells.push_back("null");
        continue;
      }
      cells.push_back(absl::StrCat(type == SQLITE_INTEGER ? "i"
                                   : type == SQLITE_FLOAT ? "r"
                                                          : "t",
                                   text));
    }
    rows.push_back(absl::StrJoin(cells, "|"));
  }
  EXPECT_EQ(sqlite3_finalize(query), SQLITE_OK);
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
  return rows;
}

std::string Bytes(const SweepStudy& study) { return OrDie(SweepSqlite(study)); }

void AddPoint(double id, const std::vector<std::string>& values, double energy,
              SweepStudy* study) {
  SweepPoint* point = study->add_front();
  point->set_id(id);
  for (const std::string& value : values) point->add_values(value);
  point->mutable_figures()->set_energy_per_token_j(energy);
  point->mutable_figures()->set_chips(8);
}

// Two points of a space with two axes.
SweepStudy Small() {
  SweepStudy study;
  study.set_name("small");
  study.set_points(4);
  study.set_invalid(1);
  study.set_feasible(3);
  study.set_fingerprint("abc");
  study.set_points_per_second_per_core(1e7);
  study.add_axes("scenario.weights");
  study.add_axes("scenario.batch");
  study.add_objectives("energy_per_token_j");
  study.add_objectives("max tokens_per_s");
  AddPoint(3, {"fp8", "16"}, 0.25, &study);
  AddPoint(1, {"bf16", "1"}, 0.5, &study);
  InvalidReason* reason = study.add_invalid_reasons();
  reason->set_reason("tp 3 does not divide 32 heads");
  reason->set_points(1);
  return study;
}

TEST(SqliteTest, TheStudyIsARowOfCountsWithoutItsSpeed) {
  const std::string bytes = Bytes(Small());
  EXPECT_THAT(Ask(bytes,
                  "SELECT name, points, invalid, does_not_fit, outside_limits, "
                  "feasible, fingerprint, interrupted FROM study"),
              ElementsAre("tsmall|i4|i1|i0|i0|i3|tabc|i0"));
  EXPECT_THAT(Ask(bytes,
                  "SELECT count(*) FROM pragma_table_info('study') "
                  "WHERE name LIKE '%second%'"),
              ElementsAre("i0"));
  EXPECT_THAT(Ask(bytes, "PRAGMA user_version"), ElementsAre("i1"));
  EXPECT_THAT(Ask(bytes, "PRAGMA integrity_check"), ElementsAre("tok"));
}

TEST(SqliteTest, AxesObjectivesAndReasonsAreTables) {
  const std::string bytes = Bytes(Small());
  EXPECT_THAT(Ask(bytes, "SELECT * FROM axes"),
              ElementsAre("i0|tscenario.weights|tscenario.weights",
                          "i1|tscenario.batch|tscenario.batch"));
  EXPECT_THAT(Ask(bytes, "SELECT * FROM objectives"),
              ElementsAre("i0|tenergy_per_token_j|i0", "i1|ttokens_per_s|i1"));
  EXPECT_THAT(Ask(bytes, "SELECT * FROM invalid_reasons"),
              ElementsAre("ttp 3 does not divide 32 heads|i1"));
}

TEST(SqliteTest, NumbersOfTheFrontAreRealAndNamesAreText) {
  EXPECT_THAT(Ask(Bytes(Small()),
                  "SELECT id, \"scenario.weights\", \"scenario.batch\", "
                  "energy_per_token_j, chips, command FROM front"),
              ElementsAre("i3|tfp8|r16.0|r0.25|r8.0|null",
                          "i1|tbf16|r1.0|r0.5|r8.0|null"));
}

TEST(SqliteTest, AColumnWithOneNameIsAllText) {
  SweepStudy study = Small();
  study.mutable_front(0)->set_values(1, "1e400");
  EXPECT_THAT(
      Ask(Bytes(study), "SELECT \"scenario.batch\" FROM front ORDER BY id"),
      ElementsAre("t1", "t1e400"));
}

// A figure that is added to the message gets a column without further changes.
TEST(SqliteTest, EveryFigureIsAColumn) {
  const std::string bytes = Bytes(Small());
  for (int i = 0; i < SweepFigures::descriptor()->field_count(); ++i) {
    const std::string name = SweepFigures::descriptor()->field(i)->name();
    EXPECT_THAT(
        Ask(bytes,
            absl::StrCat("SELECT type FROM pragma_table_info('front') WHERE "
                         "name = '",
                         name, "'")),
        ElementsAre("tREAL"))
        << name;
  }
}

TEST(SqliteTest, AxesThatDifferOnlyInCaseHaveColumnsOfTheirOwn) {
  SweepStudy study;
  for (const char* path : {"a.Batch", "a.batch", "", "", "ID", "chips",
                           "a.batch (2)", "a.batch"}) {
    study.add_axes(path);
  }
  AddPoint(7, {"1", "2", "3", "4", "5", "6", "7", "8"}, 1, &study);
  const std::string bytes = Bytes(study);
  EXPECT_THAT(
      Ask(bytes, "SELECT front_column FROM axes"),
      ElementsAre("ta.Batch", "ta.batch (2)", "taxis", "taxis (2)", "tID (2)",
                  "tchips (2)", "ta.batch (2) (2)", "ta.batch (3)"));
  EXPECT_THAT(Ask(bytes, "SELECT * FROM front"),
              ElementsAre(testing::StartsWith(
                  "i0|i7|r1.0|r2.0|r3.0|r4.0|r5.0|r6.0|r7.0|r8.0|r1.0|")));
}

// The fields of a nested message are columns that are NULL if the message is
// absent; points without a number have their command.
TEST(SqliteTest, ASearchByEvolutionSaysHow) {
  const std::string sql =
      "SELECT evolution_algorithm, evolution_seed, evolution_exact_front_share "
      "FROM study";
  SweepStudy study = Small();
  EXPECT_THAT(Ask(Bytes(study), sql), ElementsAre("null|null|null"));
  study.mutable_evolution()->set_algorithm("NSGA2");
  study.mutable_evolution()->set_seed(7);
  study.mutable_evolution()->set_exact_front_share(0.25);
  study.mutable_front(0)->set_id(0);
  study.mutable_front(1)->set_id(0);
  study.mutable_front(0)->set_command("tokenjoule analyze");
  const std::string bytes = Bytes(study);
  EXPECT_THAT(Ask(bytes, sql), ElementsAre("tNSGA2|i7|r0.25"));
  EXPECT_THAT(Ask(bytes, "SELECT position, id, command FROM front"),
              ElementsAre("i0|null|ttokenjoule analyze", "i1|null|null"));
}

TEST(SqliteTest, HostileTextStaysText) {
  const std::string hostile = "x\"); DROP TABLE front; --'";
  const std::string nul("a\0b", 3);
  SweepStudy study;
  study.set_name(hostile);
  study.add_axes(hostile);
  study.add_axes(nul);
  study.add_axes(std::string(100000, 'n'));
  study.add_objectives("max '\"");
  AddPoint(1, {hostile, nul, std::string(1000000, 'v')}, 1, &study);
  const std::string bytes = Bytes(study);
  EXPECT_THAT(Ask(bytes, "PRAGMA integrity_check"), ElementsAre("tok"));
  EXPECT_THAT(Ask(bytes, "SELECT name FROM study"), ElementsAre("t" + hostile));
  EXPECT_THAT(Ask(bytes, "SELECT path FROM axes WHERE position < 2"),
              ElementsAre("t" + hostile,
                          "ta\xEF\xBF\xBD"
                          "b"));
  EXPECT_THAT(Ask(bytes, "SELECT metric, maximize FROM objectives"),
              ElementsAre("t'\"|i1"));
  EXPECT_THAT(Ask(bytes, "SELECT * FROM front"),
              ElementsAre(testing::StartsWith(absl::StrCat(
                  "i0|i1|t", hostile, "|ta\xEF\xBF\xBD", "b|tvvv"))));
}

TEST(SqliteTest, NumbersKeepEveryBit) {
  SweepStudy study = Small();
  const double third = 1.0 / 3;
  study.mutable_front(0)->mutable_figures()->set_power_w(third);
  study.mutable_front(1)->mutable_figures()->set_power_w(
      std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(
      Ask(Bytes(study), "SELECT power_w = 1.0 / 3 FROM front ORDER BY id"),
      ElementsAre("null", "i1"));
}

TEST(SqliteTest, AnEmptyAnswerHasEveryTable) {
  const std::string bytes = Bytes(SweepStudy());
  for (const char* table : {"front", "axes", "objectives", "invalid_reasons"}) {
    EXPECT_THAT(Ask(bytes, absl::StrCat("SELECT count(*) FROM ", table)),
                ElementsAre("i0"));
  }
  EXPECT_THAT(Ask(bytes, "SELECT count(*) FROM study"), ElementsAre("i1"));
}

TEST(SqliteTest, TheSameAnswerIsTheSameBytes) {
  SweepStudy study = Small();
  for (int i = 10; i < 20000; ++i) {
    AddPoint(i, {absl::StrCat("name ", i * 7919 % 1000), "2"}, 1.0 / i, &study);
  }
  const std::string first = Bytes(study);
  study.set_points_per_second_per_core(2e7);
  EXPECT_EQ(first, Bytes(study));
}

TEST(SqliteTest, WhatATableCannotHoldIsSaid) {
  SweepStudy wide;
  for (int i = 0; i < 100000; ++i) wide.add_axes("a");
  EXPECT_THAT(
      ErrorOf(SweepSqlite(wide)),
      HasSubstr("axes, the most that a table of SQLite has columns for; "
                "found 100000"));

  for (const double id :
       {-1.0, 0.5, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    SweepStudy study;
    AddPoint(id, {}, 1, &study);
    EXPECT_FALSE(SweepSqlite(study).ok()) << id;
  }
}

// Names of axes are names of columns.
TEST(SqliteTest, HostileTextsAreCellsAndColumnsAndNothingElse) {
  for (const HostileText& hostile : HostileTexts()) {
    SCOPED_TRACE(hostile.attacks);
    SweepStudy study = Small();
    study.set_name(hostile.text);
    study.set_axes(0, hostile.text);
    study.mutable_front(0)->set_values(0, hostile.text);
    const std::string bytes = Bytes(study);
    const size_t nul = hostile.text.find('\0');
    const std::string text =
        nul == std::string::npos
            ? hostile.text
            : absl::StrReplaceAll(
                  hostile.text,
                  {{absl::string_view("\0", 1), "\xef\xbf\xbd"}});
    EXPECT_THAT(Ask(bytes, "SELECT name FROM study"),
                ElementsAre(absl::StrCat("t", text)));
    EXPECT_THAT(Ask(bytes, "SELECT count(*) FROM front"), ElementsAre("i2"));
    EXPECT_THAT(Ask(bytes, "SELECT count(*) FROM axes"), ElementsAre("i2"));
    EXPECT_THAT(Ask(bytes, "PRAGMA integrity_check"), ElementsAre("tok"));
    const std::vector<std::string> columns =
        Ask(bytes, "SELECT name FROM pragma_table_info('front')");
    // SQLite itself names a column that has no name.
    if (text.empty()) continue;
    EXPECT_EQ(std::count(columns.begin(), columns.end(),
                         absl::StrCat("t", text)),
              1);
  }
}

}  // namespace
}  // namespace tokenjoule
