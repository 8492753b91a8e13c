// Families of decoders with experts and softmax or latent attention, beside
// those of hf_families.cc. Each follows the configuration class and the
// modelling code of its library: transformers, or the checkpoint's own code.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "analyzer/import/hf_decoder.h"
#include "analyzer/import/hf_families.h"
#include "analyzer/import/hf_parts.h"

namespace tokenjoule {
namespace {

// Which layers have experts: mlp_layer_types ("dense", "sparse"), else a list
// of 0 and 1 or of true and false in `list`, else all but the first
// `first_k_dense_replace`.
std::vector<bool> ReadSparseLayers(const JsonReader& config, const char* list,
                                   const char* first_dense,
                                   int64_t default_dense, int64_t layers) {
  std::vector<bool> sparse(layers, true);
  const auto types = config.Strings("mlp_layer_types");
  const auto check = [&](const char* field, int64_t size) {
    if (size >= layers) return true;
    config.AddFault(field, absl::StrCat("found ", size, " entries; expected ",
                                        layers, ", one per layer"));
    return false;
  };
  if (types.has_value()) {
    if (!check("mlp_layer_types", types->size())) return sparse;
    for (int64_t i = 0; i < layers; ++i) sparse[i] = (*types)[i] == "sparse";
    return sparse;
  }
  if (*list != 0 && config.IsList(list)) {
    const std::vector<bool> flags = config.Flags(list);
    if (!check(list, flags.size())) return sparse;
    for (int64_t i = 0; i < layers; ++i) sparse[i] = flags[i];
    return sparse;
  }
  const int64_t dense = config.IntOr(first_dense, default_dense, kOffsetLimits);
  const int64_t step = config.Has("moe_layer_freq")
                           ? config.Int("moe_layer_freq", kPeriodLimits)
                           : 1;
  for (int64_t i = 0; i < layers; ++i) {
    sparse[i] = i >= dense && (step <= 1 || i % step == 0);
  }
  return sparse;
}

// Shared experts, which are stored and computed as one network.
void SetShared(int64_t shared, int64_t width, bool gated,
               MixtureOfExperts* moe) {
  if (shared <= 0 || width <= 0) return;
  moe->mutable_shared()->set_gated(gated);
  moe->mutable_shared()->set_d_ff(shared * width);
}

// Layers of one kind of mixer, dense or sparse.
void AddMixedLayers(const Block& mixer, const std::vector<bool>& sparse,
                    const Mlp& mlp, const MixtureOfExperts& moe,
                    LayerStack* stack) {
  for (const bool has_experts : sparse) {
    Block block = mixer;
    if (has_experts) {
      block.set_name("moe");
      *block.mutable_moe() = moe;
    } else {
      block.set_name("dense");
      *block.mutable_mlp() = mlp;
    }
    stack->Add(block);
  }
}

Mlp ReadMlpIfDense(const JsonReader& config, const char* name,
                   const std::vector<bool>& sparse) {
  return std::count(sparse.begin(), sparse.end(), false) > 0
             ? ReadGatedMlp(config, name)
             : Mlp();
}

Indexer ReadIndexer(const JsonReader& config) {
  Indexer indexer;
  indexer.set_heads(config.Int("index_n_heads", kHeadLimits));
  indexer.set_head_dim(config.Int("index_head_dim", kHeadLimits));
  indexer.set_top_k(config.Int("index_topk", kWindowLimits));
  return indexer;
}

// Whether each layer has an indexer of its own; the others take the positions
// that the one before chose (GLM-5.2).
std::vector<bool> ReadOwnIndexers(const JsonReader& config, int64_t layers) {
  std::vector<bool> own(layers, true);
  const auto types = config.Strings("indexer_types");
  if (types.has_value()) {
    if (static_cast<int64_t>(types->size()) < layers) {
      config.AddFault(
          "indexer_types",
          absl::StrCat("found ", types->size(), " entries; expected ", layers));
      return own;
    }
    for (int64_t i = 0; i < layers; ++i) own[i] = (*types)[i] == "full";
    return own;
  }
  const int64_t period = config.Has("index_topk_freq")
                             ? config.Int("index_topk_freq", kPeriodLimits)
                             : 1;
  const int64_t offset =
      config.Has("index_skip_topk_offset")
          ? config.Int("index_skip_topk_offset", kOffsetLimits)
          : 2;
  if (config.Has("index_topk_pattern")) {
    const std::string pattern = config.String("index_topk_pattern");
    for (int64_t i = 0; i < layers && !pattern.empty(); ++i) {
      own[i] = pattern[i % pattern.size()] == 'F';
    }
    return own;
  }
  for (int64_t i = 0; i < layers && period > 1; ++i) {
    own[i] = std::max<int64_t>(i - offset + 1, 0) % period == 0;
  }
  return own;
}

// DeepSeek's layers with an indexer in front of latent attention.
void ImportSparseDeepSeek(const JsonReader& config, Model* model,
                          LayerStack* stack) {
  const int64_t layers = ReadSizes(config, "num_hidden_layers", 163840, model);
  Block mixer;
  mixer.set_norms(2);
  *mixer.mutable_latent_attention() = ReadLatentAttention(config);
  *mixer.mutable_latent_attention()->mutable_indexer() = ReadIndexer(config);
  const std::vector<bool> own = ReadOwnIndexers(config, layers);
  const std::vector<bool> sparse =
      ReadSparseLayers(config, "", "first_k_dense_replace", 3, layers);
  const Mlp mlp = ReadMlpIfDense(config, "intermediate_size", sparse);
  const MixtureOfExperts moe = ReadDeepSeekExperts(config, "noaux_tc");
  for (int64_t i = 0; i < layers; ++i) {
    Block block = mixer;
    block.mutable_latent_attention()->mutable_indexer()->set_reused(!own[i]);
    block.set_name(own[i] ? (sparse[i] ? "moe" : "dense")
                          : (sparse[i] ? "moe-reused" : "dense-reused"));
    if (sparse[i]) {
      *block.mutable_moe() = moe;
    } else {
      *block.mutable_mlp() = mlp;
    }
    stack->Add(block);
  }
}

// Latent attention with DeepSeek's experts, whose defaults differ by family.
void ImportLatentExperts(const JsonReader& config, int64_t default_dense,
                         const char* topk_method, Model* model,
                         LayerStack* stack) {
  const int64_t layers = ReadSizes(config, "num_hidden_layers", 202752, model);
  Block mixer;
  mixer.set_norms(2);
  *mixer.mutable_latent_attention() = ReadLatentAttention(config);
  const std::vector<bool> sparse = ReadSparseLayers(
      config, "", "first_k_dense_replace", default_dense, layers);
  AddMixedLayers(mixer, sparse,
                 ReadMlpIfDense(config, "intermediate_size", sparse),
                 ReadDeepSeekExperts(config, topk_method), stack);
}
void ImportGlm4MoeLite(const JsonReader& config, Model* model,
                       LayerStack* stack) {
  ImportLatentExperts(config, 1, "noaux_tc", model, stack);
}
void ImportMistral4(const JsonReader& config, Model* model, LayerStack* stack) {
  ImportLatentExperts(config, 0, "greedy", model, stack);
}

// Softmax attention and DeepSeek's experts.
struct AttentionExperts {
  DecoderFields fields;
  const char* experts = "n_routed_experts";
  const char* per_token = "num_experts_per_tok";
  const char* shared = "n_shared_experts";
  const char* sparse_list = "";
  const char* first_dense = "first_k_dense_replace";
  int64_t default_dense = 0;
  bool router_bias = true;
};

void ImportAttentionExperts(const JsonReader& config,
                            const AttentionExperts& names, Decoder decoder,
                            LayerStack* stack) {
  decoder.sparse =
      ReadSparseLayers(config, names.sparse_list, names.first_dense,
                       names.default_dense, decoder.layers());
  decoder.mlp = ReadMlpIfDense(config, "intermediate_size", decoder.sparse);
  const Mlp expert = ReadGatedMlp(config, "moe_intermediate_size");
  decoder.moe =
      ReadExperts(config, names.experts, 0, names.per_token, 0, expert);
  const int64_t shared = config.Has(names.shared)
                             ? config.Int(names.shared, {0, kHeadLimits.max})
                             : 0;
  const char* own_width = "moe_shared_expert_intermediate_size";
  SetShared(
      shared,
      config.Has(own_width) ? config.Int(own_width, kMlpLimits) : expert.d_ff(),
      true, &decoder.moe);
  decoder.moe.set_router_bias(names.router_bias);
  AddLayers(decoder, stack);
}

DecoderFields AttentionFields(int64_t kv_heads, int64_t head_dim) {
  DecoderFields fields;
  fields.default_kv_heads = kv_heads;
  fields.default_head_dim = head_dim;
  fields.default_positions = 131072;
  return fields;
}

void ImportGlm4Moe(const JsonReader& config, Model* model, LayerStack* stack) {
  AttentionExperts names;
  names.default_dense = 1;
  Decoder decoder = ReadDecoder(config, AttentionFields(8, 128), model);
  decoder.attention.set_qkv_bias(config.BoolOr("attention_bias", false));
  decoder.attention.set_qk_norm(config.BoolOr("use_qk_norm", false));
  ImportAttentionExperts(config, names, decoder, stack);
}

void ImportSolarOpen(const JsonReader& config, Model* model,
                     LayerStack* stack) {
  AttentionExperts names;
  Decoder decoder = ReadDecoder(config, AttentionFields(8, 128), model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  ImportAttentionExperts(config, names, decoder, stack);
}

void ImportDots1(const JsonReader& config, Model* model, LayerStack* stack) {
  AttentionExperts names;
  Decoder decoder = ReadDecoder(config, AttentionFields(0, 0), model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.attention.set_qk_norm(true);
  ReadQwenWindow(config, &decoder);
  ImportAttentionExperts(config, names, decoder, stack);
}

void ImportHyV3(const JsonReader& config, Model* model, LayerStack* stack) {
  AttentionExperts names;
  names.experts = "num_experts";
  names.shared = "num_shared_experts";
  names.default_dense = 1;
  Decoder decoder = ReadDecoder(config, AttentionFields(0, 0), model);
  decoder.attention.set_qk_norm(true);
  ImportAttentionExperts(config, names, decoder, stack);
}

void ImportExaoneMoe(const JsonReader& config, Model* model,
                     LayerStack* stack) {
  AttentionExperts names;
  names.experts = "num_experts";
  names.shared = "num_shared_experts";
  names.sparse_list = "is_moe_layer";
  names.first_dense =
      EitherName(config, "first_k_dense_replace", "first_last_k_dense_replace");
  names.default_dense = 1;
  Decoder decoder = ReadDecoder(config, AttentionFields(0, 0), model);
  decoder.attention.set_qk_norm(true);
  ReadPeriodicWindow(config, /*period=*/4, /*window=*/4096, &decoder);
  ImportAttentionExperts(config, names, decoder, stack);
}

void ImportDeepSeekV1(const JsonReader& config, Model* model,
                      LayerStack* stack) {
  AttentionExperts names;
  names.router_bias = false;
  Decoder decoder = ReadDecoder(config, AttentionFields(0, 0), model);
  ImportAttentionExperts(config, names, decoder, stack);
}

// Ling and Ring: queries, keys and values in one matrix.
void ImportBailing(const JsonReader& config, Model* model, LayerStack* stack) {
  AttentionExperts names;
  names.experts = "num_experts";
  names.shared = "num_shared_experts";
  names.router_bias = config.BoolOr("moe_router_enable_expert_bias", false);
  Decoder decoder = ReadDecoder(config, AttentionFields(0, 0), model);
  decoder.attention.set_qkv_bias(config.BoolOr("use_qkv_bias", false));
  decoder.attention.set_output_bias(config.BoolOr("use_bias", false));
  decoder.attention.set_qk_norm(config.BoolOr("use_qk_norm", false));
  ImportAttentionExperts(config, names, decoder, stack);
}

// AFMoE (Arcee Trinity): a gate on the output of attention, four norms.
void ImportAfMoe(const JsonReader& config, Model* model, LayerStack* stack) {
  AttentionExperts names;
  names.experts = "num_experts";
  names.shared = "num_shared_experts";
  names.first_dense = "num_dense_layers";
  names.default_dense = 1;
  Decoder decoder = ReadDecoder(config, AttentionFields(0, 128), model);
  decoder.attention.set_qk_norm(true);
  decoder.attention.set_output_gate(true);
  decoder.norms = 4;
  const int64_t period =
      config.Has("layer_types")
          ? 1
          : config.IntOr("global_attn_every_n_layers", 4, kPeriodLimits);
  ReadPeriodicWindow(config, period, /*window=*/2048, &decoder);
  ImportAttentionExperts(config, names, decoder, stack);
}

void ImportErnieMoe(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, AttentionFields(4, 0), model);
  const bool bias = config.BoolOr("use_bias", false);
  SetBiases(bias, &decoder.attention);
  const int64_t layers = decoder.layers();
  const int64_t interval = config.IntOr("moe_layer_interval", 1, kPeriodLimits);
  const int64_t start = config.IntOr("moe_layer_start_index", 1, kOffsetLimits);
  int64_t end =
      config.IntOr("moe_layer_end_index", -1, {-1, kOffsetLimits.max});
  if (end < 0) end = layers - 1;
  for (int64_t i = 0; i < layers; ++i) {
    decoder.sparse.push_back(interval > 0 && (i + 1) % interval == 0 &&
                             i >= start && i <= end);
  }
  decoder.mlp = ReadMlpIfDense(config, "intermediate_size", decoder.sparse);
  decoder.mlp.set_bias(bias);
  Mlp expert = ReadGatedMlp(config, "moe_intermediate_size");
  expert.set_bias(bias);
  decoder.moe = ReadExperts(config, "moe_num_experts", 64, "moe_k", 6, expert);
  SetShared(config.IntOr("moe_num_shared_experts", 2, {0, kHeadLimits.max}),
            expert.d_ff(), true, &decoder.moe);
  decoder.moe.set_router_bias(true);
  AddLayers(decoder, stack);
}

// A number, or a list of one number per layer.
std::vector<int64_t> ReadPerLayer(const JsonReader& config, const char* name,
                                  int64_t layers, Limits limits) {
  if (!config.IsList(name)) {
    return std::vector<int64_t>(layers, config.Int(name, limits));
  }
  std::vector<int64_t> values =
      config.Ints(name, limits).value_or(std::vector<int64_t>());
  if (static_cast<int64_t>(values.size()) < layers) {
    config.AddFault(name, absl::StrCat("found ", values.size(),
                                       " entries; expected ", layers));
    values.resize(layers, 0);
  }
  return values;
}

// Hunyuan: numbers that may differ by layer, and cross-layer attention.
void ImportHunyuanMoe(const JsonReader& config, Model* model,
                      LayerStack* stack) {
  // attention_head_dim of Hunyuan-Large is not what its matrices have: 389 B
  // parameters take hidden_size / num_attention_heads.
  config.Has("attention_head_dim");
  Decoder decoder = ReadDecoder(config, AttentionFields(0, 0), model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.attention.set_qk_norm(config.BoolOr("use_qk_norm", false));
  ReadCrossLayerAttention(config, &decoder);
  const int64_t layers = decoder.layers();
  const Mlp mlp = ReadGatedMlp(config, "intermediate_size");
  const auto experts = ReadPerLayer(config, "num_experts", layers, kHeadLimits);
  const auto per_token = ReadPerLayer(config, "moe_topk", layers, kHeadLimits);
  const char* width = config.Has("moe_intermediate_size")
                          ? "moe_intermediate_size"
                          : "intermediate_size";
  const auto widths = ReadPerLayer(config, width, layers, kMlpLimits);
  const bool has_shared = config.BoolOr("use_mixed_mlp_moe", false);
  const auto shared = has_shared ? ReadPerLayer(config, "num_shared_expert",
                                                layers, {0, kHeadLimits.max})
                                 : std::vector<int64_t>(layers, 0);
  for (int64_t i = 0; i < layers; ++i) {
    Block block;
    block.set_name("full");
    block.set_norms(2);
    *block.mutable_attention() = decoder.attention;
    if (i % decoder.cache_period != 0) {
      block.mutable_attention()->set_shared_kv(true);
      // The norm of keys stays.
      *block.add_extra() =
          ExtraVector("key_norm", decoder.attention.head_dim());
      block.set_name("full-shared");
    }
    if (experts[i] > 1) {
      MixtureOfExperts moe;
      moe.set_experts(experts[i]);
      moe.set_experts_per_token(per_token[i]);
      moe.mutable_expert()->set_gated(true);
      moe.mutable_expert()->set_d_ff(widths[i]);
      SetShared(shared[i], widths[i], true, &moe);
      SetExperts(moe, &block);
    } else {
      *block.mutable_mlp() = mlp;
    }
    stack->Add(block);
  }
  if (decoder.cache_period > 1) {
    config.AddNote(
        "Layers that share keys and values are counted as one cache; engines "
        "that keep a copy in every layer hold more.");
  }
}

void ImportPhiMoe(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, AttentionFields(8, 0), model);
  model->set_norm(LAYER_NORM);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  model->set_lm_head_bias(config.BoolOr("lm_head_bias", false));
  decoder.moe =
      ReadExperts(config, "num_local_experts", 16, "num_experts_per_tok", 2,
                  ReadGatedMlp(config, "intermediate_size"));
  decoder.sparse.assign(decoder.layers(), true);
  AddLayers(decoder, stack);
}

void ImportDbrx(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, MosaicFields(), model);
  model->set_norm(LAYER_NORM_NO_BIAS);
  const JsonReader attention = config.Object("attn_config");
  decoder.attention.set_kv_heads(attention.IntOr("kv_n_heads", 1, kHeadLimits));
  const JsonReader ffn = config.Object("ffn_config");
  decoder.moe = ReadExperts(ffn, "moe_num_experts", 4, "moe_top_k", 1,
                            ReadGatedMlp(ffn, "ffn_hidden_size"));
  decoder.sparse.assign(decoder.layers(), true);
  AddLayers(decoder, stack);
}

void ImportOlmoe(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, AttentionFields(0, 0), model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.attention.set_qk_norm_all_heads(true);
  decoder.moe = ReadExperts(config, "num_experts", 64, "num_experts_per_tok", 8,
                            ReadGatedMlp(config, "intermediate_size"));
  decoder.sparse.assign(decoder.layers(), true);
  AddLayers(decoder, stack);
}

void ImportGraniteMoe(const JsonReader& config, Model* model,
                      LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, AttentionFields(0, 0), model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.moe =
      ReadExperts(config, "num_local_experts", 8, "num_experts_per_tok", 2,
                  ReadGatedMlp(config, "intermediate_size"));
  if (config.IsSize("shared_intermediate_size")) {
    *decoder.moe.mutable_shared() =
        ReadGatedMlp(config, "shared_intermediate_size");
  }
  decoder.sparse.assign(decoder.layers(), true);
  AddLayers(decoder, stack);
}

void ImportMiniMaxM2(const JsonReader& config, Model* model,
                     LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, AttentionFields(0, 0), model);
  if (config.BoolOr("use_qk_norm", true)) {
    if (config.IsString("qk_norm_type", "per_head")) {
      decoder.attention.set_qk_norm(true);
    } else {
      decoder.attention.set_qk_norm_all_heads(true);
    }
  }
  decoder.moe =
      ReadExperts(config, "num_local_experts", 0, "num_experts_per_tok", 0,
                  ReadGatedMlp(config, "intermediate_size"));
  if (config.IsSize("shared_intermediate_size")) {
    *decoder.moe.mutable_shared() =
        ReadGatedMlp(config, "shared_intermediate_size");
  }
  decoder.moe.set_router_bias(config.BoolOr("use_routing_bias", true));
  decoder.sparse.assign(decoder.layers(), true);
  const std::vector<bool> softmax = config.Flags("attn_type_list");
  if (std::count(softmax.begin(), softmax.end(), false) > 0) {
    config.AddFault("attn_type_list",
                    "expected 1 (softmax attention) for every layer");
  }
  if (config.IsSize("num_mtp_modules")) {
    config.AddNote(
        "num_mtp_modules is not counted: the published files hold no such "
        "module.");
  }
  AddLayers(decoder, stack);
}

// MiniMax-M3: an indexer chooses blocks of positions in the sparse layers.
void ImportMiniMaxM3(const JsonReader& config, Model* model,
                     LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, AttentionFields(0, 0), model);
  const int64_t layers = decoder.layers();
  decoder.attention.set_qk_norm(config.BoolOr("use_qk_norm", true));
  decoder.attention.set_output_gate(
      config.BoolOr("attention_output_gate", false));
  const std::vector<bool> sparse = ReadSparseLayers(
      config, "moe_layer_freq", "first_k_dense_replace", 0, layers);
  const Mlp mlp = ReadMlpIfDense(config, "dense_intermediate_size", sparse);
  MixtureOfExperts moe =
      ReadExperts(config, "num_local_experts", 0, "num_experts_per_tok", 0,
                  ReadGatedMlp(config, "intermediate_size"));
  if (config.IsSize("n_shared_experts")) {
    SetShared(config.Int("n_shared_experts", kHeadLimits),
              config.Int("shared_intermediate_size", kMlpLimits), true, &moe);
  }
  moe.set_router_bias(config.BoolOr("use_routing_bias", false));
  std::vector<bool> indexed(layers, false);
  Indexer indexer;
  if (config.Has("sparse_attention_config")) {
    const JsonReader own = config.Object("sparse_attention_config");
    indexed = ReadSparseLayers(own, "sparse_attention_freq", "", 0, layers);
    indexer.set_heads(own.Int("sparse_num_index_heads", kHeadLimits));
    indexer.set_head_dim(own.Int("sparse_index_dim", kHeadLimits));
    indexer.set_top_k(own.Int("sparse_topk_blocks", kWindowLimits) *
                      own.Int("sparse_block_size", kPeriodLimits));
    indexer.set_no_head_weights(true);
  }
  for (int64_t i = 0; i < layers; ++i) {
    Block block;
    block.set_norms(2);
    *block.mutable_attention() = decoder.attention;
    if (indexed[i]) *block.mutable_attention()->mutable_indexer() = indexer;
    block.set_name(indexed[i] ? "indexed" : "full");
    if (sparse[i]) {
      SetExperts(moe, &block);
    } else {
      *block.mutable_mlp() = mlp;
    }
    stack->Add(block);
  }
}

