#include "analyzer/study/analog_depth.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/study_data.h"
#include "analyzer/machine/in_memory.h"
#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int kMostLayers = 1000;

double Femtojoules(const Energy<>& energy) { return InJoules(energy) * 1e15; }

// Density of a standard Gaussian.
double Density(double z) { return std::exp(-z * z / 2) / std::sqrt(2 * kPi); }

// s of z erf(s u), whose slope at zero is 1.
double SteepnessOf(double full_scale_sigma) {
  return std::sqrt(kPi) / (2 * full_scale_sigma);
}

// The smooth element's t = 2 s^2 / (1 + 2 s^2).
double AngleOf(double full_scale_sigma) {
  const double s = SteepnessOf(full_scale_sigma);
  return 2 * s * s / (1 + 2 * s * s);
}

Saturating SmoothAt(double z) {
  const double s = SteepnessOf(z);
  const double power = z * z * 2 / kPi * std::asin(AngleOf(z));
  Saturating out;
  out.gain = 1 / std::sqrt(1 + 2 * s * s);
  out.distortion = power / (out.gain * out.gain) - 1;
  return out;
}

// Power of a clipped Gaussian of unit power.
double ClippedPower(double z) {
  const double inside = std::erf(z / std::sqrt(2.0));
  return inside - 2 * z * Density(z) + z * z * (1 - inside);
}

Saturating ClippingAt(double z) {
  const double gain = std::erf(z / std::sqrt(2.0));
  return {gain, ClippedPower(z) / (gain * gain) - 1};
}

// How a saturating element maps the correlation of its inputs to that of its
// outputs.
class CorrelationMap {
 public:
  CorrelationMap(AnalogDepth::Saturation saturation, double z)
      : angle_(AngleOf(z)) {
    if (saturation == AnalogDepth::CLIPPING) ExpandClipping(z);
  }

  // `loss` is 1 - c, and so is the result: both may be tiny.
  double Loss(double loss) const {
    if (powers_.empty()) {
      return 1 - std::asin(angle_ * (1 - loss)) / std::asin(angle_);
    }
    // Terms beyond the last lose at most all of their power, and no more than
    // their slope at 1 says.
    double lost = std::min(rest_slope_ * loss, rest_power_);
    const double log_correlation = std::log1p(-std::min(loss, 1.0));
    for (size_t i = 0; i < powers_.size(); ++i) {
      lost -= powers_[i] * std::expm1((2 * i + 1) * log_correlation);
    }
    return lost;
  }

 private:
  static constexpr int kTerms = 500;

  // Relative powers a_n^2 of the odd terms, from normalised Hermite polynomials
  // h_n = He_n / sqrt(n!).
  void ExpandClipping(double z) {
    const double inside = std::erf(z / std::sqrt(2.0));
    const double power = ClippedPower(z);
    powers_.push_back(inside * inside / power);
    rest_power_ = 1 - powers_[0];
    // The slope at 1 of the whole is E[f'(u)^2] over the power.
    rest_slope_ = inside / power - powers_[0];
    double before = 1, h = z;
    for (int n = 3; n < 2 * kTerms; n += 2) {
      const double a = 2 * Density(z) * h / std::sqrt(n * (n - 1.0));
      powers_.push_back(a * a / power);
      rest_power_ -= powers_.back();
      rest_slope_ -= n * powers_.back();
      // From h_(n-2) to h_n.
      for (int k = n - 2; k < n; ++k) {
        const double next =
            (z * h - std::sqrt(double(k)) * before) / std::sqrt(k + 1.0);
        before = h;
        h = next;
      }
    }
    rest_power_ = std::max(0.0, rest_power_);
    rest_slope_ = std::max(0.0, rest_slope_);
  }

  const double angle_;
  std::vector<double> powers_;
  double rest_power_ = 0, rest_slope_ = 0;
};

// The circuit in an array of the study.
AnalogNumbers<> NumbersOf(const AnalogCircuit& circuit,
                          const AnalogDepth& data) {
  InMemoryArray array;
  *array.mutable_rows() = data.rows();
  *array.mutable_columns() = data.rows();
  *array.mutable_utilization() = data.utilization();
  return ReadAnalog<double>(circuit, array, ValueReader());
}

