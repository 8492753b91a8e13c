// The loss of a language model by published scaling laws. The laws know
// parameters, training tokens, experts and precision; they know nothing of the
// machine, and of the shape only what these say of it.

#ifndef ANALYZER_QUALITY_SCALING_LAWS_H_
#define ANALYZER_QUALITY_SCALING_LAWS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/quality/precision_law.h"
#include "proto/model.pb.h"
#include "proto/report.pb.h"
#include "proto/scenario.pb.h"
#include "proto/study.pb.h"

namespace tokenjoule {

// The laws of the catalogue (hw_specs/studies/scaling-laws.textproto), read
// once. Fails with every fault of the file.
absl::StatusOr<const ScalingLaws*> ShippedScalingLaws();

// What the laws ask of a model and of its formats.
struct ShapeFacts {
  // All parameters, and those that a token visits, including the embedding.
  double parameters = 0;
  double active_parameters = 0;
  // Experts over those that a token visits, the mean over layers that have
  // experts; 1 for a dense model.
  double expansion = 1;
  // Width of the residual stream over number of layers.
  double aspect_ratio = 0;
  // The fewest bits among the model's matrices, operands and caches, scales not
  // counted; kExactBits for the KV cache of a model that has none. Embedding,
  // LM head and norms are not among them: the law quantises none of them.
  PrecisionBits<> bits;
  // Whether layers keep a recurrent state: the laws were fitted to attention.
  bool is_recurrent = false;
};

// Those of a validated model and scenario whose step is counted in `ledger`.
ShapeFacts ShapeFactsOf(const Model& model, const Scenario& scenario,
                        const Ledger<>& ledger);

// The laws that a scenario chose. Points into the laws.
struct ChosenLaws {
  const ScalingLaws* all = nullptr;
  const ScalingLaws::Dense* dense = nullptr;
  const ScalingLaws::Experts* experts = nullptr;
  double training_tokens = 0;
  bool rounded_after_training = false;
  // The scenario's equal_quality: the model that runs has grown, and is as good
  // as the one described is in 16 bits.
  bool equal_quality = false;
  // Of the laws of precision and of rounding.
  LawEnd precision_end = LawEnd::kValue;
};

// Fails where there is no law of that name; the message lists those there are.
absl::StatusOr<ChosenLaws> ChooseLaws(const ScalingLaws& laws,
                                      const Quality& quality);

// L = E + A / N^alpha + B / D^beta, nats per token. Both are above 0.
double DenseLoss(const ScalingLaws::Dense& law, double parameters,
                 double tokens);

// Parameters of the dense model of the same loss, at least those that a token
// visits and at most all. Those of a dense model are its own.
double DenseEquivalent(const ScalingLaws::Experts& law,
                       const ShapeFacts& shape);

// What rounding the weights of a trained model adds to its loss, nats.
double RoundingLoss(const ScalingLaws::Rounding& law, double parameters,
                    double tokens, double bits, LawEnd end = LawEnd::kValue);

// Quality at the laws' values: what a search compares.
struct QualityFigures {
  double effective_parameters = 0;
  // 0 without training tokens.
  double loss = 0;
};
QualityFigures QualityOf(const ChosenLaws& laws, const ShapeFacts& shape);

// The same with ranges, and with what the laws do not cover.
QualityEstimate EstimateQuality(const ChosenLaws& laws,
                                const ShapeFacts& shape);

// What is wrong with the scenario's `quality`: a law that there is not.
absl::Status CheckQuality(const Scenario& scenario);

// Both for a scenario that CheckQuality takes; none where it has no `quality`.
absl::optional<QualityFigures> QualityFor(const Model& model,
                                          const Scenario& scenario,
                                          const Ledger<>& ledger);
absl::optional<QualityEstimate> EstimateFor(const Model& model,
                                            const Scenario& scenario,
                                            const Ledger<>& ledger);

}  // namespace tokenjoule

#endif  // ANALYZER_QUALITY_SCALING_LAWS_H_
