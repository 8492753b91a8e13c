#include "analyzer/description/catalog.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "absl/strings/strip.h"
#include "analyzer/base/fingerprint.h"
#include "analyzer/base/size_limits.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/bare_numbers.h"
#include "analyzer/description/documents.h"
#include "analyzer/description/embedded_files.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/names.h"
#include "analyzer/description/notices.h"
#include "analyzer/description/set_source.h"
#include "analyzer/description/textproto.h"
#include "analyzer/description/validate.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/constant.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

constexpr absl::string_view kSuffix = ".textproto";
constexpr int kDeepestBase = 8;

struct KindInfo {
  absl::string_view directory;
  absl::string_view noun;
  absl::string_view list_hint;
  // Message named in the file's `# proto-message:` line; needed because
  // technologies of all kinds share one folder.
  absl::string_view message;
};

KindInfo InfoOf(SpecKind kind) {
  constexpr absl::string_view kTechnologies = "hw_specs/technologies/";
  constexpr absl::string_view kHint =
      "(`tokenjoule list technologies` shows all)";
  switch (kind) {
    case SpecKind::kModel:
      return {"models/", "model", "(`tokenjoule list models` shows all)",
              "Model"};
    case SpecKind::kSystem:
      return {"hw_specs/systems/", "hardware",
              "(`tokenjoule list hardware` shows all)", "Hardware"};
    case SpecKind::kMemoryTechnology:
      return {kTechnologies, "memory technology", kHint, "MemoryTechnology"};
    case SpecKind::kLogicTechnology:
      return {kTechnologies, "logic technology", kHint, "LogicTechnology"};
    case SpecKind::kLinkTechnology:
      return {kTechnologies, "link technology", kHint, "LinkTechnology"};
    case SpecKind::kCircuitTechnology:
      return {kTechnologies, "analog circuit", kHint, "AnalogCircuit"};
    case SpecKind::kStudy:
      return {"hw_specs/studies/", "study",
              "(`tokenjoule list studies` shows all)", "StudyData"};
    case SpecKind::kSpace:
      return {"hw_specs/spaces/", "design space",
              "(`tokenjoule list spaces` shows all)", "DesignSpace"};
    case SpecKind::kRuntime:
      return {"runtimes/", "runtime", "(`tokenjoule list runtimes` shows all)",
              "Runtime"};
    case SpecKind::kRuntimeClass:
      return {"runtimes/classes/", "runtime class", "", "Runtime"};
    case SpecKind::kClass:
      break;
  }
  return {"hw_specs/classes/", "hardware class", "", "Hardware"};
}

bool IsOfKind(const EmbeddedFile& file, const KindInfo& info) {
  // A file in a folder below is of another kind.
  return absl::StartsWith(file.path, info.directory) &&
         file.path.rfind('/') + 1 == info.directory.size() &&
         absl::StrContains(
             file.content,
             absl::StrCat("# proto-message: ", info.message, "\n"));
}

bool IsPath(absl::string_view name) {
  return absl::StrContains(name, '/') || absl::EndsWith(name, kSuffix);
}

// "a/b/h100-sxm.textproto" -> "h100-sxm".
std::string Stem(absl::string_view file) {
  const size_t slash = file.rfind('/');
  if (slash != absl::string_view::npos) file.remove_prefix(slash + 1);
  return std::string(absl::StripSuffix(file, kSuffix));
}

// What qualifies the ids of a file's sources: its stem, in the letters that ids have.
// A stem with others is told from stems that are the same in these letters by the
// end of its fingerprint ("My Chip" -> "my-chip-8a2c").
std::string Qualifier(absl::string_view file) {
  const std::string stem = Stem(file);
  std::string letters = absl::AsciiStrToLower(stem);
  for (char& letter : letters) {
    const unsigned char c = static_cast<unsigned char>(letter);
    if (absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' ||
        c == '_' || c == '.') {
      continue;
    }
    letter = '-';
  }
  if (letters == stem) return letters;
  Fingerprint fingerprint;
  fingerprint.Add(stem);
  return absl::StrCat(letters, "-", fingerprint.ToString().substr(12));
}

std::string Digits(absl::string_view name) {
  std::string digits(name);
  digits.erase(std::remove_if(digits.begin(), digits.end(),
                              [](unsigned char letter) {
                                return !absl::ascii_isdigit(letter);
                              }),
               digits.end());
  return digits;
}

// Whether a name may be another spelling of a catalogue's name, or a part of it
// or longer than it: "gemma4-27b" is not a "gemma-2-27b".
bool MayMean(absl::string_view name, const std::string& choice) {
  const std::string wanted = FoldedName(name);
  return Digits(wanted) == Digits(choice) ||
         absl::StrContains(choice, wanted) ||
         absl::StartsWith(wanted, absl::StrCat(choice, "-"));
}

// The file of that exact name, or nullptr.
const EmbeddedFile* FindEmbedded(SpecKind kind, absl::string_view name) {
  const KindInfo info = InfoOf(kind);
  const std::string wanted = absl::StrCat(info.directory, name, kSuffix);
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    if (file.path == wanted && IsOfKind(file, info)) return &file;
  }
  return nullptr;
}

// Whether users call entries of this kind by other names than those of files.
bool HasAliases(SpecKind kind) {
  return kind == SpecKind::kModel || kind == SpecKind::kSystem;
}

// The text of an entry of the catalogue.
NamedText TextOf(const EmbeddedFile& file) {
  return {std::string(file.path), std::string(file.content),
          /*embedded=*/true};
}

// An error for a name like "Qwen/Qwen3-8B-AWQ" that says which entry has the
// shapes; OK if the name says no format.
absl::Status ErrorOfQuantised(absl::string_view name) {
  const QuantisedName quantised =
      FindQuantised(name, NamesOfKind(SpecKind::kModel));
  if (quantised.name.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown model \"", Printable(name),
      "\"; it is named as a quantised checkpoint with the shapes of ",
      quantised.name, ": give --model=", quantised.name,
      " --weights=", quantised.format,
      ", or convert its config.json with `tokenjoule import-hf`"));
}

// An error for a Hugging Face id that the catalogue does not list.
absl::Status ErrorOfId(absl::string_view id) {
  RETURN_IF_ERROR(ErrorOfQuantised(id));
  std::string hint;
  const std::string mirrored = FindMirrored(id, NamesOfKind(SpecKind::kModel));
  if (!mirrored.empty()) {
    hint = absl::StrCat("did you mean \"", mirrored, "\"? Otherwise convert");
  } else {
    hint = "convert";
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown model \"", Printable(id),
      "\"; it is neither a file nor a "
      "Hugging Face id of the catalogue; ",
      hint,
      " its config.json with `tokenjoule import-hf` (`tokenjoule list models` "
      "shows all names)"));
}