// Noise of the array alone: as if its converters lost nothing.
double ArrayNoise(AnalogNumbers<> a, double bits) {
  a.rule = AnalogCircuit::LOSSLESS;
  return AnalogNoise(a, bits, bits);
}

absl::Status CheckOptions(absl::Span<const double> layers,
                          const AnalogDepthOptions& options) {
  for (const double depth : layers) {
    if (!(depth >= 1 && depth <= kMostLayers && depth == std::floor(depth))) {
      return absl::InvalidArgumentError(
          absl::StrCat("layers are ", depth,
                       "; expected whole numbers from 1 to ", kMostLayers));
    }
  }
  if (!(options.bits >= 1 && options.bits <= 16)) {
    return absl::InvalidArgumentError(
        absl::StrCat("bits are ", options.bits, "; expected 1 to 16"));
  }
  const double snr_db = options.required_snr_db.value_or(0);
  if (!(snr_db >= 0 && snr_db <= 200)) {
    return absl::InvalidArgumentError(
        absl::StrCat("required signal-to-noise ratio is ", snr_db,
                     " dB; expected 0 to 200"));
  }
  const double sigma = options.full_scale_sigma.value_or(1);
  if (!(sigma >= 0.1 && sigma <= 20)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "full scale is ", sigma, " standard deviations; expected 0.1 to 20"));
  }
  return absl::OkStatus();
}

absl::Status CheckSlices(const AnalogNumbers<>& a,
                         const AnalogDepthOptions& options) {
  const auto slices = [&](double width) {
    return width > 0 && width < options.bits;
  };
  if (!slices(a.cell_bits) && !slices(a.dac_bits)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      options.circuit, " takes operands of ", options.bits,
      " bits in slices, which digital logic adds: its layers cannot follow one "
      "another without converters"));
}

// Noise of a chain and of its converters.
struct Chain {
  ChainNoise noise;
  double converter = 0;
  // Of inputs that are converted anew for the next layer.
  double input = 0;
  // TrainedErrors of kMostLayers layers.
  std::vector<double> trained;

  double Linear(int layers) const {
    return LinearError(noise, layers) + converter;
  }
  double Trained(int layers) const { return trained[layers - 1] + converter; }
  double Converted(int layers) const {
    return std::pow(1 + noise.array + converter, layers) *
               std::pow(1 + input, layers - 1) -
           1;
  }

  // Largest depth whose error is at most `allowed`; errors grow with depth.
  template <typename Error>
  static int MostLayers(double allowed, Error error) {
    int most = 0;
    while (most < kMostLayers && error(most + 1) <= allowed) ++most;
    return most;
  }
};

std::string SaturationName(AnalogDepth::Saturation saturation) {
  return saturation == AnalogDepth::CLIPPING ? "clipping" : "smooth";
}

std::string LayersText(int most) {
  if (most == 0) return "not even one layer";
  if (most == kMostLayers) return absl::StrCat(most, " layers and more");
  return absl::StrCat(most, most == 1 ? " layer" : " layers");
}

std::string Summary(const AnalogDepthStudy& study, const Chain& chain) {
  const int probe = std::max(2, std::min(study.most_layers_trained(), 4));
  return absl::StrFormat(
      "At %.1f dB, converters must stand after %s if saturation is an error, "
      "and after %s if the network was trained with it. A converter takes no "
      "noise away: %d layers with converters after each reach %.1f dB, without "
      "them %.1f. In a transformer no more than gate and up projections, their "
      "product and the down projection follow one another without norm, "
      "softmax "
      "or residual sum: two layers.",
      study.required_snr_db(), LayersText(study.most_layers()),
      LayersText(study.most_layers_trained()), probe,
      SnrDb(chain.Converted(probe)), SnrDb(chain.Trained(probe)));
}

}  // namespace

Saturating SaturatingAt(AnalogDepth::Saturation saturation,
                        double full_scale_sigma) {
  return saturation == AnalogDepth::CLIPPING ? ClippingAt(full_scale_sigma)
                                             : SmoothAt(full_scale_sigma);
}

