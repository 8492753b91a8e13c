// The libraries that a binary was built with, for `tokenjoule version`.

#ifndef TOOLS_LIBRARIES_H_
#define TOOLS_LIBRARIES_H_

#include <string>
#include <vector>

namespace tokenjoule {

// A library of another project.
struct Library {
  std::string name;
  // As that project writes it, e.g. "3.21.12".
  std::string version;
};

// Names a library of every binary that its file is linked into. Use it at
// namespace scope of a file of libraries/, as CommandRegistration.
class LibraryRegistration {
 public:
  explicit LibraryRegistration(Library library);
};

// The registered libraries, each once, sorted by name, whatever the case.
std::vector<Library> RegisteredLibraries();

}  // namespace tokenjoule

#endif  // TOOLS_LIBRARIES_H_
