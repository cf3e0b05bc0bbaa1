// The views that are not home: home is drawn without waiting for their code.

import type { Place } from "../derive/url_state";
import { createLate } from "./parts/late";

const elsewhere = () => import("./elsewhere");

export const SessionView = createLate(async () => (await elsewhere()).SessionView);
export const EventView = createLate(async () => (await elsewhere()).EventView);
export const LiveView = createLate(async () => (await elsewhere()).LiveView);
export const UsersView = createLate(async () => (await elsewhere()).UsersView);
export const UserView = createLate(async () => (await elsewhere()).UserView);
export const SettingsView = createLate(async () => (await elsewhere()).SettingsView);
export const FirstRun = createLate(async () => (await elsewhere()).FirstRun);
export const ImportDialog = createLate(async () => (await import("./import/import_dialog")).ImportDialog);

/** Fetches all of them, so that no click has to wait and an update of the server is not noticed. */
export async function fetchLateViews(): Promise<void> {
  await Promise.all([SessionView, EventView, LiveView, UsersView, UserView, SettingsView, FirstRun].map((view) => view.fetch()));
}

/** Fetches what a place needs, before it is drawn. */
export function fetchPlace({ view }: Place): void {
  if (view !== "sessions") void fetchLateViews();
}
