// Layers one by one, written as compactly as the schema allows.

#ifndef ANALYZER_IMPORT_LAYER_STACK_H_
#define ANALYZER_IMPORT_LAYER_STACK_H_

#include <cstdint>
#include <vector>

#include "proto/model.pb.h"

namespace tokenjoule {

// Collects the layers of a model from the embedding to the head.
class LayerStack {
 public:
  // Appends a layer. Layers of one name are of one kind.
  void Add(const Block& block);

  // Writes the kinds of block, in order of appearance, and the order of layers
  // as patterns: as few runs as possible, then as few patterns. Takes time that
  // grows with the square of the layers.
  void WriteTo(Model* model) const;

 private:
  // Layers of one kind in a row.
  struct Run {
    int block;
    int64_t count;

    bool operator==(const Run& other) const {
      return block == other.block && count == other.count;
    }
  };

  // How often runs[begin, begin + period) stand there one after another.
  int Repeats(int begin, int period) const;

  std::vector<Block> blocks_;
  std::vector<Run> runs_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_LAYER_STACK_H_
