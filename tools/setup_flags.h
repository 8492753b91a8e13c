// The flags for model, machine and scenario, and the loading of what they name.

#ifndef TOOLS_SETUP_FLAGS_H_
#define TOOLS_SETUP_FLAGS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/study/batch.h"
#include "tools/flags.h"

namespace tokenjoule {

// --model, --hardware, --set and the flags of a scenario. `batch_help` says
// what --batch means to the sub-command.
std::vector<FlagSpec> SetupFlags(absl::string_view batch_help);

// Reads those flags and the file that --scenario names. `*exit_code`
// distinguishes usage faults (a malformed number, a missing flag) from data
// faults.
absl::StatusOr<Setup> LoadSetup(const ParsedFlags& flags, int* exit_code);

// The --set=hardware.PATH=VALUE flags; others are faults.
absl::StatusOr<std::vector<FieldOverride>> ReadHardwareOverrides(
    const ParsedFlags& flags);

// --max-time-per-token-ms, the limit on the time per token.
FlagSpec BatchLimitFlag();

// Reads it.
absl::StatusOr<BatchOptions> ReadBatchOptions(const ParsedFlags& flags);

}  // namespace tokenjoule

#endif  // TOOLS_SETUP_FLAGS_H_
