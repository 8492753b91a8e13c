#include "analyzer/study/analog_depth.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "analyzer/description/catalog.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/machine/in_memory.h"
#include "analyzer/testing/status.h"
#include "analyzer/units/units.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

double Db(double error) { return -10 * std::log10(error); }

// Chains of random layers, with and without noise, over vectors of `kWidth`
// Gaussian inputs.
class Simulation {
 public:
  struct Errors {
    double linear, trained;
  };

  explicit Simulation(const ChainNoise& noise) : noise_(noise) {}

  // Error powers after each of `layers` layers.
  std::vector<Errors> Run(int layers) {
    Vectors ideal = Random(kVectors), clean = ideal, noisy = ideal;
    std::vector<Errors> errors;
    for (int layer = 0; layer < layers; ++layer) {
      if (layer > 0) {
        Saturate(&clean);
        Saturate(&noisy);
        AddNoise(noise_.hold, &noisy);
      }
      const Vectors matrix = Random(kWidth);
      for (Vectors* x : {&ideal, &clean, &noisy}) *x = Product(matrix, *x);
      AddNoise(noise_.array, &noisy);
      errors.push_back({ErrorOf(ideal, noisy), ErrorOf(clean, noisy)});
    }
    return errors;
  }

 private:
  using Vectors = std::vector<std::vector<double>>;
  static constexpr int kWidth = 192, kVectors = 96;

  Vectors Random(int rows) {
    Vectors out(rows, std::vector<double>(kWidth));
    for (auto& row : out) {
      for (double& x : row) x = normal_(random_);
    }
    return out;
  }

  static double Power(const Vectors& x) {
    double sum = 0;
    for (const auto& row : x) {
      for (const double v : row) sum += v * v;
    }
    return sum / (x.size() * kWidth);
  }

  // Normalised to a standard deviation of 1.
  static Vectors Product(const Vectors& matrix, const Vectors& x) {
    Vectors out(x.size(), std::vector<double>(kWidth));
    for (size_t v = 0; v < x.size(); ++v) {
      for (int row = 0; row < kWidth; ++row) {
        double sum = 0;
        for (int i = 0; i < kWidth; ++i) sum += matrix[row][i] * x[v][i];
        out[v][row] = sum;
      }
    }
    const double scale = 1 / std::sqrt(Power(out));
    for (auto& row : out) {
      for (double& value : row) value *= scale;
    }
    return out;
  }

  void AddNoise(double power, Vectors* x) {
    const double sigma = std::sqrt(power * Power(*x));
    for (auto& row : *x) {
      for (double& value : row) value += sigma * normal_(random_);
    }
  }

  void Saturate(Vectors* x) const {
    const double z = noise_.full_scale_sigma;
    const double scale = 1 / std::sqrt(Power(*x));
    for (auto& row : *x) {
      for (double& value : row) {
        const double u = value * scale;
        value = noise_.saturation == AnalogDepth::CLIPPING
                    ? std::max(-z, std::min(z, u))
                    : z * std::erf(std::sqrt(std::acos(-1.0)) / 2 * u / z);
      }
    }
  }

  // Error power relative to the part of `noisy` that follows `reference`.
  static double ErrorOf(const Vectors& reference, const Vectors& noisy) {
    double cross = 0, square = 0, power = 0;
    for (size_t v = 0; v < noisy.size(); ++v) {
      for (int i = 0; i < kWidth; ++i) {
        cross += reference[v][i] * noisy[v][i];
        square += reference[v][i] * reference[v][i];
        power += noisy[v][i] * noisy[v][i];
      }
    }
    return power * square / (cross * cross) - 1;
  }

  const ChainNoise noise_;
  std::mt19937_64 random_{20261126};
  std::normal_distribution<double> normal_;
};

TEST(AnalogDepthTest, ClosedFormsMatchASimulation) {
  const struct {
    AnalogDepth::Saturation saturation;
    double full_scale_sigma, array, hold;
  } kCases[] = {
      {AnalogDepth::SMOOTH, 4, 0.01, 0.001},
      {AnalogDepth::SMOOTH, 1.5, 0.03, 0.003},
      {AnalogDepth::CLIPPING, 2, 0.01, 0.001},
      {AnalogDepth::CLIPPING, 1, 0.02, 0.002},
  };
  for (const auto& c : kCases) {
    const ChainNoise noise = {c.array, c.hold, c.saturation,
                              c.full_scale_sigma};
    const std::vector<Simulation::Errors> errors = Simulation(noise).Run(6);
    const std::vector<double> trained = TrainedErrors(noise, 6);
    for (int layer = 1; layer <= 6; ++layer) {
      const std::string where = std::to_string(c.full_scale_sigma) + " after " +
                                std::to_string(layer);
      const Simulation::Errors& simulated = errors[layer - 1];
      EXPECT_NEAR(Db(simulated.linear), Db(LinearError(noise, layer)), 0.4)
          << where;
      EXPECT_NEAR(Db(simulated.trained), Db(trained[layer - 1]), 0.4) << where;
    }
  }
}

TEST(AnalogDepthTest, SmallNoiseAddsLinearlyWithDepth) {
  // SNR falls by 10 log10 L where nothing saturates.
  const ChainNoise noise = {1e-5, 0, AnalogDepth::CLIPPING, 20};
  for (const int layers : {2, 10, 100}) {
    EXPECT_NEAR(Db(LinearError(noise, 1)) - Db(LinearError(noise, layers)),
                10 * std::log10(layers), 0.01);
    EXPECT_NEAR(Db(TrainedErrors(noise, layers).back()),
                Db(LinearError(noise, layers)), 0.01);
  }
}

