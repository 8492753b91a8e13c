// tokenjoule batch: how far batching goes.

#include "analyzer/study/batch.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

// Larger studies are a task for `sweep`.
constexpr size_t kMostSeries = 1000;
constexpr size_t kMostRows = 200'000;

// The content of the flags other than the setups.
struct Request {
  std::vector<double> batches;
  BatchOptions options;
};

// Reads a list of numbers of a flag.
absl::Status ReadNumbers(const ParsedFlags& flags, const std::string& name,
                         absl::string_view otherwise,
                         std::vector<double>* numbers) {
  const absl::Status status =
      ParseCountList(flags.Get(name, otherwise), numbers);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat(FlagText(name), ": ", status.message()));
}

absl::StatusOr<Request> ReadRequest(const ParsedFlags& flags) {
  Request request;
  std::vector<std::string> faults;
  const auto note = [&](const absl::Status& status) {
    if (!status.ok()) faults.emplace_back(status.message());
  };
  absl::StatusOr<OutputFormat> format = ReadOutputFormat<BatchStudy>(flags);
  note(format.status());
  note(ReadNumbers(flags, "batch", "1:1024:x2", &request.batches));
  absl::StatusOr<BatchOptions> options = ReadBatchOptions(flags);
  note(options.status());
  if (!faults.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }
  request.options = *options;
  request.options.per_replica = !flags.Has("batch");
  request.options.ranges = !flags.Has("ranges") || flags.GetBool("ranges");
  return request;
}

// The names that a flag lists; none if the file of the scenario gives the name.
std::vector<std::string> ReadNames(const ParsedFlags& flags,
                                   const std::string& name) {
  if (!flags.Has(name)) return {};
  return absl::StrSplit(flags.Get(name, ""), ',');
}

// The contexts as texts that flags take.
absl::StatusOr<std::vector<std::string>> ReadContexts(
    const ParsedFlags& flags) {
  std::vector<std::string> contexts;
  if (!flags.Has("context")) return contexts;
  std::vector<double> numbers;
  const absl::Status status = ReadNumbers(flags, "context", "", &numbers);
  if (!status.ok()) return status;
  for (const double number : numbers) {
    contexts.push_back(absl::StrFormat("%.17g", number));
  }
  return contexts;
}

// The flags of each combination of a model, a machine and a context.
absl::StatusOr<std::vector<ParsedFlags>> Combinations(const ParsedFlags& flags,
                                                      size_t batches) {
  absl::StatusOr<std::vector<std::string>> contexts = ReadContexts(flags);
  if (!contexts.ok()) return contexts.status();
  const std::pair<std::string, std::vector<std::string>> lists[] = {
      {"model", ReadNames(flags, "model")},
      {"hardware", ReadNames(flags, "hardware")},
      {"context", *std::move(contexts)}};
  size_t series = 1;
  for (const auto& [name, values] : lists) {
    series *= std::max<size_t>(values.size(), 1);
  }
  if (series > kMostSeries || series * batches > kMostRows) {
    return absl::InvalidArgumentError(absl::StrCat(
        series, " combinations with ", batches, " batches each; at most ",
        kMostSeries, " combinations and ", kMostRows, " rows in all"));
  }
  std::vector<ParsedFlags> all = {flags};
  // The batches are not part of a setup: every series has all of them.
  all[0].values.erase("batch");
  for (const auto& [name, values] : lists) {
    if (values.empty()) continue;
    std::vector<ParsedFlags> expanded;
    for (const ParsedFlags& one : all) {
      for (const std::string& value : values) {
        expanded.push_back(one);
        expanded.back().values[name] = {value};
      }
    }
    all = std::move(expanded);
  }
  return all;
}