// MiMo-V2: windows in most layers, with heads of their own there, and values
// narrower than keys.
void ImportMiMoV2(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, AttentionFields(4, 192), model);
  const int64_t layers = decoder.layers();
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  Attention full = decoder.attention, local = decoder.attention;
  full.set_value_head_dim(config.IntOr("v_head_dim", 128, kHeadLimits));
  full.set_sinks(config.BoolOr("add_full_attention_sink_bias", false));
  local.set_heads(
      config.IntOr("swa_num_attention_heads", full.heads(), kHeadLimits));
  local.set_kv_heads(config.IntOr("swa_num_key_value_heads", 8, kHeadLimits));
  local.set_head_dim(
      config.IntOr("swa_head_dim", full.head_dim(), kHeadLimits));
  local.set_value_head_dim(
      config.IntOr("swa_v_head_dim", full.value_head_dim(), kHeadLimits));
  local.set_sinks(config.BoolOr("add_swa_attention_sink_bias", true));
  local.set_sliding_tokens(
      config.Int(EitherName(config, "sliding_window", "sliding_window_size"),
                 kWindowLimits));
  const std::vector<bool> is_local =
      ReadSparseLayers(config, "hybrid_layer_pattern", "", 0, layers);
  const std::vector<bool> sparse = ReadSparseLayers(
      config, "moe_layer_freq", "first_k_dense_replace", 1, layers);
  const Mlp mlp = ReadGatedMlp(config, "intermediate_size");
  MixtureOfExperts moe =
      ReadExperts(config, "n_routed_experts", 0, "num_experts_per_tok", 0,
                  ReadGatedMlp(config, "moe_intermediate_size"));
  if (config.IsSize("n_shared_experts")) {
    SetShared(config.Int("n_shared_experts", kHeadLimits), moe.expert().d_ff(),
              true, &moe);
  }
  moe.set_router_bias(true);
  for (int64_t i = 0; i < layers; ++i) {
    Block block;
    block.set_norms(2);
    block.set_name(is_local[i] ? "local" : "full");
    *block.mutable_attention() = is_local[i] ? local : full;
    if (sparse[i]) {
      SetExperts(moe, &block);
    } else {
      *block.mutable_mlp() = mlp;
    }
    stack->Add(block);
  }
  // A module has a window and a dense MLP (MiMo-V2-Flash technical report).
  Block mtp;
  mtp.set_name("mtp");
  mtp.set_norms(2);
  *mtp.mutable_attention() = local;
  *mtp.mutable_mlp() = mlp;
  stack->AddMtp(mtp);
  constexpr int64_t kModules = 3;
  config.NoteDefault("MTP modules", absl::StrCat(kModules));
  model->set_mtp_modules(kModules);
}

