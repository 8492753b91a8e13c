// The parts of a sub-command. A sub-command is one file in commands/ that makes
// one Command and registers it.

#ifndef TOOLS_COMMAND_H_
#define TOOLS_COMMAND_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/flags.h"

namespace tokenjoule {

// Exit codes, the same for every sub-command.
enum ExitCode {
  kExitOk = 0,
  kExitRegression = 1,  // a gate did not pass
  kExitUsage = 2,       // the command line cannot be read
  kExitBadData = 3,     // a description, a value or a file is wrong, or no output
                        // can be written
  // As shells define it: 128 plus the number of SIGINT.
  kExitInterrupted = 130,
};

// A sub-command.
struct Command {
  std::string name;
  // One line for `tokenjoule --help`.
  std::string summary;
  // The answer and how it is computed, then examples; for `tokenjoule NAME
  // --help`.
  std::string description;
  std::string examples;
  std::vector<FlagSpec> flags;
  // Writes the answer to stdout or --out and errors to stderr. Returns an exit
  // code.
  std::function<int(const ParsedFlags&)> run;
  // Returns the answer in the format that --format names, the same text that
  // `run` writes, for programs that ask many times. On failure sets
  // `*exit_code` to what `run` would return. Null if the sub-command does more
  // than answer.
  std::function<absl::StatusOr<std::string>(const ParsedFlags&, int* exit_code)>
      respond;
  // If not empty, the reason why this binary does not have the sub-command; of
  // the other fields only the name counts then.
  std::string absent;
};

// A sub-command that this binary does not have for this reason: "it needs X,
// for which there is no static library". Whoever asks for it is told.
Command AbsentCommand(absl::string_view name, absl::string_view reason);

// Adds a sub-command to every binary that its file is linked into. Use it at
// namespace scope of that file:
//
//   const CommandRegistration kRegistration(AnalyzeCommand);
//
// A library of such files needs `alwayslink`, because nothing else refers to
// them.
class CommandRegistration {
 public:
  // `command` makes the sub-command.
  explicit CommandRegistration(std::function<Command()> command);
};

// The registered sub-commands, sorted by name.
std::vector<Command> RegisteredCommands();

// Today in UTC, YYYY-MM-DD: the date of a source that a sub-command writes.
std::string Today();

// Returns `status`, for a command line that cannot be read, and sets
// `*exit_code` to kExitUsage.
absl::Status UsageFault(absl::Status status, int* exit_code);

// Prints text to stderr, with "tokenjoule: " before each line. What a terminal would
// take for a command is escaped (analyzer/base/visible.h).
void Say(absl::string_view text);

// Says an error and returns `exit_code`.
int Fail(const absl::Status& status, int exit_code);

// Writes text to stdout. On a terminal, where no program reads it, what the terminal
// would take for a command is escaped; a file or a pipe gets the text itself. Returns
// kExitOk, or kExitBadData if it cannot be written, and says so.
int Print(const std::string& text);

}  // namespace tokenjoule

#endif  // TOOLS_COMMAND_H_
