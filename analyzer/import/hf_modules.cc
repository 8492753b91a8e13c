#include "analyzer/import/hf_modules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace tokenjoule {
namespace {

// A prefix of layers that is in use if a checkpoint mentions `word`.
struct Prefix {
  const char* word;
  const char* prefix;
};
constexpr Prefix kPrefixes[] = {
    {"language_model", "model.language_model.layers."},
    {"language_model", "language_model.model.layers."},
    {"language_model", "model.language_model.model.layers."},
    {"backbone", "backbone.layers."},
    {"transformer", "transformer.h."},
    {"transformer", "transformer.layers."},
    {"transformer", "transformer.blocks."},
    {"transformer", "transformer.encoder.layers."},
    {"gpt_neox", "gpt_neox.layers."},
    {"decoder", "model.decoder.layers."},
    {"text_model", "model.text_model.layers."},
    {"llm", "llm.model.layers."},
    {"thinker", "thinker.model.layers."},
    {"rwkv", "rwkv.blocks."},
};

// Names of modules within a layer, most usual first, separated by blanks.
constexpr char kQueryNames[] =
    "self_attn.q_proj mixer.q_proj self_attn.qkv_proj attn.q_proj attention.wq "
    "attention.wqkv attention.q_proj self_attn.W_pack attn.c_attn attn.Wqkv "
    "attn.qkv_proj attention.query_key_value self_attention.query_key_value "
    "norm_attn_norm.attn.Wqkv";
constexpr char kKeyNames[] =
    "self_attn.k_proj mixer.k_proj self_attn.qkv_proj attn.k_proj attention.wk "
    "attention.wqkv attention.k_proj self_attn.W_pack attn.c_attn attn.Wqkv "
    "attn.qkv_proj attention.query_key_value self_attention.query_key_value "
    "norm_attn_norm.attn.Wqkv";
constexpr char kValueNames[] =
    "self_attn.v_proj mixer.v_proj self_attn.qkv_proj attn.v_proj attention.wv "
    "attention.wqkv attention.v_proj self_attn.W_pack attn.c_attn attn.Wqkv "
    "attn.qkv_proj attention.query_key_value self_attention.query_key_value "
    "norm_attn_norm.attn.Wqkv";
constexpr char kOutputNames[] =
    "self_attn.o_proj mixer.o_proj attn.o_proj attention.wo attention.o_proj "
    "self_attn.out_proj self_attn.dense attn.c_proj attn.out_proj "
    "attention.dense self_attention.dense norm_attn_norm.attn.out_proj";
constexpr char kGateNames[] =
    "mlp.gate_proj mlp.gate_up_proj feed_forward.gate_proj feed_forward.w1 "
    "mixer.gate_proj shared_mlp.input_linear mlp.w1 ffn.gate_proj";
constexpr char kUpNames[] =
    "mlp.up_proj mlp.gate_up_proj feed_forward.up_proj feed_forward.w3 "
    "mixer.up_proj shared_mlp.input_linear mlp.w2 ffn.up_proj mlp.c_fc mlp.fc1 "
    "mlp.fc_in mlp.dense_h_to_4h fc1";
constexpr char kDownNames[] =
    "mlp.down_proj feed_forward.down_proj feed_forward.w2 mixer.down_proj "
    "shared_mlp.output_linear mlp.c_proj ffn.down_proj mlp.fc2 mlp.fc_out "
    "mlp.dense_4h_to_h fc2";
// Names within a routed expert's layer; E stands for its number.
constexpr char kExpertGateNames[] =
    "mlp.experts.E.gate_proj block_sparse_moe.experts.E.w1 "
    "block_sparse_moe.experts.E.gate_proj mixer.experts.E.gate_proj "
    "feed_forward.experts.E.gate_proj feed_forward.experts.E.w1 "
    "ffn.experts.E.w1 experts.E.gate_proj mlp.experts.gate_up_proj "
    "feed_forward.experts.gate_up_proj experts.gate_up_proj "
    "block_sparse_moe.input_linear";
constexpr char kExpertUpNames[] =
    "mlp.experts.E.up_proj block_sparse_moe.experts.E.w3 "
    "block_sparse_moe.experts.E.up_proj mixer.experts.E.up_proj "
    "feed_forward.experts.E.up_proj feed_forward.experts.E.w3 "
    "ffn.experts.E.w3 experts.E.up_proj mlp.experts.gate_up_proj "
    "feed_forward.experts.gate_up_proj experts.gate_up_proj "
    "block_sparse_moe.input_linear";
constexpr char kExpertDownNames[] =
    "mlp.experts.E.down_proj block_sparse_moe.experts.E.w2 "
    "block_sparse_moe.experts.E.down_proj mixer.experts.E.down_proj "
    "feed_forward.experts.E.down_proj feed_forward.experts.E.w2 "
    "ffn.experts.E.w2 experts.E.down_proj mlp.experts.down_proj "
    "feed_forward.experts.down_proj experts.down_proj "
    "block_sparse_moe.output_linear";
// The same in MLX, where all experts of a layer are one module.
constexpr char kMlxGateNames[] =
    "mlp.switch_mlp.gate_proj block_sparse_moe.switch_mlp.gate_proj "
    "mlp.experts.gate_proj feed_forward.switch_mlp.gate_proj "
    "feed_forward.experts.gate_proj";
constexpr char kMlxUpNames[] =
    "mlp.switch_mlp.up_proj block_sparse_moe.switch_mlp.up_proj "
    "mixer.switch_mlp.fc1 mlp.experts.up_proj feed_forward.switch_mlp.up_proj "
    "feed_forward.experts.up_proj";
constexpr char kMlxDownNames[] =
    "mlp.switch_mlp.down_proj block_sparse_moe.switch_mlp.down_proj "
    "mixer.switch_mlp.fc2 mlp.experts.down_proj "
    "feed_forward.switch_mlp.down_proj feed_forward.experts.down_proj";
constexpr char kSharedGateNames[] =
    "mlp.shared_experts.gate_proj mlp.shared_expert.gate_proj "
    "mixer.shared_experts.gate_proj feed_forward.shared_expert.gate_proj "
    "block_sparse_moe.shared_experts.gate_proj mlp.shared_mlp.gate_proj "
    "shared_mlp.input_linear share_expert.gate_proj ffn.shared_experts.w1";
constexpr char kSharedUpNames[] =
    "mlp.shared_experts.up_proj mlp.shared_expert.up_proj "
    "mixer.shared_experts.up_proj feed_forward.shared_expert.up_proj "
    "block_sparse_moe.shared_experts.up_proj mlp.shared_mlp.up_proj "
    "shared_mlp.input_linear share_expert.up_proj ffn.shared_experts.w3";
constexpr char kSharedDownNames[] =
    "mlp.shared_experts.down_proj mlp.shared_expert.down_proj "
    "mixer.shared_experts.down_proj feed_forward.shared_expert.down_proj "
    "block_sparse_moe.shared_experts.down_proj mlp.shared_mlp.down_proj "
    "shared_mlp.output_linear share_expert.down_proj ffn.shared_experts.w2";

// How families spell their modules: the first parts of names within a layer.
struct Spelling {
  const char* model_type;  // or how it begins
  const char* parts;
};
constexpr char kUsualParts[] = "self_attn mlp linear_attn";
constexpr char kMixtralParts[] = "self_attn block_sparse_moe";
constexpr char kMambaParts[] = "self_attn mamba feed_forward";
// The first that fits counts.
constexpr Spelling kSpellings[] = {
    {"bamba", kMambaParts},
    {"falcon_h1", kMambaParts},
    {"granitemoe", "self_attn mamba block_sparse_moe shared_mlp"},
    {"granite", kUsualParts},
    {"jamba", kMambaParts},
    {"llama4", ""},
    {"llama", kUsualParts},
    {"qwen", kUsualParts},
    {"mixtral", kMixtralParts},
    {"phimoe", kMixtralParts},
    {"minimax", kMixtralParts},
    {"mistral", kUsualParts},
    {"ministral", kUsualParts},
    {"gemma", kUsualParts},
    {"deepseek_v4", ""},
    {"deepseek", kUsualParts},
    {"kimi", kUsualParts},
    {"glm", kUsualParts},
    {"smollm3", kUsualParts},
    {"olmo", kUsualParts},
    {"exaone4", kUsualParts},
    {"exaone_moe", kUsualParts},
    {"cohere", kUsualParts},
    {"seed_oss", kUsualParts},
    {"mimo", kUsualParts},
    {"apertus", kUsualParts},
    {"arcee", kUsualParts},
    {"ernie4_5", kUsualParts},
    {"dots1", kUsualParts},
    {"hunyuan", kUsualParts},
    {"hy_v3", kUsualParts},
    {"solar_open", kUsualParts},
    {"internlm3", kUsualParts},
    {"nemotron-nas", kUsualParts},
};

// Last parts of names that no family with the usual first parts has.
bool IsForeignPart(absl::string_view part) {
  for (const absl::string_view foreign :
       {"out_proj", "dense", "W_pack", "fc1", "fc2", "w1", "w2", "w3", "c_fc",
        "c_proj", "fc_in", "fc_out", "dense_h_to_4h", "dense_4h_to_h"}) {
    if (part == foreign) return true;
  }
  return false;
}

// Whether a family may have a module of this name.
bool MayHave(const std::string& model_type, absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '.');
  // Only LFM2 and OPT call the output projection of attention so.
  if (name == "self_attn.out_proj" && !absl::StartsWith(model_type, "lfm2") &&
      model_type != "opt" && !model_type.empty()) {
    return false;
  }
  for (const Spelling& spelling : kSpellings) {
    if (!absl::StartsWith(model_type, spelling.model_type)) continue;
    if (*spelling.parts == 0) return true;
    const std::vector<absl::string_view> usual =
        absl::StrSplit(spelling.parts, ' ');
    if (std::find(usual.begin(), usual.end(), parts[0]) == usual.end()) {
      return false;
    }
    if (parts[0] == "linear_attn" || parts[0] == "mamba") return true;
    // Mixtral's experts are w1, w2 and w3, those of its descendants too.
    // Granite's are one module.
    if (parts[0] == "block_sparse_moe") {
      const bool is_linear = absl::EndsWith(name, "_linear");
      const bool is_granite = absl::StartsWith(model_type, "granite");
      return is_granite == is_linear && !absl::EndsWith(name, "_proj");
    }
    return !IsForeignPart(parts.back());
  }
  return true;
}

