// Tricks: the measures that people take or propose to reduce the energy per
// token. Each is a change to a setup, applied alone and on top of others. The
// list of tricks and their assumptions are in
// hw_specs/studies/tricks.textproto.

#ifndef ANALYZER_STUDY_TRICKS_H_
#define ANALYZER_STUDY_TRICKS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/study/batch.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// The names of all tricks. Fails if their description does not load.
absl::StatusOr<std::vector<std::string>> TrickNames();

// Applies one trick to a valid setup, i.e. one that Analyze answers. Returns
// FailedPrecondition with the reason if the trick does not apply, and
// InvalidArgument if there is no trick of that name.
absl::StatusOr<Setup> ApplyTrick(absl::string_view name, const Setup& setup,
                                 const BatchOptions& options = {});

// Ranks every trick alone, then builds the stack: each step takes the trick
// that gains most on top of those already taken, as long as the gain is at
// least a tenth of a percent. Of several tricks that are alternatives (two
// formats of the cache) a stack has at most one. Batching is always applied
// last, so that it fills the memory that the others leave free. Fails with
// every fault of the setup.
absl::StatusOr<TrickStudy> StudyTricks(const Setup& given,
                                       const BatchOptions& options = {});

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_TRICKS_H_
