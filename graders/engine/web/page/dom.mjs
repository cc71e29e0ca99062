// Shows a page in Node, with happy-dom in place of a browser: for machines that have none.
//
// It goes to the page and its scripts as a browser does, and asks the grader's ports by itself, by
// the rules of CORS and without cookies. It records, and judges nothing; a browser sees more.
import http from "node:http";
import https from "node:https";
import { pathToFileURL } from "node:url";

const [packages, first, ...told] = process.argv.slice(2);
const places = new Map(told.map((each) => each.split("=")));
const { Window } = await import(pathToFileURL(`${packages}/happy-dom/lib/index.js`).href);

const FAILED = "Failed to fetch";
const METHODS = ["GET", "HEAD", "POST"];
const SIMPLE = ["accept", "accept-language", "content-language"];
const TYPES = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
const NO_BODY = [204, 205, 304];

// --- the network ----------------------------------------------------------------------------------

function ask(url, { method = "GET", headers = {}, body, signal } = {}) {
  const { protocol, hostname, port, host, pathname, search } = new URL(url);
  const secure = protocol === "https:";
  const place = places.get(`${hostname}:${port || (secure ? 443 : 80)}`);
  return new Promise((resolve, reject) => {
    if (place === undefined) throw new TypeError(FAILED);
    const request = (secure ? https : http).request(
      {
        host: "127.0.0.1",
        port: place,
        method,
        path: pathname + search,
        headers: { host, ...headers },
        rejectUnauthorized: false,
      },
      resolve,
    );
    request.on("error", () => reject(signal?.aborted ? signal.reason : new TypeError(FAILED)));
    signal?.addEventListener("abort", () => request.destroy());
    request.end(body);
  });
}

