#include "analyzer/description/catalog.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/description/embedded_files.h"
#include "analyzer/description/field_path.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/files.h"
#include "analyzer/testing/status.h"
#include "analyzer/testing/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/constant.pb.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string ModelError(const std::string& text) {
  return ErrorOf(ParseModel(text, "m.textproto"));
}
std::string HardwareError(const std::string& text) {
  return ErrorOf(ParseHardware(text, "h.textproto"));
}

// A valid model, which the tests corrupt.
constexpr char kGoodModel[] = R"(name: "m"
sources { id: "s" kind: PAPER citation: "c" date: "2024" }
d_model: 64
vocab_size: 100
max_context: 128
norm: RMS_NORM
block {
  name: "full"
  norms: 2
  attention { heads: 4 kv_heads: 2 head_dim: 16 }
  mlp { d_ff: 128 }
}
layers { run { block: "full" count: 2 } }
)";

TEST(CatalogTest, EveryShippedDescriptionLoads) {
  for (const std::string& name : CatalogNames(SpecKind::kModel)) {
    const Model model = LoadModelOrDie(name);
    EXPECT_EQ(model.name(), name) << "the file is named otherwise";
  }
  for (const std::string& name : CatalogNames(SpecKind::kSystem)) {
    const Hardware hardware = LoadHardwareOrDie(name);
    EXPECT_EQ(hardware.name(), name) << "the file is named otherwise";
  }
  for (const std::string& name : CatalogNames(SpecKind::kMemoryTechnology)) {
    const MemoryTechnology technology = OrDie(LoadMemoryTechnology(name));
    EXPECT_EQ(technology.name(), name) << "the file is named otherwise";
  }
  for (const std::string& name : CatalogNames(SpecKind::kLogicTechnology)) {
    const LogicTechnology technology = OrDie(LoadLogicTechnology(name));
    EXPECT_EQ(technology.name(), name) << "the file is named otherwise";
  }
  for (const std::string& name : CatalogNames(SpecKind::kLinkTechnology)) {
    const LinkTechnology technology = OrDie(LoadLinkTechnology(name));
    EXPECT_EQ(technology.name(), name) << "the file is named otherwise";
  }
  for (const std::string& name : CatalogNames(SpecKind::kCircuitTechnology)) {
    absl::StatusOr<AnalogCircuit> circuit = LoadCircuitTechnology(name);
    ASSERT_TRUE(circuit.ok()) << circuit.status();
    EXPECT_EQ(circuit->name(), name) << "the file is named otherwise";
  }
  for (const std::string& name : CatalogNames(SpecKind::kRuntime)) {
    const Runtime runtime = OrDie(LoadRuntime(name));
    EXPECT_EQ(runtime.name(), name) << "the file is named otherwise";
    EXPECT_EQ(runtime.on_size(), 0) << name;
    // As it is on the machines of each generation.
    for (const char* generation : {"hopper", "blackwell", "apple"}) {
      EXPECT_TRUE(LoadRuntime(name, generation).ok()) << name;
    }
    EXPECT_TRUE(LoadHardware("h100-sxm", {{"runtime", name}}).ok()) << name;
  }
  for (const std::string& name : CatalogNames(SpecKind::kRuntimeClass)) {
    const Runtime file = OrDie(LoadRuntimeFile(SpecKind::kRuntimeClass, name));
    EXPECT_EQ(file.name(), name) << "the file is named otherwise";
  }
}

