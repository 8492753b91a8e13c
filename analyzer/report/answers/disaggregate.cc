#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

std::string DisaggregationTable(const DisaggregationStudy& study,
                                const TableOptions&) {
  const Report& decode = study.decode();
  const Report& prefill = study.prefill();
  std::string out = absl::StrCat(
      SetupLines(decode),
      Wrapped(absl::StrFormat("prompts of %g tokens prefilled on %s, %s\n",
                              prefill.scenario().prompt(), prefill.hardware(),
                              Chips(prefill))),
      MisfitLines(decode), MisfitLines(prefill));
  TextTable table({"", "J per output token", ""});
  table.AddRow({"decode", WithUnit(study.decode_j(), "J"),
                absl::StrCat(WithUnit(decode.step_time_s(), "s"), " a step")});
  table.AddRow({"prefill", WithUnit(study.prefill_j(), "J"),
                absl::StrCat(WithUnit(prefill.step_time_s(), "s"),
                             " a prompt, alone on its chips")});
  table.AddRow({"transfer", WithUnit(study.transfer_j(), "J"),
                absl::StrCat(WithUnit(study.transfer_bytes(), "B"), " in ",
                             WithUnit(study.transfer_s(), "s"))});
  table.AddRow({"total", WithUnit(study.total_j(), "J"),
                absl::StrCat("first token after ",
                             WithUnit(study.time_to_first_token_s(), "s"))});
  if (study.has_together()) {
    table.AddRow({"together",
                  WithUnit(study.together().energy_per_token_j(), "J"),
                  absl::StrCat("prompts and decode on ", decode.hardware(),
                               ", ",
                               WithUnit(study.together().step_time_s(), "s"),
                               " a step")});
  }
  absl::StrAppend(
      &out, table.ToString(2),
      Wrapped(absl::StrFormat("%.3g chips of %s keep one of %s busy",
                              study.prefill_chips_per_decode_chip(),
                              prefill.hardware(), decode.hardware()),
              2),
      WarningLines(decode), WarningLines(prefill));
  return out;
}

std::string DisaggregationCsv(const DisaggregationStudy& study) {
  std::vector<CsvCell> cells;
  AddScalars(study, "", &cells);
  CsvWriter writer;
  writer.AddRow(cells);
  return writer.text();
}

}  // namespace

template <>
Writers<DisaggregationStudy> WritersOf() {
  return {DisaggregationTable, DisaggregationCsv};
}

}  // namespace tokenjoule
