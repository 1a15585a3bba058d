// Compositing along packed rays: see composite.py for the equations. One thread owns a ray: nothing is shared.
#include "decay.h"
#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kTile = 256;        // samples whose exponentials are computed at once, across rays
constexpr int64_t kRays = 64;     // rays of a task
constexpr int64_t kPiece = 4096;  // rows of a task
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

// The samples of one ray and their channels, or those of the gradients of both.
template <typename Value, typename Weight>
struct Ray {
  Value* values;
  Weight* weights;
  int64_t count;
  int channels;
};

// Calls `piece` for the widest pieces of the channels that fit into one register: piece<N>(first channel).
template <typename Piece>
inline void in_pieces(int channels, const Piece& piece) {
  int c = 0;
  for (; c + kWidth <= channels; c += kWidth) piece.template operator()<kWidth>(c);
  for (; c + 4 <= channels; c += 4) piece.template operator()<4>(c);
  for (; c < channels; ++c) piece.template operator()<1>(c);
}

template <int N>
inline void sum_channels(const Ray<const float, const float>& ray, int c, float* sum) {
  Vector<N> total{};
  for (int64_t i = 0; i < ray.count; ++i)
    total += ray.weights[i] * load<N>(ray.values + i * ray.channels + c);
  store<N>(sum + c, total);
}

template <int N>
inline void spread_gradient(const Ray<float, const float>& ray, int c, const float* grad_sum) {
  const Vector<N> grad = load<N>(grad_sum + c);
  for (int64_t i = 0; i < ray.count; ++i) store<N>(ray.values + i * ray.channels + c, ray.weights[i] * grad);
}

template <int N>
inline void project_gradient(const Ray<const float, float>& ray, int c, const float* grad_sum) {
  float grad[N];
  std::memcpy(grad, grad_sum + c, sizeof grad);
  for (int64_t i = 0; i < ray.count; ++i) {
    const float* value = ray.values + i * ray.channels + c;
    float sum = c ? ray.weights[i] : 0;
#pragma omp simd reduction(+ : sum)
    for (int lane = 0; lane < N; ++lane) sum += value[lane] * grad[lane];
    ray.weights[i] = sum;
  }
}

// The rows of the visible samples and their weights; of each ray `ends` has how many there are, and then where they begin.
void list_visible(const float* weights, const int64_t* offsets, int64_t rays, float visible, const VisibleRows& found) {
  found.ends[0] = 0;
  for (int64_t ray = 0; ray < rays; ++ray) found.ends[ray + 1] += found.ends[ray];
  share_ranges(rays, kRays, [&](int64_t first, int64_t last) {
    for (int64_t ray = first; ray < last; ++ray) {
      int64_t to = found.ends[ray];
      for (int64_t i = offsets[ray]; to < found.ends[ray + 1]; ++i)
        if (weights[i] > visible) found.rows[to] = i, found.weight_of_row[to++] = weights[i];
    }
  });
}

}  // namespace

void ray_weights_forward(const float* density, const float* dt, const int64_t* offsets, int64_t rays, float stop,
                         float* weights, float* after) {
  share_ranges(rays, kRays, [&](int64_t first, int64_t last) {
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
  });
}

void pass_through(const PassThrough& p, const int64_t* offsets, int64_t rays) {
  share_ranges(rays, kRays, [&](int64_t first, int64_t last) {
    Tile tile;
    for (int64_t ray = first; ray < last; ++ray) {
      const int64_t end = offsets[ray + 1];
      int64_t i = offsets[ray], visible = 0;
      float light = p.light[ray], sum = 0, distance = 0, seen = 0;
      for (; i < end && !(light < p.stop); ++i) {
        if (i >= tile.end) tile.fill(p.density, p.dt, i, least(i + kTile, offsets[last]));
        const float weight = light * tile.taken[i - tile.begin];
        p.weight[i] = weight;
        sum += weight, distance += weight * p.t[i];
        if (weight > p.visible) seen += weight, ++visible;
        light *= tile.left[i - tile.begin];
      }
      for (; i < end; ++i) p.weight[i] = 0;
      p.light[ray] = light, p.ends[ray + 1] = visible;
      p.sums[3 * ray] = sum, p.sums[3 * ray + 1] = distance, p.sums[3 * ray + 2] = seen;
    }
  });
  list_visible(p.weight, offsets, rays, p.visible, {p.ends, p.rows, p.weight_of_row});
}

void find_visible(const float* weights, const float* t, const int64_t* offsets, int64_t rays, float visible, float* sums,
                  const VisibleRows& found) {
  share_ranges(rays, kRays, [&](int64_t first, int64_t last) {
    for (int64_t ray = first; ray < last; ++ray) {
      float sum = 0, distance = 0, seen = 0;
      int64_t count = 0;
      for (int64_t i = offsets[ray]; i < offsets[ray + 1]; ++i) {
        sum += weights[i], distance += weights[i] * t[i];
        if (weights[i] > visible) seen += weights[i], ++count;
      }
      sums[3 * ray] = sum, sums[3 * ray + 1] = distance, sums[3 * ray + 2] = seen;
      found.ends[ray + 1] = count;
    }
  });
  list_visible(weights, offsets, rays, visible, found);
}

