// tokenjoule analyze: one scenario.

#include "analyzer/evaluate/analyze.h"

#include <string>

#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

absl::StatusOr<Report> Answer(const ParsedFlags& flags, int* exit_code) {
  absl::StatusOr<Setup> setup = LoadSetup(flags, exit_code);
  if (!setup.ok()) return setup.status();
  return Analyze(*setup, kWithOperators);
}

Command AnalyzeCommand() {
  Command command;
  command.name = "analyze";
  command.summary = "joules, seconds and bytes of one decoded token";
  command.description =
      "Prints the joules and seconds that one decoded token costs, where they\n"
      "go, the DRAM share at each boundary, the binding resource, and the\n"
      "largest batch that fits.";
  command.examples =
      "  tokenjoule analyze --model=llama-3.1-8b --hardware=h100-sxm\n"
      "  tokenjoule analyze --model=llama-3.1-70b --hardware=b200 --tp=2 \\\n"
      "      --batch=64 --context=8192 --weights=fp8 --operators\n"
      "  tokenjoule analyze --model=qwen3-8b --hardware=rtx-4090 \\\n"
      "      --weights=int4-g128 --format=json --out=answer.json\n"
      "  tokenjoule analyze --model=llama-3.1-8b --hardware=h100-sxm \\\n"
      "      --set=hardware.engine.tensor.rate.bf16.energy_pj_per_flop=0\n";
  command.flags =
      Concat(SetupFlags("sequences in a step, whole system (default 1)"),
             OutputFlags<Report>());
  command.flags.push_back(
      {"operators", "", "show the step by operator (table only)"});
  SetAnswer<Report>(Answer, &command, [](const ParsedFlags& flags) {
    TableOptions options;
    options.in_full = flags.GetBool("operators");
    return options;
  });
  return command;
}

const CommandRegistration kRegistration(AnalyzeCommand);

}  // namespace

}  // namespace tokenjoule
