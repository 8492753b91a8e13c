// Ceres, and Eigen and glog, which its headers use.

#include <Eigen/Core>

#include "absl/strings/str_cat.h"
#include "ceres/version.h"
#include "tools/libraries.h"

namespace tokenjoule {
namespace {

const LibraryRegistration kCeres({"Ceres", CERES_VERSION_STRING});
const LibraryRegistration kEigen(
    {"Eigen", absl::StrCat(EIGEN_WORLD_VERSION, ".", EIGEN_MAJOR_VERSION, ".",
                           EIGEN_MINOR_VERSION)});

// A macro of tools/third_party/system_packages.bzl, without quotes.
#define TOKENJOULE_TEXT_OF(macro) TOKENJOULE_TEXT(macro)
#define TOKENJOULE_TEXT(words) #words
const LibraryRegistration kGlog({"glog",
                                 TOKENJOULE_TEXT_OF(TOKENJOULE_GLOG_VERSION)});

}  // namespace
}  // namespace tokenjoule