double LinearError(const ChainNoise& noise, int layers) {
  const double distortion =
      SaturatingAt(noise.saturation, noise.full_scale_sigma).distortion;
  return std::pow(1 + noise.array, layers) *
             std::pow((1 + noise.hold) * (1 + distortion), layers - 1) -
         1;
}

std::vector<double> TrainedErrors(const ChainNoise& noise, int layers) {
  const CorrelationMap map(noise.saturation, noise.full_scale_sigma);
  std::vector<double> errors = {noise.array};
  while (static_cast<int>(errors.size()) < layers) {
    // c = 1 / sqrt(1 + r) before the element, and 1 - c without cancellation.
    const double root = std::sqrt(1 + errors.back());
    const double loss = map.Loss(errors.back() / (root * (root + 1)));
    const double correlation = 1 - loss;
    const double mapped = loss * (2 - loss) / (correlation * correlation);
    errors.push_back((1 + mapped) * (1 + noise.hold) * (1 + noise.array) - 1);
  }
  return errors;
}

absl::StatusOr<AnalogDepthStudy> StudyAnalogDepth(
    absl::Span<const double> layers, const AnalogDepthOptions& options) {
  RETURN_IF_ERROR(CheckOptions(layers, options));
  ASSIGN_OR_RETURN(const AnalogDepth data, LoadAnalogDepth());
  ASSIGN_OR_RETURN(const AnalogCircuit circuit,
                   LoadCircuitTechnology(options.circuit));
  const AnalogNumbers<> a = NumbersOf(circuit, data);
  RETURN_IF_ERROR(CheckSlices(a, options));
  const double bits = options.bits;

  Chain chain;
  chain.noise.array = ArrayNoise(a, bits);
  chain.noise.hold = NoiseOfSnrDb(data.hold_snr_db().value());
  chain.noise.saturation = options.saturation.value_or(data.saturation());
  chain.noise.full_scale_sigma =
      options.full_scale_sigma.value_or(data.full_scale_sigma().value());
  chain.converter = AnalogNoise(a, bits, bits) - chain.noise.array;
  chain.input = NoiseOfSnrDb(SnrDbOfBits(bits));
  chain.trained = TrainedErrors(chain.noise, kMostLayers);
  const Saturating element =
      SaturatingAt(chain.noise.saturation, chain.noise.full_scale_sigma);

  AnalogDepthStudy study;
  study.set_circuit(options.circuit);
  study.set_bits(bits);
  study.set_array_noise(chain.noise.array);
  study.set_converter_noise(chain.converter);
  study.set_hold_noise(chain.noise.hold);
  study.set_saturation(SaturationName(chain.noise.saturation));
  study.set_full_scale_sigma(chain.noise.full_scale_sigma);
  study.set_saturation_gain(element.gain);
  study.set_saturation_distortion(element.distortion);
  study.set_required_snr_db(
      options.required_snr_db.value_or(SnrDbOfBits(bits)));
  const double allowed = NoiseOfSnrDb(study.required_snr_db());
  study.set_most_layers(Chain::MostLayers(
      allowed, [&](int depth) { return chain.Linear(depth); }));
  study.set_most_layers_trained(Chain::MostLayers(
      allowed, [&](int depth) { return chain.Trained(depth); }));

  const MacEnergy<> mac = AnalogMac(a, bits, bits);
  const double hold_fj =
      data.hold_pj().value() * 1e3 / (a.rows * a.utilization);
  for (const double depth : layers) {
    const int count = static_cast<int>(depth);
    AnalogDepthRow& row = *study.add_rows();
    row.set_layers(count);
    row.set_snr_db(SnrDb(chain.Linear(count)));
    row.set_trained_snr_db(SnrDb(chain.Trained(count)));
    row.set_converted_snr_db(SnrDb(chain.Converted(count)));
    row.set_array_fj(Femtojoules(mac.array));
    row.set_converters_fj(Femtojoules(mac.adc + mac.dac) / depth);
    row.set_hold_fj(hold_fj * (1 - 1 / depth));
    row.set_mac_fj(row.array_fj() + row.converters_fj() + row.hold_fj());
  }
  study.set_summary(Summary(study, chain));
  return study;
}

}  // namespace tokenjoule
