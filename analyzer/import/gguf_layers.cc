#include "analyzer/import/gguf_layers.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"

namespace tokenjoule {
namespace {

constexpr int64_t kMaxHeads = 65536;
constexpr int64_t kMaxWindow = 1'000'000'000;

constexpr GgufArchitecture Plain(const char* name) {
  GgufArchitecture architecture = {};
  architecture.name = name;
  return architecture;
}

constexpr GgufArchitecture Windows(const char* name, int64_t period,
                                   int64_t window) {
  GgufArchitecture architecture = Plain(name);
  architecture.period = period;
  architecture.window = window;
  return architecture;
}

constexpr GgufArchitecture Gated(const char* name) {
  GgufArchitecture architecture = Plain(name);
  architecture.gated_queries = true;
  return architecture;
}

constexpr GgufArchitecture ValuesFromKeys(const char* name) {
  GgufArchitecture architecture = Plain(name);
  architecture.values_from_keys = true;
  return architecture;
}

constexpr GgufArchitecture FullFirst(const char* name, int64_t period) {
  GgufArchitecture architecture = Windows(name, period, 0);
  architecture.full_first = true;
  return architecture;
}

constexpr GgufArchitecture Chunks(const char* name, int64_t period,
                                  int64_t window) {
  GgufArchitecture architecture = Windows(name, period, window);
  architecture.chunks = true;
  return architecture;
}

constexpr GgufArchitecture SharedFrom(GgufArchitecture architecture,
                                      int64_t layer) {
  architecture.shared_from = layer;
  return architecture;
}

// Windows: load_arch_hparams of llama.cpp's src/models. Phi-3's windows, in all
// layers, are those of the model; llama.cpp leaves them out.
constexpr GgufArchitecture kArchitectures[] = {
    Windows("afmoe", 4, 0),
    Plain("apertus"),
    Plain("arcee"),
    Plain("baichuan"),
    Plain("bailingmoe"),
    Plain("bailingmoe2"),
    Plain("bloom"),
    Plain("chatglm"),
    Plain("codeshell"),
    Windows("cohere2", 4, 0),
    Plain("command-r"),
    Plain("dbrx"),
    Plain("deci"),
    Plain("deepseek"),
    Plain("deepseek2"),
    Plain("deepseek32"),
    Plain("deepseek4"),
    Plain("dots1"),
    Plain("ernie4_5"),
    Plain("ernie4_5-moe"),
    Plain("exaone"),
    Windows("exaone-moe", 4, 0),
    Windows("exaone4", 4, 0),
    Plain("falcon"),
    Plain("falcon-h1"),
    Plain("gemma"),
    Windows("gemma2", 2, 4096),
    Windows("gemma3", 6, 0),
    SharedFrom(Windows("gemma3n", 5, 0), 20),
    ValuesFromKeys("gemma4"),
    Plain("glm-dsa"),
    Plain("glm4"),
    Plain("glm4moe"),
    Windows("gpt-oss", 2, 0),
    Plain("gpt2"),
    Plain("gptneox"),
    Plain("granite"),
    Plain("granitehybrid"),
    Plain("granitemoe"),
    Plain("hunyuan-dense"),
    Plain("hunyuan-moe"),
    Plain("internlm2"),
    Plain("jais"),
    Plain("jamba"),
    Plain("kimi-linear"),
    Plain("lfm2"),
    Plain("lfm2moe"),
    Plain("llama"),
    Chunks("llama4", 4, 8192),
    Plain("mamba"),
    Plain("mamba2"),
    Plain("mimo2"),
    Plain("minicpm"),
    Plain("minicpm3"),
    Plain("minimax-m2"),
    Plain("mistral3"),
    Plain("mistral4"),
    Plain("mpt"),
    Plain("nemotron"),
    Plain("nemotron_h"),
    Plain("nemotron_h_moe"),
    Plain("olmo"),
    Windows("olmo2", 4, 0),
    Plain("olmoe"),
    Plain("openelm"),
    Plain("orion"),
    Plain("phi2"),
    Windows("phi3", 1, 0),
    Windows("phimoe", 1, 0),
    Plain("qwen"),
    Plain("qwen2"),
    Plain("qwen2moe"),
    Plain("qwen2vl"),
    Plain("qwen3"),
    Gated("qwen35"),
    Gated("qwen35moe"),
    Plain("qwen3moe"),
    Gated("qwen3next"),
    Plain("qwen3vl"),
    Plain("qwen3vlmoe"),
    Plain("seed_oss"),
    FullFirst("smallthinker", 4),
    Plain("smollm3"),
    Plain("stablelm"),
    Plain("starcoder"),
    Plain("starcoder2"),
    Plain("step35"),
    Plain("xverse"),
};

// Matrices of a layer beside its mixer and channel part (Gemma 3n, Gemma 4,
// hyper-connections of DeepSeek-V4).
constexpr const char* kExtraMatrices[] = {
    "hc_attn_fn.weight",
    "hc_ffn_fn.weight",
    "altup_correct_coef.weight",
    "altup_predict_coef.weight",
    "altup_router.weight",
    "inp_gate.weight",
    "laurel_l.weight",
    "laurel_r.weight",
    "proj.weight",
};

// Reads the tensors of one layer, each once.
class LayerReader {
 public:
  LayerReader(const GgufContext& context, int64_t number,
              const GgufLayerTensors& tensors)
      : context_(context),
        keys_(*context.keys),
        d_(context.d_model),
        number_(number),
        left_(tensors) {}

  GgufLayer Read();

