#include "analyzer/description/field_path.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/constant.pb.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two levels, two engines, one of them with two rates.
Hardware Machine() {
  Hardware hardware;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(name: "m"
         memory { name: "hbm" capacity_gb { value: 80 low: 80 high: 80 } }
         memory { name: "sram" }
         engine {
           name: "tensor" kind: TENSOR
           rate { format: "bf16" peak_tflops { value: 9 low: 8 high: 10 } }
           rate { format: "fp8" peak_tflops { value: 18 low: 16 high: 20 } }
         }
         runtime { overlap_fraction { value: 0.5 low: 0 high: 1 } })",
      &hardware));
  return hardware;
}

std::string WhyNot(absl::string_view path, absl::string_view value,
                   google::protobuf::Message* root) {
  return ErrorOf(SetField(root, path, value, "set"));
}
std::string WhyNot(absl::string_view path, absl::string_view value) {
  Hardware hardware = Machine();
  return WhyNot(path, value, &hardware);
}

TEST(FieldPathTest, EntriesAreNamedOrNumbered) {
  for (const char* path :
       {"engine.tensor.rate.fp8.peak_tflops", "engine[0].rate[1].peak_tflops",
        "engine.tensor.rate[1].peak_tflops", "engine.0.rate.1.peak_tflops"}) {
    Hardware hardware = Machine();
    ASSERT_TRUE(SetField(&hardware, path, "7", "set").ok()) << path;
    EXPECT_EQ(hardware.engine(0).rate(1).peak_tflops().value(), 7) << path;
    EXPECT_EQ(hardware.engine(0).rate(0).peak_tflops().value(), 9) << path;
  }
}

TEST(FieldPathTest, ZeroHasNoSign) {
  Hardware hardware = Machine();
  ASSERT_TRUE(SetField(&hardware, "memory.hbm.capacity_gb", "-0", "set").ok());
  EXPECT_FALSE(std::signbit(hardware.memory(0).capacity_gb().value()));
}

TEST(FieldPathTest, AConstantBecomesExactWithItsSource) {
  Hardware hardware = Machine();
  ASSERT_TRUE(
      SetField(&hardware, "runtime.overlap_fraction", "2.5e-1", "mine").ok());
  EXPECT_EQ(hardware.runtime().overlap_fraction().value(), 0.25);
  EXPECT_EQ(hardware.runtime().overlap_fraction().low(), 0.25);
  EXPECT_EQ(hardware.runtime().overlap_fraction().high(), 0.25);
  EXPECT_EQ(hardware.runtime().overlap_fraction().source(), "mine");
}

TEST(FieldPathTest, AnEndOfARangeMovesAlone) {
  Hardware hardware = Machine();
  ASSERT_TRUE(
      SetField(&hardware, "runtime.overlap_fraction.low", "0.4", "mine").ok());
  EXPECT_EQ(hardware.runtime().overlap_fraction().value(), 0.5);
  EXPECT_EQ(hardware.runtime().overlap_fraction().low(), 0.4);
  EXPECT_EQ(hardware.runtime().overlap_fraction().source(), "");
  EXPECT_EQ(WhyNot("memory.sram.capacity_gb.low", "1"),
            "\"capacity_gb\" is not set; set its value");
}

TEST(FieldPathTest, AGroupThatIsNotThereIsMade) {
  Hardware hardware = Machine();
  ASSERT_TRUE(SetField(&hardware, "board.static_power_w", "90", "mine").ok());
  EXPECT_EQ(hardware.board().static_power_w().value(), 90);
}

TEST(FieldPathTest, EveryKindOfFieldTakesWhatItShould) {
  Scenario scenario;
  const std::pair<const char*, const char*> good[] = {
      {"batch", "1.5"},       {"tp", "8"},
      {"pp", "2e0"},          {"weights", "fp8"},
      {"ideal", "true"},      {"routing", "power-law"},
      {"mla", "ABSORBED"},    {"speculation.draft_tokens", "4"},
      {"kv_page_tokens", "0"}};
  for (const auto& [path, value] : good) {
    EXPECT_TRUE(SetField(&scenario, path, value, "").ok()) << path;
  }
  EXPECT_EQ(scenario.batch(), 1.5);
  EXPECT_EQ(scenario.tp(), 8);
  EXPECT_EQ(scenario.pp(), 2);
  EXPECT_EQ(scenario.weights(), "fp8");
  EXPECT_TRUE(scenario.ideal());
  EXPECT_EQ(scenario.routing(), POWER_LAW);
  EXPECT_EQ(scenario.mla(), ABSORBED);
  EXPECT_EQ(scenario.speculation().draft_tokens(), 4);
}

