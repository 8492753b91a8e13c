#include "analyzer/search/findings.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/search/figures.h"
#include "analyzer/search/front.h"
#include "analyzer/search/space.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/report.pb.h"
#include "proto/space.pb.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;

Objective Minimised(const std::string& metric) {
  Objective objective;
  objective.set_metric(metric);
  return objective;
}

Objective Maximised(const std::string& metric) {
  Objective objective = Minimised(metric);
  objective.set_maximize(true);
  return objective;
}

// Energy per token and time per token, both small.
DesignSpace TwoObjectives() {
  DesignSpace description;
  *description.add_objective() = Minimised("energy_per_token_j");
  *description.add_objective() = Minimised("time_per_token_s");
  return description;
}

void AddLimit(const std::string& metric, const double* min, const double* max,
              DesignSpace* description) {
  Limit* limit = description->add_limit();
  limit->set_metric(metric);
  if (min != nullptr) limit->set_min(*min);
  if (max != nullptr) limit->set_max(*max);
}

// Points of a run on one chip at one token per step: joules, seconds and usable
// bytes of each.
class Batch {
 public:
  void Add(double energy_j, double time_s, double usable_bytes = 100) {
    const size_t lane = count_ % Pack::kLanes;
    if (lane == 0) {
      costs_.emplace_back();
      // Lanes beyond the last point would be the best of all.
      Fill(&costs_.back().step_time_s, 1e-9);
      for (Pack& inside : costs_.back().energy_j) Fill(&inside, 1e-9);
      Fill(&costs_.back().usable_bytes, 1e9);
      Fill(&costs_.back().area_mm2, 0);
      Fill(&costs_.back().cost_usd, 0);
      Fill(&costs_.back().noise, 0);
      Fill(&costs_.back().wear, 0);
    }
    PackCost& cost = costs_.back();
    cost.step_time_s.value[lane] = time_s;
    for (Pack& inside : cost.energy_j) inside.value[lane] = energy_j;
    cost.usable_bytes.value[lane] = usable_bytes;
    ++count_;
  }

  // What a judge makes of them; points are numbered from 100 on.
  Findings Judged(const DesignSpace& description,
                  StepFacts<> facts = {}) const {
    Findings findings(description);
    Judge(description)
        .Take(
            facts, costs_, count_, [](size_t k) { return uint64_t{100} + k; },
            &findings);
    return findings;
  }

 private:
  static void Fill(Pack* pack, double value) { *pack = Pack(value); }

  std::vector<PackCost> costs_;
  size_t count_ = 0;
};

std::vector<uint64_t> IdsOf(const Findings& findings) {
  std::vector<uint64_t> ids;
  for (const FrontPoint& point : findings.front.Sorted()) {
    ids.push_back(point.id);
  }
  return ids;
}

TEST(FindingsTest, PointsOfSeveralPacksAreCountedAndTheBestAreKept) {
  Batch run;
  // Eleven points, eight and three: energy rises, time falls, but for two that
  // are beaten.
  for (int i = 1; i <= 9; ++i) run.Add(i, 10 - i);
  run.Add(9, 9);
  run.Add(20, 1);
  const Findings findings = run.Judged(TwoObjectives());
  EXPECT_EQ(findings.points, 11u);
  EXPECT_EQ(findings.feasible, 11u);
  EXPECT_EQ(findings.does_not_fit + findings.outside_limits + findings.invalid,
            0u);
  EXPECT_THAT(IdsOf(findings),
              ElementsAre(100, 101, 102, 103, 104, 105, 106, 107, 108));
}

TEST(FindingsTest, LanesBeyondTheLastPointAreNobody) {
  Batch run;
  run.Add(5, 5);
  const Findings findings = run.Judged(TwoObjectives());
  EXPECT_EQ(findings.points, 1u);
  EXPECT_EQ(findings.feasible, 1u);
  EXPECT_THAT(IdsOf(findings), ElementsAre(100));
}

TEST(FindingsTest, WhatDoesNotFitIsCountedBeforeLimitsAre) {
  StepFacts<> facts;
  facts.store_used_bytes = 50;
  Batch run;
  run.Add(1, 1, 49);  // best of all, and a byte too small
  run.Add(2, 2, 50);
  run.Add(3, 9, 51);
  run.Add(9, 9, 10);
  DesignSpace description = TwoObjectives();
  const double slowest = 5;
  AddLimit("time_per_token_s", nullptr, &slowest, &description);
  const Findings findings = run.Judged(description, facts);
  EXPECT_EQ(findings.does_not_fit, 2u);
  EXPECT_EQ(findings.outside_limits, 1u);
  EXPECT_EQ(findings.feasible, 1u);
  EXPECT_THAT(IdsOf(findings), ElementsAre(101));

  description.set_may_not_fit(true);
  const Findings any = run.Judged(description, facts);
  EXPECT_EQ(any.does_not_fit, 0u);
  EXPECT_EQ(any.outside_limits, 2u);
  EXPECT_THAT(IdsOf(any), ElementsAre(100));
}

