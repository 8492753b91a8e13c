#include "analyzer/study/dot_product.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/study_data.h"
#include "analyzer/machine/in_memory.h"
#include "analyzer/quality/precision_law.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace {

// A multiply-add counts as two operations, as published TOPS do.
constexpr double kOperationsPerMac = 2;
// The bits that are tried in search of a crossing: 1, 1.25, ..., 16.
constexpr double kCrossingStep = 0.25;
constexpr int kCrossingSteps = 60;

double Femtojoules(const Energy<>& energy) { return InJoules(energy) * 1e15; }

// Growth that weights of that many bits require against exact ones.
double GrowthOfWeights(const PrecisionLaw<>& law, double bits) {
  PrecisionBits<> precision;
  precision.weights = bits;
  return GrowthForPrecision(law, precision);
}

// The distinct values among low, value and high, in ascending order.
std::vector<double> SweptValues(const Constant& constant) {
  const std::set<double> values = {constant.low(), constant.value(),
                                   constant.high()};
  return {values.begin(), values.end()};
}

// The parameters of one sweep as read, with the technologies that they name.
struct Swept {
  DotProductSweep data;
  // The converters that are tried.
  std::vector<DotProductSweep::Converter> converters;
  PrecisionLaw<> law;
  AnalogCircuit circuit;
  std::vector<double> supplies_v, noise_factors, rows, unit_capacitances_ff,
      full_adders_fj, overheads;
  // Of the generation; 0: the stated ranges.
  int year = 0;
  double node_nm = 0;
};

absl::StatusOr<Swept> LoadSwept(const DotProductSweep& data,
                                const std::string& circuit_name) {
  ASSIGN_OR_RETURN(AnalogCircuit circuit, LoadCircuitTechnology(circuit_name));
  Swept swept;
  swept.supplies_v = SweptValues(circuit.supply_v());
  swept.noise_factors = SweptValues(circuit.noise_factor());
  swept.unit_capacitances_ff = {circuit.unit_capacitance_ff().value()};
  swept.rows = SweptValues(data.rows());
  swept.overheads = SweptValues(data.overhead_factor());
  swept.converters = {data.converter().begin(), data.converter().end()};
  ASSIGN_OR_RETURN(const ScalingLaws laws, LoadScalingLaws());
  swept.law = PrecisionLawAt(laws.precision());
  swept.circuit = std::move(circuit);
  swept.data = data;
  return swept;
}

// The sweep over the stated ranges: full adders of several nodes.
absl::StatusOr<Swept> StatedRanges(const DotProductSweep& data) {
  ASSIGN_OR_RETURN(Swept swept, LoadSwept(data, data.circuit()));
  for (const std::string& name : data.full_adders_of()) {
    ASSIGN_OR_RETURN(const LogicTechnology logic, LoadLogicTechnology(name));
    swept.full_adders_fj.push_back(logic.full_adder_energy_fj().value());
  }
  return swept;
}

// The sweep within a generation: the ranges of its full adders and of its
// smallest capacitor.
absl::StatusOr<Swept> RangesOf(const DotProductSweep& data,
                               const DotProductSweep::Generation& generation) {
  ASSIGN_OR_RETURN(Swept swept, LoadSwept(data, generation.circuit()));
  for (const std::string& name : generation.full_adders_of()) {
    ASSIGN_OR_RETURN(const LogicTechnology logic, LoadLogicTechnology(name));
    const std::vector<double> values =
        SweptValues(logic.full_adder_energy_fj());
    swept.full_adders_fj.insert(swept.full_adders_fj.end(), values.begin(),
                                values.end());
  }
  swept.unit_capacitances_ff = SweptValues(swept.circuit.unit_capacitance_ff());
  if (generation.converter_size() > 0) {
    swept.converters = {generation.converter().begin(),
                        generation.converter().end()};
  }
  swept.year = static_cast<int>(generation.year().value());
  swept.node_nm = generation.node_nm().value();
  return swept;
}

