#include "tools/command.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "analyzer/spec/catalog.h"
#include "analyzer/spec/faults.h"
#include "analyzer/spec/field_path.h"
#include "analyzer/spec/textproto.h"
#include "analyzer/spec/validate.h"
#include "analyzer/study/analyze.h"

namespace tokenjoule {
namespace {

// Flags that are fields of Scenario of the same name.
constexpr const char* kScenarioFlags[] = {
    "batch", "context", "weights", "kv",       "activations", "lm_head",
    "tp",    "pp",      "dp",      "boundary", "ideal",
};

// --set flags by their root.
struct SetFlags {
  std::vector<FieldOverride> model;
  std::vector<FieldOverride> hardware;
  std::vector<FieldOverride> scenario;
};

absl::StatusOr<SetFlags> ReadSetFlags(const ParsedFlags& flags) {
  SetFlags sets;
  const auto found = flags.values.find("set");
  if (found == flags.values.end()) return sets;
  for (const std::string& text : found->second) {
    const size_t equals = text.find('=');
    const size_t dot = text.find('.');
    if (equals == std::string::npos || dot == std::string::npos ||
        dot > equals) {
      return absl::InvalidArgumentError(
          absl::StrCat("--set: expected ROOT.PATH=VALUE, e.g. "
                       "hardware.memory.hbm.bandwidth_gb_per_s=4000, found \"",
                       Printable(text), "\""));
    }
    const std::string root = text.substr(0, dot);
    FieldOverride change = {text.substr(dot + 1, equals - dot - 1),
                            text.substr(equals + 1)};
    if (root == "model") {
      sets.model.push_back(std::move(change));
    } else if (root == "hardware") {
      sets.hardware.push_back(std::move(change));
    } else if (root == "scenario") {
      sets.scenario.push_back(std::move(change));
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          "--set: ", UnknownNameMessage(
                         "root", root, {"model", "hardware", "scenario"}, "")));
    }
  }
  return sets;
}

absl::Status SetScenarioField(absl::string_view flag, absl::string_view value,
                              Scenario* scenario) {
  absl::Status status = SetField(scenario, flag, value, "");
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, ": ", status.message()));
}

// The scenario of --scenario's file, or the default one.
absl::StatusOr<Scenario> StartingScenario(const ParsedFlags& flags) {
  Scenario scenario = DefaultScenario();
  const std::string file = flags.Get("scenario", "");
  if (file.empty()) return scenario;
  absl::StatusOr<std::string> text = ReadTextFile(file);
  if (!text.ok()) return text.status();
  Scenario read;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults;
  ParseTextproto(*text, file, &read, &locations, &faults);
  ValidateFields(read, {file, locations.get(), /*complete=*/false}, &faults);
  if (!faults.empty()) return FaultsToStatus(faults);
  scenario.MergeFrom(read);
  return scenario;
}

}  // namespace