// Finds the text of a catalogue entry or of a file. `relative_to` is the file
// that refers to it.
absl::StatusOr<NamedText> Find(SpecKind kind, absl::string_view name,
                               absl::string_view relative_to) {
  if (kind == SpecKind::kModel && IsHuggingFaceId(name)) {
    const FoundName found = FindName(name, NamesOfKind(kind));
    if (!found.name.empty()) return TextOf(*FindEmbedded(kind, found.name));
    absl::StatusOr<std::string> text = ReadTextFile(std::string(name));
    if (!text.ok()) return ErrorOfId(name);
    return NamedText{std::string(name), *std::move(text)};
  }
  if (IsPath(name)) {
    // Faults quote what they find in a file: one that another description names is
    // to be a description, not any file of the reader's.
    if (!relative_to.empty() && !absl::EndsWith(name, kSuffix)) {
      return absl::InvalidArgumentError(
          absl::StrCat(PrintablePath(relative_to), ": names the file \"",
                       PrintablePath(name), "\"; expected one that ends in ",
                       kSuffix));
    }
    std::string path(name);
    const size_t slash = relative_to.rfind('/');
    if (path[0] != '/' && slash != absl::string_view::npos) {
      path = absl::StrCat(relative_to.substr(0, slash + 1), path);
    }
    ASSIGN_OR_RETURN(std::string text, ReadTextFile(path));
    return NamedText{path, std::move(text)};
  }
  const KindInfo info = InfoOf(kind);
  // Names of the catalogue are folded ones; users type "Llama-3.1-8B".
  const EmbeddedFile* file = FindEmbedded(kind, FoldedName(name));
  if (file != nullptr) return TextOf(*file);
  if (HasAliases(kind)) {
    const FoundName found = FindName(name, NamesOfKind(kind));
    if (!found.others.empty()) {
      GiveNotice(absl::StrCat(info.noun, " \"", Printable(name), "\" taken as ",
                              found.name, "; also ",
                              absl::StrJoin(found.others, ", ")));
    }
    if (!found.name.empty()) return TextOf(*FindEmbedded(kind, found.name));
  }
  if (kind == SpecKind::kModel) RETURN_IF_ERROR(ErrorOfQuantised(name));
  std::vector<std::string> choices = CatalogNames(kind);
  if (HasAliases(kind)) {
    // Where digits differ, another model or machine is meant.
    choices.erase(std::remove_if(choices.begin(), choices.end(),
                                 [&](const std::string& choice) {
                                   return !MayMean(name, choice);
                                 }),
                  choices.end());
    if (NearNames(name, choices).empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "unknown ", info.noun, " \"", Printable(name), "\" ", info.list_hint));
    }
  }
  return absl::InvalidArgumentError(
      UnknownNameMessage(info.noun, name, choices, info.list_hint));
}

// Prefixes the ids of sources, and the references to them, with the file's
// name, so that sources of several files can be merged.
void QualifySources(const std::string& qualifier, Message* message) {
  const Reflection& reflection = *message->GetReflection();
  const Descriptor& type = *message->GetDescriptor();
  const bool is_source = &type == Source::descriptor();
  const bool is_constant = &type == Constant::descriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (field->is_repeated()) {
        for (int k = 0; k < reflection.FieldSize(*message, field); ++k) {
          QualifySources(qualifier,
                         reflection.MutableRepeatedMessage(message, field, k));
        }
      } else if (reflection.HasField(*message, field)) {
        QualifySources(qualifier, reflection.MutableMessage(message, field));
      }
    } else if ((is_source && field->name() == "id") ||
               (is_constant && field->name() == "source")) {
      const std::string id = reflection.GetString(*message, field);
      if (!id.empty()) {
        reflection.SetString(message, field, absl::StrCat(qualifier, ":", id));
      }
    }
  }
}

// Replaces a list of enum values or strings; the schemas have no other lists of
// scalars.
void OverlayList(const Message& over, const FieldDescriptor& field,
                 Message* base) {
  const Reflection& reflection = *over.GetReflection();
  const int size = reflection.FieldSize(over, &field);
  if (size == 0) return;
  reflection.ClearField(base, &field);
  for (int k = 0; k < size; ++k) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      reflection.AddString(base, &field,
                           reflection.GetRepeatedString(over, &field, k));
      continue;
    }
    reflection.AddEnumValue(base, &field,
                            reflection.GetRepeatedEnumValue(over, &field, k));
  }
}

// Overlays `over` on `base`: constants and scalars are replaced, messages and
// list entries of the same name are merged, other entries are appended.
void Overlay(const Message& over, Message* base) {
  const Reflection& reflection = *over.GetReflection();
  const Descriptor& type = *over.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->is_repeated() && field->message_type() == nullptr) {
      OverlayList(over, *field, base);
      continue;
    }
    if (field->is_repeated()) {
      // Where each name stands last in `base`: a search for each entry would take
      // minutes with files of the largest size.
      std::unordered_map<std::string, int> places;
      const int before = reflection.FieldSize(*base, field);
      for (int m = 0; m < before; ++m) {
        places[EntryName(reflection.GetRepeatedMessage(*base, field, m))] = m;
      }
      for (int k = 0; k < reflection.FieldSize(over, field); ++k) {
        const Message& entry = reflection.GetRepeatedMessage(over, field, k);
        const std::string name = EntryName(entry);
        const auto same = places.find(name);
        if (!name.empty() && same != places.end()) {
          Overlay(entry,
                  reflection.MutableRepeatedMessage(base, field, same->second));
          continue;
        }
        places[name] = reflection.FieldSize(*base, field);
        reflection.AddMessage(base, field)->CopyFrom(entry);
      }
      continue;
    }
    if (!reflection.HasField(over, field)) continue;
    if (field->message_type() != nullptr) {
      Message* target = reflection.MutableMessage(base, field);
      const Message& group = reflection.GetMessage(over, field);
      if (field->message_type() == Constant::descriptor()) {
        target->CopyFrom(group);
      } else {
        Overlay(group, target);
      }
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        reflection.SetString(base, field, reflection.GetString(over, field));
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection.SetEnumValue(base, field,
                                reflection.GetEnumValue(over, field));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(base, field, reflection.GetInt64(over, field));
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        reflection.SetInt32(base, field, reflection.GetInt32(over, field));
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection.SetDouble(base, field, reflection.GetDouble(over, field));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(base, field, reflection.GetBool(over, field));
        break;
      default:
        break;
    }
  }
}

// Results that follow from the catalogue alone, which never changes, so that
// processes that answer many questions work them out once. For several threads.
template <typename Value>
class Kept {
 public:
  // The value of that key, or nullptr.
  std::shared_ptr<const Value> Find(const std::string& key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : found->second;
  }
  void Keep(const std::string& key, const Value& value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    // A client that asks for everything must not make the process grow.
    if (values_.size() >= kMost) values_.clear();
    values_[key] = std::make_shared<const Value>(value);
  }

