#include "analyzer/study/tricks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/formats.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/study_data.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/derived.h"
#include "analyzer/machine/machine.h"
#include "analyzer/study/exact_constant.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace {

absl::Status DoesNotApply(absl::string_view reason) {
  return absl::FailedPreconditionError(reason);
}

void Scale(double factor, Constant* constant) {
  constant->set_value(constant->value() * factor);
  constant->set_low(constant->low() * factor);
  constant->set_high(constant->high() * factor);
}

// An exact constant that a trick sets.
Constant Exact(double value, Hardware* hardware) {
  return Exact(value,
               {"tricks", "What a trick of `tokenjoule tricks` assumes"},
               hardware);
}

// Copies the sources of a machine, one part of which is reused.
void AddSourcesOf(const Hardware& donor, Hardware* hardware) {
  for (const Source& source : donor.sources()) {
    const bool known = absl::c_any_of(
        hardware->sources(),
        [&](const Source& other) { return other.id() == source.id(); });
    if (!known) *hardware->add_sources() = source;
  }
}

// A count that validation has checked to be whole.
int64_t Count(const Constant& constant) {
  return std::llround(constant.value());
}

absl::Status Batching(const BatchOptions& options, Setup* setup) {
  absl::StatusOr<int32_t> batch = LargestBatch(*setup, options);
  if (!batch.ok()) return batch.status();
  if (*batch == 0) {
    return DoesNotApply(options.max_time_per_token_ms > 0
                            ? "no batch fits and meets the time limit"
                            : "no batch fits");
  }
  if (*batch <= setup->scenario.batch()) {
    return DoesNotApply(absl::StrFormat("batch %g is already the largest",
                                        setup->scenario.batch()));
  }
  setup->scenario.set_batch(*batch);
  return absl::OkStatus();
}

absl::Status GroupQueries(const TrickDescription::GroupedQueries& change,
                          Setup* setup) {
  const int64_t kv_heads = Count(change.kv_heads());
  bool grouped = false;
  for (Block& block : *setup->model.mutable_block()) {
    if (!block.has_attention()) continue;
    Attention& attention = *block.mutable_attention();
    const int64_t heads = attention.heads();
    if (attention.kv_heads() != heads || heads <= kv_heads ||
        heads % kv_heads != 0) {
      continue;
    }
    attention.set_kv_heads(kv_heads);
    grouped = true;
  }
  return grouped
             ? absl::OkStatus()
             : DoesNotApply(absl::StrCat("no attention that has one KV head "
                                         "per query head and more than ",
                                         kv_heads, " query heads"));
}

// Elements per token in the cache of a layer.
int64_t CachedElements(const Attention& attention) {
  return 2 * attention.kv_heads() * attention.head_dim();
}

absl::Status CompressCache(const TrickDescription::LatentCache& change,
                           Setup* setup) {
  const int64_t rank = Count(change.rank());
  const int64_t rope_elements = Count(change.rope_elements());
  const int64_t cached = rank + rope_elements;
  bool latent = false, windowed = false, small = false, compressed = false;
  for (Block& block : *setup->model.mutable_block()) {
    latent |= block.has_latent_attention();
    if (!block.has_attention()) continue;
    const Attention attention = block.attention();
    if (attention.has_sliding_tokens() || attention.has_chunk_tokens()) {
      windowed = true;
    } else if (CachedElements(attention) <= cached) {
      small = true;
    } else {
      LatentAttention& replaced = *block.mutable_latent_attention();
      replaced.set_heads(attention.heads());
      replaced.set_kv_rank(rank);
      replaced.set_rope_dim(rope_elements);
      replaced.set_nope_dim(attention.head_dim());
      replaced.set_v_dim(attention.head_dim());
      compressed = true;
    }
  }
  if (compressed) return absl::OkStatus();
  if (latent) return DoesNotApply("its attention is latent already");
  if (small) {
    return DoesNotApply(absl::StrCat("its cache has no more than ", cached,
                                     " elements per token and layer already"));
  }
  return DoesNotApply(windowed ? "all its attention has windows"
                               : "it has no attention with a KV cache");
}

double BitsOf(absl::string_view format) {
  return GetFormat(format).bits_per_element;
}

