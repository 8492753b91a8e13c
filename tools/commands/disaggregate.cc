// tokenjoule disaggregate: prefill and decode on different machines.

#include "analyzer/study/disaggregate.h"

#include <string>

#include "absl/strings/numbers.h"
#include "analyzer/description/catalog.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

absl::StatusOr<DisaggregationStudy> Answer(const ParsedFlags& flags,
                                           int* exit_code) {
  int tp = 1;
  if (!absl::SimpleAtoi(flags.Get("prefill_tp", "1"), &tp) || tp < 1) {
    return UsageFault(
        absl::InvalidArgumentError(
            "--prefill-tp: expected a whole number of at least 1"),
        exit_code);
  }
  absl::StatusOr<Setup> setup = LoadSetup(flags, exit_code);
  if (!setup.ok()) return setup.status();
  const std::string name =
      flags.Get("prefill_hardware", setup->hardware.name());
  absl::StatusOr<Hardware> prefill = LoadHardware(name);
  if (!prefill.ok()) return prefill.status();
  return Disaggregate(*setup, *prefill, tp);
}

Command DisaggregateCommand() {
  Command command;
  command.name = "disaggregate";
  command.summary = "prefill on one machine, decode on another";
  command.description =
      "Prefills prompts on one machine, one at a time, moves their KV cache over\n"
      "the outermost networks of both, and decodes on another: energy per output\n"
      "token of each part, the time to the first token, and how many chips of\n"
      "one keep a chip of the other busy. The same traffic on the decoding\n"
      "machine alone stands beside it.";
  command.examples =
      "  tokenjoule disaggregate --model=llama-3.1-70b --hardware=h20 --tp=4 \\\n"
      "      --batch=64 --prompt=4096 --output=512 \\\n"
      "      --prefill-hardware=h100-sxm --prefill-tp=4\n";
  command.flags = Concat(
      Concat(SetupFlags("sequences in a decode step, whole system (default 1)"),
             {
                 {"prefill_hardware", "NAME",
                  "machine that prefills (default: --hardware)"},
                 {"prefill_tp", "N",
                  "tensor-parallel chips of a prompt (default 1)"},
             }),
      OutputFlags<DisaggregationStudy>());
  SetAnswer<DisaggregationStudy>(Answer, &command);
  return command;
}

const CommandRegistration kRegistration(DisaggregateCommand);

}  // namespace

}  // namespace tokenjoule
