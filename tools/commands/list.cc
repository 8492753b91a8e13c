// tokenjoule list: the names that flags take.

#include <string>

#include "analyzer/report/report.h"
#include "analyzer/study/explain.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"

namespace tokenjoule {
namespace {

int Run(const ParsedFlags& flags) {
  absl::StatusOr<OutputFormat> format = ReadOutputFormat<Listing>(flags);
  if (!format.ok()) return Fail(format.status(), kExitUsage);
  if (flags.positional.size() > 1) {
    return Fail(absl::InvalidArgumentError("expected at most one kind"),
                kExitUsage);
  }
  absl::StatusOr<Listing> listing =
      List(flags.positional.empty() ? "" : flags.positional[0]);
  if (!listing.ok()) return Fail(listing.status(), kExitUsage);
  return WriteAnswer(flags, *format, *listing);
}

Command ListCommand() {
  Command command;
  command.name = "list";
  command.summary =
      "models, hardware, runtimes, technologies, formats that are known";
  command.description =
      "Lists the names that flags take: models, networks of explicit layers\n"
      "(which --model takes too), hardware, serving runtimes, technologies,\n"
      "classes, formats, boundaries, design spaces, and the studies with\n"
      "numbers of their own. Lists all kinds, or the kind that you name.";
  command.examples =
      "  tokenjoule list\n"
      "  tokenjoule list models\n"
      "  tokenjoule list formats --format=csv\n";
  command.flags = OutputFlags<Listing>();
  command.run = Run;
  return command;
}

const CommandRegistration kRegistration(ListCommand);

}  // namespace

}  // namespace tokenjoule
