// Small MLPs, fused: a block of samples runs through all layers without leaving the cache.
// Backward recomputes the activations, which costs less than reading them from memory.
#include <cstring>

#include "buffer.h"
#include "decay.h"
#include "gemm.h"
#include "harmonics.h"
#include "kernels.h"
#include "pool.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kRows = 64;  // samples of a block
constexpr int64_t kPiece = 16 * kRows;  // samples of a task
constexpr int64_t kPart = 32 * kRows, kMostParts = 64;  // samples whose gradients are summed together, and how often at most

inline int padded(int64_t width) { return int((width + 15) / 16 * 16); }  // from row to row of a layer
inline int in_vectors(int64_t width) { return int((width + kWidth - 1) / kWidth * kWidth); }  // what is computed of a row
inline int even(int64_t width) { return int((width + 1) / 2 * 2); }

inline int before(const MlpInputs& inputs) { return inputs.directions ? kHarmonics : 0; }

// One row of the input. The harmonics are computed for each sample, forward and backward: 40 flops in the cache, where
// an array of them, one row for each, would be 64 bytes to write and to read.
inline void read_row(const MlpInputs& inputs, int64_t row, int64_t width, float* x) {
  if (inputs.directions) harmonics_of<4>(inputs.directions + 3 * row, x);
  const int first = before(inputs);
  std::memcpy(x + first, inputs.rows + row * inputs.stride, (width - first) * 4);
}

void sigmoid(float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] = 1.f / (1.f + decay(x[i]).left);
}

int64_t offset_of(const Mlp& net, int layer) {  // of a layer's padded matrix among all
  int64_t offset = 0;
  for (int l = 0; l < layer; ++l) offset += int64_t(padded(net.widths[l])) * padded(net.widths[l + 1]);
  return offset;
}

int64_t bias_of(const Mlp& net, int layer) {  // offset of a layer's padded biases, behind all matrices
  int64_t offset = offset_of(net, net.layers);
  for (int l = 0; l < layer; ++l) offset += padded(net.widths[l + 1]);
  return offset;
}

int64_t size_of(const Mlp& net) { return bias_of(net, net.layers); }

// Wᵀ of every layer, padded: rows of it are what the forward pass streams; and the biases.
void transpose_weights(const Mlp& net, float* transposed) {
  for (int l = 0; l < net.layers; ++l) {
    const int64_t in = net.widths[l], out = net.widths[l + 1];
    float* to = transposed + offset_of(net, l);
    for (int64_t o = 0; o < out; ++o)
      for (int64_t i = 0; i < in; ++i) to[i * padded(out) + o] = net.weights[l][o * in + i];
    if (net.biases) std::memcpy(transposed + bias_of(net, l), net.biases[l], out * 4);
  }
}

// W itself with padded rows, for the gradient of a layer's input.
void pad_weights(const Mlp& net, float* weights) {
  for (int l = 0; l < net.layers; ++l) {
    const int64_t in = net.widths[l], out = net.widths[l + 1];
    float* to = weights + offset_of(net, l);
    for (int64_t o = 0; o < out; ++o) std::memcpy(to + o * padded(in), net.weights[l] + o * in, in * 4);
  }
}

// Activations of one block, one after another: the input, every hidden layer, the output.
struct Block {
  Buffer<float> memory;
  float* layer[kMaxMlpLayers + 1];
  explicit Block(const Mlp& net) : memory(size(net)) {
    float* at = memory.data;
    for (int l = 0; l <= net.layers; ++l) layer[l] = at, at += kRows * padded(net.widths[l]);
  }
  static int64_t size(const Mlp& net) {
    int64_t size = 0;
    for (int l = 0; l <= net.layers; ++l) size += kRows * padded(net.widths[l]);
    return size;
  }
};

