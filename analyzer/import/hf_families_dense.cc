// Families of dense decoders with softmax attention, beside those of
// hf_families.cc. Each follows the configuration class and the modelling code
// of its library: transformers, or the checkpoint's own code.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "analyzer/import/hf_decoder.h"
#include "analyzer/import/hf_families.h"
#include "analyzer/import/hf_parts.h"

namespace tokenjoule {
namespace {

// Fields of a decoder that resembles Llama.
DecoderFields LlamaFields(int64_t kv_heads, int64_t head_dim,
                          int64_t positions) {
  DecoderFields fields;
  fields.default_kv_heads = kv_heads;
  fields.default_head_dim = head_dim;
  fields.default_positions = positions;
  return fields;
}

// Llama's decoder with its optional biases.
Decoder ReadLlama(const JsonReader& config, const DecoderFields& fields,
                  Model* model) {
  Decoder decoder = ReadDecoder(config, fields, model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  decoder.mlp.set_bias(config.BoolOr("mlp_bias", false));
  return decoder;
}

void ImportSmolLm3(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadLlama(config, LlamaFields(4, 0, 32768), model);
  ReadQwenWindow(config, &decoder);
  AddLayers(decoder, stack);
}

// OLMo 2 and 3: norms of queries and keys over all heads, and norms after mixer
// and MLP instead of before.
Decoder ReadOlmo2(const JsonReader& config, Model* model) {
  DecoderFields fields = LlamaFields(0, 0, 2048);
  fields.head_dim = "";
  Decoder decoder = ReadLlama(config, fields, model);
  decoder.attention.set_qk_norm_all_heads(true);
  return decoder;
}

void ImportOlmo2(const JsonReader& config, Model* model, LayerStack* stack) {
  AddLayers(ReadOlmo2(config, model), stack);
}

void ImportOlmo3(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadOlmo2(config, model);
  ReadPeriodicWindow(config, /*period=*/4, /*window=*/4096, &decoder);
  AddLayers(decoder, stack);
}

// OLMo 1: norms without weights.
void ImportOlmo(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields = LlamaFields(0, 0, 2048);
  fields.head_dim = "";
  const Decoder decoder = ReadLlama(config, fields, model);
  model->set_norm(NO_NORM);
  AddLayers(decoder, stack);
}

// EXAONE 4: a pattern like "LLLG", or a period.
void ReadExaoneWindow(const JsonReader& config, Decoder* decoder) {
  constexpr char kPattern[] = "sliding_window_pattern";
  decoder->window = ReadWindow(config, "sliding_window", 4096);
  const bool has_window = decoder->window > 0;
  std::string letters;
  int64_t period = 4;
  if (config.IsString(kPattern, "") ||
      (config.Has(kPattern) && !config.IsSize(kPattern))) {
    letters = config.String(kPattern);
    if (letters.find_first_not_of("LG") != std::string::npos) {
      config.AddFault(kPattern,
                      "expected a whole number or letters L (sliding) and G "
                      "(full), as in \"LLLG\"");
      letters.clear();
    }
  } else if (config.Has(kPattern)) {
    period = config.Int(kPattern, kPeriodLimits);
  }
  ReadLayerTypes(
      config, {kFull, kSliding},
      [&](int64_t i) {
        const bool local = letters.empty() ? period > 0 && (i + 1) % period != 0
                                           : letters[i % letters.size()] == 'L';
        return has_window && local ? kSliding : kFull;
      },
      decoder);
}

void ImportExaone4(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadLlama(config, LlamaFields(32, 0, 2048), model);
  decoder.attention.set_qk_norm(true);
  ReadExaoneWindow(config, &decoder);
  AddLayers(decoder, stack);
}

void ImportExaone(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields = LlamaFields(0, 0, 2048);
  fields.layers = EitherName(config, "num_layers", "num_hidden_layers");
  Decoder decoder = ReadDecoder(config, fields, model);
  if (config.Has("intermediate_size")) {
    decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  } else {
    decoder.mlp.set_gated(true);
    decoder.mlp.set_d_ff(4 * model->d_model());
  }
  AddLayers(decoder, stack);
}

// Cohere: mixer and MLP in parallel behind one layer norm without bias.
Decoder ReadCohere(const JsonReader& config, const DecoderFields& fields,
                   Model* model) {
  Decoder decoder = ReadLlama(config, fields, model);
  model->set_norm(LAYER_NORM_NO_BIAS);
  decoder.norms = 1;
  decoder.parallel = true;
  return decoder;
}

void ImportCohere(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields = LlamaFields(0, 0, 8192);
  Decoder decoder = ReadCohere(config, fields, model);
  decoder.attention.set_qk_norm_all_heads(config.BoolOr("use_qk_norm", false));
  AddLayers(decoder, stack);
}

void ImportCohere2(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadCohere(config, LlamaFields(0, 0, 8192), model);
  const char* pattern =
      EitherName(config, "sliding_window_pattern", "_sliding_window_pattern");
  const int64_t period =
      config.Has("layer_types") ? 1 : config.IntOr(pattern, 4, kPeriodLimits);
  ReadPeriodicWindow(config, period, /*window=*/4096, &decoder);
  AddLayers(decoder, stack);
}

void ImportStarcoder2(const JsonReader& config, Model* model,
                      LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, LlamaFields(2, 0, 4096), model);
  model->set_norm(LAYER_NORM);
  const bool bias = config.BoolOr("use_bias", true);
  SetBiases(bias, &decoder.attention);
  ReadUniformWindow(config, 0, &decoder);
  decoder.mlp = ReadMlp(config, "intermediate_size", /*gated=*/false);
  decoder.mlp.set_bias(bias);
  AddLayers(decoder, stack);
}

void ImportInternLm2(const JsonReader& config, Model* model,
                     LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, LlamaFields(0, 0, 2048), model);
  SetBiases(config.BoolOr("bias", true), &decoder.attention);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddLayers(decoder, stack);
}

void ImportInternLm3(const JsonReader& config, Model* model,
                     LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, LlamaFields(2, 0, 32768), model);
  decoder.attention.set_qkv_bias(config.BoolOr("qkv_bias", false));
  const bool bias = config.BoolOr("bias", false);
  decoder.attention.set_output_bias(bias);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  decoder.mlp.set_bias(bias);
  AddLayers(decoder, stack);
}

