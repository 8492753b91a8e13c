// Converts a list of layers into the schema's most compact form.

#ifndef ANALYZER_IMPORT_LAYER_STACK_H_
#define ANALYZER_IMPORT_LAYER_STACK_H_

#include <cstdint>
#include <vector>

#include "proto/model.pb.h"

namespace tokenjoule {

// Collects the layers of a model from the embedding to the head.
class LayerStack {
 public:
  // Appends a layer. Layers with the same name must be of the same kind.
  void Add(const Block& block);

  // Writes the kinds of block, in order of appearance, and the order of layers
  // as patterns with as few runs, then as few patterns, as possible. Takes time
  // quadratic in the number of layers.
  void WriteTo(Model* model) const;

 private:
  // Consecutive layers of the same kind.
  struct Run {
    int block;
    int64_t count;

    bool operator==(const Run& other) const {
      return block == other.block && count == other.count;
    }
  };

  // Number of consecutive repetitions of runs[begin, begin + period).
  int Repeats(int begin, int period) const;

  std::vector<Block> blocks_;
  std::vector<Run> runs_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_LAYER_STACK_H_
