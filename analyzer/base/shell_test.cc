#include "analyzer/base/shell.h"

#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/base/visible.h"
#include "analyzer/testing/hostile.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

TEST(ShellTest, PlainWordsStayAsTheyAre) {
  EXPECT_EQ(ShellQuoted("--model=llama-3.1-8b"), "--model=llama-3.1-8b");
  EXPECT_EQ(ShellQuoted("--set=hardware.memory.hbm.bandwidth_gb_per_s=4000"),
            "--set=hardware.memory.hbm.bandwidth_gb_per_s=4000");
}

TEST(ShellTest, TheNameOfAnOptionStaysOutsideOfTheMarks) {
  EXPECT_EQ(ShellQuoted("--model=my model.textproto"),
            "--model='my model.textproto'");
  EXPECT_EQ(ShellQuoted("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellQuoted(""), "''");
}

TEST(ShellTest, WhatDoesNotShowIsWrittenByPrintf) {
  EXPECT_EQ(ShellQuoted("--model=a\x1b[31m"),
            "--model=\"$(printf 'a\\033[31m')\"");
  EXPECT_EQ(ShellQuoted("a\n"), "\"$(printf 'a')\"'\n'");
  // An accent shows.
  EXPECT_EQ(ShellQuoted("\xc3\xa9"), "'\xc3\xa9'");
}

// What a shell prints for a word of a command line.
std::string ReadByShell(const std::string& word) {
  std::FILE* shell = popen(absl::StrCat("printf %s ", word).c_str(), "r");
  if (shell == nullptr) return "no shell";
  std::string read;
  std::array<char, 256> part;
  while (const size_t size = std::fread(part.data(), 1, part.size(), shell)) {
    read.append(part.data(), size);
  }
  pclose(shell);
  return read;
}

// A real shell reads every byte back, and every character of the command shows.
TEST(ShellTest, AShellReadsBackWhatWasQuoted) {
  for (const HostileText& hostile : HostileTexts()) {
    if (!hostile.CanBeArgument()) continue;
    SCOPED_TRACE(hostile.attacks);
    for (const std::string& word :
         {hostile.text, absl::StrCat("--set=", hostile.text),
          absl::StrCat("--", hostile.text),
          absl::StrCat(hostile.text, "\n0")}) {
      const std::string quoted = ShellQuoted(word);
      EXPECT_EQ(ReadByShell(quoted), word) << quoted;
      const size_t shown = word.find_last_not_of('\n') + 1;
      if (shown == word.size()) {
        EXPECT_EQ(VisibleText(quoted), quoted);
      }
    }
  }
}

TEST(ShellTest, WordsOfACommandAreThoseThatWereQuoted) {
  std::vector<std::string> quoted = {"tokenjoule", "analyze"};
  for (const HostileText& hostile : HostileTexts()) {
    quoted.push_back(ShellQuoted(hostile.text));
    quoted.push_back(ShellQuoted(absl::StrCat("--set=", hostile.text)));
  }
  EXPECT_EQ(ShellWords(absl::StrJoin(quoted, " ")), quoted);
}

}  // namespace
}  // namespace tokenjoule
