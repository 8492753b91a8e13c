#include "analyzer/study/break_even.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/formats.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/study_data.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/machine/build_machine.h"
#include "analyzer/study/exact_constant.h"

namespace tokenjoule {
namespace {

absl::Status CheckOption(absl::string_view name,
                         const std::vector<double>& values, double least,
                         double most) {
  for (const double value : values) {
    if (value >= least && value <= most) continue;
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: %g is out of range; expected %g to %g", name,
                        value, least, most));
  }
  return absl::OkStatus();
}

bool HasEngine(const Hardware& hardware, ComputeEngine::Kind kind) {
  return absl::c_any_of(hardware.engine(), [&](const ComputeEngine& engine) {
    return engine.kind() == kind;
  });
}

// An exact constant of a point of the map.
Constant Exact(double value, Hardware* hardware) {
  return Exact(value,
               {"break-even", "A point of the map of `tokenjoule break-even`"},
               hardware);
}

// A machine of which each array of a kind makes the model grow.
Hardware Growing(const Hardware& machine, ComputeEngine::Kind kind,
                 double growth) {
  Hardware hardware = machine;
  for (ComputeEngine& engine : *hardware.mutable_engine()) {
    if (engine.kind() != kind) continue;
    *engine.mutable_array()->mutable_model_growth() = Exact(growth, &hardware);
  }
  return hardware;
}

// The analog machine at a point of the map, its products at `fj_per_op`.
Hardware MachineAt(const Hardware& analog, double standing_w, double growth,
                   double fj_per_op) {
  Hardware hardware = Growing(analog, ComputeEngine::ANALOG_IMC, growth);
  *hardware.mutable_board()->mutable_static_power_w() =
      Exact(standing_w, &hardware);
  for (ComputeEngine& engine : *hardware.mutable_engine()) {
    if (engine.kind() != ComputeEngine::ANALOG_IMC) continue;
    for (ComputeEngine::FormatRate& rate : *engine.mutable_rate()) {
      *rate.mutable_energy_pj_per_flop() = Exact(fj_per_op * 1e-3, &hardware);
    }
  }
  return hardware;
}

// The map's axes and the machines on it.
class Map {
 public:
  // `growth` is what the digital machine asks for by itself.
  Map(const Setup& digital, const Setup& analog, double growth)
      : digital_(digital), analog_(analog), growth_(growth) {
    digital_.hardware =
        Growing(digital.hardware, ComputeEngine::DIGITAL_IMC, growth);
  }

  absl::StatusOr<BreakEvenRow> At(double standing_w, double batch,
                                  double growth) {
    BreakEvenRow row;
    row.set_standing_w(standing_w);
    row.set_batch(batch);
    row.set_growth(growth);
    digital_.scenario.set_batch(batch);
    analog_.scenario.set_batch(batch);
    ASSIGN_OR_RETURN(const double digital, EnergyOf(digital_));
    row.set_digital_j(digital);
    const Hardware described = analog_.hardware;
    const auto at = [&](double fj_per_op) {
      analog_.hardware =
          MachineAt(described, standing_w, growth_ * growth, fj_per_op);
      absl::StatusOr<double> energy = EnergyOf(analog_);
      analog_.hardware = described;
      return energy;
    };
    ASSIGN_OR_RETURN(const double free, at(0));
    ASSIGN_OR_RETURN(const double charged, at(kProbeFj));
    // Whether products count is a matter of the boundary alone.
    if (!(charged > free)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "boundary: the energy at \"", analog_.scenario.boundary(),
          "\" holds no products, so that nothing depends on what they take; "
          "expected chip or a wider one"));
    }
    row.set_analog_free_j(free);
    row.set_break_even_fj_per_op((digital - free) / (charged - free) *
                                 kProbeFj);
    return row;
  }

 private:
  // Large enough for the difference to be exact, small enough not to reach a
  // power cap.
  static constexpr double kProbeFj = 10;

  static absl::StatusOr<double> EnergyOf(const Setup& setup) {
    absl::StatusOr<Report> report = Analyze(setup, kFiguresOnly);
    if (!report.ok()) return report.status();
    return report->energy_per_token_j();
  }

  Setup digital_, analog_;
  const double growth_;
};

// Growth that a machine's precision requires.
absl::StatusOr<double> GrowthOf(Setup setup) {
  setup.scenario.set_equal_quality(true);
  absl::StatusOr<Report> report = Analyze(setup, kFiguresOnly);
  if (!report.ok()) return report.status();
  return report->model_growth();
}