// Collects the modules of one layer.
class Layer {
 public:
  Layer(int64_t number, const HfNaming& naming)
      : number_(number), naming_(naming) {}

  // Adds a matrix of `inputs` x `outputs`, unless it is empty.
  void Add(HfMatrix matrix, double inputs, double outputs,
           absl::string_view names, bool is_expert = false) {
    if (!(inputs > 0) || !(outputs > 0)) return;
    HfModule module;
    module.matrix = matrix;
    module.is_expert = is_expert;
    module.elements = inputs * outputs;
    module.inputs = inputs;
    const std::vector<absl::string_view> all = absl::StrSplit(names, ' ');
    std::vector<absl::string_view> own;
    for (const absl::string_view name : all) {
      if (MayHave(naming_.model_type, name)) own.push_back(name);
    }
    if (own.empty()) own = all;
    for (const std::string& prefix : naming_.prefixes) {
      for (const absl::string_view name : own) {
        module.paths.push_back(absl::StrCat(prefix, number_, ".", name));
      }
    }
    modules_.push_back(std::move(module));
  }

  std::vector<HfModule> Take() { return std::move(modules_); }

 private:
  const int64_t number_;
  const HfNaming& naming_;
  std::vector<HfModule> modules_;
};

// The index queries and keys of sparse attention, of which the weights of the
// heads stay in the format of vectors.
void AddIndexer(const Indexer& indexer, double query_inputs, double d,
                Layer* layer) {
  if (indexer.reused()) return;
  layer->Add(HfMatrix::kMixer, query_inputs,
             static_cast<double>(indexer.heads()) * indexer.head_dim(),
             "self_attn.indexer.wq_b self_attn.indexer.q_proj");
  layer->Add(HfMatrix::kMixer, d, indexer.head_dim(),
             "self_attn.indexer.wk self_attn.indexer.k_proj");
}

