// A view whose code is fetched when it is first shown, or earlier when there is nothing else to do.

import { createSignal, Show, type Component, type JSX } from "solid-js";
import { failureText } from "../../api/client";
import { Failure } from "./failure";

export interface Late<Props> {
  (props: Props): JSX.Element;
  /** Fetches the code. Never fails: who looks at the view is told. */
  fetch(): Promise<void>;
}

export function createLate<Props extends object>(load: () => Promise<Component<Props>>): Late<Props> {
  const [view, setView] = createSignal<Component<Props> | null>(null);
  const [failure, setFailure] = createSignal<string | null>(null);
  let asked: Promise<void> | null = null;
  const fetch = () => {
    asked ??= load().then(
      (loaded) => void setView(() => loaded),
      (cause: unknown) => void setFailure(failureText(cause)),
    );
    return asked;
  };
  const Late = (props: Props) => {
    void fetch();
    return (
      <Show when={view()} keyed fallback={<Show when={failure()}>{(detail) => <NotLoaded detail={detail()} />}</Show>}>
        {(View) => <View {...props} />}
      </Show>
    );
  };
  return Object.assign(Late, { fetch });
}

/** The server is away, or was updated and no longer has this code. Browsers remember that a module failed: only the page as a whole can be tried again. */
function NotLoaded(props: { detail: string }): JSX.Element {
  return <Failure what="This part of the page could not be loaded." detail={props.detail} onRetry={() => location.reload()} />;
}
