// tokenjoule SUBCOMMAND --flag=value ...

#include <vector>

#include "analyzer/search/evolve.h"
#include "tools/command.h"
#include "tools/main.h"

namespace tokenjoule {
namespace {

std::vector<Command> Commands() {
  return {AnalyzeCommand(),     BatchCommand(),       CalibrateCommand(),
          CeilingCommand(),     CheckCommand(),       CompareCommand(),
          DotProductCommand(),  ExplainCommand(),     ImportHfCommand(),
          LintCommand(),        ListCommand(),        MergeCommand(),
          SensitivityCommand(), SweepCommand(Evolve), TricksCommand(),
          ValidateCommand()};
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) {
  return tokenjoule::Main(tokenjoule::Commands(), argc, argv);
}
