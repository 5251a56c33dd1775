/** A place in the line of those who wait for a thread. */
export interface Place<Task> {
  /** Whom it counts for: an address block, or the server's own admins. */
  readonly block: string;
  /** Set once its password is ready to be hashed. */
  task?: Task;
  /** It had to make room for somebody else. */
  shed: boolean;
}

/**
 * The line in front of the threads, with fair shares: blocks take turns, whatever the number of passwords that each of them
 * sends, and in a full line the block with the most places gives one up to a block with fewer. So a flood from one address
 * waits for itself, and one caller who is alone may still use the whole line.
 */
export class HashingLine<Task> {
  /** Who waits, by block. The order of the blocks is that of their turns. */
  private readonly places = new Map<string, Place<Task>[]>();
  private count = 0;
  private readyCount = 0;

  /** How many places have a password to hash. */
  get ready(): number {
    return this.readyCount;
  }

  /**
   * Takes a place for a block.
   * @param limit of the places that may be taken
   * @param onShed is called for the place that had to give way, if one had to
   * @returns `undefined` when the line is full
   */
  enter(block: string, limit: number, onShed: (shed: Place<Task>) => void): Place<Task> | undefined {
    if (this.count >= limit) {
      const shed = this.lastOfLongest();
      // One place less there must still be more than one place more here, or two blocks would push each other out.
      if (!shed || this.lengthOf(shed.block) <= this.lengthOf(block) + 1) return undefined;
      shed.shed = true;
      this.leave(shed);
      onShed(shed);
    }
    const place: Place<Task> = { block, shed: false };
    const own = this.places.get(block);
    if (own) own.push(place);
    else this.places.set(block, [place]);
    this.count++;
    return place;
  }

  makeReady(place: Place<Task>, task: Task): void {
    place.task = task;
    this.readyCount++;
  }

  /** Gives a place back. It may have been taken or shed before. */
  leave(place: Place<Task>): void {
    const own = this.places.get(place.block);
    const at = own?.indexOf(place) ?? -1;
    if (!own || at < 0) return;
    own.splice(at, 1);
    if (own.length === 0) this.places.delete(place.block);
    this.count--;
    if (place.task !== undefined) this.readyCount--;
  }

  /** Takes places that are ready out of the line: one of each block in turn. */
  take(max: number): Place<Task>[] {
    const taken: Place<Task>[] = [];
    // A block that goes to the end of the turns comes up again in this loop.
    for (const [block, own] of this.places) {
      if (taken.length === max) break;
      const next = own.find(({ task }) => task !== undefined);
      if (!next) continue;
      this.leave(next);
      taken.push(next);
      if (this.places.delete(block)) this.places.set(block, own);
    }
    return taken;
  }

  private lengthOf(block: string): number {
    return this.places.get(block)?.length ?? 0;
  }

  private lastOfLongest(): Place<Task> | undefined {
    let longest: Place<Task>[] = [];
    for (const own of this.places.values()) if (own.length > longest.length) longest = own;
    return longest.at(-1);
  }
}
