// Boost, whose Asio and Beast serve the page.

#include <boost/version.hpp>

#include "absl/strings/str_cat.h"
#include "tools/libraries.h"

namespace tokenjoule {
namespace {

const LibraryRegistration kBoost({"Boost",
                                  absl::StrCat(BOOST_VERSION / 100000, ".",
                                               BOOST_VERSION / 100 % 1000, ".",
                                               BOOST_VERSION % 100)});

}  // namespace
}  // namespace tokenjoule
