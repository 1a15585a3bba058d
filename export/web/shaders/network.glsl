// The one network of a pixel, without biases: ops/mlp.py. Widths are counted in fours, and filled up with zeros:
// `weights` has, layer by layer and row by row, 4×4 parts of its matrices.

layout(std140) uniform Network {
    mat4 weights[NETWORK_PARTS];
};

vec4 sigmoid(vec4 v) {
    return 1.0 / (1.0 + exp(-v));
}

// The last layer's sums, before any sigmoid.
vec4 network(vec4 inputs[NETWORK_IN]) {
    vec4 before[NETWORK_HIDDEN], after[NETWORK_HIDDEN];
    int part = 0;
    for (int row = 0; row < NETWORK_HIDDEN; ++row) {
        vec4 sum = vec4(0.0);
        for (int column = 0; column < NETWORK_IN; ++column) {
            sum += weights[part++] * inputs[column];
        }
        before[row] = max(sum, 0.0);
    }
    for (int layer = 1; layer < NETWORK_HIDDEN_LAYERS; ++layer) {
        for (int row = 0; row < NETWORK_HIDDEN; ++row) {
            vec4 sum = vec4(0.0);
            for (int column = 0; column < NETWORK_HIDDEN; ++column) {
                sum += weights[part++] * before[column];
            }
            after[row] = max(sum, 0.0);
        }
        before = after;
    }
    vec4 last = vec4(0.0);
    for (int column = 0; column < NETWORK_HIDDEN; ++column) {
        last += weights[part++] * before[column];
    }
    return last;
}

// Colour from the mean features of what a pixel sees: fields/mipvog.py.
vec3 color_of(vec3 diffuse, vec4 code, vec3 direction) {
    vec4 found[4];
    harmonics(direction, found);
    vec4 inputs[NETWORK_IN];
    for (int i = 0; i < 4; ++i) {
        inputs[i] = found[i];
    }
    inputs[4] = vec4(diffuse, code.x);
    inputs[5] = vec4(code.yzw, 0.0);
    return diffuse + (1.0 - diffuse) * sigmoid(network(inputs)).rgb;
}