// A list of whole numbers, or a string of them with commas.
std::vector<int64_t> ReadNumberList(const JsonReader& config,
                                    const char* name) {
  std::vector<int64_t> numbers;
  if (!config.Has(name)) return numbers;
  if (config.IsList(name)) {
    return config.Ints(name, kOffsetLimits).value_or(numbers);
  }
  for (const absl::string_view part :
       absl::StrSplit(config.String(name), ',', absl::SkipWhitespace())) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(part, &number)) {
      config.AddFault(name, "expected whole numbers with commas between them");
      return {};
    }
    numbers.push_back(number);
  }
  return numbers;
}

// Step 3.5: more heads in the layers with a window, and a gate per head.
void ImportStep3p5(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields = AttentionFields(0, 128);
  fields.kv_heads = "num_attention_groups";
  Decoder decoder = ReadDecoder(config, fields, model);
  const int64_t layers = decoder.layers();
  decoder.attention.set_qk_norm(config.BoolOr("use_qk_norm", true));
  decoder.attention.set_head_gate(
      config.BoolOr("use_head_wise_attn_gate", true));
  Attention local = decoder.attention;
  if (config.Has("attention_other_setting")) {
    const JsonReader other = config.Object("attention_other_setting");
    local.set_heads(other.Int("num_attention_heads", kHeadLimits));
    local.set_kv_heads(other.Int("num_attention_groups", kHeadLimits));
  }
  const auto types = config.Strings("layer_types");
  const bool has_types =
      types.has_value() && static_cast<int64_t>(types->size()) >= layers;
  if (types.has_value() && !has_types) {
    config.AddFault("layer_types",
                    absl::StrCat("found ", types->size(),
                                 " entries; expected at least ", layers));
  }
  local.set_sliding_tokens(
      has_types ? config.Int("sliding_window", kWindowLimits) : 1);
  const std::vector<int64_t> listed = ReadNumberList(config, "moe_layers_enum");
  const Mlp mlp = ReadGatedMlp(config, "intermediate_size");
  MixtureOfExperts moe =
      ReadExperts(config, "moe_num_experts", 0, "moe_top_k", 0,
                  ReadGatedMlp(config, "moe_intermediate_size"));
  if (config.IsSize("share_expert_dim")) {
    *moe.mutable_shared() = ReadGatedMlp(config, "share_expert_dim");
  }
  moe.set_router_bias(config.BoolOr("use_moe_router_bias", false));
  for (int64_t i = 0; i < layers; ++i) {
    const bool is_local = has_types && (*types)[i] == kSliding;
    const bool sparse =
        config.Has("moe_layers_enum")
            ? std::find(listed.begin(), listed.end(), i) != listed.end()
            : i > 0;
    Block block;
    block.set_norms(2);
    block.set_name(is_local ? "local" : "full");
    *block.mutable_attention() = is_local ? local : decoder.attention;
    if (sparse) {
      SetExperts(moe, &block);
    } else {
      *block.mutable_mlp() = mlp;
    }
    stack->Add(block);
  }
  Block mtp;
  mtp.set_name("mtp");
  mtp.set_norms(2);
  *mtp.mutable_attention() = local;
  *mtp.mutable_mlp() = mlp;
  stack->AddMtp(mtp);
}