absl::Status NarrowCache(const std::string& format, Setup* setup) {
  if (!HasKvCache(setup->model)) return DoesNotApply("it has no KV cache");
  const std::string now = ResolveScenario(setup->model, setup->scenario).kv();
  if (BitsOf(now) <= BitsOf(format)) {
    return DoesNotApply(absl::StrCat("its KV cache is ", now, " already"));
  }
  setup->scenario.set_kv(format);
  return absl::OkStatus();
}

// Tensors that are stored with fewer bits already stay as they are.
absl::Status NarrowWeights(const std::string& format, Setup* setup) {
  const Scenario now = ResolveScenario(setup->model, setup->scenario);
  bool changed = false;
  const auto narrower = [&](const std::string& stored) {
    if (BitsOf(stored) <= BitsOf(format)) return stored;
    changed = true;
    return format;
  };
  setup->scenario.set_weights(narrower(now.weights()));
  setup->scenario.set_experts(narrower(now.experts()));
  setup->scenario.set_lm_head(narrower(now.lm_head()));
  return changed ? absl::OkStatus()
                 : DoesNotApply(absl::StrCat("its weights are ", now.weights(),
                                             " already"));
}

absl::Status Speculate(const TrickDescription::DraftModule& change,
                       Setup* setup) {
  if (setup->scenario.has_speculation()) {
    return DoesNotApply("it speculates already");
  }
  Speculation& speculation = *setup->scenario.mutable_speculation();
  speculation.set_draft_tokens(
      static_cast<int32_t>(Count(change.draft_tokens())));
  speculation.set_acceptance_rate(change.acceptance_rate().value());
  speculation.set_draft_model("mtp");
  if (setup->model.mtp_modules() == 0) setup->model.set_mtp_modules(1);
  return absl::OkStatus();
}

absl::Status SplitIntoExperts(const TrickDescription::SplitExperts& change,
                              Setup* setup) {
  const int64_t fewest = Count(change.fewest());
  for (const Block& block : setup->model.block()) {
    if (block.has_moe()) return DoesNotApply("it has experts already");
  }
  bool split = false;
  for (Block& block : *setup->model.mutable_block()) {
    if (!block.has_mlp()) continue;
    const Mlp dense = block.mlp();
    int64_t experts = Count(change.most());
    while (experts > fewest && dense.d_ff() % experts != 0) {
      experts /= 2;
    }
    if (dense.d_ff() % experts != 0) continue;
    MixtureOfExperts& moe = *block.mutable_moe();
    moe.set_experts(experts);
    moe.set_experts_per_token(experts / Count(change.experts_per_active()));
    *moe.mutable_expert() = dense;
    moe.mutable_expert()->set_d_ff(dense.d_ff() / experts);
    split = true;
  }
  return split ? absl::OkStatus()
               : DoesNotApply(absl::StrCat("it has no dense network that ",
                                           fewest, " experts divide"));
}

// Makes a capacity that follows from the devices explicit, before the devices
// change.
void KeepCapacity(MemoryLevel* level, Hardware* hardware) {
  if (level->has_capacity_gb()) return;
  *level->mutable_capacity_gb() =
      Exact(CapacityGb<double>(*level, ValueReader()), hardware);
}

absl::Status StackDram(absl::string_view machine, Setup* setup) {
  absl::StatusOr<Hardware> donor = LoadHardware(machine);
  if (!donor.ok()) return donor.status();
  const MemoryLevel& bonded = donor->memory(0);
  MemoryLevel& backing = *setup->hardware.mutable_memory(0);
  if (backing.technology().kind() == MemoryTechnology::SRAM) {
    return DoesNotApply("its weights and KV cache are in SRAM");
  }
  if (backing.technology().base() == bonded.technology().base()) {
    return DoesNotApply("its memory is bonded on the logic already");
  }
  AddSourcesOf(*donor, &setup->hardware);
  KeepCapacity(&backing, &setup->hardware);
  *backing.mutable_technology() = bonded.technology();
  // As many devices as hold what there is: their standing power follows.
  *backing.mutable_devices() =
      Exact(backing.capacity_gb().value() /
                bonded.technology().capacity_gb_per_device().value(),
            &setup->hardware);
  if (bonded.has_bandwidth_gb_per_s()) {
    *backing.mutable_bandwidth_gb_per_s() = bonded.bandwidth_gb_per_s();
  } else {
    backing.clear_bandwidth_gb_per_s();
  }
  *backing.mutable_phy_energy_pj_per_bit() = bonded.phy_energy_pj_per_bit();
  *backing.mutable_path_energy_pj_per_bit() = bonded.path_energy_pj_per_bit();
  return absl::OkStatus();
}

