/** At once, then no more often than each `gap` milliseconds, never twice at a time; the last wish is kept. */
export function paced<A>(work: (argument: A) => Promise<void>, gap: number): (argument: A) => void {
  let busy = false;
  let wanted: { argument: A } | null = null;
  async function run(argument: A): Promise<void> {
    busy = true;
    try {
      await work(argument);
    } catch (error) {
      // What fails says so on the page itself; it must not end what comes later.
      console.error(error);
    } finally {
      await new Promise((resume) => setTimeout(resume, gap));
      busy = false;
      const next = wanted;
      wanted = null;
      if (next) void run(next.argument);
    }
  }
  return (argument) => {
    if (busy) wanted = { argument };
    else void run(argument);
  };
}