 private:
  static constexpr size_t kMost = 128;

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Value>> values_;
};

// One parsed file.
template <typename Spec>
struct ParsedFile {
  Spec spec;
  std::shared_ptr<const FieldLocations> locations;
  BareNumbers bare;
};

template <typename Spec>
ParsedFile<Spec> ParseAnew(const NamedText& text, bool may_be_partial,
                           std::vector<Fault>* faults) {
  ParsedFile<Spec> parsed;
  std::vector<Fault> moved;
  std::unique_ptr<FieldLocations> locations;
  const bool whole =
      ParseTextproto(text.text, text.file, &parsed.spec, &locations, faults,
                     text.embedded ? nullptr : &moved);
  parsed.locations = std::move(locations);
  for (const Fault& field : moved) GiveNotice(field.ToString());
  if (!text.embedded) parsed.bare = FillBareNumbers(text.file, &parsed.spec);
  ValidateFields(parsed.spec,
                 {text.file, parsed.locations.get(), whole && !may_be_partial},
                 faults);
  return parsed;
}

// Parses and checks the fields of one file; a base may fill in what is missing.
template <typename Spec>
ParsedFile<Spec> ParseFile(const NamedText& text, bool may_be_partial,
                           std::vector<Fault>* faults) {
  if (!text.embedded) return ParseAnew<Spec>(text, may_be_partial, faults);
  static auto* const kept = new Kept<ParsedFile<Spec>>;
  const std::string key = absl::StrCat(text.file, may_be_partial ? "+" : "");
  if (const auto found = kept->Find(key)) return *found;
  const size_t before = faults->size();
  ParsedFile<Spec> parsed = ParseAnew<Spec>(text, may_be_partial, faults);
  if (faults->size() == before) kept->Keep(key, parsed);
  return parsed;
}

void AddStatus(const absl::Status& status, absl::string_view file,
               absl::string_view path,
               const google::protobuf::TextFormat::ParseLocation& location,
               std::vector<Fault>* faults) {
  faults->push_back({std::string(file), location.line + 1, location.column + 1,
                     std::string(path), std::string(status.message())});
}

google::protobuf::TextFormat::ParseLocation LocationOf(
    const FieldLocations* locations, const Message& message,
    const char* field_name) {
  const FieldDescriptor* field =
      message.GetDescriptor()->FindFieldByName(field_name);
  if (locations == nullptr || field == nullptr) return {};
  return locations->GetLocation(field, -1);
}

// Loads a technology, with its own bases filled in and its sources qualified.
template <typename Technology>
void ResolveTechnology(SpecKind kind, const NamedText& text, int depth,
                       Technology* technology, std::vector<Fault>* faults) {
  ParsedFile<Technology> parsed =
      ParseFile<Technology>(text, /*may_be_partial=*/true, faults);
  const std::string base = parsed.spec.base();
  QualifySources(Qualifier(text.file), &parsed.spec);
  if (!base.empty()) {
    const auto location =
        LocationOf(parsed.locations.get(), parsed.spec, "base");
    absl::StatusOr<NamedText> found =
        depth >= kDeepestBase
            ? absl::InvalidArgumentError("bases are nested too deeply")
            : Find(kind, base, text.file);
    if (found.ok()) {
      ResolveTechnology(kind, *found, depth + 1, technology, faults);
    } else {
      AddStatus(found.status(), text.file, "base", location, faults);
    }
  }
  FinishBareNumbers(text.file, parsed.bare, *technology, &parsed.spec);
  Overlay(parsed.spec, technology);
}

// Finds the base of a runtime: a class or another runtime.
absl::StatusOr<NamedText> FindRuntimeBase(absl::string_view base,
                                          absl::string_view relative_to) {
  absl::StatusOr<NamedText> found =
      Find(SpecKind::kRuntimeClass, base, relative_to);
  if (found.ok() || IsPath(base)) return found;
  return Find(SpecKind::kRuntime, base, relative_to);
}

// Whether a file holds only fitted constants: all its sources are fits.
template <typename Spec>
bool HoldsFits(const Spec& spec) {
  return spec.sources_size() > 0 &&
         std::all_of(spec.sources().begin(), spec.sources().end(),
                     [](const Source& source) {
                       return source.kind() == Source::FITTED;
                     });
}

// How descriptions are put together.
struct Resolution {
  // Pass over files that hold only fitted constants.
  bool before_fits = false;
};

// Loads a runtime as it is on chips of `generation`: its base, then its own
// fields, then what its file says of that generation.
void ResolveRuntime(const NamedText& text, const std::string& generation,
                    const Resolution& resolution, int depth, Runtime* runtime,
                    std::vector<Fault>* faults) {
  ParsedFile<Runtime> parsed =
      ParseFile<Runtime>(text, /*may_be_partial=*/true, faults);
  const std::string base = parsed.spec.base();
  QualifySources(Qualifier(text.file), &parsed.spec);
  if (!base.empty()) {
    absl::StatusOr<NamedText> found =
        depth >= kDeepestBase
            ? absl::InvalidArgumentError("bases are nested too deeply")
            : FindRuntimeBase(base, text.file);
    if (found.ok()) {
      ResolveRuntime(*found, generation, resolution, depth + 1, runtime,
                     faults);
    } else {
      AddStatus(found.status(), text.file, "base",
                LocationOf(parsed.locations.get(), parsed.spec, "base"),
                faults);
    }
  }
  if (resolution.before_fits && HoldsFits(parsed.spec)) return;
  FinishBareNumbers(text.file, parsed.bare, *runtime, &parsed.spec);
  const google::protobuf::RepeatedPtrField<OnGeneration> variants =
      parsed.spec.on();
  parsed.spec.clear_on();
  Overlay(parsed.spec, runtime);
  for (const OnGeneration& variant : variants) {
    if (AppliesTo(variant, generation)) Overlay(variant.runtime(), runtime);
  }
}

// Loads a description that a machine refers to.
template <typename Technology>
void ResolvePart(SpecKind kind, const NamedText& text, const Hardware&,
                 const Resolution&, Technology* technology,
                 std::vector<Fault>* faults) {
  ResolveTechnology(kind, text, 0, technology, faults);
}
void ResolvePart(SpecKind, const NamedText& text, const Hardware& hardware,
                 const Resolution& resolution, Runtime* runtime,
                 std::vector<Fault>* faults) {
  ResolveRuntime(text, hardware.generation(), resolution, 0, runtime, faults);
}

