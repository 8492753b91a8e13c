#include "analyzer/description/names.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/description/formats.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<CatalogNamesOf>& Entries() {
  static const auto* const entries = new std::vector<CatalogNamesOf>{
      {"card-100-pcie", {}, {}, false},
      {"card-100-sxm", {"Card 100", "Big Card"}, {}, false},
      {"card-100-sxm-old", {}, {}, true},
      {"lm-2-9b", {}, {"org/LM-2-9B", "org/LM-2-9B-Instruct"}, false},
      {"lm-2-9b-fp8", {}, {"org/LM-2-9B-FP8"}, false},
  };
  return *entries;
}

TEST(NamesTest, KeysKeepHyphensOnlyBetweenDigits) {
  EXPECT_EQ(NameKey("RTX 4090"), "rtx4090");
  EXPECT_EQ(NameKey("rtx-4090"), "rtx4090");
  EXPECT_EQ(NameKey("gemma_2-9b"), "gemma2-9b");
  EXPECT_NE(NameKey("gemma-29b"), NameKey("gemma-2-9b"));
  EXPECT_EQ(NameKey("llama3.1 8B"), NameKey("llama-3.1-8b"));
  EXPECT_EQ(NameKey("-a-"), "a");
  EXPECT_EQ(NameKey(""), "");
}

TEST(NamesTest, ListsOfFilesAreRead) {
  const CatalogNamesOf names = ReadNames(
      "m",
      "name: \"m\"\naliases: [\"a b\", \"c\"]\nhf_ids: [\n  \"o/x\",\n  "
      "\"o/y\"\n]\naliases: \"d\"\nblock { aliases: \"no\" }\n");
  EXPECT_THAT(names.aliases, ElementsAre("a b", "c", "d"));
  EXPECT_THAT(names.hf_ids, ElementsAre("o/x", "o/y"));
  EXPECT_FALSE(names.is_old);
  EXPECT_TRUE(ReadNames("m", "a\nnotice: \"its name will go\"\n").is_old);
}

TEST(NamesTest, AnAliasFindsItsEntryAndSaysWhichOthersItMayMean) {
  const FoundName found = FindName("CARD-100", Entries());
  EXPECT_EQ(found.name, "card-100-sxm");
  EXPECT_THAT(found.others, ElementsAre("card-100-pcie"));
  EXPECT_THAT(FindName("big card", Entries()).others, IsEmpty());
  EXPECT_THAT(FindName("Card100SXM", Entries()).others, IsEmpty());
  EXPECT_EQ(FindName("NVIDIA Card 100", Entries()).name, "card-100-sxm");
  EXPECT_EQ(FindName("nvidia", Entries()).name, "");
  EXPECT_EQ(FindName("nvidia-", Entries()).name, "");
}

TEST(NamesTest, IdsAreFoundWithAndWithoutTheirOrganisation) {
  EXPECT_EQ(FindName("org/lm-2-9b-instruct", Entries()).name, "lm-2-9b");
  EXPECT_EQ(FindName("LM-2-9B-Instruct", Entries()).name, "lm-2-9b");
  EXPECT_EQ(FindName("other/LM-2-9B", Entries()).name, "");
  EXPECT_EQ(FindMirrored("other/LM-2-9B", Entries()), "lm-2-9b");
  EXPECT_EQ(FindMirrored("other/LM-9", Entries()), "");
}

TEST(NamesTest, AQuantisedNameSaysItsShapesAndItsFormat) {
  const QuantisedName found =
      FindQuantised("x/LM-2-9B-Instruct-AWQ", Entries());
  EXPECT_EQ(found.name, "lm-2-9b");
  EXPECT_EQ(found.format, "int4-g128");
  // Every ending says a format that there is.
  for (const char* ending :
       {"GPTQ-Int8", "GPTQ-8bit", "AWQ",        "GPTQ",  "w4a16", "w8a8",
        "w8a16",     "NVFP4",     "FP4",        "MXFP4", "FP8",   "FP8-dynamic",
        "bnb-4bit",  "nf4",       "4bit",       "8bit",  "Int4",  "Int8",
        "Q8_0",      "GGUF",      "Q4_K_M.gguf"}) {
    const std::string format =
        FindQuantised(absl::StrCat("LM-2-9B-", ending), Entries()).format;
    EXPECT_NE(FindFormat(format), nullptr) << ending << " " << format;
  }
  EXPECT_EQ(FindQuantised("LM-2-9B-Q8_0", Entries()).format, "q8_0");
  // An ending that is no format.
  EXPECT_EQ(FindQuantised("x/LM-2-9B-Chat", Entries()).name, "");
  EXPECT_EQ(FindQuantised("x/Other-AWQ", Entries()).name, "");
}

TEST(NamesTest, IdsHaveOneSlashAndAreNoPaths) {
  EXPECT_TRUE(IsHuggingFaceId("org/name"));
  for (const char* path : {"name", "./name", "../name", "/name", "a/b/c",
                           "a/b.textproto", "name/", "~/name"}) {
    EXPECT_FALSE(IsHuggingFaceId(path)) << path;
  }
}

TEST(NamesTest, ClashesAreNamed) {
  EXPECT_THAT(NameClashes(Entries()), IsEmpty());
  const std::vector<CatalogNamesOf> clashing = {
      {"a-1", {"b2"}, {"o/x", "noslash"}, false},
      {"b-2", {"C"}, {"o/X"}, false},
      {"d", {"c"}, {}, false},
      {"b2", {}, {}, false},
  };
  EXPECT_THAT(NameClashes(clashing),
              ElementsAre("the name \"b2\" is read as that of b-2",
                          "the alias \"b2\" of a-1 is also a name of b-2",
                          "the id \"noslash\" of a-1 is not ORGANISATION/NAME",
                          "the id \"o/X\" is of a-1 and of b-2",
                          "the id \"X\" of b-2 is also a name of a-1",
                          "the alias \"c\" of d is also a name of b-2"));
}

}  // namespace
}  // namespace tokenjoule
