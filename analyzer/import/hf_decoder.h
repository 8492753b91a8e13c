// Common parts of the decoder families of the transformers library: fields,
// layer types, windows, experts.
//
// Field names, and the defaults of absent fields, are those of the library's
// configuration classes. Sizes that every published configuration states
// (hidden_size, num_hidden_layers, ...) are nevertheless required: an empty
// file does not mean Llama-7B. Every function adds faults to the reader's log
// and continues with a placeholder.

#ifndef ANALYZER_IMPORT_HF_DECODER_H_
#define ANALYZER_IMPORT_HF_DECODER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "analyzer/import/json_reader.h"
#include "analyzer/import/layer_stack.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// Limits of each kind of number.
constexpr Limits kHeadLimits = {1, 65536};
constexpr Limits kLayerLimits = {1, 1024};
constexpr Limits kVocabLimits = {1, 100'000'000};
constexpr Limits kMlpLimits = {1, 10'000'000};
constexpr Limits kContextLimits = {1, 10'000'000'000};
constexpr Limits kWindowLimits = {1, 1'000'000'000};
constexpr Limits kRankLimits = {0, 65536};
constexpr Limits kConvLimits = {1, 1024};
constexpr Limits kPeriodLimits = {1, 1024};
constexpr Limits kOffsetLimits = {0, 1024};

// Values of `layer_types`.
constexpr char kFull[] = "full_attention";
constexpr char kSliding[] = "sliding_attention";
constexpr char kChunked[] = "chunked_attention";
constexpr char kLinear[] = "linear_attention";

// Names of the fields that all decoders with softmax attention have, and the
// defaults of the family's class if they are absent. A default of 0 means that
// the field is required, except that kv_heads then defaults to `heads` and
// head_dim to hidden / heads.
struct DecoderFields {
  const char* hidden = "hidden_size";
  const char* layers = "num_hidden_layers";
  const char* heads = "num_attention_heads";
  // Empty if every query head has its own key and value.
  const char* kv_heads = "num_key_value_heads";
  // Empty if it is always hidden / heads.
  const char* head_dim = "head_dim";
  const char* positions = "max_position_embeddings";
  const char* vocab = "vocab_size";
  int64_t default_heads = 0;
  int64_t default_kv_heads = 0;
  int64_t default_head_dim = 0;
  int64_t default_positions = 0;
  int64_t default_vocab = 0;
  int64_t default_layers = 0;
};

// A decoder whose layers have softmax attention followed by an MLP or experts.
struct Decoder {
  // The type of each layer, in transformers' words.
  std::vector<std::string> types;
  // Whether each layer has experts; empty if none has.
  std::vector<bool> sparse;
  Attention attention;
  // Tokens that a sliding or chunked layer sees.
  int64_t window = 0;
  // Replaces attention in layers of type "linear_attention".
  LinearAttention linear;
  Mlp mlp;
  MixtureOfExperts moe;
  int64_t norms = 2;
  bool parallel = false;
  // Matrices and vectors of each layer beside mixer and channel part.
  std::vector<Projection> extra;
  // Layers that read the cache of the layer before: those whose number is not a
  // multiple of this; 1: none.
  int64_t cache_period = 1;

  int64_t layers() const { return types.size(); }
};

// Reads a number with the default `otherwise`; it is required if `otherwise` is
// 0.
int64_t IntOrRequired(const JsonReader& config, const char* name,
                      int64_t otherwise, Limits limits);

// Whichever of two names of a field is present, else the first.
const char* EitherName(const JsonReader& config, const char* name,
                       const char* other);

// Adds a fault, with the reason `why`, if a Boolean is not `wanted`.
void RequireBool(const JsonReader& config, const char* name, bool otherwise,
                 bool wanted, absl::string_view why);

// Reads width, vocabulary, context, number of layers and attention. By default
// norms are RMS norms and all layers have full attention; families override
// this.
Decoder ReadDecoder(const JsonReader& config, const DecoderFields& fields,
                    Model* model);

// Reads width, vocabulary, context and norm, and returns the number of layers,
// for decoders without plain attention. `positions` is the default of the
// longest context; 0: none is stated.
int64_t ReadSizes(const JsonReader& config, const char* layers,
                  int64_t positions, Model* model);

// Cross-layer attention (use_cla, cla_share_factor): only every n-th layer has
// keys and values of its own.
void ReadCrossLayerAttention(const JsonReader& config, Decoder* decoder);

// Sets biases on the four projections of attention.
void SetBiases(bool bias, Attention* attention);

// Reads an MLP whose hidden width is in the field `name`: two matrices, or
// three if gated.
Mlp ReadMlp(const JsonReader& config, const char* name, bool gated);
Mlp ReadGatedMlp(const JsonReader& config, const char* name);

// Reads experts of the given shape; their number and the number per token are
// in the fields `experts` and `per_token`. A default of 0 makes a number
// required.
MixtureOfExperts ReadExperts(const JsonReader& config, const char* experts,
                             int64_t default_experts, const char* per_token,
                             int64_t default_per_token, const Mlp& expert);

// Fills decoder->types from `layer_types`, or by `otherwise` if it is absent.
// `choices` are the types that the family supports.
void ReadLayerTypes(const JsonReader& config,
                    absl::Span<const std::string> choices,
                    absl::FunctionRef<const char*(int64_t)> otherwise,
                    Decoder* decoder);

// Tokens per window; 0 if it is null, or absent with `otherwise` 0.
int64_t ReadWindow(const JsonReader& config, const char* name,
                   int64_t otherwise);

// Adds a fault if a layer has a window but `field` does not give its width.
void RequireWindow(const JsonReader& config, const char* field,
                   const Decoder& decoder);

// Reads `sliding_window`; if present, all layers have sliding windows.
void ReadUniformWindow(const JsonReader& config, int64_t otherwise,
                       Decoder* decoder);

// Reads `sliding_window`, by default `window`; every `period`-th layer has full
// attention, the others have sliding windows.
void ReadPeriodicWindow(const JsonReader& config, int64_t period,
                        int64_t window, Decoder* decoder);

// Sets the experts of a block and its corresponding name.
void SetExperts(const MixtureOfExperts& moe, Block* block);

// Appends a decoder's layers, named "full", "local", "chunked" or "linear" by
// their type, with "-moe" if they have experts.
void AddLayers(const Decoder& decoder, LayerStack* stack);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_DECODER_H_
