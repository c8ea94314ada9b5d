import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig, type Plugin } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));

/** `virtual:texts/zh`: the platform's own sentences, as far as the console shows them itself. */
function texts(): Plugin {
  const name = "virtual:texts/";
  return {
    name: "texts",
    resolveId: (id) => (id.startsWith(name) ? `\0${id}` : null),
    load(id) {
      if (!id.startsWith(`\0${name}`)) return null;
      const file = `${root}src/liandong/texts/${id.slice(name.length + 1)}.json`;
      this.addWatchFile(file);
      const all = JSON.parse(readFileSync(file, "utf-8")) as Record<string, string>;
      const shown = Object.entries(all).filter(([key]) => /^(console|label)\./.test(key));
      return `export default ${JSON.stringify(Object.fromEntries(shown))}`;
    },
  };
}

export default defineConfig({
  base: "/",
  plugins: [vue(), texts()],
  define: { __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false" },
  build: {
    // Kylin, UOS and the 360 browsers of offices go back to this Chromium.
    target: "chrome86",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { proxy: { "/api": process.env.LIANDONG_URL ?? "http://127.0.0.1:8421" } },
});
