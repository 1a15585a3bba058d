// A pixel of a picture: its ray, what the ray sees, and the one colour of that (renderers/shading.py).

uniform mat4x3 world_from_camera; // right, up, back, position
uniform vec2 focal; // pixels
uniform vec2 principal; // pixels from the lower left corner
uniform float near;
uniform vec3 background;
out vec4 color;

const float FOG = 0.01; // opacity from which on a ray has a colour although none of its samples is visible

void main() {
    vec2 sensor = (gl_FragCoord.xy - principal) / focal;
    vec3 ahead = mat3(world_from_camera) * vec3(sensor, -1.0);
    vec3 direction = normalize(ahead), origin = world_from_camera[3];
    float width = 2.0 / ((focal.x + focal.y) * length(ahead));
    Seen seen = march(origin, direction, near, width);
    if (seen.weight == 0.0 && seen.opacity > FOG) {
        vec3 middle = origin + seen.depth / seen.opacity * direction;
        vec3 unit = unit_from_world(middle);
        Place place = place_of(unit, level_of(width * seen.depth / seen.opacity, middle));
        add_visible(seen, 1.0, values_at(place), place);
    }
    color = vec4(background, 1.0);
    if (seen.weight > 0.0) {
        vec3 light = color_of(seen.diffuse / seen.weight, seen.code / seen.weight, direction);
        color.rgb = mix(background, light, seen.opacity);
    }
#ifdef COUNT_READS
    color = vec4(float(reads & 255), float(reads >> 8), 0.0, 255.0) / 255.0;
#endif
}
