#include "tools/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tokenjoule {
namespace {

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
  // Whether text goes into the file itself: a device, a pipe, an open file.
  bool direct = false;
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

// What is at a path; false, with the reason in errno, if it cannot be written.
bool LookAt(const std::string& path, Replaced* file) {
  struct stat info;
  file->exists = stat(path.c_str(), &info) == 0;
  file->direct =
      IsOpenFile(path) || (file->exists && !S_ISREG(info.st_mode));
  file->target = file->direct ? path : TargetOf(path);
  if (file->target.empty()) return false;
  if (file->exists && S_ISDIR(info.st_mode)) {
    errno = EISDIR;
    return false;
  }
  if (file->exists && access(file->target.c_str(), W_OK) != 0) return false;
  if (file->direct) return true;
  const std::filesystem::path parent =
      std::filesystem::path(file->target).parent_path();
  file->folder = parent.empty() ? "." : parent.string();
  if (file->exists) {
    file->owner = info.st_uid;
    file->group = info.st_gid;
    file->mode = info.st_mode & 07777;
  } else {
    const mode_t mask = umask(0);
    umask(mask);
    file->mode = 0666 & ~mask;
  }
  return true;
}

absl::Status Unwritable() {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot be written: ", std::strerror(errno)));
}

}  // namespace

absl::Status WriteWhole(const std::string& path, const std::string& text) {
  errno = 0;
  Replaced file;
  if (!LookAt(path, &file)) return Unwritable();
  const bool written = file.direct
                           ? AppendTo(path, text)
                           : Replace(file, text, /*nameless=*/true) ||
                                 Replace(file, text, /*nameless=*/false);
  return written ? absl::OkStatus() : Unwritable();
}

absl::Status CheckWritable(const std::string& path) {
  errno = 0;
  Replaced file;
  if (!LookAt(path, &file)) return Unwritable();
  if (file.direct) return absl::OkStatus();
  // Only the name tells whether the file system takes it: lstat reports one that
  // is too long.
  struct stat info;
  if (lstat(file.target.c_str(), &info) != 0 && errno != ENOENT) {
    return Unwritable();
  }
  // A missing folder is ENOENT here too.
  return access(file.folder.c_str(), W_OK | X_OK) == 0 ? absl::OkStatus()
                                                       : Unwritable();
}

bool IsReplaced(const std::string& path) {
  Replaced file;
  return LookAt(path, &file) && !file.direct;
}

}  // namespace tokenjoule
