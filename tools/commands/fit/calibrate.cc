// tokenjoule calibrate: a machine's free constants from measurements.

#include "analyzer/fit/calibrate.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/measurements.h"
#include "analyzer/description/textproto.h"
#include "analyzer/fit/joint.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

// The text of a file that is based on the machine and holds the fitted
// constants.
std::string HardwareText(const Hardware& hardware) {
  return absl::StrCat(
      "# proto-file: proto/hardware.proto\n# proto-message: Hardware\n#\n# ",
      hardware.name(), " with constants fitted by `tokenjoule calibrate`.\n\n",
      PrintTextproto(hardware));
}

// The text with each constant on one line, as in files written by hand: a group
// of value, low, high and source becomes { value: V low: L high: H source: S }.
std::string WithConstantsOnOneLine(absl::string_view text) {
  std::string out;
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    const bool constant =
        i + 5 < lines.size() && absl::EndsWith(lines[i], "{") &&
        absl::StartsWith(absl::StripAsciiWhitespace(lines[i + 1]), "value: ") &&
        absl::StripAsciiWhitespace(lines[i + 5]) == "}";
    absl::StrAppend(&out, lines[i]);
    if (constant) {
      for (int k = 1; k <= 5; ++k) {
        absl::StrAppend(&out, " ", absl::StripAsciiWhitespace(lines[i + k]));
      }
      i += 5;
    }
    if (i + 1 < lines.size()) out += '\n';
  }
  return out;
}

// Fits all runtimes and machines together and writes their files.
int RunAll(const ParsedFlags& flags) {
  absl::StatusOr<OutputFormat> format =
      ReadOutputFormat<JointCalibration>(flags);
  if (!format.ok()) return Fail(format.status(), kExitUsage);
  absl::StatusOr<MeasurementSet> set =
      LoadMeasurements(flags.GetAll("measurements"));
  if (!set.ok()) return Fail(set.status(), kExitBadData);
  JointOptions options;
  options.date = Today();
  options.cross_validate = flags.GetBool("cross_validate", /*otherwise=*/true);
  absl::StatusOr<JointFit> fit = FitJointly(*set, options);
  if (!fit.ok()) return Fail(fit.status(), kExitBadData);
  if (flags.Has("out_dir")) {
    const std::string dir = flags.Get("out_dir", "");
    const auto write = [&](const std::string& path, absl::string_view proto,
                           absl::string_view message,
                           const google::protobuf::Message& spec) {
      return WriteFile(
          "out_dir", absl::StrCat(dir, "/", path),
          absl::StrCat("# proto-file: proto/", proto,
                       "\n# proto-message: ", message,
                       "\n#\n# Written by `tokenjoule calibrate "
                       "--all`.\n\n",
                       WithConstantsOnOneLine(PrintTextproto(spec))));
    };
    for (const auto& [name, runtime] : fit->runtimes) {
      const int code = write(absl::StrCat("runtimes/", name, ".textproto"),
                             "runtime.proto", "Runtime", runtime);
      if (code != kExitOk) return code;
    }
    for (const auto& [name, machine] : fit->machines) {
      const int code =
          write(absl::StrCat("hw_specs/systems/", name, ".textproto"),
                "hardware.proto", "Hardware", machine);
      if (code != kExitOk) return code;
    }
    // Without cross-validation it would lack what the ranges of answers need.
    if (options.cross_validate) {
      const int code = write("runtimes/evidence.textproto", "runtime.proto",
                             "Evidence", fit->evidence);
      if (code != kExitOk) return code;
    } else {
      Say("runtimes/evidence.textproto is left as it is, because nothing was "
          "cross-validated");
    }
  }
  const ParsedFlags to_stdout;
  return WriteAnswer(to_stdout, *format, fit->summary);
}

