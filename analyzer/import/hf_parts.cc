#include "analyzer/import/hf_parts.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace tokenjoule {

void ReadQwenWindow(const JsonReader& config, Decoder* decoder) {
  const bool slides = config.BoolOr("use_sliding_window", false);
  int64_t first_local = 0;
  if (slides) {
    decoder->window = ReadWindow(config, "sliding_window", 4096);
    first_local = config.IntOr("max_window_layers", 28, kOffsetLimits);
  }
  const bool has_window = decoder->window > 0;
  ReadLayerTypes(
      config, {kFull, kSliding},
      [&](int64_t i) {
        return has_window && i >= first_local ? kSliding : kFull;
      },
      decoder);
  if (!slides && std::count(decoder->types.begin(), decoder->types.end(),
                            std::string(kSliding)) > 0) {
    config.AddFault("use_sliding_window",
                    "is not true; layer_types has \"sliding_attention\"");
  }
  RequireWindow(config, "sliding_window", *decoder);
}

void ReadQwenSparsity(const JsonReader& config, Decoder* decoder) {
  const int64_t step = config.IntOr("decoder_sparse_step", 1, kPeriodLimits);
  const std::vector<int64_t> dense =
      config
          .Ints("mlp_only_layers",
                {0, std::max<int64_t>(decoder->layers() - 1, 0)})
          .value_or(std::vector<int64_t>());
  decoder->sparse.assign(decoder->layers(), false);
  bool any_dense = false;
  for (int64_t i = 0; i < decoder->layers(); ++i) {
    decoder->sparse[i] =
        step > 0 && (i + 1) % step == 0 &&
        std::find(dense.begin(), dense.end(), i) == dense.end();
    any_dense |= !decoder->sparse[i];
  }
  if (any_dense) decoder->mlp = ReadGatedMlp(config, "intermediate_size");
}

Projection ExtraMatrix(const char* name, int64_t in, int64_t out,
                       int64_t vector) {
  Projection matrix;
  matrix.set_name(name);
  matrix.set_in(in);
  matrix.set_out(out);
  matrix.set_vector(vector);
  return matrix;
}

Projection ExtraVector(const char* name, int64_t elements) {
  return ExtraMatrix(name, 0, 0, elements);
}

DecoderFields MosaicFields() {
  DecoderFields fields;
  fields.hidden = "d_model";
  fields.layers = "n_layers";
  fields.heads = "n_heads";
  fields.kv_heads = "";
  fields.head_dim = "";
  fields.positions = "max_seq_len";
  fields.default_positions = 2048;
  return fields;
}

void ReadQwenLinearLayers(const JsonReader& config, Decoder* decoder) {
  decoder->linear = ReadLinearAttention(config);
  const int64_t interval =
      config.Has("layer_types")
          ? 1
          : config.IntOr("full_attention_interval", 4, kPeriodLimits);
  ReadLayerTypes(
      config, {kFull, kLinear},
      [interval](int64_t i) {
        return interval > 0 && (i + 1) % interval != 0 ? kLinear : kFull;
      },
      decoder);
}

void ReadQwenSharedExpert(const JsonReader& config, MixtureOfExperts* moe) {
  *moe->mutable_shared() =
      ReadGatedMlp(config, "shared_expert_intermediate_size");
  moe->set_shared_gate(true);
}

LinearAttention ReadLinearAttention(const JsonReader& config) {
  LinearAttention linear;
  linear.set_key_heads(config.IntOr("linear_num_key_heads", 16, kHeadLimits));
  linear.set_value_heads(
      config.IntOr("linear_num_value_heads", 32, kHeadLimits));
  linear.set_key_head_dim(
      config.IntOr("linear_key_head_dim", 128, kHeadLimits));
  linear.set_value_head_dim(
      config.IntOr("linear_value_head_dim", 128, kHeadLimits));
  linear.set_d_conv(config.IntOr("linear_conv_kernel_dim", 4, kConvLimits));
  if (linear.key_heads() > 0 && linear.value_heads() > 0 &&
      linear.value_heads() % linear.key_heads() != 0) {
    config.AddFault("linear_num_key_heads",
                    absl::StrCat("found ", linear.key_heads(),
                                 "; expected a divisor of "
                                 "linear_num_value_heads ",
                                 linear.value_heads()));
  }
  return linear;
}

