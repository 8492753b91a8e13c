#include "analyzer/fit/score.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/base/quantile.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/cost/stream.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/formats.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"
#include "proto/runtime.pb.h"

namespace tokenjoule {
namespace {

// Releases of engines and the runtimes that stand for them. Read once, because
// every row needs them.
const std::vector<std::pair<std::string, std::string>>& Releases() {
  static const auto* const releases = [] {
    auto* found = new std::vector<std::pair<std::string, std::string>>;
    for (const std::string& name : CatalogNames(SpecKind::kRuntime)) {
      const absl::StatusOr<Runtime> runtime = LoadRuntime(name);
      if (!runtime.ok()) continue;
      for (const std::string& release : runtime->software()) {
        found->emplace_back(release, name);
      }
    }
    return found;
  }();
  return *releases;
}

// Models and machines by name; each is loaded once.
class Specs {
 public:
  explicit Specs(absl::Span<const FieldOverride> overrides)
      : overrides_(overrides) {}

  const absl::StatusOr<Model>& ModelOf(const std::string& name) {
    const auto found = models_.find(name);
    if (found != models_.end()) return found->second;
    return models_.emplace(name, LoadModel(name)).first->second;
  }
  // `Row` is a Measurement or a StreamMeasurement.
  template <typename Row>
  const absl::StatusOr<Hardware>& HardwareOf(const Row& row) {
    std::string key = row.device();
    for (const FieldOverride& change : ChangesFor(row)) {
      absl::StrAppend(&key, " ", change.path, "=", change.value);
    }
    const auto found = machines_.find(key);
    if (found != machines_.end()) return found->second;
    absl::StatusOr<Hardware> loaded = MachineOf(row, overrides_);
    if (!loaded.ok() && MachineOf(row).ok()) {
      loaded = absl::InvalidArgumentError(
          absl::StrCat(row.device(), ": ", loaded.status().message()));
    }
    return machines_.emplace(std::move(key), std::move(loaded)).first->second;
  }
  absl::StatusOr<ValidatedRow> Predict(const Measurement& row) {
    const absl::StatusOr<Model>& model = ModelOf(CheckpointOf(row));
    RETURN_IF_ERROR(model.status());
    const absl::StatusOr<Hardware>& hardware = HardwareOf(row);
    RETURN_IF_ERROR(hardware.status());
    return PredictRow(row, *model, *hardware);
  }
  absl::StatusOr<ValidatedStream> Predict(const StreamMeasurement& stream) {
    const absl::StatusOr<Hardware>& hardware = HardwareOf(stream);
    RETURN_IF_ERROR(hardware.status());
    return PredictStream(stream, *hardware);
  }

 private:
  absl::Span<const FieldOverride> overrides_;
  std::map<std::string, absl::StatusOr<Model>> models_;
  std::map<std::string, absl::StatusOr<Hardware>> machines_;
};

// Relative errors of a set of rows.
struct Errors {
  std::vector<double> step_time;
  std::vector<double> energy;
  std::vector<double> memory_power;
  int rows = 0;
  // Rows whose measured value lies within the predicted range.
  int time_in_range = 0, energy_in_range = 0;

