// What sub-commands are made of. A sub-command is one file in commands/ that
// makes one Command and registers it.

#ifndef TOOLS_COMMAND_H_
#define TOOLS_COMMAND_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/flags.h"

namespace tokenjoule {

// Exit codes, the same for every sub-command.
enum ExitCode {
  kExitOk = 0,
  kExitRegression = 1,  // a gate did not pass
  kExitUsage = 2,       // the command line cannot be read
  kExitBadData = 3,     // a description, a value or a file is wrong
  // As a shell has it: 128 and the number of SIGINT.
  kExitInterrupted = 130,
};

// A sub-command.
struct Command {
  std::string name;
  // One line for `tokenjoule --help`.
  std::string summary;
  // What it answers and how, then examples; for `tokenjoule NAME --help`.
  std::string description;
  std::string examples;
  std::vector<FlagSpec> flags;
  // Returns an exit code; has written its answer to stdout or --out and what
  // was wrong to stderr.
  std::function<int(const ParsedFlags&)> run;
};

// Adds a sub-command to those of the binary that its file is linked into. At
// namespace scope of that file:
//
//   const CommandRegistration kRegistration(AnalyzeCommand);
//
// A library of such files needs `alwayslink`: nothing else refers to them.
class CommandRegistration {
 public:
  // `command` makes the sub-command.
  explicit CommandRegistration(std::function<Command()> command);
};

// The sub-commands that were registered, by name.
std::vector<Command> RegisteredCommands();

// Today in UTC, YYYY-MM-DD: the date of a source that a sub-command writes.
std::string Today();

// Says what is wrong on stderr, each line led by "tokenjoule: ", and returns
// `exit_code`.
int Fail(const absl::Status& status, int exit_code);

}  // namespace tokenjoule

#endif  // TOOLS_COMMAND_H_
