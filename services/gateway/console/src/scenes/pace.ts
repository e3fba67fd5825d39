// How much a device draws at a time, as it has shown that it can.

/** How many Gaussians are drawn in one go: few enough that the page never waits for long. */
export class Batch {
  /** Before anything is known of the device. */
  size = 2048

  /** Learns that these took so many ms. */
  took(time: number): void {
    if (time > BATCH_TIME) this.size = Math.max(LEAST_BATCH, Math.round(this.size * Math.max(BATCH_TIME / time, 0.25)))
    else if (time < BATCH_TIME / 2) this.size = Math.min(2 * this.size, MOST_BATCH)
  }
}

/** ms; the page itself is drawn in between. */
const BATCH_TIME = 80
const LEAST_BATCH = 256
const MOST_BATCH = 1 << 20

/** How good a picture in motion is. */
export class Draft {
  /** The part of a whole picture's pixels along each side. */
  scale = 0.5
  /** How many Gaussians it has of the model. */
  most: number

  constructor(private readonly count: number) {
    this.most = Math.min(FIRST_MOST, count)
  }

  /** Learns that one took so many ms: pixels and Gaussians share what is to be changed. */
  took(time: number): void {
    const room = DRAFT_TIME / Math.max(time, 1)
    // What is nearly right stays: a picture that is finer and coarser in turn flickers.
    if (room > 0.8 && room < 2) return
    const change = Math.min(Math.max(room, 0.1), 6) ** 0.5
    this.most = Math.min(Math.max(Math.round(this.most * change), LEAST_MOST), this.count)
    this.scale = Math.min(Math.max(this.scale * change ** 0.5, COARSEST), 1)
  }
}

/** ms */
const DRAFT_TIME = 200
const FIRST_MOST = 20000
const LEAST_MOST = 8000
const COARSEST = 0.25
