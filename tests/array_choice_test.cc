// Does the compute array matter? One 4096 x 4096 matrix in 8 bits from DRAM, at
// batch 1, 8 and 64, on a digital systolic array, a digital and an analog
// in-memory array, with everything else the same. An independent tool (ZigZag
// with its shipped configurations) finds DRAM at 99.5 % for one vector and at
// 79 to 86 % for 64. The last test is the saving by a free multiplier for
// Llama-3.1-70B on every shipped machine.

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/match.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "analyzer/testing/text.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

// Two 4096 x 4096 matrices, which take twice the energy of one.
constexpr char kModel[] = R"(
name: "matrix"
sources { id: "s" kind: DEFINITION citation: "two square matrices" date: "2026" }
d_model: 4096
vocab_size: 1
norm: NO_NORM
block { name: "b" mlp { d_ff: 4096 } }
layers { run { block: "b" count: 1 } }
formats { linear: "int8" vectors: "int8" embedding: "int8" lm_head: "int8" }
)";

// DRAM at 700 pJ for 64 bits = 10.9 pJ/bit, as in the comparison; a 1 MB buffer
// at 7 nm (1.75 pJ/byte), whose fills the comparison does not charge; `engine`
// multiplies.
std::string MachineText(const std::string& engine) {
  return absl::StrCat(
      "name: \"m\"\n"
      "sources { id: \"s\" kind: DEFINITION citation: \"comparison\" "
      "date: \"2026\" }\n"
      "memory { name: \"dram\" technology { kind: DRAM\n",
      Exactly("read_energy_pj_per_bit", 700.0 / 64),
      Exactly("write_energy_pj_per_bit", 700.0 / 64), "}\n",
      Exactly("capacity_gb", 8), Exactly("bandwidth_gb_per_s", 100),
      Exactly("bandwidth_efficiency", 1), "}\n",
      "memory { name: \"buffer\" fills_included: true technology { kind: SRAM\n",
      Exactly("read_energy_pj_per_bit", 1.75 / 8),
      Exactly("write_energy_pj_per_bit", 1.75 / 8), "}\n",
      Exactly("capacity_gb", 0.001), Exactly("bandwidth_gb_per_s", 10000),
      Exactly("bandwidth_efficiency", 1),
      Exactly("activation_capacity_fraction", 1), "}\n", engine,
      "engine { name: \"wide\" kind: TENSOR rate { format: \"bf16\"\n",
      Exactly("peak_tflops", 1), Exactly("energy_pj_per_flop", 0.3), "}\n",
      Exactly("compute_efficiency", 1), "}\n",
      "engine { name: \"vector\" kind: VECTOR rate { format: \"fp32\"\n",
      Exactly("peak_tflops", 1), Exactly("energy_pj_per_flop", 0), "}\n",
      Exactly("compute_efficiency", 1), "}\n", "board {\n",
      Exactly("static_power_w", 0), Exactly("regulator_efficiency", 1), "}\n");
}

std::string Dataflow(double rows, double columns) {
  return absl::StrCat("dataflow {\n", Exactly("rows", rows),
                      Exactly("columns", columns),
                      Exactly("accumulator_bits", 32), "}\n");
}

std::string Rate(const std::string& energy) {
  return absl::StrCat("rate { format: \"int8\"\n", Exactly("peak_tflops", 10),
                      energy, "}\n", Exactly("compute_efficiency", 1));
}

// 8 x 8 bit multiply-adds at 0.10 pJ (7 nm, Jouppi ISCA 2021) in a systolic
// array of 128 x 128.
std::string Digital() {
  return absl::StrCat("engine { name: \"systolic\" kind: TENSOR\n",
                      Rate(Exactly("energy_pj_per_flop", 0.05)),
                      "rate { format: \"bf16\"\n", Exactly("peak_tflops", 1),
                      Exactly("energy_pj_per_flop", 0.3), "}\n",
                      Dataflow(128, 128), "}\n");
}

std::string Array(double rows, double columns) {
  return absl::StrCat("array {\n", Exactly("rows", rows),
                      Exactly("columns", columns), Exactly("utilization", 1),
                      Exactly("write_energy_pj_per_bit", 0.012), "}\n",
                      Dataflow(rows, columns));
}

