#include "analyzer/base/shell.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "analyzer/base/visible.h"

namespace tokenjoule {
namespace {

bool IsPlain(absl::string_view text) {
  for (const char letter : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(letter)) &&
        absl::string_view("-_=./,:+@%^").find(letter) ==
            absl::string_view::npos) {
      return false;
    }
  }
  return true;
}

// `text` within quotation marks.
std::string Quoted(absl::string_view text) {
  if (VisibleText(text) == text) {
    return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
  }
  const size_t end = text.find_last_not_of('\n') + 1;  // 0 if there is none
  std::string out;
  if (end > 0) {
    out = "\"$(printf '";
    for (size_t i = 0; i < end; ++i) {
      const char letter = text[i];
      const auto byte = static_cast<unsigned char>(letter);
      // An octal number has three digits, whatever follows it. A hyphen in
      // front would begin an option of printf.
      if (byte < 0x20 || byte >= 0x7f || letter == '\'' || letter == '\\' ||
          letter == '%' || (letter == '-' && i == 0)) {
        absl::StrAppendFormat(&out, "\\%03o", byte);
      } else {
        out += letter;
      }
    }
    out += "')\"";
  }
  if (end < text.size()) absl::StrAppend(&out, "'", text.substr(end), "'");
  return out;
}

}  // namespace

std::string ShellQuoted(absl::string_view word) {
  // Some shells take "=ls" for the path of ls.
  if (!word.empty() && word[0] != '=' && IsPlain(word)) {
    return std::string(word);
  }
  const size_t equals =
      word.substr(0, 2) == "--" ? word.find('=') : absl::string_view::npos;
  const size_t start =
      equals != absl::string_view::npos && IsPlain(word.substr(0, equals))
          ? equals + 1
          : 0;
  return absl::StrCat(word.substr(0, start), Quoted(word.substr(start)));
}

std::vector<std::string> ShellWords(absl::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  // Single marks hold anything but themselves, and so does "$(printf '...')",
  // whose blanks are before and within its single marks.
  bool in_single = false, in_double = false;
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (c == ' ' && !in_single && !in_double) {
      if (in_word) words.push_back(word);
      word.clear();
      in_word = false;
      continue;
    }
    in_word = true;
    word += c;
    if (c == '\\' && !in_single && i + 1 < command.size()) {
      word += command[++i];
    } else if (c == '\'') {
      in_single = !in_single;
    } else if (c == '"' && !in_single) {
      in_double = !in_double;
    }
  }
  if (in_word) words.push_back(word);
  return words;
}

}  // namespace tokenjoule
