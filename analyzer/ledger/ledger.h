// What one decode step does: exact counts of FLOP and bytes by operator and by
// class of tensor. The ledger knows no hardware.
//
// Symbols of the comments: T tokens that enter an operator on one replica, S
// context, d width of the residual stream, h query heads, g KV heads, e head
// dimension, b bytes of an element.

#ifndef ANALYZER_LEDGER_LEDGER_H_
#define ANALYZER_LEDGER_LEDGER_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "analyzer/spec/formats.h"
#include "analyzer/units/units.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// Storage and operand formats of one run, every default filled in.
struct TensorFormats {
  const NumberFormat* linear;       // attention and MLP matrices
  const NumberFormat* experts;      // routed and shared experts
  const NumberFormat* lm_head;      // LM head
  const NumberFormat* embedding;    // embedding table
  const NumberFormat* vectors;      // norms, biases, routers
  const NumberFormat* state;        // recurrent state
  const NumberFormat* kv;           // KV cache
  const NumberFormat* activations;  // operands of matrix products
  // Residual stream, collectives and outputs of matrix products.
  const NumberFormat* stream;
};

// Fills in what a scenario leaves open: the checkpoint's formats, and the
// activations that engines pair with the weights. --weights covers the LM head
// and the experts; norms, biases and routers stay as in the checkpoint.
TensorFormats ResolveFormats(const Model& model, const Scenario& scenario);

// `scenario` with its formats and boundary filled in, for the report.
Scenario ResolveScenario(const Model& model, const Scenario& scenario);

// Communication between the chips of a group.
enum class Collective {
  kNone,
  kAllReduce,  // every chip ends with the sum of `payload`
  kGather,     // one chip ends with all of `payload`, held in equal parts
  kSend,       // `payload` goes to the next pipeline stage
};

// One operator, as one chip runs it once.
template <typename N = double>
struct Operator {
  // "attention.qkv_proj" and the like.
  std::string name;
  // Runs on the critical path of a step: the layers that have it.
  N count = N(0.0);

  // Matrix products; a multiply-add is two FLOP.
  Work<N> matmul_flop;
  // What the operands of the matrix products are stored as; nullptr: no
  // product.
  const NumberFormat* weight_format = nullptr;
  const NumberFormat* activation_format = nullptr;
  // Norms, softmax, activation functions, rotary embedding, sampling.
  Work<N> vector_flop;

  Data<N> weight_read;     // matrices, scales, biases, norms
  Data<N> kv_read;         // KV cache
  Data<N> kv_write;        // KV cache
  Data<N> state_read;      // recurrent state
  Data<N> state_write;     // recurrent state
  Data<N> embedding_read;  // rows of the embedding and position tables
  Data<N> activation_in;
  Data<N> activation_out;

  Collective collective = Collective::kNone;
  int group = 1;  // chips that take part
  Data<N> payload;
};

// One decode step of the whole system.
template <typename N = double>
struct Ledger {
  std::vector<Operator<N>> operators;
  // Layers on the critical path.
  N layers = N(0.0);
  // Sequences of one replica.
  N sequences_per_replica = N(0.0);
  // Tokens that the system gains in the step.
  N tokens = N(0.0);
  // Chip-runs of each operator run: tp chips, for each microbatch of a
  // pipeline, for each replica. Bytes and FLOP of the system are
  // count * passes * (one chip's).
  N passes = N(1.0);
  // Chips of the system: tp * pp * dp.
  N chips = N(1.0);

  // Bytes that the weights occupy over all chips.
  Data<N> weight_footprint;
  // Bytes that the KV cache and state of one sequence occupy over the chips of
  // its replica.
  Data<N> sequence_footprint;
  // Logical KV cache of one sequence, without copies for parallelism.
  Data<N> kv_per_sequence;
  // Parameters of the model, embedding table included.
  N parameters = N(0.0);
};

// Bytes and FLOP of an operator over all chips and runs of a step.
template <typename N>
N SystemRuns(const Ledger<N>& ledger, const Operator<N>& op) {
  return op.count * ledger.passes;
}

// The ledger of a validated scenario. Exact up to 2^53.
Ledger<double> BuildLedger(const Model& model, const Scenario& scenario);

}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_LEDGER_H_
