#include "analyzer/report/report.h"

namespace tokenjoule {

std::string FormatName(OutputFormat format) {
  switch (format) {
    case OutputFormat::kTable:
      return "table";
    case OutputFormat::kCsv:
      return "csv";
    case OutputFormat::kSvg:
      return "svg";
    case OutputFormat::kVega:
      return "vega";
    case OutputFormat::kSqlite:
      return "sqlite";
    case OutputFormat::kHtml:
      return "html";
    case OutputFormat::kJson:
      break;
  }
  return "json";
}

}  // namespace tokenjoule
