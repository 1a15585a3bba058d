// Where a sample's value lies among sparse voxels: the rows of the eight voxels around it, and their weights.
// A tap is a sample on one level of the pyramid: a sample has one or two.
#pragma once
#include "cells.h"
#include "kernels.h"
#include "linear.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kBlock = 128;         // taps whose corners are computed at once
constexpr int kAhead = 10;          // taps between asking memory for a row and using it
constexpr int kInside = kVoxelSide - 1;

struct Taps {
  int count = 0;
  alignas(64) int64_t sample[kBlock];
  alignas(64) int32_t level[kBlock];
  alignas(64) float share[kBlock];

  void add(int64_t s, int l, float part, bool counts = true) {
    sample[count] = s, level[count] = l, share[count] = part;
    count += counts;
  }
};

enum State : uint8_t { kEmpty, kComplete, kPartial };

// The eight voxels around each tap: row[s][k], negative where there is none.
struct Corners {
  alignas(64) int32_t row[kBlock][8];
  alignas(64) float weight[8][kBlock];  // times the tap's share
  alignas(64) float fraction[3][kBlock];
  State state[kBlock];
};

struct Share {
  int level;   // the finer of the two
  float above; // share of the coarser one
};

inline Share share_of(float level, int levels) {
  const float last = float(levels - 1);
  const float clamped = level > 0 ? (level < last ? level : last) : 0;  // NaN becomes 0
  const int floor = int(clamped);
  return {floor, clamped - float(floor)};
}

// The rows of a cell that lies in several blocks, or reaches beyond the cube.
State find_scattered_rows(const VoxelBlocks& voxels, int level, const int32_t (&cell)[3], int32_t* row) {
  const int32_t last = int32_t(voxels.resolutions[level]) - 1;
  const int32_t blocks = (last + 1) / kVoxelSide;
  const int32_t* numbers = voxels.index + voxels.index_offsets[level];
  // Of each axis and side: what the voxel's place adds to the number of its block's entry, and to its row in there.
  int32_t entry[3][2], inner[3][2];
  for (int axis = 0, stride = 1, step = 1; axis < 3; ++axis, stride *= blocks, step *= kVoxelSide)
    for (int upper = 0; upper < 2; ++upper) {
      const int32_t at = cell[axis] + upper, voxel = at < 0 ? 0 : at > last ? last : at;
      entry[axis][upper] = (voxel >> kVoxelBits) * stride, inner[axis][upper] = (voxel & kInside) * step;
    }
  int present = 0;
#pragma GCC unroll 8
  for (int k = 0; k < 8; ++k) {
    const int x = k & 1, y = k >> 1 & 1, z = k >> 2;
    const int32_t number = numbers[entry[0][x] + entry[1][y] + entry[2][z]];
    row[k] = number < 0 ? -1 : number * kVoxelRows + inner[0][x] + inner[1][y] + inner[2][z];
    present += number >= 0;
  }
  return present == 8 ? kComplete : present ? kPartial : kEmpty;
}

void find_corners(const VoxelBlocks& voxels, const float* positions, const Taps& taps, Corners& c) {
  alignas(64) int32_t cell[3][kBlock], resolution[kBlock], entry[kBlock], inner[kBlock], whole[kBlock];
  alignas(64) float x[3][kBlock];
  for (int s = 0; s < taps.count; ++s) {
    const float* position = positions + 3 * taps.sample[s];
    x[0][s] = position[0], x[1][s] = position[1], x[2][s] = position[2];
    resolution[s] = int32_t(voxels.resolutions[taps.level[s]]);
  }
  for (int axis = 0; axis < 3; ++axis)
    for (int s = 0; s < taps.count; ++s) {
      const float p = clamp01(x[axis][s]) * float(resolution[s]) - 0.5f;
      const int32_t toward_zero = int32_t(p), floor = toward_zero - (p < float(toward_zero));
      cell[axis][s] = floor;
      c.fraction[axis][s] = p - float(floor);
    }
  for (int s = 0; s < taps.count; ++s) {
    const int32_t i = cell[0][s], j = cell[1][s], k = cell[2][s], blocks = resolution[s] >> kVoxelBits;
    entry[s] = cell_number(i >> kVoxelBits, j >> kVoxelBits, k >> kVoxelBits, blocks);
    inner[s] = cell_number(i & kInside, j & kInside, k & kInside, kVoxelSide);
    // -1 ends in ones, and so does the last voxel.
    whole[s] = (i & kInside) != kInside & (j & kInside) != kInside & (k & kInside) != kInside;
  }
  find_weights<3>(c.fraction, taps.count, c.weight);
  for (auto& weight : c.weight)
    for (int s = 0; s < taps.count; ++s) weight[s] *= taps.share[s];
  for (int s = 0; s < taps.count; ++s) {
    const int level = taps.level[s];
    if (whole[s]) {
      const int32_t number = voxels.index[voxels.index_offsets[level] + entry[s]];
      const int32_t first = number * kVoxelRows + inner[s];
      for (int k = 0; k < 8; ++k) c.row[s][k] = first + kRowsOfCube[k];
      c.state[s] = number < 0 ? kEmpty : kComplete;
    } else {
      c.state[s] = find_scattered_rows(voxels, level, {cell[0][s], cell[1][s], cell[2][s]}, c.row[s]);
    }
  }
}

template <typename Scalar>
inline void prefetch(const VoxelRows<Scalar>& values, int channels, const Taps& taps, const Corners& c, int s) {
  if (c.state[s] == kEmpty) return;
  const float* level = values.of(taps.level[s]);
  const int64_t first = values.first(taps.level[s]);
  for (int k = 0; k < 8; k += 2) {  // the voxel at its side is the next row, if they are in one block
    const float* row = level + (c.row[s][k] < 0 ? 0 : c.row[s][k] - first) * channels;
    for (int at = 0; at < 2 * channels; at += 16) __builtin_prefetch(row + at, 1);
  }
}

}  // namespace
}  // namespace OMNIFIELD_ISA
