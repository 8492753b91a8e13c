#include "analyzer/quality/scaling_laws.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/formats.h"
#include "analyzer/description/study_data.h"
#include "analyzer/quality/shipped_precision.h"

namespace tokenjoule {
namespace {

bool IsRecurrent(const Block& block) {
  return block.has_mamba1() || block.has_mamba2() ||
         block.has_linear_attention() || block.has_short_convolution() ||
         block.has_rwkv();
}

// Experts over those that a token visits.
double ExpansionOf(const MixtureOfExperts& moe) {
  return static_cast<double>(moe.experts() + moe.identity_experts()) /
         static_cast<double>(moe.experts_per_token());
}

const Block* FindBlock(const Model& model, const std::string& name) {
  for (const Block& block : model.block()) {
    if (block.name() == name) return &block;
  }
  return nullptr;
}

// log F of the law at an expansion.
double LogEffectiveExperts(const ScalingLaws::Routed& law, double expansion) {
  const double start = law.expert_start().value();
  const double most = law.expert_max().value();
  const double first = 1 / (1 / start - 1 / most);
  return -std::log10(1 / (expansion - 1 + first) + 1 / most);
}

double RoutedEquivalent(const ScalingLaws::Routed& law,
                        const ShapeFacts& shape) {
  const double a = law.parameter_slope().value();
  const double b = law.expert_slope().value();
  const double c = law.interaction().value();
  const double parameters = std::log10(shape.active_parameters);
  const double experts = LogEffectiveExperts(law, shape.expansion);
  const double one = LogEffectiveExperts(law, 1);
  // a log N + b log F + c log N log F, at F = F1 solved for log N.
  return std::pow(
      10, (a * parameters + b * (experts - one) + c * parameters * experts) /
              (a + c * one));
}

// What depends on parameters and sparsity.
double SparseTerms(const ScalingLaws::Sparse& law, double parameters,
                   double active_share) {
  return law.parameter_scale().value() /
             std::pow(parameters, law.parameter_exponent().value()) +
         law.sparsity_scale().value() *
             std::pow(active_share, law.sparsity_exponent().value()) +
         law.mixed_scale().value() /
             (std::pow(active_share, law.mixed_sparsity_exponent().value()) *
              std::pow(parameters, law.mixed_parameter_exponent().value()));
}

// The terms fall as parameters grow: bisected in their logarithm, to far below
// what the law can tell.
double SparseEquivalent(const ScalingLaws::Sparse& law,
                        const ShapeFacts& shape) {
  const double wanted = SparseTerms(law, shape.parameters, 1 / shape.expansion);
  double low = std::log(shape.active_parameters);
  double high = std::log(shape.parameters);
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (SparseTerms(law, std::exp(middle), 1) > wanted ? low : high) = middle;
  }
  return std::exp((low + high) / 2);
}

// Bits as the precision law counts them, of the parts that shrink a model: a
// model that grows by equal_quality has made up for all of them.
PrecisionBits<> AskedBits(const ChosenLaws& laws, const PrecisionBits<>& bits) {
  if (laws.equal_quality) return {};
  return {laws.rounded_after_training ? kExactBits : LawBits(bits.weights),
          LawBits(bits.activations), LawBits(bits.kv_cache)};
}

std::string InBillions(double count) {
  const double billions = count * 1e-9;
  return billions < 1000 ? absl::StrFormat("%.3g e9", billions)
                         : absl::StrFormat("%.0f e9", billions);
}

// Where a shape is outside of what a law was fitted to; empty where inside.
std::string Outside(const ScalingLaws::Domain& domain, double parameters,
                    double tokens) {
  std::vector<std::string> outside;
  const auto check = [&](bool has, bool is_outside, absl::string_view what,
                         double found, const Constant& bound,
                         absl::string_view side) {
    if (!has || !is_outside) return;
    outside.push_back(absl::StrCat(InBillions(found), " ", what, ", ", side,
                                   " ", InBillions(bound.value())));
  };
  check(domain.has_min_parameters(),
        parameters < domain.min_parameters().value(), "parameters", parameters,
        domain.min_parameters(), "less than");
  check(domain.has_max_parameters(),
        parameters > domain.max_parameters().value(), "parameters", parameters,
        domain.max_parameters(), "more than");
  if (tokens > 0) {
    check(domain.has_min_tokens(), tokens < domain.min_tokens().value(),
          "tokens", tokens, domain.min_tokens(), "fewer than");
    check(domain.has_max_tokens(), tokens > domain.max_tokens().value(),
          "tokens", tokens, domain.max_tokens(), "more than");
  }
  return absl::StrJoin(outside, "; ");
}

void AddOutside(const std::string& title, const std::string& outside,
                QualityEstimate* estimate) {
  if (outside.empty()) return;
  estimate->add_caveats(
      absl::StrCat("extrapolated: ", title, " was not fitted to ", outside));
}

void AddPrecisionCaveats(const ChosenLaws& laws, const ShapeFacts& shape,
                         QualityEstimate* estimate) {
  const ScalingLaws::Precision& law = laws.all->precision();
  if (laws.equal_quality) {
    estimate->add_caveats(
        "equal_quality: parameters and loss are those of the model in 16 bits; "
        "energy and time are those of a model that has grown to make up for "
        "its "
        "precision and for noise");
  }
  const auto below = [&](const ScalingLaws::Precision::Part& part, double bits,
                         absl::string_view what) {
    if (bits >= part.min_bits().value()) return;
    AddOutside(law.title(),
               absl::StrFormat("%.3g bits in %s, fewer than %.3g", bits, what,
                               part.min_bits().value()),
               estimate);
  };
  if (laws.rounded_after_training) {
    const ScalingLaws::Rounding& rounding = laws.all->rounding();
    if (shape.bits.weights < 16 && laws.training_tokens > 0) {
      AddOutside(
          rounding.title(),
          Outside(rounding.domain(), shape.parameters, laws.training_tokens),
          estimate);
    }
  } else {
    below(law.weights(), shape.bits.weights, "weights");
  }
  below(law.activations(), shape.bits.activations, "activations");
  below(law.kv_cache(), shape.bits.kv_cache, "the KV cache");
  if (estimate->precision_growth() > 1.01 || laws.equal_quality) {
    AddOutside(law.title(),
               Outside(law.domain(), shape.parameters, laws.training_tokens),
               estimate);
  }
}

void AddShapeCaveats(const ChosenLaws& laws, const ShapeFacts& shape,
                     QualityEstimate* estimate) {
  const ScalingLaws::Shape& law = laws.all->shape();
  if (shape.aspect_ratio < law.min_aspect_ratio().value() ||
      shape.aspect_ratio > law.max_aspect_ratio().value()) {
    AddOutside(
        law.title(),
        absl::StrFormat("a width of %.3g per layer, outside of %.3g to "
                        "%.3g",
                        shape.aspect_ratio, law.min_aspect_ratio().value(),
                        law.max_aspect_ratio().value()),
        estimate);
  }
  estimate->add_caveats(
      "not covered: heads, KV heads, head size, windows, latent rank and state "
      "size, which the laws do not see but as parameters");
  if (shape.is_recurrent) {
    estimate->add_caveats(
        "not covered: recurrent layers; the laws were fitted to attention");
  }
}

void AddExpertCaveats(const ChosenLaws& laws, const ShapeFacts& shape,
                      QualityEstimate* estimate) {
  if (shape.expansion <= 1) return;
  const ScalingLaws::Experts& law = *laws.experts;
  AddOutside(
      law.title(),
      Outside(law.domain(), shape.active_parameters, laws.training_tokens),
      estimate);
  if (law.domain().has_max_expansion() &&
      shape.expansion > law.domain().max_expansion().value()) {
    AddOutside(
        law.title(),
        absl::StrFormat("%.3g experts for each that a token visits, more "
                        "than %.3g",
                        shape.expansion, law.domain().max_expansion().value()),
        estimate);
  }
  if (law.has_routed()) {
    estimate->add_caveats(absl::StrCat(
        law.title(),
        ": fitted to one expert per token in every second layer; several "
        "smaller experts per token count by their ratio"));
  }
}

// Effective parameters by a law of experts at an end of the precision law.
double EffectiveParameters(const ChosenLaws& laws,
                           const ScalingLaws::Experts& experts,
                           const ShapeFacts& shape, LawEnd end) {
  return DenseEquivalent(experts, shape) *
         PrecisionLawAt(laws.all->precision(), end)
             .ShareAt(AskedBits(laws, shape.bits));
}

double LossOf(const ChosenLaws& laws, const ScalingLaws::Dense& dense,
              const ShapeFacts& shape, double effective, LawEnd end) {
  const double loss = DenseLoss(dense, effective, laws.training_tokens);
  if (!laws.rounded_after_training || laws.equal_quality) return loss;
  return loss + RoundingLoss(laws.all->rounding(), shape.parameters,
                             laws.training_tokens, shape.bits.weights, end);
}

// The law of that name, or the first where none is named.
template <typename Laws>
auto LawNamed(const Laws& laws, const std::string& name,
              absl::string_view field)
    -> absl::StatusOr<decltype(&laws.Get(0))> {
  if (name.empty()) return &laws.Get(0);
  std::vector<std::string> names;
  for (const auto& law : laws) {
    if (law.name() == name) return &law;
    names.push_back(law.name());
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "quality.", field, ": ", UnknownNameMessage("law", name, names, "")));
}

