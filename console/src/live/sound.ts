/** The alarm's sound: two tones again and again while a case of level I or II waits unsilenced. */
import { computed, ref, watch } from "vue";

export type SoundState = "locked" | "ready" | "sounding" | "silenced";

let context: AudioContext | null = null;
const unlocked = ref(false);
const calling = ref<ReadonlySet<string>>(new Set());
const silenced = ref<ReadonlySet<string>>(new Set());
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("liandong.sound") : null;
let timer: ReturnType<typeof setInterval> | undefined;

const unsilenced = computed(() => [...calling.value].filter((id) => !silenced.value.has(id)));

export const soundState = computed<SoundState>(() =>
  !unlocked.value
    ? "locked"
    : unsilenced.value.length
      ? "sounding"
      : calling.value.size
        ? "silenced"
        : "ready",
);
/** Cases that call for the sound, whether or not it is heard. */
export const callers = computed(() => calling.value.size);

/** Browsers let a page sound only after a click on it; true: it may. */
export async function unlockSound(): Promise<boolean> {
  context ??= new AudioContext();
  const mine = context;
  // A machine without a sound card may never answer.
  await Promise.race([mine.resume(), new Promise((done) => setTimeout(done, 1500))]);
  mine.onstatechange = () => (unlocked.value = mine.state === "running");
  unlocked.value = mine.state === "running";
  return unlocked.value;
}

/** Which cases call. One that was silenced and calls anew (`id` with a new round) sounds again. */
export function call(ids: Iterable<string>): void {
  const next = new Set(ids);
  calling.value = next;
  silenced.value = new Set([...silenced.value].filter((id) => next.has(id)));
}

/** Silence what calls now; what calls later sounds again. */
export function silence(): void {
  silenced.value = new Set(calling.value);
  channel?.postMessage([...silenced.value]);
}

if (channel)
  channel.onmessage = ({ data }: MessageEvent<string[]>) => {
    silenced.value = new Set([...silenced.value, ...data]);
  };

/** One pair of tones; also the test of the shift's start. */
export function chime(): void {
  if (!context || context.state !== "running") return;
  for (const [hertz, begins] of [
    [880, 0],
    [660, 0.28],
  ] as const) {
    const from = context.currentTime + begins;
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.type = "square";
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, from);
    volume.gain.exponentialRampToValueAtTime(0.25, from + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, from + 0.26);
    tone.connect(volume).connect(context.destination);
    tone.start(from);
    tone.stop(from + 0.27);
  }
}

watch(
  () => unlocked.value && unsilenced.value.length > 0,
  (sounds) => {
    clearInterval(timer);
    if (!sounds) return;
    chime();
    timer = setInterval(chime, 2000);
  },
);
