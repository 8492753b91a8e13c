// Reading measured rows from CSV or textproto.

#ifndef ANALYZER_DESCRIPTION_MEASUREMENTS_H_
#define ANALYZER_DESCRIPTION_MEASUREMENTS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/measurement.pb.h"

namespace tokenjoule {

// Parses a CSV (RFC 4180) whose header names fields of Measurement, in any
// order; other columns are rejected. An empty cell means an absent value. Fails
// with every fault at once, with file:line:column.
absl::StatusOr<MeasurementSet> ParseMeasurementsCsv(absl::string_view text,
                                                    absl::string_view file);

// Reads the rows of a file: a MeasurementSet if its name ends in ".textproto",
// else a CSV.
absl::StatusOr<MeasurementSet> LoadMeasurements(absl::string_view file);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_MEASUREMENTS_H_
