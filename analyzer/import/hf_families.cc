#include "analyzer/import/hf_families.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "analyzer/description/faults.h"
#include "analyzer/import/hf_decoder.h"
#include "analyzer/import/hf_parts.h"

namespace tokenjoule {
namespace {

void ImportLlama(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.default_positions = 2048;
  Decoder decoder = ReadDecoder(config, fields, model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  decoder.mlp.set_bias(config.BoolOr("mlp_bias", false));
  AddLayers(decoder, stack);
}

DecoderFields MistralFields() {
  DecoderFields fields;
  fields.default_kv_heads = 8;
  fields.default_positions = 131072;
  return fields;
}

void ImportMistral(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, MistralFields(), model);
  ReadUniformWindow(config, 4096, &decoder);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddLayers(decoder, stack);
}

void ImportMixtral(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, MistralFields(), model);
  ReadUniformWindow(config, 0, &decoder);
  decoder.moe =
      ReadExperts(config, "num_local_experts", 8, "num_experts_per_tok", 2,
                  ReadGatedMlp(config, "intermediate_size"));
  decoder.sparse.assign(decoder.layers(), true);
  AddLayers(decoder, stack);
}

DecoderFields QwenFields(int64_t kv_heads) {
  DecoderFields fields;
  fields.default_kv_heads = kv_heads;
  fields.default_positions = 32768;
  return fields;
}

void ImportQwen2(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, QwenFields(32), model);
  decoder.attention.set_qkv_bias(true);
  ReadQwenWindow(config, &decoder);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddLayers(decoder, stack);
}

void ImportQwen3(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields = QwenFields(32);
  fields.default_head_dim = 128;
  Decoder decoder = ReadDecoder(config, fields, model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.attention.set_qk_norm(true);
  ReadQwenWindow(config, &decoder);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddLayers(decoder, stack);
}

void ImportQwen2Moe(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, QwenFields(16), model);
  decoder.attention.set_qkv_bias(config.BoolOr("qkv_bias", true));
  ReadQwenWindow(config, &decoder);
  ReadQwenSparsity(config, &decoder);
  decoder.moe = ReadExperts(config, "num_experts", 60, "num_experts_per_tok", 4,
                            ReadGatedMlp(config, "moe_intermediate_size"));
  ReadQwenSharedExpert(config, &decoder.moe);
  AddLayers(decoder, stack);
}

void ImportQwen3Moe(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, QwenFields(4), model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.attention.set_qk_norm(true);
  ReadQwenWindow(config, &decoder);
  ReadQwenSparsity(config, &decoder);
  decoder.moe = ReadExperts(
      config, EitherName(config, "num_experts", "num_local_experts"), 128,
      "num_experts_per_tok", 8, ReadGatedMlp(config, "moe_intermediate_size"));
  AddLayers(decoder, stack);
}

