// Words of tables that have one row per machine.

#ifndef ANALYZER_REPORT_ANSWERS_MACHINES_H_
#define ANALYZER_REPORT_ANSWERS_MACHINES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// Report.evidence in one word: "elsewhere" for "runtime fitted elsewhere".
std::string EvidenceWord(absl::string_view evidence);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_ANSWERS_MACHINES_H_
