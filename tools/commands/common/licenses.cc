// tokenjoule licenses: the licences of what the binary is built with.

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "analyzer/base/version.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"
#include "nlohmann/json.hpp"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/libraries.h"
#include "tools/output.h"
#include "tools/supply/components.h"

namespace tokenjoule {
namespace {

// The licence of this project, and the file of its text.
constexpr char kOwnLicence[] = "Apache-2.0";
constexpr char kOwnText[] = "Apache-2.0.txt";

// A component of this binary.
struct Entry {
  const Software* component;
  // Empty for what only the machine's libraries load: which version that is is
  // not known before they run.
  std::string version;

  std::vector<std::string> Texts() const {
    return absl::StrSplit(component->texts, ' ', absl::SkipEmpty());
  }
};

// The registered libraries, and with `all` also what only they load. Fails
// (Internal) if a library is not in the list of components.
absl::StatusOr<std::vector<Entry>> Entries(bool all) {
  std::vector<Entry> entries;
  for (const Library& library : RegisteredLibraries()) {
    const Software* component = FindSoftware(library.name);
    if (component == nullptr) {
      return absl::InternalError(absl::StrCat(
          library.name, " is linked, but tools/supply/components.cc has no ",
          "entry of that name"));
    }
    entries.push_back({component, library.version});
  }
  if (!all) return entries;
  for (const Software& component : AllSoftware()) {
    if (component.use == SoftwareUse::kLoaded) {
      entries.push_back({&component, ""});
    }
  }
  return entries;
}

std::string Table(const std::vector<Entry>& entries) {
  TextTable table({"", "version", "licence", "as", "copyright"});
  std::string notes;
  for (const Entry& entry : entries) {
    const Software& component = *entry.component;
    table.AddRow({std::string(component.name), entry.version,
                  std::string(component.licence),
                  std::string(SoftwareUseName(component.use)),
                  std::string(component.copyright)});
    if (!component.note.empty()) {
      absl::StrAppend(
          &notes,
          Wrapped(absl::StrCat(component.name, ": ", component.note), 2));
    }
  }
  return absl::StrCat("tokenjoule ", kVersion, " is under the licence ",
                      kOwnLicence, ". This binary is built with:\n\n",
                      table.ToString(2), "\n", notes, notes.empty() ? "" : "\n",
                      "`tokenjoule licenses --text` prints the texts.\n");
}

// The fields of an entry with their names, the same in every format.
std::vector<CsvCell> FieldsOf(const Entry& entry) {
  const Software& component = *entry.component;
  return {{"name", std::string(component.name)},
          {"version", entry.version},
          {"licence", std::string(component.licence)},
          {"use", std::string(SoftwareUseName(component.use))},
          {"copyright", std::string(component.copyright)},
          {"homepage", std::string(component.homepage)},
          {"debian_source", std::string(component.source)},
          {"texts", absl::StrJoin(entry.Texts(), " ")},
          {"note", std::string(component.note)}};
}

std::string Csv(const std::vector<Entry>& entries) {
  CsvWriter writer;
  for (const Entry& entry : entries) writer.AddRow(FieldsOf(entry));
  return writer.text();
}

std::string Json(const std::vector<Entry>& entries) {
  using Object = nlohmann::ordered_json;
  Object components = Object::array();
  for (const Entry& entry : entries) {
    Object component;
    for (const auto& [name, value] : FieldsOf(entry)) component[name] = value;
    component["texts"] = entry.Texts();
    components.push_back(std::move(component));
  }
  return absl::StrCat(Object({{"tokenjoule_version", kVersion},
                              {"licence", kOwnLicence},
                              {"components", components}})
                          .dump(1),
                      "\n");
}

// The texts, each once, each below the names of those whose it is.
absl::StatusOr<std::string> Texts(const std::vector<Entry>& entries) {
  // In the order of their first use.
  std::vector<std::string> files = {kOwnText};
  std::vector<std::vector<std::string>> users = {{"tokenjoule"}};
  for (const Entry& entry : entries) {
    for (const std::string& file : entry.Texts()) {
      size_t at = 0;
      while (at < files.size() && files[at] != file) ++at;
      if (at == files.size()) {
        files.push_back(file);
        users.emplace_back();
      }
      users[at].push_back(std::string(entry.component->name));
    }
  }
  std::string out;
  for (const Entry& entry : entries) {
    absl::StrAppend(&out, entry.component->name, " ", entry.version, ": ",
                    entry.component->licence, ". ", entry.component->copyright,
                    "\n");
    if (!entry.component->note.empty()) {
      absl::StrAppend(&out, Wrapped(entry.component->note, 4, 0));
    }
  }
  const std::string line(78, '=');
  for (size_t i = 0; i < files.size(); ++i) {
    const absl::StatusOr<absl::string_view> text = LicenceText(files[i]);
    if (!text.ok()) return text.status();
    absl::StrAppend(&out, "\n", line, "\n", absl::StrJoin(users[i], ", "), "\n",
                    line, "\n\n", *text);
  }
  return out;
}

absl::StatusOr<std::string> Answer(const ParsedFlags& flags, int* exit_code) {
  const absl::StatusOr<OutputFormat> format = ReadOutputFormat(
      flags, {OutputFormat::kTable, OutputFormat::kJson, OutputFormat::kCsv});
  if (!format.ok()) return UsageFault(format.status(), exit_code);
  const bool text = flags.GetBool("text");
  if (text && *format != OutputFormat::kTable) {
    return UsageFault(absl::InvalidArgumentError(absl::StrCat(
                          "--text: expected no --format, found --format=",
                          FormatName(*format))),
                      exit_code);
  }
  *exit_code = kExitBadData;
  const absl::StatusOr<std::vector<Entry>> entries =
      Entries(flags.GetBool("all"));
  if (!entries.ok()) return entries.status();
  if (text) return Texts(*entries);
  switch (*format) {
    case OutputFormat::kJson:
      return Json(*entries);
    case OutputFormat::kCsv:
      return Csv(*entries);
    default:
      return Table(*entries);
  }
}

Command LicensesCommand() {
  Command command;
  command.name = "licenses";
  command.summary = "the licences of the libraries in this binary; their texts";
  command.description =
      "Lists the software of other projects that this binary is built with:\n"
      "version, licence (SPDX), whether it is a library, headers or a script "
      "of\n"
      "the page, and its copyright notice. --text prints the texts that a "
      "copy\n"
      "of the binary has to come with. `tokenjoule --licenses` is the same.\n"
      "docs/install.md says what distributors should know.";
  command.examples =
      "  tokenjoule licenses\n"
      "  tokenjoule licenses --text --out=NOTICES.txt\n"
      "  tokenjoule licenses --all --format=json\n";
  command.flags = {
      {"text", "", "the notices and the texts of the licences in full"},
      {"all", "", "also what only shared libraries of the machine load"},
      FormatFlag(
          {OutputFormat::kTable, OutputFormat::kJson, OutputFormat::kCsv}, ""),
      OutFlag()};
  command.run = [](const ParsedFlags& flags) {
    int exit_code = kExitOk;
    const absl::StatusOr<std::string> answer = Answer(flags, &exit_code);
    if (!answer.ok()) return Fail(answer.status(), exit_code);
    return WriteOutput(flags, answer);
  };
  return command;
}

const CommandRegistration kRegistration(LicensesCommand);

}  // namespace
}  // namespace tokenjoule
