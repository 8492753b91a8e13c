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
#include "analyzer/description/catalog.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/study_data.h"
#include "analyzer/machine/in_memory.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace {

double Femtojoules(const Energy<>& energy) { return InJoules(energy) * 1e15; }

// Energies at one point of the sweep, fJ.
struct Pair {
  double analog;
  double digital;
};

// The distinct values among low, value and high, in ascending order.
std::vector<double> SweptValues(const Constant& constant) {
  const std::set<double> values = {constant.low(), constant.value(),
                                   constant.high()};
  return {values.begin(), values.end()};
}

// The parameters of the sweep as read: DotProductSweep with its technologies.
struct Swept {
  DotProductSweep data;
  AnalogCircuit circuit;
  std::vector<double> supplies_v, noise_factors, rows, full_adders_fj,
      overheads;
};

absl::StatusOr<Swept> LoadSwept() {
  absl::StatusOr<DotProductSweep> data = LoadDotProductSweep();
  if (!data.ok()) return data.status();
  absl::StatusOr<AnalogCircuit> circuit =
      LoadCircuitTechnology(data->circuit());
  if (!circuit.ok()) return circuit.status();
  Swept swept;
  for (const std::string& name : data->full_adders_of()) {
    absl::StatusOr<LogicTechnology> logic = LoadLogicTechnology(name);
    if (!logic.ok()) return logic.status();
    swept.full_adders_fj.push_back(logic->full_adder_energy_fj().value());
  }
  swept.supplies_v = SweptValues(circuit->supply_v());
  swept.noise_factors = SweptValues(circuit->noise_factor());
  swept.rows = SweptValues(data->rows());
  swept.overheads = SweptValues(data->overhead_factor());
  swept.circuit = *std::move(circuit);
  swept.data = *std::move(data);
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

// Calls `visit` with every analog circuit of the sweep.
template <typename Visit>
void ForEachCircuit(const Swept& swept, Visit visit) {
  for (const DotProductSweep::Converter& converter : swept.data.converter()) {
    for (const DotProductSweep::Rule& rule : swept.data.rule()) {
      AnalogNumbers<> a = CircuitWith(swept, rule, converter);
      for (const double supply : swept.supplies_v) {
        for (const double noise : swept.noise_factors) {
          for (const double rows : swept.rows) {
            a.supply_v = a.full_scale_v = supply;
            a.noise_factor = noise;
            a.rows = a.columns = rows;
            visit(a);
          }
        }
      }
    }
  }
}

std::vector<Pair> Sweep(const Swept& swept, double bits) {
  std::vector<Pair> pairs;
  ForEachCircuit(swept, [&](const AnalogNumbers<>& circuit) {
    const double analog = Femtojoules(AnalogMac(circuit, bits, bits).total());
    for (const double full_adder : swept.full_adders_fj) {
      const double digital = Femtojoules(
          DigitalInMemoryMac(Picojoules(full_adder * 1e-3), bits, bits));
      for (const double overhead : swept.overheads) {
        pairs.push_back({analog * overhead, digital});
      }
    }
  });
  return pairs;
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

DotProductRow RowOf(double bits, double memory_fj_per_mac, const Swept& swept) {
  const std::vector<Pair> pairs = Sweep(swept, bits);
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
  row.set_break_even_growth(BreakEvenGrowth(
      row.digital_fj().p50(), row.analog_fj().p50(), memory_fj_per_mac));
  row.set_precision_law_growth(
      PrecisionLawGrowth(bits, swept.data.precision_law_bits().value()));
  return row;
}

// Published macros and chips. Energies follow from TOPS/W with two operations
// per multiply-add.
void AddSilicon(const DotProductSweep& data, DotProductStudy* study) {
  for (const DotProductSweep::Chip& chip : data.chip()) {
    SiliconPoint* point = study->add_silicon();
    point->set_name(chip.title());
    point->set_kind(
        absl::AsciiStrToLower(DotProductSweep::Chip::Kind_Name(chip.kind())));
    point->set_node_nm(chip.node_nm().value());
    point->set_input_bits(chip.input_bits().value());
    point->set_weight_bits(chip.weight_bits().value());
    point->set_mac_fj(2e3 / chip.tops_per_w().value());
    point->set_boundary(absl::AsciiStrToLower(
        DotProductSweep::Chip::Counted_Name(chip.counted())));
  }
}

// "0.6, 0.7, 0.9".
std::string Listed(const std::vector<double>& values) {
  return absl::StrJoin(values, ", ", [](std::string* out, double value) {
    absl::StrAppendFormat(out, "%g", value);
  });
}

// The parameters of the sweep in words.
std::string Describe(const Swept& swept) {
  std::string out = absl::StrCat(
      "supply ", Listed(swept.supplies_v), " V; noise factor ",
      Listed(swept.noise_factors), "; ", Listed(swept.rows), " rows; ");
  const int last = swept.data.converter_size() - 1;
  for (int i = 0; i <= last; ++i) {
    absl::StrAppend(&out,
                    i == 0      ? ""
                    : i == last ? " and "
                                : ", ",
                    swept.data.converter(i).title());
  }
  absl::StrAppend(&out, " converters; ",
                  absl::StrJoin(swept.data.rule(), ", ",
                                [](std::string* text, const auto& rule) {
                                  absl::StrAppend(text, rule.title());
                                }),
                  "; full adders of ",
                  absl::StrJoin(swept.full_adders_fj, ", ",
                                [](std::string* text, double energy_fj) {
                                  // Only two digits are significant: "1.0".
                                  absl::StrAppendFormat(text, "%#.2g",
                                                        energy_fj);
                                }),
                  " fJ; analog overhead x ",
                  absl::StrJoin(swept.overheads, ", x ",
                                [](std::string* text, double factor) {
                                  absl::StrAppendFormat(text, "%g", factor);
                                }));
  return out;
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
      ". One conclusion is robust: beyond the knee, where noise and not "
      "geometry sets the capacitance, each additional bit quadruples the "
      "energy of analog.");
  return out;
}

}  // namespace

double PrecisionLawGrowth(double bits, double law_bits) {
  return 1 / (1 - std::exp(-bits / law_bits));
}

double BreakEvenGrowth(double digital_fj, double analog_fj, double memory_fj) {
  return (digital_fj + memory_fj) / (analog_fj + memory_fj);
}

absl::StatusOr<DotProductStudy> StudyDotProduct(
    absl::Span<const double> bits, const DotProductOptions& options) {
  absl::StatusOr<Swept> swept = LoadSwept();
  if (!swept.ok()) return swept.status();
  const double memory_fj = options.memory_fj_per_mac.has_value()
                               ? *options.memory_fj_per_mac
                               : swept->data.memory_fj_per_mac().value();
  if (!(memory_fj >= 0) || memory_fj > 1e9) {
    return absl::InvalidArgumentError(
        "memory energy is out of range; expected 0 to 1e9 fJ");
  }
  DotProductStudy study;
  study.set_sweep(Describe(*swept));
  for (const double b : bits) {
    if (!(b >= 1 && b <= 16)) {
      return absl::InvalidArgumentError(
          absl::StrCat("bits: ", b, " is out of range; expected 1 to 16"));
    }
    *study.add_rows() = RowOf(b, memory_fj, *swept);
  }
  study.set_points(static_cast<int32_t>(Sweep(*swept, 4).size()));
  AddSilicon(swept->data, &study);
  study.set_summary(Summarize(study));
  return study;
}

}  // namespace tokenjoule
