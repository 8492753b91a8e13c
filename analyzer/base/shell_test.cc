#include "analyzer/base/shell.h"

#include <array>
#include <cstdio>
#include <string>

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

// A real shell reads every byte back.
TEST(ShellTest, AShellReadsBackWhatWasQuoted) {
  for (const std::string& word :
       {std::string("$(touch x)"), std::string("`id`"), std::string("a;b|c&d>e"),
        std::string("\"' \\ \n\t*?[x]{a,b}~!#"), std::string("--set=$HOME"),
        std::string("\xff\x01"), std::string("--a b=c")}) {
    std::FILE* shell =
        popen(("printf %s " + ShellQuoted(word)).c_str(), "r");
    ASSERT_NE(shell, nullptr);
    std::array<char, 256> read;
    const size_t size = std::fread(read.data(), 1, read.size(), shell);
    pclose(shell);
    EXPECT_EQ(std::string(read.data(), size), word);
  }
}

}  // namespace
}  // namespace tokenjoule
