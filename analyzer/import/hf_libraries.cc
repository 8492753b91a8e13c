#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
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

struct MlxFormat {
  std::string name;
  int64_t group = 64;
};

// Missing fields are those of the mode.
absl::optional<MlxFormat> ReadMlxFormat(const JsonReader& reader) {
  const std::string mode =
      reader.Has("mode") ? reader.String("mode") : "affine";
  const bool is_affine = mode == "affine";
  struct Mode {
    const char* name;
    int64_t group;
    int64_t bits;
  };
  constexpr Mode kModes[] = {
      {"affine", 64, 4}, {"mxfp4", 32, 4}, {"nvfp4", 16, 4}, {"mxfp8", 32, 8}};
  for (const Mode& known : kModes) {
    if (mode != known.name) continue;
    const int64_t bits =
        reader.Has("bits") ? reader.Int("bits", kBitLimits) : known.bits;
    const absl::optional<int64_t> group =
        ReadGroup(reader, "group_size", known.group);
    if (bits == 0 || !group.has_value()) return absl::nullopt;
    if (is_affine && *group > 0) {
      return MlxFormat{Integer(bits, *group, "-affine"), *group};
    }
    if (bits == known.bits && *group == known.group) {
      return MlxFormat{mode, *group};
    }
    reader.AddFault("group_size",
                    absl::StrCat("found ", bits, " bits in groups of ", *group,
                                 "; mode ", mode, " has ", known.bits,
                                 " bits in groups of ", known.group));
    return absl::nullopt;
  }
  reader.AddFault(
      "mode", UnknownNameMessage("mode", mode,
                                 {"affine", "mxfp4", "nvfp4", "mxfp8"}, ""));
  return absl::nullopt;
}

Format TorchaoConfig(const JsonReader& config) {
  const std::string type = config.String("_type");
  absl::optional<JsonReader> data;
  if (config.IsObject("_data")) data = config.Object("_data");
  const auto group = [&](int64_t otherwise) -> absl::optional<int64_t> {
    return data.has_value() ? ReadGroup(*data, "group_size", otherwise)
                            : otherwise;
  };
  if (type == "Int4WeightOnlyConfig") {
    const absl::optional<int64_t> size = group(128);
    if (!size.has_value()) return absl::nullopt;
    return Integer(4, *size, "-affine");
  }
  if (type == "Int8WeightOnlyConfig") return "int8-w8a16";
  if (type == "Int8DynamicActivationInt8WeightConfig") return "int8";
  if (type == "Float8WeightOnlyConfig" ||
      type == "Float8DynamicActivationFloat8WeightConfig" ||
      type == "Float8StaticActivationFloat8WeightConfig") {
    return "fp8";
  }
  if (!type.empty()) {
    config.AddFault(
        "_type",
        absl::StrCat(
            UnknownNameMessage("configuration of torchao", type,
                               {"Int4WeightOnlyConfig", "Int8WeightOnlyConfig",
                                "Int8DynamicActivationInt8WeightConfig",
                                "Float8WeightOnlyConfig",
                                "Float8DynamicActivationFloat8WeightConfig",
                                "ModuleFqnToConfig"},
                               ""),
            kQuantisationAdvice));
  }
  return absl::nullopt;
}

struct TorchaoModules {
  absl::flat_hash_map<std::string, std::string> exact;
  std::vector<std::pair<Pattern, std::string>> patterns;
  std::string otherwise;

  std::string FormatOf(const HfModule& module) const {
    for (const std::string& path : module.paths) {
      const auto found = exact.find(path);
      if (found != exact.end()) return found->second;
    }
    for (const auto& pattern : patterns) {
      for (const std::string& path : module.paths) {
        if (pattern.first.MatchesAll(path)) return pattern.second;
      }
    }
    return otherwise;
  }
};

