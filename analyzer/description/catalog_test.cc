#include "analyzer/description/catalog.h"

#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/description/embedded_files.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/names.h"
#include "analyzer/description/notices.h"
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

// Collects the notices of a test.
class Notices {
 public:
  Notices() {
    SetNoticeSink(
        [this](absl::string_view notice) { given_.emplace_back(notice); });
  }
  ~Notices() { SetNoticeSink(nullptr); }
  const std::vector<std::string>& given() const { return given_; }

 private:
  std::vector<std::string> given_;
};

// What people type, and the entry that it finds.
TEST(CatalogTest, ShortNamesFindTheirEntry) {
  const std::pair<const char*, const char*> kMachines[] = {
      {"H100", "h100-sxm"},
      {"h100sxm", "h100-sxm"},
      {"NVIDIA H100", "h100-sxm"},
      {"H100-SXM5-80GB", "h100-sxm"},
      {"NVIDIA H100 80GB HBM3", "h100-sxm"},
      {"H100 PCIe", "h100-pcie"},
      {"H200", "h200"},
      {"h200-sxm", "h200"},
      {"B200", "b200"},
      {"A100", "a100-sxm-80gb"},
      {"A100-80GB", "a100-sxm-80gb"},
      {"A100 40GB", "a100-sxm-40gb"},
      {"NVIDIA A100-SXM4-80GB", "a100-sxm-80gb"},
      {"V100", "v100-sxm"},
      {"4090", "rtx-4090"},
      {"RTX 4090", "rtx-4090"},
      {"RTX4090", "rtx-4090"},
      {"NVIDIA GeForce RTX 4090", "rtx-4090"},
      {"3090", "rtx-3090"},
      {"5090", "rtx-5090"},
      {"A6000", "rtx-a6000"},
      {"7900XTX", "rx-7900-xtx"},
      {"MI300X", "mi300x"},
      {"AMD Instinct MI300X", "mi300x"},
      {"GB10", "dgx-spark"},
      {"DGX Spark", "dgx-spark"},
      {"M4 Max", "apple-m4-max"},
      {"Apple M4 Max", "apple-m4-max"},
      {"m2-ultra", "m2-ultra"},
      {"Orin", "jetson-agx-orin-64gb"},
      {"Trillium", "tpu-v6e"},
      {"TPUv5p", "tpu-v5p"},
      {"Gaudi 3", "gaudi3"},
      {"Tesla T4", "t4"},
  };
  for (const auto& [typed, name] : kMachines) {
    EXPECT_EQ(OrDie(LoadHardware(typed)).name(), name) << typed;
  }
  const std::pair<const char*, const char*> kModels[] = {
      {"llama3.1-8b", "llama-3.1-8b"},
      {"Llama-3.1-8B-Instruct", "llama-3.1-8b"},
      {"meta-llama/Llama-3.1-8B", "llama-3.1-8b"},
      {"meta-llama/Meta-Llama-3.1-8B-Instruct", "llama-3.1-8b"},
      {"META-LLAMA/llama-3.1-8b", "llama-3.1-8b"},
      {"meta-llama/Llama-3.1-405B-Instruct-FP8", "llama-3.1-405b-fp8"},
      {"Qwen/Qwen3-235B-A22B", "qwen3-235b-a22b"},
      {"Qwen/Qwen3-235B-A22B-Instruct-2507", "qwen3-235b-a22b"},
      {"Qwen3-30B", "qwen3-30b-a3b"},
      {"deepseek-ai/DeepSeek-R1", "deepseek-r1"},
      {"openai/gpt-oss-120b", "gpt-oss-120b"},
      {"GPT-3", "gpt-3-175b"},
  };
  for (const auto& [typed, name] : kModels) {
    EXPECT_EQ(OrDie(LoadModel(typed)).name(), name) << typed;
  }
}

