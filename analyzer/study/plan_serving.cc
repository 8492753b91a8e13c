#include "analyzer/study/plan_serving.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/strings/string_view.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/cost/idle.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/formats.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/evaluate/running_costs.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"

namespace tokenjoule {
namespace {

constexpr char kOwnFormat[] = "own";

// Degrees of parallelism of a replica.
struct Split {
  int tp, pp, ep;
};

// One way: what is chosen on a machine.
struct Way {
  const PlanMachine* machine;
  // Degrees that the command line has to name even if they are 1.
  bool has_tp, has_pp, has_ep;
  std::string weights;  // empty: the checkpoint's own
  Split split;
};

// A number that is tried: the fixed one, or powers of two up to `most`.
std::vector<int> Degrees(const absl::optional<int>& fixed, int most) {
  if (fixed.has_value()) return {*fixed};
  std::vector<int> degrees;
  for (int degree = 1; degree <= most; degree *= 2) degrees.push_back(degree);
  return degrees;
}

bool HasExperts(const Model& model) {
  return absl::c_any_of(model.block(), [](const Block& block) {
    return block.has_moe();
  });
}

std::vector<Split> SplitsOf(const Model& model, const PlanOptions& options) {
  std::vector<Split> splits;
  const int most = options.max_chips;
  const std::vector<int> eps =
      HasExperts(model) ? Degrees(options.ep, most)
                        : std::vector<int>{options.ep.value_or(1)};
  for (const int tp : Degrees(options.tp, most)) {
    for (const int pp : Degrees(options.pp, most)) {
      for (const int ep : eps) {
        if (std::max(tp, ep) * pp > most) continue;
        splits.push_back({tp, pp, ep});
      }
    }
  }
  return splits;
}

// The formats of weights to try; empty text: the checkpoint's own.
std::vector<std::string> FormatsFor(const Setup& setup,
                                    const PlanOptions& options) {
  std::vector<std::string> formats;
  if (!options.weights.empty()) {
    for (const std::string& format : options.weights) {
      formats.push_back(format == kOwnFormat ? "" : format);
    }
    return formats;
  }
  formats.push_back("");
  if (!setup.scenario.weights().empty()) return formats;
  const ResolvedSetup resolved(setup);
  const double own = std::min({ElementBits(*resolved.formats().linear),
                               ElementBits(*resolved.formats().mixers),
                               ElementBits(*resolved.formats().experts)});
  const MachineStructure structure = MachineFor(resolved).structure;
  for (int i = 0; i < structure.num_rates; ++i) {
    const NumberFormat& format = *structure.rates[i].format;
    const std::string name(format.name);
    if (ElementBits(format) < own && !absl::c_linear_search(formats, name)) {
      formats.push_back(name);
    }
  }
  return formats;
}

Setup SetupOf(const Way& way) {
  Setup setup = *way.machine->setup;
  Scenario& scenario = setup.scenario;
  if (!way.weights.empty()) scenario.set_weights(way.weights);
  scenario.set_tp(way.split.tp);
  scenario.set_pp(way.split.pp);
  scenario.set_ep(way.split.ep);
  scenario.set_dp(1);
  scenario.set_batch(static_cast<double>(
      std::max<int64_t>(1, ParallelismOf(scenario).replicas)));
  return setup;
}

// ", tp 2, pp 2"; empty for one chip.
std::string SplitWords(const Split& split) {
  std::string out;
  for (const auto& [name, degree] :
       {std::make_pair("tp", split.tp), std::make_pair("pp", split.pp),
        std::make_pair("ep", split.ep)}) {
    if (degree > 1) absl::StrAppend(&out, ", ", name, " ", degree);
  }
  return out;
}

// A way in words: "b200 in fp8, tp 2".
std::string WordsOf(const Way& way) {
  return absl::StrCat(way.machine->name,
                      way.weights.empty() ? "" : absl::StrCat(" in ", way.weights),
                      SplitWords(way.split));
}

// One replica at one batch.
struct Operation {
  double batch = 0;
  double requests_per_s = 0;
  double time_per_token_s = 0;
  double first_token_s = 0;
  // Whether prompts are admitted as fast as sequences end.
  bool keeps_pace = true;
};

class Replica {
 public:
  explicit Replica(const Setup& setup)
      : setup_(setup), analysis_(setup_, kFiguresOnly) {}

