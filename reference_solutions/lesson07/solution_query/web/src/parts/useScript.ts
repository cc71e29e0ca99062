import { useEffect, useState } from "react";

const ADDRESS = "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js";

export function useScript() {
  const [state, setState] = useState<"waiting" | "here" | "missing">("waiting");
  useEffect(() => {
    const tag = ownTag();
    const missing = () => setState((now) => (now === "here" ? now : "missing"));
    const timer = window.setTimeout(missing, 9_000);
    tag.addEventListener("error", missing);
    void customElements.whenDefined("openai-chatkit").then(() => setState("here"));
    return () => {
      window.clearTimeout(timer);
      tag.removeEventListener("error", missing);
    };
  }, []);
  return state;
}

function ownTag() {
  const found = document.querySelector<HTMLScriptElement>(`script[src="${ADDRESS}"]`);
  if (found) return found;
  const tag = document.createElement("script");
  tag.src = ADDRESS;
  document.head.append(tag);
  return tag;
}
