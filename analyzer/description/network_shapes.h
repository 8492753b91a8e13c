// Shapes of the tensors between the layers of a network of explicit layers, for
// every number type. They follow from proto/network.proto alone.

#ifndef ANALYZER_DESCRIPTION_NETWORK_SHAPES_H_
#define ANALYZER_DESCRIPTION_NETWORK_SHAPES_H_

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/network.pb.h"

namespace tokenjoule {

// Name by which layers refer to the network's input.
inline constexpr absl::string_view kNetworkInput = "input";

// Elements of a tensor, by dimension.
template <typename N = double>
struct TensorShape {
  N channels = N(0.0);
  N height = N(1.0);
  N width = N(1.0);

  N pixels() const { return height * width; }
  N elements() const { return channels * pixels(); }
};

// A window with its defaults filled in.
template <typename N = double>
struct WindowShape {
  N height = N(1.0);
  N width = N(1.0);
  N stride = N(1.0);
  N stride_width = N(1.0);

  N elements() const { return height * width; }
};

// What a layer reads and writes, and the window that it moves over its input.
template <typename N = double>
struct LayerShape {
  TensorShape<N> in;
  TensorShape<N> out;
  WindowShape<N> window;
};

// Index of the layer whose output layer `index` reads, or -1 for the network's
// input; -2 if no earlier layer has that name. `name` is NetworkLayer.input or
// ResidualAdd.other.
inline int LayerRead(const Network& network, int index,
                     absl::string_view name) {
  if (name.empty()) return index - 1;
  if (name == kNetworkInput) return -1;
  for (int i = 0; i < index; ++i) {
    if (network.layer(i).name() == name) return i;
  }
  return -2;
}

namespace network_internal {

template <typename N, typename Reader>
WindowShape<N> ShapeOfWindow(const Window& window, const Reader& read) {
  const auto or_else = [&](bool given, int field, const N& otherwise) {
    return given ? N(read(window, field)) : otherwise;
  };
  WindowShape<N> shape;
  shape.height = N(read(window, Window::kHeightFieldNumber));
  shape.width =
      or_else(window.width() > 0, Window::kWidthFieldNumber, shape.height);
  shape.stride =
      or_else(window.stride() > 0, Window::kStrideFieldNumber, N(1.0));
  shape.stride_width = or_else(window.stride_width() > 0,
                               Window::kStrideWidthFieldNumber, shape.stride);
  return shape;
}

// Places of a window along one side.
template <typename N>
N PlacesOf(const N& size, const N& kernel, const N& stride,
           Window::Padding padding) {
  using std::ceil;
  using std::floor;
  return padding == Window::SAME ? N(ceil(size / stride))
                                 : N(floor((size - kernel) / stride)) + N(1.0);
}

template <typename N, typename Reader>
void MoveWindow(const Window& window, const Reader& read,
                LayerShape<N>* shape) {
  shape->window = ShapeOfWindow<N>(window, read);
  const WindowShape<N>& w = shape->window;
  shape->out.height =
      PlacesOf(shape->in.height, w.height, w.stride, window.padding());
  shape->out.width =
      PlacesOf(shape->in.width, w.width, w.stride_width, window.padding());
}

// Fills in `window` and `out` from `in`.
template <typename N, typename Reader>
void CompleteShape(const NetworkLayer& layer, const Reader& read,
                   LayerShape<N>* shape) {
  shape->out = shape->in;
  switch (layer.kind_case()) {
    case NetworkLayer::kConvolution:
      MoveWindow(layer.convolution().window(), read, shape);
      shape->out.channels =
          N(read(layer.convolution(), Convolution::kChannelsFieldNumber));
      return;
    case NetworkLayer::kDepthwise:
      MoveWindow(layer.depthwise().window(), read, shape);
      if (layer.depthwise().multiplier() > 0) {
        shape->out.channels =
            shape->in.channels *
            N(read(layer.depthwise(),
                   DepthwiseConvolution::kMultiplierFieldNumber));
      }
      return;
    case NetworkLayer::kPooling:
      if (layer.pooling().has_window()) {
        MoveWindow(layer.pooling().window(), read, shape);
        return;
      }
      shape->window.height = shape->in.height;
      shape->window.width = shape->in.width;
      shape->out.height = shape->out.width = N(1.0);
      return;
    case NetworkLayer::kFullyConnected:
      shape->out.channels =
          N(read(layer.fully_connected(), FullyConnected::kOutputsFieldNumber));
      shape->out.height = shape->out.width = N(1.0);
      return;
    case NetworkLayer::kResidualAdd:
    case NetworkLayer::KIND_NOT_SET:
      return;
  }
}

}  // namespace network_internal

// The shapes of all layers, in order. `read` reads numbers as LedgerWriter's
// does. A layer whose input is unknown gets the shape of the network's input.
template <typename N, typename Reader>
std::vector<LayerShape<N>> ShapesOf(const Network& network,
                                    const Reader& read) {
  const auto side = [&](int64_t given, int field) {
    return given > 0 ? N(read(network.input(), field)) : N(1.0);
  };
  TensorShape<N> input;
  input.channels = N(read(network.input(), Tensor::kChannelsFieldNumber));
  input.height = side(network.input().height(), Tensor::kHeightFieldNumber);
  input.width = side(network.input().width(), Tensor::kWidthFieldNumber);
  std::vector<LayerShape<N>> shapes(network.layer_size());
  for (int i = 0; i < network.layer_size(); ++i) {
    const NetworkLayer& layer = network.layer(i);
    const int from = LayerRead(network, i, layer.input());
    shapes[i].in = from >= 0 ? shapes[from].out : input;
    network_internal::CompleteShape(layer, read, &shapes[i]);
  }
  return shapes;
}

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_NETWORK_SHAPES_H_
