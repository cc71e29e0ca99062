// Our own `<openai-chatkit>`: it asks the student's `api.fetch` as the real one does, shows what it
// gets, and tells the grader which options it was given. Written from how the real element behaves.

const CDN = "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js";

const isString = (value) => typeof value === "string";
const isBoolean = (value) => typeof value === "boolean";
const isFunction = (value) => typeof value === "function";
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isArray = Array.isArray;
const KNOWN_OPTIONS = {
  api: isObject,
  locale: isString,
  theme: (value) => isString(value) || isObject(value),
  frameTitle: isString,
  initialThread: (value) => value === null || isString(value),
  onClientTool: isFunction,
  header: isObject,
  history: isObject,
  startScreen: isObject,
  threadItemActions: isObject,
  composer: isObject,
  disclaimer: isObject,
  entities: isObject,
  commands: (value) => isObject(value) || isArray(value),
  widgets: isObject,
  thread: isObject,
};
const KNOWN_API = {
  url: isString,
  domainKey: isString,
  fetch: isFunction,
  uploadStrategy: isObject,
};

function problemsOf(options) {
  const problems = [];
  const look = (object, known, prefix) => {
    for (const name of Object.keys(object)) {
      if (!(name in known)) problems.push({ name: prefix + name, what: "unknown" });
      else if (object[name] !== undefined && !known[name](object[name]))
        problems.push({ name: prefix + name, what: "invalid" });
    }
  };
  if (!isObject(options)) return [{ name: "options", what: "invalid" }];
  look(options, KNOWN_OPTIONS, "");
  if (!isObject(options.api)) return [...problems, { name: "api", what: "missing" }];
  if ("getClientSecret" in options.api) return [...problems, { name: "api.getClientSecret", what: "hosted" }];
  look(options.api, KNOWN_API, "api.");
  for (const name of ["url", "domainKey"]) {
    if (!isString(options.api[name]) || !options.api[name]) {
      if (!problems.some((each) => each.name === `api.${name}`))
        problems.push({ name: `api.${name}`, what: "missing" });
    }
  }
  return problems;
}

const state = {
  options: null,
  optionsSet: 0,
  problems: [],
  connected: 0,
  exchanges: [],
  current: null,
  threadId: null,
  headings: [],
};

// Lets the element speak. No method that a page can see or replace does that, and no word of the
// grader's is ever handed to the element: a page may be its maker.
let emitOn;

class FakeChatKit extends HTMLElement {
  static {
    emitOn = (element, name, detail) => element.#emit(name, detail);
  }

  #shadow = this.attachShadow({ mode: "closed" });
  #ready = false;

  connectedCallback() {
    // Its private field comes first: whoever is no such element fails here.
    state.shadow = this.#shadow;
    state.connected++;
    state.current = this;
  }

  disconnectedCallback() {
    if (state.current === this) state.current = null;
  }