async function whole(answer) {
  const chunks = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// --- CORS, as far as a widget meets it ------------------------------------------------------------

function refusal(answer, origin, withCredentials) {
  const allowed = answer.headers["access-control-allow-origin"];
  if (allowed !== origin && (allowed !== "*" || withCredentials))
    return `'Access-Control-Allow-Origin' is ${allowed ?? "missing"}`;
  if (withCredentials && answer.headers["access-control-allow-credentials"] !== "true")
    return "'Access-Control-Allow-Credentials' is not 'true'";
  return "";
}

function listed(answer, name, withCredentials) {
  const values = (answer.headers[name] ?? "").split(",").map((each) => each.trim().toLowerCase());
  return (value) => values.includes(value) || (!withCredentials && values.includes("*"));
}

async function preflight(request, origin, withCredentials) {
  const isSimple = (name, value) =>
    SIMPLE.includes(name) ||
    (name === "content-type" && TYPES.includes(value.split(";")[0].trim().toLowerCase()));
  const asked = [...request.headers]
    .map(([name, value]) => [name.toLowerCase(), value])
    .filter(([name, value]) => !isSimple(name, value))
    .map(([name]) => name);
  if (asked.length === 0 && METHODS.includes(request.method)) return "";
  const headers = { origin, "access-control-request-method": request.method };
  if (asked.length) headers["access-control-request-headers"] = asked.sort().join(",");
  const answer = await ask(request.url, { method: "OPTIONS", headers, signal: request.signal });
  answer.resume();
  const wrong = refusal(answer, origin, withCredentials);
  if (wrong) return `in the answer to the preflight request, ${wrong}`;
  if (answer.statusCode < 200 || answer.statusCode > 299)
    return `the preflight request was answered with status ${answer.statusCode}`;
  const method = listed(answer, "access-control-allow-methods", withCredentials);
  if (!METHODS.includes(request.method) && !method(request.method.toLowerCase()))
    return `method ${request.method} is not allowed by 'Access-Control-Allow-Methods'`;
  const allows = listed(answer, "access-control-allow-headers", withCredentials);
  const missing = asked.find((name) => !allows(name));
  return missing === undefined
    ? ""
    : `request header field ${missing} is not allowed by 'Access-Control-Allow-Headers'`;
}

// --- a page ---------------------------------------------------------------------------------------

const say = (text) =>
  process.stdout.write(`[0:CONSOLE:1] "${String(text).replace(/\s+/g, " ")}", source: page (1)\n`);

// What happy-dom asks for `window`, a script or by a `fetch` of the page, comes here.
async function fetched({ request, window }) {
  const { origin, hostname } = window.location;
  const asked = new URL(request.url);
  // A script may come from anywhere.
  const isForeign = asked.origin !== origin && asked.hostname === hostname;
  const withCredentials = request.credentials === "include";
  const fail = (wrong) => {
    say(`Access to fetch at '${request.url}' from origin '${origin}' has been blocked by CORS policy: ${wrong}.`);
    throw new window.TypeError(FAILED);
  };
  if ([...request.headers].some(([, value]) => /[^\0-\xff]/.test(value)))
    throw new window.TypeError("A header's value contains a non ISO-8859-1 code point");
  const before = isForeign ? await preflight(request, origin, withCredentials) : "";
  if (before) fail(before);
  const body = request.body ? Buffer.from(await request.arrayBuffer()) : undefined;
  const headers = Object.fromEntries(request.headers);
  if (isForeign || !["GET", "HEAD"].includes(request.method)) headers.origin = origin;
  if (body) headers["content-length"] = body.length;
  const { method, signal } = request;
  const answer = await ask(request.url, { method, headers, body, signal });
  const wrong = isForeign ? refusal(answer, origin, withCredentials) : "";
  if (wrong) fail(wrong);
  return answered(window, answer, signal);
}

function answered(window, answer, signal) {
  const headers = new window.Headers();
  for (let n = 0; n < answer.rawHeaders.length; n += 2)
    headers.append(answer.rawHeaders[n], answer.rawHeaders[n + 1]);
  const stream = new window.ReadableStream({
    start(controller) {
      const over = () => controller.error(signal.reason);
      signal.addEventListener("abort", over);
      answer.on("data", (chunk) => controller.enqueue(new Uint8Array(chunk)));
      answer.on("end", () => {
        signal.removeEventListener("abort", over);
        controller.close();
      });
      answer.on("error", () => signal.aborted || controller.error(new window.TypeError("network error")));
    },
    cancel: () => void answer.destroy(),
  });
  const body = NO_BODY.includes(answer.statusCode) ? null : stream;
  return new window.Response(body, { status: answer.statusCode, headers });
}

async function open(url) {
  const page = await whole(
    await ask(url, { headers: { "sec-fetch-dest": "document", "sec-fetch-mode": "navigate" } }),
  );
  // The page waits for this one, and nothing here can wait; there is no other such.
  const script = new URL("/__grader/page.js", url).href;
  const code = await whole(await ask(script));
  const window = new Window({
    url,
    width: 800,
    height: 600,
    settings: {
      enableJavaScriptEvaluation: true,
      suppressInsecureJavaScriptEnvironmentWarning: true,
      disableCSSFileLoading: true,
      disableIframePageLoading: true,
      handleDisabledFileLoadingAsSuccess: true,
      fetch: {
        interceptor: {
          beforeAsyncRequest: fetched,
          beforeSyncRequest: ({ request, window }) => ({
            status: request.url === script ? 200 : 404,
            statusText: "",
            ok: request.url === script,
            url: request.url,
            redirected: false,
            headers: new window.Headers({ "content-type": "text/javascript" }),
            body: code,
          }),
        },
      },
    },
  });
  // What happy-dom lacks and Node has.
  for (const name of ["BroadcastChannel", "MessageChannel", "TextDecoderStream", "structuredClone"])
    window[name] = globalThis[name];
  window.reportError = (error) => {
    say(error?.stack ?? error);
    window.dispatchEvent(new window.ErrorEvent("error", { message: String(error?.message), error }));
  };
  // A script that a script has made does not keep the page waiting.
  const create = window.document.createElement.bind(window.document);
  window.document.createElement = (name, options) => {
    const element = create(name, options);
    if (element.tagName === "SCRIPT") element.async = true;
    return element;
  };
  // Nothing that a page here needs, and a way around the recorder.
  delete window.WebSocket;
  const asks = window.fetch.bind(window);
  const { Response } = window;
  // What the grader's own script says goes by no function that the page can replace.
  const tells = async (path, { headers, body }) =>
    new Response(
      await whole(await ask(new URL(path, url).href, { method: "POST", headers: { ...headers }, body })),
    );
  // A browser's has its `this`; the page itself has several.
  const own = [undefined, window, window.window, ...window.eval("[this, window, globalThis]")];
  window.fetch = function fetch(input, init) {
    if (typeof input === "string" && input.startsWith("/__grader/") && init?.headers?.["x-grader"])
      return tells(input, init);
    return own.includes(this)
      ? asks(input, init)
      : Promise.reject(
          new TypeError("Failed to execute 'fetch' on 'Window': Illegal invocation"),
        );
  };
  for (const name of ["log", "info", "warn", "error", "debug"])
    window.console[name] = (...texts) => say(texts.map(String).join(" "));
  Object.defineProperty(window.Event.prototype, "isTrusted", {
    configurable: true,
    get() {
      return this.target?.tagName === "SCRIPT";
    },
  });
  window.location.assign = (next) => void open(new URL(next, window.location.href).href);
  shown = window;
  window.document.write(page.toString());
  window.document.dispatchEvent(new window.Event("DOMContentLoaded", { bubbles: true }));
}

// What nobody has caught is the page's to be told of, and no end of it.
let shown = null;
process.on("uncaughtException", (error) => shown?.reportError(error));
process.on("unhandledRejection", (reason) => {
  say(reason?.stack ?? reason);
  shown?.dispatchEvent(Object.assign(new shown.Event("unhandledrejection"), { reason }));
});
await open(first);
