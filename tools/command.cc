#include "tools/command.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "analyzer/base/visible.h"

namespace tokenjoule {
namespace {

// A local static, so that it exists before any file registers.
std::vector<std::function<Command()>>& Registry() {
  static auto* registry = new std::vector<std::function<Command()>>;
  return *registry;
}

}  // namespace

Command AbsentCommand(absl::string_view name, absl::string_view reason) {
  Command command;
  command.name = std::string(name);
  command.summary = "not in this binary";
  command.absent = std::string(reason);
  return command;
}

CommandRegistration::CommandRegistration(std::function<Command()> command) {
  Registry().push_back(std::move(command));
}

std::vector<Command> RegisteredCommands() {
  std::vector<Command> commands;
  for (const auto& command : Registry()) commands.push_back(command());
  std::sort(commands.begin(), commands.end(),
            [](const Command& a, const Command& b) { return a.name < b.name; });
  return commands;
}

std::string Today() {
  return absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone());
}

absl::Status UsageFault(absl::Status status, int* exit_code) {
  *exit_code = kExitUsage;
  return status;
}

void Say(absl::string_view text) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    std::cerr << absl::StrCat("tokenjoule: ", VisibleText(line), "\n");
  }
}

int Fail(const absl::Status& status, int exit_code) {
  Say(status.message());
  return exit_code;
}

int Print(const std::string& text) {
  const bool is_terminal = isatty(STDOUT_FILENO) != 0;
  errno = 0;
  std::cout << (is_terminal ? VisibleLines(text) : text) << std::flush;
  if (std::cout.good()) return kExitOk;
  const int why = errno;
  Say(absl::StrCat("stdout: cannot be written",
                   why == 0 ? "" : absl::StrCat(": ", std::strerror(why))));
  return kExitBadData;
}

}  // namespace tokenjoule
