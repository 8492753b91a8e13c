// tokenjoule lint: checks whether description files can be used.

#include "analyzer/description/lint.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/description/faults.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/report/report.h"
#include "analyzer/search/space.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

// Usage faults: no file to read, or an unknown kind.
absl::Status CheckUsage(const ParsedFlags& flags) {
  if (flags.positional.empty()) {
    return absl::InvalidArgumentError("expected files to read");
  }
  const std::string as = flags.Get("as", "");
  const std::vector<std::string> kinds = LintKinds();
  if (flags.Has("as") &&
      std::find(kinds.begin(), kinds.end(), as) == kinds.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--as: ", UnknownNameMessage("kind", as, kinds, "")));
  }
  return absl::OkStatus();
}

// Checks that everything the file names can be loaded and fits together: every
// value of the axes of a space; the model and machine of a scenario, if it
// names both.
absl::Status TryNames(const std::string& file, const std::string& kind) {
  if (kind == "space") return LoadSpace(file).status();
  if (kind != "scenario") return absl::OkStatus();
  ParsedFlags point;
  point.values["scenario"] = {file};
  int exit_code = kExitOk;
  const absl::StatusOr<Setup> setup = LoadSetup(point, &exit_code);
  // A scenario may leave model or machine to the command line.
  if (!setup.ok() && exit_code == kExitUsage) return absl::OkStatus();
  if (!setup.ok()) return setup.status();
  const absl::Status status = Analyze(*setup, kFiguresOnly).status();
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat(PrintablePath(file), ": ", status.message()));
}

int Run(const ParsedFlags& flags) {
  absl::StatusOr<OutputFormat> format = ReadOutputFormat<Listing>(flags);
  if (!format.ok()) return Fail(format.status(), kExitUsage);
  const absl::Status usage = CheckUsage(flags);
  if (!usage.ok()) return Fail(usage, kExitUsage);
  Listing listing;
  std::vector<std::string> faults;
  for (const std::string& file : flags.positional) {
    absl::StatusOr<LintedFile> linted =
        LintFile(file, flags.Get("as", ""), {flags.GetBool("catalogue")});
    if (!linted.ok()) {
      faults.emplace_back(linted.status().message());
      continue;
    }
    const absl::Status tried = TryNames(file, linted->kind);
    if (!tried.ok()) {
      faults.emplace_back(tried.message());
      continue;
    }
    Listing::Entry* entry = listing.add_entries();
    entry->set_kind(linted->kind);
    entry->set_name(file);
    entry->set_description(linted->name);
    for (const std::string& line : linted->inheritance.inherited) {
      entry->add_inherited(line);
    }
    for (const std::string& line : linted->inheritance.warnings) {
      entry->add_warnings(line);
    }
  }
  if (!faults.empty()) {
    return Fail(absl::InvalidArgumentError(absl::StrJoin(faults, "\n")),
                kExitBadData);
  }
  return WriteAnswer(flags, *format, listing);
}

Command LintCommand() {
  Command command;
  command.name = "lint";
  command.summary = "whether files are descriptions that can be used";
  command.description =
      "Reads models, machines, technologies, scenarios and design spaces as\n"
      "the other sub-commands do, including the files that they are based on.\n"
      "Tries the model and machine that a scenario names and every value of a\n"
      "space. Lists the files, or reports every fault of every file and exits\n"
      "with 3. Of a machine with a base it says which groups of constants "
      "come\n"
      "from which base, and warns where they are of another technology. "
      "Numbers\n"
      "without a range or a source are accepted with a note, except in the\n"
      "catalogue's own folders.";
  command.examples =
      "  tokenjoule lint my-model.textproto my-accelerator.textproto\n"
      "  tokenjoule lint --as=class my-class.textproto\n";
  command.flags =
      Concat({{"as", "KIND",
               absl::StrCat(absl::StrJoin(LintKinds(), ", "),
                            " (default: that of the file's `# proto-message:` "
                            "line)")},
              {"catalogue", "",
               "require a range and a source of every number, as the "
               "catalogue's files have them"}},
             OutputFlags<Listing>());
  command.run = Run;
  return command;
}

const CommandRegistration kRegistration(LintCommand);

}  // namespace

}  // namespace tokenjoule
