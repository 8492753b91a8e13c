// A libFuzzer target that takes any bytes as a model and as a machine through
// parser, validator, ledger, kernel and report. Nothing may crash, hang or
// leak.
//
//   ./tools/bazel run --config=fuzz //tests:spec_fuzzer -- -max_total_time=600

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/report/report.h"
#include "analyzer/study/batch.h"

namespace tokenjoule {
namespace {

// Every input that passes the validator must get an answer.
void Answer(const Model& model, const Hardware& hardware) {
  Scenario scenario = DefaultScenario();
  absl::StatusOr<Report> report = Analyze(model, hardware, scenario);
  if (!report.ok()) return;
  // The answer is a number.
  if (!(report->energy_per_token_j() >= 0) || !(report->step_time_s() >= 0)) {
    std::abort();
  }
  ToJson(*report);
  WritersOf<Report>().table(*report, {/*in_full=*/true});
  (void)FindBatchLimits({model, hardware, scenario, {}}).status();
}

}  // namespace
}  // namespace tokenjoule

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tokenjoule;  // NOLINT
  static const auto* model = new Model(*LoadModel("unit"));
  static const auto* hardware = new Hardware(*LoadHardware("unit"));
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  absl::StatusOr<Model> fuzzed_model = ParseModel(text, "fuzz");
  if (fuzzed_model.ok()) Answer(*fuzzed_model, *hardware);
  absl::StatusOr<Hardware> fuzzed_hardware = ParseHardware(text, "fuzz");
  if (fuzzed_hardware.ok()) Answer(*model, *fuzzed_hardware);
  return 0;
}
