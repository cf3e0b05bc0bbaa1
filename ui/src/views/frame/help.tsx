// The keys, on `?`.

import { For, type JSX } from "solid-js";
import { useApp } from "../../state/app";

const KEYS: readonly [string[], string][] = [
  [["/"], "Go to the filter"],
  [["Tab"], "In the filter: take what is offered; ↓ and ↑ choose"],
  [["v"], "Filter by a value of the chosen session"],
  [["←", "→"], "In the chart: move; with Shift choose a range, Enter shows it"],
  [["j", "↓"], "Next line"],
  [["k", "↑"], "Line before"],
  [["Enter"], "Open the session, read the event"],
  [["Esc"], "Leave the filter, go back"],
  [["e"], "Next error"],
  [["E"], "Error before"],
  [["Home", "End"], "Start, end of the events"],
  [["f"], "Follow: stay at the end of a session, live where its program is connected; again ends that"],
  [["Space"], "Pause what comes, go on; nothing is lost"],
  [["→", "←"], "Open and close repeated lines"],
  [["r"], "A row for each of the repeated lines, or one for all"],
  [["[", "]"], "Earlier, later session of the user"],
  [["y"], "Copy a link to what is shown"],
  [["g s"], "Sessions"],
  [["g l"], "Live: what runs now"],
  [["g u"], "Users"],
  [["g ,"], "Settings"],
  [["?"], "This help"],
];

export function Help(): JSX.Element {
  const app = useApp();
  let dialog!: HTMLDialogElement;
  app.keys.bind({ "?": () => dialog.showModal() });
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      onClick={(event) => event.target === dialog && dialog.close()}
    >
      <div class="help-body">
        <h2 id="help-title">Keys</h2>
        <dl>
          <For each={KEYS}>
            {([keys, what]) => (
              <>
                <dt><For each={keys}>{(key) => <kbd>{key}</kbd>}</For></dt>
                <dd>{what}</dd>
              </>
            )}
          </For>
        </dl>
        <p class="quiet">In the drawing of a session: arrows point, with Shift they choose a range, Enter takes it, + and − zoom, 0 shows all.</p>
        <button type="button" class="button" onClick={() => dialog.close()}>Close</button>
      </div>
    </dialog>
  );
}
