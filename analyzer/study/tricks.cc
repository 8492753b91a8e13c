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
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/formats.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace {

// Numbers of the tricks; their sources are in kTricks.
constexpr int64_t kGroupedKvHeads = 8;
constexpr int64_t kLatentRank = 512;
constexpr int64_t kLatentRope = 64;
constexpr int kDraftTokens = 4;
constexpr double kAcceptanceRate = 0.75;
constexpr int64_t kMostExperts = 64;
constexpr int64_t kFewestExperts = 8;
constexpr int64_t kExpertsPerActive = 8;
constexpr double kMoreSram = 10;
constexpr double kBetterMultiplier = 0.1;
// Source of constants that a trick sets.
constexpr char kTrickSource[] = "tricks";

absl::Status DoesNotApply(absl::string_view reason) {
  return absl::FailedPreconditionError(reason);
}

void Scale(double factor, Constant* constant) {
  constant->set_value(constant->value() * factor);
  constant->set_low(constant->low() * factor);
  constant->set_high(constant->high() * factor);
}

// A constant that is exact; `hardware` gets the source it names.
Constant Exact(double value, Hardware* hardware) {
  Constant constant;
  constant.set_value(value);
  constant.set_low(value);
  constant.set_high(value);
  constant.set_source(kTrickSource);
  for (const Source& source : hardware->sources()) {
    if (source.id() == kTrickSource) return constant;
  }
  Source* source = hardware->add_sources();
  source->set_id(kTrickSource);
  source->set_kind(Source::ASSUMPTION);
  source->set_citation("What a trick of `tokenjoule tricks` assumes");
  source->set_date("2026");
  return constant;
}

// Takes over a machine's part with the sources that it names.
absl::StatusOr<Hardware> Donor(absl::string_view name, Hardware* hardware) {
  absl::StatusOr<Hardware> donor = LoadHardware(name);
  if (!donor.ok()) return donor.status();
  for (const Source& source : donor->sources()) {
    const bool known = absl::c_any_of(
        hardware->sources(),
        [&](const Source& other) { return other.id() == source.id(); });
    if (!known) *hardware->add_sources() = source;
  }
  return donor;
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
    return DoesNotApply(absl::StrFormat("batch %g is as large as can be",
                                        setup->scenario.batch()));
  }
  setup->scenario.set_batch(*batch);
  return absl::OkStatus();
}

absl::Status GroupQueries(const BatchOptions&, Setup* setup) {
  bool grouped = false;
  for (Block& block : *setup->model.mutable_block()) {
    if (!block.has_attention()) continue;
    Attention& attention = *block.mutable_attention();
    const int64_t heads = attention.heads();
    if (attention.kv_heads() != heads || heads <= kGroupedKvHeads ||
        heads % kGroupedKvHeads != 0) {
      continue;
    }
    attention.set_kv_heads(kGroupedKvHeads);
    grouped = true;
  }
  return grouped ? absl::OkStatus()
                 : DoesNotApply(
                       "no attention with a KV head for each of more "
                       "than 8 query heads");
}

// Elements a token that the cache of a layer holds.
int64_t CachedElements(const Attention& attention) {
  return 2 * attention.kv_heads() * attention.head_dim();
}

absl::Status CompressCache(const BatchOptions&, Setup* setup) {
  constexpr int64_t kCached = kLatentRank + kLatentRope;
  bool latent = false, windowed = false, small = false, compressed = false;
  for (Block& block : *setup->model.mutable_block()) {
    latent |= block.has_latent_attention();
    if (!block.has_attention()) continue;
    const Attention attention = block.attention();
    if (attention.has_sliding_tokens() || attention.has_chunk_tokens()) {
      windowed = true;
    } else if (CachedElements(attention) <= kCached) {
      small = true;
    } else {
      LatentAttention& replaced = *block.mutable_latent_attention();
      replaced.set_heads(attention.heads());
      replaced.set_kv_rank(kLatentRank);
      replaced.set_rope_dim(kLatentRope);
      replaced.set_nope_dim(attention.head_dim());
      replaced.set_v_dim(attention.head_dim());
      compressed = true;
    }
  }
  if (compressed) return absl::OkStatus();
  if (latent) return DoesNotApply("its attention is latent already");
  if (small) {
    return DoesNotApply(absl::StrCat("its cache has no more than ", kCached,
                                     " elements a token and layer already"));
  }
  return DoesNotApply(windowed ? "all its attention has windows"
                               : "it has no attention with a KV cache");
}

