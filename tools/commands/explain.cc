// tokenjoule explain: where a number comes from.

#include "analyzer/study/explain.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"

namespace tokenjoule {
namespace {

int Run(const ParsedFlags& flags) {
  absl::StatusOr<OutputFormat> format = ReadOutputFormat<Explanation>(flags);
  if (!format.ok()) return Fail(format.status(), kExitUsage);
  const std::string name = flags.Get("hardware", "");
  if (name.empty()) {
    return Fail(absl::InvalidArgumentError(
                    "--hardware is missing; `tokenjoule list hardware` shows "
                    "the names"),
                kExitUsage);
  }
  if (flags.positional.size() > 1) {
    return Fail(absl::InvalidArgumentError(
                    "expected at most one constant, term or figure"),
                kExitUsage);
  }
  absl::StatusOr<Hardware> hardware = LoadHardware(name);
  if (!hardware.ok()) return Fail(hardware.status(), kExitBadData);
  absl::StatusOr<Explanation> explanation =
      Explain(*hardware, flags.positional.empty() ? "" : flags.positional[0]);
  if (!explanation.ok()) return Fail(explanation.status(), kExitUsage);
  return WriteAnswer(flags, *format, *explanation);
}

Command ExplainCommand() {
  Command command;
  command.name = "explain";
  command.summary = "value, range and source of a constant; formula of a term";
  command.description =
      "Shows the constants of a machine whose path contains NAME, each with "
      "its\n"
      "value, range and source. For a term (STATIC) or a figure of the report\n"
      "(max_batch): its formula and the constants that enter it.";
  command.examples =
      "  tokenjoule explain --hardware=h100-sxm\n"
      "  tokenjoule explain --hardware=h100-sxm phy_controller\n"
      "  tokenjoule explain --hardware=h100-sxm DRAM_ACTIVATE\n";
  command.flags =
      Concat({{"hardware", "NAME",
               "a name of `list hardware`, or a path to a textproto"}},
             OutputFlags<Explanation>());
  command.run = Run;
  return command;
}

const CommandRegistration kRegistration(ExplainCommand);

}  // namespace

}  // namespace tokenjoule
