#include "analyzer/study/analog_depth.h"

#include <algorithm>
#include <cmath>

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
  // f'(u)^2 = exp(-2 s^2 u^2), of which a Gaussian's mean is 1 / sqrt(1 + 4
  // s^2).
  out.noise_gain = 1 / std::sqrt(1 + 4 * s * s) / power;
  return out;
}

Saturating ClippingAt(double z) {
  const double inside = std::erf(z / std::sqrt(2.0));
  const double density = std::exp(-z * z / 2) / std::sqrt(2 * kPi);
  const double power = inside - 2 * z * density + z * z * (1 - inside);
  Saturating out;
  out.gain = inside;
  out.distortion = power / (inside * inside) - 1;
  out.noise_gain = inside / power;
  return out;
}

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

  double Linear(int layers) const {
    return LinearError(noise, layers) + converter;
  }
  double Trained(int layers) const {
    return TrainedError(noise, layers) + converter;
  }
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

double TrainedError(const ChainNoise& noise, int layers) {
  const double angle = AngleOf(noise.full_scale_sigma);
  const double noise_gain =
      SaturatingAt(noise.saturation, noise.full_scale_sigma).noise_gain;
  // Square of the correlation with the noiseless signal.
  double squared = 1 / (1 + noise.array);
  for (int layer = 1; layer < layers; ++layer) {
    const double correlation = std::sqrt(squared);
    // Clipping has no closed form; to first order in the noise.
    const double mapped =
        noise.saturation == AnalogDepth::CLIPPING
            ? std::max(0.0, 1 - (1 - correlation) * noise_gain)
            : std::asin(angle * correlation) / std::asin(angle);
    squared = mapped * mapped / ((1 + noise.hold) * (1 + noise.array));
  }
  return 1 / squared - 1;
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