// `config` is that of all modules, or lists configurations by name.
TorchaoModules ReadTorchaoModules(const JsonReader& config,
                                  std::string* mentions) {
  TorchaoModules modules;
  const bool by_name = config.IsString("_type", "ModuleFqnToConfig") ||
                       config.IsString("_type", "FqnToConfig");
  if (!by_name) {
    modules.otherwise = TorchaoConfig(config).value_or("");
    return modules;
  }
  const JsonReader data = config.Object("_data");
  const char* const field =
      data.Has("fqn_to_config") ? "fqn_to_config" : "module_fqn_to_config";
  const JsonReader names = data.Object(field);
  for (const std::string& name : names.NamesInOrder()) {
    const Format format =
        names.Has(name) ? TorchaoConfig(names.Object(name)) : Format("");
    if (!format.has_value()) continue;
    absl::StrAppend(mentions, name, "\n");
    absl::string_view text = name;
    if (name == "_default") {
      modules.otherwise = *format;
    } else if (absl::ConsumePrefix(&text, "re:")) {
      absl::optional<Pattern> pattern = Pattern::Make(data, field, text);
      if (pattern.has_value()) {
        modules.patterns.emplace_back(*std::move(pattern), *format);
      }
    } else {
      modules.exact[name] = *format;
    }
  }
  return modules;
}

// nbits and group_size of `weight_quant_params`, or of the object itself.
Format HqqFormat(const JsonReader& config) {
  const JsonReader weights = config.IsObject("weight_quant_params")
                                 ? config.Object("weight_quant_params")
                                 : config;
  const int64_t bits = weights.Int("nbits", kBitLimits);
  const absl::optional<int64_t> group = ReadGroup(weights, "group_size", 0);
  if (bits == 0 || !group.has_value()) return absl::nullopt;
  if (bits == 3) {
    // Ten values in 32 bits.
    return Bits(3.2 + (*group > 0 ? 32.0 / *group : 0));
  }
  return Integer(bits, *group, "-affine");
}

}  // namespace

Rules ReadBitsAndBytes(const JsonReader& reader) {
  Rules rules;
  const auto flag = [&](absl::string_view name) {
    return Flag(reader, name, false) ||
           Flag(reader, absl::StrCat("_", name), false);
  };
  std::string format;
  if (flag("load_in_8bit")) {
    format = "int8";
  } else if (flag("load_in_4bit")) {
    // NormalFloat4 and FP4 take equally many bits.
    format =
        Flag(reader, "bnb_4bit_use_double_quant", false) ? "nf4" : "nf4-single";
    const std::string type = Word(reader, "bnb_4bit_quant_type");
    if (!type.empty() && type != "nf4" && type != "fp4") {
      reader.AddFault(
          "bnb_4bit_quant_type",
          absl::StrCat("found \"", Printable(type), "\"; expected nf4 or fp4"));
    }
  } else {
    reader.AddFault("load_in_4bit",
                    "expected load_in_4bit or load_in_8bit to be true");
    return rules;
  }
  auto kept = std::make_shared<ModuleList>();
  constexpr char kList[] = "llm_int8_skip_modules";
  // A list replaces the default, which is the head.
  const bool keeps_head = !reader.Has(kList);
  kept->AddField(reader, kList, EntryStyle::kParent);
  rules.mentions = kept->mentions();
  rules.format_of = [=](const HfModule& module) -> std::string {
    const bool stays = IsEmbedding(module) || (IsHead(module) && keeps_head) ||
                       kept->Has(module);
    return stays ? "" : format;
  };
  return rules;
}

Rules ReadMlx(const JsonReader& reader) {
  Rules rules;
  rules.mlx = true;
  const absl::optional<MlxFormat> all = ReadMlxFormat(reader);
  if (!all.has_value()) return rules;
  auto own = std::make_shared<absl::flat_hash_map<std::string, MlxFormat>>();
  for (const std::string& name : reader.Names()) {
    if (reader.IsFalse(name)) {
      (*own)[name] = MlxFormat{"", 1};
    } else if (reader.IsObject(name)) {
      const absl::optional<MlxFormat> format =
          ReadMlxFormat(reader.Object(name));
      if (format.has_value()) (*own)[name] = *format;
    } else {
      continue;
    }
    absl::StrAppend(&rules.mentions, name, "\n");
  }
  rules.format_of = [=](const HfModule& module) -> std::string {
    const MlxFormat* format = &*all;
    for (const std::string& path : module.paths) {
      const auto found = own->find(path);
      if (found == own->end()) continue;
      format = &found->second;
      break;
    }
    // Rows must consist of whole groups.
    return std::fmod(module.inputs, format->group) == 0 ? format->name : "";
  };
  return rules;
}

