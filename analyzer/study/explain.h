// What is known, and where each number comes from.

#ifndef ANALYZER_STUDY_EXPLAIN_H_
#define ANALYZER_STUDY_EXPLAIN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/hardware.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// The catalogue's entries of a kind: "models", "hardware", "technologies",
// "classes", "formats", "boundaries", or "" for all.
absl::StatusOr<Listing> List(absl::string_view kind);

// The constants of a machine whose path contains `what` ("" for all), each with
// value, range, source. Where `what` names a term of the report ("STATIC") or a
// reported figure ("arithmetic_intensity_flop_per_byte"), its formula. Fails
// where nothing matches, with the nearest names.
absl::StatusOr<Explanation> Explain(const Hardware& hardware,
                                    absl::string_view what);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_EXPLAIN_H_
