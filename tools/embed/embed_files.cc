// Writes text files into a C++ source as string constants, so that the binary
// carries the catalogue and runs from any directory and on any node.
//
//   embed_files [--function=NAME] [--header=HEADER] [--root=FOLDER/]...
//       OUTPUT.cc FILE...
//
// The output defines tokenjoule::NAME() of the header, by default
// EmbeddedFiles() of analyzer/description/embedded_files.h. Files are named by
// their path from the innermost of the roots, which are by default the folders
// of the catalogue and remain part of the name.

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"

namespace {

struct Options {
  std::string function = "EmbeddedFiles";
  std::string header = "analyzer/description/embedded_files.h";
  std::vector<std::string> roots;
  // The output, then the inputs.
  std::vector<std::string> files;
};

// Where a folder begins in a path; npos if it is no part of it.
size_t FindFolder(const std::string& path, const std::string& folder) {
  const size_t at = path.rfind(folder);
  return at == 0 || (at != std::string::npos && path[at - 1] == '/')
             ? at
             : std::string::npos;
}

// The name of a file: its path without the prefixes of other repositories and of
// generated files.
std::string NameOf(const std::string& path, const Options& options) {
  for (const std::string& root : options.roots) {
    const size_t at = FindFolder(path, root);
    if (at != std::string::npos) return path.substr(at + root.size());
  }
  for (const char* root : {"models/", "hw_specs/"}) {
    const size_t at = FindFolder(path, root);
    if (options.roots.empty() && at != std::string::npos) {
      return path.substr(at);
    }
  }
  return path;
}

Options ReadOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string value =
        equals == std::string::npos ? "" : argument.substr(equals + 1);
    const std::string flag = argument.substr(0, equals);
    if (flag == "--function") {
      options.function = value;
    } else if (flag == "--header") {
      options.header = value;
    } else if (flag == "--root") {
      options.roots.push_back(value);
    } else {
      options.files.push_back(argument);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = ReadOptions(argc, argv);
  if (options.files.empty()) {
    std::cerr << "usage: embed_files [--function=NAME] [--header=HEADER] "
                 "[--root=FOLDER/]... OUTPUT.cc FILE...\n";
    return 2;
  }
  std::vector<std::pair<std::string, std::string>> named;
  for (size_t i = 1; i < options.files.size(); ++i) {
    named.emplace_back(NameOf(options.files[i], options), options.files[i]);
  }
  std::sort(named.begin(), named.end());
  std::ostringstream out;
  out << "#include \"" << options.header << "\"\n\n"
      << "namespace tokenjoule {\n\n"
      << "absl::Span<const EmbeddedFile> " << options.function << "() {\n"
      << "  static constexpr EmbeddedFile kFiles[] = {\n";
  for (const auto& [name, path] : named) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
      std::cerr << path << ": cannot be read\n";
      return 1;
    }
    out << "      {\"" << absl::CEscape(name) << "\",\n";
    std::string line;
    while (std::getline(in, line)) {
      out << "       \"" << absl::CEscape(line) << "\\n\"\n";
    }
    out << "      },\n";
  }
  out << "  };\n  return kFiles;\n}\n\n}  // namespace tokenjoule\n";
  const std::string& output = options.files[0];
  std::ofstream file(output, std::ios::binary);
  file << out.str();
  file.close();
  if (!file) {
    std::cerr << output << ": cannot be written\n";
    return 1;
  }
  return 0;
}
