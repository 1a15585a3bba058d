#include "bind.h"
#include "cells.h"
#include "kernels.h"

namespace {

using Positions = TensorArgument<const float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using GradPositions = TensorArgument<float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Index = Array<const int32_t, 1>;

// Owns the numbers that a VoxelBlocks points to.
struct BlockLayout {
  std::vector<int64_t> resolutions, index_offsets{0};

  explicit BlockLayout(std::vector<int64_t> of_levels) : resolutions(std::move(of_levels)) {
    require(!resolutions.empty(), "voxel_lookup: at least one level is needed.");
    for (const int64_t resolution : resolutions) {
      require(resolution >= kVoxelSide && resolution % kVoxelSide == 0 && resolution < 1 << 20,
              "voxel_lookup: a resolution is a multiple of 8 below 2^20, not " + std::to_string(resolution) + ".");
      const int64_t blocks = resolution / kVoxelSide;
      index_offsets.push_back(index_offsets.back() + blocks * blocks * blocks);
      require(index_offsets.back() < int64_t(1) << 31, "voxel_lookup: the index has 2^31 entries or more.");
    }
  }

  // `coarser` rows: those of all levels but the finest, if they stand apart; else 0.
  VoxelBlocks blocks(const Index& index, int64_t rows, int64_t coarser, int64_t channels) const {
    require(int64_t(index.shape(0)) == index_offsets.back(),
            "voxel_lookup: the index does not have the entries that the layout asks for.");
    require(rows % kVoxelRows == 0 && coarser % kVoxelRows == 0 && rows + coarser < int64_t(1) << 31,
            "voxel_lookup: values have " + std::to_string(rows + coarser) +
                " rows: they need " + std::to_string(kVoxelRows) + " for each block, below 2^31.");
    require(channels >= 1 && channels <= 64,
            "voxel_lookup: a row holds 1 to 64 channels, not " + std::to_string(channels) + ".");
    const int64_t finest = coarser ? index_offsets[1] : index_offsets.back();
    check_range(index.data(), finest, 0, rows / kVoxelRows);
    if (finest < index_offsets.back())
      check_range(index.data() + finest, index_offsets.back() - finest, rows / kVoxelRows, (rows + coarser) / kVoxelRows);
    return {int(resolutions.size()), int(channels), resolutions.data(), index_offsets.data(), index.data()};
  }

  // Throws unless these numbers are −1 or from `first` to before `last`.
  static void check_range(const int32_t* index, int64_t entries, int64_t first, int64_t last) {
    int32_t low, high;
    kernels().voxel_lookup_range(index, entries, int32_t(first), &low, &high);
    require(low >= first && high < last,
            "voxel_lookup: index names blocks " + std::to_string(low) + " to " + std::to_string(high) +
                ", but must be −1 (no block) or " + std::to_string(first) + " to " + std::to_string(last - 1) + ".");
  }
};

// Values in one array, or with the coarser levels in another.
template <typename Scalar, typename Values>
VoxelRows<Scalar> rows_of(const Values& values, const Values& coarser) {
  const int64_t finest = values.shape(0), rest = coarser.shape(0);
  if (!rest) return {values.data(), values.data(), 0, finest};
  require(coarser.shape(1) == values.shape(1), "voxel_lookup: coarser is not as wide as values.");
  return {values.data(), coarser.data(), finest, finest + rest};
}

template <typename Found>
void check_samples(const Positions& positions, const In<1>& level, const char* name, const Found& found,
                   int64_t channels) {
  require_rows("voxel_lookup", "positions", positions, "level", level);
  require_rows("voxel_lookup", "positions", positions, name, found);
  require(int64_t(found.shape(1)) == channels, std::string("voxel_lookup: ") + name + " is not as wide as values.");
}

void forward(const BlockLayout& layout, Positions positions, In<1> level, In<2> values, In<2> coarser, Index index,
             Out<2> found) {
  const VoxelBlocks blocks = layout.blocks(index, values.shape(0), coarser.shape(0), values.shape(1));
  const auto rows = rows_of<const float>(values, coarser);
  check_samples(positions, level, "found", found, values.shape(1));
  nb::gil_scoped_release release;
  kernels().voxel_lookup_forward(blocks, positions.data(), level.data(), positions.shape(0), rows, found.data());
}

void backward_values(const BlockLayout& layout, Positions positions, In<1> level, Index index, In<2> grad_found,
                     Out<2> grad_values, Out<2> grad_coarser) {
  const VoxelBlocks blocks =
      layout.blocks(index, grad_values.shape(0), grad_coarser.shape(0), grad_values.shape(1));
  const auto rows = rows_of<float>(grad_values, grad_coarser);
  check_samples(positions, level, "grad_found", grad_found, grad_values.shape(1));
  nb::gil_scoped_release release;
  kernels().voxel_lookup_backward_values(blocks, positions.data(), level.data(), positions.shape(0),
                                         grad_found.data(), rows);
}

void backward_positions(const BlockLayout& layout, Positions positions, In<1> level, In<2> values, In<2> coarser,
                        Index index, In<2> grad_found, GradPositions grad_positions) {
  const VoxelBlocks blocks = layout.blocks(index, values.shape(0), coarser.shape(0), values.shape(1));
  const auto rows = rows_of<const float>(values, coarser);
  check_samples(positions, level, "grad_found", grad_found, values.shape(1));
  require_rows("voxel_lookup", "positions", positions, "grad_positions", grad_positions);
  nb::gil_scoped_release release;
  kernels().voxel_lookup_backward_positions(blocks, positions.data(), level.data(), positions.shape(0), rows,
                                            grad_found.data(), grad_positions.data());
}

}  // namespace

void export_voxel_lookup(nb::module_& m) {
  m.attr("VOXEL_SIDE") = kVoxelSide, m.attr("VOXEL_ROWS") = kVoxelRows;
  m.def("cell_number", &cell_number<int64_t, int64_t>, "x"_a, "y"_a, "z"_a, "size"_a);
  nb::class_<BlockLayout>(m, "VoxelLayout").def(nb::init<std::vector<int64_t>>(), "resolutions"_a);
  m.def("voxel_lookup_forward", &forward, "layout"_a, "positions"_exact, "level"_exact, "values"_exact,
        "coarser"_exact, "index"_exact, "found"_exact);
  m.def("voxel_lookup_backward_values", &backward_values, "layout"_a, "positions"_exact, "level"_exact, "index"_exact,
        "grad_found"_exact, "grad_values"_exact, "grad_coarser"_exact);
  m.def("voxel_lookup_backward_positions", &backward_positions, "layout"_a, "positions"_exact, "level"_exact,
        "values"_exact, "coarser"_exact, "index"_exact, "grad_found"_exact, "grad_positions"_exact);
}
