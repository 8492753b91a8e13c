#include "analyzer/import/hf_formats.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/formats.h"
#include "analyzer/import/hf_modules.h"
#include "analyzer/import/hf_quantization.h"

namespace tokenjoule {
namespace {

// Experts are resolved one by one only in models with at most so many.
constexpr int64_t kMostExperts = 200'000;
// Kinds of block that may be added because layers are stored differently;
// beyond that, layers of one shape share a mix.
constexpr size_t kMostAddedKinds = 32;

// The format of a field that holds a dtype; empty and a fault for others.
std::string DtypeFormat(const JsonReader& reader, const char* field) {
  const std::string text = reader.String(field);
  const absl::string_view name = absl::StripPrefix(text, "torch.");
  if (name == "bfloat16") return "bf16";
  if (name == "float16" || name == "half") return "fp16";
  if (name == "float32" || name == "float") return "fp32";
  if (!name.empty()) {
    reader.AddFault(field,
                    UnknownNameMessage("dtype", name,
                                       {"bfloat16", "float16", "float32"}, ""));
  }
  return "";
}

// The format of the tensors that are not quantised.
std::string ReadDtype(const JsonReader& root, const JsonReader& config) {
  for (const JsonReader* reader : {&config, &root}) {
    for (const char* field : {"dtype", "torch_dtype"}) {
      if (reader->Has(field)) return DtypeFormat(*reader, field);
    }
  }
  root.NoteDefault("dtype", "bfloat16 (assumed)");
  return "bf16";
}

// Sets the format of the recurrent state if the configuration gives it.
// NVIDIA's models name the field as vLLM's flag, Qwen's as SGLang's.
void ReadStateFormat(const JsonReader& config, CheckpointFormats* formats) {
  for (const char* field : {"mamba_ssm_cache_dtype", "mamba_ssm_dtype"}) {
    if (!config.Has(field)) continue;
    formats->set_state(DtypeFormat(config, field));
    return;
  }
  if (!formats->state().empty()) {
    config.NoteDefault("mamba_ssm_cache_dtype", formats->state());
  }
}

// Elements by the format they are stored in.
class Tally {
 public:
  void Add(const std::string& format, double elements) {
    elements_[format] += elements;
  }
  void Add(const Tally& other) {
    for (const auto& entry : other.elements_) Add(entry.first, entry.second);
  }
  bool empty() const { return elements_.empty(); }
  double total() const {
    double sum = 0;
    for (const auto& entry : elements_) sum += entry.second;
    return sum;
  }

