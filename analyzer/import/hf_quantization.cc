#include "analyzer/import/hf_quantization.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/faults.h"
#include "analyzer/import/hf_methods.h"

namespace tokenjoule {
namespace {

// The method that a dictionary without `quant_method` has; empty if it cannot
// be told.
std::string MethodByFields(const JsonReader& reader) {
  if (reader.Has("quant_algo") || reader.IsObject("producer")) {
    return "modelopt";
  }
  if (reader.Has("config_groups")) return "compressed-tensors";
  if (reader.Has("global_quant_config")) return "quark";
  if (reader.Has("load_in_4bit") || reader.Has("load_in_8bit")) {
    return "bitsandbytes";
  }
  if (reader.Has("w_bit") || reader.Has("zero_point")) return "awq";
  if (reader.Has("desc_act") || reader.Has("sym")) return "gptq";
  if (reader.Has("bits") || reader.Has("mode")) return "mlx";
  return "";
}

// The value of `quant_method`; empty if it is absent.
std::string MethodOf(const JsonReader& reader) {
  return reader.Has("quant_method") ? reader.String("quant_method") : "";
}

// Names of methods that are stored as another's.
std::string CanonicalMethod(absl::string_view name) {
  std::string method = absl::AsciiStrToLower(name);
  if (absl::StartsWith(method, "modelopt") || method == "petit_nvfp4") {
    return "modelopt";
  }
  if (method == "gptq_marlin" || method == "gptq_bitblas") return "gptq";
  if (method == "awq_marlin") return "awq";
  if (method == "intel/auto-round" || method == "auto_round") {
    return "auto-round";
  }
  if (method == "compressed_tensors" || method == "sparseml") {
    return "compressed-tensors";
  }
  return method;
}

// A method and the function that reads its dictionary. `around` is the object
// that holds the dictionary, or the dictionary itself.
struct Method {
  const char* name;
  Rules (*read)(const JsonReader& reader, const JsonReader& around,
                const JsonReader* sidecar);
};

template <Rules (*kRead)(const JsonReader&)>
Rules Read(const JsonReader& reader, const JsonReader&, const JsonReader*) {
  return kRead(reader);
}

constexpr Method kMethods[] = {
    {"aqlm", Read<ReadAqlm>},
    {"auto-round", Read<ReadAutoRound>},
    {"awq", Read<ReadAwq>},
    {"bitnet", Read<ReadBitnet>},
    {"bitsandbytes", Read<ReadBitsAndBytes>},
    {"compressed-tensors",
     [](const JsonReader& reader, const JsonReader& around, const JsonReader*) {
       return ReadCompressedTensors(reader, around);
     }},
    {"deepseek_v4_fp8",
     [](const JsonReader& reader, const JsonReader&, const JsonReader*) {
       return ReadFp8(reader, /*has_8bit_scales=*/true);
     }},
    {"eetq", Read<ReadEetq>},
    {"exl2",
     [](const JsonReader& reader, const JsonReader&,
        const JsonReader* sidecar) { return ReadExl(reader, sidecar); }},
    {"exl3",
     [](const JsonReader& reader, const JsonReader&,
        const JsonReader* sidecar) { return ReadExl(reader, sidecar); }},
    {"fbgemm_fp8", Read<ReadFbgemm>},
    {"fp8",
     [](const JsonReader& reader, const JsonReader&, const JsonReader*) {
       return ReadFp8(reader, /*has_8bit_scales=*/false);
     }},
    {"fp_quant", Read<ReadFpQuant>},
    {"gptq", Read<ReadGptq>},
    {"higgs", Read<ReadHiggs>},
    {"hqq", Read<ReadHqq>},
    {"marlin", [](const JsonReader& reader, const JsonReader&,
                  const JsonReader*) { return ReadSymmetric(reader, "bits"); }},
    {"mlx", Read<ReadMlx>},
    {"modelopt", Read<ReadModelopt>},
    {"mxfp4", [](const JsonReader&, const JsonReader&,
                 const JsonReader*) { return ReadMxfp4(); }},
    {"qqq", [](const JsonReader& reader, const JsonReader&,
               const JsonReader*) { return ReadSymmetric(reader, "wbits"); }},
    {"quanto", Read<ReadQuanto>},
    {"quark", Read<ReadQuark>},
    {"torchao", Read<ReadTorchao>},
    {"vptq", Read<ReadVptq>},
};

// The rules of a dictionary, which is `field` of `holder`.
Rules ReadRules(const JsonReader& dictionary, const JsonReader* sidecar,
                const JsonReader& holder, absl::string_view field) {
  JsonReader reader = dictionary;
  std::string method = CanonicalMethod(MethodOf(reader));
  if (reader.Has("quant_method") && method.empty()) return Rules();
  // compression_config may wrap the dictionary.
  if (reader.IsObject("quantization_config")) {
    reader = dictionary.Object("quantization_config");
    if (method.empty()) {
      method = CanonicalMethod(MethodOf(reader));
    }
  }
  // hf_quant_config.json, or its content within config.json.
  if (reader.IsObject("quantization") &&
      (method.empty() || method == "modelopt")) {
    reader = reader.Object("quantization");
    method = "modelopt";
  }
  if (method.empty()) method = MethodByFields(reader);
  for (const Method& known : kMethods) {
    if (method == known.name) return known.read(reader, dictionary, sidecar);
  }
  if (method.empty()) {
    holder.AddFault(
        field,
        absl::StrCat("names no quantisation method; expected "
                     "quant_method, or the fields of modelopt, "
                     "compressed-tensors, quark, bitsandbytes, AWQ, GPTQ "
                     "or MLX",
                     kQuantisationAdvice));
  } else {
    reader.AddFault(
        "quant_method",
        absl::StrCat(UnknownNameMessage("quantisation", method,
                                        HfQuantizationMethods(), ""),
                     kQuantisationAdvice));
  }
  return Rules();
}

// Whether a text contains "experts.7" or, as an expression, "experts\\.7".
bool NamesExperts(absl::string_view text) {
  constexpr absl::string_view kWord = "experts";
  size_t place = text.find(kWord);
  while (place != absl::string_view::npos) {
    size_t next = place + kWord.size();
    while (next < text.size() && (text[next] == '.' || text[next] == '\\')) {
      ++next;
    }
    if (next < text.size() && absl::ascii_isdigit(text[next])) return true;
    place = text.find(kWord, next);
  }
  return false;
}

}  // namespace

HfQuantization::HfQuantization(const JsonReader& root, const JsonReader& config,
                               const JsonReader* sidecar) {
  const auto read = [&](const JsonReader& dictionary, const JsonReader& holder,
                        const std::string& field) {
    is_found_ = true;
    field_ = field;
    Rules rules = ReadRules(dictionary, sidecar, holder, field);
    kv_ = rules.kv;
    format_of_ = std::move(rules.format_of);
    naming_ = NamingOf(rules.mentions, rules.mlx);
    for (const JsonReader* reader : {&config, &root}) {
      if (!naming_.model_type.empty() || !reader->Has("model_type")) continue;
      naming_.model_type = reader->String("model_type");
    }
    names_experts_ = NamesExperts(rules.mentions);
  };
  for (const char* field :
       {"quantization_config", "quantization", "compression_config"}) {
    for (const JsonReader* holder : {&config, &root}) {
      if (!holder->Has(field)) continue;
      const JsonReader dictionary = holder->Object(field);
      if (!holder->IsObject(field)) return;
      if (dictionary.Names().empty()) continue;
      read(dictionary, *holder, field);
      return;
    }
  }
  if (sidecar != nullptr && !sidecar->Names().empty()) {
    read(*sidecar, *sidecar, "quant_method");
  }
}

std::string HfQuantization::FormatOf(const HfModule& module) const {
  return format_of_ == nullptr ? "" : format_of_(module);
}

std::vector<std::string> HfQuantizationMethods() {
  std::vector<std::string> names;
  for (const Method& method : kMethods) names.emplace_back(method.name);
  return names;
}

}  // namespace tokenjoule
