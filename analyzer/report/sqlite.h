// A search as an SQLite database, for questions in SQL.

#ifndef ANALYZER_REPORT_SQLITE_H_
#define ANALYZER_REPORT_SQLITE_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// The bytes of an SQLite 3 file with the tables `study` (one row: every single
// field of the message but the speed), `axes`, `objectives`, `front` (a row for
// each point: its place, its id, a column for each axis, a column for each
// figure in the figure's unit, the command that answers the same) and
// `invalid_reasons`; docs/sweep.md describes them.
//
// The same answer is the same bytes: there is no time, no speed and no name of
// a machine in them. They do depend on the version of SQLite, which writes its
// own into the header.
//
// Made in memory, so that the file is written as every other answer is: whole
// or not at all. Fails (InvalidArgument) with what SQLite says, where there are
// more axes than a table may have columns, and where an id is no whole number
// below 2^53.
absl::StatusOr<std::string> SweepSqlite(const SweepStudy& study);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_SQLITE_H_