void ImportQwen3Next(const JsonReader& config, Model* model,
                     LayerStack* stack) {
  DecoderFields fields = QwenFields(2);
  fields.default_head_dim = 256;
  Decoder decoder = ReadDecoder(config, fields, model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.attention.set_qk_norm(true);
  decoder.attention.set_output_gate(true);
  ReadQwenLinearLayers(config, &decoder);
  ReadQwenSparsity(config, &decoder);
  decoder.moe = ReadExperts(config, "num_experts", 512, "num_experts_per_tok",
                            10, ReadGatedMlp(config, "moe_intermediate_size"));
  ReadQwenSharedExpert(config, &decoder.moe);
  AddLayers(decoder, stack);
  // vLLM's developers advise it, and it is SGLang's default.
  model->mutable_formats()->set_state("fp32");
}

DecoderFields GemmaFields(int64_t kv_heads, int64_t positions) {
  DecoderFields fields;
  fields.default_kv_heads = kv_heads;
  fields.default_head_dim = 256;
  fields.default_positions = positions;
  return fields;
}

void ImportGemma(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, GemmaFields(16, 8192), model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddLayers(decoder, stack);
}

void ImportGemma2(const JsonReader& config, Model* model, LayerStack* stack) {
  Decoder decoder = ReadDecoder(config, GemmaFields(4, 8192), model);
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.norms = 4;
  ReadPeriodicWindow(config, /*period=*/2, /*window=*/4096, &decoder);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddLayers(decoder, stack);
}

void ImportGemma3(const JsonReader& config, Model* model, LayerStack* stack) {
  // The text_config of multimodal checkpoints omits every field that equals the
  // default of its class, even the number of heads.
  DecoderFields fields = GemmaFields(4, 131072);
  fields.default_heads = 8;
  fields.default_vocab = 262208;
  Decoder decoder = ReadDecoder(config, fields, model);
  RequireBool(config, "use_bidirectional_attention", false, false,
              "that makes an encoder; expected a decoder");
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  decoder.attention.set_qk_norm(true);
  decoder.norms = 4;
  const char* pattern =
      EitherName(config, "sliding_window_pattern", "_sliding_window_pattern");
  const int64_t period =
      config.Has("layer_types") ? 1 : config.IntOr(pattern, 6, kPeriodLimits);
  ReadPeriodicWindow(config, period, /*window=*/4096, &decoder);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddLayers(decoder, stack);
}

void ImportPhi3(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.default_positions = 4096;
  Decoder decoder = ReadDecoder(config, fields, model);
  ReadUniformWindow(config, 0, &decoder);
  decoder.mlp = ReadGatedMlp(config, "intermediate_size");
  AddLayers(decoder, stack);
}

void ImportDeepSeek(const JsonReader& config, absl::string_view topk_method,
                    int64_t default_dense, Model* model, LayerStack* stack) {
  model->set_norm(RMS_NORM);
  model->set_d_model(config.Int("hidden_size"));
  model->set_vocab_size(config.Int("vocab_size", kVocabLimits));
  model->set_max_context(
      config.IntOr("max_position_embeddings", 4096, kContextLimits));
  const int64_t layers = config.Int("num_hidden_layers", kLayerLimits);
  const int64_t dense =
      config.IntOr("first_k_dense_replace", default_dense, kOffsetLimits);
  const int64_t step = config.IntOr("moe_layer_freq", 1, kPeriodLimits);
  Block block;
  block.set_norms(2);
  *block.mutable_latent_attention() = ReadLatentAttention(config);
  const Mlp mlp = ReadGatedMlp(config, "intermediate_size");
  const MixtureOfExperts moe = ReadDeepSeekExperts(config, topk_method);
  for (int64_t i = 0; i < layers && step > 0; ++i) {
    if (i >= dense && i % step == 0) {
      block.set_name("moe");
      *block.mutable_moe() = moe;
    } else {
      block.set_name("dense");
      *block.mutable_mlp() = mlp;
    }
    stack->Add(block);
  }
}

void ImportDeepSeekV2(const JsonReader& config, Model* model,
                      LayerStack* stack) {
  ImportDeepSeek(config, "greedy", 0, model, stack);
}

void ImportDeepSeekV3(const JsonReader& config, Model* model,
                      LayerStack* stack) {
  ImportDeepSeek(config, "noaux_tc", 3, model, stack);
}

void ImportGptOss(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.default_kv_heads = 8;
  fields.default_head_dim = 64;
  fields.default_positions = 131072;
  Decoder decoder = ReadDecoder(config, fields, model);
  SetBiases(config.BoolOr("attention_bias", true), &decoder.attention);
  decoder.attention.set_sinks(true);
  ReadPeriodicWindow(config, /*period=*/2, /*window=*/128, &decoder);
  Mlp expert = ReadGatedMlp(config, "intermediate_size");
  expert.set_bias(true);
  decoder.moe = ReadExperts(
      config, "num_local_experts", 0,
      EitherName(config, "num_experts_per_tok", "experts_per_token"), 4,
      expert);
  decoder.moe.set_router_bias(true);
  decoder.sparse.assign(decoder.layers(), true);
  AddLayers(decoder, stack);
}

// Llama 4: layers with rotary positions see one chunk, layers without see the
// whole context. `no_rope_layers` is 1 where a layer HAS rotary positions.
void ReadLlama4Chunks(const JsonReader& config, Decoder* decoder) {
  decoder->window = ReadWindow(config, "attention_chunk_size", 8192);
  const int64_t layers = decoder->layers();
  std::vector<int64_t> rotary =
      config.Ints("no_rope_layers", {0, 1}).value_or(std::vector<int64_t>());
  if (rotary.empty()) {
    const int64_t interval =
        config.IntOr("no_rope_layer_interval", 4, kPeriodLimits);
    for (int64_t i = 0; i < layers && interval > 0; ++i) {
      rotary.push_back((i + 1) % interval != 0);
    }
    rotary.resize(layers, 1);
  }
  if (static_cast<int64_t>(rotary.size()) != layers) {
    if (layers > 0) {
      config.AddFault(
          "no_rope_layers",
          absl::StrCat("found ", rotary.size(),
                       " entries; expected num_hidden_layers ", layers));
    }
    return;
  }
  const bool has_window = decoder->window > 0;
  ReadLayerTypes(
      config, {kFull, kChunked},
      [&](int64_t i) {
        return has_window && rotary[i] != 0 ? kChunked : kFull;
      },
      decoder);
  RequireWindow(config, "attention_chunk_size", *decoder);
}

// Llama 4: the layers listed in `moe_layers` have experts, by default every
// interleave_moe_layer_step-th layer.
void ReadLlama4Sparsity(const JsonReader& config, Decoder* decoder) {
  const int64_t layers = decoder->layers();
  decoder->sparse.assign(layers, false);
  const absl::optional<std::vector<int64_t>> listed =
      config.Ints("moe_layers", {0, std::max<int64_t>(layers - 1, 0)});
  if (listed.has_value()) {
    for (const int64_t i : *listed) {
      if (i < layers) decoder->sparse[i] = true;
    }
  } else {
    const int64_t step =
        config.IntOr("interleave_moe_layer_step", 1, kPeriodLimits);
    for (int64_t i = 0; i < layers && step > 0; ++i) {
      decoder->sparse[i] = (i + 1) % step == 0;
    }
  }
  if (std::count(decoder->sparse.begin(), decoder->sparse.end(), false) > 0) {
    decoder->mlp = ReadGatedMlp(config, "intermediate_size_mlp");
  }
}

void ImportLlama4(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.default_heads = 40;
  fields.default_kv_heads = 8;
  fields.default_head_dim = 128;
  fields.default_positions = 131072;
  fields.default_vocab = 202048;
  Decoder decoder = ReadDecoder(config, fields, model);
  // The norm of queries and keys (use_qk_norm) has no weights.
  SetBiases(config.BoolOr("attention_bias", false), &decoder.attention);
  ReadLlama4Chunks(config, &decoder);
  ReadLlama4Sparsity(config, &decoder);
  const Mlp expert = ReadGatedMlp(config, "intermediate_size");
  decoder.moe = ReadExperts(config, "num_local_experts", 16,
                            "num_experts_per_tok", 1, expert);
  *decoder.moe.mutable_shared() = expert;
  AddLayers(decoder, stack);
}

// A state-space model, which has no longest context and whose layers are all
// `block`.
void ImportStateSpace(const JsonReader& config, const Block& block,
                      Model* model, LayerStack* stack) {
  model->set_norm(RMS_NORM);
  model->set_vocab_size(config.Int("vocab_size", kVocabLimits));
  const int64_t layers = config.Int("num_hidden_layers", kLayerLimits);
  for (int64_t i = 0; i < layers; ++i) stack->Add(block);
}

void ImportMamba2(const JsonReader& config, Model* model, LayerStack* stack) {
  const int64_t hidden = config.Int("hidden_size");
  model->set_d_model(hidden);
  Block block;
  block.set_name("mamba");
  block.set_norms(1);
  const Mamba2 mamba =
      ReadMamba2(config, {"num_heads", "head_dim", "state_size"});
  *block.mutable_mamba2() = mamba;
  const int64_t expand = config.IntOr("expand", 2, {1, 1024});
  const int64_t inner = mamba.heads() * mamba.head_dim();
  if (hidden > 0 && expand > 0 && inner > 0 && inner != expand * hidden) {
    config.AddFault(
        "num_heads",
        absl::StrCat("found ", mamba.heads(), " heads of ", mamba.head_dim(),
                     " channels; expected expand * hidden_size = ",
                     expand * hidden, " channels in all"));
  }
  ImportStateSpace(config, block, model, stack);
}

void ImportMamba(const JsonReader& config, Model* model, LayerStack* stack) {
  model->set_d_model(config.Int("hidden_size"));
  Block block;
  block.set_name("mamba");
  block.set_norms(1);
  *block.mutable_mamba1() =
      ReadMamba1(config,
                 {"state_size", "conv_kernel", "expand", "time_step_rank",
                  "use_bias", "use_conv_bias"},
                 model->d_model());
  ImportStateSpace(config, block, model, stack);
}

void ImportJamba(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.head_dim = "";
  fields.default_kv_heads = 8;
  fields.default_positions = 262144;
  const Decoder decoder = ReadDecoder(config, fields, model);
  Mamba1 mamba =
      ReadMamba1(config,
                 {"mamba_d_state", "mamba_d_conv", "mamba_expand",
                  "mamba_dt_rank", "mamba_proj_bias", "mamba_conv_bias"},
                 model->d_model());
  mamba.set_inner_norms(true);
  const Placement attention =
      ReadPlacement(config, "attn_layer_period", 8, "attn_layer_offset", 4);
  const Placement experts =
      ReadPlacement(config, "expert_layer_period", 2, "expert_layer_offset", 1);
  const Mlp mlp = ReadGatedMlp(config, "intermediate_size");
  const MixtureOfExperts moe =
      ReadExperts(config, "num_experts", 16, "num_experts_per_tok", 2, mlp);
  for (int64_t i = 0; i < decoder.layers(); ++i) {
    Block block;
    block.set_norms(2);
    if (attention.Has(i)) {
      block.set_name("attention");
      *block.mutable_attention() = decoder.attention;
    } else {
      block.set_name("mamba");
      *block.mutable_mamba1() = mamba;
    }
    // With a single expert, transformers uses a plain MLP.
    if (experts.Has(i) && moe.experts() > 1) {
      SetExperts(moe, &block);
    } else {
      *block.mutable_mlp() = mlp;
    }
    stack->Add(block);
  }
}

// Nemotron-H's experts are not gated, have a score correction in the router,
// and may run in a width of their own.
MixtureOfExperts ReadNemotronExperts(const JsonReader& config, bool bias) {
  Mlp expert = ReadMlp(config, "moe_intermediate_size", /*gated=*/false);
  expert.set_bias(bias);
  MixtureOfExperts moe = ReadExperts(config, "n_routed_experts", 0,
                                     "num_experts_per_tok", 0, expert);
  moe.set_router_bias(true);
  if (config.IsSize("moe_latent_size")) {
    moe.set_latent_dim(config.Int("moe_latent_size"));
  }
  const int64_t shared =
      config.IntOr("n_shared_experts", 1, {0, kHeadLimits.max});
  if (shared > 0) {
    *moe.mutable_shared() =
        ReadMlp(config, "moe_shared_expert_intermediate_size", /*gated=*/false);
    moe.mutable_shared()->set_bias(bias);
  }
  return moe;
}

// The block for a letter of hybrid_override_pattern; without a name if the
// letter has no meaning. Mixers and MLPs are separate layers.
Block ReadNemotronBlock(const JsonReader& config, char letter,
                        const Attention& attention) {
  const bool bias = config.BoolOr("mlp_bias", false);
  Block block;
  block.set_norms(1);
  switch (letter) {
    case 'M': {
      Mamba2Fields fields = {"mamba_num_heads", "mamba_head_dim",
                             "ssm_state_size"};
      fields.default_heads = 128;
      fields.default_head_dim = 64;
      block.set_name("mamba");
      *block.mutable_mamba2() = ReadMamba2(config, fields);
      break;
    }
    case '*':
      block.set_name("attention");
      *block.mutable_attention() = attention;
      SetBiases(config.BoolOr("attention_bias", false),
                block.mutable_attention());
      break;
    case '-':
      block.set_name("mlp");
      *block.mutable_mlp() =
          ReadMlp(config, "intermediate_size", /*gated=*/false);
      block.mutable_mlp()->set_bias(bias);
      break;
    case 'E':
      block.set_name("moe");
      *block.mutable_moe() = ReadNemotronExperts(config, bias);
      break;
    default:
      break;
  }
  return block;
}

// Letters of a Nemotron pattern: the string in `pattern`, or the list of words
// in `list`, which is the newer form and counts if both are there.
std::string ReadNemotronPattern(const JsonReader& config, const char* list,
                                const char* pattern) {
  const auto words = config.Strings(list);
  if (!words.has_value()) {
    return config.Has(pattern) ? config.String(pattern) : "";
  }
  std::string letters;
  for (size_t i = 0; i < words->size(); ++i) {
    const std::string& word = (*words)[i];
    if (word == "mamba" || word == "linear_attention") {
      letters += 'M';
    } else if (word == "moe") {
      letters += 'E';
    } else if (word == "attention" || word == "full_attention") {
      letters += '*';
    } else if (word == "mlp") {
      letters += '-';
    } else {
      config.AddFault(
          absl::StrCat(list, "[", i, "]"),
          UnknownNameMessage("layer type", word,
                             {"attention", "mamba", "mlp", "moe"}, ""));
    }
  }
  return letters;
}

void ImportNemotronH(const JsonReader& config, Model* model,
                     LayerStack* stack) {
  constexpr char kPattern[] = "hybrid_override_pattern";
  constexpr char kList[] = "layers_block_type";
  const char* used = config.Has(kList) ? kList : kPattern;
  const std::string pattern = ReadNemotronPattern(config, kList, kPattern);
  const int64_t letters = pattern.size();
  DecoderFields fields;
  fields.head_dim = EitherName(config, "attention_head_dim", "head_dim");
  fields.default_kv_heads = 8;
  fields.default_head_dim = 128;
  fields.default_positions = 4096;
  // The pattern gives the number of layers.
  fields.default_layers = letters;
  const Decoder decoder = ReadDecoder(config, fields, model);
  // The default of the engines for this family.
  model->mutable_formats()->set_state("fp32");
  if (letters == 0) {
    config.AddFault(kPattern, absl::StrCat("is missing, and so is ", kList,
                                           "; expected either"));
    return;
  }
  if (letters != decoder.layers()) {
    config.AddFault(used, absl::StrCat("found ", letters,
                                       " layers; expected num_hidden_layers ",
                                       decoder.layers()));
    return;
  }
  // Each kind is read once, so that each fault is reported once.
  std::string seen;
  std::vector<Block> blocks;
  const auto block_of = [&](char letter, const char* field) -> const Block& {
    size_t kind = seen.find(letter);
    if (kind == std::string::npos) {
      kind = seen.size();
      seen += letter;
      blocks.push_back(ReadNemotronBlock(config, letter, decoder.attention));
      if (blocks.back().name().empty()) {
        config.AddFault(
            field,
            absl::StrCat("found \"", Printable(std::string(1, letter)),
                         "\"; expected M (Mamba-2), * (attention), - (MLP) or "
                         "E (experts)"));
      }
    }
    return blocks[kind];
  };
  for (const char letter : pattern) stack->Add(block_of(letter, used));
  constexpr char kMtpPattern[] = "mtp_hybrid_override_pattern";
  for (const char letter :
       ReadNemotronPattern(config, "mtp_layers_block_type", kMtpPattern)) {
    stack->AddMtp(block_of(letter, kMtpPattern));
  }
}

// Number of layer norms in a Falcon block.
int64_t FalconNorms(const JsonReader& config, bool new_architecture,
                    bool parallel) {
  if (!parallel) return 2;
  constexpr char kNorms[] = "num_ln_in_parallel_attn";
  if (config.Has(kNorms)) return config.Int(kNorms, {1, 2});
  return new_architecture ? 2 : 1;
}

void ImportFalcon(const JsonReader& config, Model* model, LayerStack* stack) {
  const bool new_architecture =
      config.BoolOr("new_decoder_architecture", false);
  const bool multi_query = config.BoolOr("multi_query", true);
  const bool parallel_attn = config.BoolOr("parallel_attn", true);
  DecoderFields fields;
  // The first configurations used the field names of BLOOM.
  fields.layers = EitherName(config, "num_hidden_layers", "n_layer");
  fields.heads = EitherName(config, "num_attention_heads", "n_head");
  // The old architecture has either one key head or as many as query heads.
  fields.kv_heads = new_architecture || !multi_query
                        ? EitherName(config, "num_kv_heads", "n_head_kv")
                        : "";
  fields.head_dim = "";
  fields.default_positions = 2048;
  Decoder decoder = ReadDecoder(config, fields, model);
  model->set_norm(LAYER_NORM);
  if (!new_architecture && multi_query) decoder.attention.set_kv_heads(1);
  const bool bias = config.BoolOr("bias", false);
  SetBiases(bias, &decoder.attention);
  decoder.mlp.set_d_ff(config.Has("ffn_hidden_size")
                           ? config.Int("ffn_hidden_size", kMlpLimits)
                           : 4 * model->d_model());
  decoder.mlp.set_bias(bias);
  decoder.parallel = new_architecture || parallel_attn;
  decoder.norms = FalconNorms(config, new_architecture, parallel_attn);
  AddLayers(decoder, stack);
}

// A GPT-style decoder: MHA, layer norms, an MLP of two matrices, and biases
// everywhere if `bias`.
Decoder ReadGptDecoder(const JsonReader& config, const DecoderFields& fields,
                       const char* mlp, bool bias, Model* model) {
  Decoder decoder = ReadDecoder(config, fields, model);
  model->set_norm(LAYER_NORM);
  SetBiases(bias, &decoder.attention);
  decoder.mlp = ReadMlp(config, mlp, /*gated=*/false);
  decoder.mlp.set_bias(bias);
  return decoder;
}

void ImportOpt(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.kv_heads = "";
  fields.head_dim = "";
  fields.default_positions = 2048;
  const bool bias = config.BoolOr("enable_bias", true);
  const Decoder decoder =
      ReadGptDecoder(config, fields, "ffn_dim", bias, model);
  // The position table has two more rows than there are positions.
  model->set_learned_positions(model->max_context() + 2);
  RequireBool(config, "do_layer_norm_before", true, true,
              "the schema has a norm before the head");
  RequireBool(config, "layer_norm_elementwise_affine", true, true,
              "the schema's layer norms have weights");
  constexpr char kEmbedding[] = "word_embed_proj_dim";
  if (config.Has(kEmbedding) && config.Int(kEmbedding) != model->d_model()) {
    config.AddFault(kEmbedding,
                    absl::StrCat("found ", config.Int(kEmbedding),
                                 "; expected hidden_size ", model->d_model(),
                                 ": the schema has no projection of the "
                                 "embedding"));
  }
  AddLayers(decoder, stack);
}

void ImportGptNeox(const JsonReader& config, Model* model, LayerStack* stack) {
  DecoderFields fields;
  fields.kv_heads = "";
  fields.head_dim = "";
  fields.default_positions = 2048;
  Decoder decoder =
      ReadGptDecoder(config, fields, "intermediate_size", true, model);
  SetBiases(config.BoolOr("attention_bias", true), &decoder.attention);
  // Mixer and MLP each have a norm, but read the same input.
  decoder.parallel = config.BoolOr("use_parallel_residual", true);
  AddLayers(decoder, stack);
}

// Sorted by model_type.
constexpr HfFamily kFamilies[] = {
    {"deepseek_v2", false, ImportDeepSeekV2},
    {"deepseek_v3", false, ImportDeepSeekV3},
    {"falcon", true, ImportFalcon},
    {"gemma", true, ImportGemma},
    {"gemma2", true, ImportGemma2},
    {"gemma3_text", true, ImportGemma3},
    {"gpt_neox", false, ImportGptNeox},
    {"gpt_oss", false, ImportGptOss},
    {"jamba", false, ImportJamba},
    {"kimi_k2", false, ImportDeepSeekV3},
    {"llama", false, ImportLlama},
    {"llama4_text", false, ImportLlama4},
    {"mamba", true, ImportMamba},
    {"mamba2", false, ImportMamba2},
    {"ministral", false, ImportMistral},
    {"ministral3", false, ImportMistral},
    {"mistral", false, ImportMistral},
    {"mixtral", false, ImportMixtral},
    {"nemotron_h", false, ImportNemotronH},
    {"opt", true, ImportOpt},
    {"phi3", false, ImportPhi3},
    {"qwen2", false, ImportQwen2},
    {"qwen2_5_omni_text", false, ImportQwen2},
    {"qwen2_5_vl_text", false, ImportQwen2},
    {"qwen2_moe", false, ImportQwen2Moe},
    {"qwen2_vl_text", false, ImportQwen2},
    {"qwen3", false, ImportQwen3},
    {"qwen3_moe", false, ImportQwen3Moe},
    {"qwen3_next", false, ImportQwen3Next},
    {"qwen3_omni_moe_text", false, ImportQwen3Moe},
    {"qwen3_vl_moe_text", false, ImportQwen3Moe},
    {"qwen3_vl_text", false, ImportQwen3},
};

// Sorted by model_type.
constexpr HfWrapper kWrappers[] = {
    {"exaone4_5", "text_config", "exaone4"},
    {"gemma3", "text_config", "gemma3_text"},
    {"gemma3n", "text_config", "gemma3n_text"},
    {"gemma4", "text_config", "gemma4_text"},
    {"gemma4_unified", "text_config", "gemma4_unified_text"},
    {"glm4v", "text_config", "glm4"},
    {"glm4v_moe", "text_config", "glm4_moe"},
    {"idefics3", "text_config", "llama"},
    {"internvl", "text_config", "qwen2"},
    {"internvl_chat", "llm_config", "internlm2"},
    {"kimi_k25", "text_config", "kimi_k2"},
    {"kimi_k3", "text_config", "kimi_linear"},
    {"kimi_vl", "text_config", "deepseek_v3"},
    {"lfm2_vl", "text_config", "lfm2"},
    {"llama4", "text_config", "llama4_text"},
    {"llava", "text_config", "llama"},
    {"llava_next", "text_config", "llama"},
    {"llava_onevision", "text_config", "qwen2"},
    {"minimax_m3_vl", "text_config", "minimax_m3"},
    {"mistral3", "text_config", "mistral"},
    {"paligemma", "text_config", "gemma"},
    {"qwen2_5_omni", "thinker_config.text_config", "qwen2_5_omni_text"},
    {"qwen2_5_vl", "text_config", "qwen2_5_vl_text"},
    {"qwen2_vl", "text_config", "qwen2_vl_text"},
    {"qwen3_5", "text_config", "qwen3_5_text"},
    {"qwen3_5_moe", "text_config", "qwen3_5_moe_text"},
    {"qwen3_omni_moe", "thinker_config.text_config", "qwen3_omni_moe_text"},
    {"qwen3_vl", "text_config", "qwen3_vl_text"},
    {"qwen3_vl_moe", "text_config", "qwen3_vl_moe_text"},
    {"smolvlm", "text_config", "llama"},
    {"step3p7", "text_config", "step3p5"},
    {"voxtral", "text_config", "llama"},
};

// Other names of families: the text decoders of wrappers.
struct Synonym {
  const char* model_type;
  const char* family;
};
constexpr Synonym kSynonyms[] = {
    {"bailing_moe_v2", "bailing_moe"},
    {"glm4v_moe_text", "glm4_moe"},
    {"glm4v_text", "glm4"},
    {"kimi_k25_text", "kimi_k2"},
    {"minimax_m3_text", "minimax_m3"},
};

}  // namespace