// Baichuan: as many key heads as query heads; ALiBi or rotary positions.
void ImportBaichuan(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.kv_heads = "";
  fields.head_dim = "";
  fields.positions =
      EitherName(config, "max_position_embeddings", "model_max_length");
  fields.default_positions = 4096;
  Decoder decoder = ReadDecoder(config, fields, model);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddLayers(decoder, stack);
}

void ImportPlainLlama(const JsonReader& config, Model* model,
                      LayerStack* stack) {
  AddLayers(ReadLlama(config, LlamaFields(0, 0, 2048), model), stack);
}

void ImportErnie(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, LlamaFields(2, 128, 131072), model);
  const bool bias = config.BoolOr("use_bias", false);
  SetBiases(bias, &decoder.attention);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  decoder.mlp.set_bias(bias);
  AddLayers(decoder, stack);
}

void ImportSeedOss(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, LlamaFields(8, 128, 524288), model);
  decoder.attention.set_qkv_bias(config.BoolOr("attention_bias", true));
  decoder.attention.set_output_bias(config.BoolOr("attention_out_bias", false));
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  decoder.mlp.set_bias(config.BoolOr("mlp_bias", false));
  AddLayers(decoder, stack);
}

void ImportMiMo(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, LlamaFields(0, 0, 32768), model);
  decoder.attention.set_qkv_bias(config.BoolOr("attention_bias", true));
  ReadQwenWindow(config, &decoder);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddLayers(decoder, stack);
}

void ImportApertus(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, LlamaFields(0, 0, 65536), model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.attention.set_qk_norm(true);
  decoder.mlp = ReadMlp(config, "intermediate_size", /*gated=*/false);
  decoder.mlp.set_bias(config.BoolOr("mlp_bias", false));
  // xIELU has two learned numbers per layer.
  if (!config.Has("hidden_act") || config.IsString("hidden_act", "xielu")) {
    decoder.extra.push_back(ExtraVector("xielu", 2));
  }
  AddLayers(decoder, stack);
}

void ImportArcee(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, LlamaFields(0, 0, 4096), model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.mlp = ReadMlp(config, "intermediate_size", /*gated=*/false);
  decoder.mlp.set_bias(config.BoolOr("mlp_bias", false));
  AddLayers(decoder, stack);
}

