#include "bind.h"
#include "cells.h"
#include "kernels.h"

namespace {

using Slots = Array<const int64_t, 1>;
VoxelParents parents_of(const Slots& slots, int64_t fine, int64_t coarse, int64_t channels) {
  const int64_t blocks = slots.shape(0), parents = coarse / kVoxelRows;
  require(fine == blocks * kVoxelRows && coarse % kVoxelRows == 0,
          "coarser_voxels: a level needs " + std::to_string(kVoxelRows) + " rows for each block, and a slot.");
  require(channels >= 1 && channels <= 64,
          "coarser_voxels: a row holds 1 to 64 channels, not " + std::to_string(channels) + ".");
  for (int64_t i = 0; i < blocks; ++i)
    require(slots.data()[i] >= 0 && slots.data()[i] < 8 * parents,
            "coarser_voxels: slot " + std::to_string(slots.data()[i]) + " is in none of the " +
                std::to_string(parents) + " coarser blocks.");
  return {slots.data(), blocks, parents};
}

void forward(Slots slots, In<2> fine, Out<2> coarse) {
  require(fine.shape(1) == coarse.shape(1), "coarser_voxels: the levels are not equally wide.");
  const VoxelParents level = parents_of(slots, fine.shape(0), coarse.shape(0), fine.shape(1));
  nb::gil_scoped_release release;
  kernels().coarser_voxels_forward(level, int(fine.shape(1)), fine.data(), coarse.data());
}

void backward(Slots slots, In<2> grad_coarse, Out<2> grad_fine) {
  require(grad_fine.shape(1) == grad_coarse.shape(1), "coarser_voxels: the levels are not equally wide.");
  const VoxelParents level = parents_of(slots, grad_fine.shape(0), grad_coarse.shape(0), grad_fine.shape(1));
  nb::gil_scoped_release release;
  kernels().coarser_voxels_backward(level, int(grad_fine.shape(1)), grad_coarse.data(), grad_fine.data());
}

}  // namespace

void export_coarser_voxels(nb::module_& m) {
  m.def("coarser_voxels_forward", &forward, "slots"_exact, "fine"_exact, "coarse"_exact);
  m.def("coarser_voxels_backward", &backward, "slots"_exact, "grad_coarse"_exact, "grad_fine"_exact);
}
