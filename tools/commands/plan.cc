// tokenjoule plan: the way of serving some traffic that takes least energy or
// money.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "analyzer/base/shell.h"
#include "analyzer/description/catalog.h"
#include "analyzer/report/report.h"
#include "analyzer/study/plan_serving.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

// Accelerators for data centres that measured rows of served models were fitted on,
// newest first.
constexpr char kUsualMachines[] =
    "b200,h200,h100-sxm,mi300x,gaudi3,a100-sxm-80gb,tpu-v5e";

// Not a machine but a means of checking answers.
constexpr char kUnitMachine[] = "unit";

std::vector<std::string> MachineNames(const ParsedFlags& flags) {
  const std::string names = flags.Get("hardware", kUsualMachines);
  if (names != "all") return absl::StrSplit(names, ',');
  std::vector<std::string> all = CatalogNames(SpecKind::kSystem);
  all.erase(std::remove(all.begin(), all.end(), kUnitMachine), all.end());
  return all;
}

// Flags of `plan` that are not part of a scenario, and those that it chooses.
constexpr const char* kNotOfScenario[] = {
    "requests_per_s", "max_time_per_token_ms", "max_time_to_first_token_ms",
    "max_busy_share", "objective",             "max_chips",
    "all",            "weights",               "tp",
    "pp",             "ep",                    "hardware",
    "runtime",        "format",                "out"};

bool IsOfScenario(const std::string& flag) {
  return !absl::c_linear_search(kNotOfScenario, flag);
}

// The command line that analyses one replica, without what is chosen.
std::string CommandOf(const ParsedFlags& flags, const std::string& machine,
                      const std::string& runtime) {
  std::string out = "tokenjoule analyze";
  const auto add = [&out](const std::string& flag, const std::string& value) {
    absl::StrAppend(&out, " --", absl::StrReplaceAll(flag, {{"_", "-"}}), "=",
                    ShellQuoted(value));
  };
  if (flags.Has("model")) add("model", flags.Get("model", ""));
  add("hardware", machine);
  if (!runtime.empty()) add("runtime", runtime);
  for (const auto& [flag, values] : flags.values) {
    if (flag == "model" || !IsOfScenario(flag)) continue;
    for (const std::string& value : values) add(flag, value);
  }
  return out;
}

absl::StatusOr<PlanOptions> ReadOptions(const ParsedFlags& flags) {
  PlanOptions options;
  std::vector<std::string> faults;
  const auto read = [&](const char* flag, auto* number) {
    if (!flags.Has(flag)) return;
    std::vector<double> numbers;
    const absl::Status status = ParseNumberList(flags.Get(flag, ""), &numbers);
    if (!status.ok() || numbers.size() != 1 || !(numbers[0] > 0)) {
      faults.push_back(absl::StrCat("--",
                                    absl::StrReplaceAll(flag, {{"_", "-"}}),
                                    ": expected a number above 0"));
    } else {
      *number = numbers[0];
    }
  };
  if (!flags.Has("requests_per_s")) {
    faults.emplace_back(
        "--requests-per-s is missing: requests per second of all replicas");
  }
  read("requests_per_s", &options.requests_per_s);
  read("max_time_per_token_ms", &options.max_time_per_token_ms);
  read("max_time_to_first_token_ms", &options.max_time_to_first_token_ms);
  read("max_busy_share", &options.max_busy_share);
  double chips = options.max_chips;
  read("max_chips", &chips);
  options.max_chips = static_cast<int>(chips);
  // The scenario reports malformed degrees.
  for (const auto& [flag, degree] : {std::make_pair("tp", &options.tp),
                                     std::make_pair("pp", &options.pp),
                                     std::make_pair("ep", &options.ep)}) {
    double number = 0;
    read(flag, &number);
    if (number > 0) *degree = static_cast<int>(number);
  }
  const std::string objective = flags.Get("objective", "energy");
  if (objective != "energy" && objective != "money") {
    faults.push_back("--objective: expected energy or money");
  }
  options.by_money = objective == "money";
  options.all_ways = flags.GetBool("all");
  if (flags.Has("weights")) {
    options.weights = absl::StrSplit(flags.Get("weights", ""), ',');
  }
  if (faults.empty()) return options;
  return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
}

