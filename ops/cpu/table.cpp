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
    .mlp_forward = mlp_forward,
    .mlp_backward = mlp_backward,
    .ray_march_find = ray_march_find,
    .ray_march_fill = ray_march_fill,
};
}  // namespace OMNIFIELD_ISA
