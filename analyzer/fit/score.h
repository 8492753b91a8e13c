// Predictions scored against measurements.

#ifndef ANALYZER_FIT_SCORE_H_
#define ANALYZER_FIT_SCORE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "analyzer/description/catalog.h"
#include "proto/hardware.pb.h"
#include "proto/measurement.pb.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// The operating point of a measured row: formats, parallelism, lengths. With
// `mixed` the steps carry the prefill of newcomers, as step_ms and energy do;
// without it is pure decode, as itl_ms is.
//
// Engines that spread experts over n chips without data parallelism run
// attention tensor-parallel over them: expert_parallel n with tensor_parallel 1
// and n devices is tp n, ep n.
//
// Experts of mixed rows are chosen as hw_specs/studies/served-traffic.textproto
// says; fails where that does not load.
absl::StatusOr<Scenario> ScenarioOf(const Measurement& row, const Model& model,
                                    bool mixed);

// The checkpoint that a row was measured with: MODEL-FORMAT where the catalogue
// has one of its own in the row's weight format (llama-3.1-405b in fp8 is
// served as its publisher quantised it), else the model.
std::string CheckpointOf(const Measurement& row);

// The machine that predicts a row: DEVICE-eager for code that launches every
// kernel from the host, where the catalogue has it, else the device.
std::string MachineOf(const Measurement& row);

// Whether `overrides` (--set) mean something: OK where at least one machine
// that predicts rows of the set takes all of them. Fails with each that no
// machine takes, once, with the nearest name; rows of a machine that takes only
// some are skipped by ValidateMeasurements.
absl::Status CheckOverrides(const MeasurementSet& set,
                            absl::Span<const FieldOverride> overrides);

// Predicts every row that can be mapped and scores it. Step time is compared
// with step_ms (mixed serving), or with itl_ms (pure decode) where that alone
// was measured or both are the same (a static batch). `overrides` change the
// machine (--set). Never fails for a row: one that cannot be mapped is skipped
// with its reason, and so is one of a machine that an override does not apply
// to: predicted without it, it would answer another question.
Validation ValidateMeasurements(const MeasurementSet& set,
                                absl::Span<const FieldOverride> overrides = {});

// Whether the row's steps carry the prefill of newcomers: those of servers do,
// whose step_ms, a mean, is not their median inter-token latency; a static
// batch that is only decoded has both the same.
bool CarriesPrefill(const Measurement& row);

// The measured step time that predictions are compared with, ms: step_ms where
// it carries prefill, else itl_ms; 0 where neither was measured.
double MeasuredStepTimeMs(const Measurement& row);

// Errors of rows that were predicted, as ErrorStatistics has them.
ErrorStatistics StatisticsOf(absl::Span<const ValidatedRow> rows);

// Predicts one row on a machine; fails with the reason for skipping it.
absl::StatusOr<ValidatedRow> PredictRow(const Measurement& row,
                                        const Model& model,
                                        const Hardware& hardware);

}  // namespace tokenjoule

#endif  // ANALYZER_FIT_SCORE_H_
