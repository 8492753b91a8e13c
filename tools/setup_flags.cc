#include "tools/setup_flags.h"

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/notices.h"
#include "analyzer/description/textproto.h"
#include "analyzer/description/validate.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/fit_offload.h"
#include "analyzer/evaluate/unused_fields.h"
#include "tools/command.h"

namespace tokenjoule {
namespace {

// A flag that sets a field of Scenario.
struct ScenarioFlag {
  const char* flag;
  const char* path;
};

constexpr ScenarioFlag kScenarioFlags[] = {
    {"batch", "batch"},
    {"context", "context"},
    {"weights", "weights"},
    {"experts", "experts"},
    {"kv", "kv"},
    {"activations", "activations"},
    {"lm_head", "lm_head"},
    {"tp", "tp"},
    {"pp", "pp"},
    {"ep", "ep"},
    {"dp", "dp"},
    {"prompt", "prompt"},
    {"output", "output"},
    {"routing", "routing"},
    {"routing_exponent", "routing_exponent"},
    {"mla", "mla"},
    {"draft", "speculation.draft_model"},
    {"draft_tokens", "speculation.draft_tokens"},
    {"acceptance_rate", "speculation.acceptance_rate"},
    {"accepted_length", "speculation.accepted_length"},
    {"accepted_fraction", "speculation.accepted_fraction"},
    {"kv_page_tokens", "kv_page_tokens"},
    {"shared_prefix_tokens", "shared_prefix_tokens"},
    {"shared_prefix_read_once", "shared_prefix_read_once"},
    {"static_batch", "static_batch"},
    {"offload", "offload"},
    {"split", "split"},
    {"step_token_budget", "step_token_budget"},
    {"training_tokens", "quality.training_tokens"},
    {"boundary", "boundary"},
    {"ideal", "ideal"},
    {"equal_quality", "equal_quality"},
    {"growth_depth_share", "growth_depth_share"},
};

// Adds one ROOT.PATH=VALUE; messages begin with `where`, the place it came
// from.
absl::Status AddSet(absl::string_view where, const std::string& text,
                    Overrides* sets) {
  const absl::Status status = sets->AddAssignment(text);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat(where, ": ", status.message()));
}

// Flags that stand for a --set.
constexpr ScenarioFlag kMachineFlags[] = {
    {"clock_mhz", "hardware.core_clock.set_mhz"},
    {"power_cap_w", "hardware.board.set_power_cap_w"},
    {"price_per_kwh", "hardware.node.price_per_kwh"},
    {"chip_hour_price", "hardware.node.price_per_chip_hour"},
    // An old spelling, which only `tune` takes.
    {"price_per_chip_hour", "hardware.node.price_per_chip_hour"},
    {"carbon", "hardware.node.carbon_intensity_g_per_kwh"},
};

// The assignments of --set and of flags that stand for one, each with the flag.
std::vector<std::pair<std::string, std::string>> Assignments(
    const ParsedFlags& flags) {
  std::vector<std::pair<std::string, std::string>> assignments;
  for (const auto& [flag, path] : kMachineFlags) {
    if (!flags.Has(flag)) continue;
    assignments.emplace_back(FlagText(flag), absl::StrCat(path, "=", flags.Get(flag, "")));
  }
  const auto found = flags.values.find("set");
  if (found == flags.values.end()) return assignments;
  for (const std::string& text : found->second) {
    assignments.emplace_back("--set", text);
  }
  return assignments;
}

absl::StatusOr<Overrides> ReadSetFlags(const ParsedFlags& flags) {
  Overrides sets;
  for (const auto& [flag, text] : Assignments(flags)) {
    const absl::Status status = AddSet(flag, text, &sets);
    if (!status.ok()) return status;
  }
  return sets;
}

// Applies the flags of a scenario and appends their faults to `faults`.
void SetScenarioFields(const ParsedFlags& flags, Scenario* scenario,
                       std::vector<std::string>* faults) {
  for (const auto& [flag, path] : kScenarioFlags) {
    if (!flags.Has(flag)) continue;
    const absl::Status status =
        SetField(scenario, path, flags.Get(flag, ""), "");
    if (!status.ok()) {
      faults->push_back(absl::StrCat(FlagText(flag), ": ", status.message()));
    }
  }
}

// Applies changes to fields of the scenario and appends their faults to
// `faults`.
void SetScenarioPaths(const std::vector<FieldOverride>& changes,
                      absl::string_view where, Scenario* scenario,
                      std::vector<std::string>* faults) {
  for (const FieldOverride& change : changes) {
    absl::Status status;
    for (const char* apart :
         {"model", "hardware", "runtime", "host", "set", "expect"}) {
      if (change.path != apart &&
          !absl::StartsWith(change.path, absl::StrCat(apart, "."))) {
        continue;
      }
      status = absl::InvalidArgumentError("cannot be set; it is a flag");
    }
    if (status.ok()) status = SetField(scenario, change.path, change.value, "");
    if (!status.ok()) {
      faults->push_back(absl::StrCat(where, ": scenario.",
                                     Printable(change.path), ": ",
                                     status.message()));
    }
  }
}

// The scenario of a file, without defaults; empty without a file.
absl::StatusOr<Scenario> ReadScenario(const std::string& file) {
  Scenario scenario;
  if (file.empty()) return scenario;
  absl::StatusOr<std::string> text = ReadTextFile(file);
  if (!text.ok()) return text.status();
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults;
  ParseTextproto(*text, file, &scenario, &locations, &faults);
  ValidateFields(scenario, {file, locations.get(), /*complete=*/false},
                 &faults);
  if (!faults.empty()) return FaultsToStatus(faults);
  return scenario;
}

// Appends the faults of --hardware and --pipeline to `faults`.
void CheckMachineFlags(const ParsedFlags& flags,
                       std::vector<std::string>* faults) {
  const std::string hardware = flags.Get("hardware", "");
  if (absl::StrContains(hardware, ',')) {
    const std::string names = Printable(hardware);
    faults->push_back(absl::StrCat(
        "--hardware: expected one machine, found \"", names, "\"; --pipeline=",
        names,
        " splits the layers over them, and analyze, batch and plan take "
        "--hardware=",
        names, " to lay them side by side"));
  }
  if (!flags.Has("pipeline")) return;
  if (flags.Has("hardware")) {
    faults->push_back(
        "--pipeline and --hardware both name the machine: give one of them");
  }
  const std::string pipeline = flags.Get("pipeline", "");
  if (!absl::StrContains(pipeline, ',')) {
    faults->push_back(absl::StrCat(
        "--pipeline: expected two or more machines with commas between them, "
        "found \"",
        Printable(pipeline), "\""));
  }
}

// The content of the command line and of a scenario's file, before any names
// are looked up.
struct Request {
  std::string model, hardware;
  Overrides sets;
  Scenario scenario;
};

// Fills in `request`, appends faults to `faults`, and returns the exit code for
// them.
int ReadRequest(const ParsedFlags& flags, Request* request,
                std::vector<std::string>* faults) {
  for (const std::string& extra : flags.positional) {
    faults->push_back(absl::StrCat("unexpected argument \"", Printable(extra),
                                   "\"; flags are written --name=value"));
  }
  absl::StatusOr<Overrides> sets = ReadSetFlags(flags);
  if (!sets.ok()) faults->emplace_back(sets.status().message());
  Scenario given;
  SetScenarioFields(flags, &given, faults);

  CheckMachineFlags(flags, faults);

  const std::string file = flags.Get("scenario", "");
  absl::StatusOr<Scenario> read = ReadScenario(file);
  if (!read.ok()) {
    // The file may give the names, so that it is unknown whether any is
    // missing.
    if (!faults->empty()) return kExitUsage;
    faults->emplace_back(read.status().message());
    read = Scenario();
  }
  const bool unread = !faults->empty();
  request->model = flags.Get("model", read->model());
  request->hardware =
      flags.Get("pipeline", flags.Get("hardware", read->hardware()));
  const std::pair<const char*, const std::string*> names[] = {
      {"model", &request->model}, {"hardware", &request->hardware}};
  for (const auto& [flag, name] : names) {
    if (!name->empty() || (unread && !file.empty())) continue;
    faults->push_back(absl::StrCat(
        FlagText(flag), " is missing; `tokenjoule list` shows the names"));
  }
  if (!faults->empty())
    return unread && !file.empty() ? kExitBadData : kExitUsage;

  const std::string where = absl::StrCat(PrintablePath(file), ": set");
  for (const std::string& text : read->set()) {
    const absl::Status status = AddSet(where, text, &request->sets);
    if (!status.ok()) faults->emplace_back(status.message());
  }
  request->scenario = DefaultScenario();
  request->scenario.MergeFrom(*read);
  SetScenarioPaths(request->sets.scenario, where, &request->scenario, faults);
  request->sets.scenario.clear();
  // The runtime comes first, because changes of its fields apply to it.
  const std::string runtime = flags.Get("runtime", read->runtime());
  if (!runtime.empty()) {
    request->sets.hardware.insert(request->sets.hardware.begin(),
                                  {std::string(kRuntimePath), runtime});
  }
  // So do the further machines of a pipeline, and the host.
  std::vector<std::string> machines = absl::StrSplit(request->hardware, ',');
  request->hardware = machines[0];
  for (size_t i = 1; i < machines.size(); ++i) {
    request->sets.hardware.push_back({std::string(kStagePath), machines[i]});
  }
  // Flags come after the file, so that they win.
  const auto append = [](const std::vector<FieldOverride>& more,
                         std::vector<FieldOverride>* to) {
    to->insert(to->end(), more.begin(), more.end());
  };
  append(sets->model, &request->sets.model);
  append(sets->hardware, &request->sets.hardware);
  SetScenarioFields(flags, &request->scenario, faults);
  SetScenarioPaths(sets->scenario, "--set", &request->scenario, faults);
  if (!request->scenario.offload().empty()) {
    request->sets.hardware.insert(
        request->sets.hardware.begin(),
        {std::string(kHostPath), flags.Get("host", read->host())});
  }
  // The report lists the fields that were set.
  for (const auto& [flag, text] : Assignments(flags)) {
    request->scenario.add_set(text);
  }
  return kExitBadData;
}

}  // namespace

