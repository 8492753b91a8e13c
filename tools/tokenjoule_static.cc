// tokenjoule as one file, linked statically.

#include "tools/command.h"
#include "tools/main.h"
#include "tools/serve/serve_command.h"
#include "tools/sweep.h"

namespace tokenjoule {
namespace {

// Without evolution, because pagmo needs TBB, for which there is no static
// library.
const CommandRegistration kSweep([] {
  return SweepCommand(/*evolve=*/nullptr);
});

// Without a server for the page, because cpp-httplib has no static library; with
// --stdio and --format=html.
const CommandRegistration kServe([] {
  return ServeCommand(/*serve_http=*/nullptr);
});

const CommandRegistration kCalibrate([] {
  return AbsentCommand(
      "calibrate",
      "it needs Ceres, whose METIS has no static library. Use the binary that "
      "`./tools/bazel build //tools:tokenjoule` makes");
});

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) {
  return tokenjoule::Main(tokenjoule::RegisteredCommands(), argc, argv);
}
