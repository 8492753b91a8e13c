#include "analyzer/evaluate/unused_fields.h"

#include <string>
#include <vector>

#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/setup.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> OfMachine(const Hardware& own,
                                   const Hardware& hardware) {
  return UnusedFields(own, hardware, UsesOfMachines().front());
}

// What is used is a matter of the machine at hand, so that the catalogue, of whose
// every number a test says that it moves some answer, is the touchstone.
TEST(UnusedFieldsTest, NoFileOfTheCatalogueSetsWhatNoAnswerUses) {
  for (const std::string& name : CatalogNames(SpecKind::kSystem)) {
    const auto files = LoadHardwareFiles(name);
    ASSERT_TRUE(files.ok()) << files.status();
    EXPECT_THAT(OfMachine((*files)[0].hardware, *LoadHardware(name)), IsEmpty())
        << name;
  }
  for (const std::string& name : CatalogNames(SpecKind::kModel)) {
    EXPECT_THAT(UnusedFields(*LoadModel(name)), IsEmpty()) << name;
  }
}

TEST(UnusedFieldsTest, AFieldInVainIsNamed) {
  const Hardware h100 = *LoadHardware("h100-sxm");
  Hardware own;
  MemoryLevel& hbm = *own.add_memory();
  hbm.set_name("hbm");
  // The level has its own bandwidth, all of it from no device of the technology.
  Constant per_device;
  per_device.set_value(700);
  *hbm.mutable_technology()->mutable_bandwidth_gb_per_s_per_device() = per_device;
  *hbm.mutable_bandwidth_gb_per_s() = per_device;
  Hardware with = h100;
  with.mutable_memory(0)->mutable_technology()->MergeFrom(hbm.technology());
  EXPECT_THAT(
      OfMachine(own, with),
      ElementsAre("memory.hbm.technology.bandwidth_gb_per_s_per_device"));
  const std::vector<std::string> paths = {
      "memory.hbm.technology.bandwidth_gb_per_s_per_device",
      "memory.hbm.bandwidth_gb_per_s.value", "memory.hbm.nothing",
      "memory[0].technology.bandwidth_gb_per_s_per_device.value"};
  EXPECT_THAT(UnusedPaths(with, paths, UsesOfMachines().front()),
              ElementsAre(paths[0], paths[3]));
}

TEST(UnusedFieldsTest, AFieldThatABlockIgnoresIsNamed) {
  Model model = *LoadModel("llama-3.1-8b");
  ASSERT_TRUE(model.block(0).mlp().gated());
  EXPECT_THAT(UnusedFields(model), IsEmpty());
  model.mutable_block(0)->mutable_mlp()->set_gated(false);
  model.mutable_block(0)->mutable_formats()->set_gate("fp8");
  EXPECT_THAT(UnusedFields(model), ElementsAre(HasSubstr("formats.gate")));
}

TEST(UnusedFieldsTest, AFlagThatTheModelHasNoUseForIsNamed) {
  tokenjoule::Setup setup;
  setup.model = *LoadModel("mamba2-2.7b");
  setup.hardware = *LoadHardware("h100-sxm");
  setup.scenario = WithContext(DefaultScenario());
  setup.scenario.set_kv("fp8");
  setup.scenario.set_weights("fp8");
  const std::vector<std::string> paths = {"kv", "weights", "boundary"};
  EXPECT_THAT(UnusedPaths(setup, paths), ElementsAre("kv"));
  setup.model = *LoadModel("llama-3.1-8b");
  EXPECT_THAT(UnusedPaths(setup, paths), IsEmpty());
}

TEST(UnusedFieldsTest, ThereAreAsManyUsesAsAreAsked) {
  EXPECT_EQ(UsesOfMachines().size(), 10u);
}

}  // namespace
}  // namespace tokenjoule
