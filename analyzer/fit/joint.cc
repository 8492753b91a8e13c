#include "analyzer/fit/joint.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "Eigen/Dense"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/cost/kernel.h"
#include "analyzer/cost/stream.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/fit/auto_diff.h"
#include "analyzer/fit/keep_constants.h"
#include "analyzer/fit/score.h"
#include "analyzer/ledger/ledger.h"
#include "ceres/ceres.h"
#include "proto/options.pb.h"

namespace tokenjoule {
namespace {

// A log error of this size is one standard deviation.
constexpr double kErrorUnit = 0.1;
// Errors beyond this many units count less than quadratically.
constexpr double kLossScale = 0.8;
// Streams are of a laboratory: their residuals weigh this much more.
constexpr double kWeightOfStreams = 2;
// Boards of one kind differ in what their memory draws, and few are measured:
// three H200 read random data with 5.8, 5.5 (both CMU-SAFARI HBM-Power) and 3.7
// pJ/bit above idle (validation/hopper-power.textproto). Standard deviation of
// their logarithms.
constexpr double kSpreadOfMemories = 0.24;
// Weight of the residuals of rows that are uncertain.
constexpr double kWeightOfUncertain = 0.4;
// Standard deviations of the pull per range of a constant, on the logarithmic
// scale; those of a runtime that says nothing of its own about a constant, and
// of a runtime on one generation, are smaller by a factor.
constexpr double kDeviationsPerRange = 4;
constexpr double kWithinParent = 0.6;
constexpr double kWithinRuntime = 0.5;
constexpr absl::string_view kRuntimePrefix = "runtime.";
// Suffix of the class that holds what a machine is before fits.
constexpr absl::string_view kBeforeFits = "-datasheet";

// One constant: the logarithms of where it starts and of its bounds.
struct Slot {
  std::string path;
  double start = 0, low = 0, high = 0;
  double deviation() const { return (high - low) / kDeviationsPerRange; }
};

// A vector of constants on the logarithmic scale, pulled to `parent` where
// `own` is not set, otherwise to its start.
struct ConstantNode {
  std::string name;
  std::vector<Slot> slots;
  // Index of the parent, or -1; per slot whether the node states it itself, the
  // parent's slot otherwise, and how far it may move from the parent.
  int parent = -1;
  std::vector<bool> own;
  std::vector<int> parent_slot;
  double within = 1;
  // Whether a slot is pulled to its start and not to the parent's.
  bool Starts(size_t slot) const { return parent < 0 || own[slot]; }
  // The generation of a runtime's node below it; whether it is a machine's.
  std::string generation;
  bool is_machine = false;
};

// A machine with a runtime, and where its constants are in the nodes.
struct Instance {
  Hardware hardware;
  int runtime_node = -1, machine_node = -1;
  std::vector<std::pair<const Constant*, int>> of_runtime, of_machine;
};

struct Point {
  // Number of the row in its set, from 1.
  int number;
  const Measurement* row;
  const Instance* instance;
  Ledger<double> ledger;
  int boundary;
  double time_s, energy_j, memory_w, weight;
  Family family;
  std::string runtime;
};

// A stream with its machine.
struct StreamPoint {
  const StreamMeasurement* stream;
  const Instance* instance;
  double toggle_rate, memory_w, board_w, weight;
};

// Replaces the constants of an instance by those of its nodes, of which x holds
// the logarithms: the runtime's first.
template <typename T>
ReplacingReader<T> ReaderAt(const Instance& instance, T const* const* x) {
  using std::exp;
  ReplacingReader<T> read;
  for (const auto& [constant, slot] : instance.of_runtime) {
    read.Replace(*constant, exp(x[0][slot]));
  }
  for (const auto& [constant, slot] : instance.of_machine) {
    read.Replace(*constant, exp(x[1][slot]));
  }
  return read;
}

// Log error in multiples of `unit`; zero where nothing was measured.
template <typename T>
T LogError(const T& predicted, double measured, const T& unit) {
  using std::log;
  return measured > 0 ? unit * log(predicted / T(measured)) : T(0.0);
}

// Log errors of memory and board power of a stream, in units of kErrorUnit; zero
// where nothing was measured.
class StreamCost {
 public:
  explicit StreamCost(const StreamPoint& point) : point_(point) {}

  template <typename T>
  bool operator()(T const* const* x, T* residuals) const {
    const Machine<T> machine = MachineWith<T>(
        point_.instance->hardware, false, ReaderAt(*point_.instance, x));
    const StreamPower<T> power = PowerOfStream<T>(
        StreamOf<T>(*point_.stream, point_.toggle_rate), machine);
    const T unit(point_.weight / kErrorUnit);
    residuals[0] = LogError(InWatts(power.memory), point_.memory_w, unit);
    residuals[1] = LogError(InWatts(power.board), point_.board_w, unit);
    return true;
  }

 private:
  const StreamPoint& point_;
};

// Log errors of step time, energy per token and memory power of a point, in
// units of kErrorUnit; zero where nothing was measured.
class PointCost {
 public:
  explicit PointCost(const Point& point) : point_(point) {}

  template <typename T>
  bool operator()(T const* const* x, T* residuals) const {
    const Evaluation<T> evaluation =
        EvaluateOn(ConvertedLedger<T>(point_.ledger),
                   MachineWith<T>(point_.instance->hardware, false,
                                  ReaderAt(*point_.instance, x)));
    const T unit(point_.weight / kErrorUnit);
    const StepCost<T>& cost = evaluation.cost;
    const Energy<T> energy =
        evaluation.PerToken(EnergyInside(cost.terms, point_.boundary));
    const Power<T> memory =
        EnergyInside(cost.terms, kStackBoundary) / cost.step_time;
    residuals[0] = LogError(InSeconds(cost.step_time), point_.time_s, unit);
    residuals[1] = LogError(InJoules(energy), point_.energy_j, unit);
    residuals[2] = LogError(InWatts(memory), point_.memory_w, unit);
    return true;
  }

 private:
  const Point& point_;
};

// Pull of a node's constants to their starts or to those of its parent.
class Pull {
 public:
  explicit Pull(const ConstantNode& node) : node_(node) {}

