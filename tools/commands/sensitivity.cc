// tokenjoule sensitivity: how the answer moves with each number.

#include "analyzer/study/sensitivity.h"

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "analyzer/description/faults.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

constexpr int kDefaultSamples = 10'000, kMostSamples = 10'000'000;

absl::Status ReadWhole(const ParsedFlags& flags, const std::string& name,
                       int least, int most, int* value) {
  if (!flags.Has(name)) return absl::OkStatus();
  const std::string text = flags.Get(name, "");
  if (absl::SimpleAtoi(text, value) && *value >= least && *value <= most) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(FlagText(name), ": expected a whole number from ", least, " to ",
                   most, ", found \"", Printable(text), "\""));
}

absl::StatusOr<SensitivityOptions> ReadOptions(const ParsedFlags& flags) {
  SensitivityOptions options;
  int samples = kDefaultSamples;
  absl::Status status =
      ReadWhole(flags, "samples", 100, kMostSamples, &samples);
  status.Update(ReadWhole(flags, "seed", 0, 2'000'000'000, &options.seed));
  if (!status.ok()) return status;
  if (flags.GetBool("uncertainty") || flags.Has("samples")) {
    options.samples = samples;
  }
  return options;
}

absl::StatusOr<SensitivityStudy> Answer(const ParsedFlags& flags,
                                        int* exit_code) {
  absl::StatusOr<SensitivityOptions> options = ReadOptions(flags);
  if (!options.ok()) return UsageFault(options.status(), exit_code);
  absl::StatusOr<Setup> setup = LoadSetup(flags, exit_code);
  if (!setup.ok()) return setup.status();
  return StudySensitivity(*setup, *options);
}

Command SensitivityCommand() {
  Command command;
  command.name = "sensitivity";
  command.summary = "how the answer moves with each number it is made from";
  command.description =
      "Elasticities d ln y / d ln p of J/token, step time and DRAM share to "
      "every\nconstant of the machine and every number of model and scenario, "
      "exact, by dual\nnumbers through the cost kernel; with --uncertainty "
      "percentiles over all ranges\nat once, and the constants that the spread "
      "comes from. --format=svg is a tornado\nchart.";
  command.examples =
      "  tokenjoule sensitivity --model=llama-3.1-8b --hardware=h100-sxm\n"
      "  tokenjoule sensitivity --model=qwen3-8b --hardware=h100-sxm "
      "--batch=64 \\\n"
      "      --uncertainty --samples=100000 --seed=7\n"
      "  tokenjoule sensitivity --model=qwen3-8b --hardware=h100-sxm "
      "--format=svg \\\n"
      "      --out=tornado.svg\n";
  command.flags =
      Concat(SetupFlags("sequences in a step, whole system (default 1)"),
             OutputFlags<SensitivityStudy>());
  command.flags.push_back(
      {"uncertainty", "", "draw all constants from their ranges"});
  command.flags.push_back({"samples", "N", "draws (default 10000)"});
  command.flags.push_back({"seed", "N", "seed of the draws (default 1)"});
  SetAnswer<SensitivityStudy>(Answer, &command);
  return command;
}

const CommandRegistration kRegistration(SensitivityCommand);

}  // namespace

}  // namespace tokenjoule
