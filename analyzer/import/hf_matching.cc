#include "analyzer/import/hf_matching.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "analyzer/description/faults.h"

namespace tokenjoule {
namespace {

constexpr size_t kLongestPattern = 500;
// More expressions than any published list has, and few enough to try all of
// them on all modules.
constexpr size_t kMostPatterns = 2000;

// The end of the character class that begins at `begin`, after its bracket.
size_t EndOfClass(absl::string_view pattern, size_t begin) {
  size_t i = begin + 1;
  if (i < pattern.size() && pattern[i] == '^') ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;
  while (i < pattern.size() && pattern[i] != ']') {
    i += pattern[i] == '\\' ? 2 : 1;
  }
  return std::min(i + 1, pattern.size());
}

// Whether a character fits a set of a glob, which lies between brackets.
bool SetHas(absl::string_view set, char c) {
  const bool negated = absl::ConsumePrefix(&set, "!");
  bool found = false;
  for (size_t i = 0; i < set.size(); ++i) {
    if (i + 2 < set.size() && set[i + 1] == '-') {
      found = found || (set[i] <= c && c <= set[i + 2]);
      i += 2;
    } else {
      found = found || set[i] == c;
    }
  }
  return found != negated;
}

}  // namespace

std::string RequiredText(absl::string_view pattern) {
  std::string longest, run;
  const auto end_run = [&] {
    if (run.size() > longest.size()) longest = run;
    run.clear();
  };
  int depth = 0;
  size_t i = 0;
  while (i < pattern.size()) {
    const char c = pattern[i];
    char literal = 0;
    size_t next = i + 1;
    if (c == '\\') {
      next = i + 2;
      const char escaped = i + 1 < pattern.size() ? pattern[i + 1] : 0;
      if (absl::ascii_ispunct(escaped)) {
        literal = escaped;
      } else if (!absl::StrContains("dDwWsSbB", escaped)) {
        return "";  // an escape of more than one character
      }
    } else if (c == '[') {
      next = EndOfClass(pattern, i);
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (c == '|') {
      if (depth <= 0) return "";
    } else if (c == '*' || c == '?' || c == '{') {
      // The character before may be absent.
      if (!run.empty()) run.pop_back();
      if (c == '{') {
        next = std::min(pattern.find('}', i), pattern.size() - 1) + 1;
      }
    } else if (c != '+' && c != '.' && c != '^' && c != '$') {
      literal = c;
    }
    if (literal != 0 && depth == 0) {
      run += literal;
    } else {
      end_run();
    }
    i = next;
  }
  end_run();
  return longest;
}

absl::optional<Pattern> Pattern::Make(const JsonReader& reader,
                                      absl::string_view field,
                                      absl::string_view text) {
  const auto refuse = [&](absl::string_view why) {
    reader.AddFault(
        field, absl::StrCat("the expression \"", Printable(text), "\" ", why));
    return absl::nullopt;
  };
  if (text.size() > kLongestPattern) {
    return refuse(absl::StrCat("is ", text.size(),
                               " characters long; expected at most ",
                               kLongestPattern));
  }
  Pattern pattern;
  auto options = std::regex::ECMAScript | std::regex::optimize;
#ifdef __GLIBCXX__
  // Time polynomial in the lengths of expression and name.
  options |= std::regex_constants::__polynomial;
#endif
  // Python's anchors of the whole text.
  const std::string translated =
      absl::StrReplaceAll(text, {{"\\\\", "\\\\"}, {"\\Z", "$"}, {"\\A", "^"}});
  try {
    pattern.regex_.assign(translated.begin(), translated.end(), options);
  } catch (const std::regex_error&) {
    return refuse(
        "cannot be read; expected a regular expression without inline flags, "
        "named groups, look-behind and back-references");
  }
  pattern.required_ = RequiredText(translated);
  return pattern;
}

bool Pattern::MatchesBegin(const std::string& path) const {
  return absl::StrContains(path, required_) &&
         std::regex_search(path, regex_,
                           std::regex_constants::match_continuous);
}

bool Pattern::MatchesAll(const std::string& path) const {
  return absl::StrContains(path, required_) && std::regex_match(path, regex_);
}

bool Pattern::MatchesPart(const std::string& path) const {
  return absl::StrContains(path, required_) && std::regex_search(path, regex_);
}

bool Pattern::MatchesBegin(const HfModule& module) const {
  return absl::c_any_of(module.paths, [&](const std::string& path) {
    return MatchesBegin(path);
  });
}

bool GlobMatches(absl::string_view glob, absl::string_view text) {
  size_t g = 0, t = 0;
  // Where to go on after the last star if a later character does not fit.
  size_t star = absl::string_view::npos, after = 0;
  while (t < text.size()) {
    size_t next = g + 1;
    bool fits = false;
    if (g < glob.size()) {
      if (glob[g] == '*') {
        star = g++;
        after = t;
        continue;
      }
      const size_t close =
          glob[g] == '[' ? glob.find(']', g + 2) : absl::string_view::npos;
      if (close != absl::string_view::npos) {
        fits = SetHas(glob.substr(g + 1, close - g - 1), text[t]);
        next = close + 1;
      } else {
        fits = glob[g] == '?' || glob[g] == text[t];
      }
    }
    if (fits) {
      g = next;
      ++t;
    } else if (star != absl::string_view::npos) {
      g = star + 1;
      t = ++after;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

void ModuleList::Add(const JsonReader& reader, absl::string_view field,
                     absl::string_view entry, EntryStyle style) {
  is_empty_ = false;
  absl::StrAppend(&mentions_, entry, "\n");
  if (absl::ConsumePrefix(&entry, "re:")) {
    if (patterns_.size() == kMostPatterns) {
      reader.AddFault(field, absl::StrCat("has more than ", kMostPatterns,
                                          " regular expressions"));
    }
    if (patterns_.size() > kMostPatterns) return;
    absl::optional<Pattern> pattern = Pattern::Make(reader, field, entry);
    if (pattern.has_value()) patterns_.push_back(*std::move(pattern));
    return;
  }
  if (absl::StrContains(entry, '*')) {
    globs_.emplace_back(entry);
    if (style == EntryStyle::kParent)
      globs_.push_back(absl::StrCat(entry, ".*"));
    return;
  }
  if (style == EntryStyle::kExact) {
    exact_.emplace(entry);
    return;
  }
  if (style == EntryStyle::kPart) {
    if (!entry.empty()) parts_.emplace_back(entry);
    return;
  }
  absl::ConsumePrefix(&entry, ".");
  absl::ConsumeSuffix(&entry, ".");
  if (entry.empty()) return;
  const auto dots = std::count(entry.begin(), entry.end(), '.');
  // No module has so many parts.
  if (dots >= 63) return;
  parent_sizes_ |= uint64_t{1} << (dots + 1);
  parents_.emplace(entry);
}

void ModuleList::AddField(const JsonReader& reader, absl::string_view field,
                          EntryStyle style) {
  const absl::optional<std::vector<std::string>> entries =
      reader.Strings(field);
  if (!entries.has_value()) return;
  for (const std::string& entry : *entries) Add(reader, field, entry, style);
}

bool ModuleList::HasParent(absl::string_view path) const {
  if (parents_.empty()) return false;
  // begins[i] is where part i begins; the last is just after the path's end.
  std::vector<size_t> begins = {0};
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '.') begins.push_back(i + 1);
  }
  begins.push_back(path.size() + 1);
  for (size_t first = 0; first + 1 < begins.size(); ++first) {
    for (size_t parts = 1; first + parts < begins.size() && parts < 64;
         ++parts) {
      if ((parent_sizes_ >> parts & 1) == 0) continue;
      const size_t begin = begins[first];
      if (parents_.contains(
              path.substr(begin, begins[first + parts] - 1 - begin))) {
        return true;
      }
    }
  }
  return false;
}

bool ModuleList::HasPath(const std::string& path) const {
  return exact_.contains(path) || HasParent(path) ||
         absl::c_any_of(parts_,
                        [&](const std::string& part) {
                          return absl::StrContains(path, part);
                        }) ||
         absl::c_any_of(globs_,
                        [&](const std::string& glob) {
                          return GlobMatches(glob, path);
                        }) ||
         absl::c_any_of(patterns_, [&](const Pattern& pattern) {
           return pattern.MatchesBegin(path);
         });
}

bool ModuleList::Has(const HfModule& module) const {
  return absl::c_any_of(module.paths,
                        [&](const std::string& path) { return HasPath(path); });
}

}  // namespace tokenjoule
