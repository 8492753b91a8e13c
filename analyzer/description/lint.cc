#include "analyzer/description/lint.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/study_data.h"
#include "analyzer/description/textproto.h"
#include "analyzer/description/validate.h"
#include "proto/hardware.pb.h"
#include "proto/scenario.pb.h"
#include "proto/space.pb.h"

namespace tokenjoule {
namespace {

constexpr absl::string_view kMessageLine = "# proto-message:";

// Loads a file and returns the name that it gives itself.
using Loader = absl::StatusOr<std::string> (*)(const std::string& path);

template <typename Spec>
absl::StatusOr<std::string> NameOf(const absl::StatusOr<Spec>& spec) {
  if (!spec.ok()) return spec.status();
  return spec->name();
}

// Loads a description that may be incomplete; only the fields present are
// checked.
template <typename Spec>
absl::StatusOr<Spec> LoadPart(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  Spec spec;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults;
  ParseTextproto(text, path, &spec, &locations, &faults);
  ValidateFields(spec, {path, locations.get(), /*complete=*/false}, &faults);
  RETURN_IF_ERROR(FaultsToStatus(faults));
  return spec;
}

struct Kind {
  const char* name;
  const char* message;
  Loader load;
};

// If two kinds share a message, a file is taken to be of the first kind.
constexpr Kind kKinds[] = {
    {"model", "Model",
     [](const std::string& path) { return NameOf(LoadModel(path)); }},
    {"hardware", "Hardware",
     [](const std::string& path) { return NameOf(LoadHardware(path)); }},
    {"class", "Hardware",
     [](const std::string& path) { return NameOf(LoadPart<Hardware>(path)); }},
    {"runtime", "Runtime",
     [](const std::string& path) { return NameOf(LoadRuntime(path)); }},
    {"evidence", "Evidence",
     [](const std::string& path) -> absl::StatusOr<std::string> {
       RETURN_IF_ERROR(LoadPart<Evidence>(path).status());
       return std::string("evidence");
     }},
    {"memory-technology", "MemoryTechnology",
     [](const std::string& path) {
       return NameOf(LoadMemoryTechnology(path));
     }},
    {"logic-technology", "LogicTechnology",
     [](const std::string& path) { return NameOf(LoadLogicTechnology(path)); }},
    {"link-technology", "LinkTechnology",
     [](const std::string& path) { return NameOf(LoadLinkTechnology(path)); }},
    {"circuit-technology", "AnalogCircuit",
     [](const std::string& path) {
       return NameOf(LoadCircuitTechnology(path));
     }},
    {"scenario", "Scenario",
     [](const std::string& path) -> absl::StatusOr<std::string> {
       RETURN_IF_ERROR(LoadPart<Scenario>(path).status());
       return std::string();
     }},
    // Only the fields are checked here; `tokenjoule lint` also tries every
    // value of every axis.
    {"space", "DesignSpace",
     [](const std::string& path) {
       return NameOf(LoadPart<DesignSpace>(path));
     }},
    {"study", "StudyData",
     [](const std::string& path) { return NameOf(LoadStudyData(path)); }},
};

// The message named in the file's header.
absl::StatusOr<std::string> MessageOf(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, kMessageLine)) continue;
    return std::string(absl::StripAsciiWhitespace(line));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(PrintablePath(path),
                   ": does not say what it describes: add a line like \"",
                   kMessageLine, " Model\", or give the kind"));
}

absl::StatusOr<const Kind*> FindKind(const std::string& path,
                                     absl::string_view name) {
  for (const Kind& kind : kKinds) {
    if (kind.name == name) return &kind;
  }
  if (!name.empty()) {
    return absl::InvalidArgumentError(
        UnknownNameMessage("kind", name, LintKinds(), ""));
  }
  ASSIGN_OR_RETURN(const std::string message, MessageOf(path));
  std::vector<std::string> messages;
  for (const Kind& kind : kKinds) {
    if (kind.message == message) return &kind;
    messages.emplace_back(kind.message);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(PrintablePath(path), ": ",
                   UnknownNameMessage("message", message, messages, "")));
}

}  // namespace

std::vector<std::string> LintKinds() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

absl::StatusOr<LintedFile> LintFile(absl::string_view path,
                                    absl::string_view kind) {
  std::string file(path);
  ASSIGN_OR_RETURN(const Kind* const found, FindKind(file, kind));
  // Without a slash, the name would be looked up in the catalogue.
  if (!absl::StrContains(file, '/') && !absl::EndsWith(file, ".textproto")) {
    file = absl::StrCat("./", file);
  }
  ASSIGN_OR_RETURN(std::string name, found->load(file));
  return LintedFile{found->name, std::move(name)};
}

}  // namespace tokenjoule