// The first `layers` of them: backward needs no output.
void run_forward(const Mlp& net, int layers, const float* transposed, Block& block) {
  for (int l = 0; l < layers; ++l) {
    const int in = padded(net.widths[l]), out = padded(net.widths[l + 1]), columns = in_vectors(net.widths[l + 1]);
    const Strided a{block.layer[l], in, 1};
    const float* weights = transposed + offset_of(net, l);
    const int depth = int(net.widths[l]);
    float* to = block.layer[l + 1];
    if (net.biases) {
      for (int r = 0; r < kRows; ++r) std::memcpy(to + r * out, transposed + bias_of(net, l), out * 4);
      gemm(a, weights, out, kRows, columns, depth, to, out, Accumulate{});
      if (l + 1 < net.layers)
        for (int i = 0; i < kRows * out; ++i) to[i] = to[i] < 0.f ? 0.f : to[i];  // NaN stays NaN
    } else if (l + 1 < net.layers) {
      gemm(a, weights, out, kRows, columns, depth, to, out, Relu{});
    } else {
      gemm(a, weights, out, kRows, columns, depth, to, out, Overwrite{});
    }
  }
}

constexpr float kLargestLogarithm = 15.f;  // of a density: MAX_LOG_DENSITY in density_mlp.py

void find_density(const float* outputs, int64_t width, int count, float side, float* density) {
  for (int r = 0; r < count; ++r) {
    const float logarithm = outputs[r * width];
    density[r] = decay(logarithm > kLargestLogarithm ? -kLargestLogarithm : -logarithm).left / side;
  }
}

bool all_zero(const float* row, int64_t width) {
  for (int64_t i = 0; i < width; ++i)
    if (row[i] != 0) return false;
  return true;
}

// What a part of the samples needs to run backward over blocks of the rows it has gathered.
struct Backward {
  const Mlp& net;
  const MlpInputs& inputs;
  const MlpGradients& given;
  const float *transposed, *weights;
  float* grad_inputs;  // null: not wanted
  float* grad_weights;  // padded, and the biases behind them
  Block activations, gradients;
  int64_t rows[kRows];
  int count = 0;

  Backward(const Mlp& net, const MlpInputs& inputs, const MlpGradients& given, const float* transposed,
           const float* weights, float* grad_inputs, float* grad_weights)
      : net(net), inputs(inputs), given(given), transposed(transposed), weights(weights),
        grad_inputs(grad_inputs), grad_weights(grad_weights), activations(net), gradients(net) {}

  // Rows without gradient (samples behind a surface) are left out: in a trained scene most of them.
  void add(int64_t row) {
    const int64_t out = net.widths[net.layers];
    if (all_zero(given.outputs + row * out, out) && !(given.density && given.of_density[row] != 0)) {
      const int64_t width = net.widths[0] - before(inputs);
      if (grad_inputs) std::memset(grad_inputs + row * width, 0, width * 4);
      return;
    }
    rows[count++] = row;
    if (count == kRows) flush();
  }

  void flush() {
    const int64_t in = net.widths[0], out = net.widths[net.layers], first = before(inputs), width = in - first;
    float* last = gradients.layer[net.layers];
    for (int r = 0; r < kRows; ++r) {
      const bool used = r < count;
      float *x = activations.layer[0] + r * padded(in), *g = last + r * padded(out);
      if (!used) {
        std::memset(x, 0, in * 4), std::memset(g, 0, out * 4);
        continue;
      }
      read_row(inputs, rows[r], in, x);
      std::memcpy(g, given.outputs + rows[r] * out, out * 4);
      if (given.colors)  // σ′ = σ (1 − σ)
        for (int64_t i = 0; i < out; ++i) g[i] *= given.colors[rows[r] * out + i] * (1 - given.colors[rows[r] * out + i]);
      if (given.density) g[0] += given.of_density[rows[r]] * given.density[rows[r]];
    }
    run_forward(net, net.layers - 1, transposed, activations);
    for (int l = net.layers - 1; l >= 0; --l) layer(l);
    if (grad_inputs)
      for (int r = 0; r < count; ++r)
        std::memcpy(grad_inputs + rows[r] * width, gradients.layer[0] + r * padded(in) + first, width * 4);
    count = 0;
  }

