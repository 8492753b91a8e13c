#include "analyzer/description/textproto.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/base/size_limits.h"
#include "analyzer/base/visible.h"
#include "analyzer/description/faults.h"
#include "analyzer/testing/hostile.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "proto/hardware.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Printed faults of a text; the parsed part is left in `message`.
std::vector<std::string> FaultsOf(absl::string_view text,
                                  google::protobuf::Message* message) {
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults;
  const bool whole =
      ParseTextproto(text, "s.textproto", message, &locations, &faults);
  EXPECT_EQ(whole, faults.empty());
  EXPECT_NE(locations, nullptr);
  std::vector<std::string> lines;
  for (const Fault& fault : faults) lines.push_back(fault.ToString());
  return lines;
}
std::vector<std::string> FaultsOf(absl::string_view text) {
  Scenario scenario;
  return FaultsOf(text, &scenario);
}

TEST(TextprotoTest, WhatIsRightIsReadWithTheLineOfEachField) {
  Scenario scenario;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults;
  EXPECT_TRUE(ParseTextproto("# a comment\nbatch: 4\n  context: 2048\n",
                             "s.textproto", &scenario, &locations, &faults));
  EXPECT_THAT(faults, IsEmpty());
  EXPECT_EQ(scenario.batch(), 4);
  EXPECT_EQ(scenario.context(), 2048);
  const auto place = [&](const char* field) {
    return locations->GetLocation(
        Scenario::descriptor()->FindFieldByName(field), -1);
  };
  // 0-based, as in protobuf.
  EXPECT_EQ(place("batch").line, 1);
  EXPECT_EQ(place("context").line, 2);
  EXPECT_EQ(place("context").column, 2);
  EXPECT_EQ(place("tp").line, -1);
}

TEST(TextprotoTest, ZeroHasNoSign) {
  Hardware hardware;
  EXPECT_THAT(FaultsOf("memory { capacity_gb { value: -0 low: -0.0 high: -1 } }",
                       &hardware),
              IsEmpty());
  const Constant& capacity = hardware.memory(0).capacity_gb();
  EXPECT_FALSE(std::signbit(capacity.value()));
  EXPECT_FALSE(std::signbit(capacity.low()));
  EXPECT_EQ(capacity.high(), -1);
}

TEST(TextprotoTest, AnEmptyTextIsAnEmptyMessage) {
  Scenario scenario;
  scenario.set_batch(3);
  EXPECT_THAT(FaultsOf("", &scenario), IsEmpty());
  EXPECT_FALSE(scenario.has_batch());
}

TEST(TextprotoTest, AnUnknownFieldNamesTheNearestAndReadingGoesOn) {
  Scenario scenario;
  EXPECT_THAT(FaultsOf("batsh: 4\ncontext: 7\n", &scenario),
              ElementsAre("s.textproto:1:6: unknown field of Scenario "
                          "\"batsh\"; did you mean \"batch\"?"));
  EXPECT_EQ(scenario.context(), 7);
}

TEST(TextprotoTest, UnknownFieldsOfGroupsNameThoseOfTheGroup) {
  EXPECT_THAT(FaultsOf("speculation { draft_tokns: 4 }\n"),
              ElementsAre(HasSubstr("unknown field of Speculation "
                                    "\"draft_tokns\"; did you mean "
                                    "\"draft_tokens\"?")));
}

TEST(TextprotoTest, AnUnknownChoiceStandsWhereItIsWrittenNotAfter) {
  EXPECT_THAT(FaultsOf("batch: 4\nrouting: POWER_LWA\n\n\ncontext: 7\n"),
              ElementsAre("s.textproto:2:10: unknown value of routing "
                          "\"POWER_LWA\"; did you mean \"POWER_LAW\"?"));
  // The first entry, which means "unspecified", is not offered as a choice.
  EXPECT_THAT(FaultsOf("mla: OTHERWISE"),
              ElementsAre("s.textproto:1:6: unknown value of mla "
                          "\"OTHERWISE\"; expected one of ABSORBED, EXPANDED"));
}

TEST(TextprotoTest, EveryFaultIsFoundAtOnceInTheOrderOfTheText) {
  Scenario scenario;
  const std::vector<std::string> faults = FaultsOf(
      "batch: many\n"
      "contxt: 7\n"
      "routing: NONE\n"
      "tp: 4\n"
      "pp: 1.5\n"
      "ideal: 3\n",
      &scenario);
  ASSERT_THAT(faults, SizeIs(5));
  EXPECT_THAT(faults[0], HasSubstr("s.textproto:1:8: "));
  EXPECT_THAT(faults[1], HasSubstr("s.textproto:2:7: unknown field"));
  EXPECT_THAT(faults[2], HasSubstr("s.textproto:3:10: unknown value"));
  EXPECT_THAT(faults[3], HasSubstr("s.textproto:5:5: "));
  EXPECT_THAT(faults[4], HasSubstr("s.textproto:6:8: "));
  EXPECT_EQ(scenario.tp(), 4);
}

