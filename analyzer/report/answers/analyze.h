// Columns of a report that other answers use in their rows too.

#ifndef ANALYZER_REPORT_ANSWERS_ANALYZE_H_
#define ANALYZER_REPORT_ANSWERS_ANALYZE_H_

#include <vector>

#include "analyzer/report/csv.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// The columns of a report in CSV; terms and boundaries become columns.
std::vector<CsvCell> ReportCells(const Report& report);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_ANSWERS_ANALYZE_H_
