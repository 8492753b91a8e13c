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
  // Layout and source, for `list formats`.
  absl::string_view description;
};

// All formats, in the order `list formats` shows them.
absl::Span<const NumberFormat> NumberFormats();

// The format with this name, or nullptr.
const NumberFormat* FindFormat(absl::string_view name);

// The format with this name, which validation must already have found to exist.
// Any other name is a bug: it is reported on stderr and the program aborts, in
// every build mode. Use FindFormat for names from user input.
const NumberFormat& GetFormat(absl::string_view name);

// Names of all formats, for messages.
std::vector<std::string> FormatNames();

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_FORMATS_H_