// Published analog arrays at the formats of the analog machine's products. `own`
// are points at the machine's own static power and at equal quality, by batch.
absl::Status AddChips(const std::vector<BreakEvenRow>& own,
                      BreakEvenStudy* study) {
  const ArrayEfficiency& array = study->analog().arrays(0);
  const double bits = ElementBits(GetFormat(array.weights())) *
                      ElementBits(GetFormat(array.activations()));
  // Also that of shapes and groups, which a published array would meet, too.
  const double derating = array.engine_fj_per_op() / array.macro_fj_per_op();
  ASSIGN_OR_RETURN(const DotProductSweep sweep, LoadDotProductSweep());
  for (const DotProductSweep::Chip& chip : sweep.chip()) {
    if (chip.kind() != DotProductSweep::Chip::ANALOG) continue;
    BreakEvenChip* out = study->add_chips();
    out->set_name(chip.label());
    out->set_node_nm(chip.node_nm().value());
    out->set_input_bits(chip.input_bits().value());
    out->set_weight_bits(chip.weight_bits().value());
    out->set_published_fj_per_op(1e3 / chip.tops_per_w().value());
    out->set_counted(absl::AsciiStrToLower(
        DotProductSweep::Chip::Counted_Name(chip.counted())));
    const bool is_macro = chip.counted() == DotProductSweep::Chip::MACRO;
    out->set_fj_per_op(out->published_fj_per_op() * bits /
                       (out->input_bits() * out->weight_bits()) *
                       (is_macro ? derating : 1));
    for (const BreakEvenRow& row : study->rows()) {
      if (out->fj_per_op() < row.break_even_fj_per_op()) {
        out->set_wins(out->wins() + 1);
      }
    }
    for (const BreakEvenRow& row : own) {
      if (out->fj_per_op() >= row.break_even_fj_per_op()) continue;
      out->set_smallest_batch(row.batch());
      break;
    }
  }
  return absl::OkStatus();
}

std::string Summarize(const BreakEvenStudy& study) {
  const double takes = study.analog().arrays(0).engine_fj_per_op();
  int wins = 0, hopeless = 0;
  for (const BreakEvenRow& row : study.rows()) {
    wins += takes < row.break_even_fj_per_op();
    hopeless += row.break_even_fj_per_op() <= 0;
  }
  int chips = 0;
  for (const BreakEvenChip& chip : study.chips()) chips += chip.wins() > 0;
  return absl::StrFormat(
      "%s at %.3g fJ per operation takes less than %s at %d of %d points of the "
      "map; at %d of them it would take more even if its products were free. %d "
      "of %d published arrays win somewhere. Equal quality asks for x %.4g "
      "relative to the digital arrays.",
      study.analog().hardware(), takes, study.digital().hardware(), wins,
      study.rows_size(), hopeless, chips, study.chips_size(),
      study.relative_growth());
}

}  // namespace

absl::StatusOr<BreakEvenStudy> StudyBreakEven(const Setup& digital,
                                              const Hardware& analog,
                                              const BreakEvenOptions& options) {
  RETURN_IF_ERROR(CheckOption("standing-w", options.standing_w, 0, 1e9));
  RETURN_IF_ERROR(CheckOption("batches", options.batches, 1, 1e9));
  RETURN_IF_ERROR(CheckOption("growths", options.growths, 1, 10));
  RETURN_IF_ERROR(RequireOneMachine(digital, "break-even"));
  if (!HasEngine(digital.hardware, ComputeEngine::DIGITAL_IMC)) {
    return absl::InvalidArgumentError(
        absl::StrCat(digital.hardware.name(),
                     " has no digital in-memory arrays; expected a machine with "
                     "an engine of kind DIGITAL_IMC, e.g. dimc-resident"));
  }
  if (!HasEngine(analog, ComputeEngine::ANALOG_IMC)) {
    return absl::InvalidArgumentError(
        absl::StrCat(analog.name(),
                     " has no analog in-memory arrays; expected a machine with an "
                     "engine of kind ANALOG_IMC, e.g. aimc-resident"));
  }
  if (digital.scenario.equal_quality()) {
    return absl::InvalidArgumentError(
        "equal_quality: growth is an axis of this map; leave it out");
  }
  Setup with_analog = digital;
  with_analog.hardware = analog;
  BreakEvenStudy study;
  ASSIGN_OR_RETURN(*study.mutable_digital(), Analyze(digital, kFiguresOnly));
  ASSIGN_OR_RETURN(*study.mutable_analog(),
                   Analyze(with_analog, kFiguresOnly));
  if (study.analog().arrays_size() == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "no product of the model runs in the arrays of ", analog.name()));
  }
  ASSIGN_OR_RETURN(const double digital_growth, GrowthOf(digital));
  ASSIGN_OR_RETURN(const double analog_growth, GrowthOf(with_analog));
  study.set_relative_growth(std::max(1.0, analog_growth / digital_growth));
  Map map(digital, with_analog, digital_growth);

  const double own_w =
      machine_internal::StaticPowerW<double>(analog, ValueReader());
  BreakEvenOptions axes = options;
  if (axes.standing_w.empty()) {
    for (const double share : {0.0, 0.25, 0.5, 1.0, 2.0}) {
      axes.standing_w.push_back(own_w * share);
    }
  }
  if (axes.batches.empty()) axes.batches = {1, 4, 16, 64, 256};
  if (axes.growths.empty()) axes.growths = {1, study.relative_growth(), 1.1};
  for (std::vector<double>* axis :
       {&axes.standing_w, &axes.batches, &axes.growths}) {
    absl::c_sort(*axis);
    axis->erase(std::unique(axis->begin(), axis->end()), axis->end());
  }
  for (const double standing_w : axes.standing_w) {
    for (const double growth : axes.growths) {
      for (const double batch : axes.batches) {
        ASSIGN_OR_RETURN(*study.add_rows(),
                         map.At(standing_w, batch, growth));
      }
    }
  }
  std::vector<BreakEvenRow> own;
  for (const double batch : axes.batches) {
    own.emplace_back();
    ASSIGN_OR_RETURN(own.back(),
                     map.At(own_w, batch, study.relative_growth()));
  }
  RETURN_IF_ERROR(AddChips(own, &study));
  study.set_summary(Summarize(study));
  return study;
}

}  // namespace tokenjoule