void ImportNemotron(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, LlamaFields(0, 0, 4096), model);
  model->set_norm(LAYER_NORM);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.mlp = ReadMlp(config, "intermediate_size", /*gated=*/false);
  decoder.mlp.set_bias(config.BoolOr("mlp_bias", false));
  AddLayers(decoder, stack);
}

void ImportHunyuanDense(const JsonReader& config, Model* model,
                        LayerStack* stack) {
  Decoder decoder = ReadLlama(config, LlamaFields(0, 0, 2048), model);
  decoder.attention.set_qk_norm(config.BoolOr("use_qk_norm", true));
  ReadCrossLayerAttention(config, &decoder);
  AddLayers(decoder, stack);
}

// GLM-4: norms before and after mixer and MLP; biases on queries, keys and
// values.
void ImportGlmWith(const JsonReader& config, int64_t norms, Model* model,
                   LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, LlamaFields(2, 128, 131072), model);
  decoder.attention.set_qkv_bias(config.BoolOr("attention_bias", true));
  decoder.norms = norms;
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddLayers(decoder, stack);
}
void ImportGlm(const JsonReader& config, Model* model, LayerStack* stack) {
  ImportGlmWith(config, 2, model, stack);
}
void ImportGlm4(const JsonReader& config, Model* model, LayerStack* stack) {
  ImportGlmWith(config, 4, model, stack);
}

void ImportChatGlm(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.layers = "num_layers";
  fields.vocab = EitherName(config, "padded_vocab_size", "vocab_size");
  const bool multi_query = config.BoolOr("multi_query_attention", false);
  fields.kv_heads = multi_query ? "multi_query_group_num" : "";
  fields.default_kv_heads = multi_query ? 1 : 0;
  fields.head_dim = "kv_channels";
  fields.default_head_dim = 128;
  fields.positions = "seq_length";
  fields.default_positions = 2048;
  Decoder decoder = ReadDecoder(config, fields, model);
  if (!config.BoolOr("rmsnorm", true)) model->set_norm(LAYER_NORM);
  const bool bias = config.BoolOr("add_bias_linear", false);
  decoder.attention.set_qkv_bias(bias || config.BoolOr("add_qkv_bias", false));
  decoder.attention.set_output_bias(bias);
  decoder.mlp = ReadGatedMlp(config, "ffn_hidden_size");
  decoder.mlp.set_bias(bias);
  AddLayers(decoder, stack);
}

void ImportStableLm(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields = LlamaFields(32, 0, 4096);
  fields.head_dim = "";
  Decoder decoder = ReadDecoder(config, fields, model);
  model->set_norm(LAYER_NORM);
  decoder.attention.set_qkv_bias(config.BoolOr("use_qkv_bias", false));
  decoder.attention.set_qk_norm_all_heads(config.BoolOr("qk_layernorm", false));
  decoder.parallel = config.BoolOr("use_parallel_residual", false);
  decoder.norms = decoder.parallel ? 1 : 2;
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddLayers(decoder, stack);
}

void ImportPhi(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields = LlamaFields(0, 0, 2048);
  fields.head_dim = "";
  Decoder decoder = ReadDecoder(config, fields, model);
  model->set_norm(LAYER_NORM);
  model->set_lm_head_bias(true);
  SetBiases(true, &decoder.attention);
  if (config.BoolOr("qk_layernorm", false)) {
    // A layer norm of one head's width each on queries and keys.
    decoder.extra.push_back(
        ExtraVector("qk_norm", 4 * decoder.attention.head_dim()));
  }
  decoder.parallel = true;
  decoder.norms = 1;
  decoder.mlp = ReadMlp(config, "intermediate_size", /*gated=*/false);
  decoder.mlp.set_bias(true);
  AddLayers(decoder, stack);
}

// The field names of GPT-2.
DecoderFields GptFields() {
  DecoderFields fields;
  fields.hidden = "n_embd";
  fields.layers = "n_layer";
  fields.heads = "n_head";
  fields.kv_heads = "";
  fields.head_dim = "";
  fields.positions = "n_positions";
  fields.default_positions = 2048;
  return fields;
}