absl::Status EnlargeSram(const TrickDescription::LargerSram& change,
                         Setup* setup) {
  const double factor = change.factor().value();
  Hardware& hardware = setup->hardware;
  if (hardware.memory(0).technology().kind() == MemoryTechnology::SRAM) {
    return DoesNotApply("its weights and KV cache are in SRAM");
  }
  if (hardware.memory_size() < 2) return DoesNotApply("it has no near memory");
  MemoryLevel& near = *hardware.mutable_memory(hardware.memory_size() - 1);
  if (near.technology().kind() != MemoryTechnology::SRAM) {
    return DoesNotApply("its near memory is not SRAM");
  }
  KeepCapacity(&near, &hardware);
  Scale(factor, near.mutable_capacity_gb());
  // Activations keep their capacity; all of the added capacity is pinned.
  if (near.has_activation_capacity_fraction()) {
    Scale(1 / factor, near.mutable_activation_capacity_fraction());
  }
  const double pinned =
      (near.pinned_capacity_fraction().value() + factor - 1) / factor;
  *near.mutable_pinned_capacity_fraction() = Exact(pinned, &hardware);
  if (near.pins() == NOTHING) near.set_pins(WEIGHTS);
  return absl::OkStatus();
}

absl::Status ComputeNearMemory(Setup* setup) {
  bool costs = false;
  const auto free = [&](Constant* constant) {
    costs |= constant->value() > 0;
    Scale(0, constant);
  };
  for (MemoryLevel& level : *setup->hardware.mutable_memory()) {
    if (level.has_phy_energy_pj_per_bit()) {
      free(level.mutable_phy_energy_pj_per_bit());
    }
    if (level.has_path_energy_pj_per_bit()) {
      free(level.mutable_path_energy_pj_per_bit());
    }
    if (level.has_network_energy_pj_per_bit()) {
      free(level.mutable_network_energy_pj_per_bit());
    }
    // The energy per millimetre, wherever it is given.
    if (level.has_wire_length_mm()) free(level.mutable_wire_length_mm());
  }
  return costs ? absl::OkStatus()
               : DoesNotApply("its PHY and on-chip network cost nothing");
}

// Energy of a FLOP of a rate, conversions included, pJ.
double PicojoulesPerFlopOf(const RateCosts<>& rate) {
  return InJoules((rate.energy + rate.adc + rate.dac) * Flop(1.0)) * 1e12;
}

absl::Status ComputeInAnalog(absl::string_view machine_name, Setup* setup) {
  absl::StatusOr<Hardware> donor = LoadHardware(machine_name);
  if (!donor.ok()) return donor.status();
  const double analog =
      PicojoulesPerFlopOf(BuildMachine(*donor).costs.rates[0]);
  const Machine<> machine = BuildMachine(setup->hardware);
  const TensorFormats formats = ResolveFormats(setup->model, setup->scenario);
  const int linear =
      RateIndex(machine.structure, *formats.linear,
                formats.ActivationsFor(*formats.linear), ComputeEngine::LINEAR);
  if (linear >= 0 && machine.structure.rates[linear].is_analog) {
    return DoesNotApply("its matrix products run in analog arrays already");
  }
  const Constant energy = Exact(analog, &setup->hardware);
  bool cheaper = false;
  // The machine's rates are those of its matrix engines, in order.
  int rate_index = 0;
  for (ComputeEngine& engine : *setup->hardware.mutable_engine()) {
    if (engine.kind() == ComputeEngine::VECTOR) continue;
    for (auto& rate : *engine.mutable_rate()) {
      const double now = PicojoulesPerFlopOf(machine.costs.rates[rate_index++]);
      if (engine.kind() == ComputeEngine::ANALOG_IMC || now <= analog) continue;
      *rate.mutable_energy_pj_per_flop() = energy;
      cheaper = true;
    }
  }
  return cheaper ? absl::OkStatus()
                 : DoesNotApply(absl::StrFormat(
                       "its matrix products take no more than the %.3g "
                       "pJ/FLOP of the arrays",
                       analog));
}

