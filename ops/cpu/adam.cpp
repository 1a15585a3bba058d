// Adam over the rows that received a gradient: one pass over the gradient, and over the rest only where it is not zero.
#include "decay.h"
#include "kernels.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kBlock = 256;  // rows that are looked at, and then updated, together

// The rows of a block that received a gradient, and what their own counts of steps make of the rates.
struct Touched {
  int count = 0;
  int row[kBlock];
  alignas(64) float rate[kBlock];           // lr / (1 − β₁^t)
  alignas(64) float second_scale[kBlock];   // 1 / √(1 − β₂^t)
};

inline bool all_zero(const float* values, int64_t count) {
  uint32_t bits = 0;  // all but the sign: −0 is zero, NaN is not
  for (int64_t i = 0; i < count; ++i) bits |= __builtin_bit_cast(uint32_t, values[i]) << 1;
  return bits == 0;
}

// Asks for the memory of every row it finds: scattered rows would otherwise wait for it one after the other.
void find_touched(const AdamRows& block, Touched& touched) {
  touched.count = 0;
  for (int row = 0; row < block.rows; ++row) {
    const int64_t at = row * block.features;
    if (all_zero(block.gradient + at, block.features)) continue;
    touched.row[touched.count++] = row;
    __builtin_prefetch(block.steps + row, 1);
    __builtin_prefetch(block.parameter + at, 1);
    __builtin_prefetch(block.first_moment + at, 1);
    __builtin_prefetch(block.second_moment + at, 1);
  }
}

void correct_bias(const AdamRates& rates, int32_t* steps, Touched& touched) {
  alignas(64) float step[kBlock];
  for (int i = 0; i < touched.count; ++i) step[i] = float(++steps[touched.row[i]]);
  for (int i = 0; i < touched.count; ++i) {
    touched.rate[i] = rates.lr / decay(step[i] * rates.log_beta1).taken;
    touched.second_scale[i] = 1 / __builtin_sqrtf(decay(step[i] * rates.log_beta2).taken);
  }
}

AdamRows rows_from(const AdamRows& table, int64_t row, int64_t count) {
  const int64_t at = row * table.features;
  return {count,
          table.features,
          table.parameter + at,
          table.gradient + at,
          table.first_moment + at,
          table.second_moment + at,
          table.steps + row};
}

// F is the number of features, or 0 where it is only known at run time. Without __restrict there are no vectors.
template <int F>
inline void update_row(const AdamRates& rates, float rate, float second_scale, const AdamRows& block, int row) {
  const int64_t features = F ? F : block.features;
  const float* __restrict gradient = block.gradient + row * features;
  float* __restrict parameter = block.parameter + row * features;
  float* __restrict first = block.first_moment + row * features;
  float* __restrict second = block.second_moment + row * features;
  for (int64_t f = 0; f < features; ++f) {
    const float g = gradient[f];
    const float m = rates.beta1 * first[f] + rates.one_minus_beta1 * g;
    const float v = rates.beta2 * second[f] + rates.one_minus_beta2 * (g * g);
    first[f] = m, second[f] = v;
    parameter[f] -= rate * m / (__builtin_sqrtf(v) * second_scale + rates.eps);
  }
}

template <int F>
void step(const AdamRates& rates, const AdamRows& table) {
#pragma omp parallel for schedule(dynamic, 16) if (table.rows > 16 * kBlock)
  for (int64_t begin = 0; begin < table.rows; begin += kBlock) {
    const AdamRows block = rows_from(table, begin, table.rows - begin < kBlock ? table.rows - begin : kBlock);
    if (all_zero(block.gradient, block.rows * block.features)) continue;  // most of a large table, most of the time
    Touched touched;
    find_touched(block, touched);
    correct_bias(rates, block.steps, touched);
    for (int i = 0; i < touched.count; ++i)
      update_row<F>(rates, touched.rate[i], touched.second_scale[i], block, touched.row[i]);
  }
}

}  // namespace

void adam_step(const AdamRates& rates, const AdamRows& table) {
  switch (table.features) {
    case 1: return step<1>(rates, table);
    case 2: return step<2>(rates, table);
    case 4: return step<4>(rates, table);
    case 8: return step<8>(rates, table);
    default: return step<0>(rates, table);
  }
}

}  // namespace OMNIFIELD_ISA
