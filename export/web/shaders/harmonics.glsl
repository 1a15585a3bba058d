// Real spherical harmonics up to degree 4, four in each vector: ops/spherical_harmonics.py.

void harmonics(vec3 d, out vec4 found[4]) {
    float x = d.x, y = d.y, z = d.z, xx = x * x, yy = y * y, zz = z * z;
    found[0] = vec4(0.28209479, -0.48860251 * y, 0.48860251 * z, -0.48860251 * x);
    found[1] = vec4(1.09254843 * x * y, -1.09254843 * y * z, 0.31539157 * (3.0 * zz - 1.0), -1.09254843 * x * z);
    found[2] = vec4(
        0.54627422 * (xx - yy), 0.59004359 * y * (yy - 3.0 * xx), 2.89061144 * x * y * z,
        0.45704580 * y * (1.0 - 5.0 * zz));
    found[3] = vec4(
        0.37317633 * z * (5.0 * zz - 3.0), 0.45704580 * x * (1.0 - 5.0 * zz), 1.44530572 * z * (xx - yy),
        0.59004359 * x * (3.0 * yy - xx));
}