TEST(CatalogTest, ShippedCatalogueHasWhatTheReadmeNames) {
  const std::vector<std::string> models = CatalogNames(SpecKind::kModel);
  for (const char* name :
       {"llama-2-7b", "llama-2-13b", "llama-2-70b", "llama-3.1-8b",
        "llama-3.1-70b", "llama-3.1-405b", "qwen3-8b", "qwen3-14b", "qwen3-32b",
        "mistral-7b-v0.1", "mistral-7b-v0.3", "unit"}) {
    EXPECT_THAT(models, testing::Contains(name));
  }
  const std::vector<std::string> hardware = CatalogNames(SpecKind::kSystem);
  for (const char* name : {"a100-sxm-80gb", "h100-sxm", "h200", "b200",
                           "tpu-v5e", "rtx-4090", "m2-ultra", "unit"}) {
    EXPECT_THAT(hardware, testing::Contains(name));
  }
  const std::vector<std::string> runtimes = CatalogNames(SpecKind::kRuntime);
  for (const char* name : {"vllm", "trtllm", "sglang", "llama.cpp",
                           "transformers-eager", "ideal"}) {
    EXPECT_THAT(runtimes, testing::Contains(name));
  }
  // A class is no runtime.
  EXPECT_THAT(runtimes, Not(testing::Contains("serving")));
}

TEST(CatalogTest, EveryNumberOfTheHardwareHasARangeAndASource) {
  for (const std::string& name : CatalogNames(SpecKind::kSystem)) {
    const Hardware hardware = LoadHardwareOrDie(name);
    std::set<std::string> sources;
    for (const Source& source : hardware.sources()) {
      sources.insert(source.id());
      EXPECT_GE(source.citation().size(), 10u) << name << " " << source.id();
      EXPECT_NE(source.kind(), Source::KIND_UNSPECIFIED);
      EXPECT_EQ(source.date().substr(0, 2), "20") << name << " " << source.id();
    }
    ForEachConstant(hardware, [&](const std::string& path,
                                  const Constant& constant, const auto&) {
      EXPECT_EQ(sources.count(constant.source()), 1u) << name << " " << path;
      EXPECT_LE(constant.low(), constant.value()) << name << " " << path;
      EXPECT_GE(constant.high(), constant.value()) << name << " " << path;
    });
  }
}

TEST(CatalogTest, EveryNumberOfARuntimeHasARangeAndASource) {
  for (const std::string& name : CatalogNames(SpecKind::kRuntime)) {
    for (const char* generation : {"", "hopper", "blackwell", "apple"}) {
      const Runtime runtime = OrDie(LoadRuntime(name, generation));
      std::set<std::string> sources;
      for (const Source& source : runtime.sources()) {
        sources.insert(source.id());
        EXPECT_GE(source.citation().size(), 10u) << name << " " << source.id();
        EXPECT_EQ(source.date().substr(0, 2), "20") << name;
      }
      ForEachConstant(runtime, [&](const std::string& path,
                                   const Constant& constant, const auto&) {
        EXPECT_EQ(sources.count(constant.source()), 1u) << name << " " << path;
        EXPECT_LE(constant.low(), constant.value()) << name << " " << path;
        EXPECT_GE(constant.high(), constant.value()) << name << " " << path;
      });
    }
  }
}

TEST(CatalogTest, AssumptionsHaveARange) {
  // A number that was not measured must have a range.
  for (const std::string& name : CatalogNames(SpecKind::kSystem)) {
    const Hardware hardware = LoadHardwareOrDie(name);
    std::set<std::string> assumed;
    for (const Source& source : hardware.sources()) {
      if (source.kind() == Source::ASSUMPTION) assumed.insert(source.id());
    }
    ForEachConstant(
        hardware, [&](const std::string& path, const Constant& constant,
                      const google::protobuf::FieldDescriptor& field) {
          // Sizes and counts are exact.
          const bool is_count = field.name() == "capacity_gb" ||
                                field.name() == "row_bytes" ||
                                field.name() == "power_usage_effectiveness";
          if (is_count || assumed.count(constant.source()) == 0) return;
          EXPECT_LT(constant.low(), constant.high()) << name << " " << path;
        });
  }
}

TEST(CatalogTest, FilesSayWhichSchemaTheyFollow) {
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    EXPECT_THAT(std::string(file.content), HasSubstr("# proto-file: proto/"))
        << file.path;
    EXPECT_THAT(std::string(file.content), HasSubstr("# proto-message: "))
        << file.path;
  }
}

