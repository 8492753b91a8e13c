#include "analyzer/base/version.h"

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

std::string Read(const char* path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(VersionTest, TheCitationIsOfThisVersion) {
  EXPECT_TRUE(absl::StrContains(Read("CITATION.cff"),
                                absl::StrCat("\nversion: ", kVersion, "\n")));
}

TEST(VersionTest, OnlyNewerVersionsAreNamed) {
  EXPECT_EQ(NewerVersionNote(kVersion), "");
  EXPECT_EQ(NewerVersionNote(""), "");
  EXPECT_EQ(NewerVersionNote("0.0.99"), "");
  EXPECT_EQ(NewerVersionNote("nonsense"), "");
  // By number, not by letter.
  for (const char* newer : {"99.0.0", "0.100.0", "0.1.100", "0.1.0.1"}) {
    EXPECT_TRUE(absl::StrContains(NewerVersionNote(newer), newer)) << newer;
  }
}

}  // namespace
}  // namespace tokenjoule
