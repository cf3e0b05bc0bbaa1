// What cannot be undone is asked for twice: a button, and a dialog that says what is lost.

import { createSignal, createUniqueId, onMount, Show, type JSX } from "solid-js";
import { createSubmission } from "../../state/reading/submission";
import { FormError } from "./form";

export interface ConfirmProps {
  /** On the button. */
  label: string;
  /** For those who listen: which one of many such buttons it is. */
  name?: string;
  question: string;
  detail: JSX.Element;
  confirm_label: string;
  busy_label: string;
  small?: boolean;
  onConfirm: () => Promise<void>;
}

export function ConfirmButton(props: ConfirmProps): JSX.Element {
  const [asked, setAsked] = createSignal(false);
  return (
    <>
      <button type="button" class="button" classList={{ small: props.small ?? false }} aria-label={props.name ?? props.label} onClick={() => setAsked(true)}>
        {props.label}
      </button>
      {/* Only while it is asked: a list may have a thousand such buttons. */}
      <Show when={asked()}><Question {...props} onClose={() => setAsked(false)} /></Show>
    </>
  );
}

function Question(props: ConfirmProps & { onClose: () => void }): JSX.Element {
  const submission = createSubmission();
  const id = createUniqueId();
  let dialog!: HTMLDialogElement;
  const confirm = async () => {
    if (await submission.run(props.onConfirm)) dialog.close();
  };
  onMount(() => dialog.showModal());
  return (
    <dialog
      ref={dialog}
      class="help confirm"
      aria-labelledby={`${id}-question`}
      aria-describedby={`${id}-detail`}
      onClick={(event) => event.target === dialog && dialog.close()}
      on:close={() => props.onClose()}
    >
      <div class="help-body">
        <h2 id={`${id}-question`}>{props.question}</h2>
        <p id={`${id}-detail`}>{props.detail}</p>
        <FormError text={submission.errorBeside()} />
        <div class="form-actions end">
          <button type="button" class="button" onClick={() => dialog.close()}>Cancel</button>
          <button type="button" class="button danger" disabled={submission.busy()} onClick={() => void confirm()}>
            {submission.busy() ? props.busy_label : props.confirm_label}
          </button>
        </div>
      </div>
    </dialog>
  );
}
