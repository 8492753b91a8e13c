#include "analyzer/description/lint.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "analyzer/description/embedded_files.h"
#include "analyzer/testing/files.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

std::string Written(absl::string_view name, absl::string_view text) {
  const std::string path = TempPath(name);
  Write(path, text);
  return path;
}

std::string FaultsOf(const std::string& path, absl::string_view kind = "") {
  return ErrorOf(LintFile(path, kind));
}

TEST(LintTest, TheWholeCatalogueIsWithoutFaults) {
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    const std::string path = Written("entry.textproto", file.content);
    const bool is_class = absl::StartsWith(file.path, "hw_specs/classes/");
    const absl::StatusOr<LintedFile> linted =
        LintFile(path, is_class ? "class" : "");
    EXPECT_TRUE(linted.ok()) << file.path << ": " << linted.status();
  }
}

TEST(LintTest, TheHeaderSaysWhatAFileIs) {
  const std::string path =
      Written("s.textproto", "# proto-message: Scenario\nbatch: 4\n");
  const LintedFile linted = OrDie(LintFile(path, ""));
  EXPECT_EQ(linted.kind, "scenario");
  EXPECT_EQ(linted.name, "");
}

TEST(LintTest, TheKindThatIsGivenWins) {
  const std::string path =
      Written("s.textproto", "# proto-message: Scenario\nbatch: 4\n");
  EXPECT_THAT(FaultsOf(path, "model"), HasSubstr("batch"));
}

TEST(LintTest, WithoutHeaderOrKindItSaysWhatToAdd) {
  const std::string path = Written("n.textproto", "batch: 4\n");
  EXPECT_THAT(FaultsOf(path), HasSubstr("# proto-message: Model"));
  EXPECT_TRUE(LintFile(path, "scenario").ok());
}

TEST(LintTest, AnUnknownMessageNamesTheNearest) {
  const std::string path = Written("m.textproto", "# proto-message: Modle\n");
  EXPECT_THAT(FaultsOf(path), HasSubstr("did you mean \"Model\"?"));
}

TEST(LintTest, AnUnknownKindNamesTheNearest) {
  EXPECT_THAT(FaultsOf("x", "modle"), HasSubstr("did you mean \"model\"?"));
}

TEST(LintTest, EveryFaultOfAFileIsReported) {
  const std::string path = Written(
      "bad.textproto", "# proto-message: Model\nd_modle: 5\nvocab_size: -1\n");
  EXPECT_THAT(FaultsOf(path), HasSubstr("bad.textproto:2:8: unknown field"));
  EXPECT_THAT(FaultsOf(path), HasSubstr("bad.textproto:3:1: vocab_size"));
}

TEST(LintTest, AClassNeedNotBeWholeAMachineMust) {
  const std::string path =
      Written("part.textproto", "# proto-message: Hardware\nname: \"part\"\n");
  EXPECT_TRUE(LintFile(path, "class").ok());
  EXPECT_THAT(FaultsOf(path), HasSubstr("memory: is missing"));
}

TEST(LintTest, ABareNameIsAFileNotAnEntryOfTheCatalogue) {
  EXPECT_THAT(FaultsOf("llama-3.1-8b", "model"), HasSubstr("cannot be read"));
}

TEST(LintTest, BasesAreFoundBesideTheFile) {
  const std::string path = Written(
      "based.textproto",
      "# proto-message: Hardware\nname: \"based\"\nbase: \"./no.textproto\"\n");
  EXPECT_THAT(FaultsOf(path), HasSubstr("based.textproto:3:1: base: "));
  EXPECT_THAT(FaultsOf(path), HasSubstr("no.textproto: cannot be read"));
}

}  // namespace
}  // namespace tokenjoule
