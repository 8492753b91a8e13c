#include "tools/output.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/testing/files.h"
#include "gtest/gtest.h"
#include "tools/command.h"
#include "tools/whole_file.h"

namespace tokenjoule {
namespace {

int Written(const std::string& path, const std::string& text) {
  return WriteFile("out", path, text);
}

// A folder of its own, so that what is left behind is seen.
std::string NewFolder(const std::string& name) {
  const std::string folder = TempPath(name);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  return folder;
}

size_t FilesIn(const std::string& folder) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files += entry.exists() || entry.is_symlink();
  }
  return files;
}

TEST(OutputTest, AFileIsReplacedWholeAndKeepsItsMode) {
  const std::string folder = NewFolder("whole"), file = folder + "/answer";
  EXPECT_EQ(Written(file, "a long answer"), kExitOk);
  ASSERT_EQ(chmod(file.c_str(), 0640), 0);
  EXPECT_EQ(Written(file, "short"), kExitOk);
  EXPECT_EQ(Read(file), "short");
  struct stat info;
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
  EXPECT_EQ(FilesIn(folder), 1u);
}

TEST(OutputTest, LinksAreFollowedAlsoToFilesThatAreNotThereYet) {
  const std::string folder = NewFolder("links");
  std::filesystem::create_directory(folder + "/real");
  std::filesystem::create_symlink("real/answer", folder + "/link");
  std::filesystem::create_symlink("link", folder + "/link_to_link");
  EXPECT_EQ(Written(folder + "/link_to_link", "text"), kExitOk);
  EXPECT_TRUE(std::filesystem::is_symlink(folder + "/link"));
  EXPECT_EQ(Read(folder + "/real/answer"), "text");
  std::filesystem::create_symlink("circle", folder + "/circle");
  EXPECT_EQ(Written(folder + "/circle", "text"), kExitBadData);
}

TEST(OutputTest, NamesMayBeAsLongAsTheFileSystemAllows) {
  const std::string folder = NewFolder("names");
  const std::string longest(255, 'n');
  EXPECT_EQ(Written(folder + "/" + longest, "text"), kExitOk);
  EXPECT_EQ(Written(folder + "/" + longest + "n", "text"), kExitBadData);
  EXPECT_EQ(FilesIn(folder), 1u);
}

// Memory file systems are below /dev, but their files are like any other.
TEST(OutputTest, FilesInSharedMemoryAreReplacedToo) {
  if (access("/dev/shm", W_OK) != 0) GTEST_SKIP() << "there is no /dev/shm";
  const std::string file = absl::StrCat("/dev/shm/tokenjoule_test.", getpid());
  EXPECT_EQ(Written(file, "first"), kExitOk);
  EXPECT_EQ(Written(file, "second"), kExitOk);
  EXPECT_EQ(Read(file), "second");
  std::filesystem::remove(file);
}

TEST(OutputTest, WhatCannotBeWrittenIsAFaultAndLeavesNothing) {
  EXPECT_EQ(Written("/dev/full", "text"), kExitBadData);
  EXPECT_EQ(Written("/nowhere/at/all", "text"), kExitBadData);
  const std::string folder = NewFolder("none");
  EXPECT_EQ(Written(folder, "text"), kExitBadData);
  EXPECT_EQ(FilesIn(folder), 0u);
}

// What is said before any work is what writing finds after it, and asking leaves
// nothing behind.
TEST(OutputTest, WhetherAFileCanBeWrittenIsKnownBefore) {
  const std::string folder = NewFolder("before");
  std::filesystem::create_directory(folder + "/folder");
  std::filesystem::create_symlink("circle", folder + "/circle");
  EXPECT_EQ(Written(folder + "/old", "old"), kExitOk);
  const auto names = [&] {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      names.insert(entry.path().string());
    }
    return names;
  };
  const std::set<std::string> before = names();
  for (const std::string& path :
       {folder + "/new", folder + "/old", std::string("/dev/null")}) {
    EXPECT_TRUE(CheckWritable(path).ok()) << path;
  }
  for (const std::string& path :
       {folder + "/missing/new", folder + "/folder", folder + "/circle",
        folder + "/old/new", folder + "/" + std::string(256, 'n'),
        std::string("")}) {
    EXPECT_FALSE(CheckWritable(path).ok()) << path;
    EXPECT_EQ(CheckWritable(path), WriteWhole(path, "text")) << path;
  }
  EXPECT_EQ(names(), before);
  EXPECT_EQ(Read(folder + "/old"), "old");
  EXPECT_TRUE(IsReplaced(folder + "/new"));
  EXPECT_FALSE(IsReplaced("/dev/stdout"));
}

}  // namespace
}  // namespace tokenjoule
