#include "tools/libraries.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"

namespace tokenjoule {
namespace {

// A local static, so that it exists before any file registers.
std::vector<Library>& Registry() {
  static auto* registry = new std::vector<Library>;
  return *registry;
}

}  // namespace

LibraryRegistration::LibraryRegistration(Library library) {
  Registry().push_back(std::move(library));
}

std::vector<Library> RegisteredLibraries() {
  std::vector<Library> libraries = Registry();
  std::sort(libraries.begin(), libraries.end(),
            [](const Library& a, const Library& b) {
              return absl::AsciiStrToLower(a.name) <
                     absl::AsciiStrToLower(b.name);
            });
  // Two parts of a binary may use the same library.
  libraries.erase(std::unique(libraries.begin(), libraries.end(),
                              [](const Library& a, const Library& b) {
                                return a.name == b.name &&
                                       a.version == b.version;
                              }),
                  libraries.end());
  return libraries;
}

}  // namespace tokenjoule
