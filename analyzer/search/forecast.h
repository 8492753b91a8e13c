// How long a search takes, told while little of it is done.

#ifndef ANALYZER_SEARCH_FORECAST_H_
#define ANALYZER_SEARCH_FORECAST_H_

#include <chrono>
#include <functional>
#include <utility>

#include "absl/status/status.h"

namespace tokenjoule {

// Told once, some `seconds` before the end of a search at the rate of its first
// second. If it returns an error the search stops and fails with it.
using ForecastFunction = std::function<absl::Status(double seconds)>;

// Watches a search from its beginning, where it is made. Not for several threads at
// once.
class Forecast {
 public:
  // `told` may be empty: there is then no forecast.
  explicit Forecast(ForecastFunction told) : told_(std::move(told)) {}

  // Takes the share of the work that is done, 0 to 1. From the first second on,
  // once some of it is done, tells the time that is left; returns what that
  // returned.
  absl::Status Take(double share) {
    if (!told_ || is_told_ || !(share > 0)) return absl::OkStatus();
    const std::chrono::duration<double> elapsed =
        std::chrono::steady_clock::now() - start_;
    if (elapsed.count() < 1) return absl::OkStatus();
    is_told_ = true;
    return told_(elapsed.count() * (1 - share) / share);
  }

 private:
  const ForecastFunction told_;
  const std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
  bool is_told_ = false;
};

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_FORECAST_H_
