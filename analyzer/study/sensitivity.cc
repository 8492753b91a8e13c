#include "analyzer/study/sensitivity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "Eigen/Dense"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/base/quantile.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/base/zero_sign.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/machine/derived.h"
#include "analyzer/machine/terms.h"
#include "ceres/jet.h"
#include "proto/hardware.pb.h"
#include "proto/options.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

// Number of derivatives per pass of the kernel.
constexpr int kLanes = 8;
using Dual = ceres::Jet<double, kLanes>;

// Standard deviations from the median to the ninety-fifth percentile.
constexpr double kNinetyFifth = 1.6448536269514722;

// A number that the answer may depend on.
struct Number {
  std::string path;
  double value, low, high;
  // Either a constant of the machine, with the range that the schema accepts,
  // or a field of the model or the scenario.
  const Constant* constant = nullptr;
  double accepted_min = 0, accepted_max = 0;
  const Message* message = nullptr;
  int field_number = 0;

  template <typename T>
  void ReplaceBy(const T& other, ReplacingReader<T>* read) const {
    if (constant != nullptr) {
      read->Replace(*constant, other);
    } else {
      read->Replace(*message, field_number, other);
    }
  }
};

// The figures of an answer that are studied; the shares are those of the memory
// that the backing store is made of.
template <typename T>
struct Figures {
  T energy, step_time, dram_share, stack_share;
};

const MemoryTechnology& BackingOf(const ResolvedSetup& setup) {
  return setup.hardware().memory(0).technology();
}

bool HasDram(const ResolvedSetup& setup) {
  return BackingOf(setup).kind() == MemoryTechnology::DRAM;
}

template <typename T>
Figures<T> FiguresOf(const Evaluation<T>& evaluation,
                     const ResolvedSetup& setup) {
  const EnergyTerms<T>& terms = evaluation.cost.terms;
  const Energy<T> on_chip =
      IsOnChip(BackingOf(setup)) ? terms[kSram] : Energy<T>();
  const T board = InJoules(EnergyInside(terms, kBoardBoundary));
  return {InJoules(evaluation.PerToken(EnergyInside(terms, setup.boundary()))),
          InSeconds(evaluation.cost.step_time),
          InJoules(EnergyInside(terms, kMemoryPathBoundary) + on_chip) / board,
          InJoules(EnergyInside(terms, kStackBoundary) + on_chip) / board};
}

// The numbers of a description that are given and not zero. Zero is left out
// because it has no relative change.
void AddNumbers(const Message& message, const std::string& prefix,
                std::vector<Number>* numbers) {
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string path = absl::StrCat(prefix, field->name());
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (!field->is_repeated()) {
        AddNumbers(reflection->GetMessage(message, field), path + ".", numbers);
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
        const Message& entry =
            reflection->GetRepeatedMessage(message, field, i);
        AddNumbers(entry, EntryPath(path, entry, i) + ".", numbers);
      }
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_INT64:
      case FieldDescriptor::CPPTYPE_DOUBLE: {
        if (field->is_repeated()) break;
        const double value = FieldValue(message, field->number());
        if (value == 0) break;
        Number number = {path, value, value, value};
        number.message = &message;
        number.field_number = field->number();
        numbers->push_back(std::move(number));
        break;
      }
      default:
        break;
    }
  }
}

// The derivative, with respect to the number at `path`, of a context that is
// not given and so follows from prompt and output (WithContext).
double ContextPer(const std::string& path) {
  if (path == "scenario.prompt") return 1;
  return path == "scenario.output" ? 0.5 : 0;
}