TEST(FindingsTest, ArraysThatCannotHoldTheirWeightsFitNowhere) {
  StepFacts<> facts;
  facts.array_used_bytes = 11;
  facts.array_bytes = 10;
  Batch run;
  run.Add(1, 1);
  EXPECT_EQ(run.Judged(TwoObjectives(), facts).does_not_fit, 1u);
  facts.array_bytes = 11;
  EXPECT_EQ(run.Judged(TwoObjectives(), facts).feasible, 1u);
}

TEST(FindingsTest, LimitsIncludeTheirEnds) {
  Batch run;
  for (int i = 1; i <= 5; ++i) run.Add(i, i);
  DesignSpace description = TwoObjectives();
  const double low = 2, high = 4;
  AddLimit("energy_per_token_j", &low, &high, &description);
  const Findings findings = run.Judged(description);
  EXPECT_EQ(findings.feasible, 3u);
  EXPECT_EQ(findings.outside_limits, 2u);
  EXPECT_THAT(IdsOf(findings), ElementsAre(101));
}

TEST(FindingsTest, WhatIsMaximisedIsComparedTheOtherWay) {
  DesignSpace description;
  *description.add_objective() = Minimised("energy_per_token_j");
  *description.add_objective() = Maximised("memory_left_bytes");
  Batch run;
  run.Add(1, 1, 10);
  run.Add(1, 1, 30);
  run.Add(2, 1, 20);
  const Findings findings = run.Judged(description);
  EXPECT_THAT(IdsOf(findings), ElementsAre(101));
  EXPECT_EQ(findings.front.Sorted()[0].values[1], -30);
}

TEST(FindingsTest, MergedFindingsAreThoseOfAllPointsWhateverTheOrder) {
  Batch left, right;
  left.Add(1, 9);
  left.Add(5, 5);
  right.Add(4, 4);
  right.Add(9, 1);
  Findings a = left.Judged(TwoObjectives());
  a.invalid = 3;
  a.points += 3;
  a.reasons = {{"heads", 2}, {"formats", 1}};
  Findings b = right.Judged(TwoObjectives());
  b.invalid = 5;
  b.points += 5;
  b.reasons = {{"heads", 5}};
  Findings ab = a, ba = b;
  ab.Merge(b);
  ba.Merge(a);
  for (const Findings* merged : {&ab, &ba}) {
    EXPECT_EQ(merged->points, 12u);
    EXPECT_EQ(merged->feasible, 4u);
    EXPECT_EQ(merged->invalid, 8u);
    EXPECT_EQ(merged->reasons.at("heads"), 7u);
    EXPECT_EQ(merged->reasons.at("formats"), 1u);
  }
  // Numbers are of each run here: both begin at 100.
  ASSERT_EQ(ab.front.Sorted().size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(ab.front.Sorted()[i].values, ba.front.Sorted()[i].values);
  }
}

TEST(FindingsTest, MergingNothingChangesNothing) {
  Batch run;
  run.Add(1, 2);
  Findings findings = run.Judged(TwoObjectives());
  findings.Merge(Findings(TwoObjectives()));
  EXPECT_EQ(findings.points, 1u);
  EXPECT_THAT(IdsOf(findings), ElementsAre(100));
}

TEST(FindingsTest, ExcessIsRelativeAndAddsUp) {
  DesignSpace description = TwoObjectives();
  const double most_power = 100, least_tokens = 50;
  AddLimit("power_w", nullptr, &most_power, &description);
  AddLimit("tokens_per_s", &least_tokens, nullptr, &description);
  const Judge judge(description);
  StepFacts<> facts;
  facts.chips = 2;
  facts.store_used_bytes = 300;
  FigureValues<double> figures = {};
  figures[kPower] = 100;
  figures[kTokensPerS] = 50;
  EXPECT_EQ(judge.Excess(facts, 150, figures), 0);
  // 300 of 200 bytes: half too many.
  EXPECT_DOUBLE_EQ(judge.Excess(facts, 100, figures), 0.5);
  figures[kPower] = 125;
  EXPECT_DOUBLE_EQ(judge.Excess(facts, 150, figures), 0.25);
  figures[kTokensPerS] = 40;
  EXPECT_DOUBLE_EQ(judge.Excess(facts, 150, figures), 0.25 + 0.2);
  EXPECT_DOUBLE_EQ(judge.Excess(facts, 100, figures), 0.5 + 0.25 + 0.2);
}

