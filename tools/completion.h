// Completion of command lines, the same for every shell: a shell's script hands
// over the words and shows what it gets.

#ifndef TOOLS_COMPLETION_H_
#define TOOLS_COMPLETION_H_

#include <string>
#include <vector>

#include "tools/command.h"

namespace tokenjoule {

// What the last of `words` may become, as whole words, sorted. `words` are
// those of a command line behind the program's name; the last is the one that
// is being typed and may be empty. A word that ends with "=" or "," goes on.
// Empty where a file or a free value is expected.
std::vector<std::string> Completions(const std::vector<Command>& commands,
                                     const std::vector<std::string>& words);

// The shells that have a script: bash, fish, zsh.
std::vector<std::string> CompletionShells();

// The script of a shell of that list.
std::string CompletionScript(const std::string& shell);

}  // namespace tokenjoule

#endif  // TOOLS_COMPLETION_H_