TEST(CatalogTest, AnAliasThatMayMeanOthersSaysSoOnce) {
  Notices notices;
  EXPECT_TRUE(LoadHardware("H100").ok());
  EXPECT_TRUE(LoadHardware("H100").ok());
  // Names of one entry are not worth a word.
  EXPECT_TRUE(LoadHardware("4090").ok());
  EXPECT_TRUE(LoadHardware("h100-sxm").ok());
  EXPECT_TRUE(LoadModel("meta-llama/Llama-3.1-8B").ok());
  EXPECT_TRUE(LoadHardware("A100").ok());
  EXPECT_THAT(
      notices.given(),
      testing::ElementsAre(
          "hardware \"H100\" taken as h100-sxm; also h100-nvl, h100-pcie",
          "hardware \"A100\" taken as a100-sxm-80gb; also a100-sxm-40gb"));
}

// What people type, and the entries that are offered, in this order.
TEST(CatalogTest, UnknownNamesOfferTheNearest) {
  const std::pair<const char*, const char*> kMachines[] = {
      {"h100-sx", "did you mean \"h100-sxm\"?"},
      {"H100-S", "did you mean \"h100-sxm\"?"},
      {"MI300", "did you mean \"mi300x\"?"},
      {"a100-sxm-80", "did you mean \"a100-sxm-80gb\"?"},
      {"jetson",
       "did you mean one of jetson-agx-orin-64gb, "
       "jetson-orin-nano-8gb, jetson-thor?"},
      {"tpu",
       "did you mean one of tpu-v4, tpu-v4i, tpu-v5e, tpu-v5p, tpu-v6e, "
       "tpu-v7?"},
      {"gaudi", "did you mean one of gaudi2, gaudi3?"},
      {"epyc", "did you mean one of epyc-9654, epyc-9755?"},
  };
  for (const auto& [typed, offered] : kMachines) {
    EXPECT_THAT(ErrorOf(LoadHardware(typed)), HasSubstr(offered)) << typed;
  }
  const std::pair<const char*, const char*> kModels[] = {
      {"mistral-7b", "did you mean one of mistral-7b-v0.1, mistral-7b-v0.3?"},
      {"gpt-oss", "did you mean one of gpt-oss-120b, gpt-oss-20b?"},
      {"lama-3.1-8b", "did you mean \"llama-3.1-8b\"?"},
      {"gemma-29b", "did you mean \"gemma-2-9b\"?"},
      {"Llama-3.1-8B-Chat", "did you mean \"llama-3.1-8b\"?"},
      {"unsloth/Llama-3.1-8B", "did you mean \"llama-3.1-8b\"?"},
  };
  for (const auto& [typed, offered] : kModels) {
    EXPECT_THAT(ErrorOf(LoadModel(typed)), HasSubstr(offered)) << typed;
  }
  // Other digits are another model or machine, however near the letters.
  for (const std::string& error :
       {ErrorOf(LoadModel("gemma4-27b")), ErrorOf(LoadModel("qwen4-8b")),
        ErrorOf(LoadHardware("h150-sxm")), ErrorOf(LoadHardware("RTX 6090")),
        ErrorOf(LoadHardware("M7 Max")), ErrorOf(LoadModel("Qwen/Qwen9-8B")),
        ErrorOf(LoadModel("no such model at all, is there"))}) {
    EXPECT_THAT(error, Not(HasSubstr("did you mean"))) << error;
    EXPECT_THAT(error, HasSubstr("shows all")) << error;
  }
}

