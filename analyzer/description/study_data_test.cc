#include "analyzer/description/study_data.h"

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/field_path.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/constant.pb.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

std::string Error(const std::string& text) {
  return std::string(ParseStudyData(text, "s.textproto").status().message());
}

std::string Replaced(std::string text, const std::string& from,
                     const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::string TextOf(const char* name) {
  absl::StatusOr<NamedText> text = ReadStudyText(name);
  EXPECT_TRUE(text.ok()) << text.status();
  return text->text;
}

// Checks that every constant of a description lies in its range and has a
// source in the same file. Returns the number of constants.
template <typename Description>
int CheckConstants(const Description& description) {
  std::set<std::string> sources;
  for (const Source& source : description.sources()) {
    EXPECT_NE(source.kind(), Source::KIND_UNSPECIFIED) << source.id();
    EXPECT_GE(source.citation().size(), 20u) << source.id();
    sources.insert(source.id());
  }
  std::set<std::string> used;
  int constants = 0;
  ForEachConstant(description, [&](const std::string& path,
                                   const Constant& constant, const auto&) {
    ++constants;
    EXPECT_LE(constant.low(), constant.value()) << path;
    EXPECT_GE(constant.high(), constant.value()) << path;
    EXPECT_EQ(sources.count(constant.source()), 1u) << path;
    used.insert(constant.source());
  });
  for (const std::string& source : sources) {
    EXPECT_EQ(used.count(source), 1u) << source << " is the source of nothing";
  }
  return constants;
}

TEST(StudyDataTest, EveryShippedStudyLoadsWithASourceForEachNumber) {
  const std::vector<std::string> names = CatalogNames(SpecKind::kStudy);
  EXPECT_THAT(names,
              testing::ElementsAre("analog-depth", "dot-product", "scaling-laws", "tricks"));
  for (const std::string& name : names) {
    absl::StatusOr<StudyData> data = LoadStudyData(name);
    ASSERT_TRUE(data.ok()) << data.status();
    EXPECT_EQ(data->name(), name) << "the file is named otherwise";
    EXPECT_GE(CheckConstants(*data), 1) << name;
  }
}

TEST(StudyDataTest, TheShippedCircuitLoadsWithASourceForEachNumber) {
  for (const std::string& name : CatalogNames(SpecKind::kCircuitTechnology)) {
    absl::StatusOr<AnalogCircuit> circuit = LoadCircuitTechnology(name);
    ASSERT_TRUE(circuit.ok()) << circuit.status();
    EXPECT_EQ(circuit->name(), name) << "the file is named otherwise";
    EXPECT_GE(CheckConstants(*circuit), 13) << name;
  }
}

TEST(StudyDataTest, AssumptionsHaveARange) {
  for (const std::string& name : CatalogNames(SpecKind::kStudy)) {
    const StudyData data = *LoadStudyData(name);
    std::set<std::string> assumed;
    for (const Source& source : data.sources()) {
      if (source.kind() == Source::ASSUMPTION) assumed.insert(source.id());
    }
    ForEachConstant(data, [&](const std::string& path, const Constant& constant,
                              const auto&) {
      if (assumed.count(constant.source()) == 0) return;
      EXPECT_LT(constant.low(), constant.high()) << name << " " << path;
    });
  }
}

TEST(StudyDataTest, EveryNumberWithoutASourceIsRefused) {
  for (const std::string& name : CatalogNames(SpecKind::kStudy)) {
    const std::string text = TextOf(name.c_str());
    int numbers = 0;
    constexpr char kSource[] = " source: \"";
    for (size_t at = text.find(kSource); at != std::string::npos;
         at = text.find(kSource, at + 1)) {
      const size_t end = text.find('"', at + sizeof(kSource) - 1);
      std::string without = text;
      without.erase(at, end + 1 - at);
      const std::string error = Error(without);
      EXPECT_THAT(error, HasSubstr(".source: is missing; name an entry of "
                                   "`sources`"))
          << name << " at " << text.substr(at, end - at);
      ++numbers;
    }
    EXPECT_GE(numbers, 1) << name;
  }
}

TEST(StudyDataTest, ANumberOutsideItsRangeIsRefusedWithItsPlace) {
  EXPECT_THAT(
      Error(Replaced(TextOf("dot-product"), "overhead_factor { value: 1",
                     "overhead_factor { value: 0")),
      HasSubstr("s.textproto:176:21: dot_product.overhead_factor.value: 0 is "
                "out of range; expected 1 to 100"));
}

TEST(StudyDataTest, UnknownTechnologiesAndMachinesAreRefusedWithTheirPlace) {
  EXPECT_THAT(
      Error(Replaced(TextOf("dot-product"), "\"logic-5nm\"", "\"logic-5um\"")),
      HasSubstr("dot_product.full_adders_of[1]: unknown logic "
                "technology \"logic-5um\"; did you mean"));
  EXPECT_THAT(
      Error(Replaced(TextOf("dot-product"), "\"charge-domain\"", "\"charge\"")),
      HasSubstr("dot_product.circuit: unknown analog circuit \"charge\""));
  EXPECT_THAT(Error(Replaced(TextOf("dot-product"), "\"charge-domain-3nm\"",
                             "\"charge-domain-3um\"")),
              HasSubstr("dot_product.generation[2].circuit: unknown analog "
                        "circuit \"charge-domain-3um\"; did you mean"));
  EXPECT_THAT(
      Error(Replaced(TextOf("dot-product"), "\"logic-2um\"", "\"logic-1um\"")),
      HasSubstr("dot_product.generation[0].full_adders_of[0]: unknown "
                "logic technology \"logic-1um\"; did you mean"));
  EXPECT_THAT(Error(Replaced(TextOf("tricks"), "memory_of: \"hb-dram-asic\"",
                             "memory_of: \"hb-dram\"")),
              HasSubstr("memory_of: unknown hardware \"hb-dram\"; did you mean "
                        "\"hb-dram-asic\"?"));
  EXPECT_THAT(Error(Replaced(TextOf("tricks"), "cache_format: \"fp8\"",
                             "cache_format: \"fp9\"")),
              HasSubstr("cache_format: unknown number format \"fp9\""));
}

TEST(StudyDataTest, GenerationsAreInTheOrderOfTheirYears) {
  EXPECT_THAT(Error(Replaced(TextOf("dot-product"),
                             "year { value: 2026 low: 2026 high: 2026 source: "
                             "\"year\" }\n    node_nm { value: 3 ",
                             "year { value: 2021 low: 2021 high: 2021 source: "
                             "\"year\" }\n    node_nm { value: 3 ")),
              HasSubstr("dot_product.generation[2].year: is not after that of "
                        "the generation before"));
}

TEST(StudyDataTest, TricksOfOneNameOrWithoutAChangeAreRefused) {
  const std::string error = Error(R"(name: "s" description: "d"
sources { id: "s" kind: DEFINITION citation: "c" date: "2026" }
tricks {
  trick { name: "a" assumption: "w" largest_batch {} }
  trick { name: "a" assumption: "w" free_movement {} }
  trick { name: "b" assumption: "w" }
}
)");
  EXPECT_THAT(error,
              HasSubstr("s.textproto:5:11: tricks.trick.a: is there twice"));
  EXPECT_THAT(error,
              HasSubstr("s.textproto:6:11: tricks.trick.b: changes nothing"));
}

TEST(StudyDataTest, ExpertsOfWhichNoneWouldBeActiveAreRefused) {
  EXPECT_THAT(Error(Replaced(TextOf("tricks"), "fewest { value: 8",
                             "fewest { value: 4 low: 4 high: 8 source: "
                             "\"experts\" }\n      #")),
              HasSubstr("tricks.trick.experts.split_experts: fewest is less "
                        "than experts_per_active"));
}

TEST(StudyDataTest, CountsAreWhole) {
  EXPECT_THAT(Error(Replaced(TextOf("tricks"), "kv_heads { value: 8 low: 8",
                             "kv_heads { value: 7.5 low: 7")),
              HasSubstr("kv_heads: 7.5 is not a whole number"));
}

TEST(StudyDataTest, AFileOfNoStudyIsRefused) {
  EXPECT_THAT(Error(R"(name: "s" description: "d"
sources { id: "s" kind: DEFINITION citation: "c" date: "2026" }
)"),
              HasSubstr("has neither dot_product nor tricks"));
}

TEST(StudyDataTest, UnknownStudiesOfferTheNearest) {
  EXPECT_THAT(std::string(LoadStudyData("trick").status().message()),
              HasSubstr("did you mean \"tricks\"?"));
}

}  // namespace
}  // namespace tokenjoule