// The circuit with a conversion rule and a converter, in an array without a
// size.
AnalogNumbers<> CircuitWith(const Swept& swept,
                            const DotProductSweep::Rule& rule,
                            const DotProductSweep::Converter& converter) {
  AnalogCircuit circuit = swept.circuit;
  circuit.set_rule(rule.rule());
  circuit.set_cell(rule.cell());
  *circuit.mutable_cell_bits() = rule.cell_bits();
  *circuit.mutable_dac_bits() = rule.dac_bits();
  circuit.set_converter(converter.model());
  if (converter.has_floor_pj()) {
    *circuit.mutable_converter_floor_pj() = converter.floor_pj();
  }
  InMemoryArray array;
  *array.mutable_utilization() = swept.data.utilization();
  return ReadAnalog<double>(circuit, array, ValueReader());
}

// Every analog circuit of the sweep.
std::vector<AnalogNumbers<>> CircuitsOf(const Swept& swept) {
  std::vector<AnalogNumbers<>> circuits;
  for (const DotProductSweep::Converter& converter : swept.converters) {
    for (const DotProductSweep::Rule& rule : swept.data.rule()) {
      AnalogNumbers<> a = CircuitWith(swept, rule, converter);
      for (const double supply : swept.supplies_v) {
        for (const double noise : swept.noise_factors) {
          for (const double unit : swept.unit_capacitances_ff) {
            for (const double rows : swept.rows) {
              a.supply_v = a.full_scale_v = supply;
              a.noise_factor = noise;
              a.unit_capacitance_ff = unit;
              a.rows = a.columns = rows;
              circuits.push_back(a);
            }
          }
        }
      }
    }
  }
  return circuits;
}

double AnalogFj(const AnalogNumbers<>& circuit, double bits) {
  return Femtojoules(AnalogMac(circuit, bits, bits).total());
}

double DigitalFj(double full_adder_fj, double bits) {
  return Femtojoules(
      DigitalInMemoryMac(Picojoules(full_adder_fj * 1e-3), bits, bits));
}

// Percentiles by nearest rank.
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

// `map` of each percentile; of a decreasing map the tenth percentile is that of
// the ninetieth.
Band Mapped(const Band& band, double (*map)(double)) {
  Band mapped;
  mapped.set_p10(map(band.p10()));
  mapped.set_p50(map(band.p50()));
  mapped.set_p90(map(band.p90()));
  if (mapped.p10() > mapped.p90()) {
    const double most = mapped.p10();
    mapped.set_p10(mapped.p90());
    mapped.set_p90(most);
  }
  return mapped;
}

// 1 TOPS/W is an operation per pJ, 1000 fJ.
double TopsPerW(double mac_fj) { return kOperationsPerMac * 1e3 / mac_fj; }
double MacFj(double tops_per_w) { return kOperationsPerMac * 1e3 / tops_per_w; }
double FjPerOperation(double mac_fj) { return mac_fj / kOperationsPerMac; }

DotProductRow RowOf(double bits, double memory_fj_per_mac, const Swept& swept,
                    const std::vector<AnalogNumbers<>>& circuits) {
  std::vector<double> analog, digital, gain, effective, growth;
  double wins = 0;
  for (const AnalogNumbers<>& circuit : circuits) {
    const double analog_fj = AnalogFj(circuit, bits);
    for (const double full_adder : swept.full_adders_fj) {
      const double digital_fj = DigitalFj(full_adder, bits);
      for (const double overhead : swept.overheads) {
        analog.push_back(analog_fj * overhead);
        digital.push_back(digital_fj * overhead);
        gain.push_back(digital_fj / analog_fj);
        wins += analog_fj < digital_fj;
      }
    }
    effective.push_back(EffectiveBits(bits, AnalogNoise(circuit, bits, bits)));
    growth.push_back(RelativeGrowth(swept.law, bits, effective.back()));
  }
  DotProductRow row;
  row.set_bits(bits);
  row.set_thermal_limit_fj(Femtojoules(ThermalLimit(bits)));
  row.set_analog_wins(wins / gain.size());
  *row.mutable_analog_fj() = BandOf(std::move(analog));
  *row.mutable_digital_fj() = BandOf(std::move(digital));
  *row.mutable_gain() = BandOf(std::move(gain));
  row.set_winner(row.gain().p10() > 1   ? "ANALOG"
                 : row.gain().p90() < 1 ? "DIGITAL"
                                        : "NOT_DETERMINED");
  row.set_break_even_growth(BreakEvenGrowth(
      row.digital_fj().p50(), row.analog_fj().p50(), memory_fj_per_mac));
  row.set_precision_law_growth(GrowthOfWeights(swept.law, bits));
  *row.mutable_relative_growth() = BandOf(std::move(growth));
  *row.mutable_effective_bits() = BandOf(std::move(effective));
  *row.mutable_analog_fj_per_op() = Mapped(row.analog_fj(), FjPerOperation);
  *row.mutable_digital_fj_per_op() = Mapped(row.digital_fj(), FjPerOperation);
  *row.mutable_analog_tops_per_w() = Mapped(row.analog_fj(), TopsPerW);
  *row.mutable_digital_tops_per_w() = Mapped(row.digital_fj(), TopsPerW);
  return row;
}

