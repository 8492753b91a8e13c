// The texts of an answer in the language that it is written in.
//
// Each language has one function that escapes a text: VisibleText for tables
// and messages, ValidUtf8 for JSON (the JSON writers do the rest), EscapedXml
// for SVG and JUnit, MarkdownText, ShellQuoted for command lines, QuotedText
// for textprotos. They are applied on output, so that an answer itself holds
// what was read.

#ifndef ANALYZER_REPORT_TEXTS_H_
#define ANALYZER_REPORT_TEXTS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace tokenjoule {

// How a language writes a text, and a text that may have several lines: a
// formula, a summary, a reason.
struct TextLanguage {
  std::string (*text)(absl::string_view);
  std::string (*lines)(absl::string_view);
};

// Tables, JSON and Markdown.
extern const TextLanguage kTableTexts, kJsonTexts, kMarkdownTexts;

// Replaces every text of `message` and of the messages in it by what `language`
// makes of it.
void EscapeTexts(const TextLanguage& language,
                 google::protobuf::Message* message);

// Whether EscapeTexts would change anything.
bool ChangesTexts(const TextLanguage& language,
                  const google::protobuf::Message& message);

// Returns `write(answer)`, with the texts of the answer escaped. Nothing is
// copied if there is nothing to escape, because answers may be large.
template <typename Answer, typename Write>
auto WithEscapedTexts(const TextLanguage& language, const Answer& answer,
                      Write write) {
  if (!ChangesTexts(language, answer)) return write(answer);
  Answer escaped = answer;
  EscapeTexts(language, &escaped);
  return write(escaped);
}

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_TEXTS_H_