// Adder trees at 5 nm.
std::string DigitalInMemory() {
  return absl::StrCat("engine { name: \"dimc\" kind: DIGITAL_IMC\n", Rate(""),
                      "logic {\n", Exactly("full_adder_energy_fj", 0.35), "}\n",
                      Array(256, 256), "}\n");
}

// A charge-domain array at 0.7 V.
std::string AnalogInMemory() {
  return absl::StrCat(
      "engine { name: \"aimc\" kind: ANALOG_IMC\n", Rate(""), Array(256, 256),
      "analog { cell: C2C_LADDER rule: MINIMUM_PRECISION converter: COLUMN\n",
      Exactly("supply_v", 0.7), Exactly("full_scale_v", 0.7),
      Exactly("unit_capacitance_ff", 1), Exactly("noise_factor", 2),
      Exactly("activity", 0.5), Exactly("product_variance", 0.111),
      Exactly("cell_bits", 8), Exactly("dac_bits", 8),
      Exactly("column_linear_ff", 100), Exactly("column_matched_ff", 0.001),
      Exactly("dac_capacitance_ff", 50), "}\n}\n");
}

struct Answer {
  double total_j;
  double dram_share;
};

Answer AnswerOf(const std::string& engine, double batch) {
  const Model model = OrDie(ParseModel(kModel, "model"));
  const Hardware hardware =
      OrDie(ParseHardware(MachineText(engine), "machine"));
  Scenario scenario = DefaultScenario();
  scenario.set_batch(batch);
  const Report report = AnalyzeOrDie(model, hardware, scenario);
  for (const std::string& warning : report.warnings()) {
    ADD_FAILURE() << warning;
  }
  return {report.energy_per_token_j(), report.dram_energy_share()};
}

TEST(ArrayChoiceTest, DramTakesAlmostEverythingAtBatchOne) {
  for (const std::string& engine :
       {Digital(), DigitalInMemory(), AnalogInMemory()}) {
    EXPECT_GT(AnswerOf(engine, 1).dram_share, 0.95);
    EXPECT_GT(AnswerOf(engine, 8).dram_share, 0.85);
    EXPECT_GT(AnswerOf(engine, 64).dram_share, 0.5);
  }
}

TEST(ArrayChoiceTest, TheArrayMovesTheTotalByLessThanAPercentAtBatchOne) {
  const double digital = AnswerOf(Digital(), 1).total_j;
  EXPECT_NEAR(AnswerOf(DigitalInMemory(), 1).total_j / digital, 1, 0.01);
  EXPECT_NEAR(AnswerOf(AnalogInMemory(), 1).total_j / digital, 1, 0.01);
}

TEST(ArrayChoiceTest, TotalsAreThoseOfTheIndependentTool) {
  // 1474, 188 and 27.6 uJ per vector and matrix on its digital array.
  EXPECT_NEAR(AnswerOf(Digital(), 1).total_j / 2 / 1474e-6, 1, 0.03);
  EXPECT_NEAR(AnswerOf(Digital(), 8).total_j / 2 / 188e-6, 1, 0.05);
  EXPECT_NEAR(AnswerOf(Digital(), 64).total_j / 2 / 27.6e-6, 1, 0.25);
}

// Dynamic energy of the multiplier is a small part of the energy of a token of
// Llama-3.1-70B on every machine that streams the model: a free multiplier
// saves less than a tenth at batch 1. The energy per FLOP of a processor's cores
// has their instructions in it, so that there it is up to a sixth.
TEST(ArrayChoiceTest, AFreeMultiplierSavesLittleOfLlama70bAtBatchOne) {
  const Model model = LoadModelOrDie("llama-3.1-70b");
  for (const std::string& name : LanguageMachineNames()) {
    if (name == "unit") continue;
    const Hardware hardware = LoadHardwareOrDie(name);
    const Report report = AnalyzeOrDie(model, hardware, DefaultScenario());
    double compute = 0;
    for (const EnergyTerm& term : report.energy_terms()) {
      if (term.term() == Term::COMPUTE) compute = term.energy_per_token_j();
    }
    // A machine without DRAM spends its dynamic energy mostly on arithmetic.
    const bool streams = report.dram_energy_share() > 0.05;
    if (!streams) continue;
    const double limit = absl::StartsWith(hardware.base(), "cpu-") ? 1.0 / 6
                                                                   : 0.1;
    EXPECT_LT(compute / report.energy_per_token_j(), limit) << name;
  }
}

}  // namespace
}  // namespace tokenjoule
