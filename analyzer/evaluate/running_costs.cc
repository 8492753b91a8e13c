#include "analyzer/evaluate/running_costs.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/description/set_source.h"
#include "analyzer/ledger/ledger.h"
#include "proto/constant.pb.h"

namespace tokenjoule {
namespace {

constexpr double kMillion = 1e6;

// Adds the source of a constant that comes with the machine.
void AddSource(const Hardware& hardware, const char* field,
               const Constant& constant, RunningCosts* costs) {
  if (constant.source() == kSetSource) return;
  for (const Source& source : hardware.sources()) {
    if (source.id() != constant.source()) continue;
    costs->add_sources(absl::StrCat(field, ": ", source.citation(), " (",
                                    source.date(), ")"));
    return;
  }
}

void FillPrices(const Hardware& hardware, RunningCosts* costs) {
  const Node& node = hardware.node();
  if (node.has_price_per_kwh()) {
    costs->set_price_per_kwh(node.price_per_kwh().value());
    AddSource(hardware, "price_per_kwh", node.price_per_kwh(), costs);
  }
  if (node.has_price_per_chip_hour()) {
    costs->set_price_per_chip_hour(node.price_per_chip_hour().value());
    AddSource(hardware, "price_per_chip_hour", node.price_per_chip_hour(),
              costs);
  }
  if (node.has_carbon_intensity_g_per_kwh()) {
    costs->set_carbon_intensity_g_per_kwh(
        node.carbon_intensity_g_per_kwh().value());
    AddSource(hardware, "carbon_intensity_g_per_kwh",
              node.carbon_intensity_g_per_kwh(), costs);
  }
}

}  // namespace

Prices PricesOf(const Hardware& hardware, double chips) {
  Prices prices;
  const Node& node = hardware.node();
  if (node.has_price_per_kwh()) prices.per_kwh = node.price_per_kwh().value();
  if (node.has_carbon_intensity_g_per_kwh()) {
    prices.carbon_g_per_kwh = node.carbon_intensity_g_per_kwh().value();
  }
  if (!node.has_price_per_chip_hour()) return prices;
  const double own = node.price_per_chip_hour().value();
  double all = own * (chips - hardware.stage_size());
  for (const Hardware& stage : hardware.stage()) {
    all += stage.node().has_price_per_chip_hour()
               ? stage.node().price_per_chip_hour().value()
               : own;
  }
  prices.per_hour_of_chips = all;
  return prices;
}

Bounded BoundedBy(const Spread& spread) {
  return {spread.value, spread.low(), spread.high()};
}

RunningCost RunningCostOf(const Prices& prices, const Bounded& facility_j,
                          double seconds, const Bounded& money) {
  RunningCost cost;
  const Bounded kwh = facility_j.Times(1 / kJoulesPerKwh);
  cost.set_electricity_kwh(kwh.value);
  cost.set_electricity_kwh_low(kwh.low);
  cost.set_electricity_kwh_high(kwh.high);
  if (prices.per_kwh.has_value()) {
    cost.set_electricity_price(kwh.value * *prices.per_kwh);
  }
  if (prices.per_hour_of_chips.has_value()) {
    cost.set_chips_price(seconds * prices.per_second());
  }
  if (prices.has_money()) {
    cost.set_price(cost.electricity_price() + cost.chips_price());
    cost.set_price_low(money.low);
    cost.set_price_high(money.high);
  }
  if (prices.carbon_g_per_kwh.has_value()) {
    const Bounded carbon = kwh.Times(*prices.carbon_g_per_kwh);
    cost.set_co2e_g(carbon.value);
    cost.set_co2e_g_low(carbon.low);
    cost.set_co2e_g_high(carbon.high);
  }
  return cost;
}

RunningCosts RunningCostsOf(const Hardware& hardware, const Prices& prices,
                            const Scenario& scenario,
                            const StepForCosts& step) {
  const Bounded facility_j = BoundedBy(step.spreads.facility_energy);
  const Bounded money = BoundedBy(step.spreads.price);
  const double step_time_s = step.spreads.step_time.value;
  const auto cost_of = [&](double tokens) {
    return RunningCostOf(prices, facility_j.Times(tokens),
                         step_time_s / step.tokens * tokens,
                         money.Times(tokens));
  };
  RunningCosts costs;
  *costs.mutable_per_million_tokens() = cost_of(kMillion);
  FillPrices(hardware, &costs);
  if (!CarriesPrompts(scenario)) return costs;
  const double output = scenario.output();
  const double energy_j = step.spreads.energy_per_token.value;
  *costs.mutable_per_request() = cost_of(output);
  costs.set_energy_per_request_j(energy_j * output);
  costs.set_requests_per_s(step.tokens / step_time_s / output);
  if (!step.pure_energy_per_token_j.has_value()) return costs;
  // What steps without prompts would take is decoding; the rest is the prompts.
  const double decode_j = *step.pure_energy_per_token_j;
  costs.set_energy_per_output_token_j(decode_j);
  costs.set_energy_per_input_token_j((energy_j - decode_j) * output /
                                     scenario.prompt());
  if (energy_j > 0) costs.set_prefill_energy_share(1 - decode_j / energy_j);
  return costs;
}

}  // namespace tokenjoule
