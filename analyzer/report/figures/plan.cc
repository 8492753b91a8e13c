#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"

namespace tokenjoule {
namespace {

constexpr int kMostRows = 20;

// "h100-sxm, vllm, fp8 weights, tp 2".
std::string WayWords(const PlanRow& row) {
  std::string words = row.hardware();
  const auto add = [&](const std::string& part) {
    absl::StrAppend(&words, ", ", part);
  };
  if (!row.runtime().empty()) add(row.runtime());
  add(absl::StrCat(row.weights(), " weights"));
  if (row.tp() > 1) add(absl::StrCat("tp ", row.tp()));
  if (row.pp() > 1) add(absl::StrCat("pp ", row.pp()));
  if (row.ep() > 1) add(absl::StrCat("ep ", row.ep()));
  return words;
}

}  // namespace

Figure FigureOf(const PlanStudy& study) {
  Figure figure;
  figure.title =
      absl::StrCat(study.model(), ": energy per request of ways of serving");
  std::string limits;
  if (study.max_time_per_token_ms() > 0) {
    absl::StrAppendFormat(&limits, ", at most %g ms per token",
                          study.max_time_per_token_ms());
  }
  if (study.max_time_to_first_token_ms() > 0) {
    absl::StrAppendFormat(&limits, ", first token within %g ms",
                          study.max_time_to_first_token_ms());
  }
  figure.subtitle = {
      absl::StrFormat("prompts of %g tokens, outputs of %g, %g requests per "
                      "second%s",
                      study.prompt(), study.output(), study.requests_per_s(),
                      limits),
      absl::StrCat("energy at the ", BoundaryLabel(study.boundary()),
                   ", ranked by ", study.objective())};
  Panel panel;
  panel.x = {"energy per request", "J"};
  panel.x.from_zero = true;
  for (const PlanRow& way : study.rows()) {
    if (static_cast<int>(panel.rows.size()) == kMostRows) break;
    const double energy = way.energy_per_request_j();
    const double idle = energy * way.idle_energy_share();
    Row row;
    row.label = WayWords(way);
    row.segments = {{0, energy - idle, StyleOf(0).color, "serving",
                     absl::StrCat("serving: ", Quantity(energy - idle, "J"))}};
    if (idle > 0) {
      row.segments.push_back({energy - idle, energy, "#9ecae1", "idle",
                              absl::StrCat("idle: ", Quantity(idle, "J"))});
    }
    if (way.energy_per_request_j_low() < way.energy_per_request_j_high()) {
      row.range = {way.energy_per_request_j_low(),
                   way.energy_per_request_j_high()};
    }
    row.text = absl::StrFormat("%s, %g chip%s, %.3g ms per token",
                               Quantity(energy, "J"), way.chips(),
                               way.chips() == 1 ? "" : "s",
                               way.time_per_token_ms());
    panel.rows.push_back(row);
  }
  figure.panels = {panel};
  figure.note = "Thin lines: ranges over the constants of the machines.";
  return figure;
}

}  // namespace tokenjoule
