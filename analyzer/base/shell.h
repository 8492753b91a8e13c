// Command lines that a reader copies into a shell.

#ifndef ANALYZER_BASE_SHELL_H_
#define ANALYZER_BASE_SHELL_H_

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"

namespace tokenjoule {

// `word` as a POSIX shell reads it back, whatever it holds: as it is where all of
// its letters are plain, else within single quotation marks. An option keeps its
// name outside of them: --set='a b'.
inline std::string ShellQuoted(absl::string_view word) {
  const auto is_plain = [](absl::string_view text) {
    for (const char letter : text) {
      if (!absl::ascii_isalnum(static_cast<unsigned char>(letter)) &&
          absl::string_view("-_=./,:+@%^").find(letter) ==
              absl::string_view::npos) {
        return false;
      }
    }
    return true;
  };
  if (!word.empty() && is_plain(word)) return std::string(word);
  const size_t equals = word.substr(0, 2) == "--" ? word.find('=')
                                                  : absl::string_view::npos;
  const size_t start = equals != absl::string_view::npos &&
                               is_plain(word.substr(0, equals))
                           ? equals + 1
                           : 0;
  return absl::StrCat(
      word.substr(0, start), "'",
      absl::StrReplaceAll(word.substr(start), {{"'", "'\\''"}}), "'");
}

}  // namespace tokenjoule

#endif  // ANALYZER_BASE_SHELL_H_
