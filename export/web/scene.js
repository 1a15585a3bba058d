// The field on the graphics processor: textures made of the page's bytes, and what the shaders are told of it.

import { BLOCK, BRICK, SIDE, atlasSize, blockNumbers, fillBrick, interleave, placeInAtlas } from "./bricks.js";
import { distancesFrom } from "./distances.js";
import { volume } from "./gpu.js";
import { Reader } from "./unpack.js";

const SHADER_ORDER = ["contraction", "harmonics", "network", "voxels", "march"];
const UNITS = { diffuse_and_density: 0, codes: 1, bricks: 2, distances: 3 };

/** The beginning of every shader that asks the field. `facts` are the page's own, `shaders` the texts by their names. */
export function fieldShader(facts, shaders, others = {}) {
    const [appearance, density] = [facts.scales[0], facts.scales[3]];
    const hidden = fours(facts.network[0][0]), inputs = fours(facts.network[0][1]), layers = facts.network.length - 1;
    const defined = {
        ...others,
        LEVELS: facts.levels.length,
        LEVEL_FACTOR: float(facts.level.factor),
        LEVEL_WIDTH: float(facts.level.width),
        EMPTY: float(facts.empty),
        APPEARANCE_SCALE: float(255 * appearance.step),
        APPEARANCE_ZERO: float(appearance.zero * appearance.step),
        DENSITY_SCALE: float(255 * density.step),
        DENSITY_ZERO: float(density.zero * density.step),
        NETWORK_IN: inputs,
        NETWORK_HIDDEN: hidden,
        NETWORK_HIDDEN_LAYERS: layers,
        NETWORK_PARTS: hidden * inputs + (layers - 1) * hidden * hidden + hidden,
    };
    if (facts.domain.kind === "contraction") defined.CONTRACTED = 1;
    if (facts.level.density === "finest") defined.DENSITY_OF_THE_FINEST = 1;
    const lines = Object.entries(defined).map(([name, value]) => `#define ${name} ${value}`);
    const begin = ["#version 300 es", "precision highp float;", "precision highp int;", ...lines];
    return [...begin, ...SHADER_ORDER.map((name) => shaders[name]), ""].join("\n");
}

function float(number) {
    const text = String(number);
    return /[.e]/.test(text) ? text : `${text}.0`;
}

function fours(width) {
    return Math.ceil(width / 4);
}

export class Scene {
    /** `bytes` are those that `export/page_file.py` packed. */
    constructor(gl, facts, bytes) {
        this.gl = gl;
        this.facts = facts;
        const reader = new Reader(bytes), cells = facts.march.cells;
        this.makeDistances(reader.take(Uint8Array, cells ** 3 / 8), cells);
        const levels = facts.levels.map((level) => readLevel(reader, level));
        this.makeBricks(levels);
        this.makeNetwork(facts.network.map(([out, width]) => ({ out, width, values: reader.take(Float32Array, out * width) })));
    }

    makeDistances(bits, cells) {
        const gl = this.gl;
        volume(gl, UNITS.distances, gl.R8UI, [cells, cells, cells], gl.NEAREST);
        gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
        const distances = distancesFrom(bits, cells);
        gl.texSubImage3D(gl.TEXTURE_3D, 0, 0, 0, 0, cells, cells, cells, gl.RED_INTEGER, gl.UNSIGNED_BYTE, distances);
    }

    makeBricks(levels) {
        const count = levels.reduce((sum, level) => sum + level.brickCount, 0);
        const longest = this.gl.getParameter(this.gl.MAX_3D_TEXTURE_SIZE);
        this.atlas = atlasSize(count, Math.min(longest, 256 * BRICK));
        this.makeIndex(levels);
        for (const [name, first] of [["diffuse_and_density", 0], ["codes", 4]]) {
            this.makeAtlas(UNITS[name], levels, first);
        }
    }

