// Characters of UTF-8 text.

#ifndef ANALYZER_BASE_UTF8_H_
#define ANALYZER_BASE_UTF8_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// What TakeCharacter returns for a byte that is not part of a character.
inline constexpr uint32_t kNoCharacter = 0xffffffff;

// Removes the first character of `text`, which must not be empty, and returns its
// code point; removes one byte and returns kNoCharacter if there is no valid
// character: a stray or missing continuation byte, an encoding longer than
// necessary, a surrogate, or a number above U+10FFFF.
inline uint32_t TakeCharacter(absl::string_view* text) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>((*text)[i]);
  };
  const unsigned char first = byte(0);
  const size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  uint32_t character = length == 1 ? first : first & (0x7f >> length);
  bool valid = length > 0 && length <= text->size();
  for (size_t i = 1; valid && i < length; ++i) {
    valid = (byte(i) & 0xc0) == 0x80;
    character = character << 6 | (byte(i) & 0x3f);
  }
  // Of three and four bytes, some encodings are longer than necessary.
  valid = valid && !(length == 3 && character < 0x800) &&
          !(length == 4 && (character < 0x10000 || character > 0x10ffff)) &&
          !(character >= 0xd800 && character <= 0xdfff);
  text->remove_prefix(valid ? length : 1);
  return valid ? character : kNoCharacter;
}

// Whether all of `text` is valid UTF-8.
inline bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    if (TakeCharacter(&text) == kNoCharacter) return false;
  }
  return true;
}

}  // namespace tokenjoule

#endif  // ANALYZER_BASE_UTF8_H_
