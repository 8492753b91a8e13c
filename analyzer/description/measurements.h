// Reading measured rows from CSV or textproto.

#ifndef ANALYZER_DESCRIPTION_MEASUREMENTS_H_
#define ANALYZER_DESCRIPTION_MEASUREMENTS_H_

#include <string>
#include <vector>

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

// Loads several files as one set, with the rows in the order of the files; a
// folder stands for its textprotos, by name. Fails with the faults of all
// files.
absl::StatusOr<MeasurementSet> LoadMeasurements(
    const std::vector<std::string>& files);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_MEASUREMENTS_H_
