#include "analyzer/base/visible.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/base/utf8.h"

namespace tokenjoule {
namespace {

// Ranges of code points that are not visible, in order; surrogates are not
// UTF-8.
struct CodePoints {
  uint32_t first, last;
};
constexpr CodePoints kHidden[] = {
    {0x00, 0x1f},        // C0
    {0x7f, 0x9f},        // DEL, C1
    {0xad, 0xad},        // soft hyphen
    {0x34f, 0x34f},      // combining grapheme joiner
    {0x61c, 0x61c},      // Arabic letter mark
    {0x115f, 0x1160},    // Hangul fillers
    {0x17b4, 0x17b5},    // Khmer vowels without a glyph
    {0x180e, 0x180e},    // Mongolian vowel separator
    {0x200b, 0x200f},    // zero-width blank and joiners, marks of direction
    {0x2028, 0x202e},    // separators, embeddings and overrides of direction
    {0x2060, 0x206f},    // word joiner, isolates of direction
    {0x3164, 0x3164},    // Hangul filler
    {0xfdd0, 0xfdef},    // no characters
    {0xfeff, 0xfeff},    // byte order mark
    {0xffa0, 0xffa0},    // Hangul filler
    {0xfff9, 0xfffb},    // marks of annotations
    {0xe0000, 0xe0fff},  // tags
};

// Appends the escape of a character that is not visible and was written as
// `bytes`.
void AppendEscape(uint32_t character, absl::string_view bytes,
                  std::string* out) {
  switch (character) {
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    case kNoCharacter:
      absl::StrAppendFormat(out, "\\x%02x",
                            static_cast<unsigned char>(bytes[0]));
      return;
    default:
      if (character < 0x80) {
        absl::StrAppendFormat(out, "\\x%02x", character);
      } else if (character < 0x10000) {
        absl::StrAppendFormat(out, "\\u%04x", character);
      } else {
        absl::StrAppendFormat(out, "\\U%08x", character);
      }
  }
}

// Calls `replace` for each character that `keep` does not keep.
template <typename Keep, typename Replace>
std::string Replaced(absl::string_view text, Keep keep, Replace replace) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    // Most text is plain ASCII.
    size_t plain = 0;
    while (plain < text.size() && text[plain] >= 0x20 && text[plain] < 0x7f) {
      ++plain;
    }
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const absl::string_view before = text;
    const uint32_t character = TakeCharacter(&text);
    const absl::string_view bytes =
        before.substr(0, before.size() - text.size());
    if (keep(character)) {
      out.append(bytes.data(), bytes.size());
    } else {
      replace(character, bytes, &out);
    }
  }
  return out;
}

}  // namespace

bool IsVisible(uint32_t character) {
  for (const CodePoints& hidden : kHidden) {
    if (character < hidden.first) break;
    if (character <= hidden.last) return false;
  }
  // The last two of each plane are no characters.
  return character <= 0x10ffff && (character & 0xfffe) != 0xfffe;
}

std::string ReplaceHidden(
    absl::string_view text,
    absl::FunctionRef<void(uint32_t, absl::string_view, std::string*)>
        replace) {
  return Replaced(text, IsVisible, replace);
}

std::string VisibleText(absl::string_view text) {
  return ReplaceHidden(text, AppendEscape);
}

std::string VisibleLines(absl::string_view text) {
  return Replaced(
      text, [](uint32_t c) { return c == '\n' || IsVisible(c); }, AppendEscape);
}

std::string ValidUtf8(absl::string_view text) {
  return Replaced(
      text, [](uint32_t c) { return c != kNoCharacter; },
      [](uint32_t, absl::string_view, std::string* out) {
        *out += "\xef\xbf\xbd";
      });
}

}  // namespace tokenjoule