// The laws of a checked scenario; none where it asks for no quality.
absl::optional<ChosenLaws> LawsFor(const Scenario& scenario) {
  if (!scenario.has_quality()) return absl::nullopt;
  const absl::StatusOr<const ScalingLaws*> laws = ShippedScalingLaws();
  if (!laws.ok()) return absl::nullopt;
  absl::StatusOr<ChosenLaws> chosen = ChooseLaws(**laws, scenario.quality());
  if (!chosen.ok()) return absl::nullopt;
  chosen->equal_quality = scenario.equal_quality();
  return *std::move(chosen);
}

}  // namespace

absl::StatusOr<const ScalingLaws*> ShippedScalingLaws() {
  static const auto* laws = new absl::StatusOr<ScalingLaws>(LoadScalingLaws());
  if (!laws->ok()) return laws->status();
  return &**laws;
}

ShapeFacts ShapeFactsOf(const Model& model, const Scenario& scenario,
                        const Ledger<>& ledger) {
  ShapeFacts shape;
  shape.parameters = ledger.parameters;
  shape.active_parameters = ledger.active_parameters;
  shape.aspect_ratio = AspectRatio(model);
  const TensorFormats formats = ResolveFormats(model, scenario);
  double routed_layers = 0, expansions = 0;
  bool has_cache = false;
  for (const LayerPattern& pattern : model.layers()) {
    const double periods =
        static_cast<double>(std::max<int64_t>(pattern.repeat(), 1));
    for (const LayerPattern::Run& run : pattern.run()) {
      const Block* block = FindBlock(model, run.block());
      if (block == nullptr) continue;
      shape.is_recurrent |= IsRecurrent(*block);
      has_cache |= HasKvCache(*block);
      PrecisionBits<>& bits = shape.bits;
      const auto take = [&bits](const NumberFormat& weights,
                                const NumberFormat& operands) {
        bits.weights = std::min(bits.weights, ElementBits(weights));
        bits.activations = std::min(bits.activations, ElementBits(operands));
      };
      take(*formats.mixers, formats.ActivationsFor(*formats.mixers));
      if (block->has_moe()) {
        const double times = static_cast<double>(run.count()) * periods;
        routed_layers += times;
        expansions += times * ExpansionOf(block->moe());
        take(*formats.experts, formats.ExpertActivationsFor(*formats.experts));
      } else if (block->has_mlp()) {
        take(*formats.linear, formats.ActivationsFor(*formats.linear));
      }
    }
  }
  if (routed_layers > 0) shape.expansion = expansions / routed_layers;
  if (has_cache) {
    shape.bits.kv_cache =
        std::min(ElementBits(*formats.kv), ElementBits(*formats.kv_values));
  }
  return shape;
}

