// How high the columns of the activity of a session are.

/** A rate that is drawn at half the height: most programs log a few lines a second, and a burst of thousands must not be flat. */
const RATE_OF_HALF = 20;

/** Whole pixels up to `height`; what is not nothing is seen. */
export function activityHeights(rates: readonly number[], height: number): number[] {
  return rates.map((rate) => (rate <= 0 ? 0 : Math.max(1, Math.round((rate / (rate + RATE_OF_HALF)) * height))));
}
