// Inputs of studies: measurements, spaces, baselines, shards.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/documents.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/measurements.h"
#include "analyzer/description/textproto.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/fit/score.h"
#include "analyzer/search/space.h"
#include "analyzer/search/sweep.h"
#include "analyzer/study/check.h"
#include "proto/measurement.pb.h"
#include "proto/report.pb.h"
#include "proto/scenario.pb.h"
#include "proto/space.pb.h"
#include "tests/attack/examine.h"
#include "tests/attack/target_lists.h"

namespace tokenjoule {
namespace {

// What is predicted of a file of measurements; reading is of all rows.
constexpr int kMostRows = 6;

Verdict Scored(absl::StatusOr<MeasurementSet> set) {
  if (!set.ok()) return Refused(set.status());
  if (set->row_size() > kMostRows) {
    set->mutable_row()->DeleteSubrange(kMostRows, set->row_size() - kMostRows);
  }
  if (set->stream_size() > kMostRows) {
    set->mutable_stream()->DeleteSubrange(kMostRows,
                                          set->stream_size() - kMostRows);
  }
  Verdict verdict = {/*accepted=*/true, {}};
  ExamineAnswer(ValidateMeasurements(*set), &verdict);
  return verdict;
}

Verdict RunMeasurements(absl::string_view bytes) {
  return Scored(ParseMeasurementsCsv(bytes, "fuzz.csv"));
}

Verdict RunMeasurementSet(absl::string_view bytes) {
  const Documents documents = {{kFuzzedFile, std::string(bytes)}};
  const DocumentScope scope(documents, DocumentScope::Files::kClosed);
  return Scored(LoadMeasurements(kFuzzedFile));
}

// A space whose axes are few enough to be read in milliseconds.
bool IsSmall(absl::string_view bytes) {
  constexpr int64_t kMostValues = 500;
  DesignSpace space;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults;
  ParseTextproto(bytes, kFuzzedFile, &space, &locations, &faults);
  int64_t values = 0;
  for (const Axis& axis : space.axis()) {
    values += int64_t{axis.linear().count()} + axis.logarithmic().count() +
              axis.value_size();
  }
  return values <= kMostValues;
}

// One point, as `sweep --point` answers it.
void ExaminePoint(const Space& space, uint64_t id, Verdict* verdict) {
  const absl::StatusOr<Setup> setup = SetupAt(space, ChoicesOf(space, id));
  const absl::StatusOr<Report> report =
      setup.ok() ? Analyze(*setup, kWithOperators) : setup.status();
  Append(report.ok() ? BrokenBy(*report) : BrokenByRefusal(report.status()),
         verdict);
}

Verdict RunSpace(absl::string_view bytes) {
  if (!IsSmall(bytes)) return {};
  const Documents documents;
  const DocumentScope scope(documents, DocumentScope::Files::kClosed);
  absl::StatusOr<Space> space = ParseSpace(bytes, kFuzzedFile);
  if (!space.ok()) return Refused(space.status());
  Verdict verdict = {/*accepted=*/true, {}};
  // A space that evolution searches may have no numbers.
  if (space->points == 0) return verdict;
  for (const uint64_t id : {uint64_t{0}, space->points - 1}) {
    ExaminePoint(*space, id, &verdict);
  }
  if (space->description.has_evolution()) return verdict;
  // A few points of any grid; each may have a structure of its own.
  constexpr int64_t kMostPoints = 4;
  Sample* sample = space->description.mutable_sample();
  if (sample->points() <= 0 || sample->points() > kMostPoints) {
    sample->set_points(kMostPoints);
  }
  SweepOptions options;
  options.threads = 1;
  options.dominated = 2;
  const absl::StatusOr<SweepStudy> study = Sweep(*space, options);
  if (!study.ok()) {
    Append(BrokenByRefusal(study.status()), &verdict);
  } else {
    ExamineAnswer(*study, &verdict);
  }
  return verdict;
}

Verdict RunBaseline(absl::string_view bytes) {
  static const Report* const report =
      new Report(*Analyze(SomeModel(), SomeHardware(), DefaultScenario()));
  const absl::StatusOr<Report> baseline = ParseBaseline(bytes, kFuzzedFile);
  if (!baseline.ok()) return Refused(baseline.status());
  Verdict verdict = {/*accepted=*/true, {}};
  BaselineDifferences(*report, *baseline);
  const absl::StatusOr<CheckResult> result = Check(*report, {}, &*baseline);
  if (!result.ok()) {
    Append(BrokenByRefusal(result.status()), &verdict);
  } else {
    ExamineAnswer(*result, &verdict);
  }
  const std::string text = BaselineText(*baseline);
  const absl::Status again = ParseBaseline(text, kFuzzedFile).status();
  if (!again.ok()) {
    verdict.broken.push_back(absl::StrCat(
        "the baseline is refused when it is written again: ", again.message()));
  }
  return verdict;
}

// The space whose shards are in the corpus.
const Space& SpaceOfShards() {
  static const Space* const space = [] {
    absl::StatusOr<Space> parsed = ParseSpace(
        R"(scenario { model: "unit" hardware: "unit" }
           axis { path: "scenario.batch" value: "1" value: "2" value: "4" }
           axis { path: "hardware.memory.dram.bandwidth_gb_per_s"
                  linear { from: 1 to: 4 count: 4 } }
           objective { metric: "energy_per_token_j" }
           objective { metric: "time_per_token_s" })",
        "shards.textproto");
    if (!parsed.ok()) {
      std::cerr << parsed.status() << "\n";
      std::abort();
    }
    return new Space(*std::move(parsed));
  }();
  return *space;
}

SweepStudy ShardOf(int shard, int shards) {
  SweepOptions options;
  options.threads = 1;
  options.shard = shard;
  options.shards = shards;
  return *Sweep(SpaceOfShards(), options);
}

Verdict RunShard(absl::string_view bytes) {
  static const SweepStudy* const halves[] = {new SweepStudy(ShardOf(0, 2)),
                                             new SweepStudy(ShardOf(1, 2))};
  SweepStudy shard;
  std::string version;
  const absl::Status read = FromJson(bytes, &shard, &version);
  if (!read.ok()) return Refused(read);
  Verdict verdict;
  for (const std::vector<SweepStudy>& shards : {std::vector<SweepStudy>{shard},
                                                {*halves[0], shard},
                                                {shard, *halves[1]}}) {
    const absl::StatusOr<SweepStudy> merged =
        MergeShards(SpaceOfShards(), shards);
    if (!merged.ok()) {
      Append(BrokenByRefusal(merged.status()), &verdict);
      continue;
    }
    verdict.accepted = true;
    ExamineAnswer(*merged, &verdict);
  }
  return verdict;
}

// The whole search, halves and thirds of it.
std::vector<std::string> MakeShards() {
  std::vector<std::string> shards;
  for (const int of : {1, 2, 3}) {
    for (int i = 0; i < of; ++i) shards.push_back(ToJson(ShardOf(i, of)));
  }
  return shards;
}

}  // namespace

std::vector<Target> StudyTargets() {
  return {
      {"measurements",
       "a CSV of measurements",
       RunMeasurements,
       {},
       {Measurement::descriptor()}},
      {"measurement_set",
       "a textproto of measurements",
       RunMeasurementSet,
       {{"validation", ".textproto"}},
       {MeasurementSet::descriptor()}},
      {"space",
       "a design space",
       RunSpace,
       {{"hw_specs/spaces", ".textproto"}},
       {DesignSpace::descriptor()}},
      {"baseline",
       "a baseline of check",
       RunBaseline,
       {{"tests/gates", ".textproto"}},
       {Report::descriptor()}},
      {"shard",
       "a shard of a sweep",
       RunShard,
       {},
       {SweepStudy::descriptor()},
       {},
       MakeShards},
  };
}

}  // namespace tokenjoule
