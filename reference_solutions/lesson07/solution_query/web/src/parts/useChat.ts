import type { ChatKitOptions } from "@openai/chatkit";
import { useChatKit } from "@openai/chatkit-react";
import { useMemo, useState } from "react";

import words from "./words.json";

type Settings = { apiUrl: string; domainKey: string; token?: string };

export function useChat({ apiUrl, domainKey, token }: Settings) {
  const [failure, setFailure] = useState("");
  const options: ChatKitOptions = useMemo(
    () => ({
      api: { url: apiUrl, domainKey, fetch: authorized(token) },
      onError: () => setFailure(words.failed),
      onResponseEnd: () => setFailure(""),
    }),
    [apiUrl, domainKey, token],
  );
  return { control: useChatKit(options).control, failure };
}

function authorized(token: string | undefined): typeof fetch {
  return (input, init) => {
    const request = new Request(withPage(input, init?.body), {
      ...init,
      credentials: "include",
    });
    if (token) request.headers.set("Authorization", `Bearer ${token}`);
    return fetch(request);
  };
}

function withPage(input: RequestInfo | URL, body: BodyInit | null | undefined) {
  const address = new URL(String(input), location.href);
  if (typeof body === "string" && isMessage(JSON.parse(body).type)) {
    address.searchParams.set("url", location.href);
    address.searchParams.set("title", document.title);
    for (const heading of document.querySelectorAll<HTMLElement>("h1, h2, h3"))
      address.searchParams.append("heading", heading.innerText);
  }
  return address;
}

const isMessage = (type: string) => ["threads.create", "threads.add_user_message"].includes(type);
