#include "analyzer/report/answers/costs.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

using Reports = google::protobuf::RepeatedPtrField<Report>;

// Requests are counted in thousands, so that their money can be read.
constexpr double kRequests = 1000;

bool HasPrices(const Report& report) {
  const RunningCost& million = report.costs().per_million_tokens();
  return million.has_price() || million.has_co2e_g();
}

bool HasRequests(const Report& report) {
  return report.costs().has_energy_per_request_j();
}

std::string Money(double price) { return absl::StrFormat("%.3g", price); }

std::string MoneyBetween(double low, double high) {
  return absl::StrCat(Money(low), " to ", Money(high));
}

std::string Electricity(double kwh) { return WithUnit(kwh * 1e3, "Wh"); }

// The prices of an answer in words, with their sources.
std::string PriceLines(const RunningCosts& costs) {
  std::vector<std::string> parts;
  if (costs.has_price_per_kwh()) {
    parts.push_back(absl::StrFormat("%g per kWh", costs.price_per_kwh()));
  }
  if (costs.has_price_per_chip_hour()) {
    parts.push_back(
        absl::StrFormat("%g per chip and hour", costs.price_per_chip_hour()));
  }
  if (costs.has_carbon_intensity_g_per_kwh()) {
    parts.push_back(absl::StrFormat("%g g CO2e/kWh",
                                    costs.carbon_intensity_g_per_kwh()));
  }
  if (parts.empty()) return "";
  std::string out = absl::StrCat("  at ", absl::StrJoin(parts, ", "), "\n");
  for (const std::string& source : costs.sources()) {
    absl::StrAppend(&out, Wrapped(absl::StrCat("source of ", source)));
  }
  return out;
}

// Two cells, value and range, of an amount of `cost` times `factor`.
using Cells = std::vector<std::string>;

Cells ElectricityCells(const RunningCost& cost, double factor) {
  return {Electricity(cost.electricity_kwh() * factor),
          Between(cost.electricity_kwh_low() * factor * 1e3,
                  cost.electricity_kwh_high() * factor * 1e3, "Wh")};
}

Cells CarbonCells(const RunningCost& cost, double factor) {
  return {WithUnit(cost.co2e_g() * factor, "g"),
          Between(cost.co2e_g_low() * factor, cost.co2e_g_high() * factor,
                  "g")};
}

Cells PriceCells(const RunningCost& cost, double factor) {
  return {Money(cost.price() * factor),
          MoneyBetween(cost.price_low() * factor, cost.price_high() * factor)};
}

// The amounts per million tokens and, if there are any, per thousand requests.
std::string Amounts(const Report& report) {
  const RunningCosts& costs = report.costs();
  const RunningCost& million = costs.per_million_tokens();
  const bool requests = costs.has_per_request();
  Cells header = {"", absl::StrFormat("per million %ss", Work(report)),
                  "range"};
  if (requests) {
    header.insert(header.end(), {"per 1000 requests", "range"});
  }
  TextTable table(header);
  const auto add = [&](const char* label,
                       const std::function<Cells(const RunningCost&, double)>&
                           cells_of) {
    Cells row = {label};
    const auto append = [&row](const Cells& cells) {
      row.insert(row.end(), cells.begin(), cells.end());
    };
    append(cells_of(million, 1));
    if (requests) append(cells_of(costs.per_request(), kRequests));
    table.AddRow(row);
  };
  add("electricity", ElectricityCells);
  if (million.has_co2e_g()) add("CO2e", CarbonCells);
  const bool both =
      million.has_electricity_price() && million.has_chips_price();
  if (million.has_price()) {
    add(both                              ? "money"
        : million.has_electricity_price() ? "money, electricity"
                                          : "money, chips",
        PriceCells);
  }
  if (both) {
    add("  of electricity", [](const RunningCost& cost, double factor) {
      return Cells{Money(cost.electricity_price() * factor), ""};
    });
    add("  of chips", [](const RunningCost& cost, double factor) {
      return Cells{Money(cost.chips_price() * factor), ""};
    });
  }
  return table.ToString(2);
}

// The energy of a request by prompt and output.
std::string Request(const Report& report) {
  if (!HasRequests(report)) return "";
  const RunningCosts& costs = report.costs();
  const Scenario& scenario = report.scenario();
  TextTable table({"", "", ""});
  const double request_j = costs.energy_per_request_j();
  table.AddRow({"energy", WithUnit(request_j, "J"),
                absl::StrCat(Percent(costs.prefill_energy_share()),
                             " of it reads the prompt")});
  table.AddRow({"input token", WithUnit(costs.energy_per_input_token_j(), "J"),
                absl::StrFormat("times %g tokens of the prompt",
                                scenario.prompt())});
  table.AddRow(
      {"output token", WithUnit(costs.energy_per_output_token_j(), "J"),
       absl::StrFormat("times %g tokens, decoded once the prompt has been read",
                       scenario.output())});
  table.AddRow({"throughput",
                absl::StrFormat("%.4g requests/s", costs.requests_per_s()),
                absl::StrFormat("at batch %g", scenario.batch())});
  return absl::StrCat("\nA request, at the ", BoundaryLabel(scenario.boundary()),
                      "\n", table.ToString(2));
}