  setOptions(options) {
    activity++;
    state.optionsSet++;
    state.options = options;
    for (const problem of problemsOf(options)) {
      if (!state.problems.some((each) => each.name === problem.name)) state.problems.push(problem);
    }
    // Its frame has to load first: by then who listens is there.
    if (!this.#ready) void task().then(() => this.#emit("chatkit.ready", {}));
    this.#ready = true;
  }

  #emit(name, detail) {
    activity++;
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  async focusComposer() {}
  async setThreadId(id) {
    state.threadId = id;
  }
  async sendUserMessage({ text }) {
    void startMessage(text);
  }
  async setComposerValue() {}
  async fetchUpdates() {}
  async sendCustomAction() {}
  async showHistory() {}
  async hideHistory() {}
}

// The script is ours, and only its coming counts: what it would run is here.
let scriptIsOver = false;
const isScript = ({ isTrusted, target }) =>
  isTrusted && target instanceof HTMLScriptElement && target.src.startsWith(CDN);
document.addEventListener(
  "error",
  (event) => {
    scriptIsOver ||= isScript(event);
  },
  true,
);
document.addEventListener(
  "load",
  (event) => {
    if (!isScript(event)) return;
    scriptIsOver = true;
    try {
      if (!customElements.get("openai-chatkit")) native.define("openai-chatkit", FakeChatKit);
    } catch (error) {
      note(seen.errors, error);
    }
    activity++;
  },
  true,
);

// --- how it asks ----------------------------------------------------------------------------------

function emit(name, detail) {
  if (state.current !== null) emitOn(state.current, name, detail);
}

function call(url, init) {
  const ask = state.options?.api?.fetch ?? native.fetch;
  return ask(url, init);
}

function newExchange(kind) {
  const controller = new AbortController();
  const exchange = {
    kind,
    status: 0,
    type: "",
    failure: "",
    json: null,
    shown: "",
    events: [],
    over: false,
    controller,
  };
  state.exchanges.push(exchange);
  return exchange;
}

const told = (exchange) => ({ ...exchange, controller: undefined });

function headersOf(streams) {
  const headers = {
    "Content-Type": "application/json",
    "Accept-Language": "en",
    "chatkit-frame-instance-id": "frm_0f6b2a7c",
  };
  if (streams) headers["accept"] = "text/event-stream";
  return headers;
}

async function ask(exchange, request, streams) {
  try {
    const response = await call(state.options.api.url, {
      method: "POST",
      headers: headersOf(streams),
      body: JSON.stringify(request),
      signal: exchange.controller.signal,
    });
    await take(exchange, response, streams);
  } catch (error) {
    exchange.failure = `${error?.name ?? "Error"}: ${error?.message ?? error}`.slice(0, 500);
    if (error?.name !== "AbortError") emit("chatkit.error", { error });
  }
  exchange.over = true;
  activity++;
}

async function take(exchange, response, streams) {
  if (!(response instanceof Response)) {
    throw new TypeError(`api.fetch gave ${response === undefined ? "undefined" : typeof response}, not a Response`);
  }
  exchange.status = response.status;
  exchange.type = response.headers.get("content-type") ?? "";
  activity++;
  if (!response.ok) {
    throw new Error(`status ${response.status}`);
  }
  if (streams) {
    if (!exchange.type.startsWith("text/event-stream")) {
      throw new Error(`a stream of type ${exchange.type || "(none)"}`);
    }
    await readStream(exchange, response);
  } else {
    exchange.json = await response.json();
  }
}

async function readStream(exchange, response) {
  emit("chatkit.response.start", {});
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let buffer = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    buffer += decoder.decode(value, { stream: true });
    const blocks = buffer.split(/\r?\n\r?\n/);
    buffer = blocks.pop();
    for (const block of blocks) readEvent(exchange, block);
  }
  emit("chatkit.response.end", {});
}

function readEvent(exchange, block) {
  const data = block
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5).replace(/^ /, ""))
    .join("\n");
  if (!data) return;
  const event = JSON.parse(data);
  activity++;
  if (exchange.events.length < 200) exchange.events.push(event.type);
  if (event.type === "thread.created") {
    state.threadId = event.thread.id;
    emit("chatkit.thread.change", { threadId: state.threadId });
  }
  const update = event.update ?? {};
  if (event.type === "thread.item.updated" && update.type === "assistant_message.content_part.text_delta") {
    exchange.shown += update.delta;
    show(exchange.shown);
  }
  // An answer that was not streamed is shown at its end.
  if (event.type === "thread.item.done" && event.item?.type === "assistant_message") {
    const text = (event.item.content ?? []).map((each) => each.text ?? "").join("");
    if (!exchange.shown.endsWith(text)) {
      exchange.shown += text;
      show(exchange.shown);
    }
  }
  if (event.type === "error") {
    exchange.failure = "an `error` event";
    emit("chatkit.error", { error: new Error(event.message ?? "error") });
  }
}

function show(text) {
  if (state.shadow) state.shadow.textContent = text;
}

function startMessage(text) {
  const input = {
    content: [{ type: "input_text", text }],
    attachments: [],
    inference_options: {},
  };
  const first = state.threadId === null;
  const exchange = newExchange(first ? "threads.create" : "threads.add_user_message");
  const params = first ? { input } : { input, thread_id: state.threadId };
  void ask(exchange, { type: exchange.kind, params, metadata: {} }, true);
  return exchange;
}

