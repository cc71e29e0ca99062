// What plays a scenario in a page: it obeys the grader's commands and says what it saw.
//
// It runs before any code of the student's, keeps the browser's own functions for itself, and hands
// out nothing: no name of it is global. It records, and judges nothing. `SECRET` is filled in by the
// grader, which tells it once.
const SECRET = "{{SECRET}}";
const PREFIX = "/__grader/";
const QUIET_ROUNDS = 6;
const MOST_ROUNDS = 400;
const MOST_RESTLESS_ROUNDS = 150;
const MOST_TIMERS = 2000;
const MOST_RENDERS = 200;
const MOST_CHANGES = 5000;
const MOST_NESTED = 5;
const LEAST_NESTED_DELAY = 4;
const STEP = 200;

const native = {
  fetch: window.fetch.bind(window),
  stringify: JSON.stringify,
  parse: JSON.parse,
  Date: window.Date,
  now: window.Date.now,
  performanceNow: performance.now.bind(performance),
  channel: MessageChannel,
  addEventListener: EventTarget.prototype.addEventListener,
  text: Response.prototype.text,
  define: customElements.define.bind(customElements),
  apply: Reflect.apply,
  then: Promise.prototype.then,
};

async function tell(what, body) {
  const response = await native.fetch(PREFIX + what, {
    __proto__: null,
    method: "POST",
    headers: { __proto__: null, "x-grader": SECRET },
    body: native.stringify(body),
    keepalive: false,
  });
  const text = await native.apply(native.text, response, []);
  return native.parse(text);
}

// --- the page's clock -----------------------------------------------------------------------------
// Timers fire when the grader lets their time come, so ten seconds take none.

const clock = { moved: 0, next: 1, timers: new Map(), depth: 0 };

function addTimer(callback, delay, every, args) {
  const id = clock.next++;
  // As in browsers: what a timer starts, which a timer started, and so on, waits a little.
  const depth = clock.depth + 1;
  const least = depth > MOST_NESTED ? LEAST_NESTED_DELAY : 0;
  const wait = Math.max(Number(delay) || 0, least);
  const timer = { at: clock.moved + wait, every: every ? Math.max(wait, 1) : 0, callback, args, depth };
  clock.timers.set(id, timer);
  return id;
}

function fire(id, timer) {
  clock.moved = Math.max(clock.moved, timer.at);
  if (timer.every) timer.at += timer.every;
  else clock.timers.delete(id);
  clock.depth = timer.depth;
  try {
    if (typeof timer.callback === "function") timer.callback(...timer.args);
  } catch (error) {
    reportError(error);
  }
  clock.depth = 0;
}

function nextTimer(limit) {
  let found = null;
  for (const [id, timer] of clock.timers) {
    if (timer.at <= limit && (found === null || timer.at < found[1].at)) found = [id, timer];
  }
  return found;
}

window.setTimeout = (callback, delay, ...args) => addTimer(callback, delay, false, args);
window.setInterval = (callback, delay, ...args) => addTimer(callback, delay, true, args);
window.clearTimeout = window.clearInterval = (id) => void clock.timers.delete(id);
window.requestAnimationFrame = (callback) =>
  addTimer(() => callback(performance.now()), 16, false, []);
window.cancelAnimationFrame = window.clearTimeout;
window.requestIdleCallback = (callback) =>
  addTimer(() => callback({ didTimeout: false, timeRemaining: () => 50 }), 1, false, []);
window.cancelIdleCallback = window.clearTimeout;
const start = native.performanceNow();
performance.now = () => start + clock.moved;
const began = native.now();
const now = () => began + clock.moved;
window.Date = new Proxy(native.Date, {
  construct: (date, args, made) => Reflect.construct(date, args.length ? args : [now()], made),
  apply: (date) => new date(now()).toString(),
  get: (date, name) => (name === "now" ? now : date[name]),
});

// --- what happens in the page ---------------------------------------------------------------------

