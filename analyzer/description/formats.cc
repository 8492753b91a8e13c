#include "analyzer/description/formats.h"

#include <cstdio>
#include <cstdlib>

#include "analyzer/description/faults.h"

namespace tokenjoule {
namespace {

using Operand = NumberFormat::Operand;

// Bits per element are exact: value bits + scale bits / group size.
constexpr NumberFormat kFormats[] = {
    {"fp32", 32, 32, 25, Operand::kFloat, "fp32", "IEEE 754 binary32"},
    {"bf16", 16, 16, 9, Operand::kFloat, "bf16", "bfloat16"},
    {"fp16", 16, 16, 12, Operand::kFloat, "fp16", "IEEE 754 binary16"},
    {"fp8", 8, 8, 5, Operand::kFloat, "fp8",
     "OCP OFP8 (E4M3, E5M2), one scale per tensor, not counted"},
    {"fp8-block128", 8 + 32.0 / (128 * 128), 8, 5, Operand::kFloat, "fp8",
     "E4M3 with an fp32 scale for each 128 x 128 block (DeepSeek-V3 technical "
     "report, arXiv:2412.19437)"},
    {"int8", 8, 8, 8, Operand::kInteger, "int8",
     "8-bit integer, one scale per channel, not counted"},
    {"int4", 4, 4, 4, Operand::kInteger, "bf16",
     "4-bit integer without scales; a bound rather than a checkpoint"},
    {"int4-g32", 4 + 20.0 / 32, 4, 4, Operand::kInteger, "bf16",
     "4-bit integer, fp16 scale and 4-bit zero point for each 32 (GPTQ, AWQ)"},
    {"int4-g64", 4 + 20.0 / 64, 4, 4, Operand::kInteger, "bf16",
     "4-bit integer, fp16 scale and 4-bit zero point for each 64 (GPTQ, AWQ)"},
    {"int4-g128", 4 + 20.0 / 128, 4, 4, Operand::kInteger, "bf16",
     "4-bit integer, fp16 scale and 4-bit zero point for each 128 (GPTQ, AWQ)"},
    {"mxfp4", 4 + 8.0 / 32, 4, 3, Operand::kFloat, "bf16",
     "OCP Microscaling FP4 (E2M1), an 8-bit scale for each 32"},
    {"nvfp4", 4 + 8.0 / 16, 4, 3, Operand::kFloat, "nvfp4",
     "NVIDIA FP4 (E2M1), an FP8 scale for each 16; the fp32 scale per tensor "
     "is not counted"},
    {"q4_0", 4 + 16.0 / 32, 0, 4, Operand::kStorageOnly, "fp16",
     "GGUF: blocks of 32, fp16 scale, 18 bytes"},
    {"q4_k", 144 * 8.0 / 256, 0, 4, Operand::kStorageOnly, "fp16",
     "GGUF: super-blocks of 256, 144 bytes"},
    {"q5_k", 176 * 8.0 / 256, 0, 5, Operand::kStorageOnly, "fp16",
     "GGUF: super-blocks of 256, 176 bytes"},
    {"q6_k", 210 * 8.0 / 256, 0, 6, Operand::kStorageOnly, "fp16",
     "GGUF: super-blocks of 256, 210 bytes"},
    {"q8_0", 8 + 16.0 / 32, 0, 8, Operand::kStorageOnly, "fp16",
     "GGUF: blocks of 32, fp16 scale, 34 bytes"},
};

}  // namespace

absl::Span<const NumberFormat> NumberFormats() { return kFormats; }

const NumberFormat* FindFormat(absl::string_view name) {
  for (const NumberFormat& format : kFormats) {
    if (format.name == name) return &format;
  }
  return nullptr;
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
