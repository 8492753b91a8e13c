// tokenjoule merge: combines the shards of a search.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/base/version.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/report/report.h"
#include "analyzer/search/space.h"
#include "analyzer/search/sweep.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/sweep.h"

namespace tokenjoule {
namespace {

// Fronts of large searches have millions of points.
constexpr size_t kMaxShardBytes = 4'000'000'000;

absl::StatusOr<std::vector<SweepStudy>> ReadShards(
    const std::vector<std::string>& files) {
  std::vector<SweepStudy> shards;
  std::vector<std::string> faults;
  for (const std::string& file : files) {
    absl::StatusOr<std::string> text = ReadTextFile(file, kMaxShardBytes);
    SweepStudy shard;
    absl::Status status = text.status();
    std::string version;
    if (status.ok()) status = FromJson(*text, &shard, &version);
    // Another version computes other figures from the same descriptions.
    if (status.ok() && !version.empty() && version != kVersion) {
      status = absl::InvalidArgumentError(absl::StrCat(
          "tokenjoule ", version, " wrote this shard, and this is ", kVersion,
          "; use one version for all shards and merge"));
    }
    if (!status.ok()) {
      faults.push_back(
          absl::StrCat(PrintablePath(file), ": ", status.message()));
    }
    shards.push_back(std::move(shard));
  }
  if (!faults.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }
  return shards;
}

int Run(const ParsedFlags& flags) {
  absl::StatusOr<OutputFormat> format = ReadOutputFormat<SweepStudy>(flags);
  if (!format.ok()) return Fail(format.status(), kExitUsage);
  absl::StatusOr<int> dominated = ReadDominated(flags);
  if (!dominated.ok()) return Fail(dominated.status(), kExitUsage);
  if (flags.Get("space", "").empty() || flags.positional.empty()) {
    return Fail(absl::InvalidArgumentError(
                    "expected --space=NAME and the shards' files"),
                kExitUsage);
  }
  int exit_code = kExitOk;
  absl::StatusOr<Space> space = ReadSpace(flags, &exit_code);
  if (!space.ok()) return Fail(space.status(), exit_code);
  absl::StatusOr<std::vector<SweepStudy>> shards = ReadShards(flags.positional);
  if (!shards.ok()) return Fail(shards.status(), kExitBadData);
  absl::StatusOr<SweepStudy> study = MergeShards(*space, *shards, *dominated);
  if (!study.ok()) return Fail(study.status(), kExitBadData);
  return WriteAnswer(flags, *format, *study);
}

Command MergeCommand() {
  Command command;
  command.name = "merge";
  command.summary = "shards of a sweep put together";
  command.description =
      "Reads the JSON files of all N shards that `sweep --shard=I/N\n"
      "--format=json` wrote. A shard that is missing, duplicated, interrupted "
      "or\n"
      "of another space is an error; --model, --hardware and --set are those\n"
      "of the shards. The answer has the same bytes for every "
      "N,\n"
      "and so has a database (--format=sqlite).";
  command.examples =
      "  tokenjoule merge --space=big.textproto shard-*.json\n"
      "  tokenjoule merge --space=big.textproto --format=sqlite "
      "--out=front.sqlite \\\n      shard-*.json\n";
  command.flags = Concat(Concat(SpaceFlags(), {DominatedFlag()}),
                         OutputFlags<SweepStudy>());
  command.run = Run;
  return command;
}

const CommandRegistration kRegistration(MergeCommand);

}  // namespace

}  // namespace tokenjoule
