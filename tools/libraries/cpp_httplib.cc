// cpp-httplib, which serves the page.

#include "httplib.h"
#include "tools/libraries.h"

namespace tokenjoule {
namespace {

const LibraryRegistration kHttplib({"cpp-httplib", CPPHTTPLIB_VERSION});

}  // namespace
}  // namespace tokenjoule