TEST(CatalogTest, QuantisedCheckpointsNameTheirShapesAndFormat) {
  const std::pair<const char*, const char*> kIds[] = {
      {"Qwen/Qwen3-8B-AWQ", "--model=qwen3-8b --weights=int4-g128"},
      {"Qwen/Qwen3-8B-FP8", "--model=qwen3-8b --weights=fp8"},
      {"Qwen3-8B-AWQ", "--model=qwen3-8b --weights=int4-g128"},
      {"nvidia/Llama-3.1-8B-Instruct-NVFP4",
       "--model=llama-3.1-8b --weights=nvfp4"},
      {"RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16",
       "--model=llama-3.1-8b --weights=int4-g128"},
      {"Qwen/Qwen2.5-72B-Instruct-GPTQ-Int8",
       "--model=qwen2.5-72b --weights=int8-g128"},
      {"unsloth/Llama-3.1-8B-Instruct-bnb-4bit",
       "--model=llama-3.1-8b --weights=nf4"},
      {"mlx-community/Qwen3-8B-4bit",
       "--model=qwen3-8b --weights=int4-g64-affine"},
      {"bartowski/Qwen3-8B-Q4_K_M.gguf", "--model=qwen3-8b --weights=q4_k_m"},
      {"Qwen/Qwen3-30B-A3B-GPTQ-Int4",
       "--model=qwen3-30b-a3b --weights=int4-g128"},
      {"bartowski/Llama-3.3-70B-Instruct-Q8_0",
       "--model=llama-3.3-70b --weights=q8_0"},
  };
  for (const auto& [id, advice] : kIds) {
    EXPECT_THAT(ErrorOf(LoadModel(id)), HasSubstr(advice)) << id;
    EXPECT_THAT(ErrorOf(LoadModel(id)), HasSubstr("import-hf")) << id;
  }
}

TEST(CatalogTest, NoNameMeansTwoEntries) {
  for (const SpecKind kind : {SpecKind::kModel, SpecKind::kSystem}) {
    EXPECT_THAT(NameClashes(NamesOfKind(kind)), testing::IsEmpty());
  }
}

// Names are read from the lines of the files, which must say what the parsed
// files say.
TEST(CatalogTest, NamesAreThoseOfTheParsedFiles) {
  for (const CatalogNamesOf& names : NamesOfKind(SpecKind::kModel)) {
    const Model model = LoadModelOrDie(names.name);
    EXPECT_THAT(names.aliases, testing::ElementsAreArray(model.aliases()));
    EXPECT_THAT(names.hf_ids, testing::ElementsAreArray(model.hf_ids()));
    for (const std::string& id : names.hf_ids) {
      EXPECT_EQ(OrDie(LoadModel(id)).name(), names.name) << id;
    }
    for (const std::string& alias : names.aliases) {
      EXPECT_EQ(OrDie(LoadModel(alias)).name(), names.name) << alias;
    }
  }
  for (const CatalogNamesOf& names : NamesOfKind(SpecKind::kSystem)) {
    const Hardware hardware = LoadHardwareOrDie(names.name);
    EXPECT_THAT(names.aliases, testing::ElementsAreArray(hardware.aliases()))
        << names.name;
    for (const std::string& alias : names.aliases) {
      EXPECT_EQ(OrDie(LoadHardware(alias)).name(), names.name) << alias;
    }
  }
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

// A card of one's own: a base, and numbers without range or source.
constexpr char kOwnCard[] = R"(name: "card"
base: "desktop-gpu"
memory {
  name: "gddr"
  technology { base: "gddr6x" }
  devices { value: 12 }
  capacity_gb { value: 24 }
  bandwidth_gb_per_s { value: 936 }
  bandwidth_efficiency { value: 0.9 }
}
memory {
  name: "l2"
  technology { base: "sram-7nm" }
  capacity_gb { value: 0.006 }
  bandwidth_gb_per_s { value: 2000 }
}
engine {
  name: "tensor"
  rate {
    format: "FP16"
    peak_tflops { value: 71 low: 70 high: 72 }
    energy_pj_per_flop { value: 1 }
  }
}
engine { name: "vector" rate { format: "fp32" peak_tflops { value: 35 } } }
core_clock { reference_mhz { value: 1700 } }
board { power_cap_w { value: 350 } }
)";

