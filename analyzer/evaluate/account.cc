#include "analyzer/evaluate/account.h"

#include <array>
#include <iterator>

#include "analyzer/cost/lower.h"
#include "analyzer/description/boundary.h"

namespace tokenjoule {
namespace {

// A class of tensors or of work; `keep` copies the part of an operator that
// belongs to it.
struct ActionClass {
  const char* cause;
  void (*keep)(const Operator<>& from, Operator<>* to);
};

constexpr ActionClass kClasses[] = {
    {"weights read",
     [](const Operator<>& from, Operator<>* to) {
       to->weight_read = from.weight_read;
       to->weight_write = from.weight_write;
     }},
    {"KV read", [](const Operator<>& from,
                   Operator<>* to) { to->kv_read = from.kv_read; }},
    {"KV write", [](const Operator<>& from,
                    Operator<>* to) { to->kv_write = from.kv_write; }},
    {"recurrent state",
     [](const Operator<>& from, Operator<>* to) {
       to->state_read = from.state_read;
       to->state_write = from.state_write;
     }},
    {"embedding",
     [](const Operator<>& from, Operator<>* to) {
       to->embedding_read = from.embedding_read;
     }},
    {"activations",
     [](const Operator<>& from, Operator<>* to) {
       to->activation_in = from.activation_in;
       to->activation_out = from.activation_out;
       // The shapes determine the repeated traffic of a weight-stationary
       // array.
       for (size_t i = 0; i < from.shapes.size(); ++i) {
         to->shapes[i].tokens = from.shapes[i].tokens;
       }
     }},
    {"matrix products",
     [](const Operator<>& from, Operator<>* to) {
       to->matmul_flop = from.matmul_flop;
     }},
    {"vector work", [](const Operator<>& from,
                       Operator<>* to) { to->vector_flop = from.vector_flop; }},
    {"collectives",
     [](const Operator<>& from, Operator<>* to) {
       to->collective = from.collective;
       to->pipeline_chips = from.pipeline_chips;
       to->pipeline_stages = from.pipeline_stages;
       to->payload = from.payload;
     }},
};

// A copy of the operator, on the same engine, that moves and computes nothing.
Operator<> Emptied(const Operator<>& op) {
  Operator<> empty;
  empty.count = op.count;
  empty.part = op.part;
  empty.weight_format = op.weight_format;
  empty.activation_format = op.activation_format;
  empty.product_kind = op.product_kind;
  empty.kv_sharing = op.kv_sharing;
  empty.group = op.group;
  empty.tokens_per_matrix = op.tokens_per_matrix;
  empty.shapes = op.shapes;
  for (MatrixShape<>& shape : empty.shapes) shape.tokens = 0;
  return empty;
}

// The actions of a step caused by one class.
Actions<> ActionsOf(const ActionClass& tensors, const Ledger<>& ledger,
                    const Machine<>& machine,
                    const StepShares<double>& shares) {
  Actions<> actions;
  for (const Operator<>& op : ledger.operators) {
    Operator<> kept = Emptied(op);
    tensors.keep(op, &kept);
    AddActions(LowerOperator(kept, machine, shares), machine,
               SystemRuns(ledger, op), &actions);
  }
  return actions;
}

// Whether traffic through a level counts towards a term.
bool Counts(TermIndex term, const Machine<>& machine, int index) {
  const bool is_dram = machine.structure.levels[index].is_dram;
  const LevelCosts<>& level = machine.costs.levels[index];
  switch (term) {
    case kDramActivate:
    case kDramColumn:
    case kDramInterface:
      return is_dram;
    case kDramPhy:
      return is_dram || level.read.phy.base() > 0;
    case kMemoryPath:
      return (level.read.path + level.read.path_toggling).base() > 0;
    case kSram:
      return !is_dram;
    case kLink:
      return level.read.link.base() > 0;
    case kOnChipNetwork:
      return (level.read.network + level.read.network_toggling).base() > 0;
    default:
      return false;
  }
}

struct Amount {
  double quantity = 0;
  const char* unit = "byte";
};

// The quantity that a term is charged for, with its unit.
Amount AmountOf(TermIndex term, const Actions<>& actions,
                const Machine<>& machine) {
  Amount amount;
  switch (term) {
    case kCompute:
    case kAdc:
    case kDac:
      amount.unit = "FLOP";
      for (const Work<>& work : actions.matmul) amount.quantity += InFlop(work);
      if (term == kCompute) amount.quantity += InFlop(actions.vector);
      // Instructions for weights are charged to the weights.
      if (amount.quantity == 0 && InJoules(actions.instructions) > 0) {
        amount = {InBytes(actions.traffic[0].read), "byte"};
      }
      break;
    case kArrayWrite:
      for (const Data<>& written : actions.array_written) {
        amount.quantity += InBytes(written);
      }
      break;
    case kLink:
      for (const Data<>& sent : actions.link) amount.quantity += InBytes(sent);
      [[fallthrough]];
    default:
      for (int i = 0; i < machine.structure.num_levels; ++i) {
        if (!Counts(term, machine, i)) continue;
        amount.quantity += InBytes(actions.traffic[i].read) +
                           InBytes(actions.traffic[i].write);
      }
  }
  return amount;
}

// Adds the products of a step, converted to products per token.
class CauseWriter {
 public:
  CauseWriter(double tokens, int boundary, Report* report)
      : tokens_(tokens), boundary_(boundary), report_(report) {}

