#include "analyzer/import/imported_model.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "analyzer/base/visible.h"
#include "analyzer/description/textproto.h"
#include "proto/constant.pb.h"

namespace tokenjoule {
namespace {

constexpr size_t kLongestName = 80;
constexpr size_t kCommentColumns = 80;

// `text` as comment lines.
std::string Comment(absl::string_view text) {
  std::string out;
  std::string line = "#";
  const std::string visible = VisibleText(text);
  for (const absl::string_view word : absl::StrSplit(visible, ' ')) {
    if (line.size() > 1 && line.size() + 1 + word.size() > kCommentColumns) {
      absl::StrAppend(&out, line, "\n");
      line = "#";
    }
    absl::StrAppend(&line, " ", word);
  }
  return absl::StrCat(out, line, "\n");
}

}  // namespace

std::string ImportedModelText(const Model& model) {
  std::string text =
      "# proto-file: proto/model.proto\n"
      "# proto-message: Model\n"
      "#\n";
  for (const Source& source : model.sources()) {
    absl::StrAppend(&text, Comment(source.citation()));
  }
  return absl::StrCat(text, "\n", PrintTextproto(model));
}

std::string CatalogueNameOf(absl::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kLongestName)) {
    const char lower = absl::ascii_tolower(c);
    if (absl::ascii_islower(lower) || absl::ascii_isdigit(lower) ||
        lower == '.') {
      name += lower;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  // Names made only of dots would be directories.
  const size_t begin = name.find_first_not_of("-.");
  if (begin == std::string::npos) return "";
  return name.substr(begin, name.find_last_not_of("-.") + 1 - begin);
}

absl::string_view LastPartOfPath(absl::string_view path) {
  while (absl::EndsWith(path, "/")) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash != absl::string_view::npos) path.remove_prefix(slash + 1);
  return path;
}

}  // namespace tokenjoule
