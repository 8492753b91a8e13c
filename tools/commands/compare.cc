// tokenjoule compare: why two scenarios differ.

#include "analyzer/study/compare.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

constexpr absl::string_view kSecond = "to.";

// The flags of both sides. Flags with "to." belong to the second; all others
// belong to the first, and to the second unless a flag with "to." replaces
// them.
struct Sides {
  ParsedFlags first, second;
};

Sides SplitFlags(const ParsedFlags& flags) {
  Sides sides;
  for (const auto& [name, values] : flags.values) {
    if (absl::StartsWith(name, kSecond)) {
      sides.second.values[name.substr(kSecond.size())] = values;
    } else {
      sides.first.values[name] = values;
    }
  }
  // A scenario file of its own replaces all flags.
  if (sides.second.Has("scenario")) return sides;
  // One machine replaces a pipeline, and the other way round.
  const bool names_machine =
      sides.second.Has("hardware") || sides.second.Has("pipeline");
  for (const auto& [name, values] : sides.first.values) {
    if (names_machine && (name == "hardware" || name == "pipeline")) continue;
    std::vector<std::string>& second = sides.second.values[name];
    if (second.empty()) {
      second = values;
    } else if (name == "set") {
      second.insert(second.begin(), values.begin(), values.end());
    }
  }
  return sides;
}

// Two files instead of flags; all other flags apply to both.
absl::StatusOr<Sides> ReadSides(const ParsedFlags& flags) {
  if (flags.positional.empty()) {
    bool differs = false;
    for (const auto& [name, values] : flags.values) {
      differs |= absl::StartsWith(name, kSecond);
    }
    if (!differs) {
      return absl::InvalidArgumentError(
          "nothing to compare with: give a flag of the second scenario, e.g. "
          "--to.batch=32, or two scenario files");
    }
    return SplitFlags(flags);
  }
  if (flags.positional.size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected two scenario files, found ", flags.positional.size()));
  }
  Sides sides;
  sides.first.values = flags.values;
  sides.second.values = flags.values;
  sides.first.values["scenario"] = {flags.positional[0]};
  sides.second.values["scenario"] = {flags.positional[1]};
  return sides;
}

// The answer of one side. On failure prints the error and sets the exit code.
absl::StatusOr<Report> AnswerOf(const ParsedFlags& flags, int* exit_code) {
  absl::StatusOr<Setup> setup = LoadSetup(flags, exit_code);
  if (!setup.ok()) return setup.status();
  *exit_code = kExitBadData;
  return Analyze(*setup, kWithRanges);
}

absl::StatusOr<Comparison> Answer(const ParsedFlags& flags, int* exit_code) {
  absl::StatusOr<Sides> sides = ReadSides(flags);
  if (!sides.ok()) return UsageFault(sides.status(), exit_code);
  absl::StatusOr<Report> first = AnswerOf(sides->first, exit_code);
  if (!first.ok()) return first.status();
  absl::StatusOr<Report> second = AnswerOf(sides->second, exit_code);
  if (!second.ok()) return second.status();
  return Compare(*first, *second);
}

// Each flag a second time for the second scenario, hidden in the help.
std::vector<FlagSpec> BothSides(const std::vector<FlagSpec>& flags) {
  std::vector<FlagSpec> both = flags;
  for (FlagSpec flag : flags) {
    flag.name = absl::StrCat(kSecond, flag.name);
    flag.hidden = true;
    both.push_back(std::move(flag));
  }
  both.push_back({"to.FLAG", "VALUE",
                  "any flag above for the second scenario (default: as in the "
                  "first)"});
  return both;
}

Command CompareCommand() {
  Command command;
  command.name = "compare";
  command.summary = "two scenarios: what changed the energy, exactly";
  command.description =
      "Attributes the difference in energy per token to terms and to causes:\n"
      "the number of bytes and FLOP, the energy of each, the time per token,\n"
      "the static power during that time, and losses. The parts sum to the\n"
      "whole. Flags with \"to.\" change the first scenario into the second;\n"
      "you may give two scenario files instead.";
  command.examples =
      "  tokenjoule compare --model=llama-3.1-8b --hardware=h100-sxm "
      "--to.batch=32\n"
      "  tokenjoule compare --model=llama-3.1-8b --hardware=h100-sxm "
      "--batch=64 \\\n"
      "      --to.hardware=b200 --to.kv=fp8\n"
      "  tokenjoule compare before.textproto after.textproto "
      "--format=json\n";
  command.flags =
      Concat(BothSides(SetupFlags("sequences in a step (default 1)")),
             OutputFlags<Comparison>());
  SetAnswer<Comparison>(Answer, &command);
  return command;
}

const CommandRegistration kRegistration(CompareCommand);

}  // namespace

}  // namespace tokenjoule
