#include "analyzer/study/dot_product.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/machine/in_memory.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace {

double Femtojoules(const Energy<>& energy) { return InJoules(energy) * 1e15; }

// A converter as the sweep has it: model, floor and figure of merit.
struct Converter {
  AnalogCircuit::ConverterModel model;
  double floor_pj;
};

// The stated ranges of what decides between analog and digital:
//   supply 0.6 to 0.9 V; noise factor 1 to 2; 64 to 1024 rows; converters from
//   the best of the survey over a column converter to a typical 170 dB with a
//   floor of 1.5 pJ; conversions by minimum precision, three bits fewer, or
//   lossless in single-bit slices; full adders of 0.23 fJ (4 nm), 0.35 (5
//   nm), 1.0 (22 nm); control, clocks and calibration of the analog macro x 1
//   to x 2.
constexpr double kSupplies[] = {0.6, 0.7, 0.9};
constexpr double kNoiseFactors[] = {1, 2};
constexpr double kRows[] = {64, 256, 1024};
constexpr Converter kConverters[] = {
    {AnalogCircuit::COLUMN, 0},
    {AnalogCircuit::SURVEY_ENVELOPE, 0.267},
    {AnalogCircuit::SCHREIER, 1.5},
};
constexpr AnalogCircuit::ConversionRule kRules[] = {
    AnalogCircuit::MINIMUM_PRECISION,
    AnalogCircuit::OPTIMAL_CLIPPING,
    AnalogCircuit::LOSSLESS,
};
constexpr double kFullAdders[] = {0.23, 0.35, 1.0};
constexpr double kOverheads[] = {1, 2};

// Energies at one point of the sweep, fJ.
struct Pair {
  double analog;
  double digital;
};

// Calls `visit` with every analog circuit of the sweep.
template <typename Visit>
void ForEachCircuit(Visit visit) {
  AnalogNumbers<> a;
  for (const double supply : kSupplies) {
    for (const double noise : kNoiseFactors) {
      for (const double rows : kRows) {
        for (const Converter& converter : kConverters) {
          for (const auto rule : kRules) {
            a.supply_v = a.full_scale_v = supply;
            a.noise_factor = noise;
            a.rows = a.columns = rows;
            a.converter = converter.model;
            a.converter_floor_pj = converter.floor_pj;
            a.rule = rule;
            // Lossless arrays work in single bits: one conversion that keeps
            // every level of a multi-bit sum is built by nobody.
            const bool sliced = rule == AnalogCircuit::LOSSLESS;
            a.cell =
                sliced ? AnalogCircuit::ONE_BIT : AnalogCircuit::C2C_LADDER;
            a.cell_bits = a.dac_bits = sliced ? 1 : 0;
            visit(a);
          }
        }
      }
    }
  }
}

std::vector<Pair> Sweep(double bits) {
  std::vector<Pair> pairs;
  ForEachCircuit([&](const AnalogNumbers<>& circuit) {
    const double analog = Femtojoules(AnalogMac(circuit, bits, bits).total());
    for (const double full_adder : kFullAdders) {
      const double digital = Femtojoules(
          DigitalInMemoryMac(Picojoules(full_adder * 1e-3), bits, bits));
      for (const double overhead : kOverheads) {
        pairs.push_back({analog * overhead, digital});
      }
    }
  });
  return pairs;
}

// Percentiles by rank (nearest).
Band BandOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[std::llround(share * (values.size() - 1))];
  };
  Band band;
  band.set_p10(at(0.1));
  band.set_p50(at(0.5));
  band.set_p90(at(0.9));
  return band;
}

DotProductRow RowOf(double bits, const DotProductOptions& options) {
  const std::vector<Pair> pairs = Sweep(bits);
  std::vector<double> analog, digital, gain;
  double wins = 0;
  for (const Pair& pair : pairs) {
    analog.push_back(pair.analog);
    digital.push_back(pair.digital);
    gain.push_back(pair.digital / pair.analog);
    wins += pair.analog < pair.digital;
  }
  DotProductRow row;
  row.set_bits(bits);
  row.set_thermal_limit_fj(Femtojoules(ThermalLimit(bits)));
  *row.mutable_analog_fj() = BandOf(analog);
  *row.mutable_digital_fj() = BandOf(digital);
  *row.mutable_gain() = BandOf(gain);
  row.set_analog_wins(wins / pairs.size());
  row.set_winner(row.gain().p10() > 1   ? "ANALOG"
                 : row.gain().p90() < 1 ? "DIGITAL"
                                        : "NOT_DETERMINED");
  row.set_break_even_growth(BreakEvenGrowth(row.digital_fj().p50(),
                                            row.analog_fj().p50(),
                                            options.memory_fj_per_mac));
  row.set_precision_law_growth(PrecisionLawGrowth(bits));
  return row;
}

