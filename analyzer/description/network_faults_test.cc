// Faults of networks of explicit layers, of scenarios that run them, and of
// machines with bit-serial lanes.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/validate.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/scenario.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The faults of a model with these fields beside name and sources; empty if it
// has none.
std::string FaultsOf(const std::string& fields) {
  const absl::StatusOr<Model> model = ParseModel(
      absl::StrCat("name: \"m\" sources { id: \"a\" kind: ASSUMPTION citation: "
                   "\"test\" date: \"2026\" } ",
                   fields),
      "m.textproto");
  return model.ok() ? "" : std::string(model.status().message());
}

std::string FaultsOfLayers(const std::string& layers) {
  return FaultsOf(absl::StrCat(
      "network { input { channels: 3 height: 8 width: 8 } ", layers, " }"));
}

constexpr char kConvolution[] =
    "layer { name: \"conv\" convolution { channels: 4 window { height: 3 "
    "padding: SAME } } } ";

TEST(NetworkFaultsTest, ANetworkNeedsNothingOfLanguageModels) {
  EXPECT_THAT(FaultsOfLayers(kConvolution), IsEmpty());
}

TEST(NetworkFaultsTest, ALanguageModelStillNeedsItsFields) {
  EXPECT_THAT(
      FaultsOf(""),
      AllOf(HasSubstr("d_model: is missing; expected 1 to 1e+06"),
            HasSubstr("vocab_size: is missing"), HasSubstr("norm: is missing"),
            HasSubstr("block: is missing"), HasSubstr("layers: is missing")));
}

TEST(NetworkFaultsTest, FieldsOfLanguageModelsAreRefusedBesideANetwork) {
  EXPECT_THAT(
      FaultsOf(absl::StrCat("d_model: 8 max_context: 100 network { input "
                            "{ channels: 3 } ",
                            kConvolution, " }")),
      AllOf(HasSubstr("d_model: is of language models"),
            HasSubstr("max_context: is of language models")));
}

TEST(NetworkFaultsTest, EveryFaultOfTheLayersIsReportedAtOnce) {
  const std::string faults = FaultsOfLayers(absl::StrCat(
      kConvolution,
      "layer { name: \"input\" pooling { kind: MAX } } "
      "layer { name: \"big\" input: \"conv\" depthwise { window { height: 9 "
      "padding: VALID } } } "
      "layer { name: \"far\" input: \"convv\" fully_connected { outputs: 2 } } "
      "layer { name: \"sum\" input: \"conv\" residual_add { other: \"far\" } } "
      "layer { name: \"stored\" fully_connected { outputs: 2 } "
      "stored_bits_per_weight: 9 } "
      "layer { name: \"thin\" input: \"conv\" fully_connected { outputs: 2 } "
      "stored_bits_per_weight: 0.001 } "
      "layer { name: \"leap\" input: \"conv\" depthwise { window { height: 3 "
      "stride: 100 padding: SAME } } } "
      "layer { name: \"\" input: \"conv\" fully_connected { outputs: 2 } } "
      "layer { name: \"pool\" pooling { kind: MAX } weights: \"int4\" } "
      "layer { name: \"packed\" fully_connected { outputs: 2 } weights: "
      "\"q4_0\" } "
      "layer { name: \"empty\" } layer { name: \"conv\" pooling { kind: MAX } "
      "}"));
  EXPECT_THAT(
      faults,
      AllOf(
          HasSubstr("network.layer.input: is the name of the network's input"),
          HasSubstr("network.layer.big: has a kernel of 9 x 9, larger than its "
                    "input of 4 x 8 x 8"),
          HasSubstr("network.layer.far.input: unknown earlier layer \"convv\""),
          HasSubstr("conv"),
          HasSubstr("network.layer.sum: adds 2 x 1 x 1 of far"),
          HasSubstr("9 is more than the 8 bits of int8"),
          HasSubstr("network.layer.thin.stored_bits_per_weight: is 0.001"),
          HasSubstr("network.layer.leap: moves further than its input"),
          HasSubstr("name"),
          HasSubstr("network.layer.pool.weights: is of layers with weights"),
          HasSubstr("\"q4_0\" is a storage format"),
          HasSubstr("network.layer.empty: has no kind"),
          HasSubstr("\"conv\" is there twice")));
}

