// Converts a list of layers into the schema's most compact form.

#ifndef ANALYZER_IMPORT_LAYER_STACK_H_
#define ANALYZER_IMPORT_LAYER_STACK_H_

#include <cstdint>
#include <vector>

#include "proto/model.pb.h"

namespace tokenjoule {

// The layers of a model from the embedding to the head, each as a block of its
// own.
class LayerStack {
 public:
  // One block, and the number of the checkpoint's layer that it is or is a part
  // of: families with two mixers in a layer have two blocks there.
  struct Layer {
    Block block;
    int64_t number;
  };

  // Appends a layer. Equal layers should have the same name; different ones
  // may, and WriteTo then numbers the name.
  void Add(const Block& block);
  // Appends a further block of the layer before.
  void AddToLast(const Block& block);
  // Leaves out a layer that does nothing.
  void Skip() { ++numbers_; }

  // Appends a block to the multi-token-prediction module. Without any, the
  // module has one block of the kind of the last layer.
  void AddMtp(const Block& block) { mtp_.push_back(block); }
  std::vector<Block>& mutable_mtp() { return mtp_; }

  const std::vector<Layer>& layers() const { return layers_; }
  std::vector<Layer>& mutable_layers() { return layers_; }
  // Number of the checkpoint's layers.
  int64_t numbers() const { return numbers_; }

  // Writes the kinds of block, in order of appearance, and the order of layers
  // as patterns with as few runs, then as few patterns, as possible. Takes time
  // quadratic in the number of layers.
  void WriteTo(Model* model) const;

 private:
  std::vector<Layer> layers_;
  std::vector<Block> mtp_;
  int64_t numbers_ = 0;
};

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_LAYER_STACK_H_
