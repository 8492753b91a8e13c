#include "analyzer/evaluate/ranges.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "analyzer/cost/pack.h"
#include "analyzer/cost/pack_kernel.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/machine/slots.h"
#include "analyzer/machine/traced.h"
#include "proto/constant.pb.h"

namespace tokenjoule {
namespace {

// A constant at one end of its range.
struct End {
  const Constant* constant;
  double value;
};

// Time and energy terms with one constant at one end of its range.
struct EndCost {
  double step_time_s = 0;
  std::array<double, kNumEnergyTerms> terms_j = {};
};

// A constant of the machine with a range, and how it affects a step.
struct Influence {
  const Constant* constant;
  bool on_answer = false;
  // Whether it affects numbers that lowering reads, so that the step must be
  // lowered again.
  bool on_placement = false;
};

// Whether a constant affects only area and cost, not time or energy.
bool IsOfSilicon(const std::string& path) {
  return absl::StartsWith(path, "silicon.") ||
         absl::StrContains(path, ".silicon.");
}

std::vector<Influence> ConstantsWithRange(const Hardware& hardware) {
  std::vector<Influence> all;
  ForEachConstant(hardware, [&](const std::string& path,
                                const Constant& constant, const auto&) {
    if (constant.low() == constant.value() &&
        constant.high() == constant.value()) {
      return;
    }
    if (!IsOfSilicon(path)) all.push_back({&constant});
  });
  return all;
}

// Traces the constants begin ... end - 1 of `all`, at most 64 of them.
void Trace(const ResolvedSetup& setup, const Ledger<Traced>& ledger,
           size_t begin, size_t end, std::vector<Influence>* all) {
  ReplacingReader<Traced> read;
  for (size_t i = begin; i < end; ++i) {
    const Constant& constant = *(*all)[i].constant;
    read.Replace(constant,
                 Traced(constant.value(), uint64_t{1} << (i - begin)));
  }
  const Evaluation<Traced> traced = EvaluateWith(setup, ledger, read);
  uint64_t on_answer = InSeconds(traced.cost.step_time).inputs;
  for (const Energy<Traced>& term : traced.cost.terms) {
    on_answer |= InJoules(term).inputs;
  }
  uint64_t on_placement = 0;
  if (setup.placement() == nullptr) {
    Machine<Traced> machine = MachineFor<Traced>(setup, read);
    for (const Traced* number : PlacementSlots(&machine)) {
      on_placement |= number->inputs;
    }
  }
  for (size_t i = begin; i < end; ++i) {
    (*all)[i].on_answer = (on_answer >> (i - begin) & 1) != 0;
    (*all)[i].on_placement = (on_placement >> (i - begin) & 1) != 0;
  }
}

// The constants that an answer depends on.
std::vector<Influence> Influences(const ResolvedSetup& setup,
                                  const Ledger<>& ledger) {
  constexpr size_t kAtOnce = 64;
  std::vector<Influence> all = ConstantsWithRange(setup.hardware());
  const Ledger<Traced> traced = ConvertedLedger<Traced>(ledger);
  for (size_t begin = 0; begin < all.size(); begin += kAtOnce) {
    Trace(setup, traced, begin, std::min(begin + kAtOnce, all.size()), &all);
  }
  all.erase(std::remove_if(all.begin(), all.end(),
                           [](const Influence& i) { return !i.on_answer; }),
            all.end());
  return all;
}

// Copies the numbers of a machine into one lane of a machine of packs with the
// same structure.
void SetLane(int lane, Machine<>* from, Machine<Pack>* to) {
  const auto set = [&](const std::vector<double*>& numbers,
                       const std::vector<Pack*>& places) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      places[i]->value[lane] = *numbers[i];
    }
  };
  set(PlacementSlots(from), PlacementSlots(to));
  set(CostSlots(from), CostSlots(to));
}

}  // namespace

DramShares DramSharesOf(const std::array<double, kNumEnergyTerms>& terms_j,
                        int boundary, bool on_chip) {
  if (on_chip && boundary < kEnergyTerms[kSram].boundary) return {};
  double stack = 0, path = 0, inside = 0;
  for (int i = 0; i < kNumEnergyTerms; ++i) {
    const int its = kEnergyTerms[i].boundary;
    const bool device = its <= kStackBoundary || (on_chip && i == kSram);
    if (device) stack += terms_j[i];
    if (device || its <= kMemoryPathBoundary) path += terms_j[i];
    if (its <= boundary) inside += terms_j[i];
  }
  if (!(inside > 0)) return {};
  return {stack / inside, std::min(1.0, path / inside)};
}

double Spread::Correlated() const {
  const double independent = (factors_.below + factors_.above) / 2;
  return independent > 0 ? std::max(0.0, 1 + cross_ / independent) : 1;
}

double Spread::low() const {
  const double below = factors_.below * Correlated();
  return std::min(least_,
                  std::max(0.0, value * std::exp(-std::sqrt(below)) -
                                    std::sqrt(differences_.below)));
}

