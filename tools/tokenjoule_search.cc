// tokenjoule with the sub-commands of a search alone: linked statically, for
// machines that have nothing of ours installed.

#include "tools/command.h"
#include "tools/main.h"
#include "tools/sweep.h"

namespace tokenjoule {
namespace {

// Without evolution: pagmo needs TBB, which has no archive.
const CommandRegistration kSweep([] {
  return SweepCommand(/*evolve=*/nullptr);
});

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) {
  return tokenjoule::Main(tokenjoule::RegisteredCommands(), argc, argv);
}
