#include "analyzer/fit/calibrate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "Eigen/Dense"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/cost/kernel.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/fit/auto_diff.h"
#include "analyzer/fit/keep_constants.h"
#include "analyzer/fit/score.h"
#include "analyzer/ledger/ledger.h"
#include "ceres/ceres.h"
#include "google/protobuf/descriptor.h"
#include "proto/options.pb.h"

namespace tokenjoule {
namespace {

// Robust loss: larger errors than this count less than quadratically.
constexpr double kLossScale = 0.08;
// Weight of the pull to the starting value, in units of the constant's range.
// With errors of 10 % it makes a fifth of the range one standard deviation:
// prior knowledge of a constant counts as much as some ten rows of one model,
// whose errors are correlated.
constexpr double kPriorWeight = 0.5;
// A constant keeps its value if moving it over its whole range changes the
// residuals by less than this, in the root mean square.
constexpr double kLeastInfluence = 0.005;
constexpr double kReportedCorrelation = 0.9;
constexpr double kAtBound = 1e-3;

// A measured row with the model, machine and scenario that predict it.
struct Point {
  const Measurement* row;
  const Model* model;
  Scenario scenario;
};

// A constant to fit: x = 0 at `low`, 1 at `high`.
struct Parameter {
  std::string path;
  const Constant* constant;
  double low, high, start;

  template <typename T>
  T At(const T& x) const {
    return T(low) + x * T(high - low);
  }
  double Normalized(double value) const {
    return std::min(std::max((value - low) / (high - low), 0.0), 1.0);
  }
};

// Log errors of step time and energy per token of one row.
class RowCost {
 public:
  RowCost(const Point& point, const Hardware& hardware,
          const std::vector<Parameter>& parameters)
      : point_(point), hardware_(hardware), parameters_(parameters) {}

  template <typename T>
  bool operator()(T const* const* x, T* residuals) const {
    using std::log;
    ReplacingReader<T> read;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      read.Replace(*parameters_[i].constant, parameters_[i].At(x[0][i]));
    }
    const Evaluation<T> evaluation = EvaluateOn(
        BuildLedger<T>(ResolveStep(*point_.model, point_.scenario, nullptr),
                       read),
        MachineWith<T>(hardware_, point_.scenario.ideal(), read));
    const StepCost<T>& cost = evaluation.cost;
    const Energy<T> energy = evaluation.PerToken(
        EnergyInside(cost.terms, BoundaryIndex(point_.scenario.boundary())));
    const Measurement& row = *point_.row;
    const double time_ms = MeasuredStepTimeMs(row);
    residuals[0] = time_ms > 0
                       ? log(InSeconds(cost.step_time) / T(time_ms * 1e-3))
                       : T(0.0);
    const double measured_j = MeasuredEnergyJ(row);
    residuals[1] =
        measured_j > 0 ? log(InJoules(energy) / T(measured_j)) : T(0.0);
    return true;
  }

 private:
  const Point& point_;
  const Hardware& hardware_;
  const std::vector<Parameter>& parameters_;
};

// Pulls each constant weakly to its starting value.
class Prior {
 public:
  explicit Prior(std::vector<double> start) : start_(std::move(start)) {}

  template <typename T>
  bool operator()(T const* const* x, T* residuals) const {
    for (size_t i = 0; i < start_.size(); ++i) {
      residuals[i] = T(kPriorWeight) * (x[0][i] - T(start_[i]));
    }
    return true;
  }

