// Voxels in bricks, interpolated by the texture unit: ops/voxel_lookup.py. A brick has 9³ voxels: those of a block of
// 8³, and the first of the blocks behind it.

uniform highp sampler3D diffuse_and_density;
uniform highp sampler3D codes;
uniform highp usampler3D bricks; // where each lies in the atlas, in bricks, and 1; 0 where there is none
uniform int level_offsets[LEVELS]; // of each level's bricks along z
uniform int finest; // voxels along the finest level
uniform vec3 atlas_scale; // one over the size of the atlas

const float SIDE = 8.0;
const float BRICK = 9.0;

int reads = 0; // of textures, so far: counted where a page is measured, and otherwise left out by the compiler

vec4 values_of(vec4 bytes) {
    return bytes * vec4(APPEARANCE_SCALE, APPEARANCE_SCALE, APPEARANCE_SCALE, DENSITY_SCALE)
        - vec4(APPEARANCE_ZERO, APPEARANCE_ZERO, APPEARANCE_ZERO, DENSITY_ZERO);
}

vec4 codes_of(vec4 bytes) {
    return bytes * APPEARANCE_SCALE - APPEARANCE_ZERO;
}

// Where a sample is found in the atlas: on the finer of two levels, and where it has a share of the coarser one there
// too. What is not stored is nowhere, and 0.
struct Place {
    vec4 finer; // w: 1 where it is stored, else 0
    vec4 coarser;
    float share; // of the coarser one
};

vec4 place_on(vec3 unit, int level) {
    int size = finest >> level;
    vec3 voxel = clamp(unit * float(size) - 0.5, 0.0, float(size - 1)); // beyond the outermost centres all is constant
    ivec3 block = ivec3(voxel) >> 3;
    reads += 1;
    uvec4 brick = texelFetch(bricks, block + ivec3(0, 0, level_offsets[level]), 0);
    return vec4((vec3(brick.xyz) * BRICK + voxel - vec3(block) * SIDE + 0.5) * atlas_scale, float(brick.w));
}

Place place_of(vec3 unit, float level) {
    int finer = int(level);
    float share = level - float(finer);
    return Place(place_on(unit, finer), share > 0.0 ? place_on(unit, finer + 1) : vec4(0.0), share);
}

vec4 read_values(vec4 place) {
    if (place.w == 0.0) return vec4(0.0);
    reads += 1;
    return values_of(textureLod(diffuse_and_density, place.xyz, 0.0));
}

vec4 read_codes(vec4 place) {
    if (place.w == 0.0) return vec4(0.0);
    reads += 1;
    return codes_of(textureLod(codes, place.xyz, 0.0));
}

// Raw values on a level between two: diffuse colour and log density.
vec4 values_at(Place place) {
    vec4 found = read_values(place.finer);
    return place.share > 0.0 ? mix(found, read_values(place.coarser), place.share) : found;
}

vec4 codes_at(Place place) {
    vec4 found = read_codes(place.finer);
    return place.share > 0.0 ? mix(found, read_codes(place.coarser), place.share) : found;
}

// The level of a pixel's width, in world units: `MipVogField.level`.
float level_of(float width, vec3 position) {
    float voxels = width * LEVEL_WIDTH * float(finest) / world_per_unit(position);
    return voxels > 1.0 ? clamp(LEVEL_FACTOR * log2(voxels), 0.0, float(LEVELS - 1)) : 0.0;
}

float density_of(float log_density) {
    return exp(min(log_density + EMPTY, 15.0)) / greatest(box_hi - box_lo);
}
