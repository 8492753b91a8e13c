// Files of tests.

#ifndef ANALYZER_TESTING_FILES_H_
#define ANALYZER_TESTING_FILES_H_

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace tokenjoule {

// The path of a file in the test's own temporary folder.
inline std::string TempPath(absl::string_view name) {
  return absl::StrCat(::testing::TempDir(), "/", name);
}

// The whole content of a file; empty where it cannot be read.
inline std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// Makes a file of this content, or replaces it.
inline void Write(const std::string& path, absl::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace tokenjoule

#endif  // ANALYZER_TESTING_FILES_H_
