// The ledger of a step that several machines share: which operators and which
// data each has, and what crosses the links between them. See build_ledger.h.

#ifndef ANALYZER_LEDGER_PLACED_H_
#define ANALYZER_LEDGER_PLACED_H_

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/description/offload.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/ledger/ledger_writer.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace ledger_internal {

// Calls `visit(number...)` for each number of one or more totals.
template <typename Visit, typename... T>
void ForEachTotal(Visit&& visit, T&... totals) {
  visit(totals.layers...);
  visit(totals.expert_layers...);
  visit(totals.recurrent_layers...);
  visit(totals.latent_layers...);
  for (int i = 0; i < static_cast<int>(Part::kNumParts); ++i) {
    visit(totals.weight_footprint[i]...);
  }
  visit(totals.sequence_footprint...);
  visit(totals.prefix_footprint...);
  visit(totals.state_per_sequence...);
}

// The totals of all machines so far.
template <typename N>
PlaceTotals<N> TotalsOf(const Ledger<N>& ledger) {
  return {ledger.layers,           ledger.expert_layers,
          ledger.recurrent_layers, ledger.latent_layers,
          ledger.weight_footprint, ledger.sequence_footprint,
          ledger.prefix_footprint, ledger.state_per_sequence};
}

// What is added to a ledger from the construction of this on, and where it
// goes.
template <typename N, typename Reader>
class Added {
 public:
  explicit Added(LedgerWriter<N, Reader>& c)
      : c_(c),
        first_(c.ledger->operators.size()),
        before_(TotalsOf(*c.ledger)) {}

  // Puts all of it on one machine.
  void PutOn(int place) {
    for (size_t i = first_; i < c_.ledger->operators.size(); ++i) {
      c_.ledger->operators[i].place = place;
    }
    PlaceTotals<N> added = TotalsOf(*c_.ledger);
    ForEachTotal([](auto& now, const auto& before) { now -= before; }, added,
                 before_);
    ForEachTotal([](auto& to, const auto& more) { to += more; },
                 c_.ledger->places[place], added);
    in_block_ = added;
  }

  // Moves routed experts from machine `place` to the host.
  void OffloadExperts(Offloaded how, int place, const N& layers) {
    const int host = c_.placement->host();
    Move(Part::kExperts, in_block_.weight_footprint[Index(Part::kExperts)],
         place, host);
    const size_t last = c_.ledger->operators.size();
    bool any = false;
    for (size_t i = first_; i < last; ++i) {
      if (At(i).part != Part::kExperts) continue;
      any = true;
      if (how == Offloaded::kComputed) {
        At(i).place = host;
        continue;
      }
      // The link copies the visited experts into the chip's memory, where they
      // are read.
      const Data<N> bytes = At(i).weight_read;
      const N count = At(i).count;
      At(i).weight_write = bytes;
      Operator<N>& fetch = Send(c_.NameOf("fetch.", At(i).name), count, bytes,
                                c_.placement->link());
      fetch.weight_read = bytes;
    }
    if (!any || how != Offloaded::kComputed) return;
    // Each layer sends its tokens to the host and gets their sums back.
    Send(c_.NameOf("experts.to_and_from_host"), layers * N(2.0),
         c_.Stream(c_.tokens.linear() * c_.d), c_.placement->link());
  }

  // Moves the KV cache from machine `place` to the host.
  void OffloadCache(Offloaded how, int place) {
    const int host = c_.placement->host();
    // State stays.
    const Data<N> cache =
        in_block_.sequence_footprint - in_block_.state_per_sequence;
    PlaceTotals<N>& from = c_.ledger->places[place];
    PlaceTotals<N>& to = c_.ledger->places[host];
    from.sequence_footprint -= cache;
    to.sequence_footprint += cache;
    from.prefix_footprint -= in_block_.prefix_footprint;
    to.prefix_footprint += in_block_.prefix_footprint;
    const size_t last = c_.ledger->operators.size();
    for (size_t i = first_; i < last; ++i) {
      if (At(i).product_kind != ProductKind::kAttention) continue;
      const N count = At(i).count;
      const std::string name = c_.NameOf(At(i).name);
      if (how == Offloaded::kFetched) {
        // The link brings the cache and takes the new vectors; the chip writes
        // the copy into its own memory, where it is read.
        const Data<N> read = At(i).kv_read, written = At(i).kv_write;
        At(i).kv_write = read + written;
        Operator<N>& fetch = Send(c_.NameOf("fetch.", name), count,
                                  read + written, c_.placement->link());
        fetch.kv_read = read;
        fetch.kv_write = written;
        continue;
      }
      At(i).place = host;
      // An up-projection inside the operator goes with it.
      if (c_.is_first_pass) {
        Move(At(i).part, At(i).weight_read * count, place, host);
      }
      const Data<N> in = At(i).activation_in, out = At(i).activation_out;
      Send(c_.NameOf(name, ".to_host"), count, in, c_.placement->link());
      Send(c_.NameOf(name, ".from_host"), count, out, c_.placement->link());
    }
  }

 private:
  static int Index(Part part) { return static_cast<int>(part); }
  Operator<N>& At(size_t i) { return c_.ledger->operators[i]; }

  void Move(Part part, const Data<N>& bytes, int from, int to) {
    c_.ledger->places[from].weight_footprint[Index(part)] -= bytes;
    c_.ledger->places[to].weight_footprint[Index(part)] += bytes;
  }

  Operator<N>& Send(const std::string& name, const N& count,
                    const Data<N>& payload, int place) {
    return AddSend(c_, name, count, payload, place);
  }

  LedgerWriter<N, Reader>& c_;
  const size_t first_;
  const PlaceTotals<N> before_;
  PlaceTotals<N> in_block_;
};

// A message of `payload` bytes from one machine to another, over the network of
// machine `place`.
template <typename N, typename Reader>
Operator<N>& AddSend(LedgerWriter<N, Reader>& c, const std::string& name,
                     const N& count, const Data<N>& payload, int place) {
  Operator<N>& op = c.Add(name, Part::kNorms, count);
  op.collective = Collective::kSend;
  op.group = 2;
  op.payload = payload;
  op.place = place;
  return op;
}

// The messages between the machines of consecutive layers, and from the last
// stage of a pipeline back to the first. A message between a chip and its host
// crosses their link; one between stages the network of the stage that sends.
template <typename N, typename Reader>
void AddCrossings(LedgerWriter<N, Reader>& c) {
  const LayerPlacement& placement = *c.placement;
  const Data<N> stream = c.Stream(c.tokens.linear() * c.d);
  const auto cross = [&](int from, int to, const Data<N>& payload) {
    if (from == to) return;
    const bool over_link = placement.has_host &&
                           (from == placement.host() || to == placement.host());
    AddSend(c, c.NameOf("layers.send"), N(1.0), payload,
            over_link ? placement.link() : from);
  };
  int at = placement.embedding();
  for (const Segment& segment : placement.segments) {
    cross(at, segment.place, stream);
    at = segment.place;
  }
  cross(at, placement.head(), stream);
  if (placement.stages < 2 || placement.head() == placement.host()) return;
  // The first stage needs the sampled tokens, four bytes each.
  cross(placement.head(), 0, Bytes<N>(c.tokens.sampled() * N(4.0)));
}

}  // namespace ledger_internal
}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_PLACED_H_
