// What plays a scenario in a page: it obeys the grader's commands and says what it saw.
//
// It runs before any code of the student's, keeps the browser's own functions for itself, and hands
// out nothing: no name of it is global. It records, and judges nothing. `SECRET` is filled in by the
// grader, which tells it once.
const SECRET = "{{SECRET}}";
const PREFIX = "/__grader/";
const QUIET_ROUNDS = 6;
const MOST_ROUNDS = 400;
const MOST_TIMERS = 2000;
const STEP = 50;

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

const clock = { moved: 0, next: 1, timers: new Map() };

function addTimer(callback, delay, every, args) {
  const id = clock.next++;
  const wait = Math.max(Number(delay) || 0, 0);
  clock.timers.set(id, { at: clock.moved + wait, every: every ? Math.max(wait, 1) : 0, callback, args });
  return id;
}

function fire(id, timer) {
  clock.moved = Math.max(clock.moved, timer.at);
  if (timer.every) timer.at += timer.every;
  else clock.timers.delete(id);
  try {
    if (typeof timer.callback === "function") timer.callback(...timer.args);
  } catch (error) {
    reportError(error);
  }
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
const seen = { errors: [], opened: [] };
const note = (list, text) => {
  activity++;
  if (list.length < 20) list.push(String(text).slice(0, 500));
};
new MutationObserver(() => activity++).observe(document, {
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

// Requests that have left the code of the page, and whose answer has not come to it.
let asking = 0;
const ownFetch = window.fetch;
window.fetch = function fetch(...args) {
  asking++;
  activity++;
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
// the next timer that is due within `within` milliseconds may fire.
async function settle(within) {
  const limit = clock.moved + within;
  let quiet = 0;
  let heard = -1;
  let fired = 0;
  for (let rounds = 0; quiet < QUIET_ROUNDS && rounds < MOST_ROUNDS; rounds++) {
    const before = activity;
    await task();
    const { activity: there, open } = await tell("round", {});
    await task();
    // What is asked for and has not arrived at the grader is still on its way.
    const still = before === activity && there === heard && asking <= open;
    quiet = still ? quiet + 1 : 0;
    heard = there;
    const resting = quiet >= 2;
    const due = nextTimer(resting ? limit : clock.moved);
    if (due === null || fired >= MOST_TIMERS) continue;
    // An animation asks for the next frame in each frame: some frames go in one step.
    const until = resting ? Math.min(Math.max(due[1].at, clock.moved) + STEP, limit) : clock.moved;
    for (let next = due; next !== null && fired < MOST_TIMERS; next = nextTimer(until)) {
      fired++;
      fire(...next);
    }
    quiet = 0;
  }
  return { fired };
}

async function advance(milliseconds) {
  const end = clock.moved + milliseconds;
  for (let due; (due = nextTimer(end)) !== null; ) {
    fire(...due);
    await settle(0);
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
