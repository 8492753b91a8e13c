// Text as content of GitHub-flavoured Markdown.

#ifndef ANALYZER_REPORT_MARKDOWN_H_
#define ANALYZER_REPORT_MARKDOWN_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// `raw` as Markdown that shows it as VisibleText does, wherever it stands: in
// a heading, in a cell of a table or at the beginning of a line. It begins no
// heading, list, quotation, code, emphasis, link, image or cell of its own, is
// no HTML and ends no paragraph; addresses do not become links. Blanks at both
// ends are left out. It says nothing about what a host does after Markdown:
// "@name" may still mention a user.
std::string MarkdownText(absl::string_view raw);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_MARKDOWN_H_
