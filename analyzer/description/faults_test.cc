#include "analyzer/description/faults.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(FaultsTest, APlaceIsSaidAsFarAsItIsKnown) {
  EXPECT_EQ((Fault{"f", 3, 7, "memory[0].name", "is odd"}.ToString()),
            "f:3:7: memory[0].name: is odd");
  EXPECT_EQ((Fault{"f", 3, 7, "", "is odd"}.ToString()), "f:3:7: is odd");
  EXPECT_EQ((Fault{"f", 0, 0, "name", "is missing"}.ToString()),
            "f: name: is missing");
  EXPECT_EQ((Fault{"", 3, 7, "tp", "is odd"}.ToString()), "tp: is odd");
  EXPECT_EQ((Fault{"", 0, 0, "", "is odd"}.ToString()), "is odd");
}

TEST(FaultsTest, AllFaultsAreOneStatusWithALineEach) {
  const std::vector<Fault> faults = {{"b", 2, 1, "", "second file"},
                                     {"a", 1, 1, "", "first file"}};
  const absl::Status status = FaultsToStatus(faults);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  // In the order in which they were found.
  EXPECT_EQ(status.message(), "b:2:1: second file\na:1:1: first file");
}

TEST(FaultsTest, NoFaultsAreNoError) { EXPECT_TRUE(FaultsToStatus({}).ok()); }

TEST(FaultsTest, ANameThatIsBegunIsMeantWholly) {
  // "h200" is one letter away, "h100-sxm" four.
  EXPECT_EQ(NearestName("h100", {"h200", "h100-sxm"}), "h100-sxm");
  // A single letter is the beginning of too many names.
  EXPECT_EQ(NearestName("h", {"h100-sxm"}), "");
}

TEST(FaultsTest, AllNamesThatAreBegunOrOfWhichAPartIsBegunAreNear) {
  const std::vector<std::string> names = {"b200", "h100-nvl", "h100-sxm",
                                          "rtx-4090", "rtx-a6000"};
  EXPECT_EQ(NearNames("H100", names),
            (std::vector<std::string>{"h100-nvl", "h100-sxm"}));
  EXPECT_EQ(NearNames("4090", names), std::vector<std::string>{"rtx-4090"});
  EXPECT_EQ(NearNames("A6000", names), std::vector<std::string>{"rtx-a6000"});
  // A name that is only spelt otherwise is meant alone, though it begins others.
  EXPECT_EQ(NearNames("L40", {"l4", "l40", "l40s"}),
            std::vector<std::string>{"l40"});
  EXPECT_EQ(UnknownNameMessage("hardware", "H100", names, "(see the list)"),
            "unknown hardware \"H100\"; did you mean one of h100-nvl, "
            "h100-sxm? (see the list)");
}

TEST(FaultsTest, ANameWithAnEndingMeansTheLongestThatItBeginsWith) {
  EXPECT_EQ(NearNames("Llama-3.1-8B-Instruct", {"llama", "llama-3.1-8b", "x"}),
            std::vector<std::string>{"llama-3.1-8b"});
  EXPECT_TRUE(NearNames("llamas", {"ll"}).empty());
}

TEST(FaultsTest, NamesOfWhichEveryLetterDiffersAreNotMeant) {
  EXPECT_EQ(NearestName("x", {"l4"}), "");
  EXPECT_EQ(NearestName("xy", {"l4"}), "");
  EXPECT_EQ(NearestName("l5", {"l4"}), "l4");
}

TEST(FaultsTest, NamesAreComparedInLowerCaseWithHyphens) {
  EXPECT_EQ(FoldedName("Llama_3.1 8B"), "llama-3.1-8b");
  // Two letters of a short name; every one differs only in its case.
  EXPECT_EQ(NearestName("BF16", {"fp16", "bf16"}), "bf16");
}

