#include "analyzer/study/disaggregate.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace {

// The network by which a machine is reached from outside.
absl::StatusOr<NetworkCosts<>> OuterNetworkOf(const Hardware& hardware) {
  const Machine<> machine = BuildMachine(hardware);
  if (machine.structure.num_networks == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        hardware.name(), " has no interconnect to move the cache over"));
  }
  return machine.costs.networks[machine.structure.num_networks - 1];
}

}  // namespace

absl::StatusOr<DisaggregationStudy> Disaggregate(const Setup& decode,
                                                 const Hardware& prefill,
                                                 int tp) {
  const double prompt = decode.scenario.prompt();
  const double output = decode.scenario.output();
  if (!(prompt > 0 && output > 0)) {
    return absl::InvalidArgumentError(
        "scenario: disaggregated serving needs the lengths of prompts and "
        "outputs");
  }
  DisaggregationStudy study;
  Setup alone = decode;
  // Decoded tokens attend to the prompt and half of the output in the mean.
  if (!alone.scenario.has_context()) {
    alone.scenario.set_context(prompt + output / 2);
  }
  alone.scenario.clear_prompt();
  alone.scenario.clear_output();
  ASSIGN_OR_RETURN(*study.mutable_decode(), Analyze(alone));

  // One prompt at a time, each with one token.
  Setup first = decode;
  first.hardware = prefill;
  first.scenario.set_batch(1);
  first.scenario.set_output(1);
  first.scenario.clear_context();
  first.scenario.set_tp(tp);
  first.scenario.set_pp(1);
  first.scenario.set_dp(1);
  first.scenario.set_ep(1);
  ASSIGN_OR_RETURN(*study.mutable_prefill(), Analyze(first));

  Setup cached = alone;
  cached.scenario.set_context(prompt);
  ASSIGN_OR_RETURN(const Report at_prompt, Analyze(cached, kFiguresOnly));
  study.set_transfer_bytes(at_prompt.kv_bytes_per_sequence() +
                           at_prompt.state_bytes_per_sequence());
  ASSIGN_OR_RETURN(const NetworkCosts<> from, OuterNetworkOf(prefill));
  ASSIGN_OR_RETURN(const NetworkCosts<> to, OuterNetworkOf(decode.hardware));
  const Data<> cache = Bytes(study.transfer_bytes());
  const double receivers = std::max(1, decode.scenario.tp());
  const double senders = tp;
  const Duration<> moving = Max(cache / (from.bandwidth * senders),
                                cache / (to.bandwidth * receivers));
  study.set_transfer_s(InSeconds(moving + Max(from.latency, to.latency)));
  // A bit crosses each side's network once.
  study.set_transfer_j(InJoules((from.energy + to.energy) * cache) / 2 /
                       output);

  const Report& decoding = study.decode();
  const Report& prefilling = study.prefill();
  study.set_decode_j(decoding.energy_per_token_j());
  study.set_prefill_j(prefilling.energy_per_token_j() / output);
  study.set_total_j(study.decode_j() + study.prefill_j() + study.transfer_j());
  study.set_time_to_first_token_s(prefilling.step_time_s() +
                                  study.transfer_s() + decoding.step_time_s());
  const double prompts_per_s =
      decoding.tokens_per_s() / output / decoding.num_chips();
  study.set_prefill_chips_per_decode_chip(
      prompts_per_s * prefilling.step_time_s() * prefilling.num_chips());

  const absl::StatusOr<Report> together = Analyze(decode);
  if (together.ok()) *study.mutable_together() = *together;
  return study;
}

}  // namespace tokenjoule
