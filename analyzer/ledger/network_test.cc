// Hand counts of networks of explicit layers, and the networks of MLPerf Tiny
// against published counts.

#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/network_shapes.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/scenario.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

Model NetworkOf(const std::string& layers) {
  return OrDie(ParseModel(
      absl::StrCat("name: \"m\" sources { id: \"a\" kind: ASSUMPTION citation: "
                   "\"test\" date: \"2026\" } network { ",
                   layers, " }"),
      "m.textproto"));
}

Ledger<> LedgerOf(const Model& model, double batch = 1,
                  const std::string& weights = "") {
  Scenario scenario = Point(batch, 1);
  scenario.set_weights(weights);
  return BuildLedger(model, scenario);
}

double MultiplyAdds(const Ledger<>& ledger) {
  double flop = 0;
  for (const Operator<>& op : ledger.operators) flop += InFlop(op.matmul_flop);
  return flop / 2;
}

// Five channels of 4 x 4 pixels.
constexpr char kInput[] = "input { channels: 5 height: 4 width: 4 } ";

TEST(NetworkTest, AConvolutionMatchesItsHandCount) {
  const Ledger<> ledger = LedgerOf(NetworkOf(absl::StrCat(
      kInput,
      "layer { name: \"c\" convolution { channels: 2 window { height: 3 "
      "stride: "
      "2 padding: SAME } bias: true } activation_function: true }")));
  ASSERT_EQ(ledger.operators.size(), 1u);
  const Operator<>& op = ledger.operators[0];
  EXPECT_EQ(op.name, "c");
  // 2 x 2 pixels, 2 output channels, 5 x 9 inputs.
  EXPECT_EQ(InFlop(op.matmul_flop), 2 * 4 * 2 * 45);
  // 90 weights of a byte, two biases of four.
  EXPECT_EQ(InBytes(op.weight_read), 90 + 8);
  EXPECT_EQ(InBytes(ledger.TotalWeightFootprint()), 90 + 8);
  EXPECT_EQ(ledger.parameters, 92);
  EXPECT_EQ(InBytes(op.activation_in), 5 * 16);
  EXPECT_EQ(InBytes(op.activation_out), 2 * 4);
  // Rescaling, bias and activation function: three operations an output.
  EXPECT_EQ(InFlop(op.vector_flop), 3 * 8);
  EXPECT_EQ(InBytes(ledger.sequence_footprint), 0);
  EXPECT_EQ(ledger.layers, 1);
  EXPECT_EQ(ledger.tokens, 1);
}

TEST(NetworkTest, ADepthwiseConvolutionIsOneSmallProductAChannel) {
  const Ledger<> ledger = LedgerOf(NetworkOf(absl::StrCat(
      kInput,
      "layer { name: \"d\" depthwise { window { height: 3 padding: VALID } } "
      "}")));
  const Operator<>& op = ledger.operators[0];
  // 2 x 2 pixels of 5 channels, 9 inputs each.
  EXPECT_EQ(InFlop(op.matmul_flop), 2 * 4 * 5 * 9);
  EXPECT_EQ(InBytes(op.weight_read), 45);
  EXPECT_EQ(InBytes(op.activation_out), 20);
  EXPECT_EQ(op.shapes[0].in, 9);
  EXPECT_EQ(op.shapes[0].out, 1);
  EXPECT_EQ(op.shapes[0].groups, 5);
}

TEST(NetworkTest, PoolingAddingAndFullConnectionMatchTheirHandCount) {
  const Ledger<> ledger = LedgerOf(NetworkOf(absl::StrCat(
      kInput,
      "layer { name: \"max\" pooling { kind: MAX window { height: 2 stride: 2 "
      "padding: VALID } } } "
      "layer { name: \"add\" residual_add { other: \"max\" } } "
      "layer { name: \"mean\" pooling { kind: AVERAGE } } "
      "layer { name: \"fc\" fully_connected { outputs: 3 } }")));
  ASSERT_EQ(ledger.operators.size(), 4u);
  // Windows of four elements, 5 x 2 x 2 of them.
  EXPECT_EQ(InFlop(ledger.operators[0].vector_flop), 4 * 20);
  EXPECT_EQ(InBytes(ledger.operators[0].activation_in), 80);
  // Both operands are read.
  EXPECT_EQ(InBytes(ledger.operators[1].activation_in), 40);
  EXPECT_EQ(InFlop(ledger.operators[1].vector_flop), 20);
  EXPECT_EQ(InFlop(ledger.operators[2].vector_flop), 4 * 5);
  EXPECT_EQ(InFlop(ledger.operators[3].matmul_flop), 2 * 5 * 3);
  EXPECT_EQ(InBytes(ledger.operators[3].weight_read), 15);
}

