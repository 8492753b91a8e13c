#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/counting/counts.h"

namespace tokenjoule {
namespace {

using nlohmann::json;
using I = int64_t;

bool Has(const json& j, const char* k) {
  return j.contains(k) && !j[k].is_null();
}

I Int(const json& j, const char* k) {
  if (!Has(j, k)) throw std::runtime_error(std::string("missing ") + k);
  return j[k].get<I>();
}
I Int(const json& j, const char* k, I d) {
  return Has(j, k) ? j[k].get<I>() : d;
}
bool Bool(const json& j, const char* k, bool d) {
  return Has(j, k) ? j[k].get<bool>() : d;
}
std::string Str(const json& j, const char* k, const char* d = "") {
  return Has(j, k) ? j[k].get<std::string>() : std::string(d);
}

// Adds tensors.
struct Sum {
  Counts c;
  void One(I n) {
    c.parameters += n;
    c.active += n;
  }  // every token
  void Linear(I in, I out, bool bias = false) {
    One(in * out + (bias ? out : 0));
  }
  void Norm(I width) { One(width); }  // RMSNorm weight
  void LayerNorm(I width, bool bias = true) { One(bias ? 2 * width : width); }
  void Experts(I n, I k, I each) {
    c.parameters += n * each;
    c.active += k * each;
  }
  void RoutingBias(I n) {
    One(n);
    c.routing_bias += n;
  }
  void Kv(I n) { c.kv_elements_per_token += n; }
  void State(I n) { c.state_elements += n; }
  void Index(I n) { c.index_elements_per_token += n; }
  void Swiglu(I h, I i, bool bias = false) {
    Linear(h, i, bias);
    Linear(h, i, bias);
    Linear(i, h, bias);
  }
  void EmbedHead(I vocab, I h, bool tied, bool head_bias = false) {
    One(vocab * h);
    if (!tied) One(vocab * h);
    if (head_bias) One(vocab);
  }
};

struct Gqa {
  I h, heads, kv, d;
  bool qb = false, kvb = false, ob = false;
  I v_d = 0;          // value head width if it differs
  int qk_norm = 0;    // 0 none, 1 per head_dim, 2 full width
  bool gate = false;  // q_proj twice as wide (output gate)
};

void AddGqa(Sum& s, const Gqa& g, bool appends = true) {
  const I vd = g.v_d ? g.v_d : g.d;
  s.Linear(g.h, g.heads * g.d * (g.gate ? 2 : 1), g.qb);
  s.Linear(g.h, g.kv * g.d, g.kvb);
  s.Linear(g.h, g.kv * vd, g.kvb);
  s.Linear(g.heads * vd, g.h, g.ob);
  if (g.qk_norm == 1) {
    s.Norm(g.d);
    s.Norm(g.d);
  }
  if (g.qk_norm == 2) {
    s.Norm(g.heads * g.d);
    s.Norm(g.kv * g.d);
  }
  if (appends) s.Kv(g.kv * (g.d + vd));
}

struct Mla {
  I h, heads, q_rank, kv_rank, nope, rope, v;
  bool bias = false;  // q_a, kv_a, o
};

void AddMla(Sum& s, const Mla& m) {
  const I qk = m.nope + m.rope;
  if (m.q_rank > 0) {
    s.Linear(m.h, m.q_rank, m.bias);
    s.Norm(m.q_rank);
    s.Linear(m.q_rank, m.heads * qk);
  } else {
    s.Linear(m.h, m.heads * qk);
  }
  s.Linear(m.h, m.kv_rank + m.rope, m.bias);
  s.Norm(m.kv_rank);
  s.Linear(m.kv_rank, m.heads * (m.nope + m.v));
  s.Linear(m.heads * m.v, m.h, m.bias);
  s.Kv(m.kv_rank + m.rope);
}

Mla MlaOf(const json& j) {
  return {Int(j, "hidden_size"),      Int(j, "num_attention_heads"),
          Int(j, "q_lora_rank", 0),   Int(j, "kv_lora_rank"),
          Int(j, "qk_nope_head_dim"), Int(j, "qk_rope_head_dim"),
          Int(j, "v_head_dim"),       Bool(j, "attention_bias", false)};
}

// Lightning indexer of DeepSeek sparse attention.
void AddIndexer(Sum& s, I h, I q_rank, I heads, I d) {
  s.Linear(q_rank, heads * d);
  s.Linear(h, d);
  s.LayerNorm(d);
  s.Linear(h, heads);
  s.Index(d);
}

// Mamba-2 mixer. norm: width of the gated RMSNorm (0: none).
void AddMamba2(Sum& s, I h, I heads, I hd, I groups, I n, I conv,
               bool conv_bias, bool proj_bias, bool norm) {
  const I inner = heads * hd;
  const I conv_dim = inner + 2 * groups * n;
  s.Linear(h, inner + conv_dim + heads, proj_bias);
  s.One(conv_dim * conv + (conv_bias ? conv_dim : 0));
  s.One(3 * heads);  // A_log, D, dt_bias
  if (norm) s.Norm(inner);
  s.Linear(inner, h, proj_bias);
  s.State(inner * n);
}

const json& TextOf(const json& j) {
  if (Has(j, "thinker_config")) return TextOf(j["thinker_config"]);
  if (Has(j, "text_config")) return j["text_config"];
  return j;
}

I HeadDim(const json& j) {
  if (Has(j, "head_dim")) return Int(j, "head_dim");
  return Int(j, "hidden_size") / Int(j, "num_attention_heads");
}
I KvHeads(const json& j) {
  return Int(j, "num_key_value_heads", Int(j, "num_attention_heads"));
}

Gqa GqaOf(const json& j) {
  Gqa g{Int(j, "hidden_size"), Int(j, "num_attention_heads"), KvHeads(j),
        HeadDim(j)};
  return g;
}

//////////////////////////////////////////////////////////////////////////////
// nemotron_h with experts

Counts NemotronH(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size"), vocab = Int(j, "vocab_size");
  std::string pattern = Str(j, "hybrid_override_pattern");
  if (pattern.empty()) {
    for (const auto& t : j.at("layers_block_type")) {
      const std::string k = t.get<std::string>();
      pattern += k == "mamba" || k == "linear_attention"     ? 'M'
                 : k == "attention" || k == "full_attention" ? '*'
                 : k == "moe"                                ? 'E'
                                                             : '-';
    }
  }
  const bool mlp_bias = Bool(j, "mlp_bias", false);
  for (const char k : pattern) {
    s.Norm(h);
    if (k == 'M') {
      AddMamba2(s, h, Int(j, "mamba_num_heads"), Int(j, "mamba_head_dim"),
                Int(j, "n_groups", 8), Int(j, "ssm_state_size", 128),
                Int(j, "conv_kernel", 4), Bool(j, "use_conv_bias", true),
                Bool(j, "use_bias", false), true);
    } else if (k == '*') {
      Gqa g = GqaOf(j);
      g.qb = g.kvb = g.ob = Bool(j, "attention_bias", false);
      AddGqa(s, g);
    } else if (k == '-') {
      s.Linear(h, Int(j, "intermediate_size"), mlp_bias);
      s.Linear(Int(j, "intermediate_size"), h, mlp_bias);
    } else {
      const I e = Int(j, "n_routed_experts"),
              latent = Int(j, "moe_latent_size", 0);
      s.Linear(h, e);
      s.RoutingBias(e);
      const I in = latent ? latent : h;
      s.Experts(e, Int(j, "num_experts_per_tok"),
                2 * in * Int(j, "moe_intermediate_size"));
      const I shared = Int(j, "moe_shared_expert_intermediate_size") *
                       Int(j, "n_shared_experts", 1);
      s.Linear(h, shared, mlp_bias);
      s.Linear(shared, h, mlp_bias);
      if (latent) {
        s.Linear(h, latent, mlp_bias);
        s.Linear(latent, h, mlp_bias);
      }
    }
  }
  s.Norm(h);
  s.EmbedHead(vocab, h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// DeepSeek-V3-like MoE: router + correction bias + shared experts.

void AddDsMoe(Sum& s, const json& j, bool correction = true) {
  const I h = Int(j, "hidden_size"), e = Int(j, "n_routed_experts");
  const I i = Int(j, "moe_intermediate_size");
  s.Linear(h, e);
  if (correction) s.RoutingBias(e);
  s.Experts(e, Int(j, "num_experts_per_tok"), 3 * h * i);
  const I shared = Int(j, "n_shared_experts", 0) * i;
  if (shared) s.Swiglu(h, shared);
}

bool DenseByFirstK(const json& j, I l, I def) {
  if (Has(j, "mlp_layer_types"))
    return j["mlp_layer_types"][l].get<std::string>() == "dense";
  return l < Int(j, "first_k_dense_replace", def);
}

Counts DeepSeekMla(const json& root, int indexer, I first_dense_default) {
  const json& j = TextOf(root);
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    AddMla(s, MlaOf(j));
    bool full = indexer != 0;
    if (indexer == 2) {  // glm_moe_dsa: some layers share the choice of another
      if (Has(j, "indexer_types")) {
        full = j["indexer_types"][l].get<std::string>() == "full";
      } else if (Has(j, "index_topk_pattern")) {
        const json& p = j["index_topk_pattern"];
        full = p.is_string() ? p.get<std::string>()[l] == 'F'
                             : p[l].get<std::string>() == "full";
      } else {
        const I freq = std::max<I>(Int(j, "index_topk_freq", 1), 1);
        const I offset = Int(j, "index_skip_topk_offset", 2);
        full = std::max<I>(l - offset + 1, 0) % freq == 0;
      }
    }
    if (full) {
      AddIndexer(s, h, Int(j, "q_lora_rank"), Int(j, "index_n_heads"),
                 Int(j, "index_head_dim"));
    }
    if (DenseByFirstK(j, l, first_dense_default)) {
      s.Swiglu(h, Int(j, "intermediate_size"));
    } else {
      AddDsMoe(s, j);
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

// glm4_moe, dots1, exaone_moe-like: GQA + DeepSeek-V3 experts.
Counts GqaDsMoe(const json& j, int qk_norm, bool default_bias, bool o_bias,
                I first_dense_default) {
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    Gqa g = GqaOf(j);
    g.qb = g.kvb = Bool(j, "attention_bias", default_bias);
    g.ob = o_bias && g.qb;
    g.qk_norm = qk_norm;
    AddGqa(s, g);
    if (DenseByFirstK(j, l, first_dense_default)) {
      s.Swiglu(h, Int(j, "intermediate_size"));
    } else {
      AddDsMoe(s, j);
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

Counts Glm4Moe(const json& j) {
  return GqaDsMoe(j, Bool(j, "use_qk_norm", false) ? 1 : 0, false, false, 1);
}
Counts Dots1(const json& j) { return GqaDsMoe(j, 1, false, true, 0); }

//////////////////////////////////////////////////////////////////////////////
// kimi_linear: Kimi delta attention + MLA without q compression.

void AddKda(Sum& s, I h, I heads, I d, I conv, bool full_rank_gate) {
  const I p = heads * d;
  for (int i = 0; i < 3; ++i) {
    s.Linear(h, p);
    s.One(p * conv);
  }
  s.One(heads);        // A_log
  s.Linear(h, d);      // f_a
  s.Linear(d, p);      // f_b
  s.One(p);            // dt_bias
  s.Linear(h, heads);  // b
  if (full_rank_gate) {
    s.Linear(h, p);
  } else {
    s.Linear(h, d);
    s.Linear(d, p);
  }
  s.Norm(d);
  s.Linear(p, h);
  s.State(heads * d * d);
}

Counts KimiLinear(const json& root) {
  const json& j = TextOf(root);
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  const json& la = j.at("linear_attn_config");
  std::vector<I> kda = la.at("kda_layers").get<std::vector<I>>();
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    if (std::count(kda.begin(), kda.end(), l + 1)) {
      AddKda(s, h, Int(la, "num_heads"), Int(la, "head_dim"),
             Int(la, "short_conv_kernel_size"), false);
    } else {
      AddMla(s, MlaOf(j));
    }
    if (l >= Int(j, "first_k_dense_replace", 0) &&
        l % Int(j, "moe_layer_freq", 1) == 0) {
      const I e = Int(j, "num_experts"), i = Int(j, "moe_intermediate_size");
      s.Linear(h, e);
      s.RoutingBias(e);
      s.Experts(e, Int(j, "num_experts_per_token"), 3 * h * i);
      if (Int(j, "num_shared_experts", 0))
        s.Swiglu(h, i * Int(j, "num_shared_experts"));
    } else {
      s.Swiglu(h, Int(j, "intermediate_size"));
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// MiniMax

Counts MiniMaxM2(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size"), e = Int(j, "num_local_experts");
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    s.Norm(h);
    s.Norm(h);
    Gqa g = GqaOf(j);
    g.qk_norm = Bool(j, "use_qk_norm", true) ? 2 : 0;
    AddGqa(s, g);
    s.Linear(h, e);
    s.RoutingBias(e);
    s.Experts(e, Int(j, "num_experts_per_tok"),
              3 * h * Int(j, "intermediate_size"));
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

Counts MiniMaxLightning(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size"), e = Int(j, "num_local_experts");
  const I heads = Int(j, "num_attention_heads"), d = HeadDim(j);
  const I layers = Int(j, "num_hidden_layers");
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    bool linear;
    if (Has(j, "attn_type_list")) {
      linear = j["attn_type_list"][l].get<I>() == 0;
    } else {
      linear = j.at("layer_types")[l].get<std::string>() != "full_attention";
    }
    if (linear) {
      const I p = heads * d;
      s.Linear(h, 3 * p);
      s.Linear(h, p);  // output_gate
      s.Norm(p);
      s.Linear(p, h);
      s.State(heads * d * d);
    } else {
      AddGqa(s, GqaOf(j));
    }
    s.Linear(h, e);
    s.Experts(e, Int(j, "num_experts_per_tok"),
              3 * h * Int(j, "intermediate_size"));
    const I shared = Int(j, "shared_intermediate_size", 0);
    if (shared) {
      s.Swiglu(h, shared);
      s.Linear(h, 1);  // coefficient
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// Qwen 3.5, 3-VL, 3-Omni

Counts Qwen35(const json& root, bool moe) {
  const json& j = TextOf(root);
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  const I kh = Int(j, "linear_num_key_heads", 16),
          vh = Int(j, "linear_num_value_heads", 32);
  const I kd = Int(j, "linear_key_head_dim", 128),
          vd = Int(j, "linear_value_head_dim", 128);
  const I key = kh * kd, value = vh * vd;
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    bool full;
    if (Has(j, "layer_types")) {
      full = j["layer_types"][l].get<std::string>() == "full_attention";
    } else {
      full = (l + 1) % Int(j, "full_attention_interval", 4) == 0;
    }
    if (full) {
      Gqa g = GqaOf(j);
      g.d = Int(j, "head_dim", 256);
      g.qb = g.kvb = g.ob = Bool(j, "attention_bias", false);
      g.qk_norm = 1;
      g.gate = true;
      AddGqa(s, g);
    } else {
      s.Linear(h, 2 * key + value);
      s.Linear(h, value);  // z
      s.Linear(h, vh);     // b
      s.Linear(h, vh);     // a
      s.One((2 * key + value) * Int(j, "linear_conv_kernel_dim", 4));
      s.One(2 * vh);  // dt_bias, A_log
      s.Norm(vd);
      s.Linear(value, h);
      s.State(vh * kd * vd);
    }
    if (moe) {
      const I e = Int(j, "num_experts");
      s.Linear(h, e);
      s.Experts(e, Int(j, "num_experts_per_tok"),
                3 * h * Int(j, "moe_intermediate_size"));
      s.Swiglu(h, Int(j, "shared_expert_intermediate_size"));
      s.Linear(h, 1);
    } else {
      s.Swiglu(h, Int(j, "intermediate_size"));
    }
  }
  s.Norm(h);
  s.EmbedHead(
      Int(j, "vocab_size"), h,
      Bool(root, "tie_word_embeddings", Bool(j, "tie_word_embeddings", false)));
  return s.c;
}

// Qwen3-MoE text decoder in a wrapper.
Counts Qwen3MoeText(const json& root) {
  const json& j = TextOf(root);
  Sum s;
  const I h = Int(j, "hidden_size");
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    s.Norm(h);
    s.Norm(h);
    Gqa g = GqaOf(j);
    g.qb = g.kvb = g.ob = Bool(j, "attention_bias", false);
    g.qk_norm = 1;
    AddGqa(s, g);
    bool dense = Int(j, "num_experts") == 0 ||
                 (l + 1) % Int(j, "decoder_sparse_step", 1) != 0;
    if (Has(j, "mlp_only_layers")) {
      for (const auto& x : j["mlp_only_layers"])
        dense = dense || x.get<I>() == l;
    }
    if (dense) {
      s.Swiglu(h, Int(j, "intermediate_size"));
    } else {
      const I e = Int(j, "num_experts");
      s.Linear(h, e);
      s.Experts(e, Int(j, "num_experts_per_tok"),
                3 * h * Int(j, "moe_intermediate_size"));
    }
  }
  s.Norm(h);
  s.EmbedHead(
      Int(j, "vocab_size"), h,
      Bool(root, "tie_word_embeddings", Bool(j, "tie_word_embeddings", false)));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// gemma4

Counts Gemma4(const json& root) {
  const json& j = TextOf(root);
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  const I heads = Int(j, "num_attention_heads"),
          shared = Int(j, "num_kv_shared_layers", 0);
  const bool k_eq_v = Bool(j, "attention_k_eq_v", false),
             bias = Bool(j, "attention_bias", false);
  const I ple = j.contains("hidden_size_per_layer_input")
                    ? Int(j, "hidden_size_per_layer_input", 0)
                    : 256;
  for (I l = 0; l < layers; ++l) {
    bool full = Has(j, "layer_types")
                    ? j["layer_types"][l].get<std::string>() == "full_attention"
                    : (l + 1) % 6 == 0;
    if (l == layers - 1) full = true;
    const I d = full ? Int(j, "global_head_dim", 512) : Int(j, "head_dim", 256);
    const bool alt = k_eq_v && full;
    const I kv = alt && Has(j, "num_global_key_value_heads")
                     ? Int(j, "num_global_key_value_heads")
                     : Int(j, "num_key_value_heads");
    const bool shares = shared > 0 && l >= layers - shared;
    s.Linear(h, heads * d, bias);
    s.Norm(d);
    if (!shares) {
      s.Norm(d);  // k_norm; v_norm has no weight
      s.Linear(h, kv * d, bias);
      if (!alt) s.Linear(h, kv * d, bias);
      s.Kv(2 * kv * d);
    }
    s.Linear(heads * d, h, bias);
    const bool wide = Bool(j, "use_double_wide_mlp", false) && shares;
    s.Swiglu(h, Int(j, "intermediate_size") * (wide ? 2 : 1));
    for (int i = 0; i < 4; ++i) s.Norm(h);
    s.One(1);  // layer_scalar, a stored buffer
    if (ple) {
      s.Linear(h, ple);
      s.Linear(ple, h);
      s.Norm(h);
    }
    if (Bool(j, "enable_moe_block", false)) {
      const I e = Int(j, "num_experts");
      s.Linear(h, e);
      s.One(h);  // scale
      s.One(e);  // per_expert_scale
      s.Experts(e, Int(j, "top_k_experts"),
                3 * h * Int(j, "moe_intermediate_size"));
      for (int i = 0; i < 3; ++i) s.Norm(h);
    }
  }
  if (ple) {
    s.One(Int(j, "vocab_size_per_layer_input", 262144) * layers * ple);
    s.Linear(h, layers * ple);
    s.Norm(ple);
  }
  s.Norm(h);
  s.EmbedHead(
      Int(j, "vocab_size"), h,
      Bool(root, "tie_word_embeddings", Bool(j, "tie_word_embeddings", true)));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// mimo_v2_flash

Counts MimoV2Flash(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size");
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    s.Norm(h);
    s.Norm(h);
    const bool swa = j.at("hybrid_layer_pattern")[l].get<I>() == 1;
    Gqa g{h, Int(j, swa ? "swa_num_attention_heads" : "num_attention_heads"),
          Int(j, swa ? "swa_num_key_value_heads" : "num_key_value_heads"),
          Int(j, swa ? "swa_head_dim" : "head_dim")};
    g.v_d = Int(j, swa ? "swa_v_head_dim" : "v_head_dim");
    g.qb = g.kvb = Bool(j, "attention_bias", false);
    AddGqa(s, g);
    if (Bool(j,
             swa ? "add_swa_attention_sink_bias"
                 : "add_full_attention_sink_bias",
             false)) {
      s.One(g.heads);
    }
    if (j.at("moe_layer_freq")[l].get<I>() == 1) {
      AddDsMoe(s, j);
    } else {
      s.Swiglu(h, Int(j, "intermediate_size"));
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// kimi_k3: kimi_linear + attention residuals + latent experts + full-rank gate

Counts KimiK3(const json& root) {
  const json& j = TextOf(root);
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  const json& la = j.at("linear_attn_config");
  const std::vector<I> kda = la.at("kda_layers").get<std::vector<I>>();
  const I heads = Int(j, "num_attention_heads");
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    if (Int(j, "attn_res_block_size",
            0)) {  // attention residuals: norm and [1, h] each
      s.Norm(h);
      s.Linear(h, 1);
      s.Norm(h);
      s.Linear(h, 1);
    }
    if (std::count(kda.begin(), kda.end(), l + 1)) {
      AddKda(s, h, Int(la, "num_heads"), Int(la, "head_dim"),
             Int(la, "short_conv_kernel_size"),
             Bool(la, "use_full_rank_gate", false));
    } else {
      AddMla(s, MlaOf(j));
      if (Bool(j, "mla_use_output_gate", false))
        s.Linear(h, heads * Int(j, "v_head_dim"));
    }
    if (l >= Int(j, "first_k_dense_replace", 0) &&
        l % Int(j, "moe_layer_freq", 1) == 0) {
      const I e = Int(j, "num_experts"), i = Int(j, "moe_intermediate_size");
      const I latent = Int(j, "routed_expert_hidden_size", 0),
              in = latent ? latent : h;
      s.Linear(h, e);
      s.RoutingBias(e);
      s.Experts(e, Int(j, "num_experts_per_token"), 3 * in * i);
      if (latent) {
        s.Linear(h, latent);
        s.Linear(latent, h);
        if (Bool(j, "latent_moe_use_norm", false)) s.Norm(latent);
      }
      if (Int(j, "num_shared_experts", 0))
        s.Swiglu(h, i * Int(j, "num_shared_experts"));
    } else {
      s.Swiglu(h, Int(j, "intermediate_size"));
    }
  }
  if (Int(j, "attn_res_block_size", 0)) {
    s.Norm(h);
    s.Linear(h, 1);
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// minimax_m3_vl (text_config without model_type)

Counts MiniMaxM3(const json& root) {
  const json& j = TextOf(root);
  Sum s;
  const I h = Int(j, "hidden_size");
  const json sparse = j.value("sparse_attention_config", json::object());
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    s.Norm(h);
    s.Norm(h);
    Gqa g = GqaOf(j);
    g.qk_norm = !Bool(j, "use_qk_norm", true)          ? 0
                : Str(j, "qk_norm_type") == "per_head" ? 1
                                                       : 2;
    g.gate = Bool(j, "attention_output_gate", false);
    AddGqa(s, g);
    if (Bool(sparse, "use_sparse_attention", false) &&
        sparse.at("sparse_attention_freq")[l].get<I>() == 1) {
      const I d = Int(sparse, "sparse_index_dim");
      s.Linear(h, Int(sparse, "sparse_num_index_heads") * d);
      s.Linear(h, d);
      s.Norm(d);
      s.Norm(d);
      s.Index(d);
    }
    if (j.at("moe_layer_freq")[l].get<I>() == 1) {
      const I e = Int(j, "num_local_experts");
      s.Linear(h, e);
      if (Bool(j, "use_routing_bias", false)) s.RoutingBias(e);
      s.Experts(e, Int(j, "num_experts_per_tok"),
                3 * h * Int(j, "intermediate_size"));
      if (Int(j, "n_shared_experts", 0)) {
        s.Swiglu(
            h, Int(j, "shared_intermediate_size") * Int(j, "n_shared_experts"));
      }
    } else {
      s.Swiglu(h, Int(j, "dense_intermediate_size"));
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// deepseek_v4

Counts DeepSeekV4(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  const I heads = Int(j, "num_attention_heads"), d = Int(j, "head_dim"),
          q = Int(j, "q_lora_rank");
  const I g = Int(j, "o_groups"), o = Int(j, "o_lora_rank"),
          hc = Int(j, "hc_mult", 4);
  const I hash = Int(j, "num_hash_layers", 3);
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    for (int site = 0; site < 2; ++site) {  // hyper-connections
      const I mix = (2 + hc) * hc;
      s.One(mix * hc * h + mix + 3);
    }
    s.Linear(h, q);
    s.Norm(q);
    s.Linear(q, heads * d);
    s.Linear(h, d);  // one KV head; the key is the value
    s.Norm(d);
    s.One(heads * d / g * g * o);  // grouped o_a
    s.Linear(g * o, h);
    s.One(heads);  // sinks
    s.Kv(d);       // window branch
    I ratio;
    if (Has(j, "compress_ratios")) {
      ratio = j["compress_ratios"][l].get<I>();
    } else {
      ratio = l < 2 ? 128 : l % 2 ? 128 : 4;
    }
    if (ratio == 4) {
      s.Linear(h, 2 * d);
      s.Linear(h, 2 * d);
      s.One(4 * 2 * d);
      s.Norm(d);
      const I id = Int(j, "index_head_dim"), in = Int(j, "index_n_heads");
      s.Linear(h, 2 * id);
      s.Linear(h, 2 * id);
      s.One(4 * 2 * id);
      s.Norm(id);
      s.Linear(q, in * id);
      s.Linear(h, in);
      s.Kv(d / 4);
      s.Index(id / 4);
    } else if (ratio == 128) {
      s.Linear(h, d);
      s.Linear(h, d);
      s.One(128 * d);
      s.Norm(d);
      s.Kv(d / 128);
    }
    const I e = Int(j, "n_routed_experts"), i = Int(j, "moe_intermediate_size");
    s.Linear(h, e);
    if (l >= hash)
      s.RoutingBias(e);  // hash layers have the table tid2eid (not counted)
    s.Experts(e, Int(j, "num_experts_per_tok"), 3 * h * i);
    s.Swiglu(h, i * Int(j, "n_shared_experts", 1));
  }
  s.One(hc * hc * h + hc + 1);  // hc_head
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// exaone_moe, solar_open, hy_v3

Counts ExaoneMoe(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    Gqa g = GqaOf(j);
    g.qk_norm = 1;
    AddGqa(s, g);
    bool dense;
    if (Has(j, "mlp_layer_types")) {
      dense = j["mlp_layer_types"][l].get<std::string>() == "dense";
    } else if (Has(j, "is_moe_layer")) {
      dense = !j["is_moe_layer"][l].get<bool>();
    } else {
      dense = l < Int(j, "first_k_dense_replace", 1);
    }
    if (dense) {
      s.Swiglu(h, Int(j, "intermediate_size"));
    } else {
      const I e = Int(j, "num_experts"), i = Int(j, "moe_intermediate_size");
      s.Linear(h, e);
      s.RoutingBias(e);
      s.Experts(e, Int(j, "num_experts_per_tok"), 3 * h * i);
      const I shared = Int(j, "num_shared_experts", 1) * i;
      if (shared) s.Swiglu(h, shared);
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// bailing_moe (Ling), v1 and v2; bailing_moe_linear (Ring-linear)

void AddBailingFfn(Sum& s, const json& j, I l) {
  const I h = Int(j, "hidden_size");
  const bool bias = Bool(j, "use_bias", false);
  if (!Has(j, "num_experts") || l < Int(j, "first_k_dense_replace", 0)) {
    s.Swiglu(h, Int(j, "intermediate_size"), bias);
    return;
  }
  const I e = Int(j, "num_experts"), i = Int(j, "moe_intermediate_size");
  s.Linear(h, e);
  if (Bool(j, "moe_router_enable_expert_bias", false)) s.RoutingBias(e);
  s.Experts(e, Int(j, "num_experts_per_tok"), 3 * h * i);
  const I shared = Int(j, "num_shared_experts", 0);
  if (shared)
    s.Swiglu(h, shared * Int(j, "moe_shared_expert_intermediate_size", i),
             bias);
}

Counts Bailing(const json& j, bool linear_layers) {
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    const I group = Int(j, "layer_group_size", 1);
    const bool full =
        !linear_layers || (l + 1) % group == 0 || l >= layers / group * group;
    Gqa g = GqaOf(j);
    if (!full) g.kv = g.heads;
    g.qb = g.kvb = Bool(j, "use_qkv_bias", false);
    g.ob = Bool(j, "use_bias", false);
    g.qk_norm = Bool(j, "use_qk_norm", false) ? 1 : 0;
    AddGqa(s, g, full);
    if (!full) {
      s.Linear(h, g.heads * g.d);  // g_proj
      s.Norm(g.heads * g.d);       // g_norm
      s.State(g.heads * g.d * g.d);
    }
    AddBailingFfn(s, j, l);
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// step3p5 (Step-3.5-Flash)

Counts Step3p5(const json& root) {
  const json& j = TextOf(root);
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  std::vector<bool> moe(layers, false);
  if (Has(j, "moe_layers_enum")) {
    std::string list = j["moe_layers_enum"].get<std::string>() + ",";
    std::string number;
    for (const char c : list) {
      if (c == ',') {
        if (!number.empty()) moe.at(std::stoll(number)) = true;
        number.clear();
      } else if (c != ' ') {
        number += c;
      }
    }
  } else {
    for (I l = 1; l < layers; ++l) moe[l] = true;
  }
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    const bool window =
        Has(j, "layer_types")
            ? j["layer_types"][l].get<std::string>() == "sliding_attention"
            : l % 2 == 0;
    const json& a = window && Has(j, "attention_other_setting")
                        ? j["attention_other_setting"]
                        : j;
    Gqa g{h, Int(a, "num_attention_heads"), Int(a, "num_attention_groups"),
          Int(j, "head_dim")};
    g.qk_norm = 1;
    AddGqa(s, g);
    if (Bool(j, "use_head_wise_attn_gate", true)) s.Linear(h, g.heads);
    if (moe[l]) {
      const I e = Int(j, "moe_num_experts");
      s.Linear(h, e);
      if (Bool(j, "use_moe_router_bias", true)) s.RoutingBias(e);
      s.Experts(e, Int(j, "moe_top_k"),
                3 * h * Int(j, "moe_intermediate_size"));
      s.Swiglu(h, Int(j, "share_expert_dim"));
    } else {
      s.Swiglu(h, Int(j, "intermediate_size"));
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// longcat_flash: two attentions and two dense MLPs per layer, one MoE.
// active: moe_topk real experts, the upper bound (identity experts cost none).

Counts Longcat(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size");
  for (I l = 0; l < Int(j, "num_layers"); ++l) {
    for (int i = 0; i < 2; ++i) {
      s.Norm(h);
      s.Norm(h);
      AddMla(s, MlaOf(j));
      s.Swiglu(h, Int(j, "ffn_hidden_size"));
    }
    const I e = Int(j, "n_routed_experts"),
            all = e + Int(j, "zero_expert_num", 0);
    s.Linear(h, all, Bool(j, "router_bias", false));
    s.RoutingBias(all);
    s.Experts(e, Int(j, "moe_topk"), 3 * h * Int(j, "expert_ffn_hidden_size"));
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// afmoe (Arcee Trinity)

Counts Afmoe(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size");
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    for (int i = 0; i < 4; ++i) s.Norm(h);
    Gqa g = GqaOf(j);
    g.d = Int(j, "head_dim", 128);
    g.qk_norm = 1;
    AddGqa(s, g);
    s.Linear(h, g.heads * g.d);  // gate_proj
    if (l < Int(j, "num_dense_layers", 1)) {
      s.Swiglu(h, Int(j, "intermediate_size"));
    } else {
      const I e = Int(j, "num_experts"), i = Int(j, "moe_intermediate_size");
      s.Linear(h, e);
      s.RoutingBias(e);
      s.Experts(e, Int(j, "num_experts_per_tok"), 3 * h * i);
      if (Int(j, "num_shared_experts", 0))
        s.Swiglu(h, i * Int(j, "num_shared_experts"));
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// hunyuan (Large) and hunyuan_v1_moe (A13B)

I PerLayer(const json& j, const char* k, I l, I d) {
  if (!Has(j, k)) return d;
  return j[k].is_array() ? j[k][l].get<I>() : j[k].get<I>();
}

Counts Hunyuan(const json& j, bool default_tied) {
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  const bool cla = Bool(j, "use_cla", false);
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    const Gqa g = GqaOf(j);
    const bool bias = Bool(j, "attention_bias", false);
    const bool own = !cla || l % Int(j, "cla_share_factor", 2) == 0;
    s.Linear(h, g.heads * g.d, bias);
    if (own) {
      s.Linear(h, g.kv * g.d, bias);
      s.Linear(h, g.kv * g.d, bias);
      s.Kv(2 * g.kv * g.d);
    }
    s.Linear(g.heads * g.d, h, bias);
    if (Bool(j, "use_qk_norm", false)) {
      s.Norm(g.d);
      s.Norm(g.d);
    }
    const I e = PerLayer(j, "num_experts", l, 1);
    const I i = Int(j, "intermediate_size");
    if (e <= 1) {
      s.Swiglu(h, i);
    } else {
      const I mi = PerLayer(j, "moe_intermediate_size", l, i);
      s.Linear(h, e);
      s.Experts(e, PerLayer(j, "moe_topk", l, 1), 3 * h * mi);
      if (Bool(j, "use_mixed_mlp_moe", true)) {
        s.Swiglu(h, i * PerLayer(j, "num_shared_expert", l, 1));
      }
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h,
              Bool(j, "tie_word_embeddings", default_tied));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// ernie4_5_moe

Counts Ernie45Moe(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  const bool bias = Bool(j, "use_bias", false);
  I end = Int(j, "moe_layer_end_index", -1);
  if (end == -1) end = layers - 1;
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    Gqa g = GqaOf(j);
    g.qb = g.kvb = g.ob = bias;
    AddGqa(s, g);
    if ((l + 1) % Int(j, "moe_layer_interval", 1) == 0 &&
        l >= Int(j, "moe_layer_start_index", 1) && l <= end) {
      const I e = Int(j, "moe_num_experts"),
              i = Int(j, "moe_intermediate_size");
      s.Linear(h, e);
      s.RoutingBias(e);  // moe_statics.e_score_correction_bias [1, e]
      s.Experts(e, Int(j, "moe_k"), 3 * h * i + (bias ? 2 * i + h : 0));
      const I shared = i * Int(j, "moe_num_shared_experts", 0);
      if (shared) s.Swiglu(h, shared, bias);
    } else {
      s.Swiglu(h, Int(j, "intermediate_size"), bias);
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", true));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// phimoe, dbrx, olmoe, deepseek (v1)

Counts PhiMoe(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size"), e = Int(j, "num_local_experts");
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    s.LayerNorm(h);
    s.LayerNorm(h);
    Gqa g = GqaOf(j);
    g.qb = g.kvb = g.ob = Bool(j, "attention_bias", false);
    AddGqa(s, g);
    s.Linear(h, e);
    s.Experts(e, Int(j, "num_experts_per_tok"),
              3 * h * Int(j, "intermediate_size"));
  }
  s.LayerNorm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false),
              Bool(j, "lm_head_bias", false));
  return s.c;
}

Counts Dbrx(const json& j) {
  Sum s;
  const I h = Int(j, "d_model"), heads = Int(j, "n_heads");
  const json& ffn = j.at("ffn_config");
  const I kv = Int(j.at("attn_config"), "kv_n_heads"),
          e = Int(ffn, "moe_num_experts");
  for (I l = 0; l < Int(j, "n_layers"); ++l) {
    s.LayerNorm(h, false);
    s.LayerNorm(h, false);
    AddGqa(s, {h, heads, kv, h / heads});
    s.Linear(h, e);
    s.Experts(e, Int(ffn, "moe_top_k"), 3 * h * Int(ffn, "ffn_hidden_size"));
  }
  s.LayerNorm(h, false);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

Counts Olmoe(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size"), e = Int(j, "num_experts");
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    s.Norm(h);
    s.Norm(h);
    Gqa g = GqaOf(j);
    g.qk_norm = 2;
    g.qb = g.kvb = g.ob = Bool(j, "attention_bias", false);
    AddGqa(s, g);
    s.Linear(h, e);
    s.Experts(e, Int(j, "num_experts_per_tok"),
              3 * h * Int(j, "intermediate_size"));
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

Counts DeepSeekV1(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size");
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    s.Norm(h);
    s.Norm(h);
    Gqa g = GqaOf(j);
    g.qb = g.kvb = g.ob = Bool(j, "attention_bias", false);
    AddGqa(s, g);
    if (Has(j, "n_routed_experts") && l >= Int(j, "first_k_dense_replace", 0) &&
        l % Int(j, "moe_layer_freq", 1) == 0) {
      AddDsMoe(s, j, false);
    } else {
      s.Swiglu(h, Int(j, "intermediate_size"));
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// granitemoe, granitemoeshared, granitemoehybrid

Counts GraniteMoe(const json& j, bool default_tied) {
  Sum s;
  const I h = Int(j, "hidden_size");
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    s.Norm(h);
    s.Norm(h);
    const bool mamba = Has(j, "layer_types") &&
                       j["layer_types"][l].get<std::string>() == "mamba";
    if (mamba) {
      const I inner = Int(j, "mamba_expand", 2) * h,
              heads = Int(j, "mamba_n_heads", 128);
      const I hd = Has(j, "mamba_d_head") && j["mamba_d_head"].is_number()
                       ? Int(j, "mamba_d_head")
                       : inner / heads;
      AddMamba2(s, h, heads, hd, Int(j, "mamba_n_groups", 1),
                Int(j, "mamba_d_state", 256), Int(j, "mamba_d_conv", 4),
                Bool(j, "mamba_conv_bias", true),
                Bool(j, "mamba_proj_bias", false), true);
    } else {
      Gqa g = GqaOf(j);
      g.qb = g.kvb = g.ob = Bool(j, "attention_bias", false);
      AddGqa(s, g);
    }
    const I e = Int(j, "num_local_experts", 0);
    if (e > 0) {
      s.Linear(h, e);
      s.Experts(e, Int(j, "num_experts_per_tok"),
                3 * h * Int(j, "intermediate_size"));
    }
    const I shared = Int(j, "shared_intermediate_size", 0);
    if (shared) s.Swiglu(h, shared);
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h,
              Bool(j, "tie_word_embeddings", default_tied));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// falcon_h1: attention and Mamba-2 in parallel in every layer

Counts FalconH1(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size");
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    s.Norm(h);
    s.Norm(h);
    Gqa g = GqaOf(j);
    g.qb = g.kvb = g.ob = Bool(j, "attention_bias", false);
    AddGqa(s, g);
    const I inner = Int(j, "mamba_d_ssm", Int(j, "mamba_expand", 2) * h);
    const I heads = Int(j, "mamba_n_heads", 128),
            groups = Int(j, "mamba_n_groups", 1);
    const I n = Int(j, "mamba_d_state", 256), conv_dim = inner + 2 * groups * n;
    s.Linear(h, inner + conv_dim + heads, Bool(j, "mamba_proj_bias", false));
    s.One(conv_dim * Int(j, "mamba_d_conv", 4) +
          (Bool(j, "mamba_conv_bias", true) ? conv_dim : 0));
    s.One(3 * heads);
    if (Bool(j, "mamba_rms_norm", false)) s.Norm(inner);
    s.Linear(inner, h, Bool(j, "projectors_bias", false));
    s.State(inner * n);
    s.Swiglu(h, Int(j, "intermediate_size"), Bool(j, "mlp_bias", false));
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// bamba: Mamba-2 or attention, dense MLP in every layer

Counts Bamba(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size");
  std::vector<I> attention;
  if (Has(j, "attn_layer_indices"))
    attention = j["attn_layer_indices"].get<std::vector<I>>();
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    s.Norm(h);
    s.Norm(h);
    if (std::count(attention.begin(), attention.end(), l)) {
      Gqa g = GqaOf(j);
      g.qb = g.kvb = g.ob = Bool(j, "attention_bias", false);
      AddGqa(s, g);
    } else {
      const I inner = Int(j, "mamba_expand", 2) * h,
              heads = Int(j, "mamba_n_heads", 128);
      const I hd = Has(j, "mamba_d_head") && j["mamba_d_head"].is_number()
                       ? Int(j, "mamba_d_head")
                       : inner / heads;
      AddMamba2(s, h, heads, hd, Int(j, "mamba_n_groups", 1),
                Int(j, "mamba_d_state", 256), Int(j, "mamba_d_conv", 4),
                Bool(j, "mamba_conv_bias", true),
                Bool(j, "mamba_proj_bias", false), true);
    }
    s.Swiglu(h, Int(j, "intermediate_size"), Bool(j, "mlp_bias", false));
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// lfm2, lfm2_moe: short convolutions and attention

Counts Lfm2(const json& j, bool moe) {
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  I ff = Int(j, "intermediate_size", Int(j, "block_ff_dim", 0));
  if (!moe) {
    ff = Int(j, "block_ff_dim", ff);
    if (Bool(j, "block_auto_adjust_ff_dim", true)) {
      ff = 2 * ff / 3;
      if (Has(j, "block_ffn_dim_multiplier")) {
        ff = static_cast<I>(j["block_ffn_dim_multiplier"].get<double>() * ff);
      }
      const I multiple = Int(j, "block_multiple_of", 256);
      ff = multiple * ((ff + multiple - 1) / multiple);
    }
  }
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    bool attention;
    if (Has(j, "layer_types")) {
      attention = j["layer_types"][l].get<std::string>() == "full_attention";
    } else {
      const std::vector<I> full = j.at("full_attn_idxs").get<std::vector<I>>();
      attention = std::count(full.begin(), full.end(), l) > 0;
    }
    if (attention) {
      Gqa g = GqaOf(j);
      g.qk_norm = 1;
      AddGqa(s, g);
    } else {
      const bool bias = Bool(j, "conv_bias", false);
      s.Linear(h, 3 * h, bias);
      s.One(h * Int(j, "conv_L_cache", 3) + (bias ? h : 0));
      s.Linear(h, h, bias);
    }
    if (moe && l >= Int(j, "num_dense_layers", 2)) {
      const I e = Int(j, "num_experts");
      s.Linear(h, e);
      if (Bool(j, "use_expert_bias", true)) s.RoutingBias(e);
      s.Experts(e, Int(j, "num_experts_per_tok"),
                3 * h * Int(j, "moe_intermediate_size"));
    } else {
      s.Swiglu(h, ff);
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h,
              Bool(j, "tie_word_embeddings", Bool(j, "tie_embedding", true)));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// zamba2: shared transformer blocks, called before some Mamba-2 layers.
// active counts every block once per call (it is read at each call);
// parameters counts it once.

Counts Zamba2(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  const I blocks = Int(j, "num_mem_blocks", 1),
          rank = Int(j, "adapter_rank", 128);
  const I inter = Int(j, "intermediate_size", 4 * h), a = 2 * h;
  const I heads = Int(j, "num_attention_heads"), kv = KvHeads(j), d = a / heads;
  const bool bias = Bool(j, "add_bias_linear", false);
  Sum block;  // one shared block
  block.Norm(a);
  block.Linear(a, heads * d);
  block.Linear(a, kv * d);
  block.Linear(a, kv * d);
  block.Linear(heads * d, h);
  block.Norm(h);
  block.Linear(h, 2 * inter, bias);
  block.Linear(inter, h, bias);
  I calls = 0;
  for (I l = 0; l < layers; ++l) {
    if (j.at("layers_block_type")[l].get<std::string>() == "hybrid") {
      if (calls < blocks) s.c.parameters += block.c.parameters;
      s.c.active += block.c.active;
      ++calls;
      if (Bool(j, "use_shared_attention_adapter", false)) {
        for (int i = 0; i < 3; ++i) {
          s.Linear(a, rank);
          s.Linear(rank, a);
        }
      }
      s.Linear(h, rank);  // MLP adapter: whatever use_shared_mlp_adapter says
      s.Linear(rank, 2 * inter);
      s.Linear(h, h);  // the hybrid layer's own projection
      s.Kv(2 * kv * d);
    }
    s.Norm(h);
    const I mh = Int(j, "n_mamba_heads", 8),
            inner = Int(j, "mamba_expand", 2) * h;
    AddMamba2(s, h, mh, inner / mh, Int(j, "mamba_ngroups", 1),
              Int(j, "mamba_d_state", 64), Int(j, "mamba_d_conv", 4), true,
              bias, true);
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", true));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// mistral4 (Mistral Small 4; wrapper mistral3): MLA, softmax router without a
// correction bias.

Counts Mistral4(const json& root) {
  const json& j = TextOf(root);
  Sum s;
  const I h = Int(j, "hidden_size");
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    s.Norm(h);
    s.Norm(h);
    AddMla(s, MlaOf(j));
    if (l < Int(j, "first_k_dense_replace", 0)) {
      s.Swiglu(h, Int(j, "intermediate_size"));
    } else {
      AddDsMoe(s, j, false);
    }
  }
  s.Norm(h);
  s.EmbedHead(
      Int(j, "vocab_size"), h,
      Bool(root, "tie_word_embeddings", Bool(j, "tie_word_embeddings", false)));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// bailing_hybrid: Ling/Ring 2.5 and 2.6 (BailingMoeV2_5: lightning attention)
// and Ling 3.0 (BailingMoeV3: KDA); MLA in every layer_group_size-th layer.

Counts BailingHybrid(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  const I heads = Int(j, "num_attention_heads"),
          d = Int(j, "head_dim", h / heads), p = heads * d;
  const I group = Int(j, "layer_group_size");
  bool kda = Has(j, "short_conv_kernel_size");
  if (Has(j, "architectures")) {
    kda = j["architectures"][0].get<std::string>().find("V3") !=
          std::string::npos;
  }
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    if ((l + 1) % group == 0 || l >= layers / group * group) {
      Mla m = MlaOf(j);
      m.bias = Bool(j, "use_qkv_bias", false);
      AddMla(s, m);
      const std::string gate = Str(j, "gated_attention_proj_granularity_type");
      if (gate == "head_wise") s.Linear(h, heads);
      if (gate == "element_wise") s.Linear(h, heads * Int(j, "v_head_dim"));
    } else if (kda) {
      const bool full = Bool(j, "no_kda_lora", false);
      for (int i = 0; i < 3; ++i) {
        s.Linear(h, p);
        s.One(p * Int(j, "short_conv_kernel_size", 4));
      }
      s.One(heads);  // A_log
      s.One(p);      // dt_bias
      s.Linear(h, heads);
      for (int i = 0; i < 2; ++i) {  // f, g
        if (full) {
          s.Linear(h, p);
        } else {
          s.Linear(h, d);
          s.Linear(d, p);
        }
      }
      s.Norm(d);
      s.Linear(p, h);
      s.State(heads * d * d);
    } else {
      const bool bias = Bool(j, "use_qkv_bias", false);
      s.Linear(h, 3 * p, bias);
      s.Linear(p, h, Bool(j, "use_bias", false));
      s.Linear(h, p);
      s.Norm(p);
      if (Bool(j, "use_qk_norm", true)) {
        s.Norm(d);
        s.Norm(d);
      }
      s.State(heads * d * d);
    }
    AddBailingFfn(s, j, l);
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// step3 (multi-matrix factorisation attention), from memory

Counts Step3(const json& root) {
  const json& j = TextOf(root);
  Sum s;
  const I h = Int(j, "hidden_size"), layers = Int(j, "num_hidden_layers");
  const I heads = Int(j, "num_attention_heads"), d = Int(j, "head_dim"),
          q = Int(j, "share_q_dim");
  std::vector<I> moe = j.at("moe_layers_enum").get<std::vector<I>>();
  for (I l = 0; l < layers; ++l) {
    s.Norm(h);
    s.Norm(h);
    s.Linear(h, q);
    s.Norm(q);
    s.Linear(q, heads * d);
    s.Linear(h, d);
    s.Linear(h, d);
    s.Linear(heads * d, h);
    s.Kv(2 * d);
    if (std::count(moe.begin(), moe.end(), l)) {
      const I e = Int(j, "moe_num_experts");
      s.Linear(h, e);
      s.Experts(e, Int(j, "moe_top_k"),
                3 * h * Int(j, "moe_intermediate_size"));
      s.Swiglu(h, Int(j, "share_expert_dim"));
    } else {
      s.Swiglu(h, Int(j, "intermediate_size"));
    }
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// recurrent_gemma (Griffin)

Counts RecurrentGemma(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size"), heads = Int(j, "num_attention_heads");
  const I w = Int(j, "lru_width", h), d = h / heads, kv = KvHeads(j);
  std::vector<std::string> pattern{"recurrent", "recurrent", "attention"};
  const char* key = Has(j, "block_types") ? "block_types" : "_block_types";
  if (Has(j, key)) pattern = j[key].get<std::vector<std::string>>();
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    s.Norm(h);
    s.Norm(h);
    if (pattern[l % pattern.size()] == "attention") {
      const bool bias = Bool(j, "attention_bias", false);
      s.Linear(h, heads * d, bias);
      s.Linear(h, kv * d, bias);
      s.Linear(h, kv * d, bias);
      s.Linear(heads * d, h, true);
      s.Kv(2 * kv * d);
    } else {
      s.Linear(h, w, true);
      s.Linear(h, w, true);
      s.Linear(w, h, true);
      s.One(w * Int(j, "conv1d_width", 4) + w);
      const I b = w / heads;
      s.One(w);                                // recurrent_param
      s.One(2 * (heads * b * b + heads * b));  // input and recurrent gate
      s.State(w);
    }
    s.Swiglu(h, Int(j, "intermediate_size") / 2, true);
  }
  s.Norm(h);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", true));
  return s.c;
}

//////////////////////////////////////////////////////////////////////////////
// rwkv7 (flash-linear-attention)

I RwkvRank(const json& j, const char* k, double factor, I h) {
  if (Has(j, k)) return Int(j, k);
  double root = 0;
  while ((root + 1e-3) * (root + 1e-3) <= static_cast<double>(h)) root += 1e-3;
  const double x = factor * root / 32;
  I r = static_cast<I>(std::llround(x)) * 32;
  return std::max<I>(32, r);
}

Counts Rwkv7(const json& j) {
  Sum s;
  const I h = Int(j, "hidden_size"), d = Int(j, "head_dim", 64), heads = h / d;
  const I inter = Int(j, "intermediate_size", 4 * h);
  const bool nb = Bool(j, "norm_bias", true);
  for (I l = 0; l < Int(j, "num_hidden_layers"); ++l) {
    if (l == 0 && Bool(j, "norm_first", true)) s.LayerNorm(h, nb);
    s.LayerNorm(h, nb);
    s.LayerNorm(h, nb);
    s.One(6 * h);                                // x_r, x_w, x_k, x_v, x_a, x_g
    s.One(2 * h);                                // k_k, k_a
    s.One(heads * d);                            // r_k
    for (int i = 0; i < 4; ++i) s.Linear(h, h);  // r, k, v, o
    const I w = RwkvRank(j, "decay_low_rank_dim", 2.5, h),
            a = RwkvRank(j, "a_low_rank_dim", 2.5, h);
    const I v = RwkvRank(j, "v_low_rank_dim", 1.7, h),
            g = RwkvRank(j, "gate_low_rank_dim", 5, h);
    s.One(2 * h * w + h);
    if (l != 0) s.One(2 * h * v + h);
    s.One(2 * h * a + h);
    s.One(2 * h * g);
    s.LayerNorm(h, true);  // GroupNorm
    s.One(h);              // ffn x_k
    s.Linear(h, inter);
    s.Linear(inter, h);
    s.State(heads * d * d);
  }
  s.LayerNorm(h, nb);
  s.EmbedHead(Int(j, "vocab_size"), h, Bool(j, "tie_word_embeddings", false));
  return s.c;
}

using Function = std::function<Counts(const json&)>;

const std::map<std::string, Function>& Table() {
  static const std::map<std::string, Function> table = {
      {"nemotron_h", NemotronH},
      {"deepseek_v32", [](const json& j) { return DeepSeekMla(j, 1, 3); }},
      {"glm_moe_dsa", [](const json& j) { return DeepSeekMla(j, 2, 3); }},
      {"glm4_moe", Glm4Moe},
      {"glm4_moe_lite", [](const json& j) { return DeepSeekMla(j, 0, 1); }},
      {"kimi_k25", [](const json& j) { return DeepSeekMla(j, 0, 3); }},
      {"kimi_k2", [](const json& j) { return DeepSeekMla(j, 0, 3); }},
      {"deepseek_v3", [](const json& j) { return DeepSeekMla(j, 0, 3); }},
      {"kimi_linear", KimiLinear},
      {"minimax_m2", MiniMaxM2},
      {"minimax_m1", MiniMaxLightning},
      {"minimax", MiniMaxLightning},
      {"minimax_text_01", MiniMaxLightning},
      {"MiniMaxText01", MiniMaxLightning},
      {"MiniMaxM1", MiniMaxLightning},
      {"qwen3_5", [](const json& j) { return Qwen35(j, false); }},
      {"qwen3_5_text", [](const json& j) { return Qwen35(j, false); }},
      {"qwen3_5_moe", [](const json& j) { return Qwen35(j, true); }},
      {"qwen3_5_moe_text", [](const json& j) { return Qwen35(j, true); }},
      {"qwen3_vl_moe", Qwen3MoeText},
      {"qwen3_omni_moe", Qwen3MoeText},
      {"gemma4", Gemma4},
      {"gemma4_text", Gemma4},
      {"dots1", Dots1},
      {"mimo_v2_flash", MimoV2Flash},
      {"kimi_k3", KimiK3},
      {"minimax_m3_vl", MiniMaxM3},
      {"deepseek_v4", DeepSeekV4},
      {"exaone_moe", ExaoneMoe},
      {"hy_v3", ExaoneMoe},
      {"solar_open",
       [](const json& j) { return GqaDsMoe(j, 0, false, false, 0); }},
      {"bailing_moe", [](const json& j) { return Bailing(j, false); }},
      {"bailing_moe_v2", [](const json& j) { return Bailing(j, false); }},
      {"bailing_moe_linear", [](const json& j) { return Bailing(j, true); }},
      {"step3p5", Step3p5},
      {"step3p7", Step3p5},
      {"longcat_flash", Longcat},
      {"afmoe", Afmoe},
      {"hunyuan", [](const json& j) { return Hunyuan(j, false); }},
      {"hunyuan_v1_moe", [](const json& j) { return Hunyuan(j, false); }},
      {"ernie4_5_moe", Ernie45Moe},
      {"phimoe", PhiMoe},
      {"dbrx", Dbrx},
      {"olmoe", Olmoe},
      {"deepseek", DeepSeekV1},
      {"granitemoe", [](const json& j) { return GraniteMoe(j, false); }},
      {"granitemoeshared", [](const json& j) { return GraniteMoe(j, false); }},
      {"granitemoehybrid", [](const json& j) { return GraniteMoe(j, false); }},
      {"falcon_h1", FalconH1},
      {"bamba", Bamba},
      {"lfm2", [](const json& j) { return Lfm2(j, false); }},
      {"lfm2_moe", [](const json& j) { return Lfm2(j, true); }},
      {"zamba2", Zamba2},
      {"mistral4", Mistral4},
      {"mistral3", Mistral4},  // only with text_config.model_type mistral4
      {"bailing_hybrid", BailingHybrid},
      {"mimo_v2", MimoV2Flash},
      {"step3", Step3},
      {"step3_vl", Step3},
      {"recurrent_gemma", RecurrentGemma},
      {"rwkv7", Rwkv7},
  };
  return table;
}

}  // namespace

Counts CountOthers(const json& config) {
  const std::string type = config.at("model_type").get<std::string>();
  const auto found = Table().find(type);
  if (found == Table().end()) throw std::runtime_error("unknown " + type);
  return found->second(config);
}

}  // namespace tokenjoule
