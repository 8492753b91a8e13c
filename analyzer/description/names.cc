#include "analyzer/description/names.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/formats.h"

namespace tokenjoule {
namespace {

bool IsDigit(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c));
}

// The part of a Hugging Face id after the slash.
absl::string_view IdName(absl::string_view id) {
  return id.substr(id.find('/') + 1);
}

// Drops vendors and their brands from the start of a folded name.
absl::string_view WithoutVendor(absl::string_view folded) {
  constexpr absl::string_view kVendors[] = {
      "nvidia-", "geforce-", "tesla-",  "amd-",   "radeon-", "instinct-",
      "intel-",  "apple-",   "google-", "cloud-", "aws-",    "meta-"};
  bool dropped = true;
  while (dropped) {
    dropped = false;
    for (const absl::string_view vendor : kVendors) {
      dropped |= absl::ConsumePrefix(&folded, vendor);
    }
  }
  return folded;
}

// The quoted strings of a text, e.g. of `["a", "b"]`.
std::vector<std::string> Quoted(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '"');
  std::vector<std::string> strings;
  for (size_t i = 1; i < parts.size(); i += 2) strings.emplace_back(parts[i]);
  return strings;
}

// The strings of a top-level list field of a textproto.
std::vector<std::string> ListOf(absl::string_view text,
                                absl::string_view field) {
  const std::string begin = absl::StrCat("\n", field, ": ");
  std::vector<std::string> strings;
  for (size_t at = text.find(begin); at != absl::string_view::npos;
       at = text.find(begin, at + 1)) {
    absl::string_view rest = text.substr(at + begin.size());
    const char last = absl::StartsWith(rest, "[") ? ']' : '\n';
    for (std::string& one : Quoted(rest.substr(0, rest.find(last)))) {
      strings.push_back(std::move(one));
    }
  }
  return strings;
}

// The entries one of whose keys is `key`.
std::vector<const CatalogNamesOf*> WithKey(
    const std::string& key, absl::Span<const CatalogNamesOf> entries) {
  std::vector<const CatalogNamesOf*> named, called;
  for (const CatalogNamesOf& entry : entries) {
    bool is_called = false;
    for (const std::string& alias : entry.aliases) {
      is_called |= NameKey(alias) == key;
    }
    for (const std::string& id : entry.hf_ids) {
      is_called |= NameKey(IdName(id)) == key;
    }
    if (NameKey(entry.name) == key) named.push_back(&entry);
    if (is_called) called.push_back(&entry);
  }
  return named.empty() ? called : named;
}

// Marks in names of quantised checkpoints, and the format that they say.
struct Mark {
  absl::string_view word, format;
};
constexpr Mark kMarks[] = {
    {"gptq-int8", "int8-g128"},
    {"gptq-8bit", "int8-g128"},
    {"awq", "int4-g128"},
    {"gptq", "int4-g128"},
    {"w4a16", "int4-g128"},
    {"w8a8", "int8"},
    {"w8a16", "int8-w8a16"},
    {"nvfp4", "nvfp4"},
    {"fp4", "nvfp4"},
    {"mxfp4", "mxfp4"},
    {"fp8", "fp8"},
    {"bnb-4bit", "nf4"},
    {"nf4", "nf4"},
    {"4bit", "int4-g64-affine"},
    {"8bit", "int8-g64-affine"},
    {"int4", "int4-g128"},
    {"int8", "int8"},
};

// The format that the end of a folded name says; empty if it says none.
std::string MarkedFormat(absl::string_view ending) {
  const std::string words =
      absl::StrCat(absl::StrReplaceAll(ending, {{".", "-"}}), "-");
  for (const Mark& mark : kMarks) {
    if (!absl::StrContains(words, absl::StrCat("-", mark.word, "-"))) continue;
    return std::string(mark.format);
  }
  // Any run of words may be the name of a format: "q8-0".
  for (size_t begin = 0; begin < words.size(); ++begin) {
    if (words[begin] != '-') continue;
    for (size_t end = words.size(); --end > begin + 1;) {
      if (words[end] != '-') continue;
      const NumberFormat* format =
          FindFormat(words.substr(begin + 1, end - begin - 1));
      if (format != nullptr && format->bits_per_element < 16) {
        return std::string(format->name);
      }
    }
  }
  return absl::StrContains(words, "-gguf-") ? "q4_k_m" : "";
}

}  // namespace

std::string NameKey(absl::string_view name) {
  const std::string folded = FoldedName(name);
  std::string key;
  for (size_t i = 0; i < folded.size(); ++i) {
    const bool between_digits = i > 0 && i + 1 < folded.size() &&
                                IsDigit(folded[i - 1]) &&
                                IsDigit(folded[i + 1]);
    if (folded[i] != '-' || between_digits) key += folded[i];
  }
  return key;
}