// Replaces a technology or runtime inside a machine by its file, overlaid with
// the machine's own fields, and moves its sources to the machine. `path` and
// `locations` are those of the technology in the machine.
template <typename Technology>
void ResolveInPlace(SpecKind kind, absl::string_view file,
                    const std::string& path, const FieldLocations* locations,
                    const Resolution& resolution, Technology* technology,
                    Hardware* hardware, std::vector<Fault>* faults) {
  const std::string base = technology->base();
  if (base.empty()) return;
  absl::StatusOr<NamedText> found = Find(kind, base, file);
  if (!found.ok()) {
    AddStatus(found.status(), file, path + ".base",
              LocationOf(locations, *technology, "base"), faults);
    return;
  }
  Technology resolved;
  ResolvePart(kind, *found, *hardware, resolution, &resolved, faults);
  for (const Source& source : resolved.sources()) {
    bool known = false;
    for (const Source& other : hardware->sources()) {
      known |= other.id() == source.id();
    }
    if (!known) *hardware->add_sources() = source;
  }
  resolved.clear_sources();
  Overlay(*technology, &resolved);
  resolved.set_base(base);
  resolved.clear_name();
  *technology = std::move(resolved);
}

// Locations of the fields of the submessage `field_name` of `message`, or of
// its entry `index` if it is a list (-1 if not); nullptr if it is not in the
// file.
const FieldLocations* Descend(const FieldLocations* locations,
                              const Message& message, const char* field_name,
                              int index) {
  const FieldDescriptor* field =
      message.GetDescriptor()->FindFieldByName(field_name);
  if (locations == nullptr ||
      (index >= 0 &&
       index >= message.GetReflection()->FieldSize(message, field))) {
    return nullptr;
  }
  return locations->GetTreeForNested(field, index);
}

// The same of the entry of a list that has the name of `entry`; nullptr if it
// comes from a base.
const FieldLocations* DescendToEntry(const FieldLocations* locations,
                                     const Message& message,
                                     const char* field_name,
                                     const Message& entry) {
  const FieldDescriptor* field =
      message.GetDescriptor()->FindFieldByName(field_name);
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
    if (EntryName(reflection.GetRepeatedMessage(message, field, i)) ==
        EntryName(entry)) {
      return Descend(locations, message, field_name, i);
    }
  }
  return nullptr;
}

// Fills in the technologies of memory levels, engines and links, and the
// runtime, whose path is relative to `runtime_file`. Entries that come from a
// class have no location in the file.
void ResolveTechnologies(const ParsedFile<Hardware>& parsed,
                         absl::string_view file, absl::string_view runtime_file,
                         const Resolution& resolution, Hardware* hardware,
                         std::vector<Fault>* faults) {
  const FieldLocations* root = parsed.locations.get();
  for (int i = 0; i < hardware->memory_size(); ++i) {
    MemoryLevel* level = hardware->mutable_memory(i);
    const FieldLocations* place =
        DescendToEntry(root, parsed.spec, "memory", *level);
    ResolveInPlace(SpecKind::kMemoryTechnology, file,
                   EntryPath("memory", *level, i) + ".technology",
                   Descend(place, *level, "technology", -1), resolution,
                   level->mutable_technology(), hardware, faults);
  }
  for (int i = 0; i < hardware->engine_size(); ++i) {
    ComputeEngine* engine = hardware->mutable_engine(i);
    const FieldLocations* place =
        DescendToEntry(root, parsed.spec, "engine", *engine);
    const std::string path = EntryPath("engine", *engine, i);
    if (engine->has_logic()) {
      ResolveInPlace(SpecKind::kLogicTechnology, file, path + ".logic",
                     Descend(place, *engine, "logic", -1), resolution,
                     engine->mutable_logic(), hardware, faults);
    }
    if (engine->has_analog()) {
      ResolveInPlace(SpecKind::kCircuitTechnology, file, path + ".analog",
                     Descend(place, *engine, "analog", -1), resolution,
                     engine->mutable_analog(), hardware, faults);
    }
  }
  if (hardware->interconnect().has_technology()) {
    Interconnect* link = hardware->mutable_interconnect();
    const FieldLocations* place =
        Descend(root, parsed.spec, "interconnect", -1);
    ResolveInPlace(SpecKind::kLinkTechnology, file, "interconnect.technology",
                   Descend(place, *link, "technology", -1), resolution,
                   link->mutable_technology(), hardware, faults);
  }
  if (hardware->has_runtime()) {
    ResolveInPlace(SpecKind::kRuntime, runtime_file, "runtime",
                   Descend(root, parsed.spec, "runtime", -1), resolution,
                   hardware->mutable_runtime(), hardware, faults);
  }
}

// Finds the base of a machine: a class or another machine.
absl::StatusOr<NamedText> FindBase(absl::string_view base,
                                   absl::string_view relative_to) {
  absl::StatusOr<NamedText> found = Find(SpecKind::kClass, base, relative_to);
  if (found.ok() || IsPath(base)) return found;
  absl::StatusOr<NamedText> system = Find(SpecKind::kSystem, base, relative_to);
  return system.ok() ? system : found;
}

// Clears a group of a base that is of another technology than the one that the
// user's file names, and appends the paths of its numbers to `dropped`.
template <typename Technology>
void ClearOther(const std::string& path, const Technology& over,
                Technology* of_base, std::vector<std::string>* dropped) {
  if (over.base().empty() || of_base->base().empty() ||
      FoldedName(over.base()) == FoldedName(of_base->base())) {
    return;
  }
  ForEachConstant(*of_base,
                  [&](const std::string& below, const Constant&, const auto&) {
                    dropped->push_back(absl::StrCat(path, ".", below));
                  });
  of_base->Clear();
}

// The technology that a file names, with what the file says of it.
template <typename Technology>
Technology Named(SpecKind kind, const Technology& over,
                 absl::string_view relative_to) {
  Technology technology;
  const absl::StatusOr<NamedText> found = Find(kind, over.base(), relative_to);
  std::vector<Fault> reported_later;
  if (found.ok()) {
    ResolveTechnology(kind, *found, 0, &technology, &reported_later);
  }
  Overlay(over, &technology);
  return technology;
}

void YieldLevel(const MemoryLevel& over, absl::string_view file,
                MemoryLevel* of_base, std::vector<std::string>* dropped) {
  const std::string path = absl::StrCat("memory.", over.name());
  const bool differs = !over.technology().base().empty() &&
                       FoldedName(over.technology().base()) !=
                           FoldedName(of_base->technology().base());
  ClearOther(path + ".technology", over.technology(),
             of_base->mutable_technology(), dropped);
  if (!differs || !over.has_devices()) return;
  const MemoryTechnology technology =
      Named(SpecKind::kMemoryTechnology, over.technology(), file);
  if (technology.has_capacity_gb_per_device() && of_base->has_capacity_gb() &&
      !over.has_capacity_gb()) {
    of_base->clear_capacity_gb();
    dropped->push_back(path + ".capacity_gb");
  }
  if (technology.has_bandwidth_gb_per_s_per_device() &&
      of_base->has_bandwidth_gb_per_s() && !over.has_bandwidth_gb_per_s()) {
    of_base->clear_bandwidth_gb_per_s();
    of_base->clear_reference_clock_mhz();
    of_base->clear_clock_mhz();
    dropped->push_back(path + ".bandwidth_gb_per_s");
  }
}

