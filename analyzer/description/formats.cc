#include "analyzer/description/formats.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "absl/strings/str_split.h"
#include "analyzer/description/faults.h"

namespace tokenjoule {
namespace {

using Operand = NumberFormat::Operand;

// Bits per element are exact: value bits + scale bits / group size.
constexpr NumberFormat kFormats[] = {
    {"fp32", 32, 32, 25, Operand::kFloat, "fp32", 8, 127, 0,
     "IEEE 754 binary32", "f32 float32 float single"},
    {"bf16", 16, 16, 9, Operand::kFloat, "bf16", 8, 127, 0, "bfloat16",
     "bfloat16 bfloat"},
    {"fp16", 16, 16, 12, Operand::kFloat, "fp16", 5, 15, 0, "IEEE 754 binary16",
     "f16 float16 half"},
    {"fp8", 8, 8, 5, Operand::kFloat, "fp8", 4, 7, 4096 * 4096,
     "OCP OFP8 (E4M3, E5M2), one scale per tensor, not counted",
     "f8 float8 fp8_e4m3 fp8_e4m3fn fp8_e5m2 e4m3 e4m3fn e5m2 float8_e4m3fn "
     "float8_e5m2 f8_e4m3 f8_e5m2"},
    {"fp8-block128", 8 + 32.0 / (128 * 128), 8, 5, Operand::kFloat, "fp8", 4, 7,
     128 * 128,
     "E4M3 with an fp32 scale for each 128 x 128 block (DeepSeek-V3 technical "
     "report, arXiv:2412.19437)",
     "fp8_block fp8_blockwise fp8_w8a8_block"},
    {"int8", 8, 8, 8, Operand::kInteger, "int8", 0, 0, 4096,
     "8-bit integer, one scale per channel, not counted", "i8"},
    {"int4", 4, 4, 4, Operand::kInteger, "bf16", 0, 0, 128,
     "4-bit integer without scales; a bound rather than a checkpoint", "i4"},
    {"int4-g32", 4 + 20.0 / 32, 4, 4, Operand::kInteger, "bf16", 0, 0, 32,
     "4-bit integer, fp16 scale and 4-bit zero point for each 32 (GPTQ, AWQ)"},
    {"int4-g64", 4 + 20.0 / 64, 4, 4, Operand::kInteger, "bf16", 0, 0, 64,
     "4-bit integer, fp16 scale and 4-bit zero point for each 64 (GPTQ, AWQ)"},
    {"int4-g128", 4 + 20.0 / 128, 4, 4, Operand::kInteger, "bf16", 0, 0, 128,
     "4-bit integer, fp16 scale and 4-bit zero point for each 128 (GPTQ, AWQ)",
     "awq gptq w4a16"},
    {"mxfp4", 4 + 8.0 / 32, 4, 3, Operand::kFloat, "bf16", 2, 1, 32,
     "OCP Microscaling FP4 (E2M1), an 8-bit scale for each 32", "mx4"},
    {"nvfp4", 4 + 8.0 / 16, 4, 3, Operand::kFloat, "nvfp4", 2, 1, 16,
     "NVIDIA FP4 (E2M1), an FP8 scale for each 16; the fp32 scale per tensor "
     "is not counted",
     "nv_fp4"},
    {"q4_0", 4 + 16.0 / 32, 0, 4, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: blocks of 32, fp16 scale, 18 bytes"},
    {"q2_k", 84 * 8.0 / 256, 0, 2, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 84 bytes", "q2_k_s"},
    {"q3_k", 110 * 8.0 / 256, 0, 3, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 110 bytes", "q3_k_s q3_k_m q3_k_l"},
    {"q4_k", 144 * 8.0 / 256, 0, 4, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 144 bytes", "q4_k_s q4_k_m"},
    {"q5_k", 176 * 8.0 / 256, 0, 5, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 176 bytes", "q5_k_s q5_k_m"},
    {"q6_k", 210 * 8.0 / 256, 0, 6, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 210 bytes"},
    {"q8_0", 8 + 16.0 / 32, 0, 8, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: blocks of 32, fp16 scale, 34 bytes"},
};

// Probability that a standard normal variable is below x.
double NormalBelow(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }

// Median of the largest magnitude of n standard normal variables.
double LargestOf(int n) {
  const double below = std::pow(0.5, 1.0 / n);
  double low = 0, high = 10;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (2 * NormalBelow(middle) - 1 < below ? low : high) = middle;
  }
  return low;
}

// Probability that a bit changes between independent elements.
double Toggles(double set) { return 2 * set * (1 - set); }

// Bits of codes that have probabilities.
class BitFrequencies {
 public:
  void Add(int code, double probability) {
    for (size_t bit = 0; bit < set_.size(); ++bit) {
      if ((code >> bit & 1) != 0) set_[bit] += probability;
    }
  }
  // Sum over the lowest bits.
  double TogglesOf(int bits) const {
    double toggles = 0;
    for (int bit = 0; bit < bits; ++bit) toggles += Toggles(set_[bit]);
    return toggles;
  }

 private:
  std::array<double, 16> set_ = {};
};

// Sum over the bits of an exponent. `deviation` is that of the elements.
double ExponentToggles(const NumberFormat& format, double deviation) {
  BitFrequencies set;
  const int codes = 1 << format.exponent_bits;
  for (int code = 0; code < codes; ++code) {
    // Code 0 holds zero and the subnormal numbers.
    const double from =
        code == 0 ? 0 : std::ldexp(1.0, code - format.exponent_bias);
    const double to = std::ldexp(
        1.0, (code == 0 ? 1 : code + 1) - format.exponent_bias);
    double weight =
        2 * (NormalBelow(to / deviation) - NormalBelow(from / deviation));
    // The largest elements saturate.
    if (code == codes - 1) weight = 2 * (1 - NormalBelow(from / deviation));
    set.Add(code, weight);
  }
  return set.TogglesOf(format.exponent_bits);
}

// Largest finite value of a float without infinities: 448 of E4M3, whose last
// code is not a number, 6 of E2M1.
double LargestValue(const NumberFormat& format) {
  const int significand_bits = format.operand_bits - 1 - format.exponent_bits;
  const double last = format.operand_bits > 4 ? 2 : 1;
  return std::ldexp(2 - last * std::ldexp(1.0, -significand_bits),
                    (1 << format.exponent_bits) - 1 - format.exponent_bias);
}

// Sum over the bits of an integer in two's complement.
double IntegerToggles(const NumberFormat& format, double deviation) {
  BitFrequencies set;
  const int half = 1 << (format.operand_bits - 1);
  for (int value = -half; value < half; ++value) {
    const double from = value == -half ? -1e9 : value - 0.5;
    const double to = value == half - 1 ? 1e9 : value + 0.5;
    const double weight =
        NormalBelow(to / deviation) - NormalBelow(from / deviation);
    set.Add(value, weight);
  }
  return set.TogglesOf(format.operand_bits);
}

double ComputeToggleRate(const NumberFormat& format) {
  constexpr double kWeights = 0.02;
  if (format.operand == Operand::kStorageOnly) return kRandomToggleRate;
  const bool scaled = format.elements_per_scale > 0;
  const double largest = scaled ? LargestOf(format.elements_per_scale) : 0;
  const double bits = format.operand_bits;
  if (format.operand == Operand::kInteger) {
    const double full = std::ldexp(1.0, format.operand_bits - 1) - 1;
    return IntegerToggles(format, full / largest) / bits;
  }
  const double deviation =
      scaled ? LargestValue(format) / largest : kWeights;
  const double exponent = ExponentToggles(format, deviation);
  return (exponent + (bits - format.exponent_bits) * kRandomToggleRate) / bits;
}

}  // namespace

double ToggleRate(const NumberFormat& format) {
  static const std::array<double, std::size(kFormats)>* const rates = [] {
    auto* all = new std::array<double, std::size(kFormats)>;
    for (size_t i = 0; i < all->size(); ++i) {
      (*all)[i] = ComputeToggleRate(kFormats[i]);
    }
    return all;
  }();
  return (*rates)[&format - kFormats];
}

absl::Span<const NumberFormat> NumberFormats() { return kFormats; }

const NumberFormat* FindFormat(absl::string_view name) {
  for (const NumberFormat& format : kFormats) {
    if (format.name == name) return &format;
  }
  const std::string wanted = FoldedName(name);
  for (const NumberFormat& format : kFormats) {
    if (FoldedName(format.name) == wanted) return &format;
  }
  if (wanted.empty()) return nullptr;
  for (const NumberFormat& format : kFormats) {
    for (const absl::string_view synonym :
         absl::StrSplit(format.synonyms, ' ')) {
      if (FoldedName(synonym) == wanted) return &format;
    }
  }
  return nullptr;
}

std::string FormatName(absl::string_view name) {
  const NumberFormat* format = FindFormat(name);
  return std::string(format == nullptr ? name : format->name);
}

const NumberFormat& GetFormat(absl::string_view name) {
  const NumberFormat* format = FindFormat(name);
  if (format == nullptr) {
    const std::string message =
        UnknownNameMessage("number format", name, FormatNames(), "");
    std::fprintf(stderr,
                 "GetFormat: %s; names must be validated first, or looked up "
                 "with FindFormat\n",
                 message.c_str());
    std::abort();
  }
  return *format;
}

std::vector<std::string> FormatNames() {
  std::vector<std::string> names;
  for (const NumberFormat& format : kFormats) names.emplace_back(format.name);
  return names;
}

}  // namespace tokenjoule
