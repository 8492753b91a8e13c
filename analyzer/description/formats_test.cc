#include "analyzer/description/formats.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/faults.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

TEST(FormatsTest, EveryFormatIsFoundByItsNameOnce) {
  std::set<absl::string_view> names;
  for (const NumberFormat& format : NumberFormats()) {
    EXPECT_TRUE(names.insert(format.name).second) << format.name;
    EXPECT_EQ(FindFormat(format.name), &format) << format.name;
    EXPECT_EQ(&GetFormat(format.name), &format) << format.name;
  }
  const std::vector<std::string> listed = FormatNames();
  EXPECT_EQ(std::set<absl::string_view>(listed.begin(), listed.end()), names);
}

// Value bits plus the share of scales and zero points, computed by hand.
TEST(FormatsTest, StoredBitsCountTheirShareOfScales) {
  const auto bits = [](absl::string_view name) {
    return GetFormat(name).bits_per_element;
  };
  EXPECT_EQ(bits("bf16"), 16);
  // 32 bits per 128 x 128 = 16384 values.
  EXPECT_EQ(bits("fp8-block128"), 8 + 1.0 / 512);
  // 16 + 4 bits per 128 values.
  EXPECT_EQ(bits("int4-g128"), 4.15625);
  EXPECT_EQ(bits("mxfp4"), 4.25);
  EXPECT_EQ(bits("nvfp4"), 4.5);
  // 18 bytes per 32 values, 210 bytes per 256.
  EXPECT_EQ(bits("q4_0"), 4.5);
  EXPECT_EQ(bits("q6_k"), 6.5625);
}

TEST(FormatsTest, FamiliesOfFormatsAreMadeFromTheirNames) {
  const auto bits = [](absl::string_view name) {
    return GetFormat(name).bits_per_element;
  };
  EXPECT_EQ(bits("int3"), 3);
  // 16 + 3 bits per 128 values.
  EXPECT_EQ(bits("int3-g128"), 3.1484375);
  EXPECT_EQ(bits("int8-g128-sym"), 8.125);
  EXPECT_EQ(bits("int6-g64-affine"), 6.5);
  EXPECT_EQ(bits("fp8-g128"), 8.25);
  EXPECT_EQ(bits("fp8-block32"), 8 + 1.0 / 32);
  EXPECT_EQ(bits("fp8-block32-e8m0"), 8 + 1.0 / 128);
  EXPECT_EQ(bits("bits4.25"), 4.25);
  EXPECT_EQ(bits("bits2"), 2);
  EXPECT_EQ(bits("int4-g128:3 bf16:1"), (3 * 4.15625 + 16) / 4);
  for (const absl::string_view name :
       {"int0", "int9", "int", "int3-", "int3-g0", "int4-g128-asym", "bits",
        "bits0", "bits33", "bits-4", "bitsnan", "bitsinf", "bits1e1", "bits 4",
        "bits4.2.5", "fp8-g128-e8m0", "fp8-block32-e4m3", "int4-g128:-1 bf16:1",
        "int4-g128:nan bf16:1"}) {
    EXPECT_EQ(FindFormat(name), nullptr) << name;
  }
}

// The activation format of every weight format must be one that engines
// multiply.
TEST(FormatsTest, ActivationsOfEveryFormatAreAFormatThatIsMultiplied) {
  for (const NumberFormat& format : NumberFormats()) {
    const NumberFormat* activations = FindFormat(format.activations);
    ASSERT_NE(activations, nullptr) << format.name;
    EXPECT_NE(activations->operand, NumberFormat::Operand::kStorageOnly)
        << format.name;
  }
}

TEST(FormatsTest, OnlyStorageFormatsHaveNoOperandBits) {
  for (const NumberFormat& format : NumberFormats()) {
    EXPECT_EQ(format.operand_bits == 0,
              format.operand == NumberFormat::Operand::kStorageOnly)
        << format.name;
    EXPECT_LE(format.operand_bits, format.bits_per_element) << format.name;
    EXPECT_GT(format.precision_bits, 0) << format.name;
  }
}

// Fraction of differing bits between consecutive codes of normal variables.
template <typename Encode>
double SampledToggleRate(int bits, const Encode& encode) {
  std::mt19937 generator(1);
  std::normal_distribution<double> normal;
  constexpr int kSamples = 200000;
  uint32_t before = encode(normal(generator));
  double toggles = 0;
  for (int i = 0; i < kSamples; ++i) {
    const uint32_t code = encode(normal(generator));
    for (int bit = 0; bit < bits; ++bit) {
      toggles += ((code ^ before) >> bit) & 1;
    }
    before = code;
  }
  return toggles / kSamples / bits;
}

