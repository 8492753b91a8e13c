// Writes text files into a C++ source as string constants, so that the binary
// carries the catalogue and runs from any directory and on any node.
//
//   embed_files OUTPUT.cc FILE...
//
// The output defines tokenjoule::EmbeddedFiles() of
// analyzer/description/embedded_files.h; files are named by their path from the
// workspace's root.

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"

namespace {

// Prefixes of the paths of other repositories and of generated files.
std::string WorkspacePath(std::string path) {
  for (const char* root : {"models/", "hw_specs/"}) {
    const size_t at = path.rfind(root);
    if (at != std::string::npos && (at == 0 || path[at - 1] == '/')) {
      return path.substr(at);
    }
  }
  return path;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: embed_files OUTPUT.cc FILE...\n";
    return 2;
  }
  std::vector<std::string> paths(argv + 2, argv + argc);
  std::sort(paths.begin(), paths.end());
  std::ostringstream out;
  out << "#include \"analyzer/description/embedded_files.h\"\n\n"
      << "namespace tokenjoule {\n\n"
      << "absl::Span<const EmbeddedFile> EmbeddedFiles() {\n"
      << "  static constexpr EmbeddedFile kFiles[] = {\n";
  for (const std::string& path : paths) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
      std::cerr << path << ": cannot be read\n";
      return 1;
    }
    out << "      {\"" << absl::CEscape(WorkspacePath(path)) << "\",\n";
    std::string line;
    while (std::getline(in, line)) {
      out << "       \"" << absl::CEscape(line) << "\\n\"\n";
    }
    out << "      },\n";
  }
  out << "  };\n  return kFiles;\n}\n\n}  // namespace tokenjoule\n";
  std::ofstream file(argv[1], std::ios::binary);
  file << out.str();
  file.close();
  if (!file) {
    std::cerr << argv[1] << ": cannot be written\n";
    return 1;
  }
  return 0;
}
