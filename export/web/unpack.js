// The field's bytes, as they are packed in the page: deflated in parts, so that progress can be told.

const DAMAGED = "This page is damaged: a part of the scene is missing or was changed. Download or export it again.";
const TOO_OLD = "This browser is too old to unpack the scene: it needs DecompressionStream, which Chrome has since "
    + "version 80, Firefox since 113 and Safari since 16.4.";

/** One after another, `tell`ing the fraction that is done; `read(part)` gives a part's deflated bytes. */
export async function unpack(parts, bytes, read, tell) {
    if (typeof DecompressionStream === "undefined") {
        throw new Error(TOO_OLD);
    }
    const whole = new Uint8Array(bytes);
    let done = 0;
    for (let part = 0; part < parts; ++part) {
        const inflated = await inflate(await read(part));
        whole.set(inflated, done);
        done += inflated.length;
        tell(done / bytes);
    }
    if (done !== bytes) throw new Error(DAMAGED);
    return whole;
}

async function inflate(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    try {
        return new Uint8Array(await new Response(stream).arrayBuffer());
    } catch (error) {
        throw new Error(DAMAGED, { cause: error });
    }
}

/** Of a page that is one file: the parts stand in it as text. */
export async function readFromPage(part) {
    const text = document.getElementById(`part-${part}`).textContent.trim();
    const characters = atob(text), bytes = new Uint8Array(characters.length);
    for (let i = 0; i < bytes.length; ++i) {
        bytes[i] = characters.charCodeAt(i);
    }
    return bytes;
}

/** Of a page in a folder: the parts are files beside it. */
export async function readFromFolder(part) {
    const answer = await fetch(`part-${part}.bin`);
    if (!answer.ok) {
        throw new Error(`part-${part}.bin, which belongs beside this page, could not be loaded.`);
    }
    return new Uint8Array(await answer.arrayBuffer());
}

/** Takes typed arrays from bytes, one after another. */
export class Reader {
    constructor(bytes) {
        this.bytes = bytes;
        this.at = 0;
    }

    take(Kind, count) {
        const size = count * Kind.BYTES_PER_ELEMENT;
        const copy = this.bytes.slice(this.at, this.at + size); // aligned
        this.at += size;
        return new Kind(copy.buffer);
    }
}