 private:
  void Fault(absl::string_view tensor, absl::string_view message) {
    context_.log->AddLayerFault(number_, tensor, message);
  }
  bool Has(const std::string& name) const { return left_.count(name) > 0; }
  bool HasPrefix(absl::string_view prefix) const {
    const auto found = left_.lower_bound(std::string(prefix));
    return found != left_.end() && absl::StartsWith(found->first, prefix);
  }
  // The tensor with this name, which nothing else reads then; nullptr if there
  // is none.
  const GgufTensor* Take(const std::string& name) {
    const auto found = left_.find(name);
    if (found == left_.end()) return nullptr;
    const GgufTensor* tensor = found->second;
    left_.erase(found);
    return tensor;
  }
  // The same; a fault if there is none.
  const GgufTensor* Require(const std::string& name) {
    const GgufTensor* tensor = Take(name);
    if (tensor == nullptr) {
      Fault(name, "is missing beside the layer's other tensors");
    }
    return tensor;
  }
  // Whether a tensor that may be absent is in x out x depth; a fault if it is
  // there with another shape.
  bool IsShape(const GgufTensor* tensor, const std::string& name, int64_t in,
               int64_t out, int64_t depth = 1) {
    if (tensor == nullptr) return false;
    if (tensor->dims[0] == in && tensor->dims[1] == out &&
        tensor->dims[2] == depth && tensor->dims[3] == 1) {
      return true;
    }
    Fault(name,
          absl::StrCat("is ", tensor->Shape(), "; expected {", in, ", ", out,
                       depth > 1 ? absl::StrCat(", ", depth) : "", "}"));
    return false;
  }
  // Counts a tensor, or elements of it, as a class of matrix.
  void Store(GgufMatrix matrix, const GgufTensor* tensor) {
    if (tensor != nullptr) Store(matrix, *tensor, tensor->elements());
  }
  void Store(GgufMatrix matrix, const GgufTensor& tensor, int64_t elements) {
    if (tensor.type->format[0] == '\0') {
      Fault(tensor.name.substr(tensor.name.find('.', 4) + 1),
            absl::StrCat("is of type ", tensor.type->name,
                         ", in which no matrix is stored"));
      return;
    }
    current().mix(matrix).Add(*tensor.type, elements);
  }
  // Counts a tensor as vectors of the current block.
  void AddVector(const GgufTensor* tensor) {
    if (tensor == nullptr) return;
    if (tensor->type->format[0] == '\0')
      return Store(GgufMatrix::kMixer, tensor);
    layer_.vectors.Add(*tensor->type, tensor->elements());
    vectors_[block_] += tensor->elements();
  }
  // Takes a vector that may be absent; returns whether it is there with this
  // number of elements, which the block then counts itself.
  bool TakeVector(const std::string& name, int64_t elements) {
    const GgufTensor* tensor = Take(name);
    AddVector(tensor);
    if (tensor == nullptr || tensor->elements() != elements) return false;
    counted_[block_] += elements;
    return true;
  }
  // The same of several, which count only if all are there.
  bool TakeVectors(
      const std::vector<std::pair<std::string, int64_t>>& vectors) {
    bool all = true;
    int64_t elements = 0;
    for (const auto& vector : vectors) {
      const GgufTensor* tensor = Take(vector.first);
      AddVector(tensor);
      all &= tensor != nullptr && tensor->elements() == vector.second;
      elements += vector.second;
    }
    if (all) counted_[block_] += elements;
    return all;
  }
  // Elements that the block counts as vectors although the file may not hold
  // them.
  void Count(int64_t elements) { counted_[block_] += elements; }

  GgufBlock& current() { return layer_.blocks[block_]; }
  Block& block() { return current().block; }
  void StartBlock() {
    layer_.blocks.emplace_back();
    block_ = layer_.blocks.size() - 1;
    vectors_.push_back(0);
    counted_.push_back(0);
  }
  // `whole` / `parts`, with a fault if it leaves a remainder or nothing.
  int64_t Divide(const std::string& name, int64_t whole, int64_t parts,
                 absl::string_view what) {
    if (parts > 0 && whole > 0 && whole % parts == 0) return whole / parts;
    Fault(name, absl::StrCat("has a width of ", whole, ", which ", parts, " ",
                             what, " do not divide"));
    return 0;
  }

  // The taps of a convolution, the row of its tensor; 0 and a fault if there
  // are too many.
  int64_t Taps(const std::string& name, const GgufTensor& convolution) {
    constexpr int64_t kMaxTaps = 1024;
    if (convolution.dims[0] <= kMaxTaps) return convolution.dims[0];
    Fault(name, absl::StrCat("has ", convolution.dims[0],
                             " taps; expected at most ", kMaxTaps));
    return 0;
  }

  int64_t Heads() {
    return keys_.Required("attention.head_count", number_, 1, kMaxHeads);
  }
  int64_t KvHeads(int64_t heads) {
    if (!keys_.Has("attention.head_count_kv")) return heads;
    return keys_.Required("attention.head_count_kv", number_, 1, kMaxHeads);
  }
  bool SharesCache() const;
  int64_t WindowOf();
  void SetWindow(Attention* attention);

  void ReadAttention();
  void ReadFusedProjections(const GgufTensor& qkv, int64_t value_dim,
                            Attention* attention);
  void ReadProjections(int64_t value_dim, Attention* attention);
  void ReadAttentionBiases(const Attention& shape, Attention* attention);
  void ReadLatentAttention();
  void ReadIndexer(int64_t q_in, Indexer* indexer);
  void ReadCompressedAttention();
  void ReadCompressor(const std::string& prefix, int64_t width,
                      CompressedAttention* attention);
  void ReadMamba1();
  void ReadMamba2();
  void ReadGatedDelta();
  void ReadKimiDelta();
  void ReadShortConvolution();
  void ReadMixers();

  bool HasExperts() const {
    return Has("ffn_gate_inp.weight") || HasPrefix("ffn_down_exps.");
  }
  Mlp ReadMlp(const std::string& suffix, GgufMatrix gate, GgufMatrix up,
              GgufMatrix down);
  void ReadExperts();
  bool ReadFusedExperts(int64_t width, int64_t experts, Mlp* expert);
  bool ReadSingleExperts(int64_t experts, Mlp* expert);
  void ReadChannel();
  void ReadMtp();
  void ReadRest();
  void SetNames();