  template <typename T>
  bool operator()(T const* const* x, T* residuals) const {
    for (size_t i = 0; i < node_.slots.size(); ++i) {
      const Slot& slot = node_.slots[i];
      const bool own = node_.Starts(i);
      const T target = own ? T(slot.start) : x[1][node_.parent_slot[i]];
      const double scale = slot.deviation() * (own ? 1 : node_.within);
      residuals[i] = (x[0][i] - target) / T(scale);
    }
    return true;
  }

 private:
  const ConstantNode& node_;
};

using Vectors = std::vector<std::vector<double>>;

// The problem: nodes, instances and points. Nodes of runtimes come first.
struct Problem {
  std::map<std::string, Model> models;
  // By device and changes of it.
  std::map<std::string, std::unique_ptr<Instance>> instances;
  std::vector<ConstantNode> nodes;
  std::map<std::string, int> node_index;
  std::vector<Point> points;
  std::vector<StreamPoint> streams;
  // Machines whose rows or streams have the power of their memory.
  std::set<std::string> with_memory_power;
  int host_bound_rows = 0, overfull_rows = 0;
};

bool IsFree(const Constant& constant,
            const google::protobuf::FieldDescriptor& field) {
  return field.options().GetExtension(range).calibrated() &&
         constant.low() > 0 && constant.low() < constant.high();
}

Slot SlotOf(const std::string& path, const Constant& constant) {
  return {path, std::log(constant.value()), std::log(constant.low()),
          std::log(constant.high())};
}

// Whether a constant is one of a memory technology.
bool IsOfTechnology(const std::string& path) {
  return absl::StrContains(path, ".technology.");
}

// Whether a free constant of a machine can be fitted: one of a technology only
// where a sensor on the backing store separates it from the rest of the board.
bool IsSeparable(const std::string& path, const Hardware& hardware,
                 bool memory_power) {
  if (!IsOfTechnology(path)) return true;
  return memory_power &&
         absl::StartsWith(path,
                          absl::StrCat("memory.", hardware.memory(0).name(),
                                       ".technology."));
}

// Index of the slot with this path; -1 if there is none.
int SlotAt(const std::vector<Slot>& slots, absl::string_view path) {
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].path == path) return static_cast<int>(i);
  }
  return -1;
}

// Adds a node and returns its index. Unless they are given, the slots of its
// parent have the same order.
int AddNode(ConstantNode node, Problem* problem) {
  if (node.parent_slot.empty()) {
    for (size_t i = 0; i < node.slots.size(); ++i) {
      node.parent_slot.push_back(static_cast<int>(i));
    }
  }
  const int index = static_cast<int>(problem->nodes.size());
  problem->node_index[node.name] = index;
  problem->nodes.push_back(std::move(node));
  return index;
}

// Takes the free constants that a description states as the node's own.
void TakeOwn(const Runtime& stated, ConstantNode* node) {
  ForEachConstant(stated, [&](const std::string& path, const Constant& constant,
                              const google::protobuf::FieldDescriptor& field) {
    if (!IsFree(constant, field)) return;
    const int i = SlotAt(node->slots, path);
    if (i < 0) return;
    node->slots[i] = SlotOf(path, constant);
    node->own[i] = true;
  });
}

// Adds nodes for a class of runtimes and those that it is based on, and returns
// its index. All nodes of runtimes have slots for the same paths: those of
// `all`, in its order.
absl::StatusOr<int> AddClass(const std::string& name,
                             const std::vector<Slot>& all, Problem* problem) {
  const auto found = problem->node_index.find(name);
  if (found != problem->node_index.end()) return found->second;
  ASSIGN_OR_RETURN(const Runtime file,
                   LoadRuntimeFile(SpecKind::kRuntimeClass, name));
  int parent = -1;
  if (!file.base().empty()) {
    ASSIGN_OR_RETURN(parent, AddClass(file.base(), all, problem));
  }
  ConstantNode node;
  node.name = name;
  node.parent = parent;
  node.within = kWithinParent;
  node.slots = parent < 0 ? all : problem->nodes[parent].slots;
  node.own.assign(node.slots.size(), false);
  TakeOwn(file, &node);
  return AddNode(std::move(node), problem);
}

// All free constants of all classes of runtimes; starts and bounds are those of
// the class that names them first.
absl::StatusOr<std::vector<Slot>> AllRuntimeSlots() {
  std::vector<Slot> slots;
  std::set<std::string> known;
  for (const std::string& name : CatalogNames(SpecKind::kRuntimeClass)) {
    ASSIGN_OR_RETURN(const Runtime file,
                     LoadRuntimeFile(SpecKind::kRuntimeClass, name));
    ForEachConstant(file, [&](const std::string& path, const Constant& constant,
                              const google::protobuf::FieldDescriptor& field) {
      if (!IsFree(constant, field) || absl::StartsWith(path, "on.") ||
          !known.insert(path).second) {
        return;
      }
      slots.push_back(SlotOf(path, constant));
    });
  }
  return slots;
}

// Index of the node of a runtime on a generation of chips.
absl::StatusOr<int> AddGeneration(const std::string& runtime,
                                  const std::string& generation,
                                  Problem* problem) {
  const std::string name = absl::StrCat(runtime, "@", generation);
  const auto found = problem->node_index.find(name);
  if (found != problem->node_index.end()) return found->second;
  ConstantNode node;
  node.name = name;
  node.parent = problem->node_index.at(runtime);
  node.within = kWithinRuntime;
  node.generation = generation;
  node.slots = problem->nodes[node.parent].slots;
  node.own.assign(node.slots.size(), false);
  ASSIGN_OR_RETURN(const Runtime file,
                   LoadRuntimeFile(SpecKind::kRuntimeClass, runtime));
  for (const OnGeneration& on : file.on()) {
    if (AppliesTo(on, generation)) TakeOwn(on.runtime(), &node);
  }
  return AddNode(std::move(node), problem);
}

bool IsSame(const Slot& a, const Slot& b) {
  return a.start == b.start && a.low == b.low && a.high == b.high;
}