TEST(CatalogTest, NamesAreFoundHoweverTheirCaseAndBlanks) {
  EXPECT_EQ(OrDie(LoadModel("Llama-3.1-8B")).name(), "llama-3.1-8b");
  EXPECT_EQ(OrDie(LoadModel("llama 3.1_8b")).name(), "llama-3.1-8b");
  EXPECT_EQ(OrDie(LoadHardware("H100-SXM")).name(), "h100-sxm");
  EXPECT_TRUE(LoadRuntime("vLLM").ok());
}

TEST(CatalogTest, UnknownNamesOfferTheNearest) {
  EXPECT_THAT(ErrorOf(LoadModel("Llama-3.1-8B-Instruct")),
              HasSubstr("did you mean \"llama-3.1-8b\"?"));
  EXPECT_THAT(ErrorOf(LoadHardware("h200-sxm")),
              HasSubstr("did you mean \"h200\"?"));
  // Other digits are another model or machine, however near the letters.
  for (const std::string& error :
       {ErrorOf(LoadModel("gemma4-27b")), ErrorOf(LoadModel("qwen4-8b")),
        ErrorOf(LoadHardware("h150-sxm"))}) {
    EXPECT_THAT(error, Not(HasSubstr("did you mean"))) << error;
    EXPECT_THAT(error, HasSubstr("shows all")) << error;
  }
  // Several machines begin so: which one is for the user to say.
  EXPECT_THAT(ErrorOf(LoadHardware("H100")),
              HasSubstr("did you mean one of h100-nvl, h100-pcie, h100-sxm?"));
  EXPECT_THAT(ErrorOf(LoadHardware("4090")),
              HasSubstr("did you mean \"rtx-4090\"?"));
  EXPECT_THAT(ErrorOf(LoadModel("llama3.1-8b")),
              HasSubstr("did you mean \"llama-3.1-8b\"?"));
  EXPECT_THAT(ErrorOf(LoadHardware("h100-sx")),
              HasSubstr("did you mean \"h100-sxm\"?"));
  EXPECT_THAT(ErrorOf(LoadModel("no such model at all, is there")),
              HasSubstr("`tokenjoule list models` shows all"));
}

TEST(CatalogTest, EveryFaultIsReportedWithItsPlace) {
  std::string text = Replaced(kGoodModel, "d_model: 64", "d_modle: 64");
  text = Replaced(text, "RMS_NORM", "RMS_NROM");
  text = Replaced(text, "vocab_size: 100", "vocab_size: \"many\"");
  text = Replaced(text, "count: 2", "count: -2");
  const std::string error = ModelError(text);
  EXPECT_THAT(error, HasSubstr("m.textproto:3:8: unknown field of Model "
                               "\"d_modle\"; did you mean \"d_model\"?"));
  EXPECT_THAT(error, HasSubstr("m.textproto:4:13: Expected integer"));
  EXPECT_THAT(error, HasSubstr("m.textproto:6:7: unknown value of norm "
                               "\"RMS_NROM\"; did you mean \"RMS_NORM\"?"));
  EXPECT_THAT(error, HasSubstr("m.textproto:13:30: layers[0].run.full.count: "
                               "-2 is out of range; expected 1 to 100000"));
  // A field that is missing because its line could not be parsed is not
  // reported again.
  EXPECT_THAT(error, Not(HasSubstr("is missing")));
}

TEST(CatalogTest, MissingFieldsAreNamed) {
  const std::string error =
      ModelError(Replaced(kGoodModel, "vocab_size: 100\n", ""));
  EXPECT_EQ(error, "m.textproto: vocab_size: is missing; expected 1 to 1e+08");
}

TEST(CatalogTest, ExplicitZeroIsOutOfRangeWithItsPlace) {
  EXPECT_THAT(ModelError(Replaced(kGoodModel, "d_model: 64", "d_model: 0")),
              HasSubstr("m.textproto:3:1: d_model: 0 is out of range"));
}

TEST(CatalogTest, HeadsThatDoNotDivideAreRefused) {
  EXPECT_THAT(ModelError(Replaced(kGoodModel, "kv_heads: 2", "kv_heads: 3")),
              HasSubstr("3 does not divide the 4 query heads"));
}