// LongCat-Flash: two latent attentions and two dense MLPs per layer, and
// experts beside them, some of which do nothing.
void ImportLongCat(const JsonReader& config, Model* model, LayerStack* stack) {
  const int64_t layers =
      ReadSizes(config, EitherName(config, "num_layers", "num_hidden_layers"),
                131072, model);
  Block dense;
  dense.set_name("dense");
  dense.set_norms(2);
  *dense.mutable_latent_attention() = ReadLatentAttention(config);
  *dense.mutable_mlp() = ReadGatedMlp(config, "ffn_hidden_size");
  Block experts;
  experts.set_name("experts");
  MixtureOfExperts* moe = experts.mutable_moe();
  *moe->mutable_expert() = ReadGatedMlp(config, "expert_ffn_hidden_size");
  moe->set_experts(config.Int("n_routed_experts", kHeadLimits));
  moe->set_experts_per_token(config.Int("moe_topk", kHeadLimits));
  moe->set_identity_experts(
      config.IntOr("zero_expert_num", 0, {0, kHeadLimits.max}));
  moe->set_router_bias(true);
  if (config.BoolOr("router_bias", false)) {
    *experts.add_extra() =
        ExtraVector("router_bias", moe->experts() + moe->identity_experts());
  }
  for (int64_t i = 0; i < layers; ++i) {
    stack->Add(dense);
    stack->AddToLast(experts);
    stack->AddToLast(dense);
  }
  stack->AddMtp(dense);
}