TEST(CatalogTest, NumbersOfAUserMayLackRangeAndSource) {
  Notices notices;
  const Hardware card = OrDie(ParseHardware(kOwnCard, "card.textproto"));
  const MemoryLevel& gddr = card.memory(0);
  EXPECT_EQ(gddr.bandwidth_gb_per_s().low(), 936);
  EXPECT_EQ(gddr.bandwidth_gb_per_s().high(), 936);
  EXPECT_EQ(gddr.bandwidth_gb_per_s().source(), "card:no-source");
  // As wide as that of the class, and no wider than the schema allows.
  const MemoryLevel of_class = OrDie(LoadBase("desktop-gpu")).memory(0);
  const Constant& known = of_class.bandwidth_efficiency();
  EXPECT_DOUBLE_EQ(gddr.bandwidth_efficiency().low(),
                   0.9 * known.low() / known.value());
  EXPECT_LE(gddr.bandwidth_efficiency().high(), 1);
  EXPECT_EQ(card.engine(0).rate(0).format(), "fp16");
  EXPECT_EQ(card.engine(0).rate(0).peak_tflops().low(), 70);
  ASSERT_EQ(notices.given().size(), 1u);
  EXPECT_THAT(notices.given()[0],
              testing::StartsWith("card.textproto: no range, no source: "
                                  "memory.gddr.devices, "));
  EXPECT_THAT(notices.given()[0],
              HasSubstr("; no source: engine.tensor.rate.fp16.peak_tflops; "
                        "ranges as wide as the base's: "
                        "memory.gddr.bandwidth_efficiency; ranges of answers "
                        "leave out memory.gddr.devices, "));
}

TEST(CatalogTest, ANumberWithHalfARangeIsAFault) {
  EXPECT_THAT(
      HardwareError(Replaced(kOwnCard, "value: 936", "value: 936 low: 9")),
      HasSubstr("memory.gddr.bandwidth_gb_per_s.high: is missing"));
  EXPECT_THAT(HardwareError(Replaced(kOwnCard, "value: 936", "low: 936")),
              HasSubstr("memory.gddr.bandwidth_gb_per_s.value: is missing"));
  // A number that is out of range is one fault, not one for each end.
  const std::string error =
      HardwareError(Replaced(kOwnCard, "value: 936", "value: -1"));
  EXPECT_THAT(error, HasSubstr("h.textproto:8:24: memory.gddr."
                               "bandwidth_gb_per_s.value: -1 is out of range"));
  EXPECT_THAT(error, Not(HasSubstr("low")));
  EXPECT_THAT(HardwareError(Replaced(kOwnCard, "value: 936", "value: nan")),
              HasSubstr("nan is no number: fill it in; expected 1e-09 to"));
}

TEST(CatalogTest, WhatABaseLeavesOpenIsSaidToComeFromIt) {
  const std::string error =
      HardwareError(Replaced(kOwnCard, "name: \"gddr\"", "name: \"vram\""));
  EXPECT_THAT(error,
              HasSubstr("memory.gddr.technology.kind: is missing; base "
                        "desktop-gpu leaves it open: give it in a memory "
                        "called \"gddr\" (this file has vram, l2)"));
  EXPECT_THAT(HardwareError("name: \"h\" base: \"desktop-gpu\"\n"),
              HasSubstr("memory called \"l2\" (this file has none)"));
}

std::vector<std::string> LevelsOf(const Hardware& hardware) {
  std::vector<std::string> names;
  for (const MemoryLevel& level : hardware.memory()) {
    names.push_back(level.name());
  }
  return names;
}

constexpr char kFarther[] = R"(name: "m" base: "rtx-3090"
memory {
  name: "host"
  technology { base: "ddr4" }
  devices { value: 32 }
  capacity_gb { value: 64 }
  bandwidth_gb_per_s { value: 51.2 }
  bandwidth_efficiency { value: 0.85 }
}
)";

TEST(CatalogTest, ANewLevelIsPlacedByItsBandwidth) {
  EXPECT_THAT(LevelsOf(OrDie(ParseHardware(kFarther, "m.textproto"))),
              testing::ElementsAre("host", "gddr", "l2"));
  // Between the levels of the base.
  EXPECT_THAT(LevelsOf(OrDie(ParseHardware(
                  Replaced(Replaced(kFarther, "51.2", "1200"), "64", "0.5"),
                  "m.textproto"))),
              testing::ElementsAre("gddr", "host", "l2"));
}

