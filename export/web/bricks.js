// Bricks of 9³ voxels for the texture unit to interpolate in, put together from blocks of 8³: export/page_bake.py.

export const SIDE = 8, BLOCK = 512;
export const BRICK = 9;

/** How many bricks lie along each axis of an atlas for `count`, no axis longer than `longest` texels. */
export function atlasSize(count, longest) {
    const most = Math.floor(longest / BRICK);
    const side = Math.min(most, Math.max(1, Math.ceil(Math.cbrt(count))));
    const size = [side, side, Math.ceil(count / (side * side))];
    if (size[2] > most) {
        throw new Error(`This device's graphics can hold ${most ** 3} bricks of a scene, and this one has ${count}: export it with a smaller field.`);
    }
    return size;
}

/** Where the n-th brick lies in an atlas, in bricks. */
export function placeInAtlas(n, [across, down]) {
    return [n % across, Math.floor(n / across) % down, Math.floor(n / (across * down))];
}

/** Numbers of a level's blocks by their place x + B·(y + B·z), −1 where there is none. */
export function blockNumbers(level) {
    const size = level.resolution / SIDE, numbers = new Int32Array(size ** 3).fill(-1);
    for (let n = 0; n < level.blockCount; ++n) {
        const [x, y, z] = level.blocks.subarray(3 * n, 3 * n + 3);
        numbers[x + size * (y + size * z)] = n;
    }
    return numbers;
}

/** Writes one layer of bricks of the atlas (all that have the same z) into `texels`, which holds 4 channels each. */
export function fillBrick(texels, [column, row], across, level, numbers, brick, words, zero) {
    const size = level.resolution / SIDE, width = across[0] * BRICK, height = across[1] * BRICK;
    const [bx, by, bz] = level.bricks.subarray(3 * brick, 3 * brick + 3);
    for (let octant = 0; octant < 8; ++octant) {
        const dx = octant & 1, dy = (octant >> 1) & 1, dz = octant >> 2;
        const x = Math.min(bx + dx, size - 1), y = Math.min(by + dy, size - 1), z = Math.min(bz + dz, size - 1);
        const block = numbers[x + size * (y + size * z)];
        for (let k = dz * SIDE; k < SIDE + dz; ++k) {
            for (let j = dy * SIDE; j < SIDE + dy; ++j) {
                let to = column * BRICK + dx * SIDE + width * (row * BRICK + j + height * k);
                let from = block * BLOCK + SIDE * (j % SIDE + SIDE * (k % SIDE));
                for (let i = dx * SIDE; i < SIDE + dx; ++i) {
                    texels[to++] = block < 0 ? zero : words[from++];
                }
            }
        }
    }
}

/** Four channels of bytes, each for all voxels at once, as one word for each voxel. */
export function interleave(channels, count) {
    const words = new Uint32Array(count), bytes = new Uint8Array(words.buffer);
    channels.forEach((channel, c) => {
        for (let i = 0; i < count; ++i) {
            bytes[4 * i + c] = channel[i];
        }
    });
    return words;
}