// Published macros and chips; energies from TOPS/W at two operations a
// multiply-add.
struct Chip {
  const char* name;
  const char* kind;
  double node_nm, input_bits, weight_bits, tops_per_w;
  const char* boundary;
};

constexpr Chip kChips[] = {
    {"Sinangil et al., JSSC 2021", "analog", 7, 4, 4, 351, "macro"},
    {"Jia et al., JSSC 2020", "analog", 65, 1, 1, 400, "macro"},
    {"Wang et al., JSSC 2022, 0.7 V", "analog", 22, 8, 8, 32.2, "macro"},
    {"Wang et al., JSSC 2022, 1.1 V", "analog", 22, 8, 8, 15.5, "macro"},
    {"IMAGINE, arXiv:2412.19750", "analog", 22, 8, 8, 150, "macro"},
    {"IMAGINE, arXiv:2412.19750", "analog", 22, 8, 8, 40, "system"},
    {"HERMES-64 1-phase, Nature Electronics 2023", "analog", 14, 8, 4, 9.76,
     "system"},
    {"HERMES-64 4-phase, Nature Electronics 2023", "analog", 14, 8, 4, 2.48,
     "system"},
    {"Chih et al., ISSCC 2021", "digital", 22, 4, 4, 89, "macro"},
    {"Fujiwara et al., ISSCC 2022", "digital", 5, 4, 4, 254, "macro"},
    {"Mori et al., ISSCC 2023", "digital", 4, 4, 4, 6163.0 / 16, "macro"},
    {"ISSCC 2024 34.4", "digital", 3, 12, 12, 32.5, "macro"},
};

void AddSilicon(DotProductStudy* study) {
  for (const Chip& chip : kChips) {
    SiliconPoint* point = study->add_silicon();
    point->set_name(chip.name);
    point->set_kind(chip.kind);
    point->set_node_nm(chip.node_nm);
    point->set_input_bits(chip.input_bits);
    point->set_weight_bits(chip.weight_bits);
    point->set_mac_fj(2e3 / chip.tops_per_w);
    point->set_boundary(chip.boundary);
  }
}

// Bits of the rows for which `winner` holds: "8, 9, 10".
std::string BitsWon(const DotProductStudy& study, absl::string_view winner) {
  std::string out;
  for (const DotProductRow& row : study.rows()) {
    if (row.winner() != winner) continue;
    absl::StrAppendFormat(&out, "%s%g", out.empty() ? "" : ", ", row.bits());
  }
  return out.empty() ? "none" : out;
}

std::string Summarize(const DotProductStudy& study) {
  std::string out = absl::StrCat(
      "Over the stated ranges the winner is not determined at ",
      BitsWon(study, "NOT_DETERMINED"), " bits, digital at ",
      BitsWon(study, "DIGITAL"), ", analog at ", BitsWon(study, "ANALOG"),
      ". What is robust: beyond the knee, where noise and not geometry sets "
      "the "
      "capacitance, each bit costs analog four times the energy.");
  return out;
}

}  // namespace

double PrecisionLawGrowth(double bits) {
  return 1 / (1 - std::exp(-bits / 2.67));
}

double BreakEvenGrowth(double digital_fj, double analog_fj, double memory_fj) {
  return (digital_fj + memory_fj) / (analog_fj + memory_fj);
}

absl::StatusOr<DotProductStudy> StudyDotProduct(
    absl::Span<const double> bits, const DotProductOptions& options) {
  if (!(options.memory_fj_per_mac >= 0) || options.memory_fj_per_mac > 1e9) {
    return absl::InvalidArgumentError(
        "memory energy is out of range; expected 0 to 1e9 fJ");
  }
  DotProductStudy study;
  study.set_sweep(
      "supply 0.6, 0.7, 0.9 V; noise factor 1, 2; 64, 256, 1024 rows; column, "
      "best-of-survey and typical converters; minimum precision, three bits "
      "fewer, lossless in single-bit slices; full adders of 0.23, 0.35, 1.0 "
      "fJ; analog overhead x "
      "1, "
      "x 2");
  for (const double b : bits) {
    if (!(b >= 1 && b <= 16)) {
      return absl::InvalidArgumentError(
          absl::StrCat("bits: ", b, " is out of range; expected 1 to 16"));
    }
    *study.add_rows() = RowOf(b, options);
  }
  study.set_points(static_cast<int32_t>(Sweep(4).size()));
  AddSilicon(&study);
  study.set_summary(Summarize(study));
  return study;
}

}  // namespace tokenjoule
