// Number formats in which tensors are stored and multiplied.

#ifndef ANALYZER_DESCRIPTION_FORMATS_H_
#define ANALYZER_DESCRIPTION_FORMATS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tokenjoule {

// One number format. Formats live in a fixed table: compare pointers.
struct NumberFormat {
  // What a matrix unit sees once the format is unpacked.
  enum class Operand {
    kFloat,
    kInteger,
    // Only stored: unpacked to the activations' format before it is multiplied.
    kStorageOnly,
  };

  // Name in flags, textprotos and reports, e.g. "int4-g128".
  absl::string_view name;
  // Bits of one element as stored, with its share of scales and zero points.
  double bits_per_element;
  // Bits of one operand as multiplied (0 for storage-only formats).
  int operand_bits;
  // Bits that carry an element's precision: sign and significand (with the
  // leading one of a float), or the integer.
  int precision_bits;
  Operand operand;
  // The format engines use for activations when weights are stored this way.
  absl::string_view activations;
  // Layout and source, for `list formats`.
  absl::string_view description;
};

// All formats, in the order `list formats` shows them.
absl::Span<const NumberFormat> NumberFormats();

// The format of that name, or nullptr.
const NumberFormat* FindFormat(absl::string_view name);

// The format of that name, which validation has already found to exist. Any
// other name is a fault of the program: it is said on stderr and the program is
// aborted, in every build mode. For names from outside there is FindFormat.
const NumberFormat& GetFormat(absl::string_view name);

// Names of all formats, for messages.
std::vector<std::string> FormatNames();

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_FORMATS_H_
