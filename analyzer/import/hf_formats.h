// Number formats of a Hugging Face checkpoint.

#ifndef ANALYZER_IMPORT_HF_FORMATS_H_
#define ANALYZER_IMPORT_HF_FORMATS_H_

#include "analyzer/import/json_reader.h"
#include "analyzer/import/layer_stack.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// Fills in `model->formats` from `dtype` or `torch_dtype` and from the
// quantisation (hf_quantization.h), which are in `config` (the decoder's
// object), in `root` (the top-level object) or, the quantisation only, in the
// object of a file beside config.json (`sidecar`, which may be nullptr).
//
// Every matrix of every layer is resolved by its name. The model has the
// formats of most elements of each class; layers in which a matrix has another
// format say so in their own `formats`. Matrices that differ within one field
// of a layer, as experts may, become a mix by elements.
//
// The stack must hold all layers and not be written to the model yet. d_model,
// vocab_size and tied_embeddings must be set, and `formats.state` may be set to
// the family's default, which the configuration overrides.
void ReadHfFormats(const JsonReader& root, const JsonReader& config,
                   const JsonReader* sidecar, LayerStack* stack, Model* model);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_HF_FORMATS_H_
