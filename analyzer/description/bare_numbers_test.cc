#include "analyzer/description/bare_numbers.h"

#include <cmath>
#include <string>
#include <vector>

#include "analyzer/description/notices.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void Give(double value, double low, double high, Constant* constant) {
  constant->set_value(value);
  constant->set_low(low);
  constant->set_high(high);
  constant->set_source("s");
}

TEST(BareNumbersTest, ANumberGetsTheRangeOfAPointAndASourceThatSaysSo) {
  Hardware hardware;
  hardware.mutable_board()->mutable_power_cap_w()->set_value(300);
  Give(1, 0.5, 2, hardware.mutable_board()->mutable_static_power_w());
  const BareNumbers bare = FillBareNumbers("my.textproto", &hardware);
  EXPECT_THAT(bare.without_range, ElementsAre("board.power_cap_w"));
  EXPECT_THAT(bare.without_source, ElementsAre("board.power_cap_w"));
  const Constant& cap = hardware.board().power_cap_w();
  EXPECT_EQ(cap.low(), 300);
  EXPECT_EQ(cap.high(), 300);
  ASSERT_EQ(hardware.sources_size(), 1);
  EXPECT_EQ(hardware.sources(0).id(), cap.source());
  EXPECT_EQ(hardware.sources(0).kind(), Source::ASSUMPTION);
  EXPECT_EQ(hardware.board().static_power_w().source(), "s");
}

TEST(BareNumbersTest, HalfARangeAndPlaceholdersStayFaults) {
  Hardware hardware;
  BoardPower* board = hardware.mutable_board();
  board->mutable_power_cap_w()->set_value(300);
  board->mutable_power_cap_w()->set_low(200);
  board->mutable_static_power_w()->set_value(std::nan(""));
  board->mutable_regulator_efficiency()->set_low(0.9);
  const BareNumbers bare = FillBareNumbers("my.textproto", &hardware);
  EXPECT_THAT(bare.without_range, IsEmpty());
  EXPECT_THAT(bare.without_source, ElementsAre("board.power_cap_w"));
  EXPECT_FALSE(board->power_cap_w().has_high());
  EXPECT_FALSE(board->regulator_efficiency().has_value());
  // So that the placeholder alone is at fault.
  EXPECT_TRUE(std::isnan(board->static_power_w().high()));
}

TEST(BareNumbersTest, WhatMustHaveSourcesAndHasNoneGetsOne) {
  Model model;
  EXPECT_THAT(FillBareNumbers("m.textproto", &model).without_source,
              ElementsAre("sources"));
  EXPECT_EQ(model.sources_size(), 1);
  // The sources of a base do.
  Hardware hardware;
  hardware.set_base("h100-sxm");
  FillBareNumbers("h.textproto", &hardware);
  EXPECT_EQ(hardware.sources_size(), 0);
}

TEST(BareNumbersTest, RangesAreAsWideAsThoseOfTheBase) {
  Hardware base, hardware;
  Give(0.8, 0.4, 1, base.mutable_board()->mutable_regulator_efficiency());
  Give(0, 0, 1, base.mutable_board()->mutable_power_cap_w());
  BoardPower* board = hardware.mutable_board();
  board->mutable_regulator_efficiency()->set_value(0.9);
  board->mutable_power_cap_w()->set_value(300);
  board->mutable_static_power_w()->set_value(30);
  std::vector<std::string> notices;
  SetNoticeSink(
      [&](absl::string_view notice) { notices.emplace_back(notice); });
  const BareNumbers bare = FillBareNumbers("my.textproto", &hardware);
  FinishBareNumbers("my.textproto", bare, base, &hardware);
  FinishBareNumbers("my.textproto", {}, base, &hardware);
  SetNoticeSink(nullptr);
  EXPECT_DOUBLE_EQ(board->regulator_efficiency().low(), 0.45);
  // 1.125, but the schema accepts 1.
  EXPECT_EQ(board->regulator_efficiency().high(), 1);
  EXPECT_EQ(board->power_cap_w().high(), 300);
  EXPECT_THAT(
      notices,
      ElementsAre("my.textproto: no range, no source: board.static_power_w, "
                  "board.power_cap_w, board.regulator_efficiency; ranges as "
                  "wide as the base's: board.regulator_efficiency; ranges of "
                  "answers leave out board.static_power_w, board.power_cap_w"));
}

}  // namespace
}  // namespace tokenjoule
