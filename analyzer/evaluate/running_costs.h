// What tokens and requests cost: electricity at the facility, money, emissions,
// and the joules of a request by prompt and output.

#ifndef ANALYZER_EVALUATE_RUNNING_COSTS_H_
#define ANALYZER_EVALUATE_RUNNING_COSTS_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "analyzer/evaluate/ranges.h"
#include "analyzer/evaluate/setup.h"
#include "proto/hardware.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {

inline constexpr double kJoulesPerKwh = 3.6e6;
inline constexpr double kSecondsPerHour = 3600;

// The prices that the node of a machine states. None has a default: what is
// absent is unknown, not free.
struct Prices {
  // Of a kWh at the facility, and of an hour of all chips of the system.
  absl::optional<double> per_kwh;
  absl::optional<double> per_hour_of_chips;
  // Emissions of a kWh, g CO2e.
  absl::optional<double> carbon_g_per_kwh;

  // Money of a joule at the facility, and of a second of the system; 0 without
  // that price.
  double per_joule() const { return per_kwh.value_or(0) / kJoulesPerKwh; }
  double per_second() const {
    return per_hour_of_chips.value_or(0) / kSecondsPerHour;
  }
  bool has_money() const {
    return per_kwh.has_value() || per_hour_of_chips.has_value();
  }
};

// The prices of a machine, with `chips` of it in the system. In a pipeline of
// unlike machines, a machine without a price of its own has that of the first;
// electricity is that of the first.
Prices PricesOf(const Hardware& hardware, double chips);

// A number with its range.
struct Bounded {
  double value = 0;
  double low = 0;
  double high = 0;

  Bounded Times(double factor) const {
    return {value * factor, low * factor, high * factor};
  }
};
Bounded BoundedBy(const Spread& spread);

// What some work costs that takes `facility_j` at the facility and `seconds` of
// the system. `money` is its price, of which the value is
// facility_j x per_joule + seconds x per_second.
RunningCost RunningCostOf(const Prices& prices, const Bounded& facility_j,
                          double seconds, const Bounded& money);

// The numbers of a step that running costs are made of.
struct StepForCosts {
  // Tokens that the step yields, and the ranges of its answer.
  double tokens = 1;
  const Spreads& spreads;
  // Energy per token of a step without prompts, J at the answer's boundary;
  // absent in pure decode.
  absl::optional<double> pure_energy_per_token_j;
};

// Report.costs.
RunningCosts RunningCostsOf(const Hardware& hardware, const Prices& prices,
                            const Scenario& scenario, const StepForCosts& step);

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_RUNNING_COSTS_H_
