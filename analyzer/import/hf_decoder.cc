#include "analyzer/import/hf_decoder.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "analyzer/description/faults.h"

namespace tokenjoule {
namespace {

// hidden / heads, which must be a whole number.
int64_t DerivedHeadDim(const JsonReader& config, const DecoderFields& fields,
                       int64_t hidden, int64_t heads) {
  if (hidden == 0 || heads == 0) return 0;
  if (hidden % heads == 0) return hidden / heads;
  config.AddFault(
      fields.heads,
      absl::StrCat(
          "found ", heads, ", which does not divide ", fields.hidden, " ",
          hidden,
          *fields.head_dim == 0 ? "" : "; expected a divisor, or head_dim"));
  return 0;
}

Attention ReadAttention(const JsonReader& config, const DecoderFields& fields,
                        int64_t hidden) {
  Attention attention;
  const int64_t heads =
      IntOrRequired(config, fields.heads, fields.default_heads, kHeadLimits);
  attention.set_heads(heads);
  int64_t kv_heads = heads;
  if (*fields.kv_heads != 0 &&
      (config.Has(fields.kv_heads) || fields.default_kv_heads != 0)) {
    kv_heads =
        config.IntOr(fields.kv_heads, fields.default_kv_heads, kHeadLimits);
  }
  attention.set_kv_heads(kv_heads);
  if (heads > 0 && kv_heads > 0 && heads % kv_heads != 0) {
    config.AddFault(fields.kv_heads,
                    absl::StrCat("found ", kv_heads, "; expected a divisor of ",
                                 fields.heads, " ", heads));
  }
  const bool has_head_dim =
      *fields.head_dim != 0 &&
      (config.Has(fields.head_dim) || fields.default_head_dim != 0);
  attention.set_head_dim(
      has_head_dim
          ? config.IntOr(fields.head_dim, fields.default_head_dim, kHeadLimits)
          : DerivedHeadDim(config, fields, hidden, heads));
  return attention;
}

// Sets the mixer of a layer of this type and its corresponding name.
void SetMixer(const Decoder& decoder, const std::string& type, Block* block) {
  if (type == kLinear) {
    block->set_name("linear");
    *block->mutable_linear_attention() = decoder.linear;
    return;
  }
  *block->mutable_attention() = decoder.attention;
  if (type == kSliding) {
    block->set_name("local");
    block->mutable_attention()->set_sliding_tokens(decoder.window);
  } else if (type == kChunked) {
    block->set_name("chunked");
    block->mutable_attention()->set_chunk_tokens(decoder.window);
  } else {
    block->set_name("full");
  }
}

}  // namespace

int64_t IntOrRequired(const JsonReader& config, const char* name,
                      int64_t otherwise, Limits limits) {
  return otherwise == 0 ? config.Int(name, limits)
                        : config.IntOr(name, otherwise, limits);
}

const char* EitherName(const JsonReader& config, const char* name,
                       const char* other) {
  return config.Has(name) || !config.Has(other) ? name : other;
}

void RequireBool(const JsonReader& config, const char* name, bool otherwise,
                 bool wanted, absl::string_view why) {
  if (config.BoolOr(name, otherwise) == wanted) return;
  config.AddFault(name,
                  absl::StrCat("found ", wanted ? "false" : "true", "; ", why));
}

Decoder ReadDecoder(const JsonReader& config, const DecoderFields& fields,
                    Model* model) {
  Decoder decoder;
  model->set_norm(RMS_NORM);
  model->set_d_model(config.Int(fields.hidden));
  model->set_vocab_size(
      IntOrRequired(config, fields.vocab, fields.default_vocab, kVocabLimits));
  model->set_max_context(IntOrRequired(
      config, fields.positions, fields.default_positions, kContextLimits));
  decoder.types.assign(
      IntOrRequired(config, fields.layers, fields.default_layers, kLayerLimits),
      kFull);
  decoder.attention = ReadAttention(config, fields, model->d_model());
  return decoder;
}

int64_t ReadSizes(const JsonReader& config, const char* layers,
                  int64_t positions, Model* model) {
  model->set_norm(RMS_NORM);
  model->set_d_model(config.Int("hidden_size"));
  model->set_vocab_size(config.Int("vocab_size", kVocabLimits));
  if (positions > 0) {
    model->set_max_context(
        config.IntOr("max_position_embeddings", positions, kContextLimits));
  }
  return config.Int(layers, kLayerLimits);
}

void ReadCrossLayerAttention(const JsonReader& config, Decoder* decoder) {
  const int64_t factor =
      config.IntOr("cla_share_factor", 1, {0, kPeriodLimits.max});
  if (config.BoolOr("use_cla", false) && factor > 1) {
    decoder->cache_period = factor;
  }
}

void SetBiases(bool bias, Attention* attention) {
  attention->set_qkv_bias(bias);
  attention->set_output_bias(bias);
}

Mlp ReadMlp(const JsonReader& config, const char* name, bool gated) {
  Mlp mlp;
  mlp.set_d_ff(config.Int(name, kMlpLimits));
  mlp.set_gated(gated);
  return mlp;
}

Mlp ReadGatedMlp(const JsonReader& config, const char* name) {
  return ReadMlp(config, name, /*gated=*/true);
}

MixtureOfExperts ReadExperts(const JsonReader& config, const char* experts,
                             int64_t default_experts, const char* per_token,
                             int64_t default_per_token, const Mlp& expert) {
  MixtureOfExperts moe;
  *moe.mutable_expert() = expert;
  moe.set_experts(IntOrRequired(config, experts, default_experts, kHeadLimits));
  moe.set_experts_per_token(
      IntOrRequired(config, per_token, default_per_token, kHeadLimits));
  if (moe.experts() > 0 && moe.experts_per_token() > moe.experts()) {
    config.AddFault(per_token, absl::StrCat("found ", moe.experts_per_token(),
                                            "; expected at most ", experts, " ",
                                            moe.experts()));
  }
  return moe;
}

void ReadLayerTypes(const JsonReader& config,
                    absl::Span<const std::string> choices,
                    absl::FunctionRef<const char*(int64_t)> otherwise,
                    Decoder* decoder) {
  for (int64_t i = 0; i < decoder->layers(); ++i) {
    decoder->types[i] = otherwise(i);
  }
  const absl::optional<std::vector<std::string>> types =
      config.Strings("layer_types");
  if (!types.has_value() || decoder->layers() == 0) return;
  if (static_cast<int64_t>(types->size()) != decoder->layers()) {
    config.AddFault("layer_types",
                    absl::StrCat("found ", types->size(),
                                 " entries; expected num_hidden_layers ",
                                 decoder->layers()));
    return;
  }
  for (size_t i = 0; i < types->size(); ++i) {
    if (std::find(choices.begin(), choices.end(), (*types)[i]) ==
        choices.end()) {
      config.AddFault(
          absl::StrCat("layer_types[", i, "]"),
          UnknownNameMessage("layer type", (*types)[i], choices, ""));
    }
  }
  decoder->types = *types;
}

void RequireWindow(const JsonReader& config, const char* field,
                   const Decoder& decoder) {
  if (decoder.window > 0 || config.Has(field)) return;
  for (const std::string& type : decoder.types) {
    if (type != kSliding && type != kChunked) continue;
    config.AddFault(
        field,
        absl::StrCat("is missing; there are layers of type \"", type, "\""));
    return;
  }
}

int64_t ReadWindow(const JsonReader& config, const char* name,
                   int64_t otherwise) {
  if (config.Has(name)) return config.Int(name, kWindowLimits);
  if (config.Contains(name) || otherwise == 0) return 0;
  return config.IntOr(name, otherwise, kWindowLimits);
}

void ReadUniformWindow(const JsonReader& config, int64_t otherwise,
                       Decoder* decoder) {
  decoder->window = ReadWindow(config, "sliding_window", otherwise);
  const char* type = decoder->window > 0 ? kSliding : kFull;
  ReadLayerTypes(
      config, {kFull, kSliding}, [type](int64_t) { return type; }, decoder);
  RequireWindow(config, "sliding_window", *decoder);
}

void ReadPeriodicWindow(const JsonReader& config, int64_t period,
                        int64_t window, Decoder* decoder) {
  decoder->window = ReadWindow(config, "sliding_window", window);
  ReadLayerTypes(
      config, {kFull, kSliding},
      [period](int64_t i) {
        return period > 0 && (i + 1) % period != 0 ? kSliding : kFull;
      },
      decoder);
  RequireWindow(config, "sliding_window", *decoder);
}

void SetExperts(const MixtureOfExperts& moe, Block* block) {
  block->set_name(absl::StrCat(block->name(), "-moe"));
  *block->mutable_moe() = moe;
}

void AddLayers(const Decoder& decoder, LayerStack* stack) {
  for (size_t i = 0; i < decoder.types.size(); ++i) {
    Block block;
    block.set_norms(decoder.norms);
    block.set_parallel(decoder.parallel);
    SetMixer(decoder, decoder.types[i], &block);
    if (i % decoder.cache_period != 0) {
      block.mutable_attention()->set_shared_kv(true);
      block.set_name(absl::StrCat(block.name(), "-shared"));
    }
    for (const Projection& extra : decoder.extra) *block.add_extra() = extra;
    if (!decoder.sparse.empty() && decoder.sparse[i]) {
      SetExperts(decoder.moe, &block);
    } else {
      *block.mutable_mlp() = decoder.mlp;
    }
    stack->Add(block);
  }
}

}  // namespace tokenjoule