bool HasCache(const Model& model) {
  return absl::c_any_of(model.block(), [](const Block& block) {
    return block.has_attention() || block.has_latent_attention();
  });
}

double BitsOf(absl::string_view format) {
  return GetFormat(format).bits_per_element;
}

absl::Status NarrowCache(const std::string& format, Setup* setup) {
  if (!HasCache(setup->model)) return DoesNotApply("it has no KV cache");
  const std::string now = ResolveScenario(setup->model, setup->scenario).kv();
  if (BitsOf(now) <= BitsOf(format)) {
    return DoesNotApply(absl::StrCat("its KV cache is ", now, " already"));
  }
  setup->scenario.set_kv(format);
  return absl::OkStatus();
}

absl::Status CacheInFp8(const BatchOptions&, Setup* setup) {
  return NarrowCache("fp8", setup);
}
absl::Status CacheInInt4(const BatchOptions&, Setup* setup) {
  return NarrowCache("int4-g32", setup);
}

// What is stored narrower already stays as it is.
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

absl::Status WeightsInFp8(const BatchOptions&, Setup* setup) {
  return NarrowWeights("fp8", setup);
}
absl::Status WeightsInInt4(const BatchOptions&, Setup* setup) {
  return NarrowWeights("int4-g128", setup);
}

absl::Status Speculate(const BatchOptions&, Setup* setup) {
  if (setup->scenario.has_speculation()) {
    return DoesNotApply("it speculates already");
  }
  Speculation& speculation = *setup->scenario.mutable_speculation();
  speculation.set_draft_tokens(kDraftTokens);
  speculation.set_acceptance_rate(kAcceptanceRate);
  speculation.set_draft_model("mtp");
  if (setup->model.mtp_modules() == 0) setup->model.set_mtp_modules(1);
  return absl::OkStatus();
}

absl::Status SplitIntoExperts(const BatchOptions&, Setup* setup) {
  for (const Block& block : setup->model.block()) {
    if (block.has_moe()) return DoesNotApply("it has experts already");
  }
  bool split = false;
  for (Block& block : *setup->model.mutable_block()) {
    if (!block.has_mlp()) continue;
    const Mlp dense = block.mlp();
    int64_t experts = kMostExperts;
    while (experts > kFewestExperts && dense.d_ff() % experts != 0) {
      experts /= 2;
    }
    if (dense.d_ff() % experts != 0) continue;
    MixtureOfExperts& moe = *block.mutable_moe();
    moe.set_experts(experts);
    moe.set_experts_per_token(experts / kExpertsPerActive);
    *moe.mutable_expert() = dense;
    moe.mutable_expert()->set_d_ff(dense.d_ff() / experts);
    split = true;
  }
  return split ? absl::OkStatus()
               : DoesNotApply("it has no dense network that 8 experts divide");
}

absl::Status StackDram(const BatchOptions&, Setup* setup) {
  MemoryLevel& backing = *setup->hardware.mutable_memory(0);
  constexpr absl::string_view kTechnology = "hybrid-bonded-dram";
  if (backing.technology().kind() == MemoryTechnology::SRAM) {
    return DoesNotApply("its weights and KV cache are in SRAM");
  }
  if (backing.technology().base() == kTechnology) {
    return DoesNotApply("its memory is bonded on the logic already");
  }
  absl::StatusOr<Hardware> donor = Donor("hb-dram-asic", &setup->hardware);
  if (!donor.ok()) return donor.status();
  const MemoryLevel& bonded = donor->memory(0);
  *backing.mutable_technology() = bonded.technology();
  *backing.mutable_devices() = bonded.devices();
  *backing.mutable_bandwidth_gb_per_s() = bonded.bandwidth_gb_per_s();
  *backing.mutable_phy_controller_energy_pj_per_bit() =
      bonded.phy_controller_energy_pj_per_bit();
  return absl::OkStatus();
}