std::vector<FlagSpec> SetupFlags(absl::string_view batch_help) {
  return {
      {"model", "NAME", "a name of `list models`, or a path to a textproto"},
      {"hardware", "NAME",
       "a name of `list hardware`, or a path to a textproto"},
      {"pipeline", "NAME,...",
       "instead of --hardware: several machines, which may be unlike, split the "
       "layers and work one after another"},
      {"offload", "PARTS",
       "what lies in the host's memory: layers:N (the first N, computed by the "
       "host), ngl:N (all but N), experts, experts:N, experts:fetch, kv, "
       "kv:fetch, several with commas, or auto (default: nothing)"},
      {"host", "NAME",
       "the machine that what is offloaded lies on, a name of `list hardware` or "
       "a path (default: the machine's usual_host)"},
      {"split", "LAYERS,...",
       "layers of each machine of --pipeline=A,B (default: in proportion to "
       "their memory)"},
      {"runtime", "NAME",
       "a name of `list runtimes`, or a path to a textproto (default: the "
       "machine's own)"},
      {"batch", "N", std::string(batch_help)},
      {"context", "TOKENS", "context each sequence attends to (default 2048)"},
      {"weights", "FORMAT",
       "storage of all matrices; see `list formats` (default: the "
       "checkpoint's)"},
      {"kv", "FORMAT", "storage of the KV cache (default: the checkpoint's)"},
      {"activations", "FORMAT",
       "operands of matrix products (default: what engines pair with the "
       "weights)"},
      {"lm_head", "FORMAT",
       "storage of the LM head where it differs (default: as --weights)"},
      {"experts", "FORMAT",
       "storage of experts where it differs (default: as --weights)"},
      {"tp", "CHIPS", "tensor-parallel chips (default 1)"},
      {"pp", "STAGES", "pipeline stages (default 1)"},
      {"ep", "CHIPS",
       "chips that whole experts are spread over; beyond tp x dp attention "
       "runs data-parallel (default 1: tp splits experts)"},
      {"dp", "REPLICAS",
       "data-parallel replicas; they share the batch (default 1)"},
      {"prompt", "TOKENS",
       "mixed serving: mean prompt length; some steps include the prefill of "
       "new requests"},
      {"output", "TOKENS", "mixed serving: mean output length"},
      {"static_batch", "",
       "mixed serving: all sequences start together, with one prefill"},
      {"step_token_budget", "TOKENS",
       "mixed serving: most tokens in a step, decoded and of prompts (default: "
       "the runtime's)"},
      {"routing", "NAME",
       "coverage, balanced or power-law: rule for the experts that a batch "
       "visits (default: the runtime's)"},
      {"routing_exponent", "X",
       "exponent of power-law routing (default: the runtime's, else 1)"},
      {"mla", "FORM",
       "latent attention: absorbed, expanded, or cheaper, the one of fewer FLOP, "
       "which need not be the faster (default cheaper)"},
      {"draft_tokens", "N", "speculative decoding: tokens drafted per step"},
      {"acceptance_rate", "P",
       "chance that a drafted token is accepted if those before it were, 0 to "
       "1"},
      {"accepted_length", "N",
       "or the measured tokens per step, bonus token included"},
      {"accepted_fraction", "F",
       "or accepted / drafted tokens, 0 to 1, which engines log as acceptance "
       "rate: 1 + F x drafted tokens per step"},
      {"draft", "NAME",
       "model that drafts, or mtp for the model's own module (default: "
       "drafting is free)"},
      {"kv_page_tokens", "TOKENS",
       "page of the KV cache; each layer's cache takes whole pages (default: "
       "no pages)"},
      {"shared_prefix_tokens", "TOKENS",
       "start of the context that all sequences of a replica share, held once"},
      {"shared_prefix_read_once", "",
       "the shared prefix is also read once per step, by prefix-aware kernels"},
      {"training_tokens", "TOKENS",
       "tokens that the model is trained on: its loss by scaling laws is added "
       "to the answer"},
      {"boundary", "NAME",
       "stack, memory-path, chip, board, node or facility (default board)"},
      {"ideal", "",
       "pure roofline: peak rates, no overheads, free links; a bound"},
      {"equal_quality", "",
       "the model grows until its loss is that in 16 bits, by a law of precision: "
       "the energy that counts where formats or noise differ"},
      {"growth_depth_share", "SHARE",
       "share of that growth in layers, the rest in width, 0 to 1 (default 1/3)"},
      {"clock_mhz", "MHZ",
       "clock of the chip's core (default: the one at which the board decodes)"},
      {"power_cap_w", "W",
       "power cap of the board, which lowers the clock (default: its limit)"},
      {"price_per_kwh", "PRICE",
       "price of a kWh at the facility, in any currency (default: not known)"},
      {"chip_hour_price", "PRICE",
       "price of an hour of one chip, without its electricity, in the same "
       "currency (default: not known)"},
      {"carbon", "G",
       "emissions of a kWh, g CO2e (default: not known)"},
      {"scenario", "FILE",
       "a Scenario textproto, which may name model and hardware too; flags "
       "override it"},
      {"set", "ROOT.PATH=VALUE",
       "set any numeric field, e.g. "
       "hardware.memory.hbm.bandwidth_gb_per_s=4000 or "
       "runtime.time_per_step_us=0; repeatable",
       true},
  };
}

