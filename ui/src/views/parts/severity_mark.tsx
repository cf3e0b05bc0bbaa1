// A severity: its letter in its colour, its name for those who listen.

import type { JSX } from "solid-js";
import type { SeverityLevel } from "../../api/types";
import { severityLetter, severityName } from "../../derive/severity";

export function SeverityMark(props: { level: SeverityLevel }): JSX.Element {
  return (
    <span class={`severity ${props.level}`} title={severityName(props.level)}>
      <span aria-hidden="true">{severityLetter(props.level)}</span>
      <span class="off-screen">{severityName(props.level)}</span>
    </span>
  );
}