Mlp ReadGptMlp(const JsonReader& config, const char* name, const Model& model) {
  Mlp mlp;
  mlp.set_d_ff(config.Has(name) ? config.Int(name, kMlpLimits)
                                : 4 * model.d_model());
  mlp.set_bias(true);
  return mlp;
}

// GPT-J and CodeGen: mixer and MLP in parallel, biases on the MLP and the head.
void ImportGptJ(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, GptFields(), model);
  model->set_norm(LAYER_NORM);
  model->set_lm_head_bias(true);
  decoder.parallel = true;
  decoder.norms = 1;
  decoder.mlp = ReadGptMlp(config, "n_inner", *model);
  AddLayers(decoder, stack);
}

// GPT-2 and its descendant with one key head for all query heads.
void ImportGpt2With(const JsonReader& config, bool multi_query, Model* model,
                    LayerStack* stack) {
  DecoderFields fields = GptFields();
  fields.default_positions = 1024;
  Decoder decoder = ReadDecoder(config, fields, model);
  model->set_norm(LAYER_NORM);
  model->set_learned_positions(model->max_context());
  if (multi_query) decoder.attention.set_kv_heads(1);
  SetBiases(true, &decoder.attention);
  decoder.mlp = ReadGptMlp(config, "n_inner", *model);
  AddLayers(decoder, stack);
}
void ImportGpt2(const JsonReader& config, Model* model, LayerStack* stack) {
  ImportGpt2With(config, false, model, stack);
}
void ImportGptBigCode(const JsonReader& config, Model* model,
                      LayerStack* stack) {
  ImportGpt2With(config, config.BoolOr("multi_query", true), model, stack);
}

void ImportBloom(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.hidden = EitherName(config, "hidden_size", "n_embed");
  fields.layers = EitherName(config, "n_layer", "num_hidden_layers");
  fields.heads = EitherName(config, "n_head", "num_attention_heads");
  fields.kv_heads = "";
  fields.head_dim = "";
  fields.positions = "seq_length";
  fields.default_positions = 2048;
  Decoder decoder = ReadDecoder(config, fields, model);
  model->set_norm(LAYER_NORM);
  // A layer norm of the embedding.
  *model->add_extra() = ExtraVector("embedding_norm", 2 * model->d_model());
  SetBiases(true, &decoder.attention);
  decoder.mlp = ReadGptMlp(config, "n_inner", *model);
  AddLayers(decoder, stack);
}

void ImportMpt(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, MosaicFields(), model);
  const bool bias = !config.BoolOr("no_bias", true);
  model->set_norm(bias ? LAYER_NORM : LAYER_NORM_NO_BIAS);
  SetBiases(bias, &decoder.attention);
  if (config.Has("attn_config") &&
      config.Object("attn_config").Has("kv_n_heads")) {
    decoder.attention.set_kv_heads(
        config.Object("attn_config").Int("kv_n_heads", kHeadLimits));
  }
  decoder.mlp.set_d_ff(config.IntOr("expansion_ratio", 4, {1, 1024}) *
                       model->d_model());
  decoder.mlp.set_bias(bias);
  AddLayers(decoder, stack);
}

// MiniCPM 3: latent attention in front of a dense MLP.
void ImportMiniCpm3(const JsonReader& config, Model* model, LayerStack* stack) {
  const int64_t layers = ReadSizes(config, "num_hidden_layers", 32768, model);
  Block block;
  block.set_name("full");
  block.set_norms(2);
  LatentAttention latent = ReadLatentAttention(config);
  if (!config.Has("v_head_dim") && latent.heads() > 0) {
    latent.set_v_dim(model->d_model() / latent.heads());
  }
  *block.mutable_latent_attention() = latent;
  *block.mutable_mlp() = ReadGatedMlp(config, "intermediate_size");
  config.AddNote(
      "The cache is counted as latent vectors; engines that cache the expanded "
      "keys and values of this family hold more.");
  for (int64_t i = 0; i < layers; ++i) stack->Add(block);
}

// The multiple of `step` that is nearest to `value`, and at least 90 % of it.
int64_t RoundedTo(double value, int64_t step) {
  const int64_t rounded = std::max<int64_t>(
      step, static_cast<int64_t>(value + step / 2.0) / step * step);
  return static_cast<double>(rounded) < 0.9 * value ? rounded + step : rounded;
}

