// tokenjoule explain: where a number comes from.

#include "analyzer/study/explain.h"

#include <string>

#include "absl/status/statusor.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

// The model that terms are explained with if none is given.
constexpr char kUsualModel[] = "llama-3.1-8b";

absl::StatusOr<Explanation> Answer(const ParsedFlags& flags, int* exit_code) {
  if (flags.positional.size() > 1) {
    return UsageFault(absl::InvalidArgumentError(
                          "expected at most one constant, term or figure"),
                      exit_code);
  }
  ParsedFlags with_model = flags;
  with_model.positional.clear();
  if (!flags.Has("model") && !flags.Has("scenario")) {
    with_model.values["model"] = {kUsualModel};
  }
  absl::StatusOr<Setup> setup = LoadSetup(with_model, exit_code);
  if (!setup.ok()) return setup.status();
  UseFormatsOfArrays(setup->hardware, &setup->scenario);
  absl::StatusOr<Explanation> explanation =
      Explain(*setup, flags.positional.empty() ? "" : flags.positional[0]);
  if (!explanation.ok()) return UsageFault(explanation.status(), exit_code);
  return explanation;
}

Command ExplainCommand() {
  Command command;
  command.name = "explain";
  command.summary = "value, range and source of a constant; formula of a term";
  command.description =
      "Shows the constants of a machine whose path contains NAME, each with\n"
      "its value, range and source. For a term (STATIC, \"on-chip SRAM\") or "
      "a\n"
      "figure of the report (max_batch, intensity), shows its formula and the\n"
      "constants that enter it, the most influential first. Those depend on\n"
      "the model and the scenario; the defaults are llama-3.1-8b and one\n"
      "sequence, on a machine with in-memory arrays in the formats that these\n"
      "take.";
  command.examples =
      "  tokenjoule explain --hardware=h100-sxm\n"
      "  tokenjoule explain --hardware=h100-sxm path_energy\n"
      "  tokenjoule explain --hardware=h100-sxm DRAM_ACTIVATE\n"
      "  tokenjoule explain --hardware=b200 --model=qwen3-30b-a3b --batch=8 "
      "\\\n"
      "      step_time_s\n";
  command.flags =
      Concat(SetupFlags("sequences in a step, whole system (default 1)"),
             OutputFlags<Explanation>());
  SetAnswer<Explanation>(Answer, &command);
  return command;
}

const CommandRegistration kRegistration(ExplainCommand);

}  // namespace

}  // namespace tokenjoule
