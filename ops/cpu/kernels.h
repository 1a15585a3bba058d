// The kernels, as plain functions over raw arrays: shapes are checked before, in the bindings.
// `Kernels` is one build of them all; `kernels()` picks the widest build that this processor runs.
#pragma once
#include <cstdint>

struct HashGrid {  // see HashGridLayout in hash_grid.py
  int levels, features;
  const float* scales;
  const int64_t* resolutions;
  const int64_t* offsets;  // levels + 1
};

struct DenseGrid {  // see Grid in grid_lookup.py
  int dimensions, axes[3];
  int64_t shape[3], first_row, slot;
  bool adds;  // an earlier grid has this slot
};

struct DenseGrids {  // see GridLayout in grid_lookup.py
  int count, channels;
  int64_t width;
  const DenseGrid* grids;
};

struct VoxelBlocks {  // see VoxelLayout in voxel_lookup.py
  int levels, channels;
  const int64_t *resolutions, *index_offsets;
  const int32_t* index;  // its numbers have been checked
};

// The rows of the finest level, and those of all others, whose numbers go on from there.
template <typename Scalar>
struct VoxelRows {
  Scalar *finest, *coarser;
  int64_t finest_rows, rows;
  [[gnu::always_inline]] int64_t first(int level) const { return level ? finest_rows : 0; }
  [[gnu::always_inline]] Scalar* of(int level) const { return level ? coarser : finest; }
};

struct VoxelParents {  // of the blocks of a level: see coarser_voxels.py
  const int64_t* slots;
  int64_t blocks, parents;
};

constexpr int kMaxMlpLayers = 16;

struct Mlp {
  int layers;
  const int64_t* widths;  // layers + 1: the input's, then every layer's
  const float* const* weights;  // (widths[l + 1], widths[l]), row by row
  const float* const* biases;  // of each layer, or null: none
};

// The rows that go into an Mlp. With `directions`, kHarmonics of each stand before its row, and the outputs are colours.
struct MlpInputs {
  const float* rows;
  int64_t stride;  // from row to row
  const float* directions;  // three of each row, or null
};

// The density that the first output of each row is the logarithm of: see density_mlp.py.
struct MlpDensity {
  float side;
  float* density;  // null: not wanted
};

struct MlpGradients {  // of what an Mlp gave
  const float* outputs;
  const float *colors;             // the outputs, where they are colours, else null
  const float *density, *of_density;  // or null
};

constexpr int kHarmonics = 16;

constexpr int kCellsOfBlock = 4;  // along a side of the blocks whose distance from anything is known

struct Occupancy {  // see occupancy.h
  const uint8_t* bits;
  int blocks;          // along an axis
  uint8_t* distance;   // of each block from the next one that is not empty, in blocks; 0: there is something in it
  float lo[3], hi[3];  // corners of the box outside of which nothing is; the whole one where nothing is occupied
};

struct RayMarch {  // see MarchGrid in ray_march.py
  const float *origins, *directions, *span, *jitter;
  const uint8_t* occupied;
  int resolution;
  bool contracted;
  float lo[3], hi[3], inverse_size[3], step, cone, horizon;
  int32_t* place;  // of each ray, where its march begins, and then where it goes on
  int most;        // samples of a ray
};

// The samples found by each part of the work, in one array for each of its lanes; freed by the caller.
struct RayMarchParts {
  int count, lanes;
  float** t;
  uint8_t* lane_of;  // each ray
};

struct AdamRates {  // see AdamStep in adam.py
  float lr;
  float beta1, one_minus_beta1, log_beta1;  // the logarithms with their sign turned: positive
  float beta2, one_minus_beta2, log_beta2;
  float eps;
};

struct AdamRows {
  int64_t rows, features;
  float* parameter;
  float* gradient;
  float *first_moment, *second_moment;
  int32_t* steps;
};

struct PosedCameras {  // see camera_rays.py
  const float *poses, *focal, *principal, *distortion, *time;
  int64_t views;
  bool fisheye;
};

struct CameraRays {
  float *origins, *directions, *footprint, *time;
};

struct PassThrough {  // see pass_through in composite.py
  const float *density, *t, *dt;
  float visible, stop;
  float* light;   // of each ray: before its samples, and then behind them
  float* sums;    // three of each ray
  float* weight;  // of each sample
  int64_t* ends;  // rays + 1: where the visible samples of each ray begin
  int64_t* rows;  // of the visible samples, and then their weights
  float* weight_of_row;
};

struct VisibleRows {  // of the samples with a visible weight
  int64_t* ends;  // rays + 1
  int64_t* rows;
  float* weight_of_row;
};