TEST(CatalogTest, UnknownAndUnusedBlocksAreRefused) {
  const std::string error =
      ModelError(Replaced(kGoodModel, "block: \"full\"", "block: \"fool\""));
  EXPECT_THAT(error,
              HasSubstr("unknown block \"fool\"; did you mean \"full\""));
}

TEST(CatalogTest, NotTextAndEmptyAreRefused) {
  EXPECT_THAT(ModelError(std::string("\xff\xfe\x00\x01", 4)),
              HasSubstr("is not UTF-8"));
  EXPECT_THAT(ModelError(""), HasSubstr("name: is missing"));
  EXPECT_THAT(ModelError(std::string(5'000'000, ' ')),
              HasSubstr("at most 4000000"));
}

TEST(CatalogTest, DeepNestingIsRefused) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "block {";
  EXPECT_FALSE(ParseModel(text, "m.textproto").ok());
}

TEST(CatalogTest, ConstantsNeedRangeAndSource) {
  const std::string error = HardwareError(R"(name: "h"
base: "datacenter-gpu"
sources { id: "s" kind: PAPER citation: "c" date: "2024" }
board {
  static_power_w { value: 10 source: "s" }
  power_cap_w { value: 5 low: 6 high: 7 source: "t" }
}
)");
  EXPECT_THAT(error, HasSubstr("board.static_power_w.low: is missing"));
  EXPECT_THAT(error, HasSubstr("h.textproto:6:17: board.power_cap_w: value 5 "
                               "is not between low 6 and high 7"));
  EXPECT_THAT(error, HasSubstr("board.power_cap_w.source: unknown source"));
}

TEST(CatalogTest, NanAndInfinityAreRefused) {
  for (const char* bad : {"nan", "inf", "-inf", "1e999"}) {
    EXPECT_FALSE(
        LoadHardware("h100-sxm", {{"memory.hbm.bandwidth_gb_per_s", bad}}).ok())
        << bad;
    const std::string text = absl::StrCat(
        "name: \"h\" base: \"datacenter-gpu\"\n"
        "sources { id: \"s\" kind: PAPER citation: \"c\" date: \"2024\" }\n"
        "board { static_power_w { value: ",
        bad, " low: 1 high: 1e9 source: \"s\" } }\n");
    EXPECT_THAT(HardwareError(text), HasSubstr("is out of range")) << bad;
  }
}

TEST(CatalogTest, ClassAndTechnologyFillInWhatASystemLeavesOpen) {
  const Hardware hardware = LoadHardwareOrDie("h100-sxm");
  const MemoryLevel& hbm = hardware.memory(0);
  EXPECT_EQ(hbm.name(), "hbm");
  // From the system, the class and the technology.
  EXPECT_EQ(hbm.bandwidth_gb_per_s().value(), 3350);
  EXPECT_EQ(hbm.phy_energy_pj_per_bit().source(), "datacenter-gpu:phy-energy");
  EXPECT_EQ(hbm.technology().read_energy_pj_per_bit().source(),
            "hbm3:measured-ratio");
}

TEST(CatalogTest, AnAnalogCircuitFillsInWhatAnEngineLeavesOpen) {
  absl::StatusOr<Hardware> hardware = LoadHardware("aimc-hbm3e");
  ASSERT_TRUE(hardware.ok());
  AnalogCircuit circuit;
  for (const ComputeEngine& engine : hardware->engine()) {
    if (engine.name() == "aimc") circuit = engine.analog();
  }
  EXPECT_EQ(circuit.cell(), AnalogCircuit::C2C_LADDER);
  EXPECT_EQ(circuit.supply_v().source(), "charge-domain:supply");
  // The machine's own fields take precedence.
  EXPECT_EQ(circuit.product_variance().source(), "aimc-hbm3e:circuit");
  EXPECT_EQ(circuit.product_variance().value(), 0.111);
  EXPECT_THAT(
      HardwareError("name: \"h\"\nbase: \"aimc-hbm3e\"\nengine {\n  name: "
                    "\"aimc\"\n  analog { base: \"charge-domian\" }\n}\n"),
      HasSubstr("h.textproto: engine.aimc.analog.base: unknown analog "
                "circuit \"charge-domian\""));
}

