#include "analyzer/report/xml.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_replace.h"
#include "analyzer/report/utf8.h"

namespace tokenjoule {
namespace {

// The characters that XML 1.0 allows (section 2.2), but for white space.
bool Allowed(uint32_t c) {
  return (c >= 0x20 && c != 0x7f && c <= 0xd7ff && !(c >= 0x80 && c < 0xa0)) ||
         (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

}  // namespace

std::string PrintableText(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    const absl::string_view before = text;
    const uint32_t c = TakeCharacter(&text);
    if (c == '\t' || c == '\n' || c == '\r') {
      out += ' ';
    } else if (c == kNoCharacter || !Allowed(c)) {
      out += "\xef\xbf\xbd";
    } else {
      out.append(before.data(), before.size() - text.size());
    }
  }
  return out;
}

std::string EscapedXml(absl::string_view text) {
  return absl::StrReplaceAll(PrintableText(text), {{"&", "&amp;"},
                                                   {"<", "&lt;"},
                                                   {">", "&gt;"},
                                                   {"\"", "&quot;"},
                                                   {"'", "&#39;"}});
}

}  // namespace tokenjoule
