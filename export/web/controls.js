// Hands on the picture: mouse, touch and keys move the view.

const RADIANS_PER_PIXEL = 0.006;
const ZOOM_PER_PIXEL = 0.0015;
const FLIGHT = 0.9; // of the pivot's distance, in a second
const TURN = 1.2; // radians in a second
const FLYING = { w: [0, 0, -1], s: [0, 0, 1], a: [-1, 0, 0], d: [1, 0, 0], e: [0, 1, 0], q: [0, -1, 0] };
const TURNING = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, 1], arrowdown: [0, -1] };

export class Controls {
    /** `view()` is what is moved, and `moved()` is told of it. */
    constructor(canvas, view, moved) {
        Object.assign(this, { canvas, view, moved });
        this.pointers = new Map();
        this.keys = new Set();
        const on = (name, act, options) => canvas.addEventListener(name, act, options);
        on("pointerdown", (event) => this.down(event));
        on("pointermove", (event) => this.drag(event));
        for (const name of ["pointerup", "pointercancel"]) on(name, (event) => this.pointers.delete(event.pointerId));
        on("wheel", (event) => this.wheel(event), { passive: false });
        on("contextmenu", (event) => event.preventDefault());
        window.addEventListener("keydown", (event) => this.key(event, true));
        window.addEventListener("keyup", (event) => this.key(event, false));
        window.addEventListener("blur", () => this.keys.clear());
    }

    down(event) {
        this.canvas.setPointerCapture(event.pointerId);
        this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
        this.canvas.focus();
    }

    drag(event) {
        const before = this.pointers.get(event.pointerId);
        if (!before) return;
        const now = [event.clientX, event.clientY], [x, y] = [now[0] - before[0], now[1] - before[1]];
        if (this.pointers.size > 1) {
            this.pinch(event.pointerId, before, now);
        } else if (event.buttons > 1 || event.shiftKey) {
            this.pan(x, y);
        } else if (event.ctrlKey || event.altKey) {
            this.view().look(x * RADIANS_PER_PIXEL * 0.5, -y * RADIANS_PER_PIXEL * 0.5);
        } else {
            this.view().orbit(-x * RADIANS_PER_PIXEL, y * RADIANS_PER_PIXEL);
        }
        this.pointers.set(event.pointerId, now);
        this.moved();
    }

    /** The point under the hand goes with it. */
    pan(x, y) {
        const canvas = this.canvas, [focal] = this.view().seen(canvas.clientWidth, canvas.clientHeight).focal;
        this.view().move(-x / focal, y / focal);
    }

    /** Two fingers: what is between them stays between them. */
    pinch(id, before, now) {
        const [other] = [...this.pointers].filter(([each]) => each !== id).map(([, place]) => place);
        const apart = (place) => Math.max(1, Math.hypot(place[0] - other[0], place[1] - other[1]));
        this.view().zoom(apart(before) / apart(now));
        this.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    }

    wheel(event) {
        event.preventDefault();
        const pixels = event.deltaY * [1, 30, 300][event.deltaMode];
        this.view().zoom(Math.exp(Math.max(-300, Math.min(300, pixels)) * ZOOM_PER_PIXEL));
        this.moved();
    }

    key(event, down) {
        const name = event.key.toLowerCase();
        if (event.ctrlKey || event.metaKey || event.target.tagName === "INPUT") return;
        if (!(name in FLYING || name in TURNING)) return;
        event.preventDefault();
        if (down) this.keys.add(name);
        else this.keys.delete(name);
        this.moved();
    }

    /** Moves on for as long as keys are held; whether any is. */
    fly(seconds) {
        for (const name of this.keys) {
            const part = Math.min(seconds, 0.1);
            if (name in FLYING) this.view().move(...FLYING[name].map((each) => each * FLIGHT * part));
            else this.view().orbit(...TURNING[name].map((each) => each * TURN * part));
        }
        if (this.keys.size) this.moved();
        return this.keys.size > 0;
    }
}
