#include "analyzer/report/markdown.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/base/visible.h"

namespace tokenjoule {
namespace {

// Letters that mean something wherever they stand. Hyphens and the like mean
// something at the beginning alone.
constexpr absl::string_view kAnywhere = "\\`*[]|~$";
constexpr absl::string_view kAtBeginning = "#+-=>:";

bool IsAlnum(absl::string_view text, size_t at) {
  return at < text.size() &&
         absl::ascii_isalnum(static_cast<unsigned char>(text[at]));
}

// The dot or bracket of "12. text", which begins a list; npos if there is none.
size_t EndOfListNumber(absl::string_view text) {
  size_t at = 0;
  while (at < text.size() &&
         absl::ascii_isdigit(static_cast<unsigned char>(text[at]))) {
    ++at;
  }
  const bool is_number =
      at > 0 && at < text.size() && (text[at] == '.' || text[at] == ')');
  // "1.5" is none.
  return is_number && !IsAlnum(text, at + 1) ? at : absl::string_view::npos;
}

}  // namespace

std::string MarkdownText(absl::string_view raw) {
  const std::string visible = VisibleText(raw);
  const absl::string_view text = absl::StripAsciiWhitespace(visible);
  const size_t list_number = EndOfListNumber(text);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '&' || c == '<' || c == '>') {
      out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;";
      continue;
    }
    // "http://" and "www." begin links.
    const bool is_address =
        (c == ':' && absl::StartsWith(text.substr(i), "://")) ||
        (c == '.' && i >= 3 &&
         absl::EqualsIgnoreCase(text.substr(i - 3, 3), "www"));
    // Within a word an underscore is a letter: energy_per_token_j.
    const bool is_emphasis =
        c == '_' && !(i > 0 && IsAlnum(text, i - 1) && IsAlnum(text, i + 1));
    if (absl::StrContains(kAnywhere, absl::string_view(&c, 1)) || is_address ||
        is_emphasis || i == list_number ||
        (i == 0 && absl::StrContains(kAtBeginning, absl::string_view(&c, 1)))) {
      out += '\\';
    }
    out += c;
  }
  return out;
}

}  // namespace tokenjoule
