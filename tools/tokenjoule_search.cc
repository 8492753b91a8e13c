// tokenjoule with the sub-commands of a search alone: linked statically, for
// machines that have nothing of ours installed.

#include "tools/command.h"
#include "tools/main.h"

int main(int argc, char** argv) {
  // Without evolution: pagmo needs TBB, which has no archive.
  return tokenjoule::Main({tokenjoule::MergeCommand(),
                           tokenjoule::SweepCommand(/*evolve=*/nullptr)},
                          argc, argv);
}
