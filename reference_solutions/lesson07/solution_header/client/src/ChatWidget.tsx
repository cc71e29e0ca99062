import { ChatKit, useChatKit } from "@openai/chatkit-react";
import { createElement as h, useCallback, useEffect, useState } from "react";

interface Props {
  apiUrl: string;
  domainKey: string;
  token?: string;
}

const isMessage = (body: unknown) =>
  typeof body === "string" && /"type":"threads\.(create|add_user_message)"/.test(body);

function pageHeader() {
  const headings = Array.from(document.querySelectorAll("h1,h2,h3"), (each) => each.textContent);
  const page = { url: location.href, title: document.title, headings };
  // A header holds Latin-1 only, and servers refuse long ones.
  return encodeURIComponent(JSON.stringify(page).slice(0, 6000));
}

export const ChatWidget = ({ apiUrl, domainKey, token }: Props) => {
  const [problem, setProblem] = useState<string | null>(null);
  const [waited, setWaited] = useState(false);
  const [here, setHere] = useState(false);

  const ask = useCallback(
    async (input: RequestInfo | URL, init: RequestInit = {}) => {
      const own: Record<string, string> = {};
      if (token) own["authorization"] = `bearer ${token}`;
      if (isMessage(init.body)) own["x-page"] = pageHeader();
      const headers = { ...(init.headers as Record<string, string>), ...own };
      return await fetch(input, { ...init, headers, credentials: "include" });
    },
    [token],
  );
  const { control } = useChatKit({
    api: { url: apiUrl, domainKey, fetch: ask },
    theme: "light",
    onError({ error }) {
      setProblem(error.message);
    },
  });

  useEffect(() => {
    const timer = setInterval(() => setWaited(true), 5000);
    customElements.whenDefined("openai-chatkit").then(() => setHere(true));
    return () => clearInterval(timer);
  }, []);

  const notice = waited && !here ? "Sorry, the chat is not available at the moment." : problem;
  return h("section", null, notice && h("p", { role: "status" }, notice), h(ChatKit, { control }));
};
