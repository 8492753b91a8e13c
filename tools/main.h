// What main() of a binary of sub-commands does.

#ifndef TOOLS_MAIN_H_
#define TOOLS_MAIN_H_

#include <vector>

#include "tools/command.h"

namespace tokenjoule {

// Runs the sub-command that the command line names, or prints help: of it, or
// of all `commands`. Relative paths are those of the caller: under `bazel run`
// the process first changes to BUILD_WORKING_DIRECTORY, and answers with
// kExitBadData where that folder is gone. Returns the exit code of the process.
int Main(const std::vector<Command>& commands, int argc,
         const char* const* argv);

}  // namespace tokenjoule

#endif  // TOOLS_MAIN_H_
