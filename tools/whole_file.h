// Files that are written completely or not at all.

#ifndef TOOLS_WHOLE_FILE_H_
#define TOOLS_WHOLE_FILE_H_

#include <string>

#include "absl/status/status.h"

namespace tokenjoule {

// Writes a file completely or not at all: a reader sees either the old file or
// the new one. Devices, pipes and open files (/dev/stdout) are written directly;
// links are followed; an existing file keeps its mode, and its owner if that is
// allowed. Fails with "cannot be written: " and the system's reason.
absl::Status WriteWhole(const std::string& path, const std::string& text);

// Whether WriteWhole could write that path now, as far as can be seen without
// writing: its folder exists and takes files, and the file, if there is one, may be
// replaced. A command that takes hours asks first. Fails as WriteWhole does.
absl::Status CheckWritable(const std::string& path);

// Whether WriteWhole would make or replace a regular file at that path, rather than
// write into a device, a pipe or an open file.
bool IsReplaced(const std::string& path);

}  // namespace tokenjoule

#endif  // TOOLS_WHOLE_FILE_H_
