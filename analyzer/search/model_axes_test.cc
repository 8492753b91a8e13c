// The model's shape as axes of a space, and figures of its quality.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/search/space.h"
#include "analyzer/search/sweep.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/model.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

absl::StatusOr<Space> SpaceWith(absl::string_view axes,
                                absl::string_view scenario = "") {
  return ParseSpace(
      absl::StrCat("name: \"shapes\"\n",
                   "scenario { model: \"llama-3.1-8b\" hardware: \"h100-sxm\" ",
                   scenario,
                   " }\nobjective { metric: \"energy_per_token_j\" }\n", axes),
      "s.textproto");
}

constexpr char kQuality[] = "quality { training_tokens: 160e9 }";

// Widths of 64-wide heads, of which KV heads need not divide the number.
constexpr char kShapes[] = R"(
axis { path: "model.layers[0].run[0].count" value: "16" value: "32" }
axis {
  path: "model.d_model"
  linear { from: 2048 to: 5120 count: 4 }
  tied { path: "model.block.full.attention.heads" factor: 0.0078125 }
  tied { path: "model.block.full.mlp.d_ff" factor: 3.3 multiple_of: 256 }
}
axis {
  path: "model.block.full.attention.kv_heads"
  value: "8" value: "4" value: "12"
}
)";

TEST(ModelAxesTest, AxesSetTheShapeAndTiedWidthsRoundToTheirMultiple) {
  const Space space = OrDie(SpaceWith(kShapes));
  // 2048 + 3 x 1024 = 5120: 40 heads; 3.3 x 5120 = 16896 = 66 x 256 as it is.
  Model model = OrDie(ModelAt(space, {1, 3, 1}));
  EXPECT_EQ(model.layers(0).run(0).count(), 32);
  EXPECT_EQ(model.d_model(), 5120);
  EXPECT_EQ(model.block(0).attention().heads(), 40);
  EXPECT_EQ(model.block(0).attention().kv_heads(), 4);
  EXPECT_EQ(model.block(0).mlp().d_ff(), 16896);
  // 3.3 x 2048 = 6758.4 = 26.4 x 256: 26 x 256.
  model = OrDie(ModelAt(space, {0, 0, 0}));
  EXPECT_EQ(model.block(0).mlp().d_ff(), 6656);
}

