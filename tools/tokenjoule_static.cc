// tokenjoule as one file, linked statically.

#include "tools/command.h"
#include "tools/main.h"
#include "tools/sweep.h"

namespace tokenjoule {
namespace {

// Without evolution, because pagmo needs TBB, for which there is no static
// library.
const CommandRegistration kSweep([] {
  return SweepCommand(/*evolve=*/nullptr);
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
