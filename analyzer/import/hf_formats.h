// Number formats of a Hugging Face checkpoint.

#ifndef ANALYZER_IMPORT_HF_FORMATS_H_
#define ANALYZER_IMPORT_HF_FORMATS_H_

#include "analyzer/import/json_reader.h"
#include "analyzer/import/layer_stack.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// Fills in `model->formats` from `dtype` or `torch_dtype` and from
// `quantization_config`, which are in `config` (the decoder's object) or in
// `root` (the top-level object). The model's blocks must already be set,
// because they determine the use of each format; `formats.state` may be set to
// the family's default, which the configuration overrides. A quantisation that
// the schema cannot express, such as one that skips some MLPs, is a fault: a
// model read as bf16 could be four times as large as the checkpoint.
void ReadHfFormats(const JsonReader& root, const JsonReader& config,
                   const JsonReader* sidecar, LayerStack* stack, Model* model);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_FORMATS_H_