  void Add(TermIndex term, const char* cause, const Amount& amount,
           double energy_j) const {
    if (kEnergyTerms[term].boundary > boundary_) return;
    if (amount.quantity == 0 && energy_j == 0) return;
    EnergyCause* out = report_->add_energy_causes();
    out->set_term(static_cast<Term::Value>(term + 1));
    out->set_cause(cause);
    out->set_quantity_per_token(amount.quantity / tokens_);
    out->set_unit(amount.unit);
    out->set_cost_j_per_unit(amount.quantity > 0 ? energy_j / amount.quantity
                                                 : 0);
    out->set_energy_per_token_j(energy_j / tokens_);
  }
  // Adds power drawn for the time of the step.
  void AddPower(TermIndex term, double time_s, double power_w) const {
    Add(term, "time", {time_s, "s"}, power_w * time_s);
  }
  // Adds the energy per sequence that is not in the ledger.
  void AddSequences(TermIndex term, double sequences, double energy_j) const {
    if (energy_j == 0) return;
    Add(term, "sequences", {sequences, "sequence"}, sequences * energy_j);
  }
  // Adds the loss of a regulator, a supply or a facility, as a share of the
  // energy behind it.
  void AddLoss(TermIndex term, double behind_j, double share) const {
    if (share == 0) return;
    Add(term, "losses", {behind_j, "J"}, behind_j * share);
  }

 private:
  const double tokens_;
  const int boundary_;
  Report* const report_;
};

// `whole` is the time that the machine is on: that of the whole step.
void FillStanding(const LoweredStep<>& step, const Machine<>& machine,
                  const StepCost<>& cost, const Duration<>& whole,
                  const CauseWriter& writer) {
  const double time = InSeconds(whole);
  const double background = InWatts(MemoryBackground(machine)) * step.chips;
  const CoreState<> core = CoreAt(cost.clock, machine.costs.clock);
  const Draw<> draw(step.chips, step.samples, machine,
                    DynamicEnergy(ActionsOf(step, machine), machine));
  const double fixed = InWatts(draw.StandingAt(core));
  const double host = InWatts(machine.costs.host_power) * step.chips /
                      machine.costs.supply_efficiency;
  const double stack = InJoules(EnergyInside(cost.terms, kStackBoundary));
  const double board = InJoules(EnergyInside(cost.terms, kBoardBoundary));
  const double node = InJoules(EnergyInside(cost.terms, kNodeBoundary));
  // A stack is warm while it works.
  const double working = InSeconds(cost.step_time) / time;
  writer.AddPower(kDramBackground, time,
                  background + InWatts(cost.warm_refresh) * working);
  writer.AddPower(kStatic, time, fixed);
  writer.AddSequences(kStatic, step.samples,
                      InJoules(machine.costs.energy_per_sequence) *
                          core.voltage_squared);
  // Behind the regulators is everything but the stack and their own loss.
  writer.AddLoss(kStatic, (board - stack) * machine.costs.regulator_efficiency,
                 1 / machine.costs.regulator_efficiency - 1);
  writer.AddPower(kHost, time, host);
  writer.AddLoss(kHost, board, 1 / machine.costs.supply_efficiency - 1);
  writer.AddLoss(kFacility, node, machine.costs.power_usage_effectiveness - 1);
}

bool MovesData(Term::Value term) {
  switch (term) {
    case Term::DRAM_ACTIVATE:
    case Term::DRAM_COLUMN:
    case Term::DRAM_INTERFACE:
    case Term::DRAM_PHY:
    case Term::MEMORY_PATH:
    case Term::SRAM:
    case Term::ON_CHIP_NETWORK:
      return true;
    default:
      return false;
  }
}

bool Operates(Term::Value term) {
  return term == Term::COMPUTE || term == Term::ADC || term == Term::DAC ||
         term == Term::ARRAY_WRITE;
}

void FillFactorization(Report* report) {
  // The rest is summed too: as a difference it would be what sums round to where
  // there is none.
  double moving = 0, operating = 0, standing = 0;
  for (const EnergyCause& cause : report->energy_causes()) {
    (MovesData(cause.term())  ? moving
     : Operates(cause.term()) ? operating
                              : standing) += cause.energy_per_token_j();
  }
  Factorization& factors = *report->mutable_factorization();
  const double flop = report->flop_per_token();
  const double intensity = report->arithmetic_intensity_flop_per_byte();
  factors.set_operations_per_token(flop);
  if (flop > 0) factors.set_energy_per_operation_j(operating / flop);
  if (intensity > 0) {
    factors.set_memory_accesses_per_operation(1 / intensity);
    factors.set_energy_per_access_j(moving * intensity / flop);
  }
  factors.set_product_j(moving + operating);
  factors.set_standing_j(standing);
}

}  // namespace

void FillAccount(const Ledger<>& ledger, const LoweredStep<>& step,
                 const Machine<>& machine, const StepCost<>& cost, int boundary,
                 Report* report, absl::optional<Duration<>> whole_step) {
  constexpr int kNumClasses = std::size(kClasses);
  const StepShares<double> shares = SharesOf(ledger, machine);
  std::array<Actions<>, kNumClasses> actions;
  std::array<EnergyTerms<>, kNumClasses> energy;
  for (int k = 0; k < kNumClasses; ++k) {
    actions[k] = ActionsOf(kClasses[k], ledger, machine, shares);
    energy[k] = DynamicEnergy(actions[k], machine);
    TakeToVoltage(CoreAt(cost.clock, machine.costs.clock), &energy[k]);
  }
  const CauseWriter writer(step.tokens, boundary, report);
  for (int i = 0; i < kNumEnergyTerms; ++i) {
    const auto term = static_cast<TermIndex>(i);
    for (int k = 0; k < kNumClasses; ++k) {
      writer.Add(term, kClasses[k].cause, AmountOf(term, actions[k], machine),
                 InJoules(energy[k][term]));
    }
  }
  FillStanding(step, machine, cost, whole_step.value_or(cost.step_time),
               writer);
  FillFactorization(report);
}

}  // namespace tokenjoule