 private:
  const std::vector<double> start_;
};

std::vector<double> StartOf(const std::vector<Parameter>& parameters) {
  std::vector<double> start;
  for (const Parameter& p : parameters) {
    start.push_back(p.Normalized(p.start));
  }
  return start;
}

// Jacobian of all rows at x, with two residuals per row.
Eigen::MatrixXd JacobianAt(const std::vector<Point>& points,
                           const Hardware& hardware,
                           const std::vector<Parameter>& parameters,
                           const std::vector<double>& x) {
  const int n = static_cast<int>(parameters.size());
  Eigen::MatrixXd jacobian(2 * points.size(), n);
  for (size_t i = 0; i < points.size(); ++i) {
    std::unique_ptr<ceres::CostFunction> cost(
        AutoDiff(new RowCost(points[i], hardware, parameters), {n}, 2));
    double residuals[2];
    Eigen::Matrix<double, 2, Eigen::Dynamic, Eigen::RowMajor> block(2, n);
    const double* blocks[] = {x.data()};
    double* jacobians[] = {block.data()};
    cost->Evaluate(blocks, residuals, jacobians);
    jacobian.middleRows(2 * i, 2) = block;
  }
  return jacobian;
}

// The x that fits these rows best.
std::vector<double> Solve(const std::vector<Point>& points,
                          const Hardware& hardware,
                          const std::vector<Parameter>& parameters) {
  const int n = static_cast<int>(parameters.size());
  std::vector<double> x = StartOf(parameters);
  ceres::Problem problem;
  for (const Point& point : points) {
    problem.AddResidualBlock(
        AutoDiff(new RowCost(point, hardware, parameters), {n}, 2),
        new ceres::SoftLOneLoss(kLossScale), x.data());
  }
  problem.AddResidualBlock(AutoDiff(new Prior(x), {n}, n), nullptr, x.data());
  for (int i = 0; i < n; ++i) {
    problem.SetParameterLowerBound(x.data(), i, 0);
    problem.SetParameterUpperBound(x.data(), i, 1);
  }
  ceres::Solver::Options options;
  options.max_num_iterations = 200;
  options.linear_solver_type = ceres::DENSE_QR;
  options.logging_type = ceres::SILENT;
  // One thread, so that the answer is the same everywhere.
  options.num_threads = 1;
  ceres::Solver::Summary summary;
  ceres::Solve(options, &problem, &summary);
  return x;
}

// The machine with constants moved to x.
Hardware Apply(const Hardware& hardware,
               const std::vector<Parameter>& parameters,
               const std::vector<double>& x) {
  Hardware applied = hardware;
  for (size_t i = 0; i < parameters.size(); ++i) {
    // The paths are those of this machine, so that setting them cannot fail.
    (void)SetField(&applied, parameters[i].path,
                   absl::StrFormat("%.6g", parameters[i].At(x[i])), "fitted");
  }
  return applied;
}

std::vector<ValidatedRow> PredictAll(const std::vector<Point>& points,
                                     const Hardware& hardware) {
  std::vector<ValidatedRow> rows;
  for (const Point& point : points) {
    absl::StatusOr<ValidatedRow> row =
        PredictRow(*point.row, *point.model, hardware);
    if (row.ok()) rows.push_back(*std::move(row));
  }
  return rows;
}

// Standard errors and correlations at the solution, in units of the range.
struct Uncertainty {
  std::vector<double> standard_errors;
  Eigen::MatrixXd correlation;
};

Uncertainty UncertaintyAt(const std::vector<Point>& points,
                          const Hardware& hardware,
                          const std::vector<Parameter>& parameters,
                          const std::vector<double>& x,
                          const std::vector<ValidatedRow>& rows) {
  const int n = static_cast<int>(parameters.size());
  const Eigen::MatrixXd jacobian = JacobianAt(points, hardware, parameters, x);
  double squares = 0;
  for (const ValidatedRow& row : rows) {
    squares += std::pow(std::log1p(row.step_time_error()), 2) +
               std::pow(std::log1p(row.energy_error()), 2);
  }
  const double variance =
      squares / std::max(1.0, static_cast<double>(jacobian.rows() - n));
  Eigen::MatrixXd information = jacobian.transpose() * jacobian / variance;
  // The pull to the starting values is information too; it keeps the matrix
  // regular.
  information.diagonal().array() += std::pow(kPriorWeight, 2) / variance;
  const Eigen::MatrixXd covariance = information.inverse();
  Uncertainty uncertainty;
  uncertainty.correlation = Eigen::MatrixXd::Identity(n, n);
  for (int i = 0; i < n; ++i) {
    uncertainty.standard_errors.push_back(std::sqrt(covariance(i, i)));
    for (int k = 0; k < n; ++k) {
      uncertainty.correlation(i, k) =
          covariance(i, k) / std::sqrt(covariance(i, i) * covariance(k, k));
    }
  }
  return uncertainty;
}

// The constants at `paths`, with their own ranges as bounds.
std::vector<Parameter> ParametersAt(const Hardware& hardware,
                                    const std::vector<std::string>& paths) {
  const std::set<std::string> wanted(paths.begin(), paths.end());
  std::vector<Parameter> parameters;
  ForEachConstant(hardware, [&](const std::string& path,
                                const Constant& constant, const auto&) {
    if (wanted.count(path) == 0 || constant.low() >= constant.high()) return;
    parameters.push_back(
        {path, &constant, constant.low(), constant.high(), constant.value()});
  });
  return parameters;
}

// Fails if a path is not that of a constant.
absl::Status CheckPaths(const Hardware& hardware,
                        const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  ForEachConstant(hardware, [&](const std::string& path, const Constant&,
                                const auto&) { names.push_back(path); });
  for (const std::string& path : paths) {
    if (std::find(names.begin(), names.end(), path) != names.end()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "--fit: ", UnknownNameMessage("constant", path, names,
                                      "(`tokenjoule explain` shows all)")));
  }
  return absl::OkStatus();
}

