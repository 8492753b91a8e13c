#include "analyzer/fit/score.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Measurement Row(const std::string& model, double batch) {
  Measurement row;
  row.set_source("test");
  row.set_model(model);
  row.set_device("h100-sxm");
  row.set_weight_dtype("bf16");
  row.set_kv_dtype("bf16");
  row.set_batch(batch);
  row.set_mean_context_tokens(1000);
  return row;
}

// The prediction of the tool itself for a row.
Report Predicted(const Measurement& row, bool mixed) {
  const Model model = LoadModelOrDie(row.model());
  return AnalyzeOrDie(model, OrDie(MachineOf(row)),
                      ScenarioOf(row, model, mixed));
}

TEST(ValidateTest, ErrorsArePredictedOverMeasuredLessOne) {
  MeasurementSet set;
  for (const double factor : {1.0, 2.0, 0.8}) {
    Measurement row = Row("llama-3.1-8b", 8);
    const Report report = Predicted(row, false);
    row.set_itl_ms(report.step_time_s() * 1e3 * factor);
    row.set_energy_per_token_j(report.energy_per_token_j() * factor);
    *set.add_row() = row;
  }
  const Validation validation = ValidateMeasurements(set);
  ASSERT_EQ(validation.rows_size(), 3);
  EXPECT_NEAR(validation.rows(0).step_time_error(), 0, 1e-9);
  EXPECT_NEAR(validation.rows(1).step_time_error(), -0.5, 1e-9);
  EXPECT_NEAR(validation.rows(2).energy_error(), 0.25, 1e-9);
  // Absolute errors 0, 0.25, 0.5; errors -0.5, 0, 0.25.
  EXPECT_NEAR(validation.overall().energy_median_abs_error(), 0.25, 1e-9);
  EXPECT_NEAR(validation.overall().energy_p90_abs_error(), 0.45, 1e-9);
  EXPECT_NEAR(validation.overall().energy_bias(), 0, 1e-9);
  // The prediction is inside its own range; half of the prediction is not.
  EXPECT_NEAR(validation.overall().energy_range_coverage(), 2.0 / 3, 0.34);
  EXPECT_NEAR(validation.overall().step_time_range_coverage(), 2.0 / 3, 0.34);
  ASSERT_EQ(validation.families_size(), 1);
  EXPECT_EQ(validation.families(0).family(), "dense");
  EXPECT_EQ(validation.families(0).errors().rows(), 3);
  ASSERT_EQ(validation.groups_size(), 1);
  EXPECT_EQ(validation.groups(0).rows(), 3);
}

TEST(ValidateTest, ServedRowsAreComparedWithTheirPrefill) {
  Measurement row = Row("llama-3.1-8b", 64);
  row.set_prompt_tokens(200);
  row.set_output_tokens(400);
  row.set_itl_ms(10);
  row.set_step_ms(12);
  MeasurementSet set;
  *set.add_row() = row;
  // Without new requests the mean is the median.
  row.set_step_ms(10);
  *set.add_row() = row;
  const Validation validation = ValidateMeasurements(set);
  ASSERT_EQ(validation.rows_size(), 2);
  EXPECT_EQ(validation.rows(0).compared_with(), "step_ms");
  EXPECT_NEAR(validation.rows(0).measured_step_time_s(), 0.012, 1e-12);
  EXPECT_NEAR(validation.rows(0).predicted_step_time_s(),
              Predicted(row, true).step_time_s(), 1e-12);
  EXPECT_EQ(validation.rows(1).compared_with(), "itl_ms");
  EXPECT_NEAR(validation.rows(1).predicted_step_time_s(),
              Predicted(row, false).step_time_s(), 1e-12);
  // A mean below the median also indicates a server.
  row.set_step_ms(9);
  EXPECT_TRUE(CarriesPrefill(row));
}