// A constant without a range, of a source that every file of these tests has.
std::string Us(const std::string& field, double value) {
  return absl::StrCat(field, "_us { value: ", value, " low: ", value,
                      " high: ", value, " source: \"s\" }\n");
}

constexpr char kTestSource[] =
    "sources { id: \"s\" kind: DEFINITION citation: \"set by the test\" "
    "date: \"2026\" }\n";

// Writes a runtime of two files and returns its path: the base takes 10 us per
// layer, 5 on Hopper, and 100 per step; the runtime 200 per step, 300 on Hopper
// and Blackwell.
std::string TwoFiles() {
  Write(TempPath("base.textproto"),
        absl::StrCat("name: \"base\"\n", kTestSource, Us("time_per_step", 100),
                     Us("time_per_layer", 10),
                     "software: \"one\"\nkernels { format: \"fp8\" ",
                     Us("time_per_expert_product", 1),
                     "}\non { generation: \"hopper\" runtime {\n",
                     Us("time_per_layer", 5), "} }\n"));
  const std::string path = TempPath("runtime.textproto");
  Write(path,
        absl::StrCat("name: \"runtime\"\nbase: \"base.textproto\"\n",
                     kTestSource, Us("time_per_step", 200),
                     "on { generation: \"hopper\" generation: \"blackwell\" "
                     "runtime {\n",
                     Us("time_per_step", 300),
                     "kernels { format: \"fp8\" expert_activations: \"fp8\" } "
                     "} }\n"));
  return path;
}

TEST(CatalogTest, ARuntimeIsItsBaseThenItselfThenWhatItIsOnTheGeneration) {
  const std::string path = TwoFiles();
  const struct {
    const char* generation;
    double step, layer;
  } cases[] = {{"", 200, 10},
               {"hopper", 300, 5},
               {"blackwell", 300, 10},
               {"ampere", 200, 10}};
  for (const auto& c : cases) {
    const Runtime runtime = OrDie(LoadRuntime(path, c.generation));
    EXPECT_EQ(runtime.name(), "runtime");
    EXPECT_EQ(runtime.time_per_step_us().value(), c.step) << c.generation;
    EXPECT_EQ(runtime.time_per_layer_us().value(), c.layer) << c.generation;
    EXPECT_EQ(runtime.time_per_layer_us().source(), "base:s");
    EXPECT_THAT(runtime.software(), testing::ElementsAre("one"));
    // Kernels of one format are one entry.
    ASSERT_EQ(runtime.kernels_size(), 1);
    EXPECT_EQ(runtime.kernels(0).time_per_expert_product_us().value(), 1);
    EXPECT_EQ(runtime.kernels(0).expert_activations(),
              c.step == 300 ? "fp8" : "");
  }
}

TEST(CatalogTest, AListOfReleasesReplacesThatOfTheBase) {
  Write(TempPath("base.textproto"),
        "name: \"base\"\nsoftware: \"one\"\nsoftware: \"two\"\n");
  const std::string path = TempPath("other.textproto");
  Write(path,
        "name: \"other\"\nbase: \"base.textproto\"\nsoftware: \"three\"\n");
  EXPECT_THAT(OrDie(LoadRuntime(path)).software(),
              testing::ElementsAre("three"));
}