absl::Status EnlargeSram(const BatchOptions&, Setup* setup) {
  Hardware& hardware = setup->hardware;
  if (hardware.memory(0).technology().kind() == MemoryTechnology::SRAM) {
    return DoesNotApply("its weights and KV cache are in SRAM");
  }
  if (hardware.memory_size() < 2) return DoesNotApply("it has no near memory");
  MemoryLevel& near = *hardware.mutable_memory(hardware.memory_size() - 1);
  if (near.technology().kind() != MemoryTechnology::SRAM) {
    return DoesNotApply("its near memory is not SRAM");
  }
  Scale(kMoreSram, near.mutable_capacity_gb());
  // Activations keep the room they had; all that is new is pinned.
  if (near.has_activation_capacity_fraction()) {
    Scale(1 / kMoreSram, near.mutable_activation_capacity_fraction());
  }
  const double pinned =
      (near.pinned_capacity_fraction().value() + kMoreSram - 1) / kMoreSram;
  *near.mutable_pinned_capacity_fraction() = Exact(pinned, &hardware);
  if (near.pins() == NOTHING) near.set_pins(WEIGHTS);
  return absl::OkStatus();
}

absl::Status ComputeNearMemory(const BatchOptions&, Setup* setup) {
  bool costs = false;
  const auto free = [&](Constant* constant) {
    costs |= constant->value() > 0;
    Scale(0, constant);
  };
  for (MemoryLevel& level : *setup->hardware.mutable_memory()) {
    if (level.has_phy_controller_energy_pj_per_bit()) {
      free(level.mutable_phy_controller_energy_pj_per_bit());
    }
    if (level.has_network_energy_pj_per_bit()) {
      free(level.mutable_network_energy_pj_per_bit());
    }
    if (level.has_wire_energy_pj_per_bit_mm()) {
      free(level.mutable_wire_energy_pj_per_bit_mm());
    }
  }
  return costs ? absl::OkStatus()
               : DoesNotApply("its PHY and on-chip network cost nothing");
}

// Energy of a FLOP of a rate, conversions included, pJ.
double PicojoulesPerFlopOf(const RateCosts<>& rate) {
  return InJoules((rate.energy + rate.adc + rate.dac) * Flop(1.0)) * 1e12;
}