TEST(ValidateTest, CheckpointsAndRuntimesOfRowsAreLookedUp) {
  Measurement row = Row("llama-3.1-405b", 8);
  row.set_weight_dtype("bf16");
  EXPECT_EQ(CheckpointOf(row), "llama-3.1-405b");
  row.set_weight_dtype("fp8");
  EXPECT_EQ(CheckpointOf(row), "llama-3.1-405b-fp8");
  row.set_model("llama-3.1-8b");  // has no such checkpoint
  EXPECT_EQ(CheckpointOf(row), "llama-3.1-8b");

  // Such a row is predicted with that checkpoint and the runtime of its
  // software, but keeps its own names.
  row.set_device("v100-sxm");
  row.set_software("transformers 4.41");
  row.set_itl_ms(100);
  MeasurementSet set;
  *set.add_row() = row;
  const Validation validation = ValidateMeasurements(set);
  ASSERT_EQ(validation.rows_size(), 1);
  EXPECT_EQ(validation.rows(0).device(), "v100-sxm");
  EXPECT_EQ(validation.rows(0).runtime(), "transformers-eager");
  EXPECT_EQ(validation.rows(0).family(), "dense");
  const Hardware eager =
      LoadHardwareOrDie("v100-sxm", {{"runtime", "transformers-eager"}});
  EXPECT_EQ(validation.rows(0).predicted_step_time_s(),
            AnalyzeOrDie(LoadModelOrDie(CheckpointOf(row)), eager,
                         ScenarioOf(row, LoadModelOrDie(row.model()), false))
                .step_time_s());
}

std::string RuntimeOfSoftware(const std::string& software, bool eager = false) {
  Measurement row;
  row.set_software(software);
  row.set_eager(eager);
  return RuntimeOf(row);
}

TEST(ValidateTest, SoftwareBelongsToTheRuntimeWithTheLongestNameItBeginsWith) {
  const std::pair<const char*, const char*> cases[] = {
      {"vllm 0.11", "vllm"},
      {"vLLM 0.10.2", "vllm"},
      {"vllm 0.5.4", "vllm-0.5"},
      {"vllm 2024, release not said", "vllm-2024"},
      {"vllm eager", "vllm-eager"},
      {"TensorRT-LLM 1.0", "trtllm"},
      {"TensorRT-LLM 0.12", "trtllm-2024"},
      {"SGLang 0.5", "sglang"},
      {"HF eager", "transformers-eager"},
      {"an engine of our own", ""},
      {"", ""}};
  for (const auto& [software, runtime] : cases) {
    EXPECT_EQ(RuntimeOfSoftware(software), runtime) << software;
  }
  // An old way to say so, where the row does not name its software.
  EXPECT_EQ(RuntimeOfSoftware("", true), "transformers-eager");
  EXPECT_EQ(RuntimeOfSoftware("sglang", true), "sglang");
}

TEST(ValidateTest, MachinesAreLoadedWithTheRuntimeOfTheRow) {
  Measurement row = Row("llama-3.1-8b", 8);
  EXPECT_EQ(OrDie(MachineOf(row)).runtime().base(),
            LoadHardwareOrDie("h100-sxm").runtime().base());
  row.set_software("trtllm 1.0");
  EXPECT_EQ(OrDie(MachineOf(row)).runtime().base(), "trtllm");
  // --set changes it, or chooses another.
  const Hardware changed =
      OrDie(MachineOf(row, {{"runtime.time_per_step_us", "5"}}));
  EXPECT_EQ(changed.runtime().base(), "trtllm");
  EXPECT_EQ(changed.runtime().time_per_step_us().value(), 5);
  EXPECT_EQ(OrDie(MachineOf(row, {{"runtime", "ideal"}})).runtime().base(),
            "ideal");
  row.set_device("nobody's");
  EXPECT_FALSE(MachineOf(row).ok());
}

TEST(ValidateTest, SoftwareThatNoRuntimeListsIsCounted) {
  MeasurementSet set;
  for (const char* software : {"vllm 0.11", "", "a new engine", "a new engine"}) {
    Measurement row = Row("llama-3.1-8b", 8);
    row.set_software(software);
    *set.add_row() = row;
  }
  EXPECT_EQ(UnknownSoftware(set),
            (std::map<std::string, int>{{"a new engine", 2}}));
}

TEST(ValidateTest, EnergyIsGivenOrFollowsFromThePowerOfAllDevices) {
  Measurement row = Row("llama-3.1-8b", 8);
  EXPECT_EQ(MeasuredEnergyJ(row), 0);
  row.set_itl_ms(10);
  EXPECT_EQ(MeasuredEnergyJ(row), 0);
  // 400 W of each of two devices for 10 ms, over 8 tokens.
  row.set_power_w_per_device(400);
  row.set_num_devices(2);
  EXPECT_DOUBLE_EQ(MeasuredEnergyJ(row), 1);
  row.set_num_devices(0);
  EXPECT_DOUBLE_EQ(MeasuredEnergyJ(row), 0.5);
  row.set_energy_per_token_j(0.7);
  EXPECT_EQ(MeasuredEnergyJ(row), 0.7);
}