TEST(ModelAxesTest, StepsRoundToTheirMultipleAndTiedFieldsFollowThem) {
  const Space space = OrDie(SpaceWith(R"(
      axis {
        path: "model.d_model"
        logarithmic { from: 2000 to: 8000 count: 3 multiple_of: 128 }
        tied { path: "model.block.full.attention.heads" factor: 0.0078125 }
      })"));
  // 2000, 4000 and 8000 are 15.6, 31.25 and 62.5 times 128; halves go up.
  const SpaceAxis& axis = space.axes[0];
  EXPECT_EQ(axis.fields[0].At(0), "2048");
  EXPECT_EQ(axis.fields[0].At(1), "3968");
  EXPECT_EQ(axis.fields[0].At(2), "8064");
  EXPECT_EQ(axis.fields[1].At(1), "31");
  EXPECT_EQ(axis.fields[1].At(2), "63");
  EXPECT_EQ(OrDie(ModelAt(space, {0})).block(0).attention().heads(), 16);
  EXPECT_THAT(ErrorOf(ModelAt(space, {1})),
              HasSubstr("8 does not divide the 31"));
}

TEST(ModelAxesTest, FractionsOfHeadsAreRefusedUnlessARuleRoundsThem) {
  EXPECT_THAT(ErrorOf(SpaceWith(R"(
      axis {
        path: "model.d_model"
        value: "4096"
        value: "4100"
        tied { path: "model.block.full.attention.heads" factor: 0.0078125 }
      })")),
              HasSubstr("32.03125"));
  EXPECT_THAT(ErrorOf(SpaceWith(R"(
      axis {
        path: "model.d_model"
        value: "4096"
        tied { path: "model.d_model" value: "1" multiple_of: 8 }
      })")),
              HasSubstr("multiple_of rounds a product; give a factor"));
}

TEST(ModelAxesTest, ImpossibleShapesAreCountedWithTheirReasons) {
  const SweepStudy study = OrDie(Sweep(OrDie(SpaceWith(kShapes))));
  // Heads are 16, 24, 32 and 40: 8 and 4 divide all of them, 12 divides 24.
  EXPECT_EQ(study.points(), 24);
  EXPECT_EQ(study.invalid(), 6);
  double counted = 0;
  std::set<std::string> reasons;
  for (const InvalidReason& reason : study.invalid_reasons()) {
    counted += reason.points();
    reasons.insert(reason.reason());
  }
  EXPECT_EQ(counted, 6);
  EXPECT_THAT(reasons, Contains(HasSubstr("12 does not divide the 40 query "
                                          "heads")));
}

TEST(ModelAxesTest, ASlipOfAFieldIsStillAFault) {
  EXPECT_THAT(ErrorOf(SpaceWith(R"(
      axis { path: "model.block.full.attention.kv_heads"
             value: "8" value: "0" })")),
              HasSubstr("kv_heads"));
  EXPECT_THAT(ErrorOf(SpaceWith(R"(
      axis { path: "model.block.full.attention.kv_hedas" value: "8" })")),
              HasSubstr("did you mean \"kv_heads\""));
}

TEST(ModelAxesTest, FiguresAreThoseOfAnalyze) {
  const Space space = OrDie(SpaceWith(
      absl::StrCat(kShapes,
                   "axis { path: \"scenario.weights\" value: \"bf16\" "
                   "value: \"int4-g128\" }\n"
                   "axis { path: \"scenario.batch\" "
                   "linear { from: 1 to: 16 count: 16 } }\n"
                   "objective { metric: \"loss\" }\n"
                   "objective { metric: \"parameters\" }\n"),
      kQuality));
  const SweepStudy study = OrDie(Sweep(space));
  ASSERT_GT(study.front_size(), 4);
  for (const SweepPoint& point : study.front()) {
    const Choices choices = ChoicesOf(space, static_cast<uint64_t>(point.id()));
    const SweepFigures exact = OrDie(FiguresOf(space, choices));
    for (int i = 0; i < SweepFigures::descriptor()->field_count(); ++i) {
      const auto* field = SweepFigures::descriptor()->field(i);
      const double found =
          point.figures().GetReflection()->GetDouble(point.figures(), field);
      const double expected = exact.GetReflection()->GetDouble(exact, field);
      EXPECT_NEAR(found, expected, 1e-12 * std::abs(expected))
          << field->name() << " at " << point.id();
    }
    EXPECT_GT(point.figures().loss(), 1.8);
    EXPECT_EQ(point.quality().loss(), point.figures().loss());
    EXPECT_LE(point.quality().loss_low(), point.quality().loss());
    EXPECT_GE(point.quality().loss_high(), point.quality().loss());
  }
  EXPECT_THAT(study.quality_caveats(), Contains(HasSubstr("not covered")));
}

TEST(ModelAxesTest, ALimitOfLossLeavesTheSmallestModelThatMeetsIt) {
  const Space space = OrDie(
      SpaceWith(absl::StrCat(kShapes, "limit { metric: \"loss\" max: 2.2 }\n",
                             "limit { metric: \"aspect_ratio\" max: 200 }\n"),
                kQuality));
  const SweepStudy study = OrDie(Sweep(space));
  double inside = 0, valid = 0, least = 1e9;
  for (uint64_t id = 0; id < space.points; ++id) {
    const absl::StatusOr<SweepFigures> figures =
        FiguresOf(space, ChoicesOf(space, id));
    if (!figures.ok()) continue;
    ++valid;
    if (figures->loss() > 2.2 || figures->aspect_ratio() > 200) continue;
    ++inside;
    least = std::min(least, figures->energy_per_token_j());
  }
  EXPECT_EQ(study.feasible(), inside);
  EXPECT_EQ(study.outside_limits(), valid - inside);
  EXPECT_GT(inside, 0);
  EXPECT_GT(study.outside_limits(), 0);
  ASSERT_EQ(study.front_size(), 1);
  EXPECT_NEAR(study.front(0).figures().energy_per_token_j(), least,
              1e-12 * least);
}

TEST(ModelAxesTest, ExpertsAreAxesAndLossFallsWithThem) {
  const Space space = OrDie(ParseSpace(R"(
      name: "experts"
      scenario {
        model: "qwen3-30b-a3b" hardware: "h100-sxm"
        quality { training_tokens: 130e9 }
      }
      axis { path: "model.block[0].moe.experts" value: "8" value: "16" value: "64" }
      objective { metric: "loss" }
      objective { metric: "parameters" })",
                                       "s.textproto"));
  double loss = 1e9, parameters = 0, active = 0;
  for (uint32_t k = 0; k < 3; ++k) {
    const SweepFigures figures = OrDie(FiguresOf(space, {k}));
    EXPECT_LT(figures.loss(), loss);
    EXPECT_GT(figures.parameters(), parameters);
    loss = figures.loss();
    parameters = figures.parameters();
    // 8 of 8 experts act on every token.
    if (k == 0) active = figures.parameters();
    EXPECT_NEAR(figures.active_parameters() / active, 1, 0.01);
  }
}

TEST(ModelAxesTest, ChangesReplaceWhatPointsShareAndNotWhatAxesSet) {
  const auto with = [](const std::vector<std::string>& changes) {
    return ParseSpace(
        absl::StrCat("name: \"s\" scenario { model: \"llama-3.1-8b\" }\n"
                     "objective { metric: \"energy_per_token_j\" }\n",
                     kShapes),
        "s.textproto", changes);
  };
  const Space space = OrDie(
      with({"hardware=lpddr5x-edge", "scenario.batch=3",
            "model.tied_embeddings=true", "hardware.board.static_power_w=2"}));
  const ::tokenjoule::Setup setup = OrDie(SetupAt(space, {0, 0, 0}));
  EXPECT_EQ(setup.hardware.name(), "lpddr5x-edge");
  EXPECT_EQ(setup.hardware.board().static_power_w().value(), 2);
  EXPECT_EQ(setup.scenario.batch(), 3);
  EXPECT_TRUE(setup.model.tied_embeddings());
  EXPECT_THAT(ErrorOf(with({"hardware=h100-sxm", "model.d_model=4096"})),
              HasSubstr("--set: model.d_model is set by an axis"));
  EXPECT_THAT(ErrorOf(with({"hardware=h100-sxm", "scenario.batsh=3"})),
              HasSubstr("did you mean \"batch\""));
  EXPECT_THAT(ErrorOf(with({"hardware=h100-sxm", "batch=3"})),
              HasSubstr("expected ROOT.PATH=VALUE"));
}

TEST(ModelAxesTest, FiguresOfQualityNeedWhatTheyAreComputedFrom) {
  EXPECT_THAT(ErrorOf(SpaceWith(
                  absl::StrCat(kShapes, "objective { metric: \"loss\" }\n"))),
              HasSubstr("loss needs scenario.quality.training_tokens"));
  EXPECT_THAT(
      ErrorOf(SpaceWith(absl::StrCat(
          kShapes, "limit { metric: \"effective_parameters\" min: 1 }"))),
      HasSubstr("effective_parameters needs scenario.quality"));
  EXPECT_THAT(ErrorOf(SpaceWith(kShapes, "quality { dense_law: \"kaplan\" }")),
              HasSubstr("quality.dense_law: unknown law \"kaplan\""));
}

}  // namespace
}  // namespace tokenjoule
