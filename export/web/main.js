// The page from beginning to end: unpack, upload, draw, and answer the hand.

import { View, between } from "./camera.js";
import { Controls } from "./controls.js";
import { Display } from "./display.js";
import { Target } from "./gpu.js";
import { Painter } from "./picture.js";
import { Scene } from "./scene.js";
import { unpack } from "./unpack.js";

const NO_WEBGL2 = "This page draws with WebGL2, which this browser does not have, or has switched off. A current "
    + "Chrome, Edge, Firefox or Safari has it; in some it depends on “use graphics acceleration” in the settings.";
const GLIDE = 600; // milliseconds from one of the cameras to another
const element = (id) => document.getElementById(id);

export async function start(facts, shaders, read) {
    try {
        const gl = element("picture").getContext("webgl2", { alpha: false, antialias: false, powerPreference: "high-performance" });
        if (!gl) throw new Error(NO_WEBGL2);
        const bytes = await unpack(facts.parts, facts.bytes, read, tellProgress);
        element("doing").textContent = "Preparing …";
        await new Promise((resolve) => setTimeout(resolve)); // so that it is seen
        checkLimits(gl, facts);
        const scene = new Scene(gl, facts, bytes), painter = new Painter(gl, scene, shaders);
        const page = new Page(gl, facts, painter);
        element("loading").hidden = true;
        element("bar").hidden = false;
        return page;
    } catch (error) {
        sayFailure(error.message);
        throw error;
    }
}

function tellProgress(fraction) {
    element("progress").value = fraction;
    element("doing").textContent = `Unpacking … ${Math.round(100 * fraction)} %`;
}

function sayFailure(words) {
    element("loading").hidden = false;
    element("progress").hidden = true;
    element("doing").textContent = words;
}

function checkLimits(gl, facts) {
    const longest = gl.getParameter(gl.MAX_3D_TEXTURE_SIZE), wanted = Math.max(facts.march.cells, facts.levels[0].resolution / 4);
    if (wanted > longest) {
        throw new Error(`This device's graphics have 3D textures of up to ${longest}³, and this scene needs ${wanted}³: export it with a smaller field.`);
    }
}

class Page {
    constructor(gl, facts, painter) {
        Object.assign(this, { gl, facts, painter, stop: 0, glide: null, film: null, last: 0 });
        this.middle = facts.middle;
        this.view = this.viewOf(0);
        this.display = new Display(gl, painter, [...facts.background]);
        this.controls = new Controls(gl.canvas, () => this.held(), () => this.change());
        this.connect();
        this.display.warmUp(this.view);
        this.change();
        this.frame = this.frame.bind(this);
        requestAnimationFrame(this.frame);
    }

    viewOf(stop) {
        return new View(this.facts.cameras[stop], this.middle, this.facts.size);
    }

    /** The view, now that a hand is on it: it moves no more by itself. */
    held() {
        this.glide = this.film = null;
        return this.view;
    }

    change() {
        this.display.change();
    }

    frame(now) {
        const seconds = (now - this.last) / 1000;
        this.last = now;
        this.controls.fly(seconds);
        if (this.glide) this.glideOn(now);
        if (this.film) this.filmOn(now);
        this.display.tick(this.view, now);
        requestAnimationFrame(this.frame);
    }

    glideOn(now) {
        const part = Math.min(1, (now - this.glide.began) / GLIDE);
        this.view = part < 1 ? between(this.glide.from, this.glide.to, part * part * (3 - 2 * part)) : this.glide.to;
        if (part === 1) this.glide = null;
        this.change();
    }

    /** The camera of the path whose turn it is. */
    filmOn(now) {
        const { fps, cameras } = this.facts.path, frame = Math.floor((now - this.film.began) / 1000 * fps);
        this.view = new View(cameras[Math.min(Math.max(frame, 0), cameras.length - 1)], this.middle, this.facts.size);
        if (frame >= cameras.length - 1) this.film = null;
        this.change();
    }

    goTo(stop) {
        this.film = null;
        const count = this.facts.cameras.length;
        this.stop = ((stop % count) + count) % count;
        element("stop").textContent = `Camera ${this.stop + 1} of ${count}`;
        this.glide = { from: this.view.copy(), to: this.viewOf(this.stop), began: performance.now() };
    }

    connect() {
        const on = (id, name, act) => element(id).addEventListener(name, act);
        on("before", "click", () => this.goTo(this.stop - 1));
        on("after", "click", () => this.goTo(this.stop + 1));
        on("reset", "click", () => this.goTo(this.stop));
        on("play", "click", () => (this.film = this.film ? null : { began: performance.now() }));
        element("play").hidden = !this.facts.path;
        on("background", "input", (event) => this.paintBehind(event.target.value));
        on("full", "click", toggleFullScreen);
        on("help", "click", () => (element("words").hidden = !element("words").hidden));
        element("full").hidden = !document.fullscreenEnabled;
        element("background").value = `#${this.facts.background.map((c) => Math.round(255 * c).toString(16).padStart(2, "0")).join("")}`;
        element("stop").textContent = `Camera 1 of ${this.facts.cameras.length}`;
        this.gl.canvas.addEventListener("webglcontextlost", () => sayFailure("The graphics of this device were reset: reload the page."));
    }

    paintBehind(color) {
        this.display.background = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16) / 255);
        this.change();
    }

    /** A camera's picture as bytes, rows from the bottom: {pose, focal, principal, near}, lengths in its pixels. */
    pictureOf(camera, width, height, painter = this.painter) {
        const target = new Target(this.gl);
        target.resize(width, height);
        const began = performance.now();
        painter.draw(target, camera, this.display.background);
        target.finish();
        const milliseconds = performance.now() - began, pixels = target.pixels();
        target.remove();
        return { pixels, milliseconds };
    }
}

function toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
}
