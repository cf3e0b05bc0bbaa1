// What a user said about the selected event: how to reach them, their words, and what the application added.

import { Show, type JSX } from "solid-js";
import type { UserDescription } from "../../../api/types";
import { absoluteText, parseTime } from "../../../derive/time";
import { useApp } from "../../../state/app";
import { AttributeTree } from "./attribute_tree";

export function UserDescriptionView(props: { said: UserDescription }): JSX.Element {
  const app = useApp();
  return (
    <section class="user-description" aria-label="User description">
      <h2>User description</h2>
      <Show when={props.said.description}>{(text) => <p class="message">{text()}</p>}</Show>
      <p class="quiet">
        <Show when={props.said.email}>{(email) => <><span class="mono">{email()}</span>, </>}</Show>
        {absoluteText(parseTime(props.said.received_at), app.settings.zone.value())}
      </p>
      <Show when={Object.keys(props.said.data).length > 0}>
        <AttributeTree value={props.said.data} path={null} />
      </Show>
    </section>
  );
}
