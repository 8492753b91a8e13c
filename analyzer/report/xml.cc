#include "analyzer/report/xml.h"

#include <cstdint>

#include "absl/strings/str_replace.h"
#include "analyzer/base/utf8.h"
#include "analyzer/base/visible.h"

namespace tokenjoule {

std::string PrintableText(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    const absl::string_view before = text;
    const uint32_t c = TakeCharacter(&text);
    if (c == '\t' || c == '\n' || c == '\r') {
      out += ' ';
    } else if (!IsVisible(c)) {
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