  const ResolvedSetup& setup() const { return setup_; }
  // One sequence on each group of chips that has its own.
  double smallest_batch() const {
    return static_cast<double>(setup_.parallel().replicas);
  }

  absl::StatusOr<Operation> At(double batch) {
    ASSIGN_OR_RETURN(const Report report, ReportAt(batch));
    Operation at;
    at.batch = batch;
    at.requests_per_s = report.costs().requests_per_s();
    at.time_per_token_s =
        report.step_time_s() / report.tokens_per_sequence_step();
    at.first_token_s = report.time_to_first_token_s();
    at.keeps_pace = KeepsPace(report);
    return at;
  }
  absl::StatusOr<Report> ReportAt(double batch) {
    setup_.set_batch(batch);
    return analysis_.Answer();
  }

 private:
  // Whether the steps have room for the prompts that enter: newcomers of a step,
  // as AdmittingTokens counts them, bring at most what a step carries beside the
  // decoded tokens.
  bool KeepsPace(const Report& report) const {
    const Scenario& scenario = setup_.scenario();
    if (!(scenario.step_token_budget() > 0)) return true;
    const double groups = smallest_batch();
    const double sequences =
        scenario.batch() / groups /
        std::min<double>(setup_.parallel().pp, scenario.batch() / groups);
    const double queries =
        scenario.has_speculation()
            ? scenario.speculation().draft_tokens() + 1.0
            : 1.0;
    const double newcomers =
        sequences * report.tokens_per_sequence_step() / scenario.output();
    return newcomers * (scenario.prompt() - scenario.shared_prefix_tokens()) <=
           scenario.step_token_budget() - sequences * queries;
  }

  ResolvedSetup setup_;
  Analysis analysis_;
};

bool Meets(const Operation& at, const PlanOptions& options) {
  const auto within = [](double seconds, double limit_ms) {
    return limit_ms == 0 || seconds * 1e3 <= limit_ms;
  };
  return at.keeps_pace &&
         within(at.time_per_token_s, options.max_time_per_token_ms) &&
         within(at.first_token_s, options.max_time_to_first_token_ms);
}

// What came nearest to a limit without meeting it.
struct Miss {
  // By how much, 1 being the limit; infinite: nothing came near.
  double factor = std::numeric_limits<double>::infinity();
  std::string words;