  const GgufContext& context_;
  const GgufKeys& keys_;
  const int64_t d_;
  const int64_t number_;
  GgufLayerTensors left_;
  GgufLayer layer_;
  size_t block_ = 0;
  // By block: elements of vectors in the file, and those that the schema's
  // block counts by itself.
  std::vector<int64_t> vectors_;
  std::vector<int64_t> counted_;
};

bool LayerReader::SharesCache() const {
  const int64_t own =
      keys_.Has("attention.shared_kv_layers")
          ? context_.layers -
                keys_.Int("attention.shared_kv_layers", 0, context_.layers)
                    .value_or(0)
      : context_.architecture->shared_from > 0
          ? context_.architecture->shared_from
          : context_.layers;
  return number_ >= own;
}

// Tokens of the layer's window; 0 if it has full attention.
int64_t LayerReader::WindowOf() {
  const GgufArchitecture& architecture = *context_.architecture;
  constexpr char kPattern[] = "attention.sliding_window_pattern";
  int64_t window = keys_.Int("attention.sliding_window", 0, kMaxWindow)
                       .value_or(architecture.window);
  if (architecture.chunks && window > 0) window = architecture.window;
  if (window == 0) return 0;
  const std::vector<int64_t>* flags = keys_.Integers(kPattern);
  if (flags != nullptr) {
    // Modules for drafts may lie beyond the array.
    return number_ < static_cast<int64_t>(flags->size()) &&
                   (*flags)[number_] != 0
               ? window
               : 0;
  }
  const int64_t period =
      keys_.Int(kPattern, 0, 1024).value_or(architecture.period);
  if (architecture.period == 0 && !keys_.Has(kPattern)) {
    if (number_ == 0) {
      context_.log->AddNote(
          absl::StrCat("attention.sliding_window is ", window,
                       ", which llama.cpp does not use for ", architecture.name,
                       "; all layers are read as full attention"));
    }
    return 0;
  }
  if (period <= 1) return window;
  const bool full = architecture.full_first ? number_ % period == 0
                                            : number_ % period == period - 1;
  return full ? 0 : window;
}

void LayerReader::SetWindow(Attention* attention) {
  const int64_t window = WindowOf();
  if (window == 0) return;
  if (context_.architecture->chunks) {
    attention->set_chunk_tokens(window);
  } else {
    attention->set_sliding_tokens(window);
  }
}

// Queries, keys and values in one matrix.
void LayerReader::ReadFusedProjections(const GgufTensor& qkv, int64_t value_dim,
                                       Attention* attention) {
  const std::string name = "attn_qkv.weight";
  const int64_t heads = attention->heads(), kv = attention->kv_heads();
  const int64_t head_dim =
      Divide(name, qkv.dims[1] - kv * value_dim, heads + kv, "heads");
  attention->set_head_dim(head_dim);
  IsShape(&qkv, name, d_, qkv.dims[1]);
  Store(GgufMatrix::kQuery, qkv, d_ * heads * head_dim);
  Store(GgufMatrix::kKey, qkv, d_ * kv * head_dim);
  Store(GgufMatrix::kValue, qkv, d_ * kv * value_dim);
}

void LayerReader::ReadProjections(int64_t value_dim, Attention* attention) {
  const int64_t heads = attention->heads(), kv = attention->kv_heads();
  const GgufTensor* q = Require("attn_q.weight");
  const GgufTensor* k = Take("attn_k.weight");
  const GgufTensor* v = Take("attn_v.weight");
  if (q == nullptr) return;
  if (SharesCache()) {
    attention->set_shared_kv(true);
    // Gemma 3n's files hold projections that are never used.
    for (const GgufTensor* unused : {k, v, Take("attn_k_norm.weight")}) {
      if (unused != nullptr) layer_.unused_bytes += unused->bytes();
    }
    k = v = nullptr;
  } else if (k == nullptr) {
    Fault("attn_k.weight", "is missing beside attn_q.weight");
    return;
  }
  const bool gated = context_.architecture->gated_queries;
  const int64_t head_dim =
      k != nullptr ? Divide("attn_k.weight", k->dims[1], kv, "KV heads")
      : gated      ? value_dim
                   : Divide("attn_q.weight", q->dims[1], heads, "heads");
  attention->set_head_dim(head_dim);
  if (gated && q->dims[1] == 2 * heads * head_dim) {
    attention->set_output_gate(true);
    IsShape(q, "attn_q.weight", d_, 2 * heads * head_dim);
  } else {
    IsShape(q, "attn_q.weight", d_, heads * head_dim);
  }
  Store(GgufMatrix::kQuery, q);
  if (k != nullptr) IsShape(k, "attn_k.weight", d_, kv * head_dim);
  Store(GgufMatrix::kKey, k);
  if (v != nullptr) {
    IsShape(v, "attn_v.weight", d_, kv * value_dim);
    Store(GgufMatrix::kValue, v);
  } else if (!attention->shared_kv()) {
    attention->set_value_from_key(true);
    if (!context_.architecture->values_from_keys) {
      Fault("attn_v.weight", "is missing beside attn_k.weight");
    }
  }
}

void LayerReader::ReadAttentionBiases(const Attention& shape,
                                      Attention* attention) {
  const bool has_keys = !shape.shared_kv();
  const int64_t q = shape.heads() * shape.head_dim();
  const int64_t k = has_keys ? shape.kv_heads() * shape.head_dim() : 0;
  const int64_t value_dim =
      shape.value_head_dim() > 0 ? shape.value_head_dim() : shape.head_dim();
  const int64_t v =
      has_keys && !shape.value_from_key() ? shape.kv_heads() * value_dim : 0;
  if (Has("attn_qkv.bias")) {
    attention->set_qkv_bias(TakeVector("attn_qkv.bias", q + k + v));
  } else {
    std::vector<std::pair<std::string, int64_t>> biases = {{"attn_q.bias", q}};
    if (k > 0) biases.push_back({"attn_k.bias", k});
    if (v > 0) biases.push_back({"attn_v.bias", v});
    attention->set_qkv_bias(TakeVectors(biases));
  }
  attention->set_output_bias(TakeVector("attn_output.bias", d_));
  const auto norms = [&](int64_t of_query, int64_t of_key) {
    std::vector<std::pair<std::string, int64_t>> wanted = {
        {"attn_q_norm.weight", of_query}};
    if (has_keys) wanted.push_back({"attn_k_norm.weight", of_key});
    for (const auto& norm : wanted) {
      const auto found = left_.find(norm.first);
      if (found == left_.end() || found->second->elements() != norm.second) {
        return false;
      }
    }
    return TakeVectors(wanted);
  };
  if (norms(shape.head_dim(), shape.head_dim())) {
    attention->set_qk_norm(true);
  } else {
    attention->set_qk_norm_all_heads(norms(q, k));
  }
  attention->set_sinks(TakeVector("attn_sinks.weight", shape.heads()));
}

void LayerReader::ReadAttention() {
  Attention* attention = block().mutable_attention();
  const GgufTensor* output = Require("attn_output.weight");
  const int64_t heads = Heads();
  const int64_t kv_heads = KvHeads(heads);
  if (output == nullptr || heads == 0 || kv_heads == 0) return;
  attention->set_heads(heads);
  attention->set_kv_heads(kv_heads);
  const int64_t value_dim =
      Divide("attn_output.weight", output->dims[0], heads, "heads");
  IsShape(output, "attn_output.weight", output->dims[0], d_);
  Store(GgufMatrix::kOutput, output);
  if (const GgufTensor* qkv = Take("attn_qkv.weight")) {
    ReadFusedProjections(*qkv, value_dim, attention);
  } else {
    ReadProjections(value_dim, attention);
  }
  if (value_dim != attention->head_dim()) {
    attention->set_value_head_dim(value_dim);
  }
  if (const GgufTensor* gate = Take("attn_gate.weight")) {
    if (gate->dims[1] == heads) {
      attention->set_head_gate(true);
    } else {
      attention->set_output_gate(true);
    }
    IsShape(gate, "attn_gate.weight", d_,
            gate->dims[1] == heads ? heads : heads * attention->head_dim());
    Store(GgufMatrix::kQuery, gate);
  }
  const Attention shape = *attention;
  ReadAttentionBiases(shape, attention);
  SetWindow(attention);
}

void LayerReader::ReadIndexer(int64_t q_in, Indexer* indexer) {
  const GgufTensor* keys = Require("indexer.attn_k.weight");
  const GgufTensor* queries = Require("indexer.attn_q_b.weight");
  const GgufTensor* weights = Require("indexer.proj.weight");
  if (keys == nullptr || queries == nullptr || weights == nullptr) return;
  const int64_t dim = keys->dims[1], heads = weights->dims[1];
  IsShape(keys, "indexer.attn_k.weight", d_, dim);
  IsShape(weights, "indexer.proj.weight", d_, heads);
  IsShape(queries, "indexer.attn_q_b.weight", q_in, heads * dim);
  Store(GgufMatrix::kMixer, keys);
  Store(GgufMatrix::kMixer, queries);
  AddVector(weights);
  Count(d_ * heads);
  if (!TakeVectors(
          {{"indexer.k_norm.weight", dim}, {"indexer.k_norm.bias", dim}})) {
    Fault("indexer.k_norm.weight",
          absl::StrCat("expected ", dim, " weights and as many biases"));
  }
  indexer->set_heads(heads);
  indexer->set_head_dim(dim);
  indexer->set_top_k(
      keys_.Required("attention.indexer.top_k", number_, 1, kMaxWindow));
}

void LayerReader::ReadLatentAttention() {
  LatentAttention* latent = block().mutable_latent_attention();
  const std::string kDown = "attn_kv_a_mqa.weight";
  const GgufTensor* down = Take(kDown);
  const GgufTensor* output = Require("attn_output.weight");
  const int64_t heads = Heads();
  const int64_t kv_rank =
      keys_.Required("attention.kv_lora_rank", number_, 1, kMaxHeads);
  const GgufTensor* q_down = Take("attn_q_a.weight");
  const std::string kQuery = q_down ? "attn_q_b.weight" : "attn_q.weight";
  const GgufTensor* query = Require(kQuery);
  if (output == nullptr || query == nullptr || heads == 0 || kv_rank == 0) {
    return;
  }
  const int64_t q_rank = q_down != nullptr ? q_down->dims[1] : 0;
  const int64_t rope = down->dims[1] - kv_rank;
  const int64_t nope = Divide(kQuery, query->dims[1], heads, "heads") - rope;
  const int64_t v =
      Divide("attn_output.weight", output->dims[0], heads, "heads");
  if (rope < 0 || nope < 1 || v < 1) {
    Fault(kDown, absl::StrCat("is ", down->Shape(), " and ", kQuery, " is ",
                              query->Shape(), ", which leave no room for a ",
                              "compressed vector of ", kv_rank));
    return;
  }
  IsShape(down, kDown, d_, kv_rank + rope);
  if (q_down != nullptr) IsShape(q_down, "attn_q_a.weight", d_, q_rank);
  IsShape(query, kQuery, q_rank > 0 ? q_rank : d_, heads * (nope + rope));
  IsShape(output, "attn_output.weight", heads * v, d_);
  // Old files hold both up-projections in one matrix.
  if (const GgufTensor* up = Take("attn_kv_b.weight")) {
    IsShape(up, "attn_kv_b.weight", kv_rank, heads * (nope + v));
    Store(GgufMatrix::kMixer, up);
    // A few files hold both forms, of which one is used.
    for (const char* name : {"attn_k_b.weight", "attn_v_b.weight"}) {
      const GgufTensor* twice = Take(name);
      if (twice != nullptr) layer_.unused_bytes += twice->bytes();
    }
  } else {
    const GgufTensor* keys = Require("attn_k_b.weight");
    const GgufTensor* values = Require("attn_v_b.weight");
    IsShape(keys, "attn_k_b.weight", nope, kv_rank, heads);
    IsShape(values, "attn_v_b.weight", kv_rank, v, heads);
    Store(GgufMatrix::kMixer, keys);
    Store(GgufMatrix::kMixer, values);
  }
  for (const GgufTensor* tensor : {down, q_down, query}) {
    Store(GgufMatrix::kMixer, tensor);
  }
  Store(GgufMatrix::kOutput, output);
  latent->set_heads(heads);
  latent->set_q_rank(q_rank);
  latent->set_kv_rank(kv_rank);
  latent->set_rope_dim(rope);
  latent->set_nope_dim(nope);
  latent->set_v_dim(v);
  // The block counts both norms.
  AddVector(Take("attn_q_a_norm.weight"));
  AddVector(Take("attn_kv_a_norm.weight"));
  Count(q_rank + kv_rank);
  if (HasPrefix("indexer.")) {
    ReadIndexer(q_rank > 0 ? q_rank : d_, latent->mutable_indexer());
  }
}

// Projections of values and gates to compressed vectors of `width`.
void LayerReader::ReadCompressor(const std::string& prefix, int64_t width,
                                 CompressedAttention* attention) {
  const std::string bias_name = prefix + "_ape.weight";
  const GgufTensor* bias = Require(bias_name);
  if (bias == nullptr) return;
  const int64_t overlap = Divide(bias_name, bias->dims[0], width, "elements");
  const int64_t ratio = bias->dims[1];
  if (ratio > 1'000'000 || overlap > 64) {
    Fault(bias_name, absl::StrCat("is ", bias->Shape(), "; expected at most {",
                                  64 * width, ", 1000000}"));
    return;
  }
  for (const char* part : {"_kv.weight", "_gate.weight"}) {
    const GgufTensor* matrix = Require(prefix + part);
    IsShape(matrix, prefix + part, d_, overlap * width);
    Store(GgufMatrix::kMixer, matrix);
  }
  AddVector(bias);
  AddVector(Take(prefix + "_norm.weight"));
  Count(ratio * overlap * width + width);
  attention->set_ratio(ratio);
  if (overlap > 1) attention->set_overlap(overlap);
}

// DeepSeek-V4.
void LayerReader::ReadCompressedAttention() {
  CompressedAttention* attention = block().mutable_compressed_attention();
  const GgufTensor* q_down = Require("attn_q_a.weight");
  const GgufTensor* query = Require("attn_q_b.weight");
  const GgufTensor* keys = Take("attn_kv.weight");
  const GgufTensor* low = Require("attn_output_a.weight");
  const GgufTensor* output = Require("attn_output_b.weight");
  const int64_t heads = Heads();
  const int64_t window =
      keys_.Required("attention.sliding_window", number_, 1, kMaxWindow);
  if (q_down == nullptr || query == nullptr || low == nullptr ||
      output == nullptr || heads == 0) {
    return;
  }
  const int64_t dim = keys->dims[1], q_rank = q_down->dims[1];
  const int64_t groups = Divide("attn_output_a.weight", heads * dim,
                                low->dims[0], "elements of a group");
  const int64_t rank =
      Divide("attn_output_a.weight", low->dims[1], groups, "groups");
  if (dim > kMaxHeads || groups == 0 || rank == 0) {
    Fault("attn_kv.weight",
          absl::StrCat("is ", keys->Shape(), ", which does not fit ",
                       low->Shape(), " of ", "attn_output_a.weight"));
    return;
  }
  IsShape(q_down, "attn_q_a.weight", d_, q_rank);
  IsShape(query, "attn_q_b.weight", q_rank, heads * dim);
  IsShape(keys, "attn_kv.weight", d_, dim);
  IsShape(low, "attn_output_a.weight", low->dims[0], groups * rank);
  IsShape(output, "attn_output_b.weight", groups * rank, d_);
  for (const GgufTensor* tensor : {q_down, query, keys}) {
    Store(GgufMatrix::kMixer, tensor);
  }
  Store(GgufMatrix::kOutput, low);
  Store(GgufMatrix::kOutput, output);
  attention->set_heads(heads);
  attention->set_head_dim(dim);
  attention->set_q_rank(q_rank);
  attention->set_sliding_tokens(window);
  attention->set_output_groups(groups);
  attention->set_output_rank(rank);
  AddVector(Take("attn_q_a_norm.weight"));
  AddVector(Take("attn_kv_a_norm.weight"));
  Count(q_rank + dim);
  attention->set_sinks(TakeVector("attn_sinks.weight", heads));
  if (!HasPrefix("attn_compressor_")) return;
  ReadCompressor("attn_compressor", dim, attention);
  if (!Has("indexer.proj.weight")) return;
  const GgufTensor* weights = Take("indexer.proj.weight");
  const GgufTensor* queries = Require("indexer.attn_q_b.weight");
  if (queries == nullptr) return;
  const int64_t index_heads = weights->dims[1];
  const int64_t index_dim = Divide("indexer.attn_q_b.weight", queries->dims[1],
                                   index_heads, "index heads");
  IsShape(weights, "indexer.proj.weight", d_, index_heads);
  IsShape(queries, "indexer.attn_q_b.weight", q_rank, index_heads * index_dim);
  Store(GgufMatrix::kMixer, queries);
  AddVector(weights);
  Count(d_ * index_heads);
  if (index_dim == 0) return;
  CompressedAttention alike;
  ReadCompressor("indexer_compressor", index_dim, &alike);
  if (alike.ratio() != attention->ratio() ||
      alike.overlap() != attention->overlap()) {
    Fault("indexer_compressor_ape.weight",
          "differs in ratio from attn_compressor_ape.weight");
  }
  Indexer* indexer = attention->mutable_indexer();
  indexer->set_heads(index_heads);
  indexer->set_head_dim(index_dim);
  indexer->set_top_k(
      keys_.Required("attention.indexer.top_k", number_, 1, kMaxWindow));
}

void LayerReader::ReadMamba1() {
  Mamba1* mamba = block().mutable_mamba1();
  const GgufTensor* in = Require("ssm_in.weight");
  const GgufTensor* select = Require("ssm_x.weight");
  const GgufTensor* step = Require("ssm_dt.weight");
  const GgufTensor* out = Require("ssm_out.weight");
  const GgufTensor* convolution = Require("ssm_conv1d.weight");
  if (in == nullptr || select == nullptr || step == nullptr || out == nullptr ||
      convolution == nullptr) {
    return;
  }
  const int64_t inner = out->dims[0], rank = step->dims[0];
  const int64_t taps = Taps("ssm_conv1d.weight", *convolution);
  const int64_t states =
      Divide("ssm_x.weight", select->dims[1] - rank, 2, "vectors");
  IsShape(in, "ssm_in.weight", d_, 2 * inner);
  IsShape(select, "ssm_x.weight", inner, rank + 2 * states);
  IsShape(step, "ssm_dt.weight", rank, inner);
  IsShape(out, "ssm_out.weight", inner, d_);
  for (const GgufTensor* tensor : {in, select, step, out}) {
    Store(GgufMatrix::kMixer, tensor);
  }
  mamba->set_d_inner(inner);
  mamba->set_d_state(states);
  mamba->set_d_conv(taps);
  mamba->set_dt_rank(rank);
  AddVector(convolution);
  Count(inner * taps);
  mamba->set_no_conv_bias(!TakeVector("ssm_conv1d.bias", inner));
  // A, D and the bias of the step size.
  for (const char* name : {"ssm_a", "ssm_d", "ssm_dt.bias"}) {
    AddVector(Take(name));
  }
  Count(inner * (states + 2));
  // Jamba's norms have names without ".weight" in some files.
  const std::string end = Has("ssm_dt_norm") ? "" : ".weight";
  mamba->set_inner_norms(TakeVectors({{"ssm_dt_norm" + end, rank},
                                      {"ssm_b_norm" + end, states},
                                      {"ssm_c_norm" + end, states}}));
}

void LayerReader::ReadMamba2() {
  Mamba2* mamba = block().mutable_mamba2();
  const GgufTensor* in = Require("ssm_in.weight");
  const GgufTensor* out = Require("ssm_out.weight");
  const GgufTensor* convolution = Require("ssm_conv1d.weight");
  const int64_t states = keys_.Required("ssm.state_size", number_, 1, 65536);
  const int64_t groups = keys_.Required("ssm.group_count", number_, 1, 65536);
  if (in == nullptr || out == nullptr || convolution == nullptr ||
      states == 0 || groups == 0) {
    return;
  }
  const int64_t inner = out->dims[0];
  const int64_t taps = Taps("ssm_conv1d.weight", *convolution);
  const int64_t mixed = inner + 2 * groups * states;
  const int64_t heads = in->dims[1] - inner - mixed;
  IsShape(convolution, "ssm_conv1d.weight", taps, mixed);
  IsShape(in, "ssm_in.weight", d_, inner + mixed + heads);
  IsShape(out, "ssm_out.weight", inner, d_);
  mamba->set_heads(heads);
  mamba->set_head_dim(Divide("ssm_out.weight", inner, heads, "heads"));
  mamba->set_d_state(states);
  mamba->set_groups(groups);
  mamba->set_d_conv(taps);
  Store(GgufMatrix::kMixer, in);
  Store(GgufMatrix::kMixer, out);
  AddVector(convolution);
  Count(mixed * taps);
  mamba->set_no_conv_bias(!TakeVector("ssm_conv1d.bias", mixed));
  for (const char* name : {"ssm_a", "ssm_d", "ssm_dt.bias"}) {
    AddVector(Take(name));
  }
  Count(3 * heads);
  mamba->set_no_gated_norm(!TakeVector("ssm_norm.weight", inner));
}

// Gated DeltaNet of Qwen3-Next and Qwen3.5.
void LayerReader::ReadGatedDelta() {
  LinearAttention* linear = block().mutable_linear_attention();
  const GgufTensor* out = Require("ssm_out.weight");
  const GgufTensor* norm = Require("ssm_norm.weight");
  const GgufTensor* convolution = Require("ssm_conv1d.weight");
  const int64_t key_dim = keys_.Required("ssm.state_size", number_, 1, 65536);
  if (out == nullptr || norm == nullptr || convolution == nullptr ||
      key_dim == 0) {
    return;
  }
  const int64_t values = out->dims[0], value_dim = norm->elements();
  const int64_t taps = Taps("ssm_conv1d.weight", *convolution);
  const int64_t mixed = convolution->dims[1];
  const int64_t heads = Divide("ssm_out.weight", values, value_dim, "elements");
  const int64_t keys =
      Divide("ssm_conv1d.weight", mixed - values, 2, "vectors");
  const int64_t key_heads =
      Divide("ssm_conv1d.weight", keys, key_dim, "elements of a key head");
  IsShape(out, "ssm_out.weight", values, d_);
  Store(GgufMatrix::kMixer, out);
  const auto take = [&](const std::string& name, int64_t width) {
    const GgufTensor* tensor = Require(name);
    IsShape(tensor, name, d_, width);
    Store(GgufMatrix::kMixer, tensor);
  };
  if (Has("ssm_in.weight")) {
    take("ssm_in.weight", mixed + values);
  } else {
    take("attn_qkv.weight", mixed);
    take("attn_gate.weight", values);
  }
  if (Has("ssm_ba.weight")) {
    take("ssm_ba.weight", 2 * heads);
  } else {
    take("ssm_alpha.weight", heads);
    take("ssm_beta.weight", heads);
  }
  linear->set_key_heads(key_heads);
  linear->set_value_heads(heads);
  linear->set_key_head_dim(key_dim);
  linear->set_value_head_dim(value_dim);
  linear->set_d_conv(taps);
  AddVector(convolution);
  AddVector(norm);
  AddVector(Take("ssm_a"));
  AddVector(Take("ssm_dt.bias"));
  Count(mixed * taps + 2 * heads + value_dim);
}

// Kimi Delta Attention.
void LayerReader::ReadKimiDelta() {
  LinearAttention* linear = block().mutable_linear_attention();
  linear->set_rule(LinearAttention::KIMI_DELTA);
  const int64_t heads = Heads();
  const GgufTensor* low = Require("ssm_f_a.weight");
  if (heads == 0 || low == nullptr) return;
  const int64_t dim = low->dims[1], width = heads * dim;
  IsShape(low, "ssm_f_a.weight", d_, dim);
  Store(GgufMatrix::kMixer, low);
  const auto take = [&](const std::string& name, int64_t in, int64_t out) {
    const GgufTensor* tensor = Require(name);
    IsShape(tensor, name, in, out);
    Store(GgufMatrix::kMixer, tensor);
  };
  for (const char* name : {"attn_q.weight", "attn_k.weight", "attn_v.weight"}) {
    take(name, d_, width);
  }
  take("ssm_f_b.weight", dim, width);
  take("ssm_g_a.weight", d_, dim);
  take("ssm_g_b.weight", dim, width);
  take("ssm_beta.weight", d_, heads);
  take("attn_output.weight", width, d_);
  int64_t taps = 0;
  for (const char* name :
       {"ssm_conv1d_q.weight", "ssm_conv1d_k.weight", "ssm_conv1d_v.weight"}) {
    const GgufTensor* convolution = Require(name);
    if (convolution == nullptr) return;
    taps = Taps(name, *convolution);
    if (convolution->elements() != taps * width) {
      Fault(name, absl::StrCat("is ", convolution->Shape(), "; expected {",
                               taps, ", 1, ", width, "}"));
    }
    AddVector(convolution);
  }
  for (const char* name : {"ssm_a", "ssm_dt.bias", "ssm_norm.weight"}) {
    AddVector(Take(name));
  }
  linear->set_key_heads(heads);
  linear->set_value_heads(heads);
  linear->set_key_head_dim(dim);
  linear->set_value_head_dim(dim);
  linear->set_d_conv(taps);
  Count(3 * width * taps + heads + width + dim);
}

void LayerReader::ReadShortConvolution() {
  ShortConvolution* convolution = block().mutable_short_convolution();
  const GgufTensor* taps = Require("shortconv.conv.weight");
  const GgufTensor* in = Require("shortconv.in_proj.weight");
  const GgufTensor* out = Require("shortconv.out_proj.weight");
  if (taps == nullptr || in == nullptr || out == nullptr) return;
  IsShape(in, "shortconv.in_proj.weight", d_, 3 * d_);
  IsShape(out, "shortconv.out_proj.weight", d_, d_);
  if (taps->elements() != taps->dims[0] * d_) {
    Fault("shortconv.conv.weight",
          absl::StrCat("is ", taps->Shape(), "; expected {", taps->dims[0],
                       ", ", d_, "}"));
  }
  Store(GgufMatrix::kMixer, in);
  Store(GgufMatrix::kMixer, out);
  AddVector(taps);
  Count(taps->elements());
  convolution->set_d_conv(Taps("shortconv.conv.weight", *taps));
  convolution->set_bias(TakeVectors({{"shortconv.in_proj.bias", 3 * d_},
                                     {"shortconv.conv.bias", d_},
                                     {"shortconv.out_proj.bias", d_}}));
}

void LayerReader::ReadMixers() {
  const bool has_latent = Has("attn_kv_a_mqa.weight");
  const bool is_delta = Has("ssm_ba.weight") || Has("ssm_alpha.weight");
  const bool is_kimi = Has("ssm_f_a.weight");
  const bool has_space = Has("ssm_in.weight") && !is_delta;
  const bool has_attention = !has_latent && !is_delta && !is_kimi &&
                             (Has("attn_q.weight") || Has("attn_qkv.weight"));
  StartBlock();
  if (has_latent) {
    ReadLatentAttention();
  } else if (Has("attn_kv.weight")) {
    ReadCompressedAttention();
  } else if (is_kimi) {
    ReadKimiDelta();
  } else if (is_delta) {
    ReadGatedDelta();
  } else if (HasPrefix("shortconv.")) {
    ReadShortConvolution();
  } else if (has_attention) {
    ReadAttention();
  }
  if (!has_space) return;
  // Attention and a state space side by side are two blocks (Falcon-H1).
  if (block().mixer_case() != Block::MIXER_NOT_SET) StartBlock();
  if (Has("ssm_x.weight")) {
    ReadMamba1();
  } else {
    ReadMamba2();
  }
}

// A dense network of tensors ffn_gate, ffn_up and ffn_down with a suffix.
Mlp LayerReader::ReadMlp(const std::string& suffix, GgufMatrix gate,
                         GgufMatrix up, GgufMatrix down) {
  const std::string up_name = absl::StrCat("ffn_up", suffix, ".weight");
  const std::string gate_name = absl::StrCat("ffn_gate", suffix, ".weight");
  const std::string down_name = absl::StrCat("ffn_down", suffix, ".weight");
  Mlp mlp;
  const GgufTensor* up_tensor = Require(up_name);
  const GgufTensor* down_tensor = Require(down_name);
  const GgufTensor* gate_tensor = Take(gate_name);
  if (up_tensor == nullptr || down_tensor == nullptr) return mlp;
  const int64_t ff = down_tensor->dims[0];
  IsShape(down_tensor, down_name, ff, d_);
  Store(down, down_tensor);
  mlp.set_d_ff(ff);
  int64_t ups = ff;
  if (gate_tensor != nullptr) {
    IsShape(gate_tensor, gate_name, d_, ff);
    Store(gate, gate_tensor);
  }
  mlp.set_gated(gate_tensor != nullptr);
  // Gate and up projection in one matrix (Phi-3, GLM-4).
  if (gate_tensor == nullptr && up_tensor->dims[1] == 2 * ff) {
    mlp.set_gated(true);
    ups = 2 * ff;
    IsShape(up_tensor, up_name, d_, ups);
    Store(gate, *up_tensor, d_ * ff);
    Store(up, *up_tensor, d_ * ff);
  } else {
    IsShape(up_tensor, up_name, d_, ff);
    Store(up, up_tensor);
  }
  std::vector<std::pair<std::string, int64_t>> biases = {
      {absl::StrCat("ffn_up", suffix, ".bias"), ups},
      {absl::StrCat("ffn_down", suffix, ".bias"), d_}};
  if (gate_tensor != nullptr) {
    biases.push_back({absl::StrCat("ffn_gate", suffix, ".bias"), ff});
  }
  mlp.set_bias(TakeVectors(biases));
  return mlp;
}

// Experts whose matrices are one tensor each per projection.
bool LayerReader::ReadFusedExperts(int64_t width, int64_t experts,
                                   Mlp* expert) {
  const GgufTensor* down = Take("ffn_down_exps.weight");
  if (down == nullptr) return false;
  const int64_t ff = down->dims[0];
  expert->set_d_ff(ff);
  IsShape(down, "ffn_down_exps.weight", ff, width, experts);
  Store(GgufMatrix::kDown, down);
  std::vector<std::pair<std::string, int64_t>> biases = {
      {"ffn_down_exps.bias", width * experts}};
  if (const GgufTensor* both = Take("ffn_gate_up_exps.weight")) {
    IsShape(both, "ffn_gate_up_exps.weight", width, 2 * ff, experts);
    Store(GgufMatrix::kGate, *both, both->elements() / 2);
    Store(GgufMatrix::kUp, *both, both->elements() / 2);
    expert->set_gated(true);
    biases.push_back({"ffn_gate_up_exps.bias", 2 * ff * experts});
  } else {
    const GgufTensor* up = Require("ffn_up_exps.weight");
    const GgufTensor* gate = Take("ffn_gate_exps.weight");
    IsShape(up, "ffn_up_exps.weight", width, ff, experts);
    IsShape(gate, "ffn_gate_exps.weight", width, ff, experts);
    Store(GgufMatrix::kUp, up);
    Store(GgufMatrix::kGate, gate);
    expert->set_gated(gate != nullptr);
    biases.push_back({"ffn_up_exps.bias", ff * experts});
    if (gate != nullptr) {
      biases.push_back({"ffn_gate_exps.bias", ff * experts});
    }
  }
  expert->set_bias(TakeVectors(biases));
  return true;
}

// Experts with tensors of their own, "ffn_gate.7.weight" (Mixtral before April
// 2024).
bool LayerReader::ReadSingleExperts(int64_t experts, Mlp* expert) {
  if (!Has("ffn_down.0.weight")) return false;
  const bool gated = Has("ffn_gate.0.weight");
  expert->set_gated(gated);
  for (int64_t i = 0; i < experts; ++i) {
    const auto name = [i](const char* matrix) {
      return absl::StrCat(matrix, ".", i, ".weight");
    };
    const GgufTensor* down = Require(name("ffn_down"));
    const GgufTensor* up = Require(name("ffn_up"));
    const GgufTensor* gate = gated ? Require(name("ffn_gate")) : nullptr;
    if (down == nullptr || up == nullptr) return true;
    if (i == 0) expert->set_d_ff(down->dims[0]);
    IsShape(down, name("ffn_down"), expert->d_ff(), d_);
    IsShape(up, name("ffn_up"), d_, expert->d_ff());
    IsShape(gate, name("ffn_gate"), d_, expert->d_ff());
    Store(GgufMatrix::kDown, down);
    Store(GgufMatrix::kUp, up);
    Store(GgufMatrix::kGate, gate);
  }
  return true;
}

void LayerReader::ReadExperts() {
  MixtureOfExperts* moe = block().mutable_moe();
  const std::string kRouter = "ffn_gate_inp.weight";
  const GgufTensor* router = Require(kRouter);
  if (router == nullptr) return;
  const int64_t experts = router->dims[1];
  if (experts > kMaxHeads) {
    Fault(kRouter, absl::StrCat("has ", experts, " experts; expected at most ",
                                kMaxHeads));
    return;
  }
  IsShape(router, kRouter, d_, experts);
  AddVector(router);
  Count(d_ * experts);
  moe->set_experts(experts);
  moe->set_experts_per_token(
      keys_.Required("expert_used_count", number_, 1, experts));
  // Experts may run in a narrower width than the residual stream's.
  int64_t width = d_;
  if (const GgufTensor* narrow = Take("ffn_latent_down.weight")) {
    const GgufTensor* wide = Require("ffn_latent_up.weight");
    width = narrow->dims[1];
    IsShape(narrow, "ffn_latent_down.weight", d_, width);
    IsShape(wide, "ffn_latent_up.weight", width, d_);
    Store(GgufMatrix::kShared, narrow);
    Store(GgufMatrix::kShared, wide);
    moe->set_latent_dim(width);
  }
  if (!ReadFusedExperts(width, experts, moe->mutable_expert()) &&
      !ReadSingleExperts(experts, moe->mutable_expert())) {
    Fault("ffn_down_exps.weight", "is missing beside ffn_gate_inp.weight");
  }
  // A table of each token's experts, in whole numbers, of which a row is looked
  // up (DeepSeek-V4).
  if (const GgufTensor* table = Take("ffn_gate_tid2eid.weight")) {
    layer_.unused_bytes += table->bytes();
  }
  for (const char* name : {"exp_probs_b.bias", "ffn_gate_inp.bias"}) {
    if (Has(name) && !moe->router_bias()) {
      moe->set_router_bias(TakeVector(name, experts));
    }
  }
  const std::string shared = Has("ffn_down_shexp.weight") ? "_shexp"
                             : Has("ffn_down.weight")     ? ""
                                                          : "none";
  if (shared != "none") {
    *moe->mutable_shared() =
        ReadMlp(shared, GgufMatrix::kShared, GgufMatrix::kShared,
                GgufMatrix::kSharedDown);
    moe->set_shared_gate(TakeVector("ffn_gate_inp_shexp.weight", d_));
  }
}

void LayerReader::ReadChannel() {
  if (HasExperts()) {
    ReadExperts();
  } else if (Has("ffn_up.weight") || Has("ffn_down.weight")) {
    *block().mutable_mlp() =
        ReadMlp("", GgufMatrix::kGate, GgufMatrix::kUp, GgufMatrix::kDown);
  }
}

// What a module for drafts has beside a block.
void LayerReader::ReadMtp() {
  for (const auto& entry : GgufLayerTensors(left_)) {
    if (!absl::StartsWith(entry.first, "nextn.")) continue;
    layer_.is_mtp = true;
    left_.erase(entry.first);
  }
}

// Whether a name is that of a norm's weights.
bool IsNormWeight(absl::string_view name) {
  absl::ConsumeSuffix(&name, ".weight");
  return absl::StrContains(name, "norm") && !absl::EndsWith(name, ".bias");
}

// Counts what is left: norms, further vectors, and the matrices that stand
// beside mixer and channel part. Others are faults.
void LayerReader::ReadRest() {
  for (const char* name : kExtraMatrices) {
    const GgufTensor* tensor = Take(name);
    if (tensor == nullptr) continue;
    Projection* extra = block().add_extra();
    std::string label(absl::StripSuffix(name, ".weight"));
    extra->set_name(label);
    extra->set_in(tensor->dims[0]);
    extra->set_out(tensor->dims[1] * tensor->dims[2] * tensor->dims[3]);
    Store(GgufMatrix::kMixer, tensor);
  }
  // A layer without attention whose output projection stands in for it
  // (DeciLM).
  if (const GgufTensor* linear = Take("attn_output.weight")) {
    IsShape(linear, "attn_output.weight", d_, d_);
    Projection* extra = block().add_extra();
    extra->set_name("attention_linear");
    extra->set_in(d_);
    extra->set_out(d_);
    Store(GgufMatrix::kMixer, linear);
  }
  std::vector<int64_t> norms(layer_.blocks.size(), 0);
  const int64_t per_norm = context_.norm == LAYER_NORM ? 2 * d_ : d_;
  for (const auto& entry : GgufLayerTensors(left_)) {
    const GgufTensor* tensor = entry.second;
    // The norm before the mixers belongs to the first of them.
    block_ =
        entry.first == "attn_norm.weight" || entry.first == "attn_norm.bias"
            ? 0
            : layer_.blocks.size() - 1;
    if (!tensor->is_vector()) {
      Fault(entry.first,
            absl::StrCat("is a matrix of ", tensor->Shape(),
                         " that the import of ", context_.architecture->name,
                         " does not know"));
      continue;
    }
    AddVector(tensor);
    if (context_.norm != NO_NORM && tensor->elements() == d_ &&
        IsNormWeight(entry.first)) {
      ++norms[block_];
      Count(per_norm);
    }
  }
  for (size_t i = 0; i < layer_.blocks.size(); ++i) {
    Block& block = layer_.blocks[i].block;
    block.set_norms(norms[i]);
    const int64_t rest = vectors_[i] - counted_[i];
    if (rest > 0) {
      Projection* extra = block.add_extra();
      extra->set_name("vectors");
      extra->set_vector(rest);
    } else if (rest < 0 && !layer_.is_mtp) {
      context_.log->AddNote(absl::StrCat(
          "layer ", number_, " holds ", -rest,
          " fewer elements of norms and biases than the schema's block"));
    }
  }
}

// Names as the import of Hugging Face's configurations has them.
void LayerReader::SetNames() {
  for (GgufBlock& one : layer_.blocks) {
    Block& block = one.block;
    std::string name;
    switch (block.mixer_case()) {
      case Block::kAttention:
        name = block.attention().has_sliding_tokens() ? "local"
               : block.attention().has_chunk_tokens() ? "chunked"
                                                      : "full";
        break;
      case Block::kLatentAttention:
        name = "full";
        break;
      case Block::kCompressedAttention:
        name = block.compressed_attention().ratio() == 0    ? "window"
               : block.compressed_attention().has_indexer() ? "indexed"
                                                            : "compressed";
        break;
      case Block::kLinearAttention:
        name = "linear";
        break;
      case Block::kShortConvolution:
        name = "conv";
        break;
      case Block::MIXER_NOT_SET:
        name = block.has_moe() ? "" : block.has_mlp() ? "mlp" : "linear";
        break;
      default:
        name = "mamba";
        break;
    }
    if (block.has_moe()) absl::StrAppend(&name, name.empty() ? "moe" : "-moe");
    if (layer_.is_mtp) name = "mtp";
    block.set_name(name);
  }
}

GgufLayer LayerReader::Read() {
  ReadMtp();
  ReadMixers();
  ReadChannel();
  const bool has_attention =
      layer_.blocks.back().block.has_attention() &&
      layer_.blocks.back().block.channel_case() != Block::CHANNEL_NOT_SET;
  // Without a norm between them, mixer and channel part read the same input.
  if (has_attention && !Has("ffn_norm.weight") && !Has("ffn_norm") &&
      !Has("post_attention_norm.weight")) {
    layer_.blocks.back().block.set_parallel(true);
  }
  if (has_attention && keys_.Int("use_parallel_residual", 0, 1).value_or(0)) {
    layer_.blocks.back().block.set_parallel(true);
  }
  ReadRest();
  SetNames();
  const Block& only = layer_.blocks[0].block;
  if (layer_.blocks.size() == 1 && only.mixer_case() == Block::MIXER_NOT_SET &&
      only.channel_case() == Block::CHANNEL_NOT_SET && only.extra().empty() &&
      only.norms() == 0) {
    layer_.blocks.clear();
  }
  return std::move(layer_);
}

}  // namespace

const GgufArchitecture* FindGgufArchitecture(absl::string_view name) {
  const auto* found = std::find_if(
      std::begin(kArchitectures), std::end(kArchitectures),
      [&](const GgufArchitecture& one) { return one.name == name; });
  return found == std::end(kArchitectures) ? nullptr : found;
}

std::vector<std::string> GgufArchitectureNames() {
  std::vector<std::string> names;
  for (const GgufArchitecture& one : kArchitectures) names.push_back(one.name);
  std::sort(names.begin(), names.end());
  return names;
}

void FormatMix::Add(const GgmlType& type, int64_t elements) {
  Part& part = parts_[type.id];
  part.elements += elements;
  ++part.tensors;
  if (size_ < 0) size_ = elements;
  if (size_ != elements) size_ = 0;
}

void FormatMix::Add(const FormatMix& other) {
  if (other.parts_.empty()) return;
  for (const auto& entry : other.parts_) {
    Part& part = parts_[entry.first];
    part.elements += entry.second.elements;
    part.tensors += entry.second.tensors;
  }
  if (size_ < 0) size_ = other.size_;
  if (size_ != other.size_) size_ = 0;
}

int64_t FormatMix::elements() const {
  int64_t sum = 0;
  for (const auto& entry : parts_) sum += entry.second.elements;
  return sum;
}

std::string FormatMix::Most() const {
  const auto most = std::max_element(
      parts_.begin(), parts_.end(), [](const auto& a, const auto& b) {
        return a.second.elements < b.second.elements;
      });
  return most == parts_.end() ? "" : FindGgmlType(most->first)->format;
}

std::string FormatMix::Name() const {
  if (parts_.size() < 2) return Most();
  int64_t divisor = 0;
  for (const auto& entry : parts_) {
    divisor = std::gcd(divisor, entry.second.elements);
  }
  std::vector<std::pair<int64_t, uint32_t>> counts;
  for (const auto& entry : parts_) {
    // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): tensors have elements.
    counts.push_back(
        {size_ > 0 ? entry.second.tensors : entry.second.elements / divisor,
         entry.first});
  }
  std::stable_sort(
      counts.begin(), counts.end(),
      [](const auto& a, const auto& b) { return a.first > b.first; });
  return absl::StrJoin(counts, " ", [](std::string* out, const auto& count) {
    absl::StrAppend(out, FindGgmlType(count.second)->format, ":", count.first);
  });
}

GgufLayer ReadGgufLayer(const GgufContext& context, int64_t number,
                        const GgufLayerTensors& tensors) {
  return LayerReader(context, number, tensors).Read();
}

}  // namespace tokenjoule
