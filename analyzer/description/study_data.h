// Numbers of studies that belong to no machine and no model, from the
// catalogue: hw_specs/studies/*.textproto.

#ifndef ANALYZER_DESCRIPTION_STUDY_DATA_H_
#define ANALYZER_DESCRIPTION_STUDY_DATA_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/study.pb.h"

namespace tokenjoule {

// Loads the numbers with this name or, if the name has a slash or ends in
// ".textproto", from that file. Fails with every fault at once
// (InvalidArgument, one line per fault, with file:line:column): fields outside
// the schema's ranges, numbers without a range or a source, technologies and
// machines missing from the catalogue, tricks with duplicate names or without a
// change, laws with duplicate names or without a form.
absl::StatusOr<StudyData> LoadStudyData(absl::string_view name);

// The same from text, as if it were in a file of that name.
absl::StatusOr<StudyData> ParseStudyData(absl::string_view text,
                                         absl::string_view file);

// Load the numbers of the shipped studies. Fail like LoadStudyData, or with
// NotFound if the file belongs to another study.
absl::StatusOr<DotProductSweep> LoadDotProductSweep();
absl::StatusOr<TrickSet> LoadTrickSet();
absl::StatusOr<ScalingLaws> LoadScalingLaws();
absl::StatusOr<AnalogDepth> LoadAnalogDepth();

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_STUDY_DATA_H_
