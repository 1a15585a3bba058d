// Compositing along packed rays: see composite.py for the equations. One thread owns a ray: nothing is shared.
#include "decay.h"
#include "kernels.h"
#include "simd.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kTile = 256;        // samples whose exponentials are computed at once, across rays
constexpr int64_t kRays = 64;     // rays a thread takes at a time
constexpr float kStopped = -1.f;  // stands for "behind the end of the ray" where a transmittance is saved

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

struct Tile {
  int64_t begin = 0, end = 0;
  alignas(64) float left[kTile], taken[kTile];
  void fill(const float* density, const float* dt, int64_t from, int64_t to) {
    begin = from, end = to;
    for (int64_t i = from; i < to; ++i) {
      const Decay light = decay(density[i] * dt[i]);
      left[i - from] = light.left, taken[i - from] = light.taken;
    }
  }
};

// Sum of one ray. With the channels known when compiled, the sums stay in registers.
template <int C>
inline void accumulate_ray(const float* values, const float* weights, int64_t begin, int64_t end, float* sum) {
  float sums[C] = {};
  for (int64_t i = begin; i < end; ++i)
    for (int c = 0; c < C; ++c) sums[c] += weights[i] * values[i * C + c];
  std::memcpy(sum, sums, sizeof sums);
}

inline void accumulate_ray(const float* values, const float* weights, int64_t begin, int64_t end, int channels,
                           float* sum) {
  for (int c = 0; c < channels; ++c) sum[c] = 0;
  for (int64_t i = begin; i < end; ++i)
    for (int c = 0; c < channels; ++c) sum[c] += weights[i] * values[i * channels + c];
}

}  // namespace

void ray_weights_forward(const float* density, const float* dt, const int64_t* offsets, int64_t rays, float stop,
                         float* weights, float* after) {
#pragma omp parallel for schedule(dynamic)
  for (int64_t first = 0; first < rays; first += kRays) {
    const int64_t last = least(first + kRays, rays);
    Tile tile;
    for (int64_t ray = first; ray < last; ++ray) {
      const int64_t end = offsets[ray + 1];
      int64_t i = offsets[ray];
      float transmittance = 1;
      while (i < end && !(transmittance < stop)) {
        if (i >= tile.end) tile.fill(density, dt, i, least(i + kTile, offsets[last]));
        for (const int64_t until = least(end, tile.end); i < until && !(transmittance < stop); ++i) {
          weights[i] = transmittance * tile.taken[i - tile.begin];
          after[i] = transmittance *= tile.left[i - tile.begin];
        }
      }
      for (; i < end; ++i) weights[i] = 0, after[i] = kStopped;
    }
  }
}

// From the far end: what lies behind a sample is summed, not subtracted, so nothing cancels.
void ray_weights_backward(const float* dt, const int64_t* offsets, int64_t rays, const float* weights,
                          const float* after, const float* grad_weights, float* grad_density) {
#pragma omp parallel for schedule(dynamic, kRays)
  for (int64_t ray = 0; ray < rays; ++ray) {
    int64_t i = offsets[ray + 1] - 1;
    for (; i >= offsets[ray] && after[i] == kStopped; --i) grad_density[i] = 0;
    float behind = 0;
    for (; i >= offsets[ray]; --i) {
      grad_density[i] = dt[i] * (after[i] * grad_weights[i] - behind);
      behind += weights[i] * grad_weights[i];
    }
  }
}

void accumulate_forward(const float* values, const float* weights, const int64_t* offsets, int64_t rays, int channels,
                        float* sums) {
#pragma omp parallel for schedule(dynamic, kRays)
  for (int64_t ray = 0; ray < rays; ++ray) {
    const int64_t begin = offsets[ray], end = offsets[ray + 1];
    float* sum = sums + ray * channels;
    switch (channels) {
      case 1: accumulate_ray<1>(values, weights, begin, end, sum); break;
      case 3: accumulate_ray<3>(values, weights, begin, end, sum); break;
      case 4: accumulate_ray<4>(values, weights, begin, end, sum); break;
      case 16: accumulate_ray<16>(values, weights, begin, end, sum); break;
      default: accumulate_ray(values, weights, begin, end, channels, sum);
    }
  }
}

void accumulate_backward_values(const float* weights, const int64_t* offsets, int64_t rays, int channels,
                                const float* grad_sums, float* grad_values) {
#pragma omp parallel for schedule(dynamic, kRays)
  for (int64_t ray = 0; ray < rays; ++ray) {
    const float* grad = grad_sums + ray * channels;
    for (int64_t i = offsets[ray]; i < offsets[ray + 1]; ++i)
      for (int c = 0; c < channels; ++c) grad_values[i * channels + c] = weights[i] * grad[c];
  }
}

void accumulate_backward_weights(const float* values, const int64_t* offsets, int64_t rays, int channels,
                                 const float* grad_sums, float* grad_weights) {
#pragma omp parallel for schedule(dynamic, kRays)
  for (int64_t ray = 0; ray < rays; ++ray) {
    const float* grad = grad_sums + ray * channels;
    for (int64_t i = offsets[ray]; i < offsets[ray + 1]; ++i) {
      float sum = 0;
      for (int c = 0; c < channels; ++c) sum += values[i * channels + c] * grad[c];
      grad_weights[i] = sum;
    }
  }
}

void take_rows_forward(const float* values, int64_t channels, const int64_t* rows, int64_t m, float* taken) {
  const size_t bytes = channels * sizeof(float);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < m; ++i) std::memcpy(taken + i * channels, values + rows[i] * channels, bytes);
}

// Every piece of the result is written once, front to back: the zeros before a taken row, then the row.
void take_rows_backward(const float* grad_taken, int64_t channels, const int64_t* rows, int64_t m, int64_t n,
                        float* grad_values) {
  constexpr int64_t kPiece = 1024;
#pragma omp parallel for schedule(static)
  for (int64_t first = 0; first < m + 1; first += kPiece) {
    const int64_t last = least(first + kPiece, m + 1);
    int64_t at = first ? rows[first - 1] + 1 : 0;
    for (int64_t i = first; i < last; ++i) {
      const int64_t row = i < m ? rows[i] : n;
      std::memset(grad_values + at * channels, 0, (row - at) * channels * sizeof(float));
      if (i < m) std::memcpy(grad_values + row * channels, grad_taken + i * channels, channels * sizeof(float));
      at = row + 1;
    }
  }
}

}  // namespace OMNIFIELD_ISA
