#include "analyzer/description/new_hardware.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/lint.h"
#include "analyzer/testing/files.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

// The text with every nan replaced by the number that its line calls usual, or
// by one that fits the field.
std::string FilledIn(const std::string& text) {
  std::string out;
  for (const absl::string_view piece : absl::StrSplit(text, '\n')) {
    const std::string line(piece);
    const size_t usual = line.find("usually ");
    std::string number = "1";
    if (usual != std::string::npos) {
      number = line.substr(usual + 8);
      number = number.substr(0, number.find_first_of(" ;"));
    }
    // The least that is usual of one group and the most of another may not
    // leave a machine: a limit of power is above what stands.
    if (absl::StrContains(line, "power_cap_w")) number = "1500";
    absl::StrAppend(&out, absl::StrReplaceAll(line, {{"nan", number}}), "\n");
  }
  return out;
}

TEST(NewHardwareTest, EveryClassLeavesOnlyItsPlaceholdersToBeFilledIn) {
  for (const std::string& base : CatalogNames(SpecKind::kClass)) {
    const std::string text = OrDie(NewHardwareText(base, "my-machine"));
    const std::string path = TempPath("begun.textproto");
    Write(path, text);
    const bool has_open = absl::StrContains(text, "\n  ") &&
                          absl::StrContains(text, "{ value: nan }");
    const absl::StatusOr<LintedFile> linted = LintFile(path, "");
    if (!linted.ok()) {
      EXPECT_TRUE(has_open) << base << linted.status();
      for (const absl::string_view fault :
           absl::StrSplit(linted.status().message(), '\n')) {
        EXPECT_THAT(std::string(fault), HasSubstr("fill it in")) << base;
      }
    }
    Write(path, FilledIn(text));
    const absl::StatusOr<LintedFile> filled = LintFile(path, "");
    EXPECT_TRUE(filled.ok()) << base << ": " << filled.status() << "\n"
                             << FilledIn(text);
  }
}

TEST(NewHardwareTest, AMachineAsBaseLeavesNothingOpen) {
  for (const std::string& base : CatalogNames(SpecKind::kSystem)) {
    const std::string path = TempPath("begun.textproto");
    Write(path, OrDie(NewHardwareText(base, "my-machine")));
    const absl::StatusOr<LintedFile> linted = LintFile(path, "");
    EXPECT_TRUE(linted.ok()) << base << ": " << linted.status();
  }
}

TEST(NewHardwareTest, EachNumberHasItsMeaningAndTheUsualRange) {
  const std::string text = OrDie(NewHardwareText("cpu-server", "my-cpu"));
  EXPECT_THAT(text, HasSubstr("name: \"my-cpu\"\n"));
  EXPECT_THAT(text, HasSubstr("\n  bandwidth_gb_per_s { value: nan }  # peak "
                              "bandwidth on one chip, GB/s of 1e9 bytes; "
                              "usually 307.2 to "));
  EXPECT_THAT(text, HasSubstr("\n  # bandwidth_efficiency { value: 0.85 low: "
                              "0.65 high: 0.93 }  # fraction of the peak that "
                              "very long transfers reach"));
  EXPECT_THAT(text, HasSubstr("; inherited from cpu-server\n"));
  EXPECT_THAT(text, HasSubstr("\n# node {\n  # host_power_w_per_chip"));
  // A base that is found by another name is called by its own.
  EXPECT_THAT(OrDie(NewHardwareText("4090", "my-card")),
              HasSubstr("base: \"rtx-4090\""));
}

TEST(NewHardwareTest, UnknownBasesAndOddNamesAreRefused) {
  EXPECT_THAT(ErrorOf(NewHardwareText("cpu-sever", "my-cpu")),
              HasSubstr("did you mean \"cpu-server\"?"));
  EXPECT_THAT(ErrorOf(NewHardwareText("asic", "My CPU")),
              HasSubstr("expected letters a-z"));
  EXPECT_THAT(ErrorOf(NewHardwareText("asic", "")),
              HasSubstr("expected letters a-z"));
}

}  // namespace
}  // namespace tokenjoule
