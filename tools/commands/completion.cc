// tokenjoule completion: scripts for shells, and what they ask for.

#include "tools/completion.h"

#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/description/faults.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"

namespace tokenjoule {
namespace {

int Run(const ParsedFlags& flags) {
  if (flags.GetBool("words")) {
    std::string text;
    for (const std::string& word :
         Completions(RegisteredCommands(), flags.positional)) {
      absl::StrAppend(&text, word, "\n");
    }
    return WriteOutput(flags, text);
  }
  const std::vector<std::string> shells = CompletionShells();
  if (flags.positional.size() != 1 ||
      !absl::c_linear_search(shells, flags.positional[0])) {
    return Fail(
        absl::InvalidArgumentError(absl::StrCat(
            "expected the name of a shell: ", absl::StrJoin(shells, ", "))),
        kExitUsage);
  }
  return WriteOutput(flags, CompletionScript(flags.positional[0]));
}

Command CompletionCommand() {
  Command command;
  command.name = "completion";
  command.summary = "a script that completes command lines in bash, fish, zsh";
  command.description =
      "Prints a script for a shell. With it the tab key completes "
      "sub-commands,\n"
      "flags, and the names of models, machines, runtimes, formats and design\n"
      "spaces that the binary knows. docs/install.md says where scripts go.";
  command.examples =
      "  tokenjoule completion bash > "
      "~/.local/share/bash-completion/completions/tokenjoule\n"
      "  tokenjoule completion zsh > ~/.zfunc/_tokenjoule\n"
      "  tokenjoule completion fish > "
      "~/.config/fish/completions/tokenjoule.fish\n";
  FlagSpec words = {"words", "", "what the words behind -- may become"};
  words.hidden = true;
  command.flags = {words, OutFlag()};
  command.run = Run;
  return command;
}

const CommandRegistration kRegistration(CompletionCommand);

}  // namespace
}  // namespace tokenjoule