// The setups of all combinations. The error lists every fault once.
absl::StatusOr<std::vector<Setup>> LoadSetups(
    absl::Span<const ParsedFlags> combinations, int* exit_code) {
  std::vector<Setup> setups;
  std::vector<std::string> faults;
  int worst = kExitOk;
  for (const ParsedFlags& flags : combinations) {
    absl::StatusOr<Setup> setup = LoadSetup(flags, exit_code);
    if (setup.ok()) {
      setups.push_back(*std::move(setup));
      continue;
    }
    worst = *exit_code;
    for (const absl::string_view line :
         absl::StrSplit(setup.status().message(), '\n')) {
      if (!absl::c_linear_search(faults, line)) faults.emplace_back(line);
    }
  }
  *exit_code = worst;
  if (faults.empty()) return setups;
  return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
}

absl::StatusOr<BatchStudy> Answer(const ParsedFlags& flags, int* exit_code) {
  absl::StatusOr<Request> request = ReadRequest(flags);
  if (!request.ok()) return UsageFault(request.status(), exit_code);
  absl::StatusOr<std::vector<ParsedFlags>> combinations =
      Combinations(flags, request->batches.size());
  if (!combinations.ok()) return UsageFault(combinations.status(), exit_code);
  absl::StatusOr<std::vector<Setup>> setups =
      LoadSetups(*combinations, exit_code);
  if (!setups.ok()) return setups.status();
  return StudyBatch(*setups, request->batches, request->options);
}

// SetupFlags with help texts for the lists that `batch` takes.
std::vector<FlagSpec> BatchFlags() {
  std::vector<FlagSpec> flags = SetupFlags(
      "batches of the whole system: 1,2,8 or 1:1024:x2 or 10:100:10 (default "
      "1:1024:x2 sequences on each data-parallel replica)");
  for (FlagSpec& flag : flags) {
    if (flag.name == "model" || flag.name == "hardware") {
      absl::StrAppend(&flag.help, "; or several, separated by commas");
    }
    if (flag.name == "context") {
      flag.help =
          "contexts each sequence attends to, a list like that of --batch "
          "(default 2048)";
    }
  }
  flags.push_back(BatchLimitFlag());
  flags.push_back(
      {"ranges", kBool,
       "ranges and causes of each row (default true); figures alone are eight "
       "times as fast"});
  flags.push_back(
      {"rows", "",
       "also show the rows and the summary of each of several series (table "
       "only)"});
  return Concat(flags, OutputFlags<BatchStudy>());
}

Command BatchCommand() {
  Command command;
  command.name = "batch";
  command.summary = "how far batching goes: one row per batch, then the limits";
  command.description =
      "Energy, DRAM share, arithmetic intensity, step time and the binding\n"
      "resource for each batch, then the limits: the floor that the KV cache\n"
      "sets as the batch grows, the batch at which half of the gain is "
      "reached,\n"
      "the largest batch that fits, the largest batch that a limit on the "
      "time\n"
      "per token allows, the whole gain as a factor and in orders of "
      "magnitude,\n"
      "and the share of the KV cache in the bytes read there. Lists of "
      "models,\n"
      "machines or contexts make one series per combination.";
  command.examples =
      "  tokenjoule batch --model=llama-3.1-8b --hardware=h100-sxm \\\n"
      "      --context=8192 --batch=1:1024:x2\n"
      "  tokenjoule batch --model=llama-2-7b --hardware=a100-sxm-80gb \\\n"
      "      --batch=1,4,16,64 --kv=fp8 --format=csv\n"
      "  tokenjoule batch --model=llama-3.1-8b,qwen3-8b \\\n"
      "      --hardware=h100-sxm,b200 --context=1024:65536:x4\n"
      "  tokenjoule batch --model=llama-3.1-8b --hardware=h100-sxm \\\n"
      "      --max-time-per-token-ms=20 --kv-page-tokens=16 \\\n"
      "      --shared-prefix-tokens=1000 --format=svg --out=batch.svg\n";
  command.flags = BatchFlags();
  SetAnswer<BatchStudy>(Answer, &command, [](const ParsedFlags& flags) {
    TableOptions options;
    options.in_full = flags.GetBool("rows");
    return options;
  });
  return command;
}

const CommandRegistration kRegistration(BatchCommand);

}  // namespace

}  // namespace tokenjoule
