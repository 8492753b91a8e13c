#include "analyzer/import/gguf.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/documents.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/validate.h"
#include "analyzer/import/gguf_keys.h"
#include "analyzer/import/gguf_layers.h"
#include "analyzer/import/layer_stack.h"
#include "proto/constant.pb.h"
#include "proto/model.pb.h"

namespace tokenjoule {
namespace {

constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxWidth = 1'000'000;
constexpr int64_t kMaxContext = 10'000'000'000;
constexpr int kMaxParts = 1024;

// A file name of a model in parts: "NAME-00002-of-00009.gguf".
struct PartName {
  std::string stem;
  int number = 0;
  int parts = 0;
};

absl::optional<PartName> ParsePartName(absl::string_view path) {
  constexpr size_t kDigits = 5;
  if (!absl::ConsumeSuffix(&path, ".gguf")) return absl::nullopt;
  // "-00002-of-00009"
  constexpr size_t kTail = 2 * kDigits + 5;
  if (path.size() < kTail) return absl::nullopt;
  const absl::string_view tail = path.substr(path.size() - kTail);
  const auto digits = [&](size_t at, int* number) {
    const absl::string_view text = tail.substr(at, kDigits);
    return std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
           absl::SimpleAtoi(text, number);
  };
  PartName name;
  if (tail[0] != '-' || tail.substr(kDigits + 1, 4) != "-of-" ||
      !digits(1, &name.number) || !digits(kDigits + 5, &name.parts)) {
    return absl::nullopt;
  }
  name.stem = std::string(path.substr(0, path.size() - kTail));
  return name;
}

std::string PartPath(const PartName& name, int number) {
  return absl::StrFormat("%s-%05d-of-%05d.gguf", name.stem, number, name.parts);
}

// The metadata's text at a key; empty if there is none.
std::string TextAt(const GgufHeader& header, absl::string_view key) {
  const auto found = header.metadata.find(key);
  return found != header.metadata.end() &&
                 found->second.kind == GgufValue::Kind::kString
             ? found->second.text
             : "";
}

// The metadata's whole number at a key.
absl::optional<int64_t> NumberAt(const GgufHeader& header,
                                 absl::string_view key) {
  const auto found = header.metadata.find(key);
  if (found == header.metadata.end() ||
      found->second.kind != GgufValue::Kind::kInteger) {
    return absl::nullopt;
  }
  return found->second.integer;
}

// Types of files by llama.cpp's numbers (llama_ftype), for the citation.
std::string FileTypeName(int64_t number) {
  static constexpr std::pair<int, const char*> kNames[] = {
      {0, "F32"},        {1, "F16"},     {2, "Q4_0"},    {3, "Q4_1"},
      {7, "Q8_0"},       {8, "Q5_0"},    {9, "Q5_1"},    {10, "Q2_K"},
      {11, "Q3_K_S"},    {12, "Q3_K_M"}, {13, "Q3_K_L"}, {14, "Q4_K_S"},
      {15, "Q4_K_M"},    {16, "Q5_K_S"}, {17, "Q5_K_M"}, {18, "Q6_K"},
      {19, "IQ2_XXS"},   {20, "IQ2_XS"}, {21, "Q2_K_S"}, {22, "IQ3_XS"},
      {23, "IQ3_XXS"},   {24, "IQ1_S"},  {25, "IQ4_NL"}, {26, "IQ3_S"},
      {27, "IQ3_M"},     {28, "IQ2_S"},  {29, "IQ2_M"},  {30, "IQ4_XS"},
      {31, "IQ1_M"},     {32, "BF16"},   {36, "TQ1_0"},  {37, "TQ2_0"},
      {38, "MXFP4_MOE"}, {39, "NVFP4"},
  };
  for (const auto& name : kNames) {
    if (name.first == number) return name.second;
  }
  return absl::StrCat(number);
}

// Writes the formats of a block's matrices, where they differ from those that
// it would inherit.
class BlockFormatWriter {
 public:
  BlockFormatWriter(const CheckpointFormats& model, GgufBlock* block)
      : model_(model), block_(*block), formats_(block->block) {}

