// Families of decoders with state spaces, linear attention or convolutions,
// beside those of hf_families.cc. Each follows the configuration class and the
// modelling code of its library: transformers, or the checkpoint's own code.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "analyzer/import/hf_decoder.h"
#include "analyzer/import/hf_families.h"
#include "analyzer/import/hf_parts.h"

namespace tokenjoule {
namespace {

// Qwen3.5: the layers of Qwen3-Next with a dense MLP or with experts, and a
// module for drafts that has full attention.
Decoder ReadQwen35(const JsonReader& config, int64_t kv_heads, Model* model) {
  DecoderFields fields;
  fields.default_kv_heads = kv_heads;
  fields.default_head_dim = 256;
  fields.default_positions = 262144;
  fields.default_vocab = 248320;
  Decoder decoder = ReadDecoder(config, fields, model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.attention.set_qk_norm(true);
  decoder.attention.set_output_gate(config.BoolOr("attn_output_gate", true));
  ReadQwenLinearLayers(config, &decoder);
  model->mutable_formats()->set_state("fp32");
  return decoder;
}

void AddQwen35Layers(Decoder decoder, LayerStack* stack) {
  AddLayers(decoder, stack);
  decoder.types = {kFull};
  if (!decoder.sparse.empty()) decoder.sparse = {true};
  LayerStack mtp;
  AddLayers(decoder, &mtp);
  stack->AddMtp(mtp.layers().front().block);
}

void ImportQwen35(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadQwen35(config, 4, model);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddQwen35Layers(decoder, stack);
}

void ImportQwen35Moe(const JsonReader& config, Model* model,
                     LayerStack* stack) {
  Decoder decoder = ReadQwen35(config, 2, model);
  decoder.moe = ReadExperts(config, "num_experts", 256, "num_experts_per_tok",
                            8, ReadGatedMlp(config, "moe_intermediate_size"));
  ReadQwenSharedExpert(config, &decoder.moe);
  decoder.sparse.assign(decoder.layers(), true);
  AddQwen35Layers(decoder, stack);
}

// A decoder that has attention in some layers and another mixer in the others,
// each with an MLP or experts.
struct HybridLayers {
  // Whether each layer has attention.
  std::vector<bool> full;
  // Whether each layer has experts; empty if none has.
  std::vector<bool> sparse;
  // The mixers, with the names of their layers.
  Block attention;
  Block other;
  Mlp mlp;
  MixtureOfExperts moe;
};

void AddHybridLayers(const HybridLayers& layers, LayerStack* stack) {
  for (size_t i = 0; i < layers.full.size(); ++i) {
    Block block = layers.full[i] ? layers.attention : layers.other;
    block.set_norms(2);
    if (!layers.sparse.empty() && layers.sparse[i]) {
      SetExperts(layers.moe, &block);
    } else {
      *block.mutable_mlp() = layers.mlp;
    }
    stack->Add(block);
  }
}

// Layers that are named in lists counted from 1.
std::vector<bool> ReadListedLayers(const JsonReader& config, const char* name,
                                   int64_t layers, int64_t first) {
  std::vector<bool> listed(layers, false);
  const auto numbers =
      config.Ints(name, {first, std::max(layers - 1 + first, first)})
          .value_or(std::vector<int64_t>());
  for (const int64_t number : numbers) {
    if (number - first < layers) listed[number - first] = true;
  }
  return listed;
}

// Kimi Linear and K3: KDA in most layers, latent attention in the others.
void ImportKimiLinear(const JsonReader& config, Model* model,
                      LayerStack* stack) {
  const int64_t layers =
      ReadSizes(config, "num_hidden_layers",
                config.Has("model_max_length")
                    ? config.Int("model_max_length", kContextLimits)
                    : 1048576,
                model);
  const int64_t d = model->d_model();
  const JsonReader own = config.Object("linear_attn_config");
  LinearAttention linear;
  linear.set_rule(LinearAttention::KIMI_DELTA);
  linear.set_key_heads(own.Int("num_heads", kHeadLimits));
  linear.set_value_heads(linear.key_heads());
  linear.set_key_head_dim(own.Int("head_dim", kHeadLimits));
  linear.set_value_head_dim(linear.key_head_dim());
  linear.set_d_conv(own.IntOr("short_conv_kernel_size", 4, kConvLimits));
  linear.set_full_rank_gate(own.BoolOr("use_full_rank_gate", false));
  const std::vector<bool> full =
      ReadListedLayers(own, "full_attn_layers", layers, 1);
  own.Ints("kda_layers", {1, kLayerLimits.max});
  LatentAttention latent = ReadLatentAttention(config);
  if (!config.Has("q_lora_rank")) latent.set_q_rank(0);
  const Mlp expert = ReadGatedMlp(config, "moe_intermediate_size");
  MixtureOfExperts moe =
      ReadExperts(config, "num_experts", 0, "num_experts_per_token", 0, expert);
  const int64_t shared =
      config.IntOr("num_shared_experts", 0, {0, kHeadLimits.max});
  if (shared > 0) {
    *moe.mutable_shared() = expert;
    moe.mutable_shared()->set_d_ff(shared * expert.d_ff());
  }
  moe.set_router_bias(true);
  std::vector<Projection> in_layer, in_moe;
  if (config.IsSize("routed_expert_hidden_size")) {
    moe.set_latent_dim(config.Int("routed_expert_hidden_size"));
    if (config.BoolOr("latent_moe_use_norm", false)) {
      in_moe.push_back(ExtraVector("latent_norm", moe.latent_dim()));
    }
  }
  if (config.IsSize("attn_res_block_size")) {
    config.Int("attn_res_block_size", kLayerLimits);
    in_layer.push_back(ExtraMatrix("attention_residual", d, 1, d));
    in_layer.push_back(ExtraMatrix("mlp_residual", d, 1, d));
    *model->add_extra() = ExtraMatrix("output_residual", d, 1, d);
  }
  const int64_t dense = config.IntOr("first_k_dense_replace", 0, kOffsetLimits);
  const int64_t step = config.IntOr("moe_layer_freq", 1, kPeriodLimits);
  const Mlp mlp = ReadGatedMlp(config, "intermediate_size");
  for (int64_t i = 0; i < layers; ++i) {
    Block block;
    block.set_norms(2);
    block.set_name(full[i] ? "full" : "linear");
    for (const Projection& extra : in_layer) *block.add_extra() = extra;
    if (full[i]) {
      *block.mutable_latent_attention() = latent;
      if (config.BoolOr("mla_use_output_gate", false)) {
        *block.add_extra() =
            ExtraMatrix("output_gate", d, latent.heads() * latent.v_dim());
      }
    } else {
      *block.mutable_linear_attention() = linear;
    }
    if (i >= dense && step > 0 && i % step == 0) {
      for (const Projection& extra : in_moe) *block.add_extra() = extra;
      SetExperts(moe, &block);
    } else {
      *block.mutable_mlp() = mlp;
    }
    stack->Add(block);
  }
  model->mutable_formats()->set_state("fp32");
}

// Lightning attention of MiniMax-01 and M1; `heads` of `head_dim`.
LinearAttention Lightning(int64_t heads, int64_t head_dim) {
  LinearAttention linear;
  linear.set_rule(LinearAttention::LIGHTNING);
  linear.set_key_heads(heads);
  linear.set_value_heads(heads);
  linear.set_key_head_dim(head_dim);
  linear.set_value_head_dim(head_dim);
  return linear;
}

void ImportMiniMax(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.default_kv_heads = 8;
  fields.default_positions = 10240000;
  Decoder decoder = ReadDecoder(config, fields, model);
  const int64_t layers = decoder.layers();
  decoder.linear =
      Lightning(decoder.attention.heads(), decoder.attention.head_dim());
  if (config.IsList("attn_type_list")) {
    const std::vector<bool> softmax = config.Flags("attn_type_list");
    if (static_cast<int64_t>(softmax.size()) < layers) {
      config.AddFault("attn_type_list",
                      absl::StrCat("found ", softmax.size(),
                                   " entries; expected ", layers));
      return;
    }
    for (int64_t i = 0; i < layers; ++i) {
      decoder.types[i] = softmax[i] ? kFull : kLinear;
    }
  } else {
    ReadLayerTypes(
        config, {kFull, kLinear},
        [](int64_t i) { return (i + 1) % 8 == 0 ? kFull : kLinear; }, &decoder);
    if (!config.Has("layer_types")) {
      config.NoteDefault("layer_types", "full attention in every 8th layer");
    }
  }
  decoder.moe =
      ReadExperts(config, "num_local_experts", 32, "num_experts_per_tok", 2,
                  ReadGatedMlp(config, "intermediate_size"));
  if (config.IsSize("shared_intermediate_size")) {
    *decoder.moe.mutable_shared() =
        ReadGatedMlp(config, "shared_intermediate_size");
    decoder.moe.set_shared_gate(true);
  }
  decoder.sparse.assign(layers, true);
  AddLayers(decoder, stack);
  model->mutable_formats()->set_state("fp32");
}

// Ling and Ring with linear attention in all but every layer_group_size-th
// layer and the last few.
std::vector<bool> ReadBailingFull(const JsonReader& config, int64_t layers) {
  std::vector<bool> full(layers, false);
  const int64_t group = config.Int("layer_group_size", kPeriodLimits);
  for (int64_t i = 0; i < layers && group > 0; ++i) {
    full[i] = (i + 1) % group == 0 || i >= layers / group * group;
  }
  return full;
}

void AddBailingLayers(const JsonReader& config, const std::vector<bool>& full,
                      const Block& attention, const Block& linear,
                      LayerStack* stack) {
  const Mlp expert = ReadGatedMlp(config, "moe_intermediate_size");
  MixtureOfExperts moe =
      ReadExperts(config, "num_experts", 0, "num_experts_per_tok", 0, expert);
  const int64_t shared =
      config.IntOr("num_shared_experts", 0, {0, kHeadLimits.max});
  if (shared > 0) {
    moe.mutable_shared()->set_gated(true);
    moe.mutable_shared()->set_d_ff(
        shared *
        (config.Has("moe_shared_expert_intermediate_size")
             ? config.Int("moe_shared_expert_intermediate_size", kMlpLimits)
             : expert.d_ff()));
  }
  moe.set_router_bias(config.BoolOr("moe_router_enable_expert_bias", false));
  const int64_t dense = config.IntOr("first_k_dense_replace", 0, kOffsetLimits);
  HybridLayers hybrid;
  hybrid.full = full;
  for (size_t i = 0; i < full.size(); ++i) {
    hybrid.sparse.push_back(static_cast<int64_t>(i) >= dense);
  }
  hybrid.attention = attention;
  hybrid.attention.set_name("full");
  hybrid.other = linear;
  hybrid.other.set_name("linear");
  if (dense > 0) hybrid.mlp = ReadGatedMlp(config, "intermediate_size");
  hybrid.moe = moe;
  AddHybridLayers(hybrid, stack);
}

Block BailingLightning(const JsonReader& config, int64_t heads,
                       int64_t head_dim) {
  Block block;
  *block.mutable_linear_attention() = Lightning(heads, head_dim);
  block.mutable_linear_attention()->set_qk_norm(
      config.BoolOr("use_qk_norm", false));
  return block;
}

void ImportBailingLinear(const JsonReader& config, Model* model,
                         LayerStack* stack) {
  DecoderFields fields;
  fields.default_positions = 131072;
  Decoder decoder = ReadDecoder(config, fields, model);
  decoder.attention.set_qkv_bias(config.BoolOr("use_qkv_bias", false));
  decoder.attention.set_output_bias(config.BoolOr("use_bias", false));
  decoder.attention.set_qk_norm(config.BoolOr("use_qk_norm", false));
  Block attention;
  *attention.mutable_attention() = decoder.attention;
  AddBailingLayers(config, ReadBailingFull(config, decoder.layers()), attention,
                   BailingLightning(config, decoder.attention.heads(),
                                    decoder.attention.head_dim()),
                   stack);
  model->mutable_formats()->set_state("fp32");
}

// Ling 2.5 (lightning) and Ling 3 (KDA), with latent attention between.
void ImportBailingHybrid(const JsonReader& config, Model* model,
                         LayerStack* stack) {
  const int64_t layers = ReadSizes(config, "num_hidden_layers", 131072, model);
  const int64_t d = model->d_model();
  const int64_t heads = config.Int("num_attention_heads", kHeadLimits);
  const int64_t head_dim = config.IntOr("head_dim", 128, kHeadLimits);
  Block attention;
  LatentAttention latent = ReadLatentAttention(config);
  if (!config.Has("q_lora_rank")) latent.set_q_rank(0);
  *attention.mutable_latent_attention() = latent;
  constexpr char kGate[] = "gated_attention_proj_granularity_type";
  if (config.IsString(kGate, "head_wise")) {
    *attention.add_extra() = ExtraMatrix("head_gate", d, heads);
  } else if (config.IsString(kGate, "element_wise")) {
    *attention.add_extra() =
        ExtraMatrix("output_gate", d, heads * latent.v_dim());
  }
  Block linear;
  const auto architectures = config.Strings("architectures");
  const bool kimi = config.Has("short_conv_kernel_size") ||
                    (architectures.has_value() && !architectures->empty() &&
                     architectures->front().find("V3") != std::string::npos);
  if (kimi) {
    LinearAttention* own = linear.mutable_linear_attention();
    *own = Lightning(heads, head_dim);
    own->set_rule(LinearAttention::KIMI_DELTA);
    own->set_d_conv(config.IntOr("short_conv_kernel_size", 4, kConvLimits));
    const bool full_rank = config.BoolOr("no_kda_lora", false);
    own->set_full_rank_gate(full_rank);
    own->set_full_rank_decay(full_rank);
  } else {
    linear = BailingLightning(config, heads, head_dim);
  }
  AddBailingLayers(config, ReadBailingFull(config, layers), attention, linear,
                   stack);
  model->mutable_formats()->set_state("fp32");
}

// Names of Mamba-2's fields in Granite, Bamba and Falcon-H1.
Mamba2Fields PrefixedMamba2() {
  Mamba2Fields fields = {"mamba_n_heads", "mamba_d_head", "mamba_d_state"};
  fields.groups = "mamba_n_groups";
  fields.conv = "mamba_d_conv";
  fields.bias = "mamba_proj_bias";
  fields.conv_bias = "mamba_conv_bias";
  fields.default_heads = 128;
  fields.default_head_dim = 64;
  fields.default_state = 256;
  fields.default_groups = 1;
  return fields;
}

// Mamba-2 of `inner` channels; heads of "auto" width share them equally.
Mamba2 ReadPrefixedMamba2(const JsonReader& config, int64_t inner) {
  Mamba2Fields fields = PrefixedMamba2();
  if (config.IsString("mamba_d_head", "auto")) {
    const int64_t heads = config.Int("mamba_n_heads", kHeadLimits);
    fields.head_dim = "mamba_d_head_of_auto";
    fields.default_head_dim = heads > 0 ? inner / heads : 1;
  }
  const Mamba2 mamba = ReadMamba2(config, fields);
  const int64_t channels = mamba.heads() * mamba.head_dim();
  if (channels > 0 && inner > 0 && channels != inner) {
    config.AddFault(
        "mamba_n_heads",
        absl::StrCat("found ", mamba.heads(), " heads of ", mamba.head_dim(),
                     " channels; expected ", inner, " channels in all"));
  }
  return mamba;
}

int64_t ExpandedWidth(const JsonReader& config, const Model& model) {
  return config.IntOr("mamba_expand", 2, {1, 1024}) * model.d_model();
}

void ImportGraniteHybrid(const JsonReader& config, Model* model,
                         LayerStack* stack) {
  DecoderFields fields;
  fields.default_positions = 131072;
  Decoder decoder = ReadDecoder(config, fields, model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  const int64_t layers = decoder.layers();
  HybridLayers hybrid;
  const auto types =
      config.Strings(EitherName(config, "layer_types", "layers_block_type"));
  if (!types.has_value() || static_cast<int64_t>(types->size()) != layers) {
    config.AddFault("layer_types",
                    absl::StrCat("expected ", layers,
                                 " entries \"mamba\" or \"attention\""));
    return;
  }
  for (const std::string& type : *types) {
    hybrid.full.push_back(type == "attention" || type == kFull);
  }
  hybrid.attention.set_name("full");
  *hybrid.attention.mutable_attention() = decoder.attention;
  hybrid.other.set_name("mamba");
  if (std::count(hybrid.full.begin(), hybrid.full.end(), false) > 0) {
    *hybrid.other.mutable_mamba2() =
        ReadPrefixedMamba2(config, ExpandedWidth(config, *model));
  }
  hybrid.mlp = ReadGatedMlp(config, "shared_intermediate_size");
  if (config.IsSize("num_local_experts")) {
    hybrid.moe =
        ReadExperts(config, "num_local_experts", 0, "num_experts_per_tok", 0,
                    ReadGatedMlp(config, "intermediate_size"));
    *hybrid.moe.mutable_shared() = hybrid.mlp;
    hybrid.sparse.assign(layers, true);
  }
  AddHybridLayers(hybrid, stack);
}

void ImportBamba(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.default_kv_heads = 8;
  fields.default_positions = 262144;
  Decoder decoder = ReadDecoder(config, fields, model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  HybridLayers hybrid;
  hybrid.full =
      ReadListedLayers(config, "attn_layer_indices", decoder.layers(), 0);
  hybrid.attention.set_name("full");
  *hybrid.attention.mutable_attention() = decoder.attention;
  hybrid.other.set_name("mamba");
  *hybrid.other.mutable_mamba2() =
      ReadPrefixedMamba2(config, ExpandedWidth(config, *model));
  hybrid.mlp = ReadGatedMlp(config, "intermediate_size");
  AddHybridLayers(hybrid, stack);
}

// Falcon-H1: attention and Mamba-2 side by side in every layer, written as two
// blocks, of which the first has the norm of both.
void ImportFalconH1(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.default_kv_heads = 8;
  fields.default_positions = 262144;
  Decoder decoder = ReadDecoder(config, fields, model);
  const bool bias = config.BoolOr("attention_bias", false);
  SetBiases(bias, &decoder.attention);
  const int64_t inner = config.Has("mamba_d_ssm")
                            ? config.Int("mamba_d_ssm", kMlpLimits)
                            : ExpandedWidth(config, *model);
  Mamba2 mamba = ReadPrefixedMamba2(config, inner);
  mamba.set_no_gated_norm(!config.BoolOr("mamba_rms_norm", false));
  RequireBool(config, "projectors_bias", mamba.projection_bias(),
              mamba.projection_bias(), "expected the same as mamba_proj_bias");
  Mlp mlp = ReadGatedMlp(config, "intermediate_size");
  mlp.set_bias(config.BoolOr("mlp_bias", false));
  for (int64_t i = 0; i < decoder.layers(); ++i) {
    Block attention;
    attention.set_name("attention");
    attention.set_norms(1);
    *attention.mutable_attention() = decoder.attention;
    stack->Add(attention);
    Block rest;
    rest.set_name("mamba");
    rest.set_norms(1);
    *rest.mutable_mamba2() = mamba;
    *rest.mutable_mlp() = mlp;
    stack->AddToLast(rest);
  }
}

// LFM2: gated short convolutions in most layers.
Decoder ReadLfm2(const JsonReader& config, Model* model,
                 std::vector<bool>* full) {
  DecoderFields fields;
  fields.default_kv_heads = 8;
  fields.default_positions = 128000;
  Decoder decoder = ReadDecoder(config, fields, model);
  decoder.attention.set_qk_norm(true);
  const int64_t layers = decoder.layers();
  full->assign(layers, true);
  const auto types = config.Strings("layer_types");
  if (types.has_value()) {
    if (static_cast<int64_t>(types->size()) != layers) {
      config.AddFault(
          "layer_types",
          absl::StrCat("found ", types->size(), " entries; expected ", layers));
      return decoder;
    }
    for (int64_t i = 0; i < layers; ++i) (*full)[i] = (*types)[i] == kFull;
  } else if (config.Has("full_attn_idxs")) {
    *full = ReadListedLayers(config, "full_attn_idxs", layers, 0);
  }
  return decoder;
}

void AddLfm2Layers(const JsonReader& config, const Decoder& decoder,
                   const std::vector<bool>& full, LayerStack* stack) {
  ShortConvolution convolution;
  convolution.set_d_conv(config.IntOr("conv_L_cache", 3, kConvLimits));
  convolution.set_bias(config.BoolOr("conv_bias", false));
  HybridLayers hybrid;
  hybrid.full = full;
  hybrid.sparse = decoder.sparse;
  hybrid.attention.set_name("full");
  *hybrid.attention.mutable_attention() = decoder.attention;
  hybrid.other.set_name("convolution");
  *hybrid.other.mutable_short_convolution() = convolution;
  hybrid.mlp = decoder.mlp;
  hybrid.moe = decoder.moe;
  AddHybridLayers(hybrid, stack);
}

void ImportLfm2(const JsonReader& config, Model* model, LayerStack* stack) {
  std::vector<bool> full;
  Decoder decoder = ReadLfm2(config, model, &full);
  decoder.mlp = ReadGatedMlp(
      config, EitherName(config, "intermediate_size", "block_ff_dim"));
  if (config.BoolOr("block_auto_adjust_ff_dim", true)) {
    // int(2 f / 3), times the multiplier, rounded up.
    const int64_t multiple = config.IntOr("block_multiple_of", 256, {1, 65536});
    auto width = static_cast<int64_t>(2 * decoder.mlp.d_ff() / 3);
    if (config.Has("block_ffn_dim_multiplier")) {
      width = static_cast<int64_t>(
          config.Number("block_ffn_dim_multiplier", 0, 64) *
          static_cast<double>(width));
    }
    if (multiple > 0) {
      decoder.mlp.set_d_ff((width + multiple - 1) / multiple * multiple);
    }
  }
  AddLfm2Layers(config, decoder, full, stack);
}

void ImportLfm2Moe(const JsonReader& config, Model* model, LayerStack* stack) {
  std::vector<bool> full;
  Decoder decoder = ReadLfm2(config, model, &full);
  const int64_t dense = config.IntOr("num_dense_layers", 2, kOffsetLimits);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  decoder.moe = ReadExperts(config, "num_experts", 32, "num_experts_per_tok", 4,
                            ReadGatedMlp(config, "moe_intermediate_size"));
  decoder.moe.set_router_bias(config.BoolOr("use_expert_bias", true));
  for (int64_t i = 0; i < decoder.layers(); ++i) {
    decoder.sparse.push_back(i >= dense);
  }
  AddLfm2Layers(config, decoder, full, stack);
}

// Zamba2: Mamba-2 layers, and a few shared transformer blocks of twice the
// width that are visited in turn, each time with adapters of the layer's own.
void ImportZamba2(const JsonReader& config, Model* model, LayerStack* stack) {
  const int64_t layers = ReadSizes(config, "num_hidden_layers", 4096, model);
  const int64_t d = model->d_model();
  const int64_t heads = config.Int("num_attention_heads", kHeadLimits);
  const int64_t head_dim = config.Has("attention_head_dim")
                               ? config.Int("attention_head_dim", kHeadLimits)
                           : heads > 0 ? 2 * d / heads
                                       : 0;
  const int64_t width = heads * head_dim;
  const int64_t kv_width = (config.Has("num_key_value_heads")
                                ? config.Int("num_key_value_heads", kHeadLimits)
                                : heads) *
                           head_dim;
  const int64_t rank = config.IntOr("adapter_rank", 128, kHeadLimits);
  const int64_t ff = config.Int("intermediate_size", kMlpLimits);
  // A fault leaves 0.
  const int64_t blocks =
      std::max<int64_t>(config.IntOr("num_mem_blocks", 1, {1, 64}), 1);
  RequireBool(config, "add_bias_linear", false, false,
              "expected shared blocks without biases");
  Mamba2Fields fields = {"n_mamba_heads", "mamba_headdim", "mamba_d_state"};
  fields.groups = "mamba_ngroups";
  fields.conv = "mamba_d_conv";
  fields.bias = "add_bias_linear";
  fields.conv_bias = "";
  fields.default_heads = 8;
  fields.default_head_dim = 64;
  fields.default_state = 64;
  fields.default_groups = 1;
  const Mamba2 mamba = ReadMamba2(config, fields);
  std::vector<bool> hybrid(layers, false);
  const auto types = config.Strings("layers_block_type");
  if (types.has_value() && static_cast<int64_t>(types->size()) == layers) {
    for (int64_t i = 0; i < layers; ++i) hybrid[i] = (*types)[i] == "hybrid";
  } else if (config.Has("hybrid_layer_ids")) {
    hybrid = ReadListedLayers(config, "hybrid_layer_ids", layers, 0);
  } else {
    config.AddFault(
        "layers_block_type",
        absl::StrCat("expected ", layers, " entries \"mamba\" or \"hybrid\""));
    return;
  }
  const bool adapts = config.BoolOr("use_shared_attention_adapter", false);
  int64_t visits = 0;
  for (int64_t i = 0; i < layers; ++i) {
    if (hybrid[i]) {
      // The shared block: its attention reads 2 d elements, of which the
      // schema's attention has d; the other half is in matrices of the same
      // shapes.
      Block shared;
      shared.set_name(absl::StrCat("shared-", visits % blocks));
      shared.set_shared_weights(true);
      Attention* attention = shared.mutable_attention();
      attention->set_heads(heads);
      attention->set_kv_heads(head_dim > 0 ? kv_width / head_dim : 0);
      attention->set_head_dim(head_dim);
      *shared.add_extra() =
          ExtraMatrix("qkv_of_embedding", d, width + 2 * kv_width,
                      2 * d + d);  // norms of 2 d and d
      shared.mutable_mlp()->set_gated(true);
      shared.mutable_mlp()->set_d_ff(ff);
      // What each visit has of its own: adapters and a projection.
      Block own;
      own.set_name("mamba-hybrid");
      own.set_norms(1);
      *own.add_extra() = ExtraMatrix("linear", d, d);
      *own.add_extra() = ExtraMatrix("mlp_adapter_down", d, rank);
      *own.add_extra() = ExtraMatrix("mlp_adapter_up", rank, 2 * ff);
      if (adapts) {
        *own.add_extra() = ExtraMatrix("qkv_adapter_down", 2 * d, 3 * rank);
        *own.add_extra() =
            ExtraMatrix("qkv_adapter_up", rank, width + 2 * kv_width);
      }
      *own.mutable_mamba2() = mamba;
      stack->Add(shared);
      stack->AddToLast(own);
      ++visits;
    } else {
      Block block;
      block.set_name("mamba");
      block.set_norms(1);
      *block.mutable_mamba2() = mamba;
      stack->Add(block);
    }
  }
}

// RWKV-7 in the layout of flash-linear-attention.
void ImportRwkv7(const JsonReader& config, Model* model, LayerStack* stack) {
  const int64_t layers = ReadSizes(config, "num_hidden_layers", 0, model);
  const int64_t d = model->d_model();
  model->set_norm(config.BoolOr("norm_bias", true) ? LAYER_NORM
                                                   : LAYER_NORM_NO_BIAS);
  const int64_t norm = model->norm() == LAYER_NORM ? 2 * d : d;
  const bool by_heads = config.Contains("head_dim") && !config.Has("head_dim");
  const int64_t heads = by_heads ? config.Int("num_heads", kHeadLimits) : 0;
  const int64_t head_dim = by_heads ? (heads > 0 ? d / heads : 0)
                                    : config.IntOr("head_dim", 64, kHeadLimits);
  // null: the rule of the layer's own code.
  const auto rank = [&](const char* name, int64_t otherwise, double factor) {
    if (!config.Contains(name) || config.Has(name)) {
      return config.IntOr(name, otherwise, kHeadLimits);
    }
    const auto width = static_cast<double>(d);
    return std::max<int64_t>(32,
                             std::llround(factor * std::sqrt(width) / 32) * 32);
  };
  const int64_t decay = rank("decay_low_rank_dim", 64, 2.5);
  const int64_t a = rank("a_low_rank_dim", 64, 2.5);
  const int64_t v = rank("v_low_rank_dim", 16, 1.7);
  const int64_t gate = rank("gate_low_rank_dim", 128, 5);
  if (config.Has("attn")) {
    config.AddFault("attn", "is not read; expected null: RWKV in every layer");
  }
  if (head_dim > 0 && d % head_dim != 0) {
    config.AddFault("head_dim", "expected a divisor of hidden_size");
    return;
  }
  // A norm of the embedding, in front of the first layer.
  if (config.BoolOr("norm_first", true)) {
    *model->add_extra() = ExtraVector("pre_norm", norm);
  }
  Mlp mlp;
  if (config.Has("intermediate_size")) {
    mlp.set_d_ff(config.Int("intermediate_size", kMlpLimits));
  } else {
    // hidden_ratio times the width, rounded up to a multiple of 32.
    const double ratio =
        config.Has("hidden_ratio") ? config.Number("hidden_ratio", 0.1, 64) : 4;
    const auto width = static_cast<int64_t>(static_cast<double>(d) * ratio);
    mlp.set_d_ff((width + 31) / 32 * 32);
  }
  for (int64_t i = 0; i < layers; ++i) {
    Block block;
    block.set_name(i == 0 ? "first" : "rwkv");
    block.set_norms(2);
    Rwkv* rwkv = block.mutable_rwkv();
    rwkv->set_heads(head_dim > 0 ? d / head_dim : 0);
    rwkv->set_head_dim(head_dim);
    rwkv->set_matrices(4);
    const int64_t ranks = decay + a + gate + (i == 0 ? 0 : v);
    rwkv->set_low_rank_elements(2 * d * ranks);
    // Six token-shift vectors, three of keys and bonus, the biases of the
    // low-rank pairs, and the group norm's weights and biases.
    const int64_t biases = i == 0 ? 2 : 3;
    rwkv->set_vector_elements((6 + 3 + biases + 2) * d);
    *block.mutable_mlp() = mlp;
    *block.add_extra() = ExtraVector("channel_shift", d);
    stack->Add(block);
  }
  model->mutable_formats()->set_state("fp32");
}

// RWKV-5 and RWKV-6 (Eagle, Finch): a full gate matrix, and in RWKV-6 low-rank
// token shifts and decays.
void ImportRwkv6(const JsonReader& config, Model* model, LayerStack* stack) {
  const int64_t layers = ReadSizes(config, "num_hidden_layers", 0, model);
  const int64_t d = model->d_model();
  model->set_norm(LAYER_NORM);
  for (const char* field : {"expand_k", "expand_v", "proj_low_rank_dim",
                            "gate_low_rank_dim", "num_heads"}) {
    if (!config.Has(field)) continue;
    config.AddFault(field,
                    "is of the layout of flash-linear-attention; expected that "
                    "of RWKV's own checkpoints (head_size, "
                    "attention_hidden_size)");
  }
  const char* head_name = EitherName(config, "head_size", "head_dim");
  const int64_t head_dim = config.IntOr(head_name, 64, kHeadLimits);
  const int64_t inner = config.Has("attention_hidden_size")
                            ? config.Int("attention_hidden_size", kMlpLimits)
                            : d;
  const int64_t ff = config.Has("intermediate_size")
                         ? config.Int("intermediate_size", kMlpLimits)
                         : static_cast<int64_t>(d * 3.5) / 32 * 32;
  if (head_dim > 0 && inner % head_dim != 0) {
    config.AddFault(head_name, "expected a divisor of the width");
    return;
  }
  const int64_t large = 4096;
  const int64_t mix = d >= large ? 64 : 32;
  const int64_t decay = d >= large ? 128 : 64;
  *model->add_extra() = ExtraVector("pre_norm", 2 * d);
  for (int64_t i = 0; i < layers; ++i) {
    Block block;
    block.set_name("rwkv");
    block.set_norms(2);
    Rwkv* rwkv = block.mutable_rwkv();
    rwkv->set_heads(head_dim > 0 ? inner / head_dim : 0);
    rwkv->set_head_dim(head_dim);
    rwkv->set_matrices(5);
    // Five token shifts d -> mix -> d, and the decay d -> rank -> inner.
    rwkv->set_low_rank_elements(2 * 5 * d * mix + d * decay + decay * inner);
    // Six shifts, decay, bonus, group norm.
    rwkv->set_vector_elements(6 * d + 2 * inner + 2 * inner);
    block.mutable_mlp()->set_d_ff(ff);
    *block.add_extra() = ExtraMatrix("receptance", d, d, 2 * d);
    stack->Add(block);
  }
  model->mutable_formats()->set_state("fp32");
}

// Sorted by model_type.
constexpr HfFamily kFamilies[] = {
    {"bailing_hybrid", false, ImportBailingHybrid},
    {"bailing_moe_linear", false, ImportBailingLinear},
    {"bamba", false, ImportBamba},
    {"falcon_h1", false, ImportFalconH1},
    {"granitemoehybrid", false, ImportGraniteHybrid},
    {"kimi_linear", false, ImportKimiLinear},
    {"lfm2", true, ImportLfm2},
    {"lfm2_moe", true, ImportLfm2Moe},
    {"minimax", false, ImportMiniMax},
    {"minimax_m1", false, ImportMiniMax},
    {"minimax_text_01", false, ImportMiniMax},
    {"qwen3_5_moe_text", false, ImportQwen35Moe},
    {"qwen3_5_text", false, ImportQwen35},
    {"rwkv6", false, ImportRwkv6},
    {"rwkv7", false, ImportRwkv7},
    {"zamba2", true, ImportZamba2},
};

}  // namespace

absl::Span<const HfFamily> RecurrentFamilies() { return kFamilies; }

}  // namespace tokenjoule
