// The views that are not home, in one piece: it compresses better than many.

export { EventView } from "./event/event";
export { FirstRun } from "./first_run/first_run";
export { LiveView } from "./live/live";
export { SessionView } from "./session/session";
export { SettingsView } from "./settings/settings";
export { UserView } from "./users/user";
export { UsersView } from "./users/users";
