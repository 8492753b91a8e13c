#include "analyzer/description/formats.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
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
    {"int8-w8a16", 8, 8, 8, Operand::kInteger, "bf16", 0, 0, 4096,
     "8-bit integer weights that are multiplied as bf16; one scale per channel, "
     "not counted"},
    {"mxfp8", 8 + 8.0 / 32, 8, 5, Operand::kFloat, "fp8", 4, 7, 32,
     "OCP Microscaling FP8, an 8-bit scale for each 32"},
    {"fp8-ds-mla", 8 + 32.0 / 128, 8, 5, Operand::kFloat, "bf16", 4, 7, 128,
     "KV cache of latent attention as FlashMLA keeps it: E4M3 with an fp32 scale "
     "for each 128 elements of the latent, the rotary key in 16 bits; 656 bytes "
     "per token and layer in DeepSeek-V3 (FlashMLA, README)"},
    {"int4", 4, 4, 4, Operand::kInteger, "bf16", 0, 0, 128,
     "4-bit integer without scales; a bound rather than a checkpoint", "i4"},
    {"int4-g32", 4 + 20.0 / 32, 4, 4, Operand::kInteger, "bf16", 0, 0, 32,
     "4-bit integer, fp16 scale and 4-bit zero point for each 32 (GPTQ, AWQ)"},
    {"int4-g64", 4 + 20.0 / 64, 4, 4, Operand::kInteger, "bf16", 0, 0, 64,
     "4-bit integer, fp16 scale and 4-bit zero point for each 64 (GPTQ, AWQ)"},
    {"int4-g128", 4 + 20.0 / 128, 4, 4, Operand::kInteger, "bf16", 0, 0, 128,
     "4-bit integer, fp16 scale and 4-bit zero point for each 128 (GPTQ, AWQ)",
     "awq gptq w4a16"},
    {"nf4", 4 + 8.0 / 64 + 32.0 / (64 * 256), 0, 4, Operand::kStorageOnly, "bf16",
     0, 0, 64,
     "bitsandbytes NormalFloat4, an 8-bit scale for each 64 and an fp32 scale of "
     "scales for each 256 of those (double quantisation; QLoRA, "
     "arXiv:2305.14314)"},
    {"nf4-single", 4 + 32.0 / 64, 0, 4, Operand::kStorageOnly, "bf16", 0, 0, 64,
     "bitsandbytes NormalFloat4 or FP4, an fp32 scale for each 64"},
    {"mxfp4", 4 + 8.0 / 32, 4, 3, Operand::kFloat, "bf16", 2, 1, 32,
     "OCP Microscaling FP4 (E2M1), an 8-bit scale for each 32", "mx4"},
    {"nvfp4", 4 + 8.0 / 16, 4, 3, Operand::kFloat, "nvfp4", 2, 1, 16,
     "NVIDIA FP4 (E2M1), an FP8 scale for each 16; the fp32 scale per tensor "
     "is not counted",
     "nv_fp4"},
    {"q4_0", 18 * 8.0 / 32, 0, 4, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: blocks of 32, 18 bytes"},
    {"q4_1", 20 * 8.0 / 32, 0, 4, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: blocks of 32, 20 bytes"},
    {"q5_0", 22 * 8.0 / 32, 0, 5, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: blocks of 32, 22 bytes"},
    {"q5_1", 24 * 8.0 / 32, 0, 5, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: blocks of 32, 24 bytes"},
    {"q8_0", 34 * 8.0 / 32, 0, 8, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: blocks of 32, 34 bytes"},
    {"q2_k", 84 * 8.0 / 256, 0, 2, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 84 bytes"},
    {"q3_k", 110 * 8.0 / 256, 0, 3, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 110 bytes"},
    {"q4_k", 144 * 8.0 / 256, 0, 4, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 144 bytes"},
    {"q5_k", 176 * 8.0 / 256, 0, 5, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 176 bytes"},
    {"q6_k", 210 * 8.0 / 256, 0, 6, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 210 bytes"},
    {"iq1_s", 50 * 8.0 / 256, 0, 1, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 50 bytes"},
    {"iq1_m", 56 * 8.0 / 256, 0, 1, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 56 bytes"},
    {"iq2_xxs", 66 * 8.0 / 256, 0, 2, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 66 bytes"},
    {"iq2_xs", 74 * 8.0 / 256, 0, 2, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 74 bytes"},
    {"iq2_s", 82 * 8.0 / 256, 0, 2, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 82 bytes"},
    {"iq3_xxs", 98 * 8.0 / 256, 0, 3, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 98 bytes"},
    {"iq3_s", 110 * 8.0 / 256, 0, 3, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 110 bytes"},
    {"iq4_nl", 18 * 8.0 / 32, 0, 4, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: blocks of 32, 18 bytes"},
    {"iq4_xs", 136 * 8.0 / 256, 0, 4, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 136 bytes"},
    {"tq1_0", 54 * 8.0 / 256, 0, 1, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 54 bytes"},
    {"tq2_0", 66 * 8.0 / 256, 0, 2, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: super-blocks of 256, 66 bytes"},
    {"q1_0", 18 * 8.0 / 128, 0, 1, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: blocks of 128, 18 bytes"},
    {"q2_0", 18 * 8.0 / 64, 0, 2, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF: blocks of 64, 18 bytes"},
    {"q2_k_s", 84 * 8.0 / 256, 0, 2, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF file of type Q2_K_S: a format for each class of matrix, most of them q2_k",
     "", nullptr, true},
    {"q3_k_s", 110 * 8.0 / 256, 0, 3, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF file of type Q3_K_S: a format for each class of matrix, most of them q3_k",
     "", nullptr, true},
    {"q3_k_m", 110 * 8.0 / 256, 0, 3, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF file of type Q3_K_M: a format for each class of matrix, most of them q3_k",
     "", nullptr, true},
    {"q3_k_l", 110 * 8.0 / 256, 0, 3, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF file of type Q3_K_L: a format for each class of matrix, most of them q3_k",
     "", nullptr, true},
    {"q4_k_s", 144 * 8.0 / 256, 0, 4, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF file of type Q4_K_S: a format for each class of matrix, most of them q4_k",
     "", nullptr, true},
    {"q4_k_m", 144 * 8.0 / 256, 0, 4, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF file of type Q4_K_M: a format for each class of matrix, most of them q4_k",
     "", nullptr, true},
    {"q5_k_s", 176 * 8.0 / 256, 0, 5, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF file of type Q5_K_S: a format for each class of matrix, most of them q5_k",
     "", nullptr, true},
    {"q5_k_m", 176 * 8.0 / 256, 0, 5, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF file of type Q5_K_M: a format for each class of matrix, most of them q5_k",
     "", nullptr, true},
    {"iq2_m", 82 * 8.0 / 256, 0, 2, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF file of type IQ2_M: a format for each class of matrix, most of them iq2_s",
     "", nullptr, true},
    {"iq3_xs", 110 * 8.0 / 256, 0, 3, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF file of type IQ3_XS: a format for each class of matrix, most of them iq3_s",
     "", nullptr, true},
    {"iq3_m", 110 * 8.0 / 256, 0, 3, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF file of type IQ3_M: a format for each class of matrix, most of them iq3_s",
     "", nullptr, true},
    {"mxfp4_moe", 17 * 8.0 / 32, 0, 3, Operand::kStorageOnly, "fp16", 0, 0, 0,
     "GGUF file of type MXFP4_MOE: routed experts in mxfp4, other matrices in "
     "q8_0",
     "", nullptr, true},
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

// A format that is not in the table, made when its name is first looked up.
struct MadeFormat : NumberFormat {
  std::string own_name;
  std::string own_description;
  double toggle_rate = 0;
};

// A whole number from 1 to `most` after `prefix`, taken off `text`.
absl::optional<int> TakeNumber(absl::string_view prefix, int most,
                               absl::string_view* text) {
  if (!absl::ConsumePrefix(text, prefix)) return absl::nullopt;
  size_t digits = 0;
  while (digits < text->size() && absl::ascii_isdigit((*text)[digits])) {
    ++digits;
  }
  int number = 0;
  if (!absl::SimpleAtoi(text->substr(0, digits), &number) || number < 1 ||
      number > most) {
    return absl::nullopt;
  }
  text->remove_prefix(digits);
  return number;
}

constexpr int kWidestInteger = 8;
constexpr int kLargestGroup = 1 << 20;

// intB, intB-gG, intB-gG-sym, intB-gG-affine.
bool MakeInteger(absl::string_view name, MadeFormat* made) {
  const absl::optional<int> bits = TakeNumber("int", kWidestInteger, &name);
  if (!bits.has_value()) return false;
  if (name.empty()) {
    made->bits_per_element = *bits;
    made->precision_bits = *bits;
    made->operand = Operand::kStorageOnly;
    made->activations = "bf16";
    made->own_description = absl::StrCat(
        *bits, "-bit integer, one scale per channel, not counted");
    return true;
  }
  const absl::optional<int> group = TakeNumber("-g", kLargestGroup, &name);
  if (!group.has_value()) return false;
  double beside = 16 + *bits;
  std::string what = absl::StrCat("fp16 scale and ", *bits, "-bit zero point");
  if (name == "-sym") {
    beside = 16;
    what = "16-bit scale, no zero point,";
  } else if (name == "-affine") {
    beside = 32;
    what = "16-bit scale and 16-bit bias (MLX)";
  } else if (!name.empty()) {
    return false;
  }
  made->bits_per_element = *bits + beside / *group;
  made->operand_bits = *bits;
  made->precision_bits = *bits;
  // Toggle rates and products of integers need two values at least.
  made->operand = *bits == 4 || *bits == 8 ? Operand::kInteger
                                           : Operand::kStorageOnly;
  if (made->operand == Operand::kStorageOnly) made->operand_bits = 0;
  made->activations = "bf16";
  made->elements_per_scale = *group;
  made->own_description = absl::StrCat(*bits, "-bit integer, ", what,
                                       " for each ", *group);
  return true;
}

// bitsX.
bool MakeBits(absl::string_view name, MadeFormat* made) {
  constexpr double kLeast = 0.125, kMost = 32;
  if (!absl::ConsumePrefix(&name, "bits")) return false;
  // Digits and a point only: no sign, exponent, blank or "nan".
  if (name.find_first_not_of("0123456789.") != absl::string_view::npos) {
    return false;
  }
  double bits = 0;
  if (!absl::SimpleAtod(name, &bits) || !(bits >= kLeast) ||
      !(bits <= kMost)) {
    return false;
  }
  made->bits_per_element = bits;
  made->precision_bits = std::max(1, static_cast<int>(bits));
  made->operand = Operand::kStorageOnly;
  made->activations = "bf16";
  made->own_description =
      absl::StrCat(bits, " bits per value, packed in a layout of its own");
  return true;
}

// fp8-gG, fp8-blockG, fp8-blockG-e8m0.
bool MakeFp8(absl::string_view name, MadeFormat* made) {
  absl::string_view rest = name;
  absl::optional<int> group = TakeNumber("fp8-g", kLargestGroup, &rest);
  double elements = group.value_or(0);
  if (!group.has_value()) {
    rest = name;
    group = TakeNumber("fp8-block", 1024, &rest);
    elements = group.value_or(0) * static_cast<double>(group.value_or(0));
  }
  if (!group.has_value()) return false;
  const bool is_exponent = rest == "-e8m0" && absl::StartsWith(name, "fp8-block");
  if (!rest.empty() && !is_exponent) return false;
  made->bits_per_element = 8 + (is_exponent ? 8 : 32) / elements;
  made->operand_bits = 8;
  made->precision_bits = 5;
  made->operand = Operand::kFloat;
  made->activations = "fp8";
  made->exponent_bits = 4;
  made->exponent_bias = 7;
  made->elements_per_scale = static_cast<int>(elements);
  made->own_description =
      absl::StrCat("E4M3 with an ", is_exponent ? "8-bit" : "fp32",
                   " scale for each ", elements);
  return true;
}

// "A:m B:n".
bool MakeMix(absl::string_view name, MadeFormat* made) {
  if (!absl::StrContains(name, ':')) return false;
  constexpr double kMost = 1e15;
  double sum = 0, bits = 0, most = 0;
  const NumberFormat* most_format = nullptr;
  for (const absl::string_view part :
       absl::StrSplit(name, ' ', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits(':', 1));
    double count = 0;
    const NumberFormat* format = absl::StrContains(pair.first, ':')
                                     ? nullptr
                                     : FindFormat(pair.first);
    if (format == nullptr || format->is_recipe ||
        !absl::SimpleAtod(pair.second, &count) || !(count > 0) ||
        !(count <= kMost)) {
      return false;
    }
    sum += count;
    bits += count * format->bits_per_element;
    if (count > most) {
      most = count;
      most_format = format;
    }
  }
  if (most_format == nullptr) return false;
  static_cast<NumberFormat&>(*made) = *most_format;
  made->most = most_format;
  made->bits_per_element = bits / sum;
  made->own_description = absl::StrCat("mix; kernels see ", most_format->name);
  return true;
}

// The format of a family or mix with this name, or nullptr.
const NumberFormat* FindMadeFormat(absl::string_view name) {
  static absl::Mutex mutex(absl::kConstInit);
  static auto* const made =
      new absl::flat_hash_map<std::string, std::unique_ptr<MadeFormat>>;
  {
    absl::MutexLock lock(&mutex);
    const auto found = made->find(name);
    if (found != made->end()) return found->second.get();
  }
  auto format = std::make_unique<MadeFormat>();
  if (!MakeInteger(name, format.get()) && !MakeFp8(name, format.get()) &&
      !MakeBits(name, format.get()) && !MakeMix(name, format.get())) {
    return nullptr;
  }
  format->own_name = std::string(name);
  format->name = format->own_name;
  format->description = format->own_description;
  format->toggle_rate = format->most != nullptr
                            ? ToggleRate(*format->most)
                            : ComputeToggleRate(*format);
  absl::MutexLock lock(&mutex);
  std::unique_ptr<MadeFormat>& place = (*made)[name];
  if (place == nullptr) place = std::move(format);
  return place.get();
}

}  // namespace

double ElementBits(const NumberFormat& format) {
  if (format.most != nullptr) return format.bits_per_element;
  // Three values, however they are packed.
  if (format.name == "tq1_0" || format.name == "tq2_0") return std::log2(3.0);
  if (format.operand != Operand::kFloat) return format.precision_bits;
  // The leading one of a significand is implicit.
  return format.precision_bits - 1 + format.exponent_bits;
}

double ToggleRate(const NumberFormat& format) {
  static const std::array<double, std::size(kFormats)>* const rates = [] {
    auto* all = new std::array<double, std::size(kFormats)>;
    for (size_t i = 0; i < all->size(); ++i) {
      (*all)[i] = ComputeToggleRate(kFormats[i]);
    }
    return all;
  }();
  if (&format >= std::begin(kFormats) && &format < std::end(kFormats)) {
    return (*rates)[&format - kFormats];
  }
  return static_cast<const MadeFormat&>(format).toggle_rate;
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
  return FindMadeFormat(absl::AsciiStrToLower(name));
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
