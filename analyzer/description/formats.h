// Number formats in which tensors are stored and multiplied.

#ifndef ANALYZER_DESCRIPTION_FORMATS_H_
#define ANALYZER_DESCRIPTION_FORMATS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tokenjoule {

// One number format. Equal formats are one object: compare pointers.
struct NumberFormat {
  // The kind of operand that a matrix unit sees after unpacking.
  enum class Operand {
    kFloat,
    kInteger,
    // Storage only: unpacked to the activations' format before multiplication.
    kStorageOnly,
  };

  // Name in flags, textprotos and reports, e.g. "int4-g128".
  absl::string_view name;
  // Bits per stored element, including its share of scales and zero points.
  double bits_per_element;
  // Bits per operand when multiplied (0 for storage-only formats).
  int operand_bits;
  // Bits of precision: sign and significand of a float (including the implicit
  // leading one), or all bits of an integer.
  int precision_bits;
  Operand operand;
  // The activation format that engines pair with weights stored in this format.
  absl::string_view activations;
  // Bits of a float's exponent, and its bias; 0 if it is not a float.
  int exponent_bits;
  int exponent_bias;
  // Elements that share a scale; 0: none, or blocks of GGUF.
  int elements_per_scale;
  // Layout and source, for `list formats`.
  absl::string_view description;
  // Other names of the format, separated by blanks: "bfloat16". Names and
  // synonyms are compared without case, and hyphens are underscores.
  absl::string_view synonyms = "";
  // For a mix of formats, the one that most of its elements are stored in: the
  // format that kernels see. nullptr if it is not a mix.
  const NumberFormat* most = nullptr;
  // Whether it is a recipe of llama.cpp's quantiser, which stores each class of
  // matrix in a format of its own (gguf_recipes.h). Only weights have recipes.
  bool is_recipe = false;
};

// The format that kernels see: `format` itself unless it is a mix.
inline const NumberFormat& KernelFormat(const NumberFormat& format) {
  return format.most == nullptr ? format : *format.most;
}

// All formats with a line of their own, in the order `list formats` shows them.
absl::Span<const NumberFormat> NumberFormats();

// Fraction of bits that toggle from one transfer to the next if the data is
// random.
inline constexpr double kRandomToggleRate = 0.5;

// Expected fraction of bits that toggle between independent elements of a
// format: the mean over bit positions of 2 p (1 - p), p the probability that the
// bit is set. It assumes what trained weights nearly are: independent and
// normally distributed elements. Where elements share a scale, the largest of
// them (the median of the largest of so many) fills the format's range; without
// a scale their standard deviation is 0.02. Significands of floats and the
// integers of GGUF count as uniform, and scales stored beside the elements are
// left out. A model of data, not a measurement: docs/model.md.
double ToggleRate(const NumberFormat& format);

// The format with this name or synonym, however it is spelt ("BF16", "q4_K",
// "bfloat16"), or nullptr. Beside the formats of the table it knows families and
// mixes:
//   intB            B bits (1 to 8) per value; scales per channel, not counted;
//   intB-gG         B bits (1 to 8) per value; for each G values an fp16 scale
//                   and a zero point of B bits (GPTQ, AWQ);
//   intB-gG-sym     the same without zero points (compressed-tensors);
//   intB-gG-affine  the same with a 16-bit scale and a 16-bit bias (MLX);
//   fp8-gG          E4M3 with an fp32 scale for each G values;
//   fp8-blockG      E4M3 with an fp32 scale for each G x G values;
//   fp8-blockG-e8m0 the same with an 8-bit scale;
//   bitsX           X bits per value, scales and tables included, in a layout
//                   that the name does not say (EXL2, AQLM); X may have
//                   decimals;
//   "A:m B:n"       of every m + n equal tensors, m are stored in A and n in B:
//                   bits per element are the mean. Counts may have decimals.
const NumberFormat* FindFormat(absl::string_view name);

// The name of that format, or `name` itself if there is none. Readers of
// descriptions and flags replace what was typed by it.
std::string FormatName(absl::string_view name);

// The format with this name, which validation must already have found to exist.
// Any other name is a bug: it is reported on stderr and the program aborts, in
// every build mode. Use FindFormat for names from user input.
const NumberFormat& GetFormat(absl::string_view name);

// Bits of an element, its scales not counted: sign, exponent and significand of a
// float. A mix has the mean of its parts, whose scales cannot be told apart.
double ElementBits(const NumberFormat& format);

// Names of all formats, for messages.
std::vector<std::string> FormatNames();

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_FORMATS_H_