int Run(const ParsedFlags& flags) {
  if (flags.GetBool("all", /*otherwise=*/false)) return RunAll(flags);
  absl::StatusOr<OutputFormat> format = ReadOutputFormat<Calibration>(flags);
  if (!format.ok()) return Fail(format.status(), kExitUsage);
  for (const char* needed : {"hardware", "measurements"}) {
    if (!flags.Get(needed, "").empty()) continue;
    return Fail(
        absl::InvalidArgumentError(absl::StrCat(FlagText(needed), " is missing")),
        kExitUsage);
  }
  absl::StatusOr<std::vector<FieldOverride>> overrides =
      ReadHardwareOverrides(flags);
  if (!overrides.ok()) return Fail(overrides.status(), kExitUsage);
  absl::StatusOr<Hardware> hardware =
      LoadHardware(flags.Get("hardware", ""), *overrides);
  if (!hardware.ok()) return Fail(hardware.status(), kExitBadData);
  absl::StatusOr<MeasurementSet> set =
      LoadMeasurements(flags.GetAll("measurements"));
  if (!set.ok()) return Fail(set.status(), kExitBadData);

  CalibrateOptions options;
  options.device = flags.Get("device", "");
  options.date = Today();
  options.cross_validate = flags.GetBool("cross_validate", /*otherwise=*/true);
  if (flags.Has("fit")) {
    for (const absl::string_view path :
         absl::StrSplit(flags.Get("fit", ""), ',')) {
      options.paths.emplace_back(absl::StripPrefix(path, "hardware."));
    }
  }
  absl::StatusOr<CalibrationResult> result =
      Calibrate(*hardware, *set, options);
  if (!result.ok()) return Fail(result.status(), kExitBadData);
  if (flags.Has("out")) {
    const int code = WriteOutput(flags, HardwareText(result->hardware));
    if (code != kExitOk) return code;
  }
  const ParsedFlags to_stdout;
  return WriteAnswer(to_stdout, *format, result->summary);
}

Command CalibrateCommand() {
  Command command;
  command.name = "calibrate";
  command.summary = "free constants fitted to measurements";
  command.description =
      "Fits the constants that no source gives (shares of bandwidth and "
      "compute,\n"
      "times of the runtime, overlap, static power, on-chip energy) to the "
      "rows\n"
      "of one machine with its runtime in a file of measurements. Each "
      "constant\n"
      "stays inside its own range; the loss is robust, and its derivatives "
      "are\n"
      "the exact ones of the cost kernel. Prints the fitted constants with "
      "their\n"
      "standard errors, the constants that the data cannot separate, and the\n"
      "errors on models that were left out of the fit. --out writes the "
      "fitted\n"
      "machine; the source of its fitted constants is FITTED.\n"
      "\n"
      "With --all, fits all runtimes and machines of the rows together and "
      "prints\n"
      "the errors on whole models, machines and runtimes that were left out;\n"
      "--out-dir writes their files.";
  command.examples =
      "  tokenjoule calibrate --hardware=h100-sxm --measurements=rows.csv \\\n"
      "      --out=h100-fitted.textproto\n"
      "  tokenjoule calibrate --hardware=h100-sxm --measurements=rows.csv \\\n"
      "      --fit=board.static_power_fraction,runtime.overlap_fraction\n"
      "  tokenjoule calibrate --all --measurements=validation --out-dir=.\n";
  command.flags = {
      {"hardware", "NAME",
       "a name of `list hardware`, or a path to a textproto"},
      {"device", "NAME", "device of the rows (default: the machine's name)"},
      {"measurements", "FILE",
       "a CSV, a MeasurementSet textproto, or a folder of them; repeatable",
       true},
      {"all", "", "fit all runtimes and machines of the rows together"},
      {"out_dir", "DIR",
       "with --all: write runtimes/ and hw_specs/systems/ below it"},
      {"fit", "PATHS",
       "constants to fit, separated by commas (default: the free ones)"},
      {"cross_validate", kBool,
       "repeat the fit with each model left out in turn (default true)"},
      {"set", "hardware.PATH=VALUE", "start from another value; repeatable",
       true},
      FormatFlag<Calibration>("summary as "),
      FileFlag("out", "write the fitted machine there"),
  };
  command.run = Run;
  return command;
}

const CommandRegistration kRegistration(CalibrateCommand);

}  // namespace

}  // namespace tokenjoule