TEST(CatalogTest, ALevelSaysItsPlace) {
  const std::string at_the_end =
      Replaced(Replaced(kFarther, "51.2", "1200"), "64 }",
               "0.004 } place { after: \"l2\" }");
  EXPECT_THAT(LevelsOf(OrDie(ParseHardware(at_the_end, "m.textproto"))),
              testing::ElementsAre("gddr", "l2", "host"));
  const auto with_place = [](const std::string& place) {
    return Replaced(kFarther, "name: \"host\"",
                    absl::StrCat("name: \"host\"\n  place { ", place, " }"));
  };
  EXPECT_THAT(LevelsOf(OrDie(ParseHardware(with_place("before: \"gddr\""),
                                           "m.textproto"))),
              testing::ElementsAre("host", "gddr", "l2"));
  EXPECT_THAT(HardwareError(with_place("before: \"gdr\"")),
              HasSubstr("h.textproto:4:3: memory.host.place: unknown memory "
                        "level \"gdr\"; did you mean \"gddr\"?"));
  for (const char* odd : {"", "before: \"gddr\" after: \"l2\""}) {
    EXPECT_THAT(HardwareError(with_place(odd)),
                HasSubstr("memory.host.place: expected exactly one of before "
                          "and after"));
  }
  // Both larger and slower than a farther level.
  EXPECT_THAT(HardwareError(with_place("after: \"gddr\"")),
              HasSubstr("memory.host: is nearer than gddr, but larger"));
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

TEST(CatalogTest, RangesAndSourcesThatAreGivenAreChecked) {
  const std::string error = HardwareError(R"(name: "h"
base: "datacenter-gpu"
sources { id: "s" kind: PAPER citation: "c" date: "2024" }
board {
  static_power_w { value: 10 source: "s" }
  power_cap_w { value: 5 low: 6 high: 7 source: "t" }
}
)");
  EXPECT_THAT(error, Not(HasSubstr("board.static_power_w")));
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
    EXPECT_THAT(HardwareError(text),
                HasSubstr(bad == absl::string_view("nan") ? "is no number"
                                                          : "is out of range"))
        << bad;
  }
}

