#include "tools/output.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/description/faults.h"
#include "tools/command.h"
#include "tools/whole_file.h"

namespace tokenjoule {
namespace {

std::vector<std::string> NamesOf(const std::vector<OutputFormat>& formats) {
  std::vector<std::string> names;
  names.reserve(formats.size());
  for (const OutputFormat format : formats) names.push_back(FormatName(format));
  return names;
}

PageWriter page_writer = nullptr;

}  // namespace

PageWriter RegisteredPageWriter() { return page_writer; }

PageRegistration::PageRegistration(PageWriter writer) { page_writer = writer; }

FlagSpec FormatFlag(const std::vector<OutputFormat>& formats,
                    absl::string_view what) {
  std::vector<std::string> names = NamesOf(formats);
  const std::string last = names.back();
  names.pop_back();
  const bool has_database =
      std::find(formats.begin(), formats.end(), OutputFormat::kSqlite) !=
      formats.end();
  return {"format", "FORMAT",
          absl::StrCat(what, absl::StrJoin(names, ", "), " or ", last,
                       " (default table)",
                       has_database ? "; sqlite needs --out" : "")};
}

FlagSpec OutFlag() { return FileFlag("out", "write there instead of to stdout"); }

FlagSpec MarkdownFlag() {
  return FileFlag("markdown", "a summary for a pull request's comment");
}

FlagSpec JunitFlag() {
  return FileFlag("junit", "JUnit XML, a test case for each figure");
}

absl::StatusOr<OutputFormat> ReadOutputFormat(
    const ParsedFlags& flags, const std::vector<OutputFormat>& formats) {
  const std::string wanted = flags.Get("format", "table");
  for (const OutputFormat format : formats) {
    if (wanted != FormatName(format)) continue;
    if (format == OutputFormat::kSqlite && !flags.Has("out")) {
      return absl::InvalidArgumentError(
          "--format=sqlite: a database is not for stdout; name its file with "
          "--out=FILE");
    }
    return format;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--format: ",
                   UnknownNameMessage("format", wanted, NamesOf(formats), "")));
}

int WriteOutput(const ParsedFlags& flags,
                const absl::StatusOr<std::string>& text) {
  const std::string out = flags.Get("out", "");
  if (!text.ok()) {
    return Fail(
        absl::InvalidArgumentError(absl::StrCat("--out=", PrintablePath(out),
                                                ": ", text.status().message())),
        kExitBadData);
  }
  if (flags.Has("out")) return WriteFile("out", out, *text);
  return Print(*text);
}

int WriteFile(absl::string_view flag, const std::string& path,
              const std::string& text) {
  const absl::Status status = WriteWhole(path, text);
  if (status.ok()) return kExitOk;
  return Fail(absl::InvalidArgumentError(absl::StrCat(
                  FlagText(flag), "=", PrintablePath(path), ": ",
                  status.message())),
              kExitBadData);
}

}  // namespace tokenjoule
