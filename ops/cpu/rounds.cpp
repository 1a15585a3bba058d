// Samples along rays in rounds: see rounds.py. A ray's samples stand together in the march, in a round and in the end,
// so each of them is a piece that is copied from one to the other.
#include <cstring>

#include "kernels.h"
#include "pool.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int64_t kRays = 256;  // of a task

// piece(i, row, count, sample): of the i-th ray of a round the samples from `row` of the round on are those from
// `sample` on of all.
template <typename Piece>
void over_rays(const RoundOfRays& round, const int64_t* offsets, const Piece& piece) {
  share_ranges(round.rays, kRays, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i)
      piece(i, round.ends[i], round.ends[i + 1] - round.ends[i], offsets[round.ray[i]] + round.before[i]);
  });
}

}  // namespace

int64_t next_round_find(const float* depth, const int64_t* asked, const int64_t* offsets, int64_t rays, int64_t most,
                        float opaque, int64_t* ray, int64_t* before, int64_t* ends) {
  int64_t found = 0;
  ends[0] = 0;
  for (int64_t i = 0; i < rays; ++i) {
    const int64_t left = offsets[i + 1] - offsets[i] - asked[i];
    if (left <= 0 || !(depth[i] < opaque)) continue;
    ray[found] = i, before[found] = asked[i];
    ends[found + 1] = ends[found] + (left < most ? left : most);
    ++found;
  }
  return found;
}

void next_round_fill(const RoundOfRays& round, const float* all_t, const float* all_dt, const int64_t* offsets, float* t,
                     float* dt, int64_t* ray_of_sample) {
  over_rays(round, offsets, [&](int64_t i, int64_t row, int64_t count, int64_t sample) {
    std::memcpy(t + row, all_t + sample, count * sizeof(float));
    std::memcpy(dt + row, all_dt + sample, count * sizeof(float));
    for (int64_t k = 0; k < count; ++k) ray_of_sample[row + k] = round.ray[i];
  });
}

void pass_round(const RoundOfRays& round, const float* density, const float* dt, float* depth, int64_t* asked) {
  share_ranges(round.rays, kRays, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      float sum = 0;
      for (int64_t k = round.ends[i]; k < round.ends[i + 1]; ++k) sum += density[k] * dt[k];
      depth[round.ray[i]] += sum;
      asked[round.ray[i]] += round.ends[i + 1] - round.ends[i];
    }
  });
}

void first_samples(const float* all_t, const float* all_dt, const int64_t* offsets, const int64_t* ends, int64_t rays,
                   float* t, float* dt, int64_t* ray) {
  share_ranges(rays, kRays, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t count = ends[i + 1] - ends[i];
      std::memcpy(t + ends[i], all_t + offsets[i], count * sizeof(float));
      std::memcpy(dt + ends[i], all_dt + offsets[i], count * sizeof(float));
      for (int64_t k = ends[i]; k < ends[i + 1]; ++k) ray[k] = i;
    }
  });
}

void put_round(const RoundOfRays& round, const float* values, int64_t channels, const int64_t* offsets, float* ordered) {
  over_rays(round, offsets, [&](int64_t, int64_t row, int64_t count, int64_t sample) {
    std::memcpy(ordered + sample * channels, values + row * channels, count * channels * sizeof(float));
  });
}

void take_round(const RoundOfRays& round, const float* ordered, int64_t channels, const int64_t* offsets,
                float* values) {
  over_rays(round, offsets, [&](int64_t, int64_t row, int64_t count, int64_t sample) {
    std::memcpy(values + row * channels, ordered + sample * channels, count * channels * sizeof(float));
  });
}

}  // namespace OMNIFIELD_ISA
