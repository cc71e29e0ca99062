import { useEffect, useState } from "react";

const SECONDS_FOR_THE_SCRIPT = 10;

// Whether ChatKit's script has not come in time. It may still come later.
export function useMissingScript() {
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
