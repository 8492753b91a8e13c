// Flags of sub-commands.
//
// Abseil's flags are one set for the whole process: they cannot say which
// sub-command takes which flag, an unknown flag ends the process with 1, and
// the nearest name is not suggested. This file does only that: names, help, and
// values as text; numbers are parsed with Abseil.

#ifndef TOOLS_FLAGS_H_
#define TOOLS_FLAGS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tokenjoule {

// FlagSpec::value of a boolean flag that needs a value.
constexpr char kBool[] = "BOOL";

// A flag as messages and documents spell it, with hyphens: "--lm-head".
std::string FlagText(absl::string_view name);

// A flag that a sub-command takes.
struct FlagSpec {
  // Name without leading dashes, with words joined by underscores ("lm_head"). The
  // command line takes hyphens and underscores alike.
  std::string name;
  // The kind of value: "N", "NAME", "FILE", kBool; empty for a switch, i.e. a
  // boolean that needs no value.
  std::string value;
  // One line: meaning, unit, default.
  std::string help;
  // Whether it may be given more than once.
  bool repeatable = false;
  // Whether the flag is left out of the help.
  bool hidden = false;
  // Whether the value is a file that the sub-command writes. It is checked before
  // any work is done.
  bool written = false;

  // Whether the value is true or false.
  bool IsBoolean() const { return value.empty() || value == kBool; }
};

// A flag whose value is a file that the sub-command writes.
FlagSpec FileFlag(absl::string_view name, absl::string_view help);

// A parsed command line.
struct ParsedFlags {
  // Values by name, in the order given.
  std::map<std::string, std::vector<std::string>> values;
  // Arguments that are not flags.
  std::vector<std::string> positional;
  // Whether --help or -h was given.
  bool help = false;

  bool Has(const std::string& name) const { return values.count(name) > 0; }
  // The last value, or `otherwise`.
  std::string Get(const std::string& name, absl::string_view otherwise) const;
  // The same for a boolean flag.
  bool GetBool(const std::string& name, bool otherwise = false) const;
  // All values of a repeatable flag.
  std::vector<std::string> GetAll(const std::string& name) const;
};

// Reads "--name=value", "--name value" and switches ("--name", "--name=false").
// Values of booleans are true, false, 1, 0, yes or no, and become "true" or
// "false". What follows "--" is no flag. Reports every fault at once
// (InvalidArgument, one line per fault).
absl::Status ParseFlags(absl::Span<const char* const> args,
                        absl::Span<const FlagSpec> specs, ParsedFlags* parsed);

// The help text of flags, aligned.
std::string FlagsHelp(absl::Span<const FlagSpec> specs);

// `a` followed by `b`.
std::vector<FlagSpec> Concat(std::vector<FlagSpec> a,
                             const std::vector<FlagSpec>& b);

// "1,2,8" or "1:1024:x2" (from : to : factor) or "1:100:10" (from : to : step)
// or "1:12" (a step of one) as numbers. At most 10 000 of them.
absl::Status ParseNumberList(absl::string_view text,
                             std::vector<double>* numbers);

// The same for counts of tokens or sequences, which may end in k (1024) or M
// (1048576): "1k:128k:x2". A factor has no such ending.
absl::Status ParseCountList(absl::string_view text,
                            std::vector<double>* numbers);

}  // namespace tokenjoule

#endif  // TOOLS_FLAGS_H_
