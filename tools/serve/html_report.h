// Answers as one file: the page with everything it needs inside, and answers
// that were recorded for it.

#ifndef TOOLS_SERVE_HTML_REPORT_H_
#define TOOLS_SERVE_HTML_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "analyzer/description/embedded_files.h"
#include "tools/command.h"
#include "tools/flags.h"

namespace tokenjoule {

// The page about an answer of `subcommand`. It shows the answer, the answers of
// the sub-commands that explain it (RecordedBeside), and all of them at every
// boundary. `answer` is the answer's JSON where it is known already and must not
// be computed again, e.g. that of a search; otherwise empty. Fails as the
// sub-command does; `*exit_code` says why.
absl::StatusOr<std::string> HtmlReport(absl::Span<const Command> commands,
                                       const std::string& subcommand,
                                       const ParsedFlags& flags,
                                       const std::string& answer,
                                       int* exit_code);

// The sub-commands whose answers a report about one of `subcommand` records
// beside it. This list is the one place that says so; the page shows the views
// of what it finds.
std::vector<std::string> RecordedBeside(absl::string_view subcommand);

// JSON as it may stand inside a script element: nothing in it ends the element or
// begins a comment, whatever names and notes hold.
std::string JsonInScript(absl::string_view json);

// The page of `files` as one text, with `recorded`, JSON as JsonInScript returned
// it, in front of its scripts. Fails if the page asks for a file that is not
// among them, or holds what would end a script or style element.
absl::StatusOr<std::string> InlinedPage(absl::Span<const EmbeddedFile> files,
                                        absl::string_view recorded);

}  // namespace tokenjoule

#endif  // TOOLS_SERVE_HTML_REPORT_H_