// OpenELM: heads and widths of its own for each layer.
void ImportOpenElm(const JsonReader& config, Model* model, LayerStack* stack) {
  model->set_norm(RMS_NORM);
  model->set_d_model(config.Int("model_dim"));
  model->set_vocab_size(config.IntOr("vocab_size", 32000, kVocabLimits));
  model->set_max_context(
      config.IntOr("max_context_length", 2048, kContextLimits));
  const int64_t layers = config.Int("num_transformer_layers", kLayerLimits);
  const int64_t head_dim = config.Int("head_dim", kHeadLimits);
  const auto heads = config.Ints("num_query_heads", kHeadLimits)
                         .value_or(std::vector<int64_t>());
  const auto kv_heads =
      config.Ints("num_kv_heads", kHeadLimits).value_or(std::vector<int64_t>());
  const std::vector<double> widths = config.Numbers("ffn_multipliers", {0, 64});
  // A fault leaves 0.
  const int64_t divisor =
      std::max<int64_t>(config.IntOr("ffn_dim_divisor", 256, {1, 65536}), 1);
  for (const auto& list : {std::make_pair("num_query_heads", heads.size()),
                           std::make_pair("num_kv_heads", kv_heads.size()),
                           std::make_pair("ffn_multipliers", widths.size())}) {
    if (static_cast<int64_t>(list.second) != layers) {
      config.AddFault(
          list.first,
          absl::StrCat("found ", list.second,
                       " entries; expected num_transformer_layers ", layers));
      return;
    }
  }
  const bool norms = config.BoolOr("normalize_qk_projections", false);
  for (int64_t i = 0; i < layers; ++i) {
    Block block;
    block.set_name("full");
    block.set_norms(2);
    Attention* attention = block.mutable_attention();
    attention->set_heads(heads[i]);
    attention->set_kv_heads(kv_heads[i]);
    attention->set_head_dim(head_dim);
    attention->set_qk_norm(norms);
    block.mutable_mlp()->set_gated(config.BoolOr("ffn_with_glu", true));
    block.mutable_mlp()->set_d_ff(
        RoundedTo(widths[i] * model->d_model(), divisor));
    stack->Add(block);
  }
}

// Nemotron NAS (Puzzle): each layer has an attention and an MLP of its own
// width, or a matrix in their place, or nothing.
void ImportNemotronNas(const JsonReader& config, Model* model,
                       LayerStack* stack) {
  model->set_norm(RMS_NORM);
  model->set_d_model(config.Int("hidden_size"));
  model->set_vocab_size(config.Int("vocab_size", kVocabLimits));
  model->set_max_context(
      config.IntOr("max_position_embeddings", 131072, kContextLimits));
  const int64_t d = model->d_model();
  const int64_t heads = config.Int("num_attention_heads", kHeadLimits);
  const std::vector<JsonReader> layers = config.Objects("block_configs");
  if (layers.empty()) {
    config.AddFault("block_configs",
                    "is missing; expected one entry per layer");
  }
  if (config.Has("num_hidden_layers") &&
      config.Int("num_hidden_layers", kLayerLimits) !=
          static_cast<int64_t>(layers.size())) {
    config.AddFault("block_configs",
                    absl::StrCat("found ", layers.size(),
                                 " entries; expected num_hidden_layers"));
  }
  if (heads > 0 && d % heads != 0) {
    config.AddFault("num_attention_heads", "expected a divisor of hidden_size");
    return;
  }
  for (const JsonReader& layer : layers) {
    const JsonReader attention = layer.Object("attention");
    const JsonReader ffn = layer.Object("ffn");
    Block block;
    std::string name;
    if (attention.BoolOr("no_op", false)) {
      name = "none";
    } else if (attention.BoolOr("replace_with_linear", false)) {
      name = "linear";
      *block.add_extra() = ExtraMatrix("linear_attention", d, d);
      block.set_norms(1);
    } else {
      name = "full";
      block.set_norms(1);
      const int64_t group =
          attention.Int("n_heads_in_group", {1, std::max<int64_t>(heads, 1)});
      if (group > 0 && heads % group != 0) {
        attention.AddFault("n_heads_in_group",
                           absl::StrCat("found ", group,
                                        "; expected a divisor of "
                                        "num_attention_heads ",
                                        heads));
      }
      Attention* own = block.mutable_attention();
      own->set_heads(heads);
      own->set_kv_heads(group > 0 ? heads / group : 0);
      own->set_head_dim(heads > 0 ? d / heads : 0);
      SetBiases(config.BoolOr("attention_bias", false), own);
    }
    if (ffn.BoolOr("replace_with_linear", false)) {
      *block.add_extra() = ExtraMatrix("linear_mlp", d, d);
      block.set_norms(block.norms() + 1);
    } else if (!ffn.BoolOr("no_op", false)) {
      block.set_norms(block.norms() + 1);
      Mlp* mlp = block.mutable_mlp();
      mlp->set_gated(true);
      mlp->set_bias(config.BoolOr("mlp_bias", false));
      if (ffn.Has("intermediate_size")) {
        mlp->set_d_ff(ffn.Int("intermediate_size", kMlpLimits));
      } else {
        // int(2 ffn_mult d / 3), rounded up to 256.
        const double multiple =
            std::round(ffn.Number("ffn_mult", 0, 1000) * 1e6) / 1e6;
        const auto width = static_cast<int64_t>(2 * multiple * d / 3);
        mlp->set_d_ff((width + 255) / 256 * 256);
      }
    }
    block.set_name(name);
    if (block.norms() > 0) {
      stack->Add(block);
    } else {
      stack->Skip();
    }
  }
}