void AddAttention(const Attention& attention, double d, Layer* layer) {
  const double heads = attention.heads();
  const double width = attention.head_dim();
  const double value_width =
      attention.value_head_dim() > 0 ? attention.value_head_dim() : width;
  const double kv_heads = attention.shared_kv() ? 0 : attention.kv_heads();
  layer->Add(HfMatrix::kQuery, d,
             heads * width * (attention.output_gate() ? 2 : 1), kQueryNames);
  if (attention.head_gate()) {
    layer->Add(HfMatrix::kQuery, d, heads, "self_attn.g_proj");
  }
  layer->Add(HfMatrix::kKey, d, kv_heads * width, kKeyNames);
  if (!attention.value_from_key()) {
    layer->Add(HfMatrix::kValue, d, kv_heads * value_width, kValueNames);
  }
  layer->Add(HfMatrix::kOutput, heads * value_width, d, kOutputNames);
  if (attention.has_indexer()) AddIndexer(attention.indexer(), d, d, layer);
}

void AddLatentAttention(const LatentAttention& latent, double d, Layer* layer) {
  const double heads = latent.heads();
  const double rank = latent.q_rank();
  const double query = heads * (latent.nope_dim() + latent.rope_dim());
  layer->Add(HfMatrix::kMixer, d, rank,
             "self_attn.q_a_proj self_attn.fused_qkv_a_proj_with_mqa "
             "self_attn.wq_a attention.q_a_proj");
  layer->Add(HfMatrix::kMixer, rank > 0 ? rank : d, query,
             rank > 0 ? "self_attn.q_b_proj self_attn.wq_b attention.q_b_proj"
                      : "self_attn.q_proj attention.q_proj");
  layer->Add(HfMatrix::kMixer, d,
             static_cast<double>(latent.kv_rank()) + latent.rope_dim(),
             "self_attn.kv_a_proj_with_mqa self_attn.fused_qkv_a_proj_with_mqa "
             "attention.kv_a_proj_with_mqa");
  // MLX stores the two halves of the up-projection as modules of their own.
  layer->Add(HfMatrix::kMixer, latent.kv_rank(), heads * latent.nope_dim(),
             "self_attn.kv_b_proj self_attn.embed_q attention.kv_b_proj");
  layer->Add(HfMatrix::kMixer, latent.kv_rank(), heads * latent.v_dim(),
             "self_attn.kv_b_proj self_attn.unembed_out attention.kv_b_proj");
  layer->Add(HfMatrix::kOutput, heads * latent.v_dim(), d,
             "self_attn.o_proj attention.o_proj attention.dense");
  if (latent.has_indexer()) {
    AddIndexer(latent.indexer(), rank > 0 ? rank : d, d, layer);
  }
}

