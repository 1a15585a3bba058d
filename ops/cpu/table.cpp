// One build of all kernels, for the instruction set this file is compiled for.
#include "kernels.h"

#define NAME_OF(isa) #isa
#define NAME(isa) NAME_OF(isa)

namespace OMNIFIELD_ISA {
extern const Kernels table;
const Kernels table{
    .isa = NAME(OMNIFIELD_ISA),
    .hash_grid_forward = hash_grid_forward,
    .hash_grid_backward_table = hash_grid_backward_table,
    .hash_grid_backward_positions = hash_grid_backward_positions,
    .grid_lookup_forward = grid_lookup_forward,
    .grid_lookup_backward_table = grid_lookup_backward_table,
    .grid_lookup_backward_positions = grid_lookup_backward_positions,
    .voxel_lookup_range = voxel_lookup_range,
    .voxel_lookup_forward = voxel_lookup_forward,
    .voxel_lookup_backward_values = voxel_lookup_backward_values,
    .voxel_lookup_backward_positions = voxel_lookup_backward_positions,
    .coarser_voxels_forward = coarser_voxels_forward,
    .coarser_voxels_backward = coarser_voxels_backward,
    .mlp_forward = mlp_forward,
    .mlp_backward = mlp_backward,
    .ray_march_look = ray_march_look,
    .ray_march_find = ray_march_find,
    .ray_march_fill = ray_march_fill,
    .spherical_harmonics_forward = spherical_harmonics_forward,
    .spherical_harmonics_backward = spherical_harmonics_backward,
    .ray_weights_forward = ray_weights_forward,
    .ray_weights_backward = ray_weights_backward,
    .accumulate_forward = accumulate_forward,
    .accumulate_backward_values = accumulate_backward_values,
    .accumulate_backward_weights = accumulate_backward_weights,
    .pass_through = pass_through,
    .take_rows_forward = take_rows_forward,
    .take_rows_backward = take_rows_backward,
    .adam_step = adam_step,
    .ray_points = ray_points,
};
}  // namespace OMNIFIELD_ISA
