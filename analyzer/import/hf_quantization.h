// How a Hugging Face checkpoint is quantised, module by module.
//
// Each quantisation method has its own dictionary and its own rules by which
// lists of names keep or change modules. The rules follow the libraries that
// write the checkpoints; where serving engines read a list differently, the
// import follows the writer and notes it.

#ifndef ANALYZER_IMPORT_HF_QUANTIZATION_H_
#define ANALYZER_IMPORT_HF_QUANTIZATION_H_

#include <functional>
#include <string>
#include <vector>

#include "analyzer/import/hf_modules.h"
#include "analyzer/import/json_reader.h"

namespace tokenjoule {

// A checkpoint's quantisation.
class HfQuantization {
 public:
  // Reads `quantization_config`, `quantization` or `compression_config` in
  // `config` (the decoder's object) or in `root` (the top-level object), else
  // the object of a file beside config.json: hf_quant_config.json,
  // quantize_config.json, quant_config.json or quantization_config.json, which
  // may be nullptr. Faults, such as unknown methods and storage whose bits
  // cannot be known, go to the readers' logs, as do notes on what is assumed.
  HfQuantization(const JsonReader& root, const JsonReader& config,
                 const JsonReader* sidecar);

  // Whether there is a dictionary.
  bool is_found() const { return is_found_; }
  // The dictionary's name in faults, as "quantization_config".
  const std::string& field() const { return field_; }
  // Whether the dictionary could be read and stores modules quantised.
  bool is_applied() const { return format_of_ != nullptr; }
  // How lists name modules.
  const HfNaming& naming() const { return naming_; }
  // Whether single experts are named, so that they may differ.
  bool names_experts() const { return names_experts_; }
  // Format of the KV cache; empty if the checkpoint does not say it.
  const std::string& kv() const { return kv_; }

  // The format in which a module is stored; empty if it is not quantised.
  std::string FormatOf(const HfModule& module) const;

 private:
  bool is_found_ = false;
  bool names_experts_ = false;
  std::string field_;
  std::string kv_;
  HfNaming naming_;
  std::function<std::string(const HfModule&)> format_of_;
};

// Names of the supported methods, for messages.
std::vector<std::string> HfQuantizationMethods();

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_QUANTIZATION_H_