absl::Status ImproveMultiplier(const TrickDescription::BetterMultiplier& change,
                               Setup* setup) {
  const double factor = change.energy_factor().value();
  for (ComputeEngine& engine : *setup->hardware.mutable_engine()) {
    if (engine.kind() != ComputeEngine::TENSOR &&
        engine.kind() != ComputeEngine::DIGITAL_IMC) {
      continue;
    }
    for (auto& rate : *engine.mutable_rate()) {
      if (!rate.has_energy_pj_per_flop()) continue;
      Scale(factor, rate.mutable_energy_pj_per_flop());
    }
    // The energy of rates that give none is that of the node times this factor.
    if (!engine.has_overhead_factor()) {
      *engine.mutable_overhead_factor() = Exact(1, &setup->hardware);
    }
    Scale(factor, engine.mutable_overhead_factor());
  }
  return absl::OkStatus();
}

// Applies one trick to a setup. Returns FailedPrecondition if it does not
// apply.
absl::Status Apply(const TrickDescription& trick, const BatchOptions& options,
                   Setup* setup) {
  switch (trick.change_case()) {
    case TrickDescription::kLargestBatch:
      return Batching(options, setup);
    case TrickDescription::kGroupedQueries:
      return GroupQueries(trick.grouped_queries(), setup);
    case TrickDescription::kLatentCache:
      return CompressCache(trick.latent_cache(), setup);
    case TrickDescription::kCacheFormat:
      return NarrowCache(trick.cache_format(), setup);
    case TrickDescription::kWeightFormat:
      return NarrowWeights(trick.weight_format(), setup);
    case TrickDescription::kDraftModule:
      return Speculate(trick.draft_module(), setup);
    case TrickDescription::kSplitExperts:
      return SplitIntoExperts(trick.split_experts(), setup);
    case TrickDescription::kMemoryOf:
      return StackDram(trick.memory_of(), setup);
    case TrickDescription::kLargerSram:
      return EnlargeSram(trick.larger_sram(), setup);
    case TrickDescription::kFreeMovement:
      return ComputeNearMemory(setup);
    case TrickDescription::kArithmeticOf:
      return ComputeInAnalog(trick.arithmetic_of(), setup);
    case TrickDescription::kBetterMultiplier:
      return ImproveMultiplier(trick.better_multiplier(), setup);
    case TrickDescription::CHANGE_NOT_SET:
      break;
  }
  return absl::InternalError("a trick without a change is refused as it loads");
}

using Taken = std::vector<const TrickDescription*>;

// Applies tricks in order. Batching comes last, because it fills the memory
// that the others leave free.
absl::StatusOr<Setup> ApplyAll(const Setup& base, const Taken& taken,
                               const BatchOptions& options) {
  Setup setup = base;
  for (const bool batching : {false, true}) {
    for (const TrickDescription* trick : taken) {
      if (trick->has_largest_batch() != batching) continue;
      absl::Status status = Apply(*trick, options, &setup);
      if (!status.ok()) return status;
    }
  }
  return setup;
}

// Only the headline figures of answers are needed.

// The answer with tricks applied. Fails with the reason if they cannot be
// applied.
absl::StatusOr<Report> AnalyzeWith(const Setup& base, const Taken& taken,
                                   const BatchOptions& options) {
  absl::StatusOr<Setup> setup = ApplyAll(base, taken, options);
  if (!setup.ok()) return setup.status();
  return Analyze(*setup, kFiguresOnly);
}

Trick RankedTrick(const TrickDescription& named, const Setup& base,
                  double before, const BatchOptions& options) {
  Trick trick;
  trick.set_name(named.name());
  trick.set_assumption(named.assumption());
  absl::StatusOr<Report> report = AnalyzeWith(base, {&named}, options);
  trick.set_applies(report.ok());
  if (!report.ok()) {
    trick.set_reason(std::string(report.status().message()));
    return trick;
  }
  const double gain = before / report->energy_per_token_j();
  trick.set_energy_per_token_j(report->energy_per_token_j());
  trick.set_gain(gain);
  trick.set_gain_orders_of_magnitude(std::log10(gain));
  trick.set_fits(report->fits());
  trick.set_batch(report->scenario().batch());
  return trick;
}