  void Write() {
    const auto mix = [&](GgufMatrix matrix) {
      return block_.mix(matrix).Name();
    };
    BlockFormats formats;
    const std::string mixers = OrElse(model_.mixers(), model_.linear());
    SetUnless(mixers, mix(GgufMatrix::kMixer),
              [&](const std::string& name) { formats.set_mixer(name); });
    const std::string inherited = OrElse(formats.mixer(), mixers);
    SetUnless(inherited, mix(GgufMatrix::kQuery),
              [&](const std::string& name) { formats.set_query(name); });
    SetUnless(inherited, mix(GgufMatrix::kKey),
              [&](const std::string& name) { formats.set_key(name); });
    SetUnless(inherited, mix(GgufMatrix::kValue),
              [&](const std::string& name) { formats.set_value(name); });
    SetUnless(inherited, mix(GgufMatrix::kOutput),
              [&](const std::string& name) { formats.set_output(name); });
    const bool has_experts = formats_.has_moe();
    const std::string channels = has_experts
                                     ? OrElse(model_.experts(), model_.linear())
                                     : model_.linear();
    SetUnless(channels, mix(GgufMatrix::kGate),
              [&](const std::string& name) { formats.set_gate(name); });
    SetUnless(channels, mix(GgufMatrix::kUp),
              [&](const std::string& name) { formats.set_up(name); });
    SetUnless(channels, mix(GgufMatrix::kDown),
              [&](const std::string& name) { formats.set_down(name); });
    // Shared experts inherit from routed ones.
    SetUnless(OrElse(model_.experts(), model_.linear()),
              mix(GgufMatrix::kShared),
              [&](const std::string& name) { formats.set_shared(name); });
    SetUnless(
        OrElse(formats.shared(), OrElse(model_.experts(), model_.linear())),
        mix(GgufMatrix::kSharedDown),
        [&](const std::string& name) { formats.set_shared_down(name); });
    if (formats.ByteSizeLong() > 0) *formats_.mutable_formats() = formats;
  }

 private:
  static std::string OrElse(const std::string& name,
                            const std::string& otherwise) {
    return name.empty() ? otherwise : name;
  }
  template <typename Set>
  static void SetUnless(const std::string& inherited, const std::string& name,
                        const Set& set) {
    if (!name.empty() && name != inherited) set(name);
  }

  const CheckpointFormats& model_;
  const GgufBlock& block_;
  Block& formats_;
};

// Imports the tensors and keys of a file.
class Importer {
 public:
  Importer(const GgufHeader& first, const GgufArchitecture& architecture,
           GgufLog* log)
      : keys_(first.metadata, architecture.name, log), log_(log) {
    context_.architecture = &architecture;
    context_.keys = &keys_;
    context_.log = log;
  }

  // Reads all parts into the model; meaningless if the log then has faults.
  void Read(const std::vector<GgufHeader>& parts, Model* model);

  int64_t bytes() const { return bytes_; }
  int64_t elements() const { return elements_; }
  int64_t unused_bytes() const { return unused_bytes_; }

 private:
  void SortTensors(const std::vector<GgufHeader>& parts);
  const GgufTensor* Take(const std::string& name);
  void AddVector(const GgufTensor& tensor, const std::string& label,
                 Model* model);
  void ReadEmbedding(Model* model);
  void ReadNorm(Model* model);
  void ReadExtra(Model* model);
  void ReadLayers(Model* model);
  void WriteFormats(const std::vector<GgufLayer>& layers, Model* model);
  void WriteBlocks(std::vector<GgufLayer>* layers, Model* model);

