// Claims about measured rows: the power of memory and board in streams, and how
// clocks and power caps move speed and energy.

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/description/measurements.h"
#include "analyzer/fit/score.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"
#include "proto/hardware.pb.h"
#include "proto/measurement.pb.h"

namespace tokenjoule {
namespace {

MeasurementSet Loaded(const std::string& file) {
  return OrDie(LoadMeasurements(
      std::vector<std::string>{"validation/" + file + ".textproto"}));
}

Validation Validated(const std::string& file) {
  return ValidateMeasurements(Loaded(file));
}

// One energy of HBM3E stands between boards that differ by half; static power, which
// busy kernels decide, is too high for data that do not toggle.
TEST(MeasuredTest, StreamsDrawWhatSensorsShowed) {
  int memory = 0, board = 0;
  for (const char* file : {"streams", "hopper-power"}) {
    const Validation validation = Validated(file);
    EXPECT_EQ(validation.skipped_streams_size(), 0);
    for (const ValidatedStream& stream : validation.streams()) {
      const bool is_h200 = stream.device() == "h200";
      const bool moves = stream.read_gb_per_s() + stream.write_gb_per_s() > 0;
      if (stream.measured_memory_w() > 0 && moves) {
        EXPECT_LT(std::abs(stream.memory_error()), is_h200 ? 0.45 : 0.12)
            << stream.DebugString();
        ++memory;
      }
      if (stream.measured_board_w() > 0) {
        // Kernels that compute the pattern they write draw more than a stream.
        const bool computes = stream.write_gb_per_s() > 0 &&
                              absl::StartsWith(stream.pattern(), "alternating");
        const double limit = stream.pattern() == "random" ? 0.1
                             : computes                   ? 0.4
                                                          : 0.35;
        EXPECT_LT(std::abs(stream.board_error()), limit)
            << stream.DebugString();
        ++board;
      }
    }
  }
  EXPECT_EQ(memory, 36);
  EXPECT_EQ(board, 27);
}

TEST(MeasuredTest, TheRangeOfAMemoryHoldsTheBoardsThatWereMeasured) {
  const std::string path = "memory.hbm.technology.read_energy_pj_per_bit";
  int held = 0;
  for (const char* file : {"streams", "hopper-power"}) {
    const MeasurementSet set = Loaded(file);
    for (const StreamMeasurement& stream : set.stream()) {
      // Those of the HBM of H100 and H200 at full rate.
      if (!absl::StartsWith(stream.device(), "h") || stream.has_duty() ||
          stream.pattern() != "random" || stream.read_gb_per_s() == 0) {
        continue;
      }
      const Hardware hardware = OrDie(MachineOf(stream));
      const Constant& energy =
          hardware.memory(0).technology().read_energy_pj_per_bit();
      const auto memory_w = [&](double value) {
        const Hardware at =
            OrDie(MachineOf(stream, {{path, absl::StrCat(value)}}));
        return OrDie(PredictStream(stream, at)).predicted_memory_w();
      };
      EXPECT_LT(memory_w(energy.low()), stream.power_w_memory())
          << stream.source();
      EXPECT_GT(memory_w(energy.high()), stream.power_w_memory())
          << stream.source();
      ++held;
    }
  }
  // Two H200 and one H100.
  EXPECT_EQ(held, 3);
}

TEST(MeasuredTest, DecodeWithRandomWeightsIsPredicted) {
  const Validation validation = Validated("hopper-power");
  ASSERT_EQ(validation.rows_size(), 9);
  for (const ValidatedRow& row : validation.rows()) {
    EXPECT_LT(std::abs(row.step_time_error()), 0.2) << row.DebugString();
    EXPECT_LT(std::abs(row.energy_error()), 0.2) << row.DebugString();
    EXPECT_GT(row.measured_energy_per_token_j(),
              row.predicted_energy_per_token_j_low());
    EXPECT_LT(row.measured_energy_per_token_j(),
              row.predicted_energy_per_token_j_high());
  }
}

TEST(MeasuredTest, CapsMoveSpeedAndEnergyAsTheyWereMeasured) {
  const MeasurementSet set = Loaded("clock_sweeps");
  const Validation validation = ValidateMeasurements(set);
  // Rows of a board and a model, by falling cap.
  std::map<std::string, std::vector<std::pair<double, ValidatedRow>>> series;
  for (const ValidatedRow& row : validation.rows()) {
    const Measurement& measured = set.row(row.row() - 1);
    if (measured.check_only()) continue;
    series[row.device() + " " + row.model()].emplace_back(
        measured.power_cap_w(), row);
  }
  ASSERT_EQ(series.size(), 3u);
  for (auto& [name, rows] : series) {
    const bool ninetyfifth = name.find("5090") != std::string::npos;
    const ValidatedRow* most = nullptr;
    const ValidatedRow* least = nullptr;
    for (const auto& [cap, row] : rows) {
      // The power of the 5090 is a 95th percentile.
      EXPECT_LT(std::abs(row.step_time_error()), ninetyfifth ? 0.17 : 0.08)
          << name << " " << cap;
      EXPECT_LT(std::abs(row.energy_error()), ninetyfifth ? 0.2 : 0.12)
          << name << " " << cap;
      if (most == nullptr || row.measured_energy_per_token_j() >
                                 most->measured_energy_per_token_j()) {
        most = &row;
      }
      if (least == nullptr || row.measured_energy_per_token_j() <
                                  least->measured_energy_per_token_j()) {
        least = &row;
      }
    }
    // The cap of least energy beats that of most by at least half of what was
    // measured.
    const double measured = std::log(most->measured_energy_per_token_j() /
                                     least->measured_energy_per_token_j());
    const double predicted = std::log(most->predicted_energy_per_token_j() /
                                      least->predicted_energy_per_token_j());
    EXPECT_GT(predicted, measured / 2) << name;
  }
}

}  // namespace
}  // namespace tokenjoule
