import { ChatKit, useChatKit } from "@openai/chatkit-react";
import { useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";

import { withPage } from "./pageContext";

const SECONDS_FOR_THE_SCRIPT = 10;

type Props = { apiUrl: string; domainKey: string; token?: string };

export function ChatWidget({ apiUrl, domainKey, token }: Props) {
  const [error, setError] = useState("");
  // ChatKit itself says when it is there.
  const [ready, setReady] = useState(false);
  const [waited, setWaited] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setWaited(true), SECONDS_FOR_THE_SCRIPT * 1000);
    return () => clearTimeout(timer);
  }, []);
  const missing = waited && !ready;
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
    onReady: () => setReady(true),
    onResponseStart: () => setError(""),
  });

  return (
    <div>
      {missing && <Toast text="The chat could not be loaded. Please try again later." />}
      {error && <Toast text={error} />}
      <ChatKit control={control} style={{ height: 600, width: 360 }} />
    </div>
  );
}

function send(input: RequestInfo | URL, init: RequestInit | undefined, token: string | undefined) {
  const headers = new Headers(init?.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  return fetch(input, { ...init, headers, body: withPage(init?.body), credentials: "include" });
}

function Toast({ text }: { text: string }) {
  const style = { position: "fixed", right: 16, bottom: 16 } as const;
  const toast = (
    <p role="alert" style={style}>
      {text}
    </p>
  );
  return createPortal(toast, document.body);
}
