// Pictures of the field: a camera's, of any size, whole or in strips.

import { compile } from "./gpu.js";
import { fieldShader } from "./scene.js";

const CORNERS = `#version 300 es
void main() {
    gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0);
}`;

/** `defined`: what the shaders are told beside; with COUNT_READS a pixel is how many reads it took, lower byte first. */
export class Painter {
    constructor(gl, scene, shaders, defined = {}) {
        this.gl = gl;
        this.scene = scene;
        this.program = compile(gl, CORNERS, fieldShader(scene.facts, shaders, defined) + shaders.picture);
        scene.bind(this.program);
        const names = ["world_from_camera", "focal", "principal", "near", "background"];
        this.places = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(this.program, name)]));
        gl.bindVertexArray(gl.createVertexArray());
    }

    /** Rows `first` to `last`, from the bottom, of what a camera sees; its lengths are in pixels of the target. */
    draw(target, camera, background, first = 0, last = target.height) {
        const { gl, places } = this;
        gl.useProgram(this.program);
        gl.uniformMatrix4x3fv(places.world_from_camera, false, camera.pose);
        gl.uniform2fv(places.focal, camera.focal);
        gl.uniform2f(places.principal, camera.principal[0], target.height - camera.principal[1]);
        gl.uniform1f(places.near, camera.near);
        gl.uniform3fv(places.background, background);
        gl.bindFramebuffer(gl.FRAMEBUFFER, target.frame);
        gl.viewport(0, 0, target.width, target.height);
        gl.enable(gl.SCISSOR_TEST);
        gl.scissor(0, first, target.width, last - first);
        gl.drawArrays(gl.TRIANGLES, 0, 3);
        gl.disable(gl.SCISSOR_TEST);
    }
}
