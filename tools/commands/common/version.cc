// tokenjoule version: which build this is.

#include "analyzer/base/version.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/base/fingerprint.h"
#include "analyzer/description/embedded_files.h"
#include "analyzer/report/table.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/libraries.h"
#include "tools/output.h"

namespace tokenjoule {
namespace {

// Paths count too, because a file's name is that of its entry.
std::string CatalogueFingerprint() {
  Fingerprint fingerprint;
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    fingerprint.Add(absl::StrCat(file.path, "\n", file.content));
  }
  return fingerprint.ToString();
}

std::string Compiler() {
#if defined(__clang__)
  return absl::StrCat("Clang ", __clang_major__, ".", __clang_minor__, ".",
                      __clang_patchlevel__);
#elif defined(__GNUC__)
  return absl::StrCat("GCC ", __GNUC__, ".", __GNUC_MINOR__, ".",
                      __GNUC_PATCHLEVEL__);
#else
  return "unknown";
#endif
}

std::string Processor() {
#if defined(__x86_64__)
  return "x86-64";
#elif defined(__aarch64__)
  return "arm64";
#else
  return "other";
#endif
}

std::string VersionText(bool verbose) {
  std::string text = absl::StrCat("tokenjoule ", kVersion, "\n");
  if (!verbose) return text;
  TextTable table({"", ""});
  table.AddRow({"catalogue", absl::StrCat(EmbeddedFiles().size(), " files, ",
                                          CatalogueFingerprint())});
  table.AddRow({"processor", Processor()});
  table.AddRow({"compiler", Compiler()});
  for (const Library& library : RegisteredLibraries()) {
    table.AddRow({library.name, library.version});
  }
  return absl::StrCat(text, table.ToString(2));
}

Command VersionCommand() {
  Command command;
  command.name = "version";
  command.summary = "the version; --verbose: of what it was built";
  command.description =
      "Prints the version, which every JSON answer also begins with. With\n"
      "--verbose also the fingerprint of the catalogue in the binary, the\n"
      "compiler and the libraries. `tokenjoule --version` is the same. The\n"
      "same sources and tools give the same binary: it has no time stamp.";
  command.examples =
      "  tokenjoule version\n"
      "  tokenjoule --version --verbose\n";
  command.flags = {
      {"verbose", "", "also the catalogue, the compiler and the libraries"},
      OutFlag()};
  command.run = [](const ParsedFlags& flags) {
    return WriteOutput(flags, VersionText(flags.GetBool("verbose")));
  };
  return command;
}

const CommandRegistration kRegistration(VersionCommand);

}  // namespace
}  // namespace tokenjoule
