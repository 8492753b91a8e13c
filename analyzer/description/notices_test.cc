#include "analyzer/description/notices.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

TEST(NoticesTest, EachNoticeIsGivenOnce) {
  std::vector<std::string> given;
  SetNoticeSink([&](absl::string_view notice) { given.emplace_back(notice); });
  GiveNotice("a");
  GiveNotice("b");
  GiveNotice("a");
  EXPECT_EQ(given, (std::vector<std::string>{"a", "b"}));
  SetNoticeSink(nullptr);
  // Without a sink it is dropped, and given to a later one.
  GiveNotice("a");
  given.clear();
  SetNoticeSink([&](absl::string_view notice) { given.emplace_back(notice); });
  GiveNotice("a");
  EXPECT_EQ(given, std::vector<std::string>{"a"});
  SetNoticeSink(nullptr);
}

}  // namespace
}  // namespace tokenjoule