// The numbers that may change. A context that is not given is not among them:
// it follows from prompt and output, or is 2048.
std::vector<Number> NumbersOf(const ResolvedSetup& setup,
                              bool context_is_open) {
  std::vector<Number> numbers;
  ForEachConstant(
      setup.hardware(), [&](const std::string& path, const Constant& constant,
                            const FieldDescriptor& field) {
        // Area and cost affect none of the figures here.
        if (absl::StartsWith(path, "silicon.")) return;
        const Range& accepted = field.options().GetExtension(range);
        numbers.push_back({absl::StrCat("hardware.", path), constant.value(),
                           constant.low(), constant.high(), &constant,
                           accepted.min(), accepted.max()});
      });
  AddNumbers(setup.model(), "model.", &numbers);
  AddNumbers(setup.scenario(), "scenario.", &numbers);
  if (context_is_open && setup.scenario().prompt() > 0) {
    numbers.erase(std::remove_if(numbers.begin(), numbers.end(),
                                 [](const Number& number) {
                                   return number.path == "scenario.context";
                                 }),
                  numbers.end());
  }
  return numbers;
}

// Elasticities of kLanes numbers at once.
void AddElasticities(const ResolvedSetup& setup, bool context_is_open,
                     const std::vector<Number>& numbers, size_t begin,
                     SensitivityStudy* study) {
  const size_t end = std::min(numbers.size(), begin + kLanes);
  ReplacingReader<Dual> read;
  for (size_t i = begin; i < end; ++i) {
    numbers[i].ReplaceBy(Dual(numbers[i].value, static_cast<int>(i - begin)),
                         &read);
  }
  if (context_is_open && setup.scenario().prompt() > 0) {
    Dual context(setup.scenario().context());
    for (size_t i = begin; i < end; ++i) {
      context.v[i - begin] = ContextPer(numbers[i].path);
    }
    read.Replace(setup.scenario(), Scenario::kContextFieldNumber, context);
  }
  const Figures<Dual> figures =
      FiguresOf(Evaluate<Dual>(setup, read), setup);
  for (size_t i = begin; i < end; ++i) {
    const Number& number = numbers[i];
    const auto elasticity = [&](const Dual& figure) {
      const double value = figure.v[i - begin] * number.value / figure.a;
      return std::isfinite(value) ? value : 0.0;
    };
    Elasticity* out = study->add_elasticities();
    out->set_path(number.path);
    out->set_value(number.value);
    out->set_low(number.low);
    out->set_high(number.high);
    out->set_energy(elasticity(figures.energy));
    out->set_step_time(elasticity(figures.step_time));
    const double of_share = elasticity(figures.dram_share);
    HasDram(setup) ? out->set_dram_share(of_share)
                   : out->set_memory_share(of_share);
    const auto energy_at = [&](double moved) {
      if (number.constant == nullptr || moved == number.value) {
        return figures.energy.a;
      }
      const MovedReader reader{number.constant, moved};
      return FiguresOf(Evaluate<double>(setup, reader), setup).energy;
    };
    out->set_energy_at_low_j(energy_at(number.low));
    out->set_energy_at_high_j(energy_at(number.high));
  }
}

double Swing(const Elasticity& e) {
  return std::abs(e.energy_at_high_j() - e.energy_at_low_j());
}

// Removes numbers without an effect and sorts the others by effect, largest
// first.
void SortElasticities(SensitivityStudy* study) {
  auto* all = study->mutable_elasticities();
  all->erase(std::remove_if(all->begin(), all->end(),
                            [](const Elasticity& e) {
                              return e.energy() == 0 && e.step_time() == 0 &&
                                     e.dram_share() == 0 &&
                                            e.memory_share() == 0 && Swing(e) == 0;
                            }),
             all->end());
  std::stable_sort(all->begin(), all->end(),
                   [](const Elasticity& a, const Elasticity& b) {
                     return std::abs(a.energy()) > std::abs(b.energy());
                   });
}

// Normal deviates that are the same on every platform, unlike those of the
// standard library's distributions. Box and Muller, Ann. Math. Stat. 29 (1958).
class Normals {
 public:
  explicit Normals(int seed) : bits_(static_cast<uint64_t>(seed)) {}

  double Next() {
    constexpr double kTwoPi = 6.283185307179586;
    const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
    return radius * std::cos(kTwoPi * Uniform());
  }

