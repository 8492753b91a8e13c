#include "analyzer/ledger/ledger.h"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "analyzer/description/architecture.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/gguf_recipes.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/ledger/build_ledger.h"
#include "analyzer/quality/shipped_precision.h"

namespace tokenjoule {
namespace {

// The format of the first name that is not empty, else bf16.
const NumberFormat* FirstOf(std::initializer_list<absl::string_view> names) {
  for (const absl::string_view name : names) {
    if (!name.empty()) return &GetFormat(name);
  }
  return &GetFormat("bf16");
}

const Block* FindBlock(const Model& model, absl::string_view name) {
  const auto found =
      std::find_if(model.block().begin(), model.block().end(),
                   [&](const Block& block) { return block.name() == name; });
  return found == model.block().end() ? nullptr : &*found;
}

// The quantiser asks the first layer how many query heads share a KV head.
RecipeFacts RecipeFactsOf(const Model& model) {
  RecipeFacts facts;
  facts.layers = std::max<int64_t>(TotalLayers(model), 1);
  facts.tied = model.tied_embeddings();
  bool is_first = true;
  for (const LayerPattern& pattern : model.layers()) {
    const int64_t repeat = std::max<int64_t>(pattern.repeat(), 1);
    for (const LayerPattern::Run& run : pattern.run()) {
      const Block* block = FindBlock(model, run.block());
      if (block == nullptr) continue;
      if (block->has_attention()) {
        const Attention& attention = block->attention();
        facts.attention_layers += repeat * run.count();
        if (is_first && attention.kv_heads() > 0) {
          facts.sharing = attention.heads() / attention.kv_heads();
        }
      }
      if (block->has_moe()) facts.experts = block->moe().experts();
      is_first = false;
    }
  }
  return facts;
}

// Resolves names of formats of matrices, recipes among them.
class MatrixFormatResolver {
 public:
  MatrixFormatResolver(const Model& model, const Scenario& scenario)
      : model_(model), scenario_(scenario), facts_(RecipeFactsOf(model)) {}

  // `given` are the scenario's names, which may be recipes by the name of a
  // tensor format; `stored` are the checkpoint's. The first that is not empty
  // counts.
  const NumberFormat* Resolve(std::initializer_list<absl::string_view> given,
                              std::initializer_list<absl::string_view> stored,
                              MatrixClass matrix, int64_t row) const {
    for (const absl::string_view name : given) {
      if (name.empty()) continue;
      return IsRecipe(name) ? &RecipeFormat(name, matrix, row, facts_)
                            : &GetFormat(name);
    }
    const NumberFormat* format = FirstOf(stored);
    return format->is_recipe ? &RecipeFormat(format->name, matrix, row, facts_)
                             : format;
  }

  MatrixFormats OfBlock(const Block& block) const {
    const CheckpointFormats& stored = model_.formats();
    const BlockFormats& own = block.formats();
    const int64_t d = model_.d_model();
    const auto mixer = [&](const std::string& name, MatrixClass matrix,
                           int64_t row) {
      return Resolve({scenario_.weights()},
                     {name, own.mixer(), stored.mixers(), stored.linear()},
                     matrix, row);
    };
    MatrixFormats formats;
    formats.mixer = mixer("", MatrixClass::kOtherMixer, d);
    formats.query = mixer(own.query(), MatrixClass::kQuery, d);
    formats.key = mixer(own.key(), MatrixClass::kKey, d);
    formats.value = mixer(own.value(), MatrixClass::kValue, d);
    const Attention& attention = block.attention();
    formats.output = mixer(
        own.output(), MatrixClass::kAttentionOutput,
        block.has_attention() ? attention.heads() * attention.head_dim() : d);
    const bool has_experts = block.has_moe();
    const auto channel = [&](const std::string& name, MatrixClass matrix,
                             int64_t row) {
      return Resolve(
          {has_experts ? scenario_.experts() : "", scenario_.weights()},
          {name, own.channel(), has_experts ? stored.experts() : "",
           stored.linear()},
          matrix, row);
    };
    const Mlp& mlp = has_experts ? block.moe().expert() : block.mlp();
    const MatrixClass gate_up =
        has_experts ? MatrixClass::kExpertGateUp : MatrixClass::kGateUp;
    const int64_t width =
        block.moe().latent_dim() > 0 ? block.moe().latent_dim() : d;
    formats.gate = channel(own.gate(), gate_up, width);
    formats.up = channel(own.up(), gate_up, width);
    formats.down = channel(
        own.down(), has_experts ? MatrixClass::kExpertDown : MatrixClass::kDown,
        mlp.d_ff());
    const auto shared = [&](const std::string& name, MatrixClass matrix,
                            int64_t row) {
      return Resolve({scenario_.experts(), scenario_.weights()},
                     {name, own.shared(), stored.shared_experts(),
                      own.channel(), stored.experts(), stored.linear()},
                     matrix, row);
    };
    formats.shared = shared("", MatrixClass::kGateUp, d);
    formats.shared_down = shared(own.shared_down(), MatrixClass::kDown,
                                 block.moe().shared().d_ff());
    return formats;
  }

