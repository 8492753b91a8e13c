// Quantised configurations of every method and every form of list, from the
// file to the formats of the imported model.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/formats.h"
#include "analyzer/import/hf_modules.h"
#include "analyzer/import/import_hf.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/model.pb.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

constexpr char kDirectory[] = "analyzer/import/testdata/quant/";

// Bits per weight, group and block scales and codebooks included, of each class
// of matrix; 0 for classes that the model does not have.
struct Case {
  const char* name;
  double attention;
  double mlp;
  double experts;
  double shared;
  double lm_head;
  double embedding;
  // Empty: the model's own format.
  const char* kv;
};

// Computed by an independent resolver from the same files.
const std::vector<Case>& Cases() {
  static const std::vector<Case>* const kCases = new std::vector<Case>{
      {"modelopt-nested-fp8", 8.0, 8.0, 0, 0, 16.0, 16.0, "fp8"},
      {"modelopt-sidecar", 8.0, 8.0, 0, 0, 16.0, 16.0, "fp8"},
      {"modelopt-nvfp4", 4.5, 4.5, 0, 0, 16.0, 16.0, "fp8"},
      {"modelopt-no-method", 8.0, 8.0, 0, 0, 16.0, 16.0, "fp8"},
      {"modelopt-globs", 16.0, 0, 4.5, 0, 16.0, 16.0, ""},
      {"modelopt-mixed-moe", 8.0, 0, 4.5, 0, 4.5, 16.0, "fp8"},
      {"modelopt-mixed-unlisted", 8.0, 7.583333333, 0, 0, 16.0, 16.0, ""},
      {"modelopt-w4a16-awq", 4.25, 4.25, 0, 0, 16.0, 16.0, ""},
      {"modelopt-fp8-pb-wo", 8.001953125, 8.001953125, 0, 0, 16.0, 16.0, ""},
      {"modelopt-mxfp8", 8.25, 8.25, 0, 0, 16.0, 16.0, "fp8"},
      {"modelopt-nvfp4-kv", 4.5, 4.5, 0, 0, 16.0, 16.0, "nvfp4"},
      {"ct-asymmetric", 4.15625, 4.15625, 0, 0, 16.0, 16.0, ""},
      {"ct-mixed-precision", 8.0, 0, 4.5, 0, 16.0, 16.0, ""},
      {"ct-only-experts-targeted", 16.0, 16.0, 4.5, 16.0, 16.0, 16.0, ""},
      {"ct-kimi-int4-experts", 16.0, 16.0, 4.5, 16.0, 16.0, 16.0, ""},
      {"ct-every-layer-listed", 16.0, 0, 8.0, 0, 16.0, 16.0, ""},
      {"ct-preset", 4.125, 4.125, 0, 0, 16.0, 16.0, ""},
      {"ct-compression-config", 8.0, 8.0, 0, 0, 16.0, 16.0, ""},
      {"ct-sparse-stored-dense", 8.0, 8.0, 0, 0, 16.0, 16.0, ""},
      {"ct-int8-g128", 8.125, 8.125, 0, 0, 16.0, 16.0, ""},
      {"ct-int4-channel", 4.0, 4.0, 0, 0, 16.0, 16.0, ""},
      {"ct-frozen", 16.0, 16.0, 0, 0, 16.0, 16.0, ""},
      {"ct-gate-regex-dense-layer", 8.001953125, 8.001953125, 8.001953125, 0,
       16.0, 16.0, ""},
      {"ct-kv-scheme", 8.0, 8.0, 0, 0, 16.0, 16.0, "fp8"},
      {"ct-wrapper-prefixes", 8.0, 8.888888889, 0, 0, 16.0, 16.0, ""},
      {"ct-single-expert", 8.0, 0, 8.055555556, 0, 16.0, 16.0, ""},
      {"fp8-gate-dotted", 8.001953125, 8.001953125, 8.001953125, 0, 16.0, 16.0,
       ""},
      {"fp8-deepseek", 8.001953125, 8.001953125, 8.001953125, 8.001953125, 16.0,
       16.0, ""},
      {"fp8-whole-layer", 8.666666667, 8.666666667, 0, 0, 16.0, 16.0, ""},
      {"fp8-static-kv", 8.0, 8.0, 0, 0, 16.0, 16.0, "fp8"},
      {"fp8-kv-b-kept", 9.321218589, 8.001953125, 8.001953125, 8.001953125,
       16.0, 16.0, ""},
      {"fbgemm", 8.0, 8.0, 0, 0, 16.0, 16.0, ""},
      {"fbgemm-list", 16.0, 12.0, 0, 0, 16.0, 16.0, ""},
      {"gptq-per-channel", 4.0, 4.0, 0, 0, 16.0, 16.0, ""},
      {"gptq-dynamic", 8.3265625, 8.171875, 0, 0, 16.0, 16.0, ""},
      {"gptq-inside-modules", 4.15625, 8.104166667, 0, 0, 16.0, 16.0, ""},
      {"gptq-lm-head-8bit", 8.0, 8.0, 0, 0, 8.0, 16.0, ""},
      {"gptq-3bit", 3.1484375, 3.1484375, 0, 0, 16.0, 16.0, ""},
      {"awq-parts", 16.0, 0, 4.3125, 0, 16.0, 16.0, ""},
      {"autoround-extra", 5.340625, 4.4921875, 0, 0, 4.625, 16.0, ""},
      {"autoround-awq", 4.15625, 0, 4.15625, 0, 16.0, 16.0, ""},
      {"quark-mxfp4", 4.25, 4.25, 0, 0, 16.0, 16.0, ""},
      {"quark-layers-kv", 8.0, 4.25, 0, 0, 16.0, 16.0, "fp8"},
      {"quark-nvfp4-list", 16.0, 0, 4.5, 0, 16.0, 16.0, ""},
      {"bnb-int8", 8.0, 8.0, 0, 0, 16.0, 16.0, ""},
      {"bnb-nf4", 4.126953125, 4.126953125, 0, 0, 16.0, 16.0, ""},
      {"bnb-fp4-skip", 4.5, 5.458333333, 0, 0, 16.0, 16.0, ""},
      {"mlx-one-key", 4.5, 4.5, 0, 0, 4.5, 4.5, ""},
      {"mlx-both-keys", 4.5, 4.5, 0, 0, 4.5, 4.5, ""},
      {"mlx-overrides", 6.033333333, 0, 4.722222222, 0, 4.5, 4.5, ""},
      {"mlx-mxfp4", 4.25, 4.25, 0, 0, 4.25, 4.25, ""},
      {"mlx-tied", 4.5, 4.5, 0, 0, 4.5, 4.5, ""},
      {"mlx-mixed-3-6", 3.65, 4.0, 0, 0, 6.5, 3.5, ""},
      {"torchao-int4", 4.25, 4.25, 0, 0, 16.0, 16.0, ""},
      {"torchao-by-name", 8.0, 8.666666667, 0, 0, 16.0, 16.0, ""},
      {"hqq", 4.5, 4.5, 0, 0, 16.0, 16.0, ""},
      {"exl2", 4.25, 4.25, 0, 0, 6.0, 16.0, ""},
      {"exl3", 3.5, 3.5, 0, 0, 6.0, 16.0, ""},
      {"gpt-oss-mxfp4", 16.0, 0, 4.25, 0, 16.0, 16.0, ""},
      {"bitnet", 2.0, 2.0, 0, 0, 16.0, 16.0, ""},
      {"aqlm-1x16", 5.2, 3.0, 0, 0, 16.0, 16.0, ""},
      {"bf16", 16.0, 16.0, 0, 0, 16.0, 16.0, ""},
      {"gptq-sidecar", 4.625, 4.625, 0, 0, 16.0, 16.0, ""},
      {"awq-sidecar", 4.625, 4.625, 0, 0, 16.0, 16.0, ""},
  };
  return *kCases;
}

