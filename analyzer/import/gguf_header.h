// Reads the header of a GGUF file: its metadata and the shapes and types of its
// tensors, never their data.
//
// Layout: ggml, docs/gguf.md, versions 2 and 3, little-endian.

#ifndef ANALYZER_IMPORT_GGUF_HEADER_H_
#define ANALYZER_IMPORT_GGUF_HEADER_H_

#include <array>
#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/description/faults.h"

namespace tokenjoule {

// A type of ggml in which the elements of a tensor are stored.
struct GgmlType {
  uint32_t id;
  // ggml's name, e.g. "Q4_K".
  const char* name;
  // The number format of formats.h; empty if it never stores weights.
  const char* format;
  // Elements of a block, and its bytes. A row holds whole blocks.
  int64_t block;
  int64_t bytes;
};

// The type with this number, or nullptr.
const GgmlType* FindGgmlType(uint32_t id);

// One tensor: what the header says of it.
struct GgufTensor {
  std::string name;
  // Sizes, the row first: a matrix of `in` inputs and `out` outputs is {in,
  // out}. Those that the file does not give are 1.
  std::array<int64_t, 4> dims = {1, 1, 1, 1};
  const GgmlType* type = nullptr;

  int64_t elements() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
  int64_t bytes() const { return elements() / type->block * type->bytes; }
  // Whether at most one of its sizes is above 1.
  bool is_vector() const;
  // "{4096, 1024}", for messages.
  std::string Shape() const;
};

// One value of the metadata, as far as a model's shape can depend on it.
struct GgufValue {
  enum class Kind {
    kInteger,  // a Boolean too
    kFloat,
    kString,
    kIntegers,  // an array of integers or Booleans
    kOther,     // another array, or a long one or a long string, not kept
  };
  Kind kind = Kind::kOther;
  int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<int64_t> integers;
};

// The header of one file.
struct GgufHeader {
  absl::flat_hash_map<std::string, GgufValue> metadata;
  std::vector<GgufTensor> tensors;
  // Bytes from the file's start to the tensor data, and from there to the end
  // of the last tensor.
  int64_t data_begin = 0;
  int64_t data_bytes = 0;
};

// Limits of a header. What lies beyond is refused before anything is stored for
// it: no length in the file decides how much memory is taken.
inline constexpr int64_t kMaxGgufHeaderBytes = int64_t{256} << 20;
inline constexpr uint64_t kMaxGgufTensors = 200'000;
inline constexpr uint64_t kMaxGgufPairs = 100'000;
// Longest array of integers and longest string that are kept.
inline constexpr uint64_t kMaxGgufKeptValues = 1024;
inline constexpr uint64_t kMaxGgufKeptText = 1024;

// Reads a header from the start of a stream. Returns nothing, with faults that
// name `file`, if it is not one: another kind of file, truncated, a size that
// is absurd, a tensor type that is not known. Never crashes.
absl::optional<GgufHeader> ReadGgufHeader(std::istream& in,
                                          absl::string_view file,
                                          std::vector<Fault>* faults);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_GGUF_HEADER_H_
