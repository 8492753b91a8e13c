// The metadata and faults of a GGUF file that is being imported.

#ifndef ANALYZER_IMPORT_GGUF_KEYS_H_
#define ANALYZER_IMPORT_GGUF_KEYS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/description/faults.h"
#include "analyzer/import/gguf_header.h"

namespace tokenjoule {

// Faults and notes of one import. Equal faults of many layers are one fault,
// and beyond a hundred faults only their being there is said.
class GgufLog {
 public:
  explicit GgufLog(absl::string_view file) : file_(file) {}

  // Adds a fault about a key or a tensor.
  void AddFault(absl::string_view path, absl::string_view message);
  // Adds a fault about a tensor of a layer, unless an earlier layer has the
  // same.
  void AddLayerFault(int64_t layer, absl::string_view tensor,
                     absl::string_view message);
  void AddNote(std::string note) { notes_.push_back(std::move(note)); }

  const std::vector<Fault>& faults() const { return faults_; }
  std::vector<Fault>* mutable_faults() { return &faults_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void Add(std::string path, absl::string_view message);

  const std::string file_;
  std::vector<Fault> faults_;
  std::vector<std::string> notes_;
  absl::flat_hash_set<std::string> known_;
};

// Reads the keys of the file's architecture: "attention.head_count" is
// "llama.attention.head_count" in a file of Llama.
class GgufKeys {
 public:
  using Metadata = absl::flat_hash_map<std::string, GgufValue>;

  GgufKeys(const Metadata& metadata, absl::string_view architecture,
           GgufLog* log)
      : metadata_(metadata), architecture_(architecture), log_(log) {}

  const std::string& architecture() const { return architecture_; }

  // A whole number from `low` to `high`; nothing if it is absent, and nothing
  // and a fault if it is out of range.
  absl::optional<int64_t> Int(absl::string_view key, int64_t low,
                              int64_t high) const {
    return At(key, 0, low, high);
  }
  // The same of a layer, where the key may hold an array with a number for each
  // layer.
  absl::optional<int64_t> At(absl::string_view key, int64_t layer, int64_t low,
                             int64_t high) const;
  // The same, required: 0 and a fault if it is absent.
  int64_t Required(absl::string_view key, int64_t layer, int64_t low,
                   int64_t high) const;
  bool Has(absl::string_view key) const { return Find(key) != nullptr; }
  // The numbers of an array; nothing if it is not one.
  const std::vector<int64_t>* Integers(absl::string_view key) const;

 private:
  std::string FullKey(absl::string_view key) const;
  const GgufValue* Find(absl::string_view key) const;

  const Metadata& metadata_;
  const std::string architecture_;
  GgufLog* const log_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_GGUF_KEYS_H_
