import { ChatKit, useChatKit } from "@openai/chatkit-react";
import { useState } from "react";

import { useMissingScript } from "./useMissingScript";

type Props = { apiUrl: string; domainKey: string; token?: string };
type Task = { task_id?: string | number; title?: string };

export function ChatWidget({ apiUrl, domainKey, token }: Props) {
  const [error, setError] = useState("");
  const [shown, setShown] = useState<Task>();
  const missing = useMissingScript();

  const { control } = useChatKit({
    api: {
      url: apiUrl,
      domainKey,
      fetch: (input, init) => {
        const headers = new Headers(init?.headers);
        if (token) headers.set("Authorization", `Bearer ${token}`);
        return fetch(input, { ...init, headers });
      },
    },
    onClientTool: ({ name, params }) => {
      if (name !== "show_task") return { shown: false };
      setShown(params);
      return { shown: true };
    },
    onError: ({ error }) => setError(`Something went wrong: ${error.message}`),
    onResponseStart: () => setError(""),
  });

  return (
    <div>
      {missing && <p role="alert">The chat could not be loaded. Please try again later.</p>}
      {error && <p role="alert">{error}</p>}
      {shown && <h2>{shown.title}</h2>}
      <ChatKit control={control} style={{ height: 600, width: 360 }} />
    </div>
  );
}
