// Text for people: what a terminal, a table or a message shows is what is
// there.

#ifndef ANALYZER_BASE_VISIBLE_H_
#define ANALYZER_BASE_VISIBLE_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace tokenjoule {

// Whether a character shows as a letter, a mark or a blank and does nothing
// else. Those that do not: control characters (C0, DEL and C1), which command
// terminals; characters that change the direction of text, have no width or
// separate lines, with which a text shows otherwise than it reads; and code
// points that are no characters. kNoCharacter is not visible.
bool IsVisible(uint32_t character);

// `text` with each character that is not visible replaced by what `replace` appends
// to `out`; `bytes` are those of the character, or the one byte of kNoCharacter.
std::string ReplaceHidden(
    absl::string_view text,
    absl::FunctionRef<void(uint32_t character, absl::string_view bytes,
                           std::string* out)>
        replace);

// `text` as valid UTF-8 of visible characters alone. Others become escapes that
// can be read: "\n", "\t", "\r", "\x1b", "\u202e"; bytes that are not UTF-8
// become "\xff". Visible characters stay as they are, the backslash too, so that the
// result of a second call is that of the first.
std::string VisibleText(absl::string_view text);

// The same, line by line: line feeds stay.
std::string VisibleLines(absl::string_view text);

// The same for text in which invalid bytes alone are replaced, each by U+FFFD:
// whatever else it holds is data that another program reads back.
std::string ValidUtf8(absl::string_view text);

}  // namespace tokenjoule

#endif  // ANALYZER_BASE_VISIBLE_H_