void AddMamba1(const Mamba1& mamba, double d, Layer* layer) {
  const double inner = mamba.d_inner();
  const double rank = mamba.dt_rank();
  layer->Add(HfMatrix::kMixer, d, 2 * inner, "mamba.in_proj mixer.in_proj");
  layer->Add(HfMatrix::kMixer, inner, rank + 2.0 * mamba.d_state(),
             "mamba.x_proj mixer.x_proj");
  layer->Add(HfMatrix::kMixer, rank, inner, "mamba.dt_proj mixer.dt_proj");
  layer->Add(HfMatrix::kMixer, inner, d, "mamba.out_proj mixer.out_proj");
}

void AddMamba2(const Mamba2& mamba, double d, Layer* layer) {
  const double inner = static_cast<double>(mamba.heads()) * mamba.head_dim();
  const double mixed =
      inner + 2.0 * static_cast<double>(mamba.groups()) * mamba.d_state();
  layer->Add(HfMatrix::kMixer, d, inner + mixed + mamba.heads(),
             "mamba.in_proj mixer.in_proj");
  layer->Add(HfMatrix::kMixer, inner, d, "mamba.out_proj mixer.out_proj");
}

void AddLinearAttention(const LinearAttention& linear, double d, Layer* layer) {
  const double keys =
      static_cast<double>(linear.key_heads()) * linear.key_head_dim();
  const double values =
      static_cast<double>(linear.value_heads()) * linear.value_head_dim();
  const double heads = linear.value_heads();
  const double low = linear.key_head_dim();
  switch (linear.rule()) {
    case LinearAttention::KIMI_DELTA:
      layer->Add(HfMatrix::kMixer, d, keys, "self_attn.q_proj");
      layer->Add(HfMatrix::kMixer, d, keys, "self_attn.k_proj");
      layer->Add(HfMatrix::kMixer, d, values, "self_attn.v_proj");
      layer->Add(HfMatrix::kMixer, d, heads, "self_attn.b_proj");
      layer->Add(HfMatrix::kMixer, d, low, "self_attn.f_a_proj");
      layer->Add(HfMatrix::kMixer, low, keys, "self_attn.f_b_proj");
      layer->Add(HfMatrix::kMixer, d, low, "self_attn.g_a_proj");
      layer->Add(HfMatrix::kMixer, low, values, "self_attn.g_b_proj");
      layer->Add(HfMatrix::kMixer, values, d, "self_attn.o_proj");
      return;
    case LinearAttention::LIGHTNING:
      layer->Add(HfMatrix::kMixer, d, 2 * keys + values,
                 "self_attn.qkv_proj attention.query_key_value");
      layer->Add(HfMatrix::kMixer, d, values,
                 "self_attn.output_gate attention.g_proj");
      layer->Add(HfMatrix::kMixer, values, d,
                 "self_attn.out_proj attention.dense");
      return;
    default:
      break;
  }
  // Qwen3-Next has two projections, Qwen3.5 four.
  layer->Add(HfMatrix::kMixer, d, 2 * keys + values,
             "linear_attn.in_proj_qkv linear_attn.in_proj_qkvz");
  layer->Add(HfMatrix::kMixer, d, values,
             "linear_attn.in_proj_z linear_attn.in_proj_qkvz");
  layer->Add(HfMatrix::kMixer, d, heads,
             "linear_attn.in_proj_b linear_attn.in_proj_ba");
  layer->Add(HfMatrix::kMixer, d, heads,
             "linear_attn.in_proj_a linear_attn.in_proj_ba");
  layer->Add(HfMatrix::kMixer, values, d, "linear_attn.out_proj");
}

