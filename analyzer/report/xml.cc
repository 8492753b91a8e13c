#include "analyzer/report/xml.h"

#include <cstdint>

#include "absl/strings/str_replace.h"
#include "analyzer/base/visible.h"

namespace tokenjoule {

std::string PrintableText(absl::string_view text) {
  return ReplaceHidden(text, [](uint32_t c, absl::string_view, std::string* out) {
    *out += c == '\t' || c == '\n' || c == '\r' ? " " : "\xef\xbf\xbd";
  });
}

std::string EscapedXml(absl::string_view text) {
  return absl::StrReplaceAll(PrintableText(text), {{"&", "&amp;"},
                                                   {"<", "&lt;"},
                                                   {">", "&gt;"},
                                                   {"\"", "&quot;"},
                                                   {"'", "&#39;"}});
}

}  // namespace tokenjoule
