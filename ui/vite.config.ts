// How the page is built: hashed files under dist/assets, nothing inline, so that the server's strict
// Content-Security-Policy holds. `npm run dev` proxies the API to KYMO_URL.

import { loadEnv, type Plugin } from "vite";
import solid from "vite-plugin-solid";
import { defineConfig } from "vitest/config";

/** The start imports the views when it has asked its questions; the browser is told of them before. */
function fetchRootEarly(): Plugin {
  return {
    name: "fetch-root-early",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle }) {
        const root = Object.values(bundle ?? {}).find((file) => file.type === "chunk" && file.name === "root");
        if (!root || root.type !== "chunk") return [];
        const link = (file: string) => ({ tag: "link", injectTo: "head" as const, attrs: { rel: "modulepreload", crossorigin: true, href: `/${file}` } });
        const imported = root.imports.filter((file) => !(bundle?.[file]?.type === "chunk" && bundle[file].isEntry));
        return [root.fileName, ...imported].map(link);
      },
    },
  };
}

const DEFAULT_SERVER_URL = "http://127.0.0.1:8390";

export default defineConfig(({ mode }) => {
  const server_url = loadEnv(mode, ".", "KYMO_")["KYMO_URL"] ?? DEFAULT_SERVER_URL;
  const proxy = Object.fromEntries(
    ["/api", "/login"].map((path) => [path, { target: server_url, changeOrigin: true }]),
  );
  return {
    plugins: [solid(), fetchRootEarly()],
    server: { proxy },
    build: {
      // The browsers that know `light-dark()` and `oklch()`, so that the CSS is shipped as it is written.
      target: ["chrome123", "firefox128", "safari17.5"],
      // A data: URL or an inline script would be refused by the policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
    test: { include: ["src/derive/**/*.test.ts"], environment: "node" },
  };
});