 private:
  // [0, 1) in steps of 2^-53.
  double Uniform() {
    return static_cast<double>(bits_() >> 11) * (1.0 / 9007199254740992.0);
  }
  std::mt19937_64 bits_;
};

// The value of a constant `z` standard deviations from its median.
double ValueAt(const Number& number, double z) {
  const double end = z < 0 ? number.low : number.high;
  const double steps = std::abs(z) / kNinetyFifth;
  double value = number.value;
  if (number.value > 0 && end > 0) {
    value *= std::pow(end / number.value, steps);
  } else {
    value += (end - number.value) * steps;
  }
  if (number.accepted_max > number.accepted_min) {
    value = std::min(std::max(value, number.accepted_min), number.accepted_max);
  }
  return value;
}

// Running sums of a constant's draws and the logarithm of energy.
struct Sums {
  double z = 0, zz = 0, zy = 0;
};

double SquaredCorrelation(const Sums& sums, double y, double yy, double n) {
  const double covariance = sums.zy - sums.z * y / n;
  const double variance = (sums.zz - sums.z * sums.z / n) * (yy - y * y / n);
  return variance > 0 ? covariance * covariance / variance : 0;
}

// The matrix that turns independent draws into draws with the correlations that
// the machine states. Correlations that were left out as small may leave a
// direction with a negative variance, which counts as none.
Eigen::MatrixXd MixingOf(const Hardware& hardware,
                         const std::vector<const Number*>& varied) {
  const auto size = static_cast<Eigen::Index>(varied.size());
  Eigen::MatrixXd correlations = Eigen::MatrixXd::Identity(size, size);
  const auto place = [&](const std::string& path) {
    for (Eigen::Index i = 0; i < size; ++i) {
      if (varied[i]->path == absl::StrCat("hardware.", path)) return i;
    }
    return Eigen::Index{-1};
  };
  bool any = false;
  for (const CorrelatedConstants& pair : hardware.correlations()) {
    const Eigen::Index a = place(pair.path()), b = place(pair.other());
    if (a < 0 || b < 0) continue;
    correlations(a, b) = correlations(b, a) = pair.coefficient();
    any = true;
  }
  if (!any) return correlations;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(correlations);
  return solver.eigenvectors() *
         solver.eigenvalues().cwiseMax(0.0).cwiseSqrt().asDiagonal();
}

void FillUncertainty(const ResolvedSetup& setup,
                     const std::vector<Number>& numbers,
                     const SensitivityOptions& options, SampledRanges* out) {
  std::vector<const Number*> varied;
  for (const Number& number : numbers) {
    if (number.low < number.high) varied.push_back(&number);
  }
  const Ledger<> ledger = BuildLedger(setup.step());
  Normals normals(options.seed);
  std::vector<Sums> sums(varied.size());
  const Eigen::MatrixXd mixing = MixingOf(setup.hardware(), varied);
  Eigen::VectorXd independent(varied.size()), draws(varied.size());
  std::vector<double> energies, times, shares, stack_shares;
  double y = 0, yy = 0;
  ReplacingReader<double> read;
  for (int sample = 0; sample < options.samples; ++sample) {
    for (size_t i = 0; i < varied.size(); ++i) independent[i] = normals.Next();
    draws = mixing * independent;
    for (size_t i = 0; i < varied.size(); ++i) {
      varied[i]->ReplaceBy(ValueAt(*varied[i], draws[i]), &read);
    }
    const Figures<double> figures = FiguresOf(
        EvaluateWith(setup, ledger, read), setup);
    energies.push_back(figures.energy);
    times.push_back(figures.step_time);
    const auto or_none = [](double share) {
      return std::isfinite(share) ? share : 0;
    };
    shares.push_back(or_none(figures.dram_share));
    stack_shares.push_back(or_none(figures.stack_share));
    const double log_energy = figures.energy > 0 ? std::log(figures.energy) : 0;
    y += log_energy;
    yy += log_energy * log_energy;
    for (size_t i = 0; i < varied.size(); ++i) {
      sums[i].z += draws[i];
      sums[i].zz += draws[i] * draws[i];
      sums[i].zy += draws[i] * log_energy;
    }
  }
  out->set_samples(options.samples);
  out->set_seed(options.seed);
  for (std::vector<double>* figures :
       {&energies, &times, &shares, &stack_shares}) {
    std::sort(figures->begin(), figures->end());
  }
  for (const double percentile : {5.0, 25.0, 50.0, 75.0, 95.0}) {
    const double share = percentile / 100;
    Percentile* row = out->add_percentiles();
    row->set_percentile(percentile);
    row->set_energy_per_token_j(QuantileOfSorted(energies, share));
    row->set_step_time_s(QuantileOfSorted(times, share));
    const double with_path = QuantileOfSorted(shares, share);
    const double alone = QuantileOfSorted(stack_shares, share);
    if (HasDram(setup)) {
      row->set_dram_energy_share(with_path);
      row->set_stack_energy_share(alone);
    } else {
      row->set_memory_share_with_path(with_path);
      row->set_memory_energy_share(alone);
    }
  }
  for (size_t i = 0; i < varied.size(); ++i) {
    SpreadCause* cause = out->add_causes();
    cause->set_path(varied[i]->path);
    cause->set_share_of_variance(
        SquaredCorrelation(sums[i], y, yy, options.samples));
  }
  std::stable_sort(out->mutable_causes()->begin(), out->mutable_causes()->end(),
                   [](const SpreadCause& a, const SpreadCause& b) {
                     return a.share_of_variance() > b.share_of_variance();
                   });
}

