#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"
#include "analyzer/report/xml.h"

namespace tokenjoule {
namespace {

// Terms that moved by less than this share of the whole are left out.
constexpr double kShown = 5e-5;

using Rows = std::vector<std::vector<std::string>>;

std::string Change(double share) {
  return absl::StrCat(Signed(100 * share, 2), " %");
}

Rows MetricRows(const CheckResult& result) {
  Rows rows = {
      {"figure", "now", "baseline", "change", "limit", "rule", "", "range"}};
  for (const CheckedMetric& metric : result.metrics()) {
    const bool compared = metric.baseline() != 0;
    rows.push_back({metric.metric(), absl::StrFormat("%.6g", metric.value()),
                    compared ? absl::StrFormat("%.6g", metric.baseline()) : "",
                    compared ? Change(metric.change()) : "",
                    absl::StrFormat("%.6g", metric.limit()), metric.rule(),
                    metric.passed() ? "holds" : "FAILS",
                    metric.high() > 0
                        ? absl::StrFormat("%.3g to %.3g", metric.low(),
                                          metric.high())
                        : ""});
  }
  return rows;
}

// Empty if no term moved.
Rows TermRows(const CheckResult& result) {
  const Comparison& comparison = result.comparison();
  const double whole = comparison.a().energy_per_token_j();
  Rows rows;
  for (const TermChange& term : comparison.terms()) {
    if (std::abs(term.change_j()) < kShown * whole) continue;
    std::vector<std::string> causes;
    for (const CauseChange& cause : term.causes()) {
      if (std::abs(cause.change_j()) < kShown * whole) continue;
      causes.push_back(
          absl::StrCat(cause.cause(), " ", Change(cause.change_j() / whole)));
    }
    rows.push_back({TermLabel(term.term()), WithUnit(term.a_j(), "J"),
                    WithUnit(term.b_j(), "J"), Change(term.change_j() / whole),
                    absl::StrJoin(causes, ", ")});
  }
  if (!rows.empty()) {
    rows.insert(rows.begin(),
                {"term", "baseline", "now", "of J/token", "because of"});
  }
  return rows;
}

std::string Aligned(const Rows& rows) {
  TextTable table(rows[0]);
  for (size_t i = 1; i < rows.size(); ++i) table.AddRow(rows[i]);
  return table.ToString(2);
}

std::string MarkdownTable(const Rows& rows) {
  std::string out;
  for (size_t i = 0; i < rows.size(); ++i) {
    absl::StrAppend(&out, "| ", absl::StrJoin(rows[i], " | "), " |\n");
    if (i > 0) continue;
    absl::StrAppend(&out, "|");
    for (size_t k = 0; k < rows[0].size(); ++k) absl::StrAppend(&out, "---|");
    absl::StrAppend(&out, "\n");
  }
  return out;
}

// The figures, then the terms that moved.
std::string CheckTable(const CheckResult& result, const TableOptions&) {
  std::string out =
      absl::StrCat(result.name(), ": ", result.passed() ? "passed" : "FAILED",
                   "\n\n", Aligned(MetricRows(result)));
  if (!result.comparison().differences().empty()) {
    absl::StrAppend(&out, "\nThe scenario differs from the baseline's\n");
    for (const std::string& change : result.comparison().differences()) {
      absl::StrAppend(&out, Wrapped(change, 2));
    }
  }
  const Rows terms = TermRows(result);
  if (!terms.empty()) {
    absl::StrAppend(&out, "\nTerms that moved\n", Aligned(terms));
  }
  absl::StrAppend(&out, "\n", Wrapped(result.verdict()));
  return out;
}

std::string CheckCsv(const CheckResult& result) {
  return EntriesCsv(result.metrics());
}

std::string CheckMarkdown(const CheckResult& result) {
  std::string out =
      absl::StrCat("### Energy per token: ", result.name(), " ",
                   result.passed() ? "passed" : "**failed**", "\n\n",
                   result.verdict(), "\n\n", MarkdownTable(MetricRows(result)));
  const Rows terms = TermRows(result);
  if (!terms.empty()) absl::StrAppend(&out, "\n", MarkdownTable(terms));
  return out;
}

// Lines as content of XML.
std::string LinesXml(absl::string_view text) {
  return absl::StrJoin(absl::StrSplit(text, '\n'), "\n",
                       [](std::string* out, absl::string_view line) {
                         out->append(EscapedXml(line));
                       });
}

// One test case per figure.
std::string CheckJunit(const CheckResult& result) {
  int failures = 0;
  std::string cases;
  const std::string name = EscapedXml(result.name());
  for (const CheckedMetric& metric : result.metrics()) {
    absl::StrAppendFormat(&cases,
                          "    <testcase classname=\"%s\" name=\"%s, %s\"",
                          name, EscapedXml(metric.metric()),
                          EscapedXml(metric.rule()));
    if (metric.passed()) {
      absl::StrAppend(&cases, "/>\n");
      continue;
    }
    ++failures;
    absl::StrAppend(&cases, ">\n      <failure message=\"",
                    EscapedXml(result.verdict()), "\">",
                    LinesXml(CheckTable(result, {})),
                    "</failure>\n    </testcase>\n");
  }
  return absl::StrFormat(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
      "  <testsuite name=\"%s\" tests=\"%d\" failures=\"%d\">\n%s"
      "  </testsuite>\n</testsuites>\n",
      name, result.metrics_size(), failures, cases);
}

}  // namespace

template <>
Writers<CheckResult> WritersOf() {
  return {CheckTable,         CheckCsv,      /*svg=*/nullptr,
          /*sqlite=*/nullptr, CheckMarkdown, CheckJunit};
}

}  // namespace tokenjoule