// Most bits, 1 to 16 in steps of a quarter, at which a circuit takes less
// energy than the full adder's array; 0 if at none. Overhead is the same on
// both sides.
double AnalogUpToBits(const std::vector<double>& analog_fj,
                      double full_adder_fj) {
  for (int step = kCrossingSteps; step >= 0; --step) {
    const double bits = 1 + step * kCrossingStep;
    if (analog_fj[step] < DigitalFj(full_adder_fj, bits)) return bits;
  }
  return 0;
}

Band AnalogUpToBits(const Swept& swept,
                    const std::vector<AnalogNumbers<>>& circuits) {
  std::vector<double> bits;
  for (const AnalogNumbers<>& circuit : circuits) {
    std::vector<double> analog_fj;
    for (int step = 0; step <= kCrossingSteps; ++step) {
      analog_fj.push_back(AnalogFj(circuit, 1 + step * kCrossingStep));
    }
    for (const double full_adder : swept.full_adders_fj) {
      bits.push_back(AnalogUpToBits(analog_fj, full_adder));
    }
  }
  return BandOf(std::move(bits));
}

// Bits beyond which 12 kT 4^b is more than e b (1.15 b + 1), by bisection: the
// ratio rises with the bits.
double LimitReaches(double full_adder_fj) {
  double low = 1, high = 64;
  while (high - low > 1e-6) {
    const double bits = (low + high) / 2;
    const bool below =
        Femtojoules(ThermalLimit(bits)) < DigitalFj(full_adder_fj, bits);
    (below ? low : high) = bits;
  }
  return low;
}

Band LimitReachesDigitalBits(const Swept& swept) {
  std::vector<double> bits;
  for (const double full_adder : swept.full_adders_fj) {
    for (const double overhead : swept.overheads) {
      bits.push_back(LimitReaches(full_adder * overhead));
    }
  }
  return BandOf(std::move(bits));
}

// The name of an enumerator in lower case.
template <typename Enum>
std::string Lower(const std::string& (*name)(Enum), Enum value) {
  return absl::AsciiStrToLower(name(value));
}

SiliconPoint PointOf(const DotProductSweep::Chip& chip) {
  const Constant& tops = chip.tops_per_w();
  SiliconPoint point;
  point.set_name(chip.title());
  point.set_label(chip.label());
  point.set_kind(Lower(DotProductSweep::Chip::Kind_Name, chip.kind()));
  point.set_boundary(
      Lower(DotProductSweep::Chip::Counted_Name, chip.counted()));
  point.set_known(Lower(DotProductSweep::Chip::Known_Name, chip.known()));
  point.set_year(static_cast<int>(chip.year().value()));
  point.set_node_nm(chip.node_nm().value());
  point.set_input_bits(chip.input_bits().value());
  point.set_weight_bits(chip.weight_bits().value());
  point.set_tops_per_w(tops.value());
  point.set_tops_per_w_low(tops.low());
  point.set_tops_per_w_high(tops.high());
  point.set_mac_fj(MacFj(tops.value()));
  point.set_mac_low_fj(MacFj(tops.high()));
  point.set_mac_high_fj(MacFj(tops.low()));
  point.set_fj_per_op(FjPerOperation(point.mac_fj()));
  return point;
}

