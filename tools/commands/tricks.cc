// tokenjoule tricks: measures that reduce the energy of a token, and by how
// much.

#include "analyzer/study/tricks.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

absl::StatusOr<TrickStudy> Answer(const ParsedFlags& flags, int* exit_code) {
  absl::StatusOr<BatchOptions> options = ReadBatchOptions(flags);
  if (!options.ok()) return UsageFault(options.status(), exit_code);
  absl::StatusOr<Setup> setup = LoadSetup(flags, exit_code);
  if (!setup.ok()) return setup.status();
  return StudyTricks(*setup, *options);
}

Command TricksCommand() {
  Command command;
  command.name = "tricks";
  command.summary =
      "known and proposed ways to save energy, ranked by gain, alone and "
      "together";
  command.description =
      "Batching, fewer KV heads, latent attention, narrower caches and "
      "weights,\n"
      "speculation, experts, stacked DRAM, more SRAM, compute near memory, "
      "analog\n"
      "arrays, a better multiplier: J/token of each alone as a factor and in "
      "orders\n"
      "of magnitude, then one on top of another, each time the one that gains "
      "most.\n"
      "Batching fills the memory that the others leave. Every trick says what "
      "it\n"
      "assumes; none is charged a loss of quality.";
  command.examples =
      "  tokenjoule tricks --model=llama-3.1-70b --hardware=h100-sxm --tp=4\n"
      "  tokenjoule tricks --model=qwen3-8b --hardware=h100-sxm \\\n"
      "      --context=32768 --max-time-per-token-ms=20\n"
      "  tokenjoule tricks --model=llama-2-7b --hardware=rtx-4090 \\\n"
      "      --format=svg --out=tricks.svg\n";
  command.flags =
      Concat(SetupFlags("sequences in a step before batching, whole system "
                        "(default 1)"),
             OutputFlags<TrickStudy>());
  command.flags.push_back(BatchLimitFlag());
  SetAnswer<TrickStudy>(Answer, &command);
  return command;
}

const CommandRegistration kRegistration(TricksCommand);

}  // namespace

}  // namespace tokenjoule
