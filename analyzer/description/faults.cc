#include "analyzer/description/faults.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

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

}  // namespace

std::string Fault::ToString() const {
  std::string out;
  if (!file.empty()) {
    absl::StrAppend(&out, file, ":");
    if (line > 0) absl::StrAppend(&out, line, ":", column, ":");
    absl::StrAppend(&out, " ");
  }
  if (!path.empty()) absl::StrAppend(&out, path, ": ");
  absl::StrAppend(&out, message);
  return out;
}

absl::Status FaultsToStatus(absl::Span<const Fault> faults) {
  if (faults.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrJoin(faults, "\n", [](std::string* out, const Fault& fault) {
        absl::StrAppend(out, fault.ToString());
      }));
}

std::string NearestName(absl::string_view name,
                        absl::Span<const std::string> choices) {
  if (name.size() > kLongestPrintedName) return "";
  // "h100" means "h100-sxm", although "h200" has more letters in common.
  for (const std::string& choice : choices) {
    if (name.size() >= 2 &&
        choice.compare(0, name.size(), name.data(), name.size()) == 0) {
      return choice;
    }
  }
  std::string nearest;
  // A third of the letters may differ, and at least two.
  size_t best = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& choice : choices) {
    const size_t distance = EditDistance(name, choice);
    if (distance < best) {
      best = distance;
      nearest = choice;
    }
  }
  return nearest;
}

std::string UnknownNameMessage(absl::string_view kind, absl::string_view name,
                               absl::Span<const std::string> choices,
                               absl::string_view hint) {
  std::string out =
      absl::StrCat("unknown ", kind, " \"", Printable(name), "\"");
  const std::string nearest = NearestName(name, choices);
  if (!nearest.empty()) {
    absl::StrAppend(&out, "; did you mean \"", nearest, "\"?");
  } else if (choices.size() <= kMostListedChoices) {
    absl::StrAppend(&out, "; expected one of ", absl::StrJoin(choices, ", "));
  }
  if (!hint.empty()) {
    absl::StrAppend(&out, nearest.empty() ? "; " : " ", hint);
  }
  return out;
}

std::string Printable(absl::string_view name) {
  const bool cut = name.size() > kLongestPrintedName;
  return absl::StrCat(absl::CHexEscape(name.substr(0, kLongestPrintedName)),
                      cut ? "..." : "");
}

std::string PrintablePath(absl::string_view path) {
  const bool cut = path.size() > kLongestPrintedPath;
  if (cut) path.remove_prefix(path.size() - kLongestPrintedPath);
  return absl::StrCat(cut ? "..." : "", absl::CHexEscape(path));
}

}  // namespace tokenjoule
