// Tests of the search binary: it is linked statically, and its answers are
// identical to those of tokenjoule, byte for byte.

#include <elf.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/run_tool.h"

namespace tokenjoule {
namespace {

std::string* full_binary = new std::string;
std::string* search_binary = new std::string;

// Part of a file as a structure of it.
template <typename Part>
Part PartAt(const std::string& bytes, size_t offset) {
  Part part = {};
  EXPECT_LE(offset + sizeof(part), bytes.size());
  if (offset + sizeof(part) <= bytes.size()) {
    std::memcpy(&part, bytes.data() + offset, sizeof(part));
  }
  return part;
}

// Whether a program has a header of this kind: PT_INTERP if it needs a dynamic
// loader, PT_DYNAMIC if it may name libraries.
bool HasHeader(const std::string& path, Elf64_Word type) {
  const std::string bytes = Read(path);
  const auto head = PartAt<Elf64_Ehdr>(bytes, 0);
  EXPECT_EQ(std::memcmp(head.e_ident, ELFMAG, SELFMAG), 0) << path;
  for (int i = 0; i < head.e_phnum; ++i) {
    const auto header =
        PartAt<Elf64_Phdr>(bytes, head.e_phoff + i * head.e_phentsize);
    if (header.p_type == type) return true;
  }
  return false;
}

Outcome RunWith(const std::string& path, const std::string& args) {
  *binary = path;
  return RunTool(args);
}

void ExpectSame(const std::string& args) {
  const Outcome full = RunWith(*full_binary, args);
  const Outcome search = RunWith(*search_binary, args);
  EXPECT_EQ(full.exit_code, search.exit_code) << args;
  EXPECT_EQ(full.out, search.out) << args;
  EXPECT_EQ(full.err, search.err) << args;
}

TEST(SearchBinaryTest, NeedsNoLibraryOfTheMachine) {
  ASSERT_EQ(PartAt<Elf64_Ehdr>(Read(*search_binary), 0).e_ident[EI_CLASS],
            ELFCLASS64);
  EXPECT_TRUE(HasHeader(*full_binary, PT_INTERP)) << "the test sees nothing";
  EXPECT_FALSE(HasHeader(*search_binary, PT_INTERP));
  EXPECT_FALSE(HasHeader(*search_binary, PT_DYNAMIC));
}

TEST(SearchBinaryTest, HelpAndFaultsAreThoseOfTheWhole) {
  for (const char* args :
       {"sweep --help", "merge --help", "sweep", "merge",
        "sweep --space=hbm-acelerator", "sweep --space=x --shard=8/8",
        "sweep --space=x --format=sqlite", "merge --space=x --spice=y z"}) {
    ExpectSame(args);
  }
}

TEST(SearchBinaryTest, SpacesThatAskForEvolutionAreForTheWhole) {
  const Outcome refused =
      RunWith(*search_binary, "sweep --space=hbm-continuous");
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_EQ(refused.out, "");
  EXPECT_NE(refused.err.find("use `tokenjoule sweep`"), std::string::npos)
      << refused.err;
}

TEST(SearchBinaryTest, AnswersAreTheSameBytes) {
  const std::string space = TempPath("space.textproto");
  Write(space, R"(
name: "both"
scenario { model: "llama-3.1-8b" hardware: "h100-sxm" context: 4096 }
axis { path: "scenario.batch" value: "1" value: "16" value: "4096" }
axis { path: "hardware.memory.hbm.bandwidth_gb_per_s"
       linear { from: 2000 to: 8000 count: 50 } }
axis { path: "hardware.memory.hbm.path_energy_pj_per_bit"
       logarithmic { from: 1 to: 8 count: 40 } }
objective { metric: "energy_per_token_j" }
objective { metric: "tokens_per_s" maximize: true }
)");
  for (const int shard : {0, 1}) {
    ExpectSame(absl::StrCat("sweep --format=json --shard=", shard,
                            "/2 --space=", space));
    RunTool(absl::StrCat("sweep --format=json --shard=", shard,
                         "/2 --space=", space,
                         " --out=", TempPath(absl::StrCat(shard, ".json"))));
  }
  const std::string merge =
      absl::StrCat("merge --space=", space, " ", TempPath("0.json"), " ",
                   TempPath("1.json"), " --format=");
  for (const char* format : {"table", "json", "csv", "svg"}) {
    ExpectSame(absl::StrCat(merge, format));
  }
  ExpectSame(absl::StrCat("sweep --point=77 --space=", space));
  const std::string database = TempPath("front.sqlite");
  const std::string args = absl::StrCat(merge, "sqlite --out=", database);
  EXPECT_EQ(RunWith(*full_binary, args).exit_code, 0);
  const std::string expected = Read(database);
  EXPECT_EQ(RunWith(*search_binary, args).exit_code, 0);
  EXPECT_EQ(Read(database), expected);
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s TOKENJOULE TOKENJOULE_SEARCH\n", argv[0]);
    return 2;
  }
  *tokenjoule::full_binary = argv[1];
  *tokenjoule::search_binary = argv[2];
  return RUN_ALL_TESTS();
}