TEST(TextprotoTest, AWrongLineOfAGroupDoesNotTakeTheGroupWithIt) {
  Scenario scenario;
  EXPECT_THAT(FaultsOf("speculation {\n"
                       "  draft_tokens: four\n"
                       "  acceptance_rate: 0.5\n"
                       "}\n",
                       &scenario),
              ElementsAre(HasSubstr("s.textproto:2:17: ")));
  EXPECT_EQ(scenario.speculation().acceptance_rate(), 0.5);
}

TEST(TextprotoTest, AFieldThatIsThereTwiceIsAFault) {
  EXPECT_THAT(FaultsOf("batch: 4\nbatch: 8\n"),
              ElementsAre(HasSubstr("s.textproto:2:")));
}

TEST(TextprotoTest, BracesThatDoNotBalanceEndTheSearchForFaults) {
  for (const char* text : {"speculation {", "speculation { draft_tokens: 1",
                           "}", "speculation }", "batch: 4 }"}) {
    EXPECT_THAT(FaultsOf(text), SizeIs(1)) << text;
  }
}

TEST(TextprotoTest, FaultsAreAddedToThoseThatThereAre) {
  Scenario scenario;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults = {{"other", 1, 1, "", "before"}};
  EXPECT_TRUE(ParseTextproto("batch: 4", "s.textproto", &scenario, &locations,
                             &faults));
  EXPECT_FALSE(
      ParseTextproto("x: 4", "s.textproto", &scenario, &locations, &faults));
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0].message, "before");
}

TEST(TextprotoTest, TextThatIsNotUtf8IsRefused) {
  const std::string bad[] = {
      "\xff",              // never a byte of UTF-8
      "\x80",              // a tail without a lead
      "\xc3",              // a lead without its tail
      "\xc0\xaf",          // overlong "/"
      "\xe0\x80\xaf",      // the same in three bytes
      "\xf0\x80\x80\xaf",  // and in four
      "\xed\xa0\x80",      // a surrogate
      "\xf4\x90\x80\x80",  // beyond U+10FFFF
      "\xf5\x80\x80\x80",  // no lead
      "\xe2\x82",          // cut short
  };
  for (const std::string& bytes : bad) {
    EXPECT_THAT(FaultsOf(absl::StrCat("weights: \"", bytes, "\"")),
                ElementsAre("s.textproto: is not UTF-8 text; expected a "
                            "textproto"));
    EXPECT_THAT(FaultsOf(bytes), SizeIs(1));
  }
  for (const char* good :
       {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf",
        "\xed\x9f\xbf", "\xee\x80\x80"}) {
    Scenario scenario;
    EXPECT_THAT(FaultsOf(absl::StrCat("weights: \"", good, "\""), &scenario),
                IsEmpty());
    EXPECT_EQ(scenario.weights(), good);
  }
}

TEST(TextprotoTest, TextsBeyondTheLimitAreRefusedUnread) {
  std::string text = "batch: 4\n#";
  text.resize(kMaxFileBytes, 'x');
  Scenario scenario;
  EXPECT_THAT(FaultsOf(text, &scenario), IsEmpty());
  EXPECT_EQ(scenario.batch(), 4);
  text += 'x';
  EXPECT_THAT(FaultsOf(text),
              ElementsAre("s.textproto: is 4000001 bytes long; a description "
                          "has at most 4000000"));
}

TEST(TextprotoTest, DeepNestingIsRefusedAndDoesNotExhaustTheStack) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "expect {";
  EXPECT_THAT(FaultsOf(text), SizeIs(testing::Ge(1u)));
}

TEST(TextprotoTest, HostileTextsAreRefusedInPrintableWords) {
  for (const std::string& text :
       {std::string("a\0b: 1", 6), std::string("weights: \"\n\""),
        std::string("\x01\x02\x03"), std::string("batch: 1e\x1b[2J"),
        std::string("\"") + std::string(1000, '\\'), std::string("["),
        std::string("[a.b]: 3"), std::string("1: 2"), std::string(500, '<')}) {
    const std::vector<std::string> faults = FaultsOf(text);
    EXPECT_THAT(faults, SizeIs(testing::Ge(1u))) << text;
    for (const std::string& fault : faults) {
      for (const char c : fault) {
        EXPECT_GE(static_cast<unsigned char>(c), 0x20) << fault;
      }
    }
  }
}

TEST(TextprotoTest, TheNumberOfFaultsIsBounded) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "batch: x\n";
  EXPECT_THAT(FaultsOf(text), SizeIs(50));
}