void YieldEngine(const ComputeEngine& over, absl::string_view file,
                 ComputeEngine* of_base, std::vector<std::string>* dropped) {
  const std::string path = absl::StrCat("engine.", over.name());
  const bool differs =
      !over.logic().base().empty() &&
      FoldedName(over.logic().base()) != FoldedName(of_base->logic().base());
  if (over.has_analog()) {
    ClearOther(path + ".analog", over.analog(), of_base->mutable_analog(),
               dropped);
  }
  if (!differs) return;
  ClearOther(path + ".logic", over.logic(), of_base->mutable_logic(), dropped);
  const LogicTechnology logic =
      Named(SpecKind::kLogicTechnology, over.logic(), file);
  for (ComputeEngine::FormatRate& rate : *of_base->mutable_rate()) {
    const auto is_this = [&](const auto& other) {
      return other.format() == rate.format();
    };
    const bool is_given = std::any_of(
        over.rate().begin(), over.rate().end(), [&](const auto& other) {
          return is_this(other) && other.has_energy_pj_per_flop();
        });
    if (!rate.has_energy_pj_per_flop() || is_given ||
        std::none_of(logic.mac().begin(), logic.mac().end(), is_this)) {
      continue;
    }
    rate.clear_energy_pj_per_flop();
    dropped->push_back(
        absl::StrCat(path, ".rate.", rate.format(), ".energy_pj_per_flop"));
  }
}

// Where a file names a technology, its numbers win over those that the base
// gives for another technology: clears these in `base`, and tells the user.
void YieldToNamedTechnologies(const Hardware& over, const NamedText& text,
                              Hardware* base) {
  std::vector<std::string> dropped;
  for (const MemoryLevel& level : over.memory()) {
    for (MemoryLevel& of_base : *base->mutable_memory()) {
      if (level.name() != of_base.name() || !level.has_technology()) continue;
      YieldLevel(level, text.file, &of_base, &dropped);
    }
  }
  for (const ComputeEngine& engine : over.engine()) {
    for (ComputeEngine& of_base : *base->mutable_engine()) {
      if (engine.name() != of_base.name()) continue;
      YieldEngine(engine, text.file, &of_base, &dropped);
    }
  }
  const LinkTechnology& link = over.interconnect().technology();
  if (!link.base().empty() && base->has_interconnect()) {
    Interconnect* of_base = base->mutable_interconnect();
    const bool differs =
        FoldedName(link.base()) != FoldedName(of_base->technology().base());
    ClearOther("interconnect.technology", link, of_base->mutable_technology(),
               &dropped);
    if (differs && of_base->has_energy_pj_per_bit()) {
      of_base->clear_energy_pj_per_bit();
      dropped.push_back("interconnect.energy_pj_per_bit");
    }
  }
  if (dropped.empty() || text.embedded) return;
  GiveNotice(absl::StrCat(
      PrintablePath(text.file),
      ": the technologies that it names win over these numbers of base ",
      over.base(), ": ", absl::StrJoin(dropped, ", ")));
}

// Bandwidth of a level whose technology is not filled in yet, GB/s; 0 if it is
// not given.
double BandwidthOf(const MemoryLevel& level, absl::string_view file) {
  if (level.has_bandwidth_gb_per_s()) return level.bandwidth_gb_per_s().value();
  if (!level.has_devices()) return 0;
  return level.devices().value() *
         Named(SpecKind::kMemoryTechnology, level.technology(), file)
             .bandwidth_gb_per_s_per_device()
             .value();
}

// Puts the levels that a file adds to its base in their places, and those for
// which it says a `place`.
void PlaceLevels(const ParsedFile<Hardware>& parsed, absl::string_view file,
                 const std::vector<std::string>& levels_of_base,
                 Hardware* hardware, std::vector<Fault>* faults) {
  std::vector<MemoryLevel> levels(hardware->memory().begin(),
                                  hardware->memory().end());
  const auto find = [&](const std::string& name) {
    return std::find_if(
        levels.begin(), levels.end(),
        [&](const MemoryLevel& level) { return level.name() == name; });
  };
  for (int i = 0; i < parsed.spec.memory_size(); ++i) {
    const MemoryLevel& given = parsed.spec.memory(i);
    const bool is_new = !levels_of_base.empty() &&
                        std::find(levels_of_base.begin(), levels_of_base.end(),
                                  given.name()) == levels_of_base.end();
    if (!is_new && !given.has_place()) continue;
    const auto at = find(given.name());
    if (at == levels.end()) continue;
    MemoryLevel level = *at;
    levels.erase(at);
    level.clear_place();
    if (!given.has_place()) {
      const double bandwidth = BandwidthOf(level, file);
      const auto before = std::find_if(
          levels.begin(), levels.end(), [&](const MemoryLevel& other) {
            return bandwidth > 0 && BandwidthOf(other, file) > bandwidth;
          });
      levels.insert(before, std::move(level));
      continue;
    }
    const Place& place = given.place();
    const bool is_before = !place.before().empty();
    const std::string& other = is_before ? place.before() : place.after();
    const auto neighbour = find(other);
    const std::string path =
        absl::StrCat(EntryPath("memory", given, i), ".place");
    const auto location =
        LocationOf(Descend(parsed.locations.get(), parsed.spec, "memory", i),
                   given, "place");
    if (is_before != place.after().empty()) {
      AddStatus(absl::InvalidArgumentError(
                    "expected exactly one of before and after, with the name "
                    "of another level"),
                file, path, location, faults);
    } else if (neighbour == levels.end()) {
      std::vector<std::string> names;
      for (const MemoryLevel& one : levels) names.push_back(one.name());
      AddStatus(absl::InvalidArgumentError(
                    UnknownNameMessage("memory level", other, names, "")),
                file, path, location, faults);
    } else {
      levels.insert(is_before ? neighbour : neighbour + 1, std::move(level));
      continue;
    }
    levels.push_back(std::move(level));
  }
  hardware->clear_memory();
  for (MemoryLevel& level : levels) *hardware->add_memory() = std::move(level);
}

// Resolves a machine by overlaying it on its class. `runtime` takes the place
// of the machine's own, if it is not empty.
void ResolveAnew(const NamedText& text, const std::string& runtime,
                 const Resolution& resolution, int depth, Hardware* hardware,
                 std::vector<Fault>* faults);

