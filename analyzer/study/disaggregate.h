// Disaggregated serving: prompts are prefilled on one machine, their KV cache moves
// over the outermost networks, and another machine decodes.

#ifndef ANALYZER_STUDY_DISAGGREGATE_H_
#define ANALYZER_STUDY_DISAGGREGATE_H_

#include "absl/status/statusor.h"
#include "analyzer/evaluate/setup.h"
#include "proto/hardware.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// `decode` has prompt and output lengths. A prompt is prefilled alone on `tp`
// chips of `prefill`. Each chip of a group sends its part of the cache through
// its own link: the time is that of the slower side, the energy that of both.
// Fails as Analyze does on either machine, without lengths, and for a machine
// without a network.
absl::StatusOr<DisaggregationStudy> Disaggregate(const Setup& decode,
                                                 const Hardware& prefill,
                                                 int tp);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_DISAGGREGATE_H_
