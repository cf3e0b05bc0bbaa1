// Counts and shares as text.

const COUNT_FORMAT = new Intl.NumberFormat("en");

export function countText(count: number): string {
  return COUNT_FORMAT.format(count);
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