TEST(CatalogTest, AMachineOverridesItsRuntimeAndAnotherRuntimeReplacesBoth) {
  const std::string path = TwoFiles();
  const std::string machine = TempPath("machine.textproto");
  // h100-sxm is of Hopper.
  Write(machine, absl::StrCat("name: \"machine\"\nbase: \"h100-sxm\"\n",
                              kTestSource, "runtime { base: \"", path, "\"\n",
                              Us("time_per_step", 7), "}\n"));
  Hardware hardware = LoadHardwareOrDie(machine);
  EXPECT_EQ(hardware.generation(), "hopper");
  EXPECT_EQ(hardware.runtime().base(), path);
  EXPECT_EQ(hardware.runtime().time_per_step_us().value(), 7);
  EXPECT_EQ(hardware.runtime().time_per_layer_us().value(), 5);
  EXPECT_FALSE(hardware.runtime().has_time_per_prompt_us());
  // Another runtime leaves nothing of the first, nor of the machine's changes.
  hardware = LoadHardwareOrDie(machine, {{"runtime", "ideal"}});
  EXPECT_EQ(hardware.runtime().base(), "ideal");
  EXPECT_FALSE(hardware.runtime().has_time_per_step_us());
  EXPECT_FALSE(hardware.runtime().has_time_per_layer_us());
  EXPECT_EQ(hardware.runtime().kernels_size(), 0);
  // Changes of fields apply to it in any order; of several the last counts.
  hardware = LoadHardwareOrDie(machine, {{"runtime.time_per_layer_us", "3"},
                                         {"runtime", "vllm"},
                                         {"runtime", "ideal"}});
  EXPECT_EQ(hardware.runtime().base(), "ideal");
  EXPECT_FALSE(hardware.runtime().has_time_per_step_us());
  EXPECT_EQ(hardware.runtime().time_per_layer_us().value(), 3);
}

TEST(CatalogTest, ARuntimeMayBeAFileBesideTheUserNotBesideTheMachine) {
  const std::string path = TwoFiles();
  EXPECT_EQ(LoadHardwareOrDie("h200", {{"runtime", path}})
                .runtime()
                .time_per_step_us()
                .value(),
            300);
  const std::string relative = "relative.textproto";
  Write(relative, absl::StrCat("name: \"relative\"\n", kTestSource,
                               Us("time_per_step", 9)));
  EXPECT_EQ(LoadHardwareOrDie("h200", {{"runtime", relative}})
                .runtime()
                .time_per_step_us()
                .value(),
            9);
}

TEST(CatalogTest, UnknownRuntimesOfferTheNearest) {
  EXPECT_THAT(ErrorOf(LoadHardware("h100-sxm", {{"runtime", "vlm"}})),
              HasSubstr("unknown runtime \"vlm\"; did you mean \"vllm\"?"));
  EXPECT_THAT(ErrorOf(LoadRuntime("no such runtime at all")),
              HasSubstr("`tokenjoule list runtimes` shows all"));
  EXPECT_THAT(HardwareError("name: \"h\"\nbase: \"h100-sxm\"\n"
                            "runtime {\n  base: \"sglnag\"\n}\n"),
              HasSubstr("h.textproto:4:3: runtime.base: unknown runtime "
                        "\"sglnag\"; did you mean \"sglang\"?"));
}

TEST(CatalogTest, RuntimesMayBeSetWithOrWithoutTheirMachine) {
  Overrides overrides;
  EXPECT_TRUE(overrides.AddAssignment("runtime.time_per_step_us=5").ok());
  EXPECT_TRUE(
      overrides.AddAssignment("hardware.runtime.time_per_layer_us=6").ok());
  EXPECT_TRUE(overrides.Add("runtime", "trtllm").ok());
  const Runtime runtime =
      LoadHardwareOrDie("h100-sxm", overrides.hardware).runtime();
  EXPECT_EQ(runtime.base(), "trtllm");
  EXPECT_EQ(runtime.time_per_step_us().value(), 5);
  EXPECT_EQ(runtime.time_per_layer_us().value(), 6);
  EXPECT_THAT(ErrorOf(overrides.AddAssignment("runtim.x=5")),
              HasSubstr("did you mean \"runtime\"?"));
}

