#include "analyzer/description/faults.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "analyzer/base/visible.h"

namespace tokenjoule {
namespace {

constexpr size_t kLongestPrintedName = 80;
constexpr size_t kLongestPrintedPath = 240;
constexpr size_t kMostListedChoices = 12;

// Levenshtein distance, two rows at a time.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> previous(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = previous[j - 1] + (a[i - 1] != b[j - 1]);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, substitute});
    }
    std::swap(previous, current);
  }
  return previous[b.size()];
}

// A name as messages hold it, within quotation marks or without.
std::string Escaped(absl::string_view name) {
  return VisibleText(
      absl::StrReplaceAll(name, {{"\\", "\\\\"}, {"\"", "\\\""}}));
}

// Whether the byte is within a character of UTF-8, so that no text is cut there.
bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

std::string Fault::ToString() const {
  std::string out;
  if (!file.empty()) {
    absl::StrAppend(&out, PrintablePath(file), ":");
    if (line > 0) absl::StrAppend(&out, line, ":", column, ":");
    absl::StrAppend(&out, " ");
  }
  if (!path.empty()) absl::StrAppend(&out, VisibleText(path), ": ");
  absl::StrAppend(&out, message);
  return out;
}

absl::Status FaultsToStatus(absl::Span<const Fault> faults) {
  if (faults.empty()) return absl::OkStatus();
  std::string text = absl::StrJoin(
      faults.subspan(0, kMostPrintedFaults), "\n",
      [](std::string* out, const Fault& fault) {
        absl::StrAppend(out, fault.ToString());
      });
  if (faults.size() > kMostPrintedFaults) {
    absl::StrAppend(&text, "\nand ", faults.size() - kMostPrintedFaults,
                    " faults more");
  }
  return absl::InvalidArgumentError(text);
}

std::string FoldedName(absl::string_view name) {
  std::string folded = absl::AsciiStrToLower(name);
  for (char& letter : folded) {
    if (letter == '_' || letter == ' ') letter = '-';
  }
  return folded;
}

std::vector<std::string> NearNames(absl::string_view name,
                                   absl::Span<const std::string> choices) {
  if (name.size() > kLongestPrintedName) return {};
  const std::string wanted = FoldedName(name);
  std::vector<std::string> equal, begun, within, longer, nearest;
  // A third of the letters may differ, and at least two, but never all.
  size_t best = std::min(std::max<size_t>(2, wanted.size() / 3) + 1,
                         std::max<size_t>(1, wanted.size()));
  for (const std::string& choice : choices) {
    const std::string folded = FoldedName(choice);
    if (folded == wanted) equal.push_back(choice);
    if (wanted.size() >= 2) {
      // "h100" means "h100-sxm", although "h200" has more letters in common.
      if (absl::StartsWith(folded, wanted)) {
        begun.push_back(choice);
      } else if (absl::StrContains(folded, absl::StrCat("-", wanted))) {
        within.push_back(choice);
      }
    }
    // "llama-3.1-8b-instruct" means "llama-3.1-8b", not a shorter name.
    if (absl::StartsWith(wanted, absl::StrCat(folded, "-")) &&
        (longer.empty() || choice.size() > longer[0].size())) {
      longer = {choice};
    }
    const size_t distance = EditDistance(wanted, folded);
    if (distance < best) {
      best = distance;
      nearest = {choice};
    }
  }
  for (std::vector<std::string>* found : {&equal, &begun, &within, &longer}) {
    if (!found->empty()) return std::move(*found);
  }
  return nearest;
}

std::string NearestName(absl::string_view name,
                        absl::Span<const std::string> choices) {
  const std::vector<std::string> near = NearNames(name, choices);
  return near.empty() ? "" : near[0];
}

std::string UnknownNameMessage(absl::string_view kind, absl::string_view name,
                               absl::Span<const std::string> choices,
                               absl::string_view hint) {
  std::string out =
      absl::StrCat("unknown ", kind, " \"", Printable(name), "\"");
  const std::vector<std::string> near = NearNames(name, choices);
  if (near.size() == 1 || near.size() > kMostListedChoices) {
    absl::StrAppend(&out, "; did you mean \"", near[0], "\"?");
  } else if (!near.empty()) {
    absl::StrAppend(&out, "; did you mean one of ", absl::StrJoin(near, ", "),
                    "?");
  } else if (choices.size() <= kMostListedChoices) {
    absl::StrAppend(&out, "; expected one of ", absl::StrJoin(choices, ", "));
  }
  if (!hint.empty()) {
    const bool apart = near.empty() && !absl::StartsWith(hint, "(");
    absl::StrAppend(&out, apart ? "; " : " ", hint);
  }
  return out;
}

std::string Printable(absl::string_view name) {
  if (name.size() <= kLongestPrintedName) return Escaped(name);
  size_t end = kLongestPrintedName;
  while (end > 0 && IsContinuation(name[end])) --end;
  return absl::StrCat(Escaped(name.substr(0, end)), "...");
}

std::string PrintablePath(absl::string_view path) {
  if (path.size() <= kLongestPrintedPath) return Escaped(path);
  size_t begin = path.size() - kLongestPrintedPath;
  while (begin < path.size() && IsContinuation(path[begin])) ++begin;
  return absl::StrCat("...", Escaped(path.substr(begin)));
}

}  // namespace tokenjoule
