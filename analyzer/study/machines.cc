#include "analyzer/study/machines.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "analyzer/evaluate/analyze.h"

namespace tokenjoule {
namespace {

// Whether the ranges of two answers have energies in common.
bool Overlap(const Report& a, const Report& b) {
  return a.energy_per_token_j_low() <= b.energy_per_token_j_high() &&
         b.energy_per_token_j_low() <= a.energy_per_token_j_high();
}

std::string Summarize(const MachinesStudy& study) {
  const Report* least = nullptr;
  for (const Report& row : study.rows()) {
    if (least == nullptr ||
        row.energy_per_token_j() < least->energy_per_token_j()) {
      least = &row;
    }
  }
  if (least == nullptr) return "";
  std::string out = absl::StrFormat(
      "%s takes least: %.3g J/%s at the %s, %.3g to %.3g J.",
      least->hardware(), least->energy_per_token_j(), least->work_unit(),
      least->scenario().boundary(), least->energy_per_token_j_low(),
      least->energy_per_token_j_high());
  std::vector<std::string> close;
  for (const Report& row : study.rows()) {
    if (&row != least && Overlap(row, *least)) close.push_back(row.hardware());
  }
  if (!close.empty()) {
    absl::StrAppend(&out, " The ranges of ", absl::StrJoin(close, ", "),
                    " overlap with it, so that their order is not certain.");
  }
  return out;
}

}  // namespace

absl::StatusOr<MachinesStudy> StudyMachines(
    absl::Span<const MachineSetup> machines) {
  if (machines.empty()) {
    return absl::InvalidArgumentError("no machine to compare");
  }
  MachinesStudy study;
  const auto leave_out = [&](const std::string& name,
                             const std::string& reason) {
    LeftOutMachine* left_out = study.add_left_out();
    left_out->set_hardware(name);
    left_out->set_reason(absl::StrReplaceAll(reason, {{"\n", "; "}}));
  };
  for (const MachineSetup& machine : machines) {
    absl::StatusOr<Report> report =
        machine.setup.ok() ? Analyze(*machine.setup, kWithRanges)
                           : absl::StatusOr<Report>(machine.setup.status());
    if (!report.ok()) {
      leave_out(machine.name, std::string(report.status().message()));
    } else if (!report->fits()) {
      // The warning that says so comes first.
      leave_out(machine.name, report->warnings_size() > 0
                                  ? report->warnings(0)
                                  : std::string("does not fit"));
    } else {
      *study.add_rows() = *std::move(report);
    }
  }
  if (study.rows().empty()) {
    std::vector<std::string> reasons;
    for (const LeftOutMachine& left_out : study.left_out()) {
      reasons.push_back(
          absl::StrCat(left_out.hardware(), ": ", left_out.reason()));
    }
    return absl::InvalidArgumentError(absl::StrJoin(reasons, "\n"));
  }
  study.set_summary(Summarize(study));
  return study;
}

}  // namespace tokenjoule
