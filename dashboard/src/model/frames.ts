/** Schedules drawing; the browser's is {@link browserFrames}. */
export interface Frames {
  /** Calls `draw` before the next picture is shown, and not while nobody can see it. */
  next(draw: () => void): void;
  /** Milliseconds, of any beginning. */
  now(): number;
}

export const browserFrames: Frames = {
  next: (draw) => void requestAnimationFrame(draw),
  now: () => performance.now(),
};

/**
 * Gathers many changes into few drawings: however often {@link Gathering.changed} is called, `draw` runs at most every
 * `gap` milliseconds.
 */
export class Gathering {
  private waiting = false;
  private last = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly draw: () => void,
    private readonly frames: Frames,
    private readonly gap = 100,
  ) {}

  changed(): void {
    if (this.waiting) return;
    this.waiting = true;
    this.frames.next(() => this.frame());
  }

  private frame(): void {
    if (this.frames.now() - this.last < this.gap) {
      this.frames.next(() => this.frame());
      return;
    }
    this.waiting = false;
    this.last = this.frames.now();
    this.draw();
  }
}
