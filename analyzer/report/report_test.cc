#include "analyzer/report/report.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr OutputFormat kTable = OutputFormat::kTable;
constexpr OutputFormat kJson = OutputFormat::kJson;
constexpr OutputFormat kCsv = OutputFormat::kCsv;
constexpr OutputFormat kSvg = OutputFormat::kSvg;
constexpr OutputFormat kVega = OutputFormat::kVega;
constexpr OutputFormat kSqlite = OutputFormat::kSqlite;

TEST(ReportTest, FormatsAreThoseThatHaveWriters) {
  EXPECT_THAT(FormatsOf<Report>(), ElementsAre(kTable, kJson, kCsv, kSvg, kVega));
  EXPECT_THAT(FormatsOf<Listing>(), ElementsAre(kTable, kJson, kCsv));
  EXPECT_THAT(FormatsOf<SweepStudy>(),
              ElementsAre(kTable, kJson, kCsv, kSvg, kVega, kSqlite));
}

TEST(ReportTest, OnlyAVerdictHasSummariesForAPullRequest) {
  EXPECT_NE(WritersOf<CheckResult>().markdown, nullptr);
  EXPECT_NE(WritersOf<CheckResult>().junit, nullptr);
  EXPECT_EQ(WritersOf<Report>().markdown, nullptr);
  EXPECT_EQ(WritersOf<Report>().junit, nullptr);
}

TEST(ReportTest, EachFormatHasANameOfItsOwn) {
  std::vector<std::string> names;
  for (const OutputFormat format : FormatsOf<SweepStudy>()) {
    names.push_back(FormatName(format));
  }
  EXPECT_THAT(names, ElementsAre("table", "json", "csv", "svg", "vega", "sqlite"));
}

TEST(ReportTest, EveryFormatIsMadeFromTheSameMessage) {
  Listing listing;
  listing.add_entries()->set_name("a name, quoted");
  EXPECT_THAT(*Written(listing, kJson),
              HasSubstr("\"name\": \"a name, quoted\""));
  EXPECT_EQ(*Written(listing, kCsv),
            "kind,name,description\n,\"a name, quoted\",\n");
  EXPECT_THAT(*Written(SweepStudy(), kSqlite), StartsWith("SQLite format 3"));
}

}  // namespace
}  // namespace tokenjoule
