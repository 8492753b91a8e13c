// Checkpoints of other projects.

#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/import/gguf.h"
#include "analyzer/import/gguf_header.h"
#include "analyzer/import/gguf_writer.h"
#include "analyzer/import/import_hf.h"
#include "analyzer/import/imported_model.h"
#include "tests/attack/examine.h"
#include "tests/attack/target_lists.h"

namespace tokenjoule {
namespace {

constexpr char kDate[] = "2026-01-02";

// What --model does with an imported model: its text is read again.
Verdict Taken(const absl::StatusOr<ImportedModel>& imported) {
  if (!imported.ok()) return Refused(imported.status());
  const std::string text = ImportedModelText(imported->model);
  const absl::StatusOr<Model> model = ParseModel(text, kFuzzedFile);
  if (!model.ok()) return Refused(model.status());
  Verdict verdict = Examined(*model, SomeHardware());
  Append(BrokenByCharacters("the model's text", text), &verdict);
  return verdict;
}

Verdict RunConfig(absl::string_view bytes) {
  HfFiles files;
  files.config = std::string(bytes);
  files.path = "config.json";
  return Taken(ImportHuggingFace(files, "m", kDate));
}

// A quantiser's file beside a dense model.
Verdict RunQuantization(absl::string_view bytes) {
  HfFiles files;
  files.config =
      R"({"model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
          "num_attention_heads": 4, "num_key_value_heads": 2,
          "num_hidden_layers": 2, "vocab_size": 256,
          "max_position_embeddings": 2048, "torch_dtype": "bfloat16"})";
  files.path = "config.json";
  files.quantization = std::string(bytes);
  files.quantization_path = "hf_quant_config.json";
  return Taken(ImportHuggingFace(files, "m", kDate));
}

Verdict RunGguf(absl::string_view bytes) {
  std::istringstream in{std::string(bytes)};
  std::vector<Fault> faults;
  absl::optional<GgufHeader> header = ReadGgufHeader(in, "fuzz.gguf", &faults);
  if (!header.has_value()) {
    // An error without a fault would be no refusal.
    if (faults.empty()) return {false, {"has no header and no fault"}};
    return Refused(FaultsToStatus(faults));
  }
  std::vector<GgufHeader> parts;
  parts.push_back(*std::move(header));
  return Taken(ImportGgufHeaders(parts, "fuzz.gguf", "m", kDate));
}

// A small file of an architecture, dense or with experts.
std::string GgufOf(const std::string& architecture, int experts) {
  constexpr uint32_t kF32 = 0, kQ8_0 = 8, kQ4_K = 12, kQ6_K = 14;
  constexpr int kD = 256, kFf = 512, kKv = 128, kHead = 64, kLayers = 2;
  GgufWriter w(architecture);
  w.Number("general.file_type", 15)
      .Texts("tokenizer.ggml.tokens", {"a", "b", "c"})
      .Set("block_count", kLayers)
      .Set("context_length", 32768)
      .Set("embedding_length", kD)
      .Set("attention.head_count", kD / kHead)
      .SetEach("attention.head_count_kv", {kKv / kHead, kKv / kHead})
      .Real("attention.layer_norm_rms_epsilon");
  if (experts > 0) w.Set("expert_used_count", 2);
  w.Tensor("token_embd.weight", {kD, 1000}, kQ4_K)
      .Tensor("output_norm.weight", {kD}, kF32)
      .Tensor("output.weight", {kD, 1000}, kQ6_K);
  for (int i = 0; i < kLayers; ++i) {
    const std::string b = absl::StrCat("blk.", i, ".");
    w.Tensor(b + "attn_norm.weight", {kD}, kF32)
        .Tensor(b + "ffn_norm.weight", {kD}, kF32)
        .Tensor(b + "attn_q.weight", {kD, kD}, kQ4_K)
        .Tensor(b + "attn_k.weight", {kD, kKv}, kQ4_K)
        .Tensor(b + "attn_v.weight", {kD, kKv}, kQ8_0)
        .Tensor(b + "attn_output.weight", {kD, kD}, kQ4_K);
    if (architecture == "qwen3" || architecture == "qwen3moe") {
      w.Tensor(b + "attn_q_norm.weight", {kHead}, kF32)
          .Tensor(b + "attn_k_norm.weight", {kHead}, kF32);
    }
    if (experts == 0) {
      w.Tensor(b + "ffn_gate.weight", {kD, kFf}, kQ4_K)
          .Tensor(b + "ffn_up.weight", {kD, kFf}, kQ4_K)
          .Tensor(b + "ffn_down.weight", {kFf, kD}, kQ6_K);
      continue;
    }
    w.Tensor(b + "ffn_gate_inp.weight", {kD, experts}, kF32)
        .Tensor(b + "ffn_gate_exps.weight", {kD, kFf, experts}, kQ4_K)
        .Tensor(b + "ffn_up_exps.weight", {kD, kFf, experts}, kQ4_K)
        .Tensor(b + "ffn_down_exps.weight", {kFf, kD, experts}, kQ6_K);
  }
  return w.File();
}

std::vector<std::string> MakeGgufs() {
  return {GgufOf("llama", 0), GgufOf("llama", 4), GgufOf("qwen3", 0),
          GgufOf("qwen3moe", 4)};
}

}  // namespace

std::vector<Target> ImportTargets() {
  return {
      {"config_json",
       "a config.json",
       RunConfig,
       {{"analyzer/import/testdata/hf", ".json"},
        {"analyzer/import/testdata/counted", ".json"},
        {"docs/examples/checkpoint", "/config.json"}},
       {}},
      {"quantization_json",
       "a quantiser's file beside a config.json",
       RunQuantization,
       {{"analyzer/import/testdata/quant", ".json"},
        {"docs/examples/checkpoint", "_config.json"}},
       {}},
      {"gguf", "the header of a GGUF file", RunGguf, {}, {}, {}, MakeGgufs},
  };
}

}  // namespace tokenjoule
