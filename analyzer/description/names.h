// The names that users type for models and machines of the catalogue: file
// names, aliases, Hugging Face ids, and other spellings of them.

#ifndef ANALYZER_DESCRIPTION_NAMES_H_
#define ANALYZER_DESCRIPTION_NAMES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tokenjoule {

// One entry of the catalogue, under all its names.
struct CatalogNamesOf {
  // Name of the file, e.g. "h100-sxm".
  std::string name;
  // `aliases` and `hf_ids` of the file, as they are spelt there.
  std::vector<std::string> aliases;
  std::vector<std::string> hf_ids;
  // Whether it is an old name, which is not offered beside others.
  bool is_old = false;
};

// The key by which names are compared: in lower case, without underscores,
// blanks and hyphens, except between digits, where they separate numbers:
// "RTX 4090" and "rtx-4090" are one name, "gemma-29b" and "gemma-2-9b" are two.
std::string NameKey(absl::string_view name);

// An entry's names as a file gives them: the strings of its top-level `aliases`
// and `hf_ids`. Reads only those lines, because all files are read to look up
// one name.
CatalogNamesOf ReadNames(absl::string_view name, absl::string_view text);

// The entry that a name means.
struct FoundName {
  // Name of the file; empty if the name means no entry, or several.
  std::string name;
  // Other entries that users call so in practice, sorted: h100-pcie for "H100".
  // Empty if the name is exactly that of a file or an id.
  std::vector<std::string> others;
};

// Finds an entry by its name, an alias, a Hugging Face id, or the part of an id
// after the slash. Names of vendors at the start ("NVIDIA H100") do not count.
FoundName FindName(absl::string_view name,
                   absl::Span<const CatalogNamesOf> entries);

// For a name or id of a quantised checkpoint that no entry lists, e.g.
// "Qwen/Qwen3-8B-AWQ": the entry that has its shapes, and the format that its
// name says its weights have.
struct QuantisedName {
  // Empty if the name is not that of a quantised checkpoint of an entry.
  std::string name;
  std::string format;
};
QuantisedName FindQuantised(absl::string_view name,
                            absl::Span<const CatalogNamesOf> entries);

// The entry of a Hugging Face id with the same name after the slash from
// another organisation, e.g. of "unsloth/Llama-3.1-8B"; empty if there is none.
std::string FindMirrored(absl::string_view id,
                         absl::Span<const CatalogNamesOf> entries);

// Whether a name has the form ORGANISATION/NAME of Hugging Face ids.
bool IsHuggingFaceId(absl::string_view name);

// Faults of the names of a catalogue, one sentence each: names and aliases that
// two entries share, aliases that are the name of another entry, ids that two
// entries list.
std::vector<std::string> NameClashes(absl::Span<const CatalogNamesOf> entries);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_NAMES_H_
