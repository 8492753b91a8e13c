// Libraries of every binary.

#include <features.h>
#include <sqlite3.h>

#include <string>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/message.h"
#include "nlohmann/json.hpp"
#include "tools/libraries.h"

namespace tokenjoule {
namespace {

std::string AbseilVersion() {
#ifdef ABSL_LTS_RELEASE_VERSION
  return absl::StrCat(ABSL_LTS_RELEASE_VERSION, ".",
                      ABSL_LTS_RELEASE_PATCH_LEVEL);
#else
  return "not a release";
#endif
}

const LibraryRegistration kAbseil({"Abseil", AbseilVersion()});
// 3021012 is 3.21.12.
const LibraryRegistration kProtobuf(
    {"protobuf", absl::StrCat(GOOGLE_PROTOBUF_VERSION / 1000000, ".",
                              GOOGLE_PROTOBUF_VERSION / 1000 % 1000, ".",
                              GOOGLE_PROTOBUF_VERSION % 1000)});
const LibraryRegistration kJson({"nlohmann-json",
                                 absl::StrCat(NLOHMANN_JSON_VERSION_MAJOR, ".",
                                              NLOHMANN_JSON_VERSION_MINOR, ".",
                                              NLOHMANN_JSON_VERSION_PATCH)});
// The version of the header: the library may be a later one if it is shared.
const LibraryRegistration kSqlite({"SQLite", SQLITE_VERSION});

// Of the compiler that the library came with; Clang uses the headers of GCC,
// which give only the first number.
const LibraryRegistration kGccRuntime(
#if defined(__GNUC__) && !defined(__clang__)
    {"GCC runtime",
     absl::StrCat(__GNUC__, ".", __GNUC_MINOR__, ".", __GNUC_PATCHLEVEL__)}
#else
    {"GCC runtime", absl::StrCat(_GLIBCXX_RELEASE)}
#endif
);
const LibraryRegistration kGlibc({"glibc", absl::StrCat(__GLIBC__, ".",
                                                        __GLIBC_MINOR__)});

}  // namespace
}  // namespace tokenjoule