std::vector<std::string> NamesOf(const TrickSet& set) {
  std::vector<std::string> names;
  for (const TrickDescription& trick : set.trick()) {
    names.push_back(trick.name());
  }
  return names;
}

// Tricks one on top of another.
class TrickStack {
 public:
  TrickStack(const TrickSet& set, const Setup& base, double energy_j,
        const BatchOptions& options)
      : base_(base), options_(options), first_j_(energy_j), now_j_(energy_j) {
    for (const TrickDescription& trick : set.trick()) left_.push_back(&trick);
  }

  // Repeatedly takes the trick that gains most, until none gains; writes the
  // steps and the tricks that are left out.
  void Fill(TrickStudy* study) {
    while (true) {
      const std::vector<Candidate> candidates = Candidates();
      const Candidate* best = Best(candidates);
      if (best == nullptr) {
        for (const Candidate& candidate : candidates) {
          *study->add_left_out() = LeftOut(candidate, "");
        }
        return;
      }
      Take(*best, candidates, study);
    }
  }

 private:
  // The least gain of a step: a tenth of a percent.
  static constexpr double kLeastGain = 1.001;

  // The answer with one more trick on top of those taken, or the reason why it
  // cannot be applied.
  struct Candidate {
    const TrickDescription* trick;
    absl::StatusOr<Report> report;
  };

  std::vector<Candidate> Candidates() const {
    std::vector<Candidate> candidates;
    for (const TrickDescription* trick : left_) {
      Taken with = taken_;
      with.push_back(trick);
      candidates.push_back({trick, AnalyzeWith(base_, with, options_)});
    }
    return candidates;
  }

  const Candidate* Best(const std::vector<Candidate>& candidates) const {
    const Candidate* best = nullptr;
    double best_j = now_j_ / kLeastGain;
    for (const Candidate& candidate : candidates) {
      if (!candidate.report.ok() ||
          !(candidate.report->energy_per_token_j() < best_j)) {
        continue;
      }
      best = &candidate;
      best_j = candidate.report->energy_per_token_j();
    }
    return best;
  }

  // `instead` is the trick that was taken instead, or empty.
  TrickLeftOut LeftOut(const Candidate& candidate,
                       absl::string_view instead) const {
    TrickLeftOut out;
    out.set_name(candidate.trick->name());
    if (!candidate.report.ok()) {
      out.set_reason(std::string(candidate.report.status().message()));
    } else if (!instead.empty()) {
      out.set_reason(absl::StrCat(instead, " takes its place"));
    } else {
      out.set_reason(
          absl::StrFormat("no gain on top of the others, x %.3f",
                          now_j_ / candidate.report->energy_per_token_j()));
    }
    return out;
  }

  void Take(const Candidate& taken, const std::vector<Candidate>& candidates,
            TrickStudy* study) {
    const TrickDescription& trick = *taken.trick;
    const double energy_j = taken.report->energy_per_token_j();
    TrickStep* step = study->add_stack();
    step->set_name(trick.name());
    step->set_energy_per_token_j(energy_j);
    step->set_gain(now_j_ / energy_j);
    step->set_gain_orders_of_magnitude(std::log10(now_j_ / energy_j));
    step->set_total_gain(first_j_ / energy_j);
    step->set_total_gain_orders_of_magnitude(std::log10(first_j_ / energy_j));
    step->set_fits(taken.report->fits());
    step->set_batch(taken.report->scenario().batch());
    taken_.push_back(&trick);
    left_.clear();
    for (const Candidate& other : candidates) {
      if (other.trick == &trick) continue;
      if (trick.group().empty() || other.trick->group() != trick.group()) {
        left_.push_back(other.trick);
        continue;
      }
      if (other.report.ok()) step->add_excludes(other.trick->name());
      *study->add_left_out() = LeftOut(other, trick.name());
    }
    now_j_ = energy_j;
  }

  const Setup& base_;
  const BatchOptions& options_;
  const double first_j_;
  double now_j_;
  Taken taken_, left_;
};