let activity = 0;
const count = { renders: 0, requests: 0, changes: 0 };
const seen = { errors: [], opened: [] };
const note = (list, text) => {
  activity++;
  if (list.length < 20) list.push(String(text).slice(0, 500));
};
new MutationObserver(() => {
  activity++;
  count.changes++;
}).observe(document, {
  subtree: true,
  childList: true,
  characterData: true,
  attributes: true,
});
window.addEventListener("error", (event) => {
  if (event.message) note(seen.errors, event.message);
});
window.addEventListener("unhandledrejection", (event) => {
  note(seen.errors, event.reason?.message ?? event.reason);
});
for (const name of ["alert", "confirm", "prompt", "open", "print"]) {
  window[name] = (what) => {
    note(seen.opened, `${name}(${what ?? ""})`);
    return null;
  };
}

// React tells its tools of each render, also of one that changes nothing in the page.
window.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
  supportsFiber: true,
  inject: () => 1,
  onCommitFiberRoot() {
    activity++;
    count.renders++;
  },
  onCommitFiberUnmount() {},
};

// Requests that have left the code of the page, and whose answer has not come to it.
let asking = 0;
const ownFetch = window.fetch;
window.fetch = function fetch(...args) {
  asking++;
  activity++;
  count.requests++;
  const over = () => {
    asking--;
    activity++;
  };
  const answer = native.apply(ownFetch, this, args);
  native.apply(native.then, answer, [over, over]);
  return answer;
};

function task() {
  return new Promise((resolve) => {
    const { port1, port2 } = new native.channel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

// Come to rest: nothing happens in the page, at the grader or in the server, for some rounds; then
// the next timer that is due within `within` milliseconds may fire. Where it never comes to rest,
// `endless` says what it did instead.
async function settle(within) {
  const limit = clock.moved + within;
  const before = { ...count };
  let quiet = 0;
  let heard = -1;
  let fired = 0;
  let waited = 0;
  for (let rounds = 0; quiet < QUIET_ROUNDS && rounds < MOST_ROUNDS; rounds++) {
    const active = activity;
    await task();
    const { activity: there, open } = await tell("round", {});
    await task();
    // What is asked for and has not arrived at the grader is still on its way.
    const still = active === activity && there === heard && asking <= open;
    quiet = still ? quiet + 1 : 0;
    waited++;
    heard = there;
    // What comes to rest at all does so in less than twenty rounds after a timer.
    const done = since(before);
    if (waited > MOST_RESTLESS_ROUNDS || done.renders > MOST_RENDERS || done.changes > MOST_CHANGES)
      return { endless: done };
    const resting = quiet >= 2;
    const due = nextTimer(resting ? limit : clock.moved);
    if (due === null || fired >= MOST_TIMERS) continue;
    fired += fireFrom(due, resting ? limit : clock.moved, MOST_TIMERS - fired);
    quiet = 0;
    waited = 0;
  }
  return { fired };
}

function since(before) {
  const { renders, requests, changes } = count;
  return {
    renders: renders - before.renders,
    requests: requests - before.requests,
    changes: changes - before.changes,
  };
}

// An animation asks for the next frame in each frame: what is due within one step fires in one go.
function fireFrom(due, limit, most) {
  const until = Math.min(Math.max(due[1].at, clock.moved) + STEP, limit);
  let fired = 0;
  for (let next = due; next !== null && fired < most; next = nextTimer(until)) {
    fired++;
    fire(...next);
  }
  return fired;
}

async function advance(milliseconds) {
  const end = clock.moved + milliseconds;
  for (let due; (due = nextTimer(end)) !== null; ) {
    fireFrom(due, end, MOST_TIMERS);
    const { endless } = await settle(0);
    if (endless) return { endless };
  }
  clock.moved = Math.max(clock.moved, end);
  return settle(0);
}

function visibleText(node) {
  return node === null ? "" : node.innerText.trim();
}

const commands = {
  settle: ({ within = 1000 }) => settle(within),
  advance: ({ milliseconds }) => advance(milliseconds),
  seen: () => seen,
};

{{ELEMENT}}

async function obey() {
  let result = null;
  for (;;) {
    const command = await tell("next", { result });
    try {
      result = { value: (await commands[command.do](command)) ?? null };
    } catch (error) {
      result = { error: String(error?.message ?? error).slice(0, 2000) };
    }
  }
}

native.apply(native.addEventListener, window, [
  "DOMContentLoaded",
  () => void obey().catch(() => {}),
  { once: true },
]);
document.currentScript?.remove();