  void Add(double miss, const std::string& what) {
    if (!(miss < factor)) return;
    factor = miss;
    words = what;
  }
};

// Factor by which one sequence misses the limits, and which limit.
void AddMiss(const Operation& at, const Way& way, const PlanOptions& options,
             Miss* miss) {
  const auto add = [&](double seconds, double limit_ms, const char* what) {
    return limit_ms > 0 ? std::make_pair(seconds * 1e3 / limit_ms,
                                         absl::StrFormat(
                                             "%.3g ms %s at batch %g, the limit "
                                             "being %g ms",
                                             seconds * 1e3, what, at.batch,
                                             limit_ms))
                        : std::make_pair(0.0, std::string());
  };
  const auto worst = std::max(
      add(at.time_per_token_s, options.max_time_per_token_ms, "per token"),
      add(at.first_token_s, options.max_time_to_first_token_ms,
          "to the first token"));
  miss->Add(worst.first, absl::StrCat(WordsOf(way), ", ", worst.second));
}

// The largest batch that meets the limits, at most `most`, of whole sequences on
// each group; the smallest one meets them. Times grow with the batch, as
// LargestBatchWithin of batch.cc explains.
absl::StatusOr<Operation> LargestWithin(Replica* replica, int64_t most,
                                        const PlanOptions& options,
                                        Operation meets) {
  const int64_t groups = static_cast<int64_t>(replica->smallest_batch());
  int64_t low = 1, high = most / groups + 1;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    ASSIGN_OR_RETURN(const Operation at,
                     replica->At(static_cast<double>(middle * groups)));
    if (Meets(at, options)) {
      low = middle;
      meets = at;
    } else {
      high = middle;
    }
  }
  return meets;
}

// The batch between two operations at which a replica completes `requests_per_s`.
absl::StatusOr<double> BatchCompleting(Replica* replica, double low, double high,
                                       double requests_per_s) {
  constexpr double kPrecision = 1e-10;
  while (high / low > 1 + kPrecision) {
    const double middle = std::sqrt(low * high);
    ASSIGN_OR_RETURN(const Operation at, replica->At(middle));
    (at.requests_per_s < requests_per_s ? low : high) = middle;
  }
  return high;
}

// Power that the chips of a replica draw while they have nothing to do, at a
// boundary, W. The range contains that of the constants and, at its upper end,
// that of clocks which stay where they are set.
Bounded IdlePower(const ResolvedSetup& setup, int boundary) {
  const double chips = static_cast<double>(setup.parallel().chips());
  const auto power_of = [&](const Machine<>& machine, double clock) {
    return InJoules(EnergyInside(
        IdleTerms(chips, Seconds(1.0), clock, machine), boundary));
  };
  const Machine<> machine = MachineFor(setup);
  Spread power;
  power.value = power_of(machine, IdleClock(machine));
  ForEachConstant(setup.hardware(), [&](const std::string&,
                                        const Constant& constant, const auto&) {
    for (const double value : {constant.low(), constant.high()}) {
      if (value == constant.value()) continue;
      const Machine<> moved =
          MachineFor<double>(setup, MovedReader{&constant, value});
      power.Add(power_of(moved, IdleClock(moved)));
    }
  });
  power.Reach(power.value, power_of(machine, machine.costs.clock.set));
  return BoundedBy(power);
}

Bounded Sum(const Bounded& a, const Bounded& b) {
  return {a.value + b.value, a.low + b.low, a.high + b.high};
}

// One way at the traffic.
struct Load {
  Way way;
  double replicas = 0;
  double batch = 0;
  double most_batch = 0;
  double busy_share = 1;
  // Of each replica.
  double requests_per_s = 0;
  // What ways are ranked by: J or money per request.
  double objective = 0;
};

// The command line of one replica.
std::string CommandOf(const Way& way, double batch) {
  std::string out = way.machine->command;
  if (!way.weights.empty()) absl::StrAppend(&out, " --weights=", way.weights);
  const auto add = [&out](const char* name, int degree, bool always) {
    if (degree > 1 || always) absl::StrAppend(&out, " --", name, "=", degree);
  };
  add("tp", way.split.tp, way.has_tp);
  add("pp", way.split.pp, way.has_pp);
  add("ep", way.split.ep, way.has_ep);
  absl::StrAppendFormat(&out, " --batch=%.12g", batch);
  return out;
}

// "fp8 from bf16" where the weights were converted from the checkpoint's format.
std::string WeightsWords(const Way& way, const ResolvedSetup& setup) {
  const std::string used = setup.Described().weights();
  Setup own = *way.machine->setup;
  own.scenario.clear_weights();
  const std::string given = ResolvedSetup(std::move(own)).Described().weights();
  return used == given ? used : absl::StrCat(used, " from ", given);
}

// Energy, electricity and money per request of one way, with idle time.
struct PerRequest {
  Bounded energy_j, idle_j, facility_j, money;
  double seconds = 0;
};

PerRequest PerRequestOf(const Load& load, const Report& at,
                        const Prices& prices, const Bounded& idle_w,
                        const Bounded& idle_facility_w) {
  const double output = at.scenario().output();
  const double idle_s = (1 - load.busy_share) / load.requests_per_s;
  const RunningCost& request = at.costs().per_request();
  PerRequest out;
  out.idle_j = idle_w.Times(idle_s);
  out.energy_j = Sum(Bounded{at.energy_per_token_j(),
                             at.energy_per_token_j_low(),
                             at.energy_per_token_j_high()}
                         .Times(output),
                     out.idle_j);
  out.facility_j = Sum(Bounded{request.electricity_kwh(),
                               request.electricity_kwh_low(),
                               request.electricity_kwh_high()}
                           .Times(kJoulesPerKwh),
                       idle_facility_w.Times(idle_s));
  // Chips are paid whether they work or not.
  out.seconds = 1 / load.requests_per_s;
  const double chips = out.seconds * prices.per_second();
  out.money = Sum(out.facility_j.Times(prices.per_joule()),
                  Bounded{chips, chips, chips});
  return out;
}

// Bounded of a value alone.
Bounded Exactly(double value) { return {value, value, value}; }

class Planner {
 public:
  explicit Planner(const PlanOptions& options) : options_(options) {}

