// Which samples touch which part of a table, found in one pass over them instead of one for every part.
#pragma once
#include "buffer.h"
#include "pool.h"

namespace OMNIFIELD_ISA {
namespace {

struct Touched {  // the parts `first` to `last`; none where last < first
  int16_t first, last;
};

// The numbers of each part's samples, in ascending order: sums along them are the same wherever the cuts are. There are
// `tables` that have `parts` each, and all samples are asked once for every table.
class Lists {
 public:
  // find(table, begin, end, touched): what each of these samples touches, with `touched` of sample `begin` in front.
  template <typename Find>
  [[gnu::always_inline]] Lists(int64_t n, int tables, int parts, const Find& find)
      : n_(n), tables_(tables), parts_(parts), pieces_((n + kPiece - 1) / kPiece), touched_(n * tables),
        begin_(tables * parts * pieces_ + 1) {
    share(tables * pieces_, [&](int64_t task) {
      const int64_t table = task / pieces_, piece = task % pieces_;
      const int64_t first = piece * kPiece, last = end_of(piece);
      find(int(table), first, last, touched_.data + table * n_ + first);
      int64_t counts[kMostParts] = {};
      visit(table, piece, [&](int64_t, int part) { ++counts[part]; });
      for (int part = 0; part < parts_; ++part) begin_of(table, part, piece) = counts[part];
    });
    int64_t total = 0;
    for (int64_t i = 0; i <= tables * parts * pieces_; ++i) {
      const int64_t here = begin_.data[i];
      begin_.data[i] = total;
      total += here;
    }
    samples_ = static_cast<int32_t*>(std::malloc((total + 1) * sizeof(int32_t)));
    share(tables * pieces_, [&](int64_t task) {
      const int64_t table = task / pieces_, piece = task % pieces_;
      int32_t* at[kMostParts];
      for (int part = 0; part < parts_; ++part) at[part] = samples_ + begin_of(table, part, piece);
      visit(table, piece, [&](int64_t sample, int part) { *at[part]++ = int32_t(sample); });
    });
  }
  ~Lists() { std::free(samples_); }
  Lists(const Lists&) = delete;

  const int32_t* of(int table, int part) const { return samples_ + begin_.data[first_of(table, part)]; }
  int64_t count(int table, int part) const {
    return begin_.data[first_of(table, part + 1)] - begin_.data[first_of(table, part)];
  }

  static constexpr int kMostParts = 64;

 private:
  static constexpr int64_t kPiece = 4096;

  int64_t end_of(int64_t piece) const { return (piece + 1) * kPiece < n_ ? (piece + 1) * kPiece : n_; }
  int64_t first_of(int64_t table, int64_t part) const { return (table * parts_ + part) * pieces_; }
  int64_t& begin_of(int64_t table, int64_t part, int64_t piece) { return begin_.data[first_of(table, part) + piece]; }

  template <typename Each>
  [[gnu::always_inline]] void visit(int64_t table, int64_t piece, const Each& each) const {
    const Touched* touched = touched_.data + table * n_;
    for (int64_t s = piece * kPiece, end = end_of(piece); s < end; ++s) {
      const Touched t = touched[s];
      if (t.last < t.first) continue;
      each(s, t.first);
      for (int part = t.first + 1; part <= t.last; ++part) each(s, part);  // rare
    }
  }

  int64_t n_;
  int tables_, parts_;
  int64_t pieces_;
  Buffer<Touched> touched_;
  Buffer<int64_t> begin_;  // of each table, part and piece: first how many samples there are, then where they begin
  int32_t* samples_;
};

}  // namespace
}  // namespace OMNIFIELD_ISA
