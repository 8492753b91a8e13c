#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "analyzer/description/faults.h"
#include "analyzer/import/hf_matching.h"
#include "analyzer/import/hf_method_fields.h"
#include "analyzer/import/hf_methods.h"

namespace tokenjoule {
namespace {

// A scheme of weights.
struct Scheme {
  int64_t bits = 8;
  bool is_float = false;
  // tensor, channel, group, tensor_group, block
  std::string strategy = "tensor";
  int64_t group = 0;
  bool is_symmetric = true;
  // Of strategy "block".
  std::string block = "fp8-block128";
  // Activations are integers too.
  bool has_integer_activations = false;
};

// The scheme of a preset's name; nothing if there is none.
absl::optional<Scheme> PresetScheme(absl::string_view name,
                                    std::string* format) {
  Scheme scheme;
  const auto integer = [&](int64_t bits, int64_t group, bool is_symmetric,
                           bool has_integer_activations) {
    scheme.bits = bits;
    scheme.group = group;
    scheme.strategy = group > 0 ? "group" : "channel";
    scheme.is_symmetric = is_symmetric;
    scheme.has_integer_activations = has_integer_activations;
    return scheme;
  };
  const auto real = [&](int64_t bits, const char* strategy, int64_t group) {
    scheme.bits = bits;
    scheme.is_float = true;
    scheme.strategy = strategy;
    scheme.group = group;
    return scheme;
  };
  const std::string upper = absl::AsciiStrToUpper(name);
  if (upper == "W8A16") return integer(8, 0, true, false);
  if (upper == "W4A16") return integer(4, 128, true, false);
  if (upper == "W4A16_ASYM") return integer(4, 128, false, false);
  if (upper == "W8A8" || upper == "INT8") return integer(8, 0, true, true);
  if (upper == "W4A8" || upper == "W4AFP8") return integer(4, 128, true, false);
  if (upper == "FP8") return real(8, "tensor", 0);
  if (upper == "FP8_DYNAMIC") return real(8, "channel", 0);
  if (upper == "FP8_BLOCK") return real(8, "block", 0);
  if (upper == "NVFP4" || upper == "NVFP4A16") {
    *format = "nvfp4-pack-quantized";
    return real(4, "tensor_group", 16);
  }
  if (upper == "MXFP4" || upper == "MXFP4A16") {
    *format = "mxfp4-pack-quantized";
    return real(4, "group", 32);
  }
  if (upper == "MXFP8" || upper == "MXFP8A16") {
    *format = "mxfp8-quantized";
    return real(8, "group", 32);
  }
  return absl::nullopt;
}

// Reads `weights` of a group.
absl::optional<Scheme> ReadScheme(const JsonReader& group) {
  const JsonReader weights = group.Object("weights");
  Scheme scheme;
  if (weights.Has("num_bits")) scheme.bits = weights.Int("num_bits", {1, 16});
  if (weights.Has("type")) {
    const std::string type = weights.String("type");
    scheme.is_float = type == "float";
    if (!scheme.is_float && type != "int") {
      weights.AddFault("type", absl::StrCat("found \"", Printable(type),
                                            "\"; expected int or float"));
      return absl::nullopt;
    }
  }
  const absl::optional<int64_t> size = ReadGroup(weights, "group_size", -2);
  if (!size.has_value() || scheme.bits == 0) return absl::nullopt;
  scheme.group = *size > 0 ? *size : 0;
  scheme.is_symmetric = Flag(weights, "symmetric", true);
  if (weights.Has("strategy")) {
    scheme.strategy = weights.String("strategy");
  } else {
    scheme.strategy = weights.Has("block_structure") ? "block"
                      : *size == -2                  ? "tensor"
                      : *size == 0                   ? "channel"
                                                     : "group";
  }
  constexpr absl::string_view kStrategies[] = {"tensor", "channel", "group",
                                               "tensor_group", "block"};
  if (!absl::c_linear_search(kStrategies, scheme.strategy)) {
    weights.AddFault("strategy",
                     absl::StrCat("found \"", Printable(scheme.strategy),
                                  "\"; expected tensor, channel, group, "
                                  "tensor_group or block"));
    return absl::nullopt;
  }
  if (absl::StrContains(scheme.strategy, "group") && scheme.group == 0) {
    weights.AddFault("group_size", "expected values per scale");
    return absl::nullopt;
  }
  if (scheme.strategy == "block") {
    const Format block = ReadFp8Block(weights, "block_structure");
    if (!block.has_value()) return absl::nullopt;
    scheme.block = *block;
  }
  if (group.IsObject("input_activations")) {
    const JsonReader activations = group.Object("input_activations");
    scheme.has_integer_activations =
        !activations.Has("type") || activations.IsString("type", "int");
  }
  return scheme;
}

// How weights of this scheme are stored by default.
std::string UsualLayout(const Scheme& scheme) {
  if (!scheme.is_float) {
    return scheme.bits == 8 && scheme.group == 0 ? "int-quantized"
                                                 : "pack-quantized";
  }
  if (scheme.bits == 8) return "float-quantized";
  return scheme.group == 16 ? "nvfp4-pack-quantized" : "mxfp4-pack-quantized";
}

// The format of weights of a scheme in a layout ("pack-quantized").
Format StoredScheme(const JsonReader& reader, const Scheme& scheme,
                    const std::string& layout) {
  const bool has_groups = absl::StrContains(scheme.strategy, "group");
  const int64_t group = has_groups ? scheme.group : 0;
  const auto refuse = [&](absl::string_view why) {
    reader.AddFault("format", absl::StrCat("found \"", Printable(layout), "\"",
                                           why, kQuantisationAdvice));
    return absl::nullopt;
  };
  if (layout == "dense" || layout == "fakequant") return "";
  if (layout == "nvfp4-pack-quantized") return "nvfp4";
  if (layout == "mxfp4-pack-quantized") return "mxfp4";
  if (layout == "mxfp8-quantized") return "mxfp8";
  if (layout == "pack-quantized" && !scheme.is_float && scheme.bits >= 2 &&
      scheme.bits <= 8) {
    return Integer(scheme.bits, group, scheme.is_symmetric ? "-sym" : "");
  }
  const bool is_naive = layout == "naive-quantized";
  if ((layout == "int-quantized" || is_naive) && !scheme.is_float &&
      scheme.bits <= 8) {
    // One byte per value, however few bits it uses.
    if (group > 0) {
      return Integer(8, group, scheme.is_symmetric ? "-sym" : "");
    }
    return scheme.has_integer_activations ? "int8" : "int8-w8a16";
  }
  if ((layout == "float-quantized" || is_naive) && scheme.is_float &&
      scheme.bits == 8 && !has_groups) {
    return scheme.strategy == "block" ? scheme.block : "fp8";
  }
  for (const absl::string_view known : {"pack-quantized", "int-quantized",
                                        "float-quantized", "naive-quantized"}) {
    if (layout == known) {
      return refuse(absl::StrCat(
          " with ", scheme.bits, " bits of type ",
          scheme.is_float ? "float" : "int", " by ", scheme.strategy,
          "; expected int of 2 to 8 bits packed, int of 8 bits, or fp8 by "
          "tensor, channel or block"));
    }
  }
  if (absl::StrContains(layout, "24") || absl::StartsWith(layout, "sparse")) {
    return refuse(
        ", whose weights are stored sparse, which the schema cannot express; "
        "expected a dense format, as pack-quantized");
  }
  return refuse(
      "; expected pack-quantized, int-quantized, float-quantized, "
      "naive-quantized, nvfp4-pack-quantized, mxfp4-pack-quantized, "
      "mxfp8-quantized, mixed-precision or dense");
}

void CheckSparsity(const JsonReader& reader) {
  if (!reader.IsObject("sparsity_config")) return;
  const JsonReader sparsity = reader.Object("sparsity_config");
  const std::string format = Word(sparsity, "format");
  if (format.empty() || format == "dense") return;
  sparsity.AddFault(
      "format",
      absl::StrCat("found \"", Printable(format),
                   "\": the weights are stored sparse, which the schema cannot "
                   "express; expected \"dense\"",
                   kQuantisationAdvice));
}

// Whether the weights are stored in 16 bits although there are schemes; a note
// says so.
bool IsStoredUnquantised(const JsonReader& reader) {
  const std::string layout = Word(reader, "format");
  const std::string status =
      absl::AsciiStrToLower(Word(reader, "quantization_status"));
  std::string why;
  if (!status.empty() && status != "compressed") {
    why = absl::StrCat("quantization_status is ", Printable(status));
    constexpr absl::string_view kKnown[] = {"initialized", "calibration",
                                            "frozen"};
    if (!absl::c_linear_search(kKnown, status)) {
      reader.AddFault("quantization_status",
                      absl::StrCat("found \"", Printable(status),
                                   "\"; expected compressed, initialized, "
                                   "calibration or frozen"));
    }
  } else if (layout == "dense" || layout == "fakequant") {
    why = absl::StrCat("format is ", layout);
  } else {
    return false;
  }
  reader.AddNote(absl::StrCat(
      "The quantisation is not applied to the stored weights, because ", why,
      ": they are taken as unquantised."));
  return true;
}

// One of `config_groups`.
struct SchemeGroup {
  // Names and expressions of modules.
  ModuleList modules;
  bool has_linear = false;
  bool has_embedding = false;
  // Empty: keeps its modules.
  std::string format;
};

// Reads the targets of a group: names, expressions and classes of modules.
void ReadTargets(const JsonReader& reader, absl::string_view field,
                 SchemeGroup* group) {
  if (!reader.Has(field)) {
    reader.AddFault(field, "is missing; expected a list of modules");
    return;
  }
  for (const std::string& target :
       reader.Strings(field).value_or(std::vector<std::string>())) {
    if (target == "Linear") {
      group->has_linear = true;
      continue;
    }
    if (target == "Embedding") {
      group->has_embedding = true;
      continue;
    }
    group->modules.Add(reader, field, target, EntryStyle::kExact);
    // An expression may also fit the class.
    absl::string_view text = target;
    if (absl::ConsumePrefix(&text, "re:") &&
        absl::StrContains(text, "Linear")) {
      const absl::optional<Pattern> pattern =
          Pattern::Make(reader, field, text);
      if (pattern.has_value() && pattern->MatchesAll("Linear")) {
        group->has_linear = true;
      }
    }
  }
}

// Sets the format of a group with a scheme. `own_layout` is the group's, which
// may be empty. Returns false after a fault.
bool SetFormat(const JsonReader& reader, const Scheme& scheme,
               std::string own_layout, SchemeGroup* group) {
  if (own_layout.empty()) own_layout = Word(reader, "format");
  if (own_layout.empty() || own_layout == "mixed-precision") {
    own_layout = UsualLayout(scheme);
    reader.NoteDefault("format", own_layout);
  }
  const Format format = StoredScheme(reader, scheme, own_layout);
  if (format.has_value()) group->format = *format;
  return format.has_value();
}

// Reads the group `name`: a list of the targets of the preset with this name,
// or an object. Returns false after a fault.
bool ReadGroupOf(const JsonReader& reader, const JsonReader& groups,
                 const std::string& name, SchemeGroup* group) {
  if (groups.IsList(name)) {
    ReadTargets(groups, name, group);
    if (absl::AsciiStrToUpper(name) == "UNQUANTIZED") return true;
    std::string layout;
    const absl::optional<Scheme> scheme = PresetScheme(name, &layout);
    if (scheme.has_value()) return SetFormat(reader, *scheme, layout, group);
    groups.AddFault(name, UnknownNameMessage(
                              "preset", name,
                              {"W8A16", "W4A16", "W4A16_ASYM", "W8A8", "W4A8",
                               "W4AFP8", "FP8", "FP8_DYNAMIC", "FP8_BLOCK",
                               "NVFP4", "MXFP4", "MXFP8", "UNQUANTIZED"},
                              ""));
    return false;
  }
  const JsonReader object = groups.Object(name);
  if (!groups.IsObject(name)) return false;
  ReadTargets(object, "targets", group);
  if (!object.Has("weights")) return true;
  const absl::optional<Scheme> scheme = ReadScheme(object);
  return scheme.has_value() &&
         SetFormat(reader, *scheme, Word(object, "format"), group);
}

}  // namespace

Rules ReadCompressedTensors(const JsonReader& reader,
                            const JsonReader& sparsity_holder) {
  Rules rules;
  CheckSparsity(reader);
  CheckSparsity(sparsity_holder);
  rules.kv = ReadKvScheme(reader, "kv_cache_scheme").value_or("");
  if (!rules.kv.empty()) {
    reader.AddNote(absl::StrCat(
        "kv_cache_scheme: the checkpoint holds scales of the KV cache, which "
        "is taken as ",
        rules.kv,
        "; vLLM keeps it in 16 bits unless --kv-cache-dtype says otherwise."));
  }
  if (IsStoredUnquantised(reader)) return rules;
  auto kept = std::make_shared<ModuleList>();
  kept->AddField(reader, "ignore", EntryStyle::kExact);
  rules.mentions = kept->mentions();
  auto groups = std::make_shared<std::vector<SchemeGroup>>();
  const JsonReader named = reader.Object("config_groups");
  if (!reader.IsObject("config_groups")) return rules;
  bool good = true;
  for (const std::string& name : named.NamesInOrder()) {
    SchemeGroup group;
    if (!ReadGroupOf(reader, named, name, &group)) {
      good = false;
      continue;
    }
    absl::StrAppend(&rules.mentions, group.modules.mentions());
    groups->push_back(std::move(group));
  }
  if (!good) return rules;
  rules.format_of = [kept, groups](const HfModule& module) -> std::string {
    if (kept->Has(module)) return "";
    // Targets by name come before those by class.
    for (const SchemeGroup& group : *groups) {
      if (group.modules.Has(module)) return group.format;
    }
    for (const SchemeGroup& group : *groups) {
      if (IsEmbedding(module) ? group.has_embedding : group.has_linear) {
        return group.format;
      }
    }
    return "";
  };
  return rules;
}

}  // namespace tokenjoule