    /** Where each place of each level finds its brick: one level behind the other along z. */
    makeIndex(levels) {
        const gl = this.gl, side = levels[0].resolution / SIDE;
        this.levelOffsets = [];
        let depth = 0, number = 0;
        for (const level of levels) {
            this.levelOffsets.push(depth);
            depth += level.resolution / SIDE;
        }
        const index = new Uint8Array(4 * side * side * depth);
        levels.forEach((level, l) => {
            for (let n = 0; n < level.brickCount; ++n, ++number) {
                const [x, y, z] = level.bricks.subarray(3 * n, 3 * n + 3);
                index.set([...placeInAtlas(number, this.atlas), 1], 4 * (x + side * (y + side * (z + this.levelOffsets[l]))));
            }
        });
        volume(gl, UNITS.bricks, gl.RGBA8UI, [side, side, depth], gl.NEAREST);
        gl.texSubImage3D(gl.TEXTURE_3D, 0, 0, 0, 0, side, side, depth, gl.RGBA_INTEGER, gl.UNSIGNED_BYTE, index);
    }

    /** Four channels of all levels, uploaded one layer of bricks after another. */
    makeAtlas(unit, levels, first) {
        const gl = this.gl, [across, down, layers] = this.atlas;
        const [width, height] = [across * BRICK, down * BRICK];
        volume(gl, unit, gl.RGBA8, [width, height, layers * BRICK], gl.LINEAR);
        const zero = new Uint32Array(new Uint8Array(this.facts.scales.slice(first, first + 4).map(({ zero }) => zero)).buffer)[0];
        const texels = new Uint32Array(width * height * BRICK), bytes = new Uint8Array(texels.buffer);
        let layer = 0, number = 0;
        const upload = () => gl.texSubImage3D(
            gl.TEXTURE_3D, 0, 0, 0, layer * BRICK, width, height, BRICK, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
        for (const level of levels) {
            const numbers = blockNumbers(level);
            const words = interleave(level.channels.slice(first, first + 4), level.blockCount * BLOCK);
            for (let brick = 0; brick < level.brickCount; ++brick, ++number) {
                const place = placeInAtlas(number, this.atlas);
                if (place[2] > layer) {
                    upload();
                    layer = place[2];
                }
                fillBrick(texels, place, this.atlas, level, numbers, brick, words, zero);
            }
        }
        upload();
    }

    makeNetwork(matrices) {
        const gl = this.gl;
        this.network = gl.createBuffer();
        gl.bindBufferBase(gl.UNIFORM_BUFFER, 0, this.network);
        gl.bufferData(gl.UNIFORM_BUFFER, networkParts(matrices), gl.STATIC_DRAW);
    }

    /** Tells a program what it has to know of the field. */
    bind(program) {
        const gl = this.gl, { domain, march } = this.facts, at = (name) => gl.getUniformLocation(program, name);
        gl.useProgram(program);
        gl.uniform3fv(at("box_lo"), domain.lo);
        gl.uniform3fv(at("box_hi"), domain.hi);
        for (const [name, unit] of Object.entries(UNITS)) gl.uniform1i(at(name), unit);
        gl.uniform1iv(at("level_offsets"), this.levelOffsets);
        gl.uniform1i(at("finest"), this.facts.levels[0].resolution);
        gl.uniform3fv(at("atlas_scale"), this.atlas.map((bricks) => 1 / (bricks * BRICK)));
        gl.uniform1i(at("cells"), march.cells);
        gl.uniform1f(at("march_step"), march.step);
        gl.uniform1f(at("march_cone"), march.cone);
        gl.uniform1f(at("march_horizon"), march.horizon);
        const block = gl.getUniformBlockIndex(program, "Network");
        if (block !== gl.INVALID_INDEX) gl.uniformBlockBinding(program, block, 0);
    }
}

function readLevel(reader, { resolution, blocks, bricks }) {
    return {
        resolution,
        blockCount: blocks,
        brickCount: bricks,
        blocks: reader.take(Uint16Array, 3 * blocks),
        bricks: reader.take(Uint16Array, 3 * bricks),
        channels: Array.from({ length: 8 }, () => reader.take(Uint8Array, BLOCK * blocks)),
    };
}

/** The matrices as 4×4 parts, column by column within each: what `network.glsl` reads. */
export function networkParts(matrices) {
    const numbers = [];
    for (const { out, width, values } of matrices) {
        for (let row = 0; row < out; row += 4) {
            for (let column = 0; column < width; column += 4) {
                for (let part = 0; part < 16; ++part) {
                    const i = row + (part % 4), j = column + (part >> 2);
                    numbers.push(i < out && j < width ? values[i * width + j] : 0);
                }
            }
        }
    }
    return new Float32Array(numbers);
}
