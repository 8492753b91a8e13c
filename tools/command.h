// What sub-commands are made of. A sub-command is one file that defines one
// Command; tokenjoule.cc lists them.

#ifndef TOOLS_COMMAND_H_
#define TOOLS_COMMAND_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/report/report.h"
#include "analyzer/search/space.h"
#include "analyzer/search/sweep.h"
#include "analyzer/study/batch.h"
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

// --model, --hardware, --set and the flags of a scenario. `batch_help` is what
// --batch means to the sub-command.
std::vector<FlagSpec> SetupFlags(absl::string_view batch_help);

// Reads those flags and --scenario's file; `with_batch` is whether --batch is
// one number. Usage faults (a number that is none, a flag that is missing) and
// data faults are told apart by `*exit_code`.
absl::StatusOr<Setup> LoadSetup(const ParsedFlags& flags, bool with_batch,
                                int* exit_code);

// The --set=hardware.PATH=VALUE flags; others are faults.
absl::StatusOr<std::vector<FieldOverride>> ReadHardwareOverrides(
    const ParsedFlags& flags);

// --max_time_per_token_ms, the limit of batching by time.
FlagSpec BatchLimitFlag();

// Reads it.
absl::StatusOr<BatchOptions> ReadBatchOptions(const ParsedFlags& flags);

// --format, with svg where the answer has a chart and sqlite where it can be a
// database, and --out.
std::vector<FlagSpec> OutputFlags(bool has_chart = false,
                                  bool has_database = false);

// Which of table, json, csv and, where the answer has them, svg and sqlite
// --format asks for. Fails on any other, and on sqlite without --out.
absl::StatusOr<OutputFormat> ReadOutputFormat(const ParsedFlags& flags,
                                              bool has_chart = false,
                                              bool has_database = false);

// Writes `text` to --out or to stdout. Returns an exit code.
int WriteOutput(const ParsedFlags& flags, const std::string& text);

// Writes `text` to the file that flag `flag` names, whole or not at all (a
// temporary, then rename). Returns an exit code.
int WriteFile(absl::string_view flag, const std::string& path,
              const std::string& text);

// Writes a database to --out, or says why there is none. Returns an exit code.
int WriteDatabase(const ParsedFlags& flags,
                  const absl::StatusOr<std::string>& bytes);

// Writes an answer in `format` by one of its writers; `csv`, `svg` and `sqlite`
// are not called for other formats, and `svg` and `sqlite` are there where
// ReadOutputFormat was told of a chart and a database. Returns an exit code.
template <typename Answer, typename TableWriter>
int WriteAnswer(
    const ParsedFlags& flags, OutputFormat format, const Answer& answer,
    const TableWriter& table, std::string (*csv)(const Answer&),
    std::string (*svg)(const Answer&) = nullptr,
    absl::StatusOr<std::string> (*sqlite)(const Answer&) = nullptr) {
  switch (format) {
    case OutputFormat::kJson:
      return WriteOutput(flags, ToJson(answer));
    case OutputFormat::kCsv:
      return WriteOutput(flags, csv(answer));
    case OutputFormat::kSvg:
      return WriteOutput(flags, svg(answer));
    case OutputFormat::kSqlite:
      return WriteDatabase(flags, sqlite(answer));
    case OutputFormat::kTable:
      break;
  }
  return WriteOutput(flags, table(answer));
}

// Today in UTC, YYYY-MM-DD: the date of a source that a sub-command writes.
std::string Today();

// Says what is wrong on stderr, each line led by "tokenjoule: ", and returns
// `exit_code`.
int Fail(const absl::Status& status, int exit_code);

// `a` followed by `b`.
std::vector<FlagSpec> Concat(std::vector<FlagSpec> a,
                             const std::vector<FlagSpec>& b);

}  // namespace tokenjoule

#endif  // TOOLS_COMMAND_H_