// The same, from what is known of the catalogue's machines already.
void ResolveHardware(const NamedText& text, const std::string& runtime,
                     const Resolution& resolution, Hardware* hardware,
                     std::vector<Fault>* faults) {
  if (!text.embedded || IsPath(runtime)) {
    ResolveAnew(text, runtime, resolution, 0, hardware, faults);
    return;
  }
  static auto* const kept = new Kept<Hardware>;
  const std::string key = absl::StrCat(
      text.file, " ", runtime, resolution.before_fits ? " before fits" : "");
  if (const auto found = kept->Find(key)) {
    *hardware = *found;
    return;
  }
  const size_t before = faults->size();
  ResolveAnew(text, runtime, resolution, 0, hardware, faults);
  if (faults->size() == before) kept->Keep(key, *hardware);
}

void ResolveAnew(const NamedText& text, const std::string& runtime,
                 const Resolution& resolution, int depth, Hardware* hardware,
                 std::vector<Fault>* faults) {
  ParsedFile<Hardware> parsed =
      ParseFile<Hardware>(text, /*may_be_partial=*/true, faults);
  const std::string base = parsed.spec.base();
  const auto location = LocationOf(parsed.locations.get(), parsed.spec, "base");
  QualifySources(Qualifier(text.file), &parsed.spec);
  if (!base.empty()) {
    absl::StatusOr<NamedText> found =
        depth >= kDeepestBase
            ? absl::InvalidArgumentError("bases are nested too deeply")
            : FindBase(base, text.file);
    if (found.ok()) {
      ResolveAnew(*found, runtime, resolution, depth + 1, hardware, faults);
      hardware->clear_aliases();
    } else {
      AddStatus(found.status(), text.file, "base", location, faults);
    }
  }
  if (resolution.before_fits && HoldsFits(parsed.spec)) {
    hardware->set_name(parsed.spec.name());
  } else {
    FinishBareNumbers(text.file, parsed.bare, *hardware, &parsed.spec);
    std::vector<std::string> levels_of_base;
    for (const MemoryLevel& level : hardware->memory()) {
      levels_of_base.push_back(level.name());
    }
    YieldToNamedTechnologies(parsed.spec, text, hardware);
    Overlay(parsed.spec, hardware);
    PlaceLevels(parsed, text.file, levels_of_base, hardware, faults);
  }
  if (depth > 0) return;
  if (!runtime.empty()) {
    hardware->clear_runtime();
    hardware->mutable_runtime()->set_base(runtime);
    parsed.spec.clear_runtime();
  }
  // A path from the command line does not depend on the machine's file.
  ResolveTechnologies(parsed, text.file,
                      runtime.empty() ? absl::string_view(text.file) : "",
                      resolution, hardware, faults);
}

// Applies --set; faults show the path as the user wrote it.
void ApplyOverrides(absl::Span<const FieldOverride> overrides,
                    absl::string_view root_name, Message* root,
                    std::vector<Fault>* faults) {
  for (const FieldOverride& change : overrides) {
    if (change.path == "base" || absl::EndsWith(change.path, ".base")) {
      faults->push_back({"--set", 0, 0,
                         absl::StrCat(root_name, ".", Printable(change.path)),
                         "is read before anything is set; write a file with "
                         "another base"});
      continue;
    }
    absl::Status status = SetField(root, change.path, change.value, kSetSource);
    if (!status.ok()) {
      faults->push_back({"--set", 0, 0,
                         absl::StrCat(root_name, ".", Printable(change.path)),
                         std::string(status.message())});
    }
  }
}

template <typename Spec>
void AddSetSource(absl::Span<const FieldOverride> overrides, Spec* spec) {
  if (overrides.empty()) return;
  Source* source = spec->add_sources();
  source->set_id(std::string(kSetSource));
  source->set_kind(Source::ASSUMPTION);
  source->set_citation("given with --set on the command line");
  source->set_date("now");
}

// `together` is whether fields must also go together.
absl::StatusOr<Model> FinishModel(const NamedText& text,
                                  absl::Span<const FieldOverride> overrides,
                                  bool together = true) {
  std::vector<Fault> faults;
  ParsedFile<Model> parsed =
      ParseFile<Model>(text, /*may_be_partial=*/false, &faults);
  // Missing fields would be reported again, and checks of an incomplete model
  // are meaningless.
  RETURN_IF_ERROR(FaultsToStatus(faults));
  AddSetSource(overrides, &parsed.spec);
  ApplyOverrides(overrides, "model", &parsed.spec, &faults);
  FinishBareNumbers(text.file, parsed.bare, Model(), &parsed.spec);
  const ValidateOptions options = {text.file, nullptr, true};
  if (!overrides.empty()) ValidateFields(parsed.spec, options, &faults);
  if (faults.empty() && together) ValidateModel(parsed.spec, options, &faults);
  RETURN_IF_ERROR(FaultsToStatus(faults));
  return std::move(parsed.spec);
}

// Adds to missing fields of memory levels and engines that a file does not
// mention that its base leaves them open: users may call their own by another
// name.
void NameOpenEntries(const NamedText& text, std::vector<Fault>* faults) {
  Hardware own;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> reported;
  ParseTextproto(text.text, text.file, &own, &locations, &reported, &reported);
  if (own.base().empty()) return;
  const auto add = [&](absl::string_view list, const auto& entries) {
    std::vector<std::string> names;
    for (const auto& entry : entries) names.push_back(entry.name());
    for (Fault& fault : *faults) {
      const std::vector<std::string> steps =
          absl::StrSplit(fault.path, absl::MaxSplits('.', 2));
      if (!absl::StartsWith(fault.message, "is missing") || steps.size() < 2 ||
          steps[0] != list ||
          std::find(names.begin(), names.end(), steps[1]) != names.end()) {
        continue;
      }
      absl::StrAppend(&fault.message, "; base ", Printable(own.base()),
                      " leaves it open: give it in a ", list, " called \"",
                      steps[1], "\" (this file has ",
                      names.empty() ? "none" : absl::StrJoin(names, ", "), ")");
    }
  };
  add("memory", own.memory());
  add("engine", own.engine());
}

// Loads a machine that is a part of another, its host or a stage, and gives its
// sources to that machine, too.
void ResolveWithin(absl::string_view name, absl::string_view file,
                   const std::string& runtime, const Resolution& resolution,
                   absl::string_view path, Hardware* part, Hardware* hardware,
                   std::vector<Fault>* faults) {
  // A path from the command line does not depend on the machine's file.
  absl::StatusOr<NamedText> found = Find(SpecKind::kSystem, name, "");
  if (!found.ok()) {
    faults->push_back({std::string(file), 0, 0, std::string(path),
                       std::string(found.status().message())});
    return;
  }
  ResolveHardware(*found, runtime, resolution, part, faults);
  for (const Source& source : part->sources()) {
    bool known = false;
    for (const Source& other : hardware->sources()) {
      known |= other.id() == source.id();
    }
    if (!known) *hardware->add_sources() = source;
  }
}

