// `tokenjoule analog-depth`: how far a signal gets through analog layers that
// have no converters between them.
//
// A layer multiplies by a matrix, adds the noise of its array, and hands its
// sums through a saturating element and a hold to the next array. Signals are
// Gaussian, because they are sums of many terms, and each layer's gain sets
// their standard deviation to the same fraction 1 / z of full scale.
//
//   error against linear layers   after L layers with noise powers e (array), h
//       (hold) and d (distortion) relative to the signal
//           1 + r = (1 + e)^L ((1 + h) (1 + d))^(L - 1)
//       Bussgang (1952): a memoryless element f gives a f(u) = g u + noise that
//       is uncorrelated with u, g = E[f'(u)], d = E[f(u)^2] / g^2 - 1.
//   error against layers that saturate too (the network was trained so)   from
//       the correlation c of the noisy with the noiseless signal, r = 1 / c^2 -
//       1: noise divides c^2 by 1 + e or 1 + h, and f maps c to
//           asin(t c) / asin(t), t = 2 s^2 / (1 + 2 s^2), s = sqrt(pi) / (2 z)
//       for z erf(s u), which has slope 1 at zero (Williams, Neural Computation
//       10 (1998) 1203; iterated over layers by Poole et al., NeurIPS 2016).
//       For any f it is the sum over n of a_n^2 c^n over that of a_n^2, a_n =
//       E[f(u) He_n(u)] / sqrt(n!); clipping has a_1 = erf(z / sqrt(2)) and,
//       for odd n from 3, a_n = -2 He_(n-2)(z) phi(z) / sqrt(n!).
//
// A converter takes no noise away: it adds its own. What converters allow is
// what digital logic does between them (norms, softmax, residual sums).

#ifndef ANALYZER_STUDY_ANALOG_DEPTH_H_
#define ANALYZER_STUDY_ANALOG_DEPTH_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "proto/report.pb.h"
#include "proto/study.pb.h"

namespace tokenjoule {

// A saturating element whose input is Gaussian with a standard deviation of 1.
struct Saturating {
  // Gain for the signal, E[f'(u)], 0 to 1.
  double gain;
  // Power of the distortion relative to that of the signal at the output.
  double distortion;
};

// The element with full scale at `full_scale_sigma` standard deviations.
Saturating SaturatingAt(AnalogDepth::Saturation saturation,
                        double full_scale_sigma);

// Noise powers of a chain, relative to the signal.
struct ChainNoise {
  double array = 0;
  double hold = 0;
  AnalogDepth::Saturation saturation = AnalogDepth::SMOOTH;
  double full_scale_sigma = 0;
};

// Error power relative to the signal after `layers` layers, before a converter,
// if every departure from linear layers is an error.
double LinearError(const ChainNoise& noise, int layers);

// Error powers after 1 to `layers` layers if the network was trained with the
// saturation.
std::vector<double> TrainedErrors(const ChainNoise& noise, int layers);

struct AnalogDepthOptions {
  // Analog circuit, a technology of the catalogue.
  std::string circuit = "charge-domain";
  // Bits of weights and inputs, 1 to 16.
  double bits = 4;
  // Required signal-to-noise ratio, dB, 0 to 200; absent: 6.02 bits + 1.76.
  absl::optional<double> required_snr_db;
  // Saturating element and where it saturates, 0.1 to 20 standard deviations;
  // absent: those of hw_specs/studies/analog-depth.textproto.
  absl::optional<AnalogDepth::Saturation> saturation;
  absl::optional<double> full_scale_sigma;
};

// Returns one row per depth, 1 to 1000 layers. Fails (InvalidArgument) if a
// number is out of range, or if the circuit slices weights or inputs of so many
// bits, because digital logic adds slices; NotFound if there is no such
// circuit.
absl::StatusOr<AnalogDepthStudy> StudyAnalogDepth(
    absl::Span<const double> layers, const AnalogDepthOptions& options = {});

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_ANALOG_DEPTH_H_
