// Parts of decoders that several families of Hugging Face configurations have:
// Qwen's windows and experts, DeepSeek's latent attention and experts, state
// spaces. Like those of hf_decoder.h, every function adds faults to the
// reader's log and continues with a placeholder.

#ifndef ANALYZER_IMPORT_HF_PARTS_H_
#define ANALYZER_IMPORT_HF_PARTS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "analyzer/import/hf_decoder.h"
#include "analyzer/import/json_reader.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// Qwen: if use_sliding_window is true, the layers from max_window_layers on
// have sliding windows.
void ReadQwenWindow(const JsonReader& config, Decoder* decoder);

// Qwen: every decoder_sparse_step-th layer has experts, except those listed in
// mlp_only_layers. Reads the MLP if any layer is dense.
void ReadQwenSparsity(const JsonReader& config, Decoder* decoder);

// Matrices and vectors of a layer or a model beside mixers and channel parts.
// `vector` elements go with the matrix: a norm, a bias.
Projection ExtraMatrix(const char* name, int64_t in, int64_t out,
                       int64_t vector = 0);
Projection ExtraVector(const char* name, int64_t elements);

// Names of the fields of MosaicML's decoders, MPT and DBRX. Key heads are in an
// object of their own.
DecoderFields MosaicFields();

// Qwen3-Next and Qwen3.5: linear attention in all but every
// full_attention_interval-th layer, with its sizes.
void ReadQwenLinearLayers(const JsonReader& config, Decoder* decoder);

// One expert that every token visits, behind a gate.
void ReadQwenSharedExpert(const JsonReader& config, MixtureOfExperts* moe);

// The gated delta rule of Qwen3-Next and Qwen3.5, from linear_* fields.
LinearAttention ReadLinearAttention(const JsonReader& config);

// DeepSeek's latent attention.
LatentAttention ReadLatentAttention(const JsonReader& config);

// Whether the router has a score correction for each expert: topk_method is
// "noaux_tc", or absent with that default.
bool ReadRouterBias(const JsonReader& config, absl::string_view otherwise);

// DeepSeek's routed and shared experts.
MixtureOfExperts ReadDeepSeekExperts(const JsonReader& config,
                                     absl::string_view topk_method);

// Names and defaults of a Mamba-2 mixer's fields, which differ by family. A
// default of 0 makes heads and head_dim required; an empty conv_bias means that
// there always is one.
struct Mamba2Fields {
  const char* heads;
  const char* head_dim;
  const char* state;
  const char* groups = "n_groups";
  const char* conv = "conv_kernel";
  const char* bias = "use_bias";
  const char* conv_bias = "use_conv_bias";
  int64_t default_heads = 0;
  int64_t default_head_dim = 0;
  int64_t default_state = 128;
  int64_t default_groups = 8;
};
Mamba2 ReadMamba2(const JsonReader& config, const Mamba2Fields& fields);

// Names of a Mamba-1 mixer's fields, which differ by family.
struct Mamba1Fields {
  const char* state;
  const char* conv;
  const char* expand;
  const char* rank;
  const char* bias;
  const char* conv_bias;
};
Mamba1 ReadMamba1(const JsonReader& config, const Mamba1Fields& fields,
                  int64_t hidden);

// Jamba places attention and experts by the remainder of the layer number.
struct Placement {
  int64_t period;
  int64_t offset;

  bool Has(int64_t layer) const {
    return period > 0 && layer % period == offset;
  }
};
Placement ReadPlacement(const JsonReader& config, const char* period,
                        int64_t default_period, const char* offset,
                        int64_t default_offset);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_PARTS_H_
