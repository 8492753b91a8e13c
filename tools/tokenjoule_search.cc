// tokenjoule with only the sub-commands of a search, linked statically for
// machines that have none of the libraries installed.

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

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) {
  return tokenjoule::Main(tokenjoule::RegisteredCommands(), argc, argv);
}
