#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "analyzer/description/faults.h"
#include "analyzer/import/hf_matching.h"
#include "analyzer/import/hf_method_fields.h"
#include "analyzer/import/hf_methods.h"

namespace tokenjoule {
namespace {

constexpr double kLeastBits = 0.5, kMostBits = 16;

// Bits of a module with a trellis, by the shape of its tensor.
void ReadTrellises(const JsonReader& reader,
                   absl::flat_hash_map<std::string, std::string>* formats,
                   std::string* mentions) {
  const JsonReader storage = reader.Object("tensor_storage");
  for (const std::string& name : storage.Names()) {
    const JsonReader module = storage.Object(name);
    if (!module.IsObject("stored_tensors")) continue;
    const JsonReader tensors = module.Object("stored_tensors");
    for (const std::string& tensor : tensors.Names()) {
      if (!absl::EndsWith(tensor, ".trellis")) continue;
      const JsonReader stored = tensors.Object(tensor);
      const std::vector<int64_t> shape =
          stored.Ints("shape", {0, 1'000'000'000})
              .value_or(std::vector<int64_t>());
      // [in / 16, out / 16, 16 bits]
      if (shape.size() != 3 || shape[2] < 16 || shape[2] > 16 * 16) {
        stored.AddFault("shape",
                        "expected three sizes, the last of them 16 "
                        "times the bits");
        continue;
      }
      (*formats)[name] = Bits(shape[2] / 16.0);
      absl::StrAppend(mentions, name, "\n");
    }
  }
}

}  // namespace

Rules ReadExl(const JsonReader& reader, const JsonReader* sidecar) {
  Rules rules;
  const double bits = reader.Number("bits", kLeastBits, kMostBits);
  const double head_bits =
      reader.Has("head_bits")
          ? reader.Number("head_bits", kLeastBits, kMostBits)
          : 6;
  if (bits == 0 || head_bits == 0) return rules;
  auto own = std::make_shared<absl::flat_hash_map<std::string, std::string>>();
  if (reader.IsObject("tensor_storage")) {
    ReadTrellises(reader, own.get(), &rules.mentions);
  } else if (sidecar != nullptr && sidecar->IsObject("tensor_storage")) {
    ReadTrellises(*sidecar, own.get(), &rules.mentions);
  } else {
    reader.AddNote(
        "Bits of single matrices are not in the file: all have the mean of the "
        "checkpoint, except the head.");
  }
  const std::string format = Bits(bits);
  const std::string head = head_bits == 16 ? "" : Bits(head_bits);
  rules.format_of = [=](const HfModule& module) -> std::string {
    if (IsEmbedding(module)) return "";
    for (const std::string& path : module.paths) {
      const auto found = own->find(path);
      if (found != own->end()) return found->second;
    }
    return IsHead(module) ? head : format;
  };
  return rules;
}

Rules ReadAqlm(const JsonReader& reader) {
  Rules rules;
  const int64_t bits = reader.Int("nbits_per_codebook", {1, 24});
  const int64_t books = reader.Int("num_codebooks", {1, 64});
  const int64_t in = reader.Int("in_group_size", {1, 1024});
  const int64_t out = reader.Has("out_group_size")
                          ? reader.Int("out_group_size", {1, 1024})
                          : 1;
  if (bits == 0 || books == 0 || in == 0 || out == 0) return rules;
  auto kept = std::make_shared<ModuleList>();
  constexpr char kList[] = "linear_weights_not_to_quantize";
  for (const std::string& entry :
       reader.Strings(kList).value_or(std::vector<std::string>())) {
    kept->Add(reader, kList, absl::StripSuffix(entry, ".weight"),
              EntryStyle::kExact);
  }
  rules.mentions = kept->mentions();
  const double codes = static_cast<double>(books) * bits / (in * out);
  const double tables =
      16.0 * books * std::ldexp(1.0, bits) * static_cast<double>(in * out);
  rules.format_of = [=](const HfModule& module) -> std::string {
    if (IsEmbedding(module) || kept->Has(module)) return "";
    return Bits(codes + tables / module.elements);
  };
  return rules;
}

Rules ReadVptq(const JsonReader& reader) {
  Rules rules;
  struct Layer {
    double codes = 0;
    double table_bits = 0;
  };
  auto layers = std::make_shared<absl::flat_hash_map<std::string, Layer>>();
  const JsonReader listed = reader.Object("config_for_layers");
  for (const std::string& name : listed.Names()) {
    const JsonReader config = listed.Object(name);
    constexpr Limits kCounts = {-1, 1 << 24};
    const std::vector<int64_t> lengths =
        config.Ints("vector_lens", {-1, 1024}).value_or(std::vector<int64_t>());
    const std::vector<int64_t> centroids =
        config.Ints("num_centroids", kCounts).value_or(std::vector<int64_t>());
    const std::vector<int64_t> residual =
        config.Ints("num_res_centroids", kCounts)
            .value_or(std::vector<int64_t>());
    const int64_t groups =
        config.Has("group_num") ? config.Int("group_num", {1, 65536}) : 1;
    if (config.Has("outlier_size") &&
        config.Int("outlier_size", {0, 1 << 24}) > 0) {
      config.AddFault(
          "outlier_size",
          absl::StrCat("expected no outliers, whose bits are not in "
                       "the file",
                       kQuantisationAdvice));
      continue;
    }
    if (lengths.size() != 2 || centroids.size() != 2 || lengths[1] < 1 ||
        centroids[1] < 2) {
      config.AddFault("vector_lens",
                      "expected vector_lens as [-1, 8] and num_centroids as "
                      "[-1, 65536]");
      continue;
    }
    Layer layer;
    for (const int64_t count :
         {centroids[1], residual.size() == 2 ? residual[1] : int64_t{-1}}) {
      if (count < 2) continue;
      layer.codes += std::ceil(std::log2(count)) / lengths[1];
      layer.table_bits += 16.0 * groups * count * lengths[1];
    }
    (*layers)[name] = layer;
    absl::StrAppend(&rules.mentions, name, "\n");
  }
  if (!reader.IsObject("config_for_layers") ||
      layers->size() != listed.Names().size()) {
    return rules;
  }
  rules.format_of = [=](const HfModule& module) -> std::string {
    for (const std::string& path : module.paths) {
      const auto found = layers->find(path);
      if (found == layers->end()) continue;
      return Bits(found->second.codes +
                  found->second.table_bits / module.elements);
    }
    return "";
  };
  return rules;
}

Rules ReadBitnet(const JsonReader& reader) {
  if (reader.IsString("quantization_mode", "online")) {
    Rules rules;
    reader.AddNote(
        "quantization_mode is online: the weights are stored unquantised and "
        "made ternary when they are loaded.");
    return rules;
  }
  // Four ternary values in a byte.
  return ReadSimple(reader, "bits2", "modules_to_not_convert");
}

Rules ReadQuanto(const JsonReader& reader) {
  const std::string weights = reader.String("weights");
  std::string format;
  if (weights == "float8") format = "fp8";
  if (weights == "int8") format = "int8-w8a16";
  if (weights == "int4") format = "int4-g128-affine";
  if (weights == "int2") format = "int2-g128-affine";
  if (format.empty()) {
    if (!weights.empty()) {
      reader.AddFault("weights", absl::StrCat("found \"", Printable(weights),
                                              "\"; expected float8, int8, int4 "
                                              "or int2"));
    }
    return Rules();
  }
  return ReadSimple(reader, format, "modules_to_not_convert");
}

Rules ReadHiggs(const JsonReader& reader) {
  const int64_t bits = reader.Has("bits") ? reader.Int("bits", {2, 4}) : 4;
  if (bits == 0) return Rules();
  return ReadSimple(reader, Bits(bits + 16.0 / 256), "modules_to_not_convert");
}

Rules ReadFpQuant(const JsonReader& reader) {
  const std::string type =
      reader.Has("forward_dtype") ? reader.String("forward_dtype") : "nvfp4";
  if (type != "nvfp4" && type != "mxfp4") {
    reader.AddFault("forward_dtype",
                    absl::StrCat("found \"", Printable(type),
                                 "\"; expected nvfp4 or mxfp4"));
    return Rules();
  }
  if (Flag(reader, "store_master_weights", false)) {
    Rules rules;
    reader.AddNote(
        "store_master_weights is true: weights are taken as unquantised.");
    return rules;
  }
  return ReadSimple(reader, type, "modules_to_not_convert");
}

Rules ReadEetq(const JsonReader& reader) {
  if (reader.Has("weights") && !reader.IsString("weights", "int8")) {
    reader.AddFault("weights", "expected int8");
    return Rules();
  }
  return ReadSimple(reader, "int8-w8a16", "modules_to_not_convert");
}

}  // namespace tokenjoule
