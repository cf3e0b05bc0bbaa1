// Counts and shares as text.

/** `12,408`. By hand: the browser's own formatting has to load its tables first, which costs the first picture 20 ms. */
export function countText(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 event`, `12,408 events`; `many` only where it is not the word plus an s. */
export function countedText(count: number, word: string, many = `${word}s`): string {
  return `${countText(count)} ${count === 1 ? word : many}`;
}

/** `0 %`, `< 0.1 %`, `1.8 %`, `23 %`; never rounds a share up to 100 that is not. */
export function shareText(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return "0 %";
  const percent = (part / whole) * 100;
  if (percent >= 100) return "100 %";
  if (percent < 0.1) return "< 0.1 %";
  if (percent < 10) return `${percent.toFixed(1)} %`;
  return `${Math.min(99, Math.round(percent))} %`;
}

const BYTE_UNITS = ["bytes", "KB", "MB", "GB", "TB"] as const;

/** `980 bytes`, `7.8 GB`; a unit is 1,024 of the one before, as with memory. */
export function bytesText(bytes: number): string {
  const step = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const count = bytes / 1024 ** step;
  return `${count < 10 && step > 0 ? Number(count.toFixed(1)) : Math.round(count)} ${BYTE_UNITS[step]}`;
}
