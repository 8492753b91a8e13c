// Makes GGUF headers, without tensor data, for tests.

#ifndef ANALYZER_IMPORT_GGUF_WRITER_H_
#define ANALYZER_IMPORT_GGUF_WRITER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/import/gguf_header.h"

namespace tokenjoule {

class GgufWriter {
 public:
  // A file of an architecture, to which the keys of Set belong.
  explicit GgufWriter(std::string architecture)
      : architecture_(std::move(architecture)) {
    Text("general.architecture", architecture_);
  }

  // Keys of the architecture: a number, or one for each layer.
  GgufWriter& Set(absl::string_view key, uint32_t value) {
    return Number(absl::StrCat(architecture_, ".", key), value);
  }
  GgufWriter& SetEach(absl::string_view key, const std::vector<int>& values) {
    Key(absl::StrCat(architecture_, ".", key));
    U32(9);
    U32(5);
    U64(values.size());
    for (const int value : values) U32(static_cast<uint32_t>(value));
    return *this;
  }
  // Whole keys.
  GgufWriter& Number(absl::string_view key, uint32_t value) {
    Key(key);
    U32(4);
    U32(value);
    return *this;
  }
  GgufWriter& Real(absl::string_view key) {
    Key(absl::StrCat(architecture_, ".", key));
    U32(6);
    U32(0x3727c5ac);
    return *this;
  }
  GgufWriter& Text(absl::string_view key, absl::string_view value) {
    Key(key);
    U32(8);
    String(&pairs_, value);
    return *this;
  }
  GgufWriter& Texts(absl::string_view key,
                    const std::vector<std::string>& values) {
    Key(key);
    U32(9);
    U32(8);
    U64(values.size());
    for (const std::string& value : values) String(&pairs_, value);
    return *this;
  }

  // A tensor of one of ggml's types, by its number.
  GgufWriter& Tensor(absl::string_view name, const std::vector<int64_t>& dims,
                     uint32_t type) {
    tensors_.push_back({std::string(name), dims, type});
    int64_t elements = 1;
    for (const int64_t dim : dims) elements *= dim;
    elements_ += elements;
    const GgmlType* known = FindGgmlType(type);
    const int64_t bytes =
        known == nullptr ? 0 : elements / known->block * known->bytes;
    bytes_ += bytes;
    offsets_.push_back(offset_);
    offset_ += (bytes + 31) / 32 * 32;
    return *this;
  }

  // Sums over the tensors.
  int64_t bytes() const { return bytes_; }
  int64_t elements() const { return elements_; }

  std::string File(uint32_t version = 3) const {
    std::string out = "GGUF";
    Append(&out, version, 4);
    Append(&out, tensors_.size(), 8);
    Append(&out, count_, 8);
    out += pairs_;
    for (size_t i = 0; i < tensors_.size(); ++i) {
      String(&out, tensors_[i].name);
      Append(&out, tensors_[i].dims.size(), 4);
      for (const int64_t dim : tensors_[i].dims) {
        Append(&out, static_cast<uint64_t>(dim), 8);
      }
      Append(&out, tensors_[i].type, 4);
      Append(&out, static_cast<uint64_t>(offsets_[i]), 8);
    }
    return out;
  }

 private:
  struct Info {
    std::string name;
    std::vector<int64_t> dims;
    uint32_t type;
  };

  static void Append(std::string* out, uint64_t value, int width) {
    for (int i = 0; i < width; ++i) out->push_back(value >> (8 * i) & 255);
  }
  static void String(std::string* out, absl::string_view text) {
    Append(out, text.size(), 8);
    absl::StrAppend(out, text);
  }
  void Key(absl::string_view key) {
    ++count_;
    String(&pairs_, key);
  }
  void U32(uint32_t value) { Append(&pairs_, value, 4); }
  void U64(uint64_t value) { Append(&pairs_, value, 8); }

  const std::string architecture_;
  std::string pairs_;
  uint64_t count_ = 0;
  std::vector<Info> tensors_;
  std::vector<int64_t> offsets_;
  int64_t offset_ = 0;
  int64_t bytes_ = 0;
  int64_t elements_ = 0;
};

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_GGUF_WRITER_H_
