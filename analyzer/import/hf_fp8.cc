#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/import/hf_matching.h"
#include "analyzer/import/hf_method_fields.h"
#include "analyzer/import/hf_methods.h"

namespace tokenjoule {

Rules ReadFp8(const JsonReader& reader, bool has_8bit_scales) {
  Rules rules;
  Format format = "fp8";
  if (reader.Has("weight_block_size")) {
    format = ReadFp8Block(reader, "weight_block_size");
  }
  if (!format.has_value()) return rules;
  if (has_8bit_scales) {
    if (!absl::StartsWith(*format, "fp8-block")) {
      reader.AddFault("weight_block_size",
                      "expected a square block, as [128, 128]");
      return rules;
    }
    absl::StrAppend(&*format, "-e8m0");
  }
  auto kept = std::make_shared<ModuleList>();
  // The first is used if it is not empty.
  const char* field = "modules_to_not_convert";
  const auto ignored = reader.Strings("ignored_layers");
  if (ignored.has_value() && !ignored->empty()) field = "ignored_layers";
  kept->AddField(reader, field, EntryStyle::kParent);
  NoteParents(reader, field);
  rules.mentions = kept->mentions();
  rules.format_of = [format, kept](const HfModule& module) {
    const bool stays =
        IsHead(module) || IsEmbedding(module) || kept->Has(module);
    return stays ? "" : *format;
  };
  if (reader.IsText("kv_cache_scheme")) {
    if (reader.IsString("kv_cache_scheme", "static")) {
      rules.kv = "fp8";
      reader.AddNote(
          "kv_cache_scheme is static: the checkpoint holds scales of the KV "
          "cache, which is taken as fp8; vLLM and SGLang keep it in 16 bits "
          "unless --kv-cache-dtype says fp8.");
    } else {
      reader.AddFault("kv_cache_scheme", "expected \"static\" or null");
    }
  } else if (reader.Has("kv_cache_scheme")) {
    rules.kv = ReadKvScheme(reader, "kv_cache_scheme").value_or("");
  }
  return rules;
}

Rules ReadMxfp4() {
  Rules rules;
  // Only experts are converted, whatever the list of other modules says.
  rules.format_of = [](const HfModule& module) {
    return module.is_expert ? "mxfp4" : "";
  };
  return rules;
}

Rules ReadFbgemm(const JsonReader& reader) {
  return ReadSimple(reader, "fp8", "modules_to_not_convert");
}

}  // namespace tokenjoule
