// How lists of quantised checkpoints name modules: exact names, parents, parts
// of names, globs and regular expressions.

#ifndef ANALYZER_IMPORT_HF_MATCHING_H_
#define ANALYZER_IMPORT_HF_MATCHING_H_

#include <cstdint>
#include <regex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/import/hf_modules.h"
#include "analyzer/import/json_reader.h"

namespace tokenjoule {

// A regular expression of Python, of the subset that it shares with ECMAScript.
class Pattern {
 public:
  // Nothing and a fault of the field if the expression is longer than 500
  // characters, malformed or not in the subset.
  static absl::optional<Pattern> Make(const JsonReader& reader,
                                      absl::string_view field,
                                      absl::string_view text);

  // As re.match, re.fullmatch and re.search.
  bool MatchesBegin(const std::string& path) const;
  bool MatchesAll(const std::string& path) const;
  bool MatchesPart(const std::string& path) const;
  // Whether any name of the module matches, from its beginning.
  bool MatchesBegin(const HfModule& module) const;

 private:
  std::regex regex_;
  // A text that every match contains: searching it first saves most matches.
  std::string required_;
};

// A text that every match of a regular expression contains; may be empty.
std::string RequiredText(absl::string_view pattern);

// Whether the whole text matches a glob, as Python's fnmatchcase: * stands for
// any characters, dots too, ? for one, [ab-d] for one of a set, [!ab] for one
// outside a set.
bool GlobMatches(absl::string_view glob, absl::string_view text);

// How an entry of a list that is neither an expression nor a glob is read.
enum class EntryStyle {
  kExact,   // the whole name
  kParent,  // whole parts of the name: mlp.gate fits a.mlp.gate, not
            // mlp.gate_proj
  kPart,    // any part of the name
};

// A list of modules.
class ModuleList {
 public:
  // Adds an entry, which is an expression if it begins with "re:" and a glob if
  // it contains *. The field is that of faults.
  void Add(const JsonReader& reader, absl::string_view field,
           absl::string_view entry, EntryStyle style);
  // Adds all entries of a field, if it is present.
  void AddField(const JsonReader& reader, absl::string_view field,
                EntryStyle style);

  // Whether an entry fits any name of the module.
  bool Has(const HfModule& module) const;
  bool empty() const { return is_empty_; }
  // All entries in one text.
  const std::string& mentions() const { return mentions_; }

 private:
  bool HasPath(const std::string& path) const;
  bool HasParent(absl::string_view path) const;

  bool is_empty_ = true;
  std::string mentions_;
  absl::flat_hash_set<std::string> exact_;
  absl::flat_hash_set<std::string> parents_;
  // Bit n: an entry of `parents_` has n dotted parts.
  uint64_t parent_sizes_ = 0;
  std::vector<std::string> parts_;
  std::vector<std::string> globs_;
  std::vector<Pattern> patterns_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_MATCHING_H_