  const GgufKeys keys_;
  GgufLog* const log_;
  GgufContext context_;
  // Tensors outside layers, by name, and those of each layer.
  std::map<std::string, const GgufTensor*> outside_;
  std::vector<GgufLayerTensors> layers_;
  FormatMix vectors_;
  FormatMix embedding_;
  FormatMix lm_head_;
  FormatMix extra_;
  int64_t bytes_ = 0;
  int64_t elements_ = 0;
  int64_t unused_bytes_ = 0;
};

// Splits the tensors by layer.
void Importer::SortTensors(const std::vector<GgufHeader>& parts) {
  context_.layers = keys_.Required("block_count", 0, 1, kMaxLayers);
  layers_.resize(context_.layers);
  for (const GgufHeader& part : parts) {
    for (const GgufTensor& tensor : part.tensors) {
      bytes_ += tensor.bytes();
      elements_ += tensor.elements();
      absl::string_view rest = tensor.name;
      bool is_new;
      if (!absl::ConsumePrefix(&rest, "blk.")) {
        is_new = outside_.emplace(tensor.name, &tensor).second;
      } else {
        const size_t dot = rest.find('.');
        int64_t layer = -1;
        if (dot == absl::string_view::npos ||
            !absl::SimpleAtoi(rest.substr(0, dot), &layer) || layer < 0 ||
            layer >= context_.layers) {
          log_->AddFault(
              tensor.name,
              absl::StrCat("belongs to no layer; expected blk.0 to blk.",
                           context_.layers - 1, ", as block_count says"));
          continue;
        }
        is_new = layers_[layer]
                     .emplace(std::string(rest.substr(dot + 1)), &tensor)
                     .second;
      }
      if (!is_new) log_->AddFault(tensor.name, "is in two parts of the file");
    }
  }
}

const GgufTensor* Importer::Take(const std::string& name) {
  const auto found = outside_.find(name);
  if (found == outside_.end()) return nullptr;
  const GgufTensor* tensor = found->second;
  outside_.erase(found);
  return tensor;
}

// Counts a vector outside layers; with a label it becomes one of the model's
// own extras, otherwise the schema counts it elsewhere.
void Importer::AddVector(const GgufTensor& tensor, const std::string& label,
                         Model* model) {
  if (tensor.type->format[0] == '\0') {
    log_->AddFault(tensor.name, absl::StrCat("is of type ", tensor.type->name,
                                             ", in which no weight is stored"));
    return;
  }
  vectors_.Add(*tensor.type, tensor.elements());
  if (label.empty()) return;
  Projection* extra = model->add_extra();
  extra->set_name(label);
  extra->set_vector(tensor.elements());
}

void Importer::ReadEmbedding(Model* model) {
  const GgufTensor* table = Take("token_embd.weight");
  if (table == nullptr) {
    log_->AddFault("token_embd.weight",
                   "is missing; expected a table {width, "
                   "tokens}");
    return;
  }
  const int64_t d = table->dims[0], vocabulary = table->dims[1];
  if (d > kMaxWidth) {
    log_->AddFault(table->name, absl::StrCat("has rows of ", d,
                                             "; expected at most ", kMaxWidth));
    return;
  }
  context_.d_model = d;
  model->set_d_model(d);
  model->set_vocab_size(vocabulary);
  const int64_t given = keys_.Int("embedding_length", 1, kMaxWidth).value_or(d);
  if (given != d || table->dims[2] != 1) {
    log_->AddFault(table->name,
                   absl::StrCat("is ", table->Shape(), "; expected rows of ",
                                given, ", as embedding_length says"));
  }
  const auto store = [&](const GgufTensor& tensor, FormatMix* mix) {
    if (tensor.type->format[0] == '\0') {
      log_->AddFault(tensor.name,
                     absl::StrCat("is of type ", tensor.type->name,
                                  ", in which no matrix is stored"));
      return;
    }
    mix->Add(*tensor.type, tensor.elements());
  };
  const auto require = [&](const GgufTensor& tensor, int64_t in, int64_t out) {
    if (tensor.elements() == in * out && tensor.dims[0] == in) return;
    log_->AddFault(tensor.name,
                   absl::StrCat("is ", tensor.Shape(), "; expected {", in, ", ",
                                out, "}"));
  };
  if (const GgufTensor* head = Take("output.weight")) {
    require(*head, d, vocabulary);
    store(*head, &lm_head_);
    store(*table, &embedding_);
  } else {
    model->set_tied_embeddings(true);
    store(*table, &lm_head_);
  }
  if (const GgufTensor* positions = Take("position_embd.weight")) {
    require(*positions, d, positions->dims[1]);
    store(*positions, &embedding_);
    model->set_learned_positions(positions->dims[1]);
  }
  if (const GgufTensor* second = Take("per_layer_token_embd.weight")) {
    require(*second, second->dims[0], second->dims[1]);
    store(*second, &embedding_);
    model->mutable_per_layer_embedding()->set_width(second->dims[0]);
    model->mutable_per_layer_embedding()->set_rows(second->dims[1]);
  }
  if (const GgufTensor* bias = Take("output.bias")) {
    model->set_lm_head_bias(bias->elements() == vocabulary);
    AddVector(*bias, model->lm_head_bias() ? "" : "output_bias", model);
  }
}

void Importer::ReadNorm(Model* model) {
  const GgufTensor* norm = Take("output_norm.weight");
  // LFM2 names its last norm after the embedding.
  if (norm == nullptr) norm = Take("token_embd_norm.weight");
  const GgufTensor* bias = Take("output_norm.bias");
  model->set_norm(bias != nullptr   ? LAYER_NORM
                  : norm == nullptr ? NO_NORM
                  : keys_.Has("attention.layer_norm_epsilon") &&
                          !keys_.Has("attention.layer_norm_rms_epsilon")
                      ? LAYER_NORM_NO_BIAS
                      : RMS_NORM);
  context_.norm = model->norm();
  for (const GgufTensor* tensor : {norm, bias}) {
    if (tensor == nullptr) continue;
    AddVector(*tensor, "", model);
    if (tensor->elements() != context_.d_model) {
      log_->AddFault(tensor->name,
                     absl::StrCat("is ", tensor->Shape(), "; expected {",
                                  context_.d_model, "}"));
    }
  }
}

// Vectors and matrices that stand beside the layers.
void Importer::ReadExtra(Model* model) {
  constexpr const char* kMatrices[] = {
      "altup_proj.weight", "altup_unembd_proj.weight", "output_hc_fn.weight",
      "per_layer_model_proj.weight"};
  for (const char* name : kMatrices) {
    const GgufTensor* tensor = Take(name);
    if (tensor == nullptr) continue;
    const std::string label(absl::StripSuffix(name, ".weight"));
    // The residual stream takes its format from matrices, which those in fp32
    // must not widen; as vectors they take as much memory.
    if (tensor->type->format == absl::string_view("fp32") ||
        tensor->type->format[0] == '\0') {
      AddVector(*tensor, label, model);
      continue;
    }
    Projection* extra = model->add_extra();
    extra->set_name(label);
    extra->set_in(tensor->dims[0]);
    extra->set_out(tensor->elements() / tensor->dims[0]);
    extra_.Add(*tensor->type, tensor->elements());
  }
  for (const auto& entry : outside_) {
    const GgufTensor& tensor = *entry.second;
    if (!tensor.is_vector()) {
      log_->AddFault(tensor.name,
                     absl::StrCat("is a matrix of ", tensor.Shape(),
                                  " that the import of ", keys_.architecture(),
                                  " does not know"));
      continue;
    }
    std::string label =
        CatalogueNameOf(absl::StripSuffix(entry.first, ".weight"));
    AddVector(tensor, label.empty() ? "vector" : label, model);
  }
}

// The model's formats: those of most elements of each class.
void Importer::WriteFormats(const std::vector<GgufLayer>& layers,
                            Model* model) {
  FormatMix dense, mixers, experts, all;
  for (const GgufLayer& layer : layers) {
    if (layer.is_mtp) continue;
    for (const GgufBlock& block : layer.blocks) {
      for (int i = 0; i < static_cast<int>(GgufMatrix::kCount); ++i) {
        const GgufMatrix matrix = static_cast<GgufMatrix>(i);
        const bool is_channel = matrix >= GgufMatrix::kGate;
        FormatMix& mix = !is_channel             ? mixers
                         : block.block.has_moe() ? experts
                                                 : dense;
        mix.Add(block.mix(matrix));
        all.Add(block.mix(matrix));
      }
    }
  }
  CheckpointFormats* formats = model->mutable_formats();
  // The model's own extra matrices are stored as `linear` says.
  formats->set_linear(!extra_.empty()  ? extra_.Name()
                      : !dense.empty() ? dense.Most()
                                       : all.Most());
  if (!mixers.empty() && mixers.Most() != formats->linear()) {
    formats->set_mixers(mixers.Most());
  }
  if (!experts.empty() && experts.Most() != formats->linear()) {
    formats->set_experts(experts.Most());
  }
  formats->set_lm_head(lm_head_.Name());
  formats->set_embedding(embedding_.empty() ? lm_head_.Name()
                                            : embedding_.Name());
  if (!vectors_.empty()) formats->set_vectors(vectors_.Name());
}

// Layers of equal shape are one kind of block, whose matrices are stored in a
// mix of formats over the layers.
void Importer::WriteBlocks(std::vector<GgufLayer>* layers, Model* model) {
  absl::flat_hash_map<std::string, GgufBlock> kinds;
  for (const GgufLayer& layer : *layers) {
    for (const GgufBlock& block : layer.blocks) {
      const auto inserted =
          kinds.emplace(block.block.SerializeAsString(), block);
      if (inserted.second) continue;
      GgufBlock& kind = inserted.first->second;
      for (size_t i = 0; i < kind.mixes.size(); ++i) {
        kind.mixes[i].Add(block.mixes[i]);
      }
    }
  }
  LayerStack stack;
  for (GgufLayer& layer : *layers) {
    bool is_first = true;
    for (const GgufBlock& block : layer.blocks) {
      GgufBlock kind = kinds.at(block.block.SerializeAsString());
      BlockFormatWriter(model->formats(), &kind).Write();
      if (layer.is_mtp) {
        // All modules are of the first one's kind.
        if (model->mtp_modules() == 0) stack.AddMtp(kind.block);
      } else if (is_first) {
        stack.Add(kind.block);
      } else {
        stack.AddToLast(kind.block);
      }
      is_first = false;
    }
    if (layer.is_mtp) model->set_mtp_modules(model->mtp_modules() + 1);
  }
  stack.WriteTo(model);
}

void Importer::ReadLayers(Model* model) {
  const int64_t drafts = keys_.Int("nextn_predict_layers", 0, 64).value_or(0);
  std::vector<GgufLayer> layers;
  for (int64_t i = 0; i < context_.layers; ++i) {
    if (layers_[i].empty()) {
      // Modules for drafts may have been left out, and DeciLM has layers that
      // do nothing.
      if (i < context_.layers - drafts && keys_.architecture() != "deci") {
        log_->AddFault(absl::StrCat("blk.", i),
                       absl::StrCat("has no tensors, although block_count is ",
                                    context_.layers));
      }
      continue;
    }
    layers.push_back(ReadGgufLayer(context_, i, layers_[i]));
    const GgufLayer& layer = layers.back();
    if (layer.is_mtp) {
      for (const auto& entry : layers_[i]) {
        unused_bytes_ += entry.second->bytes();
      }
    } else {
      unused_bytes_ += layer.unused_bytes;
      vectors_.Add(layer.vectors);
    }
  }
  if (!log_->faults().empty()) return;
  WriteFormats(layers, model);
  WriteBlocks(&layers, model);
  for (const Block& block : model->block()) {
    // llama.cpp keeps recurrent states in fp32.
    if (block.has_mamba1() || block.has_mamba2() ||
        block.has_linear_attention()) {
      model->mutable_formats()->set_state("fp32");
    }
  }
}

void Importer::Read(const std::vector<GgufHeader>& parts, Model* model) {
  SortTensors(parts);
  ReadEmbedding(model);
  if (context_.d_model == 0) return;
  ReadNorm(model);
  ReadExtra(model);
  model->set_max_context(
      keys_.Int("context_length", 1, kMaxContext).value_or(0));
  ReadLayers(model);
}

// What kind of file it is: adapters and encoders of images are not models.
void CheckKind(const GgufHeader& header, GgufLog* log) {
  const std::string type = TextAt(header, "general.type");
  if (!type.empty() && type != "model") {
    log->AddFault("general.type",
                  absl::StrCat("found \"", Printable(type),
                               "\"; expected \"model\": adapters, encoders of "
                               "images and importance matrices are not models "
                               "of their own"));
  }
}

const GgufArchitecture* FindArchitecture(const GgufHeader& header,
                                         GgufLog* log) {
  constexpr char kKey[] = "general.architecture";
  const std::string name = TextAt(header, kKey);
  if (name.empty()) {
    log->AddFault(kKey, "is missing; expected the name of an architecture");
    return nullptr;
  }
  const GgufArchitecture* architecture = FindGgufArchitecture(name);
  if (architecture == nullptr) {
    // No nearest name: "gemma4" read as "gemma" would be a wrong model.
    log->AddFault(
        kKey, absl::StrCat("unknown architecture \"", Printable(name),
                           "\" (supported: ",
                           absl::StrJoin(GgufArchitectureNames(), ", "), ")"));
  }
  return architecture;
}

std::string DefaultName(const GgufHeader& header, absl::string_view path) {
  const absl::optional<PartName> part = ParsePartName(path);
  absl::string_view stem = part.has_value() ? part->stem : path;
  stem = absl::StripSuffix(LastPartOfPath(stem), ".gguf");
  std::string name = CatalogueNameOf(stem);
  if (name.empty()) name = CatalogueNameOf(TextAt(header, "general.name"));
  return name.empty() ? "imported" : name;
}

void AddSource(const GgufHeader& header, absl::string_view path,
               absl::string_view date, Model* model) {
  std::string citation = absl::StrCat("GGUF header (general.architecture ",
                                      TextAt(header, "general.architecture"));
  const std::string name = TextAt(header, "general.name");
  if (!name.empty()) {
    absl::StrAppend(&citation, ", general.name \"", Printable(name), "\"");
  }
  const absl::optional<int64_t> type = NumberAt(header, "general.file_type");
  if (type.has_value()) {
    absl::StrAppend(&citation, ", general.file_type ", FileTypeName(*type));
  }
  absl::StrAppend(&citation, "), imported from ", PrintablePath(path));
  Source* source = model->add_sources();
  source->set_id("gguf");
  source->set_kind(Source::DATASHEET);
  source->set_citation(citation);
  source->set_date(std::string(date));
}

void CheckParts(const std::vector<GgufHeader>& parts, GgufLog* log) {
  const int64_t count = NumberAt(parts[0], "split.count").value_or(1);
  if (count > 1 && count != static_cast<int64_t>(parts.size())) {
    log->AddFault(
        "split.count",
        absl::StrCat("found ", count, ", but there are ", parts.size(),
                     " parts; expected all parts side "
                     "by side under their own names, as ",
                     "NAME-00001-of-00003.gguf"));
  }
  int64_t tensors = 0;
  for (const GgufHeader& part : parts) {
    tensors += static_cast<int64_t>(part.tensors.size());
  }
  const int64_t all =
      NumberAt(parts[0], "split.tensors.count").value_or(tensors);
  if (parts.size() > 1 && all != tensors) {
    log->AddFault("split.tensors.count",
                  absl::StrCat("found ", all, ", but the parts hold ", tensors,
                               " tensors; expected parts of one model"));
  }
}

// Reads the header of one file, and notes if its data is incomplete.
void ReadFile(const std::string& path, std::vector<GgufHeader>* parts,
              GgufLog* log) {
  if (!FilesAreOpen()) {
    // A document is text, and the header of a file of gigabytes is not.
    log->AddFault("",
                  "is not read from a request; convert it with `tokenjoule "
                  "import-hf` and send the textproto");
    return;
  }
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    log->AddFault("", absl::StrCat("there is no file ", PrintablePath(path)));
    return;
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    log->AddFault("", absl::StrCat("cannot read ", PrintablePath(path)));
    return;
  }
  absl::optional<GgufHeader> header =
      ReadGgufHeader(in, PrintablePath(path), log->mutable_faults());
  if (!header.has_value()) return;
  const auto size = std::filesystem::file_size(path, error);
  const int64_t wanted = header->data_begin + header->data_bytes;
  if (!error && static_cast<int64_t>(size) < wanted) {
    log->AddNote(absl::StrCat(PrintablePath(path), " has ", size,
                              " bytes, but its tensors need ", wanted,
                              ": it is incomplete, although its header is "
                              "whole"));
  }
  parts->push_back(std::move(*header));
}

absl::StatusOr<ImportedModel> ImportParts(const std::vector<GgufHeader>& parts,
                                          absl::string_view path,
                                          absl::string_view name,
                                          absl::string_view date,
                                          GgufLog* log) {
  const GgufHeader& first = parts[0];
  CheckKind(first, log);
  CheckParts(parts, log);
  const GgufArchitecture* architecture = FindArchitecture(first, log);
  if (architecture == nullptr) return FaultsToStatus(log->faults());
  ImportedModel imported;
  Model& model = imported.model;
  model.set_name(name.empty() ? DefaultName(first, path) : std::string(name));
  Importer importer(first, *architecture, log);
  importer.Read(parts, &model);
  std::vector<Fault> faults = log->faults();
  if (faults.empty()) {
    const double bits = 8.0 * static_cast<double>(importer.bytes()) /
                        static_cast<double>(importer.elements());
    model.set_description(absl::StrFormat(
        "Imported GGUF file of architecture %s, %d layers, %d parameters in "
        "%.4g bits each",
        architecture->name, TotalLayers(model), importer.elements(), bits));
    AddSource(first, path, date, &model);
    if (importer.unused_bytes() > 0) {
      log->AddNote(absl::StrCat(
          "of ", importer.bytes(), " bytes of tensors, ",
          importer.unused_bytes(),
          " are not used in products (modules for drafts, projections of "
          "shared caches, tables of experts) and take no memory here"));
    }
    ValidateOptions options;
    const std::string file = PrintablePath(path);
    options.file = file;
    ValidateFields(model, options, &faults);
    ValidateModel(model, options, &faults);
  }
  RETURN_IF_ERROR(FaultsToStatus(faults));
  imported.notes = log->notes();
  return imported;
}

}  // namespace

