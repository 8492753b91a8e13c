#include "analyzer/import/gguf_header.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tokenjoule {
namespace {

// ggml.h and ggml-common.h of llama.cpp (2026). Numbers that are missing were
// removed, or belong to forks, which give them different meanings.
constexpr GgmlType kTypes[] = {
    {0, "F32", "fp32", 1, 4},
    {1, "F16", "fp16", 1, 2},
    {2, "Q4_0", "q4_0", 32, 18},
    {3, "Q4_1", "q4_1", 32, 20},
    {6, "Q5_0", "q5_0", 32, 22},
    {7, "Q5_1", "q5_1", 32, 24},
    {8, "Q8_0", "q8_0", 32, 34},
    {9, "Q8_1", "", 32, 36},
    {10, "Q2_K", "q2_k", 256, 84},
    {11, "Q3_K", "q3_k", 256, 110},
    {12, "Q4_K", "q4_k", 256, 144},
    {13, "Q5_K", "q5_k", 256, 176},
    {14, "Q6_K", "q6_k", 256, 210},
    {15, "Q8_K", "", 256, 292},
    {16, "IQ2_XXS", "iq2_xxs", 256, 66},
    {17, "IQ2_XS", "iq2_xs", 256, 74},
    {18, "IQ3_XXS", "iq3_xxs", 256, 98},
    {19, "IQ1_S", "iq1_s", 256, 50},
    {20, "IQ4_NL", "iq4_nl", 32, 18},
    {21, "IQ3_S", "iq3_s", 256, 110},
    {22, "IQ2_S", "iq2_s", 256, 82},
    {23, "IQ4_XS", "iq4_xs", 256, 136},
    {24, "I8", "", 1, 1},
    {25, "I16", "", 1, 2},
    {26, "I32", "", 1, 4},
    {27, "I64", "", 1, 8},
    {28, "F64", "", 1, 8},
    {29, "IQ1_M", "iq1_m", 256, 56},
    {30, "BF16", "bf16", 1, 2},
    {34, "TQ1_0", "tq1_0", 256, 54},
    {35, "TQ2_0", "tq2_0", 256, 66},
    {39, "MXFP4", "mxfp4", 32, 17},
    {40, "NVFP4", "nvfp4", 64, 36},
    {41, "Q1_0", "q1_0", 128, 18},
    {42, "Q2_0", "q2_0", 64, 18},
};

constexpr char kMagic[] = {'G', 'G', 'U', 'F'};
constexpr uint64_t kLongestKey = 65535;
// llama.cpp's own limit is 63.
constexpr uint64_t kLongestTensorName = 255;
constexpr uint64_t kMaxDimensions = 4;
// Of one dimension, and of a tensor.
constexpr uint64_t kMaxSize = 1'000'000'000;
constexpr uint64_t kMaxElements = 1'000'000'000'000;
constexpr int kMaxArrayNesting = 4;
constexpr int64_t kDefaultAlignment = 32;
constexpr int64_t kMaxAlignment = 1 << 20;

// Types of values, as the file numbers them.
enum ValueType : uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kText = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

// Bytes of a value of a type; 0 if they vary or the type is not known.
int64_t WidthOf(uint32_t type) {
  switch (type) {
    case kUint8:
    case kInt8:
    case kBool:
      return 1;
    case kUint16:
    case kInt16:
      return 2;
    case kUint32:
    case kInt32:
    case kFloat32:
      return 4;
    case kUint64:
    case kInt64:
    case kFloat64:
      return 8;
    default:
      return 0;
  }
}

bool IsFloat(uint32_t type) { return type == kFloat32 || type == kFloat64; }

// The whole-number value of `bits`, which hold a value of an integer type.
int64_t IntegerOf(uint32_t type, uint64_t bits) {
  switch (type) {
    case kInt8:
      return static_cast<int8_t>(bits);
    case kInt16:
      return static_cast<int16_t>(bits);
    case kInt32:
      return static_cast<int32_t>(bits);
    case kInt64:
      return static_cast<int64_t>(bits);
    case kBool:
      return bits != 0 ? 1 : 0;
    default:
      // Larger ones are absurd wherever they are used.
      return static_cast<int64_t>(std::min<uint64_t>(
          bits, static_cast<uint64_t>(std::numeric_limits<int64_t>::max())));
  }
}

double RealOf(uint32_t type, uint64_t bits) {
  if (type == kFloat64) {
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
  const uint32_t low = static_cast<uint32_t>(bits);
  float value;
  std::memcpy(&value, &low, sizeof(value));
  return value;
}

// Reads numbers and strings, up to the largest header. After the first failure
// every read fails; the failure is a fault.
class Reader {
 public:
  Reader(std::istream& in, absl::string_view file, std::vector<Fault>* faults)
      : in_(in), file_(file), faults_(faults) {}

  bool ok() const { return ok_; }
  int64_t position() const { return position_; }

  // Adds a fault and stops.
  bool Fail(absl::string_view path, std::string message) {
    if (!ok_) return false;
    ok_ = false;
    faults_->push_back({file_, 0, 0, std::string(path), std::move(message)});
    return false;
  }

  bool Bytes(char* out, uint64_t size, absl::string_view what) {
    if (!Fits(size, what)) return false;
    in_.read(out, static_cast<std::streamsize>(size));
    return Arrived(size, what);
  }
  bool Skip(uint64_t size, absl::string_view what) {
    if (!Fits(size, what)) return false;
    if (size == 0) return true;
    in_.ignore(static_cast<std::streamsize>(size));
    return Arrived(size, what);
  }
  // A little-endian number of `width` bytes.
  bool Number(int64_t width, uint64_t* out, absl::string_view what) {
    char bytes[8];
    if (!Bytes(bytes, static_cast<uint64_t>(width), what)) return false;
    *out = 0;
    for (int64_t i = 0; i < width; ++i) {
      *out |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i]))
              << (8 * i);
    }
    return true;
  }
  bool Number32(uint32_t* out, absl::string_view what) {
    uint64_t number;
    if (!Number(4, &number, what)) return false;
    *out = static_cast<uint32_t>(number);
    return true;
  }
  // A string of at most `longest` bytes.
  bool Text(uint64_t longest, std::string* out, absl::string_view what) {
    uint64_t size;
    if (!Number(8, &size, what)) return false;
    if (size > longest) {
      return Fail("", absl::StrCat("has ", size, " bytes of ", what,
                                   "; expected at most ", longest));
    }
    out->resize(size);
    return Bytes(&(*out)[0], size, what);
  }

 private:
  bool Fits(uint64_t size, absl::string_view what) {
    if (!ok_) return false;
    if (size <= static_cast<uint64_t>(kMaxGgufHeaderBytes - position_)) {
      return true;
    }
    return Fail("",
                absl::StrCat("has a header of more than ", kMaxGgufHeaderBytes,
                             " bytes (reading ", what, "); expected fewer"));
  }
  bool Arrived(uint64_t size, absl::string_view what) {
    if (static_cast<uint64_t>(in_.gcount()) == size) {
      position_ += static_cast<int64_t>(size);
      return true;
    }
    return Fail("", absl::StrCat("ends within its header, in ", what,
                                 "; download it again"));
  }

  std::istream& in_;
  const std::string file_;
  std::vector<Fault>* const faults_;
  bool ok_ = true;
  int64_t position_ = 0;
};