absl::StatusOr<PlanStudy> Answer(const ParsedFlags& flags, int* exit_code) {
  absl::StatusOr<PlanOptions> options = ReadOptions(flags);
  if (!options.ok()) return UsageFault(options.status(), exit_code);
  const std::vector<std::string> names = MachineNames(flags);
  std::vector<std::string> faults;
  for (const std::string& name : names) {
    const absl::Status status = LoadHardware(name, {}).status();
    if (!status.ok()) faults.emplace_back(status.message());
  }
  if (!faults.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }
  std::vector<PlanMachine> machines;
  const std::vector<std::string> runtimes =
      absl::StrSplit(flags.Get("runtime", ""), ',');
  for (const std::string& name : names) {
    for (const std::string& runtime : runtimes) {
      ParsedFlags one = flags;
      for (const char* chosen : {"weights", "tp", "pp", "ep", "runtime"}) {
        one.values.erase(chosen);
      }
      one.values["hardware"] = {name};
      if (!runtime.empty()) one.values["runtime"] = {runtime};
      absl::StatusOr<Setup> setup = LoadSetup(one, exit_code);
      if (!setup.ok() && *exit_code == kExitUsage) return setup.status();
      machines.push_back(
          {name, CommandOf(flags, name, runtime), std::move(setup)});
    }
  }
  *exit_code = kExitOk;
  return PlanServing(machines, *options);
}

// SetupFlags without what a plan chooses or does not take.
std::vector<FlagSpec> PlanFlags() {
  std::vector<FlagSpec> flags;
  for (FlagSpec flag : SetupFlags("")) {
    for (const char* left_out : {"batch", "dp", "pipeline", "offload", "host",
                                 "split", "static_batch"}) {
      if (flag.name == left_out) flag.name.clear();
    }
    if (flag.name.empty()) continue;
    if (flag.name == "hardware") {
      flag.value = "NAME,...";
      flag.help = absl::StrCat(
          "machines to choose from, or all (default: ", kUsualMachines, ")");
    } else if (flag.name == "runtime") {
      flag.value = "NAME,...";
      flag.help = "runtimes to choose from (default: each machine's own)";
    } else if (flag.name == "weights") {
      flag.value = "FORMAT,...";
      flag.help =
          "formats to choose from, own being the checkpoint's (default: own and "
          "narrower ones that the machine multiplies)";
    } else if (flag.name == "tp" || flag.name == "pp" || flag.name == "ep") {
      flag.help = absl::StrCat(flag.help.substr(0, flag.help.find(" (")),
                               " (default: powers of two are tried)");
    } else if (flag.name == "context") {
      flag.help =
          "context each sequence attends to (default: the mean in flight, prompt "
          "+ output / 2)";
    } else if (flag.name == "prompt" || flag.name == "output") {
      flag.help = absl::StrCat("mean tokens of ",
                               flag.name == "prompt" ? "a prompt" : "an output");
    }
    flags.push_back(std::move(flag));
  }
  const std::vector<FlagSpec> own = {
      {"requests_per_s", "R", "requests per second of all replicas"},
      {"max_time_per_token_ms", "MS",
       "longest mean time per token (default: no limit)"},
      {"max_time_to_first_token_ms", "MS",
       "longest time from the admission of a prompt to its first token, without "
       "queueing (default: no limit)"},
      {"max_busy_share", "SHARE",
       "part of the throughput at the largest batch that a replica may be given, "
       "0.001 to 1 (default 1)"},
      {"objective", "NAME",
       "energy or money per request (default energy); money needs a price"},
      {"max_chips", "N", "most chips of a replica (default 8)"},
      {"all", "", "every way, not only the best one of each machine"},
  };
  return Concat(Concat(own, flags), OutputFlags<PlanStudy>());
}

Command PlanCommand() {
  Command command;
  command.name = "plan";
  command.summary = "which machines serve some traffic with least energy or money";
  command.description =
      "For a model, its traffic and limits on time: which machine, format of\n"
      "weights, parallelism and batch takes least energy or money per request,\n"
      "how many replicas and chips that needs, and what they draw while they\n"
      "idle. Replicas share the traffic evenly; the batch of each follows from\n"
      "Little's law, without queueing or fluctuation. Limits that nothing meets\n"
      "are said first, with what came nearest.";
  command.examples =
      "  tokenjoule plan --model=llama-3.1-8b --prompt=1000 --output=250 \\\n"
      "      --requests-per-s=20 --max-time-per-token-ms=30\n"
      "  tokenjoule plan --model=llama-3.1-70b --prompt=4000 --output=500 \\\n"
      "      --requests-per-s=5 --max-time-to-first-token-ms=2000 \\\n"
      "      --hardware=h100-sxm,b200 --weights=own,fp8 --all\n"
      "  tokenjoule plan --model=llama-3.1-8b --prompt=1000 --output=250 \\\n"
      "      --requests-per-s=20 --hardware=h100-sxm --objective=money \\\n"
      "      --chip-hour-price=2 --price-per-kwh=0.12 --max-busy-share=0.7\n";
  command.flags = PlanFlags();
  SetAnswer<PlanStudy>(Answer, &command);
  return command;
}

const CommandRegistration kRegistration(PlanCommand);

}  // namespace

}  // namespace tokenjoule
