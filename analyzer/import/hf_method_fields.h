// Parts that the dictionaries of several quantisation methods have in common.

#ifndef ANALYZER_IMPORT_HF_METHOD_FIELDS_H_
#define ANALYZER_IMPORT_HF_METHOD_FIELDS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/import/hf_methods.h"
#include "analyzer/import/hf_modules.h"
#include "analyzer/import/json_reader.h"

namespace tokenjoule {

inline constexpr Limits kBitLimits = {1, 8};

// A format's name, or nothing where a fault was recorded. An empty name is that
// of a module that is not quantised.
using Format = absl::optional<std::string>;

inline bool IsHead(const HfModule& module) {
  return module.matrix == HfMatrix::kLmHead;
}
inline bool IsEmbedding(const HfModule& module) {
  return module.matrix == HfMatrix::kEmbedding;
}

// "bits4.25".
std::string Bits(double bits);

// B-bit integers with a scale for each `group` values, or for each channel if
// that is 0; `suffix` is "", "-sym" or "-affine".
std::string Integer(int64_t bits, int64_t group, absl::string_view suffix);

// Values per scale; 0 for one scale per channel, which files write as -1.
// Absent means `otherwise`.
absl::optional<int64_t> ReadGroup(const JsonReader& reader,
                                  absl::string_view field, int64_t otherwise);

// A Boolean without a recorded default.
bool Flag(const JsonReader& reader, absl::string_view field, bool otherwise);

// A string; empty if it is absent.
std::string Word(const JsonReader& reader, absl::string_view field);

// Notes, once, that an entry of the list `field` which names more than one
// module is read as the modules below it.
void NoteParents(const JsonReader& reader, absl::string_view field);

// The format of the KV cache by a dictionary of a scheme, or by a name; empty
// if the field is absent.
Format ReadKvScheme(const JsonReader& reader, absl::string_view field);

// fp8 in blocks; `field` has their two sizes, as [128, 128] or "128x128".
Format ReadFp8Block(const JsonReader& reader, absl::string_view field);

// A method with one format, which the list `field` and the two ends of the
// model do not have.
Rules ReadSimple(const JsonReader& reader, const std::string& format,
                 absl::string_view field);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_METHOD_FIELDS_H_