// As ray_weights_backward; what reaches a weight comes from the sums of its ray too, and as one of the visible ones.
void visible_weights_backward(const VisibleGradients& g, const float* t, const float* dt, const int64_t* offsets,
                              int64_t rays, const float* weights, const float* after, float* grad_density) {
  share_ranges(rays, kRays, [&](int64_t first, int64_t last) {
    for (int64_t ray = first; ray < last; ++ray) {
      const float none[3] = {}, *sums = g.sums ? g.sums + 3 * ray : none;
      int64_t i = offsets[ray + 1] - 1, row = g.ends[ray + 1] - 1;
      for (; i >= offsets[ray] && after[i] == kStopped; --i) grad_density[i] = 0;
      float behind = 0;
      for (; i >= offsets[ray]; --i) {
        float grad = sums[0] + sums[1] * t[i] + (g.weights ? g.weights[i] : 0);
        if (row >= g.ends[ray] && g.rows[row] == i) grad += sums[2] + (g.of_row ? g.of_row[row] : 0), --row;
        grad_density[i] = dt[i] * (after[i] * grad - behind);
        behind += weights[i] * grad;
      }
    }
  });
}

// From the far end: what lies behind a sample is summed, not subtracted, so nothing cancels.
void ray_weights_backward(const float* dt, const int64_t* offsets, int64_t rays, const float* weights,
                          const float* after, const float* grad_weights, float* grad_density) {
  share_ranges(rays, kRays, [&](int64_t first, int64_t last) {
    for (int64_t ray = first; ray < last; ++ray) {
      int64_t i = offsets[ray + 1] - 1;
      for (; i >= offsets[ray] && after[i] == kStopped; --i) grad_density[i] = 0;
      float behind = 0;
      for (; i >= offsets[ray]; --i) {
        grad_density[i] = dt[i] * (after[i] * grad_weights[i] - behind);
        behind += weights[i] * grad_weights[i];
      }
    }
  });
}

void accumulate_forward(const float* values, const float* weights, const int64_t* offsets, int64_t rays, int channels,
                        float* sums) {
  share_ranges(rays, kRays, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const int64_t at = offsets[r];
      const Ray<const float, const float> ray{values + at * channels, weights + at, offsets[r + 1] - at, channels};
      in_pieces(channels, [&]<int N>(int c) { sum_channels<N>(ray, c, sums + r * channels); });
    }
  });
}

void accumulate_backward_values(const float* weights, const int64_t* offsets, int64_t rays, int channels,
                                const float* grad_sums, float* grad_values) {
  share_ranges(rays, kRays, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const int64_t at = offsets[r];
      const Ray<float, const float> ray{grad_values + at * channels, weights + at, offsets[r + 1] - at, channels};
      in_pieces(channels, [&]<int N>(int c) { spread_gradient<N>(ray, c, grad_sums + r * channels); });
    }
  });
}

void accumulate_backward_weights(const float* values, const int64_t* offsets, int64_t rays, int channels,
                                 const float* grad_sums, float* grad_weights) {
  share_ranges(rays, kRays, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const int64_t at = offsets[r];
      const Ray<const float, float> ray{values + at * channels, grad_weights + at, offsets[r + 1] - at, channels};
      in_pieces(channels, [&]<int N>(int c) { project_gradient<N>(ray, c, grad_sums + r * channels); });
    }
  });
}

void take_rows_forward(const float* values, int64_t channels, const int64_t* rows, int64_t m, float* taken) {
  if (channels == 1) {  // a call of memcpy for every number would take longer than all else
    share_ranges(m, kPiece, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) taken[i] = values[rows[i]];
    });
    return;
  }
  const size_t bytes = channels * sizeof(float);
  share_ranges(m, kPiece, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) std::memcpy(taken + i * channels, values + rows[i] * channels, bytes);
  });
}

// Every piece of the result is written once, front to back: the zeros before a taken row, then the row.
void take_rows_backward(const float* grad_taken, int64_t channels, const int64_t* rows, int64_t m, int64_t n,
                        float* grad_values) {
  share_ranges(m + 1, kPiece, [&](int64_t first, int64_t last) {
    int64_t at = first ? rows[first - 1] + 1 : 0;
    for (int64_t i = first; i < last; ++i) {
      const int64_t row = i < m ? rows[i] : n;
      std::memset(grad_values + at * channels, 0, (row - at) * channels * sizeof(float));
      if (i < m) std::memcpy(grad_values + row * channels, grad_taken + i * channels, channels * sizeof(float));
      at = row + 1;
    }
  });
}

}  // namespace OMNIFIELD_ISA
