#include "analyzer/import/hf_formats.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/description/faults.h"

namespace tokenjoule {
namespace {

constexpr char kConfig[] = "quantization_config";
// Advice for a quantisation that cannot be imported.
constexpr char kAdvice[] =
    "; without quantization_config the import has the unquantised formats, and "
    "--weights says how the matrices are stored";

// Formats of the matrices; empty: as without quantisation.
struct Quantization {
  std::string linear;
  std::string experts;
  std::string lm_head;
  std::string kv;
};

bool HasExperts(const Model& model) {
  return std::any_of(model.block().begin(), model.block().end(),
                     [](const Block& block) { return block.has_moe(); });
}

bool HasDenseMlp(const Model& model) {
  return std::any_of(model.block().begin(), model.block().end(),
                     [](const Block& block) { return block.has_mlp(); });
}

// The format of a field that holds a dtype; empty and a fault for others.
std::string DtypeFormat(const JsonReader& reader, const char* field) {
  const std::string name = reader.String(field);
  if (name == "bfloat16") return "bf16";
  if (name == "float16") return "fp16";
  if (name == "float32") return "fp32";
  if (!name.empty()) {
    reader.AddFault(field,
                    UnknownNameMessage("dtype", name,
                                       {"bfloat16", "float16", "float32"}, ""));
  }
  return "";
}

// The format of the tensors that are not quantised.
std::string ReadDtype(const JsonReader& root, const JsonReader& config) {
  for (const JsonReader* reader : {&config, &root}) {
    for (const char* field : {"dtype", "torch_dtype"}) {
      if (reader->Has(field)) return DtypeFormat(*reader, field);
    }
  }
  root.NoteDefault("dtype", "bfloat16 (assumed)");
  return "bf16";
}

// Sets the format of the recurrent state if the configuration gives it.
// NVIDIA's models name the field as vLLM's flag, Qwen's as SGLang's.
void ReadStateFormat(const JsonReader& config, CheckpointFormats* formats) {
  for (const char* field : {"mamba_ssm_cache_dtype", "mamba_ssm_dtype"}) {
    if (!config.Has(field)) continue;
    formats->set_state(DtypeFormat(config, field));
    return;
  }
  if (!formats->state().empty()) {
    config.NoteDefault("mamba_ssm_cache_dtype", formats->state());
  }
}

// The part of the model to which an unquantised module belongs.
enum class Part { kVector, kAttention, kOther };

// Module names look like "lm_head", "model.layers.*.self_attn",
// "re:.*mlp.gate$".
Part PartOf(absl::string_view module) {
  // Heads, embeddings, norms, routers and modules outside the decoder never
  // count as matrices here.
  for (const absl::string_view word :
       {"lm_head", "embed", "norm", "router", "conv1d", "in_proj_a",
        "in_proj_b", "vision", "visual", "multi_modal", "audio", "mtp"}) {
    if (absl::StrContains(module, word)) return Part::kVector;
  }
  // "mlp.gate" is a router, "mlp.gate_proj" a matrix of the MLP.
  if (absl::StrContains(module, "gate") &&
      !absl::StrContains(module, "_proj")) {
    return Part::kVector;
  }
  // A layer number implies that other layers are quantised.
  const bool has_number =
      std::any_of(module.begin(), module.end(), absl::ascii_isdigit);
  const bool is_attention = (absl::StrContains(module, "attn") ||
                             absl::StrContains(module, "attention")) &&
                            !absl::StrContains(module, "mlp") &&
                            !absl::StrContains(module, "expert");
  return is_attention && !has_number ? Part::kAttention : Part::kOther;
}

// Applies the list of modules that stay as they are, if there is one.
void ReadKeptModules(const JsonReader& quantization, const char* field,
                     const Model& model, Quantization* result) {
  const absl::optional<std::vector<std::string>> modules =
      quantization.Strings(field);
  if (!modules.has_value()) return;
  for (const std::string& module : *modules) {
    const Part part = PartOf(absl::AsciiStrToLower(module));
    if (part == Part::kVector) continue;
    // Attention and dense MLPs share a format; experts have their own.
    if (part == Part::kAttention && HasExperts(model) && !HasDenseMlp(model)) {
      if (!result->linear.empty()) result->experts = result->linear;
      result->linear.clear();
      continue;
    }
    quantization.AddFault(
        field,
        absl::StrCat("found \"", Printable(module),
                     "\", which stays unquantised; the schema has one format "
                     "for all of attention and dense MLPs and one for all "
                     "experts",
                     kAdvice));
    return;
  }
}

// "int4-g128" for groups of 128; empty and a fault for other groups.
std::string Int4Format(const JsonReader& reader) {
  const int64_t group = reader.Int("group_size", {-1, 1'000'000});
  if (group == 32 || group == 64 || group == 128) {
    return absl::StrCat("int4-g", group);
  }
  if (group != 0) {
    reader.AddFault(
        "group_size",
        absl::StrCat("found ", group, "; expected 32, 64 or 128", kAdvice));
  }
  return "";
}

// fp8 with one scale per 128 x 128 block. `field` is the list of the two block
// sizes.
std::string Fp8BlockFormat(const JsonReader& reader, const char* field) {
  const absl::optional<std::vector<int64_t>> block =
      reader.Ints(field, {-1, 1'000'000});
  if (!block.has_value()) return "";
  if (*block == std::vector<int64_t>{128, 128}) return "fp8-block128";
  reader.AddFault(field, absl::StrCat("expected [128, 128]", kAdvice));
  return "";
}

std::string ReadFp8(const JsonReader& quantization) {
  return quantization.Has("weight_block_size")
             ? Fp8BlockFormat(quantization, "weight_block_size")
             : "fp8";
}

// GPTQ and AWQ.
void ReadInt4(const JsonReader& quantization, Quantization* result) {
  const int64_t bits = quantization.Int("bits", {1, 64});
  if (bits == 4) {
    result->linear = Int4Format(quantization);
    if (quantization.BoolOr("lm_head", false)) {
      result->lm_head = result->linear;
    }
  } else if (bits != 0) {
    quantization.AddFault(
        "bits", absl::StrCat("found ", bits, "; expected 4", kAdvice));
  }
}

// A weight scheme of compressed-tensors.
std::string ReadScheme(const JsonReader& scheme) {
  const std::string type = scheme.String("type");
  const int64_t bits = scheme.Int("num_bits", {1, 64});
  const bool is_float = type == "float";
  const bool is_int = type == "int";
  if (is_int && bits == 4) return Int4Format(scheme);
  if (is_float && bits == 4) {
    const int64_t group = scheme.Int("group_size", {-1, 1'000'000});
    if (group == 16) return "nvfp4";
    if (group == 32) return "mxfp4";
  }
  if (is_float && bits == 8 && scheme.IsString("strategy", "block")) {
    return Fp8BlockFormat(scheme, "block_structure");
  }
  const bool is_coarse = scheme.IsString("strategy", "tensor") ||
                         scheme.IsString("strategy", "channel");
  if (bits == 8 && is_coarse && is_float) return "fp8";
  if (bits == 8 && is_coarse && is_int) return "int8";
  if (!type.empty() && bits > 0) {
    scheme.AddFault(
        "num_bits",
        absl::StrCat("found ", bits, " bits of type \"", Printable(type),
                     "\"; expected fp8 or int8 by tensor or "
                     "channel, fp8 by block, int4 by group, fp4 "
                     "by group of 16 or 32",
                     kAdvice));
  }
  return "";
}

void ReadCompressedTensors(const JsonReader& quantization,
                           Quantization* result) {
  const JsonReader groups = quantization.Object("config_groups");
  const std::vector<std::string> names = groups.Names();
  if (names.size() != 1) {
    if (!names.empty()) {
      quantization.AddFault("config_groups",
                            absl::StrCat("found ", names.size(),
                                         " groups; expected one", kAdvice));
    }
    return;
  }
  const JsonReader group = groups.Object(names[0]);
  const std::vector<std::string> targets =
      group.Strings("targets").value_or(std::vector<std::string>());
  if (targets != std::vector<std::string>{"Linear"}) {
    group.AddFault("targets", absl::StrCat("expected [\"Linear\"]", kAdvice));
  }
  result->linear = ReadScheme(group.Object("weights"));
  if (quantization.Has("kv_cache_scheme")) {
    const JsonReader cache = quantization.Object("kv_cache_scheme");
    if (cache.Int("num_bits", {1, 64}) == 8 &&
        cache.IsString("type", "float")) {
      result->kv = "fp8";
    } else {
      quantization.AddFault("kv_cache_scheme", "expected 8 bits, type float");
    }
  }
}

Quantization ReadQuantization(const JsonReader& quantization,
                              const Model& model) {
  Quantization result;
  const std::string method = quantization.String("quant_method");
  if (method == "fp8") {
    result.linear = ReadFp8(quantization);
  } else if (method == "gptq" || method == "awq") {
    ReadInt4(quantization, &result);
  } else if (method == "compressed-tensors") {
    ReadCompressedTensors(quantization, &result);
  } else if (method == "mxfp4") {
    // Only experts are converted, whatever the list of other modules says.
    result.experts = "mxfp4";
    if (!HasExperts(model)) {
      quantization.AddFault("quant_method",
                            "found \"mxfp4\", which applies to experts; the "
                            "model has none");
    }
    return result;
  } else if (!method.empty()) {
    quantization.AddFault(
        "quant_method",
        absl::StrCat(
            UnknownNameMessage(
                "quantisation", method,
                {"awq", "compressed-tensors", "fp8", "gptq", "mxfp4"}, ""),
            kAdvice));
  }
  for (const char* field :
       {"modules_to_not_convert", "ignored_layers", "ignore"}) {
    ReadKeptModules(quantization, field, model, &result);
  }
  return result;
}

}  // namespace

void ReadHfFormats(const JsonReader& root, const JsonReader& config,
                   const JsonReader* sidecar, LayerStack* stack, Model* model) {
  Model whole = *model;
  stack->WriteTo(&whole);
  const std::string dtype = ReadDtype(root, config);
  CheckpointFormats* formats = model->mutable_formats();
  formats->set_linear(dtype);
  formats->set_lm_head(dtype);
  formats->set_embedding(dtype);
  formats->set_vectors(dtype);
  ReadStateFormat(config, formats);
  const JsonReader& holder = config.Has(kConfig) ? config : root;
  if (!holder.Has(kConfig)) return;
  const Quantization quantization =
      ReadQuantization(holder.Object(kConfig), whole);
  if (!quantization.linear.empty()) formats->set_linear(quantization.linear);
  if (!quantization.experts.empty()) formats->set_experts(quantization.experts);
  if (!quantization.lm_head.empty()) formats->set_lm_head(quantization.lm_head);
  if (!quantization.kv.empty()) formats->set_kv(quantization.kv);
}

}  // namespace tokenjoule