void AddRwkv(const Rwkv& rwkv, double d, Layer* layer) {
  const double inner = static_cast<double>(rwkv.heads()) * rwkv.head_dim();
  constexpr const char* kNames[] = {
      "attention.receptance attn.r_proj", "attention.key attn.k_proj",
      "attention.value attn.v_proj", "attention.gate attn.g_proj"};
  for (int64_t i = 0; i + 1 < rwkv.matrices(); ++i) {
    layer->Add(HfMatrix::kMixer, d, inner, kNames[i % 4]);
  }
  layer->Add(HfMatrix::kMixer, inner, d, "attention.output attn.o_proj");
}

// The compressors are left out: checkpoints keep them unquantised.
void AddCompressedAttention(const CompressedAttention& attention, double d,
                            Layer* layer) {
  const double e = attention.head_dim();
  const double width = e * attention.heads();
  const double q_rank = attention.q_rank();
  const double rank =
      static_cast<double>(attention.output_groups()) * attention.output_rank();
  layer->Add(HfMatrix::kMixer, d, q_rank,
             "self_attn.q_a_proj self_attn.wq_a attn.wq_a");
  layer->Add(HfMatrix::kMixer, q_rank, width,
             "self_attn.q_b_proj self_attn.wq_b attn.wq_b");
  layer->Add(HfMatrix::kMixer, d, e,
             "self_attn.kv_proj self_attn.wkv attn.wkv");
  layer->Add(HfMatrix::kOutput, width, attention.output_rank(),
             "self_attn.o_a_proj self_attn.wo_a attn.wo_a");
  layer->Add(HfMatrix::kOutput, rank, d,
             "self_attn.o_b_proj self_attn.wo_b attn.wo_b");
}

// Names of the modules of a matrix beside mixer and channel part; empty for
// those that checkpoints keep unquantised, as they keep routers: connections
// between streams, with an output of a few elements.
std::string ExtraNames(const Projection& extra) {
  constexpr int64_t kFew = 64;
  if (extra.out() <= kFew) return "";
  if (extra.name() == "output_gate" || extra.name() == "head_gate") {
    return "self_attn.g_proj attention.g_proj";
  }
  if (extra.name() == "per_layer_gate") return "per_layer_input_gate";
  if (extra.name() == "laurel_left") return "laurel.linear_left";
  if (extra.name() == "laurel_right") return "laurel.linear_right";
  return absl::StrReplaceAll(extra.name(), {{" ", "_"}});
}

void AddMixer(const Block& block, double d, Layer* layer) {
  switch (block.mixer_case()) {
    case Block::kAttention:
      AddAttention(block.attention(), d, layer);
      break;
    case Block::kLatentAttention:
      AddLatentAttention(block.latent_attention(), d, layer);
      break;
    case Block::kMamba1:
      AddMamba1(block.mamba1(), d, layer);
      break;
    case Block::kMamba2:
      AddMamba2(block.mamba2(), d, layer);
      break;
    case Block::kLinearAttention:
      AddLinearAttention(block.linear_attention(), d, layer);
      break;
    case Block::kShortConvolution:
      layer->Add(HfMatrix::kMixer, d, 3 * d, "conv.in_proj");
      layer->Add(HfMatrix::kMixer, d, d, "conv.out_proj");
      break;
    case Block::kRwkv:
      AddRwkv(block.rwkv(), d, layer);
      break;
    case Block::kCompressedAttention:
      AddCompressedAttention(block.compressed_attention(), d, layer);
      break;
    case Block::MIXER_NOT_SET:
      break;
  }
  // They are stored as the mixer.
  for (const Projection& extra : block.extra()) {
    const std::string names = ExtraNames(extra);
    if (names.empty()) continue;
    layer->Add(HfMatrix::kMixer, extra.in(), extra.out(), names);
  }
}

}  // namespace

