// tokenjoule check: checks an answer against budgets and a baseline.

#include "analyzer/study/check.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/base/visible.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/validate.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

// Flags that set the field of Expectations with the same name.
std::vector<FlagSpec> ExpectationFlags() {
  return {
      {"max_energy_per_token_j", "J", "budget of energy per token"},
      {"max_dram_share", "SHARE",
       "budget of the share of DRAM with the memory path, 0 to 1"},
      {"max_stack_share", "SHARE",
       "budget of the share of the DRAM devices alone, 0 to 1"},
      {"max_step_time_ms", "MS", "budget of step time"},
      {"energy_tolerance", "SHARE",
       "how much worse than the baseline energy may get (default 0.01)"},
      {"step_time_tolerance", "SHARE", "the same of step time (default 0.01)"},
      {"dram_share_tolerance", "SHARE",
       "the same of the DRAM share (default 0.01)"},
      {"both_ways", "",
       "also fail if a figure is better by more than its tolerance"},
      {"may_not_fit", "", "do not fail if the batch does not fit in memory"},
  };
}

absl::Status ReadExpectations(const ParsedFlags& flags, Expectations* expect) {
  for (const FlagSpec& flag : ExpectationFlags()) {
    if (!flags.Has(flag.name)) continue;
    const absl::Status status =
        SetField(expect, flag.name, flags.Get(flag.name, ""), "");
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(FlagText(flag.name), ": ", status.message()));
    }
  }
  std::vector<Fault> faults;
  ValidateFields(*expect, {"expect", nullptr, true}, &faults);
  return FaultsToStatus(faults);
}

std::string NameOf(const ParsedFlags& flags, const Report& report) {
  return flags.Get("name",
                   absl::StrCat(report.model(), " on ", report.hardware()));
}

// Writes the baseline instead of checking against it.
int Update(const ParsedFlags& flags, const Report& report) {
  const std::string path = flags.Get("baseline", "");
  if (path.empty()) {
    return Fail(absl::InvalidArgumentError("--update needs --baseline=FILE"),
                kExitUsage);
  }
  const int exit_code =
      WriteFile("baseline", path, BaselineText(BaselineOf(report)));
  if (exit_code != kExitOk) return exit_code;
  return Print(absl::StrCat("wrote ", VisibleText(path), "\n"));
}

// Adds to a fault of a baseline the command that repairs it.
absl::Status WithAdvice(const ParsedFlags& flags, const absl::Status& status) {
  const std::string update = VisibleText(flags.Get(
      "update_command", "the same `tokenjoule check` command with --update"));
  return absl::InvalidArgumentError(
      absl::StrCat(status.message(), "\nto write the baseline anew: ", update));
}

// `*stale` becomes the fault of a baseline that is of another question.
absl::StatusOr<CheckResult> Judge(const ParsedFlags& flags,
                                  const Expectations& expect,
                                  const Report& report, absl::Status* stale) {
  const std::string path = flags.Get("baseline", "");
  if (path.empty()) return Check(report, expect, nullptr);
  absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return WithAdvice(flags, text.status());
  absl::StatusOr<Report> baseline = ParseBaseline(*text, path);
  if (!baseline.ok()) return WithAdvice(flags, baseline.status());
  const std::vector<std::string> differences =
      BaselineDifferences(report, *baseline);
  if (!differences.empty()) {
    *stale = WithAdvice(
        flags, absl::InvalidArgumentError(absl::StrCat(
                   PrintablePath(path), ": the baseline was made for something else: ",
                   VisibleText(absl::StrJoin(differences, ", ")),
                   "; if that is intended, write a new one")));
  }
  absl::StatusOr<CheckResult> result = Check(report, expect, &*baseline);
  if (!result.ok()) {
    return WithAdvice(flags, absl::InvalidArgumentError(absl::StrCat(
                                 PrintablePath(path), ": ",
                                 result.status().message())));
  }
  return result;
}

int Write(const ParsedFlags& flags, OutputFormat format,
          const CheckResult& result, const absl::Status& stale) {
  const int exit_code = WriteAnswer(flags, format, result);
  if (exit_code != kExitOk) return exit_code;
  if (!stale.ok()) return Fail(stale, kExitBadData);
  if (result.passed()) return kExitOk;
  if (flags.Has("update_command")) {
    Say(absl::StrCat("to accept the new figures: ",
                     VisibleText(flags.Get("update_command", ""))));
  }
  return kExitRegression;
}

int Run(const ParsedFlags& flags) {
  absl::StatusOr<OutputFormat> format = ReadOutputFormat<CheckResult>(flags);
  if (!format.ok()) return Fail(format.status(), kExitUsage);
  int exit_code = kExitOk;
  absl::StatusOr<Setup> setup = LoadSetup(flags, &exit_code);
  if (!setup.ok()) return Fail(setup.status(), exit_code);
  const absl::Status status = ReadExpectations(flags, &setup->expect);
  if (!status.ok()) return Fail(status, kExitBadData);
  absl::StatusOr<Report> report = Analyze(*setup, kWithRanges);
  if (!report.ok()) return Fail(report.status(), kExitBadData);
  if (flags.GetBool("update")) return Update(flags, *report);
  absl::Status stale;
  absl::StatusOr<CheckResult> result =
      Judge(flags, setup->expect, *report, &stale);
  if (!result.ok()) return Fail(result.status(), kExitBadData);
  result->set_name(NameOf(flags, *report));
  return Write(flags, *format, *result, stale);
}

Command CheckCommand() {
  Command command;
  command.name = "check";
  command.summary = "hold an answer to budgets and a baseline; for CI";
  command.description =
      "Exits with 0 if energy per token, step time and DRAM share are within\n"
      "their budgets and within their tolerances of a baseline. Otherwise\n"
      "prints the terms that moved and exits with 1. A baseline of another\n"
      "scenario is compared too, with the fields that differ, and exits with\n"
      "3, as one does that is missing or broken. The file of a scenario may\n"
      "hold the expectations (`expect { ... }`).";
  command.examples =
      "  tokenjoule check --scenario=chat.textproto "
      "--baseline=chat_baseline.textproto\n"
      "  tokenjoule check --scenario=chat.textproto "
      "--baseline=chat_baseline.textproto --update\n"
      "  tokenjoule check --model=llama-3.1-8b --hardware=h100-sxm --batch=64 "
      "\\\n"
      "      --max-energy-per-token-j=0.15 --max-step-time-ms=25 \\\n"
      "      --markdown=summary.md --junit=results.xml\n";
  command.flags =
      Concat(Concat(SetupFlags("sequences in a step (default 1)"),
                    {{"baseline", "FILE", "a baseline that --update wrote"},
                     {"update", "", "write the baseline instead"}}),
             ExpectationFlags());
  command.flags = Concat(command.flags,
                         {{"name", "TEXT", "name of the check in reports"},
                          {"update_command", "TEXT",
                           "command that accepts new figures, for messages"}});
  command.flags = Concat(command.flags, OutputFlags<CheckResult>());
  command.run = Run;
  return command;
}

const CommandRegistration kRegistration(CheckCommand);

}  // namespace

}  // namespace tokenjoule