  // The format of most elements, which must not be empty.
  std::string Most() const {
    return std::max_element(
               elements_.begin(), elements_.end(),
               [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
  }

  // The one format of all elements, or "A:m B:n", most elements first.
  std::string Name() const {
    if (elements_.size() == 1) return elements_.begin()->first;
    double divisor = 0;
    for (const auto& entry : elements_) {
      double a = entry.second;
      while (a > 0) {
        divisor = std::fmod(divisor, a);
        std::swap(divisor, a);
      }
    }
    std::vector<std::pair<double, std::string>> order;
    for (const auto& entry : elements_) {
      order.emplace_back(-entry.second / divisor, entry.first);
    }
    absl::c_sort(order);
    std::string name;
    for (const auto& entry : order) {
      absl::StrAppend(&name, name.empty() ? "" : " ", entry.second, ":",
                      absl::StrFormat("%.0f", -entry.first));
    }
    return name;
  }

 private:
  std::map<std::string, double> elements_;
};

// The matrices of one layer.
class LayerTally {
 public:
  Tally& operator[](HfMatrix matrix) {
    return by_matrix_[static_cast<size_t>(matrix)];
  }
  const Tally& operator[](HfMatrix matrix) const {
    return by_matrix_[static_cast<size_t>(matrix)];
  }
  void Add(const LayerTally& other) {
    for (size_t i = 0; i < by_matrix_.size(); ++i) {
      by_matrix_[i].Add(other.by_matrix_[i]);
    }
  }
  Tally Sum(std::initializer_list<HfMatrix> matrices) const {
    Tally sum;
    for (const HfMatrix matrix : matrices) sum.Add((*this)[matrix]);
    return sum;
  }
  Tally Mixer() const {
    return Sum({HfMatrix::kMixer, HfMatrix::kQuery, HfMatrix::kKey,
                HfMatrix::kValue, HfMatrix::kOutput});
  }
  Tally Channel() const {
    return Sum({HfMatrix::kGate, HfMatrix::kUp, HfMatrix::kDown});
  }
  Tally Shared() const {
    return Sum({HfMatrix::kShared, HfMatrix::kSharedDown});
  }

 private:
  std::array<Tally, static_cast<size_t>(HfMatrix::kNumMatrices)> by_matrix_;
};

// Resolves the modules of a checkpoint.
class Resolver {
 public:
  Resolver(const HfQuantization& quantization, std::string dtype,
           const JsonReader& root)
      : quantization_(quantization), dtype_(std::move(dtype)), root_(root) {}

  // The format of a module that is kept is that of the configuration's dtype.
  std::string FormatOf(const HfModule& module) {
    std::string format = quantization_.FormatOf(module);
    if (format.empty()) return dtype_;
    has_quantised_ = true;
    if (known_.insert(format).second && FindFormat(format) == nullptr) {
      root_.AddFault(
          quantization_.field(),
          absl::StrCat("has \"", Printable(format), "\" for ", module.paths[0],
                       ", which is not a number format that can be "
                       "expressed"));
    }
    return format;
  }

  LayerTally OfLayer(const LayerStack::Layer& layer, int64_t d,
                     bool all_experts) {
    const HfNaming& naming = quantization_.naming();
    LayerTally tally;
    for (const HfModule& module :
         ModulesOf(layer.block, layer.number, d, naming)) {
      tally[module.matrix].Add(FormatOf(module), module.elements);
    }
    if (!layer.block.has_moe()) return tally;
    const int64_t experts = layer.block.moe().experts();
    // Experts are stored alike in most checkpoints: three tell.
    const auto formats_of = [&](int64_t expert) {
      std::vector<std::string> formats;
      for (const HfModule& module :
           ExpertModulesOf(layer.block, layer.number, d, expert, naming)) {
        formats.push_back(FormatOf(module));
      }
      return formats;
    };
    const std::vector<std::string> first = formats_of(0);
    if (!naming.mlx) {
      all_experts = all_experts || formats_of(experts / 2) != first ||
                    formats_of(experts - 1) != first;
    }
    const std::vector<HfModule> modules =
        ExpertModulesOf(layer.block, layer.number, d, 0, naming);
    if (!all_experts || naming.mlx) {
      for (size_t i = 0; i < modules.size(); ++i) {
        tally[modules[i].matrix].Add(first[i], experts * modules[i].elements);
      }
      return tally;
    }
    for (int64_t expert = 0; expert < experts; ++expert) {
      const std::vector<std::string> formats = formats_of(expert);
      for (size_t i = 0; i < modules.size(); ++i) {
        tally[modules[i].matrix].Add(formats[i], modules[i].elements);
      }
    }
    return tally;
  }

  bool has_quantised() const { return has_quantised_; }

 private:
  const HfQuantization& quantization_;
  const std::string dtype_;
  const JsonReader& root_;
  absl::flat_hash_set<std::string> known_;
  bool has_quantised_ = false;
};

// Sets a model's formats to those of most elements.
void SetModelFormats(const std::vector<LayerStack::Layer>& layers,
                     const std::vector<LayerTally>& tallies,
                     const std::string& dtype, CheckpointFormats* formats) {
  Tally mixers, mlps, experts, shared;
  for (size_t i = 0; i < layers.size(); ++i) {
    mixers.Add(tallies[i].Mixer());
    (layers[i].block.has_moe() ? experts : mlps).Add(tallies[i].Channel());
    shared.Add(tallies[i].Shared());
  }
  const std::string linear = !mlps.empty()     ? mlps.Most()
                             : !mixers.empty() ? mixers.Most()
                                               : dtype;
  formats->set_linear(linear);
  if (!mixers.empty() && mixers.Most() != linear) {
    formats->set_mixers(mixers.Most());
  }
  const std::string routed = experts.empty() ? linear : experts.Most();
  if (routed != linear) formats->set_experts(routed);
  if (!shared.empty() && shared.Most() != routed) {
    formats->set_shared_experts(shared.Most());
  }
}

// Calls `set` with the name of a tally that is not `base`.
template <typename Set>
void SetIfOther(const Tally& tally, const std::string& base, const Set& set) {
  if (tally.empty()) return;
  const std::string name = tally.Name();
  if (name != base) set(name);
}

// The formats of a block that are not the model's.
BlockFormats OwnFormats(const Block& block, const LayerTally& tally,
                        const CheckpointFormats& model) {
  BlockFormats own;
  const auto first = [](const std::string& a, const std::string& b) {
    return a.empty() ? b : a;
  };
  // All matrices of the mixer, then those that differ.
  std::string base = first(model.mixers(), model.linear());
  if (!tally.Mixer().empty()) {
    const Tally& unnamed = tally[HfMatrix::kMixer];
    const std::string mixer =
        unnamed.empty() ? tally.Mixer().Most() : unnamed.Name();
    if (mixer != base) own.set_mixer(mixer);
    base = mixer;
    SetIfOther(tally[HfMatrix::kQuery], base,
               [&](const std::string& name) { own.set_query(name); });
    SetIfOther(tally[HfMatrix::kKey], base,
               [&](const std::string& name) { own.set_key(name); });
    SetIfOther(tally[HfMatrix::kValue], base,
               [&](const std::string& name) { own.set_value(name); });
    SetIfOther(tally[HfMatrix::kOutput], base,
               [&](const std::string& name) { own.set_output(name); });
  }
  const std::string stored_experts = first(model.experts(), model.linear());
  base = block.has_moe() ? stored_experts : model.linear();
  const Tally channel = tally.Channel();
  if (!channel.empty()) {
    // If all matrices have one format or one mix, the field of all says it.
    std::string all = tally[HfMatrix::kUp].Name();
    for (const HfMatrix matrix : {HfMatrix::kGate, HfMatrix::kDown}) {
      const Tally& one = tally[matrix];
      if (!one.empty() && one.Name() != all) all = channel.Most();
    }
    if (all != base) own.set_channel(all);
    base = all;
    SetIfOther(tally[HfMatrix::kGate], base,
               [&](const std::string& name) { own.set_gate(name); });
    SetIfOther(tally[HfMatrix::kUp], base,
               [&](const std::string& name) { own.set_up(name); });
    SetIfOther(tally[HfMatrix::kDown], base,
               [&](const std::string& name) { own.set_down(name); });
  }
  if (!tally.Shared().empty()) {
    base = first(model.shared_experts(), first(own.channel(), stored_experts));
    const Tally& gate_up = tally[HfMatrix::kShared];
    const std::string shared =
        gate_up.empty() ? tally.Shared().Most() : gate_up.Name();
    if (shared != base) own.set_shared(shared);
    SetIfOther(tally[HfMatrix::kSharedDown], shared,
               [&](const std::string& name) { own.set_shared_down(name); });
  }
  return own;
}

// Sets each layer's own formats.
void SetBlockFormats(const std::vector<LayerTally>& tallies,
                     const CheckpointFormats& model,
                     std::vector<LayerStack::Layer>* layers) {
  for (size_t i = 0; i < layers->size(); ++i) {
    Block& block = (*layers)[i].block;
    const BlockFormats own = OwnFormats(block, tallies[i], model);
    block.clear_formats();
    if (own.ByteSizeLong() > 0) *block.mutable_formats() = own;
  }
}

size_t Kinds(const std::vector<LayerStack::Layer>& layers) {
  absl::flat_hash_set<std::string> kinds;
  for (const LayerStack::Layer& layer : layers) {
    kinds.insert(layer.block.SerializeAsString());
  }
  return kinds.size();
}

// Gives layers that differ in nothing but their formats the sum of their
// tallies.
void ShareTallies(const std::vector<LayerStack::Layer>& layers,
                  std::vector<LayerTally>* tallies) {
  absl::flat_hash_map<std::string, LayerTally> sums;
  std::vector<std::string> shapes;
  for (size_t i = 0; i < layers.size(); ++i) {
    Block shape = layers[i].block;
    shape.clear_formats();
    shapes.push_back(shape.SerializeAsString());
    sums[shapes.back()].Add((*tallies)[i]);
  }
  for (size_t i = 0; i < layers.size(); ++i) (*tallies)[i] = sums[shapes[i]];
}

}  // namespace

void ReadHfFormats(const JsonReader& root, const JsonReader& config,
                   const JsonReader* sidecar, LayerStack* stack, Model* model) {
  const std::string dtype = ReadDtype(root, config);
  CheckpointFormats* formats = model->mutable_formats();
  formats->set_linear(dtype);
  formats->set_lm_head(dtype);
  formats->set_embedding(dtype);
  formats->set_vectors(dtype);
  ReadStateFormat(config, formats);
  const HfQuantization quantization(root, config, sidecar);
  if (!quantization.is_found()) {
    if (!dtype.empty()) {
      root.AddNote(absl::StrCat(
          "No quantisation is named in config.json or beside it: weights are "
          "taken as ",
          dtype, "."));
    }
    return;
  }
  if (!quantization.kv().empty()) formats->set_kv(quantization.kv());
  if (!quantization.is_applied() || dtype.empty()) return;

  std::vector<LayerStack::Layer>& layers = stack->mutable_layers();
  const int64_t d = model->d_model();
  double experts = 0;
  for (const LayerStack::Layer& layer : layers) {
    experts += layer.block.moe().experts();
  }
  const bool all_experts = quantization.names_experts();
  if (all_experts && experts > kMostExperts) {
    root.AddFault(quantization.field(),
                  absl::StrCat("names single experts of ", experts,
                               "; expected at most ", kMostExperts));
    return;
  }
  Resolver resolver(quantization, dtype, root);
  std::vector<LayerTally> tallies;
  for (const LayerStack::Layer& layer : layers) {
    tallies.push_back(resolver.OfLayer(layer, d, all_experts));
  }
  const std::string embedding =
      resolver.FormatOf(EmbeddingModule(d, model->vocab_size()));
  formats->set_embedding(embedding);
  // A tied head reads the embedding.
  formats->set_lm_head(model->tied_embeddings() ? embedding
                                                : resolver.FormatOf(HeadModule(
                                                      d, model->vocab_size())));
  if (!resolver.has_quantised()) {
    root.AddFault(quantization.field(),
                  "quantises none of the model's matrices: its names, targets "
                  "or classes of modules fit none of them");
    return;
  }
  SetModelFormats(layers, tallies, dtype, formats);
  const size_t shapes = Kinds(layers);
  SetBlockFormats(tallies, *formats, &layers);
  if (Kinds(layers) > shapes + kMostAddedKinds) {
    ShareTallies(layers, &tallies);
    SetBlockFormats(tallies, *formats, &layers);
    root.AddNote(
        "Layers are stored in many different formats: layers of one shape "
        "share "
        "the mean of their formats.");
  }
  if (quantization.naming().mlx && experts > 0) {
    root.AddNote(
        "MLX also quantises routers; they count in the format of vectors.");
  }
}

}  // namespace tokenjoule
