#include "analyzer/description/number_reader.h"

#include <cstdint>

#include "gtest/gtest.h"
#include "proto/constant.pb.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {
namespace {

Constant Exact(double value) {
  Constant constant;
  constant.set_value(value);
  constant.set_low(value - 1);
  constant.set_high(value + 1);
  return constant;
}

// A stand-in for a dual number: a value and its origin.
struct Traced {
  Traced() = default;
  explicit Traced(double value) : value(value) {}
  Traced(double value, int origin) : value(value), origin(origin) {}
  double value = 0;
  int origin = 0;
};

TEST(NumberReaderTest, FieldsOfEveryWidthAreReadAsNumbers) {
  Scenario scenario;
  scenario.set_batch(2.5);
  scenario.set_tp(8);
  EXPECT_EQ(FieldValue(scenario, Scenario::kBatchFieldNumber), 2.5);
  EXPECT_EQ(FieldValue(scenario, Scenario::kTpFieldNumber), 8);
  Model model;
  model.set_d_model(int64_t{1} << 40);
  EXPECT_EQ(FieldValue(model, Model::kDModelFieldNumber), 1099511627776.0);
}

TEST(NumberReaderTest, WhatIsNotSetIsZero) {
  EXPECT_EQ(FieldValue(Scenario(), Scenario::kBatchFieldNumber), 0);
  EXPECT_EQ(ValueReader()(Constant()), 0);
  EXPECT_EQ(ReplacingReader<double>()(Constant()), 0);
}

TEST(NumberReaderTest, ValuesAreReadNotTheEndsOfRanges) {
  EXPECT_EQ(ValueReader()(Exact(3)), 3);
}

TEST(NumberReaderTest, OneConstantIsMovedAndNotAnEqualOne) {
  const Constant moved = Exact(3), equal = Exact(3);
  const MovedReader read{&moved, 7};
  EXPECT_EQ(read(moved), 7);
  EXPECT_EQ(read(equal), 3);
  EXPECT_EQ(MovedReader({nullptr, 7})(moved), 3);
}

TEST(NumberReaderTest, FieldsAreReplacedByMessageAndNumber) {
  Scenario scenario, other;
  for (Scenario* of : {&scenario, &other}) {
    of->set_batch(4);
    of->set_context(1000);
  }
  ReplacingReader<Traced> read;
  read.Replace(scenario, Scenario::kBatchFieldNumber, Traced(5, 1));
  EXPECT_EQ(read(scenario, Scenario::kBatchFieldNumber).value, 5);
  EXPECT_EQ(read(scenario, Scenario::kBatchFieldNumber).origin, 1);
  EXPECT_EQ(read(scenario, Scenario::kContextFieldNumber).value, 1000);
  EXPECT_EQ(read(scenario, Scenario::kContextFieldNumber).origin, 0);
  EXPECT_EQ(read(other, Scenario::kBatchFieldNumber).value, 4);
}

TEST(NumberReaderTest, TheLastReplacementHolds) {
  const Constant constant = Exact(3);
  ReplacingReader<double> read;
  read.Replace(constant, 4);
  read.Replace(constant, 5);
  EXPECT_EQ(read(constant), 5);
}

// A Constant is also a message, whose fields are distinct from its value.
TEST(NumberReaderTest, AConstantIsNotOneOfItsFields) {
  const Constant constant = Exact(3);
  ReplacingReader<double> read;
  read.Replace(constant, 9);
  EXPECT_EQ(read(constant), 9);
  EXPECT_EQ(read(constant, Constant::kValueFieldNumber), 3);
  EXPECT_EQ(read(constant, Constant::kHighFieldNumber), 4);
}

}  // namespace
}  // namespace tokenjoule
