// Adam over the rows that received a gradient: one pass over the gradient, and over the rest only where it is not zero.
// The gradient is taken: zero afterwards, so that nobody has to clear a table of which few rows were written.
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "decay.h"
#include "kernels.h"
#include "pool.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kBlock = 64;  // rows that are looked at, and then updated, together
constexpr int64_t kTogether = 128 * kBlock;  // rows of a task

constexpr int64_t kPiece = 1 << 16;  // values of a task that looks for what is not finite

inline bool all_zero(const float* values, int64_t count) {
  uint32_t bits = 0;  // all but the sign: −0 is zero, NaN is not
  for (int64_t i = 0; i < count; ++i) bits |= __builtin_bit_cast(uint32_t, values[i]) << 1;
  return bits == 0;
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

// What a row's own count of steps makes of the rates.
struct Corrected {
  float rate;          // lr / (1 − β₁^t)
  float second_scale;  // 1 / √(1 − β₂^t)
};

inline Corrected correct_bias(const AdamRates& rates, int32_t steps) {
  const float t = float(steps);
  return {rates.lr / decay(t * rates.log_beta1).taken, 1 / __builtin_sqrtf(decay(t * rates.log_beta2).taken)};
}

// The corrections for every count up to the one from which on they no longer change.
struct Corrections {
  int32_t last;
  Corrected* at;

  explicit Corrections(const AdamRates& rates) : last(count(rates)) {
    at = static_cast<Corrected*>(std::malloc((last + 1) * sizeof(Corrected)));
    for (int32_t t = 0; t <= last; ++t) at[t] = correct_bias(rates, t);
  }
  ~Corrections() { std::free(at); }
  Corrections(const Corrections&) = delete;

  static int32_t count(const AdamRates& rates) {  // both powers are below float's resolution there
    const float slowest = rates.log_beta1 < rates.log_beta2 ? rates.log_beta1 : rates.log_beta2;  // −log β
    const float steps = 18.f / slowest;
    return steps < 1e6f ? int32_t(steps) + 1 : 1000000;
  }
  const Corrected& of(int32_t steps) const { return at[steps < last ? steps : last]; }
};

// A block of short rows, without a branch: what a row does not take part in is computed and thrown away, which is
// cheaper than to look for the others one by one. Without __restrict there are no vectors.
template <int F>
void step_block(const AdamRates& rates, const Corrections& corrections, const AdamRows& block) {
  alignas(64) float rate[kBlock * F], second_scale[kBlock * F];
  alignas(64) uint32_t seen[kBlock * F];
  const int rows = int(block.rows);
  for (int row = 0; row < rows; ++row) {
    uint32_t bits = 0;
    for (int f = 0; f < F; ++f) bits |= __builtin_bit_cast(uint32_t, block.gradient[row * F + f]) << 1;
    block.steps[row] += bits != 0;
    const Corrected& corrected = corrections.of(block.steps[row]);
    for (int f = 0; f < F; ++f)
      rate[row * F + f] = corrected.rate, second_scale[row * F + f] = corrected.second_scale, seen[row * F + f] = bits;
  }
  const float* __restrict gradient = block.gradient;
  float* __restrict parameter = block.parameter;
  float* __restrict first = block.first_moment;
  float* __restrict second = block.second_moment;
  const AdamRates r = rates;  // a copy, that no store below could change
#pragma omp simd
  for (int i = 0; i < rows * F; ++i) {
    const float g = gradient[i];
    const float m = r.beta1 * first[i] + r.one_minus_beta1 * g;
    const float v = r.beta2 * second[i] + r.one_minus_beta2 * (g * g);
    const float change = rate[i] * m / (__builtin_sqrtf(v) * second_scale[i] + r.eps);
    first[i] = seen[i] ? m : first[i];
    second[i] = seen[i] ? v : second[i];
    parameter[i] = seen[i] ? parameter[i] - change : parameter[i];
  }
}

// Rows of any length, one after another.
void step_rows(const AdamRates& rates, const AdamRows& block) {
  for (int64_t row = 0; row < block.rows; ++row) {
    const float* __restrict gradient = block.gradient + row * block.features;
    float* __restrict parameter = block.parameter + row * block.features;
    float* __restrict first = block.first_moment + row * block.features;
    float* __restrict second = block.second_moment + row * block.features;
    if (all_zero(gradient, block.features)) continue;
    const Corrected corrected = correct_bias(rates, ++block.steps[row]);
    for (int64_t f = 0; f < block.features; ++f) {
      const float g = gradient[f];
      const float m = rates.beta1 * first[f] + rates.one_minus_beta1 * g;
      const float v = rates.beta2 * second[f] + rates.one_minus_beta2 * (g * g);
      first[f] = m, second[f] = v;
      parameter[f] -= corrected.rate * m / (__builtin_sqrtf(v) * corrected.second_scale + rates.eps);
    }
  }
}

template <typename Step>
void for_blocks(const AdamRows& table, Step step) {
  share_ranges(table.rows, kTogether, [&](int64_t first, int64_t last) {
    for (int64_t begin = first; begin < last; begin += kBlock) {
      const AdamRows block = rows_from(table, begin, last - begin < kBlock ? last - begin : kBlock);
      if (all_zero(block.gradient, block.rows * block.features)) continue;
      step(block);
      std::memset(block.gradient, 0, block.rows * block.features * sizeof(float));
    }
  });
}

template <int F>
void step_table(const AdamRates& rates, const AdamRows& table) {
  const Corrections corrections(rates);
  for_blocks(table, [&](const AdamRows& block) { step_block<F>(rates, corrections, block); });
}

}  // namespace

void adam_step(const AdamRates& rates, const AdamRows& table) {
  switch (table.features) {
    case 1: return step_table<1>(rates, table);
    case 2: return step_table<2>(rates, table);
    case 4: return step_table<4>(rates, table);
    case 8: return step_table<8>(rates, table);
    default: return for_blocks(table, [&](const AdamRows& block) { step_rows(rates, block); });
  }
}

bool all_finite(const float* values, int64_t n) {
  std::atomic<bool> finite{true};
  share_ranges(n, kPiece, [&](int64_t first, int64_t last) {
    uint32_t wrong = 0;  // an exponent of ones alone carries into the sign
    for (int64_t i = first; i < last; ++i)
      wrong |= (__builtin_bit_cast(uint32_t, values[i]) & 0x7fffffffu) + 0x00800000u;
    if (wrong >> 31) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load();
}

}  // namespace OMNIFIELD_ISA
