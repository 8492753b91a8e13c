#include "analyzer/report/svg_check.h"

#include <algorithm>
#include <cstddef>
#include <regex>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "analyzer/report/text_width.h"
#include "analyzer/report/xml.h"

namespace tokenjoule {
namespace {

std::string Unescaped(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&lt;", "<"},
                                    {"&gt;", ">"},
                                    {"&quot;", "\""},
                                    {"&#39;", "'"},
                                    {"&amp;", "&"}});
}

std::string Attribute(const std::string& tag, const std::string& name) {
  const std::string start = absl::StrCat(" ", name, "=\"");
  const size_t at = tag.find(start);
  if (at == std::string::npos) return "";
  const size_t begin = at + start.size();
  return tag.substr(begin, tag.find('"', begin) - begin);
}

double Number(const std::string& text, double otherwise) {
  double number = 0;
  return absl::SimpleAtod(text, &number) ? number : otherwise;
}

// Whether elements are balanced, attributes quoted and references known.
std::string XmlFault(const std::string& text) {
  static const std::regex kTag(
      "<(/?)([A-Za-z][A-Za-z0-9]*)((?:\\s+[A-Za-z:-]+=\"[^\"<]*\")*)\\s*(/?)>");
  static const std::regex kReference("&(?:amp|lt|gt|quot|#39);");
  std::vector<std::string> open;
  size_t at = 0;
  bool ended = false;
  while (at < text.size()) {
    const size_t next = std::min(text.find('<', at), text.size());
    const std::string between = text.substr(at, next - at);
    if (between.find('>') != std::string::npos) return "> outside of tags";
    if (open.empty() && between.find_first_not_of(" \n") != std::string::npos) {
      return "text outside of the root";
    }
    at = next;
    if (at == text.size()) break;
    std::smatch match;
    if (!std::regex_search(text.begin() + at, text.end(), match, kTag,
                           std::regex_constants::match_continuous)) {
      return absl::StrCat("not a tag: ", text.substr(at, 60));
    }
    if (ended) return "more than one root";
    if (match[1].length() > 0) {
      if (open.empty() || open.back() != match[2].str()) {
        return absl::StrCat("</", match[2].str(), "> ends nothing");
      }
      open.pop_back();
    } else if (match[4].length() == 0) {
      open.push_back(match[2].str());
    }
    ended = open.empty();
    at += match.length();
  }
  if (!open.empty()) return absl::StrCat("<", open.back(), "> does not end");
  const std::string without = std::regex_replace(text, kReference, "");
  if (without.find('&') != std::string::npos) return "& that is no reference";
  return "";
}

}  // namespace

std::vector<SvgText> TextsOf(absl::string_view svg) {
  static const std::regex kText("<text([^>]*)>([^<]*)</text>");
  const std::string all(svg);
  std::vector<SvgText> texts;
  for (std::sregex_iterator it(all.begin(), all.end(), kText), end; it != end;
       ++it) {
    const std::string tag = (*it)[1].str();
    SvgText text;
    text.content = Unescaped((*it)[2].str());
    const double size = Number(Attribute(tag, "font-size"), 16);
    const double x = Number(Attribute(tag, "x"), 0);
    const double y = Number(Attribute(tag, "y"), 0);
    const double width = TextWidth(text.content, size,
                                   absl::StrContains(tag, "font-weight=\"bold"));
    const std::string anchor = Attribute(tag, "text-anchor");
    text.left = anchor == "end"      ? x - width
                : anchor == "middle" ? x - width / 2
                                     : x;
    text.right = text.left + width;
    // Letters without ascenders of accents.
    text.top = y - 0.76 * size;
    text.bottom = y + 0.2 * size;
    texts.push_back(text);
  }
  return texts;
}

std::vector<double> PathOf(absl::string_view svg, absl::string_view color,
                           int n) {
  const std::string mark = absl::StrCat("stroke=\"", color, "\"");
  for (const absl::string_view line : absl::StrSplit(svg, '\n')) {
    if (!absl::StartsWith(line, "<path") || !absl::StrContains(line, mark) ||
        n-- > 0) {
      continue;
    }
    std::vector<double> numbers;
    const std::string path = Attribute(std::string(line), "d");
    for (const absl::string_view part :
         absl::StrSplit(path, absl::ByAnyChar("ML HVhvZ"), absl::SkipEmpty())) {
      numbers.push_back(Number(std::string(part), 0));
    }
    return numbers;
  }
  return {};
}

std::vector<std::string> FaultsOfSvg(absl::string_view svg) {
  std::vector<std::string> faults;
  const std::string all(svg);
  // Line breaks are the only white space that PrintableText changes.
  if (PrintableText(all) != absl::StrReplaceAll(all, {{"\n", " "}})) {
    faults.push_back("characters that XML forbids");
  }
  const std::string xml = XmlFault(all);
  if (!xml.empty()) faults.push_back(xml);
  static const std::regex kNotFinite("[ \"=,>ML](-?nan|-?inf)\\b");
  if (std::regex_search(all, kNotFinite)) {
    faults.push_back("a number that is not finite");
  }
  static const std::regex kBox("viewBox=\"0 0 ([0-9.]+) ([0-9.]+)\"");
  std::smatch box;
  if (!std::regex_search(all, box, kBox)) {
    faults.push_back("no viewBox");
    return faults;
  }
  const double width = Number(box[1].str(), 0), height = Number(box[2].str(), 0);
  const std::vector<SvgText> texts = TextsOf(svg);
  for (size_t i = 0; i < texts.size(); ++i) {
    const SvgText& a = texts[i];
    if (a.left < 0 || a.right > width || a.top < 0 || a.bottom > height) {
      faults.push_back(absl::StrCat("outside of the viewBox: ", a.content));
    }
    for (size_t k = 0; k < i; ++k) {
      const SvgText& b = texts[k];
      if (a.left < b.right && b.left < a.right && a.top < b.bottom &&
          b.top < a.bottom) {
        faults.push_back(
            absl::StrCat("overlap: \"", b.content, "\" and \"", a.content, "\""));
      }
    }
  }
  return faults;
}

}  // namespace tokenjoule