  // A machine that cannot run the scenario at all.
  void Refuse(const std::string& name, absl::string_view reason) {
    refused_[name] = absl::StrReplaceAll(reason, {{"\n", "; "}});
  }

  // Finds the load of a way; counts it where there is none.
  absl::Status Try(const Way& way);

  absl::StatusOr<PlanStudy> Answer(absl::Span<const PlanMachine> machines);

 private:
  absl::StatusOr<PlanRow> RowOf(const Load& load) const;
  void LeaveOut(const std::string& reason) { ++left_out_[reason]; }

  const PlanOptions& options_;
  std::vector<Load> loads_;
  std::map<std::string, double> left_out_;
  // Nearest misses, of all and by machine.
  Miss of_memory_, of_limits_;
  std::map<std::string, Miss> by_machine_;
  // Machines that cannot run the scenario, with the reason.
  std::map<std::string, std::string> refused_;
  double candidates_ = 0;
};

// "weights and KV cache take 82.3 GB of 23.9 GB usable", from the warning of an
// answer, without its advice.
std::string WhyItDoesNotFit(const Report& report) {
  constexpr absl::string_view kPrefix = "does not fit: ";
  for (const absl::string_view warning : report.warnings()) {
    if (!absl::StartsWith(warning, kPrefix)) continue;
    return std::string(
        absl::StripPrefix(warning.substr(0, warning.find(';')), kPrefix));
  }
  return "does not fit";
}

absl::Status Planner::Try(const Way& way) {
  const Setup setup = SetupOf(way);
  const absl::Status valid = Validate(setup);
  if (!valid.ok()) {
    LeaveOut(std::string(valid.message()));
    return absl::OkStatus();
  }
  ++candidates_;
  Replica replica(setup);
  const double smallest = replica.smallest_batch();
  ASSIGN_OR_RETURN(const Report first, replica.ReportAt(smallest));
  Miss& its_miss = by_machine_[way.machine->name];
  if (first.max_batch() < smallest) {
    LeaveOut("does not fit in memory");
    // Arrays that hold weights may be full while the memory as a whole is not.
    const double factor = std::max(
        1.0, first.memory_used_bytes() / first.memory_usable_bytes());
    const std::string words =
        absl::StrCat(WordsOf(way), ": ", WhyItDoesNotFit(first));
    of_memory_.Add(factor, words);
    // Missing a limit is nearer than not fitting.
    its_miss.Add(1e9 * factor, absl::StrCat("DOES NOT FIT: ", words));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Operation at_smallest, replica.At(smallest));
  if (!Meets(at_smallest, options_)) {
    LeaveOut("misses a limit at any batch");
    AddMiss(at_smallest, way, options_, &of_limits_);
    AddMiss(at_smallest, way, options_, &its_miss);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(
      const Operation most,
      LargestWithin(&replica, first.max_batch(), options_, at_smallest));

  Load load;
  load.way = way;
  load.most_batch = most.batch;
  // A little less than a whole replica is a rounding error.
  constexpr double kRounding = 1e-9;
  load.replicas = std::max(
      1.0, std::ceil(options_.requests_per_s /
                         (most.requests_per_s * options_.max_busy_share) -
                     kRounding));
  load.requests_per_s = options_.requests_per_s / load.replicas;
  load.batch = smallest;
  load.busy_share =
      std::min(1.0, load.requests_per_s / at_smallest.requests_per_s);
  if (load.requests_per_s > at_smallest.requests_per_s) {
    ASSIGN_OR_RETURN(load.batch,
                     BatchCompleting(&replica, smallest, most.batch,
                                     load.requests_per_s));
  }
  ASSIGN_OR_RETURN(const Report at, replica.ReportAt(load.batch));
  const ResolvedSetup& resolved = replica.setup();
  const double chips = static_cast<double>(resolved.parallel().chips());
  const Prices prices = PricesOf(resolved.hardware(), chips);
  const Machine<> machine = MachineFor(resolved);
  const EnergyTerms<> idle =
      IdleTerms(chips, Seconds(1.0), IdleClock(machine), machine);
  const PerRequest request = PerRequestOf(
      load, at, prices,
      Exactly(InJoules(EnergyInside(idle, resolved.boundary()))),
      Exactly(InJoules(EnergyInside(idle, kFacilityBoundary))));
  load.objective =
      options_.by_money ? request.money.value : request.energy_j.value;
  loads_.push_back(load);
  return absl::OkStatus();
}

absl::StatusOr<PlanRow> Planner::RowOf(const Load& load) const {
  Setup setup = SetupOf(load.way);
  setup.scenario.set_batch(load.batch);
  const ResolvedSetup resolved(setup);
  ASSIGN_OR_RETURN(const Report at, Analyze(setup, kWithRanges));
  const double chips = at.num_chips();
  const Prices prices = PricesOf(setup.hardware, chips);
  const bool idles = load.busy_share < 1;
  const PerRequest request = PerRequestOf(
      load, at, prices,
      idles ? IdlePower(resolved, resolved.boundary()) : Bounded(),
      idles ? IdlePower(resolved, kFacilityBoundary) : Bounded());
  PlanRow row;
  row.set_hardware(at.hardware());
  row.set_runtime(at.runtime());
  row.set_evidence(at.evidence());
  row.set_weights(WeightsWords(load.way, resolved));
  row.set_kv(at.scenario().kv());
  row.set_tp(load.way.split.tp);
  row.set_pp(load.way.split.pp);
  row.set_ep(load.way.split.ep);
  row.set_replicas(load.replicas);
  row.set_chips(load.replicas * chips);
  row.set_batch(load.batch);
  row.set_most_batch(load.most_batch);
  row.set_busy_share(load.busy_share);
  row.set_time_per_token_ms(at.step_time_s() / at.tokens_per_sequence_step() *
                            1e3);
  row.set_time_to_first_token_ms(at.time_to_first_token_s() * 1e3);
  row.set_energy_per_request_j(request.energy_j.value);
  row.set_energy_per_request_j_low(request.energy_j.low);
  row.set_energy_per_request_j_high(request.energy_j.high);
  row.set_idle_energy_share(request.energy_j.value > 0
                                ? request.idle_j.value / request.energy_j.value
                                : 0);
  row.set_energy_per_output_token_j(request.energy_j.value /
                                    at.scenario().output());
  row.set_power_w(request.energy_j.value * options_.requests_per_s);
  *row.mutable_per_request() = RunningCostOf(prices, request.facility_j,
                                             request.seconds, request.money);
  row.set_command(CommandOf(load.way, load.batch));
  return row;
}

// "24.7 J", "21200 J".
std::string Joules(double joules) {
  return joules < 1000 ? absl::StrFormat("%.3g J", joules)
                       : absl::StrFormat("%.0f J", joules);
}

std::string Counted(double number, const char* noun) {
  return absl::StrFormat("%g %s%s", number, noun, number == 1 ? "" : "s");
}

absl::StatusOr<PlanStudy> Planner::Answer(
    absl::Span<const PlanMachine> machines) {
  PlanStudy study;
  const Setup& first = *absl::c_find_if(machines, [&](const PlanMachine& one) {
                          return one.setup.ok() && refused_.count(one.name) == 0;
                        })->setup;
  study.set_model(first.model.name());
  study.set_prompt(first.scenario.prompt());
  study.set_output(first.scenario.output());
  study.set_requests_per_s(options_.requests_per_s);
  study.set_max_time_per_token_ms(options_.max_time_per_token_ms);
  study.set_max_time_to_first_token_ms(options_.max_time_to_first_token_ms);
  study.set_objective(options_.by_money ? "money" : "energy");
  study.set_boundary(ResolvedSetup(first).Described().boundary());
  study.set_candidates(candidates_);

  absl::c_stable_sort(loads_, [](const Load& a, const Load& b) {
    return a.objective < b.objective;
  });
  std::map<std::string, bool> has_row;
  for (const Load& load : loads_) {
    const std::string& name = load.way.machine->name;
    if (has_row[name] && !options_.all_ways) continue;
    has_row[name] = true;
    ASSIGN_OR_RETURN(*study.add_rows(), RowOf(load));
  }
  for (const auto& [reason, ways] : left_out_) {
    InvalidReason* left_out = study.add_left_out();
    left_out->set_reason(reason);
    left_out->set_points(ways);
  }
  absl::c_stable_sort(*study.mutable_left_out(),
                      [](const InvalidReason& a, const InvalidReason& b) {
                        return a.points() > b.points();
                      });

  std::vector<std::string> sentences;
  if (study.rows().empty()) {
    const bool limits = !of_limits_.words.empty();
    sentences.push_back(
        limits                       ? "NO WAY MEETS THE LIMITS."
        : !of_memory_.words.empty() ? "DOES NOT FIT on any machine."
                                    : "NO MACHINE RUNS THIS.");
    const Miss& nearest = limits ? of_limits_ : of_memory_;
    if (!nearest.words.empty()) {
      sentences.push_back(absl::StrCat(
          "Nearest: ", nearest.words,
          nearest.factor > 1
              ? absl::StrFormat(", %.3g times as much.", nearest.factor)
              : "."));
    }
  } else {
    const PlanRow& best = study.rows(0);
    sentences.push_back(absl::StrFormat(
        "%s takes least %s: %sin %s%s; %s of %s at batch %.3g; %s per "
        "request at the %s, range %s to %s.",
        best.hardware(), study.objective(),
        best.runtime().empty() ? "" : absl::StrCat("by ", best.runtime(), " "),
        best.weights(),
        SplitWords({best.tp(), best.pp(), best.ep()}), Counted(best.replicas(), "replica"),
        Counted(best.chips() / best.replicas(), "chip"), best.batch(),
        Joules(best.energy_per_request_j()), study.boundary(),
        Joules(best.energy_per_request_j_low()),
        Joules(best.energy_per_request_j_high())));
  }
  for (const PlanMachine& machine : machines) {
    const std::string& name = machine.name;
    const auto refused = refused_.find(name);
    const bool is_refused = refused != refused_.end();
    if (has_row[name] || (study.rows().empty() && !is_refused)) continue;
    // Two runtimes of a machine have one line.
    has_row[name] = true;
    const Miss& miss = by_machine_[name];
    sentences.push_back(absl::StrCat(
        name, " is left out: ",
        is_refused            ? refused->second
        : !miss.words.empty() ? miss.words
                              : "no way of splitting the model is possible",
        "."));
  }
  study.set_summary(absl::StrJoin(sentences, "\n"));
  return study;
}

absl::Status CheckOptions(const PlanOptions& options) {
  std::vector<std::string> faults;
  const auto require = [&](bool holds, const char* fault) {
    if (!holds) faults.emplace_back(fault);
  };
  // Written so that NaN fails.
  const auto limit = [](double x) { return x >= 0 && std::isfinite(x); };
  require(options.requests_per_s >= 1e-9 && options.requests_per_s <= 1e12,
          "requests_per_s: expected 1e-9 to 1e12");
  require(limit(options.max_time_per_token_ms),
          "max_time_per_token_ms: expected a time in ms");
  require(limit(options.max_time_to_first_token_ms),
          "max_time_to_first_token_ms: expected a time in ms");
  require(options.max_busy_share >= 0.001 && options.max_busy_share <= 1,
          "max_busy_share: expected 0.001 to 1");
  require(options.max_chips >= 1 && options.max_chips <= 65536,
          "max_chips: expected 1 to 65536");
  for (const std::string& format : options.weights) {
    if (format == kOwnFormat || FindFormat(format) != nullptr) continue;
    faults.push_back(absl::StrCat(
        "weights: ", UnknownNameMessage("number format", format, FormatNames(),
                                        "`tokenjoule list formats`")));
  }
  if (faults.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
}

absl::Status CheckSetup(const Setup& setup, const PlanOptions& options) {
  RETURN_IF_ERROR(RequireLanguageModel(setup, "plan"));
  RETURN_IF_ERROR(RequireOneMachine(setup, "plan"));
  if (!CarriesPrompts(setup.scenario)) {
    return absl::InvalidArgumentError(
        "plan needs the lengths of prompts and outputs: --prompt and --output");
  }
  if (setup.scenario.static_batch()) {
    return absl::InvalidArgumentError(
        "static_batch: sequences start together, but the requests of a plan "
        "arrive one by one");
  }
  if (setup.scenario.dp() > 1) {
    return absl::InvalidArgumentError(
        "dp: plan finds the number of replicas itself");
  }
  if (options.by_money && !PricesOf(setup.hardware, 1).has_money()) {
    return absl::InvalidArgumentError(absl::StrCat(
        setup.hardware.name(),
        " has no price: money needs --chip-hour-price or --price-per-kwh"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PlanStudy> PlanServing(absl::Span<const PlanMachine> machines,
                                      const PlanOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  if (machines.empty()) {
    return absl::InvalidArgumentError("no machine to plan with");
  }
  Planner planner(options);
  std::vector<std::string> reasons;
  for (const PlanMachine& machine : machines) {
    const auto refuse = [&](const absl::Status& status) {
      planner.Refuse(machine.name, status.message());
      reasons.push_back(absl::StrCat(machine.name, ": ", status.message()));
    };
    if (!machine.setup.ok()) {
      refuse(machine.setup.status());
      continue;
    }
    RETURN_IF_ERROR(CheckSetup(*machine.setup, options));
    const absl::Status valid = Validate(*machine.setup);
    if (!valid.ok()) {
      refuse(valid);
      continue;
    }
    for (const std::string& weights : FormatsFor(*machine.setup, options)) {
      for (const Split& split : SplitsOf(machine.setup->model, options)) {
        RETURN_IF_ERROR(planner.Try({&machine, options.tp.has_value(),
                                     options.pp.has_value(),
                                     options.ep.has_value(), weights, split}));
      }
    }
  }
  if (reasons.size() == machines.size()) {
    return absl::InvalidArgumentError(absl::StrJoin(reasons, "\n"));
  }
  return planner.Answer(machines);
}

}  // namespace tokenjoule
