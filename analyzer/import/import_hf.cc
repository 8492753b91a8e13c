#include "analyzer/import/import_hf.h"

#include <cstddef>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/textproto.h"
#include "analyzer/description/validate.h"
#include "analyzer/import/hf_families.h"
#include "analyzer/import/hf_formats.h"
#include "analyzer/import/json_reader.h"
#include "analyzer/import/layer_stack.h"
#include "proto/constant.pb.h"

namespace tokenjoule {
namespace {

constexpr size_t kLongestName = 80;
constexpr size_t kCommentColumns = 80;

// The family that `model_type` names, or nullptr and a fault.
const HfFamily* ReadFamily(const JsonReader& root) {
  const std::string type = root.String("model_type");
  const HfFamily* family = FindHfFamily(type);
  // String() has already recorded the fault if the field is missing.
  if (family == nullptr && root.IsString("model_type", type)) {
    const std::vector<std::string> types = HfModelTypes();
    root.AddFault(
        "model_type",
        // No nearest name: "gemma4" read as "gemma" would be a wrong model.
        absl::StrCat("unknown model_type \"", Printable(type),
                     "\" (supported: ", absl::StrJoin(types, ", "), ")"));
  }
  return family;
}

// The object with the decoder's fields.
JsonReader ReadDecoderObject(const JsonReader& root, const HfFamily& family) {
  if (*family.text_type == 0) return root;
  const JsonReader text = root.Object("text_config");
  if (text.Has("model_type") && text.String("model_type") != family.text_type) {
    text.AddFault("model_type",
                  absl::StrCat("found \"", Printable(text.String("model_type")),
                               "\"; expected \"", family.text_type, "\" in a ",
                               family.model_type));
  }
  return text;
}

// Rejects models that are not decoders with a head over the vocabulary.
void RequireCausalModel(const JsonReader& root) {
  for (const char* field : {"is_encoder_decoder", "add_cross_attention"}) {
    if (root.BoolOr(field, false)) {
      root.AddFault(field, "found true; expected a decoder alone");
    }
  }
  const absl::optional<std::vector<std::string>> architectures =
      root.Strings("architectures");
  if (!architectures.has_value() || architectures->empty()) return;
  for (const std::string& architecture : *architectures) {
    for (const char* suffix :
         {"ForCausalLM", "LMHeadModel", "ForConditionalGeneration"}) {
      if (absl::EndsWith(architecture, suffix)) return;
    }
  }
  root.AddFault("architectures",
                absl::StrCat("found \"", Printable(architectures->front()),
                             "\"; expected a causal language model, e.g. "
                             "\"LlamaForCausalLM\""));
}

bool ReadTied(const JsonReader& root, const JsonReader& config,
              bool otherwise) {
  constexpr char kTied[] = "tie_word_embeddings";
  return config.Has(kTied) ? config.BoolOr(kTied, otherwise)
                           : root.BoolOr(kTied, otherwise);
}

// `text` as a catalogue name: lower case, with other characters replaced by
// hyphens.
std::string CleanName(absl::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kLongestName)) {
    const char lower = absl::ascii_tolower(c);
    if (absl::ascii_islower(lower) || absl::ascii_isdigit(lower) ||
        lower == '.') {
      name += lower;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  // Names made only of dots would be directories.
  const size_t begin = name.find_first_not_of("-.");
  if (begin == std::string::npos) return "";
  return name.substr(begin, name.find_last_not_of("-.") + 1 - begin);
}

// The last part of a path.
absl::string_view LastPart(absl::string_view path) {
  while (absl::EndsWith(path, "/")) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash != absl::string_view::npos) path.remove_prefix(slash + 1);
  return path;
}

std::string DefaultName(const JsonReader& root, absl::string_view file) {
  std::string name;
  if (root.Has("_name_or_path")) {
    name = CleanName(LastPart(root.String("_name_or_path")));
  }
  const size_t slash = file.rfind('/');
  if (name.empty() && slash != absl::string_view::npos) {
    name = CleanName(LastPart(file.substr(0, slash)));
  }
  return name.empty() ? "imported" : name;
}

// "model_type llama, architectures LlamaForCausalLM, transformers_version 4.43"
std::string Provenance(const JsonReader& root) {
  std::string out = absl::StrCat("model_type ", root.String("model_type"));
  const absl::optional<std::vector<std::string>> architectures =
      root.Strings("architectures");
  if (architectures.has_value() && !architectures->empty()) {
    absl::StrAppend(&out, ", architectures ",
                    Printable(absl::StrJoin(*architectures, " ")));
  }
  if (root.Has("transformers_version")) {
    absl::StrAppend(&out, ", transformers_version ",
                    Printable(root.String("transformers_version")));
  }
  return out;
}

void AddSource(const JsonReader& root, const JsonLog& log,
               absl::string_view date, Model* model) {
  std::string citation =
      absl::StrCat("Hugging Face config.json (", Provenance(root),
                   "), imported from ", Printable(log.file));
  if (!log.defaults.empty()) {
    absl::StrAppend(&citation, "; absent there, as in transformers: ",
                    absl::StrJoin(log.defaults, ", "));
  }
  Source* source = model->add_sources();
  source->set_id("config");
  source->set_kind(Source::DATASHEET);
  source->set_citation(citation);
  source->set_date(std::string(date));
}

// `text` as comment lines.
std::string Comment(absl::string_view text) {
  std::string out;
  std::string line = "#";
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (line.size() > 1 && line.size() + 1 + word.size() > kCommentColumns) {
      absl::StrAppend(&out, line, "\n");
      line = "#";
    }
    absl::StrAppend(&line, " ", word);
  }
  return absl::StrCat(out, line, "\n");
}

