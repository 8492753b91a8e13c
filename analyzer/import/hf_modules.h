// The matrices of a block, with the names that they have in checkpoints.
//
// Quantised checkpoints name modules: those that stay as they are, or those
// that are stored in another format. A module's name differs by family and by
// the wrapper around the decoder, so that every matrix has several names here.
// A name of a list concerns a matrix if it fits one of them.

#ifndef ANALYZER_IMPORT_HF_MODULES_H_
#define ANALYZER_IMPORT_HF_MODULES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proto/model.pb.h"

namespace tokenjoule {

// A class of matrices whose format a block may state (BlockFormats).
enum class HfMatrix {
  kMixer,  // matrices of the mixer without a class of their own
  kQuery,
  kKey,
  kValue,
  kOutput,
  kGate,
  kUp,
  kDown,
  kShared,  // gate and up projections of shared experts
  kSharedDown,
  kLmHead,
  kEmbedding,
  kNumMatrices,
};

// One module of a checkpoint that has a matrix of weights.
struct HfModule {
  HfMatrix matrix = HfMatrix::kMixer;
  // Whether it belongs to a routed expert.
  bool is_expert = false;
  // Elements of the matrix.
  double elements = 0;
  // Elements of its rows, i.e. of its input.
  double inputs = 0;
  // Full names that it may have, the most usual one first.
  std::vector<std::string> paths;
};

// How a checkpoint names its modules.
struct HfNaming {
  // What may precede the number of a layer, as "model.layers.".
  std::vector<std::string> prefixes = {"model.layers."};
  // The experts of a layer are one module, as in MLX.
  bool mlx = false;
  // The decoder's model_type. Where it says how the family spells its modules,
  // matrices have these names alone; otherwise those of every family, of which a
  // name of a list may be any.
  std::string model_type;
};

// The naming of a checkpoint that mentions `mentions`, which is all names of
// its lists in one text: beside "model.layers." the prefixes of the wrappers
// and families that occur in it.
HfNaming NamingOf(const std::string& mentions, bool mlx);

// The modules of a block, except those of routed experts, routers and gates of
// one number. `number` is that of the checkpoint's layer, `d` the width of the
// residual stream. They are the matrices that the ledger counts, with as many
// elements.
std::vector<HfModule> ModulesOf(const Block& block, int64_t number, int64_t d,
                                const HfNaming& naming);

// The modules of the routed expert with this number; none if the block has no
// experts.
std::vector<HfModule> ExpertModulesOf(const Block& block, int64_t number,
                                      int64_t d, int64_t expert,
                                      const HfNaming& naming);

// The LM head and the token embedding.
HfModule HeadModule(int64_t d, int64_t vocab);
HfModule EmbeddingModule(int64_t d, int64_t vocab);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_MODULES_H_