// Skips a string.
bool SkipText(Reader& reader, absl::string_view what) {
  uint64_t size;
  return reader.Number(8, &size, what) && reader.Skip(size, what);
}

bool FailType(Reader& reader, absl::string_view key, uint32_t type) {
  return reader.Fail(Printable(key), absl::StrCat("has a value of type ", type,
                                                  "; expected 0 to 12"));
}

bool ReadArray(Reader& reader, const std::string& key, int depth,
               GgufValue* value) {
  uint32_t type;
  uint64_t size;
  if (!reader.Number32(&type, "metadata") ||
      !reader.Number(8, &size, "metadata")) {
    return false;
  }
  const int64_t width = WidthOf(type);
  if (width > 0) {
    if (size > static_cast<uint64_t>(kMaxGgufHeaderBytes)) {
      return reader.Fail(Printable(key),
                         absl::StrCat("has ", size, " values; expected fewer"));
    }
    if (IsFloat(type) || size > kMaxGgufKeptValues) {
      return reader.Skip(size * static_cast<uint64_t>(width), "metadata");
    }
    value->kind = GgufValue::Kind::kIntegers;
    for (uint64_t i = 0; i < size; ++i) {
      uint64_t bits;
      if (!reader.Number(width, &bits, "metadata")) return false;
      value->integers.push_back(IntegerOf(type, bits));
    }
    return true;
  }
  if (type != kText && type != kArray) return FailType(reader, key, type);
  if (type == kArray && depth >= kMaxArrayNesting) {
    return reader.Fail(Printable(key),
                       absl::StrCat("has arrays in arrays in more than ",
                                    kMaxArrayNesting, " levels"));
  }
  // Every element takes at least 8 bytes of the header, so that its limit ends
  // this loop.
  for (uint64_t i = 0; i < size; ++i) {
    GgufValue inner;
    if (!(type == kText ? SkipText(reader, "metadata")
                        : ReadArray(reader, key, depth + 1, &inner))) {
      return false;
    }
  }
  return true;
}