// Separates the constants that the data do not determine.
std::vector<Parameter> Influential(const std::vector<Point>& points,
                                   const Hardware& hardware,
                                   const std::vector<Parameter>& parameters,
                                   std::vector<Parameter>* kept) {
  const Eigen::MatrixXd jacobian =
      JacobianAt(points, hardware, parameters, StartOf(parameters));
  std::vector<Parameter> influential;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const double influence =
        jacobian.col(i).norm() / std::sqrt(jacobian.rows());
    (influence < kLeastInfluence ? *kept : influential)
        .push_back(parameters[i]);
  }
  return influential;
}

void FillConstants(const std::vector<Parameter>& parameters,
                   const std::vector<double>& x, const Uncertainty& uncertainty,
                   const std::vector<Parameter>& kept, Calibration* summary) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    FittedConstant* out = summary->add_constants();
    out->set_path(absl::StrCat("hardware.", p.path));
    out->set_start(p.start);
    out->set_value(p.At(x[i]));
    out->set_low(p.low);
    out->set_high(p.high);
    out->set_standard_error(uncertainty.standard_errors[i] * (p.high - p.low));
    out->set_status(x[i] < kAtBound || x[i] > 1 - kAtBound ? "AT_BOUND"
                                                           : "FITTED");
    for (size_t k = 0; k < i; ++k) {
      const double r = uncertainty.correlation(i, k);
      if (std::abs(r) < kReportedCorrelation) continue;
      Correlation* pair = summary->add_correlations();
      pair->set_path(absl::StrCat("hardware.", p.path));
      pair->set_other(absl::StrCat("hardware.", parameters[k].path));
      pair->set_coefficient(r);
    }
  }
  for (const Parameter& p : kept) {
    FittedConstant* out = summary->add_constants();
    out->set_path(absl::StrCat("hardware.", p.path));
    out->set_start(p.start);
    out->set_value(p.start);
    out->set_low(p.low);
    out->set_high(p.high);
    out->set_status("KEPT");
  }
}

// "of step time 5.7 %, of energy 7.5 %"; quantities that were not measured are
// left out.
std::string MedianErrors(const ErrorStatistics& errors) {
  std::string out;
  if (errors.step_time_rows() > 0) {
    absl::StrAppendFormat(&out, "of step time %.1f %%",
                          100 * errors.step_time_median_abs_error());
  }
  if (errors.energy_rows() > 0) {
    absl::StrAppendFormat(&out, "%sof energy %.1f %%", out.empty() ? "" : ", ",
                          100 * errors.energy_median_abs_error());
  }
  return out;
}

// Errors of rows of one model are correlated, so that standard errors, which
// take rows as independent, are too small. The ratio of held-out to fitted
// error says by which factor; it is at least 1, and 1 without cross-validation.
double Widening(const Calibration& summary) {
  const auto ratio = [](double held_out, double in_sample) {
    return in_sample > 0 ? held_out / in_sample : 1.0;
  };
  const ErrorStatistics& fitted = summary.in_sample();
  const ErrorStatistics& unseen = summary.held_out_overall();
  return std::max({1.0,
                   ratio(unseen.step_time_median_abs_error(),
                         fitted.step_time_median_abs_error()),
                   ratio(unseen.energy_median_abs_error(),
                         fitted.energy_median_abs_error())});
}

// A description that holds the fitted constants: their values, ranges of two
// widened standard errors inside the bounds, and a source that says how they
// were fitted.
Hardware Describe(const Hardware& hardware,
                  const std::vector<Parameter>& parameters,
                  const std::vector<double>& x, const Uncertainty& uncertainty,
                  const MeasurementSet& set, const Calibration& summary,
                  const std::string& date) {
  const double widening = Widening(summary);
  Hardware described = hardware;
  std::set<std::string> keep;
  std::map<std::string, size_t> index;
  for (size_t i = 0; i < parameters.size(); ++i) {
    index[parameters[i].path] = i;
    keep.insert(parameters[i].path);
  }
  ForEachConstant(described, [&](const std::string& path,
                                 const Constant& constant, const auto&) {
    const auto found = index.find(path);
    if (found == index.end()) return;
    const size_t i = found->second;
    const Parameter& p = parameters[i];
    const double value = Rounded(p.At(x[i]));
    const double spread =
        2 * widening * uncertainty.standard_errors[i] * (p.high - p.low);
    auto* change = const_cast<Constant*>(&constant);
    change->set_value(value);
    change->set_low(std::min(value, Rounded(std::max(p.low, value - spread))));
    change->set_high(
        std::max(value, Rounded(std::min(p.high, value + spread))));
    change->set_source("fitted");
  });
  KeepConstants(keep, &described);
  described.set_description(hardware.description());
  described.set_base(hardware.name());
  Source* source = described.add_sources();
  source->set_id("fitted");
  source->set_kind(Source::FITTED);
  source->set_citation(absl::StrCat(
      "tokenjoule calibrate on ", summary.rows(), " rows of ",
      set.description(), "; median absolute error ",
      MedianErrors(summary.in_sample()),
      summary.held_out_size() == 0
          ? ""
          : absl::StrCat("; on models held out ",
                         MedianErrors(summary.held_out_overall()))));
  source->set_date(date);
  return described;
}

