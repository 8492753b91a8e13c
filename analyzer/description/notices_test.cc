#include "analyzer/description/notices.h"

#include <string>
#include <thread>
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

TEST(NoticesTest, ScopesHaveSinksOfTheirOwn) {
  std::vector<std::string> outside, inside, other;
  SetNoticeSink(
      [&](absl::string_view notice) { outside.emplace_back(notice); });
  GiveNotice("a");
  for (int request = 0; request < 2; ++request) {
    const NoticeScope scope(
        [&](absl::string_view notice) { inside.emplace_back(notice); });
    // Each scope gives it once, whatever was given before.
    GiveNotice("a");
    GiveNotice("a");
    std::thread thread([&] { GiveNotice("b"); });
    thread.join();
  }
  SetNoticeSink(nullptr);
  EXPECT_EQ(inside, (std::vector<std::string>{"a", "a"}));
  EXPECT_EQ(outside, (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace tokenjoule