absl::StatusOr<Hardware> FinishHardware(
    const NamedText& text, absl::Span<const FieldOverride> overrides,
    const Resolution& resolution = {}) {
  std::vector<Fault> faults;
  Hardware hardware;
  // The last runtime that is named takes the place of the machine's own; other
  // changes are made to the result.
  std::string runtime;
  absl::optional<std::string> host;
  std::vector<std::string> stages;
  std::vector<FieldOverride> changes;
  for (const FieldOverride& change : overrides) {
    if (change.path == kRuntimePath) {
      runtime = change.value;
    } else if (change.path == kHostPath) {
      host = change.value;
    } else if (change.path == kStagePath) {
      stages.push_back(change.value);
    } else {
      changes.push_back(change);
    }
  }
  ResolveHardware(text, runtime, resolution, &hardware, &faults);
  for (const std::string& stage : stages) {
    ResolveWithin(stage, text.file, runtime, resolution, kStagePath,
                  hardware.add_stage(), &hardware, &faults);
  }
  if (host.has_value()) {
    if (host->empty()) host = hardware.usual_host();
    if (host->empty()) {
      faults.push_back({text.file, 0, 0, std::string(kHostPath),
                        "the machine has no usual host; name one with --host"});
    } else {
      ResolveWithin(*host, text.file, "", resolution, kHostPath,
                    hardware.mutable_host(), &hardware, &faults);
    }
  }
  RETURN_IF_ERROR(FaultsToStatus(faults));
  AddSetSource(changes, &hardware);
  ApplyOverrides(changes, "hardware", &hardware, &faults);
  const ValidateOptions options = {text.file, nullptr, true};
  ValidateFields(hardware, options, &faults);
  if (faults.empty()) ValidateHardware(hardware, options, &faults);
  if (!faults.empty()) NameOpenEntries(text, &faults);
  RETURN_IF_ERROR(FaultsToStatus(faults));
  return hardware;
}

}  // namespace

absl::Span<const CatalogNamesOf> NamesOfKind(SpecKind kind) {
  static const auto* const names = [] {
    auto* all = new std::map<SpecKind, std::vector<CatalogNamesOf>>;
    for (const SpecKind one : {SpecKind::kModel, SpecKind::kSystem}) {
      const KindInfo info = InfoOf(one);
      for (const EmbeddedFile& file : EmbeddedFiles()) {
        if (!IsOfKind(file, info)) continue;
        (*all)[one].push_back(ReadNames(Stem(file.path), file.content));
      }
    }
    return all;
  }();
  const auto found = names->find(kind);
  if (found == names->end()) return {};
  return found->second;
}

std::vector<std::string> CatalogNames(SpecKind kind) {
  const KindInfo info = InfoOf(kind);
  std::vector<std::string> names;
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    if (IsOfKind(file, info)) {
      names.push_back(Stem(file.path));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

namespace {

ModelImporter& TheModelImporter() {
  static ModelImporter importer;
  return importer;
}

// The text of a model, imported where that is needed.
absl::StatusOr<NamedText> FindModelText(absl::string_view name) {
  const bool in_catalog =
      FindEmbedded(SpecKind::kModel, FoldedName(name)) != nullptr;
  const ModelImporter& importer = TheModelImporter();
  if (!in_catalog && importer.accepts != nullptr && importer.accepts(name)) {
    ASSIGN_OR_RETURN(const std::string imported, importer.read(name));
    return NamedText{std::string(name), imported};
  }
  return Find(SpecKind::kModel, name, "");
}

}  // namespace

void SetModelImporter(const ModelImporter& importer) {
  TheModelImporter() = importer;
}

absl::StatusOr<Model> LoadModel(absl::string_view name,
                                absl::Span<const FieldOverride> overrides) {
  ASSIGN_OR_RETURN(const NamedText text, FindModelText(name));
  return FinishModel(text, overrides);
}

absl::Status CheckModelFields(absl::string_view name,
                              absl::Span<const FieldOverride> overrides) {
  ASSIGN_OR_RETURN(const NamedText text, FindModelText(name));
  return FinishModel(text, overrides, /*together=*/false).status();
}

absl::StatusOr<Hardware> LoadHardware(
    absl::string_view name, absl::Span<const FieldOverride> overrides) {
  ASSIGN_OR_RETURN(const NamedText text, Find(SpecKind::kSystem, name, ""));
  return FinishHardware(text, overrides);
}

absl::StatusOr<std::vector<HardwareFile>> LoadHardwareFiles(
    absl::string_view name) {
  std::vector<HardwareFile> files;
  ASSIGN_OR_RETURN(NamedText text, Find(SpecKind::kSystem, name, ""));
  while (true) {
    std::vector<Fault> faults;
    ParsedFile<Hardware> parsed =
        ParseFile<Hardware>(text, /*may_be_partial=*/true, &faults);
    RETURN_IF_ERROR(FaultsToStatus(faults));
    const std::string base = parsed.spec.base();
    files.push_back({Qualifier(text.file), std::move(parsed.spec)});
    if (base.empty() || files.size() > kDeepestBase) return files;
    ASSIGN_OR_RETURN(text, FindBase(base, text.file));
  }
}

absl::StatusOr<Hardware> LoadBase(absl::string_view base) {
  ASSIGN_OR_RETURN(const NamedText text, FindBase(base, ""));
  std::vector<Fault> faults;
  Hardware hardware;
  ResolveHardware(text, "", {}, &hardware, &faults);
  RETURN_IF_ERROR(FaultsToStatus(faults));
  return hardware;
}

namespace {

// Checks across the fields of a technology.
template <typename Technology>
void ValidateTechnology(const Technology&, const ValidateOptions&,
                        std::vector<Fault>*) {}
void ValidateTechnology(const AnalogCircuit& circuit,
                        const ValidateOptions& options,
                        std::vector<Fault>* faults) {
  ValidateCircuit(circuit, options, faults);
}

template <typename Technology>
absl::StatusOr<Technology> LoadAnyTechnology(SpecKind kind,
                                             absl::string_view name) {
  ASSIGN_OR_RETURN(const NamedText text, Find(kind, name, ""));
  std::vector<Fault> faults;
  Technology technology;
  ResolveTechnology(kind, text, 0, &technology, &faults);
  const ValidateOptions options = {text.file, nullptr, faults.empty()};
  ValidateFields(technology, options, &faults);
  if (faults.empty()) ValidateTechnology(technology, options, &faults);
  RETURN_IF_ERROR(FaultsToStatus(faults));
  return technology;
}

}  // namespace

absl::StatusOr<MemoryTechnology> LoadMemoryTechnology(absl::string_view name) {
  return LoadAnyTechnology<MemoryTechnology>(SpecKind::kMemoryTechnology, name);
}

bool AppliesTo(const OnGeneration& on, const std::string& generation) {
  const auto& names = on.generation();
  return std::find(names.begin(), names.end(), generation) != names.end();
}

namespace {

absl::StatusOr<Runtime> LoadAnyRuntime(SpecKind kind, absl::string_view name,
                                       const std::string& generation) {
  ASSIGN_OR_RETURN(const NamedText text, Find(kind, name, ""));
  std::vector<Fault> faults;
  Runtime runtime;
  ResolveRuntime(text, generation, {}, 0, &runtime, &faults);
  ValidateFields(runtime, {text.file, nullptr, faults.empty()}, &faults);
  RETURN_IF_ERROR(FaultsToStatus(faults));
  return runtime;
}

}  // namespace

absl::StatusOr<Runtime> LoadRuntime(absl::string_view name,
                                    const std::string& generation) {
  return LoadAnyRuntime(SpecKind::kRuntime, name, generation);
}

absl::StatusOr<Runtime> LoadRuntimeClass(absl::string_view name) {
  return LoadAnyRuntime(SpecKind::kRuntimeClass, name, "");
}

const Evidence& FittedEvidence() {
  static const Evidence* const evidence = [] {
    auto* loaded = new Evidence;
    for (const EmbeddedFile& file : EmbeddedFiles()) {
      if (file.path != "runtimes/evidence.textproto") continue;
      std::vector<Fault> faults;
      *loaded = ParseFile<Evidence>(
                    {std::string(file.path), std::string(file.content)},
                    /*may_be_partial=*/false, &faults)
                    .spec;
      if (!faults.empty()) loaded->Clear();
    }
    return loaded;
  }();
  return *evidence;
}

absl::StatusOr<Hardware> LoadHardwareBeforeFits(
    absl::string_view name, absl::Span<const FieldOverride> overrides) {
  ASSIGN_OR_RETURN(const NamedText text, Find(SpecKind::kSystem, name, ""));
  Resolution resolution;
  resolution.before_fits = true;
  return FinishHardware(text, overrides, resolution);
}

absl::StatusOr<Runtime> LoadRuntimeFile(SpecKind kind, absl::string_view name) {
  ASSIGN_OR_RETURN(const NamedText text, Find(kind, name, ""));
  std::vector<Fault> faults;
  ParsedFile<Runtime> parsed =
      ParseFile<Runtime>(text, /*may_be_partial=*/true, &faults);
  RETURN_IF_ERROR(FaultsToStatus(faults));
  return std::move(parsed.spec);
}

absl::StatusOr<LogicTechnology> LoadLogicTechnology(absl::string_view name) {
  return LoadAnyTechnology<LogicTechnology>(SpecKind::kLogicTechnology, name);
}

absl::Status Overrides::Add(absl::string_view path, absl::string_view value) {
  const std::pair<absl::string_view, absl::string_view> halves =
      absl::StrSplit(path, absl::MaxSplits('.', 1));
  const auto& [root, below] = halves;
  // The runtime is a part of the machine that it serves on.
  if (root == kRuntimePath) {
    hardware.push_back({std::string(path), std::string(value)});
    return absl::OkStatus();
  }
  std::vector<FieldOverride>* const of_root = root == "model"      ? &model
                                              : root == "hardware" ? &hardware
                                              : root == "scenario" ? &scenario
                                                                   : nullptr;
  if (of_root == nullptr) {
    return absl::InvalidArgumentError(UnknownNameMessage(
        "root", root, {"model", "hardware", "runtime", "scenario"}, ""));
  }
  of_root->push_back({std::string(below), std::string(value)});
  return absl::OkStatus();
}

absl::Status Overrides::AddAssignment(absl::string_view assignment) {
  const size_t equals = assignment.find('=');
  const size_t dot = assignment.find('.');
  if (equals == absl::string_view::npos || dot == absl::string_view::npos ||
      dot > equals) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ROOT.PATH=VALUE, e.g. "
                     "hardware.memory.hbm.bandwidth_gb_per_s=4000, found \"",
                     Printable(assignment), "\""));
  }
  return Add(assignment.substr(0, equals), assignment.substr(equals + 1));
}

