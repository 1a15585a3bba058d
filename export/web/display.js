// What is on the screen: coarse while it moves, in full once it rests.

import { Target } from "./gpu.js";
import { Pace } from "./pace.js";

const MOST_PIXELS = 1920 * 1200; // of a still picture, whatever the screen has
const REST = 150; // milliseconds without movement, after which the picture is drawn in full
const STRIP_TIME = 60; // milliseconds of drawing at once, about: the page answers in between

export class Display {
    constructor(gl, painter, background) {
        Object.assign(this, { gl, painter, background });
        [this.moving, this.still] = [new Target(gl), new Target(gl)];
        this.pace = new Pace();
        this.rows = 0; // of the still picture that are drawn
        this.changed = 0;
        this.stripRows = 32;
        this.complete = false;
    }

    /** Has the device make its program ready, which no frame should be blamed for. */
    warmUp(view) {
        this.moving.resize(1, 1);
        this.painter.draw(this.moving, view.seen(1, 1), this.background);
        this.moving.finish();
    }

    /** Of the window, in pixels of the screen: fewer where those are too many. */
    get size() {
        const canvas = this.gl.canvas, ratio = window.devicePixelRatio || 1;
        const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
        const scale = Math.min(1, Math.sqrt(MOST_PIXELS / Math.max(1, width * height)));
        return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    }

    /** The view, the window or the background is another one. */
    change(now = performance.now()) {
        this.changed = now;
        this.fresh = true;
        this.complete = false;
        this.rows = 0;
    }

    /** Draws what there is time for; whether anything is left to do. */
    tick(view, now) {
        const [width, height] = this.size, canvas = this.gl.canvas;
        if (canvas.width !== width || canvas.height !== height) {
            [canvas.width, canvas.height] = [width, height];
            this.change(now);
        }
        if (this.complete) return false;
        if (this.fresh) {
            this.drawMoving(view, width, height);
        } else if (now - this.changed > REST) {
            this.drawStrips(view, width, height);
        }
        return !this.complete;
    }

    drawMoving(view, width, height) {
        const began = performance.now(), share = this.pace.share;
        this.moving.resize(Math.max(1, Math.round(width * share)), Math.max(1, Math.round(height * share)));
        this.painter.draw(this.moving, view.seen(this.moving.width, this.moving.height), this.background);
        this.moving.finish();
        this.pace.note(performance.now() - began);
        this.show(this.moving);
        this.fresh = false;
        this.complete = share === 1;
    }

    drawStrips(view, width, height) {
        this.still.resize(width, height);
        const began = performance.now(), last = Math.min(height, this.rows + this.stripRows);
        this.painter.draw(this.still, view.seen(width, height), this.background, this.rows, last);
        this.still.finish();
        this.stripRows = Math.ceil(this.stripRows * Math.min(2, Math.max(0.5, STRIP_TIME / Math.max(1, performance.now() - began))));
        this.rows = last;
        this.complete = last === height;
        this.show(this.complete ? this.still : this.moving);
    }

    show(target) {
        const gl = this.gl;
        this.shown = target;
        gl.bindFramebuffer(gl.READ_FRAMEBUFFER, target.frame);
        gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, null);
        gl.blitFramebuffer(
            0, 0, target.width, target.height, 0, 0, gl.canvas.width, gl.canvas.height, gl.COLOR_BUFFER_BIT, gl.LINEAR);
    }
}