// DeepSeek-V4: attention over a window and over compressed positions, whose
// ratio differs by layer, and residual streams that are mixed by small matrices
// (hyper-connections).
void ImportDeepSeekV4(const JsonReader& config, Model* model,
                      LayerStack* stack) {
  const int64_t layers = ReadSizes(config, "num_hidden_layers", 1048576, model);
  const int64_t d = model->d_model();
  CompressedAttention attention;
  attention.set_heads(config.Int("num_attention_heads", kHeadLimits));
  attention.set_head_dim(config.IntOr("head_dim", 512, kHeadLimits));
  attention.set_q_rank(config.Int("q_lora_rank", kHeadLimits));
  attention.set_sliding_tokens(
      config.IntOr("sliding_window", 128, kWindowLimits));
  attention.set_output_groups(config.Int("o_groups", kHeadLimits));
  attention.set_output_rank(config.Int("o_lora_rank", kHeadLimits));
  attention.set_sinks(true);
  // The modules for drafts have an entry too.
  const auto ratios = config.Ints("compress_ratios", {0, 1'000'000})
                          .value_or(std::vector<int64_t>());
  if (static_cast<int64_t>(ratios.size()) < layers) {
    config.AddFault(
        "compress_ratios",
        absl::StrCat("found ", ratios.size(),
                     " entries; expected one for each of ", layers, " layers"));
    return;
  }
  const Indexer indexer = ReadIndexer(config);
  const MixtureOfExperts moe = ReadDeepSeekExperts(config, "noaux_tc");
  const int64_t hashed =
      config.IntOr("num_hash_layers", 3, {0, kOffsetLimits.max});
  const int64_t streams = config.IntOr("hc_mult", 4, {1, 64});
  const int64_t mixes = (2 + streams) * streams;
  *model->add_extra() =
      ExtraMatrix("hyper_connection", streams * d, streams, streams + 1);
  constexpr int64_t kIndexed = 4;
  for (int64_t i = 0; i < layers; ++i) {
    Block block;
    block.set_norms(2);
    *block.mutable_compressed_attention() = attention;
    CompressedAttention* own = block.mutable_compressed_attention();
    own->set_ratio(ratios[i]);
    block.set_name(ratios[i] == 0 ? "window" : "compressed");
    if (ratios[i] == kIndexed) {
      block.set_name("indexed");
      own->set_overlap(2);
      *own->mutable_indexer() = indexer;
    }
    for (const char* name : {"mixer_connection", "expert_connection"}) {
      *block.add_extra() = ExtraMatrix(name, streams * d, mixes, mixes + 3);
    }
    *block.mutable_moe() = moe;
    // The first layers choose experts by a table of tokens, which takes no
    // arithmetic.
    if (i < hashed) {
      block.mutable_moe()->set_router_bias(false);
      block.set_name(absl::StrCat(block.name(), "-hashed"));
    }
    stack->Add(block);
  }
  if (config.IsString("expert_dtype", "fp4")) {
    model->mutable_formats()->set_experts("mxfp4");
  }
  // A fault leaves no layers.
  if (stack->layers().empty()) return;
  Block mtp = stack->layers().back().block;
  mtp.set_name("mtp");
  mtp.mutable_compressed_attention()->set_ratio(0);
  mtp.mutable_compressed_attention()->clear_overlap();
  mtp.mutable_compressed_attention()->clear_indexer();
  stack->AddMtp(mtp);
}