absl::StatusOr<ImportedModel> ImportGgufHeaders(
    const std::vector<GgufHeader>& parts, absl::string_view path,
    absl::string_view name, absl::string_view date) {
  GgufLog log(PrintablePath(path));
  if (parts.empty()) {
    log.AddFault("", "has no header");
    return FaultsToStatus(log.faults());
  }
  return ImportParts(parts, path, name, date, &log);
}

absl::StatusOr<ImportedModel> ImportGguf(absl::string_view path,
                                         absl::string_view name,
                                         absl::string_view date) {
  GgufLog log(PrintablePath(path));
  std::vector<std::string> files = {std::string(path)};
  const absl::optional<PartName> part = ParsePartName(path);
  if (part.has_value()) {
    if (part->number < 1 || part->number > part->parts ||
        part->parts > kMaxParts) {
      log.AddFault("", absl::StrCat("is called part ", part->number, " of ",
                                    part->parts, "; expected part 1 to ",
                                    part->parts, " of at most ", kMaxParts));
      return FaultsToStatus(log.faults());
    }
    files.clear();
    for (int i = 1; i <= part->parts; ++i) {
      files.push_back(PartPath(*part, i));
    }
  }
  std::vector<GgufHeader> parts;
  for (const std::string& file : files) ReadFile(file, &parts, &log);
  RETURN_IF_ERROR(FaultsToStatus(log.faults()));
  return ImportParts(parts, path, name, date, &log);
}

}  // namespace tokenjoule