HfFiles FilesOf(const std::string& name) {
  HfFiles files;
  files.path = absl::StrCat(kDirectory, name, ".json");
  files.config = OrDie(ReadTextFile(files.path));
  const absl::StatusOr<std::string> sidecar =
      ReadTextFile(absl::StrCat(kDirectory, name, ".sidecar.json"));
  if (sidecar.ok()) files.quantization = *sidecar;
  files.quantization_path = absl::StrCat(name, ".sidecar.json");
  return files;
}

absl::StatusOr<Model> Import(const HfFiles& files) {
  absl::StatusOr<ImportedModel> imported =
      ImportHuggingFace(files, "m", "2026-01-02");
  if (!imported.ok()) return imported.status();
  return imported->model;
}

// The first name that is not empty.
std::string First(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (!name.empty()) return name;
  }
  return "bf16";
}

// The format of a matrix of a block, as the ledger finds it.
std::string FormatOf(const Model& model, const Block& block, HfMatrix matrix) {
  const CheckpointFormats& stored = model.formats();
  const BlockFormats& own = block.formats();
  const auto mixer = [&](const std::string& name) {
    return First({name, own.mixer(), stored.mixers(), stored.linear()});
  };
  const auto channel = [&](const std::string& name) {
    return First({name, own.channel(), block.has_moe() ? stored.experts() : "",
                  stored.linear()});
  };
  const std::string shared =
      First({own.shared(), stored.shared_experts(), own.channel(),
             stored.experts(), stored.linear()});
  switch (matrix) {
    case HfMatrix::kQuery:
      return mixer(own.query());
    case HfMatrix::kKey:
      return mixer(own.key());
    case HfMatrix::kValue:
      return mixer(own.value());
    case HfMatrix::kOutput:
      return mixer(own.output());
    case HfMatrix::kGate:
      return channel(own.gate());
    case HfMatrix::kUp:
      return channel(own.up());
    case HfMatrix::kDown:
      return channel(own.down());
    case HfMatrix::kShared:
      return shared;
    case HfMatrix::kSharedDown:
      return First({own.shared_down(), shared});
    default:
      return mixer("");
  }
}

