#include "tools/output.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/description/faults.h"
#include "tools/command.h"

namespace tokenjoule {
namespace {

std::vector<std::string> NamesOf(const std::vector<OutputFormat>& formats) {
  std::vector<std::string> names;
  for (const OutputFormat format : formats) names.push_back(FormatName(format));
  return names;
}

// Appends, because standard output may be a file that already has content.
bool AppendTo(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::app);
  out << text;
  out.close();
  return out.good();
}

// Writes a file completely or not at all: a reader sees either the old file or
// the new one. Devices, pipes and standard output are written directly; links
// are followed; an existing file keeps its mode. On failure errno has the
// reason.
bool WriteWhole(const std::string& path, const std::string& text) {
  struct stat info;
  const bool exists = stat(path.c_str(), &info) == 0;
  if (exists && (!S_ISREG(info.st_mode) || absl::StartsWith(path, "/dev/"))) {
    return AppendTo(path, text);
  }
  std::string target = path;
  if (char* real = exists ? realpath(path.c_str(), nullptr) : nullptr) {
    target = real;
    free(real);
  }
  if (exists && access(target.c_str(), W_OK) != 0) return false;
  std::string temporary = target + ".XXXXXX";
  const int descriptor = mkstemp(&temporary[0]);
  if (descriptor < 0) return false;
  const mode_t mask = umask(0);
  umask(mask);
  const mode_t mode = exists ? info.st_mode & 07777 : 0666 & ~mask;
  const bool moded = fchmod(descriptor, mode) == 0;
  close(descriptor);
  if (moded && AppendTo(temporary, text) &&
      std::rename(temporary.c_str(), target.c_str()) == 0) {
    return true;
  }
  const int why = errno;
  std::remove(temporary.c_str());
  errno = why;
  return false;
}

PageWriter page_writer = nullptr;

}  // namespace

PageWriter RegisteredPageWriter() { return page_writer; }

PageRegistration::PageRegistration(PageWriter writer) { page_writer = writer; }

FlagSpec FormatFlag(const std::vector<OutputFormat>& formats,
                    absl::string_view what) {
  std::vector<std::string> names = NamesOf(formats);
  const std::string last = names.back();
  names.pop_back();
  const bool has_database =
      std::find(formats.begin(), formats.end(), OutputFormat::kSqlite) !=
      formats.end();
  return {"format", "FORMAT",
          absl::StrCat(what, absl::StrJoin(names, ", "), " or ", last,
                       " (default table)",
                       has_database ? "; sqlite needs --out" : "")};
}

FlagSpec OutFlag() {
  return {"out", "FILE", "write there instead of to stdout"};
}

FlagSpec MarkdownFlag() {
  return {"markdown", "FILE", "a summary for a pull request's comment"};
}

FlagSpec JunitFlag() {
  return {"junit", "FILE", "JUnit XML, a test case for each figure"};
}

absl::StatusOr<OutputFormat> ReadOutputFormat(
    const ParsedFlags& flags, const std::vector<OutputFormat>& formats) {
  const std::string wanted = flags.Get("format", "table");
  for (const OutputFormat format : formats) {
    if (wanted != FormatName(format)) continue;
    if (format == OutputFormat::kSqlite && !flags.Has("out")) {
      return absl::InvalidArgumentError(
          "--format=sqlite: a database is not for stdout; name its file with "
          "--out=FILE");
    }
    return format;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--format: ",
                   UnknownNameMessage("format", wanted, NamesOf(formats), "")));
}

int WriteOutput(const ParsedFlags& flags,
                const absl::StatusOr<std::string>& text) {
  const std::string out = flags.Get("out", "");
  if (!text.ok()) {
    return Fail(
        absl::InvalidArgumentError(absl::StrCat("--out=", PrintablePath(out),
                                                ": ", text.status().message())),
        kExitBadData);
  }
  if (flags.Has("out")) return WriteFile("out", out, *text);
  std::cout << *text << std::flush;
  if (std::cout.good()) return kExitOk;
  return Fail(absl::InvalidArgumentError("stdout: cannot be written"),
              kExitBadData);
}

int WriteFile(absl::string_view flag, const std::string& path,
              const std::string& text) {
  errno = 0;
  if (WriteWhole(path, text)) return kExitOk;
  return Fail(absl::InvalidArgumentError(
                  absl::StrCat(FlagText(flag), "=", PrintablePath(path),
                               ": cannot be written: ", std::strerror(errno))),
              kExitBadData);
}

}  // namespace tokenjoule
