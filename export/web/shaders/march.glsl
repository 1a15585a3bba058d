// Steps through occupied cells, near to far, until nothing behind can be seen: ops/ray_march.py,
// renderers/front_to_back.py.

uniform highp usampler3D distances; // of each cell to the nearest occupied one, in cells; 0 where it is occupied itself
uniform int cells; // along an axis
uniform float march_step;
uniform float march_cone; // steps grow to so many times the distance; 0 where they do not
uniform float march_horizon;

const int MOST_STEPS = 8192;
const float FLAT = 1e-8; // the least that a direction has along an axis, for what is divided by it
const float STOP = 2e-3; // transmittance at which a ray has ended: half of the least that a byte tells
const float VISIBLE = 1e-4; // a sample of less weight is not asked for its colour

float steps_from_distance(float t) {
    if (march_cone == 0.0) return t / march_step;
    float bend = march_step / march_cone;
    return t <= bend ? t / march_step : (1.0 + log(t / bend)) / march_cone;
}

float distance_from_steps(float s) {
    if (s * march_cone <= 1.0) return s * march_step;
    return march_step / march_cone * exp(s * march_cone - 1.0);
}

// Where a ray is in the box, and past `near`.
vec2 span_in_box(vec3 origin, vec3 direction, float near) {
#ifdef CONTRACTED
    return vec2(near, march_horizon);
#else
    vec3 a = (box_lo - origin) / direction, b = (box_hi - origin) / direction;
    vec3 enter = min(a, b), leave = max(a, b);
    return vec2(max(near, greatest(enter)), min(leave.x, min(leave.y, leave.z)));
#endif
}

float distance_to_occupied(vec3 unit) {
    ivec3 cell = clamp(ivec3(unit * float(cells)), 0, cells - 1);
    reads += 1;
    return float(texelFetch(distances, cell, 0).r);
}

// How far along a ray there is certainly nothing, `empty` cells away from anything.
float free_way(vec3 position, vec3 direction, vec3 unit, float empty) {
#ifdef CONTRACTED
    // Between two points that are n halves of the box from the middle or farther, the map makes the longest edge of a
    // step at most 4/n − 3/n² times as long; that is 4/3 at n = 1.5, and nowhere more.
    float norm = greatest(abs(halves_from_world(position)));
    float gap = 4.0 * (empty - 1.0) / float(cells);
    float n = max(norm * 0.5, 1.5);
    float way = max(gap * 0.75, min(gap / (4.0 / n - 3.0 / (n * n)), norm * 0.5));
    return way / greatest(abs(direction / (box_hi - box_lo) * 2.0));
#else
    vec3 cell = floor(unit * float(cells));
    vec3 ahead = mix(cell - (empty - 1.0), cell + empty, greaterThan(direction, vec3(0.0))) / float(cells);
    vec3 way = abs((ahead - unit) * (box_hi - box_lo) / direction);
    return min(way.x, min(way.y, way.z));
#endif
}

struct Seen {
    float opacity;
    float depth; // Σ w·t
    float weight; // of the visible samples
    vec3 diffuse;
    vec4 code;
};

void add_visible(inout Seen seen, float weight, vec4 values, Place place) {
    seen.weight += weight;
    seen.diffuse += weight * sigmoid(values).rgb;
    seen.code += weight * sigmoid(codes_at(place));
}

// `width`: of a pixel, in world units, at a distance of 1.
Seen march(vec3 origin, vec3 direction, float near, float width) {
    Seen seen = Seen(0.0, 0.0, 0.0, vec3(0.0), vec4(0.0));
    direction = mix(direction, vec3(FLAT), lessThan(abs(direction), vec3(FLAT)));
    vec2 span = span_in_box(origin, direction, near);
    if (!(span.x < span.y)) return seen;
    float light = 1.0, s = steps_from_distance(span.x) + 0.5;
    for (int i = 0; i < MOST_STEPS; ++i) {
        float t = distance_from_steps(s);
        if (t >= span.y) break;
        vec3 position = origin + t * direction, unit = unit_from_world(position);
        float empty = distance_to_occupied(unit);
        if (empty > 0.0) {
            float way = free_way(position, direction, unit, empty);
            s += max(1.0, ceil(steps_from_distance(t + way) - s));
            continue;
        }
        s += 1.0;
        float level = level_of(width * t, position);
        Place place = place_of(unit, level);
        vec4 values = values_at(place);
#ifdef DENSITY_OF_THE_FINEST
        float log_density = level > 0.0 ? values_at(place_of(unit, 0.0)).a : values.a;
#else
        float log_density = values.a;
#endif
        float passed = exp(-density_of(log_density) * max(march_step, t * march_cone));
        float weight = light * (1.0 - passed);
        light *= passed;
        seen.opacity += weight;
        seen.depth += weight * t;
        if (weight > VISIBLE) add_visible(seen, weight, values, place);
        if (light < STOP) break;
    }
    return seen;
}