// Sorted by model_type.
constexpr HfFamily kFamilies[] = {
    {"afmoe", false, ImportAfMoe},
    {"bailing_moe", false, ImportBailing},
    {"dbrx", false, ImportDbrx},
    {"deepseek", false, ImportDeepSeekV1},
    {"deepseek_v32", false, ImportSparseDeepSeek},
    {"deepseek_v4", false, ImportDeepSeekV4},
    {"dots1", false, ImportDots1},
    {"ernie4_5_moe", true, ImportErnieMoe},
    {"exaone_moe", false, ImportExaoneMoe},
    {"glm4_moe", false, ImportGlm4Moe},
    {"glm4_moe_lite", false, ImportGlm4MoeLite},
    {"glm_moe_dsa", false, ImportSparseDeepSeek},
    {"granitemoe", false, ImportGraniteMoe},
    {"granitemoeshared", false, ImportGraniteMoe},
    {"hunyuan", false, ImportHunyuanMoe},
    {"hunyuan_v1_moe", false, ImportHunyuanMoe},
    {"hy_v3", false, ImportHyV3},
    {"longcat_flash", false, ImportLongCat},
    {"mimo_v2", false, ImportMiMoV2},
    {"mimo_v2_flash", false, ImportMiMoV2},
    {"minimax_m2", false, ImportMiniMaxM2},
    {"minimax_m3", false, ImportMiniMaxM3},
    {"mistral4", false, ImportMistral4},
    {"olmoe", false, ImportOlmoe},
    {"phimoe", false, ImportPhiMoe},
    {"solar_open", false, ImportSolarOpen},
    {"step3p5", false, ImportStep3p5},
};

}  // namespace

absl::Span<const HfFamily> ExpertFamilies() { return kFamilies; }

}  // namespace tokenjoule