async function upload(exchange, { url, file, content, type }) {
  const form = new FormData();
  form.append("file", new File([content], file, { type }));
  const strategy = state.options?.api?.uploadStrategy;
  const target = strategy?.type === "direct" && strategy.uploadUrl ? strategy.uploadUrl : url;
  try {
    const response = await call(target, {
      method: "POST",
      headers: { "chatkit-frame-instance-id": "frm_0f6b2a7c" },
      body: form,
      signal: exchange.controller.signal,
    });
    exchange.status = response.status;
  } catch (error) {
    exchange.failure = `${error?.name ?? "Error"}: ${error?.message ?? error}`.slice(0, 500);
  }
  exchange.over = true;
  activity++;
}

// --- the widget in the page -----------------------------------------------------------------------

let bundle = null;
let root = null;
let failed = "";
Object.defineProperty(window, "__chatkitWidget", {
  configurable: true,
  set(value) {
    bundle = value;
    delete window.__chatkitWidget;
  },
});

// What the widget puts beside its root, such as a portal, is its own too.
const ofThePage = new Set();

function render(props) {
  if (ofThePage.size === 0)
    for (const each of document.body.children) if (each.id !== "root") ofThePage.add(each);
  if (bundle === null) return { exported: false, names: [], failed };
  const { widget, React, createRoot, flushSync } = bundle;
  if (typeof widget.ChatWidget !== "function" && typeof widget.ChatWidget !== "object")
    return { exported: false, names: Object.keys(widget).slice(0, 10), failed };
  root ??= createRoot(document.getElementById("root"), {
    onUncaughtError: (error) => {
      failed = String(error?.message ?? error).slice(0, 500);
    },
  });
  flushSync(() => root.render(React.createElement(widget.ChatWidget, props)));
  return { exported: true, names: [], failed };
}

Object.assign(commands, {
  async script() {
    for (let rounds = 0; !scriptIsOver && rounds < MOST_ROUNDS; rounds++) await tell("round", {});
  },
  render: ({ props }) => render(props),
  unmount() {
    root?.unmount();
    root = null;
    Object.assign(state, { options: null, problems: [], threadId: null, current: null });
  },
  look: () => ({
    defined: customElements.get("openai-chatkit") === FakeChatKit,
    foreign: Boolean(customElements.get("openai-chatkit")) && customElements.get("openai-chatkit") !== FakeChatKit,
    mounted: document.querySelector("openai-chatkit") !== null,
    options: state.options !== null,
    problems: state.problems,
    text: [...document.body.children].filter((each) => !ofThePage.has(each)).map(visibleText).join("\n").trim(),
    failed,
    scripts: [...document.scripts].filter((each) => each.src.startsWith(CDN)).length,
    stored: native.stringify([
      Object.entries({ ...localStorage }),
      Object.entries({ ...sessionStorage }),
      document.cookie,
      location.href,
    ]),
    exchange: state.exchanges.length ? told(state.exchanges.at(-1)) : null,
  }),
  send({ text }) {
    startMessage(text);
  },
  ask({ request }) {
    void ask(newExchange(request.type), request, false);
  },
  upload(command) {
    void upload(newExchange("upload"), command);
  },
  abort() {
    state.exchanges.at(-1)?.controller.abort();
  },
  async fetch({ url, init }) {
    const response = await native.fetch(url, init);
    return { status: response.status };
  },
  page({ url, title, headings }) {
    if (url) history.pushState({}, "", url);
    if (title !== undefined) document.title = title;
    if (!headings) return;
    // A page may have more headings of a level than the last one: they come after the others.
    for (const each of state.headings.splice(0)) each.remove();
    const places = {};
    const last = {};
    for (const [level, text] of headings) {
      places[level] ??= [...document.querySelectorAll(level)];
      let place = places[level].shift();
      if (!place) {
        place = document.createElement(level);
        last[level].after(place);
        state.headings.push(place);
      }
      place.textContent = text;
      last[level] = place;
    }
  },
  leave({ url }) {
    location.assign(url);
    return new Promise(() => {});
  },
});