bool ReadValue(Reader& reader, const std::string& key, GgufValue* value) {
  uint32_t type;
  if (!reader.Number32(&type, "metadata")) return false;
  if (type == kArray) return ReadArray(reader, key, 1, value);
  uint64_t bits;
  if (type == kText) {
    if (!reader.Number(8, &bits, "metadata")) return false;
    if (bits > kMaxGgufKeptText) return reader.Skip(bits, "metadata");
    value->kind = GgufValue::Kind::kString;
    value->text.resize(bits);
    return reader.Bytes(&value->text[0], bits, "metadata");
  }
  const int64_t width = WidthOf(type);
  if (width == 0) return FailType(reader, key, type);
  if (!reader.Number(width, &bits, "metadata")) return false;
  if (IsFloat(type)) {
    value->kind = GgufValue::Kind::kFloat;
    value->real = RealOf(type, bits);
  } else {
    value->kind = GgufValue::Kind::kInteger;
    value->integer = IntegerOf(type, bits);
  }
  return true;
}

bool ReadMetadata(Reader& reader, uint64_t pairs, GgufHeader* header) {
  for (uint64_t i = 0; i < pairs; ++i) {
    std::string key;
    GgufValue value;
    if (!reader.Text(kLongestKey, &key, "a key of the metadata") ||
        !ReadValue(reader, key, &value)) {
      return false;
    }
    if (!header->metadata.emplace(key, std::move(value)).second) {
      return reader.Fail(Printable(key), "is there twice");
    }
  }
  return true;
}

// Numbers of types that are not known, each with its tensors.
struct UnknownType {
  std::string first;
  int64_t tensors = 0;
};

bool ReadTensor(Reader& reader, GgufTensor* tensor, uint32_t* type,
                uint64_t* offset) {
  constexpr char kWhat[] = "the list of tensors";
  uint32_t dimensions;
  if (!reader.Text(kLongestTensorName, &tensor->name, kWhat) ||
      !reader.Number32(&dimensions, kWhat)) {
    return false;
  }
  const std::string name = Printable(tensor->name);
  if (dimensions < 1 || dimensions > kMaxDimensions) {
    return reader.Fail(
        name, absl::StrCat("has ", dimensions, " dimensions; expected 1 to ",
                           kMaxDimensions));
  }
  uint64_t elements = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    uint64_t size;
    if (!reader.Number(8, &size, kWhat)) return false;
    if (size < 1 || size > kMaxSize || size > kMaxElements / elements) {
      return reader.Fail(
          name, absl::StrCat("has a dimension of ", size,
                             "; expected 1 to 1e9 and, with the others, at "
                             "most 1e12 elements"));
    }
    elements *= size;
    tensor->dims[i] = static_cast<int64_t>(size);
  }
  return reader.Number32(type, kWhat) && reader.Number(8, offset, kWhat);
}

