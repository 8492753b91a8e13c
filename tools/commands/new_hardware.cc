// tokenjoule new-hardware: begins a machine of one's own.

#include "analyzer/description/new_hardware.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"

namespace tokenjoule {
namespace {

int Run(const ParsedFlags& flags) {
  std::vector<std::string> faults;
  if (!flags.positional.empty()) {
    faults.push_back(absl::StrCat("unexpected argument \"",
                                  Printable(flags.positional[0]),
                                  "\"; flags are written --name=value"));
  }
  const std::string base = flags.Get("base", "");
  if (base.empty()) {
    faults.push_back(
        absl::StrCat("--base is missing; expected a class (",
                     absl::StrJoin(CatalogNames(SpecKind::kClass), ", "),
                     "), a name of `tokenjoule list hardware`, or a path"));
  }
  if (!faults.empty()) {
    return Fail(absl::InvalidArgumentError(absl::StrJoin(faults, "\n")),
                kExitUsage);
  }
  const absl::StatusOr<std::string> text =
      NewHardwareText(base, flags.Get("name", "my-machine"));
  if (!text.ok()) return Fail(text.status(), kExitBadData);
  return WriteOutput(flags, text);
}

Command NewHardwareCommand() {
  Command command;
  command.name = "new-hardware";
  command.summary =
      "begins a machine of your own: what its base leaves to be said";
  command.description =
      "Prints a textproto of a machine on a base, which is a class or another\n"
      "machine. Numbers that the base leaves open are nan, which `lint` "
      "reports\n"
      "until you fill them in; numbers that it gives are comments with their\n"
      "values. Each has its meaning, its unit and the range that it has among\n"
      "the machines of the catalogue.";
  command.examples =
      "  tokenjoule new-hardware --base=cpu-server --name=my-cpu "
      "--out=my-cpu.textproto\n"
      "  tokenjoule lint my-cpu.textproto\n"
      "  tokenjoule new-hardware --base=rtx-4090\n";
  command.flags = {
      {"base", "NAME",
       "a class of `list classes`, a name of `list hardware`, or a path"},
      {"name", "NAME", "name of the machine (default my-machine)"},
      FileFlag("out", "write there instead of to stdout"),
  };
  command.run = Run;
  return command;
}

const CommandRegistration kRegistration(NewHardwareCommand);

}  // namespace

}  // namespace tokenjoule
