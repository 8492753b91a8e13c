// Numbers that studies take which belong to no machine and no model, from the
// catalogue: hw_specs/studies/*.textproto.

#ifndef ANALYZER_DESCRIPTION_STUDY_DATA_H_
#define ANALYZER_DESCRIPTION_STUDY_DATA_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/study.pb.h"

namespace tokenjoule {

// The numbers of that name or, where the name has a slash or ends in
// ".textproto", in that file. Fails with every fault at once (InvalidArgument,
// one line a fault, with file:line:column): fields against the schema's ranges,
// numbers without a range or a source, technologies and machines that the
// catalogue does not have, tricks of one name or without a change.
absl::StatusOr<StudyData> LoadStudyData(absl::string_view name);

// The same from text, as if it stood in a file of that name.
absl::StatusOr<StudyData> ParseStudyData(absl::string_view text,
                                         absl::string_view file);

// What the shipped studies take. Fail as LoadStudyData does, or with NotFound
// where the file is another study's.
absl::StatusOr<DotProductSweep> LoadDotProductSweep();
absl::StatusOr<TrickSet> LoadTrickSet();
absl::StatusOr<ServedTraffic> LoadServedTraffic();

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_STUDY_DATA_H_