TEST(FormatsTest, ToggleRatesAreThoseOfSampledWeights) {
  // bf16 of standard deviation 0.02, cut to 16 bits.
  EXPECT_NEAR(ToggleRate(GetFormat("bf16")),
              SampledToggleRate(16,
                                [](double z) {
                                  const float x =
                                      static_cast<float>(0.02 * z);
                                  uint32_t bits;
                                  std::memcpy(&bits, &x, sizeof(bits));
                                  return bits >> 16;
                                }),
              0.005);
  // int8 of a channel of 4096 weights, of which the largest is 127: the median
  // of the largest of 4096 magnitudes is 3.76 deviations.
  EXPECT_NEAR(ToggleRate(GetFormat("int8")),
              SampledToggleRate(8,
                                [](double z) {
                                  const double code = std::min(
                                      127.0, std::max(-128.0, std::round(
                                                                  z * 127 /
                                                                  3.76)));
                                  return static_cast<uint32_t>(
                                             static_cast<int>(code)) &
                                         0xff;
                                }),
              0.005);
}

TEST(FormatsTest, WideFormatsRepeatTheirExponentsAndPackedOnesAreRandom) {
  const double bf16 = ToggleRate(GetFormat("bf16"));
  EXPECT_GT(bf16, 0.3);
  EXPECT_LT(bf16, 0.4);
  EXPECT_LT(bf16, ToggleRate(GetFormat("fp8")));
  EXPECT_LT(ToggleRate(GetFormat("fp8")), ToggleRate(GetFormat("int8")));
  EXPECT_EQ(ToggleRate(GetFormat("q4_k")), kRandomToggleRate);
  for (const NumberFormat& format : NumberFormats()) {
    EXPECT_GT(ToggleRate(format), 0.25) << format.name;
    EXPECT_LE(ToggleRate(format), kRandomToggleRate) << format.name;
  }
}

TEST(FormatsTest, UnknownNamesAreNotFound) {
  for (const absl::string_view name : {"", "bf16 x", "int4-g", "fp4", " "}) {
    EXPECT_EQ(FindFormat(name), nullptr) << name;
    EXPECT_EQ(FormatName(name), name);
  }
}

TEST(FormatsTest, FormatsAreFoundHoweverPeopleWriteThem) {
  const std::pair<const char*, const char*> kTyped[] = {
      {"BF16", "bf16"},
      {"bfloat16", "bf16"},
      {"FP16", "fp16"},
      {"float16", "fp16"},
      {"half", "fp16"},
      {"f16", "fp16"},
      {"f32", "fp32"},
      {"float32", "fp32"},
      {"FP8", "fp8"},
      {"fp8_e4m3", "fp8"},
      {"E4M3", "fp8"},
      {"float8_e4m3fn", "fp8"},
      {"INT8", "int8"},
      {"INT4", "int4"},
      {"int4_g128", "int4-g128"},
      {"INT4-G128", "int4-g128"},
      {"AWQ", "int4-g128"},
      {"Q8_0", "q8_0"},
      {"q8-0", "q8_0"},
      {"q4_K_M", "q4_k_m"},
      {"INT4-G16-Sym", "int4-g16-sym"},
      {"Q4_K", "q4_k"},
      {"Q6_K", "q6_k"},
      {"MXFP4", "mxfp4"},
      {"NVFP4", "nvfp4"},
      {"fp8_block128", "fp8-block128"}};
  for (const auto& [typed, name] : kTyped) {
    EXPECT_EQ(FormatName(typed), name) << typed;
  }
}

TEST(FormatsTest, NoSynonymIsOfTwoFormatsOrTheNameOfAnother) {
  std::map<std::string, absl::string_view> owners;
  for (const NumberFormat& format : NumberFormats()) {
    EXPECT_TRUE(owners.emplace(FoldedName(format.name), format.name).second)
        << format.name;
  }
  for (const NumberFormat& format : NumberFormats()) {
    if (format.synonyms.empty()) continue;
    for (const absl::string_view synonym :
         absl::StrSplit(format.synonyms, ' ')) {
      EXPECT_FALSE(synonym.empty()) << format.name;
      EXPECT_TRUE(owners.emplace(FoldedName(synonym), format.name).second)
          << synonym;
    }
  }
}

TEST(FormatsDeathTest, GettingAnUnknownFormatSaysWhichAndAborts) {
  EXPECT_DEATH(GetFormat("bf61"),
               "GetFormat: unknown number format \"bf61\"; did you mean "
               "\"bf16\"\\?");
  EXPECT_DEATH(GetFormat("a\nb"), "unknown number format \"a\\\\nb\"");
}

}  // namespace
}  // namespace tokenjoule
