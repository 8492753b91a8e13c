// tokenjoule SUBCOMMAND --flag=value ...

#include "analyzer/search/evolve.h"
#include "tools/command.h"
#include "tools/main.h"
#include "tools/sweep.h"

namespace tokenjoule {
namespace {

const CommandRegistration kSweep([] { return SweepCommand(Evolve); });

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) {
  return tokenjoule::Main(tokenjoule::RegisteredCommands(), argc, argv);
}
