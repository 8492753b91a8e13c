#include "analyzer/description/lint.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/names.h"
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

// Reads a file strictly, without its bases: every number has a range and a
// source.
template <typename Spec>
absl::Status ReadStrictly(const std::string& path) {
  return LoadPart<Spec>(path).status();
}

// Whether what a level says of itself is what so many devices of its technology
// are, somewhere in their ranges. A system that has other devices says so in its
// `technology`. Devices may run slower than they can, and two may share a channel,
// but none is faster.
void CheckDevices(const std::string& file, const MemoryLevel& level,
                  std::vector<Fault>* faults) {
  if (!level.has_devices() || !(level.devices().low() > 0)) return;
  const MemoryTechnology& technology = level.technology();
  // Modules are sold in GiB, levels are described in GB.
  constexpr double kGibOverGb = 1.08, kRounding = 1.02;
  const auto check = [&](const char* field, const Constant& of_level,
                         const char* of_device, const Constant& device,
                         double least, double most) {
    const double least_each = of_level.low() / level.devices().high();
    const double most_each = of_level.high() / level.devices().low();
    if (most_each >= least && least_each <= most) return;
    faults->push_back(
        {file, 0, 0, absl::StrCat("memory.", level.name(), ".", field),
         absl::StrFormat(
             "%g on %g devices are %.4g each; %s has %s from %g to %g. Correct "
             "one of them, or give the level's technology its own %s",
             of_level.value(), level.devices().value(),
             of_level.value() / level.devices().value(),
             technology.base().empty() ? technology.name() : technology.base(),
             of_device, device.low(), device.high(), of_device)});
  };
  if (level.has_capacity_gb() && technology.has_capacity_gb_per_device()) {
    const Constant& device = technology.capacity_gb_per_device();
    check("capacity_gb", level.capacity_gb(), "capacity_gb_per_device", device,
          device.low() / kGibOverGb, device.high() * kGibOverGb);
  }
  if (level.has_bandwidth_gb_per_s() &&
      technology.has_bandwidth_gb_per_s_per_device()) {
    const Constant& device = technology.bandwidth_gb_per_s_per_device();
    check("bandwidth_gb_per_s", level.bandwidth_gb_per_s(),
          "bandwidth_gb_per_s_per_device", device, 0,
          device.high() * kRounding);
  }
}

// What is wrong between the parts of a machine that may be meant so, by a user or
// in a sweep.
absl::StatusOr<std::vector<Fault>> Disagreements(const std::string& file) {
  ASSIGN_OR_RETURN(const Hardware hardware, LoadHardware(file));
  std::vector<Fault> faults;
  for (const MemoryLevel& level : hardware.memory()) {
    CheckDevices(file, level, &faults);
  }
  return faults;
}

struct Kind {
  const char* name;
  const char* message;
  Loader load;
  // Null where files have no physical constants.
  absl::Status (*read_strictly)(const std::string& path) = nullptr;
};

// Whether a path lies below a folder of the catalogue.
bool IsOfCatalogue(absl::string_view path) {
  const std::string inside = absl::StrCat("/", path);
  return absl::StrContains(inside, "/hw_specs/") ||
         absl::StrContains(inside, "/runtimes/");
}

// If two kinds share a message, a file is taken to be of the first kind.
constexpr Kind kKinds[] = {
    {"model", "Model",
     [](const std::string& path) { return NameOf(LoadModel(path)); }},
    {"hardware", "Hardware",
     [](const std::string& path) { return NameOf(LoadHardware(path)); },
     ReadStrictly<Hardware>},
    {"class", "Hardware",
     [](const std::string& path) { return NameOf(LoadBase(path)); },
     ReadStrictly<Hardware>},
    {"runtime", "Runtime",
     [](const std::string& path) { return NameOf(LoadRuntime(path)); },
     ReadStrictly<Runtime>},
    {"evidence", "Evidence",
     [](const std::string& path) -> absl::StatusOr<std::string> {
       RETURN_IF_ERROR(LoadPart<Evidence>(path).status());
       return std::string("evidence");
     }},
    {"memory-technology", "MemoryTechnology",
     [](const std::string& path) { return NameOf(LoadMemoryTechnology(path)); },
     ReadStrictly<MemoryTechnology>},
    {"logic-technology", "LogicTechnology",
     [](const std::string& path) { return NameOf(LoadLogicTechnology(path)); },
     ReadStrictly<LogicTechnology>},
    {"link-technology", "LinkTechnology",
     [](const std::string& path) { return NameOf(LoadLinkTechnology(path)); },
     ReadStrictly<LinkTechnology>},
    {"circuit-technology", "AnalogCircuit",
     [](const std::string& path) {
       return NameOf(LoadCircuitTechnology(path));
     },
     ReadStrictly<AnalogCircuit>},
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
                                    absl::string_view kind,
                                    const LintOptions& options) {
  std::string file(path);
  ASSIGN_OR_RETURN(const Kind* const found, FindKind(file, kind));
  // Without a slash, the name would be looked up in the catalogue.
  if (!absl::StrContains(file, '/') && !absl::EndsWith(file, ".textproto")) {
    file = absl::StrCat("./", file);
  }
  // Neither a Hugging Face id.
  if (found->message == absl::string_view("Model") && IsHuggingFaceId(file)) {
    file = absl::StrCat("./", file);
  }
  const bool strictly = options.catalogue || IsOfCatalogue(file);
  if (strictly && found->read_strictly != nullptr) {
    RETURN_IF_ERROR(found->read_strictly(file));
  }
  ASSIGN_OR_RETURN(std::string name, found->load(file));
  LintedFile linted = {found->name, std::move(name), {}};
  if (linted.kind == "hardware") {
    ASSIGN_OR_RETURN(const std::vector<Fault> disagreements,
                     Disagreements(file));
    if (strictly) RETURN_IF_ERROR(FaultsToStatus(disagreements));
    ASSIGN_OR_RETURN(linted.inheritance, InheritanceOf(file));
    for (const Fault& fault : disagreements) {
      linted.inheritance.warnings.push_back(
          absl::StrCat(fault.path, ": ", fault.message));
    }
  }
  if (linted.kind == "hardware" || linted.kind == "model") {
    RETURN_IF_ERROR(LintNames(file, linted.kind));
  }
  return linted;
}

absl::Status LintNames(absl::string_view file, absl::string_view kind) {
  const SpecKind spec = kind == "model" ? SpecKind::kModel : SpecKind::kSystem;
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(std::string(file)));
  // A file that repeats an entry of the catalogue takes its place; only its
  // aliases and ids can clash, because a user's machine may be named at will.
  absl::string_view stem = file.substr(file.rfind('/') + 1);
  stem = absl::StripSuffix(stem, ".textproto");
  CatalogNamesOf own = ReadNames(stem, text);
  if (own.aliases.empty() && own.hf_ids.empty()) return absl::OkStatus();
  std::vector<CatalogNamesOf> entries;
  for (const CatalogNamesOf& entry : NamesOfKind(spec)) {
    // The entry itself, whatever its file is called here.
    const bool is_same = entry.name == stem || (entry.aliases == own.aliases &&
                                                entry.hf_ids == own.hf_ids);
    if (!is_same) entries.push_back(entry);
  }
  entries.push_back(std::move(own));
  std::vector<Fault> faults;
  for (std::string& clash : NameClashes(entries)) {
    faults.push_back({std::string(file), 0, 0, "aliases", std::move(clash)});
  }
  return FaultsToStatus(faults);
}

}  // namespace tokenjoule