namespace {

// Whether a name of a description is a textproto of the user's.
bool IsOwnFile(absl::string_view name) {
  return absl::EndsWith(name, ".textproto");
}

// Gives a notice of each field that no answer depends on although a file of the
// user's or a flag sets it: silence would let it pass for a part of the question.
void NoteUnused(const ParsedFlags& flags, const Request& request,
                const Setup& setup) {
  const auto note = [](absl::string_view where,
                       const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      GiveNotice(absl::StrCat(where, path,
                              " is set, but no answer depends on it: another "
                              "field takes its place, or nothing uses it"));
    }
  };
  // Of batch and context some sub-commands ask for many.
  std::map<std::string, std::string> flag_of;
  for (const auto& [flag, path] : kScenarioFlags) {
    if (flags.Has(flag) && path != absl::string_view("batch") &&
        path != absl::string_view("context")) {
      flag_of[path] = flag;
    }
  }
  std::vector<std::string> given;
  for (const auto& [path, flag] : flag_of) given.push_back(path);
  for (const std::string& path : UnusedPaths(setup, given)) {
    GiveNotice(absl::StrCat(FlagText(flag_of[path]),
                            " makes no difference to this answer"));
  }
  const auto paths_of = [](const std::vector<FieldOverride>& changes) {
    std::vector<std::string> paths;
    for (const FieldOverride& change : changes) paths.push_back(change.path);
    return paths;
  };
  if (IsOwnFile(request.model)) {
    note(absl::StrCat(PrintablePath(request.model), ": "),
         UnusedFields(setup.model));
  }
  note("model.", UnusedPaths(setup.model, paths_of(request.sets.model)));
  const Use at_hand = {setup.model, WithContext(setup.scenario)};
  if (IsOwnFile(request.hardware)) {
    const auto files = LoadHardwareFiles(request.hardware);
    if (files.ok() && !files->empty()) {
      note(absl::StrCat(PrintablePath(request.hardware), ": "),
           UnusedFields(files->front().hardware, setup.hardware, at_hand));
    }
  }
  note("hardware.",
       UnusedPaths(setup.hardware, paths_of(request.sets.hardware), at_hand));
}

}  // namespace

