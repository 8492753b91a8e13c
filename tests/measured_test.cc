// Claims about measured rows: the power of memory and board in streams, and how
// clocks and power caps move speed and energy.

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "analyzer/description/measurements.h"
#include "analyzer/fit/score.h"
#include "analyzer/testing/status.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

Validation Validated(const std::string& file) {
  return ValidateMeasurements(OrDie(LoadMeasurements(
      std::vector<std::string>{"validation/" + file + ".textproto"})));
}

TEST(MeasuredTest, StreamsDrawWhatSensorsShowedWithinTenPercent) {
  const Validation validation = Validated("streams");
  EXPECT_EQ(validation.skipped_streams_size(), 0);
  int memory = 0, board = 0;
  for (const ValidatedStream& stream : validation.streams()) {
    // Kernels that compute the pattern they write draw more than a stream.
    const bool computes =
        stream.write_gb_per_s() > 0 && stream.pattern() != "zeros";
    if (stream.measured_memory_w() > 0) {
      EXPECT_LT(std::abs(stream.memory_error()), computes ? 0.12 : 0.1)
          << stream.DebugString();
      ++memory;
    }
    if (stream.measured_board_w() > 0 && !computes) {
      EXPECT_LT(std::abs(stream.board_error()), 0.1) << stream.DebugString();
      ++board;
    }
  }
  EXPECT_EQ(memory, 23);
  EXPECT_EQ(board, 10);
}

TEST(MeasuredTest, CapsMoveSpeedAndEnergyAsTheyWereMeasured) {
  const MeasurementSet set = OrDie(LoadMeasurements(
      std::vector<std::string>{"validation/clock_sweeps.textproto"}));
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
