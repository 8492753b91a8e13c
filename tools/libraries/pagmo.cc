// pagmo.

#include <pagmo/config.hpp>

#include "tools/libraries.h"

namespace tokenjoule {
namespace {

const LibraryRegistration kPagmo({"pagmo", PAGMO_VERSION});

}  // namespace
}  // namespace tokenjoule
