// The drawn line that is Kymo's mark.

import type { JSX } from "solid-js";

export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M3 20h4.5l2-5 3 9 4-17 3.5 16 2.2-6 1.3 3H29" />
    </svg>
  );
}