TEST(TextprotoTest, WhatIsPrintedReadsBackTheSame) {
  Scenario scenario;
  scenario.set_batch(0.1);
  scenario.set_context(1e10);
  scenario.set_weights("q4_0 \"\xc3\xa9\"\n");
  scenario.set_routing(POWER_LAW);
  scenario.mutable_speculation()->set_draft_tokens(3);
  scenario.add_set("a=b");
  scenario.add_set("");
  const std::string text = PrintTextproto(scenario);
  // Letters beyond ASCII stay readable; the schema's order is kept.
  EXPECT_THAT(text, HasSubstr("\xc3\xa9"));
  EXPECT_LT(text.find("batch"), text.find("routing"));
  Scenario back;
  EXPECT_THAT(FaultsOf(text, &back), IsEmpty());
  EXPECT_EQ(back.SerializeAsString(), scenario.SerializeAsString());
  EXPECT_EQ(PrintTextproto(Scenario()), "");
}

// Machines used to hold what software decides.
TEST(TextprotoTest, FieldsThatMovedAreNamed) {
  Hardware hardware;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults;
  ParseTextproto(
      "overlap_fraction { value: 1 }\n"
      "memory { name: \"hbm\" stored { format: \"fp8\" } }\n"
      "memory { phy_controller_energy_pj_per_bit { value: 8 } }\n",
      "old.textproto", &hardware, &locations, &faults);
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_EQ(faults[0].message,
            "unknown field of Hardware \"overlap_fraction\"; software decides "
            "it: give runtime.overlap_fraction (docs/runtimes.md)");
  EXPECT_EQ(
      faults[1].message,
      "unknown field of MemoryLevel \"stored\"; software decides it: give "
      "runtime.kernels (docs/runtimes.md)");
  EXPECT_EQ(faults[2].message,
            "unknown field of MemoryLevel "
            "\"phy_controller_energy_pj_per_bit\"; what is known of it is "
            "stated apart from the rest: give phy_energy_pj_per_bit and "
            "path_energy_pj_per_bit (docs/hardware.md)");
}

// Users keep files in the old form.
TEST(TextprotoTest, FieldsThatMovedAreReadWhereTheyMeanTheSame) {
  Hardware hardware;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults, moved;
  ParseTextproto(
      "memory { name: \"far\"\n"
      "\tusable_capacity_fraction { value: 0.9 low: 0.8 high: 1 }\n"
      "  phy_controller_energy_pj_per_bit { value: 8 low: 4 # } a brace\n"
      "    high: 9 source: \"a}b\" }\n"
      "}\n"
      "memory { name: \"near\" stored { format: \"fp8\" } }\n"
      "overlap_fraction { value: 1 }\n"
      "overlap_fraction { value: 0.5 }\n"
      "overheads { time_per_step_us { value: 7 } }\n",
      "old.textproto", &hardware, &locations, &faults, &moved);
  ASSERT_EQ(moved.size(), 4u);
  EXPECT_EQ(hardware.runtime().time_per_step_us().value(), 7);
  EXPECT_EQ(
      moved[0].ToString(),
      "old.textproto:2:34: \"usable_capacity_fraction\" of MemoryLevel is "
      "now runtime.memory_fraction, and is read as that "
      "(docs/runtimes.md)");
  const MemoryLevel& far = hardware.memory(0);
  EXPECT_EQ(hardware.runtime().memory_fraction().value(), 0.9);
  EXPECT_EQ(far.path_energy_pj_per_bit().value(), 8);
  EXPECT_EQ(far.path_energy_pj_per_bit().high(), 9);
  EXPECT_EQ(far.path_energy_pj_per_bit().source(), "a}b");
  // The old constant was the sum of both.
  EXPECT_EQ(far.phy_energy_pj_per_bit().value(), 0);
  EXPECT_EQ(far.phy_energy_pj_per_bit().source(), "a}b");
  EXPECT_FALSE(hardware.memory(1).has_path_energy_pj_per_bit());
  EXPECT_EQ(hardware.runtime().overlap_fraction().value(), 1);
  // What has no one meaning now, and what is given twice, stays a fault.
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_THAT(faults[0].message, HasSubstr("\"stored\""));
  EXPECT_THAT(faults[1].message, HasSubstr("\"overlap_fraction\""));
}

// Also a text that is not UTF-8, which a textproto can hold as escapes alone.
TEST(TextprotoTest, HostileTextsReadBackAsTheyWere) {
  for (const HostileText& hostile : HostileTexts()) {
    SCOPED_TRACE(hostile.attacks);
    Scenario scenario;
    scenario.add_set(hostile.text);
    Scenario read;
    EXPECT_THAT(FaultsOf(PrintTextproto(scenario), &read), IsEmpty());
    EXPECT_EQ(read.set(0), hostile.text);
    EXPECT_THAT(FaultsOf(absl::StrCat("set: ", QuotedText(hostile.text),
                                      "  # ", VisibleText(hostile.text), "\n"),
                         &read),
                IsEmpty());
    ASSERT_EQ(read.set_size(), 1);
    EXPECT_EQ(read.set(0), hostile.text);
  }
}

}  // namespace
}  // namespace tokenjoule