// The year of the generation nearest to a chip's, the later of two.
int NearestYear(const DotProductSweep& data,
                const DotProductSweep::Chip& chip) {
  int nearest = 0;
  for (const DotProductSweep::Generation& generation : data.generation()) {
    const double year = generation.year().value();
    if (nearest == 0 || std::abs(year - chip.year().value()) <=
                            std::abs(nearest - chip.year().value())) {
      nearest = static_cast<int>(year);
    }
  }
  return nearest;
}

// "0.6, 0.7, 0.9".
std::string Listed(const std::vector<double>& values) {
  return absl::StrJoin(values, ", ", [](std::string* out, double value) {
    absl::StrAppendFormat(out, "%g", value);
  });
}

// Titles in words: "a, b and c".
template <typename Entries>
std::string Titles(const Entries& entries) {
  std::string out;
  const int last = static_cast<int>(entries.size()) - 1;
  for (int i = 0; i <= last; ++i) {
    const char* separator = i == 0 ? "" : i == last ? " and " : ", ";
    absl::StrAppend(&out, separator, entries[i].title());
  }
  return out;
}

// The parameters of the sweep in words.
std::string Describe(const Swept& swept) {
  const auto two_digits = [](std::string* text, double energy_fj) {
    // Only two digits are significant: "1.0".
    if (energy_fj < 100) {
      absl::StrAppendFormat(text, "%#.2g", energy_fj);
    } else {
      absl::StrAppendFormat(text, "%g", energy_fj);
    }
  };
  const auto factor = [](std::string* text, double value) {
    absl::StrAppendFormat(text, "%g", value);
  };
  return absl::StrCat("supply ", Listed(swept.supplies_v), " V; noise factor ",
                      Listed(swept.noise_factors), "; unit capacitor ",
                      Listed(swept.unit_capacitances_ff), " fF; ",
                      Listed(swept.rows), " rows; ", Titles(swept.converters),
                      " converters; ", Titles(swept.data.rule()),
                      "; full adders of ",
                      absl::StrJoin(swept.full_adders_fj, ", ", two_digits),
                      " fJ; overhead of both x ",
                      absl::StrJoin(swept.overheads, ", x ", factor));
}

// Bits of the rows for which `winner` holds: "8, 9, 10".
std::string BitsWon(const DotProductPanel& panel, absl::string_view winner) {
  std::string out;
  for (const DotProductRow& row : panel.rows()) {
    if (row.winner() != winner) continue;
    absl::StrAppendFormat(&out, "%s%g", out.empty() ? "" : ", ", row.bits());
  }
  return out.empty() ? "none" : out;
}

// "Over the stated ranges", "In 1990 (2000 nm)".
std::string Where(const DotProductPanel& panel) {
  if (panel.year() == 0) return "Over the stated ranges";
  return absl::StrFormat("In %d (%g nm)", panel.year(), panel.node_nm());
}

std::string Summarize(const DotProductStudy& study) {
  std::string out;
  for (const DotProductPanel& panel : study.panels()) {
    absl::StrAppend(&out, Where(panel), " the winner is not determined at ",
                    BitsWon(panel, "NOT_DETERMINED"), " bits, digital at ",
                    BitsWon(panel, "DIGITAL"), ", analog at ",
                    BitsWon(panel, "ANALOG"), ". ");
  }
  absl::StrAppend(&out,
                  "One conclusion is robust: beyond the knee, where noise and "
                  "not geometry sets the capacitance, each additional bit "
                  "takes at least four times the energy of analog.");
  return out;
}

DotProductPanel PanelOf(const Swept& swept, absl::Span<const double> bits,
                        double memory_fj) {
  const std::vector<AnalogNumbers<>> circuits = CircuitsOf(swept);
  DotProductPanel panel;
  panel.set_year(swept.year);
  panel.set_node_nm(swept.node_nm);
  panel.set_sweep(Describe(swept));
  panel.set_points(static_cast<int>(
      circuits.size() * swept.full_adders_fj.size() * swept.overheads.size()));
  *panel.mutable_analog_up_to_bits() = AnalogUpToBits(swept, circuits);
  *panel.mutable_limit_reaches_digital_bits() = LimitReachesDigitalBits(swept);
  for (const double b : bits) {
    *panel.add_rows() = RowOf(b, memory_fj, swept, circuits);
  }
  for (const DotProductSweep::Chip& chip : swept.data.chip()) {
    if (swept.year == 0 || NearestYear(swept.data, chip) == swept.year) {
      *panel.add_silicon() = PointOf(chip);
    }
  }
  return panel;
}

