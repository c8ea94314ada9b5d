/**
 * One stream of live events that survives what EventSource does not.
 *
 * EventSource gives up for good after one answer that is not 200 (a proxy's 502), says nothing about a
 * link that is silently dead, and sends no Last-Event-ID when it is made anew. So: the server's named
 * `ping` feeds a watchdog, and a lost stream is opened again, slower and slower, with `?after=`.
 */

export interface Source {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageEvent) => void): void;
  close(): void;
}

export interface StreamOptions {
  /** Address of the stream that begins after a position; null: from now on. */
  url: (after: string | null) => string;
  /** Names of events that are handed on; `ping` is fed to the watchdog as well. */
  names: readonly string[];
  onEvent: (name: string, data: string, id: string) => void;
  /** True: events come. False: they have stopped and another attempt is under way. */
  onLink: (alive: boolean) => void;
  /** Asked before each new attempt; false: wait for `restart` (the session has ended). */
  allowed?: () => Promise<boolean>;
  open?: (url: string) => Source;
  /** The link counts as lost after so many milliseconds without an event. */
  silence?: number;
  longestWait?: number;
}

export class Stream {
  private source: Source | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempts = 0;
  private stopped = true;
  private generation = 0;
  after: string | null = null;

  constructor(private readonly options: StreamOptions) {}

  start(after: string | null = this.after): void {
    this.after = after;
    this.stopped = false;
    this.attempts = 0;
    void this.connect();
  }

  /** Once more at once, for instance after a new sign-in or when the network is back. */
  restart(): void {
    if (!this.stopped) this.start();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
  }

  private drop(): void {
    this.generation += 1;
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  private async connect(): Promise<void> {
    this.drop();
    const mine = this.generation;
    if (this.attempts > 0 && this.options.allowed) {
      const allowed = await this.options.allowed();
      if (mine !== this.generation || this.stopped) return;
      if (!allowed) return void this.options.onLink(false);
    }
    const made = (this.options.open ?? ((url) => new EventSource(url)))(this.options.url(this.after));
    this.source = made;
    this.watch(mine);
    for (const name of this.options.names) {
      made.addEventListener(name, (event) => {
        if (mine !== this.generation) return;
        this.attempts = 0;
        this.watch(mine);
        this.options.onLink(true);
        if (event.lastEventId) this.after = event.lastEventId;
        this.options.onEvent(name, String(event.data), event.lastEventId);
      });
    }
    made.addEventListener("error", () => {
      if (mine !== this.generation) return;
      // Also where EventSource would try again itself: its own pace is not ours, and 2 is for good.
      this.lost();
    });
  }

  private watch(mine: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => mine === this.generation && this.lost(), this.options.silence ?? 15_000);
  }

  private lost(): void {
    this.drop();
    this.options.onLink(false);
    if (this.stopped) return;
    const wait = Math.min(this.options.longestWait ?? 8_000, 250 * 2 ** this.attempts);
    this.attempts += 1;
    // A quarter of chance keeps a hundred consoles from knocking in step.
    this.timer = setTimeout(() => void this.connect(), wait * (0.875 + Math.random() / 4));
  }
}