TEST(AnalogDepthTest, BussgangGainsByHand) {
  // Clipped at one sigma: 68.3 % of the input is inside; the output's power is
  // 0.6827 - 2 x 0.2420 + 0.3173 = 0.5161.
  const Saturating clip = SaturatingAt(AnalogDepth::CLIPPING, 1);
  EXPECT_NEAR(clip.gain, 0.6827, 1e-4);
  EXPECT_NEAR(clip.distortion, 0.5161 / (0.6827 * 0.6827) - 1, 1e-3);
  // An element that never saturates changes nothing.
  for (const auto kind : {AnalogDepth::CLIPPING, AnalogDepth::SMOOTH}) {
    const Saturating none = SaturatingAt(kind, 1e4);
    EXPECT_NEAR(none.gain, 1, 1e-7);
    EXPECT_NEAR(none.distortion, 0, 1e-7);
  }
  // The lower full scale, the more distortion.
  for (const double sigma : {0.5, 1.0, 2.0, 4.0}) {
    for (const auto kind : {AnalogDepth::CLIPPING, AnalogDepth::SMOOTH}) {
      EXPECT_GT(SaturatingAt(kind, sigma).distortion,
                SaturatingAt(kind, sigma + 0.5).distortion);
    }
  }
}

TEST(AnalogDepthTest, OneLayerIsTheEngineWithConverters) {
  for (const char* name : {"charge-domain", "pcm-analog", "flash-analog"}) {
    AnalogDepthOptions options;
    options.circuit = name;
    const AnalogDepthStudy study = OrDie(StudyAnalogDepth({1, 2}, options));
    const AnalogCircuit circuit = OrDie(LoadCircuitTechnology(name));
    InMemoryArray array;
    array.mutable_rows()->set_value(256);
    array.mutable_columns()->set_value(256);
    array.mutable_utilization()->set_value(1);
    const AnalogNumbers<> a = ReadAnalog<double>(circuit, array, ValueReader());
    const AnalogDepthRow& one = study.rows(0);
    EXPECT_NEAR(one.snr_db(), SnrDb(AnalogNoise(a, 4.0, 4.0)), 1e-9) << name;
    EXPECT_NEAR(one.trained_snr_db(), one.snr_db(), 1e-9);
    EXPECT_NEAR(one.converted_snr_db(), one.snr_db(), 1e-9);
    EXPECT_NEAR(one.mac_fj(), InJoules(AnalogMac(a, 4.0, 4.0).total()) * 1e15,
                1e-9);
    EXPECT_EQ(one.hold_fj(), 0);
    // Two layers share the converters at both ends, and hold once: 0.1 pJ over
    // 256 rows, for half of the products.
    const AnalogDepthRow& two = study.rows(1);
    EXPECT_NEAR(two.converters_fj(), one.converters_fj() / 2, 1e-9);
    EXPECT_NEAR(two.hold_fj(), 100.0 / 256 / 2, 1e-9);
  }
}

TEST(AnalogDepthTest, DeeperIsNoisierAndMostLayersIsTheLastThatHolds) {
  AnalogDepthOptions options;
  options.saturation = AnalogDepth::CLIPPING;
  std::vector<double> depths;
  for (int layer = 1; layer <= 400; ++layer) depths.push_back(layer);
  const AnalogDepthStudy study = OrDie(StudyAnalogDepth(depths, options));
  double most = 0, most_trained = 0;
  for (const AnalogDepthRow& row : study.rows()) {
    if (row.snr_db() >= study.required_snr_db()) most = row.layers();
    if (row.trained_snr_db() >= study.required_snr_db()) {
      most_trained = row.layers();
    }
    if (row.layers() == 1) continue;
    const AnalogDepthRow& before = study.rows(row.layers() - 2);
    EXPECT_LT(row.snr_db(), before.snr_db());
    EXPECT_LT(row.trained_snr_db(), before.trained_snr_db());
    EXPECT_LT(row.mac_fj(), before.mac_fj());
  }
  EXPECT_EQ(study.most_layers(), most);
  EXPECT_EQ(study.most_layers_trained(), most_trained);
  EXPECT_GT(most, 1);
}

TEST(AnalogDepthTest, SaysWhatCannotBeChained) {
  AnalogDepthOptions options;
  options.circuit = "pcm-analog";
  options.bits = 8;
  EXPECT_THAT(StudyAnalogDepth({1}, options).status().message(),
              HasSubstr("in slices"));
  options.bits = 4;
  EXPECT_THAT(StudyAnalogDepth({0}, options).status().message(),
              HasSubstr("whole numbers from 1 to 1000"));
  EXPECT_THAT(StudyAnalogDepth({1.5}, options).status().message(),
              HasSubstr("whole numbers from 1 to 1000"));
  options.bits = std::nan("");
  EXPECT_THAT(StudyAnalogDepth({1}, options).status().message(),
              HasSubstr("expected 1 to 16"));
  options = {};
  options.full_scale_sigma = 0;
  EXPECT_THAT(StudyAnalogDepth({1}, options).status().message(),
              HasSubstr("expected 0.1 to 20"));
  options = {};
  options.required_snr_db = -1;
  EXPECT_THAT(StudyAnalogDepth({1}, options).status().message(),
              HasSubstr("expected 0 to 200"));
  options = {};
  options.circuit = "charge-domian";
  EXPECT_THAT(StudyAnalogDepth({1}, options).status().message(),
              HasSubstr("charge-domain"));
}

}  // namespace
}  // namespace tokenjoule