double Spread::high() const {
  const double above = factors_.above * Correlated();
  return std::max(most_, value * std::exp(std::sqrt(above)) +
                             std::sqrt(differences_.above));
}

// The ends of constants that affect only costs come first, then those that
// affect placement. Each group is padded to whole packs with the machine as
// described.
struct Ranges::Packs {
  Machine<> machine;
  // The machines at the ends, eight per pack, and the end of each lane; -1 for
  // none.
  std::vector<Machine<Pack>> machines;
  std::vector<std::array<int, Pack::kLanes>> ends;
  // Packs before this one need no separate lowering.
  size_t first_lowered = 0;
  size_t num_ends = 0;
  // The ends, where several machines share the step and each is evaluated
  // separately.
  std::vector<End> shared;
  // The ends of pairs of constants whose errors are correlated; -1 for an end
  // that is at the value.
  struct Pair {
    int low = -1, high = -1, other_low = -1, other_high = -1;
    double coefficient = 0;
  };
  std::vector<Pair> pairs;
  // Cost per chip at each end of each constant that it depends on, US$.
  std::vector<double> costs_usd;
  // If the lanes of a pack would differ in structure, each is evaluated
  // separately.
  std::vector<Machine<>> alone;
  // Memory that is reused from answer to answer.
  std::vector<EndCost> end_costs;
  LoweredStep<Pack> lowered;
  Ledger<Pack> ledger;
};

Ranges::~Ranges() = default;

Ranges::Ranges(const ResolvedSetup& setup, const Ledger<>& ledger)
    : setup_(setup), packs_(std::make_unique<Packs>()) {
  packs_->machine = MachineFor(setup);
  // Numbered in the order of the description, whatever pack they are in.
  std::vector<End> ends;
  std::vector<int> of_costs, of_placement;
  for (const Influence& influence : Influences(setup, ledger)) {
    const Constant& constant = *influence.constant;
    for (const double value : {constant.low(), constant.high()}) {
      if (value == constant.value()) continue;
      (influence.on_placement ? of_placement : of_costs)
          .push_back(static_cast<int>(ends.size()));
      ends.push_back({&constant, value});
    }
  }
  packs_->num_ends = ends.size();
  const auto end_of = [&](const Constant* constant, double value) {
    for (size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].constant == constant && ends[i].value == value) {
        return static_cast<int>(i);
      }
    }
    return -1;
  };
  std::map<std::string, const Constant*> constants;
  if (setup.hardware().correlations_size() > 0) {
    ForEachConstant(setup.hardware(),
                    [&](const std::string& path, const Constant& constant,
                        const auto&) { constants[path] = &constant; });
  }
  for (const CorrelatedConstants& correlation : setup.hardware().correlations()) {
    const auto a = constants.find(correlation.path());
    const auto b = constants.find(correlation.other());
    // A machine that is based on a fitted one may have replaced a constant.
    if (a == constants.end() || b == constants.end()) continue;
    packs_->pairs.push_back({end_of(a->second, a->second->low()),
                             end_of(a->second, a->second->high()),
                             end_of(b->second, b->second->low()),
                             end_of(b->second, b->second->high()),
                             correlation.coefficient()});
  }
  const auto add = [&](const std::vector<int>& numbers) {
    for (size_t i = 0; i < numbers.size(); i += Pack::kLanes) {
      packs_->machines.push_back(Converted<Pack>(packs_->machine));
      packs_->ends.emplace_back();
      packs_->ends.back().fill(-1);
      for (int lane = 0; lane < Pack::kLanes; ++lane) {
        if (i + lane >= numbers.size()) break;
        const End& end = ends[numbers[i + lane]];
        Machine<> moved =
            MachineFor<double>(setup, MovedReader{end.constant, end.value});
        SetLane(lane, &moved, &packs_->machines.back());
        packs_->ends.back()[lane] = numbers[i + lane];
      }
    }
  };
  if (setup.placement() != nullptr) {
    packs_->shared = ends;
    of_costs.clear();
    of_placement.clear();
  }
  add(of_costs);
  packs_->first_lowered = packs_->machines.size();
  add(of_placement);
  for (const int number : of_placement) {
    packs_->alone.push_back(MachineFor<double>(
        setup, MovedReader{ends[number].constant, ends[number].value}));
  }
  if (!setup.hardware().has_silicon()) return;
  ForEachConstant(setup.hardware(), [&](const std::string&,
                                        const Constant& constant, const auto&) {
    for (const double value : {constant.low(), constant.high()}) {
      if (value == constant.value()) continue;
      packs_->costs_usd.push_back(
          MachineFor<double>(setup, MovedReader{&constant, value})
              .costs.cost_usd);
    }
  });
}

