// What every view needs: the API, where one is, the settings, the stream of changes. Handed down by context.

import { createContext, createSignal, onCleanup, useContext, type Accessor } from "solid-js";
import { openChangeStream, type ChangeStream, type StreamState } from "../api/changes";
import type { Channels } from "../api/channels";
import { createApi, type Api, type Asked } from "../api/client";
import type { Changed, Me, Project } from "../api/types";
import { createImports, type Imports } from "./imports";
import { createKeys, type Keys } from "./keys";
import { createPalette, type Palette } from "./palette";
import { createClock, createCoalesced } from "./refresh";
import { createRouter, type Router } from "./router";
import { createSettings, type Settings } from "./settings";

export type ChangeListener = (changed: Changed | null) => void;

export interface App {
  api: Api;
  router: Router;
  settings: Settings;
  keys: Keys;
  palette: Accessor<Palette>;
  /** Every second. */
  now_ms: Accessor<number>;
  signed_out: Accessor<boolean>;
  me: Accessor<Me | null>;
  projects: Accessor<Project[] | null>;
  /** Reads who one is and what projects there are again, after a change of them. */
  reload(): Promise<void>;
  stream_state: Accessor<StreamState>;
  /** Sessions that are followed live, over the stream of changes. */
  channels: Channels;
  /** By the way that the stream takes now, one is told when the list of sessions that run changes. */
  tells_live: Accessor<boolean>;
  /** Files that are brought, whichever place is shown. */
  imports: Imports;
  /** Ends with the component that listens. */
  onChanged(listener: ChangeListener): void;
  /** A short word to the person, also read aloud. */
  notice: Accessor<string>;
  notify(text: string): void;
  signOut(): Promise<void>;
}

const NOTICE_MS = 2_500;
const PROJECTS_GAP_MS = 5_000;

/** `asked`: the questions that the start of the page has asked. */
export function createApp(asked: Asked): App {
  const [signed_out, setSignedOut] = createSignal(false);
  let stream: ChangeStream | null = null;
  const onSignedOut = () => {
    stream?.close();
    setSignedOut(true);
  };
  const api = createApi((input, init) => fetch(input, init), asked, onSignedOut);
  const settings = createSettings();
  const notices = createNotices();
  const listeners = new Set<ChangeListener>();

  const [me, setMe] = createSignal<Me | null>(null);
  const [projects, setProjects] = createSignal<Project[] | null>(null);
  const [stream_state, setStreamState] = createSignal<StreamState>("connecting");
  const [tells_live, setTellsLive] = createSignal(true);

  const readMe = () => api.me().then(setMe, () => undefined);
  const readProjects = createCoalesced(async () => void setProjects((await api.projects()).items), PROJECTS_GAP_MS);
  void readMe();
  readProjects();
  listeners.add(readProjects);

  const opened = openChangeStream({
    onChanged: (changed) => listeners.forEach((listener) => listener(changed)),
    onState: setStreamState,
    onWay: setTellsLive,
    onRefused: readMe,
  });
  stream = opened;
  onCleanup(opened.close);

  return {
    api,
    settings,
    router: createRouter(),
    keys: createKeys(),
    palette: createPalette(settings.theme.value),
    now_ms: createClock(1_000),
    signed_out,
    me,
    projects,
    reload: async () => void (await Promise.all([readMe(), api.projects().then(({ items }) => setProjects(items))])),
    stream_state,
    channels: opened.channels,
    tells_live,
    imports: createImports(),
    ...notices,
    onChanged(listener) {
      listeners.add(listener);
      onCleanup(() => listeners.delete(listener));
    },
    async signOut() {
      await api.logout();
      onSignedOut();
    },
  };
}

function createNotices(): Pick<App, "notice" | "notify"> {
  const [notice, setNotice] = createSignal("");
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    notice,
    notify(text) {
      clearTimeout(timer);
      setNotice(text);
      timer = setTimeout(() => setNotice(""), NOTICE_MS);
    },
  };
}

export const AppContext = createContext<App>();

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error("a view was drawn outside of the app");
  return app;
}
