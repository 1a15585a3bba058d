// What this half has to agree on with the Python one: the order of cells, and the blocks that voxels are stored in.
// `_cpu` shows it, so that a test can compare.
#pragma once

constexpr int kVoxelBits = 3, kVoxelSide = 1 << kVoxelBits;  // see SIDE and BLOCK in voxel_lookup.py
constexpr int kVoxelRows = kVoxelSide * kVoxelSide * kVoxelSide;

namespace {

// The number of cell (x, y, z) of size³: see cell_order.py.
template <typename Number, typename Size>
[[gnu::always_inline]] constexpr Number cell_number(Number x, Number y, Number z, Size size) {
  return x + size * (y + size * z);
}

}  // namespace

// From the lowest row of 2³ voxels of one block to each of them.
constexpr int kRowsOfCube[8] = {cell_number(0, 0, 0, kVoxelSide), cell_number(1, 0, 0, kVoxelSide),
                                cell_number(0, 1, 0, kVoxelSide), cell_number(1, 1, 0, kVoxelSide),
                                cell_number(0, 0, 1, kVoxelSide), cell_number(1, 0, 1, kVoxelSide),
                                cell_number(0, 1, 1, kVoxelSide), cell_number(1, 1, 1, kVoxelSide)};