std::string Summarize(const SensitivityStudy& study) {
  constexpr int kNamed = 4;
  std::vector<std::string> parts;
  for (const Elasticity& e : study.elasticities()) {
    if (static_cast<int>(parts.size()) == kNamed) break;
    // A constant that is fixed by definition cannot be varied.
    if (absl::StartsWith(e.path(), "hardware.") && e.low() == e.high()) {
      continue;
    }
    parts.push_back(absl::StrCat(
        e.path(), " ",
        WithoutSignOfZero(absl::StrFormat("%+.2f %%", e.energy()))));
  }
  std::string out = absl::StrFormat(
      "%s on %s: %.3g J/%s. One percent more changes it by: %s.",
      study.base().model(), study.base().hardware(),
      study.base().energy_per_token_j(), study.base().work_unit(),
      absl::StrJoin(parts, ", "));
  if (!study.has_uncertainty()) return out;
  const SampledRanges& uncertainty = study.uncertainty();
  absl::StrAppendFormat(
      &out, " Nine draws in ten lie between %.3g and %.3g J.",
      uncertainty.percentiles(0).energy_per_token_j(),
      uncertainty.percentiles(uncertainty.percentiles_size() - 1)
          .energy_per_token_j());
  if (uncertainty.causes_size() > 0) {
    absl::StrAppendFormat(&out, " Most of that spread is %s (%.0f %%).",
                          uncertainty.causes(0).path(),
                          100 * uncertainty.causes(0).share_of_variance());
  }
  return out;
}

}  // namespace

absl::StatusOr<SensitivityStudy> StudySensitivity(
    const Setup& given, const SensitivityOptions& options) {
  const bool context_is_open = !given.scenario.has_context();
  SensitivityStudy study;
  ASSIGN_OR_RETURN(*study.mutable_base(), Analyze(given, kWithRanges));
  const ResolvedSetup setup(given);
  const std::vector<Number> numbers = NumbersOf(setup, context_is_open);
  for (size_t begin = 0; begin < numbers.size(); begin += kLanes) {
    AddElasticities(setup, context_is_open, numbers, begin, &study);
  }
  SortElasticities(&study);
  if (options.samples > 0) {
    FillUncertainty(setup, numbers, options, study.mutable_uncertainty());
  }
  study.set_summary(Summarize(study));
  return study;
}

}  // namespace tokenjoule
