// A search as an SQLite database, for questions in SQL.

#ifndef ANALYZER_REPORT_SQLITE_H_
#define ANALYZER_REPORT_SQLITE_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// The bytes of an SQLite 3 file with the tables `study` (one row: every
// non-repeated field of the message except the speed), `axes`, `objectives`,
// `front` (one row per point: its position, its id, one column per axis, one
// column per figure in the figure's unit, and the command that repeats the
// point) and `invalid_reasons`; docs/sweep.md describes them.
//
// The same answer gives the same bytes: they contain no time, no speed and no
// host name. They do depend on the version of SQLite, which SQLite writes into
// the header.
//
// The database is made in memory, so that its file is written completely or not
// at all, like every other answer. Fails (InvalidArgument) with SQLite's
// message on an SQLite error, and if there are more axes than a table may have
// columns or an id is not a whole number below 2^53.
absl::StatusOr<std::string> SweepSqlite(const SweepStudy& study);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_SQLITE_H_
