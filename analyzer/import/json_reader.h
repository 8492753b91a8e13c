// Reads a JSON object field by field and reports every fault at once.

#ifndef ANALYZER_IMPORT_JSON_READER_H_
#define ANALYZER_IMPORT_JSON_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/description/faults.h"
#include "nlohmann/json_fwd.hpp"

namespace tokenjoule {

// Range of whole numbers that a field may have.
struct Limits {
  int64_t min = 1;
  int64_t max = 1'000'000;
};

// Faults and defaults recorded while a document is read.
struct JsonLog {
  std::string file;
  std::vector<Fault> faults;
  // Absent fields with the defaults used for them, as "head_dim = 256".
  std::vector<std::string> defaults;
  // What a reader of the answer should know about it, as full sentences.
  std::vector<std::string> notes;
  // Names of the fields that were asked for, with the paths of their objects.
  absl::flat_hash_set<std::string> asked;
  // The fields of each object in the order of the file, by a hash of its path.
  absl::flat_hash_map<uint64_t, std::vector<std::string>> order;
};

// One object of a document. A field that is null counts as absent, except for
// Contains(). Each reading function checks type and range; on a fault it
// records the fault and returns a placeholder (0, false, empty), so that
// reading can continue.
class JsonReader {
 public:
  // `object` is a JSON object and, like `log`, must outlive the reader. `path`
  // is the prefix of field names in faults ("text_config.").
  JsonReader(const nlohmann::json* object, std::string path, JsonLog* log);

  // Whether the field is present and not null.
  bool Has(absl::string_view name) const;
  // Whether the field is present, even if null.
  bool Contains(absl::string_view name) const;

  // A required whole number; 0 if it is absent or invalid.
  int64_t Int(absl::string_view name, Limits limits = {}) const;
  // A whole number, or `otherwise` if it is absent, which is then recorded as a
  // default.
  int64_t IntOr(absl::string_view name, int64_t otherwise,
                Limits limits = {}) const;
  // The same as IntOr for a Boolean; a default of false is not recorded.
  bool BoolOr(absl::string_view name, bool otherwise) const;
  // A required string; empty if it is absent or invalid.
  std::string String(absl::string_view name) const;

  // Whether the field equals this string.
  bool IsString(absl::string_view name, absl::string_view value) const;

  // A list of strings; nothing if it is absent or invalid.
  absl::optional<std::vector<std::string>> Strings(
      absl::string_view name) const;
  // A list of whole numbers within `limits`; nothing if it is absent or
  // invalid.
  absl::optional<std::vector<int64_t>> Ints(absl::string_view name,
                                            Limits limits) const;

  // A list of Booleans or of the numbers 0 and 1; empty if it is absent or
  // invalid.
  std::vector<bool> Flags(absl::string_view name) const;
  // The same of numbers; empty if it is absent or invalid.
  std::vector<double> Numbers(absl::string_view name, Limits limits) const;

  // A required object; an empty object if it is absent.
  JsonReader Object(absl::string_view name) const;
  // Whether the field is a number other than 0.
  bool IsSize(absl::string_view name) const;
  // Names of all fields, sorted.
  std::vector<std::string> Names() const;

  // The same in the order of the file. Objects within lists are sorted.
  std::vector<std::string> NamesInOrder() const;
  // Whether the field is present and has this type.
  bool IsObject(absl::string_view name) const;
  bool IsList(absl::string_view name) const;
  bool IsText(absl::string_view name) const;
  // Whether the field is present and equals this number.
  bool IsNumber(absl::string_view name, double value) const;
  // Whether the field is present and is false.
  bool IsFalse(absl::string_view name) const;
  // A required number within the limits, which may have decimals; 0 if it is
  // absent or invalid.
  double Number(absl::string_view name, double min, double max) const;
  // The strings of a list and of lists within it; nothing if it is absent or
  // invalid.
  absl::optional<std::vector<std::string>> NestedStrings(
      absl::string_view name) const;
  // The objects of a list; none if it is absent or invalid.
  std::vector<JsonReader> Objects(absl::string_view name) const;

  // Records a fault of a field.
  void AddFault(absl::string_view name, std::string message) const;
  // Records a sentence for the reader of the answer, once.
  void AddNote(std::string sentence) const;
  // Fields of this object that nothing has asked for, sorted.
  std::vector<std::string> Unasked() const;
  // Records that `value` is used for an absent field.
  void NoteDefault(absl::string_view name, absl::string_view value) const;

 private:
  // The value of a field, or nullptr if it is absent.
  const nlohmann::json* Find(absl::string_view name) const;
  // Records that a field has the unexpected value `found`, or is missing if
  // `found` is nullptr.
  void AddUnexpected(absl::string_view name, const nlohmann::json* found,
                     absl::string_view expected) const;
  // The value as a whole number within `limits`; otherwise nothing, and a fault
  // is recorded.
  absl::optional<int64_t> ToInt(absl::string_view name,
                                const nlohmann::json& value,
                                Limits limits) const;

  const nlohmann::json* object_;
  std::string path_;
  JsonLog* log_;
};

// A JSON text whose top-level value is an object.
class JsonDocument {
 public:
  // Parses `text`, which was read from `file`. Records a fault with line and
  // column if it is not valid JSON, and a fault if it is not an object, is
  // nested too deeply or is longer than 4 MB. NaN, Infinity and -Infinity,
  // which Python writes, are read as strings. Never throws.
  JsonDocument(absl::string_view text, absl::string_view file);
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  // The top-level object; an empty object if parsing failed.
  JsonReader Root();
  const JsonLog& log() const { return log_; }
  JsonLog* mutable_log() { return &log_; }

 private:
  std::unique_ptr<nlohmann::json> json_;
  JsonLog log_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_JSON_READER_H_