// One row per answer, named by `label` under `header`.
std::string CostRows(const Reports& reports, const std::string& header,
                     const std::function<std::string(const Report&)>& label) {
  if (reports.empty()) return "";
  const Report& first = reports[0];
  std::string out;
  if (HasPrices(first)) {
    const RunningCost& million = first.costs().per_million_tokens();
    Cells names = {header, "electricity", "range"};
    if (million.has_co2e_g()) names.push_back("CO2e");
    if (million.has_price()) names.insert(names.end(), {"money", "range"});
    TextTable table(names);
    for (const Report& row : reports) {
      const RunningCost& cost = row.costs().per_million_tokens();
      Cells cells = {label(row)};
      const auto append = [&cells](const Cells& more) {
        cells.insert(cells.end(), more.begin(), more.end());
      };
      append(ElectricityCells(cost, 1));
      if (million.has_co2e_g()) cells.push_back(CarbonCells(cost, 1)[0]);
      if (million.has_price()) append(PriceCells(cost, 1));
      table.AddRow(cells);
    }
    absl::StrAppendFormat(
        &out, "\nCosts per million %ss, with electricity at the facility\n%s%s",
        Work(first), table.ToString(2), PriceLines(first.costs()));
  }
  if (!HasRequests(first)) return out;
  TextTable table({header, "J/request", "J/input token", "J/output token",
                   "prefill", "first token", "requests/s"});
  for (const Report& row : reports) {
    const RunningCosts& costs = row.costs();
    table.AddRow({label(row), WithUnit(costs.energy_per_request_j(), "J"),
                  WithUnit(costs.energy_per_input_token_j(), "J"),
                  WithUnit(costs.energy_per_output_token_j(), "J"),
                  Percent(costs.prefill_energy_share()),
                  WithUnit(row.time_to_first_token_s(), "s"),
                  absl::StrFormat("%.4g", costs.requests_per_s())});
  }
  absl::StrAppendFormat(
      &out, "\nRequests: prompts of %g, outputs of %g tokens, at the %s\n%s",
      first.scenario().prompt(), first.scenario().output(),
      BoundaryLabel(first.scenario().boundary()), table.ToString(2));
  return out;
}

}  // namespace

std::string CostTables(const Report& report) {
  return absl::StrCat("\nCosts, with electricity at the facility\n",
                      Amounts(report), PriceLines(report.costs()),
                      Request(report));
}

std::string BatchCostTables(const Reports& reports) {
  return CostRows(reports, "batch", [](const Report& row) {
    return absl::StrFormat("%g", row.scenario().batch());
  });
}

std::string MachineCostTables(const Reports& reports) {
  return CostRows(reports, "machine",
                  [](const Report& row) { return row.hardware(); });
}

std::string CostChanges(const Report& first, const Report& second) {
  const bool prices = HasPrices(first) || HasPrices(second);
  const bool requests = HasRequests(first) || HasRequests(second);
  if (!prices && !requests) return "";
  TextTable table({"", "first", "second", "ratio"});
  // A number of one of the two answers; `has` says whether it has it.
  const auto add = [&](const std::string& label, const auto& has,
                       const auto& value, const auto& text) {
    if (!has(first) && !has(second)) return;
    const auto cell = [&](const Report& report) {
      return has(report) ? text(value(report)) : std::string();
    };
    const bool both = has(first) && has(second) && value(first) > 0;
    table.AddRow({label, cell(first), cell(second),
                  both ? absl::StrFormat("x %.3g", value(second) / value(first))
                       : ""});
  };
  const auto joules = [](double joules) { return WithUnit(joules, "J"); };
  const auto million = [](const Report& report) -> const RunningCost& {
    return report.costs().per_million_tokens();
  };
  const std::string per_million =
      absl::StrFormat(" per million %ss", Work(first));
  add(absl::StrCat("electricity", per_million),
      [](const Report&) { return true; },
      [&](const Report& r) { return million(r).electricity_kwh(); },
      Electricity);
  add(absl::StrCat("CO2e", per_million),
      [&](const Report& r) { return million(r).has_co2e_g(); },
      [&](const Report& r) { return million(r).co2e_g(); },
      [](double grams) { return WithUnit(grams, "g"); });
  add(absl::StrCat("money", per_million),
      [&](const Report& r) { return million(r).has_price(); },
      [&](const Report& r) { return million(r).price(); }, Money);
  const auto add_joules = [&](const char* label, const auto& value) {
    add(label, HasRequests, value, joules);
  };
  add_joules("J/request",
             [](const Report& r) { return r.costs().energy_per_request_j(); });
  add_joules("J/input token", [](const Report& r) {
    return r.costs().energy_per_input_token_j();
  });
  add_joules("J/output token", [](const Report& r) {
    return r.costs().energy_per_output_token_j();
  });
  add("money per 1000 requests",
      [](const Report& r) { return r.costs().per_request().has_price(); },
      [](const Report& r) {
        return r.costs().per_request().price() * kRequests;
      },
      Money);
  add("first token", HasRequests,
      [](const Report& r) { return r.time_to_first_token_s(); },
      [](double seconds) { return WithUnit(seconds, "s"); });
  add("requests/s", HasRequests,
      [](const Report& r) { return r.costs().requests_per_s(); },
      [](double rate) { return absl::StrFormat("%.4g", rate); });
  return absl::StrCat("\nCosts, with electricity at the facility\n",
                      table.ToString(2));
}

}  // namespace tokenjoule