TEST(FieldPathTest, CountsAndFormatsAreReadAsPeopleWriteThem) {
  Scenario scenario;
  EXPECT_TRUE(SetField(&scenario, "context", "128k", "").ok());
  EXPECT_EQ(scenario.context(), 131072);
  EXPECT_TRUE(SetField(&scenario, "context", "1M", "").ok());
  EXPECT_EQ(scenario.context(), 1048576);
  EXPECT_TRUE(SetField(&scenario, "kv_page_tokens", "1k", "").ok());
  EXPECT_EQ(scenario.kv_page_tokens(), 1024);
  EXPECT_TRUE(SetField(&scenario, "weights", "BFloat16", "").ok());
  EXPECT_EQ(scenario.weights(), "bf16");
  // Validation says which formats there are.
  EXPECT_TRUE(SetField(&scenario, "weights", "bf61", "").ok());
  EXPECT_EQ(scenario.weights(), "bf61");
  EXPECT_FALSE(SetField(&scenario, "tp", "1k", "").ok());
}

TEST(FieldPathTest, EveryKindOfFieldSaysWhatItExpected) {
  Scenario scenario;
  const auto why = [&](absl::string_view path, absl::string_view value) {
    return WhyNot(path, value, &scenario);
  };
  for (const char* value : {"many", "", "1,5", "nan", "inf", "1e999"}) {
    EXPECT_EQ(why("routing_exponent", value),
              absl::StrCat("expected a number, found \"", value, "\""));
    // Counts may have an ending.
    EXPECT_EQ(why("batch", value),
              absl::StrCat("expected a number, which may end in k (1024) or M "
                           "(1048576), found \"",
                           value, "\""));
  }
  EXPECT_EQ(why("kv_page_tokens", "0.0001k"),
            "expected a whole number, found \"0.0001k\"");
  EXPECT_EQ(why("tp", "1.5"), "expected a whole number, found \"1.5\"");
  EXPECT_EQ(why("tp", "2147483648"),
            "expected a smaller number, found \"2147483648\"");
  EXPECT_EQ(why("ideal", "maybe"), "expected true or false, found \"maybe\"");
  EXPECT_EQ(why("routing", "power_lwa"),
            "unknown value \"POWER_LWA\"; did you mean \"POWER_LAW\"?");
  EXPECT_EQ(why("routing", "uniform"),
            "unknown value \"uniform\"; expected one of COVERAGE, BALANCED, "
            "POWER_LAW");
  EXPECT_EQ(why("routing", ""),
            "unknown value \"\"; expected one of COVERAGE, BALANCED, "
            "POWER_LAW");
  EXPECT_EQ(scenario.SerializeAsString(), "");
}