std::vector<FlagSpec> Concat(std::vector<FlagSpec> a,
                             const std::vector<FlagSpec>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<FlagSpec> SetupFlags(absl::string_view batch_help) {
  return {
      {"model", "NAME", "a name of `list models`, or a path to a textproto"},
      {"hardware", "NAME",
       "a name of `list hardware`, or a path to a textproto"},
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
      {"tp", "CHIPS", "tensor-parallel chips (default 1)"},
      {"pp", "STAGES", "pipeline stages (default 1)"},
      {"dp", "REPLICAS",
       "data-parallel replicas; they share the batch (default 1)"},
      {"boundary", "NAME",
       "stack, memory_path, chip, board, node or facility (default board)"},
      {"ideal", "",
       "pure roofline: peak rates, no overheads, free links; a bound"},
      {"scenario", "FILE",
       "a Scenario textproto to start from; other flags override it"},
      {"set", "ROOT.PATH=VALUE",
       "set any numeric field, e.g. "
       "hardware.memory.hbm.bandwidth_gb_per_s=4000; "
       "repeatable",
       true},
  };
}

absl::StatusOr<Setup> LoadSetup(const ParsedFlags& flags, bool with_batch,
                                int* exit_code) {
  *exit_code = kExitUsage;
  std::vector<std::string> faults;
  const auto note = [&](const absl::Status& status) {
    if (!status.ok()) faults.emplace_back(status.message());
  };
  for (const char* needed : {"model", "hardware"}) {
    if (flags.Get(needed, "").empty()) {
      faults.push_back(absl::StrCat("--", needed,
                                    " is missing; `tokenjoule "
                                    "list` shows the names"));
    }
  }
  for (const std::string& extra : flags.positional) {
    faults.push_back(absl::StrCat("unexpected argument \"", Printable(extra),
                                  "\"; flags are --name=value"));
  }
  absl::StatusOr<SetFlags> sets = ReadSetFlags(flags);
  note(sets.status());

  Scenario given;
  for (const char* flag : kScenarioFlags) {
    if (std::string(flag) == "batch" && !with_batch) continue;
    if (flags.Has(flag)) {
      note(SetScenarioField(flag, flags.Get(flag, ""), &given));
    }
  }
  if (!faults.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }

  *exit_code = kExitBadData;
  Setup setup;
  absl::StatusOr<Model> model = LoadModel(flags.Get("model", ""), sets->model);
  note(model.status());
  absl::StatusOr<Hardware> hardware =
      LoadHardware(flags.Get("hardware", ""), sets->hardware);
  note(hardware.status());
  absl::StatusOr<Scenario> scenario = StartingScenario(flags);
  note(scenario.status());
  if (scenario.ok()) {
    for (const char* flag : kScenarioFlags) {
      if (std::string(flag) == "batch" && !with_batch) continue;
      if (flags.Has(flag)) {
        note(SetScenarioField(flag, flags.Get(flag, ""), &*scenario));
      }
    }
    for (const FieldOverride& change : sets->scenario) {
      absl::Status status = SetField(&*scenario, change.path, change.value, "");
      if (!status.ok()) {
        faults.push_back(absl::StrCat("--set: scenario.",
                                      Printable(change.path), ": ",
                                      status.message()));
      }
    }
  }
  if (!faults.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }
  setup.model = *std::move(model);
  setup.hardware = *std::move(hardware);
  setup.scenario = *std::move(scenario);
  *exit_code = kExitOk;
  return setup;
}

std::vector<FlagSpec> OutputFlags() {
  return {
      {"format", "FORMAT", "table, json or csv (default table)"},
      {"out", "FILE", "write there instead of to stdout"},
  };
}

absl::StatusOr<OutputFormat> ReadOutputFormat(const ParsedFlags& flags) {
  const std::string name = flags.Get("format", "table");
  if (name == "table") return OutputFormat::kTable;
  if (name == "json") return OutputFormat::kJson;
  if (name == "csv") return OutputFormat::kCsv;
  return absl::InvalidArgumentError(absl::StrCat(
      "--format: ",
      UnknownNameMessage("format", name, {"table", "json", "csv"}, "")));
}

int WriteOutput(const ParsedFlags& flags, const std::string& text) {
  const std::string path = flags.Get("out", "");
  if (!flags.Has("out")) {
    std::cout << text << std::flush;
    if (std::cout.good()) return kExitOk;
    return Fail(absl::InvalidArgumentError("stdout: cannot be written"),
                kExitBadData);
  }
  // A reader sees the old file or the new one, never half of it.
  const std::string temporary = absl::StrCat(path, ".tmp.", getpid());
  std::ofstream out(temporary, std::ios::binary);
  out << text;
  out.close();
  if (!out || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    std::remove(temporary.c_str());
    return Fail(absl::InvalidArgumentError(absl::StrCat(
                    "--out=", Printable(path), ": cannot be written: ", why)),
                kExitBadData);
  }
  return kExitOk;
}

int Fail(const absl::Status& status, int exit_code) {
  for (const absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    std::cerr << "tokenjoule: " << line << "\n";
  }
  return exit_code;
}

}  // namespace tokenjoule
