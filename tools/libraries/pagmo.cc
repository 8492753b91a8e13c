// pagmo, and Boost and TBB, which its headers use.

#include <oneapi/tbb/version.h>

#include <boost/version.hpp>
#include <pagmo/config.hpp>

#include "absl/strings/str_cat.h"
#include "tools/libraries.h"

namespace tokenjoule {
namespace {

const LibraryRegistration kPagmo({"pagmo", PAGMO_VERSION});
// 107400 is 1.74.0.
const LibraryRegistration kBoost({"Boost",
                                  absl::StrCat(BOOST_VERSION / 100000, ".",
                                               BOOST_VERSION / 100 % 1000, ".",
                                               BOOST_VERSION % 100)});
const LibraryRegistration kTbb({"TBB", absl::StrCat(TBB_VERSION_MAJOR, ".",
                                                    TBB_VERSION_MINOR, ".",
                                                    TBB_VERSION_PATCH)});

}  // namespace
}  // namespace tokenjoule