TEST(ValidateTest, RowsWithPowerAreComparedInEnergy) {
  Measurement row = Row("llama-3.1-8b", 8);
  const Report report = Predicted(row, false);
  row.set_itl_ms(report.step_time_s() * 1e3);
  row.set_power_w_per_device(report.power_w() * 1.25);
  const ValidatedRow scored = OrDie(
      PredictRow(row, LoadModelOrDie(row.model()), OrDie(MachineOf(row))));
  EXPECT_NEAR(scored.energy_error(), -0.2, 1e-9);
}

TEST(ValidateTest, RowsThatCannotBeMappedSayWhy) {
  MeasurementSet set;
  Measurement row = Row("llama-9", 8);
  row.set_itl_ms(1);
  *set.add_row() = row;
  row = Row("llama-3.1-8b", 8);
  *set.add_row() = row;  // nothing measured
  row.set_itl_ms(1);
  row.set_weight_dtype("fp7");
  *set.add_row() = row;
  row = Row("llama-3.1-8b", 8);
  row.set_itl_ms(1);
  row.set_num_devices(3);
  *set.add_row() = row;
  const Validation validation = ValidateMeasurements(set);
  EXPECT_EQ(validation.overall().rows(), 0);
  ASSERT_EQ(validation.skipped_rows_size(), 4);
  EXPECT_THAT(validation.skipped_rows(0).reason(), HasSubstr("unknown model"));
  EXPECT_THAT(validation.skipped_rows(1).reason(),
              HasSubstr("nothing was measured"));
  EXPECT_THAT(validation.skipped_rows(2).reason(),
              HasSubstr("unknown number format"));
  EXPECT_THAT(validation.skipped_rows(3).reason(), HasSubstr("the row has 3"));
  EXPECT_EQ(validation.skipped_rows(3).row(), 4);
}

TEST(ValidateTest, ExpertParallelRowsRunAttentionTensorParallel) {
  Measurement row = Row("qwen3-30b-a3b", 8);
  row.set_num_devices(2);
  row.set_tensor_parallel(1);
  row.set_expert_parallel(2);
  const Scenario scenario = ScenarioOf(row, Model(), false);
  EXPECT_EQ(scenario.tp(), 2);
  EXPECT_EQ(scenario.ep(), 2);
}

TEST(ValidateTest, WhatTheRuntimeDecidesIsLeftToIt) {
  Measurement row = Row("qwen3-30b-a3b", 8);
  row.set_prompt_tokens(100);
  row.set_output_tokens(200);
  for (const bool mixed : {false, true}) {
    const Scenario scenario = ScenarioOf(row, Model(), mixed);
    EXPECT_FALSE(scenario.has_routing());
    EXPECT_EQ(scenario.kv_page_tokens(), 0);
    EXPECT_EQ(scenario.step_token_budget(), 0);
    EXPECT_EQ(scenario.prompt(), mixed ? 100 : 0);
    EXPECT_EQ(scenario.output(), mixed ? 200 : 0);
  }
}

TEST(ValidateTest, StaticBatchesAndPipelinesAreThoseOfTheRow) {
  Measurement row = Row("llama-3.1-8b", 8);
  EXPECT_FALSE(ScenarioOf(row, Model(), true).static_batch());
  EXPECT_EQ(ScenarioOf(row, Model(), true).pp(), 1);
  row.set_static_batch(true);
  row.set_pipeline_parallel(2);
  EXPECT_TRUE(ScenarioOf(row, Model(), true).static_batch());
  EXPECT_EQ(ScenarioOf(row, Model(), true).pp(), 2);
  // Their time over all tokens includes the one prefill, however near the
  // median is.
  row.set_step_ms(10);
  row.set_itl_ms(10);
  EXPECT_TRUE(CarriesPrefill(row));
  row.set_static_batch(false);
  EXPECT_FALSE(CarriesPrefill(row));
}

TEST(ValidateTest, CheckpointFormatsAreTheirOwn) {
  Measurement row = Row("gpt-oss-20b", 8);
  row.set_weight_dtype("mxfp4");
  Model model;
  model.mutable_formats()->set_experts("mxfp4");
  EXPECT_EQ(ScenarioOf(row, model, false).weights(), "");
  row.set_weight_dtype("fp8");
  EXPECT_EQ(ScenarioOf(row, model, false).weights(), "fp8");
  EXPECT_EQ(ScenarioOf(row, model, false).lm_head(), "bf16");
  model.mutable_formats()->set_linear("fp8");
  EXPECT_EQ(ScenarioOf(row, model, false).weights(), "");
}

