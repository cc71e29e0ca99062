import { ChatKit, useChatKit } from "@openai/chatkit-react";
import { useEffect, useRef, useState } from "react";

import { isMessage, readPage } from "./pageContext";

const SECONDS_FOR_THE_SCRIPT = 10;

type Props = { apiUrl: string; domainKey: string; token?: string };

export function ChatWidget({ apiUrl, domainKey, token }: Props) {
  const [error, setError] = useState("");
  const missing = useMissingScript();
  // The newest token, whenever a request is sent.
  const newest = useRef(token);
  newest.current = token;

  const { control } = useChatKit({
    api: {
      url: apiUrl,
      domainKey,
      fetch: (input, init) => send(input, init, newest.current),
      uploadStrategy: { type: "direct", uploadUrl: apiUrl.replace(/\/[^/]*$/, "/upload") },
    },
    onError: ({ error }) => setError(`Something went wrong: ${error.message}`),
    onResponseStart: () => setError(""),
  });

  return (
    <div>
      {missing && <p role="alert">The chat could not be loaded. Please try again later.</p>}
      {error && <p role="alert">{error}</p>}
      <ChatKit control={control} style={{ height: 600, width: 360 }} />
    </div>
  );
}

type Send = (
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  token: string | undefined,
) => Promise<Response>;

const send: Send = async (input, init, token) => {
  const first = await ask(input, init, token);
  // A worker that restarts answers 502 or 500 once.
  return first.status >= 500 ? ask(input, init, token) : first;
};

const ask: Send = (input, init, token) => {
  const headers = new Headers(init?.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  if (isMessage(init?.body)) {
    const { url, title, headings } = readPage();
    const page = new URLSearchParams({ url, title });
    for (const each of headings) page.append("heading", each);
    headers.set("X-Page-Context", page.toString());
  }
  return fetch(input, { ...init, headers, credentials: "include" });
};

// Whether ChatKit's script has not come in time. It may still come later.
function useMissingScript() {
  const [missing, setMissing] = useState(false);
  useEffect(() => {
    const timer = setTimeout(
      () => setMissing(!customElements.get("openai-chatkit")),
      SECONDS_FOR_THE_SCRIPT * 1000,
    );
    void customElements.whenDefined("openai-chatkit").then(() => {
      clearTimeout(timer);
      setMissing(false);
    });
    return () => clearTimeout(timer);
  }, []);
  return missing;
}
