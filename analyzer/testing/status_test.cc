#include "analyzer/testing/status.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

absl::StatusOr<int> Refused() { return absl::NotFoundError("no such thing"); }

TEST(StatusTest, TheValueIsMovedOut) {
  EXPECT_EQ(OrDie(absl::StatusOr<int>(7)), 7);
  EXPECT_EQ(
      *OrDie(absl::StatusOr<std::unique_ptr<int>>(std::make_unique<int>(8))),
      8);
}

TEST(StatusTest, AnErrorFailsTheTestWithItsMessageAndEndsIt) {
  bool went_on = false;
  EXPECT_NONFATAL_FAILURE(
      {
        try {
          OrDie(Refused());
          went_on = true;
        } catch (const absl::BadStatusOrAccess&) {
        }
      },
      "no such thing");
  EXPECT_FALSE(went_on);
}

TEST(StatusTest, TheMessageOfAnErrorIsReturned) {
  EXPECT_EQ(ErrorOf(Refused()), "no such thing");
  EXPECT_EQ(ErrorOf(absl::InternalError("broken")), "broken");
}

TEST(StatusTest, AnErrorThatIsMissingFailsTheTest) {
  EXPECT_NONFATAL_FAILURE(ErrorOf(absl::OkStatus()), "expected an error");
  EXPECT_NONFATAL_FAILURE(ErrorOf(absl::StatusOr<int>(1)), "expected an error");
}

}  // namespace
}  // namespace tokenjoule
