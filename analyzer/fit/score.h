// Predictions scored against measurements.

#ifndef ANALYZER_FIT_SCORE_H_
#define ANALYZER_FIT_SCORE_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "analyzer/cost/stream.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/formats.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"
#include "proto/measurement.pb.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// The operating point of a measured row: formats, parallelism, lengths. If
// `mixed`, the steps include the prefill of new requests, as step_ms and energy
// do; otherwise they are pure decode, as itl_ms is.
//
// Engines that spread experts over n chips without data parallelism run
// attention tensor-parallel over the same chips: a row with expert_parallel n,
// tensor_parallel 1 and n devices becomes tp n, ep n.
//
// What the runtime decides (routing of experts, pages, splitting of prompts) is
// left open, as in what users ask for.
Scenario ScenarioOf(const Measurement& row, const Model& model, bool mixed);

// The checkpoint that a row was measured with: MODEL-FORMAT if the catalogue
// has a separate checkpoint in the row's weight format (llama-3.1-405b in fp8
// is served as its publisher quantised it), otherwise the model.
std::string CheckpointOf(const Measurement& row);

// The runtime that a row was measured with: the one whose list of releases has
// the longest name that the row's software begins with. Empty if the row does
// not say or no runtime matches: the machine's own.
std::string RuntimeOf(const Measurement& row);

// Software that rows name and no runtime lists, and how many rows do: they are
// predicted with the runtime of their machine, which may be another engine.
std::map<std::string, int> UnknownSoftware(const MeasurementSet& set);

// The measured energy per output token, J: given, or power of all devices x
// step time / batch; 0 if neither was measured.
double MeasuredEnergyJ(const Measurement& row);

// The measured power of the memory devices of all chips, W; 0 if it was not
// measured.
double MeasuredMemoryW(const Measurement& row);

// The changes of a machine that give it the row's runtime, clock and power cap,
// as far as the row says them.
std::vector<FieldOverride> ChangesFor(const Measurement& row);
std::vector<FieldOverride> ChangesFor(const StreamMeasurement& stream);

// The fraction of bits that toggle in a stream; fails with the known patterns if
// it has another one and no rate.
absl::StatusOr<double> ToggleRateOf(const StreamMeasurement& stream);

// What is streamed, for the kernel in any number type.
template <typename N>
Stream<N> StreamOf(const StreamMeasurement& stream, double toggle_rate) {
  return {GigabytesPerSecond(N(stream.read_gb_per_s())),
          GigabytesPerSecond(N(stream.write_gb_per_s())),
          GigabytesPerSecond(N(stream.cache_gb_per_s())),
          N(toggle_rate / kRandomToggleRate)};
}

// A stream before it is compared: where it was measured, and what moved.
ValidatedStream UncomparedStream(const StreamMeasurement& stream);

// Predicts the power of a stream on a machine; fails with the reason for skipping
// it.
absl::StatusOr<ValidatedStream> PredictStream(const StreamMeasurement& stream,
                                              const Hardware& hardware);

// Loads the machine of a row with its runtime; `overrides` change it (--set).
absl::StatusOr<Hardware> MachineOf(
    const Measurement& row, absl::Span<const FieldOverride> overrides = {});
absl::StatusOr<Hardware> MachineOf(
    const StreamMeasurement& stream,
    absl::Span<const FieldOverride> overrides = {});

// Checks that `overrides` (--set) apply somewhere: OK if at least one machine
// that predicts rows of the set accepts all of them. Otherwise the error lists
// each override that no machine accepts, once, with the nearest name.
// ValidateMeasurements skips the rows of a machine that accepts only some.
absl::Status CheckOverrides(const MeasurementSet& set,
                            absl::Span<const FieldOverride> overrides);

// Predicts every row that can be mapped and scores the prediction. Step time is
// compared with step_ms (mixed serving), or with itl_ms (pure decode) if only
// itl_ms was measured or both are equal (a static batch). `overrides` change
// the machine (--set). No row makes it fail: a row that cannot be mapped is
// skipped with a reason. A row of a machine that an override does not apply to
// is skipped too, because a prediction without the override would answer
// another question.
Validation ValidateMeasurements(const MeasurementSet& set,
                                absl::Span<const FieldOverride> overrides = {});

// Whether the row's steps include the prefill of new requests. Those of servers
// do: their step_ms, a mean, differs from their median inter-token latency. In
// a static batch that is only decoded the two are equal.
bool CarriesPrefill(const Measurement& row);

// The measured step time that predictions are compared with, ms: step_ms if the
// steps include prefill, otherwise itl_ms; 0 if neither was measured.
double MeasuredStepTimeMs(const Measurement& row);

// Error statistics of the rows that were predicted; of streams, the board's power
// counts as energy.
ErrorStatistics StatisticsOf(absl::Span<const ValidatedRow> rows);
ErrorStatistics StatisticsOf(absl::Span<const ValidatedStream> streams);

// Predicts one row on a machine; fails with the reason for skipping it.
absl::StatusOr<ValidatedRow> PredictRow(
    const Measurement& row, const Model& model, const Hardware& hardware,
    const AnalyzeOptions& options = kWithRanges);

}  // namespace tokenjoule

#endif  // ANALYZER_FIT_SCORE_H_
