// The rules of each quantisation method: from a method's dictionary to the
// format of each module. hf_quantization.h finds the dictionary and its method.

#ifndef ANALYZER_IMPORT_HF_METHODS_H_
#define ANALYZER_IMPORT_HF_METHODS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/import/hf_modules.h"
#include "analyzer/import/json_reader.h"

namespace tokenjoule {

// Advice for a quantisation that cannot be imported.
inline constexpr char kQuantisationAdvice[] =
    "; without it the import has the unquantised formats, and --weights says "
    "how the matrices are stored";

// What a dictionary says.
struct Rules {
  // Returns an empty name for modules that are kept. Absent if nothing is
  // stored quantised, and after faults.
  std::function<std::string(const HfModule&)> format_of;
  // All names of modules in it, in one text.
  std::string mentions;
  // Modules are named as in MLX.
  bool mlx = false;
  // Format of the KV cache; empty if the dictionary does not say it.
  std::string kv;
};

// Each function reads the dictionary of one method, or of a few that differ in
// little. Faults and notes go to the reader's log.

// fp8 by tensor or block; `has_8bit_scales` if the scales of blocks are e8m0.
Rules ReadFp8(const JsonReader& reader, bool has_8bit_scales);
// Meta's fp8 with a scale per channel.
Rules ReadFbgemm(const JsonReader& reader);
// gpt-oss: all experts, whatever the dictionary says.
Rules ReadMxfp4();
Rules ReadGptq(const JsonReader& reader);
Rules ReadAwq(const JsonReader& reader);
// Layouts of servers for symmetric integers; `bits_field` is optional.
Rules ReadSymmetric(const JsonReader& reader, absl::string_view bits_field);
Rules ReadAutoRound(const JsonReader& reader);
// `sparsity_holder` is an object around the dictionary that may hold its
// sparsity_config.
Rules ReadCompressedTensors(const JsonReader& reader,
                            const JsonReader& sparsity_holder);
Rules ReadModelopt(const JsonReader& reader);
Rules ReadQuark(const JsonReader& reader);
Rules ReadBitsAndBytes(const JsonReader& reader);
Rules ReadMlx(const JsonReader& reader);
Rules ReadTorchao(const JsonReader& reader);
Rules ReadHqq(const JsonReader& reader);
// EXL2 and EXL3; `sidecar`, which may be nullptr, may have the table of
// tensors.
Rules ReadExl(const JsonReader& reader, const JsonReader* sidecar);
Rules ReadAqlm(const JsonReader& reader);
Rules ReadVptq(const JsonReader& reader);
Rules ReadBitnet(const JsonReader& reader);
Rules ReadQuanto(const JsonReader& reader);
Rules ReadHiggs(const JsonReader& reader);
Rules ReadFpQuant(const JsonReader& reader);
Rules ReadEetq(const JsonReader& reader);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_METHODS_H_
