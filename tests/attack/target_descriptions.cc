// Descriptions: every kind of textproto of the catalogue, scenarios, --set.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/documents.h"
#include "analyzer/description/lint.h"
#include "analyzer/description/new_hardware.h"
#include "analyzer/description/study_data.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"
#include "proto/runtime.pb.h"
#include "proto/scenario.pb.h"
#include "proto/study.pb.h"
#include "tests/attack/examine.h"
#include "tests/attack/target_lists.h"
#include "tools/flags.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

constexpr char kMachineFile[] = "machine.textproto";

Verdict RunModel(absl::string_view bytes) {
  const absl::StatusOr<Model> model = ParseModel(bytes, kFuzzedFile);
  if (!model.ok()) return Refused(model.status());
  return Examined(*model, SomeHardware());
}

Verdict RunHardware(absl::string_view bytes) {
  static const Model* const unit = new Model(*LoadModel("unit"));
  const absl::StatusOr<Hardware> hardware = ParseHardware(bytes, kFuzzedFile);
  if (!hardware.ok()) return Refused(hardware.status());
  Verdict verdict = Examined(SomeModel(), *hardware);
  // The unit model fits and runs on nearly everything.
  const Verdict of_unit = Examined(*unit, *hardware);
  verdict.accepted |= of_unit.accepted;
  Append(of_unit.broken, &verdict);
  return verdict;
}

// A machine of this text, which refers to the bytes as kFuzzedFile.
Verdict RunMachineText(absl::string_view bytes, absl::string_view machine) {
  const Documents documents = {{kFuzzedFile, std::string(bytes)},
                               {kMachineFile, std::string(machine)}};
  const DocumentScope scope(documents, DocumentScope::Files::kClosed);
  const absl::StatusOr<Hardware> hardware = LoadHardware(kMachineFile);
  if (!hardware.ok()) return Refused(hardware.status());
  return Examined(SomeModel(), *hardware);
}

Verdict RunClass(absl::string_view bytes) {
  Verdict verdict = RunMachineText(
      bytes, absl::StrCat("name: \"m\" base: \"", kFuzzedFile, "\""));
  const Documents documents = {{kFuzzedFile, std::string(bytes)}};
  const DocumentScope scope(documents, DocumentScope::Files::kClosed);
  const absl::StatusOr<std::string> begun =
      NewHardwareText(kFuzzedFile, "my-chip");
  if (!begun.ok()) {
    Append(BrokenByRefusal(begun.status()), &verdict);
    return verdict;
  }
  verdict.accepted = true;
  Append(BrokenByCharacters("new-hardware", *begun), &verdict);
  return verdict;
}

// A technology in the machine that has most kinds of them.
Verdict RunTechnology(absl::string_view bytes) {
  const char* machine =
      absl::StrContains(bytes, "proto-message: LinkTechnology")
          ? "base: \"hbm4-asic\" interconnect { technology { base: \"%s\" } }"
      : absl::StrContains(bytes, "proto-message: LogicTechnology")
          ? "base: \"hbm4-asic\" "
            "engine { name: \"tensor\" logic { base: \"%s\" } }"
      : absl::StrContains(bytes, "proto-message: AnalogCircuit")
          ? "base: \"aimc-hbm3e\" "
            "engine { name: \"array\" analog { base: \"%s\" } }"
          : "base: \"hbm4-asic\" "
            "memory { name: \"backing\" technology { base: \"%s\" } }";
  std::vector<std::string> parts = absl::StrSplit(machine, "%s");
  Verdict verdict = RunMachineText(
      bytes, absl::StrCat("name: \"m\" ", parts[0], kFuzzedFile, parts[1]));
  const Documents documents = {{kFuzzedFile, std::string(bytes)}};
  const DocumentScope scope(documents, DocumentScope::Files::kClosed);
  const absl::Status linted =
      LintFile(kFuzzedFile, "", {/*catalogue=*/true}).status();
  if (!linted.ok()) Append(BrokenByRefusal(linted), &verdict);
  return verdict;
}