// Rows of two machines, only one of which has a memory called hbm.
MeasurementSet TwoMachines() {
  MeasurementSet set;
  for (const char* device : {"h100-sxm", "m2-ultra", "m2-ultra"}) {
    Measurement row = Row("llama-3.1-8b", 1);
    row.set_device(device);
    row.set_itl_ms(10);
    *set.add_row() = row;
  }
  return set;
}

TEST(ValidateTest, AnOverrideOfNoMachineIsAFault) {
  const MeasurementSet set = TwoMachines();
  const absl::Status status =
      CheckOverrides(set, {{"memory.hbm.bandwith_gb_per_s", "4000"},
                           {"memory.hbm.devices", "5"},
                           {"board.static_power_w", "many"}});
  ASSERT_FALSE(status.ok());
  const std::vector<std::string> lines = absl::StrSplit(status.message(), '\n');
  ASSERT_EQ(lines.size(), 2u) << status;
  EXPECT_THAT(lines[0], HasSubstr("did you mean \"bandwidth_gb_per_s\"?"));
  EXPECT_THAT(lines[1], HasSubstr("expected a number, found \"many\""));
}

TEST(ValidateTest, RowsOfMachinesThatAnOverrideDoesNotApplyToAreSkipped) {
  const MeasurementSet set = TwoMachines();
  const std::vector<FieldOverride> overrides = {{"memory.hbm.devices", "6"}};
  EXPECT_TRUE(CheckOverrides(set, overrides).ok());
  const Validation validation = ValidateMeasurements(set, overrides);
  ASSERT_EQ(validation.rows_size(), 1);
  EXPECT_EQ(validation.rows(0).device(), "h100-sxm");
  ASSERT_EQ(validation.skipped_rows_size(), 2);
  EXPECT_THAT(validation.skipped_rows(0).reason(),
              AllOf(HasSubstr("m2-ultra: --set"), HasSubstr("\"hbm\"")));
}

TEST(ValidateTest, OverridesOfDifferentMachinesLeaveNoRow) {
  const std::string far =
      LoadHardware("m2-ultra")->memory(0).name();  // not "hbm"
  const absl::Status status = CheckOverrides(
      TwoMachines(),
      {{"memory.hbm.devices", "6"},
       {absl::StrCat("memory.", far, ".bandwidth_gb_per_s"), "700"}});
  EXPECT_THAT(std::string(status.message()), HasSubstr("takes all of them"));
}

TEST(ValidateTest, OverridesOfRowsWithoutAKnownMachineAreNoFault) {
  MeasurementSet set;
  *set.add_row() = Row("llama-3.1-8b", 1);
  set.mutable_row(0)->set_device("nobody's");
  EXPECT_TRUE(CheckOverrides(set, {{"memory.hbm.devices", "6"}}).ok());
}

TEST(ValidateTest, OfStreamsThatPauseOnlyTheMemoryIsCompared) {
  StreamMeasurement stream;
  stream.set_source("test");
  stream.set_device("h100-sxm");
  stream.set_read_gb_per_s(1500);
  stream.set_power_w_memory(100);
  stream.set_power_w_per_device(300);
  const Hardware hardware = OrDie(MachineOf(stream));
  EXPECT_EQ(OrDie(PredictStream(stream, hardware)).measured_board_w(), 300);
  stream.set_duty(0.5);
  ValidatedStream pausing = OrDie(PredictStream(stream, hardware));
  EXPECT_EQ(pausing.measured_memory_w(), 100);
  EXPECT_EQ(pausing.measured_board_w(), 0);
  // A chip at rest, and a loop inside the cache.
  stream.clear_duty();
  stream.clear_read_gb_per_s();
  EXPECT_EQ(OrDie(PredictStream(stream, hardware)).measured_board_w(), 0);
  stream.set_cache_gb_per_s(1500);
  EXPECT_EQ(OrDie(PredictStream(stream, hardware)).measured_board_w(), 300);
  // Without its rate nothing is known of it.
  stream.clear_cache_gb_per_s();
  stream.set_pattern("cache");
  EXPECT_THAT(PredictStream(stream, hardware).status().message(),
              HasSubstr("its rate on the cache is not given"));
}

TEST(ValidateTest, NoRowsNoErrors) {
  const Validation validation = ValidateMeasurements(MeasurementSet());
  EXPECT_EQ(validation.overall().rows(), 0);
  EXPECT_EQ(validation.overall().energy_median_abs_error(), 0);
}

}  // namespace
}  // namespace tokenjoule