absl::StatusOr<ChosenLaws> ChooseLaws(const ScalingLaws& laws,
                                      const Quality& quality) {
  ChosenLaws chosen;
  chosen.all = &laws;
  const auto dense = LawNamed(laws.dense(), quality.dense_law(), "dense_law");
  if (!dense.ok()) return dense.status();
  const auto experts =
      LawNamed(laws.experts(), quality.expert_law(), "expert_law");
  if (!experts.ok()) return experts.status();
  chosen.dense = *dense;
  chosen.experts = *experts;
  chosen.training_tokens = quality.training_tokens();
  chosen.rounded_after_training = quality.rounded_after_training();
  if (quality.cautious_precision()) chosen.precision_end = LawEnd::kHigh;
  return chosen;
}

double DenseLoss(const ScalingLaws::Dense& law, double parameters,
                 double tokens) {
  return law.irreducible().value() +
         law.parameter_scale().value() /
             std::pow(parameters, law.parameter_exponent().value()) +
         law.token_scale().value() /
             std::pow(tokens, law.token_exponent().value());
}

double DenseEquivalent(const ScalingLaws::Experts& law,
                       const ShapeFacts& shape) {
  if (shape.expansion <= 1) return shape.active_parameters;
  const double equivalent = law.has_routed()
                                ? RoutedEquivalent(law.routed(), shape)
                                : SparseEquivalent(law.sparse(), shape);
  return std::clamp(equivalent, shape.active_parameters, shape.parameters);
}

double RoundingLoss(const ScalingLaws::Rounding& law, double parameters,
                    double tokens, double bits, LawEnd end) {
  return AtEnd(law.scale(), end) *
         std::pow(tokens, AtEnd(law.token_exponent(), end)) /
         std::pow(parameters, AtEnd(law.parameter_exponent(), end)) *
         std::exp(AtEnd(law.offset(), end) -
                  bits / AtEnd(law.scale_bits(), end));
}

