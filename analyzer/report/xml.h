// Text as content of XML documents: charts in SVG, JUnit reports.

#ifndef ANALYZER_REPORT_XML_H_
#define ANALYZER_REPORT_XML_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// `text` as valid UTF-8 that XML 1.0 may contain: bytes that are not UTF-8, and
// characters that are not visible (analyzer/base/visible.h), which include all that
// XML forbids even when escaped, become U+FFFD; tabs and line breaks become spaces.
std::string PrintableText(absl::string_view text);

// PrintableText with the characters that have a meaning in XML escaped, for use as
// content or as the value of an attribute.
std::string EscapedXml(absl::string_view text);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_XML_H_
