import { defineConfig } from 'vite';

// The same files work below any path: on a domain of their own, and behind the local cloud's CloudFront.
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  build: {
    outDir: 'dist/page',
    target: 'es2022',
    // All assets are files of their own: the content security policy allows nothing that is inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    chunkSizeWarningLimit: 600,
  },
});