LatentAttention ReadLatentAttention(const JsonReader& config) {
  LatentAttention latent;
  latent.set_heads(config.Int("num_attention_heads", kHeadLimits));
  // null: queries are projected directly.
  if (config.Has("q_lora_rank") || !config.Contains("q_lora_rank")) {
    latent.set_q_rank(config.IntOr("q_lora_rank", 1536, kRankLimits));
  }
  latent.set_kv_rank(config.IntOr("kv_lora_rank", 512, kHeadLimits));
  latent.set_rope_dim(config.IntOr("qk_rope_head_dim", 64, kRankLimits));
  latent.set_nope_dim(config.IntOr("qk_nope_head_dim", 128, kHeadLimits));
  latent.set_v_dim(config.IntOr("v_head_dim", 128, kHeadLimits));
  RequireBool(config, "attention_bias", false, false,
              "the schema's latent attention has no biases");
  return latent;
}

bool ReadRouterBias(const JsonReader& config, absl::string_view otherwise) {
  if (config.Has("topk_method")) {
    return config.String("topk_method") == "noaux_tc";
  }
  config.NoteDefault("topk_method", otherwise);
  return otherwise == "noaux_tc";
}

MixtureOfExperts ReadDeepSeekExperts(const JsonReader& config,
                                     absl::string_view topk_method) {
  const Mlp expert = ReadGatedMlp(config, "moe_intermediate_size");
  MixtureOfExperts moe = ReadExperts(config, "n_routed_experts", 0,
                                     "num_experts_per_tok", 0, expert);
  const int64_t shared =
      config.Has("n_shared_experts")
          ? config.Int("n_shared_experts", {0, kHeadLimits.max})
          : 0;
  if (shared > 0) {
    // Shared experts are stored and computed as one network.
    *moe.mutable_shared() = expert;
    moe.mutable_shared()->set_d_ff(shared * expert.d_ff());
  }
  moe.set_router_bias(ReadRouterBias(config, topk_method));
  return moe;
}

Mamba2 ReadMamba2(const JsonReader& config, const Mamba2Fields& fields) {
  Mamba2 mamba;
  mamba.set_heads(
      IntOrRequired(config, fields.heads, fields.default_heads, kHeadLimits));
  mamba.set_head_dim(IntOrRequired(config, fields.head_dim,
                                   fields.default_head_dim, kHeadLimits));
  mamba.set_d_state(
      config.IntOr(fields.state, fields.default_state, kHeadLimits));
  mamba.set_groups(
      config.IntOr(fields.groups, fields.default_groups, kHeadLimits));
  mamba.set_d_conv(config.IntOr(fields.conv, 4, kConvLimits));
  mamba.set_projection_bias(config.BoolOr(fields.bias, false));
  mamba.set_no_conv_bias(*fields.conv_bias != 0 &&
                         !config.BoolOr(fields.conv_bias, true));
  if (mamba.heads() > 0 && mamba.groups() > 0 &&
      mamba.heads() % mamba.groups() != 0) {
    config.AddFault(
        fields.groups,
        absl::StrCat("found ", mamba.groups(), "; expected a divisor of ",
                     fields.heads, " ", mamba.heads()));
  }
  return mamba;
}

Mamba1 ReadMamba1(const JsonReader& config, const Mamba1Fields& fields,
                  int64_t hidden) {
  Mamba1 mamba;
  mamba.set_d_inner(hidden * config.IntOr(fields.expand, 2, {1, 1024}));
  mamba.set_d_state(config.IntOr(fields.state, 16, kHeadLimits));
  mamba.set_d_conv(config.IntOr(fields.conv, 4, kConvLimits));
  // "auto": a sixteenth of the width, rounded up.
  const bool is_auto =
      !config.Has(fields.rank) || config.IsString(fields.rank, "auto");
  mamba.set_dt_rank(is_auto ? (hidden + 15) / 16
                            : config.Int(fields.rank, kHeadLimits));
  mamba.set_projection_bias(config.BoolOr(fields.bias, false));
  mamba.set_no_conv_bias(!config.BoolOr(fields.conv_bias, true));
  return mamba;
}

Placement ReadPlacement(const JsonReader& config, const char* period,
                        int64_t default_period, const char* offset,
                        int64_t default_offset) {
  const Placement placement = {
      config.IntOr(period, default_period, kPeriodLimits),
      config.IntOr(offset, default_offset, kOffsetLimits)};
  if (placement.period > 0 && placement.offset >= placement.period) {
    config.AddFault(offset, absl::StrCat("found ", placement.offset,
                                         "; expected less than ", period, " ",
                                         placement.period));
  }
  return placement;
}

}  // namespace tokenjoule