// DeciLM: key heads of its own for each layer.
void ImportDeci(const JsonReader& config, Model* model, LayerStack* stack) {
  constexpr char kHeads[] = "num_key_value_heads_per_layer";
  DecoderFields fields = LlamaFields(0, 0, 4096);
  fields.kv_heads = "";
  const Decoder decoder = ReadLlama(config, fields, model);
  const auto kv_heads =
      config.Ints(kHeads, kHeadLimits).value_or(std::vector<int64_t>());
  if (static_cast<int64_t>(kv_heads.size()) != decoder.layers()) {
    config.AddFault(kHeads, absl::StrCat("found ", kv_heads.size(),
                                         " entries; expected one per layer"));
    return;
  }
  for (const int64_t heads : kv_heads) {
    Block block;
    block.set_name("full");
    block.set_norms(2);
    *block.mutable_attention() = decoder.attention;
    block.mutable_attention()->set_kv_heads(heads);
    *block.mutable_mlp() = decoder.mlp;
    stack->Add(block);
  }
}

// A second embedding with a vector of `width` elements per layer, and the two
// matrices in each layer that use it.
void AddPerLayerEmbedding(int64_t rows, int64_t width, int64_t layers,
                          Model* model, std::vector<Projection>* in_layer) {
  const int64_t d = model->d_model();
  PerLayerEmbedding* table = model->mutable_per_layer_embedding();
  table->set_rows(rows);
  table->set_width(width * layers);
  Projection* projection = model->add_extra();
  *projection = ExtraMatrix("per_layer_model_projection", d, width * layers);
  projection->set_vector(width);  // its norm
  in_layer->push_back(ExtraMatrix("per_layer_gate", d, width));
  in_layer->push_back(ExtraMatrix("per_layer_projection", width, d));
  in_layer->back().set_vector(d);  // the norm after it
}

// The types of Gemma's layers, of which every `period`-th has full attention,
// and, in Gemma 4, always the last.
void ReadGemmaTypes(const JsonReader& config, int64_t period, bool full_last,
                    Decoder* decoder) {
  decoder->window = ReadWindow(config, "sliding_window", 512);
  ReadLayerTypes(
      config, {kFull, kSliding},
      [period](int64_t i) { return (i + 1) % period == 0 ? kFull : kSliding; },
      decoder);
  if (full_last && !decoder->types.empty()) decoder->types.back() = kFull;
}

// Layers from this one on read the cache of earlier layers.
int64_t FirstSharedLayer(const JsonReader& config, int64_t otherwise,
                         int64_t layers) {
  const int64_t shared =
      config.IntOr("num_kv_shared_layers", otherwise, {0, kLayerLimits.max});
  if (shared >= layers && layers > 0) {
    config.AddFault("num_kv_shared_layers",
                    absl::StrCat("found ", shared, "; expected fewer than the ",
                                 layers, " layers"));
  }
  return layers - shared;
}

