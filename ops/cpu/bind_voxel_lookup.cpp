#include "bind.h"
#include "kernels.h"

namespace {

using Positions = nb::ndarray<const float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using GradPositions = nb::ndarray<float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Index = Array<const int32_t, 1>;
constexpr int64_t kRowsOfBlock = 512;

// Owns the numbers that a VoxelBlocks points to.
struct BlockLayout {
  std::vector<int64_t> resolutions, index_offsets{0};

  explicit BlockLayout(std::vector<int64_t> of_levels) : resolutions(std::move(of_levels)) {
    require(!resolutions.empty(), "voxel_lookup: at least one level is needed.");
    for (const int64_t resolution : resolutions) {
      require(resolution >= 8 && resolution % 8 == 0 && resolution < 1 << 20,
              "voxel_lookup: a resolution is a multiple of 8 below 2^20, not " + std::to_string(resolution) + ".");
      const int64_t blocks = resolution / 8;
      index_offsets.push_back(index_offsets.back() + blocks * blocks * blocks);
      require(index_offsets.back() < int64_t(1) << 31, "voxel_lookup: the index has 2^31 entries or more.");
    }
  }

  VoxelBlocks blocks(const Index& index, int64_t rows, int64_t channels) const {
    require(int64_t(index.shape(0)) == index_offsets.back(),
            "voxel_lookup: the index does not have the entries that the layout asks for.");
    require(rows % kRowsOfBlock == 0 && rows < int64_t(1) << 31,
            "voxel_lookup: values has " + std::to_string(rows) + " rows: it needs 512 for each block, below 2^31.");
    require(channels >= 1 && channels <= 64,
            "voxel_lookup: a row holds 1 to 64 channels, not " + std::to_string(channels) + ".");
    int32_t low, high;
    kernels().voxel_lookup_range(index.data(), index.shape(0), &low, &high);
    require(low >= -1 && high < rows / kRowsOfBlock,
            "voxel_lookup: index names blocks " + std::to_string(low) + " to " + std::to_string(high) +
                ", but must be −1 (no block) to " + std::to_string(rows / kRowsOfBlock - 1) + ".");
    return {int(resolutions.size()), int(channels), resolutions.data(), index_offsets.data(), index.data()};
  }
};

template <typename Found>
void check_samples(const Positions& positions, const In<1>& level, const char* name, const Found& found,
                   int64_t channels) {
  require_rows("voxel_lookup", "positions", positions, "level", level);
  require_rows("voxel_lookup", "positions", positions, name, found);
  require(int64_t(found.shape(1)) == channels, std::string("voxel_lookup: ") + name + " is not as wide as values.");
}

void forward(const BlockLayout& layout, Positions positions, In<1> level, In<2> values, Index index, Out<2> found) {
  const VoxelBlocks blocks = layout.blocks(index, values.shape(0), values.shape(1));
  check_samples(positions, level, "found", found, values.shape(1));
  nb::gil_scoped_release release;
  kernels().voxel_lookup_forward(blocks, positions.data(), level.data(), positions.shape(0), values.data(),
                                 found.data());
}

void backward_values(const BlockLayout& layout, Positions positions, In<1> level, Index index, In<2> grad_found,
                     Out<2> grad_values) {
  const VoxelBlocks blocks = layout.blocks(index, grad_values.shape(0), grad_values.shape(1));
  check_samples(positions, level, "grad_found", grad_found, grad_values.shape(1));
  nb::gil_scoped_release release;
  kernels().voxel_lookup_backward_values(blocks, positions.data(), level.data(), positions.shape(0),
                                         grad_found.data(), grad_values.shape(0), grad_values.data());
}

void backward_positions(const BlockLayout& layout, Positions positions, In<1> level, In<2> values, Index index,
                        In<2> grad_found, GradPositions grad_positions) {
  const VoxelBlocks blocks = layout.blocks(index, values.shape(0), values.shape(1));
  check_samples(positions, level, "grad_found", grad_found, values.shape(1));
  require_rows("voxel_lookup", "positions", positions, "grad_positions", grad_positions);
  nb::gil_scoped_release release;
  kernels().voxel_lookup_backward_positions(blocks, positions.data(), level.data(), positions.shape(0), values.data(),
                                            grad_found.data(), grad_positions.data());
}

}  // namespace

void export_voxel_lookup(nb::module_& m) {
  nb::class_<BlockLayout>(m, "VoxelLayout").def(nb::init<std::vector<int64_t>>(), "resolutions"_a);
  m.def("voxel_lookup_forward", &forward, "layout"_a, "positions"_exact, "level"_exact, "values"_exact, "index"_exact,
        "found"_exact);
  m.def("voxel_lookup_backward_values", &backward_values, "layout"_a, "positions"_exact, "level"_exact, "index"_exact,
        "grad_found"_exact, "grad_values"_exact);
  m.def("voxel_lookup_backward_positions", &backward_positions, "layout"_a, "positions"_exact, "level"_exact,
        "values"_exact, "index"_exact, "grad_found"_exact, "grad_positions"_exact);
}