// Reads everything; the model is meaningful only if the log has no faults.
Model ReadModel(const HfFamily& family, absl::string_view file,
                absl::string_view name, absl::string_view date,
                JsonDocument* document) {
  const JsonReader root = document->Root();
  const JsonReader config = ReadDecoderObject(root, family);
  RequireCausalModel(root);
  Model model;
  model.set_name(name.empty() ? DefaultName(root, file) : std::string(name));
  LayerStack stack;
  family.import(config, &model, &stack);
  model.set_tied_embeddings(ReadTied(root, config, family.tied_by_default));
  if (config.Has("num_nextn_predict_layers")) {
    model.set_mtp_modules(config.Int("num_nextn_predict_layers", {0, 64}));
  }
  stack.WriteTo(&model);
  ReadHfFormats(root, config, &model);
  model.set_description(
      absl::StrCat("Imported Hugging Face configuration of type ",
                   family.model_type, ", ", TotalLayers(model), " layers"));
  AddSource(root, document->log(), date, &model);
  return model;
}

}  // namespace

absl::StatusOr<Model> ImportHuggingFace(absl::string_view json,
                                        absl::string_view file,
                                        absl::string_view name,
                                        absl::string_view date) {
  JsonDocument document(json, file);
  RETURN_IF_ERROR(FaultsToStatus(document.log().faults));
  const HfFamily* family = ReadFamily(document.Root());
  if (family == nullptr) return FaultsToStatus(document.log().faults);
  Model model = ReadModel(*family, file, name, date, &document);
  std::vector<Fault> faults = document.log().faults;
  // If a field was invalid, the schema's faults would only repeat it.
  if (faults.empty()) {
    ValidateOptions options;
    options.file = file;
    ValidateFields(model, options, &faults);
    ValidateModel(model, options, &faults);
  }
  RETURN_IF_ERROR(FaultsToStatus(faults));
  return model;
}

std::string ImportedModelText(const Model& model) {
  std::string text =
      "# proto-file: proto/model.proto\n"
      "# proto-message: Model\n"
      "#\n";
  for (const Source& source : model.sources()) {
    absl::StrAppend(&text, Comment(source.citation()));
  }
  return absl::StrCat(text, "\n", PrintTextproto(model));
}

}  // namespace tokenjoule