TEST(FindingsTest, ALimitOfSignalToNoiseIsOneOfNoise) {
  DesignSpace description = TwoObjectives();
  const double least_db = 30;
  AddLimit("snr_db", &least_db, nullptr, &description);
  const Judge judge(description);
  FigureValues<double> figures = {};
  figures[kNoise] = 0.9e-3;
  EXPECT_EQ(judge.Excess(StepFacts<>(), 0, figures), 0);
  figures[kNoise] = 0;
  EXPECT_EQ(judge.Excess(StepFacts<>(), 0, figures), 0);
  // Twice the noise power of 30 dB.
  figures[kNoise] = 2e-3;
  EXPECT_NEAR(judge.Excess(StepFacts<>(), 0, figures), 1, 1e-9);
}

TEST(FindingsTest, ReasonsComeByHowManyPointsTheyHoldFor) {
  Findings findings(TwoObjectives());
  findings.points = 20;
  findings.invalid = 14;
  findings.does_not_fit = 3;
  findings.outside_limits = 2;
  findings.feasible = 1;
  findings.reasons = {{"b", 2}, {"a", 2}, {"c", 10}};
  SweepStudy study;
  FillCounts(findings, &study);
  EXPECT_EQ(study.points(), 20);
  EXPECT_EQ(study.invalid(), 14);
  EXPECT_EQ(study.does_not_fit(), 3);
  EXPECT_EQ(study.outside_limits(), 2);
  EXPECT_EQ(study.feasible(), 1);
  ASSERT_EQ(study.invalid_reasons_size(), 3);
  EXPECT_EQ(study.invalid_reasons(0).reason(), "c");
  EXPECT_EQ(study.invalid_reasons(0).points(), 10);
  // Equal ones by their words, so that the order is always the same.
  EXPECT_EQ(study.invalid_reasons(1).reason(), "a");
  EXPECT_EQ(study.invalid_reasons(2).reason(), "b");
}

TEST(FindingsTest, TenReasonsAreKept) {
  Findings findings(TwoObjectives());
  for (uint64_t i = 1; i <= 12; ++i) {
    findings.reasons[absl::StrCat("reason ", i)] = i;
  }
  SweepStudy study;
  FillCounts(findings, &study);
  EXPECT_EQ(study.invalid_reasons_size(), 12);
  KeepMostReasons(&study);
  ASSERT_EQ(study.invalid_reasons_size(), 10);
  EXPECT_EQ(study.invalid_reasons(0).reason(), "reason 12");
  EXPECT_EQ(study.invalid_reasons(9).reason(), "reason 3");
  KeepMostReasons(&study);
  EXPECT_EQ(study.invalid_reasons_size(), 10);
}

TEST(FindingsTest, APointIsAddedWithItsNumberAndItsValues) {
  const Space space = OrDie(ParseSpace(
      "name: \"s\"\n"
      "scenario { model: \"llama-3.1-8b\" hardware: \"h100-sxm\" }\n"
      "axis { path: \"scenario.weights\" value: \"bf16\" value: \"fp8\" }\n"
      "axis { path: \"scenario.batch\" linear { from: 1 to: 9 count: 5 } }\n"
      "objective { metric: \"energy_per_token_j\" }\n"
      "objective { metric: \"tokens_per_s\" maximize: true }\n",
      "s.textproto"));
  SweepStudy study;
  FillHead(space, &study);
  EXPECT_EQ(study.name(), "s");
  EXPECT_THAT(study.axes(), ElementsAre("scenario.weights", "scenario.batch"));
  EXPECT_THAT(study.objectives(),
              ElementsAre("energy_per_token_j", "max tokens_per_s"));
  SweepFigures figures;
  figures.set_energy_per_token_j(0.5);
  figures.set_tokens_per_s(20);
  *study.add_front() = PointOf(space, {1, 2}, figures);
  ASSERT_EQ(study.front_size(), 1);
  EXPECT_EQ(study.front(0).id(), 7);
  EXPECT_THAT(study.front(0).values(), ElementsAre("fp8", "5"));
  EXPECT_EQ(study.front(0).figures().tokens_per_s(), 20);
  const ObjectiveValues values = ObjectivesOf(space.description, figures);
  EXPECT_EQ(values[0], 0.5);
  EXPECT_EQ(values[1], -20);
}

}  // namespace
}  // namespace tokenjoule