bool ReadTensors(Reader& reader, uint64_t count, int64_t alignment,
                 GgufHeader* header) {
  std::map<uint32_t, UnknownType> unknown;
  absl::flat_hash_set<std::string> names;
  for (uint64_t i = 0; i < count; ++i) {
    GgufTensor tensor;
    uint32_t type = 0;
    uint64_t offset = 0;
    if (!ReadTensor(reader, &tensor, &type, &offset)) return false;
    const std::string name = Printable(tensor.name);
    if (!names.insert(tensor.name).second) {
      return reader.Fail(name, "is there twice");
    }
    tensor.type = FindGgmlType(type);
    if (tensor.type == nullptr) {
      UnknownType& entry = unknown[type];
      if (entry.tensors++ == 0) entry.first = name;
      continue;
    }
    if (tensor.dims[0] % tensor.type->block != 0) {
      return reader.Fail(
          name,
          absl::StrCat("has rows of ", tensor.dims[0],
                       " elements; expected a multiple of ", tensor.type->block,
                       ", the block of ", tensor.type->name));
    }
    if (offset % static_cast<uint64_t>(alignment) != 0 ||
        offset > kMaxElements * kMaxGgufTensors) {
      return reader.Fail(
          name,
          absl::StrCat("is at offset ", offset,
                       "; expected a multiple of the alignment, ", alignment));
    }
    header->data_bytes = std::max(
        header->data_bytes, static_cast<int64_t>(offset) + tensor.bytes());
    header->tensors.push_back(std::move(tensor));
  }
  if (unknown.empty()) return true;
  constexpr size_t kMostListed = 10;
  std::vector<std::string> types;
  for (const auto& entry : unknown) {
    if (types.size() == kMostListed) {
      types.push_back("...");
      break;
    }
    types.push_back(absl::StrCat(entry.first, " (", entry.second.tensors,
                                 " tensors, the first is ", entry.second.first,
                                 ")"));
  }
  return reader.Fail(
      "", absl::StrCat("has tensors of types that are not ",
                       "ggml's or were removed: ", absl::StrJoin(types, ", "),
                       "; expected files of llama.cpp, not of "
                       "a fork with types of its own"));
}

// Checks the magic number and the version.
bool ReadStart(Reader& reader) {
  char magic[sizeof(kMagic)];
  uint32_t version;
  if (!reader.Bytes(magic, sizeof(magic), "its first bytes")) return false;
  if (!std::equal(std::begin(magic), std::end(magic), kMagic)) {
    return reader.Fail(
        "", absl::StrCat("begins with \"",
                         Printable(absl::string_view(magic, sizeof(magic))),
                         "\"; expected \"GGUF\", as files for llama.cpp begin "
                         "since August 2023"));
  }
  if (!reader.Number32(&version, "its version")) return false;
  if (version == 2 || version == 3) return true;
  if (version == 0x02000000 || version == 0x03000000) {
    return reader.Fail("", "is big-endian; expected a little-endian file");
  }
  return reader.Fail("", absl::StrCat("has version ", version,
                                      " of the format; expected 2 or 3"));
}

}  // namespace

const GgmlType* FindGgmlType(uint32_t id) {
  const auto* found =
      std::find_if(std::begin(kTypes), std::end(kTypes),
                   [&](const GgmlType& type) { return type.id == id; });
  return found == std::end(kTypes) ? nullptr : found;
}

bool GgufTensor::is_vector() const {
  return elements() == *std::max_element(dims.begin(), dims.end());
}

std::string GgufTensor::Shape() const {
  size_t used = dims.size();
  while (used > 1 && dims[used - 1] == 1) --used;
  return absl::StrCat(
      "{", absl::StrJoin(dims.begin(), dims.begin() + used, ", "), "}");
}

absl::optional<GgufHeader> ReadGgufHeader(std::istream& in,
                                          absl::string_view file,
                                          std::vector<Fault>* faults) {
  Reader reader(in, file, faults);
  uint64_t tensors, pairs;
  if (!ReadStart(reader) || !reader.Number(8, &tensors, "its counts") ||
      !reader.Number(8, &pairs, "its counts")) {
    return absl::nullopt;
  }
  if (tensors > kMaxGgufTensors) {
    reader.Fail("", absl::StrCat("has ", tensors, " tensors; expected at most ",
                                 kMaxGgufTensors));
  }
  if (pairs > kMaxGgufPairs) {
    reader.Fail("", absl::StrCat("has ", pairs,
                                 " entries of metadata; expected at most ",
                                 kMaxGgufPairs));
  }
  GgufHeader header;
  if (!reader.ok() || !ReadMetadata(reader, pairs, &header)) {
    return absl::nullopt;
  }
  int64_t alignment = kDefaultAlignment;
  const auto given = header.metadata.find("general.alignment");
  if (given != header.metadata.end()) {
    alignment = given->second.integer;
    if (given->second.kind != GgufValue::Kind::kInteger || alignment < 1 ||
        alignment > kMaxAlignment || (alignment & (alignment - 1)) != 0) {
      reader.Fail(
          "general.alignment",
          absl::StrCat("expected a power of two from 1 to ", kMaxAlignment));
      return absl::nullopt;
    }
  }
  if (!ReadTensors(reader, tensors, alignment, &header)) return absl::nullopt;
  header.data_begin =
      (reader.position() + alignment - 1) / alignment * alignment;
  return header;
}

}  // namespace tokenjoule
