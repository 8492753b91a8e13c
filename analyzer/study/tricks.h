// Tricks: what people do or propose against the energy per token, each as a
// change of a setup, alone and one on top of another. Which there are and what
// each assumes stands in hw_specs/studies/tricks.textproto.

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

// Handles of all tricks. Fails where their description does not load.
absl::StatusOr<std::vector<std::string>> TrickNames();

// A valid setup (Analyze answers it) with one trick done to it.
// FailedPrecondition, with the reason as its message, where the trick does not
// apply; InvalidArgument for a name that is none.
absl::StatusOr<Setup> ApplyTrick(absl::string_view name, const Setup& setup,
                                 const BatchOptions& options = {});

// Every trick alone, ranked, then the stack: each step takes the trick that
// gains most on top of those taken, as long as one gains a tenth of a percent.
// Of tricks that are ways to the same end (two formats of the cache) a stack
// has one. Batching is done last in each, so that it fills the memory that the
// others leave. Fails with every fault of the setup.
absl::StatusOr<TrickStudy> StudyTricks(const Setup& setup,
                                       const BatchOptions& options = {});

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_TRICKS_H_
