// tokenjoule list: the names that flags take.

#include <string>

#include "analyzer/report/report.h"
#include "analyzer/study/explain.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"

namespace tokenjoule {
namespace {

absl::StatusOr<Listing> Answer(const ParsedFlags& flags, int* exit_code) {
  if (flags.positional.size() > 1) {
    return UsageFault(absl::InvalidArgumentError("expected at most one kind"),
                      exit_code);
  }
  absl::StatusOr<Listing> listing =
      List(flags.positional.empty() ? "" : flags.positional[0]);
  if (!listing.ok()) return UsageFault(listing.status(), exit_code);
  return listing;
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
  SetAnswer<Listing>(Answer, &command);
  return command;
}

const CommandRegistration kRegistration(ListCommand);

}  // namespace

}  // namespace tokenjoule
