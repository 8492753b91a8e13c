// How answers are written and where: --format, --out and files beside it, as
// the writers of an answer have it.

#ifndef TOOLS_OUTPUT_H_
#define TOOLS_OUTPUT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"

namespace tokenjoule {

// --format; its help says `what` and lists `formats`.
FlagSpec FormatFlag(const std::vector<OutputFormat>& formats,
                    absl::string_view what);

// The same of the formats that an answer has.
template <typename Answer>
FlagSpec FormatFlag(absl::string_view what = "") {
  return FormatFlag(FormatsOf<Answer>(), what);
}

// --out.
FlagSpec OutFlag();

// --markdown, and --junit: files beside the answer.
FlagSpec MarkdownFlag();
FlagSpec JunitFlag();

// The flags that say how an answer is written and where, as its row of writers
// has it.
template <typename Answer>
std::vector<FlagSpec> OutputFlags() {
  const Writers<Answer> writers = WritersOf<Answer>();
  std::vector<FlagSpec> flags;
  if (writers.markdown != nullptr) flags.push_back(MarkdownFlag());
  if (writers.junit != nullptr) flags.push_back(JunitFlag());
  flags.push_back(FormatFlag<Answer>());
  flags.push_back(OutFlag());
  return flags;
}

// Which of `formats` --format asks for; a table where it is not given. Fails on
// any other, and on sqlite without --out.
absl::StatusOr<OutputFormat> ReadOutputFormat(
    const ParsedFlags& flags, const std::vector<OutputFormat>& formats);

// The same of the formats that an answer has.
template <typename Answer>
absl::StatusOr<OutputFormat> ReadOutputFormat(const ParsedFlags& flags) {
  return ReadOutputFormat(flags, FormatsOf<Answer>());
}

// Writes `text` to --out or to stdout, or says why there is none. Returns an
// exit code.
int WriteOutput(const ParsedFlags& flags,
                const absl::StatusOr<std::string>& text);

// Writes `text` to the file that flag `flag` names, whole or not at all (a
// temporary, then rename). Returns an exit code.
int WriteFile(absl::string_view flag, const std::string& path,
              const std::string& text);

// Writes an answer in `format`, which ReadOutputFormat<Answer> has read, to
// --out or to stdout; then the files that --markdown and --junit ask for.
// Returns an exit code.
template <typename Answer>
int WriteAnswer(const ParsedFlags& flags, OutputFormat format,
                const Answer& answer, const TableOptions& options = {}) {
  int exit_code = WriteOutput(flags, Written(answer, format, options));
  const Writers<Answer> writers = WritersOf<Answer>();
  for (const auto& [flag, writer] :
       {std::make_pair("markdown", writers.markdown),
        std::make_pair("junit", writers.junit)}) {
    if (exit_code != kExitOk || writer == nullptr || !flags.Has(flag)) continue;
    exit_code = WriteFile(flag, flags.Get(flag, ""), writer(answer));
  }
  return exit_code;
}

}  // namespace tokenjoule

#endif  // TOOLS_OUTPUT_H_