TEST(NetworkTest, InferencesOfAStepShareTheWeights) {
  const Model model = LoadModelOrDie("resnet-8");
  const Ledger<> one = LedgerOf(model), four = LedgerOf(model, 4);
  for (size_t i = 0; i < one.operators.size(); ++i) {
    const Operator<>&a = one.operators[i], &b = four.operators[i];
    EXPECT_EQ(InBytes(a.weight_read), InBytes(b.weight_read));
    EXPECT_EQ(4 * InBytes(a.activation_in), InBytes(b.activation_in));
    EXPECT_EQ(4 * InFlop(a.matmul_flop), InFlop(b.matmul_flop));
    EXPECT_EQ(4 * InFlop(a.vector_flop), InFlop(b.vector_flop));
  }
  EXPECT_EQ(four.tokens, 4);
}

TEST(NetworkTest, CompressionSavesBytesAndNoProducts) {
  const auto layer = [](const std::string& more) {
    return LedgerOf(NetworkOf(absl::StrCat(
        kInput, "layer { name: \"fc\" fully_connected { outputs: 10 } ", more,
        " }")));
  };
  const Ledger<> plain = layer("");
  const Ledger<> compressed = layer("stored_bits_per_weight: 2.5");
  EXPECT_EQ(InBytes(plain.operators[0].weight_read), 800);
  EXPECT_EQ(InBytes(compressed.operators[0].weight_read), 250);
  EXPECT_EQ(InBytes(compressed.TotalWeightFootprint()), 250);
  EXPECT_EQ(MultiplyAdds(plain), MultiplyAdds(compressed));
  EXPECT_EQ(compressed.operators[0].weight_format->name, "int8");
}

TEST(NetworkTest, TheWeightsFlagReplacesFormatsAndCompression) {
  const Model model = NetworkOf(absl::StrCat(
      kInput,
      "weights: \"int8\" layer { name: \"fc\" fully_connected { outputs: 10 } "
      "weights: \"int4\" stored_bits_per_weight: 2.5 }"));
  EXPECT_EQ(InBytes(LedgerOf(model).operators[0].weight_read), 250);
  EXPECT_EQ(InBytes(LedgerOf(model, 1, "int8").operators[0].weight_read), 800);
}

// Parameters for training: a batch normalisation has four vectors, of which
// inference keeps one bias, in which a layer's own bias is folded.
double TrainedParameters(const Model& model) {
  double parameters = LedgerOf(model).parameters;
  const Network& network = model.network();
  const std::vector<LayerShape<>> shapes =
      ShapesOf<double>(network, ValueReader());
  const auto add = [&](int layer, bool batch_norm, bool bias) {
    if (!batch_norm) return;
    parameters += shapes[layer].out.channels * (bias ? 4 : 3);
  };
  for (int i = 0; i < network.layer_size(); ++i) {
    const NetworkLayer& layer = network.layer(i);
    add(i, layer.convolution().batch_norm(), layer.convolution().bias());
    add(i, layer.depthwise().batch_norm(), layer.depthwise().bias());
    add(i, layer.fully_connected().batch_norm(),
        layer.fully_connected().bias());
  }
  return parameters;
}

TEST(NetworkTest, TheNetworksOfMlperfTinyHaveTheirPublishedCounts) {
  for (const char* name :
       {"ds-cnn-kws", "resnet-8", "mobilenet-v1-0.25-vww", "fc-autoencoder"}) {
    const Model model = LoadModelOrDie(name);
    const NetworkFigures& published = model.network().published();
    EXPECT_EQ(TrainedParameters(model), published.parameters()) << name;
    EXPECT_EQ(MultiplyAdds(LedgerOf(model)), published.multiply_adds()) << name;
  }
}

// He et al. give 0.27 million; their shortcuts have no weights.
TEST(NetworkTest, Resnet20HasItsPublishedSize) {
  const Model model = LoadModelOrDie("resnet-20");
  constexpr double kShortcuts = 16 * 32 + 32 * 64;
  EXPECT_NEAR(TrainedParameters(model) - kShortcuts,
              model.network().published().parameters(), 0.01 * 0.27e6);
}

TEST(NetworkTest, KernelsNeedNotBeSquare) {
  // The first layer of DS-CNN: 49 x 10 with stride 2 and padding is 25 x 5.
  const Model model = LoadModelOrDie("ds-cnn-kws");
  const std::vector<LayerShape<>> shapes =
      ShapesOf<double>(model.network(), ValueReader());
  EXPECT_EQ(shapes[0].out.height, 25);
  EXPECT_EQ(shapes[0].out.width, 5);
  EXPECT_EQ(shapes[0].window.elements(), 40);
}

}  // namespace
}  // namespace tokenjoule