CatalogNamesOf ReadNames(absl::string_view name, absl::string_view text) {
  return {std::string(name), ListOf(text, "aliases"), ListOf(text, "hf_ids"),
          absl::StrContains(text, "\nnotice: ")};
}

FoundName FindName(absl::string_view name,
                   absl::Span<const CatalogNamesOf> entries) {
  FoundName found;
  if (absl::StrContains(name, '/')) {
    for (const CatalogNamesOf& entry : entries) {
      for (const std::string& id : entry.hf_ids) {
        if (absl::EqualsIgnoreCase(id, name)) found.name = entry.name;
      }
    }
    return found;
  }
  const std::string folded = FoldedName(name);
  std::vector<const CatalogNamesOf*> meant = WithKey(NameKey(name), entries);
  const std::string bare(WithoutVendor(folded));
  if (meant.empty() && bare != folded && !bare.empty()) {
    meant = WithKey(NameKey(bare), entries);
  }
  if (meant.size() != 1) return found;
  found.name = meant[0]->name;
  if (NameKey(found.name) == NameKey(name)) return found;
  std::vector<std::string> choices;
  for (const CatalogNamesOf& entry : entries) {
    if (!entry.is_old && entry.name != found.name)
      choices.push_back(entry.name);
  }
  // Only names that are begun by it, or of which a part is.
  for (const std::string& near : NearNames(bare, choices)) {
    if (absl::StrContains(absl::StrCat("-", near), absl::StrCat("-", bare))) {
      found.others.push_back(near);
    }
  }
  std::sort(found.others.begin(), found.others.end());
  return found;
}

QuantisedName FindQuantised(absl::string_view name,
                            absl::Span<const CatalogNamesOf> entries) {
  const std::string folded = FoldedName(IdName(name));
  QuantisedName found;
  size_t longest = 0;
  for (const CatalogNamesOf& entry : entries) {
    std::vector<std::string> begins = {entry.name};
    for (const std::string& id : entry.hf_ids) begins.emplace_back(IdName(id));
    for (const std::string& begin : begins) {
      absl::string_view ending = folded;
      if (begin.size() <= longest ||
          !absl::ConsumePrefix(&ending, FoldedName(begin)) ||
          !absl::StartsWith(ending, "-")) {
        continue;
      }
      const std::string format = MarkedFormat(ending);
      if (format.empty()) continue;
      longest = begin.size();
      found = {entry.name, format};
    }
  }
  return found;
}

std::string FindMirrored(absl::string_view id,
                         absl::Span<const CatalogNamesOf> entries) {
  const std::string key = NameKey(IdName(id));
  const std::vector<const CatalogNamesOf*> meant = WithKey(key, entries);
  return meant.size() == 1 ? meant[0]->name : "";
}

bool IsHuggingFaceId(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  return parts.size() == 2 && !parts[0].empty() && !parts[1].empty() &&
         parts[0][0] != '.' && parts[0] != "~" &&
         !absl::EndsWith(name, ".textproto");
}

std::vector<std::string> NameClashes(absl::Span<const CatalogNamesOf> entries) {
  std::vector<std::string> clashes;
  std::map<std::string, std::string> owners, id_owners;
  // Names first, so that an alias that is a name is said to be one.
  for (const CatalogNamesOf& entry : entries) {
    const auto [owner, is_new] =
        owners.emplace(NameKey(entry.name), entry.name);
    if (!is_new) {
      clashes.push_back(absl::StrCat("the name \"", entry.name,
                                     "\" is read as that of ", owner->second));
    }
  }
  const auto claim = [&](const CatalogNamesOf& entry, absl::string_view what,
                         absl::string_view text) {
    const auto [owner, is_new] = owners.emplace(NameKey(text), entry.name);
    if (is_new || owner->second == entry.name) return;
    clashes.push_back(absl::StrCat(what, " \"", Printable(text), "\" of ",
                                   entry.name, " is also a name of ",
                                   owner->second));
  };
  for (const CatalogNamesOf& entry : entries) {
    for (const std::string& alias : entry.aliases) {
      claim(entry, "the alias", alias);
    }
    for (const std::string& id : entry.hf_ids) {
      if (!IsHuggingFaceId(id)) {
        clashes.push_back(absl::StrCat("the id \"", Printable(id), "\" of ",
                                       entry.name,
                                       " is not ORGANISATION/NAME"));
        continue;
      }
      const auto [owner, is_new] =
          id_owners.emplace(absl::AsciiStrToLower(id), entry.name);
      if (!is_new) {
        clashes.push_back(absl::StrCat("the id \"", Printable(id), "\" is of ",
                                       owner->second, " and of ", entry.name));
      }
      claim(entry, "the id", IdName(id));
    }
  }
  return clashes;
}

}  // namespace tokenjoule