TEST(FieldPathTest, WholeNumbersAreTakenAsFarAsTheyAreExact) {
  Model model;
  ASSERT_TRUE(SetField(&model, "vocab_size", "9e15", "").ok());
  EXPECT_EQ(model.vocab_size(), int64_t{9'000'000'000'000'000});
  EXPECT_THAT(WhyNot("vocab_size", "9.1e15", &model),
              HasSubstr("expected a smaller number"));
  EXPECT_THAT(WhyNot("vocab_size", "-1e300", &model),
              HasSubstr("expected a smaller number"));
}

TEST(FieldPathTest, UnknownFieldsNameTheNearestAndTheirMessage) {
  EXPECT_EQ(WhyNot("memory.hbm.capacity", "1"),
            "unknown field of MemoryLevel \"capacity\"; did you mean "
            "\"capacity_gb\"?");
  EXPECT_EQ(WhyNot("runtime.overlap_fraction.lo", "1"),
            "unknown field of Constant \"lo\"; did you mean \"low\"?");
}

TEST(FieldPathTest, UnknownEntriesNameThoseThatThereAre) {
  EXPECT_EQ(
      WhyNot("memory.hbn.capacity_gb", "1"),
      "unknown entry of memory \"hbn\"; did you mean \"hbm\"? (it has 2)");
  EXPECT_EQ(WhyNot("memory.dram.capacity_gb", "1"),
            "unknown entry of memory \"dram\"; did you mean \"sram\"? (it has "
            "2)");
  for (const char* index : {"2", "-1", "99999999999999999999", "x"}) {
    EXPECT_THAT(WhyNot(absl::StrCat("memory[", index, "].capacity_gb"), "1"),
                HasSubstr("(it has 2)"))
        << index;
  }
  // Names are not allowed in brackets.
  EXPECT_THAT(WhyNot("memory[hbm].capacity_gb", "1"), HasSubstr("(it has 2)"));
}

TEST(FieldPathTest, PathsThatEndOrGoOnAtTheWrongPlaceSaySo) {
  EXPECT_EQ(WhyNot("memory", "1"), "\"memory\" is a list; name an entry");
  EXPECT_THAT(WhyNot("memory.hbm", "1"),
              HasSubstr("is a group; name a field of it: name, "));
  EXPECT_THAT(WhyNot("board", "1"),
              HasSubstr("is a group; name a field of it"));
  EXPECT_EQ(WhyNot("name.first", "1"), "\"name\" has no fields");
  EXPECT_EQ(WhyNot("runtime.overlap_fraction.low.more", "1"),
            "\"low\" has no fields");
  Scenario scenario;
  EXPECT_EQ(WhyNot("set", "x=1", &scenario),
            "\"set\" is a list; name an entry");
  EXPECT_EQ(WhyNot("set[0]", "x=1", &scenario),
            "\"set\" is a list; name an entry");
}

TEST(FieldPathTest, BracketsHaveToBalance) {
  for (const char* path : {"memory[0", "memory[0.name", "memory]0[.name",
                           "memory[[0]].name", "memory[0]].name", "[", "]"}) {
    EXPECT_THAT(WhyNot(path, "x"), HasSubstr("unbalanced brackets")) << path;
  }
  for (const char* path : {"", ".", "..", "[]"}) {
    EXPECT_EQ(WhyNot(path, "x"), "the path is empty") << path;
  }
}

TEST(FieldPathTest, HostilePathsAreRefusedInPrintableWords) {
  Hardware hardware = Machine();
  const std::string before = hardware.SerializeAsString();
  for (const std::string& path :
       {std::string("\x1b[2J"), std::string("a\0b", 3), std::string(9999, 'x'),
        std::string(9999, '.') + "x", std::string("na\nme"),
        std::string("memory.\xff.name")}) {
    const std::string why = WhyNot(path, "1", &hardware);
    EXPECT_LT(why.size(), 600u);
    for (const char c : why) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << why;
  }
  EXPECT_THAT(WhyNot("runtime.overlap_fraction", std::string(9999, '1') + "x"),
              HasSubstr("11...\""));
  EXPECT_EQ(hardware.SerializeAsString(), before);
}

TEST(FieldPathTest, AnEntryIsCalledByItsNameFormatOrId) {
  const Hardware hardware = Machine();
  EXPECT_EQ(EntryName(hardware.memory(0)), "hbm");
  EXPECT_EQ(EntryName(hardware.engine(0).rate(1)), "fp8");
  Source source;
  source.set_id("hpca17");
  EXPECT_EQ(EntryName(source), "hpca17");
  EXPECT_EQ(EntryName(hardware.runtime().overlap_fraction()), "");
  LayerPattern::Run run;
  run.set_block("full");
  EXPECT_EQ(EntryName(run), "full");
}

TEST(FieldPathTest, EntriesWithoutAUsefulNameAreNumbered) {
  MemoryLevel level;
  EXPECT_EQ(EntryPath("memory", level, 2), "memory[2]");
  level.set_name("hbm");
  EXPECT_EQ(EntryPath("memory", level, 2), "memory.hbm");
  for (const std::string& name : {std::string("v1.0"), std::string("a[0]"),
                                  std::string("a\nb"), std::string(100, 'x')}) {
    level.set_name(name);
    EXPECT_EQ(EntryPath("memory", level, 2), "memory[2]") << name;
  }
}

// Whatever entries are called, the path of a constant leads back to it.
TEST(FieldPathTest, PathsOfConstantsFindBack) {
  Hardware hardware = Machine();
  const std::pair<const char*, const char*> names[] = {
      {"hbm", "sram"}, {"1", "0"}, {"a.b", "c[0]"}, {"x\ny", ""}};
  for (const auto& [first, second] : names) {
    SCOPED_TRACE(first);
    for (int i = 0; i < 2; ++i) {
      hardware.mutable_memory(i)->set_name(i == 0 ? first : second);
      Constant* capacity = hardware.mutable_memory(i)->mutable_capacity_gb();
      capacity->set_value(10 + i);
    }
    std::vector<std::string> paths;
    ForEachConstant(hardware,
                    [&](const std::string& path, const Constant&,
                        const FieldDescriptor&) { paths.push_back(path); });
    ASSERT_EQ(paths.size(), 5u);
    for (size_t i = 0; i < paths.size(); ++i) {
      ASSERT_TRUE(
          SetField(&hardware, paths[i], absl::StrCat(100 + i), "s").ok())
          << paths[i];
    }
    std::vector<double> values;
    ForEachConstant(hardware, [&](const std::string&, const Constant& constant,
                                  const FieldDescriptor&) {
      values.push_back(constant.value());
    });
    EXPECT_THAT(values, ElementsAre(100, 101, 102, 103, 104));
  }
}

TEST(FieldPathTest, ConstantsAreVisitedInTheOrderOfTheSchemaWithTheirField) {
  std::vector<std::string> paths;
  std::vector<std::string> fields;
  const Hardware hardware = Machine();
  ForEachConstant(hardware, [&](const std::string& path, const Constant&,
                                const FieldDescriptor& field) {
    paths.push_back(path);
    fields.push_back(std::string(field.name()));
  });
  EXPECT_THAT(paths, ElementsAre("memory.hbm.capacity_gb",
                                 "engine.tensor.rate.bf16.peak_tflops",
                                 "engine.tensor.rate.fp8.peak_tflops",
                                 "runtime.overlap_fraction"));
  EXPECT_THAT(fields, ElementsAre("capacity_gb", "peak_tflops", "peak_tflops",
                                  "overlap_fraction"));
}

TEST(FieldPathTest, MessagesWithoutConstantsHaveNone) {
  int visited = 0;
  ForEachConstant(Scenario(), [&](const std::string&, const Constant&,
                                  const FieldDescriptor&) { ++visited; });
  EXPECT_EQ(visited, 0);
}

TEST(FieldPathTest, AFieldHasOneCanonicalSpelling) {
  const Hardware hardware = Machine();
  for (const char* spelling :
       {"memory.hbm.capacity_gb", "memory[0].capacity_gb",
        "memory.0.capacity_gb", "memory..hbm.capacity_gb",
        "memory.hbm.capacity_gb.value"}) {
    EXPECT_EQ(CanonicalFieldPath(hardware, spelling), "memory[0].capacity_gb")
        << spelling;
  }
  EXPECT_EQ(CanonicalFieldPath(hardware, "engine.tensor.rate.fp8.peak_tflops.low"),
            "engine[0].rate[1].peak_tflops.low");
  EXPECT_EQ(CanonicalFieldPath(hardware, "board.static_power_w"),
            "board.static_power_w");
  for (const char* unknown : {"", "x", "memory", "memory.hbmm.capacity_gb",
                              "memory[2].capacity_gb", "name.x", "memory[0"}) {
    EXPECT_EQ(CanonicalFieldPath(hardware, unknown), "") << unknown;
  }
}

}  // namespace
}  // namespace tokenjoule
