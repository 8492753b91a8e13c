// How and where answers are written: --format, --out and further files,
// according to the writers of an answer.

#ifndef TOOLS_OUTPUT_H_
#define TOOLS_OUTPUT_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"

namespace tokenjoule {

// Writes the page about an answer of a sub-command (tools/serve/html_report.h).
using PageWriter = absl::StatusOr<std::string> (*)(
    const std::string& subcommand, const ParsedFlags& flags,
    const std::string& answer, int* exit_code);

// The writer of pages, null in binaries that have none. A binary that has one
// registers it at namespace scope, so that it is there before sub-commands are
// made:
//
//   const PageRegistration kRegistration(WritePage);
PageWriter RegisteredPageWriter();
class PageRegistration {
 public:
  explicit PageRegistration(PageWriter writer);
};

// Whether there are pages about answers of this kind.
template <typename Answer>
inline constexpr bool kHasPage = false;
template <>
inline constexpr bool kHasPage<BatchStudy> = true;
template <>
inline constexpr bool kHasPage<CeilingStudy> = true;
template <>
inline constexpr bool kHasPage<Comparison> = true;
template <>
inline constexpr bool kHasPage<Report> = true;
template <>
inline constexpr bool kHasPage<SweepStudy> = true;
template <>
inline constexpr bool kHasPage<TrickStudy> = true;

// The formats that this binary writes an answer in.
template <typename Answer>
std::vector<OutputFormat> OutputFormatsOf() {
  std::vector<OutputFormat> formats = FormatsOf<Answer>();
  if (kHasPage<Answer> && RegisteredPageWriter() != nullptr) {
    formats.push_back(OutputFormat::kHtml);
  }
  return formats;
}

// --format. Its help begins with `what` and lists `formats`.
FlagSpec FormatFlag(const std::vector<OutputFormat>& formats,
                    absl::string_view what);

// The same of the formats that an answer has.
template <typename Answer>
FlagSpec FormatFlag(absl::string_view what = "") {
  return FormatFlag(OutputFormatsOf<Answer>(), what);
}

// --out.
FlagSpec OutFlag();

// --markdown, and --junit: files beside the answer.
FlagSpec MarkdownFlag();
FlagSpec JunitFlag();

// The flags that say how and where an answer is written, according to its
// writers.
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

// The one of `formats` that --format names; a table if it is not given. Fails
// for any other format, and for sqlite without --out.
absl::StatusOr<OutputFormat> ReadOutputFormat(
    const ParsedFlags& flags, const std::vector<OutputFormat>& formats);

// The same of the formats that an answer has.
template <typename Answer>
absl::StatusOr<OutputFormat> ReadOutputFormat(const ParsedFlags& flags) {
  return ReadOutputFormat(flags, OutputFormatsOf<Answer>());
}

// Writes `text` to --out or to stdout, or prints its error. Returns an exit
// code.
int WriteOutput(const ParsedFlags& flags,
                const absl::StatusOr<std::string>& text);

// Writes `text` to the file that flag `flag` names, completely or not at all (a
// temporary file, then rename). Returns an exit code.
int WriteFile(absl::string_view flag, const std::string& path,
              const std::string& text);

// Writes an answer in `format`, as ReadOutputFormat<Answer> returned it, to
// --out or to stdout, then the files that --markdown and --junit name. Returns
// an exit code.
template <typename Answer>
int WriteAnswer(const ParsedFlags& flags, OutputFormat format,
                const Answer& answer, const TableOptions& options = {}) {
  int exit_code = WriteOutput(flags, Written(answer, format, options));
  const Writers<Answer> writers = WritersOf<Answer>();
  if (exit_code == kExitOk && writers.markdown != nullptr &&
      flags.Has("markdown")) {
    exit_code = WriteFile("markdown", flags.Get("markdown", ""),
                          WrittenMarkdown(answer));
  }
  if (exit_code == kExitOk && writers.junit != nullptr && flags.Has("junit")) {
    exit_code =
        WriteFile("junit", flags.Get("junit", ""), writers.junit(answer));
  }
  return exit_code;
}

// Whether --format=html asks for a page that this binary writes.
template <typename Answer>
bool AsksForPage(const ParsedFlags& flags) {
  return kHasPage<Answer> && RegisteredPageWriter() != nullptr &&
         flags.Get("format", "") == FormatName(OutputFormat::kHtml);
}

// Makes `command` answer with what `make` returns, in every format of its kind
// of answer. If `make` fails, `*exit_code` says why; it may stay kExitOk for
// bad data. `table` reads the options of a table.
template <typename Answer>
void SetAnswer(
    std::function<absl::StatusOr<Answer>(const ParsedFlags&, int* exit_code)>
        make,
    Command* command,
    const std::function<TableOptions(const ParsedFlags&)>& table =
        [](const ParsedFlags&) { return TableOptions(); }) {
  const auto answer = [make](const ParsedFlags& flags, OutputFormat* format,
                             int* exit_code) -> absl::StatusOr<Answer> {
    absl::StatusOr<OutputFormat> wanted = ReadOutputFormat<Answer>(flags);
    if (!wanted.ok()) return UsageFault(wanted.status(), exit_code);
    *format = *wanted;
    *exit_code = kExitOk;
    absl::StatusOr<Answer> made = make(flags, exit_code);
    if (!made.ok() && *exit_code == kExitOk) *exit_code = kExitBadData;
    return made;
  };
  const auto page = [name = command->name](
                        const ParsedFlags& flags,
                        int* exit_code) -> absl::StatusOr<std::string> {
    return RegisteredPageWriter()(name, flags, "", exit_code);
  };
  command->run = [answer, table, page](const ParsedFlags& flags) -> int {
    int exit_code = kExitOk;
    if (AsksForPage<Answer>(flags)) {
      const absl::StatusOr<std::string> text = page(flags, &exit_code);
      if (!text.ok()) return Fail(text.status(), exit_code);
      return WriteOutput(flags, text);
    }
    OutputFormat format;
    absl::StatusOr<Answer> made = answer(flags, &format, &exit_code);
    if (!made.ok()) return Fail(made.status(), exit_code);
    return WriteAnswer(flags, format, *made, table(flags));
  };
  command->respond = [answer, table, page](
                         const ParsedFlags& flags,
                         int* exit_code) -> absl::StatusOr<std::string> {
    if (AsksForPage<Answer>(flags)) return page(flags, exit_code);
    OutputFormat format;
    absl::StatusOr<Answer> made = answer(flags, &format, exit_code);
    if (!made.ok()) return made.status();
    return Written(*made, format, table(flags));
  };
}

}  // namespace tokenjoule

#endif  // TOOLS_OUTPUT_H_
