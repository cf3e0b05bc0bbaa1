// What one does with a list that goes on: stay at its end, stop it for a while.

import type { JSX } from "solid-js";

export interface FollowButtonsProps {
  is_following: boolean;
  paused: boolean;
  onFollow: () => void;
  onPause: (paused: boolean) => void;
}

export function FollowButtons(props: FollowButtonsProps): JSX.Element {
  return (
    <>
      <button type="button" class="button small" aria-pressed={props.is_following} title="Stay at the end while events come (f)" onClick={() => props.onFollow()}>
        Follow
      </button>
      <button type="button" class="button small" aria-pressed={props.paused} title="Show nothing new for a while (space)" onClick={() => props.onPause(!props.paused)}>
        {props.paused ? "Paused" : "Pause"}
      </button>
    </>
  );
}
