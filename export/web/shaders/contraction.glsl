// The part of the world a field covers, as a map to the unit cube: scenes/domain.py.

uniform vec3 box_lo;
uniform vec3 box_hi;

// In halves of the box, from its middle.
vec3 halves_from_world(vec3 position) {
    return (position - box_lo) / (box_hi - box_lo) * 2.0 - 1.0;
}

float greatest(vec3 v) {
    return max(v.x, max(v.y, v.z));
}

vec3 unit_from_world(vec3 position) {
#ifdef CONTRACTED
    vec3 x = halves_from_world(position);
    float norm = max(greatest(abs(x)), 1.0);
    return (x * (2.0 - 1.0 / norm) / norm + 2.0) / 4.0;
#else
    return (position - box_lo) / (box_hi - box_lo);
#endif
}

// How long in the world an edge of the unit cube is at a place, across the view from the middle.
float world_per_unit(vec3 position) {
    float side = greatest(box_hi - box_lo);
#ifdef CONTRACTED
    float norm = max(greatest(abs(halves_from_world(position))), 1.0);
    return 2.0 * side * norm / (2.0 - 1.0 / norm);
#else
    return side;
#endif
}
