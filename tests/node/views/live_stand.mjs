// A stand-in for the server's live part, for what a real program does not do when it is asked to: lag, miss, be cut off, be stored
// at a chosen moment. It answers for its programs' sessions and on the page's own WebSocket; all else goes to the server.

const HOUR_MS = 3_600_000;

export class LiveStand {
  /** Programs by session id. */
  programs = new Map();
  /** Sessions that are known by what they send. */
  others = [];
  switched = { enabled: true, agents: { port: 29971, tls: false }, viewers: { port: 29970, tls: false } };
  /** What pages said on their sockets, and what was posted. */
  said = [];
  commands = [];
  asked_filters = [];
  #sockets = new Set();
  #is_cut = false;

  /** For all pages of a context. */
  async install(context) {
    await context.routeWebSocket(/\/api\/v1\/stream/, (socket) => this.#take(socket));
    await context.route(/\/api\/v1\/live(\?|$)/, (route) => route.fulfill({ json: this.switched }));
    await context.route(/\/api\/v1\/live\/sessions(\?|$)/, (route) => this.#list(route));
    await context.route(/\/api\/v1\/live\/sessions\/[^/]+\/commands/, (route) => this.#command(route));
    await context.route(/\/api\/v1\/(sessions|events)\//, (route) => this.#stored(route));
  }

  start(id, more = {}) {
    const program = new Program(id, more, this);
    this.programs.set(id, program);
    return program;
  }

  tellLive() {
    for (const socket of this.#sockets) if (socket.watches) socket.send({ type: "live" });
  }

  tellChanged(id) {
    for (const socket of this.#sockets) socket.send({ type: "changed", projects: ["shop"], sessions: [id] });
  }

  /** All connections are lost; none is taken before `mend`. */
  cut() {
    this.#is_cut = true;
    for (const socket of this.#sockets) socket.close();
    this.#sockets.clear();
  }

  mend() {
    this.#is_cut = false;
  }

  /** Open channels that follow. */
  follows() {
    return [...this.#sockets].flatMap((socket) => [...socket.follows.values()]);
  }

  #take(route) {
    if (this.#is_cut) return void route.close();
    route.connectToServer();
    const socket = { follows: new Map(), watches: false, send: (message) => route.send(JSON.stringify(message)), close: () => route.close() };
    this.#sockets.add(socket);
    route.onClose(() => this.#sockets.delete(socket));
    route.onMessage((text) => {
      const message = JSON.parse(text);
      this.said.push(message);
      if (message.type === "watch") socket.watches = message.live;
      if (message.type === "close") socket.follows.delete(message.channel);
      if (message.type === "follow") this.programs.get(message.session)?.follow(socket, message);
    });
  }

  #list(route) {
    const query = new URL(route.request().url()).searchParams;
    const filter = query.get("filter") ?? "";
    this.asked_filters.push(filter);
    if (filter.startsWith("usr:")) return refuse(route, 400, "filter, character 1: there is no field usr; did you mean user?", { position: 0, length: 3, suggestion: "user" });
    const running = [...this.programs.values()].filter(({ is_over, is_away }) => !is_over && !is_away).map((program) => program.live());
    const id = /^id:"?([^"]+)"?$/.exec(filter)?.[1];
    const user = /^user:(\w+)$/.exec(filter)?.[1];
    const items = [...running, ...this.others].filter((item) => (!id || item.id === id) && (!user || item.user?.name?.toLowerCase().includes(user)));
    return route.fulfill({ json: { items, connected: running.length } });
  }

  #command(route) {
    const command = route.request().postDataJSON();
    this.commands.push(command);
    if (command.filter === "debgu") return refuse(route, 409, 'filter, character 1: expected a level, found "debgu": did you mean debug?');
    return route.fulfill({ status: 204 });
  }

  /** What there is of a program's session over HTTP. */
  #stored(route) {
    const { pathname, searchParams } = new URL(route.request().url());
    const [kind, id, part] = pathname.split("/").slice(3).map(decodeURIComponent);
    const [session, sequence] = kind === "events" ? id.split(".") : [id];
    const program = this.programs.get(session.replace(/^own-/, ""));
    if (!program) return route.fallback();
    if (kind === "events") {
      const event = program.stored().find((one) => one.sequence === Number(sequence));
      return event ? route.fulfill({ json: event }) : refuse(route, 404, "no such event");
    }
    if (part === undefined) return route.fulfill({ json: program.session() });
    if (part === "events") return route.fulfill({ json: program.page(searchParams) });
    if (part === "density") return route.fulfill({ json: program.density(searchParams) });
    return refuse(route, 404, "nothing of that");
  }
}

export class Program {
  events = [];
  stored_until = 0;
  is_over = false;
  /** It has lost its connection; who follows goes on doing so. */
  is_away = false;
  end_reason = null;
  clock_ahead_ms = 1_240;
  followers = 1;
  rate = 12;

  constructor(id, more, stand) {
    Object.assign(this, { id, name: "Ann Okafor", started_ms: Date.now() - HOUR_MS / 6, step_ms: 250 }, more);
    this.stand = stand;
    /** The server's own; the other one its agent gave it. */
    this.own_id = `own-${id}`;
  }

  log(message, level = "info") {
    this.burst([[message, level]]);
  }

  /** Each `[message, level]`. */
  burst(lines) {
    const first = this.events.length;
    for (const [message, level] of lines) this.events.push(this.#event(message, level));
    for (const follow of this.#following()) this.#send(follow, this.events.slice(first));
  }

  /** Recorded, and sent to nobody. */
  skip(count) {
    for (let number = 0; number < count; number += 1) this.events.push(this.#event("not sent", "info"));
  }

  /** What is here is uploaded. */
  store(until = this.events.length) {
    this.stored_until = until;
    this.stand.tellChanged(this.own_id);
  }

  end(reason) {
    this.is_over = true;
    this.end_reason = reason;
    for (const { socket, channel } of this.#following()) {
      socket.follows.delete(channel);
      socket.send({ type: "closed", channel, why: "the session has ended", reason });
    }
    this.stand.tellLive();
  }

  tell(message) {
    for (const { socket, channel } of this.#following()) socket.send({ channel, ...message });
  }

  follow(socket, { channel, after, filter }) {
    const follow = { socket, channel, place: after ?? 0, filter, program: this };
    socket.follows.set(channel, follow);
    socket.send({ type: "opened", channel, first_sequence: follow.place + 1 });
    // As the server does, in pieces.
    const behind = this.events.slice(follow.place);
    for (let at = 0; at < behind.length; at += 500) this.#send(follow, behind.slice(at, at + 500));
  }

  #following() {
    return this.stand.follows().filter(({ program }) => program === this);
  }

  #send({ socket, channel, filter }, events) {
    const items = events.filter(fits(filter));
    socket.send({ type: "events", channel, items, last_sequence: events.at(-1).sequence });
  }

  #event(message, level) {
    const sequence = this.events.length + 1;
    const time = new Date(this.started_ms + sequence * this.step_ms).toISOString();
    const exception = level === "error" ? { type: "TillError", message, code: null, frames: [], inner: null, stack_text: null, attributes: {} } : null;
    return {
      id: `${this.own_id}.${sequence}`, session_id: this.own_id, sequence, time, observed_time: time, kind: "log", severity: level, severity_number: 9, category: "shop.till",
      message, exception, user: null, user_description: null, reference_id: null, attributes: {},
    };
  }

  stored() {
    return this.events.slice(0, this.stored_until);
  }

  page(query) {
    const all = this.stored().filter(fits(query.get("filter") ?? ""));
    const descending = query.get("order") === "desc";
    const items = descending ? all.toReversed() : all;
    const around = query.get("around");
    const limit = Number(query.get("limit") ?? 100);
    const offset = around === null ? Number(query.get("offset") ?? 0) : Math.max(0, all.findIndex(({ sequence }) => sequence === Number(around)));
    const part = items.slice(offset, offset + limit);
    return {
      items: part, total: all.length, first_index: offset, previous_cursor: null,
      next_cursor: offset + part.length < all.length ? "more" : null, last_cursor: "end",
    };
  }

  density(query) {
    const all = this.stored().filter(fits(query.get("filter") ?? ""));
    const width = 4;
    const counts = new Map();
    for (const { time, severity, exception } of all) {
      const index = Math.floor((Date.parse(time) - this.started_ms) / 1000 / width);
      const known = counts.get(index) ?? { index, count: 0, errors: 0, worst: "info" };
      counts.set(index, { index, count: known.count + 1, errors: known.errors + (exception ? 1 : 0), worst: exception ? "error" : severity === "warn" ? "warn" : known.worst });
    }
    return { from: new Date(this.started_ms).toISOString(), to: new Date().toISOString(), width_seconds: width, buckets: [...counts.values()], gaps: [] };
  }

  session() {
    const started_at = new Date(this.started_ms).toISOString();
    const last_activity_at = this.stored().at(-1)?.time ?? started_at;
    return {
      application: "till", clock_skew_seconds: 0, dropped: {}, duration_seconds: (Date.parse(last_activity_at) - this.started_ms) / 1000,
      end_reason: this.end_reason, end_recovered: false, ended_at: this.is_over ? last_activity_at : null, error_count: 0, event_count: this.stored_until,
      external_id: this.id, host: "till-7", id: this.own_id, kind: "process", kymogram: { width_seconds: 1, buckets: [] }, last_activity_at, os: "Linux", page: null,
      pinned: false, process: { awaited_errors: 0, lost: {}, messages: this.events.length, missing: 0, previous_id: null, recorded: this.events.length, requested: false },
      project: "shop", properties: {}, runtime: null, silent_since: null, started_at, state: this.is_over ? "ended" : "running",
      user: { id: "ann@example.test", name: this.name }, user_agent: null, users: [], version: "2.4.1", visit_id: null,
    };
  }

  live() {
    return {
      id: this.id, project_id: "shop", project_name: "Shop", kind: "process", source: "agent", application: "till", version: "2.4.1", environment: "production",
      host: "till-7", user: { id: "ann@example.test", name: this.name }, started_at: new Date(this.started_ms).toISOString(),
      connected_at: new Date(this.started_ms).toISOString(), last_word_at: new Date().toISOString(), event_count: this.events.length,
      error_count: this.events.filter(({ exception }) => exception).length, warning_count: 0, dropped_count: 0, events_per_second: this.rate,
      followers: this.followers, clock_ahead_ms: this.clock_ahead_ms, is_stored: this.stored_until > 0,
    };
  }
}

/** As much of the filter language as is asked here. */
function fits(filter) {
  const terms = filter.replaceAll(/[()]/g, " ").split(" ").filter(Boolean);
  return ({ sequence, severity, message }) => terms.every((term) => {
    if (term.startsWith("sequence:<=")) return sequence <= Number(term.slice(11));
    if (term.startsWith("level:>=")) return severity !== "info";
    return message.split(" ").includes(term);
  });
}

function refuse(route, status, detail, more = {}) {
  return route.fulfill({ status, contentType: "application/problem+json", body: JSON.stringify({ title: "refused", status, detail, ...more }) });
}
