// Ceres, and Eigen, which its headers use.

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

}  // namespace
}  // namespace tokenjoule
