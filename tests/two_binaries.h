// Compares binaries that should answer alike, for tests of the static ones.

#ifndef TESTS_TWO_BINARIES_H_
#define TESTS_TWO_BINARIES_H_

#include <elf.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "gtest/gtest.h"
#include "tests/run_tool.h"

namespace tokenjoule {

// Paths of //tools:tokenjoule and of the binary that is linked statically,
// taken from the test's arguments.
inline std::string* full_binary = new std::string;
inline std::string* static_binary = new std::string;

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
inline bool HasHeader(const std::string& path, Elf64_Word type) {
  const std::string bytes = Read(path);
  const auto head = PartAt<Elf64_Ehdr>(bytes, 0);
  EXPECT_EQ(std::memcmp(head.e_ident, ELFMAG, SELFMAG), 0) << path;
  EXPECT_EQ(head.e_ident[EI_CLASS], ELFCLASS64) << path;
  for (int i = 0; i < head.e_phnum; ++i) {
    const auto header =
        PartAt<Elf64_Phdr>(bytes, head.e_phoff + i * head.e_phentsize);
    if (header.p_type == type) return true;
  }
  return false;
}

// Expects that one binary names shared libraries and the other does not.
inline void ExpectStatic() {
  EXPECT_TRUE(HasHeader(*full_binary, PT_INTERP)) << "the test sees nothing";
  EXPECT_FALSE(HasHeader(*static_binary, PT_INTERP));
  EXPECT_FALSE(HasHeader(*static_binary, PT_DYNAMIC));
}

inline Outcome RunWith(const std::string& path, const std::string& args) {
  *binary = path;
  return RunTool(args);
}

// Expects the same exit code and the same bytes of both.
inline void ExpectSame(const std::string& args) {
  const Outcome full = RunWith(*full_binary, args);
  const Outcome other = RunWith(*static_binary, args);
  EXPECT_EQ(full.exit_code, other.exit_code) << args;
  EXPECT_EQ(full.out, other.out) << args;
  EXPECT_EQ(full.err, other.err) << args;
}

// main() of such a test.
inline int RunTwoBinariesTests(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s TOKENJOULE STATIC_BINARY\n", argv[0]);
    return 2;
  }
  *full_binary = argv[1];
  *static_binary = argv[2];
  return RUN_ALL_TESTS();
}

}  // namespace tokenjoule

#endif  // TESTS_TWO_BINARIES_H_
