// The socket to our own origin: requests and their answers, events, and coming back by itself.
// What is shown of the connection is derived from the socket alone, so that no banner can stick.
import { signal } from "../vendor/signals.js";

const FIRST_WAIT = 400;
const LONGEST_WAIT = 15_000;
const MISSED_TICKS = 2.5;

/** An error answer of the gateway, or a request that got none. */
export class RequestFailed extends Error {
  constructor({ code, message, retryable = false, details = {} }) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    this.details = details;
  }
}

export class Socket {
  /** `on.open(hello)` after every sign-in, `on.event(name, payload)` for every event. */
  constructor(on) {
    this.on = on;
    this.status = signal("connecting"); // connecting | open | waiting | signed-out
    this.ws = null;
    this.next = 0;
    this.waiting = new Map();
    this.attempts = 0;
    this.timer = 0;
    this.watchdog = 0;
    this.tick = 15_000;
    this.page = "";
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
  }

  /** `page` names the client; it stays the same over reconnects. */
  open(page = this.page) {
    this.page = page;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const ws = (this.ws = new WebSocket(`${scheme}://${location.host}/ws`));
    this.status.value = "connecting";
    ws.onopen = () => this.signIn(ws);
    ws.onmessage = (message) => this.take(message.data);
    ws.onclose = () => ws === this.ws && this.lost();
  }

  async signIn(ws) {
    const hello = { protocol: 1, client: { id: this.page, version: document.documentElement.dataset.version } };
    try {
      const answer = await this.request("connect", { ...hello, caps: ["tool-events"] });
      this.attempts = 0;
      this.tick = answer.policy.tickIntervalMs;
      this.status.value = "open";
      this.on.open(answer);
    } catch (error) {
      if (error.code === "UNAUTHORIZED") this.status.value = "signed-out";
      ws.close();
    }
  }

  /** The answer's payload. Rejects with RequestFailed. */
  request(method, params = {}) {
    if (this.ws?.readyState !== WebSocket.OPEN) {
      return Promise.reject(new RequestFailed({ code: "UNAVAILABLE", message: "", retryable: true }));
    }
    const id = String(++this.next);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.ws.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  take(text) {
    this.listen();
    const frame = JSON.parse(text);
    if (frame.type === "event") {
      this.on.event(frame.event, frame.payload);
      return;
    }
    const asked = this.waiting.get(frame.id);
    this.waiting.delete(frame.id);
    if (frame.ok) asked?.resolve(frame.payload);
    else asked?.reject(new RequestFailed(frame.error));
  }

  /** A socket that has gone silent is dead, whatever the browser thinks of it. */
  listen() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.drop(), this.tick * MISSED_TICKS);
  }

  drop() {
    const dead = this.ws;
    this.ws = null;
    dead?.close();
    this.lost();
  }

  lost() {
    clearTimeout(this.watchdog);
    for (const asked of this.waiting.values()) {
      asked.reject(new RequestFailed({ code: "UNAVAILABLE", message: "", retryable: true }));
    }
    this.waiting.clear();
    if (this.status.value === "signed-out") return;
    this.status.value = "waiting";
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.attempts++);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), longest * (0.5 + Math.random() / 2));
  }

  retryNow() {
    if (this.status.value !== "waiting") return;
    clearTimeout(this.timer);
    this.open();
  }
}
