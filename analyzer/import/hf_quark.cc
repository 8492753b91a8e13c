#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "analyzer/description/faults.h"
#include "analyzer/import/hf_matching.h"
#include "analyzer/import/hf_method_fields.h"
#include "analyzer/import/hf_methods.h"

namespace tokenjoule {
namespace {

Format QuarkWeight(const JsonReader& weight) {
  const std::string type = weight.String("dtype");
  const std::string scheme = Word(weight, "qscheme");
  const bool has_groups = scheme == "per_group";
  if (type == "bfloat16" || type == "float16") return "";
  const absl::optional<int64_t> read = ReadGroup(weight, "group_size", 0);
  if (!read.has_value()) return absl::nullopt;
  const int64_t group = has_groups ? *read : 0;
  if (has_groups && group == 0) {
    weight.AddFault("group_size", "expected values per scale");
    return absl::nullopt;
  }
  const bool has_8bit_scales = weight.IsString("scale_format", "e8m0");
  if (type == "fp4" && group == 32) return "mxfp4";
  if (type == "fp4" && group == 16) return "nvfp4";
  if (absl::StartsWith(type, "fp6") && group > 0) return Bits(6 + 8.0 / group);
  if (absl::StartsWith(type, "fp8")) {
    if (!has_groups) return "fp8";
    if (has_8bit_scales && group == 32) return "mxfp8";
    return absl::StrCat("fp8-g", group);
  }
  if (type == "int8" || type == "uint8") {
    return group > 0 ? Integer(8, group, type == "int8" ? "-sym" : "") : "int8";
  }
  if (type == "int4" || type == "int2") {
    return Integer(type[3] - '0', group, "-sym");
  }
  if (type == "uint4") return Integer(4, group, "");
  if (!type.empty()) {
    weight.AddFault(
        "dtype",
        absl::StrCat("found \"", Printable(type), "\", ", Printable(scheme),
                     "; expected fp8_e4m3, fp8_e5m2, int8, uint8, int4, uint4, "
                     "int2, fp6, or fp4 in groups of 16 or 32",
                     kQuantisationAdvice));
  }
  return absl::nullopt;
}

// The format of `weight`, which may be null, an object, or a list of the levels
// of a format: fp4 with fp8 scales, or int4 that unpacks to fp8.
Format QuarkFormat(const JsonReader& config) {
  if (!config.Has("weight")) return "";
  if (!config.IsList("weight")) return QuarkWeight(config.Object("weight"));
  const std::vector<JsonReader> levels = config.Objects("weight");
  for (const JsonReader& level : levels) {
    if (!level.IsString("qscheme", "per_tensor")) return QuarkWeight(level);
  }
  if (!levels.empty()) return QuarkWeight(levels[0]);
  config.AddFault("weight", "expected an object or a list of objects");
  return absl::nullopt;
}

// The format of the outputs of a module, which are keys or values.
void ReadQuarkKv(const JsonReader& reader, const std::string& name,
                 const JsonReader& config, Rules* rules) {
  if (!config.IsObject("output_tensors")) return;
  const JsonReader outputs = config.Object("output_tensors");
  const std::string type = Word(outputs, "dtype");
  if (absl::StartsWith(type, "fp8")) {
    rules->kv = "fp8";
    reader.AddNote(
        "Outputs of keys and values are quantised to fp8: the KV cache is "
        "taken "
        "as fp8.");
  } else {
    reader.AddNote(absl::StrCat("The quantisation of the outputs of ",
                                Printable(name),
                                " is not fp8 and is left out."));
  }
}

}  // namespace

Rules ReadQuark(const JsonReader& reader) {
  Rules rules;
  auto kept = std::make_shared<ModuleList>();
  kept->AddField(reader, "exclude", EntryStyle::kParent);
  rules.mentions = kept->mentions();
  struct ByName {
    std::string name;
    std::string format;
    bool is_glob;
  };
  auto layers = std::make_shared<std::vector<ByName>>();
  std::vector<std::string> cached;
  if (reader.IsObject("export")) {
    cached = reader.Object("export")
                 .Strings("kv_cache_group")
                 .value_or(std::vector<std::string>());
  }
  if (reader.IsObject("layer_quant_config")) {
    const JsonReader config = reader.Object("layer_quant_config");
    for (const std::string& name : config.NamesInOrder()) {
      const JsonReader layer = config.Object(name);
      const Format format = QuarkFormat(layer);
      if (!format.has_value()) continue;
      layers->push_back({name, *format, absl::StrContains(name, '*')});
      absl::StrAppend(&rules.mentions, name, "\n");
      if (absl::c_linear_search(cached, name)) {
        ReadQuarkKv(reader, name, layer, &rules);
      }
    }
  }
  if (reader.IsObject("kv_cache_quant_config")) {
    const JsonReader config = reader.Object("kv_cache_quant_config");
    for (const std::string& name : config.NamesInOrder()) {
      ReadQuarkKv(reader, name, config.Object(name), &rules);
    }
  }
  absl::optional<std::string> linear, embedding;
  if (reader.IsObject("layer_type_quant_config")) {
    const JsonReader types = reader.Object("layer_type_quant_config");
    for (const std::string& name : types.Names()) {
      const Format format = QuarkFormat(types.Object(name));
      if (!format.has_value()) continue;
      if (absl::EndsWith(name, "Linear")) linear = format;
      if (absl::EndsWith(name, "Embedding")) embedding = format;
    }
  }
  if (!reader.IsObject("global_quant_config")) {
    reader.Object("global_quant_config");  // adds the fault
    return rules;
  }
  const Format global = QuarkFormat(reader.Object("global_quant_config"));
  if (!global.has_value()) return rules;
  rules.format_of = [=](const HfModule& module) -> std::string {
    if (kept->Has(module)) return "";
    for (const ByName& layer : *layers) {
      for (const std::string& path : module.paths) {
        if (layer.is_glob ? GlobMatches(layer.name, path)
                          : absl::StrContains(path, layer.name)) {
          return layer.format;
        }
      }
    }
    if (IsEmbedding(module)) return embedding.value_or("");
    return linear.value_or(*global);
  };
  return rules;
}

}  // namespace tokenjoule