Verdict RunRuntime(absl::string_view bytes) {
  const Documents documents = {{kFuzzedFile, std::string(bytes)}};
  const DocumentScope scope(documents, DocumentScope::Files::kClosed);
  const absl::StatusOr<Hardware> hardware =
      LoadHardware("h100-sxm", {{std::string(kRuntimePath), kFuzzedFile}});
  if (!hardware.ok()) return Refused(hardware.status());
  return Examined(SomeModel(), *hardware);
}

// The setup of these flags. They come from a file here, so that every fault is
// one of data.
Verdict RunFlags(const ParsedFlags& flags) {
  int exit_code = 0;
  return Examined(LoadSetup(flags, &exit_code));
}

Verdict RunScenario(absl::string_view bytes) {
  const Documents documents = {{kFuzzedFile, std::string(bytes)}};
  const DocumentScope scope(documents, DocumentScope::Files::kClosed);
  ParsedFlags flags;
  flags.values["scenario"] = {kFuzzedFile};
  // A scenario may name them itself.
  if (!absl::StrContains(bytes, "model:")) {
    flags.values["model"] = {"llama-3.2-1b"};
  }
  if (!absl::StrContains(bytes, "hardware:")) {
    flags.values["hardware"] = {"h100-sxm"};
  }
  return RunFlags(flags);
}

Verdict RunSet(absl::string_view bytes) {
  const Documents documents;
  const DocumentScope scope(documents, DocumentScope::Files::kClosed);
  ParsedFlags flags;
  flags.values["model"] = {"llama-3.2-1b"};
  flags.values["hardware"] = {"h100-sxm"};
  for (const absl::string_view line :
       absl::StrSplit(bytes, '\n', absl::SkipEmpty())) {
    flags.values["set"].emplace_back(line);
  }
  return RunFlags(flags);
}

Verdict RunStudy(absl::string_view bytes) {
  const absl::Status status = ParseStudyData(bytes, kFuzzedFile).status();
  if (!status.ok()) return Refused(status);
  return {/*accepted=*/true, {}};
}

Verdict RunLint(absl::string_view bytes) {
  const Documents documents = {{kFuzzedFile, std::string(bytes)}};
  const DocumentScope scope(documents, DocumentScope::Files::kClosed);
  const absl::Status status = LintFile(kFuzzedFile, "").status();
  if (!status.ok()) return Refused(status);
  return {/*accepted=*/true, {}};
}

}  // namespace

std::vector<Target> DescriptionTargets() {
  return {
      {"model",
       "a model",
       RunModel,
       {{"models", ".textproto"}},
       {Model::descriptor()}},
      {"hardware",
       "a machine",
       RunHardware,
       {{"hw_specs/systems", ".textproto"},
        {"docs/examples", ".textproto"},
        {"analyzer/description/testdata/machines", ".textproto"}},
       {Hardware::descriptor()}},
      {"class",
       "a machine that others are based on",
       RunClass,
       {{"hw_specs/classes", ".textproto"}},
       {Hardware::descriptor()}},
      {"technology",
       "a technology of memory, logic, links or circuits",
       RunTechnology,
       {{"hw_specs/technologies", ".textproto"}},
       {MemoryTechnology::descriptor(), LogicTechnology::descriptor(),
        LinkTechnology::descriptor(), AnalogCircuit::descriptor()}},
      {"runtime",
       "a serving runtime",
       RunRuntime,
       {{"runtimes", ".textproto"}},
       {Runtime::descriptor()}},
      {"scenario",
       "a scenario",
       RunScenario,
       {{"tests/client_workspace", "chat.textproto"}},
       {Scenario::descriptor()}},
      {"set",
       "values of --set, one a line",
       RunSet,
       {},
       {Model::descriptor(), Hardware::descriptor(), Scenario::descriptor()}},
      {"study",
       "numbers of studies",
       RunStudy,
       {{"hw_specs/studies", ".textproto"}},
       {StudyData::descriptor()}},
      {"lint",
       "a file of any kind",
       RunLint,
       {{"runtimes", "evidence.textproto"}, {"hw_specs/spaces", ".textproto"}},
       {Evidence::descriptor()}},
  };
}

}  // namespace tokenjoule
