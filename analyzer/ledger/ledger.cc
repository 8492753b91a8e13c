#include "analyzer/ledger/ledger.h"

#include <string>

#include "analyzer/description/boundary.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/ledger/build_ledger.h"

namespace tokenjoule {
namespace {

// The format of the first name that is not empty, else bf16.
const NumberFormat* FirstOf(std::initializer_list<absl::string_view> names) {
  for (const absl::string_view name : names) {
    if (!name.empty()) return &GetFormat(name);
  }
  return &GetFormat("bf16");
}

}  // namespace

TensorFormats ResolveFormats(const Model& model, const Scenario& scenario) {
  const CheckpointFormats& stored = model.formats();
  TensorFormats formats;
  formats.linear = FirstOf({scenario.weights(), stored.linear()});
  formats.mixers =
      FirstOf({scenario.weights(), stored.mixers(), stored.linear()});
  formats.experts = FirstOf({scenario.experts(), scenario.weights(),
                             stored.experts(), stored.linear()});
  formats.embedding = FirstOf({stored.embedding()});
  formats.lm_head = FirstOf({scenario.lm_head(), scenario.weights(),
                             stored.lm_head(), stored.embedding()});
  formats.vectors = FirstOf({stored.vectors()});
  formats.kv = FirstOf({scenario.kv(), stored.kv()});
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
  resolved.set_weights(std::string(formats.linear->name));
  resolved.set_lm_head(std::string(formats.lm_head->name));
  resolved.set_kv(std::string(formats.kv->name));
  resolved.set_experts(std::string(formats.experts->name));
  resolved.set_activations(
      std::string(formats.ActivationsFor(*formats.linear).name));
  if (resolved.boundary().empty()) {
    resolved.set_boundary(std::string(kBoundaries[kDefaultBoundary].name));
  }
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
    case Part::kDraft:
      return "draft";
    case Part::kNumParts:
      break;
  }
  return "?";
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
  return {model,   scenario,      draft,
          formats, draft_formats, ParallelismOf(scenario)};
}

Ledger<double> BuildLedger(const StepSetup& step) {
  return BuildLedger<double>(step, ValueReader());
}

Ledger<double> BuildLedger(const Model& model, const Scenario& scenario,
                           const Model* draft) {
  return BuildLedger(ResolveStep(model, scenario, draft));
}

}  // namespace tokenjoule
