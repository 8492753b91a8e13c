// tokenjoule analyze: one scenario.

#include "analyzer/evaluate/analyze.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "analyzer/description/catalog.h"
#include "analyzer/report/report.h"
#include "analyzer/study/machines.h"
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

// The machines that --hardware lists.
std::vector<std::string> Machines(const ParsedFlags& flags) {
  return absl::StrSplit(flags.Get("hardware", ""), ',');
}

bool HasSeveral(const ParsedFlags& flags) { return Machines(flags).size() > 1; }

absl::StatusOr<MachinesStudy> SideBySide(const ParsedFlags& flags,
                                         int* exit_code) {
  // A wrong name is a fault; a machine that cannot run the scenario is not.
  std::vector<std::string> faults;
  for (const std::string& name : Machines(flags)) {
    const absl::Status status = LoadHardware(name, {}).status();
    if (!status.ok()) faults.emplace_back(status.message());
  }
  if (!faults.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }
  std::vector<MachineSetup> machines;
  for (const std::string& name : Machines(flags)) {
    ParsedFlags one = flags;
    one.values["hardware"] = {name};
    absl::StatusOr<Setup> setup = LoadSetup(one, exit_code);
    if (!setup.ok() && *exit_code == kExitUsage) return setup.status();
    machines.push_back({name, std::move(setup)});
  }
  *exit_code = kExitOk;
  return StudyMachines(machines);
}

Command AnalyzeCommand() {
  Command command;
  command.name = "analyze";
  command.summary = "joules, seconds and bytes of one decoded token";
  command.description =
      "Prints the joules and seconds that one decoded token costs, where they\n"
      "go, the DRAM share at each boundary, the binding resource, the largest\n"
      "batch that fits, and what tokens and requests cost. Several machines,\n"
      "with commas, are laid side by side, one row each; --pipeline runs one\n"
      "model on several.";
  command.examples =
      "  tokenjoule analyze --model=llama-3.1-8b --hardware=h100-sxm\n"
      "  tokenjoule analyze --model=llama-3.1-70b --hardware=b200 --tp=2 \\\n"
      "      --batch=64 --context=8192 --weights=fp8 --operators\n"
      "  tokenjoule analyze --model=qwen3-8b --hardware=rtx-4090 \\\n"
      "      --weights=int4-g128 --format=json --out=answer.json\n"
      "  tokenjoule analyze --model=llama-3.1-8b --hardware=h100-sxm \\\n"
      "      --set=hardware.engine.tensor.rate.bf16.energy_pj_per_flop=0\n"
      "  tokenjoule analyze --model=llama-3.1-8b --batch=32 \\\n"
      "      --hardware=h100-sxm,b200,mi300x\n"
      "  tokenjoule analyze --model=llama-3.1-8b --hardware=h100-sxm \\\n"
      "      --batch=32 --prompt=1000 --output=250 --price-per-kwh=0.12 \\\n"
      "      --chip-hour-price=2\n";
  command.flags =
      Concat(SetupFlags("sequences in a step, whole system (default 1)"),
             OutputFlags<Report>());
  for (FlagSpec& flag : command.flags) {
    if (flag.name == "hardware") {
      absl::StrAppend(&flag.help,
                      "; or several with commas, to lay them side by side");
    }
  }
  command.flags.push_back(
      {"operators", "", "show the step by operator (table only)"});
  SetAnswer<Report>(Answer, &command, [](const ParsedFlags& flags) {
    TableOptions options;
    options.in_full = flags.GetBool("operators");
    return options;
  });
  Command several;
  SetAnswer<MachinesStudy>(SideBySide, &several);
  // Each kind of answer has its own formats.
  command.run = [one = command.run, several = several.run](
                    const ParsedFlags& flags) {
    return HasSeveral(flags) ? several(flags) : one(flags);
  };
  command.respond = [one = command.respond, several = several.respond](
                        const ParsedFlags& flags, int* exit_code) {
    return HasSeveral(flags) ? several(flags, exit_code)
                             : one(flags, exit_code);
  };
  return command;
}

const CommandRegistration kRegistration(AnalyzeCommand);

}  // namespace

}  // namespace tokenjoule
