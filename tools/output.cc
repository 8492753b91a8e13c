#include "tools/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

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

// Whether a path names an open file of this process, e.g. /dev/stdout, which may be
// a regular file that has content already.
bool IsOpenFile(const std::string& path) {
  for (const char* start : {"/dev/std", "/dev/fd/", "/proc/self/fd/"}) {
    if (absl::StartsWith(path, start)) return true;
  }
  return false;
}

// The file that a path leads to, through links to files that need not exist yet.
// Empty if links lead in a circle.
std::string TargetOf(std::string path) {
  constexpr int kMostLinks = 40;
  for (int links = 0; links < kMostLinks; ++links) {
    std::error_code error;
    const std::filesystem::path link =
        std::filesystem::read_symlink(path, error);
    if (error) return path;
    path = (link.is_absolute() ? link
                               : std::filesystem::path(path).parent_path() / link)
               .string();
  }
  errno = ELOOP;
  return "";
}

// Writes all of `text`; on failure errno has the reason.
bool WriteAll(int descriptor, const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote =
        write(descriptor, text.data() + done, text.size() - done);
    if (wrote < 0 && errno != EINTR) return false;
    if (wrote > 0) done += static_cast<size_t>(wrote);
  }
  return true;
}

// A file that is replaced, and what is to be kept of it.
struct Replaced {
  std::string target, folder;
  bool exists = false;
  uid_t owner = 0;
  gid_t group = 0;
  mode_t mode = 0;
};

// Writes the new file beside the old one, then renames it. `nameless`: it has a
// name only once it is whole, so that a writer who is killed leaves nothing behind;
// not every file system can do that, and it needs /proc. On failure errno has the
// reason.
bool Replace(const Replaced& file, const std::string& text, bool nameless) {
  // A name of its own length: that of the target may be as long as names can be.
  std::string temporary = file.folder + "/.tokenjoule.XXXXXX";
  const int descriptor =
      nameless ? open(file.folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600)
               : mkstemp(&temporary[0]);
  if (descriptor < 0) return false;
  bool named = !nameless;
  bool written = WriteAll(descriptor, text);
  if (written && file.exists &&
      (file.owner != geteuid() || file.group != getegid())) {
    // Only root can give files away; others' files become theirs.
    if (fchown(descriptor, file.owner, file.group) != 0) errno = 0;
  }
  // After the owner, whose change may take rights away.
  written = written && fchmod(descriptor, file.mode) == 0;
  if (written && nameless) {
    // An existing name can only be replaced by another name.
    const std::string self = absl::StrCat("/proc/self/fd/", descriptor);
    for (int attempt = 0; attempt < 100 && !named; ++attempt) {
      temporary =
          absl::StrCat(file.folder, "/.tokenjoule.", getpid(), ".", attempt);
      named = linkat(AT_FDCWD, self.c_str(), AT_FDCWD, temporary.c_str(),
                     AT_SYMLINK_FOLLOW) == 0;
      if (!named && errno != EEXIST) break;
    }
    written = named;
  }
  int why = errno;
  if (close(descriptor) != 0 && written) {
    written = false;
    why = errno;
  }
  if (written && std::rename(temporary.c_str(), file.target.c_str()) == 0) {
    return true;
  }
  if (written) why = errno;
  if (named) std::remove(temporary.c_str());
  errno = why;
  return false;
}

// Writes a file completely or not at all: a reader sees either the old file or
// the new one. Devices, pipes and open files are written directly; links are
// followed; an existing file keeps its mode, and its owner if that is allowed. On
// failure errno has the reason.
bool WriteWhole(const std::string& path, const std::string& text) {
  struct stat info;
  Replaced file;
  file.exists = stat(path.c_str(), &info) == 0;
  if (IsOpenFile(path) || (file.exists && !S_ISREG(info.st_mode))) {
    return AppendTo(path, text);
  }
  file.target = TargetOf(path);
  if (file.target.empty()) return false;
  if (file.exists && access(file.target.c_str(), W_OK) != 0) return false;
  const std::filesystem::path parent =
      std::filesystem::path(file.target).parent_path();
  file.folder = parent.empty() ? "." : parent.string();
  if (file.exists) {
    file.owner = info.st_uid;
    file.group = info.st_gid;
    file.mode = info.st_mode & 07777;
  } else {
    const mode_t mask = umask(0);
    umask(mask);
    file.mode = 0666 & ~mask;
  }
  return Replace(file, text, /*nameless=*/true) ||
         Replace(file, text, /*nameless=*/false);
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
