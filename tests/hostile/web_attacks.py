"""What a student's web code may want, and how it goes about it.

Must not know how it is bundled or run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SECRET = "kept-from-every-student"


@dataclass(frozen=True)
class BundleAttack:
    """A file that the bundler is asked to read; words in capitals stand for real places."""

    name: str
    files: Mapping[str, str]
    links: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


BUNDLING = [
    BundleAttack(
        "the rubric by a path upwards",
        {"src/main.ts": 'import x from "../../../../../../PROJECT/rubric.yaml"; console.log(x);'},
    ),
    BundleAttack(
        "a file by its full name", {"src/main.ts": 'import x from "SECRET"; console.log(x);'}
    ),
    BundleAttack(
        "a file behind a symbolic link",
        {"src/main.ts": 'import x from "./secret.json"; console.log(x);'},
        {"src/secret.json": "SECRET"},
    ),
    BundleAttack(
        "a folder behind a symbolic link",
        {"src/main.ts": 'import x from "./outside/secret.json"; console.log(x);'},
        {"src/outside": "FOLDER"},
    ),
    BundleAttack(
        "paths of a tsconfig",
        {
            "src/main.ts": 'import x from "secret"; console.log(x);',
            "tsconfig.json": '{"compilerOptions": {"paths": {"secret": ["SECRET"]}}}',
        },
    ),
    BundleAttack(
        "what a tsconfig extends",
        {
            "src/main.tsx": "export const x = <p/>;",
            "src/main.ts": 'import x from "secret"; console.log(x);',
            "tsconfig.json": '{"extends": "FOLDER/tsconfig.json"}',
        },
    ),
    BundleAttack(
        "imports of a package.json",
        {
            "src/main.ts": 'import x from "#secret"; console.log(x);',
            "package.json": '{"imports": {"#secret": "../../../../../../../SECRET"}}',
        },
    ),
    BundleAttack(
        "the browser field of a package.json",
        {
            "src/main.ts": 'import x from "./other"; console.log(x);',
            "src/other.ts": "export default 1;",
            "package.json": '{"browser": {"./src/other.ts": "SECRET"}}',
        },
    ),
    BundleAttack(
        "an image in a style",
        {
            "src/main.ts": 'import "./a.css";',
            "src/a.css": 'p { background: url("FOLDER/secret.svg"); }',
        },
    ),
    BundleAttack(
        "a package of its own in node_modules",
        {
            "src/main.ts": 'import x from "secret"; console.log(x);',
            "node_modules/secret/package.json": '{"name": "secret", "main": "SECRET"}',
        },
    ),
]


@dataclass(frozen=True)
class PageAttack:
    """JavaScript that says in the end what it got: an empty text is nothing.

    ``PORT`` stands for a port of the machine that somebody else listens on.
    """

    name: str
    code: str

    def __str__(self) -> str:
        return self.name


_ASK = (
    "const get = async (url, init) => "
    "{ try { return await (await fetch(url, init)).text(); } catch { return ''; } };"
)
PAGES = [
    PageAttack("another port of the machine", f"{_ASK} return get('http://127.0.0.1:PORT/');"),
    PageAttack("another port by a name", f"{_ASK} return get('http://localhost:PORT/');"),
    PageAttack(
        "another port without CORS",
        "try { await fetch('http://127.0.0.1:PORT/', {mode: 'no-cors'}); return 'reached'; } "
        "catch { return ''; }",
    ),
    PageAttack(
        "another port by a WebSocket",
        "return new Promise((done) => { const s = new WebSocket('ws://127.0.0.1:PORT/'); "
        "s.onopen = () => done('reached'); s.onerror = () => done(''); });",
    ),
    PageAttack("a host of the internet", f"{_ASK} return get('http://example.com/');"),
    PageAttack("a file of the machine", f"{_ASK} return get('file:///etc/passwd');"),
    PageAttack(
        "a file in a frame",
        "const f = document.createElement('iframe'); f.src = 'file:///etc/passwd'; "
        "document.body.append(f); try { return f.contentDocument.body.innerText; } "
        "catch { return ''; }",
    ),
    PageAttack(
        "the grader's word in its own script",
        "return [...document.scripts].map((s) => s.text).join('').match(/[0-9a-f]{32}/)?.[0] ?? ''",
    ),
    PageAttack(
        "the grader's word in the page, asked for again",
        f"{_ASK} return (await get('/__first')).match(/[0-9a-f]{{32}}/)?.[0] ?? '';",
    ),
    PageAttack(
        "the grader's word in the page that comes next",
        f"{_ASK} return (await get('/__late')).match(/[0-9a-f]{{32}}/)?.[0] ?? '';",
    ),
    PageAttack(
        "the grader's word by a method of the element",
        "await customElements.whenDefined('openai-chatkit'); let got = ''; "
        "const e = document.createElement('openai-chatkit'); "
        "for (let p = e; p !== HTMLElement.prototype; p = Object.getPrototypeOf(p)) "
        "for (const n of [...Object.getOwnPropertyNames(p), 'emit', 'dispatchEvent']) "
        "if (!['constructor', 'sendUserMessage', 'connectedCallback'].includes(n)) "
        "e[n] = (...a) => { got ||= /\\b[0-9a-f]{32}\\b/.exec(JSON.stringify(a))?.[0] ?? ''; }; "
        "document.body.append(e); await e.sendUserMessage({text: 'x'}); "
        "await new Promise((go) => setTimeout(go, 50)); e.remove(); return got;",
    ),
    PageAttack(
        "a service worker of the server's",
        "try { await navigator.serviceWorker.register('/sw.js'); return 'registered'; } "
        "catch { return ''; }",
    ),
    PageAttack(
        "a service worker of the widget's own code",
        "try { await navigator.serviceWorker.register('/__grader/attack.js'); "
        "return 'registered'; } catch { return ''; }",
    ),
    PageAttack(
        "a window of its own for the page that comes next",
        "const f = document.createElement('iframe'); document.body.append(f); "
        "return f.contentWindow.open('/__late') ? 'opened' : '';",
    ),
    PageAttack(
        "a command without the grader's word",
        f"{_ASK} return get('/__grader/next', {{method: 'POST', body: '{{}}'}});",
    ),
    PageAttack(
        "the grader's word by a fetch of its own",
        "return window.caught ?? '';",
    ),
    PageAttack(
        "the grader's word in the names that are global",
        "return Object.getOwnPropertyNames(window).map((n) => { try { return String(window[n]); } "
        "catch { return ''; } }).join(' ').match(/\\b[0-9a-f]{32}\\b/)?.[0] ?? '';",
    ),
    PageAttack(
        "the grader's word among the requests",
        "return JSON.stringify(performance.getEntries()).match(/\\b[0-9a-f]{32}\\b/)?.[0] ?? '';",
    ),
]
CATCHES = """
const watch = (text) => {
  const found = /\\b[0-9a-f]{32}\\b/.exec(String(text));
  if (found) window.caught = found[0];
};
const fetched = window.fetch;
const stringified = JSON.stringify;
window.fetch = function (...a) { watch(JSON.stringify(a)); return fetched.apply(this, a); };
JSON.stringify = (...a) => { const t = stringified(...a); watch(t); return t; };
const set = Headers.prototype.set;
Headers.prototype.set = function (n, v) { watch(v); return set.call(this, n, v); };
for (const name of ["headers", "method", "body"])
  Object.defineProperty(Object.prototype, name, {
    configurable: true,
    set(v) { watch(JSON.stringify(v)); },
    get() { return undefined; },
  });
const then = Promise.prototype.then;
Promise.prototype.then = function (...a) { watch(this); return then.apply(this, a); };
"""
"""What lies in wait for whoever sends something after it."""

NODE = [
    PageAttack(
        "a file of the machine",
        "return process.getBuiltinModule('fs').readFileSync('/etc/passwd', 'utf8');",
    ),
    PageAttack(
        "the files of the project",
        "return process.getBuiltinModule('fs').readdirSync('PROJECT')[0];",
    ),
    PageAttack(
        "another program",
        "const run = process.getBuiltinModule('child_process').execFileSync; "
        "return run('/bin/sh', ['-c', 'echo it']).toString();",
    ),
    PageAttack(
        "another process",
        "const fs = process.getBuiltinModule('fs'); return fs.readdirSync('/proc')"
        ".filter((n) => /^\\d+$/.test(n) && Number(n) !== process.pid).join();",
    ),
    PageAttack(
        "another port of the machine",
        "const net = process.getBuiltinModule('net'); return new Promise((done) => "
        "net.connect(PORT, '127.0.0.1').on('connect', () => done('reached'))"
        ".on('error', () => done('')));",
    ),
]
