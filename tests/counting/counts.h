// Counts of a config.json's decoder by code of its own: tensor by tensor, as
// the modelling code of each family allocates them. It shares nothing with the
// importer or the ledger, so that an error must be made twice to pass.

#ifndef TESTS_COUNTING_COUNTS_H_
#define TESTS_COUNTING_COUNTS_H_

#include <cstdint>

#include "nlohmann/json.hpp"

namespace tokenjoule {

// Elements of the text decoder with its embedding and its head, without vision
// and audio towers and without modules for drafts.
struct Counts {
  // A tied head counts once. Tensors that files hold but decoders do not use
  // are left out.
  int64_t parameters = 0;
  // Elements among them that no token uses: keys and values of layers that
  // share those of other layers, where the class allocates them all the same.
  int64_t unused = 0;
  // Elements that a token appends to the KV cache, over all layers.
  int64_t kv_elements_per_token = 0;
  // The same of index keys.
  int64_t index_elements_per_token = 0;
  // Elements of the recurrent state of a sequence, without convolutions.
  int64_t state_elements = 0;
  // Parameters that one token uses, with the whole embedding: of the routed
  // experts only those it visits.
  int64_t active = 0;
  // Score corrections in routers, which are among the parameters.
  int64_t routing_bias = 0;
  // Elements of one module for drafts and of a vision tower, where the counter
  // knows them. They are not among the parameters.
  int64_t mtp = 0;
  int64_t tower = 0;
};

// Counts of dense decoders, and of decoders with experts or recurrent layers.
// Throw std::exception if they do not know the model_type or a field is
// missing.
Counts CountDense(const nlohmann::json& config);
Counts CountOthers(const nlohmann::json& config);

}  // namespace tokenjoule

#endif  // TESTS_COUNTING_COUNTS_H_
