#include "tools/supply/components.h"

#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

TEST(ComponentsTest, AreSortedAndComplete) {
  std::string before;
  for (const Software& component : AllSoftware()) {
    const std::string name = absl::AsciiStrToLower(component.name);
    EXPECT_LT(before, name);
    before = name;
    EXPECT_FALSE(component.licence.empty()) << name;
    EXPECT_FALSE(component.copyright.empty()) << name;
    EXPECT_FALSE(component.source.empty()) << name;
    EXPECT_TRUE(absl::StartsWith(component.homepage, "http")) << name;
    EXPECT_EQ(component.texts.empty(), component.use == SoftwareUse::kLoaded)
        << name;
    EXPECT_EQ(FindSoftware(component.name), &component) << name;
  }
  EXPECT_GT(AllSoftware().size(), 20u);
  EXPECT_EQ(FindSoftware("no such library"), nullptr);
}

// Every text that is named is there, and every text that is there is named.
TEST(ComponentsTest, TextsAreInTheBinary) {
  std::set<std::string> named;
  for (const Software& component : AllSoftware()) {
    for (const std::string& file : std::vector<std::string>(
             absl::StrSplit(component.texts, ' ', absl::SkipEmpty()))) {
      const absl::StatusOr<absl::string_view> text = LicenceText(file);
      ASSERT_TRUE(text.ok()) << component.name << ": " << text.status();
      EXPECT_GT(text->size(), 200u) << file;
      named.insert(file);
    }
  }
  for (const EmbeddedFile& file : LicenceFiles()) {
    EXPECT_EQ(named.count(std::string(file.path)), 1u) << file.path;
    // Wherever the build has it, also as a repository of another workspace.
    EXPECT_FALSE(absl::StrContains(file.path, "/")) << file.path;
  }
  EXPECT_FALSE(LicenceText("no such file").ok());
}

// A licence that asks for its notice has a text that repeats the holder.
TEST(ComponentsTest, NoticesNameTheirHolders) {
  for (const auto& [file, words] :
       {std::pair<const char*, const char*>{"Apache-2.0.txt", "Apache License"},
        {"GPL-3.0.txt", "GNU GENERAL PUBLIC LICENSE"},
        {"LGPL-3.0.txt", "GNU LESSER GENERAL PUBLIC LICENSE"},
        {"LGPL-2.1.txt", "GNU LESSER GENERAL PUBLIC LICENSE"},
        {"MPL-2.0.txt", "Mozilla Public License"},
        {"GCC-exception-3.1.txt", "GCC RUNTIME LIBRARY EXCEPTION"},
        {"protobuf.txt", "Copyright 2008 Google Inc."},
        {"ceres.txt", "2005-2022 Google Inc."},
        {"d3.txt", "Mike Bostock"},
        {"nlohmann-json.txt", "Niels Lohmann"}}) {
    EXPECT_TRUE(absl::StrContains(*LicenceText(file), words)) << file;
  }
}

}  // namespace
}  // namespace tokenjoule
