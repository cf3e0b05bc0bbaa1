// Requests about people, projects and the server itself. What they may be asked by whom is in docs/access.md.

import type { Params } from "./client";
import type {
  AddMember, AddProject, AddToken, AuditEntry, Browser, ChangeMember, MadeToken, Member, MemberWithLink, Page, ProjectMember,
  ProjectSettings, Status, Token, UserReport,
} from "./types";

export type Method = "POST" | "PUT" | "PATCH" | "DELETE";

/** What a change of a project may name; `null` inside of `sessions` and `client_settings` unsets. */
export interface ProjectSettingsChange {
  name?: string;
  origins?: string[];
  retention_days?: number | null;
  sessions?: Record<string, number | null>;
  client_settings?: Record<string, string | null>;
  upload?: { wanted: UploadWanted };
  live?: { enabled: boolean };
}

/** Which sessions of programs are sent in full without being asked for. */
export type UploadWanted = "all" | "with_errors" | "none";

interface List<Item> {
  items: Item[];
}

export interface AdminApi {
  users(params: Params, signal?: AbortSignal): Promise<Page<UserReport>>;
  user(key: string, params: Params, signal?: AbortSignal): Promise<UserReport>;
  status(params: Params, signal?: AbortSignal): Promise<Status>;
  audit(params: Params, signal?: AbortSignal): Promise<Page<AuditEntry>>;

  addProject(project: AddProject): Promise<ProjectSettings>;
  projectSettings(id: string, signal?: AbortSignal): Promise<ProjectSettings>;
  changeProject(id: string, change: ProjectSettingsChange): Promise<ProjectSettings>;
  tokens(project: string, signal?: AbortSignal): Promise<List<Token>>;
  addToken(project: string, token: AddToken): Promise<MadeToken>;
  revokeToken(project: string, id: string): Promise<void>;
  projectMembers(project: string, signal?: AbortSignal): Promise<List<ProjectMember>>;
  setRole(project: string, name: string, role: string): Promise<void>;
  removeRole(project: string, name: string): Promise<void>;

  members(signal?: AbortSignal): Promise<List<Member>>;
  member(name: string, signal?: AbortSignal): Promise<Member>;
  addMember(member: AddMember): Promise<MemberWithLink>;
  changeMember(name: string, change: ChangeMember): Promise<MemberWithLink>;
  removeMember(name: string): Promise<void>;

  setPassword(old_password: string | null, new_password: string): Promise<void>;
  browsers(signal?: AbortSignal): Promise<List<Browser>>;
  endBrowser(id: string): Promise<void>;
  endOtherBrowsers(): Promise<void>;
}

export interface Transport {
  get<Answer>(path: string, params: Params, signal?: AbortSignal): Promise<Answer>;
  /** `null` for an answer without a body. */
  send<Answer>(method: Method, path: string, body?: unknown): Promise<Answer>;
}

export function createAdminApi({ get, send }: Transport): AdminApi {
  const project = (id: string) => `/projects/${encodeURIComponent(id)}`;
  const member = (name: string) => `/members/${encodeURIComponent(name)}`;
  const role = (id: string, name: string) => `${project(id)}/members/${encodeURIComponent(name)}`;
  return {
    users: (params, signal) => get("/users", params, signal),
    user: (key, params, signal) => get(`/users/${encodeURIComponent(key)}`, params, signal),
    status: (params, signal) => get("/status", params, signal),
    audit: (params, signal) => get("/audit", params, signal),

    addProject: (body) => send("POST", "/projects", body),
    projectSettings: (id, signal) => get(project(id), {}, signal),
    changeProject: (id, change) => send("PATCH", project(id), change),
    tokens: (id, signal) => get(`${project(id)}/tokens`, {}, signal),
    addToken: (id, token) => send("POST", `${project(id)}/tokens`, token),
    revokeToken: (id, token) => send("DELETE", `${project(id)}/tokens/${encodeURIComponent(token)}`),
    projectMembers: (id, signal) => get(`${project(id)}/members`, {}, signal),
    setRole: (id, name, wanted) => send("PUT", role(id, name), { role: wanted }),
    removeRole: (id, name) => send("DELETE", role(id, name)),

    members: (signal) => get("/members", {}, signal),
    member: (name, signal) => get(member(name), {}, signal),
    addMember: (body) => send("POST", "/members", body),
    changeMember: (name, change) => send("PATCH", member(name), change),
    removeMember: (name) => send("DELETE", member(name)),

    setPassword: (old_password, new_password) =>
      send("PUT", "/me/password", old_password === null ? { new_password } : { old_password, new_password }),
    browsers: (signal) => get("/me/sessions", {}, signal),
    endBrowser: (id) => send("DELETE", `/me/sessions/${encodeURIComponent(id)}`),
    endOtherBrowsers: () => send("DELETE", "/me/sessions"),
  };
}
