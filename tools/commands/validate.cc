// tokenjoule validate: predictions scored against measurements.

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/measurements.h"
#include "analyzer/fit/score.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

// Prints to stderr how many rows of which machines --set left out.
void SayWhatWasSkipped(const MeasurementSet& set,
                       absl::Span<const FieldOverride> overrides,
                       const Validation& validation) {
  if (overrides.empty()) return;
  std::map<std::string, int> rows;
  for (const SkippedRow& skipped : validation.skipped_rows()) {
    if (!absl::StrContains(skipped.reason(), "--set")) continue;
    ++rows[set.row(skipped.row() - 1).device()];
  }
  for (const auto& [machine, count] : rows) {
    Say(absl::StrCat("skipped ", count, count == 1 ? " row of " : " rows of ",
                     Printable(machine), ", which --set does not apply to"));
  }
}

// Prints to stderr which engines of the rows no runtime claims.
void SayWhatNoRuntimeServes(const MeasurementSet& set) {
  for (const auto& [software, count] : UnknownSoftware(set)) {
    Say(absl::StrCat("no runtime lists the software \"", Printable(software),
                     "\" (see `list runtimes`): ", count,
                     count == 1 ? " row takes" : " rows take",
                     " the runtime that the machine names"));
  }
}

int Run(const ParsedFlags& flags) {
  absl::StatusOr<OutputFormat> format = ReadOutputFormat<Validation>(flags);
  if (!format.ok()) return Fail(format.status(), kExitUsage);
  const std::vector<std::string> files = flags.GetAll("measurements");
  if (files.empty()) {
    return Fail(absl::InvalidArgumentError("--measurements is missing"),
                kExitUsage);
  }
  absl::StatusOr<MeasurementSet> set = LoadMeasurements(files);
  if (!set.ok()) return Fail(set.status(), kExitBadData);
  absl::StatusOr<std::vector<FieldOverride>> overrides =
      ReadHardwareOverrides(flags);
  if (!overrides.ok()) return Fail(overrides.status(), kExitUsage);
  const absl::Status meant = CheckOverrides(*set, *overrides);
  if (!meant.ok()) return Fail(meant, kExitBadData);
  const Validation validation = ValidateMeasurements(*set, *overrides);
  SayWhatWasSkipped(*set, *overrides, validation);
  SayWhatNoRuntimeServes(*set);
  return WriteAnswer(flags, *format, validation);
}

Command ValidateCommand() {
  Command command;
  command.name = "validate";
  command.summary = "predictions scored against measured rows";
  command.description =
      "Predicts every row of a file of measurements and says how wrong the\n"
      "predictions are: median and ninetieth percentile of the absolute error\n"
      "and median error, of step time and of energy per token, by device, "
      "model,\n"
      "format and range of batch, and over all. Step time is compared with\n"
      "step_ms, the prefill of newcomers predicted with it, or with itl_ms as\n"
      "pure decode where that alone was measured. Rows that cannot be mapped "
      "are\n"
      "skipped with a reason. A --set that applies to no machine of the rows "
      "is an\n"
      "error; rows of machines that it does not apply to are skipped, and "
      "stderr says\n"
      "how many. Rows whose software no runtime lists take the runtime that "
      "their\n"
      "machine names, and stderr says so. The columns are the fields of Measurement in\n"
      "proto/measurement.proto. The CSV has one row per measurement.";
  command.examples =
      "  tokenjoule validate --measurements=rows.csv\n"
      "  tokenjoule validate --measurements=rows.csv --format=json\n"
      "  tokenjoule validate --measurements=rows.csv --format=svg \\\n"
      "      --out=scatter.svg\n";
  command.flags = Concat(
      {
          {"measurements", "FILE",
           "a CSV, a MeasurementSet textproto, or a folder of them; repeatable",
           true},
          {"set", "hardware.PATH=VALUE",
           "change every machine before predicting; repeatable", true},
      },
      OutputFlags<Validation>());
  command.run = Run;
  return command;
}

const CommandRegistration kRegistration(ValidateCommand);

}  // namespace

}  // namespace tokenjoule
