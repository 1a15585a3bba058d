// How far each cell of a cube is from the nearest occupied one, in cells along the axis on which that is farthest.

const FARTHEST = 255;

/** `bits`: eight cells to a byte, lowest first, in the order x + n·(y + n·z). */
export function distancesFrom(bits, n) {
    const found = new Uint8Array(n ** 3);
    for (let i = 0; i < found.length; ++i) {
        found[i] = (bits[i >> 3] >> (i & 7)) & 1 ? 0 : FARTHEST;
    }
    // Two passes find the distance exactly: along every way to the nearest cell one after the other of these steps.
    const before = stepsBefore();
    for (let z = 0; z < n; ++z) for (let y = 0; y < n; ++y) for (let x = 0; x < n; ++x) relax(found, n, x, y, z, before, 1);
    for (let z = n - 1; z >= 0; --z) for (let y = n - 1; y >= 0; --y) for (let x = n - 1; x >= 0; --x) relax(found, n, x, y, z, before, -1);
    return found;
}

/** The 13 of a cell's 26 neighbours that come before it. */
function stepsBefore() {
    const steps = [];
    for (let z = -1; z <= 0; ++z) for (let y = -1; y <= 1; ++y) for (let x = -1; x <= 1; ++x) {
        if (z < 0 || y < 0 || (y === 0 && x < 0)) steps.push([x, y, z]);
    }
    return steps;
}

function relax(found, n, x, y, z, steps, sign) {
    const here = x + n * (y + n * z);
    let least = found[here];
    if (least === 0) return;
    for (const [dx, dy, dz] of steps) {
        const i = x + sign * dx, j = y + sign * dy, k = z + sign * dz;
        if (i < 0 || j < 0 || k < 0 || i >= n || j >= n || k >= n) continue;
        const other = found[i + n * (j + n * k)] + 1;
        if (other < least) least = other;
    }
    found[here] = least;
}
