#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/counting/counts.h"

namespace tokenjoule {
namespace {

using nlohmann::json;
using i64 = int64_t;

// ---- json access: absent or null gives the default -------------------------
static bool has(const json& c, const char* k) {
  return c.is_object() && c.contains(k) && !c[k].is_null();
}
static i64 I(const json& c, const char* k, i64 d) {
  return has(c, k) ? c[k].get<i64>() : d;
}
static i64 Req(const json& c, const char* k) {
  if (!has(c, k)) throw std::runtime_error(std::string("missing field ") + k);
  return c[k].get<i64>();
}
static bool B(const json& c, const char* k, bool d) {
  return has(c, k) ? c[k].get<bool>() : d;
}
static std::string S(const json& c, const char* k, const char* d) {
  return has(c, k) ? c[k].get<std::string>() : d;
}

// ---- tensors ---------------------------------------------------------------
struct Model {
  Counts n;
  void w(i64 numel) {
    n.parameters += numel;
    n.active += numel;
  }                                            // used for every token
  void idle(i64 numel) { n.unused += numel; }  // allocated, not used
  void file_only(i64) {}
  void linear(i64 in, i64 out, bool bias) {
    w(in * out);
    if (bias) w(out);
  }
  void rms(i64 d) { w(d); }
  void ln(i64 d) {
    w(d);
    w(d);
  }  // LayerNorm weight + bias
  void kv(i64 e) { n.kv_elements_per_token += e; }
  void embed(i64 v, i64 d) { w(v * d); }
  void head(i64 d, i64 v, bool tied, bool bias = false) {
    if (!tied) w(v * d);
    if (bias) w(v);
  }
  // q,k,v,o with separate widths; appends K and V to the cache
  void attention(i64 d, i64 heads, i64 kvh, i64 hd, bool qkv_bias,
                 bool o_bias) {
    linear(d, heads * hd, qkv_bias);
    linear(d, kvh * hd, qkv_bias);
    linear(d, kvh * hd, qkv_bias);
    linear(heads * hd, d, o_bias);
    kv(2 * kvh * hd);
  }
  void gated_mlp(i64 d, i64 f, bool bias) {
    linear(d, f, bias);
    linear(d, f, bias);
    linear(f, d, bias);
  }
  void plain_mlp(i64 d, i64 f, bool bias) {
    linear(d, f, bias);
    linear(f, d, bias);
  }
};

struct Dims {
  i64 d, f, L, h, kvh, hd, v;
};
static Dims dims(const json& c, i64 kv_default = -1, i64 hd_default = -1) {
  Dims x;
  x.d = Req(c, "hidden_size");
  x.f = Req(c, "intermediate_size");
  x.L = Req(c, "num_hidden_layers");
  x.h = Req(c, "num_attention_heads");
  x.kvh = I(c, "num_key_value_heads", kv_default > 0 ? kv_default : x.h);
  x.hd = I(c, "head_dim", hd_default > 0 ? hd_default : x.d / x.h);
  x.v = Req(c, "vocab_size");
  return x;
}

// A Llama-shaped decoder with switches; each family states its switches below.
struct LlamaLike {
  bool qkv_bias = false, o_bias = false, mlp_bias = false, tied = false;
  bool gated = true;
  i64 norms = 2;  // d_model-wide RMSNorms per layer
  enum QK { none, per_head_dim, full_width } qk = none;
  i64 extra_per_layer = 0;  // other small tensors per layer
};
static Counts llama_like(const Dims& x, const LlamaLike& o) {
  Model m;
  m.embed(x.v, x.d);
  for (i64 l = 0; l < x.L; ++l) {
    m.attention(x.d, x.h, x.kvh, x.hd, o.qkv_bias, o.o_bias);
    if (o.qk == LlamaLike::per_head_dim) {
      m.rms(x.hd);
      m.rms(x.hd);
    }
    if (o.qk == LlamaLike::full_width) {
      m.rms(x.h * x.hd);
      m.rms(x.kvh * x.hd);
    }
    if (o.gated)
      m.gated_mlp(x.d, x.f, o.mlp_bias);
    else
      m.plain_mlp(x.d, x.f, o.mlp_bias);
    for (i64 i = 0; i < o.norms; ++i) m.rms(x.d);
    m.w(o.extra_per_layer);
  }
  m.rms(x.d);
  m.head(x.d, x.v, o.tied);
  return m.n;
}

// text_config if present, else the root itself
static const json& text(const json& r) {
  return has(r, "text_config") ? r["text_config"] : r;
}
// the tie flag of a wrapper: root wins if set, then text_config, then the
// default
static bool tie(const json& r, bool d) {
  if (has(r, "tie_word_embeddings"))
    return r["tie_word_embeddings"].get<bool>();
  return B(text(r), "tie_word_embeddings", d);
}
static bool tie_text_first(const json& r, bool d) {
  const json& t = text(r);
  if (has(t, "tie_word_embeddings"))
    return t["tie_word_embeddings"].get<bool>();
  return B(r, "tie_word_embeddings", d);
}

// ---- plain llama and its renamings -----------------------------------------
static Counts llama_alias(const json& r) {
  const json& c = text(r);
  LlamaLike o;
  o.qkv_bias = o.o_bias = B(c, "attention_bias", false);
  o.mlp_bias = B(c, "mlp_bias", false);
  o.tied = tie(r, false);
  return llama_like(dims(c), o);
}
static Counts mistral_text(const json& c, bool tied) {
  // MistralConfig: kv heads default 8, head_dim default hidden/heads, no biases
  LlamaLike o;
  o.tied = tied;
  return llama_like(dims(c, 8), o);
}
static i64 pixtral_tower(const json& v) {
  i64 d = I(v, "hidden_size", 1024), f = I(v, "intermediate_size", 4096),
      L = I(v, "num_hidden_layers", 24);
  i64 p = I(v, "patch_size", 16), ch = I(v, "num_channels", 3);
  return d * ch * p * p + d + L * (4 * d * d + 3 * d * f + 2 * d);
}
static Counts mistral3(const json& r) {
  const json& c = text(r);
  Counts n = mistral_text(c, tie_text_first(r, false));
  if (has(r, "vision_config")) {
    const json& v = r["vision_config"];
    i64 vd = I(v, "hidden_size", 1024), d = Req(c, "hidden_size"),
        s = I(r, "spatial_merge_size", 2);
    bool pb = B(r, "multimodal_projector_bias", false);
    n.tower = pixtral_tower(v) + vd + vd * s * s * vd + vd * d + d * d +
              (pb ? 2 * d : 0);
  }
  return n;
}
static Counts llava(const json& r) {
  const json& c = text(r);
  std::string t = S(c, "model_type", "llama");
  Counts n;
  if (t == "mistral")
    n = mistral_text(c, tie_text_first(r, false));
  else
    throw std::runtime_error("llava text type " + t);
  if (has(r, "vision_config")) {
    const json& v = r["vision_config"];
    i64 vd = I(v, "hidden_size", 1024), d = Req(c, "hidden_size");
    n.tower = pixtral_tower(v) + vd * d + d + d * d +
              d;  // linear_1/linear_2 with bias
  }
  return n;
}

// ---- Qwen VL ---------------------------------------------------------------
static Counts qwen2_vl(
    const json& r) {  // qwen2_vl, qwen2_5_vl: Qwen2 decoder, q/k/v bias always
  const json& c = text(r);
  LlamaLike o;
  o.qkv_bias = true;
  o.tied = tie(r, false);
  Counts n = llama_like(dims(c), o);
  if (has(r, "vision_config")) {
    const json& v = r["vision_config"];
    bool v25 = S(r, "model_type", "") == "qwen2_5_vl";
    i64 L = I(v, "depth", 32), p = I(v, "patch_size", 14),
        tp = I(v, "temporal_patch_size", 2), s = I(v, "spatial_merge_size", 2);
    if (v25) {
      i64 d = I(v, "hidden_size", 1280), f = I(v, "intermediate_size", 3420),
          out = I(v, "out_hidden_size", 3584);
      n.tower = 3 * tp * p * p * d +
                L * (2 * d + 3 * d * d + 3 * d + d * d + d + 2 * (d * f + f) +
                     f * d + d) +
                d + (d * s * s) * (d * s * s) + d * s * s + d * s * s * out +
                out;
    } else {
      i64 d = I(v, "embed_dim", 1280), f = d * I(v, "mlp_ratio", 4),
          out = I(v, "hidden_size", 3584);
      n.tower =
          3 * tp * p * p * d +
          L * (4 * d + 3 * d * d + 3 * d + d * d + d + d * f + f + f * d + d) +
          2 * d + (d * s * s) * (d * s * s) + d * s * s + d * s * s * out + out;
    }
  }
  return n;
}
static i64 qwen3_vl_tower(const json& v) {
  i64 d = I(v, "hidden_size", 1152), f = I(v, "intermediate_size", 4304),
      L = I(v, "depth", 27), out = I(v, "out_hidden_size", 3584);
  i64 p = I(v, "patch_size", 16), tp = I(v, "temporal_patch_size", 2),
      s = I(v, "spatial_merge_size", 2),
      np = I(v, "num_position_embeddings", 2304);
  i64 ds = has(v, "deepstack_visual_indexes")
               ? (i64)v["deepstack_visual_indexes"].size()
               : 0;
  i64 m = d * s * s;
  auto merger = [&](i64 normw) {
    return 2 * normw + m * m + m + m * out + out;
  };
  return I(v, "in_channels", 3) * tp * p * p * d + d + np * d +
         L * (4 * d + 3 * d * d + 3 * d + d * d + d + d * f + f + f * d + d) +
         merger(d) + ds * merger(m);
}
static Counts qwen3_vl(const json& r) {  // Qwen3 decoder: q_norm/k_norm of
                                         // head_dim, no qkv bias by default
  const json& c = text(r);
  LlamaLike o;
  o.qk = LlamaLike::per_head_dim;
  o.qkv_bias = o.o_bias = B(c, "attention_bias", false);
  o.tied = tie(r, false);
  Counts n = llama_like(dims(c, 32, 128), o);
  if (has(r, "vision_config")) n.tower = qwen3_vl_tower(r["vision_config"]);
  return n;
}

// ---- Qwen3.5 dense: gated DeltaNet hybrid ----------------------------------
static Counts qwen3_5(const json& r) {
  const json& c = text(r);
  Dims x = dims(c, 4, 256);
  Model m;
  m.embed(x.v, x.d);
  i64 interval = I(c, "full_attention_interval", 4);
  bool ab = B(c, "attention_bias", false);
  auto is_full = [&](i64 l) {
    return has(c, "layer_types")
               ? c["layer_types"][l].get<std::string>() == "full_attention"
               : (l + 1) % interval == 0;
  };
  auto full = [&](Model& t, bool cache) {
    t.linear(x.d, x.h * x.hd * 2, ab);  // query and its sigmoid gate
    t.linear(x.d, x.kvh * x.hd, ab);
    t.linear(x.d, x.kvh * x.hd, ab);
    t.linear(x.h * x.hd, x.d, ab);
    t.rms(x.hd);
    t.rms(x.hd);
    if (cache) t.kv(2 * x.kvh * x.hd);
  };
  for (i64 l = 0; l < x.L; ++l) {
    if (is_full(l)) {
      full(m, true);
    } else {
      i64 hk = I(c, "linear_num_key_heads", 16),
          hv = I(c, "linear_num_value_heads", 32);
      i64 dk = I(c, "linear_key_head_dim", 128),
          dv = I(c, "linear_value_head_dim", 128);
      i64 K = hk * dk, V = hv * dv, conv = I(c, "linear_conv_kernel_dim", 4);
      m.linear(x.d, 2 * K + V, false);  // in_proj_qkv
      m.linear(x.d, V, false);          // in_proj_z
      m.linear(x.d, hv, false);         // in_proj_b
      m.linear(x.d, hv, false);         // in_proj_a
      m.w((2 * K + V) * conv);          // conv1d, depthwise, no bias
      m.w(hv);                          // dt_bias
      m.w(hv);                          // A_log
      m.rms(dv);                // norm (gated RMSNorm over a value head)
      m.linear(V, x.d, false);  // out_proj
    }
    m.gated_mlp(x.d, x.f, false);
    m.rms(x.d);
    m.rms(x.d);
  }
  m.rms(x.d);
  m.head(x.d, x.v, tie(r, false));
  i64 mtp = I(c, "mtp_num_hidden_layers", 0);
  if (mtp > 0) {  // fc(2d->d), pre_fc_norm_embedding/hidden, full-attention
                  // layers, norm
    Model t;
    t.linear(2 * x.d, x.d, false);
    t.rms(x.d);
    t.rms(x.d);
    t.rms(x.d);
    for (i64 i = 0; i < mtp; ++i) {
      full(t, false);
      t.gated_mlp(x.d, x.f, false);
      t.rms(x.d);
      t.rms(x.d);
    }
    m.n.mtp = t.n.parameters;
  }
  if (has(r, "vision_config")) m.n.tower = qwen3_vl_tower(r["vision_config"]);
  return m.n;
}

// ---- Gemma 4 (dense and E2B/E4B) -------------------------------------------
static Counts gemma4(const json& r) {
  const json& c = text(r);
  i64 d = I(c, "hidden_size", 2304), f = I(c, "intermediate_size", 9216),
      L = I(c, "num_hidden_layers", 30);
  i64 h = I(c, "num_attention_heads", 8), kvs = I(c, "num_key_value_heads", 4),
      hds = I(c, "head_dim", 256), v = I(c, "vocab_size", 262144);
  i64 hdg = I(c, "global_head_dim", 512);
  bool keqv = B(c, "attention_k_eq_v", false);
  i64 kvg = keqv ? I(c, "num_global_key_value_heads", kvs) : kvs;
  i64 shared = I(c, "num_kv_shared_layers", 0), first = L - shared;
  // gemma4: absent -> 256, but an explicit null or 0 -> no per-layer
  // embeddings; gemma4_unified has none
  std::string type =
      S(c, "model_type", S(r, "model_type", "gemma4_text").c_str());
  bool unified = type.rfind("gemma4_unified", 0) == 0;
  i64 ple = unified ? 0
            : c.contains("hidden_size_per_layer_input")
                ? I(c, "hidden_size_per_layer_input", 0)
                : 256;
  i64 vple = I(c, "vocab_size_per_layer_input", 262144);
  bool wide = B(c, "use_double_wide_mlp", false),
       ab = B(c, "attention_bias", false);
  bool moe = B(c, "enable_moe_block", false);
  Model m;
  m.embed(v, d);
  if (ple) {
    m.w(vple * L * ple);          // embed_tokens_per_layer
    m.linear(d, L * ple, false);  // per_layer_model_projection
    m.rms(ple);                   // per_layer_projection_norm
  }
  for (i64 l = 0; l < L; ++l) {
    bool full = has(c, "layer_types")
                    ? c["layer_types"][l].get<std::string>() == "full_attention"
                    : (l + 1) % 6 == 0;
    if (l == L - 1)
      full = true;  // the configuration class forces the last layer
    bool is_shared = shared > 0 && l >= first;
    i64 hd = full ? hdg : hds, kvh = full ? kvg : kvs;
    m.linear(d, h * hd, ab);
    m.rms(hd);  // q_norm
    i64 kproj = d * kvh * hd + (ab ? kvh * hd : 0);
    bool has_v = !(keqv && full);
    if (!is_shared) {
      m.w(kproj);
      m.rms(hd);  // k_norm; v_norm has no weight
      if (has_v) m.w(kproj);
      m.kv(2 * kvh * hd);
    } else {
      m.file_only(kproj + hd + (has_v ? kproj : 0));
    }
    m.linear(h * hd, d, ab);
    m.gated_mlp(d, f * (wide && is_shared ? 2 : 1), false);
    for (int i = 0; i < 4; ++i)
      m.rms(d);  // input, post_attention, pre/post_feedforward
    m.w(1);      // layer_scalar (a persistent buffer, stored in the file)
    if (ple) {
      m.linear(d, ple, false);
      m.linear(ple, d, false);
      m.rms(d);
    }
    if (moe) {
      i64 E = Req(c, "num_experts"), k = Req(c, "top_k_experts"),
          mf = Req(c, "moe_intermediate_size");
      m.linear(d, E, false);
      m.w(d);
      m.w(E);  // router.proj, scale, per_expert_scale
      m.n.parameters += E * 3 * d * mf;
      m.n.active += k * 3 * d * mf;
      for (int i = 0; i < 3; ++i) m.rms(d);
    }
  }
  m.rms(d);
  m.head(d, v, tie(r, true));
  return m.n;
}

// ---- Gemma 3n ---------------------------------------------------------------
static Counts gemma3n(const json& r) {
  const json& c = text(r);
  i64 d = I(c, "hidden_size", 2048), L = I(c, "num_hidden_layers", 35),
      h = I(c, "num_attention_heads", 8), kvh = I(c, "num_key_value_heads", 2);
  i64 hd = I(c, "head_dim", 256), v = I(c, "vocab_size", 262400),
      vple = I(c, "vocab_size_per_layer_input", 262144),
      ple = I(c, "hidden_size_per_layer_input", 256);
  i64 alt = I(c, "altup_num_inputs", 4), lau = I(c, "laurel_rank", 64),
      shared = I(c, "num_kv_shared_layers", 15), first = L - shared;
  bool ab = B(c, "attention_bias", false);
  Model m;
  m.embed(v, d);
  m.w(vple * L * ple);
  m.linear(d, L * ple, false);
  m.rms(ple);
  for (i64 i = 1; i < alt; ++i) {
    m.linear(d, d, false);
    m.linear(d, d, false);
  }  // altup_projections, altup_unembed_projections
  for (i64 l = 0; l < L; ++l) {
    i64 f = 16384;
    if (has(c, "intermediate_size"))
      f = c["intermediate_size"].is_array()
              ? c["intermediate_size"][l].get<i64>()
              : c["intermediate_size"].get<i64>();
    m.linear(d, h * hd, ab);
    i64 kvw = 2 * (d * kvh * hd + (ab ? kvh * hd : 0)) +
              hd;  // k_proj, v_proj, k_norm
    if (first > 0 && l >= first)
      m.idle(kvw);
    else {
      m.w(kvw);
      m.kv(2 * kvh * hd);
    }
    m.rms(hd);  // q_norm
    m.linear(h * hd, d, ab);
    m.gated_mlp(d, f, false);
    for (int i = 0; i < 4; ++i) m.rms(d);
    m.w(d);
    m.w(alt * alt);
    m.w(alt * alt * alt);
    m.w(d * alt);
    m.rms(d);  // altup: correct_output_scale, correction_coefs,
               // prediction_coefs, modality_router, router_norm
    m.linear(d, lau, false);
    m.linear(lau, d, false);
    m.rms(d);  // laurel
    m.linear(d, ple, false);
    m.linear(ple, d, false);
    m.rms(d);  // per-layer input
  }
  m.rms(d);
  m.head(d, v, tie(r, true));
  return m.n;
}

// ---- GLM --------------------------------------------------------------------
static Counts glm(const json& r) {
  LlamaLike o;
  o.qkv_bias = B(r, "attention_bias", true);
  o.tied = tie(r, false);
  return llama_like(dims(r, 2, 128), o);
}
static Counts glm4(const json& r) {
  LlamaLike o;
  o.qkv_bias = B(r, "attention_bias", true);
  o.tied = tie(r, false);
  o.norms = 4;
  return llama_like(dims(r, 2, 128), o);
}
static Counts chatglm(const json& r) {
  i64 d = I(r, "hidden_size", 4096), f = I(r, "ffn_hidden_size", 13696),
      L = I(r, "num_layers", 28), h = I(r, "num_attention_heads", 32);
  i64 v = I(r, "padded_vocab_size", 65024), hd = I(r, "kv_channels", 128);
  i64 kvh = B(r, "multi_query_attention", false)
                ? I(r, "multi_query_group_num", 1)
                : h;
  bool bl = B(r, "add_bias_linear", false),
       qb = bl || B(r, "add_qkv_bias", false), rms = B(r, "rmsnorm", true);
  Model m;
  m.embed(v, d);
  for (i64 l = 0; l < L; ++l) {
    m.linear(d, (h + 2 * kvh) * hd, qb);
    m.linear(h * hd, d, bl);
    m.kv(2 * kvh * hd);
    m.linear(d, 2 * f, bl);
    m.linear(f, d, bl);
    for (int i = 0; i < 2; ++i) {
      if (rms)
        m.rms(d);
      else
        m.ln(d);
    }
  }
  if (B(r, "post_layer_norm", true)) {
    if (rms)
      m.rms(d);
    else
      m.ln(d);
  }
  m.head(d, v, tie(r, false), bl);
  return m.n;
}

// ---- single families --------------------------------------------------------
static Counts smollm3(const json& r) {
  LlamaLike o;
  o.qkv_bias = o.o_bias = B(r, "attention_bias", false);
  o.mlp_bias = B(r, "mlp_bias", false);
  o.tied = tie(r, true);
  return llama_like(dims(r, 4), o);
}
static Counts olmo2(const json& r) {  // also olmo3
  LlamaLike o;
  o.qkv_bias = o.o_bias = B(r, "attention_bias", false);
  o.qk = LlamaLike::full_width;
  o.tied = tie(r, false);
  return llama_like(dims(r), o);
}
static Counts olmo(const json& r) {  // LayerNorm without weight and bias
  Dims x = dims(r);
  Model m;
  bool ab = B(r, "attention_bias", false);
  m.embed(x.v, x.d);
  for (i64 l = 0; l < x.L; ++l) {
    m.attention(x.d, x.h, x.kvh, x.hd, ab, ab);
    m.gated_mlp(x.d, x.f, false);
  }
  m.head(x.d, x.v, tie(r, false));
  return m.n;
}
static Counts exaone4(const json& r) {
  LlamaLike o;
  o.qk = LlamaLike::per_head_dim;
  o.tied = tie(r, false);
  return llama_like(dims(r, 32), o);
}
static Counts exaone(const json& r) {
  json c = r;
  if (!has(c, "num_hidden_layers"))
    c["num_hidden_layers"] = I(r, "num_layers", 32);
  if (!has(c, "intermediate_size"))
    c["intermediate_size"] = 4 * Req(r, "hidden_size");
  LlamaLike o;
  o.tied = tie(r, true);  // class leaves it to PretrainedConfig: True
  return llama_like(dims(c), o);
}
static Counts cohere(const json& r) {  // cohere, cohere2: parallel block, one
                                       // weight-only LayerNorm
  Dims x = dims(r);
  x.hd = x.d / x.h;
  bool ab = B(r, "attention_bias", false),
       qk = S(r, "model_type", "") == "cohere" && B(r, "use_qk_norm", false);
  Model m;
  m.embed(x.v, x.d);
  for (i64 l = 0; l < x.L; ++l) {
    m.attention(x.d, x.h, x.kvh, x.hd, ab, ab);
    if (qk) {
      m.w(x.h * x.hd);
      m.w(x.kvh * x.hd);
    }
    m.gated_mlp(x.d, x.f, false);
    m.w(x.d);
  }
  m.w(x.d);
  m.head(x.d, x.v, tie(r, true));
  return m.n;
}
static Counts starcoder2(const json& r) {
  Dims x = dims(r, 2);
  bool b = B(r, "use_bias", true);
  Model m;
  m.embed(x.v, x.d);
  for (i64 l = 0; l < x.L; ++l) {
    m.attention(x.d, x.h, x.kvh, x.hd, b, b);
    m.plain_mlp(x.d, x.f, b);
    m.ln(x.d);
    m.ln(x.d);
  }
  m.ln(x.d);
  m.head(x.d, x.v, tie(r, true));
  return m.n;
}
static Counts internlm2(const json& r) {  // wqkv + wo share `bias`, MLP never
  LlamaLike o;
  o.qkv_bias = o.o_bias = B(r, "bias", true);
  o.tied = tie(r, false);
  return llama_like(dims(r), o);
}
static Counts internlm3(const json& r) {
  LlamaLike o;
  o.qkv_bias = B(r, "qkv_bias", false);
  o.o_bias = o.mlp_bias = B(r, "bias", false);
  o.tied = tie(r, false);
  return llama_like(dims(r), o);
}
static Counts baichuan(const json& r) {  // W_pack d->3d, MHA
  Dims x = dims(r);
  x.kvh = x.h;
  x.hd = x.d / x.h;
  LlamaLike o;
  o.tied = tie(r, false);
  return llama_like(x, o);
}
static Counts hunyuan_dense(const json& r) {
  LlamaLike o;
  o.qkv_bias = o.o_bias = B(r, "attention_bias", false);
  o.qk = B(r, "use_qk_norm", true) ? LlamaLike::per_head_dim : LlamaLike::none;
  o.tied = tie(r, false);
  return llama_like(dims(r), o);
}
static Counts ernie4_5(const json& r) {
  bool b = B(r, "use_bias", false);
  LlamaLike o;
  o.qkv_bias = o.o_bias = o.mlp_bias = b;
  o.tied = tie(r, true);
  return llama_like(dims(r, 2, 128), o);
}
static Counts seed_oss(const json& r) {
  LlamaLike o;
  o.qkv_bias = B(r, "attention_bias", true);
  o.o_bias = B(r, "attention_out_bias", false);
  o.mlp_bias = B(r, "mlp_bias", false);
  o.tied = tie(r, false);
  return llama_like(dims(r, 8, 128), o);
}
static Counts mimo(const json& r) {  // Qwen2 decoder + MTP layers
  LlamaLike o;
  o.qkv_bias = B(r, "attention_bias", true);
  o.tied = tie(r, false);
  Dims x = dims(r);
  Counts n = llama_like(x, o);
  i64 mtp = I(r, "num_nextn_predict_layers", 0);
  Model t;
  for (i64 i = 0; i < mtp; ++i) {
    t.attention(x.d, x.h, x.kvh, x.hd, o.qkv_bias, false);
    t.gated_mlp(x.d, x.f, false);
    t.rms(x.d);
    t.rms(x.d);
    t.linear(2 * x.d, x.d, false);
    t.rms(x.d);
    t.rms(x.d);
    t.rms(x.d);  // input_proj, token_/hidden_/final_layernorm
  }
  n.mtp = t.n.parameters;
  return n;
}
static Counts apertus(const json& r) {
  LlamaLike o;
  o.qkv_bias = o.o_bias = B(r, "attention_bias", false);
  o.gated = false;
  o.qk = LlamaLike::per_head_dim;
  o.tied = tie(r, false);
  if (S(r, "hidden_act", "xielu") == "xielu")
    o.extra_per_layer = 2;  // act_fn.alpha_p, alpha_n
  return llama_like(dims(r), o);
}
static Counts arcee(const json& r) {
  LlamaLike o;
  o.qkv_bias = o.o_bias = B(r, "attention_bias", false);
  o.mlp_bias = B(r, "mlp_bias", false);
  o.gated = false;
  o.tied = tie(r, false);
  return llama_like(dims(r), o);
}
static Counts nemotron(
    const json& r) {  // LayerNorm1P (weight + bias), squared-ReLU MLP
  Dims x = dims(r);
  bool ab = B(r, "attention_bias", false), mb = B(r, "mlp_bias", false);
  Model m;
  m.embed(x.v, x.d);
  for (i64 l = 0; l < x.L; ++l) {
    m.attention(x.d, x.h, x.kvh, x.hd, ab, ab);
    m.plain_mlp(x.d, x.f, mb);
    m.ln(x.d);
    m.ln(x.d);
  }
  m.ln(x.d);
  m.head(x.d, x.v, tie(r, false));
  return m.n;
}
static i64 find_multiple(i64 n, i64 k) {
  return n % k == 0 ? n : n + k - n % k;
}
static Counts nemotron_nas(const json& r) {
  i64 d = Req(r, "hidden_size"), L = Req(r, "num_hidden_layers"),
      h = Req(r, "num_attention_heads"), v = Req(r, "vocab_size"), hd = d / h;
  bool ab = B(r, "attention_bias", false), mb = B(r, "mlp_bias", false);
  Model m;
  m.embed(v, d);
  for (i64 l = 0; l < L; ++l) {
    const json& a = r["block_configs"][l]["attention"];
    const json& f = r["block_configs"][l]["ffn"];
    if (!B(a, "no_op", false)) {
      m.rms(d);
      if (B(a, "replace_with_linear", false))
        m.linear(d, d, ab);
      else
        m.attention(d, h, h / Req(a, "n_heads_in_group"), hd, ab, ab);
    }
    if (!B(f, "no_op", false)) {
      m.rms(d);
      if (B(f, "replace_with_linear", false))
        m.linear(d, d, mb);
      else {
        i64 w = has(f, "ffn_mult")
                    ? find_multiple((i64)(2 * f["ffn_mult"].get<double>() *
                                          (double)d / 3),
                                    256)
                    : Req(f, "intermediate_size");
        m.gated_mlp(d, w, mb);
      }
    }
  }
  m.rms(d);
  m.head(d, v, tie(r, false));
  return m.n;
}
static Counts deci(
    const json& r) {  // DeciLM-7B style: per-layer num_key_value_heads
  if (has(r, "block_configs")) return nemotron_nas(r);
  Dims x = dims(r);
  const json& per = r["num_key_value_heads_per_layer"];
  Model m;
  m.embed(x.v, x.d);
  for (i64 l = 0; l < x.L; ++l) {
    m.attention(x.d, x.h, per[l].get<i64>(), x.d / x.h, false, false);
    m.gated_mlp(x.d, x.f, false);
    m.rms(x.d);
    m.rms(x.d);
  }
  m.rms(x.d);
  m.head(x.d, x.v, tie(r, false));
  return m.n;
}
static Counts stablelm(const json& r) {
  Dims x = dims(r, 32);
  x.hd = x.d / x.h;
  bool qb = B(r, "use_qkv_bias", false), qk = B(r, "qk_layernorm", false),
       par = B(r, "use_parallel_residual", false);
  Model m;
  m.embed(x.v, x.d);
  for (i64 l = 0; l < x.L; ++l) {
    m.attention(x.d, x.h, x.kvh, x.hd, qb, false);
    if (qk) {
      m.w(x.h * x.hd);
      m.w(x.kvh * x.hd);
    }  // one bias-free LayerNorm(head_dim) per head
    m.gated_mlp(x.d, x.f, false);
    m.ln(x.d);
    if (!par) m.ln(x.d);
  }
  m.ln(x.d);
  m.head(x.d, x.v, tie(r, false));
  return m.n;
}
static Counts phi(const json& r) {
  Dims x = dims(r);
  bool qk = B(r, "qk_layernorm", false);
  Model m;
  m.embed(x.v, x.d);
  for (i64 l = 0; l < x.L; ++l) {
    m.attention(x.d, x.h, x.kvh, x.hd, true, true);
    if (qk) {
      m.ln(x.d / x.h);
      m.ln(x.d / x.h);
    }
    m.plain_mlp(x.d, x.f, true);
    m.ln(x.d);
  }
  m.ln(x.d);
  m.head(x.d, x.v, tie(r, false), true);
  return m.n;
}
static Counts gpt_bigcode(const json& r) {
  i64 d = I(r, "n_embd", 768), L = I(r, "n_layer", 12), h = I(r, "n_head", 12),
      v = I(r, "vocab_size", 50257), p = I(r, "n_positions", 1024),
      f = I(r, "n_inner", 4 * d);
  i64 hd = d / h, kvh = B(r, "multi_query", true) ? 1 : h;
  Model m;
  m.embed(v, d);
  m.w(p * d);
  for (i64 l = 0; l < L; ++l) {
    m.linear(d, d + 2 * kvh * hd, true);
    m.linear(d, d, true);
    m.kv(2 * kvh * hd);
    m.plain_mlp(d, f, true);
    m.ln(d);
    m.ln(d);
  }
  m.ln(d);
  m.head(d, v, tie(r, true));
  return m.n;
}
static Counts gptj(const json& r) {  // gptj, codegen: attention without bias,
                                     // MLP and head with bias, one LayerNorm
  i64 d = I(r, "n_embd", 4096), L = I(r, "n_layer", 28), h = I(r, "n_head", 16),
      v = I(r, "vocab_size", 50400), f = I(r, "n_inner", 4 * d);
  Model m;
  m.embed(v, d);
  for (i64 l = 0; l < L; ++l) {
    m.attention(d, h, h, d / h, false, false);
    m.plain_mlp(d, f, true);
    m.ln(d);
  }
  m.ln(d);
  m.head(d, v, tie(r, false), true);
  return m.n;
}
static Counts bloom(const json& r) {
  i64 d = has(r, "hidden_size") ? Req(r, "hidden_size")
          : has(r, "n_embed")   ? Req(r, "n_embed")
                                : 64;
  i64 L = I(r, "n_layer", I(r, "num_hidden_layers", 2)),
      h = I(r, "n_head", I(r, "num_attention_heads", 8)),
      v = I(r, "vocab_size", 250880);
  Model m;
  m.embed(v, d);
  m.ln(d);
  for (i64 l = 0; l < L; ++l) {
    m.attention(d, h, h, d / h, true, true);
    m.plain_mlp(d, 4 * d, true);
    m.ln(d);
    m.ln(d);
  }
  m.ln(d);
  m.head(d, v, tie(r, true));
  return m.n;
}
static Counts mpt(const json& r) {
  i64 d = I(r, "d_model", 2048), L = I(r, "n_layers", 24),
      h = I(r, "n_heads", 16), v = I(r, "vocab_size", 50368),
      e = I(r, "expansion_ratio", 4);
  Model m;
  m.embed(v, d);
  for (i64 l = 0; l < L; ++l) {
    m.attention(d, h, h, d / h, false, false);
    m.plain_mlp(d, e * d, false);
    m.w(d);
    m.w(d);
  }
  m.w(d);
  m.head(d, v, tie(r, true));
  return m.n;
}
static Counts minicpm(const json& r) {
  LlamaLike o;
  o.tied = tie(r, true);
  return llama_like(dims(r), o);
}
static Counts minicpm3(const json& r) {
  i64 d = Req(r, "hidden_size"), f = Req(r, "intermediate_size"),
      L = Req(r, "num_hidden_layers"), h = Req(r, "num_attention_heads"),
      v = Req(r, "vocab_size");
  i64 ql = I(r, "q_lora_rank", 768), kl = I(r, "kv_lora_rank", 256),
      nope = I(r, "qk_nope_head_dim", 64), rope = I(r, "qk_rope_head_dim", 32),
      vd = I(r, "v_head_dim", d / h);
  bool ab = B(r, "attention_bias", false);
  Model m;
  m.embed(v, d);
  for (i64 l = 0; l < L; ++l) {
    m.linear(d, ql, ab);
    m.rms(ql);
    m.linear(ql, h * (nope + rope), false);
    m.linear(d, kl + rope, ab);
    m.rms(kl);
    m.linear(kl, h * (nope + vd), false);
    m.linear(h * vd, d, ab);
    m.kv(
        h * (nope + rope) +
        h * vd);  // as all runtimes do it (expanded); latent would be kl + rope
    m.gated_mlp(d, f, false);
    m.rms(d);
    m.rms(d);
  }
  m.rms(d);
  m.head(d, v, tie(r, true));
  return m.n;
}
static Counts openelm(const json& r) {
  i64 d = Req(r, "model_dim"), L = Req(r, "num_transformer_layers"),
      hd = Req(r, "head_dim"), v = Req(r, "vocab_size"),
      div = I(r, "ffn_dim_divisor", 256);
  bool norm = B(r, "normalize_qk_projections", true),
       glu = B(r, "ffn_with_glu", true);
  Model m;
  m.embed(v, d);
  for (i64 l = 0; l < L; ++l) {
    i64 h = r["num_query_heads"][l].get<i64>(),
        kvh = r["num_kv_heads"][l].get<i64>();
    double t = r["ffn_multipliers"][l].get<double>() * (double)d;
    i64 f = std::max<i64>(div, (i64)(t + (double)div / 2) / div * div);
    if ((double)f < 0.9 * t) f += div;
    m.attention(d, h, kvh, hd, false, false);
    if (norm) {
      m.rms(hd);
      m.rms(hd);
    }
    m.linear(d, (glu ? 2 : 1) * f, false);
    m.linear(f, d, false);
    m.rms(d);
    m.rms(d);
  }
  m.rms(d);
  m.head(d, v, B(r, "share_input_output_layers", true));
  return m.n;
}

// ---- table by model_type ----------------------------------------------------
static const std::map<std::string, std::function<Counts(const json&)>>&
table() {
  static const std::map<std::string, std::function<Counts(const json&)>> t = {
      {"qwen3_vl", qwen3_vl},
      {"qwen3_vl_text", qwen3_vl},
      {"qwen2_5_vl", qwen2_vl},
      {"qwen2_5_vl_text", qwen2_vl},
      {"qwen2_vl", qwen2_vl},
      {"qwen2_vl_text", qwen2_vl},
      {"mistral3", mistral3},
      {"ministral3",
       [](const json& r) { return mistral_text(r, tie(r, false)); }},
      {"llava", llava},
      {"gemma4", gemma4},
      {"gemma4_unified", gemma4},
      {"gemma4_unified_text", gemma4},
      {"gemma4_text", gemma4},
      {"gemma3n", gemma3n},
      {"gemma3n_text", gemma3n},
      {"glm", glm},
      {"glm4", glm4},
      {"chatglm", chatglm},
      {"smollm3", smollm3},
      {"olmo", olmo},
      {"olmo2", olmo2},
      {"olmo3", olmo2},
      {"exaone4", exaone4},
      {"exaone", exaone},
      {"cohere", cohere},
      {"cohere2", cohere},
      {"starcoder2", starcoder2},
      {"internlm2", internlm2},
      {"internlm3", internlm3},
      {"baichuan", baichuan},
      {"granite", llama_alias},
      {"hunyuan_v1_dense", hunyuan_dense},
      {"ernie4_5", ernie4_5},
      {"seed_oss", seed_oss},
      {"mimo", mimo},
      {"apertus", apertus},
      {"arcee", arcee},
      {"nemotron", nemotron},
      {"nemotron-nas", nemotron_nas},
      {"deci", deci},
      {"qwen3_5", qwen3_5},
      {"qwen3_5_text", qwen3_5},
      {"stablelm", stablelm},
      {"phi", phi},
      {"gpt_bigcode", gpt_bigcode},
      {"gptj", gptj},
      {"codegen", gptj},
      {"bloom", bloom},
      {"mpt", mpt},
      {"minicpm", minicpm},
      {"minicpm3", minicpm3},
      {"openelm", openelm},
      {"xverse", llama_alias},
      {"aquila", llama_alias},
      {"llama", llama_alias},
  };
  return t;
}

}  // namespace

Counts CountDense(const json& config) {
  std::string t = S(config, "model_type", "");
  auto it = table().find(t);
  if (it == table().end()) throw std::runtime_error("unknown model_type " + t);
  return it->second(config);
}

}  // namespace tokenjoule