// The machine that has a file of fitted constants and that `hardware` is or is
// based on; empty if there is none. The class NAME-datasheet holds what such a
// machine is before fits.
std::string FittedMachineOf(const Hardware& hardware) {
  const std::vector<std::string> classes = CatalogNames(SpecKind::kClass);
  std::string name = hardware.name();
  // Chains of bases are short.
  for (int depth = 0; depth < 8 && !name.empty(); ++depth) {
    if (std::binary_search(classes.begin(), classes.end(),
                           absl::StrCat(name, kBeforeFits))) {
      return name;
    }
    const absl::StatusOr<Hardware> base = LoadHardwareBeforeFits(name);
    if (!base.ok()) return "";
    name = base->base();
    // A base that is the class itself is what a fitted machine was before.
    if (absl::EndsWith(name, kBeforeFits)) {
      return name.substr(0, name.size() - kBeforeFits.size());
    }
  }
  return "";
}

// Adds the node of a machine's constants and returns its index. Machines
// without fitted constants share a node with one constant that nothing depends
// on.
absl::StatusOr<int> AddMachine(const std::string& name, Problem* problem) {
  const auto found = problem->node_index.find(name);
  if (found != problem->node_index.end()) return found->second;
  ConstantNode node;
  node.name = name;
  node.is_machine = true;
  if (name.empty()) {
    node.slots.push_back({"", 0, -1, 1});
    return AddNode(std::move(node), problem);
  }
  ASSIGN_OR_RETURN(const Hardware hardware, LoadHardwareBeforeFits(name));
  const bool memory_power = problem->with_memory_power.count(name) > 0;
  ForEachConstant(hardware,
                  [&](const std::string& path, const Constant& constant,
                      const google::protobuf::FieldDescriptor& field) {
                    if (!IsFree(constant, field) ||
                        absl::StartsWith(path, kRuntimePrefix) ||
                        !IsSeparable(path, hardware, memory_power)) {
                      return;
                    }
                    node.slots.push_back(SlotOf(path, constant));
                  });
  // A machine whose class is based on another fitted machine follows it in what
  // it does not state itself: the same die with another memory.
  std::string parent = hardware.base();
  if (absl::EndsWith(parent, kBeforeFits)) {
    parent.resize(parent.size() - kBeforeFits.size());
    ASSIGN_OR_RETURN(node.parent, AddMachine(parent, problem));
    node.within = kWithinParent;
    const std::vector<Slot>& of_parent = problem->nodes[node.parent].slots;
    for (const Slot& slot : node.slots) {
      const int at = SlotAt(of_parent, slot.path);
      const bool follows = at >= 0 && IsSame(of_parent[at], slot);
      node.own.push_back(!follows);
      node.parent_slot.push_back(follows ? at : 0);
    }
  }
  return AddNode(std::move(node), problem);
}

// Finds or adds the machine of a row or stream with its runtime and settings.
template <typename Row>
absl::StatusOr<const Instance*> InstanceOf(const Row& row, Problem* problem) {
  const std::vector<FieldOverride> changes = ChangesFor(row);
  std::string key = row.device();
  for (const FieldOverride& change : changes) {
    absl::StrAppend(&key, " ", change.path, "=", change.value);
  }
  const auto found = problem->instances.find(key);
  if (found != problem->instances.end()) return found->second.get();
  auto instance = std::make_unique<Instance>();
  ASSIGN_OR_RETURN(instance->hardware,
                   LoadHardwareBeforeFits(row.device(), changes));
  const Hardware& hardware = instance->hardware;
  const std::string& runtime = hardware.runtime().base();
  if (problem->node_index.count(runtime) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(runtime, " has no class that a fit could start from"));
  }
  ASSIGN_OR_RETURN(instance->runtime_node,
                   AddGeneration(runtime, hardware.generation(), problem));
  ASSIGN_OR_RETURN(instance->machine_node,
                   AddMachine(FittedMachineOf(hardware), problem));
  const std::vector<Slot>& of_machine =
      problem->nodes[instance->machine_node].slots;
  const std::vector<Slot>& of_runtime =
      problem->nodes[instance->runtime_node].slots;
  ForEachConstant(
      hardware, [&](const std::string& path, const Constant& constant,
                    const google::protobuf::FieldDescriptor& field) {
        if (!IsFree(constant, field)) return;
        const bool runtimes = absl::StartsWith(path, kRuntimePrefix);
        const std::vector<Slot>& slots = runtimes ? of_runtime : of_machine;
        const int i =
            SlotAt(slots, runtimes ? path.substr(kRuntimePrefix.size()) : path);
        // A machine that is based on a fitted one shares the constants that it
        // does not state itself.
        if (i < 0 || (!runtimes && !IsSame(slots[i], SlotOf(path, constant)))) {
          return;
        }
        (runtimes ? instance->of_runtime : instance->of_machine)
            .push_back({&constant, i});
      });
  return problem->instances.emplace(key, std::move(instance))
      .first->second.get();
}

absl::Status AddPoint(const Measurement& row, int number, Problem* problem) {
  if (row.check_only()) return absl::OkStatus();
  if (row.host_bound()) {
    ++problem->host_bound_rows;
    return absl::OkStatus();
  }
  const std::string name = CheckpointOf(row);
  if (problem->models.count(name) == 0) {
    ASSIGN_OR_RETURN(Model model, LoadModel(name));
    problem->models.emplace(name, std::move(model));
  }
  const Model& model = problem->models.at(name);
  ASSIGN_OR_RETURN(const Instance* const instance, InstanceOf(row, problem));
  const bool mixed = CarriesPrefill(row);
  ASSIGN_OR_RETURN(const ValidatedRow predicted,
                   PredictRow(row, model, instance->hardware, kFiguresOnly));
  if (predicted.overfull()) {
    ++problem->overfull_rows;
    return absl::OkStatus();
  }
  const ResolvedSetup setup(
      {model, instance->hardware, ScenarioOf(row, model, mixed), {}});
  Point point = {number,
                 &row,
                 instance,
                 BuildLedger(setup.step()),
                 setup.boundary(),
                 MeasuredStepTimeMs(row) * 1e-3,
                 MeasuredEnergyJ(row),
                 MeasuredMemoryW(row),
                 row.uncertain() ? kWeightOfUncertain : 1.0,
                 FamilyOf(model),
                 instance->hardware.runtime().base()};
  problem->points.push_back(std::move(point));
  return absl::OkStatus();
}

