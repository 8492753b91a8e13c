// tokenjoule tune: the clock of least energy or cost per token.

#include "analyzer/study/tune.h"

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

absl::StatusOr<TuneOptions> ReadOptions(const ParsedFlags& flags) {
  TuneOptions options;
  const auto read = [&](const char* flag, double* number) {
    if (!flags.Has(flag)) return absl::OkStatus();
    std::vector<double> numbers;
    const absl::Status status = ParseNumberList(flags.Get(flag, ""), &numbers);
    if (!status.ok() || numbers.size() != 1 || numbers[0] <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(FlagText(flag), ": expected a number above 0"));
    }
    *number = numbers[0];
    return absl::OkStatus();
  };
  absl::Status status =
      read("max_time_per_token_ms", &options.max_time_per_token_ms);
  if (!status.ok()) return status;
  if (flags.Has("price_per_chip_hour") && flags.Has("chip_hour_price")) {
    return absl::InvalidArgumentError(
        "--price-per-chip-hour is the old spelling of --chip-hour-price: give "
        "one of them");
  }
  if (flags.Has("batches")) {
    status = ParseCountList(flags.Get("batches", ""), &options.batches);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--batches: ", status.message()));
    }
  }
  return options;
}

absl::StatusOr<TuneStudy> Answer(const ParsedFlags& flags, int* exit_code) {
  absl::StatusOr<TuneOptions> options = ReadOptions(flags);
  if (!options.ok()) return UsageFault(options.status(), exit_code);
  absl::StatusOr<Setup> setup = LoadSetup(flags, exit_code);
  if (!setup.ok()) return setup.status();
  return Tune(*setup, *options);
}

Command TuneCommand() {
  Command command;
  command.name = "tune";
  command.summary = "the clock, power cap and batch of least energy per token";
  command.description =
      "A core that waits for memory may run slower, at a lower voltage. Tries\n"
      "every clock of the machine, and every batch of --batches, and prints the\n"
      "one of least energy per token at the boundary within the limit on the\n"
      "time per token; with --chip-hour-price the one of least money, for chips\n"
      "and, with --price-per-kwh, electricity. The optimum is flat: it is given\n"
      "as a range of clocks and of power caps that bring them about.";
  command.examples =
      "  tokenjoule tune --model=qwen3.6-27b --hardware=rtx-3090 "
      "--weights=q3_k\n"
      "  tokenjoule tune --model=llama-3.1-70b --hardware=h100-sxm --tp=4 \\\n"
      "      --batches=1:256:x2 --max-time-per-token-ms=40\n";
  command.flags = Concat(
      Concat(SetupFlags("sequences in a step, whole system (default 1)"),
             {
                 {"batches", "LIST",
                  "batches to try, e.g. 1:256:x2 (default: --batch)"},
                 {"max_time_per_token_ms", "MS", "limit on the time per token"},
                 {"price_per_chip_hour", "PRICE",
                  "the old spelling of --chip-hour-price"},
             }),
      OutputFlags<TuneStudy>());
  SetAnswer<TuneStudy>(Answer, &command);
  return command;
}

const CommandRegistration kRegistration(TuneCommand);

}  // namespace

}  // namespace tokenjoule
