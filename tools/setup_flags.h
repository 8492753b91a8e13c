// Flags that say what is run on what: model, machine, scenario; and what they
// name, loaded.

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

// --model, --hardware, --set and the flags of a scenario. `batch_help` is what
// --batch means to the sub-command.
std::vector<FlagSpec> SetupFlags(absl::string_view batch_help);

// Reads those flags and --scenario's file. Usage faults (a number that is none,
// a flag that is missing) and data faults are told apart by `*exit_code`.
absl::StatusOr<Setup> LoadSetup(const ParsedFlags& flags, int* exit_code);

// The --set=hardware.PATH=VALUE flags; others are faults.
absl::StatusOr<std::vector<FieldOverride>> ReadHardwareOverrides(
    const ParsedFlags& flags);

// --max_time_per_token_ms, the limit of batching by time.
FlagSpec BatchLimitFlag();

// Reads it.
absl::StatusOr<BatchOptions> ReadBatchOptions(const ParsedFlags& flags);

}  // namespace tokenjoule

#endif  // TOOLS_SETUP_FLAGS_H_
