// Command lines that a reader copies into a shell.

#ifndef ANALYZER_BASE_SHELL_H_
#define ANALYZER_BASE_SHELL_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// `word` as a POSIX shell reads it back, whatever it holds but NUL, which no
// argument can hold: as it is where all of its letters are plain, else within
// single quotation marks. An option keeps its name outside of them:
// --set='a b'. Characters that do not show (analyzer/base/visible.h) are
// written by `printf`, as in "$(printf 'a\033b')", so that the command can be
// printed and copied; line feeds at the end alone stay as they are, because a
// shell strips them from what a command prints.
std::string ShellQuoted(absl::string_view word);

// The words of a command line that ShellQuoted made, still quoted: a blank
// within quotation marks separates nothing.
std::vector<std::string> ShellWords(absl::string_view command);

}  // namespace tokenjoule

#endif  // ANALYZER_BASE_SHELL_H_