absl::Status AddStream(const StreamMeasurement& stream, Problem* problem) {
  if (stream.check_only()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Instance* const instance,
                   InstanceOf(stream, problem));
  ASSIGN_OR_RETURN(const ValidatedStream predicted,
                   PredictStream(stream, instance->hardware));
  ASSIGN_OR_RETURN(const double toggle_rate, ToggleRateOf(stream));
  problem->streams.push_back(
      {&stream, instance, toggle_rate, predicted.measured_memory_w(),
       predicted.measured_board_w(),
       stream.uncertain() ? kWeightOfUncertain : kWeightOfStreams});
  return absl::OkStatus();
}

// Puts the constants of a node to where they start: its own, or where those of
// its parent are.
void PutToStart(const Problem& problem, size_t k, Vectors* x) {
  const ConstantNode& node = problem.nodes[k];
  (*x)[k].resize(node.slots.size());
  for (size_t i = 0; i < node.slots.size(); ++i) {
    (*x)[k][i] = node.Starts(i) ? node.slots[i].start
                                : (*x)[node.parent][node.parent_slot[i]];
  }
}

// Nodes come after their parents.
Vectors StartOf(const Problem& problem) {
  Vectors x(problem.nodes.size());
  for (size_t k = 0; k < x.size(); ++k) PutToStart(problem, k, &x);
  return x;
}

// Builds the problem for the points that `use` selects, at `x`.
template <typename Use>
void BuildCeres(const Problem& problem, const Use& use, Vectors* x,
                ceres::Problem* ceres_problem) {
  const auto size = [&](int node) {
    return static_cast<int>(problem.nodes[node].slots.size());
  };
  for (const Point& point : problem.points) {
    if (!use(point)) continue;
    const int runtime = point.instance->runtime_node;
    const int machine = point.instance->machine_node;
    ceres_problem->AddResidualBlock(
        AutoDiff(new PointCost(point), {size(runtime), size(machine)}, 3),
        new ceres::SoftLOneLoss(kLossScale), (*x)[runtime].data(),
        (*x)[machine].data());
  }
  for (const StreamPoint& stream : problem.streams) {
    if (!use(stream)) continue;
    const int runtime = stream.instance->runtime_node;
    const int machine = stream.instance->machine_node;
    ceres_problem->AddResidualBlock(
        AutoDiff(new StreamCost(stream), {size(runtime), size(machine)}, 2),
        new ceres::SoftLOneLoss(kLossScale), (*x)[runtime].data(),
        (*x)[machine].data());
  }
  for (size_t k = 0; k < problem.nodes.size(); ++k) {
    const ConstantNode& node = problem.nodes[k];
    const int n = size(static_cast<int>(k));
    if (n == 0) continue;
    std::vector<int> sizes = {n};
    std::vector<double*> blocks = {(*x)[k].data()};
    if (node.parent >= 0) {
      sizes.push_back(size(node.parent));
      blocks.push_back((*x)[node.parent].data());
    }
    ceres_problem->AddResidualBlock(AutoDiff(new Pull(node), sizes, n), nullptr,
                                    blocks);
    for (int i = 0; i < n; ++i) {
      ceres_problem->SetParameterLowerBound((*x)[k].data(), i,
                                            node.slots[i].low);
      ceres_problem->SetParameterUpperBound((*x)[k].data(), i,
                                            node.slots[i].high);
    }
  }
}

// The constants that fit the selected points best, from `x` on; `cost` is what is
// left to minimize.
template <typename Use>
Vectors Solve(const Problem& problem, const Use& use, int iterations, Vectors x,
              double* cost = nullptr) {
  ceres::Problem ceres_problem;
  BuildCeres(problem, use, &x, &ceres_problem);
  ceres::Solver::Options options;
  options.max_num_iterations = iterations;
  // Ranges of kernels have kinks, at the first of which the solver would stop
  // after wide steps and with a loose tolerance.
  options.function_tolerance = 1e-7;
  options.initial_trust_region_radius = 10;
  options.use_nonmonotonic_steps = true;
  options.max_consecutive_nonmonotonic_steps = 8;
  options.linear_solver_type = ceres::SPARSE_NORMAL_CHOLESKY;
  options.logging_type = ceres::SILENT;
  // One thread, so that the answer is the same everywhere.
  options.num_threads = 1;
  ceres::Solver::Summary summary;
  ceres::Solve(options, &ceres_problem, &summary);
  if (cost != nullptr) *cost = summary.final_cost;
  return x;
}

// The same for all points, begun again where it stopped as long as that helps:
// a solver that stops at a kink goes on with fresh, wide steps.
Vectors SolveForAll(const Problem& problem) {
  constexpr int kIterations = 100, kMostStarts = 8;
  constexpr double kHelps = 1e-3;
  const auto all = [](const auto&) { return true; };
  double cost = 0;
  Vectors x = Solve(problem, all, kIterations, StartOf(problem), &cost);
  for (int i = 1; i < kMostStarts; ++i) {
    double next = 0;
    Vectors better = Solve(problem, all, kIterations, x, &next);
    if (!(next < cost)) break;
    x = std::move(better);
    const bool helped = next < cost * (1 - kHelps);
    cost = next;
    if (!helped) break;
  }
  return x;
}

// Log errors of a point: predicted over measured.
struct LogErrors {
  double time = 0, energy = 0, memory = 0;
};

LogErrors ErrorsOf(const Point& point, const Vectors& x) {
  double residuals[3];
  const double* blocks[] = {x[point.instance->runtime_node].data(),
                            x[point.instance->machine_node].data()};
  PointCost{point}(blocks, residuals);
  return {residuals[0] * kErrorUnit / point.weight,
          residuals[1] * kErrorUnit / point.weight,
          residuals[2] * kErrorUnit / point.weight};
}

