#include "analyzer/description/lint.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/embedded_files.h"
#include "analyzer/description/notices.h"
#include "analyzer/testing/files.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

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
    if (!linted.ok()) continue;
    EXPECT_THAT(linted->inheritance.warnings,
                Not(Contains(HasSubstr(" devices are "))))
        << file.path;
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

constexpr char kMachines[] = "analyzer/description/testdata/machines/";

// Descriptions as users wrote them, some for an older schema: each can be used
// as it is.
TEST(LintTest, DescriptionsOfUsersCanBeUsed) {
  for (const char* name : {"eagle-llama3-8b", "m4max-tb5", "qwen36-27b",
                           "rtx3090-base-host", "xeon-ddr4"}) {
    const absl::StatusOr<LintedFile> linted =
        LintFile(absl::StrCat(kMachines, name, ".textproto"), "");
    ASSERT_TRUE(linted.ok()) << name << ": " << linted.status();
    EXPECT_EQ(linted->name, name);
  }
}

TEST(LintTest, FieldsInTheirOldPlaceAreReadAndNamed) {
  std::vector<std::string> notices;
  SetNoticeSink(
      [&](absl::string_view notice) { notices.emplace_back(notice); });
  const Hardware cpu =
      OrDie(LoadHardware(absl::StrCat(kMachines, "xeon-ddr4.textproto")));
  SetNoticeSink(nullptr);
  EXPECT_EQ(cpu.runtime().memory_fraction().value(), 0.95);
  EXPECT_EQ(cpu.runtime().overlap_fraction().value(), 1);
  EXPECT_EQ(cpu.memory(0).path_energy_pj_per_bit().value(), 6);
  EXPECT_EQ(cpu.memory(0).phy_energy_pj_per_bit().value(), 0);
  ASSERT_EQ(notices.size(), 3u);
  EXPECT_THAT(notices[0], HasSubstr("xeon-ddr4.textproto:9:28: "
                                    "\"usable_capacity_fraction\" of "
                                    "MemoryLevel is now"));
}

TEST(LintTest, AFartherLevelOfABaseIsThere) {
  const Hardware machine = OrDie(
      LoadHardware(absl::StrCat(kMachines, "rtx3090-base-host.textproto")));
  EXPECT_EQ(machine.memory(0).name(), "host");
  EXPECT_EQ(machine.memory(1).name(), "gddr");
  EXPECT_EQ(machine.memory(1).pins(), WEIGHTS);
}

TEST(LintTest, TheCatalogueRequiresRangesAndSources) {
  const std::string text =
      "# proto-message: LinkTechnology\nname: \"l\"\n"
      "energy_pj_per_bit { value: 1 }\n";
  const std::string path = Written("link.textproto", text);
  EXPECT_TRUE(LintFile(path, "").ok());
  LintOptions strict;
  strict.catalogue = true;
  EXPECT_THAT(ErrorOf(LintFile(path, "", strict)),
              HasSubstr("energy_pj_per_bit.low: is missing"));
  EXPECT_THAT(ErrorOf(LintFile(path, "", strict)),
              HasSubstr("energy_pj_per_bit.source: is missing"));
}

TEST(LintTest, AnAliasOfAnotherEntryIsAFault) {
  const std::string path =
      Written("mine.textproto",
              "# proto-message: Hardware\nname: \"mine\"\nbase: \"h100-sxm\"\n"
              "aliases: [\"My Card\", \"h200\"]\n");
  EXPECT_THAT(FaultsOf(path), HasSubstr("the alias \"h200\" of mine is also a "
                                        "name of h200"));
  const std::string free =
      Written("mine.textproto",
              "# proto-message: Hardware\nname: \"mine\"\nbase: \"h100-sxm\"\n"
              "aliases: \"My Card\"\n");
  EXPECT_TRUE(LintFile(free, "").ok());
}

// 192 GB and 24 TB/s on four devices, as a machine once said of devices of 1 GB and
// 1 TB/s.
TEST(LintTest, DevicesAndWhatALevelSaysOfThemAgree) {
  const std::string head =
      "# proto-message: Hardware\nname: \"mine\"\nbase: \"hb-dram-asic\"\n"
      "memory { name: \"backing\" devices { value: 4 } ";
  const std::string path = Written(
      "mine.textproto", head +
                            "capacity_gb { value: 192 } "
                            "bandwidth_gb_per_s { value: 24000 } }\n");
  const LintedFile linted = OrDie(LintFile(path, ""));
  EXPECT_THAT(linted.inheritance.warnings,
              Contains(HasSubstr(
                  "memory.backing.capacity_gb: 192 on 4 devices are 48 each; "
                  "hybrid-bonded-dram has capacity_gb_per_device from 1 to 1")));
  EXPECT_THAT(linted.inheritance.warnings,
              Contains(HasSubstr("memory.backing.bandwidth_gb_per_s: 24000 on 4 "
                                 "devices are 6000 each")));
  // A machine whose devices are others says so.
  const std::string other = Written(
      "mine.textproto",
      head + "capacity_gb { value: 192 } bandwidth_gb_per_s { value: 24000 } "
             "technology { capacity_gb_per_device { value: 48 } "
             "bandwidth_gb_per_s_per_device { value: 6000 } } }\n");
  EXPECT_THAT(OrDie(LintFile(other, "")).inheritance.warnings,
              Not(Contains(HasSubstr(" devices are "))));
}

}  // namespace
}  // namespace tokenjoule