void CrossValidate(const std::vector<Point>& points, const Hardware& hardware,
                   const std::vector<Parameter>& parameters,
                   Calibration* summary) {
  std::set<std::string> models;
  for (const Point& point : points) models.insert(point.row->model());
  std::vector<ValidatedRow> all;
  for (const std::string& model : models) {
    std::vector<Point> seen, unseen;
    for (const Point& point : points) {
      (point.row->model() == model ? unseen : seen).push_back(point);
    }
    if (seen.size() * 2 < parameters.size()) continue;
    const std::vector<ValidatedRow> rows = PredictAll(
        unseen, Apply(hardware, parameters, Solve(seen, hardware, parameters)));
    HeldOutModel* held_out = summary->add_held_out();
    held_out->set_model(model);
    *held_out->mutable_errors() = StatisticsOf(rows);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  *summary->mutable_held_out_overall() = StatisticsOf(all);
}

}  // namespace

std::vector<std::string> FreeConstants(const Hardware& hardware) {
  std::vector<std::string> paths;
  ForEachConstant(hardware,
                  [&](const std::string& path, const Constant&,
                      const google::protobuf::FieldDescriptor& field) {
                    // Board rows do not separate a memory technology from the
                    // rest; `calibrate --all` fits it where a sensor does.
                    if (field.options().GetExtension(range).calibrated() &&
                        !absl::StrContains(path, ".technology.")) {
                      paths.push_back(path);
                    }
                  });
  return paths;
}

absl::StatusOr<CalibrationResult> Calibrate(const Hardware& hardware,
                                            const MeasurementSet& set,
                                            const CalibrateOptions& options) {
  const std::string& device =
      options.device.empty() ? hardware.name() : options.device;
  std::map<std::string, Model> models;
  std::vector<Point> points;
  int host_bound_rows = 0, overfull_rows = 0;
  for (const Measurement& row : set.row()) {
    if (row.device() != device || row.check_only()) continue;
    const std::string runtime = RuntimeOf(row);
    if (!runtime.empty() && runtime != hardware.runtime().base()) continue;
    if (row.host_bound()) {
      ++host_bound_rows;
      continue;
    }
    const std::string name = CheckpointOf(row);
    if (models.count(name) == 0) {
      absl::StatusOr<Model> model = LoadModel(name);
      if (!model.ok()) continue;
      models.emplace(name, *std::move(model));
    }
    const Model& model = models.at(name);
    const absl::StatusOr<ValidatedRow> predicted =
        PredictRow(row, model, hardware);
    if (!predicted.ok()) continue;
    if (predicted->overfull()) {
      ++overfull_rows;
      continue;
    }
    // Only the boundary is taken from the scenario that ResolveScenario fills
    // in, because its other defaults would override the formats of experts and
    // heads.
    Scenario given =
        ServedBy(hardware, model,
                 WithContext(ScenarioOf(row, model, CarriesPrefill(row))));
    given.set_boundary(ResolveScenario(model, given).boundary());
    points.push_back({&row, &model, given});
  }
  RETURN_IF_ERROR(CheckPaths(hardware, options.paths));
  std::vector<Parameter> kept;
  std::vector<Parameter> parameters =
      ParametersAt(hardware, options.paths.empty() ? FreeConstants(hardware)
                                                   : options.paths);
  if (points.size() * 2 <= parameters.size() || parameters.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        points.size(), " rows of ", device, " can be predicted, for ",
        parameters.size(),
        " constants; expected more rows, or fewer constants (--fit)"));
  }
  parameters = Influential(points, hardware, parameters, &kept);

  CalibrationResult result;
  Calibration& summary = result.summary;
  summary.set_hardware(device);
  summary.set_rows(static_cast<int>(points.size()));
  summary.set_host_bound_rows(host_bound_rows);
  summary.set_overfull_rows(overfull_rows);
  const std::vector<double> x = Solve(points, hardware, parameters);
  const std::vector<ValidatedRow> rows =
      PredictAll(points, Apply(hardware, parameters, x));
  const Uncertainty uncertainty =
      UncertaintyAt(points, hardware, parameters, x, rows);
  FillConstants(parameters, x, uncertainty, kept, &summary);
  *summary.mutable_in_sample() = StatisticsOf(rows);
  if (options.cross_validate) {
    CrossValidate(points, hardware, parameters, &summary);
  }
  result.hardware = Describe(hardware, parameters, x, uncertainty, set, summary,
                             options.date);
  result.hardware.set_name(device);
  return result;
}

}  // namespace tokenjoule