TEST(CatalogTest, FitsStartFromDescriptionsWithoutFits) {
  for (const char* name : {"h100-sxm", "h200", "b200", "m2-ultra"}) {
    const Hardware hardware = OrDie(LoadHardwareBeforeFits(name));
    EXPECT_EQ(hardware.name(), name);
    std::set<std::string> fits;
    for (const Source& source : hardware.sources()) {
      if (source.kind() == Source::FITTED) fits.insert(source.id());
    }
    ForEachConstant(hardware, [&](const std::string& path,
                                  const Constant& constant, const auto&) {
      EXPECT_EQ(fits.count(constant.source()), 0u) << name << " " << path;
    });
  }
}

TEST(CatalogTest, OldNamesOfMachinesWithEagerCodeSayWhatReplacesThem) {
  for (const std::string& name :
       {std::string("a100-sxm-40gb"), std::string("v100-sxm")}) {
    const Hardware eager = LoadHardwareOrDie(name + "-eager");
    EXPECT_EQ(eager.runtime().base(), "transformers-eager");
    EXPECT_THAT(eager.notice(), HasSubstr("use --hardware=" + name +
                                          " --runtime=transformers-eager"));
    const Hardware replaced =
        LoadHardwareOrDie(name, {{"runtime", "transformers-eager"}});
    EXPECT_EQ(eager.runtime().SerializeAsString(),
              replaced.runtime().SerializeAsString());
    EXPECT_EQ(replaced.notice(), "");
  }
}

TEST(CatalogTest, UnknownBaseIsReportedWithItsPlace) {
  EXPECT_THAT(
      HardwareError("name: \"h\"\nbase: \"datacentre-gpu\"\n"),
      HasSubstr("h.textproto:2:1: base: unknown hardware class "
                "\"datacentre-gpu\"; did you mean \"datacenter-gpu\"?"));
}

TEST(CatalogTest, SetReachesAnyNumericField) {
  const Hardware hardware = LoadHardwareOrDie(
      "h100-sxm", {{"memory.hbm.bandwidth_gb_per_s", "4000"},
                   {"memory[1].capacity_gb", "0.1"},
                   {"engine.tensor.rate.fp8.peak_tflops", "7"}});
  EXPECT_EQ(hardware.memory(0).bandwidth_gb_per_s().low(), 4000);
  EXPECT_EQ(hardware.memory(0).bandwidth_gb_per_s().high(), 4000);
  EXPECT_EQ(hardware.memory(1).capacity_gb().value(), 0.1);
  const Model model =
      LoadModelOrDie("llama-3.1-8b", {{"block.full.attention.kv_heads", "4"}});
  EXPECT_EQ(model.block(0).attention().kv_heads(), 4);
}

TEST(CatalogTest, SetReachesEveryConstantThatExplainShows) {
  const Hardware hardware = LoadHardwareOrDie("h100-sxm");
  ForEachConstant(hardware, [&](const std::string& path,
                                const Constant& constant, const auto&) {
    EXPECT_TRUE(
        LoadHardware("h100-sxm", {{path, absl::StrCat(constant.value())}}).ok())
        << path;
  });
}

TEST(CatalogTest, SetRefusesWhatTheSchemaRefuses) {
  const auto error = [](const char* path, const char* value) {
    return ErrorOf(LoadHardware("h100-sxm", {{path, value}}));
  };
  EXPECT_THAT(error("memory.hbm.bandwith_gb_per_s", "1"),
              HasSubstr("did you mean \"bandwidth_gb_per_s\"?"));
  EXPECT_THAT(error("memory.hbn.bandwidth_gb_per_s", "1"),
              HasSubstr("did you mean \"hbm\"?"));
  EXPECT_THAT(error("memory.hbm.bandwidth_gb_per_s", "fast"),
              HasSubstr("expected a number"));
  EXPECT_THAT(error("memory.hbm.bandwidth_gb_per_s", "-1"),
              HasSubstr("out of range"));
  EXPECT_THAT(error("memory", "1"), HasSubstr("is a list"));
  EXPECT_THAT(error("board", "1"), HasSubstr("is a group"));
  EXPECT_THAT(error("memory[0", "1"), HasSubstr("unbalanced brackets"));
  EXPECT_THAT(error("", "1"), HasSubstr("the path is empty"));
}

}  // namespace
}  // namespace tokenjoule