struct VisibleGradients {  // see VisibleWeights in visible_weights.py; those that may be null are zero then
  const int64_t *ends, *rows;
  const float *weights, *of_row, *sums;
};

struct RoundOfRays {  // see Round in rounds.py
  int64_t rays;
  const int64_t *ray, *before, *ends;
};

struct WorldBox {  // see unit_positions.py
  float lo[3], inverse_size[3];
  bool contracted;
};

struct RayColumns {  // see `Rays` in scenes/rays.py
  const float *origins, *directions, *footprint, *time;
  int64_t rays;
};

struct PointColumns {  // what `ray_points` writes, a row for each sample
  float *position, *direction, *footprint, *time;
};

struct PointGradients {
  const float *position, *direction, *footprint;
};

struct RayGradients {
  float *origins, *directions, *footprint;
};

// The ops, each with its kernels in <op>.cpp and its binding in bind_<op>.cpp.
#define OPS(OP) \
  OP(hash_grid) OP(grid_lookup) OP(voxel_lookup) OP(coarser_voxels) OP(mlp) OP(ray_march) OP(ray_points) \
  OP(spherical_harmonics) OP(composite) OP(rounds) OP(occupied_cells) OP(camera_rays) OP(adam) \
  OP(unit_positions)

// Every kernel: what it returns, its name and its arguments, here and nowhere else. From this list follow the columns of
// the table, the functions that each build defines, and how it fills the table.
#define KERNELS(KERNEL) \
  KERNEL(void, hash_grid_forward, \
         (const HashGrid&, const float* positions, int64_t n, const float* table, float* encoded)) \
  KERNEL(void, hash_grid_backward_table, \
         (const HashGrid&, const float* positions, int64_t n, const float* grad_encoded, float* grad_table)) \
  KERNEL(void, hash_grid_backward_positions, \
         (const HashGrid&, const float* positions, int64_t n, const float* table, const float* grad_encoded, \
          float* grad_positions)) \
  KERNEL(void, grid_lookup_forward, \
         (const DenseGrids&, const float* positions, int64_t n, const float* table, float* found)) \
  KERNEL(void, grid_lookup_backward_table, \
         (const DenseGrids&, const float* positions, int64_t n, const float* grad_found, float* grad_table)) \
  KERNEL(void, grid_lookup_backward_positions, \
         (const DenseGrids&, const float* positions, int64_t n, const float* table, const float* grad_found, \
          float* grad_positions)) \
  KERNEL(void, voxel_lookup_range, \
         (const int32_t* index, int64_t entries, int32_t none, int32_t* low, \
          int32_t* high)) /* −1 counts as `none` */ \
  KERNEL(void, voxel_lookup_forward, \
         (const VoxelBlocks&, const float* positions, const float* level, int64_t n, \
          const VoxelRows<const float>& values, float* found)) \
  KERNEL(void, voxel_lookup_backward_values, \
         (const VoxelBlocks&, const float* positions, const float* level, int64_t n, const float* grad_found, \
          const VoxelRows<float>& grad_values)) \
  KERNEL(void, voxel_lookup_backward_positions, \
         (const VoxelBlocks&, const float* positions, const float* level, int64_t n, \
          const VoxelRows<const float>& values, const float* grad_found, float* grad_positions)) \
  KERNEL(void, coarser_voxels_forward, (const VoxelParents&, int channels, const float* fine, float* coarse)) \
  KERNEL(void, coarser_voxels_backward, \
         (const VoxelParents&, int channels, const float* grad_coarse, float* grad_fine)) \
  KERNEL(void, mlp_forward, (const Mlp&, const MlpInputs&, int64_t n, float* outputs, const MlpDensity&)) \
  KERNEL(void, mlp_backward, \
         (const Mlp&, const MlpInputs&, int64_t n, const MlpGradients&, float* grad_inputs, float* const* grad_weights, \
          float* const* grad_biases)) /* adds to grad_weights; grad_inputs may be null */ \
  KERNEL(void, ray_march_look, (const RayMarch&, Occupancy&)) /* finds distances and the box of the bits */ \
  KERNEL(void, ray_march_find, (const RayMarch&, const Occupancy&, int64_t rays, int64_t* offsets, RayMarchParts&)) \
  KERNEL(void, ray_march_fill, \
         (const RayMarch&, const RayMarchParts&, int64_t rays, const int64_t* offsets, float* t, float* dt, int64_t* ray)) \
  KERNEL(void, spherical_harmonics_forward, (int degree, const float* directions, int64_t n, float* harmonics)) \
  KERNEL(void, spherical_harmonics_backward, \
         (int degree, const float* directions, int64_t n, const float* grad_harmonics, float* grad_directions)) \
  KERNEL(void, ray_weights_forward, \
         (const float* density, const float* dt, const int64_t* offsets, int64_t rays, float stop, float* weights, \
          float* after)) /* after: transmittance behind each sample */ \
  KERNEL(void, ray_weights_backward, \
         (const float* dt, const int64_t* offsets, int64_t rays, const float* weights, const float* after, \
          const float* grad_weights, float* grad_density)) \
  KERNEL(void, accumulate_forward, \
         (const float* values, const float* weights, const int64_t* offsets, int64_t rays, int channels, \
          float* sums)) \
  KERNEL(void, accumulate_backward_values, \
         (const float* weights, const int64_t* offsets, int64_t rays, int channels, const float* grad_sums, \
          float* grad_values)) \
  KERNEL(void, accumulate_backward_weights, \
         (const float* values, const int64_t* offsets, int64_t rays, int channels, const float* grad_sums, \
          float* grad_weights)) \
  KERNEL(void, find_visible, \
         (const float* weights, const float* t, const int64_t* offsets, int64_t rays, float visible, float* sums, \
          const VisibleRows&)) \
  KERNEL(void, visible_weights_backward, \
         (const VisibleGradients&, const float* t, const float* dt, const int64_t* offsets, int64_t rays, \
          const float* weights, const float* after, float* grad_density)) \
  KERNEL(void, pass_through, (const PassThrough&, const int64_t* offsets, int64_t rays)) \
  KERNEL(void, take_rows_forward, \
         (const float* values, int64_t channels, const int64_t* rows, int64_t m, float* taken)) \
  KERNEL(void, take_rows_backward, \
         (const float* grad_taken, int64_t channels, const int64_t* rows, int64_t m, int64_t n, \
          float* grad_values)) \
  KERNEL(int64_t, next_round_find, \
         (const float* depth, const int64_t* asked, const int64_t* offsets, int64_t rays, int64_t most, float opaque, \
          int64_t* ray, int64_t* before, int64_t* ends)) /* how many rays take part */ \
  KERNEL(void, next_round_fill, \
         (const RoundOfRays&, const float* all_t, const float* all_dt, const int64_t* offsets, float* t, float* dt, \
          int64_t* ray_of_sample)) \
  KERNEL(void, pass_round, \
         (const RoundOfRays&, const float* density, const float* dt, float* depth, int64_t* asked)) /* adds to both */ \
  KERNEL(void, first_samples, \
         (const float* all_t, const float* all_dt, const int64_t* offsets, const int64_t* ends, int64_t rays, \
          float* t, float* dt, int64_t* ray)) \
  KERNEL(void, put_round, \
         (const RoundOfRays&, const float* values, int64_t channels, const int64_t* offsets, float* ordered)) \
  KERNEL(void, take_round, \
         (const RoundOfRays&, const float* ordered, int64_t channels, const int64_t* offsets, float* values)) \
  KERNEL(void, occupied_bits, (const float* thickness, int64_t count, int64_t cells, float most, uint8_t* bits)) \
  KERNEL(int64_t, next_set, \
         (const uint8_t* bits, int64_t cells, int64_t first, int64_t room, int64_t* numbers)) /* how many it found */ \
  KERNEL(void, adam_step, (const AdamRates&, const AdamRows&)) \
  KERNEL(bool, all_finite, (const float* values, int64_t n)) \
  KERNEL(bool, camera_rays_forward, \
         (const PosedCameras&, const int64_t* view, const float* x, const float* y, int64_t n, \
          const CameraRays&)) /* false if a ray names a view that does not exist */ \
  KERNEL(void, unit_positions, (const WorldBox&, const float* position, int64_t n, float* unit)) \
  KERNEL(bool, ray_points_forward, \
         (const RayColumns&, const float* t, const int64_t* ray, int64_t n, const PointColumns&)) \
  /* ray_points_forward: false if a sample names a ray that does not exist */ \
  KERNEL(void, ray_points_backward, \
         (const float* t, const int64_t* ray, int64_t n, const PointGradients&, const RayGradients&)) \
  /* ray_points_backward: adds to the gradients of the rays */

struct Kernels {
  const char* isa;
#define POINTER(result, name, arguments) result(*name) arguments;
  KERNELS(POINTER)
#undef POINTER
};

const Kernels& kernels();

#ifdef OMNIFIELD_ISA
namespace OMNIFIELD_ISA {
#define DECLARATION(result, name, arguments) result name arguments;
KERNELS(DECLARATION)
#undef DECLARATION
}  // namespace OMNIFIELD_ISA
#endif