TEST(FaultsTest, TheNearestNameIsFewLettersAway) {
  const std::vector<std::string> names = {"bandwidth_gb_per_s", "capacity_gb",
                                          "name"};
  EXPECT_EQ(NearestName("bandwith_gb_per_s", names), "bandwidth_gb_per_s");
  EXPECT_EQ(NearestName("capacty_bg", names), "capacity_gb");
  // An exact name is its own nearest name.
  EXPECT_EQ(NearestName("name", names), "name");
}

// A third of the letters may differ, and at least two.
TEST(FaultsTest, NamesThatDifferInMoreAreNotMeant) {
  EXPECT_EQ(NearestName("abcdef", {"abcxyf"}), "abcxyf");           // 2 of 6
  EXPECT_EQ(NearestName("abcdef", {"abwxyf"}), "");                 // 3 of 6
  EXPECT_EQ(NearestName("abcdefghi", {"xycdefgzi"}), "xycdefgzi");  // 3 of 9
  EXPECT_EQ(NearestName("abc", {"xyc"}), "xyc");                    // 2 of 3
  EXPECT_EQ(NearestName("abc", {"xyz"}), "");                       // 3 of 3
  EXPECT_EQ(NearestName("abc", {}), "");
}

TEST(FaultsTest, OfNamesThatAreEquallyNearTheFirstIsMeant) {
  EXPECT_EQ(NearestName("fp9", {"bf16", "fp8", "fp4"}), "fp8");
}

TEST(FaultsTest, NamesBeyondAnyThatIsPrintedAreNotCompared) {
  const std::string name(81, 'a');
  EXPECT_EQ(NearestName(name, {name}), "");
  EXPECT_EQ(NearestName(name.substr(1), {name}), name);
}

TEST(FaultsTest, AnUnknownNameSaysTheNearestElseAllElseWhereToLook) {
  const std::vector<std::string> few = {"red", "green"};
  EXPECT_EQ(UnknownNameMessage("colour", "grene", few, ""),
            "unknown colour \"grene\"; did you mean \"green\"?");
  EXPECT_EQ(UnknownNameMessage("colour", "grene", few, "(see the list)"),
            "unknown colour \"grene\"; did you mean \"green\"? (see the list)");
  EXPECT_EQ(UnknownNameMessage("colour", "ultramarine", few, ""),
            "unknown colour \"ultramarine\"; expected one of red, green");
  std::vector<std::string> many;
  for (int i = 0; i < 13; ++i) many.push_back(absl::StrCat("colour-", i));
  EXPECT_EQ(UnknownNameMessage("colour", "x", many, "(see the list)"),
            "unknown colour \"x\" (see the list)");
  many.pop_back();
  EXPECT_THAT(UnknownNameMessage("colour", "x", many, "(see the list)"),
              HasSubstr("expected one of colour-0, colour-1, "));
}

TEST(FaultsTest, NamesArePrintedWithoutControlCharactersAndNotForEver) {
  EXPECT_EQ(Printable("plain-1.0"), "plain-1.0");
  EXPECT_EQ(Printable("a\n\"b\"\t\x1b[31m"), "a\\n\\\"b\\\"\\t\\x1b[31m");
  EXPECT_EQ(Printable(std::string("a\0z", 3)), "a\\x00z");
  EXPECT_EQ(Printable(std::string(80, 'x')), std::string(80, 'x'));
  EXPECT_EQ(Printable(std::string(81, 'x')), std::string(80, 'x') + "...");
  EXPECT_THAT(UnknownNameMessage("name", "a\x1b[2Jb", {}, ""),
              Not(HasSubstr("\x1b")));
}

TEST(FaultsTest, OfALongPathTheEndIsKept) {
  const std::string path = std::string(300, 'd') + "/name.textproto";
  const std::string printed = PrintablePath(path);
  EXPECT_EQ(printed, "..." + path.substr(path.size() - 240));
  EXPECT_EQ(PrintablePath("a\nb/c"), "a\\nb/c");
}

}  // namespace
}  // namespace tokenjoule