 private:
  const Model& model_;
  const Scenario& scenario_;
  const RecipeFacts facts_;
};

}  // namespace

namespace {

// Formats of a network: the flags', else the layer's own, else the network's,
// else int8.
TensorFormats NetworkFormats(const Network& network, const Scenario& scenario) {
  const auto pick = [](std::initializer_list<absl::string_view> names) {
    for (const absl::string_view name : names) {
      if (!name.empty()) return &GetFormat(name);
    }
    return &GetFormat("int8");
  };
  TensorFormats formats = {};
  const NumberFormat* const weights =
      pick({scenario.weights(), network.weights()});
  const NumberFormat* const activations =
      pick({scenario.activations(), network.activations()});
  for (const NetworkLayer& layer : network.layer()) {
    formats.network_layers.push_back(
        {pick({scenario.weights(), layer.weights(), network.weights()}),
         pick({scenario.activations(), layer.activations(),
               network.activations()}),
         activations,
         scenario.weights().empty() && layer.stored_bits_per_weight() > 0});
  }
  formats.linear = formats.mixers = formats.experts = formats.lm_head =
      formats.embedding = weights;
  formats.vectors = &GetFormat("fp32");
  formats.activations = formats.stream = formats.state = formats.kv =
      formats.kv_values = activations;
  return formats;
}

}  // namespace

TensorFormats ResolveFormats(const Model& model, const Scenario& scenario) {
  if (model.has_network()) return NetworkFormats(model.network(), scenario);
  const CheckpointFormats& stored = model.formats();
  TensorFormats formats;
  const MatrixFormatResolver matrices(model, scenario);
  const int64_t d = model.d_model();
  for (const Block& block : model.block()) {
    formats.blocks.push_back(matrices.OfBlock(block));
  }
  const auto most = [&](std::initializer_list<absl::string_view> given,
                        std::initializer_list<absl::string_view> names) {
    return &KernelFormat(
        *matrices.Resolve(given, names, MatrixClass::kGateUp, d));
  };
  formats.linear = most({scenario.weights()}, {stored.linear()});
  formats.mixers =
      most({scenario.weights()}, {stored.mixers(), stored.linear()});
  formats.experts = most({scenario.experts(), scenario.weights()},
                         {stored.experts(), stored.linear()});
  // A recipe covers the embedding too; other formats leave it as it is.
  formats.embedding =
      matrices.Resolve({IsRecipe(scenario.weights()) ? scenario.weights() : ""},
                       {stored.embedding()}, MatrixClass::kEmbedding, d);
  formats.lm_head = matrices.Resolve({scenario.lm_head(), scenario.weights()},
                                     {stored.lm_head(), stored.embedding()},
                                     MatrixClass::kLmHead, d);
  // llama.cpp's converter keeps norms, biases and routers in fp32.
  formats.vectors =
      FirstOf({IsRecipe(scenario.weights()) ? "fp32" : "", stored.vectors()});
  formats.kv = FirstOf({scenario.kv(), stored.kv()});
  formats.kv_values = FirstOf(
      {scenario.kv_values(), scenario.kv(), stored.kv_values(), stored.kv()});
  formats.activations = scenario.activations().empty()
                            ? nullptr
                            : &GetFormat(scenario.activations());
  formats.expert_activations = scenario.expert_activations().empty()
                                   ? nullptr
                                   : &GetFormat(scenario.expert_activations());
  // The residual stream is 16 bits wide even if products are narrower; in the
  // unit model and in fp32 it is as wide as the weights.
  const bool narrow = formats.vectors->operand_bits < 16;
  const NumberFormat& operands = formats.ActivationsFor(*formats.linear);
  formats.stream = narrow                       ? formats.vectors
                   : operands.operand_bits > 16 ? &operands
                                                : &GetFormat("bf16");
  // Engines keep the recurrent state in the model's own format, even if the
  // weights are quantised, unless the model asks for another.
  formats.state =
      stored.state().empty() ? formats.stream : &GetFormat(stored.state());
  return formats;
}

Scenario ResolveScenario(const Model& model, const Scenario& scenario) {
  const TensorFormats formats = ResolveFormats(model, scenario);
  Scenario resolved = scenario;
  if (!IsRecipe(resolved.weights())) {
    resolved.set_weights(std::string(formats.linear->name));
  }
  const int boundary = resolved.boundary().empty()
                           ? static_cast<int>(kDefaultBoundary)
                           : BoundaryIndex(resolved.boundary());
  if (boundary >= 0) {
    resolved.set_boundary(std::string(kBoundaries[boundary].name));
  }
  if (model.has_network()) {
    resolved.set_activations(std::string(formats.activations->name));
    // A network has none of these.
    resolved.clear_context();
    return resolved;
  }
  resolved.set_lm_head(std::string(formats.lm_head->name));
  resolved.set_kv(std::string(formats.kv->name));
  if (formats.kv_values != formats.kv) {
    resolved.set_kv_values(std::string(formats.kv_values->name));
  }
  resolved.set_experts(std::string(formats.experts->name));
  resolved.set_activations(
      std::string(formats.ActivationsFor(*formats.linear).name));
  return resolved;
}

absl::string_view PartName(Part part) {
  switch (part) {
    case Part::kAttention:
      return "attention";
    case Part::kStateSpace:
      return "state space";
    case Part::kMlp:
      return "mlp";
    case Part::kExperts:
      return "experts";
    case Part::kSharedExperts:
      return "shared experts";
    case Part::kRouter:
      return "router";
    case Part::kNorms:
      return "norms";
    case Part::kLmHead:
      return "LM head";
    case Part::kEmbedding:
      return "embedding";
    case Part::kExtra:
      return "extra matrices";
    case Part::kDraft:
      return "draft";
    case Part::kConvolution:
      return "convolution";
    case Part::kDepthwise:
      return "depthwise";
    case Part::kFullyConnected:
      return "fully connected";
    case Part::kPooling:
      return "pooling";
    case Part::kResidualAdd:
      return "residual add";
    case Part::kNumParts:
      break;
  }
  return "?";
}

absl::optional<EqualQuality> EqualQualityOf(const Model& model,
                                            const Scenario& scenario,
                                            LawEnd end) {
  if (!scenario.equal_quality()) return absl::nullopt;
  EqualQuality asked;
  asked.law = ShippedPrecisionLaw(end);
  if (HasKvCache(model)) {
    asked.kv_bits = LawBits(ElementBits(*ResolveFormats(model, scenario).kv));
  }
  return asked;
}

StepSetup ResolveStep(const Model& model, const Scenario& scenario,
                      const Model* draft) {
  const TensorFormats formats = ResolveFormats(model, scenario);
  TensorFormats draft_formats = formats;
  if (draft != nullptr) {
    Scenario stored = scenario;
    stored.clear_weights();
    stored.clear_experts();
    stored.clear_expert_activations();
    stored.clear_lm_head();
    draft_formats = ResolveFormats(*draft, stored);
  }
  return {model,
          scenario,
          draft,
          formats,
          draft_formats,
          ParallelismOf(scenario),
          nullptr,
          EqualQualityOf(model, scenario)};
}

Ledger<double> BuildLedger(const StepSetup& step) {
  return BuildLedger<double>(step, ValueReader());
}

Ledger<double> BuildLedger(const Model& model, const Scenario& scenario,
                           const Model* draft) {
  return BuildLedger(ResolveStep(model, scenario, draft));
}

}  // namespace tokenjoule
