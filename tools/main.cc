#include "tools/main.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/notices.h"
#include "analyzer/import/checkpoint.h"
#include "analyzer/report/table.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/whole_file.h"

namespace tokenjoule {
namespace {

std::string Help(const std::vector<Command>& commands) {
  TextTable table({"", ""});
  for (const Command& command : commands) {
    table.AddRow({command.name, command.summary});
  }
  return absl::StrCat(
      "tokenjoule: the joules that one decoded LLM token costs, where they "
      "go,\n"
      "and what could change them.\n\n"
      "usage: tokenjoule SUBCOMMAND --flag=value ...\n\n",
      table.ToString(2),
      "\n`tokenjoule help SUBCOMMAND` has flags and examples.\n"
      "Exit codes: 0 fine, 1 regression, 2 usage, 3 bad data or an output that\n"
      "cannot be written.\n");
}

std::string Help(const Command& command) {
  return absl::StrCat("tokenjoule ", command.name, ": ", command.summary,
                      "\n\n", command.description, "\n\nExamples\n",
                      command.examples, "\nFlags\n", FlagsHelp(command.flags));
}

bool IsHelp(absl::string_view argument) {
  return argument == "help" || argument == "--help" || argument == "-h";
}

// `bazel run` starts a binary in its runfiles and gives the caller's folder in
// BUILD_WORKING_DIRECTORY. Changes to that folder, so that paths mean what the
// caller means and --out is not lost among the runfiles. Fails if that folder
// does not exist, because continuing elsewhere would read and write the wrong
// files.
absl::Status GoWhereTheCallerIs() {
  const char* folder = std::getenv("BUILD_WORKING_DIRECTORY");
  if (folder == nullptr || *folder == '\0') return absl::OkStatus();
  if (chdir(folder) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("BUILD_WORKING_DIRECTORY=", PrintablePath(folder),
                   ": cannot be entered: ", std::strerror(errno),
                   "; `bazel run` sets it to the folder that it is called "
                   "from. Call it from a folder that exists, or unset the "
                   "variable"));
}

// Whether every file that a sub-command is to write can be written: better known
// before an hour of work than after it.
absl::Status CheckFilesWritable(const std::vector<FlagSpec>& specs,
                                const ParsedFlags& flags) {
  std::vector<std::string> faults;
  for (const FlagSpec& spec : specs) {
    if (!spec.written || !flags.Has(spec.name)) continue;
    const std::string path = flags.Get(spec.name, "");
    const absl::Status status = CheckWritable(path);
    if (status.ok()) continue;
    faults.push_back(absl::StrCat(FlagText(spec.name), "=", PrintablePath(path),
                                  ": ", status.message()));
  }
  return faults.empty() ? absl::OkStatus()
                        : absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
}

}  // namespace

int Main(const std::vector<Command>& commands, int argc,
         const char* const* argv) {
  if (argc < 2) {
    std::cerr << Help(commands);
    return kExitUsage;
  }
  std::string name = argv[1];
  if (name == "--version") name = "version";
  if (name == "--licenses") name = "licenses";
  if (name == "--help" || name == "-h" || name == "help") {
    // `tokenjoule help SUBCOMMAND` is `tokenjoule SUBCOMMAND --help`.
    if (argc == 3 && !IsHelp(argv[2])) {
      const char* const about[] = {argv[0], argv[2], "--help"};
      return Main(commands, 3, about);
    }
    return Print(Help(commands));
  }
  std::vector<std::string> names;
  for (const Command& command : commands) {
    names.push_back(command.name);
    if (command.name != name) continue;
    if (!command.absent.empty()) {
      return Fail(absl::InvalidArgumentError(absl::StrCat(
                      name, " is not in this binary: ", command.absent)),
                  kExitUsage);
    }
    ParsedFlags flags;
    const absl::Status status = ParseFlags(
        absl::MakeConstSpan(argv + 2, argc - 2), command.flags, &flags);
    if (flags.help || (argc == 3 && IsHelp(argv[2]))) {
      return Print(Help(command));
    }
    if (!status.ok()) return Fail(status, kExitUsage);
    const absl::Status there = GoWhereTheCallerIs();
    if (!there.ok()) return Fail(there, kExitBadData);
    const absl::Status writable = CheckFilesWritable(command.flags, flags);
    if (!writable.ok()) return Fail(writable, kExitBadData);
    AcceptCheckpointsAsModels();
    SetNoticeSink(
        [](absl::string_view notice) { Say(absl::StrCat("note: ", notice)); });
    return command.run(flags);
  }
  return Fail(absl::InvalidArgumentError(UnknownNameMessage(
                  "sub-command", name, names,
                  "(`tokenjoule help` shows all)")),
              kExitUsage);
}

}  // namespace tokenjoule
