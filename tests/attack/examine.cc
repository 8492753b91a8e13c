#include "tests/attack/examine.h"

#include <cstdlib>
#include <iostream>

#include "analyzer/description/catalog.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/study/batch.h"

namespace tokenjoule {
namespace {

// A description of the catalogue, which has to load.
template <typename Spec>
const Spec* Loaded(const absl::StatusOr<Spec>& spec) {
  if (spec.ok()) return new Spec(*spec);
  std::cerr << spec.status() << "\n";
  std::abort();
}

}  // namespace

void Append(const std::vector<std::string>& more, Verdict* verdict) {
  verdict->broken.insert(verdict->broken.end(), more.begin(), more.end());
}

Verdict Refused(const absl::Status& status) {
  return {/*accepted=*/false, BrokenByRefusal(status)};
}

Verdict Examined(const absl::StatusOr<Setup>& setup) {
  if (!setup.ok()) return Refused(setup.status());
  const absl::StatusOr<Report> report = Analyze(*setup, kWithOperators);
  if (!report.ok()) return Refused(report.status());
  Verdict verdict = {/*accepted=*/true, BrokenBy(*report)};
  // What takes further analyses or drawings is held of one answer in four, so
  // that more inputs are tried in the same time.
  if (report->ByteSizeLong() % 4 != 0) return verdict;
  Append(BrokenByVariants(*setup, *report), &verdict);
  Append(BrokenByDearer(*setup, *report, report->ByteSizeLong()), &verdict);
  Append(BrokenByFaster(*setup, report->ByteSizeLong()), &verdict);
  Append(BrokenByTexts(*report), &verdict);
  const absl::StatusOr<BatchLimits> limits = FindBatchLimits(*setup);
  Append(
      limits.ok() ? BrokenByNumbers(*limits) : BrokenByRefusal(limits.status()),
      &verdict);
  return verdict;
}

Verdict Examined(const Model& model, const Hardware& hardware) {
  return Examined(
      Setup{model, hardware, WithContext(DefaultScenario()), absl::nullopt});
}

const Hardware& SomeHardware() {
  static const Hardware* const hardware = Loaded(LoadHardware("h100-sxm"));
  return *hardware;
}

const Model& SomeModel() {
  static const Model* const model = Loaded(LoadModel("llama-3.2-1b"));
  return *model;
}

}  // namespace tokenjoule