void ImportGemma4(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields = LlamaFields(4, 256, 131072);
  fields.default_heads = 8;
  fields.default_vocab = 262144;
  Decoder decoder = ReadDecoder(config, fields, model);
  const int64_t layers = decoder.layers(), d = model->d_model();
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.attention.set_qk_norm(true);
  ReadGemmaTypes(config, 6, /*full_last=*/true, &decoder);
  const int64_t global_dim = config.IntOr("global_head_dim", 512, kHeadLimits);
  const bool value_from_key = config.BoolOr("attention_k_eq_v", false);
  const int64_t global_heads =
      value_from_key && config.Has("num_global_key_value_heads")
          ? config.Int("num_global_key_value_heads", kHeadLimits)
          : decoder.attention.kv_heads();
  const int64_t first_shared = FirstSharedLayer(config, 0, layers);
  const bool double_wide = config.BoolOr("use_double_wide_mlp", false);
  const Mlp mlp = ReadGatedMlp(config, "intermediate_size");
  MixtureOfExperts moe;
  const bool has_experts = config.BoolOr("enable_moe_block", false);
  if (has_experts) {
    moe = ReadExperts(
        config, "num_experts", 0,
        EitherName(config, "top_k_experts", "num_experts_per_tok"), 0,
        ReadGatedMlp(config, EitherName(config, "moe_intermediate_size",
                                        "expert_intermediate_size")));
    // The dense MLP of a layer runs beside its experts.
    *moe.mutable_shared() = mlp;
  }
  std::vector<Projection> extra = {ExtraVector("layer_scalar", 1)};
  if (has_experts)
    extra.push_back(ExtraVector("router_scales", d + moe.experts()));
  // Absent: 256; null or 0: none.
  const int64_t width =
      config.Has("hidden_size_per_layer_input") ||
              !config.Contains("hidden_size_per_layer_input")
          ? config.IntOr("hidden_size_per_layer_input", 256, {0, 65536})
          : 0;
  const bool unified = config.IsString("model_type", "gemma4_unified_text");
  if (width > 0 && !unified) {
    AddPerLayerEmbedding(
        config.IntOr("vocab_size_per_layer_input", 262144, kVocabLimits), width,
        layers, model, &extra);
  }
  for (int64_t i = 0; i < layers; ++i) {
    const bool full = decoder.types[i] == kFull;
    const bool shared = i >= first_shared;
    Block block;
    block.set_name(full ? "full" : "local");
    block.set_norms(has_experts ? 7 : 4);
    Attention* attention = block.mutable_attention();
    *attention = decoder.attention;
    if (full) {
      attention->set_head_dim(global_dim);
      attention->set_kv_heads(global_heads);
      attention->set_value_from_key(value_from_key);
    } else {
      attention->set_sliding_tokens(decoder.window);
    }
    attention->set_shared_kv(shared);
    if (has_experts) {
      SetExperts(moe, &block);
    } else {
      *block.mutable_mlp() = mlp;
      if (shared && double_wide) block.mutable_mlp()->set_d_ff(2 * mlp.d_ff());
    }
    if (shared) block.set_name(absl::StrCat(block.name(), "-shared"));
    for (const Projection& projection : extra) *block.add_extra() = projection;
    stack->Add(block);
  }
}