// "a multiplier of a tenth of the energy".
std::string MultiplierInWords(
    const TrickDescription::BetterMultiplier& multiplier) {
  const double factor = multiplier.energy_factor().value();
  return absl::StrCat(
      "a multiplier of ",
      factor == 0.1 ? "a tenth" : absl::StrFormat("%.3g", factor),
      " of the energy");
}

std::string Summarize(const TrickStudy& study, const TrickSet& set) {
  const int applying = static_cast<int>(absl::c_count_if(
      study.tricks(), [](const Trick& trick) { return trick.applies(); }));
  std::string out =
      absl::StrFormat("%s on %s: %d of %d tricks apply.", study.model(),
                      study.hardware(), applying, study.tricks_size());
  if (study.stack_size() == 0) {
    return absl::StrCat(out, " None gains a tenth of a percent.");
  }
  const Trick& first = study.tricks(0);
  absl::StrAppendFormat(
      &out, " Alone %s gains most, x %.3g or %.2f orders of magnitude",
      first.name(), first.gain(), first.gain_orders_of_magnitude());
  for (const TrickDescription& described : set.trick()) {
    if (!described.has_better_multiplier()) continue;
    for (const Trick& trick : study.tricks()) {
      if (trick.name() != described.name() || !trick.applies()) continue;
      absl::StrAppendFormat(&out, "; %s x %.3f",
                            MultiplierInWords(described.better_multiplier()),
                            trick.gain());
    }
  }
  const TrickStep& last = study.stack(study.stack_size() - 1);
  absl::StrAppendFormat(
      &out,
      ". Together %d tricks bring %.3g J/token to %.3g J, x %.3g or %.2f "
      "orders of magnitude.",
      study.stack_size(), study.energy_per_token_j(), last.energy_per_token_j(),
      last.total_gain(), last.total_gain_orders_of_magnitude());
  return out;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> TrickNames() {
  absl::StatusOr<TrickSet> set = LoadTrickSet();
  if (!set.ok()) return set.status();
  return NamesOf(*set);
}

absl::StatusOr<Setup> ApplyTrick(absl::string_view name, const Setup& setup,
                                 const BatchOptions& options) {
  absl::StatusOr<TrickSet> set = LoadTrickSet();
  if (!set.ok()) return set.status();
  for (const TrickDescription& trick : set->trick()) {
    if (trick.name() == name) return ApplyAll(setup, {&trick}, options);
  }
  return absl::InvalidArgumentError(
      UnknownNameMessage("trick", name, NamesOf(*set), ""));
}

absl::StatusOr<TrickStudy> StudyTricks(const Setup& given,
                                       const BatchOptions& options) {
  const absl::Status fits = RequireLanguageModel(given, "tricks");
  if (!fits.ok()) return fits;
  absl::StatusOr<TrickSet> set = LoadTrickSet();
  if (!set.ok()) return set.status();
  if (given.scenario.equal_quality()) {
    return absl::InvalidArgumentError(
        "equal_quality: tricks are charged no loss of quality; leave it out");
  }
  Setup base = given;
  base.scenario = InServedFormats(given.hardware, given.model,
                                  WithContext(given.scenario));
  absl::StatusOr<Report> report = Analyze(base, kFiguresOnly);
  if (!report.ok()) return report.status();
  // Faults of the options are reported here, and not as the reason why a trick
  // does not apply.
  absl::StatusOr<int32_t> largest = LargestBatch(base, options);
  if (!largest.ok()) return largest.status();

  TrickStudy study;
  study.set_model(report->model());
  study.set_hardware(report->hardware());
  study.set_num_chips(report->num_chips());
  *study.mutable_scenario() = report->scenario();
  study.set_energy_per_token_j(report->energy_per_token_j());
  study.set_fits(report->fits());
  study.set_max_time_per_token_ms(options.max_time_per_token_ms);
  for (const TrickDescription& trick : set->trick()) {
    *study.add_tricks() =
        RankedTrick(trick, base, report->energy_per_token_j(), options);
  }
  // Tricks that do not apply have no gain and come last.
  std::stable_sort(
      study.mutable_tricks()->begin(), study.mutable_tricks()->end(),
      [](const Trick& a, const Trick& b) { return a.gain() > b.gain(); });
  TrickStack(*set, base, report->energy_per_token_j(), options).Fill(&study);
  study.set_summary(Summarize(study, *set));
  return study;
}

}  // namespace tokenjoule
