// Number formats of a Hugging Face checkpoint.

#ifndef ANALYZER_IMPORT_HF_FORMATS_H_
#define ANALYZER_IMPORT_HF_FORMATS_H_

#include "analyzer/import/json_reader.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// Fills in `model->formats` from `dtype` or `torch_dtype` and
// `quantization_config`, which stand in `config` (the decoder's object) or in
// `root` (the outermost one). The model's blocks are there already: they tell
// what a format is for. A quantisation that the schema cannot express, such as
// one that leaves some MLPs alone, is a fault: a model read as bf16 would be
// four times as large as the checkpoint.
void ReadHfFormats(const JsonReader& root, const JsonReader& config,
                   Model* model);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_FORMATS_H_
