// A JSON object read field by field, with every fault at once.

#ifndef ANALYZER_IMPORT_JSON_READER_H_
#define ANALYZER_IMPORT_JSON_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/description/faults.h"
#include "nlohmann/json_fwd.hpp"

namespace tokenjoule {

// Whole numbers that a field may have.
struct Limits {
  int64_t min = 1;
  int64_t max = 1'000'000;
};

// What was noticed while a document was read.
struct JsonLog {
  std::string file;
  std::vector<Fault> faults;
  // "head_dim = 256": fields that were absent, and what stood in for them.
  std::vector<std::string> defaults;
};

// One object of a document. A field that is null counts as absent, except for
// Contains(). Each reading function checks type and range, notes what is wrong
// and returns a stand-in (0, false, empty), so that reading can go on.
class JsonReader {
 public:
  // `object` is a JSON object and, like `log`, outlives the reader. `path`
  // leads the names of fields in faults ("text_config.").
  JsonReader(const nlohmann::json* object, std::string path, JsonLog* log);

  // Whether the field is there and not null.
  bool Has(absl::string_view name) const;
  // Whether the field is there, be it null.
  bool Contains(absl::string_view name) const;

  // A whole number that must be there; 0 where it is not or is wrong.
  int64_t Int(absl::string_view name, Limits limits = {}) const;
  // A whole number, or `otherwise` where it is absent, which is then noted as a
  // default.
  int64_t IntOr(absl::string_view name, int64_t otherwise,
                Limits limits = {}) const;
  // A truth value likewise; a default of false is not worth a note.
  bool BoolOr(absl::string_view name, bool otherwise) const;
  // A string that must be there; empty where it is not or is wrong.
  std::string String(absl::string_view name) const;

  // Whether the field is that string.
  bool IsString(absl::string_view name, absl::string_view value) const;

  // A list of strings; nothing where it is absent or wrong.
  absl::optional<std::vector<std::string>> Strings(
      absl::string_view name) const;
  // A list of whole numbers within `limits` likewise.
  absl::optional<std::vector<int64_t>> Ints(absl::string_view name,
                                            Limits limits) const;

  // An object that must be there; one without fields where it is not.
  JsonReader Object(absl::string_view name) const;
  // Names of all fields, sorted.
  std::vector<std::string> Names() const;

  // Notes a fault of a field.
  void AddFault(absl::string_view name, std::string message) const;
  // Notes that `value` stands in for an absent field.
  void NoteDefault(absl::string_view name, absl::string_view value) const;

 private:
  // The value of a field, or nullptr where it is absent.
  const nlohmann::json* Find(absl::string_view name) const;
  // Notes that a field is missing, or is `found` where that is not nullptr.
  void AddUnexpected(absl::string_view name, const nlohmann::json* found,
                     absl::string_view expected) const;
  // The value as a whole number within `limits`, or nothing and a fault.
  absl::optional<int64_t> ToInt(absl::string_view name,
                                const nlohmann::json& value,
                                Limits limits) const;

  const nlohmann::json* object_;
  std::string path_;
  JsonLog* log_;
};

// A JSON text whose outermost value is an object.
class JsonDocument {
 public:
  // Parses `text`, read from `file`. Notes a fault with line and column where
  // it is no JSON, and one where it is no object, is nested too deeply or is
  // longer than 4 MB. NaN, Infinity and -Infinity, which Python writes, are
  // read as strings. Never throws.
  JsonDocument(absl::string_view text, absl::string_view file);
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  // The outermost object; one without fields where parsing failed.
  JsonReader Root();
  const JsonLog& log() const { return log_; }
  JsonLog* mutable_log() { return &log_; }

 private:
  std::unique_ptr<nlohmann::json> json_;
  JsonLog log_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_JSON_READER_H_
