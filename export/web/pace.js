// How sharp a moving picture may be so that it keeps up with the hand.

const WANTED = 33; // milliseconds for a frame
const COARSEST = 1 / 12, STEADY = 0.8; // how much of the old sharpness stays where a frame had time to spare

/** Pixels along each side of a moving picture, as a share of those of a still one. */
export class Pace {
    constructor() {
        this.share = 0.5;
    }

    /** A frame of this share took so long. */
    note(milliseconds) {
        const fitting = this.share * Math.sqrt(WANTED / Math.max(milliseconds, 1));
        const next = fitting < this.share ? fitting : STEADY * this.share + (1 - STEADY) * fitting;
        this.share = Math.min(1, Math.max(COARSEST, next));
    }
}