  void Add(const ValidatedRow& row) {
    ++rows;
    if (row.measured_step_time_s() > 0) {
      step_time.push_back(row.step_time_error());
      time_in_range +=
          row.measured_step_time_s() >= row.predicted_step_time_s_low() &&
          row.measured_step_time_s() <= row.predicted_step_time_s_high();
    }
    if (row.measured_energy_per_token_j() > 0) {
      energy.push_back(row.energy_error());
      const double measured = row.measured_energy_per_token_j();
      energy_in_range += measured >= row.predicted_energy_per_token_j_low() &&
                         measured <= row.predicted_energy_per_token_j_high();
    }
    if (row.measured_memory_w() > 0) memory_power.push_back(row.memory_error());
  }
  void Add(const ValidatedStream& stream) {
    ++rows;
    if (stream.measured_memory_w() > 0) {
      memory_power.push_back(stream.memory_error());
    }
    if (stream.measured_board_w() > 0) energy.push_back(stream.board_error());
  }
};

std::vector<double> Absolute(std::vector<double> values) {
  for (double& value : values) value = std::abs(value);
  return values;
}

// Fills the fields that the overall statistics and those of groups share.
template <typename Statistics>
void FillStatistics(const Errors& errors, Statistics* out) {
  out->set_rows(errors.rows);
  out->set_step_time_median_abs_error(
      Quantile(Absolute(errors.step_time), 0.5));
  out->set_step_time_p90_abs_error(Quantile(Absolute(errors.step_time), 0.9));
  out->set_step_time_bias(Quantile(errors.step_time, 0.5));
  out->set_energy_median_abs_error(Quantile(Absolute(errors.energy), 0.5));
  out->set_energy_p90_abs_error(Quantile(Absolute(errors.energy), 0.9));
  out->set_energy_bias(Quantile(errors.energy, 0.5));
  out->set_step_time_rows(static_cast<int>(errors.step_time.size()));
  out->set_energy_rows(static_cast<int>(errors.energy.size()));
}

void FillMemoryPower(const Errors& errors, ErrorStatistics* out) {
  const std::vector<double>& signed_errors = errors.memory_power;
  out->set_memory_power_median_abs_error(
      Quantile(Absolute(signed_errors), 0.5));
  out->set_memory_power_p90_abs_error(Quantile(Absolute(signed_errors), 0.9));
  out->set_memory_power_bias(Quantile(signed_errors, 0.5));
  out->set_memory_power_rows(static_cast<int>(signed_errors.size()));
}

// Returns `name` if the catalogue has it, otherwise the other name.
std::string NameOr(const std::string& name, SpecKind kind,
                   const std::string& otherwise) {
  const std::vector<std::string> names = CatalogNames(kind);
  return std::binary_search(names.begin(), names.end(), name) ? name
                                                              : otherwise;
}

// Sets the storage formats of the row. A checkpoint that was published in the
// row's format is served as it is, including parts in other formats.
void SetFormats(const Measurement& row, const Model& model,
                Scenario* scenario) {
  scenario->set_kv(row.kv_dtype());
  const std::string& weights = row.weight_dtype();
  const CheckpointFormats& stored = model.formats();
  if (weights == stored.linear() || weights == stored.experts()) return;
  scenario->set_weights(weights);
  // 8-bit checkpoints of served models keep the LM head at 16 bits.
  if (weights == "fp8") scenario->set_lm_head("bf16");
}

}  // namespace

std::string CheckpointOf(const Measurement& row) {
  return NameOr(absl::StrCat(row.model(), "-", row.weight_dtype()),
                SpecKind::kModel, row.model());
}

std::string RuntimeOf(const Measurement& row) {
  const std::string software = absl::AsciiStrToLower(
      row.software().empty() && row.eager() ? "transformers" : row.software());
  if (software.empty()) return "";
  std::string runtime;
  size_t longest = 0;
  for (const auto& [release, name] : Releases()) {
    if (release.size() > longest && absl::StartsWith(software, release)) {
      longest = release.size();
      runtime = name;
    }
  }
  return runtime;
}

std::map<std::string, int> UnknownSoftware(const MeasurementSet& set) {
  std::map<std::string, int> unknown;
  for (const Measurement& row : set.row()) {
    if (!row.software().empty() && RuntimeOf(row).empty()) {
      ++unknown[row.software()];
    }
  }
  return unknown;
}

double MeasuredEnergyJ(const Measurement& row) {
  if (row.has_energy_per_token_j()) return row.energy_per_token_j();
  return row.power_w_per_device() * std::max(row.num_devices(), 1) *
         MeasuredStepTimeMs(row) * 1e-3 / row.batch();
}

double MeasuredMemoryW(const Measurement& row) {
  return row.power_w_memory() * std::max(row.num_devices(), 1);
}

namespace {

// Clock and cap of a row or stream.
template <typename Row>
void AddSettings(const Row& row, std::vector<FieldOverride>* changes) {
  if (row.has_core_clock_mhz()) {
    changes->push_back(
        {"core_clock.set_mhz", absl::StrCat(row.core_clock_mhz())});
  }
  if (row.has_power_cap_w()) {
    changes->push_back(
        {"board.set_power_cap_w", absl::StrCat(row.power_cap_w())});
  }
}

template <typename Row>
absl::StatusOr<Hardware> MachineOfRow(
    const Row& row, absl::Span<const FieldOverride> overrides) {
  std::vector<FieldOverride> changes = ChangesFor(row);
  changes.insert(changes.end(), overrides.begin(), overrides.end());
  return LoadHardware(row.device(), changes);
}

}  // namespace

std::vector<FieldOverride> ChangesFor(const Measurement& row) {
  std::vector<FieldOverride> changes;
  const std::string runtime = RuntimeOf(row);
  if (!runtime.empty()) {
    changes.push_back({std::string(kRuntimePath), runtime});
  }
  AddSettings(row, &changes);
  return changes;
}

std::vector<FieldOverride> ChangesFor(const StreamMeasurement& stream) {
  std::vector<FieldOverride> changes;
  AddSettings(stream, &changes);
  return changes;
}

absl::StatusOr<Hardware> MachineOf(const Measurement& row,
                                   absl::Span<const FieldOverride> overrides) {
  return MachineOfRow(row, overrides);
}

absl::StatusOr<Hardware> MachineOf(const StreamMeasurement& stream,
                                   absl::Span<const FieldOverride> overrides) {
  return MachineOfRow(stream, overrides);
}

absl::StatusOr<double> ToggleRateOf(const StreamMeasurement& stream) {
  if (stream.has_toggle_rate()) return stream.toggle_rate();
  const std::string& pattern = stream.pattern();
  if (pattern == "zeros" || pattern == "ones") return 0.0;
  if (pattern.empty() || pattern == "random" || pattern == "cache") {
    return kRandomToggleRate;
  }
  if (absl::StartsWith(pattern, "alternating:")) {
    return absl::InvalidArgumentError(
        "alternating data needs a toggle_rate, which depends on the width and "
        "the inversion of the bus");
  }
  return absl::InvalidArgumentError(UnknownNameMessage(
      "pattern", pattern, {"zeros", "ones", "random", "alternating:N", "cache"},
      ""));
}

ValidatedStream UncomparedStream(const StreamMeasurement& stream) {
  ValidatedStream out;
  out.set_device(stream.device());
  out.set_pattern(stream.pattern());
  out.set_read_gb_per_s(stream.read_gb_per_s());
  out.set_write_gb_per_s(stream.write_gb_per_s());
  out.set_cache_gb_per_s(stream.cache_gb_per_s());
  return out;
}

absl::StatusOr<ValidatedStream> PredictStream(const StreamMeasurement& stream,
                                              const Hardware& hardware) {
  if (stream.pattern() == "cache" && !stream.has_cache_gb_per_s()) {
    return absl::InvalidArgumentError(
        "a loop inside the cache: its rate on the cache is not given");
  }
  if (!stream.has_power_w_memory() && !stream.has_power_w_per_device()) {
    return absl::InvalidArgumentError("nothing was measured");
  }
  ASSIGN_OR_RETURN(const double toggle_rate, ToggleRateOf(stream));
  const Machine<> machine = BuildMachine(hardware);
  const StreamPower<> power =
      PowerOfStream(StreamOf<double>(stream, toggle_rate), machine);
  ValidatedStream out = UncomparedStream(stream);
  out.set_predicted_memory_w(InWatts(power.memory));
  if (stream.has_power_w_memory()) {
    out.set_measured_memory_w(stream.power_w_memory());
    out.set_memory_error(InWatts(power.memory) / stream.power_w_memory() - 1);
  }
  // What a board draws between kernels is not modelled.
  const bool pauses = (stream.has_duty() && stream.duty() < 1) ||
                      stream.read_gb_per_s() + stream.write_gb_per_s() +
                              stream.cache_gb_per_s() ==
                          0;
  out.set_predicted_board_w(InWatts(power.board));
  if (stream.has_power_w_per_device() && !pauses) {
    out.set_measured_board_w(stream.power_w_per_device());
    out.set_board_error(InWatts(power.board) / stream.power_w_per_device() - 1);
  }
  return out;
}

bool CarriesPrefill(const Measurement& row) {
  if (row.static_batch()) return row.has_step_ms();
  return row.has_step_ms() &&
         (!row.has_itl_ms() ||
          std::abs(row.step_ms() - row.itl_ms()) > row.itl_ms() * 1e-6);
}

double MeasuredStepTimeMs(const Measurement& row) {
  return CarriesPrefill(row) ? row.step_ms() : row.itl_ms();
}

ErrorStatistics StatisticsOf(absl::Span<const ValidatedStream> streams) {
  Errors errors;
  for (const ValidatedStream& stream : streams) errors.Add(stream);
  ErrorStatistics statistics;
  FillStatistics(errors, &statistics);
  FillMemoryPower(errors, &statistics);
  return statistics;
}

ErrorStatistics StatisticsOf(absl::Span<const ValidatedRow> rows) {
  Errors errors;
  for (const ValidatedRow& row : rows) errors.Add(row);
  ErrorStatistics statistics;
  FillStatistics(errors, &statistics);
  FillMemoryPower(errors, &statistics);
  if (!errors.energy.empty()) {
    statistics.set_energy_range_coverage(
        static_cast<double>(errors.energy_in_range) / errors.energy.size());
  }
  if (!errors.step_time.empty()) {
    statistics.set_step_time_range_coverage(
        static_cast<double>(errors.time_in_range) / errors.step_time.size());
  }
  return statistics;
}

absl::StatusOr<ValidatedRow> PredictRow(const Measurement& row,
                                        const Model& model,
                                        const Hardware& hardware,
                                        const AnalyzeOptions& options) {
  const bool mixed = CarriesPrefill(row);
  const double energy = MeasuredEnergyJ(row);
  if (!row.has_step_ms() && !row.has_itl_ms() && energy == 0) {
    return absl::InvalidArgumentError("nothing was measured");
  }
  const Scenario scenario = ScenarioOf(row, model, mixed);
  ASSIGN_OR_RETURN(const Report report,
                   Analyze(model, hardware, scenario, options));
  if (row.num_devices() > 0 && report.num_chips() != row.num_devices()) {
    return absl::InvalidArgumentError(
        absl::StrCat("its degrees of parallelism take ", report.num_chips(),
                     " chips; the row has ", row.num_devices()));
  }

  ValidatedRow out;
  out.set_device(row.device());
  out.set_runtime(hardware.runtime().base());
  out.set_family(std::string(FamilyName(FamilyOf(model))));
  out.set_model(row.model());
  out.set_weight_dtype(row.weight_dtype());
  out.set_batch(row.batch());
  out.set_compared_with(mixed ? "step_ms" : row.has_itl_ms() ? "itl_ms" : "");
  out.set_measured_step_time_s(MeasuredStepTimeMs(row) * 1e-3);
  out.set_predicted_step_time_s(report.step_time_s());
  out.set_predicted_step_time_s_low(report.step_time_s_low());
  out.set_predicted_step_time_s_high(report.step_time_s_high());
  if (out.measured_step_time_s() > 0) {
    out.set_step_time_error(report.step_time_s() / out.measured_step_time_s() -
                            1);
  }
  out.set_overfull(!report.fits());
  out.set_measured_energy_per_token_j(energy);
  out.set_predicted_energy_per_token_j(report.energy_per_token_j());
  out.set_predicted_energy_per_token_j_low(report.energy_per_token_j_low());
  out.set_predicted_energy_per_token_j_high(report.energy_per_token_j_high());
  if (energy > 0) {
    out.set_energy_error(report.energy_per_token_j() / energy - 1);
  }
  if (row.has_power_w_memory() && options.details) {
    double stack_j = 0;
    for (const BoundaryEnergy& inside : report.energy_by_boundary()) {
      if (inside.boundary() == kBoundaries[kStackBoundary].name) {
        stack_j = inside.energy_per_token_j();
      }
    }
    out.set_measured_memory_w(MeasuredMemoryW(row));
    out.set_predicted_memory_w(stack_j * report.tokens_per_s());
    out.set_memory_error(out.predicted_memory_w() / out.measured_memory_w() - 1);
  }
  return out;
}

Scenario ScenarioOf(const Measurement& row, const Model& model, bool mixed) {
  Scenario scenario = DefaultScenario();
  scenario.set_batch(row.batch());
  if (row.mean_context_tokens() > 0) {
    scenario.set_context(row.mean_context_tokens());
  }
  SetFormats(row, model, &scenario);
  const int devices = std::max(row.num_devices(), 1);
  scenario.set_dp(std::max(row.data_parallel(), 1));
  scenario.set_ep(std::max(row.expert_parallel(), 1));
  scenario.set_tp(std::max(row.tensor_parallel(), 1));
  scenario.set_pp(std::max(row.pipeline_parallel(), 1));
  if (scenario.ep() > 1 && scenario.tp() * scenario.dp() < devices &&
      scenario.dp() == 1) {
    scenario.set_tp(devices);
  }
  if (mixed && row.prompt_tokens() > 0 && row.output_tokens() > 0) {
    scenario.set_prompt(row.prompt_tokens());
    scenario.set_output(row.output_tokens());
  }
  scenario.set_static_batch(row.static_batch());
  scenario.set_boundary(row.boundary());
  return scenario;
}

absl::Status CheckOverrides(const MeasurementSet& set,
                            absl::Span<const FieldOverride> overrides) {
  if (overrides.empty()) return absl::OkStatus();
  // A row of each machine with each runtime; rows of an unknown machine are
  // skipped in any case.
  std::map<std::pair<std::string, std::string>, const Measurement*> machines;
  for (const Measurement& row : set.row()) {
    const auto name = std::make_pair(row.device(), RuntimeOf(row));
    if (machines.count(name) > 0) continue;
    if (MachineOf(row).ok()) machines[name] = &row;
  }
  std::vector<std::string> faults;
  for (const FieldOverride& change : overrides) {
    std::string fault;
    bool applies = machines.empty();
    for (const auto& [name, row] : machines) {
      const absl::Status status =
          MachineOf(*row, absl::MakeConstSpan(&change, 1)).status();
      applies |= status.ok();
      // Of the errors of several machines, prefer one that suggests a near
      // name.
      const std::string message(status.message());
      if (fault.empty() || (!absl::StrContains(fault, "did you mean") &&
                            absl::StrContains(message, "did you mean"))) {
        fault = message;
      }
    }
    if (!applies) faults.push_back(fault);
  }
  const bool together =
      machines.empty() ||
      std::any_of(machines.begin(), machines.end(), [&](const auto& machine) {
        return MachineOf(*machine.second, overrides).ok();
      });
  if (faults.empty() && !together) {
    faults.push_back("--set: no machine of the rows takes all of them");
  }
  if (faults.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
}

Validation ValidateMeasurements(const MeasurementSet& set,
                                absl::Span<const FieldOverride> overrides) {
  Specs specs(overrides);
  Validation validation;
  std::map<std::tuple<std::string, std::string, std::string, std::string>,
           Errors>
      groups;
  std::map<std::string, std::vector<ValidatedRow>> families;
  std::vector<ValidatedRow> rows;
  for (int i = 0; i < set.row_size(); ++i) {
    absl::StatusOr<ValidatedRow> row = specs.Predict(set.row(i));
    if (!row.ok()) {
      SkippedRow* skipped = validation.add_skipped_rows();
      skipped->set_row(i + 1);
      skipped->set_reason(std::string(row.status().message()));
      continue;
    }
    row->set_row(i + 1);
    groups[{row->device(), row->runtime(), row->model(), row->weight_dtype()}]
        .Add(*row);
    families[row->family()].push_back(*row);
    rows.push_back(*row);
    *validation.add_rows() = *std::move(row);
  }
  std::vector<ValidatedStream> streams;
  for (int i = 0; i < set.stream_size(); ++i) {
    absl::StatusOr<ValidatedStream> stream = specs.Predict(set.stream(i));
    if (!stream.ok()) {
      SkippedRow* skipped = validation.add_skipped_streams();
      skipped->set_row(i + 1);
      skipped->set_reason(std::string(stream.status().message()));
      continue;
    }
    stream->set_stream(i + 1);
    streams.push_back(*stream);
    *validation.add_streams() = *std::move(stream);
  }
  *validation.mutable_stream_errors() = StatisticsOf(streams);
  *validation.mutable_overall() = StatisticsOf(rows);
  validation.mutable_overall()->set_skipped(validation.skipped_rows_size());
  for (const auto& [key, errors] : groups) {
    ErrorGroup* group = validation.add_groups();
    group->set_device(std::get<0>(key));
    group->set_runtime(std::get<1>(key));
    group->set_model(std::get<2>(key));
    group->set_weight_dtype(std::get<3>(key));
    FillStatistics(errors, group);
  }
  for (const auto& [family, its] : families) {
    FamilyErrors* errors = validation.add_families();
    errors->set_family(family);
    *errors->mutable_errors() = StatisticsOf(its);
  }
  return validation;
}

}  // namespace tokenjoule
