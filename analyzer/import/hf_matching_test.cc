#include "analyzer/import/hf_matching.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

HfModule Module(std::vector<std::string> paths) {
  HfModule module;
  module.paths = std::move(paths);
  return module;
}

// A list of one entry.
class OneEntry {
 public:
  OneEntry(const std::string& entry, EntryStyle style)
      : document_("{}", "c.json") {
    list_.Add(document_.Root(), "list", entry, style);
  }
  bool Has(const std::string& path) const { return list_.Has(Module({path})); }
  const std::vector<Fault>& faults() const { return document_.log().faults; }

 private:
  JsonDocument document_;
  ModuleList list_;
};

TEST(GlobTest, StarsCrossDotsAndSetsHaveRanges) {
  EXPECT_TRUE(GlobMatches("*", ""));
  EXPECT_TRUE(GlobMatches("model.layers.0.self_attn*",
                          "model.layers.0.self_attn.q_proj"));
  EXPECT_FALSE(GlobMatches("model.layers.0.self_attn*",
                           "model.layers.10.self_attn.q_proj"));
  EXPECT_TRUE(GlobMatches("*.mlp.*_proj", "a.mlp.b.c_proj"));
  EXPECT_FALSE(GlobMatches("*.mlp.*_proj", "a.mlp.b.c_proj2"));
  EXPECT_TRUE(GlobMatches("a?c", "abc"));
  EXPECT_FALSE(GlobMatches("a?c", "ac"));
  EXPECT_TRUE(GlobMatches("l[0-3].x", "l2.x"));
  EXPECT_FALSE(GlobMatches("l[!0-3].x", "l2.x"));
  EXPECT_TRUE(GlobMatches("l[", "l["));
  EXPECT_FALSE(GlobMatches("", "a"));
  // Many stars take no longer than their product with the text.
  EXPECT_FALSE(GlobMatches("*a*a*a*a*a*a*a*a*a*a*b", std::string(2000, 'a')));
}

TEST(PatternTest, RequiredTextIsInEveryMatch) {
  EXPECT_EQ(RequiredText(".*mlp\\.experts\\..*"), "mlp.experts.");
  EXPECT_EQ(RequiredText("model\\.layers\\.0\\..*"), "model.layers.0.");
  EXPECT_EQ(RequiredText(".*self_attn.*"), "self_attn");
  EXPECT_EQ(RequiredText(".*mlp\\.(gate|up)_proj.*"), "_proj");
  EXPECT_EQ(RequiredText("a|b"), "");
  EXPECT_EQ(RequiredText("abc?de"), "ab");
  EXPECT_EQ(RequiredText("ab{2}c"), "a");
  EXPECT_EQ(RequiredText("[abc]de"), "de");
  EXPECT_EQ(RequiredText("[]a]de"), "de");
  EXPECT_EQ(RequiredText("\\x41bc"), "");
  EXPECT_EQ(RequiredText("(?!ab)cde"), "cde");
  EXPECT_EQ(RequiredText("a{"), "");
  EXPECT_EQ(RequiredText("\\"), "");
}

TEST(PatternTest, MatchesAsPythonDoes) {
  JsonDocument document("{}", "c.json");
  const auto pattern = [&](const std::string& text) {
    return *Pattern::Make(document.Root(), "f", text);
  };
  EXPECT_TRUE(pattern(".*mlp.gate$").MatchesBegin("a.mlp.gate"));
  EXPECT_FALSE(pattern(".*mlp.gate$").MatchesBegin("a.mlp.gate_proj"));
  EXPECT_TRUE(pattern(".*mlp.gate").MatchesBegin("a.mlp.gate_proj"));
  EXPECT_FALSE(pattern("mlp").MatchesBegin("a.mlp"));
  EXPECT_TRUE(pattern("mlp").MatchesPart("a.mlp.b"));
  EXPECT_FALSE(pattern("a\\.mlp").MatchesAll("a.mlp.b"));
  EXPECT_TRUE(pattern("a\\.\\w+\\.\\d+").MatchesAll("a.mlp.17"));
  EXPECT_TRUE(pattern("^(?!.*experts).*_proj").MatchesBegin("a.up_proj"));
  EXPECT_FALSE(
      pattern("^(?!.*experts).*_proj").MatchesBegin("experts.up_proj"));
  EXPECT_TRUE(document.log().faults.empty());
}

TEST(PatternTest, WhatCannotBeReadIsAFault) {
  for (const std::string& text :
       {std::string("(?i)mlp"), std::string("(?P<n>a)"), std::string("(?<!a)b"),
        std::string("(a"), std::string("[a"), std::string("*a"),
        std::string(501, 'a'), std::string("(a{9999}){9999}")}) {
    JsonDocument document("{}", "c.json");
    EXPECT_FALSE(Pattern::Make(document.Root(), "f", text).has_value()) << text;
    ASSERT_EQ(document.log().faults.size(), 1u) << text;
    EXPECT_THAT(document.log().faults[0].message, HasSubstr("the expression"));
  }
}

// Time must not explode.
TEST(PatternTest, NestedRepetitionsEnd) {
  JsonDocument document("{}", "c.json");
  const absl::optional<Pattern> pattern =
      Pattern::Make(document.Root(), "f", "(a+)+(a+)+(a+)+$");
  if (pattern.has_value()) {
    EXPECT_FALSE(pattern->MatchesBegin(std::string(60, 'a') + "b"));
  }
}

TEST(ModuleListTest, ParentsFitWholePartsOnly) {
  const OneEntry gate("mlp.gate", EntryStyle::kParent);
  EXPECT_TRUE(gate.Has("model.layers.0.mlp.gate"));
  EXPECT_TRUE(gate.Has("model.layers.0.mlp.gate.weight"));
  EXPECT_FALSE(gate.Has("model.layers.0.mlp.gate_proj"));
  const OneEntry layer("model.layers.1", EntryStyle::kParent);
  EXPECT_TRUE(layer.Has("model.layers.1.mlp.up_proj"));
  EXPECT_FALSE(layer.Has("model.layers.10.mlp.up_proj"));
  EXPECT_TRUE(OneEntry("layers.1.", EntryStyle::kParent)
                  .Has("model.layers.1.mlp.up_proj"));
  EXPECT_FALSE(OneEntry("", EntryStyle::kParent).Has("a"));
}

TEST(ModuleListTest, OtherStyles) {
  EXPECT_TRUE(OneEntry("a.b", EntryStyle::kExact).Has("a.b"));
  EXPECT_FALSE(OneEntry("a.b", EntryStyle::kExact).Has("a.b.c"));
  EXPECT_TRUE(OneEntry("self_a", EntryStyle::kPart).Has("x.self_attn.q"));
  EXPECT_FALSE(OneEntry("", EntryStyle::kPart).Has("x"));
  EXPECT_TRUE(OneEntry("re:.*attn", EntryStyle::kExact).Has("x.attn.q"));
  EXPECT_TRUE(OneEntry("model.layers.*.self_attn", EntryStyle::kParent)
                  .Has("model.layers.3.self_attn.q_proj"));
  EXPECT_EQ(OneEntry("re:(", EntryStyle::kExact).faults().size(), 1u);
}

TEST(ModuleListTest, TooManyExpressionsAreAFault) {
  JsonDocument document("{}", "c.json");
  ModuleList list;
  for (int i = 0; i < 3000; ++i) {
    list.Add(document.Root(), "list", absl::StrCat("re:a", i),
             EntryStyle::kExact);
  }
  EXPECT_EQ(document.log().faults.size(), 1u);
}

}  // namespace
}  // namespace tokenjoule
