// Texts that break what is written without escaping, for the tests of every
// writer.

#ifndef ANALYZER_TESTING_HOSTILE_H_
#define ANALYZER_TESTING_HOSTILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// A text, and what it attacks.
struct HostileText {
  const char* attacks;
  std::string text;

  // Whether a file or folder can have it as its name, and an argument of a
  // program can hold it.
  bool CanBeFile() const {
    return !text.empty() && text.size() <= 200 && CanBeArgument() &&
           text.find('/') == std::string::npos && text != "." && text != "..";
  }
  bool CanBeArgument() const { return text.find('\0') == std::string::npos; }
};

// The list. Texts that would show in an output that they broke hold "PWNED".
inline const std::vector<HostileText>& HostileTexts() {
  static const auto* const kTexts = new std::vector<HostileText>{
      {"quotation marks", "it's \"PWNED\" `PWNED`"},
      {"shells: commands", "$(touch PWNED)"},
      {"shells: commands", "`touch PWNED`"},
      {"shells: commands", "a;touch PWNED|touch PWNED&&touch PWNED>PWNED"},
      {"shells: variables", "$HOME ${PATH} ~ * ? [a] {a,b} ! #"},
      {"shells: backslashes", "a\\b\\\\c\\"},
      {"shells: quotes", "'; touch PWNED; '"},
      {"lines", "a\nPWNED"},
      {"lines", "a\r\nPWNED\r"},
      {"lines: at the end", "a\n\n"},
      {"columns", "a\tPWNED\v\f"},
      {"texts that end in NUL", std::string("a\0PWNED", 7)},
      {"terminals: colours", "\x1b[31mPWNED\x1b[0m"},
      {"terminals: title and bell", "\x1b]0;PWNED\x07"},
      {"terminals: links", "\x1b]8;;http://PWNED\x1b\\a\x1b]8;;\x1b\\"},
      {"terminals: C1",
       "\xc2\x9b"
       "31mPWNED\xc2\x85"
       "a\x7f\b\b"},
      {"readers: direction",
       "a\xe2\x80\xae"
       "DENWP\xe2\x80\xac\xe2\x81\xa6x\xe2\x81\xa9"},
      {"readers: no width",
       "a\xe2\x80\x8b\xef\xbb\xbf\xc2\xad"
       "b\xe2\x80\xa8PWNED"},
      {"UTF-8: no text", "a\xff\xfe\xc3"},
      {"UTF-8: too long", "a\xc0\xaf\xe0\x80\xaf"},
      {"UTF-8: surrogates", "a\xed\xa0\xbd\xed\xb8\x80"},
      {"XML: no character", "a\xef\xbf\xbe\xef\xbf\xbf\x0b"},
      {"XML: ends", "]]>-->?>PWNED"},
      {"HTML", "</script><script>PWNED</script>"},
      {"HTML", "<img src=x onerror=PWNED>"},
      {"HTML: references", "&amp;&lt;&#x41;&nosuch;"},
      {"spreadsheets", "=cmd|' /C calc'!A0"},
      {"spreadsheets", "@SUM(1+1)*PWNED"},
      {"CSV", "a,\"PWNED\",\"\"b"},
      {"Markdown: tables", "a | PWNED |\n| --- | --- |\n| b | c |"},
      {"Markdown: headings", "# PWNED\n\n## PWNED\n==="},
      {"Markdown: images and links",
       "![PWNED](http://PWNED) [a](javascript:PWNED) <http://PWNED>"},
      {"Markdown: emphasis and code", "**PWNED** __PWNED__ ~~a~~ ```PWNED"},
      {"Markdown: lists", "1. PWNED"},
      {"options", "-rf"},
      {"options", "--out=PWNED"},
      {"formats", "%s%n%d%%PWNED"},
      {"templates", "{{PWNED}} ${PWNED} {0}"},
      {"JavaScript: names", "__proto__"},
      {"SQL", "'); DROP TABLE front; --"},
      {"paths", "..%2f..%5cPWNED"},
      {"letters of other scripts",
       "\xce\xbcJ \xe6\xb0\xb4 \xf0\x9f\x98\x80 e\xcc\x81"},
      {"nothing", ""},
      {"blanks", "  a  b  "},
      {"length", std::string(5000, 'x')},
  };
  return *kTexts;
}

// Whether `text` holds a control character: what a terminal would take for a
// command. Line feeds are none. Written without the code that it tests.
inline bool HasControls(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\n') || byte == 0x7f) return true;
    // C1 in UTF-8.
    if (byte == 0xc2 && i + 1 < text.size() &&
        static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      return true;
    }
  }
  return false;
}

// How often `text` holds `what`.
inline size_t CountOf(absl::string_view text, absl::string_view what) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != absl::string_view::npos;
       at += what.size()) {
    ++count;
  }
  return count;
}

}  // namespace tokenjoule

#endif  // ANALYZER_TESTING_HOSTILE_H_