  void layer(int l) {
    const int in = padded(net.widths[l]), out = padded(net.widths[l + 1]);
    const float* grad = gradients.layer[l + 1];
    gemm({grad, 1, out}, activations.layer[l], in, even(net.widths[l + 1]), in_vectors(net.widths[l]), kRows,
         grad_weights + offset_of(net, l), in, Accumulate{});
    if (net.biases) {
      float* sum = grad_weights + bias_of(net, l);
      for (int r = 0; r < kRows; ++r)
        for (int i = 0; i < out; ++i) sum[i] += grad[r * out + i];
    }
    if (l == 0 && !grad_inputs) return;
    const int first = l ? 0 : before(inputs);  // nobody asks for the gradient of the harmonics
    gemm({grad, out, 1}, weights + offset_of(net, l) + first, in, kRows, in_vectors(net.widths[l] - first),
         int(net.widths[l + 1]), gradients.layer[l] + first, in, Overwrite{});
    if (l > 0)
      for (int i = 0; i < kRows * in; ++i) gradients.layer[l][i] = activations.layer[l][i] > 0 ? gradients.layer[l][i] : 0;
  }
};

void add_gradients(const Mlp& net, const float* sums, float* const* grad_weights, float* const* grad_biases) {
  for (int l = 0; l < net.layers; ++l) {
    const int64_t width = net.widths[l];
    const float *from = sums + offset_of(net, l), *biases = sums + bias_of(net, l);
    for (int64_t o = 0; o < net.widths[l + 1]; ++o)
      for (int64_t i = 0; i < width; ++i) grad_weights[l][o * width + i] += from[o * padded(width) + i];
    if (net.biases)
      for (int64_t o = 0; o < net.widths[l + 1]; ++o) grad_biases[l][o] += biases[o];
  }
}

}  // namespace

void mlp_forward(const Mlp& net, const MlpInputs& inputs, int64_t n, float* outputs, const MlpDensity& wanted) {
  const Buffer<float> transposed(size_of(net));
  transpose_weights(net, transposed.data);
  const int64_t in = net.widths[0], out = net.widths[net.layers];
  share_ranges(n, kPiece, [&](int64_t first, int64_t last) {
    Block block(net);
    for (int64_t at = first; at < last; at += kRows) {
      const int count = last - at < kRows ? int(last - at) : kRows;
      for (int r = 0; r < count; ++r) read_row(inputs, at + r, in, block.layer[0] + r * padded(in));
      run_forward(net, net.layers, transposed.data, block);
      for (int r = 0; r < count; ++r)
        std::memcpy(outputs + (at + r) * out, block.layer[net.layers] + r * padded(out), out * 4);
      if (inputs.directions) sigmoid(outputs + at * out, count * out);
      if (wanted.density) find_density(outputs + at * out, out, count, wanted.side, wanted.density + at);
    }
  });
}

void mlp_backward(const Mlp& net, const MlpInputs& inputs, int64_t n, const MlpGradients& given, float* grad_inputs,
                  float* const* grad_weights, float* const* grad_biases) {
  const Buffer<float> transposed(size_of(net)), weights(offset_of(net, net.layers));
  transpose_weights(net, transposed.data);
  pad_weights(net, weights.data);
  // Parts are cut by the number of samples alone, and added up in their order: the sum is the same on any threads.
  const int64_t least = (n + kMostParts - 1) / kMostParts, piece = least > kPart ? least : kPart;
  const int64_t parts = (n + piece - 1) / piece, size = size_of(net);
  const Buffer<float> sums(parts * size);
  share_ranges(n, piece, [&](int64_t first, int64_t last) {
    float* sum = sums.data + first / piece * size;
    Backward backward(net, inputs, given, transposed.data, weights.data, grad_inputs, sum);
    for (int64_t row = first; row < last; ++row) backward.add(row);
    if (backward.count) backward.flush();
  });
  for (int64_t part = 0; part < parts; ++part) add_gradients(net, sums.data + part * size, grad_weights, grad_biases);
}

}  // namespace OMNIFIELD_ISA