// Mean bits per weight.
class Mean {
 public:
  void Add(const std::string& format, double elements) {
    bits_ += GetFormat(format).bits_per_element * elements;
    elements_ += elements;
  }
  double Bits() const { return elements_ > 0 ? bits_ / elements_ : 0; }

 private:
  double bits_ = 0;
  double elements_ = 0;
};

struct Means {
  Mean attention, mlp, experts, shared;
};

Means MeansOf(const Model& model) {
  Means means;
  const HfNaming naming;
  const auto add = [&](const Block& block, double layers) {
    for (const HfModule& module :
         ModulesOf(block, 0, model.d_model(), naming)) {
      const bool is_shared = module.matrix == HfMatrix::kShared ||
                             module.matrix == HfMatrix::kSharedDown;
      const bool is_mlp = module.matrix == HfMatrix::kGate ||
                          module.matrix == HfMatrix::kUp ||
                          module.matrix == HfMatrix::kDown;
      (is_shared ? means.shared
       : is_mlp  ? means.mlp
                 : means.attention)
          .Add(FormatOf(model, block, module.matrix), layers * module.elements);
    }
    for (const HfModule& module :
         ExpertModulesOf(block, 0, model.d_model(), 0, naming)) {
      means.experts.Add(FormatOf(model, block, module.matrix),
                        layers * block.moe().experts() * module.elements);
    }
  };
  for (const LayerPattern& pattern : model.layers()) {
    for (const LayerPattern::Run& run : pattern.run()) {
      for (const Block& block : model.block()) {
        if (block.name() != run.block()) continue;
        add(block, static_cast<double>(run.count()) *
                       std::max<int64_t>(pattern.repeat(), 1));
      }
    }
  }
  return means;
}