absl::StatusOr<NamedText> ReadSpaceText(absl::string_view name) {
  return Find(SpecKind::kSpace, name, "");
}

absl::StatusOr<NamedText> ReadStudyText(absl::string_view name) {
  return Find(SpecKind::kStudy, name, "");
}

absl::StatusOr<AnalogCircuit> LoadCircuitTechnology(absl::string_view name) {
  return LoadAnyTechnology<AnalogCircuit>(SpecKind::kCircuitTechnology, name);
}

absl::StatusOr<LinkTechnology> LoadLinkTechnology(absl::string_view name) {
  return LoadAnyTechnology<LinkTechnology>(SpecKind::kLinkTechnology, name);
}

absl::StatusOr<Model> ParseModel(absl::string_view text, absl::string_view file,
                                 absl::Span<const FieldOverride> overrides) {
  return FinishModel({std::string(file), std::string(text)}, overrides);
}

absl::StatusOr<Hardware> ParseHardware(
    absl::string_view text, absl::string_view file,
    absl::Span<const FieldOverride> overrides) {
  return FinishHardware({std::string(file), std::string(text)}, overrides);
}

namespace {

// Editors of some systems begin UTF-8 files with a byte order mark.
std::string WithoutMark(std::string text) {
  constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (absl::StartsWith(text, kByteOrderMark)) {
    text.erase(0, kByteOrderMark.size());
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& path,
                                         size_t most_bytes) {
  const auto too_long = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat(PrintablePath(path), ": is longer than ", most_bytes,
                     " bytes; expected a description"));
  };
  if (const std::string* document = FindDocument(path)) {
    if (document->size() > most_bytes) return too_long();
    return WithoutMark(*document);
  }
  if (!FilesAreOpen()) return ClosedFilesError(path);
  const auto unreadable = [&] {
    return absl::InvalidArgumentError(absl::StrCat(
        PrintablePath(path), ": cannot be read: ", std::strerror(errno)));
  };
  // A pipe that nobody writes to is empty; opening it must not wait for a writer,
  // but reading waits for one that is there.
  const int descriptor = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0 || fcntl(descriptor, F_SETFL, 0) != 0) return unreadable();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      fdopen(descriptor, "rb"), std::fclose);
  if (file == nullptr) return unreadable();
  std::string text;
  std::vector<char> block(1 << 16);
  while (text.size() <= most_bytes) {
    const size_t got = std::fread(block.data(), 1, block.size(), file.get());
    text.append(block.data(), got);
    if (got == block.size()) continue;
    if (std::ferror(file.get()) != 0) return unreadable();
    break;
  }
  if (text.size() > most_bytes) return too_long();
  return WithoutMark(std::move(text));
}

}  // namespace tokenjoule