HfNaming NamingOf(const std::string& mentions, bool mlx) {
  HfNaming naming;
  naming.mlx = mlx;
  for (const Prefix& prefix : kPrefixes) {
    if (absl::StrContains(mentions, prefix.word)) {
      naming.prefixes.push_back(prefix.prefix);
    }
  }
  return naming;
}

std::vector<HfModule> ModulesOf(const Block& block, int64_t number, int64_t d,
                                const HfNaming& naming) {
  Layer layer(number, naming);
  const double width = d;
  AddMixer(block, width, &layer);
  if (block.has_mlp()) {
    const double inner = block.mlp().d_ff();
    if (block.mlp().gated()) {
      layer.Add(HfMatrix::kGate, width, inner, kGateNames);
    }
    layer.Add(HfMatrix::kUp, width, inner, kUpNames);
    layer.Add(HfMatrix::kDown, inner, width, kDownNames);
  }
  if (block.has_moe()) {
    const MixtureOfExperts& moe = block.moe();
    const double inner = moe.shared().d_ff();
    if (moe.shared().gated()) {
      layer.Add(HfMatrix::kShared, width, inner, kSharedGateNames);
    }
    layer.Add(HfMatrix::kShared, width, inner, kSharedUpNames);
    layer.Add(HfMatrix::kSharedDown, inner, width, kSharedDownNames);
    // Kimi K3, whose experts are gated, keeps these unquantised.
    const double latent = moe.expert().gated() ? 0 : moe.latent_dim();
    layer.Add(HfMatrix::kShared, width, latent,
              "mixer.fc1_latent_proj mlp.fc1_latent_proj");
    layer.Add(HfMatrix::kShared, latent, width,
              "mixer.fc2_latent_proj mlp.fc2_latent_proj");
  }
  return layer.Take();
}

std::vector<HfModule> ExpertModulesOf(const Block& block, int64_t number,
                                      int64_t d, int64_t expert,
                                      const HfNaming& naming) {
  Layer layer(number, naming);
  if (!block.has_moe()) return {};
  const MixtureOfExperts& moe = block.moe();
  const double width = moe.latent_dim() > 0 ? moe.latent_dim() : d;
  const double inner = moe.expert().d_ff();
  const std::string dotted = absl::StrCat(".", expert, ".");
  const auto add = [&](HfMatrix matrix, double inputs, double outputs,
                       const char* names, const char* mlx_names) {
    layer.Add(
        matrix, inputs, outputs,
        naming.mlx ? mlx_names : absl::StrReplaceAll(names, {{".E.", dotted}}),
        /*is_expert=*/true);
  };
  if (moe.expert().gated()) {
    add(HfMatrix::kGate, width, inner, kExpertGateNames, kMlxGateNames);
  }
  add(HfMatrix::kUp, width, inner, kExpertUpNames, kMlxUpNames);
  add(HfMatrix::kDown, inner, width, kExpertDownNames, kMlxDownNames);
  return layer.Take();
}

HfModule HeadModule(int64_t d, int64_t vocab) {
  HfModule module;
  module.matrix = HfMatrix::kLmHead;
  module.inputs = d;
  module.elements = static_cast<double>(d) * vocab;
  module.paths = {"lm_head",       "language_model.lm_head",
                  "model.lm_head", "model.language_model.lm_head",
                  "output",        "transformer.output_layer",
                  "embed_out",     "thinker.lm_head",
                  "llm.lm_head",   "head"};
  return module;
}

HfModule EmbeddingModule(int64_t d, int64_t vocab) {
  HfModule module;
  module.matrix = HfMatrix::kEmbedding;
  module.inputs = d;
  module.elements = static_cast<double>(d) * vocab;
  module.paths = {"model.embed_tokens",
                  "model.language_model.embed_tokens",
                  "language_model.model.embed_tokens",
                  "model.tok_embeddings",
                  "backbone.embeddings",
                  "backbone.embedding",
                  "transformer.wte",
                  "transformer.word_embeddings",
                  "transformer.embedding.word_embeddings",
                  "gpt_neox.embed_in",
                  "model.decoder.embed_tokens",
                  "model.embeddings",
                  "embed_tokens"};
  return module;
}

}  // namespace tokenjoule
