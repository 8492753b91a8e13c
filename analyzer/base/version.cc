#include "analyzer/base/version.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tokenjoule {
namespace {

std::vector<int> Parts(absl::string_view version) {
  std::vector<int> parts;
  for (const absl::string_view part : absl::StrSplit(version, '.')) {
    int number = 0;
    parts.push_back(absl::SimpleAtoi(part, &number) ? number : 0);
  }
  return parts;
}

}  // namespace

std::string NewerVersionNote(absl::string_view a) {
  if (!(Parts(a) > Parts(kVersion))) return "";
  return absl::StrCat("tokenjoule ", a,
                      " wrote the file, which is newer than this one, ",
                      kVersion);
}

}  // namespace tokenjoule