ValidatedRow RowOf(const Point& point, const LogErrors& errors) {
  ValidatedRow row;
  row.set_row(point.number);
  row.set_device(point.row->device());
  row.set_runtime(point.runtime);
  row.set_model(point.row->model());
  row.set_weight_dtype(point.row->weight_dtype());
  row.set_family(std::string(FamilyName(point.family)));
  row.set_batch(point.row->batch());
  if (point.time_s > 0) {
    row.set_measured_step_time_s(point.time_s);
    row.set_predicted_step_time_s(point.time_s * std::exp(errors.time));
    row.set_step_time_error(std::expm1(errors.time));
  }
  if (point.energy_j > 0) {
    row.set_measured_energy_per_token_j(point.energy_j);
    row.set_predicted_energy_per_token_j(point.energy_j *
                                         std::exp(errors.energy));
    row.set_energy_error(std::expm1(errors.energy));
  }
  if (point.memory_w > 0) {
    row.set_measured_memory_w(point.memory_w);
    row.set_predicted_memory_w(point.memory_w * std::exp(errors.memory));
    row.set_memory_error(std::expm1(errors.memory));
  }
  return row;
}

// A stream as it is predicted at `x`.
ValidatedStream StreamAt(const StreamPoint& point, const Vectors& x) {
  double residuals[2];
  const double* blocks[] = {x[point.instance->runtime_node].data(),
                            x[point.instance->machine_node].data()};
  StreamCost{point}(blocks, residuals);
  const double unit = kErrorUnit / point.weight;
  ValidatedStream out = UncomparedStream(*point.stream);
  if (point.memory_w > 0) {
    out.set_measured_memory_w(point.memory_w);
    out.set_predicted_memory_w(point.memory_w * std::exp(residuals[0] * unit));
    out.set_memory_error(std::expm1(residuals[0] * unit));
  }
  if (point.board_w > 0) {
    out.set_measured_board_w(point.board_w);
    out.set_predicted_board_w(point.board_w * std::exp(residuals[1] * unit));
    out.set_board_error(std::expm1(residuals[1] * unit));
  }
  return out;
}

// Statistics of some points, each with its errors.
ErrorStatistics StatisticsOf(const Problem& problem,
                             const std::vector<LogErrors>& errors,
                             const std::vector<int>& which) {
  std::vector<ValidatedRow> rows;
  for (const int i : which) {
    rows.push_back(RowOf(problem.points[i], errors[i]));
  }
  return tokenjoule::StatisticsOf(rows);
}

// The name of the group that is left out together with a point.
enum class HoldOut { kModel, kMachine, kRuntime };

std::string GroupOf(const Point& point, HoldOut kind) {
  switch (kind) {
    case HoldOut::kModel:
      return point.row->model();
    case HoldOut::kMachine:
      return point.row->device();
    case HoldOut::kRuntime:
      break;
  }
  return point.runtime;
}

std::string GroupOf(const StreamPoint& point, HoldOut kind) {
  return kind == HoldOut::kMachine ? point.stream->device() : "";
}

constexpr struct {
  HoldOut kind;
  const char* name;
  SupportedBy::Status status;
} kHoldOuts[] = {
    {HoldOut::kModel, "model", SupportedBy::FITTED},
    {HoldOut::kMachine, "machine", SupportedBy::RUNTIME_FITTED_ELSEWHERE},
    {HoldOut::kRuntime, "runtime", SupportedBy::ASSUMED}};

void FillStatistics(const Problem& problem,
                    const std::vector<LogErrors>& errors, HoldOut kind,
                    ErrorsByFamily* out) {
  std::map<std::string, std::vector<int>> families, groups;
  std::vector<int> all;
  for (size_t i = 0; i < problem.points.size(); ++i) {
    const Point& point = problem.points[i];
    const int index = static_cast<int>(i);
    all.push_back(index);
    families[std::string(FamilyName(point.family))].push_back(index);
    groups[GroupOf(point, kind)].push_back(index);
  }
  *out->mutable_overall() = StatisticsOf(problem, errors, all);
  for (const auto& [name, which] : families) {
    FamilyErrors* family = out->add_families();
    family->set_family(name);
    *family->mutable_errors() = StatisticsOf(problem, errors, which);
  }
  for (const auto& [name, which] : groups) {
    HeldOutGroup* group = out->add_groups();
    group->set_name(name);
    *group->mutable_errors() = StatisticsOf(problem, errors, which);
  }
}

// `x` with nodes of which no point is used put back to where they start, so
// that a fit without them does not begin with what they have shown. Nodes come
// after their parents.
template <typename Use>
Vectors Forgetting(const Problem& problem, const Use& use, Vectors x) {
  std::vector<bool> seen(problem.nodes.size(), false);
  const auto see = [&](int node) {
    for (int k = node; k >= 0; k = problem.nodes[k].parent) seen[k] = true;
  };
  for (const Point& point : problem.points) {
    if (!use(point)) continue;
    see(point.instance->machine_node);
    see(point.instance->runtime_node);
  }
  for (const StreamPoint& stream : problem.streams) {
    if (use(stream)) see(stream.instance->machine_node);
  }
  for (size_t k = 0; k < problem.nodes.size(); ++k) {
    if (!seen[k]) PutToStart(problem, k, &x);
  }
  return x;
}

// Errors of every point under a fit without its group.
std::vector<LogErrors> HeldOutErrors(const Problem& problem, HoldOut kind,
                                     const Vectors& fitted) {
  constexpr int kIterations = 40;
  std::vector<LogErrors> errors(problem.points.size());
  std::set<std::string> distinct;
  for (const Point& point : problem.points) {
    distinct.insert(GroupOf(point, kind));
  }
  const std::vector<std::string> groups(distinct.begin(), distinct.end());
  // Each fit is single-threaded and writes the errors of its own points, so
  // that the answer does not depend on the number of threads.
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t g = next++; g < groups.size(); g = next++) {
      const auto others = [&](const auto& point) {
        return GroupOf(point, kind) != groups[g];
      };
      const Vectors x = Solve(problem, others, kIterations,
                              Forgetting(problem, others, fitted));
      for (size_t i = 0; i < problem.points.size(); ++i) {
        if (others(problem.points[i])) continue;
        errors[i] = ErrorsOf(problem.points[i], x);
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) {
    threads.emplace_back(work);
  }
  work();
  for (std::thread& thread : threads) thread.join();
  return errors;
}

// Errors of the constants at the solution, on the logarithmic scale: the inverse
// of J'J of all residuals, pulls included.
struct FitErrors {
  Eigen::MatrixXd covariance;
  // Where the slots of each node begin; -1 for nodes without any.
  std::vector<int> first;