Rules ReadTorchao(const JsonReader& reader) {
  Rules rules;
  auto modules = std::make_shared<TorchaoModules>();
  if (reader.IsObject("quant_type")) {
    *modules = ReadTorchaoModules(reader.Object("quant_type").Object("default"),
                                  &rules.mentions);
  } else {
    const std::string type = reader.String("quant_type");
    if (type == "int4_weight_only") {
      absl::optional<int64_t> group = 128;
      if (reader.IsObject("quant_type_kwargs")) {
        group =
            ReadGroup(reader.Object("quant_type_kwargs"), "group_size", 128);
      }
      if (group.has_value()) modules->otherwise = Integer(4, *group, "-affine");
    } else if (type == "int8_weight_only") {
      modules->otherwise = "int8-w8a16";
    } else if (type == "int8_dynamic_activation_int8_weight") {
      modules->otherwise = "int8";
    } else if (type == "float8_weight_only" ||
               type == "float8_dynamic_activation_float8_weight") {
      modules->otherwise = "fp8";
    } else if (!type.empty()) {
      reader.AddFault(
          "quant_type",
          absl::StrCat(
              UnknownNameMessage(
                  "type of torchao", type,
                  {"int4_weight_only", "int8_weight_only",
                   "int8_dynamic_activation_int8_weight", "float8_weight_only",
                   "float8_dynamic_activation_float8_weight"},
                  ""),
              kQuantisationAdvice));
    }
  }
  auto kept = std::make_shared<ModuleList>();
  kept->AddField(reader, "modules_to_not_convert", EntryStyle::kParent);
  NoteParents(reader, "modules_to_not_convert");
  absl::StrAppend(&rules.mentions, kept->mentions());
  const bool has_ends = Flag(reader, "include_input_output_embeddings", false);
  rules.format_of = [=](const HfModule& module) -> std::string {
    const bool is_end = IsHead(module) || IsEmbedding(module);
    if (is_end && !has_ends) {
      // A name in the table still counts.
      for (const std::string& path : module.paths) {
        const auto found = modules->exact.find(path);
        if (found != modules->exact.end()) return found->second;
      }
      return "";
    }
    return kept->Has(module) ? "" : modules->FormatOf(module);
  };
  return rules;
}

Rules ReadHqq(const JsonReader& reader) {
  Rules rules;
  const JsonReader config = reader.Object("quant_config");
  auto tags =
      std::make_shared<std::vector<std::pair<std::string, std::string>>>();
  std::string format;
  if (config.Has("weight_quant_params") || config.Has("nbits")) {
    const Format read = HqqFormat(config);
    if (!read.has_value()) return rules;
    format = *read;
  } else {
    // By name within a layer; modules without one stay as they are.
    for (const std::string& name : config.NamesInOrder()) {
      const Format read = HqqFormat(config.Object(name));
      if (read.has_value()) {
        tags->emplace_back(absl::StrCat(".", name), *read);
      }
    }
    if (tags->empty()) {
      reader.AddFault("quant_config",
                      "expected weight_quant_params, or such by module");
      return rules;
    }
  }
  auto kept = std::make_shared<ModuleList>();
  if (reader.Has("skip_modules")) {
    kept->AddField(reader, "skip_modules", EntryStyle::kParent);
  } else {
    kept->Add(reader, "skip_modules", "lm_head", EntryStyle::kParent);
  }
  rules.mentions = kept->mentions();
  rules.format_of = [=](const HfModule& module) -> std::string {
    if (IsEmbedding(module) || kept->Has(module)) return "";
    for (const auto& tag : *tags) {
      for (const std::string& path : module.paths) {
        if (absl::EndsWith(path, tag.first)) return tag.second;
      }
    }
    return format;
  };
  return rules;
}

}  // namespace tokenjoule
