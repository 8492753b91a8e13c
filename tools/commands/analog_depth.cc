// tokenjoule analog-depth: analog layers without converters between them.

#include "analyzer/study/analog_depth.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"

namespace tokenjoule {
namespace {

// Reads a number if the flag is given.
absl::Status ReadNumber(const ParsedFlags& flags, const char* name,
                        const char* option, absl::optional<double>* number) {
  if (!flags.Has(name)) return absl::OkStatus();
  double value = 0;
  if (!absl::SimpleAtod(flags.Get(name, ""), &value)) {
    return absl::InvalidArgumentError(
        absl::StrCat(option, ": expected a number"));
  }
  *number = value;
  return absl::OkStatus();
}

absl::Status ReadOptions(const ParsedFlags& flags, std::vector<double>* layers,
                         AnalogDepthOptions* options) {
  absl::Status status = ParseNumberList(flags.Get("layers", "1:32:x2"), layers);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--layers: ", status.message()));
  }
  options->circuit = flags.Get("circuit", options->circuit);
  absl::optional<double> bits;
  status = ReadNumber(flags, "bits", "--bits", &bits);
  status.Update(ReadNumber(flags, "required_snr_db", "--required-snr-db",
                           &options->required_snr_db));
  status.Update(ReadNumber(flags, "full_scale_sigma", "--full-scale-sigma",
                           &options->full_scale_sigma));
  options->bits = bits.value_or(options->bits);
  if (!status.ok() || !flags.Has("saturation")) return status;
  const std::string saturation = flags.Get("saturation", "");
  if (saturation != "smooth" && saturation != "clipping") {
    return absl::InvalidArgumentError(
        "--saturation: expected smooth or clipping");
  }
  options->saturation =
      saturation == "smooth" ? AnalogDepth::SMOOTH : AnalogDepth::CLIPPING;
  return absl::OkStatus();
}

absl::StatusOr<AnalogDepthStudy> Answer(const ParsedFlags& flags,
                                        int* exit_code) {
  std::vector<double> layers;
  AnalogDepthOptions options;
  const absl::Status status = ReadOptions(flags, &layers, &options);
  if (!status.ok()) return UsageFault(status, exit_code);
  return StudyAnalogDepth(layers, options);
}

Command AnalogDepthCommand() {
  Command command;
  command.name = "analog-depth";
  command.summary = "analog layers without converters: error against depth";
  command.description =
      "Signal-to-noise ratio after a number of analog layers that have no\n"
      "converters between them, with the noise of their arrays, a saturating\n"
      "element and a hold after each; where converters must stand for a\n"
      "required ratio; and the energy of a multiply-add that shares its\n"
      "converters with so many layers. Norms, softmax and residual sums are\n"
      "not analog: in a transformer at most two layers follow one another.";
  command.examples =
      "  tokenjoule analog-depth\n"
      "  tokenjoule analog-depth --saturation=clipping --layers=1:64:x2\n"
      "  tokenjoule analog-depth --circuit=pcm-analog --required-snr-db=10\n"
      "  tokenjoule analog-depth --format=svg --out=analog_depth.svg\n";
  command.flags = Concat(
      {
          {"circuit", "NAME",
           "analog circuit, a technology (default charge-domain)"},
          {"bits", "B", "bits of weights and inputs (default 4)"},
          {"layers", "N", "depths: 1:8, 1:32:x2 or 2,4 (default 1:32:x2)"},
          {"required_snr_db", "DB",
           "required ratio (default 6.02 bits + 1.76)"},
          {"saturation", "KIND", "smooth or clipping (default: that of the study)"},
          {"full_scale_sigma", "Z",
           "full scale in standard deviations of a sum (default: the study's)"},
      },
      OutputFlags<AnalogDepthStudy>());
  SetAnswer<AnalogDepthStudy>(Answer, &command);
  return command;
}

const CommandRegistration kRegistration(AnalogDepthCommand);

}  // namespace
}  // namespace tokenjoule