QualityFigures QualityOf(const ChosenLaws& laws, const ShapeFacts& shape) {
  QualityFigures figures;
  figures.effective_parameters =
      EffectiveParameters(laws, *laws.experts, shape, laws.precision_end);
  if (laws.training_tokens > 0) {
    figures.loss = LossOf(laws, *laws.dense, shape,
                          figures.effective_parameters, laws.precision_end);
  }
  return figures;
}

QualityEstimate EstimateQuality(const ChosenLaws& laws,
                                const ShapeFacts& shape) {
  const ScalingLaws& all = *laws.all;
  const QualityFigures figures = QualityOf(laws, shape);
  QualityEstimate out;
  out.set_effective_parameters(figures.effective_parameters);
  out.set_expert_gain(DenseEquivalent(*laws.experts, shape) /
                      shape.active_parameters);
  double least = figures.effective_parameters, most = least;
  for (const ScalingLaws::Experts& law : all.experts()) {
    least =
        std::min(least, EffectiveParameters(laws, law, shape, LawEnd::kHigh));
    most = std::max(most, EffectiveParameters(laws, law, shape, LawEnd::kLow));
  }
  out.set_effective_parameters_low(least);
  out.set_effective_parameters_high(most);
  const PrecisionBits<> bits = AskedBits(laws, shape.bits);
  const GrowthRange growth = GrowthForPrecision(
      all.precision(), bits.weights, bits.activations, bits.kv_cache);
  out.set_precision_growth(laws.precision_end == LawEnd::kHigh ? growth.high
                                                               : growth.value);
  out.set_precision_growth_low(growth.low);
  out.set_precision_growth_high(growth.high);
  if (laws.training_tokens > 0) {
    double lowest = figures.loss, highest = figures.loss;
    for (const ScalingLaws::Dense& dense : all.dense()) {
      lowest = std::min(lowest, LossOf(laws, dense, shape, most, LawEnd::kLow));
      highest =
          std::max(highest, LossOf(laws, dense, shape, least, LawEnd::kHigh));
    }
    out.set_loss(figures.loss);
    out.set_loss_low(lowest);
    out.set_loss_high(highest);
    out.set_training_tokens(laws.training_tokens);
    if (laws.rounded_after_training && !laws.equal_quality) {
      out.set_rounding_loss(
          RoundingLoss(all.rounding(), shape.parameters, laws.training_tokens,
                       shape.bits.weights, laws.precision_end));
    }
    out.add_laws(laws.dense->title());
    // The law is asked for the dense model that is as good.
    AddOutside(laws.dense->title(),
               Outside(laws.dense->domain(),
                       DenseEquivalent(*laws.experts, shape),
                       laws.training_tokens),
               &out);
  }
  if (shape.expansion > 1) out.add_laws(laws.experts->title());
  if (growth.high > 1 || laws.equal_quality) {
    out.add_laws(all.precision().title());
  }
  if (laws.rounded_after_training) out.add_laws(all.rounding().title());
  out.set_weight_bits(shape.bits.weights);
  out.set_activation_bits(shape.bits.activations);
  if (shape.bits.kv_cache < kExactBits) out.set_kv_bits(shape.bits.kv_cache);
  out.set_aspect_ratio(shape.aspect_ratio);
  out.set_shape_spread(all.shape().loss_spread().value());
  AddExpertCaveats(laws, shape, &out);
  AddPrecisionCaveats(laws, shape, &out);
  AddShapeCaveats(laws, shape, &out);
  return out;
}

absl::Status CheckQuality(const Scenario& scenario) {
  if (!scenario.has_quality()) return absl::OkStatus();
  const absl::StatusOr<const ScalingLaws*> laws = ShippedScalingLaws();
  if (!laws.ok()) return laws.status();
  return ChooseLaws(**laws, scenario.quality()).status();
}

absl::optional<QualityFigures> QualityFor(const Model& model,
                                          const Scenario& scenario,
                                          const Ledger<>& ledger) {
  const absl::optional<ChosenLaws> laws = LawsFor(scenario);
  if (!laws.has_value()) return absl::nullopt;
  return QualityOf(*laws, ShapeFactsOf(model, scenario, ledger));
}

absl::optional<QualityEstimate> EstimateFor(const Model& model,
                                            const Scenario& scenario,
                                            const Ledger<>& ledger) {
  const absl::optional<ChosenLaws> laws = LawsFor(scenario);
  if (!laws.has_value()) return absl::nullopt;
  return EstimateQuality(*laws, ShapeFactsOf(model, scenario, ledger));
}

}  // namespace tokenjoule
