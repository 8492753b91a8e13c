// Answers requests of programs: JSON in, JSON out, the same answers as on the
// command line.

#ifndef TOOLS_SERVE_ANSWERER_H_
#define TOOLS_SERVE_ANSWERER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/documents.h"
#include "tools/command.h"
#include "tools/flags.h"

namespace tokenjoule {

// A request for the answer of a sub-command.
struct AnswerRequest {
  std::string subcommand;
  // What the command line would give. --format is JSON if it is not given.
  ParsedFlags flags;
  // Texts that flags name as if they were files.
  Documents documents;
};

// What a request may ask for.
struct AnswerLimits {
  // Most rows, i.e. combinations of the values in lists of models, machines,
  // batches and contexts. Each is 30 KB of JSON, and takes half a megabyte while
  // it is computed.
  size_t rows = 500;
  // Most draws of `sensitivity`.
  double samples = 100'000;
  // Whether flags may name files of this machine.
  DocumentScope::Files files = DocumentScope::Files::kClosed;
};

// The reply to a request.
struct Reply {
  // kExitOk, or what the command line would return.
  int exit_code = kExitOk;
  // One JSON object on one line: "answer", or "error" with "exit_code" and
  // "faults"; "notices"; "command", which repeats it; "elapsed_ms".
  std::string json;
};

// Answers requests. Keeps nothing between them, and may be used by several
// threads at once.
class Answerer {
 public:
  // Answers those of `commands` that a request may ask for.
  Answerer(const std::vector<Command>& commands, const AnswerLimits& limits);

  // The names of the sub-commands, sorted.
  std::vector<std::string> Subcommands() const;

  // The sub-commands with their flags as JSON: [{"name", "summary", "flags":
  // [{"name", "value", "help"}]}].
  std::string SubcommandsJson() const;

  // Reads a request {"flags": {NAME: VALUE}, "positional": [VALUE],
  // "documents": {NAME: TEXT}} and answers it. Values are strings, numbers,
  // true and false, and lists of those. Every fault is a reply.
  Reply Answer(absl::string_view subcommand, absl::string_view text) const;

  // The same with "subcommand" and "id" in the JSON; the reply has the id, so
  // that programs can have several requests under way.
  Reply Answer(absl::string_view text) const;

  // The same of a request that has been read.
  Reply Answer(const AnswerRequest& request) const;

 private:
  const Command* Find(absl::string_view subcommand) const;

  std::vector<Command> commands_;
  AnswerLimits limits_;
};

// The reply that holds an answer, without the time that it took: `answer` is JSON.
std::string EnvelopeOf(absl::string_view answer,
                       const std::vector<std::string>& notices,
                       const std::string& command_line);

// The command line of a request, for a POSIX shell.
std::string CommandLine(const Command& command, const ParsedFlags& flags);

}  // namespace tokenjoule

#endif  // TOOLS_SERVE_ANSWERER_H_