absl::StatusOr<Setup> LoadSetup(const ParsedFlags& flags, int* exit_code) {
  std::vector<std::string> faults;
  const auto note = [&](const absl::Status& status) {
    if (!status.ok()) faults.emplace_back(status.message());
  };
  Request request;
  *exit_code = ReadRequest(flags, &request, &faults);
  if (*exit_code == kExitUsage || request.model.empty() ||
      request.hardware.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }
  Setup setup;
  absl::StatusOr<Model> model = LoadModel(request.model, request.sets.model);
  note(model.status());
  absl::StatusOr<Hardware> hardware =
      LoadHardware(request.hardware, request.sets.hardware);
  note(hardware.status());
  setup.scenario = std::move(request.scenario);
  absl::StatusOr<absl::optional<Model>> draft = LoadDraft(setup.scenario);
  note(draft.status());
  if (draft.ok()) setup.draft = *std::move(draft);
  if (!faults.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }
  setup.model = *std::move(model);
  setup.hardware = *std::move(hardware);
  NoteUnused(flags, request, setup);
  setup.expect = setup.scenario.expect();
  // These fields have been used; a report names model and machine itself.
  setup.scenario.clear_model();
  setup.scenario.clear_hardware();
  setup.scenario.clear_runtime();
  setup.scenario.clear_host();
  setup.scenario.clear_expect();
  if (!setup.scenario.offload().empty() &&
      Validate(setup).ok()) {
    setup = ResolveOffload(std::move(setup));
  }
  *exit_code = kExitOk;
  return setup;
}

absl::StatusOr<std::vector<FieldOverride>> ReadHardwareOverrides(
    const ParsedFlags& flags) {
  absl::StatusOr<Overrides> sets = ReadSetFlags(flags);
  if (!sets.ok()) return sets.status();
  if (!sets->model.empty() || !sets->scenario.empty()) {
    return absl::InvalidArgumentError(
        "--set: only hardware can be changed here");
  }
  return sets->hardware;
}

FlagSpec BatchLimitFlag() {
  return {"max_time_per_token_ms", "MS",
          "longest time per token of a sequence that batching may take "
          "(default: no limit)"};
}

absl::StatusOr<BatchOptions> ReadBatchOptions(const ParsedFlags& flags) {
  std::vector<double> limit;
  absl::Status status =
      ParseNumberList(flags.Get("max_time_per_token_ms", "0"), &limit);
  if (status.ok() && limit.size() > 1) {
    status = absl::InvalidArgumentError("expected one number");
  }
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--max-time-per-token-ms: ", status.message()));
  }
  return BatchOptions{limit[0]};
}

}  // namespace tokenjoule
