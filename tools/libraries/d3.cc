// d3 and d3-sankey, which draw the page.

#include <string>

#include "absl/strings/string_view.h"
#include "tools/libraries.h"
#include "tools/serve/page_files.h"

namespace tokenjoule {
namespace {

// The version that the first line of a script gives, as in
// "// https://d3js.org v5.16.0 Copyright".
std::string VersionOf(absl::string_view script) {
  for (const EmbeddedFile& file : PageFiles()) {
    if (file.path != script) continue;
    const absl::string_view head =
        file.content.substr(0, file.content.find('\n'));
    const size_t at = head.find(" v");
    if (at == absl::string_view::npos) break;
    const size_t begin = at + 2;
    return std::string(head.substr(begin, head.find(' ', begin) - begin));
  }
  return "unknown";
}

const LibraryRegistration kD3({"d3", VersionOf("d3.min.js")});
const LibraryRegistration kSankey({"d3-sankey", VersionOf("d3-sankey.min.js")});

}  // namespace
}  // namespace tokenjoule