  double Deviation(int node, int slot) const {
    const int i = first[node] + slot;
    return std::sqrt(covariance(i, i));
  }
  double CorrelationOf(int node, int slot, int other) const {
    return covariance(first[node] + slot, first[node] + other) /
           (Deviation(node, slot) * Deviation(node, other));
  }
};

FitErrors ErrorsAt(const Problem& problem, const Vectors& solution) {
  Vectors x = solution;
  ceres::Problem ceres_problem;
  BuildCeres(
      problem, [](const auto&) { return true; }, &x, &ceres_problem);
  ceres::Problem::EvaluateOptions options;
  std::vector<int> nodes;
  int size = 0;
  for (size_t k = 0; k < x.size(); ++k) {
    if (!ceres_problem.HasParameterBlock(x[k].data())) continue;
    options.parameter_blocks.push_back(x[k].data());
    nodes.push_back(static_cast<int>(k));
    size += static_cast<int>(x[k].size());
  }
  ceres::CRSMatrix jacobian;
  ceres_problem.Evaluate(options, nullptr, nullptr, nullptr, &jacobian);
  Eigen::MatrixXd information = Eigen::MatrixXd::Zero(size, size);
  for (int row = 0; row < jacobian.num_rows; ++row) {
    for (int a = jacobian.rows[row]; a < jacobian.rows[row + 1]; ++a) {
      for (int b = jacobian.rows[row]; b < jacobian.rows[row + 1]; ++b) {
        information(jacobian.cols[a], jacobian.cols[b]) +=
            jacobian.values[a] * jacobian.values[b];
      }
    }
  }
  FitErrors errors;
  errors.covariance =
      information.llt().solve(Eigen::MatrixXd::Identity(size, size));
  errors.first.assign(x.size(), -1);
  int at = 0;
  for (const int k : nodes) {
    errors.first[k] = at;
    at += static_cast<int>(x[k].size());
  }
  return errors;
}

// Standard deviations of the constants, by node and slot.
Vectors DeviationsOf(const FitErrors& errors, const Vectors& x) {
  Vectors deviations(x.size());
  for (size_t k = 0; k < x.size(); ++k) {
    if (errors.first[k] < 0) continue;
    for (size_t i = 0; i < x[k].size(); ++i) {
      deviations[k].push_back(
          errors.Deviation(static_cast<int>(k), static_cast<int>(i)));
    }
  }
  return deviations;
}

// Whether the rows say more of a constant than its range did. Others keep what
// the description says of them.
bool IsDecided(const ConstantNode& node, size_t slot, double value,
               double deviation) {
  constexpr double kLearnt = 0.9, kMoved = 0.02;
  return !node.Starts(slot) ||
         deviation < kLearnt * node.slots[slot].deviation() ||
         std::abs(value - node.slots[slot].start) > kMoved;
}

// Sets a constant to a fitted value, with a range of two standard deviations
// inside the bounds.
void SetFitted(const Slot& slot, double value, double deviation,
               Constant* constant) {
  const double middle = Rounded(std::exp(value));
  constant->set_value(middle);
  constant->set_low(std::min(
      middle, Rounded(std::exp(std::max(slot.low, value - 2 * deviation)))));
  constant->set_high(std::max(
      middle, Rounded(std::exp(std::min(slot.high, value + 2 * deviation)))));
  constant->set_source("fitted");
}

// Sets those constants of `message` that `node` has, and removes all others.
template <typename Spec>
void KeepFitted(const ConstantNode& node, const std::vector<double>& values,
                const std::vector<double>& deviations, Spec* spec) {
  std::set<std::string> keep;
  ForEachConstant(*spec, [&](const std::string& path, const Constant& constant,
                             const google::protobuf::FieldDescriptor&) {
    const int i = SlotAt(node.slots, path);
    if (i < 0) return;
    if (node.is_machine && !IsDecided(node, i, values[i], deviations[i])) return;
    keep.insert(path);
    SetFitted(node.slots[i], values[i], deviations[i],
              const_cast<Constant*>(&constant));
  });
  KeepConstants(keep, spec);
}

Source FittedSource(const Problem& problem, const std::string& date) {
  Source source;
  source.set_id("fitted");
  source.set_kind(Source::FITTED);
  source.set_citation(
      absl::StrFormat("tokenjoule calibrate --all on %d rows of validation/; "
                      "docs/calibration.md "
                      "has the errors on rows left out",
                      problem.points.size()));
  source.set_date(date);
  return source;
}

// The files of fitted runtimes: what holds on all generations, with the spread
// between generations in the ranges, and what was fitted on each.
absl::Status DescribeRuntimes(const Problem& problem, const Vectors& x,
                              const Vectors& deviations, const Source& source,
                              JointFit* fit) {
  std::set<std::string> served;
  for (const auto& [key, instance] : problem.instances) {
    served.insert(problem.nodes[instance->runtime_node].name);
  }
  for (const std::string& name : CatalogNames(SpecKind::kRuntime)) {
    const auto found = problem.node_index.find(name);
    if (found == problem.node_index.end()) continue;
    const ConstantNode& node = problem.nodes[found->second];
    ASSIGN_OR_RETURN(Runtime whole, LoadRuntimeClass(name));
    const std::string description = whole.description();
    const Runtime unfitted = whole;
    std::vector<double> spread;
    for (size_t i = 0; i < node.slots.size(); ++i) {
      spread.push_back(std::hypot(deviations[found->second][i],
                                  node.slots[i].deviation() * kWithinRuntime));
    }
    KeepFitted(node, x[found->second], spread, &whole);
    whole.set_name(name);
    whole.set_base(name);
    whole.set_description(description);
    *whole.add_sources() = source;
    for (size_t k = 0; k < problem.nodes.size(); ++k) {
      const ConstantNode& below = problem.nodes[k];
      if (below.generation.empty() || below.parent != found->second ||
          served.count(below.name) == 0) {
        continue;
      }
      OnGeneration* on = whole.add_on();
      on->add_generation(below.generation);
      *on->mutable_runtime() = unfitted;
      KeepFitted(below, x[k], deviations[k], on->mutable_runtime());
    }
    fit->runtimes[name] = std::move(whole);
  }
  return absl::OkStatus();
}

