#include "analyzer/search/forecast.h"

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

TEST(ForecastTest, TellsOnceAfterASecondWhatIsLeft) {
  int times = 0;
  double left = 0;
  Forecast forecast([&](double seconds) {
    ++times;
    left = seconds;
    return absl::ResourceExhaustedError("too long");
  });
  EXPECT_TRUE(forecast.Take(0.01).ok());
  EXPECT_EQ(times, 0);
  absl::SleepFor(absl::Milliseconds(1050));
  // Nothing is done yet: there is no rate.
  EXPECT_TRUE(forecast.Take(0).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(forecast.Take(0.01)));
  EXPECT_EQ(times, 1);
  // At least 99 times what passed; a busy machine may have slept for longer.
  EXPECT_GE(left, 99 * 1.05);
  EXPECT_LT(left, 99 * 20);
  EXPECT_TRUE(forecast.Take(0.02).ok());
  EXPECT_EQ(times, 1);
}

TEST(ForecastTest, NobodyNeedsToBeTold) {
  Forecast forecast(nullptr);
  absl::SleepFor(absl::Milliseconds(1050));
  EXPECT_TRUE(forecast.Take(0.5).ok());
}

}  // namespace
}  // namespace tokenjoule