// Gemma 3n: alternating updates of several streams (AltUp), low-rank residuals
// (Laurel), per-layer embeddings, and late layers that share caches.
void ImportGemma3n(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields = LlamaFields(2, 256, 32768);
  fields.default_heads = 8;
  fields.default_vocab = 262400;
  Decoder decoder = ReadDecoder(config, fields, model);
  const int64_t layers = decoder.layers(), d = model->d_model();
  decoder.attention.set_qk_norm(true);
  ReadGemmaTypes(config, 5, /*full_last=*/false, &decoder);
  std::vector<int64_t> widths(layers, 0);
  if (config.IsList("intermediate_size")) {
    widths = config.Ints("intermediate_size", kMlpLimits)
                 .value_or(std::vector<int64_t>());
  } else {
    std::fill(widths.begin(), widths.end(),
              config.Int("intermediate_size", kMlpLimits));
  }
  if (static_cast<int64_t>(widths.size()) != layers) {
    config.AddFault("intermediate_size",
                    absl::StrCat("found ", widths.size(),
                                 " entries; expected one per layer"));
    return;
  }
  const int64_t streams = config.IntOr("altup_num_inputs", 4, {1, 64});
  const int64_t rank = config.IntOr("laurel_rank", 64, kHeadLimits);
  std::vector<Projection> extra = {ExtraMatrix("laurel_left", d, rank),
                                   ExtraMatrix("laurel_right", rank, d),
                                   ExtraMatrix("altup_router", d, streams)};
  extra[1].set_vector(d);  // its norm
  // Scales of the output, corrections, predictions, and the router's norm.
  extra.push_back(ExtraVector(
      "altup", 2 * d + streams * streams + streams * streams * streams));
  AddPerLayerEmbedding(
      config.IntOr("vocab_size_per_layer_input", 262144, kVocabLimits),
      config.IntOr("hidden_size_per_layer_input", 256, kHeadLimits), layers,
      model, &extra);
  for (int64_t i = 1; i < streams; ++i) {
    *model->add_extra() = ExtraMatrix("altup_projection", d, d);
    *model->add_extra() = ExtraMatrix("altup_unembed_projection", d, d);
  }
  const int64_t first_shared = FirstSharedLayer(config, 15, layers);
  for (int64_t i = 0; i < layers; ++i) {
    Block block;
    block.set_norms(4);
    *block.mutable_attention() = decoder.attention;
    if (decoder.types[i] == kFull) {
      block.set_name("full");
    } else {
      block.set_name("local");
      block.mutable_attention()->set_sliding_tokens(decoder.window);
    }
    if (i >= first_shared) {
      block.set_name(absl::StrCat(block.name(), "-shared"));
      block.mutable_attention()->set_shared_kv(true);
    }
    block.mutable_mlp()->set_gated(true);
    block.mutable_mlp()->set_d_ff(widths[i]);
    for (const Projection& projection : extra) *block.add_extra() = projection;
    stack->Add(block);
  }
}

// Sorted by model_type.
constexpr HfFamily kFamilies[] = {
    {"apertus", false, ImportApertus},
    {"aquila", false, ImportPlainLlama},
    {"arcee", false, ImportArcee},
    {"baichuan", false, ImportBaichuan},
    {"bloom", true, ImportBloom},
    {"chatglm", false, ImportChatGlm},
    {"codegen", false, ImportGptJ},
    {"cohere", true, ImportCohere},
    {"cohere2", true, ImportCohere2},
    {"deci", false, ImportDeci},
    {"ernie4_5", true, ImportErnie},
    {"exaone", true, ImportExaone},
    {"exaone4", false, ImportExaone4},
    {"gemma3n_text", true, ImportGemma3n},
    {"gemma4_text", true, ImportGemma4},
    {"gemma4_unified_text", true, ImportGemma4},
    {"glm", false, ImportGlm},
    {"glm4", false, ImportGlm4},
    {"gpt2", true, ImportGpt2},
    {"gpt_bigcode", true, ImportGptBigCode},
    {"gptj", false, ImportGptJ},
    {"granite", false, ImportPlainLlama},
    {"hunyuan_v1_dense", false, ImportHunyuanDense},
    {"internlm2", false, ImportInternLm2},
    {"internlm3", false, ImportInternLm3},
    {"mimo", false, ImportMiMo},
    {"minicpm", true, ImportPlainLlama},
    {"minicpm3", true, ImportMiniCpm3},
    {"mpt", true, ImportMpt},
    {"nemotron", false, ImportNemotron},
    {"nemotron-nas", false, ImportNemotronNas},
    {"olmo", false, ImportOlmo},
    {"olmo2", false, ImportOlmo2},
    {"olmo3", false, ImportOlmo3},
    {"openelm", true, ImportOpenElm},
    {"phi", false, ImportPhi},
    {"seed_oss", false, ImportSeedOss},
    {"smollm3", true, ImportSmolLm3},
    {"stablelm", false, ImportStableLm},
    {"starcoder2", true, ImportStarcoder2},
    {"xverse", false, ImportPlainLlama},
    {"yi", false, ImportPlainLlama},
};

}  // namespace

absl::Span<const HfFamily> DenseFamilies() { return kFamilies; }

}  // namespace tokenjoule
