// cpp-httplib, of which `tokenjoule serve` consists.

#include "httplib.h"
#include "tools/libraries.h"

namespace tokenjoule {
namespace {

const LibraryRegistration kHttplib({"cpp-httplib", CPPHTTPLIB_VERSION});

}  // namespace
}  // namespace tokenjoule