void Ranges::Fill(const Ledger<>& ledger, const LoweredStep<>& step,
                  bool with_terms, Spreads* spreads) {
  std::vector<EndCost>& costs = packs_->end_costs;
  costs.resize(packs_->num_ends);
  const auto take = [&](size_t pack, const PackTerms& terms) {
    for (int lane = 0; lane < Pack::kLanes; ++lane) {
      const int end = packs_->ends[pack][lane];
      if (end < 0) continue;
      costs[end].step_time_s = terms.step_time_s[lane];
      for (int i = 0; i < kNumEnergyTerms; ++i) {
        costs[end].terms_j[i] = terms.terms_j[i][lane];
      }
    }
  };
  PackTerms terms;
  for (size_t end = 0; end < packs_->shared.size(); ++end) {
    const StepCost<> cost =
        EvaluateWith(setup_, ledger,
                     MovedReader{packs_->shared[end].constant,
                                 packs_->shared[end].value})
            .cost;
    costs[end].step_time_s = InSeconds(cost.step_time);
    for (int k = 0; k < kNumEnergyTerms; ++k) {
      costs[end].terms_j[k] = InJoules(cost.terms[k]);
    }
  }
  const bool grows = AsksForGrowth(ledger, packs_->machine.structure);
  LoweredStep<Pack>& lowered = packs_->lowered;
  ConvertStep(step, &lowered);
  for (size_t i = 0; i < packs_->first_lowered; ++i) {
    EvaluatePack(lowered, packs_->machines[i], &terms);
    take(i, terms);
  }
  if (packs_->first_lowered < packs_->machines.size()) {
    ConvertLedger(ledger, &packs_->ledger);
    for (size_t i = packs_->first_lowered; i < packs_->machines.size(); ++i) {
      const Machine<Pack>& machine = packs_->machines[i];
      if (grows) {
        LowerInto<Pack>(Grow(packs_->ledger, machine), machine, &lowered);
      } else {
        LowerInto<Pack>(packs_->ledger, machine, &lowered);
      }
      if (lowered.uniform) {
        EvaluatePack(lowered, machine, &terms);
        take(i, terms);
        continue;
      }
      for (int lane = 0; lane < Pack::kLanes; ++lane) {
        const int end = packs_->ends[i][lane];
        if (end < 0) continue;
        const StepCost<> cost =
            EvaluateOn(
                ledger,
                packs_
                    ->alone[(i - packs_->first_lowered) * Pack::kLanes + lane])
                .cost;
        costs[end].step_time_s = InSeconds(cost.step_time);
        for (int k = 0; k < kNumEnergyTerms; ++k) {
          costs[end].terms_j[k] = InJoules(cost.terms[k]);
        }
      }
    }
  }
  const double tokens = ledger.tokens;
  // The numbers of an answer at one end, each with its spread.
  const auto each = [&](const EndCost& cost, const auto& visit) {
    visit(cost.step_time_s, &spreads->step_time);
    double inside_j = 0, facility_j = 0;
    for (int i = 0; i < kNumEnergyTerms; ++i) {
      facility_j += cost.terms_j[i];
      if (kEnergyTerms[i].boundary <= setup_.boundary()) {
        inside_j += cost.terms_j[i];
      }
      if (with_terms) visit(cost.terms_j[i] / tokens, &spreads->terms[i]);
    }
    visit(inside_j / tokens, &spreads->energy_per_token);
    visit(facility_j / tokens, &spreads->facility_energy);
    visit(spreads->PriceOf(facility_j / tokens, cost.step_time_s / tokens),
          &spreads->price);
    for (int i = 0; i < kNumBoundaries; ++i) {
      if (!with_terms && i != kBoardBoundary) continue;
      const DramShares shares = DramSharesOf(
          cost.terms_j, i, IsOnChip(setup_.hardware().memory(0).technology()));
      visit(shares.stack, &spreads->dram[i].stack);
      visit(shares.path, &spreads->dram[i].path);
    }
  };
  for (const EndCost& cost : costs) {
    each(cost, [](double moved, Spread* spread) { spread->Add(moved); });
  }
  const auto numbers = [&](int end) {
    std::vector<double> all;
    if (end < 0) {
      each(EndCost(), [&](double, Spread* spread) {
        all.push_back(spread->value);
      });
    } else {
      each(costs[end], [&](double moved, Spread*) { all.push_back(moved); });
    }
    return all;
  };
  for (const Packs::Pair& pair : packs_->pairs) {
    const std::vector<double> low = numbers(pair.low),
                              high = numbers(pair.high),
                              other_low = numbers(pair.other_low),
                              other_high = numbers(pair.other_high);
    size_t k = 0;
    each(EndCost(), [&](double, Spread* spread) {
      spread->AddCorrelated(low[k], high[k], other_low[k], other_high[k],
                            pair.coefficient);
      ++k;
    });
  }
  for (const double usd : packs_->costs_usd) {
    spreads->cost.Add(usd * ledger.chips);
  }
}

}  // namespace tokenjoule
