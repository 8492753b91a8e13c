// tokenjoule ceiling: the energy that remains when a part is free.

#include "analyzer/study/ceiling.h"

#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

absl::StatusOr<CeilingStudy> Answer(const ParsedFlags& flags, int* exit_code) {
  absl::StatusOr<Setup> setup = LoadSetup(flags, exit_code);
  if (!setup.ok()) return setup.status();
  return StudyCeiling(*setup);
}

Command CeilingCommand() {
  Command command;
  command.name = "ceiling";
  command.summary = "energy that remains when a term or a component is free";
  command.description =
      "Amdahl's law for energy: makes each term and each component free in\n"
      "turn, and all pairs of them. A component is made free in energy alone,\n"
      "and in energy and time: then the step is shorter and static energy\n"
      "falls with it.";
  command.examples =
      "  tokenjoule ceiling --model=llama-3.1-8b --hardware=h100-sxm\n"
      "  tokenjoule ceiling --model=llama-3.1-70b --hardware=b200 --tp=2 "
      "\\\n"
      "      --batch=256 --context=8192 --boundary=facility\n";
  command.flags =
      Concat(SetupFlags("sequences in a step, whole system (default 1)"),
             OutputFlags<CeilingStudy>());
  SetAnswer<CeilingStudy>(Answer, &command);
  return command;
}

const CommandRegistration kRegistration(CeilingCommand);

}  // namespace

}  // namespace tokenjoule
