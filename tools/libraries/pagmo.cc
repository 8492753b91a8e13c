// pagmo, and TBB, which its headers use; boost.cc has Boost.

#include <oneapi/tbb/version.h>

#include <pagmo/config.hpp>

#include "absl/strings/str_cat.h"
#include "tools/libraries.h"

namespace tokenjoule {
namespace {

const LibraryRegistration kPagmo({"pagmo", PAGMO_VERSION});
const LibraryRegistration kTbb({"TBB", absl::StrCat(TBB_VERSION_MAJOR, ".",
                                                    TBB_VERSION_MINOR, ".",
                                                    TBB_VERSION_PATCH)});

}  // namespace
}  // namespace tokenjoule
