#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/description/faults.h"
#include "analyzer/import/hf_matching.h"
#include "analyzer/import/hf_method_fields.h"
#include "analyzer/import/hf_methods.h"

namespace tokenjoule {
namespace {

Format ModeloptFormat(const JsonReader& reader, absl::string_view field,
                      const std::string& name) {
  const std::string algo = absl::AsciiStrToUpper(name);
  const auto grouped = [&](int64_t expected, const char* format) -> Format {
    const absl::optional<int64_t> group =
        ReadGroup(reader, "group_size", expected);
    if (!group.has_value()) return absl::nullopt;
    if (*group == expected) return format;
    reader.AddFault("group_size", absl::StrCat("found ", *group, "; ", algo,
                                               " has groups of ", expected));
    return absl::nullopt;
  };
  if (algo.empty() || algo == "UNQUANTIZED") return "";
  if (algo == "FP8" || algo == "FP8_PER_CHANNEL_PER_TOKEN") return "fp8";
  if (algo == "FP8_PB_WO") return "fp8-block128";
  if (algo == "NVFP4" || algo == "NVFP4_AWQ" || algo == "W4A16_NVFP4" ||
      algo == "W4A8_NVFP4_FP8") {
    return grouped(16, "nvfp4");
  }
  if (algo == "MXFP8") return grouped(32, "mxfp8");
  if (algo == "MXFP4" || algo == "W4A8_MXFP4_FP8") return grouped(32, "mxfp4");
  if (algo == "W4A16_AWQ" || algo == "W4A8_AWQ" || algo == "INT4_AWQ") {
    const absl::optional<int64_t> group = ReadGroup(reader, "group_size", 128);
    if (!group.has_value()) return absl::nullopt;
    // Symmetric with fp32 scales: as many bits as a 16-bit scale and bias.
    return Integer(4, *group, "-affine");
  }
  if (algo == "W8A16" || algo == "INT8_WO") return "int8-w8a16";
  if (algo == "INT8" || algo == "INT8_SQ" || algo == "W8A8_SQ_PER_CHANNEL") {
    return "int8";
  }
  reader.AddFault(
      field, absl::StrCat(
                 UnknownNameMessage(
                     "algorithm", name,
                     {"FP8", "FP8_PER_CHANNEL_PER_TOKEN", "FP8_PB_WO", "NVFP4",
                      "NVFP4_AWQ", "W4A16_NVFP4", "W4A8_NVFP4_FP8", "MXFP4",
                      "W4A8_MXFP4_FP8", "MXFP8", "W4A16_AWQ", "W4A8_AWQ",
                      "W8A16", "W8A8_SQ_PER_CHANNEL", "MIXED_PRECISION"},
                     ""),
                 kQuantisationAdvice));
  return absl::nullopt;
}

}  // namespace

Rules ReadModelopt(const JsonReader& reader) {
  Rules rules;
  const Format kv = ReadKvScheme(reader, reader.Has("kv_cache_quant_algo")
                                             ? "kv_cache_quant_algo"
                                             : "kv_cache_scheme");
  rules.kv = kv.value_or("");
  if (!rules.kv.empty()) {
    reader.AddNote(absl::StrCat(
        "The checkpoint's quantisation of the KV cache is ", rules.kv,
        ", which vLLM and TensorRT-LLM apply by default."));
  }
  if (!reader.Has("quant_algo")) {
    reader.AddNote(
        "quant_algo is absent or null: weights are taken as unquantised.");
    return rules;
  }
  const std::string algo = reader.String("quant_algo");
  auto kept = std::make_shared<ModuleList>();
  for (const char* field : {"ignore", "exclude_modules"}) {
    kept->AddField(reader, field, EntryStyle::kParent);
  }
  rules.mentions = kept->mentions();
  if (absl::AsciiStrToUpper(algo) != "MIXED_PRECISION") {
    const Format format = ModeloptFormat(reader, "quant_algo", algo);
    if (!format.has_value()) return rules;
    if (format->empty()) {
      reader.AddNote(absl::StrCat("quant_algo is ", Printable(algo),
                                  ": weights are taken as unquantised."));
      return rules;
    }
    rules.format_of = [=](const HfModule& module) -> std::string {
      return IsEmbedding(module) || kept->Has(module) ? "" : *format;
    };
    return rules;
  }
  auto layers =
      std::make_shared<absl::flat_hash_map<std::string, std::string>>();
  const JsonReader listed = reader.Object("quantized_layers");
  for (const std::string& name : listed.Names()) {
    const JsonReader layer = listed.Object(name);
    const Format format =
        ModeloptFormat(layer, "quant_algo", Word(layer, "quant_algo"));
    if (format.has_value()) (*layers)[name] = *format;
    absl::StrAppend(&rules.mentions, name, "\n");
  }
  if (!reader.IsObject("quantized_layers") ||
      layers->size() != listed.Names().size()) {
    return rules;
  }
  rules.format_of = [=](const HfModule& module) -> std::string {
    if (kept->Has(module)) return "";
    for (const std::string& path : module.paths) {
      // The module itself, else what it is part of.
      absl::string_view part = path;
      while (!part.empty()) {
        const auto found = layers->find(part);
        if (found != layers->end()) return found->second;
        const size_t dot = part.rfind('.');
        part = part.substr(0, dot == absl::string_view::npos ? 0 : dot);
      }
    }
    return "";
  };
  return rules;
}

}  // namespace tokenjoule