TEST(HfQuantCasesTest, EveryClassHasTheBitsOfItsMatrices) {
  for (const Case& expected : Cases()) {
    SCOPED_TRACE(expected.name);
    const absl::StatusOr<Model> imported = Import(FilesOf(expected.name));
    if (!imported.ok()) {
      ADD_FAILURE() << imported.status();
      continue;
    }
    const Model& model = *imported;
    const Means means = MeansOf(model);
    constexpr double kTolerance = 1e-8;
    EXPECT_NEAR(means.attention.Bits(), expected.attention, kTolerance);
    EXPECT_NEAR(means.mlp.Bits(), expected.mlp, kTolerance);
    EXPECT_NEAR(means.experts.Bits(), expected.experts, kTolerance);
    EXPECT_NEAR(means.shared.Bits(), expected.shared, kTolerance);
    EXPECT_EQ(GetFormat(model.formats().lm_head()).bits_per_element,
              expected.lm_head);
    EXPECT_EQ(GetFormat(model.formats().embedding()).bits_per_element,
              expected.embedding);
    EXPECT_EQ(model.formats().kv(), expected.kv);
    EXPECT_EQ(GetFormat(model.formats().vectors()).bits_per_element, 16);
  }
}

TEST(HfQuantCasesTest, StorageThatCannotBeExpressedIsRefused) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"ct-sparse-24", "sparsity_config.format: found \"sparse-24-bitmask\""},
      {"ct-marlin-24", "format: found \"marlin-24\""},
      {"unknown-method", "quant_method: unknown quantisation \"spqr\""},
  };
  for (const auto& refused : cases) {
    const absl::StatusOr<Model> imported = Import(FilesOf(refused.first));
    ASSERT_FALSE(imported.ok()) << refused.first;
    EXPECT_THAT(std::string(imported.status().message()),
                HasSubstr(refused.second));
  }
}

// Values of other types, absurd numbers and cut texts in place of a file's own.
std::string Mutated(std::string text, std::mt19937* random) {
  constexpr const char* kValues[] = {
      "null", "-1",   "0",     "1e300",    "NaN",       "{}",
      "[]",   "true", "false", "\"re:(\"", "\"re:.*\"", "[[1], {\"a\": 2}]",
      "\"\"", "17",   "4",     "\"x\""};
  const auto pick = [&](size_t size) { return (*random)() % size; };
  // After a colon: up to the end of the line, less a comma.
  const size_t colon = text.find(": ", pick(text.size()));
  if (colon == std::string::npos) return text.substr(0, pick(text.size()));
  const size_t end = text.find('\n', colon);
  const bool has_comma = end != std::string::npos && text[end - 1] == ',';
  const char last = end == std::string::npos ? '}' : text[end - 1];
  if (last == '{' || last == '[') {
    text[pick(text.size())] = "{}[]\":,0.a"[pick(10)];
    return text;
  }
  return text.replace(colon + 2, end - colon - 2 - (has_comma ? 1 : 0),
                      kValues[pick(std::size(kValues))]);
}

TEST(HfQuantCasesTest, MutatedFilesYieldAModelOrAMessage) {
  std::mt19937 random(1);
  for (const Case& expected : Cases()) {
    const HfFiles files = FilesOf(expected.name);
    for (int i = 0; i < 60; ++i) {
      HfFiles mutated = files;
      mutated.config = Mutated(files.config, &random);
      if (!files.quantization.empty() && i % 2 == 0) {
        mutated.quantization = Mutated(files.quantization, &random);
      }
      const absl::StatusOr<Model> imported = Import(mutated);
      if (!imported.ok()) {
        EXPECT_FALSE(imported.status().message().empty()) << mutated.config;
      }
    }
  }
}

}  // namespace
}  // namespace tokenjoule
