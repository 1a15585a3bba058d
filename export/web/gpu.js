// WebGL2, in a few words.

export function compile(gl, vertex, fragment, feedback = []) {
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
        const shader = gl.createShader(kind);
        gl.shaderSource(shader, source);
        gl.compileShader(shader);
        gl.attachShader(program, shader);
        if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
            throw new Error(`A shader was refused by this device: ${gl.getShaderInfoLog(shader)}`);
        }
    }
    if (feedback.length) {
        gl.transformFeedbackVaryings(program, feedback, gl.INTERLEAVED_ATTRIBS);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
        throw new Error(`A shader was refused by this device: ${gl.getProgramInfoLog(program)}`);
    }
    return program;
}

/** A 3D texture without values yet; `filter` is NEAREST, or LINEAR where values are interpolated. */
export function volume(gl, unit, format, [width, height, depth], filter) {
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_3D, texture);
    gl.texStorage3D(gl.TEXTURE_3D, 1, format, width, height, depth);
    gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MIN_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MAG_FILTER, filter);
    for (const axis of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T, gl.TEXTURE_WRAP_R]) {
        gl.texParameteri(gl.TEXTURE_3D, axis, gl.CLAMP_TO_EDGE);
    }
    return texture;
}

/** A picture to draw into. */
export class Target {
    constructor(gl) {
        this.gl = gl;
        this.frame = gl.createFramebuffer();
        this.texture = gl.createTexture();
        this.width = this.height = 0;
    }

    resize(width, height) {
        if (width === this.width && height === this.height) return;
        const gl = this.gl;
        [this.width, this.height] = [width, height];
        gl.activeTexture(gl.TEXTURE0 + SPARE_UNIT);
        gl.bindTexture(gl.TEXTURE_2D, this.texture);
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
        gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
        gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.texture, 0);
    }

    remove() {
        this.gl.deleteFramebuffer(this.frame);
        this.gl.deleteTexture(this.texture);
    }

    pixels() {
        const gl = this.gl, bytes = new Uint8Array(4 * this.width * this.height);
        gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
        gl.readPixels(0, 0, this.width, this.height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
        return bytes;
    }

    /** Waits until all that was asked for is drawn. */
    finish() {
        this.gl.bindFramebuffer(this.gl.FRAMEBUFFER, this.frame);
        this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
    }
}

const SPARE_UNIT = 7;
