// What sub-commands are made of. A sub-command is one file that defines one
// Command; tokenjoule.cc lists them.

#ifndef TOOLS_COMMAND_H_
#define TOOLS_COMMAND_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "analyzer/search/space.h"
#include "analyzer/search/sweep.h"
#include "proto/report.pb.h"
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

// The sub-commands.
Command AnalyzeCommand();
Command BatchCommand();
Command CalibrateCommand();
Command CeilingCommand();
Command CheckCommand();
Command CompareCommand();
Command DotProductCommand();
Command ExplainCommand();
Command ImportHfCommand();
Command LintCommand();
Command ListCommand();
Command MergeCommand();
Command SensitivityCommand();
// `evolve` searches spaces that ask for evolution; null where this binary
// cannot.
Command SweepCommand(absl::StatusOr<SweepStudy> (*evolve)(const Space&,
                                                          const SweepOptions&));
Command TricksCommand();
Command ValidateCommand();

// Today in UTC, YYYY-MM-DD: the date of a source that a sub-command writes.
std::string Today();

// Says what is wrong on stderr, each line led by "tokenjoule: ", and returns
// `exit_code`.
int Fail(const absl::Status& status, int exit_code);

}  // namespace tokenjoule

#endif  // TOOLS_COMMAND_H_