// Correlations of a machine's fitted constants that are worth stating.
void AddCorrelations(const ConstantNode& node, int k, const Vectors& x,
                     const FitErrors& errors, const Vectors& deviations,
                     Hardware* machine) {
  constexpr double kLeast = 0.3;
  for (size_t i = 0; i < node.slots.size(); ++i) {
    for (size_t j = i + 1; j < node.slots.size(); ++j) {
      if (!IsDecided(node, i, x[k][i], deviations[k][i]) ||
          !IsDecided(node, j, x[k][j], deviations[k][j])) {
        continue;
      }
      const double coefficient = errors.CorrelationOf(
          k, static_cast<int>(i), static_cast<int>(j));
      if (std::abs(coefficient) < kLeast) continue;
      CorrelatedConstants* pair = machine->add_correlations();
      pair->set_path(node.slots[i].path);
      pair->set_other(node.slots[j].path);
      pair->set_coefficient(std::round(coefficient * 100) / 100);
    }
  }
}

// Energies per bit of which the rows know the sum better than the parts.
void AddUnseparated(const ConstantNode& node, int k, const Vectors& x,
                    const FitErrors& errors, JointCalibration* summary) {
  constexpr double kOpposed = -0.3;
  const auto is_per_bit = [&](size_t i) {
    return absl::EndsWith(node.slots[i].path, "_pj_per_bit") &&
           !IsOfTechnology(node.slots[i].path);
  };
  for (size_t i = 0; i < node.slots.size(); ++i) {
    for (size_t j = i + 1; j < node.slots.size(); ++j) {
      if (!is_per_bit(i) || !is_per_bit(j)) continue;
      const int a = static_cast<int>(i), b = static_cast<int>(j);
      const double correlation = errors.CorrelationOf(k, a, b);
      if (correlation > kOpposed) continue;
      const double one = std::exp(x[k][i]), other = std::exp(x[k][j]);
      const double of_one = one * errors.Deviation(k, a);
      const double of_other = other * errors.Deviation(k, b);
      UnseparatedConstants* sum = summary->add_unseparated();
      sum->set_machine(node.name);
      sum->add_paths(node.slots[i].path);
      sum->add_paths(node.slots[j].path);
      sum->set_sum(one + other);
      sum->set_standard_error(
          std::sqrt(std::max(0.0, of_one * of_one + of_other * of_other +
                                      2 * correlation * of_one * of_other)));
      sum->add_standard_errors(of_one);
      sum->add_standard_errors(of_other);
    }
  }
}

absl::Status DescribeMachines(const Problem& problem, const Vectors& x,
                              const FitErrors& errors,
                              const Vectors& deviations, const Source& source,
                              JointFit* fit) {
  for (size_t k = 0; k < problem.nodes.size(); ++k) {
    const ConstantNode& node = problem.nodes[k];
    if (!node.is_machine || node.name.empty()) continue;
    ASSIGN_OR_RETURN(Hardware machine, LoadHardwareBeforeFits(node.name));
    const std::string description = machine.description();
    std::vector<double> spread = deviations[k];
    for (size_t i = 0; i < node.slots.size(); ++i) {
      if (IsOfTechnology(node.slots[i].path)) {
        spread[i] = std::hypot(spread[i], kSpreadOfMemories);
      }
    }
    KeepFitted(node, x[k], spread, &machine);
    machine.set_name(node.name);
    machine.set_base(absl::StrCat(node.name, kBeforeFits));
    machine.set_description(description);
    // What users call the machine is not in its data sheet.
    ASSIGN_OR_RETURN(const Hardware now, LoadHardware(node.name));
    *machine.mutable_aliases() = now.aliases();
    *machine.add_sources() = source;
    AddCorrelations(node, static_cast<int>(k), x, errors, deviations,
                    &machine);
    AddUnseparated(node, static_cast<int>(k), x, errors, &fit->summary);
    fit->machines[node.name] = std::move(machine);
  }
  return absl::OkStatus();
}

// A value with its weight, for quantiles.
struct Weighted {
  double value, weight;
};

// The value below which a share `level` of the weight lies.
double WeightedQuantile(std::vector<Weighted> values, double level) {
  std::sort(
      values.begin(), values.end(),
      [](const Weighted& a, const Weighted& b) { return a.value < b.value; });
  double all = 0, below = 0;
  for (const Weighted& value : values) all += value.weight;
  for (const Weighted& value : values) {
    below += value.weight;
    if (below >= level * all) return value.value;
  }
  return values.empty() ? 0 : values.back().value;
}

// Logarithms of measured over predicted, of one quantity.
struct Unseen {
  std::map<std::string, std::vector<double>> by_group;
  int rows = 0;
};

// The ratios between which nine in ten lie. Rows of one group are alike, so
// that a group of n rows weighs as sqrt(n); with few groups the ratios are
// wider.
void RatiosOf(const Unseen& unseen, double* low, double* high) {
  constexpr double kOutside = 0.05;
  std::vector<Weighted> values;
  for (const auto& [name, logs] : unseen.by_group) {
    for (const double value : logs) {
      values.push_back({value, 1 / std::sqrt(logs.size())});
    }
  }
  const double groups = static_cast<double>(unseen.by_group.size());
  const double wider = groups > 0 ? 1 + 1 / groups : 1;
  *low = Rounded(
      std::exp(wider * std::min(0.0, WeightedQuantile(values, kOutside))));
  *high = Rounded(
      std::exp(wider * std::max(0.0, WeightedQuantile(values, 1 - kOutside))));
}

