#include "analyzer/report/report.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "analyzer/base/version.h"
#include "gmock/gmock.h"
#include "google/protobuf/empty.pb.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
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

TEST(ReportTest, ASpaceWithoutANameIsCalledThat) {
  SweepStudy study;
  EXPECT_THAT(*Written(study, kTable), StartsWith("unnamed space: 0 points"));
  EXPECT_THAT(*Written(study, kSvg), HasSubstr("Unnamed space: the Pareto front"));
  study.set_name("mine");
  EXPECT_THAT(*Written(study, kTable), StartsWith("mine: 0 points"));
}

TEST(ReportTest, JsonBeginsWithTheVersion) {
  const std::string begin =
      absl::StrCat("{\n \"tokenjoule_version\": \"", kVersion, "\"");
  Listing listing;
  EXPECT_EQ(ToJson(listing), absl::StrCat(begin, ",\n \"entries\": []\n}\n"));
  listing.add_entries()->set_name("tokenjoule_version");
  const std::string json = ToJson(listing);
  EXPECT_THAT(json, StartsWith(absl::StrCat(begin, ",\n \"entries\"")));
  // Only the answer has it, not the messages in it.
  EXPECT_EQ(json.find("\"tokenjoule_version\":"),
            json.rfind("\"tokenjoule_version\":"));
  // A message without fields.
  EXPECT_EQ(ToJson(google::protobuf::Empty()), absl::StrCat(begin, "\n}\n"));
}

TEST(ReportTest, JsonIsReadWithAndWithoutVersionWhereverItStands) {
  Listing listing;
  listing.add_entries()->set_name("a");
  for (const std::string& text :
       {ToJson(listing), std::string("{\"entries\": [{\"name\": \"a\"}]}"),
        std::string("{\"entries\":[{\"name\":\"a\"}],"
                    "\"tokenjoule_version\":\"0.0.1\"}")}) {
    Listing read;
    EXPECT_TRUE(FromJson(text, &read).ok());
    EXPECT_EQ(ToJson(read), ToJson(listing)) << text;
  }
  Listing read;
  std::string version;
  EXPECT_TRUE(FromJson(ToJson(listing), &read, &version).ok());
  EXPECT_EQ(version, kVersion);
  EXPECT_TRUE(FromJson("{}", &read, &version).ok());
  EXPECT_EQ(version, "");
  EXPECT_TRUE(
      FromJson("{\"tokenjoule_version\":\"0.0.1\"}", &read, &version).ok());
  EXPECT_EQ(version, "0.0.1");
}

TEST(ReportTest, JsonOfANewerSchemaSaysSo) {
  Listing read;
  const auto message = [&](const std::string& version) {
    return std::string(
        FromJson(absl::StrCat("{\n \"tokenjoule_version\": \"", version,
                              "\",\n \"colour\": 1\n}\n"),
                 &read)
            .message());
  };
  EXPECT_THAT(
      message("99.10.0"),
      AllOf(HasSubstr("colour"), HasSubstr("tokenjoule 99.10.0 wrote the file"),
            HasSubstr(kVersion)));
  // This version and older ones have no such excuse.
  EXPECT_THAT(message(kVersion), Not(HasSubstr("wrote it")));
  EXPECT_THAT(message("0.0.99"), Not(HasSubstr("wrote it")));
}

TEST(ReportTest, AKeyThatIsThereTwiceIsRefused) {
  Listing read;
  const absl::Status status =
      FromJson(R"({"entries": [{"name": "a"}, {"name": "a", "kind": "", "name": "b"}]})",
               &read);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("\"entries[1].name\" is there twice"));
}

}  // namespace
}  // namespace tokenjoule