absl::Status ComputeInAnalog(const BatchOptions&, Setup* setup) {
  absl::StatusOr<Hardware> donor = LoadHardware("aimc-hbm3e");
  if (!donor.ok()) return donor.status();
  const double analog =
      PicojoulesPerFlopOf(BuildMachine(*donor).costs.rates[0]);
  const Machine<> machine = BuildMachine(setup->hardware);
  const Constant energy = Exact(analog, &setup->hardware);
  bool cheaper = false;
  // The machine's rates are those of its matrix engines, in order.
  int rate_index = 0;
  for (ComputeEngine& engine : *setup->hardware.mutable_engine()) {
    if (engine.kind() == ComputeEngine::VECTOR) continue;
    for (auto& rate : *engine.mutable_rate()) {
      const double now = PicojoulesPerFlopOf(machine.costs.rates[rate_index++]);
      if (engine.kind() != ComputeEngine::TENSOR || now <= analog) continue;
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

absl::Status ImproveMultiplier(const BatchOptions&, Setup* setup) {
  for (ComputeEngine& engine : *setup->hardware.mutable_engine()) {
    if (engine.kind() != ComputeEngine::TENSOR &&
        engine.kind() != ComputeEngine::DIGITAL_IMC) {
      continue;
    }
    for (auto& rate : *engine.mutable_rate()) {
      if (!rate.has_energy_pj_per_flop()) continue;
      Scale(kBetterMultiplier, rate.mutable_energy_pj_per_flop());
    }
    // The energy of rates without one is that of the node times this factor.
    if (!engine.has_overhead_factor()) {
      *engine.mutable_overhead_factor() = Exact(1, &setup->hardware);
    }
    Scale(kBetterMultiplier, engine.mutable_overhead_factor());
  }
  return absl::OkStatus();
}

// A change of a setup. Those of one group take each other's place.
struct NamedTrick {
  absl::string_view name;
  absl::string_view group;
  absl::string_view assumption;
  absl::Status (*apply)(const BatchOptions& options, Setup* setup);
};

constexpr NamedTrick kTricks[] = {
    {"batching", "",
     "The largest batch that fits and meets the time limit, if there is one; "
     "there are as many requests.",
     Batching},
    {"gqa-8", "cache layout",
     "Eight KV heads in place of one for each query head, quality close to "
     "before (Ainslie et al., EMNLP 2023, arXiv:2305.13245).",
     GroupQueries},
    {"mla", "cache layout",
     "Latent attention of the same heads and head size in place of attention "
     "without windows, a rank of 512 and 64 rotary elements as in DeepSeek-V2 "
     "(arXiv:2405.04434); tensor parallelism copies the cache to every chip.",
     CompressCache},
    {"kv-fp8", "cache format",
     "The KV cache in 8 bits, as engines offer it, at no loss of quality.",
     CacheInFp8},
    {"kv-int4", "cache format",
     "The KV cache in 4 bits with a scale for each 32 (int4-g32; KIVI, ICML "
     "2024, arXiv:2402.02750, goes to 2 bits), at no loss of quality.",
     CacheInInt4},
    {"weights-fp8", "weight format",
     "All matrices, experts and LM head in 8 bits, products in 8 bits where "
     "the machine has them, at no loss of quality.",
     WeightsInFp8},
    {"weights-int4", "weight format",
     "All matrices, experts and LM head in 4 bits with a scale for each 128 "
     "(int4-g128; AWQ, MLSys 2024, arXiv:2306.00978), products in 16 bits, at "
     "no loss of quality.",
     WeightsInInt4},
    {"speculation", "",
     "Four tokens drafted by a prediction module of one layer (DeepSeek-V3, "
     "arXiv:2412.19437; added where the model has none), each accepted with "
     "0.75, the rate of T5-small drafting for T5-XXL, greedy (Leviathan et "
     "al., ICML 2023, arXiv:2211.17192): 3.05 tokens a step.",
     Speculate},
    {"experts", "",
     "Each dense network split into 64 experts (fewer where they do not divide "
     "it), an eighth of them active, between Mixtral's quarter and "
     "Qwen3-30B-A3B's sixteenth; the same total parameters and, optimistic, "
     "the same quality.",
     SplitIntoExperts},
    {"stacked-dram", "",
     "Four stacks of DRAM bonded on the logic, 24 TB/s and 0.2 pJ/bit of "
     "controller, as in hb-dram-asic, at the capacity there is.",
     StackDram},
    {"sram-x10", "",
     "Ten times the near memory; the nine tenths that are new keep weights for "
     "good, at the energy of an access and the leakage of today's banks.",
     EnlargeSram},
    {"near-memory", "",
     "All that is streamed is multiplied where it is stored: no energy for "
     "PHY, "
     "controller and on-chip network; bandwidth and arithmetic as before. A "
     "bound.",
     ComputeNearMemory},
    {"analog", "arithmetic",
     "All matrix products at the energy of the 8-bit analog arrays of "
     "aimc-hbm3e with their converters, whatever the format; no writing of "
     "arrays, no larger model against noise. A bound.",
     ComputeInAnalog},
    {"multiplier-x10", "arithmetic",
     "Digital matrix products at a tenth of their energy, operand delivery "
     "included.",
     ImproveMultiplier},
};

using Taken = std::vector<const NamedTrick*>;

// Does tricks in their order, batching last: it fills what the others leave.
absl::StatusOr<Setup> ApplyAll(const Setup& base, const Taken& taken,
                               const BatchOptions& options) {
  Setup setup = base;
  for (const bool batching : {false, true}) {
    for (const NamedTrick* trick : taken) {
      if ((trick->apply == Batching) != batching) continue;
      absl::Status status = trick->apply(options, &setup);
      if (!status.ok()) return status;
    }
  }
  return setup;
}

// Of answers only the headline is looked at.

// The answer with tricks done. Fails with the reason where they cannot be.
absl::StatusOr<Report> AnalyzeWith(const Setup& base, const Taken& taken,
                                   const BatchOptions& options) {
  absl::StatusOr<Setup> setup = ApplyAll(base, taken, options);
  if (!setup.ok()) return setup.status();
  return Analyze(*setup, kFiguresOnly);
}

Trick RankedTrick(const NamedTrick& named, const Setup& base, double before,
                  const BatchOptions& options) {
  Trick trick;
  trick.set_name(std::string(named.name));
  trick.set_assumption(std::string(named.assumption));
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

// Tricks one on top of another.
class Stack {
 public:
  Stack(const Setup& base, double energy_j, const BatchOptions& options)
      : base_(base), options_(options), first_j_(energy_j), now_j_(energy_j) {
    for (const NamedTrick& trick : kTricks) left_.push_back(&trick);
  }

  // Takes the trick that gains most, as long as one does; writes the steps and
  // what is left out.
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
  // A step gains at least a tenth of a percent.
  static constexpr double kLeastGain = 1.001;

  // A trick on top of those taken: the answer, or why it cannot be done.
  struct Candidate {
    const NamedTrick* trick;
    absl::StatusOr<Report> report;
  };

  std::vector<Candidate> Candidates() const {
    std::vector<Candidate> candidates;
    for (const NamedTrick* trick : left_) {
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

  // `instead` is the trick that takes its place, or empty.
  TrickLeftOut LeftOut(const Candidate& candidate,
                       absl::string_view instead) const {
    TrickLeftOut out;
    out.set_name(std::string(candidate.trick->name));
    if (!candidate.report.ok()) {
      out.set_reason(std::string(candidate.report.status().message()));
    } else if (!instead.empty()) {
      out.set_reason(absl::StrCat(instead, " takes its place"));
    } else {
      out.set_reason(
          absl::StrFormat("gains nothing on top, x %.3f",
                          now_j_ / candidate.report->energy_per_token_j()));
    }
    return out;
  }

  void Take(const Candidate& taken, const std::vector<Candidate>& candidates,
            TrickStudy* study) {
    const NamedTrick& trick = *taken.trick;
    const double energy_j = taken.report->energy_per_token_j();
    TrickStep* step = study->add_stack();
    step->set_name(std::string(trick.name));
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
      if (trick.group.empty() || other.trick->group != trick.group) {
        left_.push_back(other.trick);
        continue;
      }
      if (other.report.ok()) step->add_excludes(std::string(other.trick->name));
      *study->add_left_out() = LeftOut(other, trick.name);
    }
    now_j_ = energy_j;
  }

  const Setup& base_;
  const BatchOptions& options_;
  const double first_j_;
  double now_j_;
  Taken taken_, left_;
};

std::string Summarize(const TrickStudy& study) {
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
  for (const Trick& trick : study.tricks()) {
    if (trick.name() != "multiplier-x10" || !trick.applies()) continue;
    absl::StrAppendFormat(
        &out, "; a multiplier of a tenth of the energy x %.3f", trick.gain());
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

std::vector<std::string> TrickNames() {
  std::vector<std::string> names;
  for (const NamedTrick& trick : kTricks) names.emplace_back(trick.name);
  return names;
}

absl::StatusOr<Setup> ApplyTrick(absl::string_view name, const Setup& setup,
                                 const BatchOptions& options) {
  for (const NamedTrick& trick : kTricks) {
    if (trick.name == name) return ApplyAll(setup, {&trick}, options);
  }
  return absl::InvalidArgumentError(
      UnknownNameMessage("trick", name, TrickNames(), ""));
}

absl::StatusOr<TrickStudy> StudyTricks(const Setup& given,
                                       const BatchOptions& options) {
  Setup base = given;
  base.scenario = WithContext(given.scenario);
  absl::StatusOr<Report> report = Analyze(base, kFiguresOnly);
  if (!report.ok()) return report.status();
  // What is wrong with the options shows here, not as a trick's reason.
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
  for (const NamedTrick& trick : kTricks) {
    *study.add_tricks() =
        RankedTrick(trick, base, report->energy_per_token_j(), options);
  }
  // Those that do not apply have no gain and come last.
  std::stable_sort(
      study.mutable_tricks()->begin(), study.mutable_tricks()->end(),
      [](const Trick& a, const Trick& b) { return a.gain() > b.gain(); });
  Stack(base, report->energy_per_token_j(), options).Fill(&study);
  study.set_summary(Summarize(study));
  return study;
}

}  // namespace tokenjoule
