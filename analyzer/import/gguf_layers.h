// The meaning of the tensors of a GGUF file's layers: which block of the schema
// they are, and in which formats they are stored.
//
// Names: llama.cpp, gguf-py/gguf/constants.py; shapes: load_arch_tensors of its
// src/models.

#ifndef ANALYZER_IMPORT_GGUF_LAYERS_H_
#define ANALYZER_IMPORT_GGUF_LAYERS_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "analyzer/import/gguf_header.h"
#include "analyzer/import/gguf_keys.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// What llama.cpp's code knows of an architecture and no key of the file says.
struct GgufArchitecture {
  const char* name;
  // Every `period`-th layer has full attention, the last of the period, and the
  // others have windows; 1: all have windows; 0: only if the file has
  // attention.sliding_window_pattern.
  int64_t period = 0;
  // Tokens of a window if the file does not say; 0: without the key there are
  // no windows.
  int64_t window = 0;
  // Windows are chunks, of `window` tokens whatever the file says.
  bool chunks = false;
  // Full attention is in the first layer of a period instead of the last.
  bool full_first = false;
  // Query projections may hold an output gate too.
  bool gated_queries = false;
  // Without a value projection, values come from that of keys.
  bool values_from_keys = false;
  // Layers from this on read the cache of an earlier one; 0: as the file says.
  int64_t shared_from = 0;
};

// The architecture with this name, or nullptr.
const GgufArchitecture* FindGgufArchitecture(absl::string_view name);

// The names of all, sorted.
std::vector<std::string> GgufArchitectureNames();

// Elements of one class of matrix by the type in which they are stored.
class FormatMix {
 public:
  void Add(const GgmlType& type, int64_t elements);
  void Add(const FormatMix& other);
  bool empty() const { return parts_.empty(); }
  int64_t elements() const;
  // The format with the most elements.
  std::string Most() const;
  // The format, or a mix of formats: by number of tensors if they are equally
  // large, else by elements.
  std::string Name() const;

 private:
  struct Part {
    int64_t elements = 0;
    int64_t tensors = 0;
  };
  // By ggml's number of the type.
  std::map<uint32_t, Part> parts_;
  // Elements of each tensor; 0: they differ.
  int64_t size_ = -1;
};

// Classes of matrix that a block has formats for.
enum class GgufMatrix {
  kMixer,
  kQuery,
  kKey,
  kValue,
  kOutput,
  kGate,
  kUp,
  kDown,
  kShared,
  kSharedDown,
  kCount,
};

// A block and what its matrices are stored in.
struct GgufBlock {
  Block block;
  std::array<FormatMix, static_cast<int>(GgufMatrix::kCount)> mixes;

  FormatMix& mix(GgufMatrix matrix) { return mixes[static_cast<int>(matrix)]; }
  const FormatMix& mix(GgufMatrix matrix) const {
    return mixes[static_cast<int>(matrix)];
  }
};

// The tensors of a layer by what follows "blk.N." in their names.
using GgufLayerTensors = std::map<std::string, const GgufTensor*>;

// What layers have in common.
struct GgufContext {
  const GgufArchitecture* architecture = nullptr;
  const GgufKeys* keys = nullptr;
  GgufLog* log = nullptr;
  int64_t d_model = 0;
  int64_t layers = 0;
  Norm norm = RMS_NORM;
};

// One layer as it was read.
struct GgufLayer {
  // One block, two if there are two mixers, none if the layer does nothing.
  std::vector<GgufBlock> blocks;
  // Norms, biases, routers and other vectors, as far as the blocks count them.
  FormatMix vectors;
  // Bytes of tensors that the layer's computation does not use.
  int64_t unused_bytes = 0;
  // It is a module for drafts, whose embedding, head and norms are left out.
  bool is_mtp = false;
};

// Reads a layer. Faults go to the log: tensors that contradict one another or
// the keys, matrices that the schema does not know. If there are any, the
// result is meaningless.
GgufLayer ReadGgufLayer(const GgufContext& context, int64_t number,
                        const GgufLayerTensors& tensors);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_GGUF_LAYERS_H_
