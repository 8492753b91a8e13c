// Counts of a network of explicit layers (proto/network.proto): one operator
// per layer. Include this only to instantiate it; see build_ledger.h.
//
// Symbols: T inferences in a step, P pixels of an output, K output channels, C
// input channels, k elements of the kernel. A convolution multiplies T P rows
// of C k inputs by C k x K weights; a depthwise one is C groups of k inputs and
// one output (or `multiplier` of them).

#ifndef ANALYZER_LEDGER_NETWORK_H_
#define ANALYZER_LEDGER_NETWORK_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "analyzer/description/network_shapes.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/ledger/ledger_writer.h"
#include "analyzer/units/units.h"
#include "proto/network.pb.h"

namespace tokenjoule {
namespace ledger_internal {

// The layers of a network, added to a ledger.
template <typename N, typename Reader>
class NetworkWriter {
 public:
  explicit NetworkWriter(LedgerWriter<N, Reader>* writer)
      : c_(*writer), network_(writer->model.network()) {}

  void Add() {
    const std::vector<LayerShape<N>> shapes = ShapesOf<N>(network_, c_.read);
    for (int i = 0; i < network_.layer_size(); ++i) {
      AddLayer(network_.layer(i), c_.formats.network_layers[i], shapes[i]);
    }
  }

 private:
  // A matrix product of `groups` groups.
  struct Product {
    N in, out, groups;
    bool bias;

    N weights() const { return in * out * groups; }
    N outputs() const { return out * groups; }
  };

  void AddLayer(const NetworkLayer& layer, const LayerFormats& formats,
                const LayerShape<N>& shape) {
    const N t = c_.tokens.linear();
    Operator<N>& op = c_.Add(layer.name(), PartOf(layer), N(1.0));
    op.activation_in = c_.Stored(t * shape.in.elements(), *formats.activations);
    op.activation_out = c_.Stored(t * shape.out.elements(), *formats.outputs);
    const N outputs = t * shape.out.elements();
    if (layer.activation_function()) op.vector_flop += Flop<N>(outputs);
    const bool batch_norm = layer.convolution().batch_norm() ||
                            layer.depthwise().batch_norm() ||
                            layer.fully_connected().batch_norm();
    switch (layer.kind_case()) {
      case NetworkLayer::kConvolution:
        return AddProduct(
            op, layer, formats, shape,
            {shape.in.channels * shape.window.elements(), shape.out.channels,
             N(1.0), batch_norm || layer.convolution().bias()});
      case NetworkLayer::kDepthwise:
        return AddProduct(
            op, layer, formats, shape,
            {shape.window.elements(), shape.out.channels / shape.in.channels,
             shape.in.channels, batch_norm || layer.depthwise().bias()});
      case NetworkLayer::kFullyConnected:
        return AddProduct(op, layer, formats, shape,
                          {shape.in.elements(), shape.out.channels, N(1.0),
                           batch_norm || layer.fully_connected().bias()});
      case NetworkLayer::kPooling:
        op.vector_flop += Flop<N>(outputs * shape.window.elements());
        return;
      case NetworkLayer::kResidualAdd:
        // The other operand is read too.
        op.activation_in += op.activation_in;
        op.vector_flop += Flop<N>(outputs);
        return;
      case NetworkLayer::KIND_NOT_SET:
        return;
    }
  }

  void AddProduct(Operator<N>& op, const NetworkLayer& layer,
                  const LayerFormats& formats, const LayerShape<N>& shape,
                  const Product& product) {
    const N rows = c_.tokens.linear() * shape.out.pixels();
    op.matmul_flop = Flop<N>(N(2.0) * rows * product.weights());
    op.weight_format = formats.weights;
    op.activation_format = formats.activations;
    op.shapes.push_back({rows, product.in, product.out, product.groups});
    op.tokens_per_matrix = rows;
    const N bits =
        formats.compressed
            ? N(c_.read(layer, NetworkLayer::kStoredBitsPerWeightFieldNumber))
            : N(formats.weights->bits_per_element);
    Hold(op, product.weights(), bits);
    // Sums are brought back to the format of activations: one multiplication
    // per output.
    N per_output(1.0);
    if (product.bias) {
      Hold(op, product.outputs(), N(kBiasBits));
      per_output += N(1.0);
    }
    op.vector_flop += Flop<N>(rows * product.outputs() * per_output);
  }

  // Adds `elements` parameters of `bits` bits each, which are held and read
  // once.
  void Hold(Operator<N>& op, const N& elements, const N& bits) {
    const Data<N> bytes = Bytes<N>(elements * bits / N(8.0));
    op.weight_read += bytes;
    if (c_.is_first_pass) {
      c_.ledger->weight_footprint[static_cast<int>(op.part)] += bytes;
    }
    c_.CountParameters(elements, elements);
    c_.CountUsed(op, elements);
  }

  static Part PartOf(const NetworkLayer& layer) {
    switch (layer.kind_case()) {
      case NetworkLayer::kDepthwise:
        return Part::kDepthwise;
      case NetworkLayer::kPooling:
        return Part::kPooling;
      case NetworkLayer::kFullyConnected:
        return Part::kFullyConnected;
      case NetworkLayer::kResidualAdd:
        return Part::kResidualAdd;
      default:
        return Part::kConvolution;
    }
  }

  // Accumulators of integer products have 32 bits, and biases are added to
  // them.
  static constexpr double kBiasBits = 32;

  LedgerWriter<N, Reader>& c_;
  const Network& network_;
};

// Adds the layers of the model's network; returns their number.
template <typename N, typename Reader>
N AddNetwork(LedgerWriter<N, Reader>& c) {
  const size_t first = c.ledger->operators.size();
  NetworkWriter<N, Reader>(&c).Add();
  N most(0.0);
  for (size_t i = first; i < c.ledger->operators.size(); ++i) {
    most = Max(most, c.ledger->operators[i].tokens_per_matrix);
  }
  for (size_t i = first; i < c.ledger->operators.size(); ++i) {
    c.ledger->operators[i].step_inputs = most;
  }
  return N(static_cast<double>(c.model.network().layer_size()));
}

}  // namespace ledger_internal
}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_NETWORK_H_
