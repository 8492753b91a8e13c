#include "analyzer/import/import_hf.h"

#include <cstddef>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/validate.h"
#include "analyzer/import/hf_families.h"
#include "analyzer/import/hf_formats.h"
#include "analyzer/import/json_reader.h"
#include "analyzer/import/layer_stack.h"
#include "proto/constant.pb.h"

namespace tokenjoule {
namespace {

// The decoder of a configuration: its family and the object with its fields.
struct DecoderObject {
  const HfFamily* family = nullptr;
  JsonReader config;
};

// The object at a path of names with dots, or nothing if it is absent.
absl::optional<JsonReader> ObjectAt(JsonReader reader, absl::string_view path) {
  for (const absl::string_view name : absl::StrSplit(path, '.')) {
    if (!reader.IsObject(name)) return absl::nullopt;
    reader = reader.Object(name);
  }
  return reader;
}

// The model_type of an object, which a class of the library may have renamed;
// `otherwise` if it does not say.
std::string TypeOf(const JsonReader& object, absl::string_view otherwise) {
  return object.Has("model_type") ? object.String("model_type")
                                  : std::string(otherwise);
}

void AddUnknownType(const JsonReader& object, absl::string_view type) {
  object.AddFault(
      "model_type",
      // No nearest name: "gemma4" read as "gemma" would be a wrong model.
      absl::StrCat("unknown model_type \"", Printable(type), "\" (supported: ",
                   absl::StrJoin(HfModelTypes(), ", "), ")"));
}

// Finds the decoder; without a family and with a fault if there is none that is
// known.
DecoderObject FindDecoder(const JsonReader& root) {
  const std::string type = root.String("model_type");
  if (const HfFamily* family = FindHfFamily(type)) return {family, root};
  const HfWrapper* wrapper = FindHfWrapper(type);
  if (wrapper != nullptr) {
    const absl::optional<JsonReader> text = ObjectAt(root, wrapper->text_path);
    if (!text.has_value()) {
      const std::vector<std::string> path =
          absl::StrSplit(wrapper->text_path, '.');
      if (root.Has(path[0])) {
        // Object() records what it finds instead of an object.
        JsonReader inner = root;
        for (const std::string& name : path) inner = inner.Object(name);
        return {nullptr, inner};
      }
      // Older files have the decoder's fields at the top level.
      return {FindHfFamily(wrapper->text_type), root};
    }
    const std::string inner = TypeOf(*text, wrapper->text_type);
    const HfFamily* family = FindHfFamily(inner);
    if (family == nullptr) AddUnknownType(*text, inner);
    return {family, *text};
  }
  // A wrapper that is not known around a decoder that is.
  for (const char* path : {"text_config", "llm_config", "language_config",
                           "thinker_config.text_config"}) {
    const absl::optional<JsonReader> text = ObjectAt(root, path);
    if (!text.has_value()) continue;
    const std::string inner = TypeOf(*text, "");
    if (const HfFamily* family = FindHfFamily(inner)) {
      root.AddNote(absl::StrCat("The model_type \"", Printable(type),
                                "\" is not known; the decoder in ", path, " (",
                                inner, ") is read as its own."));
      return {family, *text};
    }
    if (!inner.empty()) {
      AddUnknownType(*text, inner);
      return {nullptr, *text};
    }
  }
  // String() has already recorded the fault if the field is missing.
  if (root.IsString("model_type", type)) AddUnknownType(root, type);
  return {nullptr, root};
}

// Fields that change which matrices or caches there are: unread, they would
// make a wrong model.
bool ChangesStructure(absl::string_view name) {
  for (const absl::string_view field : {"index_topk",
                                        "index_n_heads",
                                        "index_head_dim",
                                        "moe_latent_size",
                                        "routed_expert_hidden_size",
                                        "linear_attn_config",
                                        "block_configs",
                                        "sparse_attention_config",
                                        "num_kv_shared_layers",
                                        "compress_ratios",
                                        "hidden_size_per_layer_input",
                                        "altup_num_inputs",
                                        "laurel_rank",
                                        "zero_expert_num",
                                        "share_q_dim",
                                        "linear_num_value_heads",
                                        "mamba_d_state",
                                        "ssm_state_size",
                                        "attn_res_block_size",
                                        "attn_type_list",
                                        "hybrid_layer_pattern",
                                        "hybrid_override_pattern",
                                        "layers_block_type",
                                        "kda_layers",
                                        "word_embed_proj_dim"}) {
    if (name == field) return true;
  }
  return false;
}

// Whether a name looks like that of a size.
bool LooksLikeSize(absl::string_view name) {
  // These say nothing of the decoder's matrices, or repeat other fields.
  for (const absl::string_view harmless : {"num_labels",
                                           "num_return_sequences",
                                           "num_beams",
                                           "num_beam_groups",
                                           "num_logits_to_keep",
                                           "moe_group_size",
                                           "chunk_size",
                                           "mamba_chunk_size",
                                           "group_norm_size",
                                           "ep_size",
                                           "pretraining_tp",
                                           "chunk_size_feed_forward",
                                           "no_repeat_ngram_size",
                                           "encoder_no_repeat_ngram_size",
                                           "num_expert_group",
                                           "hadamard_size",
                                           "type_vocab_size",
                                           "rotary_dim",
                                           "num_ln_in_parallel_attn",
                                           "qk_head_dim",
                                           "block_mlp_init_scale",
                                           "rope_head_dim"}) {
    if (name == harmless) return false;
  }
  return absl::EndsWith(name, "_size") || absl::StartsWith(name, "num_") ||
         absl::EndsWith(name, "_dim") || absl::StartsWith(name, "index_") ||
         absl::StrContains(name, "latent") || absl::StrContains(name, "expert");
}

// Says which fields with names of sizes were not read, and refuses those that
// change the structure.
void CheckUnread(const JsonReader& config) {
  std::vector<std::string> sizes;
  for (const std::string& name : config.Unasked()) {
    if (ChangesStructure(name)) {
      if (config.IsSize(name) || config.IsList(name) || config.IsObject(name)) {
        config.AddFault(name,
                        "is not a field of this model_type, and would change "
                        "which matrices or caches there are; expected the "
                        "model_type that has it");
      }
    } else if (LooksLikeSize(name) && config.IsSize(name)) {
      sizes.push_back(Printable(name));
    }
  }
  if (sizes.empty()) return;
  config.AddNote(
      absl::StrCat("Fields with names of sizes that import does not read: ",
                   absl::StrJoin(sizes, ", "), "."));
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
         {"ForCausalLM", "LMHeadModel", "ForConditionalGeneration",
          // The classes of ChatGLM and InternVL have a head.
          "ChatGLMModel", "ChatModel"}) {
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
  // LFM2 has the second spelling.
  for (const char* name : {"tie_word_embeddings", "tie_embedding"}) {
    for (const JsonReader* reader : {&config, &root}) {
      if (reader->Has(name)) return reader->BoolOr(name, otherwise);
    }
  }
  return root.BoolOr("tie_word_embeddings", otherwise);
}

// Modules for drafts, by whichever name the family has.
void ReadMtpModules(const JsonReader& config, Model* model) {
  for (const char* name :
       {"num_nextn_predict_layers", "mtp_num_hidden_layers"}) {
    if (!config.Has(name)) continue;
    model->set_mtp_modules(config.Int(name, {0, 64}));
    return;
  }
}

std::string DefaultName(const JsonReader& root, absl::string_view file) {
  std::string name;
  if (root.Has("_name_or_path")) {
    name = CatalogueNameOf(LastPartOfPath(root.String("_name_or_path")));
  }
  const size_t slash = file.rfind('/');
  if (name.empty() && slash != absl::string_view::npos) {
    name = CatalogueNameOf(LastPartOfPath(file.substr(0, slash)));
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

// Reads everything; the model is meaningful only if the log has no faults.
Model ReadModel(const DecoderObject& decoder, const HfFiles& files,
                absl::string_view name, absl::string_view date,
                const JsonReader* sidecar, JsonDocument* document) {
  const JsonReader root = document->Root();
  const JsonReader& config = decoder.config;
  RequireCausalModel(root);
  Model model;
  model.set_name(name.empty() ? DefaultName(root, files.path)
                              : std::string(name));
  LayerStack stack;
  decoder.family->import(config, &model, &stack);
  model.set_tied_embeddings(
      ReadTied(root, config, decoder.family->tied_by_default));
  ReadMtpModules(config, &model);
  if (document->log().faults.empty()) {
    ReadHfFormats(root, config, sidecar, &stack, &model);
  }
  stack.WriteTo(&model);
  // Reading that stopped at a fault has not asked for all of its fields.
  if (document->log().faults.empty()) CheckUnread(config);
  model.set_description(absl::StrCat(
      "Imported Hugging Face configuration of "
      "type ",
      root.String("model_type"), ", ", TotalLayers(model), " layers"));
  AddSource(root, document->log(), date, &model);
  return model;
}

}  // namespace

absl::StatusOr<ImportedModel> ImportHuggingFace(const HfFiles& files,
                                                absl::string_view name,
                                                absl::string_view date) {
  JsonDocument document(files.config, files.path);
  RETURN_IF_ERROR(FaultsToStatus(document.log().faults));
  const DecoderObject decoder = FindDecoder(document.Root());
  if (decoder.family == nullptr) {
    return FaultsToStatus(document.log().faults);
  }
  JsonDocument sidecar(files.quantization.empty() ? "{}" : files.quantization,
                       files.quantization_path);
  RETURN_IF_ERROR(FaultsToStatus(sidecar.log().faults));
  const JsonReader quantization = sidecar.Root();
  ImportedModel imported;
  imported.model = ReadModel(
      decoder, files, name, date,
      files.quantization.empty() ? nullptr : &quantization, &document);
  std::vector<Fault> faults = document.log().faults;
  faults.insert(faults.end(), sidecar.log().faults.begin(),
                sidecar.log().faults.end());
  // If a field was invalid, the schema's faults would only repeat it.
  if (faults.empty()) {
    ValidateOptions options;
    options.file = files.path;
    ValidateFields(imported.model, options, &faults);
    ValidateModel(imported.model, options, &faults);
  }
  RETURN_IF_ERROR(FaultsToStatus(faults));
  imported.notes = document.log().notes;
  imported.notes.insert(imported.notes.end(), sidecar.log().notes.begin(),
                        sidecar.log().notes.end());
  return imported;
}

}  // namespace tokenjoule
