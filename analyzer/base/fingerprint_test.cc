#include "analyzer/base/fingerprint.h"

#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

std::string Of(absl::string_view text) {
  Fingerprint fingerprint;
  fingerprint.Add(text);
  return fingerprint.ToString();
}

// Test values of the algorithm's authors (Fowler, Noll, Vo).
TEST(FingerprintTest, IsFnv1a) {
  EXPECT_EQ(Of(""), "cbf29ce484222325");
  EXPECT_EQ(Of("a"), "af63dc4c8601ec8c");
  EXPECT_EQ(Of("foobar"), "85944171f73967e8");
}

TEST(FingerprintTest, PartsCountAsTheirConcatenation) {
  Fingerprint fingerprint;
  fingerprint.Add("foo");
  fingerprint.Add("bar");
  EXPECT_EQ(fingerprint.ToString(), Of("foobar"));
}

}  // namespace
}  // namespace tokenjoule
