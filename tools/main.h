// The main() of binaries that consist of sub-commands.

#ifndef TOOLS_MAIN_H_
#define TOOLS_MAIN_H_

#include <vector>

#include "tools/command.h"

namespace tokenjoule {

// Runs the sub-command that the command line names, or prints the help of that
// sub-command or of all `commands`. Relative paths are relative to the caller's
// folder: under `bazel run` the process first changes to
// BUILD_WORKING_DIRECTORY, and returns kExitBadData if that folder does not
// exist. Returns the exit code of the process.
int Main(const std::vector<Command>& commands, int argc,
         const char* const* argv);

}  // namespace tokenjoule

#endif  // TOOLS_MAIN_H_
