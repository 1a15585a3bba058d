// Where one looks from: a pose, and the point that it turns around. World +Z is up; a camera looks along −back.

export const add = (a, b, scale = 1) => a.map((each, i) => each + scale * b[i]);
export const dot = (a, b) => a.reduce((sum, each, i) => sum + each * b[i], 0);
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const normalize = (a) => a.map((each) => each / Math.hypot(...a));

/** `v` turned around a unit axis (Rodrigues). */
export function turned(v, axis, angle) {
    const [c, s] = [Math.cos(angle), Math.sin(angle)], along = dot(axis, v) * (1 - c), side = cross(axis, v);
    return v.map((each, i) => each * c + side[i] * s + axis[i] * along);
}

const STEEPEST = 0.999; // how far up or down one may turn to look: the sine of the elevation

export class View {
    /** `camera`: one of the page's; `middle`: a point of interest, from which follows how far ahead the pivot lies. */
    constructor(camera, middle, size) {
        const pose = camera.pose;
        [this.right, this.up, this.back, this.position] = [0, 3, 6, 9].map((i) => pose.slice(i, i + 3));
        this.camera = camera;
        this.distance = Math.max(dot(add(this.position, middle, -1), this.back), 0.05 * size);
    }

    get pivot() {
        return add(this.position, this.back, -this.distance);
    }

    copy() {
        return Object.assign(Object.create(View.prototype), this);
    }

    /** Turns around the pivot: radians to the side, and up. */
    orbit(side, up) {
        const pivot = this.pivot;
        this.turn([0, 0, 1], side);
        this.tilt(up);
        this.position = add(pivot, this.back, this.distance);
    }

    /** Looks elsewhere from the same place. */
    look(side, up) {
        this.turn([0, 0, 1], side);
        this.tilt(up);
    }

    tilt(up) {
        const before = this.back[2];
        const back = turned(this.back, this.right, -up);
        if (Math.abs(back[2]) < STEEPEST || Math.abs(back[2]) < Math.abs(before)) this.turn(this.right, -up);
    }

    turn(axis, angle) {
        for (const name of ["right", "up", "back"]) this[name] = turned(this[name], axis, angle);
        this.back = normalize(this.back);
        this.right = normalize(add(this.right, this.back, -dot(this.right, this.back)));
        this.up = cross(this.back, this.right);
    }

    /** Moves the camera and its pivot, in parts of the distance between them. */
    move(right, up, back = 0) {
        for (const [axis, part] of [[this.right, right], [this.up, up], [this.back, back]]) {
            this.position = add(this.position, axis, part * this.distance);
        }
    }

    zoom(factor) {
        const pivot = this.pivot;
        this.distance *= factor;
        this.position = add(pivot, this.back, this.distance);
    }

    /** What the shader is told, for a picture of `width`×`height`: all that the page's camera saw is in it. */
    seen(width, height) {
        const { focal, size, near } = this.camera, scale = Math.min(width / size[0], height / size[1]);
        const pose = [...this.right, ...this.up, ...this.back, ...this.position];
        return { pose, focal: focal.map((each) => each * scale), principal: [width / 2, height / 2], near };
    }
}

/** Part of the way from one view to another. */
export function between(one, other, part) {
    const view = other.copy(), mix = (a, b) => a.map((each, i) => each + part * (b[i] - each));
    view.back = normalize(mix(one.back, other.back));
    const right = mix(one.right, other.right);
    view.right = normalize(add(right, view.back, -dot(right, view.back)));
    view.up = cross(view.back, view.right);
    view.distance = one.distance + part * (other.distance - one.distance);
    view.position = add(mix(one.pivot, other.pivot), view.back, view.distance);
    return [...view.back, ...view.right].every(Number.isFinite) ? view : other.copy();
}