const HfFamily* FindHfFamily(absl::string_view model_type) {
  for (const Synonym& synonym : kSynonyms) {
    if (model_type == synonym.model_type) model_type = synonym.family;
  }
  for (const absl::Span<const HfFamily> families :
       {absl::Span<const HfFamily>(kFamilies), DenseFamilies(),
        ExpertFamilies(), RecurrentFamilies()}) {
    for (const HfFamily& family : families) {
      if (family.model_type == model_type) return &family;
    }
  }
  return nullptr;
}

const HfWrapper* FindHfWrapper(absl::string_view model_type) {
  const auto* found = std::find_if(std::begin(kWrappers), std::end(kWrappers),
                                   [&](const HfWrapper& wrapper) {
                                     return wrapper.model_type == model_type;
                                   });
  return found == std::end(kWrappers) ? nullptr : found;
}

std::vector<std::string> HfModelTypes() {
  std::vector<std::string> types;
  for (const absl::Span<const HfFamily> families :
       {absl::Span<const HfFamily>(kFamilies), DenseFamilies(),
        ExpertFamilies(), RecurrentFamilies()}) {
    for (const HfFamily& family : families) {
      types.emplace_back(family.model_type);
    }
  }
  for (const HfWrapper& wrapper : kWrappers) {
    types.emplace_back(wrapper.model_type);
  }
  std::sort(types.begin(), types.end());
  return types;
}

}  // namespace tokenjoule
