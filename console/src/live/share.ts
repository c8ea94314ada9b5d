/**
 * One stream per browser. A browser grants six connections to a host over HTTP/1.1, so a stream in each
 * tab would leave the seventh tab without any. The tab that holds the lock has the stream and tells the
 * others; when it is closed, the next one goes on from the last position. Where the browser has no locks
 * (pages without TLS), each tab has its own stream.
 */
import { Stream, type StreamOptions } from "./stream";

type Told =
  | { kind: "event"; name: string; data: string; id: string }
  | { kind: "link"; alive: boolean }
  | { kind: "restart" }
  | { kind: "hello" };

const LOCK = "liandong.live";

export function share(options: StreamOptions): { restart(): void; stop(): void } {
  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(LOCK) : null;
  const shared = channel !== null && "locks" in navigator;
  let leading = false;
  let alive = false;
  let release = (): void => undefined;
  const tell = (told: Told): void => channel?.postMessage(told);

  const stream = new Stream({
    ...options,
    onEvent(name, data, id) {
      options.onEvent(name, data, id);
      if (shared) tell({ kind: "event", name, data, id });
    },
    onLink(to) {
      if (to === alive) return options.onLink(to);
      alive = to;
      options.onLink(to);
      if (shared) tell({ kind: "link", alive: to });
    },
  });

  if (channel)
    channel.onmessage = ({ data: told }: MessageEvent<Told>) => {
      if (told.kind === "restart") stream.restart();
      else if (told.kind === "hello") {
        if (leading) tell({ kind: "link", alive });
      } else if (!leading && told.kind === "link") options.onLink(told.alive);
      else if (!leading && told.kind === "event") {
        if (told.id) stream.after = told.id;
        options.onLink(true);
        options.onEvent(told.name, told.data, told.id);
      }
    };

  if (shared) {
    tell({ kind: "hello" });
    void navigator.locks.request(LOCK, () => {
      leading = true;
      stream.start();
      return new Promise<void>((resolve) => (release = resolve));
    });
  } else stream.start();

  return {
    restart() {
      stream.restart();
      tell({ kind: "restart" });
    },
    stop() {
      stream.stop();
      release();
      channel?.close();
    },
  };
}
