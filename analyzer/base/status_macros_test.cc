#include "analyzer/base/status_macros.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

absl::Status Refusal() { return absl::OutOfRangeError("too far"); }

absl::StatusOr<int> Half(int number) {
  if (number % 2 != 0) return absl::InvalidArgumentError("odd");
  return number / 2;
}

// Counts how far a function got before it returned.
absl::Status Steps(const absl::Status& first, int* evaluated, int* passed) {
  const auto step = [&](const absl::Status& status) {
    ++*evaluated;
    return status;
  };
  RETURN_IF_ERROR(step(first));
  ++*passed;
  RETURN_IF_ERROR(step(absl::OkStatus()));
  ++*passed;
  return absl::OkStatus();
}

TEST(StatusMacrosTest, AnErrorEndsTheFunctionWithTheStatusAsItIs) {
  int evaluated = 0, passed = 0;
  EXPECT_EQ(Steps(Refusal(), &evaluated, &passed), Refusal());
  EXPECT_EQ(evaluated, 1);
  EXPECT_EQ(passed, 0);
}

TEST(StatusMacrosTest, WithoutAnErrorEachExpressionIsEvaluatedOnce) {
  int evaluated = 0, passed = 0;
  EXPECT_TRUE(Steps(absl::OkStatus(), &evaluated, &passed).ok());
  EXPECT_EQ(evaluated, 2);
  EXPECT_EQ(passed, 2);
}

absl::StatusOr<std::string> RefusalAsStatusOr() {
  RETURN_IF_ERROR(Refusal());
  return std::string("not reached");
}

TEST(StatusMacrosTest, AStatusIsReturnedAsStatusOr) {
  EXPECT_EQ(RefusalAsStatusOr().status(), Refusal());
}

// The macro is a single statement, so the `else` belongs to this `if`.
absl::Status RefuseIf(bool refuse, bool* otherwise) {
  if (refuse)
    RETURN_IF_ERROR(Refusal());
  else
    *otherwise = true;
  return absl::OkStatus();
}

TEST(StatusMacrosTest, ReturnIfErrorIsOneStatement) {
  bool otherwise = false;
  EXPECT_EQ(RefuseIf(true, &otherwise), Refusal());
  EXPECT_FALSE(otherwise);
  EXPECT_TRUE(RefuseIf(false, &otherwise).ok());
  EXPECT_TRUE(otherwise);
}

absl::StatusOr<int> Eighth(int number) {
  ASSIGN_OR_RETURN(int value, Half(number));
  ASSIGN_OR_RETURN(value, Half(value));
  ASSIGN_OR_RETURN(const auto last, Half(value));
  return last;
}

TEST(StatusMacrosTest, ValuesAreAssignedToNewAndToOldVariables) {
  EXPECT_EQ(*Eighth(40), 5);
}

TEST(StatusMacrosTest, TheFirstErrorIsTheOneThatIsReturned) {
  EXPECT_EQ(Eighth(41).status(), absl::InvalidArgumentError("odd"));
  EXPECT_EQ(Eighth(12).status(), absl::InvalidArgumentError("odd"));
}

absl::StatusOr<std::unique_ptr<int>> Boxed(int number) {
  ASSIGN_OR_RETURN(
      std::unique_ptr<int> box,
      absl::StatusOr<std::unique_ptr<int>>(std::make_unique<int>(number)));
  return box;
}

TEST(StatusMacrosTest, ValuesThatOnlyMoveAreMoved) { EXPECT_EQ(**Boxed(7), 7); }

absl::StatusOr<int> SumOfPair(int a, int b) {
  // Commas in template arguments need no parentheses.
  ASSIGN_OR_RETURN(const auto pair,
                   absl::StatusOr<std::pair<int, int>>(std::make_pair(a, b)));
  return pair.first + pair.second;
}

TEST(StatusMacrosTest, TheExpressionMayHaveCommas) {
  EXPECT_EQ(*SumOfPair(2, 3), 5);
}

}  // namespace
}  // namespace tokenjoule