TEST(NetworkFaultsTest, AbsurdNumbersAreRefused) {
  EXPECT_THAT(FaultsOfLayers("layer { name: \"c\" convolution { channels: 0 "
                             "window { height: 100001 padding: SAME } } }"),
              AllOf(HasSubstr("0 is out of range; expected 1 to 1e+06"),
                    HasSubstr("100001 is out of range; expected 1 to 100000")));
  EXPECT_THAT(
      FaultsOfLayers("layer { name: \"c\" fully_connected { outputs: 1 } "
                     "stored_bits_per_weight: nan }"),
      HasSubstr("nan is no number"));
}

// Messages of the faults of a scenario for a network.
std::vector<std::string> FaultsOf(const Scenario& scenario) {
  std::vector<Fault> faults;
  ValidateScenario(scenario, LoadModelOrDie("resnet-8"),
                   LoadHardwareOrDie("medusa-28nm"), &faults);
  std::vector<std::string> messages;
  for (const Fault& fault : faults) {
    messages.push_back(fault.path + ": " + fault.message);
  }
  return messages;
}

TEST(NetworkFaultsTest, WhatIsOfLanguageModelsIsRefusedByName) {
  Scenario scenario = Point(4, 2048);
  EXPECT_THAT(FaultsOf(scenario), IsEmpty());
  scenario.set_context(4096);
  scenario.set_kv("int8");
  scenario.set_prompt(100);
  scenario.set_output(100);
  scenario.set_tp(2);
  scenario.set_offload("kv");
  scenario.mutable_speculation()->set_draft_tokens(4);
  scenario.set_weights("q4_k_m");
  const std::string all = absl::StrJoin(FaultsOf(scenario), "\n");
  for (const char* field :
       {"context", "kv", "prompt", "output", "offload", "speculation"}) {
    EXPECT_THAT(all, HasSubstr(absl::StrCat(field,
                                            ": has no meaning for "
                                            "resnet-8")))
        << field;
  }
  EXPECT_THAT(all, HasSubstr("tp: resnet-8, a network of explicit layers, runs "
                             "on one chip"));
  EXPECT_THAT(all,
              HasSubstr("weights: \"q4_k_m\" is a storage format or a mix"));
  EXPECT_THAT(all, Not(HasSubstr("batch")));
}

TEST(NetworkFaultsTest, LanesTakeNoRateAndNoEnergyOfTheirOwn) {
  Hardware hardware = LoadHardwareOrDie("medusa-28nm");
  const auto faults = [&] {
    std::vector<Fault> found;
    ValidateHardware(hardware, {"h", nullptr, true}, &found);
    std::string all;
    for (const Fault& fault : found) {
      absl::StrAppend(&all, fault.path, ": ", fault.message, "\n");
    }
    return all;
  };
  EXPECT_THAT(faults(), IsEmpty());
  ComputeEngine& engine = *hardware.mutable_engine(0);
  engine.mutable_rate(0)->mutable_peak_tflops()->set_value(1);
  engine.mutable_rate(1)->set_format("bf16");
  engine.mutable_logic()->clear_full_adder_energy_fj();
  hardware.mutable_memory(0)->set_activations_only(true);
  hardware.mutable_memory(1)->set_pins(WEIGHTS);
  EXPECT_THAT(
      faults(),
      AllOf(HasSubstr("peak_tflops: follows from the lanes"),
            HasSubstr("is no integer"), HasSubstr("full_adder_energy_fj"),
            HasSubstr("begins with a level of activations_only"),
            HasSubstr("keeps other data")));
  engine.clear_lanes();
  EXPECT_THAT(faults(), HasSubstr("engine.lanes.lanes: is missing"));
}

}  // namespace
}  // namespace tokenjoule