TEST(CatalogTest, ClassAndTechnologyFillInWhatASystemLeavesOpen) {
  const Hardware hardware = LoadHardwareOrDie("h100-sxm");
  const MemoryLevel& hbm = hardware.memory(0);
  EXPECT_EQ(hbm.name(), "hbm");
  // From the system, the class and the technology.
  EXPECT_EQ(hbm.bandwidth_gb_per_s().value(), 3350);
  EXPECT_EQ(hbm.phy_energy_pj_per_bit().source(), "datacenter-gpu:phy-energy");
  EXPECT_EQ(hbm.technology().toggle_slope_pj_per_bit().source(),
            "hbm3:measured-ratio");
  EXPECT_EQ(hbm.technology().read_energy_pj_per_bit().source(),
            "h100-sxm:fitted");
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
      HasSubstr("h.textproto:5:12: engine.aimc.analog.base: unknown analog "
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

// A process that answers many questions keeps what it has read; a change of one
// question is not in the next.
TEST(CatalogTest, LoadsLeaveNoTraceInLaterLoads) {
  const auto text = [](absl::Span<const FieldOverride> changes) {
    return OrDie(LoadHardware("h100-sxm", changes)).SerializeAsString();
  };
  const std::string before = text({});
  EXPECT_NE(text({{"runtime", "sglang"}}), before);
  EXPECT_NE(text({{"board.static_power_w", "1"}}), before);
  EXPECT_FALSE(LoadHardware("h100-sxm", {{"no.such", "1"}}).ok());
  EXPECT_EQ(text({}), before);
  EXPECT_EQ(text({{"runtime", "sglang"}}), text({{"runtime", "sglang"}}));
  // With and without fits are two machines.
  const std::string unfitted =
      OrDie(LoadHardwareBeforeFits("h100-sxm")).SerializeAsString();
  EXPECT_NE(unfitted, before);
  EXPECT_EQ(OrDie(LoadHardwareBeforeFits("h100-sxm")).SerializeAsString(),
            unfitted);
  const std::string model = OrDie(LoadModel("llama-3.1-8b")).SerializeAsString();
  EXPECT_NE(OrDie(LoadModel("llama-3.1-8b", {{"vocab_size", "1000"}}))
                .SerializeAsString(),
            model);
  EXPECT_EQ(OrDie(LoadModel("llama-3.1-8b")).SerializeAsString(), model);
}

TEST(CatalogTest, ABaseIsADescription) {
  const std::string path = TempPath("curious.textproto");
  Write(TempPath("secret"), "root:x:0");
  for (const char* base : {"/etc/passwd", "./secret"}) {
    Write(path, absl::StrCat("name: \"mine\" base: \"", base, "\""));
    const std::string error = ErrorOf(LoadHardware(path));
    EXPECT_THAT(error, HasSubstr("expected one that ends in .textproto"));
    EXPECT_THAT(error, Not(HasSubstr("root:")));
  }
}

// The stem of a file becomes part of the ids of its sources, whose letters are few.
TEST(CatalogTest, FilesOfMachinesMayHaveAnyName) {
  std::set<std::string> ids;
  for (const char* stem : {"plain", "MyChip", "mychip", "my chip", "my+chip",
                           "\xc3\xa9t\xc3\xa9", "\xff", "a:b"}) {
    const std::string path = TempPath(absl::StrCat(stem, ".textproto"));
    Write(path, R"(name: "mine" base: "h100-sxm"
                   sources { id: "own" kind: ASSUMPTION citation: "c" date: "2026" }
                   board { set_power_cap_w { value: 600 low: 600 high: 600
                                             source: "own" } })");
    const Hardware hardware = OrDie(LoadHardware(path));
    EXPECT_EQ(hardware.board().set_power_cap_w().value(), 600);
    ids.insert(hardware.board().set_power_cap_w().source());
  }
  // Those of two files are never the same.
  EXPECT_EQ(ids.size(), 8u);
  EXPECT_EQ(ids.count("plain:own"), 1u);
}

TEST(CatalogTest, FilesAreReadWholeWithoutTheirByteOrderMark) {
  const std::string path = TempPath("marked.textproto");
  Write(path, "\xef\xbb\xbfname: \"a\"");
  EXPECT_EQ(OrDie(ReadTextFile(path)), "name: \"a\"");
  // Longer than one block, and than the limit.
  const std::string long_text(200'000, 'x');
  Write(path, long_text);
  EXPECT_EQ(OrDie(ReadTextFile(path)), long_text);
  EXPECT_THAT(ErrorOf(ReadTextFile(path, 199'999)),
              HasSubstr("is longer than 199999 bytes"));
  EXPECT_EQ(OrDie(ReadTextFile(path, 200'000)).size(), 200'000u);
}

TEST(CatalogTest, FoldersAndSilentPipesDoNotHoldAReaderUp) {
  EXPECT_THAT(ErrorOf(ReadTextFile(::testing::TempDir())),
              HasSubstr("cannot be read: Is a directory"));
  const std::string pipe = TempPath("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  // Without a writer it is an empty file.
  EXPECT_EQ(OrDie(ReadTextFile(pipe)), "");
  // What a shell's <(command) names is read until its writer has closed it.
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "name", 4), 4);
  ASSERT_EQ(::close(ends[1]), 0);
  EXPECT_EQ(OrDie(ReadTextFile(absl::StrCat("/dev/fd/", ends[0]))), "name");
  ::close(ends[0]);
}

}  // namespace
}  // namespace tokenjoule