// Adds what rows of groups that were left out show.
void AddSpreads(const Problem& problem, const std::vector<LogErrors>& errors,
                HoldOut kind, SupportedBy::Status status, Evidence* evidence) {
  // A family with fewer groups than this takes the rows of all.
  constexpr size_t kLeastGroups = 3;
  const int families = static_cast<int>(Family::kNumFamilies);
  std::vector<Unseen> times(families + 1), energies(families + 1);
  for (size_t i = 0; i < problem.points.size(); ++i) {
    const Point& point = problem.points[i];
    const std::string group = absl::StrCat(
        GroupOf(point, kind), " ", point.row->device(), " ", point.runtime);
    for (const int family : {static_cast<int>(point.family), families}) {
      if (point.time_s > 0) {
        times[family].by_group[group].push_back(-errors[i].time);
        ++times[family].rows;
      }
      if (point.energy_j > 0) {
        energies[family].by_group[group].push_back(-errors[i].energy);
        ++energies[family].rows;
      }
    }
  }
  for (int family = 0; family < families; ++family) {
    const auto enough = [&](const std::vector<Unseen>& all) -> const Unseen& {
      return all[family].by_group.size() < kLeastGroups ? all[families]
                                                        : all[family];
    };
    UnseenSpread* spread = evidence->add_spread();
    spread->set_status(status);
    spread->set_family(std::string(FamilyName(static_cast<Family>(family))));
    double low, high;
    RatiosOf(enough(times), &low, &high);
    spread->set_step_time_low(low);
    spread->set_step_time_high(high);
    spread->set_step_time_rows(enough(times).rows);
    RatiosOf(enough(energies), &low, &high);
    spread->set_energy_low(low);
    spread->set_energy_high(high);
    spread->set_energy_rows(enough(energies).rows);
  }
}

void AddSeen(const Problem& problem, Evidence* evidence) {
  std::map<std::tuple<std::string, std::string, std::string>, SeenRows> rows;
  for (const Point& point : problem.points) {
    const std::string family(FamilyName(point.family));
    SeenRows& seen = rows[{point.runtime, point.row->device(), family}];
    seen.set_runtime(point.runtime);
    seen.set_machine(point.row->device());
    seen.set_family(family);
    seen.set_rows(seen.rows() + 1);
    seen.set_energies(seen.energies() + (point.energy_j > 0));
  }
  for (const auto& [key, seen] : rows) *evidence->add_seen() = seen;
}

}  // namespace

absl::StatusOr<JointFit> FitJointly(const MeasurementSet& set,
                                    const JointOptions& options) {
  Problem problem;
  ASSIGN_OR_RETURN(const std::vector<Slot> slots, AllRuntimeSlots());
  for (const std::string& name : CatalogNames(SpecKind::kRuntimeClass)) {
    RETURN_IF_ERROR(AddClass(name, slots, &problem).status());
  }
  for (const Measurement& row : set.row()) {
    if (row.has_power_w_memory() && !row.check_only()) {
      problem.with_memory_power.insert(row.device());
    }
  }
  for (const StreamMeasurement& stream : set.stream()) {
    if (stream.has_power_w_memory() && !stream.check_only()) {
      problem.with_memory_power.insert(stream.device());
    }
  }
  JointFit fit;
  JointCalibration& summary = fit.summary;
  for (int i = 0; i < set.row_size(); ++i) {
    const absl::Status status = AddPoint(set.row(i), i + 1, &problem);
    if (status.ok()) continue;
    SkippedRow* skipped = summary.add_skipped_rows();
    skipped->set_row(i + 1);
    skipped->set_reason(std::string(status.message()));
  }
  for (int i = 0; i < set.stream_size(); ++i) {
    const absl::Status status = AddStream(set.stream(i), &problem);
    if (status.ok()) continue;
    SkippedRow* skipped = summary.add_skipped_streams();
    skipped->set_row(i + 1);
    skipped->set_reason(std::string(status.message()));
  }
  if (problem.points.empty()) {
    return absl::InvalidArgumentError("no row can be predicted");
  }
  const Vectors x = SolveForAll(problem);
  std::vector<LogErrors> errors;
  for (const Point& point : problem.points) {
    errors.push_back(ErrorsOf(point, x));
    *summary.add_rows() = RowOf(point, errors.back());
  }
  summary.set_host_bound_rows(problem.host_bound_rows);
  summary.set_overfull_rows(problem.overfull_rows);
  FillStatistics(problem, errors, HoldOut::kRuntime,
                 summary.mutable_in_sample());
  std::vector<ValidatedStream> streams;
  for (const StreamPoint& point : problem.streams) {
    streams.push_back(StreamAt(point, x));
    *summary.add_streams() = streams.back();
  }
  *summary.mutable_stream_errors() = tokenjoule::StatisticsOf(streams);
  const FitErrors fit_errors = ErrorsAt(problem, x);
  const Vectors deviations = DeviationsOf(fit_errors, x);
  for (const ConstantNode& node : problem.nodes) {
    const size_t k = &node - problem.nodes.data();
    for (size_t i = 0; i < node.slots.size(); ++i) {
      if (!node.Starts(i) &&
          std::abs(x[k][i] - x[node.parent][node.parent_slot[i]]) < 0.02) {
        continue;
      }
      FittedConstant* out = summary.add_constants();
      out->set_path(absl::StrCat(node.name, ".", node.slots[i].path));
      out->set_start(std::exp(node.slots[i].start));
      out->set_value(std::exp(x[k][i]));
      out->set_low(std::exp(node.slots[i].low));
      out->set_high(std::exp(node.slots[i].high));
      const double at = (x[k][i] - node.slots[i].low) /
                        (node.slots[i].high - node.slots[i].low);
      out->set_status(at < 1e-3 || at > 1 - 1e-3 ? "AT_BOUND"
                      : IsDecided(node, i, x[k][i], deviations[k][i])
                          ? "FITTED"
                          : "KEPT");
    }
  }
  const Source source = FittedSource(problem, options.date);
  RETURN_IF_ERROR(DescribeRuntimes(problem, x, deviations, source, &fit));
  RETURN_IF_ERROR(
      DescribeMachines(problem, x, fit_errors, deviations, source, &fit));
  *fit.evidence.add_sources() = source;
  AddSeen(problem, &fit.evidence);
  if (!options.cross_validate) return fit;
  for (const auto& [kind, name, status] : kHoldOuts) {
    const std::vector<LogErrors> unseen = HeldOutErrors(problem, kind, x);
    HeldOutKind* held_out = summary.add_held_out();
    held_out->set_kind(name);
    FillStatistics(problem, unseen, kind, held_out->mutable_errors());
    AddSpreads(problem, unseen, kind, status, &fit.evidence);
  }
  return fit;
}

}  // namespace tokenjoule