bool Contains(absl::Span<const double> values, double value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// Requires that each of `wanted` is the year or node of some generation.
absl::Status CheckKnown(const char* flag, absl::Span<const double> wanted,
                        const std::vector<double>& known) {
  for (const double value : wanted) {
    if (Contains(known, value)) continue;
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: %g is not in hw_specs/studies/dot-product.textproto; expected "
        "one of %s",
        flag, value, Listed(known)));
  }
  return absl::OkStatus();
}

// The generations of the years and nodes that were asked for; none if neither
// was.
absl::StatusOr<std::vector<DotProductSweep::Generation>> Chosen(
    const DotProductSweep& data, const DotProductOptions& options) {
  std::vector<double> years, nodes;
  for (const DotProductSweep::Generation& generation : data.generation()) {
    years.push_back(generation.year().value());
    nodes.push_back(generation.node_nm().value());
  }
  RETURN_IF_ERROR(CheckKnown("year", options.years, years));
  RETURN_IF_ERROR(CheckKnown("node", options.nodes_nm, nodes));
  std::vector<DotProductSweep::Generation> chosen;
  if (options.years.empty() && options.nodes_nm.empty()) return chosen;
  std::string known;
  for (size_t i = 0; i < years.size(); ++i) {
    absl::StrAppendFormat(&known, "%s%g with %g nm", i == 0 ? "" : ", ",
                          years[i], nodes[i]);
    if ((options.years.empty() || Contains(options.years, years[i])) &&
        (options.nodes_nm.empty() || Contains(options.nodes_nm, nodes[i]))) {
      chosen.push_back(data.generation(i));
    }
  }
  if (chosen.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("year, node: no generation has both; there are ", known));
  }
  return chosen;
}

}  // namespace

double EffectiveBits(double bits, double analog_noise) {
  // Of a uniform quantiser, whose inverse is BitsForNoise.
  const double rounding_noise = std::pow(4, -bits) / 1.5;
  return BitsForNoise(rounding_noise + analog_noise);
}

double RelativeGrowth(const PrecisionLaw<>& law, double bits,
                      double effective_bits) {
  return GrowthOfWeights(law, effective_bits) / GrowthOfWeights(law, bits);
}

double BreakEvenGrowth(double digital_fj, double analog_fj, double memory_fj) {
  return (digital_fj + memory_fj) / (analog_fj + memory_fj);
}

absl::StatusOr<DotProductStudy> StudyDotProduct(
    absl::Span<const double> bits, const DotProductOptions& options) {
  ASSIGN_OR_RETURN(const DotProductSweep data, LoadDotProductSweep());
  const double memory_fj = options.memory_fj_per_mac.has_value()
                               ? *options.memory_fj_per_mac
                               : data.memory_fj_per_mac().value();
  if (!(memory_fj >= 0) || memory_fj > 1e9) {
    return absl::InvalidArgumentError(
        "memory energy is out of range; expected 0 to 1e9 fJ");
  }
  for (const double b : bits) {
    if (!(b >= 1 && b <= 16)) {
      return absl::InvalidArgumentError(
          absl::StrCat("bits: ", b, " is out of range; expected 1 to 16"));
    }
  }
  ASSIGN_OR_RETURN(const std::vector<DotProductSweep::Generation> chosen,
                   Chosen(data, options));
  DotProductStudy study;
  if (chosen.empty()) {
    ASSIGN_OR_RETURN(const Swept swept, StatedRanges(data));
    *study.add_panels() = PanelOf(swept, bits, memory_fj);
  }
  for (const DotProductSweep::Generation& generation : chosen) {
    ASSIGN_OR_RETURN(const Swept swept, RangesOf(data, generation));
    *study.add_panels() = PanelOf(swept, bits, memory_fj);
  }
  study.set_summary(Summarize(study));
  return study;
}

}  // namespace tokenjoule
